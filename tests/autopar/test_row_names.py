"""Names that a loop gives to rows of arrays, and to copies of rows."""

from __future__ import annotations

import linecache
import random
from typing import Any

import numpy as np
import pytest

from tests.effort import share
from tests.named_nests import arguments, draw_named_rows
from tests.sameness import same


def lengths(p, out):
    for i in range(p.shape[0]):
        q = p[i]
        out[i] = (q[0] * q[0] + q[1] * q[1]) ** 0.5


def stored_through(a, b):
    for i in range(a.shape[0]):
        row = a[i]
        other = b[i, :]
        for j in range(len(row)):
            row[j] = other[j] * 2.0
        row[0] = -1.0


def copied(a, out):
    for i in range(a.shape[0]):
        x = a[i].copy()
        for j in range(1, len(x)):
            x[j] += x[j - 1]
        out[i] = x[len(x) - 1] - a[i, 0]


def largest(a, out):
    for i in range(len(a)):
        row = a[i]
        out[i] = row.max() / row.shape[-1]


def doubled(a, out):
    for i in range(len(a)):
        row = a[i] * 2
        for j in range(a.shape[1]):
            out[i] += row[j]


def of_rows(a, out):
    for i in range(a.shape[0]):
        plane = a[i]
        for j in range(plane.shape[0]):
            line = plane[j]
            for k in range(len(line)):
                out[i, j] += line[k]


def moved_subscript(a, k, out):
    for i in range(len(k)):
        m = k[i]
        row = a[m]
        m = 0
        out[i] = row[m] + row[1]


def matrix(*shape):
    return np.arange(float(np.prod(shape))).reshape(shape) / 7.0


@pytest.mark.parametrize(
    ("function", "make"),
    [
        (lengths, lambda: (matrix(9, 2), np.zeros(9))),
        (stored_through, lambda: (matrix(9, 4), matrix(9, 4) + 1.0)),
        (copied, lambda: (matrix(9, 4), np.zeros(9))),
        (largest, lambda: (np.arange(36).reshape(9, 4), np.zeros(9))),
        (doubled, lambda: (matrix(9, 4), np.zeros(9))),
        (of_rows, lambda: (matrix(4, 3, 5), np.zeros((4, 3)))),
        (moved_subscript, lambda: (matrix(9, 4), np.arange(8) // 2, np.zeros(8))),
    ],
)
def test_rows_by_name_run_in_kernels(function, make, backend):
    same(function, make, backend, ran="cpu")


def lives_on(a):
    for i in range(a.shape[0]):
        row = a[i]
        row[0] = row[1] + 1.0
    return row


def read_before(a, out):
    row = a[0]
    for i in range(a.shape[0]):
        out[i] = row[1]
        row = a[i]


def one_of_two(a, b, out):
    for i in range(a.shape[0]):
        if i % 2:
            row = a[i]
        else:
            row = b[i]
        out[i] = row[1]


def past_the_end(a, out):
    for i in range(a.shape[0] + 1):
        row = a[i]
        for j in range(len(row)):
            out[j] = row[j]


def counted(a, out):
    m = 0
    for i in range(len(out)):
        for j in range(1, a.shape[1]):
            m = (m + 1) % 3
        out[i] = str(m)
    return m


def from_the_end(a):
    for i in range(a.shape[0]):
        row = a[i]
        row[0] = row.shape[-2]


@pytest.mark.parametrize(
    ("function", "make"),
    [
        (lives_on, lambda: (matrix(9, 4),)),
        (read_before, lambda: (matrix(9, 4), np.zeros(9))),
        (one_of_two, lambda: (matrix(9, 4), -matrix(9, 4), np.zeros(9))),
        (past_the_end, lambda: (matrix(9, 4), np.zeros(4))),
        (past_the_end, lambda: (matrix(9, 0), np.zeros(4))),
        (from_the_end, lambda: (matrix(9, 4),)),
        (counted, lambda: (np.ones(4), [0, 0])),
        (lengths, lambda: (np.ones(4), np.zeros(4))),
        (copied, lambda: (np.ones(4), np.zeros(4))),
        (copied, lambda: (matrix(4, 3).tolist(), np.zeros(4))),
        (largest, lambda: (matrix(4, 3).tolist(), np.zeros(4))),
        (stored_through, lambda: (matrix(9, 4).tolist(), matrix(9, 4).tolist())),
    ],
)
def test_what_rows_are_not_is_the_interpreters(function, make, backend):
    same(function, make, backend)


def compiled(source, file):
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {}
    exec(compile(source, file, "exec"), names)
    return names["kernel"]


@pytest.mark.parametrize("number", range(share(40)))
def test_drawn_rows_are_the_interpreters(number, backend):
    chosen = random.Random(number)
    same(compiled(draw_named_rows(chosen), f"<rows {number}>"), arguments(chosen), backend)


def test_overlapping_rows_are_seen_through_each_other(backend):
    def make():
        room = matrix(10, 4)
        return room[:-1], room[1:]

    same(stored_through, make, backend)


def test_rows_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
