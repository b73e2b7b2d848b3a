"""Subscripts with `min`, `max`, `abs` and products: what they read, write and raise is the interpreter's."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same

N = 40


def clamped(a, b, n):
    for i in range(n):
        a[i] = b[max(i - 1, 0)] + b[min(i + 1, n - 1)]


def clamped_by_name(out, img, n, m):
    for i in range(n):
        up = max(i - 1, 0)
        for j in range(m):
            left = min(max(j - 1, 0), m - 1)
            out[i, j] = img[up, left] - img[i, j]
    return up, left


def mirrored(a, b, n, d):
    for i in range(n):
        a[abs(i - d)] = b[i]


def clamped_store(a, n):
    for i in range(n):
        a[max(i - 3, 0)] = 2.0 * i


def product(a, b, n, m):
    for i in range(n):
        for j in range(m):
            a[i, j] = b[i * j]


def squares(a, b, n):
    for i in range(n):
        a[i * i] = b[i]


def triangle(a, n):
    for i in range(n):
        for j in range(i):
            a[i * (i - 1) // 2 + j] = i + 0.5 * j


def colliding(a, b, n):
    for i in range(n):
        a[(i * i) % 7] = b[i]


def halved(a, b, n):
    for i in range(n):
        a[i] = b[int(i / 2)]


def clamped_test(a, b, n, k):
    for i in range(n):
        if max(i - k, 0) < 4 and b[i] > 0.5:
            a[i] = b[min(i, k)]


def whole_subscript(a, b, k, n):
    for i in range(n):
        a[i] = b[max(k, 0)]


def wide(a, b, n, k):
    for i in range(n):
        a[i] = b[(i * k * k * k) % 11]


def numbers(*shape):
    return np.random.default_rng(5).random(shape)


CALLS = [
    (clamped, lambda: (numbers(N), numbers(N), N)),
    (clamped, lambda: (numbers(N), numbers(N - 1), N)),
    (clamped_by_name, lambda: (numbers(9, 8), numbers(9, 8), 9, 8)),
    (mirrored, lambda: (numbers(N), numbers(N), N, 0)),
    (mirrored, lambda: (numbers(N), numbers(N), N, 7)),
    (mirrored, lambda: (numbers(N), numbers(N), N, N)),
    (clamped_store, lambda: (numbers(N), N)),
    (product, lambda: (numbers(5, 7), numbers(N), 5, 7)),
    (product, lambda: (numbers(5, 7), numbers(20), 5, 7)),
    (squares, lambda: (numbers(N), numbers(N), 7)),
    (squares, lambda: (numbers(N), numbers(N), 8)),
    (triangle, lambda: (numbers(N), 9)),
    (triangle, lambda: (numbers(N), 10)),
    (colliding, lambda: (numbers(N), numbers(N), N)),
    (halved, lambda: (numbers(N), numbers(N), N)),
    (clamped_test, lambda: (numbers(N), numbers(N), N, 5)),
    (clamped_test, lambda: (numbers(N), numbers(N), N, -5)),
    (whole_subscript, lambda: (numbers(N), numbers(N), 3, N)),
    (whole_subscript, lambda: (numbers(N), numbers(N), np.int64(3), N)),
    (wide, lambda: (numbers(N), numbers(N), N, 3)),
    (wide, lambda: (numbers(N), numbers(N), N, 2**31)),
]


@pytest.mark.parametrize(("function", "arguments"), CALLS)
def test_a_call_is_the_same(function, arguments):
    same(function, arguments)


def test_a_bool_as_a_whole_subscript_stays_the_interpreters():
    """`max(True, 0)` is True, and a mask."""
    same(whole_subscript, lambda: (np.zeros((3, 4)), np.arange(4.0), True, 3))
    same(whole_subscript, lambda: (numbers(N), numbers(N), False, N))


@pytest.mark.parametrize(
    ("function", "arguments", "verdicts"),
    [
        (clamped, CALLS[0][1], ["parallel"]),
        (clamped_by_name, CALLS[2][1], ["parallel", "parallel"]),
        (product, CALLS[7][1], ["parallel", "parallel"]),
        (halved, CALLS[14][1], ["parallel"]),
    ],
)
def test_a_kernel_runs_it(function, arguments, verdicts):
    decorated = same(function, arguments, ran="cpu")
    assert verdicts == [each["verdict"] for each in loops_of(decorated.last_run)]


@pytest.mark.parametrize("function", [clamped, clamped_by_name, mirrored, product, clamped_test])
def test_each_backend_runs_it(function, backend):
    arguments = next(made for each, made in CALLS if each is function)
    same(function, arguments, backend, ran="cpu")


def test_selection_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)


def test_conditions_of_folded_stores_are_exact():
    (loop,) = loops_of(autopar.parallel(mirrored).explain())
    assert ("conditional", "d <= 0 or d >= n - 1") == (loop["verdict"], loop["condition"])
