"""The promise, row by row: a decorated function does what the plain one does.

Each kernel is a loop that autopar takes over for plain arguments; each row changes what it is
given, or what surrounds it. Where a row says `ran`, that is where it has to have run.
"""

from __future__ import annotations

import math
import os
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import autopar
from autopar.codegen import kept_kernels
from tests.interrupts import SECOND, seconds_to_end
from tests.sameness import freeze, loops_of, notes, places, same

HUGE = 2**70
STEP = 1
sqrt = math.sqrt


# ------------------------------------------------------------------------------- kernels


def scale(a, k):
    for i in range(a.shape[0]):
        a[i] = a[i] * k


def copy(a, b):
    for i in range(a.shape[0]):
        b[i] = a[i]


def add_up_to(a, b, n):
    for i in range(n):
        b[i] = a[i] + 1
    return i


def shift(a, n, k):
    for i in range(n):
        a[i] = a[i + k] * 2.0


def divide(a, b, out):
    for i in range(out.shape[0]):
        out[i] = a[i] / b[i]


def floor_divide(a, b, out):
    for i in range(out.shape[0]):
        out[i] = a[i] // b[i]


def remainder(a, b, out):
    for i in range(out.shape[0]):
        out[i] = a[i] % b[i]


def power(a, b, out):
    for i in range(out.shape[0]):
        out[i] = a[i] ** b[i]


def plain_divide(a, n, k):
    for i in range(n):
        a[i] = i / k


def divide_by_index(a, n, k):
    for i in range(n):
        a[i] = 1 / (k - i)


def roots(a, b):
    for i in range(a.shape[0]):
        b[i] = math.sqrt(a[i])


def logarithms(a, b):
    for i in range(a.shape[0]):
        b[i] = math.log(a[i])


def in_place_roots(a):
    for i in range(a.shape[0]):
        a[i] = math.sqrt(a[i])


def exponentials(a, b):
    for i in range(a.shape[0]):
        b[i] = math.exp(a[i])


def fill(a, value):
    for i in range(a.shape[0]):
        a[i] = value


def fill_int(a, b):
    for i in range(a.shape[0]):
        b[i] = int(a[i])


def fill_float(a, b):
    for i in range(a.shape[0]):
        b[i] = float(a[i])


def count_from(a, start):
    for i in range(a.shape[0]):
        a[i] = start + i


def transpose(a, b):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[j, i] = a[i, j]


def smooth(a, b):
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


def wrap(a, b):
    for i in range(a.shape[0]):
        b[i] = a[i - 1]


def from_the_end(a, b):
    for i in range(a.shape[0]):
        b[i] = a[-1 - i]


def total(a, start):
    s = start
    for i in range(a.shape[0]):
        s = s + a[i]
    return s


def product_of_ints(n, start):
    p = start
    for i in range(1, n):
        p = p * i
    return p


def last_of(a, t):
    for i in range(a.shape[0]):
        t = a[i]
    return t


def last_variable(a, n, i="before"):
    for i in range(n):
        a[i] = 1.0
    return i


def last_or_unbound(a, n):
    for i in range(n):
        a[i] = 1.0
    return i


def last_of_two(a, n, m):
    i = j = None
    for i in range(n):
        for j in range(i, m):
            a[i, j] = 1.0
    return i, j


def with_else(a, n):
    done = False
    for i in range(n):
        a[i] = 1.0
    else:
        done = True
    return done


def scalar_after(a, b):
    t = None
    for i in range(a.shape[0]):
        t = a[i] * 2
        b[i] = t
    return t


def matmul(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] = c[i, j] + a[i, k] * b[k, j]


def floats(n=9, dtype=np.float64, start=1.0):
    return (np.arange(n) * 0.75 + start).astype(dtype)


def zeros(*shape, dtype=np.float64):
    return np.zeros(shape, dtype)


# ------------------------------------------------------------------- on each backend: values

ARITHMETIC = (
    "float64",
    "float32",
    "int64",
    "int32",
    "int8",
    "uint8",
    "uint64",
    "bool",
    "complex128",
)


@pytest.mark.parametrize("dtype", ARITHMETIC)
def test_product_with_a_python_number_has_the_weak_dtype(dtype, backend):
    k = {"f": 1.1, "c": 1.1, "b": True}.get(np.dtype(dtype).kind, 3)
    ran = None if dtype == "complex128" else "cpu"  # CUDA has no arithmetic of complex numbers
    same(scale, lambda: (floats(dtype=dtype), k), backend, ran=ran)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_quotients_are_bit_identical(dtype, backend):
    same(
        divide,
        lambda: (floats(dtype=dtype), floats(dtype=dtype, start=0.3), zeros(9, dtype=dtype)),
        backend,
    )


@pytest.mark.parametrize("kernel", [floor_divide, remainder])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_floor_division_of_negatives_rounds_down(kernel, dtype, backend):
    a = np.array([7, -7, 7, -7, 0, 1, -1], dtype)
    b = np.array([3, 3, -3, -3, 5, 2, 2], dtype)
    same(kernel, lambda: (a.copy(), b.copy(), zeros(7, dtype=dtype)), backend, ran="cpu")


def test_stencil_is_bit_identical(backend):
    same(smooth, lambda: (floats(42).reshape(6, 7) ** 2, zeros(6, 7)), backend, ran="cpu")


def test_matrix_product_is_bit_identical(backend):
    same(
        matmul,
        lambda: (floats(12).reshape(3, 4), floats(20).reshape(4, 5), zeros(3, 5)),
        backend,
        ran="cpu",
    )


def test_signed_zeros_and_nans_keep_their_bits():
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -1e308])
    same(copy, lambda: (special.copy(), zeros(7)), ran="cpu")
    same(scale, lambda: (special[:6].copy(), -1.0), ran="cpu")


