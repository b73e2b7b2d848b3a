"""Functions of the user in place of their calls: the same results, and changes are noticed."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

import autopar
from tests.sameness import same

WEIGHT = 9.81


def square(x):
    return x * x


def poly(x, a=1.0, *, b=2):
    t = square(x) + a
    return t * b + WEIGHT


def clip(x, lo, hi):
    if x < lo:
        return lo
    elif x > hi:
        return hi
    return x


def stencil(a, i):
    return a[i - 1] + a[i + 1] - 2 * a[i]


def dot(a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * b[i]
    return s


def idx(i, j, n):
    return i * n + j


def fact(n):
    return 1 if n < 1 else n * fact(n - 1)


def shout(x):
    print(x)
    return x


def many(*x):
    return x[0]


def unused(x, y):
    return x


def lazy(x, y):
    return x if x > 0.5 else y


def wave(t):
    y = math.sin(t)
    if y > 0:
        y = math.sqrt(y)
    else:
        y = -math.sqrt(-y)
    return y


def use_square(x, y):
    for i in range(len(x)):
        y[i] = square(x[i])


def use_poly(x, y):
    for i, v in enumerate(x):
        y[i] = poly(v) + poly(v, b=3) * poly(a=v, x=0.5)


def use_clip(x, y, lo, hi):
    s = 0.0
    for i, v in enumerate(x):
        y[i] = clip(v, lo, hi)
        s += clip(v + 1, lo + 0.1, hi)
    return s


def use_stencil(x, y):
    for i in range(1, len(x) - 1):
        y[i] = x[i] + 0.1 * stencil(x, i)


def use_dot(A, x, y):
    for i in range(len(y)):
        y[i] = dot(A[i], x)


def use_dot2(A, x, y):
    for i, row in enumerate(A):
        y[i] = dot(row, x)


def use_idx(x, y, n):
    for i in range(10):
        for j in range(n):
            y[idx(i, j, n)] = x[idx(i, j, n)] * 2


def use_fact(x, y):
    for i in range(len(x)):
        y[i] = fact(i)


def use_shout(x, y):
    for i in range(len(x)):
        y[i] = shout(x[i])


def use_unused(x, y, n):
    for i in range(len(x)):
        y[i] = unused(x[i], 1 / (i - n))


def use_lazy(x, y):
    for i in range(len(x)):
        y[i] = lazy(x[i], y[i + 1])


def use_cond(x, y):
    for i in range(len(x)):
        y[i] = square(x[i]) if x[i] > 0.5 else clip(x[i], 0.1, 0.2)


def use_cond2(x, y):
    for i in range(len(x)):
        if (x[i] > 0.5 and square(x[i]) < 0.8) or wave(x[i]) > 3:
            y[i] = 1.0


def use_wave(x, y):
    for i in range(len(x)):
        y[i] = wave(x[i])


def use_weight(x, y):
    for i in range(len(x)):
        y[i] = poly(x[i])


def use_own_weight(x, y):
    WEIGHT = 3
    for i in range(len(x)):
        y[i] = poly(x[i]) * WEIGHT


def use_many(x, y):
    for i in range(len(x)):
        y[i] = many(x[i])


def use_bound(x, y):
    for i in range(5):
        for j in range(square(i)):
            y[i] += x[j]


def x() -> np.ndarray:
    return np.random.default_rng(1).random(50)


def matrix() -> np.ndarray:
    return np.random.default_rng(2).random((20, 50))


def plain():
    return x(), np.zeros(50)


TAKEN = [
    (use_square, plain),
    (use_poly, plain),
    (use_stencil, plain),
    (use_dot, lambda: (matrix(), x(), np.zeros(20))),
    (use_dot2, lambda: (matrix(), x(), np.zeros(20))),
    (use_idx, lambda: (x(), np.zeros(50), 5)),
    (use_unused, lambda: (x(), np.zeros(50), 60)),
    (use_lazy, lambda: (x(), np.zeros(51))),
    (use_cond, plain),
    (use_wave, plain),
    (use_weight, plain),
]
LEFT = [
    (use_clip, lambda: (x(), np.zeros(50), 0.2, 0.7)),  # a float or a np.float64
    (use_unused, lambda: (x(), np.zeros(50), 5)),
    (use_lazy, plain),
]
UNSUPPORTED = [use_fact, use_shout, use_own_weight, use_bound, use_cond2, use_many]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_calls_are_put_in_place(function, arguments):
    decorated = same(function, arguments, ran="cpu")
    loop = decorated.last_run.to_dict()["functions"][0]["loops"][0]
    assert "inline" in loop["transform"]


@pytest.mark.parametrize(("function", "arguments"), LEFT)
def test_what_fails_is_left_to_the_interpreter(function, arguments):
    same(function, arguments, ran="interpreter")


@pytest.mark.parametrize("function", UNSUPPORTED)
def test_what_is_more_than_a_value_is_not_put_in_place(function):
    decorated = same(function, plain)
    codes = {loop["code"] for loop in decorated.explain().to_dict()["functions"][0]["loops"]}
    assert codes <= {"AP214", "AP203", "AP302"}


def test_names_of_ours_are_not_shown():
    loop = autopar.parallel(use_poly).explain().to_dict()["functions"][0]["loops"][0]
    assert ["v"] == loop["private"]


def as_now(decorated, function, ran):
    expected, actual = plain(), plain()
    function(*expected)
    decorated(*actual)
    assert expected[1].tolist() == actual[1].tolist()
    loop = decorated.last_run.to_dict()["functions"][0]["loops"][0]
    assert ran == loop["ran"]["backend"]


def test_changes_of_functions_and_globals_are_noticed_at_the_call(monkeypatch):
    here = sys.modules[__name__]
    decorated = same(use_poly, plain, ran="cpu")
    monkeypatch.setattr(here, "WEIGHT", 1)
    as_now(decorated, use_poly, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(here, "square", lambda x: 3 * x)
        as_now(decorated, use_poly, "interpreter")
    as_now(decorated, use_poly, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(poly, "__defaults__", (7.0,))
        as_now(decorated, use_poly, "interpreter")
    with monkeypatch.context() as patch:
        patch.setattr(poly, "__kwdefaults__", {"b": 5})
        as_now(decorated, use_poly, "interpreter")
    monkeypatch.setattr(square, "__code__", (lambda x: 5 * x).__code__)
    as_now(decorated, use_poly, "interpreter")


def test_defaults_that_are_not_those_of_the_text_are_not_taken_for_them(monkeypatch):
    monkeypatch.setattr(poly, "__defaults__", (7.0,))
    decorated = autopar.parallel(use_poly, backend="cpu")
    expected, actual = plain(), plain()
    use_poly(*expected)
    decorated(*actual)
    assert expected[1].tolist() == actual[1].tolist()


def test_a_global_that_is_no_number_leaves_the_loop_to_the_interpreter(monkeypatch):
    decorated = same(use_weight, plain, ran="cpu")
    monkeypatch.setattr(sys.modules[__name__], "WEIGHT", np.array(2.0))
    expected, actual = plain(), plain()
    use_weight(*expected)
    decorated(*actual)
    assert expected[1].tolist() == actual[1].tolist()


SCRIPT = """
import numpy as np
scale = 2.0
def inner(x):
    return scale * x
def f(x, k=1):
    t = inner(x) + k
    if t > 2.5:
        return t
    return -t
a = np.linspace(0, 1, 50)
b = np.zeros(50)
for i in range(50):
    b[i] = f(a[i])
print(b.sum(), i)
def f(x):
    return x
for i in range(50):
    b[i] = f(a[i])
print(b.sum())
"""


def test_a_function_that_is_defined_twice_is_never_taken_for_either(tmp_path, python):
    (tmp_path / "script.py").write_text(SCRIPT)
    expected = python("script.py").stdout
    assert expected == python("-m", "autopar", "run", "--backend", "cpu", "script.py").stdout


def test_functions_of_a_script(tmp_path, python):
    once = SCRIPT.partition("def f(x):\n")[0]
    (tmp_path / "script.py").write_text(once)
    expected = python("script.py").stdout
    command = ("-m", "autopar", "run", "--backend", "cpu", "--report", "script.py")
    done = python(*command)
    assert done.stdout.startswith(expected)
    assert "inline" in done.stdout + done.stderr
