"""Whole-array statements give what NumPy gives: values, types, warnings, exceptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same

# mypy: disable-error-code="no-untyped-def"

Arguments = Callable[[], tuple[Any, ...]]


def heat(u, steps, c):
    for _ in range(steps):
        u[1:-1] = u[1:-1] + c * (u[2:] - 2 * u[1:-1] + u[:-2])


def jacobi(u, v, steps):
    for _ in range(steps):
        v[1:-1, 1:-1] = 0.25 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2])
        u[:] = v


def paths(z, eps, rho, s):
    for t in range(eps.shape[1]):
        z[:, t + 1] = rho * z[:, t] + s * eps[:, t]


def normalised(w):
    for j in range(w.shape[1]):
        w[:, j] /= w[0, j]


def factorised(a, n):
    for k in range(n - 1):
        a[k + 1 :, k] /= a[k, k]
        for i in range(k + 1, n):
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]


def red_black(u, steps):
    for _ in range(steps):
        u[1:-1:2] = 0.5 * (u[:-2:2] + u[2::2])
        u[2:-1:2] = 0.5 * (u[1:-2:2] + u[3::2])


def moved_up(u):
    u[1:] = u[:-1]


def moved_down(u):
    u[:-1] = u[1:]


def added_up(u):
    u[1:] += u[:-1]


def mirrored(u):
    u[:] = u[::-1]


def mirrored_sum(u, v):
    v[::-1] = u[:] + v[::-1]


def transposed_row(a):
    a[0, :] = a[:, 0]


def in_place(a, b, c):
    a[:, 0] += b[:]
    a *= 2.0
    a -= b[0]
    a[1] *= c


def boundary(p):
    p[:, -1] = p[:, -2]
    p[0, :] = p[1, :]
    p[-1, :] = 0.0


def broadcast(a, row):
    a[:, :] = a[:, :] * row[:]
    a[1:] = row


def compared(m, u, v):
    m[:] = u[:] > v[:]
    m[1:] &= ~m[1:] | (u[1:] <= 0.5)


def powers(u, v):
    v[:] = u[:] ** 2 + np.sqrt(abs(u[:])) - np.maximum(u[:], -u[:])


def transcendental(u, v):
    v[:] = np.exp(-u[:]) * np.sin(u[:]) + np.log(u[:] + 1.0)


def remainders(u, v, w):
    w[:] = u[:] // v[:] + u[:] % v[:]


def quotient(u, v, w):
    w[:] = u[:] / v[:]


def constant(u, k):
    u[:] = k
    u[2:-2] = 1


def scalars(u, a, b):
    for _ in range(3):
        u[1:] = u[1:] * (a / b) + (a**2 - b**0.5) * -u[0]


def upwind(u, steps, c):
    for _ in range(steps):
        un = u.copy()
        u[1:] = un[1:] - c * (un[1:] - un[:-1])
    return u


def diffused(u, steps, c):
    for _ in range(steps):
        un = u.copy()
        around = un[2:, 1:-1] + un[:-2, 1:-1] - 4.0 * un[1:-1, 1:-1]
        u[1:-1, 1:-1] += c * around
        u[0, :] = u[1, :]


def temporaries(u, v, steps):
    for _ in range(steps):
        d = u[1:] - u[:-1]
        e = d * d + v[0]
        v[1:] = e / 2
        u[1:] = u[1:] + d


def of_an_unknown_type(u, steps):
    s = 0.0
    for _ in range(steps):
        w = u[1:] * s
        u[1:] += w
        s = s + 0.5 * u[3]
    return s


def lives_on(u, steps):
    for _ in range(steps):
        w = u[1:] * 2.0
        u[1:] += w
    return w


def another_name(u, steps):
    for _ in range(steps):
        w = u[1:]
        w[:] += 1.0


def random(*shape: int, dtype: str = "float64", seed: int = 0) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    if dtype == "bool":
        return generator.random(shape) > 0.5
    if np.dtype(dtype).kind in "iu":
        return generator.integers(0, 9, shape).astype(dtype)
    return (4 * generator.random(shape) + 0.25).astype(dtype)


CASES: list[tuple[Callable[..., Any], Arguments]] = [
    (heat, lambda: (random(50), 5, 0.1)),
    (heat, lambda: (random(50, dtype="float32"), 5, 0.1)),
    (heat, lambda: (random(120)[::3], 5, np.float64(0.1))),
    (jacobi, lambda: (random(9, 14), random(9, 14, seed=1), 4)),
    (jacobi, lambda: (random(9, 14).T, random(14, 9, seed=1), 4)),
    (paths, lambda: (random(30, 9), random(30, 8, seed=1), 0.9, 0.1)),
    (normalised, lambda: (random(7, 5),)),
    (factorised, lambda: (random(8, 8), 8)),
    (red_black, lambda: (random(21), 3)),
    (moved_up, lambda: (random(40),)),
    (moved_up, lambda: (random(40, dtype="int8"),)),
    (moved_down, lambda: (random(40)[::-1],)),
    (added_up, lambda: (random(40),)),
    (added_up, lambda: (random(40, dtype="int64"),)),
    (mirrored, lambda: (random(41),)),
    (mirrored_sum, lambda: (random(41), random(41, seed=1))),
    (transposed_row, lambda: (random(6, 6),)),
    (in_place, lambda: (random(6, 6), random(6, seed=1), 3)),
    (boundary, lambda: (random(6, 7),)),
    (broadcast, lambda: (random(6, 7), random(7, seed=1))),
    (compared, lambda: (random(30, dtype="bool"), random(30), random(30, seed=1))),
    (powers, lambda: (random(30) - 2.0, random(30))),
    (powers, lambda: (random(30, dtype="float32"), random(30, dtype="float32"))),
    (transcendental, lambda: (random(300), random(300))),
    (remainders, lambda: (random(30), random(30, seed=1), random(30))),
    (remainders, lambda: (random(30, dtype="int32"), random(30, dtype="int32") + 1, random(30))),
    (quotient, lambda: (random(30), random(30, seed=1), random(30))),
    (constant, lambda: (random(30), 7)),
    (constant, lambda: (random(30, dtype="float32"), 7.25)),
    (constant, lambda: (random(30, dtype="uint8"), 7)),
    (scalars, lambda: (random(30), 3, 7)),
    (upwind, lambda: (random(50), 5, 0.1)),
    (upwind, lambda: (random(50, dtype="float32")[::-1], 5, 0.1)),
    (diffused, lambda: (random(9, 12), 5, 0.1)),
    (temporaries, lambda: (random(30), random(30, seed=1), 4)),
    (temporaries, lambda: (random(30, dtype="float32"), random(30, seed=1), 4)),
]
# What is left to NumPy: values, warnings and exceptions are its own.
LEFT_ALONE: list[tuple[Callable[..., Any], Arguments]] = [
    (of_an_unknown_type, lambda: (random(30), 3)),
    (lives_on, lambda: (random(30), 3)),
    (another_name, lambda: (random(30), 3)),
    (heat, lambda: (random(1), 3, 0.1)),
    (heat, lambda: (random(8, 3), 3, 0.1)),
    (jacobi, lambda: (random(9, 14), random(9, 13), 2)),
    (in_place, lambda: (random(6, 6, dtype="int64"), random(6), 3)),
    (constant, lambda: (random(30, dtype="uint8"), 300)),
    (constant, lambda: (random(30, dtype="int64"), 2.5)),
    (broadcast, lambda: (random(6, 7), random(1))),
    (scalars, lambda: (random(30), 3, 0)),
    (scalars, lambda: (random(1), 3, 0)),
    (mirrored, lambda: (random(9).tolist(),)),
    (mirrored, lambda: (np.broadcast_to(random(1), 9),)),
]


def aliased() -> tuple[Any, ...]:
    whole = random(50)
    return whole[:-3], whole[3:], whole[1:-2]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_runs_as_numpy_does(function, arguments, backend):
    same(function, arguments, backend, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), LEFT_ALONE)
def test_what_is_left_to_numpy_is_its_own(function, arguments, backend):
    same(function, arguments, backend)


@pytest.mark.parametrize("function", [quotient, remainders])
def test_arrays_that_overlap_are_no_loops_in_order(function, backend):
    same(function, aliased, backend)


def test_warnings_are_those_of_arrays() -> None:  # a device gives none
    same(added_up, lambda: (np.full(9, 1e308),))
    same(quotient, lambda: (random(30), np.zeros(30), random(30)))


def test_one_row_of_the_report_for_each_statement() -> None:
    rows = loops_of(autopar.explain(in_place))
    assert [row["header"] for row in rows] == [
        "a[:, 0] += b[:]", "a *= 2.0", "a -= b[0]", "a[1] *= c",
    ]  # fmt: skip
    assert {row["verdict"] for row in rows} == {"parallel"}


def test_statements_too_short_for_a_kernel_are_not_asked_about_for_ever() -> None:
    def shortened(u, steps):
        while steps:
            u[1:-1] *= 0.5
            steps -= 1
            print(end="")

    decorated: Any = autopar.parallel(shortened)
    decorated(random(9), 300)
    (ran,) = [row["ran"] for row in loops_of(decorated.last_run) if "ran" in row]
    assert ran["backend"] == "interpreter"
    assert ran["calls"] <= 102


# --------------------------------------------------------------------------- the simulator


def test_array_statements_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)


def rows_exchanged(a, b):
    for i in range(a.shape[0] - 1):
        a[i], a[i + 1] = a[i + 1], a[i]
        a[i, 0] = 3.0


def a_row_and_a_number(a, b):
    x, a[1] = 5, a[0] * 2.0
    for i in range(a.shape[0] - 1):
        b[i, 0] += 3.0
    return x


def rows_of_two(a, b):
    for i in range(a.shape[0]):
        a[i], b[i] = b[i], a[i]
        b[i, 1] += 2.0


@pytest.mark.parametrize("function", [rows_exchanged, a_row_and_a_number, rows_of_two])
def test_several_targets_at_once_are_views_to_numpy(function):
    same(function, lambda: (random(6, 5), random(6, 5, seed=1)))