def test_numpy_integers_wrap(backend):
    a = np.array([120, 127, -128, 3], np.int8)
    same(copy, lambda: (a.copy(), zeros(4, dtype=np.int8)), backend, ran="cpu")
    with np.errstate(over="ignore"):  # CUDA cannot know of an overflow
        same(scale, lambda: (a.copy(), np.int8(3)), backend, ran="cpu")
    same(scale, lambda: (a.copy(), np.int8(3)))


# ------------------------------------------------------------------------- IndexError

OUT_OF_RANGE = {
    "read too short": lambda: (floats(4), zeros(9), 9),
    "written too short": lambda: (floats(9), zeros(4), 9),
    "one element too many": lambda: (floats(9), zeros(9), 10),
    "empty": lambda: (floats(0), zeros(0), 1),
    "wrong rank": lambda: (floats(9).reshape(3, 3), zeros(9), 9),
    "a scalar array": lambda: (np.array(1.0), zeros(9), 9),
}


@pytest.mark.parametrize("row", OUT_OF_RANGE)
def test_index_error_comes_at_its_iteration(row, backend):
    same(add_up_to, OUT_OF_RANGE[row], backend, ran="interpreter")


def test_index_error_of_a_nest_leaves_the_earlier_stores(backend):
    same(transpose, lambda: (floats(12).reshape(3, 4), zeros(3, 3)), backend, ran="interpreter")


def test_index_error_in_the_second_loop_leaves_the_first_done():
    def two(a, b, n):
        for i in range(n):
            a[i] = 1.0
        for i in range(n):
            b[i] = 2.0

    decorated = same(two, lambda: (zeros(9), zeros(5), 9))
    assert ["cpu", "interpreter"] == places(decorated)


def test_index_error_is_caught_by_the_function_itself():
    def caught(a, n):
        done = -1
        try:
            for i in range(n):
                a[i] = 1.0
                done = i
        except IndexError:
            return "caught", done, i
        return "done", done, i

    same(caught, lambda: (zeros(5), 9))
    same(caught, lambda: (zeros(9), 9))


# --------------------------------------------------------------------- negative subscripts


def test_subscript_that_wraps_at_the_first_iteration(backend):
    same(wrap, lambda: (floats(), zeros(9)), backend)


def test_subscripts_from_the_end(backend):
    same(from_the_end, lambda: (floats(), zeros(9)), backend)


@pytest.mark.parametrize("k", [-9, -10, -1, 0, 1, 4, 5])
def test_offset_is_looked_at_in_each_call(k, backend):
    same(shift, lambda: (floats(9), 5, k), backend)


def test_negative_step_runs_backwards(backend):
    def backwards(a, b):
        for i in range(a.shape[0] - 1, -1, -2):
            b[i] = a[i]
        return i

    same(backwards, lambda: (floats(), zeros(9)), backend, ran="cpu")


# ---------------------------------------------------------- division, domains, conversions


def test_python_division_by_zero_is_raised_before_anything_is_stored(backend):
    same(plain_divide, lambda: (zeros(5), 5, 0), backend, ran="interpreter")


def test_python_division_by_zero_leaves_the_earlier_stores(backend):
    same(divide_by_index, lambda: (zeros(9), 9, 5), backend)
    same(divide_by_index, lambda: (zeros(9), 9, 100), backend)


def test_python_division_by_a_numpy_zero_warns():
    same(plain_divide, lambda: (zeros(5), 5, np.float64(0.0)))


def test_numpy_division_by_zero_warns_once_and_stores():
    b = np.array([1.0, 0.0, 2.0, 0.0, -0.0])
    same(divide, lambda: (floats(5), b.copy(), zeros(5)))
    same(divide, lambda: (zeros(5), b.copy(), zeros(5)))


@pytest.mark.parametrize("kernel", [floor_divide, remainder])
@pytest.mark.parametrize("dtype", ["float64", "int64", "int8", "uint32"])
def test_numpy_floor_division_by_zero_warns_as_numpy_does(kernel, dtype):
    b = np.array([1, 0, 2, 0], dtype)
    same(kernel, lambda: (np.array([1, 2, 0, 0], dtype), b.copy(), zeros(4, dtype=dtype)))


def test_smallest_integer_by_minus_one():
    a = np.array([-128, 5], np.int8)
    b = np.array([-1, -1], np.int8)
    same(floor_divide, lambda: (a.copy(), b.copy(), zeros(2, dtype=np.int8)))
    same(remainder, lambda: (a.copy(), b.copy(), zeros(2, dtype=np.int8)))


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, -math.inf])
def test_math_domain_error_leaves_the_earlier_stores(bad, backend):
    a = np.array([1.0, 4.0, 9.0, bad, 16.0])
    same(roots, lambda: (a.copy(), zeros(5)), backend)
    same(in_place_roots, lambda: (a.copy(),), backend)


def test_math_without_errors_runs_compiled():
    same(roots, lambda: (floats(), zeros(9)), ran="cpu")
    same(logarithms, lambda: (floats(), zeros(9)), ran="cpu")
    same(in_place_roots, lambda: (floats(),))


@pytest.mark.parametrize("bad", [0.0, -0.0, -1.0, math.nan, math.inf])
def test_logarithm_domain_error(bad):
    same(logarithms, lambda: (np.array([1.0, bad, 2.0]), zeros(3)))


def test_math_overflow_error():
    same(exponentials, lambda: (np.array([1.0, 710.0, 2.0]), zeros(3)))


def test_negative_integer_power():
    same(power, lambda: (np.array([2, 3]), np.array([3, -1]), zeros(2, dtype=np.int64)))
    same(power, lambda: (np.array([2.0, -8.0]), np.array([0.5, 1 / 3]), zeros(2)))


