"""NumPy's functions that go ahead of the iterations in strips: nobody can tell."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.autopar.test_numpy_functions import tame, values
from tests.sameness import same


def in_place(a, b, c, n):
    for i in range(n):
        a[i] = np.exp(a[i])


def stored_over(a, b, c, n):
    for i in range(n):
        b[i] = a[i] + 1
        a[i] = np.exp(a[i])
        c[i] = np.log(a[i]) + b[i]


def stored_then_read(a, b, c, n):
    for i in range(n):
        c[i] = a[i] * 0.5
        b[i] = np.sin(c[i])


def chained(a, b, c, n):
    for i in range(n):
        c[i] = np.exp(-np.exp(a[i]) + np.log(b[i]))


def recurrence(a, b, c, n):
    for i in range(n - 1):
        a[i + 1] = np.exp(-a[i]) * b[i]


def shifted(a, b, c, n):
    for i in range(n - 1):
        c[i] = np.tanh(a[i + 1]) + np.tanh(c[i + 1])


def behind(a, b, c, n):
    for i in range(1, n):
        a[i] = np.cos(a[i - 1] * 0.5) + b[i]
        c[i] = np.exp(b[i])


def beside_a_sum(a, b, c, n):
    s = 0.0
    for i in range(n):
        t = np.exp(-a[i])
        s = s + t
        c[i] = s * np.log(b[i])
    return s


def totals(a, b, c, n):
    s = 0.0
    m = -1.0
    for i in range(n):
        s += np.exp(-a[i]) * np.sin(b[i])
        m = max(m, np.sqrt(np.cos(a[i])))
    return s, m


def last_value(a, b, c, n):
    t = 0.0
    for i in range(n):
        if a[i] > 0.5:
            t = np.exp(b[i])
            c[i] = t
    return t


def decided(a, b, c, n):
    for i in range(n):
        t = 2 * a[i]
        if np.exp(t) > 3 * b[i]:
            t = np.log(t + b[i])
            if t > 0:
                c[i] = np.sin(t) * np.cos(t)
            else:
                c[i] = np.tanh(t)
        else:
            t = 0.5
        c[i] += np.exp(t)


def lazy(a, b, c, n):
    for i in range(n):
        c[i] = np.log(a[i]) if a[i] > 0.5 and np.exp(b[i]) > 1.5 else np.arctan2(a[i], b[i])


def by_place(a, b, c, n):
    for i in range(n):
        if i % 3 == 0:
            c[i] = np.expm1(a[i])
        if i > 5:
            c[i] -= np.log1p(b[i])


def powers(a, b, c, n):
    p = b[0]
    for i in range(n):
        c[i] = np.power(a[i], p) + np.power(b[i], a[i]) + np.power(a[i], 2) * np.power(2.0, b[i])


def steps(a, b, c, n):
    for i in range(0, n, 3):
        c[i] = np.exp(a[i])
    for i in range(n - 1, -1, -1):
        b[i] = np.exp(b[i]) + c[i]


def turned(a, b, c, n):
    for i in range(n):
        c[n - 1 - i] = np.exp(a[i]) * np.exp(b[n - 1 - i])


def gathered(a, b, c, n):
    for i in range(n):
        k = int(10 * a[i])
        c[i] = np.exp(b[k % n])


def private_row(a, b, c, n):
    row = np.zeros(4)
    for i in range(n):
        for k in range(4):
            row[k] = np.exp(a[i] * k)
        c[i] = row[0] + row[1] * row[2] + row[3]


KERNELS = [
    in_place, stored_over, stored_then_read, chained, recurrence, shifted, behind, beside_a_sum,
    totals, last_value, decided, lazy, by_place, powers, steps, turned, gathered, private_row,
]  # fmt: skip


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_strips_compute_what_the_interpreter_computes(kernel, dtype):
    def arguments(n):
        return tame(dtype, n), tame(dtype, n, seed=1), np.zeros(n, dtype), n

    same(kernel, lambda: arguments(2500 if dtype == "float64" else 1001))


@pytest.mark.parametrize("kernel", [each for each in KERNELS if each is not gathered])
def test_strips_of_special_numbers(kernel):
    """Which NaN comes of two is the compiler's choice, here as elsewhere."""
    decorated = autopar.parallel(kernel, backend="cpu")
    for dtype in ("float64", "float32"):
        expected = (values(dtype), values(dtype, seed=1), np.zeros(300, dtype), 300)
        actual = tuple(np.copy(each) for each in expected[:3])
        with np.errstate(all="ignore"):
            results = [kernel(*expected), decorated(*actual, 300)]
        for one, other in zip(expected[:3], actual, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
            are_numbers = ~np.isnan(one)
            np.testing.assert_array_equal(
                np.signbit(one)[are_numbers], np.signbit(other)[are_numbers]
            )
        np.testing.assert_array_equal(*results)


LAYOUTS = {
    "strided": lambda: tame(count=3000)[::2],
    "turned": lambda: tame(count=1500)[::-1],
    "column": lambda: tame(count=3000).reshape(1500, 2)[:, 1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel", [in_place, chained])
def test_rows_that_do_not_lie_side_by_side(kernel, layout):
    make = LAYOUTS[layout]
    same(kernel, lambda: (make(), tame(count=1500), np.zeros(1500), 1500))
    same(kernel, lambda: (make(), make(), make(), 1500))


@pytest.mark.parametrize("kernel", [in_place, stored_over, shifted])
def test_arrays_that_share_memory(kernel):
    def same_array():
        a = tame(count=1500)
        return a, a, a, 1500

    def one_further():
        a = tame(count=1502)
        return a[1:], a[:-1], a[2:], 1500

    def one_back():
        a = tame(count=1502)
        return a[:-1], a[1:], tame(count=1502), 1500

    for arguments in (same_array, one_further, one_back):
        with np.errstate(all="ignore"):
            same(kernel, arguments)


def over_a_matrix(a, b, n, m):
    for i in range(n):
        for j in range(m):
            b[i, j] = np.exp(a[i, j]) + np.log(a[i, 0])
    for i in range(n):
        for j in range(m):
            b[j, i] = np.tanh(a[j, i])


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_and_columns_of_a_matrix(order):
    def arguments():
        a = np.asarray(tame(count=40 * 40).reshape(40, 40), order=order)
        return a, np.zeros_like(a), 40, 40

    same(over_a_matrix, arguments, ran="cpu")
