"""Calls in which two arrays share memory: a call -> the same with one array a view into what the other is made of.

Before:  a, b of 8 elements each
After:   base of 9 elements; a = base[:8], b = base[1:]          or every second element, reversed, the same one
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.arguments import Array

View = Callable[[Array, int, int], tuple[Array, Array]]


def _shifted(by: int) -> View:
    return lambda base, one, two: (base[:one], base[by : by + two])


# Each takes a base of three times the larger length and more, and gives two views of the lengths asked for.
VIEWS: tuple[View, ...] = (
    _shifted(0),
    _shifted(1),
    _shifted(2),
    _shifted(3),
    lambda base, one, two: (base[3 : 3 + one], base[:two]),
    lambda base, one, two: (base[: 2 * one : 2], base[1 : 1 + 2 * two : 2]),
    lambda base, one, two: (base[: 2 * one : 2], base[:two]),
    lambda base, one, two: (base[: 2 * one : 2], base[4 : 4 + 2 * two : 2]),
    lambda base, one, two: (base[:one], base[:two][::-1]),
    lambda base, one, two: (base[:one], base[one : one + two]),
)


def overlapped(
    arguments: Sequence[Any], generator: random.Random
) -> tuple[list[Any], tuple[int, int]] | None:
    """Return the arguments with two of them views of one base, and which; None where no two can be."""
    pairs = [
        (i, j)
        for i, one in enumerate(arguments)
        for j, two in enumerate(arguments)
        if i != j
        and isinstance(one, np.ndarray)
        and isinstance(two, np.ndarray)
        and one.dtype == two.dtype
        and one.ndim == two.ndim == 1
    ]
    if not pairs:
        return None
    first, second = generator.choice(pairs)
    one, two = arguments[first], arguments[second]
    base = np.resize(np.concatenate([one, two]), 3 * max(len(one), len(two)) + 8)
    result = list(arguments)
    result[first], result[second] = generator.choice(VIEWS)(base, len(one), len(two))
    return result, (first, second)
