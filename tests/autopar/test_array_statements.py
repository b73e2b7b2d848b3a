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
    u[1:] = u[1:] * (a / b)


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
]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_runs_as_numpy_does(function, arguments, backend):
    same(function, arguments, backend, ran="cpu")


def test_one_row_of_the_report_for_each_statement() -> None:
    rows = loops_of(autopar.explain(in_place))
    assert [row["header"] for row in rows] == [
        "a[:, 0] += b[:]", "a *= 2.0", "a -= b[0]", "a[1] *= c",
    ]  # fmt: skip
    assert {row["verdict"] for row in rows} == {"parallel"}
