"""Loops around loops that are left early: `while`, `break`, `return` in a function put in place."""

from __future__ import annotations

import numpy as np
import pytest

from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def escape(cx, cy, maxit):
    zx = zy = 0.0
    n = 0
    while zx * zx + zy * zy < 4.0 and n < maxit:
        zx, zy = zx * zx - zy * zy + cx, 2 * zx * zy + cy
        n += 1
    return n


def mandel_while(xs, ys, out, maxit):
    for i in range(len(ys)):
        for j in range(len(xs)):
            zx = 0.0
            zy = 0.0
            n = 0
            while zx * zx + zy * zy < 4.0 and n < maxit:
                t = zx * zx - zy * zy + xs[j]
                zy = 2 * zx * zy + ys[i]
                zx = t
                n += 1
            out[i, j] = n


def mandel_tuple(xs, ys, out, maxit):
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            zx = zy = 0.0
            n = 0
            while zx * zx + zy * zy < 4.0 and n < maxit:
                zx, zy = zx * zx - zy * zy + x, 2 * zx * zy + y
                n += 1
            out[i, j] = n


def mandel_for(xs, ys, out, maxit):
    for i in range(len(ys)):
        for j in range(len(xs)):
            zx = 0.0
            zy = 0.0
            for n in range(maxit):
                if zx * zx + zy * zy > 4.0:
                    break
                t = zx * zx - zy * zy + xs[j]
                zy = 2 * zx * zy + ys[i]
                zx = t
            out[i, j] = n


def mandel_helper(xs, ys, out, maxit):
    for i in range(len(ys)):
        for j in range(len(xs)):
            out[i, j] = escape(xs[j], ys[i], maxit)


def first_above(a, out, x):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > x:
                break
        out[i] = j
    return i, j


def newton(a, out, tol):
    for i in range(len(a)):
        x = a[i]
        while True:
            y = 0.5 * (x + a[i] / x)
            if abs(y - x) < tol:
                break
            x = y
        out[i] = x


def collatz(a, out):
    for i in range(len(a)):
        n = a[i]
        k = 0
        while n != 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            k += 1
        out[i] = k


def lookup(a, grid, out):
    for i, x in enumerate(a):
        k = 0
        while k < len(grid) and grid[k] < x:
            k += 1
        out[i] = k


def counted(out, n):
    for i in range(n):
        k = 0
        while k < 20000000:
            k += 1
        out[i] = k


def rows_until(a, out):
    for i, row in enumerate(a):
        s = 0.0
        for x in row:
            if x > 0.95:
                break
            s += x
        out[i] = s


def primes(out, n):
    for k in range(2, n):
        is_prime = True
        for d in range(2, k):
            if k % d == 0:
                is_prime = False
                break
        out[k] = is_prime


def zeros_then_break(a, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j]
            if a[i, j] < 0.3:
                out[i, j] = 0
                break
            out[i, j] += 1


def escape2(x, y, maxit):
    a = x
    b = y
    for n in range(maxit):
        if a * a + b * b > 4:
            return n
        a, b = a * a - b * b + x, 2 * a * b + y
    return maxit


def mandel_return2(xs, ys, out, maxit):
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            out[i, j] = escape2(x, y, maxit)


def is_prime(n):
    if n < 2:
        return False
    d = 2
    while d * d <= n:
        if n % d == 0:
            return False
        d += 1
    return True


def count_primes(n):
    total = 0
    for k in range(n):
        if is_prime(k):
            total += 1
    return total


def find(a, x):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > x:
                return i * 100 + j
    return -1


def finds(a, xs, out):
    for k, x in enumerate(xs):
        out[k] = find(a, x)


def nested_exits(a, out):
    for i in range(len(a)):
        total = 0
        for j in range(5):
            k = 0
            while k < 10:
                if a[i] * k > j:
                    break
                k += 1
                total += 1
            if total > 12:
                break
        out[i] = total + j


def goes_on(a, out):
    for i in range(len(a)):
        s = 0.0
        k = 0
        while k < 20:
            k += 1
            if k % 3 == 0:
                continue
            if s > 2:
                break
            s += a[i]
        out[i] = s


def keeps_last(a, out):
    last = -1.0
    for i in range(len(a)):
        for k in range(4):
            if a[i] * k > 1.0:
                last = a[i]
                break
        out[i] = k
    return last


def descends(a, out):
    for i in range(len(a)):
        for k in range(10, -1, -3):
            if a[i] * 10 > k:
                break
        out[i] = k


def counts_down(a, out):
    for i in range(len(a)):
        x = 5
        while x:
            x = x - 1
            if a[i] > 0.5 and x == 2:
                x = 0
        out[i] = x


def steps(a, out):
    for i in range(len(a)):
        x = a[i]
        t = 0.0
        while t < 1.0:
            x = x + 0.1 * (1 - x)
            t += 0.1
        out[i] = x


def counts(a):
    c = 0
    for row in a:
        for x in row:
            if x > 0.9:
                c += 1
                break
    return c


