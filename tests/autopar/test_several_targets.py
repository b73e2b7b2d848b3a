"""Assignments to several targets: all values first, then the targets from left to right."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same

N = 30


def rotated(a, b, c, s, n):
    for i in range(n):
        a[i], b[i] = c * a[i] - s * b[i], s * a[i] + c * b[i]


def exchanged(a, n):
    for i in range(n // 2):
        a[i], a[n - 1 - i] = a[n - 1 - i], a[i]


def scalars(a, b, n):
    for i in range(n):
        x, y = a[i], a[i] * 2
        x, y = y, x
        b[i] = x - y
    return x, y


def chained(a, b, n):
    for i in range(n):
        t = a[i] = b[i] = a[i] * 2.0
    return t


def subscript_from_the_first(a, n):
    for i in range(n):
        k, a[k] = n - 1 - i, 1.0 * i
    return k


def recurrence(n):
    p, q = 0, 1
    for _ in range(n):
        p, q = q, p + q
    return p, q


def carried(a, b, n):
    for i in range(n):
        a[i], b[i + 1] = b[i], a[i] + 1


def lists(a, n):
    for i in range(n):
        [x, y] = (a[i], 2)
        a[i] = x * y


def buffers(u, v, n, steps):
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        u, v = v, u
    return u


def numbers(count):
    return np.random.default_rng(3).random(count)


CALLS = [
    (rotated, lambda: (numbers(N), numbers(N), 0.6, 0.8, N)),
    (rotated, lambda: (numbers(N), numbers(N - 1), 0.6, 0.8, N)),
    (exchanged, lambda: (numbers(N), N)),
    (scalars, lambda: (numbers(N), numbers(N), N)),
    (scalars, lambda: (numbers(N), numbers(N), 0)),
    (chained, lambda: (numbers(N), numbers(N), N)),
    (subscript_from_the_first, lambda: (numbers(N), N)),
    (recurrence, lambda: (60,)),
    (recurrence, lambda: (120,)),
    (carried, lambda: (numbers(N), numbers(N + 1), N)),
    (lists, lambda: (numbers(N), N)),
    (buffers, lambda: (numbers(N), numbers(N), N, 4)),
]


@pytest.mark.parametrize(("function", "arguments"), CALLS)
def test_a_call_is_the_same(function, arguments):
    same(function, arguments)


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_two_views_of_one_array(shift):
    def make():
        base = numbers(N + 4)
        return base[: N + 1], base[shift : N + 1 + shift], N

    same(carried, make)
    same(lambda a, b, n: rotated(a, b, 0.6, 0.8, n), make)


def test_what_is_on_its_way_is_not_shown():
    (loop,) = loops_of(autopar.parallel(rotated).explain())
    assert ("parallel", []) == (loop["verdict"], loop["private"])
    (loop,) = loops_of(autopar.parallel(scalars).explain())
    assert ("parallel", ["x", "y"]) == (loop["verdict"], loop["private"])


def test_each_backend_runs_an_exchange(backend):
    same(rotated, CALLS[0][1], backend, ran="cpu")


def test_selection_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)
