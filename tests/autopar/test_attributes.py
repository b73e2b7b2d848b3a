"""Loops over attributes: read once where nothing can notice, else left to the interpreter."""

from __future__ import annotations

import functools
import sys
import types
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

import autopar
from autopar.chains import ChainGuard
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.light_guards import MOST_SLEPT_OF_LOOPS
from autopar.resting import MOST_SHORT
from tests.sameness import freeze, loops_of, notes, places, same

N = 40


class Shown:
    """An object whose repr is all that it holds, so that calls can be compared."""

    def __repr__(self) -> str:
        held = dict(vars(self)) if hasattr(self, "__dict__") else {}
        slots = [name for each in type(self).__mro__ for name in vars(each).get("__slots__", ())]
        held |= {name: getattr(self, name) for name in slots if hasattr(self, name)}
        return repr([(name, freeze(value)) for name, value in held.items()])


class Grid(Shown):
    scale = 2.0  # of the class

    def __init__(self, n: int = N) -> None:
        self.n, self.lo = n, 1
        self.u = np.random.default_rng(1).random(n)
        self.v = np.zeros(n)
        self.total, self.count, self.best, self.last = 0.0, 0, -1.0, 0
        self.__hidden = np.arange(float(n))

    @property
    def size_now(self) -> int:
        return len(self.u)

    @functools.cached_property
    def half(self) -> int:
        return self.n // 2

    def sweep(self, k):
        for i in range(self.lo, self.n - 1):
            self.v[i] = self.u[i] + k * (self.u[i + 1] - 2 * self.u[i] + self.u[i - 1])

    def add(self):
        for i in range(self.n):
            self.total += self.u[i] * self.scale
            self.count += 1

    def find_best(self):
        for i in range(self.n):
            if self.u[i] > self.best:
                self.best = self.u[i]
                self.last = i

    def private(self):
        for i in range(self.n):
            self.__hidden[i] = 2 * self.__hidden[i]

    def private_sum(self):
        self.__sum = 0.0
        for i in range(self.n):
            self.__sum += self.__hidden[i]


class Slots(Shown):
    __slots__ = ("n", "total", "u")

    def __init__(self) -> None:
        self.n, self.total, self.u = N, 0, np.arange(float(N))


class Outer(Shown):
    def __init__(self) -> None:
        self.grid = Grid()
        self.cells = np.zeros((N, 3))


class Parameters(NamedTuple):
    n: int
    k: float


class Config:
    N = N
    RATE = 0.25


def slots(s):
    for i in range(s.n):
        s.u[i] = s.u[i] + 1.0
        s.total += i


def nested(o, k):
    for i in range(o.grid.lo, o.grid.n):
        for j in range(o.cells.shape[1]):
            o.cells[i, j] = k * o.grid.u[i] + o.grid.u[i - 1]


def length(o):
    for i in range(len(o.grid.u)):
        o.grid.v[i] = o.grid.u[i] * 2


def size(a, b):
    for i in range(a.size):
        b[i] = a[i] + a.ndim


def tuples(p, x, y):
    for i in range(p.n):
        y[i] = p.k * x[i]


def of_class(x, y):
    for i in range(Config.N):
        y[i] = Config.RATE * x[i]


def elements(g):
    for i, (x, y) in enumerate(zip(g.u, g.v)):  # noqa: B905
        g.v[i] = x + y


def rows(o):
    s = 0.0
    for row in o.cells:
        s += row[0]
    return s, row


def shifted(g, i):
    return g.u[i] + g.scale


def helped(g, y):
    for i in range(g.n):
        y[i] = shifted(g, i)


def steps(g, count):
    for _ in range(count):
        for i in range(1, g.n - 1):
            g.v[i] = 0.5 * (g.u[i - 1] + g.u[i + 1])
        g.u, g.v = g.v, g.u


def left_early(g, t):
    for j in range(3):
        for i in range(g.n):
            if g.u[i] > t:
                break
            g.v[i] += 1.0
    return i


def numbers():
    return np.random.default_rng(4).random(N)


TAKEN = [
    (Grid.sweep, lambda: (Grid(), 0.1)),
    (Grid.add, lambda: (Grid(),)),
    (Grid.find_best, lambda: (Grid(),)),
    (Grid.private, lambda: (Grid(),)),
    (Grid.private_sum, lambda: (Grid(),)),
    (slots, lambda: (Slots(),)),
    (nested, lambda: (Outer(), 0.5)),
    (length, lambda: (Outer(),)),
    (size, lambda: (numbers(), np.zeros(N))),
    (tuples, lambda: (Parameters(N, 0.5), numbers(), np.zeros(N))),
    (of_class, lambda: (numbers(), np.zeros(N))),
    (elements, lambda: (Grid(),)),
    (rows, lambda: (Outer(),)),
    (helped, lambda: (Grid(), np.zeros(N))),
    (steps, lambda: (Grid(), 3)),
    (left_early, lambda: (Grid(), 0.9)),
]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_attributes_are_read_before_the_loop(function, arguments):
    same(function, arguments, ran="cpu")


