"""Loops that bind names to new arrays in each turn: one region, the names bound after it."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.effort import some
from tests.sameness import loops_of, same

N = 30


def upwind(u, c, nt):
    for _ in range(nt):
        un = u.copy()
        for i in range(1, len(u)):
            u[i] = un[i] - c * (un[i] - un[i - 1])
    return u, un


def bound_before(u, c, nt):
    un = u
    for _ in range(nt):
        un = u.copy()
        for i in range(1, len(u)):
            u[i] = un[i] - c * un[i - 1]
    return u, un


def explicit_heat(u, c, nt):
    for _ in range(nt):
        new = u.copy()
        for i in range(1, u.shape[0] - 1):
            new[i] = u[i] + c * (u[i + 1] - 2 * u[i] + u[i - 1])
        u = new
    return u


def both_live_on(u, c, nt):
    for _ in range(nt):
        new = np.zeros_like(u)
        for i in range(1, u.shape[0] - 1):
            new[i] = u[i] + c * (u[i + 1] - 2 * u[i] + u[i - 1])
        new[0] = u[1]
        u = new
    return u, new


def exchanged_with_a_new_one(u, c, nt):
    for _ in range(nt):
        v = np.full(u.shape, 0.5)
        for i in range(1, u.shape[0]):
            v[i] = c * u[i - 1]
        u, v = v, u
    return u, v


def two_steps_back(u, c, nt):
    old = u
    for _ in range(nt):
        new = np.ones(len(u))
        for i in range(1, len(u) - 1):
            new[i] = 2 * u[i] - old[i] + c * (u[i + 1] - u[i - 1])
        old = u
        u = new
    return old, u


def another_name(u, c, nt):
    for t in range(nt):
        v = u
        for i in range(1, len(v)):
            v[i] = u[i] * c + t
    return u, v


def until_small(u, c, nt):
    err, it = 1.0, 0
    while err > c and it < nt:
        new = u.copy()
        err = 0.0
        for i in range(1, len(u) - 1):
            new[i] = 0.5 * (u[i - 1] + u[i + 1])
            err = max(err, abs(new[i] - u[i]))
        u = new
        it += 1
    return u, it, err


def left_in_between(u, c, nt):
    for it in range(3, nt, 2):
        new = u.copy()
        for i in range(1, len(u) - 1):
            new[i] = 0.5 * (u[i - 1] + u[i + 1])
        if abs(new[1] - u[1]) < c:
            break
        old = u
        u = new
    return u, old, new, it


PROGRAMS = (
    upwind, bound_before, explicit_heat, both_live_on, exchanged_with_a_new_one, two_steps_back,
    another_name, until_small, left_in_between,
)  # fmt: skip


def arguments(c, nt, size=N):
    return lambda: (np.random.default_rng(3).random(size), c, nt)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.__name__)
def test_names_stand_for_what_they_do_in_the_interpreter(program, backend):
    ran: str | None = "cpu"
    for turns in (4, 0, 1, 2, 9):
        same(program, arguments(0.01, turns), backend, ran=ran)
        ran = None  # where no turn is run, the interpreter may


def rows_and_columns(u, order, nt):
    for _ in range(nt):
        new = np.zeros_like(u)
        for i in range(u.shape[0]):
            for j in range(u.shape[1]):
                new[i, j] = u[i, j] + i - j
        u = new
    return u


def copied(u, order, nt):
    for _ in range(nt):
        new = u.copy()
        for i in range(u.shape[0]):
            new[i, 0] = u[i, 1]
        u = new
    return u


def fortran(u, order, nt):
    for _ in range(nt):
        new = np.empty(u.shape, dtype=np.float32, order="F")
        for i in range(u.shape[0]):
            for j in range(u.shape[1]):
                new[i, j] = u[i, j] + 1
        u[0, 0] = new[1, 1]
    return new


LAYOUTS = [
    pytest.param(program, order, dtype, id=f"{dtype}-{order}-{program.__name__}")
    for dtype in ("float64", "int32")
    for order in ("C", "F")
    for program in (rows_and_columns, copied, fortran)
]


@pytest.mark.parametrize(("program", "order", "dtype"), [*some(LAYOUTS), LAYOUTS[3]])
def test_new_arrays_lie_as_numpy_lays_them(program, order, dtype):
    def made():
        return np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order), order, 3

    plain, found = program(*made()), autopar.parallel(program, backend="cpu")(*made())
    assert (plain.strides, plain.dtype, plain.flags.owndata) == (
        found.strides,
        found.dtype,
        found.flags.owndata,
    )
    same(program, made, "cpu", ran="cpu")


def test_two_names_of_the_last_array_are_names_of_one():
    u, new = autopar.parallel(both_live_on, backend="cpu")(*arguments(0.1, 4)())
    assert u is new


def test_the_given_array_is_left_alone():
    given, *rest = arguments(0.1, 4)()
    before = given.copy()
    found = autopar.parallel(explicit_heat, backend="cpu")(given, *rest)
    assert found is not given
    np.testing.assert_array_equal(before, given)


@pytest.mark.parametrize("program", [upwind, both_live_on, until_small])
def test_lists_and_other_arrays_are_the_interpreters(program):
    class Own(np.ndarray):
        pass

    same(program, lambda: (np.random.default_rng(3).random(N).view(Own), 0.01, 4), "cpu")
    same(program, lambda: (np.random.default_rng(3).random(N).tolist(), 0.01, 4), "cpu")
    same(program, lambda: (np.random.default_rng(3).random(2 * N)[::-2], 0.01, 4), "cpu")


def shared(u, v, nt):
    for _ in range(nt):
        w = u.copy()
        for i in range(1, len(u)):
            v[i] = w[i - 1] + u[i]
    return u, v, w


def test_arrays_that_overlap():
    def overlapping():
        base = np.random.default_rng(3).random(N)
        return base[1:], base[:-1], 4

    same(shared, lambda: (*(np.random.default_rng(k).random(N) for k in (1, 2)), 4), ran="cpu")
    same(shared, overlapping)
    same(shared, lambda: (np.ones(N),) * 2 + (5,))


def out_of_range(u, n, nt):
    for t in range(nt):
        new = np.zeros(n)
        for i in range(len(u) - t):
            new[i] = u[i + t]
        u[0] = new[0]
    return new


def test_what_fails_fails_in_the_same_turn():
    for n in (N, N - 1, 0, -1, 2.0, True, np.int64(N)):
        for nt in (3, 0):
            same(out_of_range, arguments(n, nt), "cpu")


def under_a_test(u, c, nt):
    for t in range(nt):
        if t % 2:
            new = u.copy()
            for i in range(1, len(u)):
                u[i] = new[i - 1] * c
    return u, new


def changed_shape(u, c, nt):
    for t in range(nt):
        new = np.zeros(nt + t)
        for i in range(nt + t):
            new[i] = u[i] * c
        u[0] = new[1]
    return new


def of_itself(u, c, nt):
    for _ in range(nt):
        u = u.copy()
        for i in range(1, len(u)):
            u[i] = c * i
    return u


def in_a_cycle_of_five(u, c, nt):
    a, b, d, e = (np.ones(len(u)) for _ in range(4))
    for _ in range(nt):
        for i in range(len(u)):
            a[i] = u[i] + c
        a, b, d, e, u = b, d, e, u, a
    return a, b, d, e, u


@pytest.mark.parametrize("program", [under_a_test, changed_shape, of_itself, in_a_cycle_of_five])
def test_moves_without_a_model_are_the_interpreters(program):
    assert "unsupported" == loops_of(autopar.explain(program))[0]["verdict"]
    same(program, arguments(0.5, 4), "cpu")


def kept_elsewhere(u, c, nt):
    kept = []
    for _ in range(nt):
        new = u.copy()
        for i in range(1, len(u)):
            u[i] = new[i - 1] * c
        kept.append(new)
    return kept


def taken_before_it_is_bound(u, c, nt):
    for _ in range(nt):
        old, u = u, old  # noqa: F821  # that is the point
        u = np.zeros_like(u)
        for i in range(len(u)):
            u[i] = c + i
    return u


def test_a_name_that_has_no_value_is_missed_by_the_interpreter():
    for turns in (0, 2):
        same(taken_before_it_is_bound, arguments(0.5, turns), "cpu")


def a_global_array(u, c, nt):
    for _ in range(nt):
        v = SHARED
        for i in range(len(u)):
            v[i] = u[i] + c
    return v


SHARED = np.zeros(N)


def test_names_that_are_not_bound_stay_global():
    same(a_global_array, arguments(0.5, 3), "cpu", ran="cpu")


def seen_by_a_function(u, c, nt):
    def last():
        return new

    new = u
    for _ in range(nt):
        new = u.copy()
        for i in range(1, len(u)):
            u[i] = new[i - 1] * c
    return last()


def test_arrays_that_others_keep():
    same(kept_elsewhere, arguments(0.5, 4), "cpu")
    same(seen_by_a_function, arguments(0.5, 4), "cpu")


def with_prints(u, c, nt):
    for t in range(nt):
        new = u.copy()
        for i in range(1, len(u) - 1):
            new[i] = u[i] + c * (u[i + 1] - 2 * u[i] + u[i - 1])
        u = new
        if t % 3 == 1:
            print(t, u[3], new is u)
    return u, new


def test_turns_between_prints():
    for turns in (0, 1, 2, 5, 9):
        same(with_prints, arguments(0.1, turns), "cpu")


def test_no_overlap_is_asked_of_what_the_guard_makes():
    (loop, *_) = loops_of(autopar.explain(upwind))
    assert not [each for each in loop["assumes"] if "overlap" in each]
