"""Arrays that a run overwrites as a whole: which ones, and that nothing of them is needed."""

from __future__ import annotations

import numpy as np
import pytest

from autopar.codegen.cuda import generate_cuda
from autopar.codegen.cuda_arguments import spelled
from autopar.codegen.overwritten import overwritten
from tests.codegen.cuda_builders import Case, problems, program_of
from tests.codegen.twin import TwinLauncher, load_twin


def copied(x, y, n):
    for i in range(n):
        y[i] = x[i] + 1.0


def turned(x, c, n, m):
    for i in range(n):
        for j in range(m):
            c[j, i] = x[i, j]


def product(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            s = 0.0
            for k in range(m):
                s += a[i, k] * b[k, j]
            c[i, j] = s


def again_and_again(x, y, n, steps):
    for t in range(steps):
        for i in range(n):
            y[i] = x[i] * t


def in_two_places(x, y, n):
    for i in range(n):
        if x[i] > 0.0:
            y[i] = x[i]
        y[i] = -x[i]


def read_too(x, y, n):
    for i in range(n):
        y[i] = y[i] + x[i]


def in_part(x, y, n):
    for i in range(1, n):
        y[i] = x[i]


def every_other(x, y, n):
    for i in range(0, n, 2):
        y[i] = x[i]


def where_positive(x, y, n):
    for i in range(n):
        if x[i] > 0.0:
            y[i] = x[i]


def where_early(x, y, n):
    for i in range(n):
        if i < 5:
            y[i] = x[i]


def on_the_diagonal(x, c, n):
    for i in range(n):
        c[i, i] = x[i]


def below_the_diagonal(x, c, n):
    for i in range(n):
        for j in range(i + 1):
            c[i, j] = x[i]


def one_behind(x, y, n):
    for i in range(n - 1):
        y[i + 1] = x[i]


def scattered(x, y, k, n):
    for i in range(n):
        y[k[i]] = x[i]


def until(x, y, n):
    for i in range(n):
        if x[i] > 3.0:
            break
        y[i] = x[i]


def values(function, n=6, long=6):
    m = 4
    every = {
        "x": np.arange(36.0).reshape(6, 6)[:n, :m] if function is turned else np.arange(9.0) - 3,
        "y": np.full(long, 7.0),
        "c": np.full((m, n) if function is turned else (n, n), 7.0),
        "a": np.arange(24.0).reshape(6, 4),
        "b": np.arange(24.0).reshape(4, 6),
        "k": np.arange(9)[::-1] % 6,
        "n": n,
        "m": m,
        "steps": 2,
    }
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return {name: every[name] for name in names}


def conditions(function):
    program = program_of(Case(function=function, arguments=lambda: values(function)))
    names = spelled(program)
    return {name: each.condition(names) for name, each in overwritten(program).items()}


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (copied, {"y": "n >= y.shape[0]"}),
        (turned, {"c": "m >= c.shape[0] and n >= c.shape[1]"}),
        (product, {"c": "n >= c.shape[0] and n >= c.shape[1]"}),
        (again_and_again, {"y": "n >= y.shape[0] and 0 < steps"}),
        (in_two_places, {"y": "n >= y.shape[0]"}),
        (where_early, {"y": "min(5, n) >= y.shape[0]"}),
    ],
)
def test_what_loops_from_0_on_store_is_overwritten_where_they_end(function, wanted):
    assert wanted == conditions(function)


@pytest.mark.parametrize(
    "function",
    [
        read_too, in_part, every_other, where_positive, on_the_diagonal,
        below_the_diagonal, one_behind, scattered, until,
    ],
)  # fmt: skip
def test_what_is_read_or_stored_in_part_is_needed(function):
    assert {} == conditions(function)


@pytest.mark.parametrize(
    ("function", "long", "blank"),
    [(copied, 6, 1), (copied, 9, 0), (turned, 6, 1), (product, 6, 1)],
)
def test_rubbish_in_its_place_is_not_seen(function, long, blank):
    case = Case(function=function, arguments=lambda: values(function, long=long))
    program = program_of(case)
    twin = load_twin(generate_cuda(program))
    launcher = TwinLauncher(twin.cuda)
    assert [] == list(problems(case, program, twin.run, launcher))
    assert blank == launcher.blank


def test_the_condition_is_also_known_by_values():
    program = program_of(Case(function=copied, arguments=lambda: values(copied)))
    (found,) = overwritten(program).values()
    assert found.holds((6,), {"n": 6})
    assert not found.holds((7,), {"n": 6})
