"""The forms of another order, one by one: what is said of each, and that nobody can tell it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autopar
from tests.adversary import ORDERS
from tests.ordered_nests import drafts_of, generated, interpreted, nest_of
from tests.sameness import loops_of, same


def interchanged(a, b, n, m):
    for t in range(m - 1):
        for i in range(n):
            a[i, t + 1] = 0.9 * a[i, t] + 0.1 * b[i, t]


def backwards(a, b, n, m):
    for t in range(m - 1):
        for i in range(n - 1, -1, -1):
            a[i, t + 1] = 0.9 * a[i, t] + 0.1 * b[i, t]


def against_time(a, b, n, m):
    for j in range(m - 2, -1, -1):
        for i in range(n):
            a[i, j] = 0.5 * (a[i, j + 1] + b[i, j])


def one_iteration_later(a, b, n, m):
    for i in range(1, n):
        for j in range(m):
            a[i, j] = b[i, j] * 0.5
            b[i, j] = a[i - 1, j] + 1.0


def half_in_order(a, b, n, m):
    for i in range(1, n):
        a[i, 0] = a[i - 1, 0] * 0.5 + b[0, i]
        for j in range(1, m):
            b[i, j] = a[i, 0] * b[i, j]


def wavefront(a, b, n, m):
    for i in range(1, n):
        for j in range(1, m):
            a[i, j] = 0.5 * (a[i - 1, j] + a[i, j - 1]) + b[i, j]


def split_at_a_row(a, b, n, m):
    for k in range(m):
        for i in range(m):
            for j in range(m):
                a[i, j] = min(a[i, j], a[i, k] + a[k, j])


def sums_of_columns(a, b, n, m):
    for j in range(m):
        for i in range(n):
            b[0, j] += a[i, j]


def column_by_column(a, b, n, m):
    for i in range(m):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k] * 0.1
            a[i, j] /= b[j, j]
        for k in range(i):
            b[i, i] += a[i, k] * a[i, k]


# Words of the CPU, of a device, and what the transformed nest has that the source does not show.
FORMS = {
    "interchange": (
        interchanged,
        ["interchange", "interchange"],
        "parallel for i in range(0, n):\n    for t in range(0, m - 1):",
    ),
    "reversal of a parallel loop": (
        backwards,
        ["interchange", "interchange"],
        "parallel for i in range(0, n):\n    for t in range(0, m - 1):",
    ),
    "interchange with a reversed loop": (
        against_time,
        ["interchange", "interchange"],
        "parallel for i in range(0, n):\n    for c3 in range(2 - m, 1):",
    ),
    "shifting, by distribution": (
        one_iteration_later,
        ["distribute", "distribute"],
        "parallel for",
    ),
    "distribution": (half_in_order, ["distribute", ""], "parallel for"),
    "skewing": (wavefront, ["skew", "skew"], "in order: "),
    "index-set splitting": (split_at_a_row, ["", "split", "split"], "parallel for"),
    "interchange of a loop with the one around more than it": (
        column_by_column,
        ["interchange, distribute", "interchange"],
        "for j in range(0, m):",
    ),
    "tiles and interchange": (
        sums_of_columns,
        ["tile, interchange", "interchange"],
        "parallel for",
    ),
}
each_form = pytest.mark.parametrize("form", FORMS)


def arguments(n=12, m=11):
    a, b = np.random.default_rng(3).uniform(0.5, 2.0, (2, n, max(n, m)))
    return a, b, n, m


@each_form
def test_a_form_runs_in_hostile_orders(form):
    nest = nest_of(FORMS[form][0], *arguments())
    drafts = drafts_of(nest)
    expected = interpreted(nest)
    for order, sizes in itertools.product(ORDERS.values(), ((1,), (3, 2))):
        assert expected == generated(nest, drafts, order, sizes=sizes)


@each_form
def test_a_form_is_shown(form):
    function, _, shown = FORMS[form]
    report = str(autopar.parallel(function).explain())
    assert "As it runs from line" in report
    assert shown in "\n".join(line.split(" | ")[-1] for line in report.splitlines())


@each_form
def test_a_form_on_a_target(form, backend):
    function, words, _ = FORMS[form]
    if backend == "cpu":  # drafts say what is compiled
        drafts = drafts_of(nest_of(function, *arguments()))
        found = [each for draft in drafts for each in draft.transforms]
        assert {word for each in words for word in each.split(", ") if word} == {
            word for _, word in found
        }
        return
    decorated = same(function, lambda: arguments(7, 6), backend, ran="cpu", cache=False)
    found = [word for loop in loops_of(decorated.last_run) for word in loop["transform"]]
    assert set(found) <= {word for each in words for word in each.split(", ")}
    assert found or form == "tiles and interchange"


def test_forms_on_the_simulator(on_simulator):
    on_simulator(__file__)
