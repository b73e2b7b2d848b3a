"""Builtin functions and parts of numbers in loops: values, exceptions and warnings."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from tests.sameness import places, same


def escape(x, y, most):
    c = complex(x, y)
    z = 0.0j
    for i in range(most):
        z = z * z + c
        if (z.real * z.real + z.imag * z.imag) >= 4:
            return i
    return most


def fractal(low, high, image):
    step = (high - low) / image.shape[0]
    for i in range(image.shape[0]):
        x = low + i * step
        for j in range(image.shape[1]):
            image[i, j] = escape(x, -1.0 + j * step, 20)


def escape_of_array(c, out):
    for i in range(len(out)):
        z, n = c[i], 0
        while abs(z) < 2 and n < 30:
            z = z * z + c[i]
            n += 1
        out[i] = n


def rounded(x, y):
    for i in range(len(x)):
        y[i] = round(x[i])


def rounded_sum(x, y):
    s = 0
    for i in range(len(x)):
        s += round(x[i] * 3)
    return s


def divided(x, y):
    for i in range(len(x)):
        q, r = divmod(x[i], y[i])
        x[i] = q
        y[i] = r


def divided_apart(x, y, quotients, remainders):
    for i in range(len(x)):
        quotients[i], remainders[i] = divmod(x[i], y[i])


def divided_by_python(x, y):
    s = 0
    for i in range(len(x)):
        q, r = divmod(i - 7, 3)
        p, t = divmod(-2.5 * i, 0.75)
        x[i] = q * 100 + r
        y[i] = p - t
        s += q
    return s, q, r, p, t


def divided_by_zero(x, y):
    for i in range(len(x)):
        x[i] = i
        q, r = divmod(i, 4 - i)
        y[i] = q + r


def grid(image, size):
    for n in range(image.shape[0] * size):
        i, j = divmod(n, size)
        image[i, j] = n


def parts(z, y):
    for i in range(len(z)):
        w = z[i].conjugate() * 2
        y[i] = w.real - z[i].imag + abs(w)
    return w


def lengths(z, y):
    for i in range(len(y)):
        w = complex(y[i], 1e308)
        y[i] = abs(w * 1.5)


def own_round(x, y):
    for i in range(len(x)):
        y[i] = round(x[i])


def reals(dtype=np.float64):
    def make():
        x = np.array([0.5, 1.5, -0.5, -2.5, 2.4999, 3.7, -0.0, 100.5, 7.0])
        return x.astype(dtype), np.zeros(len(x))

    return make


def pairs(dtype):
    def make():
        x = np.array([7, -7, 7, -7, 0, 5, 6], dtype)
        y = np.array([2, 2, -2, -2, 3, 7, 3], dtype)
        return x, y

    return make


def complexes(dtype=np.complex128):
    def make():
        z = np.linspace(-2.0, 1.0, 40) + 1j * np.linspace(-1.0, 1.2, 40)
        return z.astype(dtype), np.zeros(40)

    return make


def image():
    return -2.0, 1.0, np.zeros((12, 9), np.uint8)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (fractal, image),
        (escape_of_array, complexes()),
        (escape_of_array, complexes(np.complex64)),
        (rounded, reals()),
        (rounded, reals(np.float32)),
        (rounded, reals(np.int8)),
        (rounded_sum, reals()),
        (divided, pairs(np.float64)),
        (divided, pairs(np.float32)),
        (divided, pairs(np.int64)),
        (divided, pairs(np.int8)),
        (divided_by_python, reals()),
        (parts, complexes()),
        (grid, lambda: (np.zeros((4, 5), int), 5)),
    ],
)
def test_builtins_compute_what_the_interpreter_computes(function, arguments, backend):
    same(function, arguments, backend, ran="cpu" if backend == "cpu" else None)


def test_these_are_the_same_on_the_simulator(on_simulator):
    on_simulator(__file__)


def with_value(value, dtype=np.float64):
    def make():
        x = np.linspace(0.0, 1.0, 9).astype(dtype)
        x[5] = value
        return x, np.ones(9)

    return make


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 2.0**63])
def test_what_is_rounded_to_no_integer(value):
    same(rounded, with_value(value))
    same(rounded_sum, with_value(value))


@pytest.mark.parametrize("value", [0.0, -0.0, math.nan, math.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_divmod_of_special_values(value, dtype):
    twos, x = with_value(2.0, dtype)()[0], with_value(value, dtype)()[0]
    same(divided_apart, lambda: (twos.copy(), x.copy(), np.zeros(9), np.zeros(9)))
    same(divided_apart, lambda: (x.copy(), twos.copy(), np.zeros(9), np.zeros(9)))
    if value != 0:  # two warnings are given in an order of their own
        same(divided, lambda: (twos.copy(), x.copy()))


def test_divmod_by_zero():
    same(divided_by_zero, reals())
    same(divided, lambda: (np.arange(6), np.array([1, 2, 0, -1, 3, 0])))


def test_absolute_values_that_overflow():
    same(lengths, lambda: (None, np.zeros(4)))
    same(lengths, lambda: (None, np.array([0.0, 1.5e308, 0.0, 1.0])))
    same(parts, lambda: (np.array([1 + 1j, 1e308 + 1e308j, 1j]), np.zeros(3)))
    same(escape_of_array, lambda: (np.array([complex(math.nan, 0), 1e300j, 0j]), np.zeros(3)))


def test_a_builtin_of_another_meaning_is_noticed(monkeypatch):
    decorated = same(own_round, reals(), ran="cpu")
    monkeypatch.setattr(sys.modules[__name__], "round", lambda x: 42, raising=False)
    x, y = reals()()
    decorated(x, y)
    assert [42.0] * len(x) == y.tolist()
    assert ["interpreter"] == places(decorated)


def test_digits_and_one_value_of_divmod():
    def digits(x, y):
        for i in range(len(x)):
            y[i] = round(x[i], 1)

    def whole(x, y):
        for i in range(len(x)):
            y[i] = divmod(x[i], 2)[0]

    for function in (digits, whole):
        same(function, reals(), ran="cpu")
