"""Storage that iterations reuse: whole programs in which it must not be seen that each has its own.

Each function is called decorated and plain; the contents of the arrays afterwards, buffers
included, must be the same bits. On the CPU a second run takes the iterations one by one in
hostile orders, private copies full of rubbish.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import notes, places, same

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


def made_anew(x, row, out, n, m):
    for i in range(n):
        line = np.zeros(m)
        for j in range(m):
            line[j] = x[i, j] * 2.0
        for j in range(m):
            out[i, j] = line[j] + line[m - 1 - j]


def partly_filled(x, row, out, n, m):
    for i in range(n):
        line = np.empty(m + 2)
        line[0] = 1.0
        line[-1] = x[i, 0]
        for j in range(m):
            line[j + 1] = x[i, j]
        for j in range(m):
            out[i, j] = line[j] + line[j + 2]


def several_kinds(x, row, out, n, m):
    for i in range(n):
        table = np.zeros((3, m), dtype=np.float32)
        counts = np.ones(3, dtype="int64")
        like = np.empty_like(x)
        for j in range(m):
            table[j % 3, j] = x[i, j]
            counts[j % 3] = counts[j % 3] + j
            like[i, j] = x[i, j]
        for j in range(m):
            out[i, j] = table[0, j] - table[1, j] + counts[j % 3] * like[i, j]


def one_after_the_other(x, row, out, n, m):
    for i in range(n):
        first = np.full(m, 1.5)
        second = np.zeros((first.shape[0], len(first) + 1))
        for j in range(m):
            second[j, 0] = first[j] * x[i, j]
            for k in range(2, m):
                second[j, k] = second[j, k - 2] + 1.0
        for j in range(m):
            out[i, j] = second[j, 0] + second[j, m]


def in_a_branch(x, row, out, n, m):
    for i in range(n):
        if i % 2 == 0:
            line = np.ones(m)
            for j in range(1, m):
                line[j] = line[j - 1] + x[i, j]
            for j in range(m):
                out[i, j] = line[j]
        else:
            for j in range(m):
                out[i, j] = x[i, j]


def made_inside(x, row, out, n, m):
    for i in range(n):
        for j in range(m):
            pair = np.zeros(2)
            pair[j % 2] = x[i, j]
            out[i, j] = pair[0] - pair[1]


FUNCTIONS = (
    folded, smoothed, growing, downwards, in_steps, last_row_is_seen, corner, one_cell, tile,
    conditional_fill, made_anew, partly_filled, several_kinds, one_after_the_other, in_a_branch,
    made_inside,
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
    same(function, small, backend, ran="cpu")


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
        monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
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


# ------------------------------------------------------------------------- new arrays that fail


def made_anew_of(x, out, n, m):
    for i in range(n):
        line = np.zeros(m)
        line[0] = x[i]
        out[i] = line[0]


def half_defined(x, out, n, m):
    for i in range(n):
        line = np.empty(10)
        for j in range(m):
            line[j] = 0.0
        out[i] = x[i] + line[5] * 0.0


def outgrown(x, out, n, m):
    for i in range(n):
        line = np.zeros(m)
        line[i] = x[i]
        out[i] = line[i]


def divided(x, out, n, m):
    for i in range(n):
        line = np.zeros(4)
        for j in range(4):
            line[j] = 6.0 / (j - m)
        out[i] = line[2] + x[i]


@pytest.mark.parametrize(
    ("function", "m", "ran"),
    [
        (made_anew_of, 5, "cpu"),
        (made_anew_of, 0, "interpreter"),  # IndexError
        (made_anew_of, -1, "interpreter"),  # ValueError
        (half_defined, 6, "cpu"),
        (half_defined, 11, "interpreter"),  # IndexError
        (outgrown, 20, "cpu"),
        (outgrown, 12, "interpreter"),  # IndexError in the middle
        (divided, 5, "cpu"),
        (divided, 2, "interpreter"),  # ZeroDivisionError
    ],
)
def test_new_arrays_fail_as_they_do_in_the_interpreter(function, m, ran, backend):
    if backend == "cpu":
        same(function, lambda: (np.arange(20.0), np.zeros(20), 20, m), ran=ran)


def test_an_element_without_a_value_is_read_by_the_interpreter(backend):
    if backend == "cpu":
        decorated = autopar.parallel(half_defined, backend="cpu")
        decorated(np.arange(20.0), np.zeros(20), 20, 5)
        assert ["interpreter"] == places(decorated)[:1]


def test_no_memory_for_a_new_array_leaves_the_loop_to_the_interpreter(backend):
    if backend == "cpu":
        x, out = np.arange(3.0), np.zeros(3)
        decorated = autopar.parallel(huge, backend="cpu")
        with pytest.raises((MemoryError, ValueError)):
            decorated(x, out, 3, 2**31 - 1)
        assert "AP514" in notes(decorated)[0]


def huge(x, out, n, m):
    for i in range(n):
        line = np.empty((m, m))
        line[0, 0] = x[i]
        out[i] = line[0, 0]


def replaced(x, out, n):
    for i in range(n):
        line = np.zeros(3)
        line[0] = x[i]
        out[i] = line[0] + line[1]


def test_another_function_in_the_place_of_zeros_is_the_users(backend, monkeypatch):
    if backend == "cpu":
        decorated = same(replaced, lambda: (np.arange(5.0), np.zeros(5), 5), ran="cpu")
        monkeypatch.setattr(np, "zeros", np.ones)
        out = np.empty(5)
        decorated(np.arange(5.0), out, 5)
        assert [1.0, 2.0, 3.0, 4.0, 5.0] == out.tolist()


def test_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)