# ---------------------------------------------------------------- what only the interpreter may do


def up_to_property(g, y):
    for i in range(g.size_now):
        y[i] = 1.0


def up_to_half(g, y):
    for i in range(g.half):
        y[i] = 1.0


def missing(g, y):
    for i in range(g.n):
        y[i] = g.nothing


def assigns_rate(g):
    for i in range(g.n):
        g.rate = i * 2.0


def assigns_scale(g):
    for i in range(g.n):
        g.scale += g.u[i]


class Dynamic(Grid):
    def __getattr__(self, name):
        if name == "nothing":
            return 3.0
        raise AttributeError(name)


class Logged(Grid):
    read: ClassVar[list[str]] = []

    def __getattribute__(self, name):
        if not name.startswith("__"):
            Logged.read.append(name)
        return super().__getattribute__(name)


class Frozen(Grid):
    def __setattr__(self, name, value):
        if name == "total" and "total" in self.__dict__:
            raise AttributeError("frozen")
        super().__setattr__(name, value)


class Doubled:
    """A data descriptor: what is stored is not what is read."""

    def __get__(self, instance, owner):
        return 2 * instance.__dict__["n"]

    def __set__(self, instance, value):
        instance.__dict__["n"] = value


class Descriptive(Grid):
    n = Doubled()


def with_half():
    g = Grid()
    assert g.half == N // 2
    return g, np.zeros(N)


LEFT = [
    (up_to_property, lambda: (Grid(), np.zeros(N)), "AP517"),
    (up_to_half, lambda: (Grid(), np.zeros(N)), "AP517"),
    (missing, lambda: (Grid(), np.zeros(N)), "AP517"),
    (missing, lambda: (Dynamic(), np.zeros(N)), "AP517"),
    (assigns_rate, lambda: (Grid(),), "AP517"),  # no such attribute before
    (Grid.sweep, lambda: (Logged(), 0.1), "AP517"),
    (Grid.add, lambda: (Frozen(),), "AP517"),
    (Grid.sweep, lambda: (Descriptive(), 0.1), "AP517"),
    (Grid.sweep, lambda: (3, 0.1), "AP517"),
]


@pytest.mark.parametrize(("function", "arguments", "code"), LEFT)
def test_what_may_run_code_is_left_to_the_interpreter(function, arguments, code):
    decorated = same(function, arguments, ran="interpreter")
    assert notes(decorated)[0].startswith(code)


def test_reading_has_no_effects():
    Logged.read.clear()
    Grid.sweep(Logged(), 0.1)
    plain = len(Logged.read)
    Logged.read.clear()
    autopar.parallel(Grid.sweep, backend="cpu")(Logged(), 0.1)
    assert plain == len(Logged.read)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (up_to_half, with_half),  # the instance has it by now
        (Grid.sweep, lambda: (Dynamic(), 0.1)),  # `__getattr__` is for what is missing
        (assigns_scale, lambda: (Grid(),)),  # from the class, then in the instance
        (Grid.sweep, lambda: (Frozen(), 0.1)),
    ],
)
def test_what_the_instance_holds_is_read(function, arguments):
    same(function, arguments, ran="cpu")


def test_a_class_that_changes_is_noticed():
    class Plain(Grid):
        pass

    decorated = autopar.parallel(Grid.sweep, backend="cpu")
    g = Plain()
    decorated(g, 0.1)
    assert places(decorated) == ["cpu"]
    Plain.lo = property(lambda self: 5)  # type: ignore[assignment]  # what users may do
    h = Plain.__new__(Plain)
    h.__dict__.update(Grid().__dict__)
    decorated(h, 0.1)
    assert places(decorated) == ["interpreter"]
    assert not h.v[:5].any()
    assert h.v[5:-1].all()


# ------------------------------------------------------------------------------ two ways to one


class Sum(Shown):
    other: Sum

    def __init__(self) -> None:
        self.total = 1.0


def two_sums(a, b, x):
    for i in range(len(x)):
        a.total += x[i] * b.total


def through(a, b, x):
    for i in range(len(x)):
        a.other.total += x[i] + b.total


def same_sum():
    a = Sum()
    return a, a, numbers()


def shared_dictionary():
    a, b = Sum(), Sum()
    b.__dict__ = a.__dict__
    return a, b, numbers()


def linked(to_itself):
    a, b = Sum(), Sum()
    a.other = b if to_itself else Sum()
    return a, b, numbers()


@pytest.mark.parametrize("arguments", [same_sum, shared_dictionary])
def test_one_attribute_with_two_names_is_noticed(arguments):
    decorated = same(two_sums, arguments, ran="interpreter")
    assert notes(decorated)[0].startswith("AP518")


