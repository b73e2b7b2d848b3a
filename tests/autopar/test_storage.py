"""Storage that iterations reuse: whole programs in which it must not be seen that each has its own.

Each function is called decorated and plain; the contents of the arrays afterwards, buffers
included, must be the same bits. On the CPU a second run takes the iterations one by one in
hostile orders, private copies full of rubbish.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from autopar import dispatch
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import same

ROWS, COLUMNS = 37, 29


def folded(x, row, out, n, m):
    for i in range(n):
        for j in range(m):
            row[j] = x[i, j] * 2.0
        for j in range(m):
            out[i, j] = row[j] + row[m - 1 - j]


def smoothed(x, row, out, n, m):
    for i in range(n):
        for j in range(1, m - 1):
            row[j] = x[i, j]
        for j in range(1, m - 1):
            out[i, j] = row[j - 1] + row[j + 1]


def growing(x, row, out, n, m):
    for i in range(m):
        for j in range(i + 1):
            row[j] = x[i, j] - 1.0
        for j in range(i + 1):
            out[i, j] = row[i - j]


def downwards(x, row, out, n, m):
    for i in range(n - 1, -1, -2):
        for j in range(m):
            row[j] = x[i, j] / 3.0
        for j in range(m):
            out[i, j] = row[m - 1 - j]


def in_steps(x, row, out, n, m):
    for t in range(3):
        for i in range(n):
            for j in range(m):
                row[j] = out[i, j] + x[i, j]
            for j in range(m):
                out[i, j] = row[m - 1 - j] * 0.5


def last_row_is_seen(x, row, out, n, m):
    for t in range(4):
        for i in range(t, n):
            for j in range(m):
                row[j] = x[i, j] * t
            for j in range(m):
                out[i, j] = row[m - 1 - j] + out[i, j]
        for j in range(m):
            x[t, j] = row[j]


def corner(x, row, out, n, m):
    for i in range(n):
        row[3] = x[i, 0] + row[5]
        row[4] = row[3] * 2.0
        for j in range(m):
            out[i, j] = row[3] + row[4]


def one_cell(x, row, out, n, m):
    for i in range(n):
        for j in range(m):
            row[0] = x[i, j]


def tile(x, row, out, n, m):
    for i in range(2, n):
        for j in range(2):
            for k in range(2):
                out[j, k] = x[i, j] - x[i, k]
        for j in range(2):
            row[i - 2 + j - j] = out[0, 1] + out[1, 0]


def conditional_fill(x, row, out, n, m):
    for i in range(n):
        for j in range(m):
            if j < i:
                row[j] = x[i, j]
            else:
                row[j] = -x[i, j]
        for j in range(m):
            out[i, j] = row[m - 1 - j]


FUNCTIONS = (
    folded, smoothed, growing, downwards, in_steps, last_row_is_seen, corner, one_cell, tile,
    conditional_fill,
)  # fmt: skip
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)


def arguments(rows=ROWS, columns=COLUMNS, dtype="float64", layout="C"):
    rng = np.random.default_rng(3)
    wide = 2 * max(rows, columns) + 8
    x = (rng.random((rows + 4, columns + 2)) * 100).astype(dtype)
    row = np.arange(wide).astype(dtype)
    out = (rng.random((rows + 4, columns + 2)) * 100).astype(dtype)
    if layout == "F":
        x, out = np.asfortranarray(x), np.asfortranarray(out)
    elif layout == "strided":
        x, row, out = x.repeat(2, axis=1)[:, ::2], row[::2], out[::-1]
    return x, row, out, rows, columns


@every_function
def test_arrays_end_as_the_loops_leave_them(function, backend):
    small = functools.partial(arguments, 7, 5) if backend == "cuda" else arguments
    # A device takes only loops that need no copies.
    ran = "interpreter" if backend == "cuda" and function is one_cell else "cpu"
    same(function, small, backend, ran=ran)


@every_function
@pytest.mark.parametrize("layout", ["F", "strided"])
def test_in_any_layout(function, layout, backend):
    if backend == "cpu":
        same(function, functools.partial(arguments, layout=layout), ran="cpu")


@every_function
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, order, backend, monkeypatch):
    if backend == "cpu":
        launcher = AdversarialLauncher(order)
        monkeypatch.setattr(dispatch.MACHINE, "launcher", lambda *_: launcher)
        same(function, arguments, ran="cpu")
        assert launcher.copied


@every_function
def test_small_sizes(function, backend):
    if backend == "cpu":
        for rows, columns in [(4, 9), (5, 9), (9, 4), (6, 5), (7, 7)]:
            same(function, functools.partial(arguments, rows, columns))


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_other_types(dtype, backend):
    if backend == "cpu":
        same(folded, functools.partial(arguments, dtype=dtype), ran="cpu")


def test_many_threads_at_once(backend):
    if backend == "cpu":
        same(folded, functools.partial(arguments, 900, 400), ran="cpu")


def test_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)