def stores_until(a, out):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > 0.8:
                break
            out[i, j] = a[i, j]
    return out


def loops_inside(a, out):
    for i in range(a.shape[0]):
        s = 0.0
        k = 0
        while s < 5.0 and k < 4:
            for j in range(a.shape[1]):
                s += a[i, j]
                if s > 4.5:
                    break
            k += 1
        out[i] = s + k


def carries(a, out):
    for i in range(1, a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = out[i - 1, j] + a[i, j]
            if out[i, j] > 1.2:
                break


def failing(a, out):
    for i in range(len(a)):
        k = 0
        while 1.0 / (k - 3) < a[i]:
            k += 1
        out[i] = k


def shifted(a, out, n):
    for i in range(1, n):
        k = 0
        while k < 5:
            if a[i] < k:
                break
            k += 1
        out[i] = out[i - 1] + k


def floats(*shape):
    return np.random.default_rng(3).random(shape)


def axes():
    return np.linspace(-2, 1, 30), np.linspace(-1, 1, 20)


def plane():
    return *axes(), np.zeros((20, 30), int), 40


def table():
    return floats(20, 30), np.zeros(20)


TAKEN = [
    *(
        (function, plane)
        for function in (
            mandel_while,
            mandel_tuple,
            mandel_for,
            mandel_helper,
            mandel_return2,
        )
    ),
    (first_above, lambda: (floats(20, 30), np.zeros(20, int), 0.9)),
    (newton, lambda: (floats(50) + 1, np.zeros(50), 1e-9)),
    (collatz, lambda: (np.arange(1, 50), np.zeros(50, int))),
    (lookup, lambda: (floats(50), np.sort(floats(20)), np.zeros(50, int))),
    (lookup, lambda: (floats(5), [0.1, 0.2], np.zeros(5))),
    (lookup, lambda: (floats(5), (0.1, 0.2), np.zeros(5))),
    (rows_until, table),
    (rows_until, lambda: (np.zeros((20, 0)), np.zeros(20))),
    (primes, lambda: (np.zeros(60, bool), 60)),
    (zeros_then_break, lambda: (floats(20, 30), np.zeros((20, 30)))),
    (count_primes, lambda: (200,)),
    (finds, lambda: (floats(20, 30), np.array([0.5, 0.9, 0.99, 1.5]), np.zeros(4, int))),
    (shifted, lambda: (floats(50) * 5, np.zeros(50), 50)),
]
LEFT = [
    (mandel_for, lambda: (*axes(), np.zeros((20, 30), int), 0)),  # n has no value
    (first_above, lambda: (floats(20, 0), np.zeros(20, int), 0.9)),
    (counted, lambda: (np.zeros(1, int), 1)),  # more turns than are tried
    (failing, lambda: (floats(5), np.zeros(5))),
]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_loops_around_are_taken_over(function, arguments):
    same(function, arguments, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), LEFT)
def test_what_is_not_as_assumed_runs_in_the_interpreter(function, arguments):
    same(function, arguments, ran="interpreter")


MIXED = [
    *(
        (function, lambda: (floats(60), np.zeros(60)))
        for function in (nested_exits, goes_on, keeps_last, descends, counts_down, steps)
    ),
    (loops_inside, lambda: (floats(60, 6), np.zeros(60))),
    (stores_until, lambda: (floats(60, 6), np.zeros((60, 6)))),
    (carries, lambda: (floats(60, 6), np.zeros((60, 6)))),
    (counts, lambda: (floats(60, 6),)),
]


@pytest.mark.parametrize(("function", "arguments"), MIXED)
def test_exits_of_all_kinds(function, arguments):
    same(function, arguments, ran="cpu")


INDEPENDENT = [case for case in TAKEN if case[0] not in (count_primes, shifted, first_above)]


@pytest.mark.parametrize(("function", "arguments"), INDEPENDENT)
def test_the_loop_around_is_parallel_and_the_one_that_is_left_is_not(function, arguments):
    rows = loops_of(same(function, arguments, ran="cpu").last_run)
    assert "parallel" == rows[0]["verdict"]
    assert {"AP202", "AP209", "AP001"} >= {row["code"] for row in rows}


@pytest.mark.parametrize(("function", "arguments"), INDEPENDENT[::2])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, arguments, order, monkeypatch):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    same(function, arguments, ran="cpu")


SMALL = [
    (mandel_tuple, lambda: (np.linspace(-2, 1, 6), np.linspace(-1, 1, 5), np.zeros((5, 6)), 9)),
    (mandel_return2, lambda: (np.linspace(-2, 1, 6), np.linspace(-1, 1, 5), np.zeros((5, 6)), 9)),
    (zeros_then_break, lambda: (floats(5, 4), np.zeros((5, 4)))),
    (rows_until, lambda: (floats(5, 4), np.zeros(5))),
]


@pytest.mark.parametrize(("function", "arguments"), SMALL)
def test_on_each_backend(function, arguments, backend):
    same(function, arguments, backend, ran="cpu")


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