CONVERSIONS = {
    "300 into uint8": (np.uint8, 300),
    "-1 into uint8": (np.uint8, -1),
    "255 into uint8": (np.uint8, 255),
    "128 into int8": (np.int8, 128),
    "nan into int64": (np.int64, math.nan),
    "inf into int32": (np.int32, math.inf),
    "2.7 into int64": (np.int64, 2.7),
    "-2.7 into uint8": (np.uint8, -2.7),
    "300.5 into uint8": (np.uint8, 300.5),
    "numpy 300 into uint8": (np.uint8, np.int64(300)),
    "numpy nan into int64": (np.int64, np.float64("nan")),
    "numpy 1e30 into int64": (np.int64, np.float64(1e30)),
    "complex into float64": (np.float64, 1 + 2j),
    "numpy complex into float64": (np.float64, np.complex128(1 + 2j)),
    "1e300 into float32": (np.float32, 1e300),
    "numpy 1e300 into float32": (np.float32, np.float64(1e300)),
    "True into float64": (np.float64, True),
    "2 into bool": (np.bool_, 2),
    "nan into bool": (np.bool_, math.nan),
    "2**70 into int64": (np.int64, HUGE),
    "2**63 into uint64": (np.uint64, 2**63),
    "2**70 into float64": (np.float64, HUGE),
    "text into float64": (np.float64, "1.5"),
    "bad text into float64": (np.float64, "x"),
    "None into float64": (np.float64, None),
    "list into float64": (np.float64, [1.0]),
    "array into float64": (np.float64, np.ones(1)),
}


@pytest.mark.parametrize("row", CONVERSIONS)
def test_value_is_stored_or_refused_as_numpy_does(row):
    dtype, value = CONVERSIONS[row]
    same(fill, lambda: (zeros(3, dtype=dtype), value))


@pytest.mark.parametrize(
    "values", [[1.5, math.nan], [math.inf, 1.0], [1e30, 1.0], [-1.5, 2.5], [300.0, 1.0]]
)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_float_elements_into_integers(values, dtype):
    same(copy, lambda: (np.array(values), zeros(2, dtype=dtype)))
    same(fill_int, lambda: (np.array(values), zeros(2, dtype=dtype)))


def test_counter_that_outgrows_its_array():
    same(count_from, lambda: (zeros(9, dtype=np.uint8), 250))
    same(count_from, lambda: (zeros(5, dtype=np.uint8), 250))
    same(count_from, lambda: (zeros(9, dtype=np.int8), -130))


def test_complex_into_float_by_float_call():
    same(fill_float, lambda: (floats(dtype=np.complex128), zeros(9)))
    same(fill_float, lambda: (floats(dtype=np.int32), zeros(9)))


# --------------------------------------------------------------------- Python's integers


@pytest.mark.parametrize("start", [0, 2**31, 2**62, 2**63 - 3, 2**63, HUGE, -(2**63), -HUGE])
def test_python_int_beyond_64_bits(start):
    same(count_from, lambda: (zeros(9, dtype=np.float64), start))
    same(count_from, lambda: (zeros(9, dtype=np.int64), start))


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 2**64 - 1])
def test_numpy_integer_beyond_a_signed_one(value):
    for dtype in (np.uint64, np.float64, np.int64):
        same(fill, lambda: (zeros(3, dtype=dtype), np.uint64(value)))
        same(scale, lambda: (floats(3, dtype=dtype), np.uint64(value)))


def test_names_of_builtins_as_variables():
    def masked(a, type, len, min):  # noqa: A002
        for range_ in range(a.shape[0]):
            a[range_] = a[range_] * type + len - min

    same(masked, lambda: (floats(), 2.0, 1, 0.5))


@pytest.mark.parametrize("n", [5, 20, 21, 30])
def test_python_product_outgrows_64_bits(n):
    same(product_of_ints, lambda: (n, 1))
    same(product_of_ints, lambda: (n, 1.0))


@pytest.mark.parametrize("n", [2**31, 2**40, HUGE, -HUGE, -(2**31)])
def test_loop_bound_beyond_32_bits(n):
    def guarded(a, n):
        for i in range(n, n + 3):
            a[i - n] = 1.0
        return i

    same(guarded, lambda: (zeros(3), n))


@pytest.mark.parametrize(
    "n", [5, True, np.int64(5), np.int8(5), np.uint8(5), 5.0, np.float64(5), "5", None, np.array(5)]
)
def test_loop_bound_of_any_type(n):
    same(last_variable, lambda: (zeros(9), n))


# ----------------------------------------------------- arrays that no kernel may store into


def read_only(a):
    a.flags.writeable = False
    return a


def test_read_only_array_is_not_stored_into():
    same(scale, lambda: (read_only(floats()), 2.0), ran="interpreter")
    same(fill, lambda: (read_only(zeros(0)), 2.0))


def test_read_only_array_is_read():
    same(copy, lambda: (read_only(floats()), zeros(9)), ran="cpu")


def test_broadcast_array_is_read_and_not_stored_into():
    same(copy, lambda: (np.broadcast_to(3.0, 9), zeros(9)), ran="cpu")
    same(scale, lambda: (np.broadcast_to(3.0, 9), 2.0), ran="interpreter")


def strided(a, shape, strides):
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def test_array_that_overlaps_itself():
    # Analysed with the strides of the call: in order, then.
    same(scale, lambda: (strided(floats(1), (5,), (0,)), 2.0), ran="cpu")
    same(transpose, lambda: (floats(12).reshape(3, 4), strided(zeros(9), (4, 3), (8, 8))))


# ------------------------------------------------------------------ layouts, on each backend

