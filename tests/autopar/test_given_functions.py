"""Functions in variables: the loop that calls one is analysed at the call, for what it holds."""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis import stages
from tests.sameness import loops_of, places, same

SCALE = 3.0


def integrated(f, a, b, n):
    h = (b - a) / n
    s = 0.0
    for i in range(n):
        s += f(a + i * h)
    return s * h


def applied(f, x, y):
    for i in range(len(x)):
        y[i] = f(x[i]) + SCALE


def by_keyword(x, y, *, f=None):
    for i in range(len(x)):
        y[i] = f(x[i])


def two_of_them(f, g, x, y):
    for i in range(len(x)):
        if x[i] > 0.0:
            y[i] = f(g(x[i]))
        else:
            y[i] = g(x[i])
    return i


def stepped(f, u, dt, steps):
    for n in range(steps):
        u[n + 1] = u[n] + dt * f(u[n], n * dt)
    return u


def solve(f, x0, dt, n):
    x = x0
    for _ in range(n):
        x = x + dt * f(x)
    return x


def through_a_helper(f, x0, out, n):
    for i in range(len(x0)):
        out[i] = solve(f, x0[i], 0.01, n)


def collected(f, xs):
    return [f(x) for x in xs]


def appended(f, xs):
    out = []
    for x in xs:
        out.append(f(x))  # what people write
    return out


def of_a_local(kind, x, y):
    f = math.sin if kind else math.cos
    for i in range(len(x)):
        y[i] = f(x[i])


def pair(f, x, y):
    last = (0.0, 0.0)
    for i in range(len(x)):
        p, q = f(x[i])
        y[i] = p * q
        last = p
    return last


def square(x):
    return x * x


def scaled(x):
    return SCALE * x


def two(x):
    return x + 1.0, x - 1.0


def decay(u, t):
    return -2.0 * u + t


def told(x):
    print(x)
    return x


def by_closure(k):
    return lambda x: k * x + 1.0


class Affine:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * x

    def method(self, x):
        return self.k + x


def xy():
    return np.linspace(-2.0, 2.0, 50), np.zeros(50)


FUNCTIONS: dict[str, Any] = {
    "function": square,
    "global": scaled,
    "lambda": lambda x: x - 0.5,
    "closure": by_closure(2.5),
    "math": math.sin,
    "numpy": np.tanh,
    "builtin": abs,
    "decorated": autopar.parallel(square, backend="cpu"),
    "type": float,
}
OTHERS: dict[str, Any] = {
    "prints": told,
    "object": Affine(2.0),
    "method": Affine(2.0).method,
    "partial": functools.partial(max, 0.0),
}
AFFINE, DOUBLED, HALVED = by_closure(3.0), by_closure(2.0), by_closure(-0.5)
REVERSED = lambda x: -x  # noqa: E731  # what is tested
FAILING = lambda x: 1 / int(x)  # noqa: E731  # what is tested
by_function = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
by_other = pytest.mark.parametrize("f", OTHERS.values(), ids=OTHERS)


@by_function
def test_a_map_runs_with_what_it_is_given(f):
    decorated = same(applied, lambda: (f, *xy()), ran="cpu")
    (loop,) = loops_of(decorated.last_run)
    assert (loop["verdict"], loop["stage"]) == ("parallel", "call")


@by_function
def test_a_sum_keeps_the_order_of_the_interpreter(f):
    same(integrated, lambda: (f, 0.0, 1.0, 30_000), ran="cpu")


@by_other
def test_what_is_no_arithmetic_is_left_to_the_interpreter(f):
    decorated = same(applied, lambda: (f, *xy()), ran="interpreter")
    (loop,) = loops_of(decorated.last_run)
    assert loop["code"] == "AP216"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (two_of_them, lambda: (square, math.sin, *xy())),
        (two_of_them, lambda: (DOUBLED, HALVED, *xy())),
        (stepped, lambda: (decay, np.ones(40), 0.1, 39)),
        (through_a_helper, lambda: (REVERSED, *xy(), 100)),
        (collected, lambda: (square, np.linspace(0.0, 1.0, 30))),
        (collected, lambda: (math.exp, [0.5, 1.5, -2.0] * 9)),
        (appended, lambda: (AFFINE, np.linspace(0.0, 1.0, 30))),
        (of_a_local, lambda: (1, *xy())),
        (of_a_local, lambda: (0, *xy())),
        (pair, lambda: (two, *xy())),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_every_place_where_a_variable_is_called(function, arguments):
    same(function, arguments, ran="cpu")