def test_one_attribute_on_two_ways_is_noticed():
    def ask(to_itself, ran):
        decorated = autopar.parallel(through, backend="cpu")
        expected, actual = linked(to_itself), linked(to_itself)
        through(*expected)
        decorated(*actual)
        assert repr(expected[0].other) == repr(actual[0].other)
        assert places(decorated) == [ran]

    ask(to_itself=True, ran="interpreter")
    ask(to_itself=False, ran="cpu")


def test_arrays_that_two_attributes_share_are_noticed():
    def make():
        g = Grid()
        g.v = g.u[1:]
        g.n -= 1
        return g, 0.1

    same(Grid.sweep, make)


def changing(objects, y):
    for i in range(3):
        g = objects[i]
        y[i] = g.n
    for g in objects:
        y[g.lo] = 7.0
    for o in objects:
        o.total = 1.0


def replaced(o, y):
    for i in range(N):
        o.grid = i
        y[i] = o.grid.n


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (changing, lambda: ([Grid(5), Grid(6), Grid(7)], np.zeros(9))),
        (replaced, lambda: (Outer(), np.zeros(N))),
    ],
)
def test_an_object_that_changes_in_the_loop_is_not_read_before_it(function, arguments):
    decorated = same(function, arguments)
    codes = {loop["code"] for loop in decorated.explain().to_dict()["functions"][0]["loops"]}
    assert "AP314" in codes
    assert "cpu" not in places(decorated)


def test_modules_are_read_and_noticed(monkeypatch):
    module: Any = types.ModuleType("settings")
    module.N, module.K = N, 3
    monkeypatch.setattr(me, "settings", module)
    same(uses_module, lambda: (np.zeros(N),), ran="cpu")
    module.K = 4.5
    same(uses_module, lambda: (np.zeros(N),), ran="cpu")
    module.__getattr__ = lambda name: 1
    del module.K
    same(uses_module, lambda: (np.zeros(N),), ran="interpreter")


def uses_module(y):
    for i in range(settings.N):
        y[i] = settings.K * i


settings: Any = None
me = sys.modules[__name__]
COUNTER = 0


def counts_here(y):
    global COUNTER
    COUNTER = 0
    for i in range(len(y)):
        COUNTER += 1
        y[i] = me.COUNTER
    return COUNTER


def test_a_variable_of_the_module_is_no_attribute():
    same(counts_here, lambda: (np.zeros(9),), ran="interpreter")


def test_exceptions_leave_attributes_as_the_interpreter_does():
    def make():
        g = Grid()
        g.u = g.u[:-3]
        return (g,)

    same(Grid.add, make, ran="interpreter")


def test_methods_are_decorated_in_their_class():
    class Field(Shown):
        def __init__(self) -> None:
            self.n, self.x = N, np.zeros(N)

        @autopar.parallel(backend="cpu")
        def fill(self, value):
            for i in range(self.n):
                self.x[i] = value * i
            return self

    class Doubling(Field):
        def fill(self, value):
            return super().fill(2 * value)

    f = Doubling()
    assert f.fill(3.0) is f
    assert f.x.tolist() == [6.0 * i for i in range(N)]
    assert places(Field.fill) == ["cpu"]


def test_attributes_on_each_backend(backend):
    same(Grid.sweep, lambda: (Grid(), 0.1), backend)
    same(nested, lambda: (Outer(), 0.5), backend)
    same(slots, lambda: (Slots(),), backend)
    same(helped, lambda: (Grid(), np.zeros(N)), backend)


def test_attributes_on_the_simulator(on_simulator):
    on_simulator(__file__)


class Boundary:
    def __init__(self, n):
        self.n, self.u = n, np.arange(float(n + 2))

    def fill(self, k):
        for i in range(k):
            self.u[i] = self.u[2 * k - i]
        return i


def test_short_calls_that_assign_attributes_rest(monkeypatch):
    """Nothing is asked of objects for loops that stay in the interpreter; longer ones are."""
    asked = []
    reached = ChainGuard._reached_twice

    def counted(*given):
        asked.append(1)
        return reached(*given)

    monkeypatch.setattr(ChainGuard, "_reached_twice", counted)
    monkeypatch.setattr(CURRENT, "rates", replace(DEFAULTS, compile=20e6))
    fill = autopar.parallel(Boundary.fill)
    ours, theirs = Boundary(2_000_000), Boundary(2_000_000)
    for _ in range(200):
        assert 0 == fill(ours, 1)
        Boundary.fill(theirs, 1)
    assert MOST_SHORT <= len(asked) < 100
    (last,) = loops_of(fill.last_run)
    assert "ran" not in last  # its guard sleeps
    for _ in range(2 * MOST_SLEPT_OF_LOOPS):  # one is asked about, and together they are worth it
        fill(ours, 20_000)
    Boundary.fill(theirs, 20_000)
    (last,) = loops_of(fill.last_run)
    assert "cpu" == last["ran"]["backend"]
    assert np.array_equal(ours.u, theirs.u)