LAYOUTS = {
    "C": lambda a: a.copy(order="C"),
    "Fortran": lambda a: a.copy(order="F"),
    "transposed": lambda a: a.T.copy().T,
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "rows reversed": lambda a: a[::-1].copy()[::-1],
    "columns reversed": lambda a: a[:, ::-1].copy()[:, ::-1],
    "both reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "part of a larger one": lambda a: np.pad(a, 2)[2:-2, 2:-2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_makes_no_difference(layout, backend):
    def make():
        return LAYOUTS[layout](floats(12).reshape(3, 4)), LAYOUTS[layout](zeros(4, 3))

    same(transpose, make, backend, ran="cpu")


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (2, 2), (3, 1)])
def test_empty_and_small_arrays(shape, backend):
    same(smooth, lambda: (zeros(*shape), zeros(*shape)), backend)
    same(transpose, lambda: (zeros(*shape), zeros(*shape[::-1])), backend)


def test_zero_dimensional_arrays(backend):
    def cube(a, b):
        for i in range(b.shape[0]):
            b[i] = a[()] * 2.0

    same(cube, lambda: (np.array(3.0), zeros(4)), backend)
    same(scale, lambda: (np.array(3.0), 2.0), backend)
    same(scale, lambda: (floats(), np.array(2.0)), backend)


def test_higher_rank(backend):
    def raise_rank(a, b):
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                for k in range(a.shape[2]):
                    b[k, i, j] = a[i, j, k]

    same(raise_rank, lambda: (floats(24).reshape(2, 3, 4), zeros(4, 2, 3)), backend, ran="cpu")


def test_zero_stride_is_read(backend):
    same(copy, lambda: (strided(floats(1), (5,), (0,)), zeros(5)), backend, ran="cpu")


# ------------------------------------------------------------------ arguments that share memory


def views(n, first, second):
    """Return what makes two views of one array."""

    def make():
        a = floats(n)
        return a[first], a[second]

    return make


def other_types(dtype):
    """Return what makes an array and its memory seen as another type."""

    def make():
        a = floats()
        return a.view(dtype)[: a.size], a

    return make


SHARED = {
    "the same": views(9, np.s_[:], np.s_[:]),
    "one later": views(9, np.s_[:-1], np.s_[1:]),
    "one earlier": views(9, np.s_[1:], np.s_[:-1]),
    "reversed": views(9, np.s_[:], np.s_[::-1]),
    "even and odd": views(10, np.s_[::2], np.s_[1::2]),
    "odd and even": views(10, np.s_[1::2], np.s_[::2]),
    "overlapping strides": views(10, np.s_[:6:2], np.s_[2:8:2]),
    "halves": views(10, np.s_[:5], np.s_[5:]),
    "halves that touch": views(10, np.s_[:5], np.s_[4:9]),
    "integers": other_types(np.int64),
    "bytes": other_types(np.uint8),
}


@pytest.mark.parametrize("row", SHARED)
def test_arguments_that_share_memory(row, backend):
    same(copy, SHARED[row], backend)


def test_disjoint_views_of_one_base_run_compiled(backend):
    for row in ("even and odd", "halves"):
        same(copy, SHARED[row], backend, ran="cpu")


def test_overlap_is_reported():
    decorated = same(copy, SHARED["one later"])
    if ["interpreter"] == places(decorated):
        assert "AP501" in notes(decorated)[0]


def test_array_and_its_transpose(backend):
    def make():
        a = floats(16).reshape(4, 4)
        return a, a.T

    same(transpose, make, backend)
    same(smooth, make, backend)


def test_rows_of_one_array(backend):
    def make():
        a = floats(20).reshape(4, 5)
        return a[0], a[2]

    same(copy, make, backend, ran="cpu")


def test_columns_of_one_array(backend):
    def make():
        a = floats(20).reshape(4, 5)
        return a[:, 1], a[:, 3]

    same(copy, make, backend, ran="cpu")


# ------------------------------------------------------------------ what is no plain array


class Loud(np.ndarray):
    """A subclass whose elements are not what they seem."""

    def __getitem__(self, key):
        return super().__getitem__(key) + 100.0


class Quiet(np.ndarray):
    pass


def masked():
    return np.ma.masked_array(floats(), mask=np.arange(9) % 4 == 0)


def unaligned():
    return np.frombuffer(bytearray(b"\0" + floats().tobytes()), np.float64, 9, 1)


NOT_PLAIN = {
    "subclass": lambda: floats().view(Loud),
    "quiet subclass": lambda: floats().view(Quiet),
    "masked array": masked,
    "record array": lambda: floats().view(np.recarray),
    "list": lambda: floats().tolist(),
    "tuple": lambda: tuple(floats().tolist()),
    "bytearray": lambda: bytearray(range(9)),
    "memoryview": lambda: memoryview(floats()),
    "dict": lambda: dict(enumerate(floats().tolist())),
    "text": lambda: "123456789",
    "none": lambda: None,
    "objects": lambda: floats().astype(object),
    "huge integers": lambda: np.array([HUGE + i for i in range(9)], object),
    "float16": lambda: floats(dtype=np.float16),
    "longdouble": lambda: floats(dtype=np.longdouble),
    "complex64": lambda: floats(dtype=np.complex64),
    "byteswapped": lambda: floats().astype(">f8" if sys.byteorder == "little" else "<f8"),
    "unaligned": unaligned,
    "dates": lambda: np.arange("2020-01-01", "2020-01-10", dtype="datetime64[D]"),
    "durations": lambda: np.arange(9).astype("timedelta64[s]"),
    "structured": lambda: np.zeros(9, [("x", float), ("y", int)]),
    "strings": lambda: np.array(list("abcdefghi")),
}


def elements(a, b, n):
    for i in range(n):
        b[i] = a[i]
    return b


def doubled(a, n):
    for i in range(n):
        a[i] = a[i] * 2
    return a


