"""Loops and assignments that take rows apart, and loops over numbers that are written out."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.fuzz.modes import forced
from tests.sameness import same


def lengths(points, out):
    for k, (x, y) in enumerate(points):
        out[k] = x * x + y
    return x, y


def weighed(points, out):
    s = 0.0
    for (x, y), w in zip(points, out):  # noqa: B905  # as people write
        s += w * (x - y)
    return s


def backwards(points, out):
    s = 1.0
    for x, y in reversed(points):
        s = s * 0.5 + x - y
    return s


def assigned(points, out):
    for i in range(len(points)):
        out[i], y = points[i]
        out[i] += y


def of_a_row(points, out):
    for i, row in enumerate(points):
        [x, y] = row
        out[i] = max(x, y)


def of_a_pixel(image, out):
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            r, g, b = image[i, j]
            out[i, j] = 0.3 * r + 0.6 * g + 0.1 * b


def neighbours(grid, out):
    n, m = grid.shape
    for i in range(n):
        for j in range(m):
            c = 0.0
            for di, dj in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                c += grid[(i + di) % n, (j + dj) % m]
            for step in (-1, 0, 1):
                c -= step * grid[i, j]
            for w in [0.5, 0.25]:
                c *= w
            out[i, j] = c


NEAR = [(1, 0), (0, 1)]


def near(grid, out):
    steps = NEAR
    for i in range(grid.shape[0] - 1):
        for di, dj in steps:
            out[i, 0] += grid[i + di, dj]


def two(kind: Callable[[Any], Any]) -> Callable[[], tuple[Any, Any]]:
    return lambda: (kind(np.arange(10.0).reshape(5, 2) % 3), np.arange(5.0))


KINDS: dict[str, Callable[[Any], Any]] = {
    "array": np.array,
    "columns": np.asfortranarray,
    "reversed": lambda a: a[::-1, ::-1],
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a.tolist())),
}
REFUSED: dict[str, Callable[[Any], Any]] = {
    "wide": lambda a: np.hstack([a, a]),
    "flat": np.ravel,
    "ragged": lambda a: [(1.0, 2.0), (3.0,), *map(tuple, a.tolist()[2:])],
    "words": lambda a: [("a", 1.0)] * len(a),
}


@pytest.mark.parametrize("function", [lengths, weighed, backwards, assigned, of_a_row])
def test_elements_of_rows_have_names(function):
    with forced("plain", random.Random(1), reads=True):
        for kind in KINDS.values():
            same(function, two(kind), ran="cpu")


@pytest.mark.parametrize("kind", REFUSED)
def test_rows_of_another_length_are_left_to_the_interpreter(kind):
    for function in (lengths, assigned):
        same(function, two(REFUSED[kind]), ran="interpreter")


@pytest.mark.parametrize("function", [of_a_pixel, neighbours, near])
def test_rows_and_written_numbers_in_nests(function):
    def arguments():
        image = np.arange(90.0).reshape(5, 6, 3) % 7
        return image if function is of_a_pixel else image[:, :, 0].copy(), np.zeros((5, 6))

    with forced("hostile", random.Random(1), reads=True):
        same(function, arguments, ran="cpu")
