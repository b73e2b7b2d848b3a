"""`sum`, `max`, `any` and their like over comprehensions inside loops: values, types, order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from autopar.analysis.passes import type_calls
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, places, same

# mypy: disable-error-code="no-untyped-def"

Arguments = Callable[[], tuple[Any, ...]]


def sums(a, x, n):
    for i in range(len(x)):
        x[i] = 2 * sum(a[i] * a[j] for j in range(n)) - sum([a[j] for j in range(i)], 0.5)


def chosen_sums(a, x):
    for i in range(len(x)):
        x[i] += sum(v * w for v, w in zip(a, x) if v > a[i])  # noqa: B905  # as people write


def counts(a, out):
    for i in range(len(a)):
        out[i] = sum(1 for v in a if v > a[i]) + len([v for v in a if v == a[i]])


def extremes(a, x, n):
    for i in range(len(x)):
        x[i] = max(a[j] - a[i] for j in range(1, n)) * min([a[i] * v for v in a])


def of_lists(table, out, n):
    for i in range(n):
        out[i] = max(k * table[k] for k in range(n)) + sum(v for v in table) + min(i, n)


def decided(a, x):
    for i in range(len(x)):
        if any(v > a[i] for v in a) and all(v > a[i] for v in a if v != a[i]):
            x[i] = 1.0
        elif all([v * a[i] < 9 for v in a]):
            x[i] = 2.0


def early(a, b, x):
    for i in range(len(x)):
        x[i] = any(b[i] / (v - a[i] + 0.5) > 0.01 for v in a) if i else 0.0


def primes(n):
    found = []
    for k in range(2, n):
        if all(k % d for d in range(2, k)):
            found.append(k)
    return found


def nested(m, x):
    for i in range(len(x)):
        x[i] = max(sum(m[j, k] * m[i, k] for k in range(m.shape[1])) for j in range(len(m)))


def same_names(a, x, n):
    j, v = 3, n
    for i in range(len(x)):
        x[i] = sum(v * j for j in range(v) for v in a) + j * v
    return j, v


def last(a, n):
    total = -1
    for _ in range(n):
        total = sum(a[j] for j in range(n))
    return total


def products(a, x, n):
    for i in range(len(x)):
        x[i] = math.prod(a[j] for j in range(min(i, n)))


def norm(v, w):
    return math.sqrt(sum((v[k] - w[k]) ** 2 for k in range(len(v))))


def by_a_helper(m, out):
    for i in range(len(m)):
        for j in range(len(m)):
            out[i, j] = norm(m[i], m[j])


def rows(m):
    return [sum(v * v for v in row) - max(v for v in row) for row in m]


def until(a, x):
    step = 1.0
    while step > 0.1:
        for i in range(len(x)):
            x[i] = step * max(a[j] + x[i] for j in range(len(a)))
        step /= 2
    return step


def nearest(m, c, out):
    for i in range(len(m)):
        out[i] = np.argmin([np.sum((m[i] - c[k]) ** 2) for k in range(len(c))])


def best_of_a_list(m, out):
    for i in range(len(m)):
        values = [v for v in m[0]] if i else [m[i, k] * 2 for k in range(1, 4)]
        out[i] = max(values) + values[-1] - len(values) * sum(values)


def best_place(m, out):
    for i in range(len(m)):
        values = [m[i, k] * 2 for k in range(1, 4)]
        out[i] = values[np.argmax(values)] - len(values) + min(values)


def arrays(a, x):
    for i in range(len(x)):
        t = np.array([j * 0.5 for j in range(3)])
        t *= a[i]
        x[i] = t.sum() + np.mean([v + i for v in a])


def python_values(x, n):
    for i in range(len(x)):
        values = [j / 3 for j in range(n)]
        x[i] = values[1] * 2


def doubled(a, x):
    for i in range(len(x)):
        values = [v * 2 for v in a]
        more = values * 2
        x[i] = more[len(a)] + len(more)


def living_list(a, x):
    for i in range(len(x)):
        values = [v * i for v in a]
        x[i] = values[0]
    return values


def read_before(a, x):
    values = [0.5 for _ in a]
    for i in range(len(x)):
        x[i] = values[0]
        values = [v * i for v in a]


def given_away(a, x):
    kept = []
    for i in range(len(x)):
        t = np.array([v * i for v in a])
        kept.append(t)
        x[i] = t[0]
    return kept


def unsure(a, x):
    for i in range(len(x)):
        if a[i] > 0.5 or any(v < 0.1 for v in a):
            x[i] = 1.0


def leaving(a, x):
    for i in range(len(x)):
        if any(v < x[i] for v in a):
            break
        x[i] += 1.0
    return i


def filtered_best(a, x):
    for i in range(len(x)):
        x[i] = max(v for v in a if v <= a[i])


def walrus(a, x):
    for i in range(len(x)):
        x[i] = sum(last := v for v in a)
    return last


def cells(n: int, *, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).random(n)


def odd(n: int) -> np.ndarray[Any, Any]:
    """Return zeros of both signs, numbers, and a nan that is not the first element."""
    found = np.where(cells(n) > 0.5, 0.0, -0.0)
    found[n // 2 :: 5] = np.nan
    return found


TAKEN: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "sums": (sums, lambda: (cells(30), np.zeros(30), 20)),
    "sums of float32": (sums, lambda: (cells(30).astype("f4"), np.zeros(30), 20)),
    "sums of nan": (sums, lambda: (odd(30), np.zeros(30), 20)),
    "chosen sums": (chosen_sums, lambda: (cells(30), np.ones(30))),
    "counts": (counts, lambda: (cells(30), np.zeros(30, int))),
    "extremes": (extremes, lambda: (cells(30), np.zeros(30), 20)),
    "extremes of nan": (extremes, lambda: (odd(30), np.zeros(30), 30)),
    "lists of ints": (of_lists, lambda: ([*range(30)], np.zeros(30, int), 30)),
    "decided": (decided, lambda: (cells(30), np.zeros(30))),
    "early": (early, lambda: (np.arange(1.0, 31.0), cells(30), np.zeros(30))),
    "primes": (primes, lambda: (400,)),
    "nested": (nested, lambda: (cells(60).reshape(12, 5), np.zeros(12))),
    "same names": (same_names, lambda: (cells(8), np.zeros(9), 5)),
    "last": (last, lambda: (cells(9), 9)),
    "products": (products, lambda: (cells(30), np.zeros(30), 20)),
    "a helper": (by_a_helper, lambda: (cells(40).reshape(8, 5), np.zeros((8, 8)))),
    "rows": (rows, lambda: (cells(40).reshape(8, 5),)),
    "nearest": (nearest, lambda: (cells(60).reshape(12, 5), cells(15).reshape(3, 5), np.zeros(12))),
    "best place": (best_place, lambda: (cells(60).reshape(12, 5), np.zeros(12))),
    "arrays": (arrays, lambda: (cells(12), np.zeros(12))),
    "until": (until, lambda: (cells(30), np.zeros(30))),
}
LEFT: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "sums of nothing": (sums, lambda: (cells(30), np.zeros(30), 0)),
    "nothing to choose from": (extremes, lambda: (cells(30), np.zeros(30), 1)),
    "past the end": (sums, lambda: (cells(30), np.zeros(30), 31)),
    "large ints": (of_lists, lambda: ([2**62] * 30, [0] * 30, 30)),
    "nearest of none": (nearest, lambda: (np.ones((3, 2)), np.ones((0, 2)), np.zeros(3))),
    "two lists": (best_of_a_list, lambda: (cells(60).reshape(12, 5), np.zeros(12))),
    "values of Python's": (python_values, lambda: (np.zeros(12), 4)),
    "a list twice": (doubled, lambda: (cells(12), np.zeros(12))),
    "a list that lives on": (living_list, lambda: (cells(12), np.zeros(12))),
    "a list of the turn before": (read_before, lambda: (cells(12), np.zeros(12))),
    "an array that is kept": (given_away, lambda: (cells(12), np.zeros(12))),
    "a condition before it": (unsure, lambda: (cells(30), np.zeros(30))),
    "leaving": (leaving, lambda: (cells(30), np.zeros(30))),
    "chosen from some": (filtered_best, lambda: (cells(30), np.zeros(30))),
    "a name that lives on": (walrus, lambda: (cells(30), np.zeros(30))),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_kernel_gives_what_the_interpreter_gives(name):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, ran="cpu")


@pytest.mark.parametrize("name", LEFT)
def test_the_interpreter_does_what_no_kernel_can(name):
    function, make_arguments = LEFT[name]
    decorated = same(function, make_arguments)
    # Those of one comprehension are another matter.
    nests = [each for each in loops_of(decorated.last_run) if each["header"].startswith("for")]
    ran = [each["ran"]["backend"] for each in nests if "ran" in each]
    assert ran in ([], ["interpreter"]), decorated.last_run


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_any_order_of_iterations(monkeypatch, order):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    for name in ("counts", "extremes", "decided", "primes", "nested", "rows"):
        same(*TAKEN[name])


@pytest.mark.parametrize("name", ["counts", "extremes", "decided", "nested"])
def test_on_each_backend(name, backend):
    function, make_arguments = TAKEN[name]
    same(function, make_arguments, backend, ran="cpu")


def test_folds_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_python_3_12_adds_floats_in_another_way(monkeypatch):
    monkeypatch.setattr(type_calls, "_COMPENSATES", True)
    decorated = same(rows, lambda: ([[0.1] * 10, [0.7, 0.9]],))
    assert places(decorated) == ["interpreter"] * len(places(decorated))


def test_the_names_of_a_report_are_those_of_the_comprehension():
    decorated = autopar.parallel(nested, backend="cpu")
    decorated(*TAKEN["nested"][1]())
    texts = [each["reason"] for each in loops_of(decorated.last_run)]
    assert any("carried by k once sum is reduced" in each for each in texts), texts
    assert not any("autopar_" in each for each in texts), texts