@pytest.mark.parametrize("row", NOT_PLAIN)
def test_what_is_no_plain_array_is_read_and_stored_into_as_ever(row):
    make = NOT_PLAIN[row]
    same(elements, lambda: (make(), zeros(9), 9))
    same(elements, lambda: (floats(), make(), 9))
    same(doubled, lambda: (make(), 9))


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_matrix_is_left_to_the_interpreter():
    same(transpose, lambda: (np.matrix(floats(4).reshape(2, 2)), zeros(2, 2)), ran="interpreter")
    same(elements, lambda: (np.matrix(floats()), zeros(9), 1))


def test_memory_mapped_array(tmp_path):
    def make(name):
        path = tmp_path / name
        floats().tofile(path)
        return np.memmap(path, np.float64, "r+")

    same(doubled, lambda: (make("a"), 9))
    same(elements, lambda: (make("b"), zeros(9), 9))
    plain = np.asarray(make("c"))
    same(elements, lambda: (plain, zeros(9), 9), ran="cpu")


def test_unequal_kinds_of_arguments_each_have_their_kernel():
    decorated = autopar.parallel(backend="cpu")(copy)
    for dtype in ("f4", "f8", "f4", "i4", "f8", "O", "f4"):
        b = zeros(3)
        decorated(np.arange(3).astype(dtype), b)
        assert [0.0, 1.0, 2.0] == b.tolist()
    assert 3 == len(decorated.inspect_source())


def test_more_kinds_than_are_compiled_run_all_the_same():
    dtypes = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c16"]
    decorated = autopar.parallel(backend="cpu")(fill)
    kinds = [(np.zeros(2, a), np.zeros(1, b)[0]) for a in dtypes[:5] for b in dtypes[:5]]
    for a, value in kinds:
        decorated(a, value)
        assert [0.0, 0.0] == a.tolist()
    assert 16 >= len(decorated.inspect_source())


# -------------------------------------------------------------------- what lives on afterwards

STARTS = [
    0,
    0.0,
    True,
    1j,
    np.float64(0),
    np.float32(0),
    np.int64(0),
    np.int8(0),
    np.bool_(0),
    None,
]


@pytest.mark.parametrize("start", STARTS, ids=lambda each: f"{type(each).__name__}")
@pytest.mark.parametrize("n", [0, 1, 9])
def test_sum_has_the_type_that_the_interpreter_leaves(start, n):
    for dtype in (np.float64, np.float32, np.int64, np.uint8, np.bool_):
        same(total, lambda: (floats(n, dtype=dtype), start))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_last_value_has_the_type_that_the_interpreter_leaves(n):
    for start in (0.0, 1, None, "text", np.float32(1)):
        same(last_of, lambda: (floats(n), start))
    same(scalar_after, lambda: (floats(n), zeros(n)))
    same(scalar_after, lambda: (floats(n, np.float32), zeros(n)))


@pytest.mark.parametrize("n", [0, 1, 5, -3])
def test_loop_variable_lives_on(n, backend):
    same(last_variable, lambda: (zeros(9), n), backend)
    same(last_or_unbound, lambda: (zeros(9), n), backend)
    same(with_else, lambda: (zeros(9), n), backend)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (3, 0), (3, 2), (3, 5), (1, 1)])
def test_loop_variables_of_a_nest_live_on(n, m, backend):
    same(last_of_two, lambda: (zeros(6, 6), n, m), backend)


def test_loop_variable_is_an_int_whatever_the_bound(backend):
    for n in (5, np.int64(5), np.uint8(5), True):
        same(last_variable, lambda: (zeros(9), n), backend)


def test_unbound_name_is_unbound():
    def unbound(a, n):
        if n > 3:
            k = 2.0
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        return a

    same(unbound, lambda: (floats(), 5), ran="cpu")
    same(unbound, lambda: (floats(), 1))
    same(unbound, lambda: (zeros(0), 1))


def test_deleted_name_is_unbound():
    def deleted(a, n):
        k = 2.0
        if n > 3:
            del k
        for i in range(a.shape[0]):
            a[i] = a[i] * k
        del i
        return i  # noqa: F821

    same(deleted, lambda: (floats(), 1))
    same(deleted, lambda: (floats(), 5))


def test_missing_global_is_a_name_error():
    def missing(a):
        for i in range(a.shape[0]):
            a[i] = a[i] * not_defined_anywhere  # type: ignore[name-defined]  # noqa: F821

    same(missing, lambda: (floats(),))
    same(missing, lambda: (zeros(0),))


def test_argument_keeps_its_own_value_and_type():
    def untouched(a, n, x):
        for i in range(n):
            a[i] = x
        return n, x

    for n, x in ((3, 1), (np.int64(3), np.float32(1)), (True, True)):
        same(untouched, lambda: (zeros(4), n, x), ran="cpu")


# ------------------------------------------------------------- floating-point events, warnings


@pytest.mark.parametrize("state", ["ignore", "warn", "raise", "print"])
def test_error_state_of_numpy_is_kept(state, capsys):
    b = np.array([1.0, 0.0, 2.0])
    with np.errstate(all=state):
        same(divide, lambda: (floats(3), b.copy(), zeros(3)))
    with np.errstate(divide=state):
        same(divide, lambda: (floats(3), b.copy(), zeros(3)))


def test_error_state_with_a_callback_calls_it_as_often():
    calls: list[object] = []
    b = np.array([1.0, 0.0, 0.0])
    counts = []
    for function in (divide, autopar.parallel(backend="cpu")(divide)):
        calls.clear()
        with np.errstate(divide="call", call=lambda *event: calls.append(event)):
            function(floats(3), b.copy(), zeros(3))
        counts.append(list(calls))
    assert counts[0] == counts[1]
    assert 2 == len(counts[0])


