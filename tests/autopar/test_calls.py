"""Functions as the user writes them: several values, stores, arguments that are functions."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same

STEP = 0.25


def rotated(x, y, angle):
    c, s = math.cos(angle), math.sin(angle)
    return c * x - s * y, s * x + c * y


def bounds(x):
    if x < 0:
        return x, -x, 1
    return -x, x, 2


def unequal(x):
    if x < 0:
        return x
    return x, x


def spread(a, i, value):
    """Store into two elements."""
    a[i] = value
    a[i + 1] = 2 * value


def clamp_at(a, i):
    if a[i] > 0.5:
        a[i] = 0.5
        return
    if a[i] < -0.5:
        a[i] = -0.5


def set_and_tell(a, i):
    old = a[i]
    a[i] = 0.0
    return old


def divided(x, y):
    quotient = x / y
    return quotient


def euler(u, f, dt):
    return u + dt * f(u)


def midpoint(u, f, dt):
    half = euler(u, f, 0.5 * dt)
    return u + dt * f(half)


def keeps(x, f):
    return f(x) if f else x


def growth(u):
    return -2.0 * u + STEP


def of_row(a):
    s = np.zeros(3)
    for k in range(3):
        s[k] = a[k] * a[k]
    return s[0] + s[1] - s[2]


doubled = lambda v: 2 * v  # noqa: E731  # what is tested


def use_rotated(x, y):
    for i in range(len(y)):
        p, q = rotated(x[i], y[i], 0.1)
        y[i] = p - q


def use_rotated_in_place(x, y):
    for i in range(len(y)):
        x[i], y[i] = rotated(x[i], y[i], 0.1)


def use_bounds(x, y):
    s = 0
    for i in range(len(y)):
        low, y[i], kind = bounds(x[i])
        s += kind
    return s, low


def use_two_calls(x, y):
    for i in range(len(y)):
        a, b = rotated(x[i], 1.0, 0.5)
        c, d = rotated(b, a, 0.5)
        y[i] = a + 10 * b + 100 * c + 1000 * d


def use_spread(x, y):
    for i in range(0, len(y) - 1, 2):
        spread(y, i, x[i])


def use_spread_everywhere(x, y):
    for i in range(len(y) - 1):
        spread(y, i, x[i])


def use_spread_past_the_end(x, y):
    for i in range(len(y)):
        spread(y, i, x[i])


def use_clamp(x, y):
    for i in range(len(x)):
        clamp_at(x, i)
        y[i] = x[i]


def use_set_and_tell(x, y):
    for i in range(len(x)):
        y[i] = set_and_tell(x, i)


def use_shared(x, y):
    for i in range(len(x)):
        y[i] = set_and_tell(x, i) + x[i]


def use_divided(x, y):
    for i in range(len(x)):
        y[i] = divided(1, x[i] - x[i])


def use_int_divided(x, y, n):
    for i in range(n):
        y[i] = i
        divided(1, n - i - 3)


def use_euler(x, y):
    for i in range(len(y)):
        y[i] = euler(x[i], growth, 0.1) + euler(x[i], doubled, 0.2)


def use_midpoint(x, y):
    for i in range(len(y)):
        y[i] = midpoint(x[i], f=growth, dt=0.1)


def use_math(x, y):
    for i in range(len(y)):
        y[i] = euler(x[i], math.sin, 0.1) - euler(x[i], abs, 0.1)


def use_keeps(x, y):
    for i in range(len(y)):
        y[i] = keeps(x[i], growth)


def use_inner(x, y, k=3):
    def inner(v, by=1.5):
        return k * v + by

    other = lambda v: inner(v) - k  # noqa: E731  # what is tested
    for i in range(len(y)):
        y[i] = inner(x[i]) + other(x[i]) + euler(x[i], inner, 0.5)


def use_inner_that_reads_the_loop(x, y):
    def at(offset):
        return x[i] + offset

    for i in range(len(y)):
        y[i] = at(1)
        k = 2 * i
    return i, k


def use_rebound_inner(x, y):
    def inner(v):
        return 2 * v

    if len(x) > 3:
        inner = math.sin
    for i in range(len(y)):
        y[i] = inner(x[i])


def use_inner_that_escapes(x, y):
    def inner(v):
        return 2 * v

    vars_of = [inner]
    vars_of[0].__code__ = (lambda v: 3 * v).__code__
    for i in range(len(y)):
        y[i] = inner(x[i])


def use_of_row(a, y):
    for i in range(len(y)):
        y[i] = of_row(a[i])


def use_unequal(x, y):
    for i in range(len(y)):
        y[i] = unequal(-abs(x[i]) - 1)


def use_wrong_number(x, y):
    for i in range(len(y)):
        p, q = growth(x[i])
        y[i] = p + q


def use_nothing(x, y):
    for i in range(len(y)):
        y[i] = clamp_at(x, i)


def plain():
    return np.linspace(-1.0, 1.0, 40), np.zeros(40)


def single():
    return np.linspace(-1.0, 1.0, 40, dtype=np.float32), np.ones(40, np.float32)


TAKEN = [
    (use_rotated, "inline"),
    (use_rotated_in_place, "inline"),
    (use_bounds, "inline"),
    (use_two_calls, "inline"),
    (use_spread, "inline"),
    (use_spread_everywhere, "inline"),
    (use_clamp, "inline"),
    (use_set_and_tell, "inline"),
    (use_euler, "inline"),
    (use_midpoint, "inline"),
    (use_math, "inline"),
    (use_inner, "inline"),
    (use_inner_that_reads_the_loop, "inline"),
]


@pytest.mark.parametrize(("function", "transform"), TAKEN)
@pytest.mark.parametrize("arguments", [plain, single])
def test_functions_are_put_in_place(function, transform, arguments, backend):
    decorated = same(function, arguments, backend)
    loop = loops_of(decorated.last_run)[0]
    assert transform in loop["transform"]
    if backend == "cpu" and arguments is plain:
        assert "cpu" == loop["ran"]["backend"], decorated.last_run


def test_these_are_the_same_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_arrays_that_a_function_makes(backend):
    same(use_of_row, lambda: (np.arange(120.0).reshape(40, 3), np.zeros(40)), backend)


def test_what_a_function_raises():
    same(use_spread_past_the_end, plain)
    same(use_divided, plain)
    same(use_int_divided, lambda: (*plain(), 10))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (use_shared, "it stores into 'a', and is called within an expression"),
        (use_keeps, "it does more with 'f' than call it"),
        (use_unequal, "it does not return one value in the same way on every path"),
        (use_wrong_number, "it returns one value, not 2 values"),
        (use_nothing, "it returns nothing, not one value"),
    ],
)
def test_what_is_not_put_in_place_says_why(function, said):
    decorated = same(function, plain)
    assert said in loops_of(decorated.explain())[0]["reason"]


@pytest.mark.parametrize("function", [use_rebound_inner, use_inner_that_escapes])
def test_inner_functions_that_may_change_are_left_alone(function):
    decorated = same(function, plain)
    assert "AP216" == loops_of(decorated.explain())[0]["code"]


def test_what_was_passed_is_watched(monkeypatch):
    decorated = same(use_euler, plain, ran="cpu")
    monkeypatch.setattr(sys.modules[__name__], "growth", lambda u: u)
    arguments, expected = plain(), plain()
    decorated(*arguments)
    use_euler(*expected)
    assert expected[1].tolist() == arguments[1].tolist()


def test_a_function_that_is_defined_in_a_function_is_shown_with_its_loop():
    report = autopar.parallel(use_inner).explain()
    assert ["parallel"] == [loop["verdict"] for loop in loops_of(report)]
