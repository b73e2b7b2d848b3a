"""Functions of other modules, of earlier cells and of closures, in place of their calls."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, places, same

MODULE = """
import math
G = 9.81
NEGATIVE_ZERO = -0.0
FLAG = True
TABLE = [1.0, 2.0]

def weighted(x):
    return x * G + NEGATIVE_ZERO

def drag(v, c=0.5, *, rho=1.2):
    t = weighted(v) + math.sin(v)
    if FLAG:
        return 0.5 * rho * c * t * t
    return t

def count(k):
    return k + FLAG

def from_table(x):
    return TABLE[0] * x

def itself(n):
    return 1.0 if n < 1 else n * itself(n - 1)

def back_and(n):
    return forth(n)

def forth(n):
    return back_and(n)

def total(row):
    s = 0.0
    for k in range(len(row)):
        s += row[k]
    return s

square = lambda x: x * x + G
"""


@pytest.fixture
def far(tmp_path, monkeypatch):
    (tmp_path / "far_helpers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("far_helpers")
    del sys.modules["far_helpers"]


def plain():
    return np.linspace(-1.0, 1.0, 40), np.zeros(40)


def rows():
    return np.arange(200.0).reshape(40, 5), np.zeros(40)


local_square = lambda x: x * x - 1  # noqa: E731  # what is tested


def over(helper):
    def use(x, y):
        for i in range(len(y)):
            y[i] = helper(x[i])

    return use


def scaled(k):
    def inner(x):
        return k * x + local_square(x)

    return over(inner)


def use_lambda(x, y):
    for i in range(len(y)):
        y[i] = local_square(x[i])


@autopar.parallel(backend="cpu")
def decorated_helper(x):
    return 3.0 * x


def use_decorated(x, y):
    for i in range(len(y)):
        y[i] = decorated_helper(x[i])


def reason(decorated):
    (loop,) = loops_of(decorated.explain())
    return loop["reason"]


@pytest.mark.parametrize("name", ["drag", "weighted", "square", "count"])
def test_functions_of_another_module_are_put_in_place(far, name):
    same(over(getattr(far, name)), plain, ran="cpu")


def test_a_function_of_another_module_may_loop_over_a_row(far):
    def use(x, y):
        for i in range(len(y)):
            y[i] = far.total(x[i])

    same(use, rows, ran="cpu")


def test_attributes_of_modules_of_the_user(far):
    def use(x, y):
        for i in range(len(y)):
            y[i] = far.drag(x[i], rho=2) - far.square(x[i])

    same(use, plain, ran="cpu")


def test_closures_see_their_own_variables():
    for k in (2, 3.5, True, -0.0):
        same(scaled(k), plain, ran="cpu")


def test_lambdas_and_decorated_functions():
    same(use_lambda, plain, ran="cpu")
    same(use_decorated, plain, ran="cpu")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("from_table", "it reads 'TABLE', which is no number of its own module"),
        ("itself", "it calls itself"),
        ("back_and", "it calls 'back_and', and it calls itself"),
    ],
)
def test_what_cannot_be_put_in_place_says_why(far, name, said):
    helper = getattr(far, name)

    def use(x, y):
        for i in range(3):
            y[i] = helper(-1.0)

    if name == "back_and":
        assert said in reason(autopar.parallel(use))
    else:
        assert said in reason(same(use, plain))


CHANGES = {
    "a number": lambda far, patch: patch.setattr(far, "G", 3.0),
    "the same number of another type": lambda far, patch: patch.setattr(far, "FLAG", 1),
    "a function it calls": lambda far, patch: patch.setattr(far, "weighted", lambda x: x),
    "a module it uses": lambda far, patch: patch.setattr(far, "math", np),
    "a function of a module": lambda far, patch: patch.setattr("math.sin", lambda x: x),
    "its defaults": lambda far, patch: patch.setattr(far.drag, "__defaults__", (7.0,)),
    "a keyword's default": lambda far, patch: patch.setitem(far.drag.__kwdefaults__, "rho", 5),
    "its code": lambda far, patch: patch.setattr(
        far.drag, "__code__", (lambda v, c=0.5, *, rho=1.2: v).__code__
    ),
    "the code of what it calls": lambda far, patch: patch.setattr(
        far.weighted, "__code__", (lambda x: 1.0).__code__
    ),
    "what hides a builtin": lambda far, patch: patch.setattr(far, "FLAG", 0),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_changes_in_another_module_are_noticed_at_the_call(far, monkeypatch, change):
    drag = far.drag

    def use(x, y):
        for i in range(len(y)):
            y[i] = drag(x[i])

    decorated = same(use, plain, ran="cpu")
    arguments, expected = plain(), plain()
    for _ in range(3):  # the short way of a repeated call among them
        decorated(*arguments)
    assert places(decorated) == ["cpu"]
    with monkeypatch.context() as patch:
        CHANGES[change](far, patch)
        decorated(*arguments)
        assert places(decorated) == ["interpreter"]
        use(*expected)
    assert expected[1].tolist() == arguments[1].tolist()


def test_a_variable_of_a_closure_is_watched():
    def make():
        k = 2.0

        def inner(x):
            return k * x

        def set_to(value):
            nonlocal k
            k = value

        return over(inner), set_to

    use, set_to = make()
    decorated = same(use, plain, ran="cpu")
    set_to(5.0)
    arguments, expected = plain(), plain()
    decorated(*arguments)
    use(*expected)
    assert expected[1].tolist() == arguments[1].tolist()
    assert places(decorated) == ["interpreter"]


SCRIPT = """
import numpy as np
import far_helpers
from far_helpers import drag, square

def use(x, y):
    for i in range(len(y)):
        y[i] = drag(x[i]) + far_helpers.square(x[i])

x, y = np.linspace(-1.0, 1.0, 40), np.zeros(40)
use(x, y)
print(y.tolist())
far_helpers.G = 1.5
use(x, y)
print(y.tolist())
"""


def test_functions_of_a_script_that_call_another_module(far, tmp_path, python):
    (tmp_path / "script.py").write_text(SCRIPT)
    expected = python("script.py").stdout
    command = ("-m", "autopar", "run", "--backend", "cpu", "--report", "script.py")
    done = python(*command)
    assert done.stdout.startswith(expected)
    assert "inline" in done.stdout + done.stderr