def test_error_state_set_to_raise_after_the_first_call():
    decorated = same(divide, lambda: (floats(3), floats(3), zeros(3)), ran="cpu")
    out = zeros(3)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        decorated(floats(3), np.array([1.0, 0.0, 1.0]), out)
    assert [1.0, 0.0, 0.0] == out.tolist()


def test_warnings_turned_into_errors():
    for function in (divide, autopar.parallel(backend="cpu")(divide)):
        out = zeros(3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RuntimeWarning, match="divide by zero encountered"):
                function(floats(3), np.array([1.0, 0.0, 1.0]), out)
        assert [1.0, 0.0, 0.0] == out.tolist()


def test_warnings_of_this_module_turned_into_errors():
    for function in (divide, autopar.parallel(backend="cpu")(divide)):
        out = zeros(3)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", module=r".*test_semantics")
            with pytest.raises(RuntimeWarning, match="divide by zero encountered"):
                function(floats(3), np.array([1.0, 0.0, 1.0]), out)
        assert [1.0, 0.0, 0.0] == out.tolist()


def test_warning_is_given_once_for_each_place():
    for function in (overflow_in_place, autopar.parallel(backend="cpu")(overflow_in_place)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for _ in range(3):
                function(np.array([1e200, 1e308]))
        assert ["overflow encountered in scalar multiply"] == [str(w.message) for w in caught]


def overflow_in_place(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * a[i] * a[i]


def test_no_warning_where_python_numbers_divide():
    def ratios(a, n, k):
        for i in range(n):
            a[i] = (i - 3) / k * 1e308 * 10.0 - math.inf

    same(ratios, lambda: (zeros(9), 9, 1), ran="cpu")


def test_no_warning_for_values_that_are_copied():
    special = np.array([math.nan, math.inf, 1e308, 5e-324])
    same(copy, lambda: (special.copy(), zeros(4)))
    same(copy, lambda: (special.copy(), zeros(4, dtype=np.float32)))


def test_no_warning_for_a_branch_not_taken():
    def safe(a, b, n):
        for i in range(n):
            if i > 2:
                b[i] = 1.0 / a[i]

    same(safe, lambda: (np.array([0.0, 0.0, 0.0, 2.0, 4.0]), zeros(5), 5))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_overflow_invalid_and_underflow_warn_as_numpy_does(dtype):
    big, tiny = np.finfo(dtype).max, np.finfo(dtype).tiny
    for value, k in ((big, dtype(2)), (np.inf, dtype(0)), (tiny, dtype(1e-30)), (big, 2.0)):
        same(scale, lambda: (np.full(3, value, dtype), k))


# --------------------------------------------------------------------- names that change


def test_shadowed_range_is_noticed(monkeypatch):
    decorated = same(scale, lambda: (floats(), 2.0), ran="cpu")
    monkeypatch.setitem(scale.__globals__, "range", lambda n: [0])
    a, b = floats(), floats()
    scale(a, 2.0)
    decorated(b, 2.0)
    assert freeze(a) == freeze(b)
    assert 1.0 * 2 == b[0]
    assert ["interpreter"] == places(decorated)
    monkeypatch.undo()
    same(lambda *given: decorated(*given), lambda: (floats(), 2.0))
    decorated(floats(), 2.0)
    assert ["cpu"] == places(decorated)


def test_patched_math_function_is_noticed(monkeypatch):
    decorated = same(roots, lambda: (floats(), zeros(9)), ran="cpu")
    b = zeros(3)
    with monkeypatch.context() as patch:
        patch.setattr(math, "sqrt", lambda x: 42.0)
        decorated(floats(3), b)
    assert [42.0] * 3 == b.tolist()


def test_patched_builtins_are_noticed(monkeypatch):
    import builtins

    decorated = same(fill_float, lambda: (floats(), zeros(9)), ran="cpu")
    b = zeros(2)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "float", lambda x: 7)
        decorated(floats(2), b)
    assert [7.0, 7.0] == b.tolist()


def test_global_constant_is_read_at_each_call(monkeypatch):
    def by_step(a, n):
        for i in range(0, n, 1):
            a[i] = a[i] + STEP

    decorated = same(by_step, lambda: (floats(), 9), ran="cpu")
    monkeypatch.setitem(globals(), "STEP", 10)
    same(by_step, lambda: (floats(), 9), ran="cpu")
    a = zeros(2)
    decorated(a, 2)
    assert [10.0, 10.0] == a.tolist()


def test_global_step_is_read_at_each_call(monkeypatch):
    def stepping(a, n):
        for i in range(0, n, STEP):
            a[i] = a[i] + 1.0
        return i

    decorated = autopar.parallel(backend="cpu")(stepping)
    for step, expected in ((1, [1.0] * 4), (2, [1.0, 0.0, 1.0, 0.0]), (3, [1.0, 0.0, 0.0, 1.0])):
        monkeypatch.setitem(globals(), "STEP", step)
        a = zeros(4)
        decorated(a, 4)
        assert expected == a.tolist()
    monkeypatch.setitem(globals(), "STEP", 0)
    with pytest.raises(ValueError, match="arg 3 must not be zero"):
        decorated(zeros(4), 4)


def test_function_patched_before_the_first_call_is_noticed(monkeypatch):
    decorated = autopar.parallel(backend="cpu")(roots)
    with monkeypatch.context() as patch:
        patch.setattr(math, "sqrt", math.cbrt)
        plain, actual = zeros(3), zeros(3)
        roots(floats(3), plain)
        decorated(floats(3), actual)
    assert plain.tolist() == actual.tolist()


def test_constant_of_a_module_is_watched(monkeypatch):
    def circles(a, b):
        for i in range(a.shape[0]):
            b[i] = math.pi * a[i] * np.pi

    decorated = same(circles, lambda: (floats(), zeros(9)), ran="cpu")
    b = zeros(1)
    with monkeypatch.context() as patch:
        patch.setattr(np, "pi", 3.0)
        decorated(np.ones(1), b)
    assert [math.pi * 3.0] == b.tolist()


def test_numpy_functions_by_their_second_names_are_taken():
    def magnitudes(a, b):
        for i in range(a.shape[0]):
            b[i] = np.abs(a[i]) + np.sqrt(np.float64(2.0))

    same(magnitudes, lambda: (floats(start=-3.0), zeros(9)), ran="cpu")


def test_function_under_a_global_name_of_its_own():
    def by_name(a, b):
        for i in range(a.shape[0]):
            b[i] = sqrt(a[i])

    same(by_name, lambda: (floats(), zeros(9)), ran="cpu")
    same(by_name, lambda: (np.array([1.0, -1.0]), zeros(2)))


# --------------------------------------------------------------- who watches, who else runs


def test_tracer_sees_every_line():
    def lines_of(function):
        seen = []

        def tracer(frame, event, argument):
            if frame.f_code.co_filename == __file__ and event == "line":
                seen.append(frame.f_lineno)
            return tracer

        previous = sys.gettrace()
        sys.settrace(tracer)
        try:
            function(floats(4), 2.0)
        finally:
            sys.settrace(previous)
        return seen

    decorated = same(scale, lambda: (floats(), 2.0))
    lines_of(decorated)
    assert ["interpreter"] == places(decorated)
    assert "AP509" in notes(decorated)[0]
    inside = lines_of(decorated)
    plain = lines_of(scale)
    assert [line for line in plain if line in inside] == [line for line in inside if line in plain]
    assert plain[-8:] == inside[-8:]


def test_profiler_is_no_hindrance():
    events = []
    sys.setprofile(lambda *event: events.append(event))
    try:
        decorated = autopar.parallel(backend="cpu")(scale)
        a = floats(4)
        decorated(a, 2.0)
    finally:
        sys.setprofile(None)
    assert (floats(4) * 2.0).tolist() == a.tolist()


def test_many_threads_call_the_same_function():
    decorated = autopar.parallel(backend="cpu")(matmul)
    a, b = floats(64 * 48).reshape(64, 48), floats(48 * 32).reshape(48, 32)
    expected = zeros(64, 32)
    decorated(a, b, expected)
    results = [zeros(64, 32) for _ in range(8)]

    def call(result):
        for _ in range(5):
            result[:] = 0.0
            decorated(a, b, result)

    threads = [threading.Thread(target=call, args=(result,)) for result in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(expected, result) for result in results)


FORK = """
import os, sys
import numpy as np
import autopar
from autopar.codegen import kept_kernels

@autopar.parallel(backend="cpu")
def halve(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.5 + 1.0

@autopar.parallel(backend="cpu")
def other(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.25 + 2.0

a = np.ones(2_000_000)
halve(a)
child = os.fork()
if child == 0:
    b = np.ones(2_000_000)
    halve(b)
    good = (b == 1.5).all() and halve.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"] == "cpu"
    other(b)
    os._exit(7 if good and (b == 2.375).all() else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
halve(a)
print((a == 1.75).all())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_child_of_a_fork_calls_on(tmp_path, python):
    (tmp_path / "script.py").write_text(FORK)
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": "3"})
    assert "7\nTrue\n" == done.stdout, done.stderr


INTERRUPTED = """
import sys
import numpy as np
import autopar
from autopar.codegen import kept_kernels

@autopar.parallel(backend="cpu")
def long(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] = c[i, j] + a[i, k] * b[k, j]

def call(n):
    a = np.ones((n, n))
    long(a, a.T.copy(), np.zeros((n, n)))

call(20)
print("ready", flush=True)
try:
    call(6000)
except KeyboardInterrupt as error:
    trace = error.__traceback__
    print("interrupted", flush=True)
"""


def test_keyboard_interrupt_is_honoured_within_a_second(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    assert seconds_to_end("interrupted", script) < SECOND


# ------------------------------------------------------------------- what may break inside


def kernel_of_its_own(source, name):
    """Return a function whose kernel no other test compiles."""
    import linecache

    file = f"<test {name}>"
    text = textwrap.dedent(source)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space = {"np": np, "math": math}
    exec(compile(text, file, "exec"), space)
    return space[name]


OWN = """
def {name}(a, k):
    for i in range(a.shape[0]):
        a[i] = a[i] * k + {constant}
"""


@pytest.mark.parametrize("content", ["empty", "garbage", "half"])
def test_corrupted_cache_files_are_made_anew(content, tmp_path, python, monkeypatch):
    folder = tmp_path / "cache"
    script = tmp_path / "script.py"
    script.write_text(CACHED)
    environment = {"AUTOPAR_CACHE_DIR": str(folder)}
    first = python("script.py", environment=environment)
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = {".code"} if kept_kernels.is_possible() else {".nbi", ".nbc"}
    assert {".py", ".json", *kept} <= {path.suffix for path in files}
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(
            {"empty": b"", "garbage": b"\xff" * 99, "half": whole[: len(whole) // 2]}[content]
        )
    second = python("script.py", environment=environment)
    assert "[3.0, 5.0] cpu\n" == first.stdout == second.stdout, second.stderr
    assert "" == second.stderr


CACHED = """
import numpy as np, autopar

@autopar.parallel(backend="cpu")
def fill(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 2.0 + 3.0

a = np.arange(2.0)
fill(a)
print(a.tolist(), fill.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"])
"""


def test_read_only_cache_folder_is_no_error(tmp_path, python):
    (tmp_path / "script.py").write_text(CACHED)
    # A folder that even root cannot write to: its parent is a file, or it is in /proc.
    (tmp_path / "file").write_text("")
    places_without = [str(tmp_path / "file" / "cache")]
    if Path("/proc/self").is_dir():
        places_without.append("/proc/self/autopar")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    for folder in (*places_without, str(locked)):
        done = python("script.py", environment={"AUTOPAR_CACHE_DIR": folder})
        assert ("[3.0, 5.0] cpu\n", "") == (done.stdout, done.stderr)


def test_missing_cache_folder_is_made(tmp_path, python):
    (tmp_path / "script.py").write_text(CACHED)
    folder = tmp_path / "not" / "there" / "yet"
    done = python("script.py", environment={"AUTOPAR_CACHE_DIR": str(folder)})
    assert "[3.0, 5.0] cpu\n" == done.stdout, done.stderr
    assert any(folder.glob("*.py"))


def test_no_home_folder_is_no_error(tmp_path, python):
    (tmp_path / "script.py").write_text(CACHED)
    environment = {"AUTOPAR_CACHE_DIR": None, "XDG_CACHE_HOME": None, "HOME": "/nonexistent"}
    done = python("script.py", environment=environment)
    assert ("[3.0, 5.0] cpu\n", "") == (done.stdout, done.stderr)


def test_kernel_that_does_not_compile_falls_back(monkeypatch):
    from autopar import variants
    from autopar.codegen.cpu import generate_cpu as generate

    def broken(program, **options):
        return generate(program, **options).replace(" * ", " * undefined_name_of_test * ")

    monkeypatch.setattr(variants, "generate_cpu", broken)
    function = kernel_of_its_own(OWN.format(name="broken", constant="1.5"), "broken")
    decorated = same(function, lambda: (floats(), 2.0), ran="interpreter")
    assert "AP604" in notes(decorated)[0]
    assert {} == decorated.inspect_source()


def test_generated_text_that_is_not_python_falls_back(monkeypatch):
    from autopar import variants

    monkeypatch.setattr(variants, "generate_cpu", lambda program, **options: "def run(:\n")
    function = kernel_of_its_own(OWN.format(name="broken", constant="2.5"), "broken")
    decorated = same(function, lambda: (floats(), 2.0), ran="interpreter", has_fault=True)
    assert "AP900" in notes(decorated)[0]


@pytest.mark.parametrize("name", ["generate_cpu", "specialize", "lower", "prepared_module"])
def test_fault_of_ours_at_a_call_falls_back(name, monkeypatch, caplog):
    from autopar import forms, variants

    def fault(*given, **options):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(forms if name == "prepared_module" else variants, name, fault)
    function = kernel_of_its_own(OWN.format(name="faulty", constant="3.5"), "faulty")
    decorated = same(function, lambda: (floats(), 2.0), ran="interpreter", has_fault=True)
    assert "AP900" in notes(decorated)[0]
    assert "a fault of ours" in caplog.text


def test_analysis_beyond_its_budget_falls_back(monkeypatch):
    from autopar.analysis.model import isl

    monkeypatch.setattr(vars(isl.budget)["__wrapped__"], "__defaults__", (1, 1.0))
    function = kernel_of_its_own(OWN.format(name="costly", constant="4.5"), "costly")
    decorated = same(function, lambda: (floats(), 2.0))
    (loop,) = loops_of(decorated.last_run)
    assert ("unsupported", "AP307") == (loop["verdict"], loop["code"])
    assert "ran" not in loop or "interpreter" == loop["ran"]["backend"]


def test_fault_of_the_analysis_falls_back(monkeypatch, caplog):
    def fault(*given, **options):
        raise KeyError("a fault of ours")

    monkeypatch.setattr("autopar.analysis.stages.analyze", fault)
    function = kernel_of_its_own(OWN.format(name="unlucky", constant="5.5"), "unlucky")
    decorated = same(function, lambda: (floats(), 2.0), has_fault=True)
    (entry,) = decorated.explain().to_dict()["functions"]
    assert "AP900" == entry["refusal"]["code"]
    assert "a fault of ours" in caplog.text


def test_automatic_backend_leaves_short_loops_alone():
    decorated = same(scale, lambda: (floats(), 2.0), "auto", ran="interpreter")
    assert "AP6" in notes(decorated)[0]


def test_automatic_backend_takes_long_loops_over():
    decorated = same(scale, lambda: (floats(4_000_000), 2.0), "auto")
    assert ["cpu"] == places(decorated)


# ---------------------------------------------------------------------------- the simulator


def test_selection_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)


def shifted_by(a, b, k):
    for i in range(30):
        a[i] = b[i + k]


def test_small_numpy_integer_wraps_in_subscripts_as_in_the_interpreter():
    k = np.int8(100)
    same(shifted_by, lambda: (np.zeros(200), np.arange(200.0), k), ran="interpreter")
    same(shifted_by, lambda: (np.zeros(200), np.arange(200.0), np.int64(100)), ran="cpu")


@pytest.mark.parametrize("dtype", [np.longlong, np.ulonglong, np.int64])
def test_of_two_types_with_one_name_each_stays_itself(dtype):
    """`np.longlong` is not `np.int64`, though their dtypes are equal."""

    def last(a, b, k):
        x = k
        for i in range(a.shape[0]):
            x = a[i] + k
            b[i] = x
        return x

    def summed(a, b, k):
        c = a + b
        return c * a, c

    for function in (last, summed):
        decorated = autopar.parallel(function, backend="cpu")
        for kind in (np.int64, dtype, np.int64):
            for k in (kind(2), 2):
                a = np.arange(9, dtype=kind)
                expected = function(a, a.copy(), k)
                assert freeze(expected) == freeze(decorated(a, a.copy(), k))


@pytest.mark.parametrize("n", [5, True, np.int8(5), np.bool_(True), 5.0, "5", None, -2])
def test_bounds_of_slices_of_any_type(n):
    def products(a, b, n):
        c = a[:n] + b[:n]
        return c * a[:n], c

    same(products, lambda: (floats(), floats(), n))