def test_a_keyword_is_a_variable_too():
    x, y = xy()
    decorated = autopar.parallel(by_keyword, backend="cpu")
    decorated(x, y, f=square)
    assert places(decorated) == ["cpu"]
    assert (x * x).tobytes() == y.tobytes()


def test_functions_take_turns():
    decorated = autopar.parallel(applied, backend="cpu")
    for f in [*FUNCTIONS.values(), *OTHERS.values()] * 2:
        x, expected = xy()
        _, actual = xy()
        applied(f, x, expected)
        decorated(f, x, actual)
        assert expected.tobytes() == actual.tobytes()


def test_a_lambda_made_anew_is_not_analysed_anew(monkeypatch):
    seen: list[object] = []
    analyze = stages.analyze

    def noted(source, **others):
        if source.given:
            seen.append(source)
        return analyze(source, **others)

    monkeypatch.setattr(stages, "analyze", noted)
    decorated = autopar.parallel(applied, backend="cpu")
    for _ in range(50):
        x, y = xy()
        decorated(lambda t: t * 4.0, x, y)
    assert len(seen) == 1
    assert places(decorated) == ["cpu"]


def test_a_captured_number_that_changes_is_noticed():
    k = 2.0

    def f(x):
        return k * x

    decorated = autopar.parallel(applied, backend="cpu")
    for k in (2.0, 3.0, 2.0, -1.0):  # the function reads it
        x, y = xy()
        decorated(f, x, y)
        assert (k * x + SCALE).tobytes() == y.tobytes()


def test_a_global_of_the_function_that_changes_is_noticed(monkeypatch):
    decorated = autopar.parallel(collected, backend="cpu")
    assert decorated(scaled, [1.0, 2.0]) == [3.0, 6.0]
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 5.0)
    assert decorated(scaled, [1.0, 2.0]) == [5.0, 10.0]


def test_code_that_is_exchanged_is_noticed():
    def f(x):
        return x + 1.0

    def g(x):
        return x + 2.0

    decorated = autopar.parallel(collected, backend="cpu")
    assert decorated(f, [1.0, 2.0]) == [2.0, 3.0]
    f.__code__ = g.__code__
    assert decorated(f, [1.0, 2.0]) == [3.0, 4.0]


def test_a_default_that_changes_is_noticed():
    def f(x, k=2.0):
        return x * k

    decorated = autopar.parallel(collected, backend="cpu")
    assert decorated(f, [1.0, 2.0]) == [2.0, 4.0]
    f.__defaults__ = (3.0,)
    assert decorated(f, [1.0, 2.0]) == [3.0, 6.0]


def test_a_module_s_function_under_another_name_is_noticed(monkeypatch):
    def f(x):
        return math.sin(x)

    decorated = autopar.parallel(collected, backend="cpu")
    assert decorated(f, [1.0]) == [math.sin(1.0)]
    monkeypatch.setattr(math, "sin", math.cos)
    assert decorated(f, [1.0]) == [math.cos(1.0)]


def test_many_functions_are_not_all_analysed():
    decorated = autopar.parallel(collected, backend="cpu")
    for k in range(40):
        assert decorated(by_closure(float(k)), [1.0, 2.0]) == [k + 1.0, 2.0 * k + 1.0]
    assert places(decorated) == ["interpreter"]


def test_a_function_that_fails_fails_at_the_same_iteration():
    same(applied, lambda: (math.sqrt, *xy()))
    same(applied, lambda: (FAILING, *xy()))


def test_a_map_runs_on_each_backend(backend):
    same(applied, lambda: (AFFINE, *xy()), backend, ran="cpu")
    same(two_of_them, lambda: (square, REVERSED, *xy()), backend, ran="cpu")


def test_a_map_runs_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_a_name_that_a_loop_binds_is_no_such_variable():
    def looped(functions, x, y):
        for f in functions:
            for i in range(len(x)):
                y[i] += f(x[i])

    same(looped, lambda: ((math.sin, math.cos), *xy()))
    assert [loop["code"] for loop in loops_of(autopar.explain(looped))] == ["AP203", "AP203"]
