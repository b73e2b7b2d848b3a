"""Loops in which names of arrays change places: one region, names rebound after it."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest

import autopar
from tests.sameness import freeze, loops_of, places, same

N = 30


def jacobi(u, v, n, steps):
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        u, v = v, u
    return u, v


def one_lives_on(u, v, n, steps):
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        v, u = u, v
    return u


def none_lives_on(u, v, n, steps):
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        u, v = v, u


def leapfrog(a, b, c, n, steps):
    for _ in range(steps):
        for i in range(1, n - 1):
            c[i] = 2 * b[i] - a[i] + 0.1 * (b[i - 1] - 2 * b[i] + b[i + 1])
        a, b, c = b, c, a
    return a, b, c


def in_the_middle(u, v, n, steps):
    s = 0.0
    for t in range(steps):
        u[0] = t
        u, v = v, u
        for i in range(n):
            u[i] += v[i] * t
        s += v[1]
    return s, t, u


def twice(u, v, n, steps):
    for _ in range(steps):
        for i in range(n):
            v[i] += u[i]
        u, v = v, u
        for i in range(n):
            v[i] *= u[i]
        u, v = v, u
    return u


def strided(u, v, n, first, steps):
    for t in range(first, steps, 2):
        for i in range(n):
            v[i] = u[i] + t
        u, v = v, u
    return u, t


def backwards(u, v, n, steps):
    for t in range(steps, 0, -1):
        for i in range(n):
            v[i] = u[i] + t
        u, v = v, u
    return u


def plane(u, v, n, steps):
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
        u, v = v, u
    return u


def extents(u, v, steps):
    for _ in range(steps):
        for i in range(u.shape[0] - 1):
            v[i] = u[i + 1]
        u, v = v, u
    return u


def reduced(u, v, n, steps):
    err = 0.0
    for _ in range(steps):
        err = 0.0
        for i in range(1, n - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
            d = abs(v[i] - u[i])
            if d > err:
                err = d
        u, v = v, u
    return u, err


def only_moves(u, v, w, n, steps):
    for _ in range(steps):
        for i in range(n):
            u[i] += 1.0
        v, w = w, v
        v[0] = u[0]
    return v, w


def one() -> np.ndarray:
    return np.random.default_rng(5).random(N)


def two(*more):
    return one(), np.random.default_rng(6).random(N), *more


def three(*more):
    return *two(), np.random.default_rng(7).random(N), *more


def planes(*more):
    rng = np.random.default_rng(8)
    return rng.random((N, N)), rng.random((N, N)), *more


FORMS = [
    (jacobi, lambda steps: two(N, steps)),
    (one_lives_on, lambda steps: two(N, steps)),
    (none_lives_on, lambda steps: two(N, steps)),
    (leapfrog, lambda steps: three(N, steps)),
    (in_the_middle, lambda steps: two(N, steps)),
    (twice, lambda steps: two(N, steps)),
    (strided, lambda steps: two(N, 3, 3 + 2 * steps)),
    (backwards, lambda steps: two(N, steps)),
    (plane, lambda steps: planes(N, steps)),
    (extents, two),
    (reduced, lambda steps: two(N, steps)),
]


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("function", "arguments"), FORMS)
def test_names_stand_for_what_they_do_in_the_interpreter(function, arguments, steps):
    decorated = same(function, partial(arguments, steps), ran="cpu")
    assert len(places(decorated)) == len(loops_of(decorated.last_run))  # the outermost too


@pytest.mark.parametrize(("function", "arguments"), [*FORMS, (jacobi, lambda s: two(2, s))])
def test_a_loop_of_no_turns_moves_nothing(function, arguments):
    same(function, partial(arguments, 0))


CALLS = [
    (jacobi, lambda: (np.arange(N), np.zeros(N), N, 3)),  # of two types
    (jacobi, lambda: (one().astype(np.float32), one(), N, 4)),
    (jacobi, lambda: (one(), np.zeros(N - 1), N, 1)),  # long enough for one turn only
    (jacobi, lambda: (one(), np.zeros(N - 1), N, 2)),
    (jacobi, lambda: (one(), np.zeros(N - 5), N, 3)),
    (jacobi, lambda: (one().tolist(), [0.0] * N, N, 3)),
    (jacobi, lambda: (one().tolist(), one(), N, 2)),
    (jacobi, lambda: (one(), None, N, 2)),
    (extents, lambda: (one(), np.zeros(N + 3), 3)),
    (only_moves, lambda: three(N, 3)),
    (leapfrog, lambda: (one()[::2], one()[1::2], np.zeros(N)[:15], 15, 5)),
]


@pytest.mark.parametrize(("function", "arguments"), CALLS)
def test_whatever_the_arrays_are(function, arguments):
    same(function, arguments)


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_arrays_that_share_memory(shift):
    def arguments():
        a = np.random.default_rng(1).random(2 * N)
        return a[:N], a[shift : shift + N], N, 5

    same(jacobi, arguments)


def conditional(u, v, n, steps):
    for t in range(steps):
        for i in range(n):
            v[i] = u[i] + 1
        if t % 3 == 0:
            u, v = v, u
    return u


def deep(u, v, n, steps):
    for _ in range(steps):
        for _ in range(3):
            for i in range(n):
                v[i] = u[i] + 1
            u, v = v, u
    return u


def captured(u, v, n, steps):
    def look():
        return u

    for _ in range(steps):
        for i in range(n):
            v[i] = u[i] + 1
        u, v = v, u
    return look()


def four(a, b, c, d, n, steps):
    for _ in range(steps):
        for i in range(n):
            a[i] = b[i] + 1
        a, b, c, d = b, c, d, a
    return a


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (conditional, lambda: two(N, 5)),
        (deep, lambda: two(N, 3)),
        (captured, lambda: two(N, 3)),
        (four, lambda: three(one(), N, 6)),
    ],
)
def test_other_exchanges_keep_their_meaning(function, arguments):
    same(function, arguments)


class Field:
    def __init__(self) -> None:
        self.u, self.v, self.n = one(), np.zeros(N), N

    def __repr__(self) -> str:
        return repr(freeze([self.u, self.v]))

    def steps(self, count):
        for _ in range(count):
            for i in range(1, self.n - 1):
                self.v[i] = 0.5 * (self.u[i - 1] + self.u[i + 1])
            self.u, self.v = self.v, self.u
        return self.u


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_attributes_change_places(count):
    decorated = same(Field.steps, lambda: (Field(), count))
    if count:
        assert places(decorated) == ["cpu", "cpu"]


def test_what_is_no_region_as_a_whole_is_one_in_each_turn():
    # Long enough for the first turn, and for an exception in the second.
    decorated = same(jacobi, lambda: (one(), np.zeros(N - 1), N, 2), ran="interpreter")
    assert places(decorated) == ["interpreter", "cpu"]


def test_the_arrays_themselves_are_given_back():
    decorated = autopar.parallel(jacobi, backend="cpu")
    for steps in range(1, 5):
        u, v = two()
        found, expected = decorated(u, v, N, steps), jacobi(u, v, N, steps)
        assert list(map(id, found)) == list(map(id, expected))


def test_calls_that_repeat_give_back_their_own_arrays():
    decorated = autopar.parallel(jacobi, backend="cpu")
    u, v = two()
    a, b = two()
    for steps, _ in itertools.product((3, 3, 3, 2), range(3)):
        first, second = decorated(u, v, N, steps)
        third, fourth = jacobi(a, b, N, steps)
        assert (first is u, second is v) == (third is a, fourth is b)
        assert first.tobytes() == third.tobytes()


def test_exchanges_on_each_backend(backend):
    for steps in (1, 2, 5):
        same(jacobi, partial(two, N, steps), backend)
        same(leapfrog, partial(three, N, steps), backend)
        same(plane, partial(planes, 8, steps), backend)


def test_exchanges_on_the_simulator(on_simulator):
    on_simulator(__file__)


def enumerated_while_exchanged(a, b):
    for i, x in enumerate(a):
        b[i] = x
        a, b = b, a
    return a


def walked_while_copied(a, b):
    for x in reversed(a):
        b[1] += x
        a = b.copy()
    return a


def zipped_while_bound(a, b):
    for x, y in zip(a, b, strict=True):
        b[1] += x * y
        a = b
    return a


@pytest.mark.parametrize(
    "function", [enumerated_while_exchanged, walked_while_copied, zipped_while_bound]
)
def test_a_loop_goes_on_over_the_array_that_it_began_with(function):
    same(function, lambda: (np.arange(5.0) + 1, np.zeros(5)))
