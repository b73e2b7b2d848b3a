"""Bounds that are data, whole programs: what they run, leave and raise is the interpreter's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import loops_of, notes, places, same

N = 12
INTEGERS = ("int64", "int32", "int8", "uint8", "uint16", "uint64")


def multiply(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        for j in range(ptr[i], ptr[i + 1]):
            y[i] += val[j] * x[col[j]]


def multiply_by_scalars(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        low = ptr[i]
        high = ptr[i + 1]
        s = 0.0
        for j in range(low, high):
            s += val[j] * x[col[j]]
        y[i] = s


def multiply_by_length(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        s = 0.0
        base = ptr[i]
        for k in range(ptr[i + 1] - ptr[i]):
            s = s + val[base + k] * x[col[base + k]]
        y[i] = s


def multiply_backwards(y, x, ptr, col, val):
    for i in range(y.shape[0] - 1, -1, -1):
        for j in range(ptr[i + 1] - 1, ptr[i] - 1, -1):
            y[i] += val[j] * x[col[j]]


def multiply_matrix(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        low = ptr[i]
        high = ptr[i + 1]
        for k in range(3):
            for j in range(low, high):
                y[i] += val[j] * x[col[j]] * k


def multiply_columns(y, x, ptr, col, val):
    for j in range(y.shape[0]):
        for k in range(ptr[j], ptr[j + 1]):
            y[col[k]] += val[k] * x[j]


def assemble(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        for j in range(ptr[i], ptr[i + 1]):
            y[col[j]] = val[j] + x[i]


def relax(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        s = x[i]
        for j in range(ptr[i], ptr[i + 1]):
            s -= val[j] * y[col[j]]
        y[i] = s / 3.0


def rank(y, x, ptr, col, val):
    for step in range(3):
        for i in range(y.shape[0]):
            s = 0.0
            for j in range(ptr[i], ptr[i + 1]):
                s += x[col[j]] * val[j]
            y[i] = 0.15 + 0.85 * s
        for i in range(y.shape[0]):
            x[i] = y[i]


def spread(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        for j in range(ptr[i], ptr[i + 1]):
            val[j] = x[i]
        for j in range(ptr[i], ptr[i + 1]):
            val[j] = val[j] + y[i]


def every_other(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        for j in range(1, ptr[i], 2):
            y[i] += val[j]


def ragged(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        if i % 2 == 0:
            for j in range(i, min(ptr[i], 9)):
                y[i] = y[i] + val[j] * j
        else:
            for j in range(ptr[i - 1], int(ptr[i])):
                y[i] = y[i] - val[j]


def largest(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        m = -1.0
        where = -1
        for j in range(ptr[i], ptr[i + 1]):
            if val[j] > m:
                m = val[j]
                where = j
        y[i] = m
        x[i] = where


def two_hops(y, x, ptr, col, val):
    for i in range(y.shape[0]):
        for j in range(ptr[i], ptr[i + 1]):
            v = col[j]
            for k in range(ptr[v], ptr[v + 1]):
                y[i] += val[k]


def total(y, x, ptr, col, val):
    s = 0.0
    for i in range(y.shape[0]):
        for j in range(ptr[i], ptr[i + 1]):
            s += val[j]
    return s


def one_row(y, x, ptr, col, val):
    for j in range(ptr[2], ptr[5]):
        val[j] = x[2] * val[j]


def last_of_one_row(y, x, ptr, col, val):
    j = -1
    for j in range(ptr[2], ptr[5]):
        val[j] = x[2] * val[j]
    return j


FUNCTIONS = (
    multiply, multiply_by_scalars, multiply_by_length, multiply_backwards, multiply_matrix,
    multiply_columns, assemble, relax, rank, spread, every_other, ragged, largest, two_hops, total, one_row,
    last_of_one_row,
)  # fmt: skip
COMPILED = (
    multiply, multiply_by_scalars, multiply_by_length, multiply_backwards, multiply_matrix, rank,
    spread, ragged, two_hops, one_row,
)  # fmt: skip


def rows(counts, dtype="int64", seed=0, spare=0):
    """Return what makes arguments for rows of these lengths, all within their arrays."""
    rng = np.random.default_rng(seed)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    return from_bounds(ptr.astype(dtype), int(ptr[-1]) + spare, rng)


def from_bounds(ptr, stored, rng):
    n = len(ptr) - 1
    col, val = rng.integers(0, n, stored), rng.standard_normal(stored)
    x, y = rng.standard_normal(n), rng.standard_normal(n)

    def make():
        return y.copy(), x.copy(), ptr.copy(), col.copy(), val.copy()

    return make


COUNTS = [3, 0, 1, 4, 0, 0, 2, 5, 1, 1, 0, 3]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_rows_of_data_are_the_interpreters(backend, function):
    same(function, rows(COUNTS), backend)


@pytest.mark.parametrize("function", COMPILED)
def test_rows_of_data_are_compiled(backend, function):
    same(function, rows([3, 1, 2, 4, 1, 3, 2, 5, 1, 1, 2, 3]), backend, ran="cpu")


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("function", [multiply, multiply_by_length, multiply_backwards, ragged])
def test_every_type_of_bounds(function, dtype):
    same(function, rows(COUNTS, dtype))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", range(6))
def test_any_bounds_whatever(function, seed):
    # Equal, decreasing, negative, overlapping, and now and then out of range.
    rng = np.random.default_rng([seed, 7])
    low, high = [(0, 6), (-3, 5), (0, 20), (-30, 30), (5, 6), (2, 12)][seed]
    ptr = rng.integers(low, high, N + 1)
    dtype = "int8" if seed % 2 else "int64"
    same(function, from_bounds(ptr.astype(dtype), 14, rng))


@pytest.mark.parametrize("function", [multiply, spread, largest, one_row, total])
def test_nothing_runs_where_all_rows_are_empty(function):
    same(function, rows([0] * N, spare=3))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_calls_that_are_too_short_to_compile(function):
    same(function, rows(COUNTS), "auto")


@pytest.mark.parametrize("function", [multiply_by_scalars, total, rank])
def test_calls_that_are_long_enough_to_compile(function):
    counts = np.random.default_rng(3).integers(0, 9, 20_000)
    same(function, rows(counts), "auto", strict=True)  # long sums in order


def test_bounds_that_are_floats_raise():
    decorated = same(multiply, rows(COUNTS, "float64"))
    assert "AP515" in str(notes(decorated))


def test_bounds_beyond_their_array_raise():
    def make():
        y, x, ptr, col, val = rows(COUNTS)()
        return y, x, ptr[:-1], col, val

    same(multiply, make)


def test_bounds_beyond_64_bits_are_left_to_the_interpreter():
    def make():
        y, x, _, col, val = rows(COUNTS)()
        return y, x, np.array([2**63 + 5] * (N + 1), "uint64"), col, val

    decorated = same(multiply, make)
    assert "AP515" in str(notes(decorated))


def test_small_integers_wrap_in_bounds_as_in_the_interpreter():
    def lengths(y, x, ptr, col, val):
        for i in range(y.shape[0]):
            for j in range(ptr[i] + ptr[i], val.shape[0]):
                y[i] += val[j]

    def make():
        y, x, _, col, val = rows([60, 60, 20])()
        return y, x, np.array([50, 70, 100, 3], "int8"), col, val

    with np.errstate(over="ignore"):
        same(lengths, make)


def test_a_loop_variable_in_bounds_takes_the_type_of_the_element():
    def shifted(y, x, ptr, col, val):
        for i in range(y.shape[0]):
            for j in range(ptr[i] + i, val.shape[0]):
                y[i] += val[j]

    same(shifted, rows(COUNTS), ran="cpu")
    same(shifted, rows(COUNTS, "int8"))


def test_rows_that_overlap_keep_their_order():
    make = from_bounds(np.array([0, 4, 2, 6, 6]), 9, np.random.default_rng(1))
    decorated = same(spread, make)
    assert ["cpu"] == places(decorated)[:1]
    assert "AP516" in str(notes(decorated))


def test_rows_in_any_order_may_be_apart():
    def pairs(a, x, low, high):
        for i in range(x.shape[0]):
            for j in range(low[i], high[i]):
                a[j] = x[i]

    def make():
        low, high = np.array([6, 0, 9, 3, 20]), np.array([9, 3, 12, 6, 4])
        return np.zeros(12), np.arange(5.0), low, high

    decorated = same(pairs, make, ran="cpu")
    (outer, _) = loops_of(decorated.last_run)
    assert outer["condition"] == "range(low[i], high[i]) disjoint for 0 <= i < x.shape[0]"
    assert "note" not in outer["ran"] or "AP516" not in str(outer["ran"]["note"])


def test_bounds_in_an_array_that_the_loop_writes_are_refused():
    def grow(count, y):
        for i in range(y.shape[0]):
            for j in range(count[i]):
                count[i + 1] = count[i + 1] + 1
                y[i] += j

    decorated = same(grow, lambda: (np.ones(6, np.int64), np.zeros(5)))
    assert "AP304" in {loop["code"] for loop in loops_of(decorated.explain())}


def test_bounds_that_share_memory_with_what_is_written():
    def make():
        memory = np.arange(20)
        return memory[8:13], np.arange(5), memory[2:8], np.zeros(30, np.int64), np.arange(30)

    same(multiply, make)


def test_a_scalar_that_changes_inside_is_no_bound():
    def shrinking(y, x, ptr, col, val):
        for i in range(y.shape[0]):
            high = ptr[i + 1]
            for k in range(2):
                for j in range(ptr[i], high):
                    y[i] += val[j]
                high = ptr[i]

    same(shrinking, rows(COUNTS))


def test_a_scalar_of_a_branch_is_no_bound():
    def chosen(y, x, ptr, col, val):
        high = 0
        for i in range(y.shape[0]):
            if x[i] > 0:
                high = ptr[i]
            for j in range(high):
                y[i] += val[j]

    same(chosen, rows(COUNTS))


def test_rows_behind_a_test_need_not_be_in_range():
    def masked(y, x, ptr, col, val):
        for i in range(y.shape[0]):
            if x[i] > 0:
                for j in range(ptr[i], ptr[i + 1]):
                    y[i] += val[j]

    same(masked, rows(COUNTS))

    def make():
        y, _, ptr, col, val = rows(COUNTS)()
        return (
            y,
            np.where(np.arange(N) == 3, -1.0, 1.0),
            np.where(np.arange(N + 1) == 4, 99, ptr),
            col,
            val,
        )

    same(masked, make)


def test_everything_with_a_backend_on_the_simulator(on_simulator):
    on_simulator(__file__)
