"""Names that hide builtins (`max = a[0]`, `len = n`) change nothing in what runs in kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.own_builtins import with_own_builtins
from tests.sameness import loops_of, same


def greatest(a):
    max = a[0]  # noqa: A001  # what people write
    for i in range(1, a.shape[0]):
        if a[i] > max:
            max = a[i]  # noqa: A001
    return max


def both(a, n):
    min = max = a[0]  # noqa: A001
    for i in range(n):
        if a[i] < min:
            min = a[i]  # noqa: A001
        elif a[i] > max:
            max = a[i]  # noqa: A001
    return min, max


def bounds(a, b, len, type):  # noqa: A002
    for i in range(len):
        b[i + type] = a[i] + type


def private(a, b):
    for i in range(a.shape[0]):
        abs = a[i] if a[i] > 0 else -a[i]  # noqa: A001
        b[i] = abs
    return abs


def arrays(min, max):  # noqa: A002
    for i in range(min.shape[0]):
        for j in range(i, min.shape[1]):
            min[i, j] = max[j, i] + i


def linear(max, len, range_of):  # noqa: A002
    for i in range(range_of):
        for j in range(len):
            max[i * len + j] = max[i * len + j] + j


def rows(abs, max, len):  # noqa: A002
    for i in range(len):
        for j in range(abs[i], abs[i + 1]):
            max[j] = max[j] * i


def summed(max, type):  # noqa: A002
    sum = 0.0  # noqa: A001
    for i in range(type):
        sum += max[i]  # noqa: A001
    return sum


def numbers():
    return np.random.default_rng(3).integers(-40, 40, 300) * 0.25


Arguments = Callable[[], tuple[Any, ...]]
PROGRAMS: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "greatest": (greatest, lambda: (numbers(),)),
    "both": (both, lambda: (numbers(), 300)),
    "bounds": (bounds, lambda: (numbers(), np.zeros(310), 290, 7)),
    "private": (private, lambda: (numbers(), np.zeros(300))),
    "arrays": (arrays, lambda: (np.zeros((30, 30)), numbers().reshape(10, 30).repeat(3, 0))),
    "linear": (linear, lambda: (numbers(), 30, 10)),
    "rows": (rows, lambda: (np.arange(31) * 10, numbers(), 30)),
    "summed": (summed, lambda: (numbers().repeat(200), 60_000)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_names_of_builtins_are_the_users(name):
    function, arguments = PROGRAMS[name]
    if name == "summed":  # a long sum has an order of its own
        decorated = autopar.parallel(function, backend="cpu")
        assert decorated(*arguments()) == pytest.approx(function(*arguments()), rel=1e-12)
    else:
        decorated = same(function, arguments)
    assert {each["ran"]["backend"] for each in loops_of(decorated.last_run)} == {"cpu"}


def test_calls_alone_are_spelled_anew():
    text = "max(n, max.shape[0]) + self.max(3) - autopar_len(len)"
    assert (
        with_own_builtins(text) == "autopar_max(n, max.shape[0]) + self.max(3) - autopar_len(len)"
    )
