"""What other compilers of Python get wrong, each as a small function: here it is as interpreted.

The rows are those that were measured of Numba, Pythran and DaCe: integers that grow or wrap, divisions, stores, names
after loops, subscripts out of range, memory that is shared, iterations that depend on each other. Kernels are read,
not compiled, and parallel loops run one iteration at a time in an order of their own: no race needs luck to be seen.
"""

# the functions are users' code

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.fuzz.modes import forced
from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"
# (The functions are written as users write them.)

FIRST_GLOBAL = 10


def _array(dtype: str, count: int, more: float = 0) -> Any:
    """Return 0, 1, 2, ..., each larger by `more`."""
    return np.array([each + more for each in range(count)], dtype)


f8, f4, i8, i4, i1, u8, u1 = (partial(_array, each) for each in "f8 f4 i8 i4 i1 u8 u1".split())


def empty_loop_variable(a, n):
    for i in range(n):
        a[i] = 1
    return i


def last_loop_variable(a, n):
    for i in range(n):
        a[i] = i
    return i


def large_square(n):
    for i in range(n):
        x = (2**40) ** 2 + i
    return x


def square_of_a_name(n, k):
    for i in range(n):
        x = k**2 + i
    return x


def shift_beyond_a_word(n, k):
    for i in range(n):
        x = 1 << (k + i)
    return x


def negative_power(n, k):
    for i in range(n):
        x = 2 ** (k + i)
    return x


def below_the_first(a, n):
    for i in range(n):
        a[i - 7] = 1


def beyond_the_last(a, n):
    for i in range(n):
        a[i] = 1


def read_beyond_the_last(a, b, n):
    for i in range(n):
        a[i] = b[i + 1]


def division_by_an_element(a, b, n):
    for i in range(n):
        a[i] = a[i] / b[i]


def division_by_a_number(a, n):
    for i in range(n):
        a[i] = 1 / (i - 2)


def floor_division_by_an_element(a, b, n):
    for i in range(n):
        a[i] = a[i] // b[i]


def remainder_of_zero(a, b, n):
    for i in range(n):
        a[i] = a[i] % b[i]


def remainder_of_negatives(a, n):
    for i in range(n):
        a[i] = -7.5 % (a[i] - 2.5)


def sum_of_int8(a, n):
    for i in range(n):
        a[i] = a[i] + a[i]


def product_of_int32(a, b, n):
    for i in range(n):
        b[i] = a[i] * a[i]


def uint8_below_zero(a, n):
    for i in range(n):
        a[i] = a[i] - 2


def large_uint64(a, n):
    for i in range(n):
        a[i] = a[i] + 1


def sum_of_truth_values(a, b, n):
    for i in range(n):
        a[i] = b[i] + b[i]


def float32_and_numbers(a, n):
    for i in range(n):
        a[i] = a[i] * 0.1 + 1.0


def power_of_float32(a, n):
    x = 0
    for i in range(n):
        x = a[i] ** i
    return x


def too_much_for_uint8(a, n):
    for i in range(n):
        a[i] = 298 + i


def too_much_for_int32(a, n):
    for i in range(n):
        a[i] = 2**40 + i


def nan_among_integers(a, b, n):
    for i in range(n):
        a[i] = b[i] * 0


def integer_of_a_large_float(b, n):
    for i in range(n):
        x = int(b[i])
    return x


def root_of_a_negative(a, n):
    for i in range(n):
        a[i] = math.sqrt(2 - i)


def logarithm_of_zero(a, n):
    for i in range(n):
        a[i] = math.log(i)


def exponential_that_overflows(a, n):
    for i in range(n):
        a[i] = math.exp(500 * i)


def rounded_to_a_digit(n):
    for i in range(n):
        x = round(0.15 + i, 1)
    return x


def type_of_what_is_returned(a, n):
    for i in range(n):
        x = a[i]
    return x


def place_of_the_largest(a, n):
    best, at = -1.0, -1
    for i in range(n):
        if a[i] > best:
            best = a[i]
            at = i
    return best, at


def last_value_under_a_condition(a, n):
    x = -1.0
    for i in range(n):
        if a[i] > 0.5:
            x = a[i]
    return x


def chain(a, n):
    for i in range(1, n):
        a[i] = a[i - 1] + 1


def number_of_the_turn_before(a, b, n):
    x = 0.0
    for i in range(n):
        b[i] = x
        x = a[i]
    return x


def histogram(a, k, n):
    for i in range(n):
        a[k[i]] += 1


def compaction(a, b, n):
    m = 0
    for i in range(n):
        if a[i] > 2:
            b[m] = a[i]
            m += 1
    return m


def factorial(n):
    x = 1
    for i in range(1, n):
        x *= i
    return x


def sum_of_fifth_powers(n):
    x = 0
    for i in range(n):
        x += i**5
    return x


def mean_of_uint8(a, b, n):
    for i in range(n):
        a[i] = (a[i] + b[i]) // 2


def slices_of_one_array(a):
    a[1:] += a[:-1]
    a[:-1] += a[1:]
    a[:] = a[::-1] + 0


def arguments_that_are_one(a, b, n):
    for i in range(n):
        b[i + 1] = a[i] + 1


def sweep_of_two_loops(e, n):
    for i in range(1, n):
        for j in range(1, n):
            e[i, j] = e[i - 1, j] + e[i, j - 1]


def no_value_without_a_turn(a, n):
    for i in range(n):
        t = a[i]
        a[i] = t + 1
    return t


def a_branch_decides_the_type(a, b, n):
    x = 0
    for i in range(n):
        if a[i] > 2:
            x = a[i]
        else:
            x = i
        b[i] = x
    return x


def what_is_raised_is_raised(a, b, n):
    for i in range(n):
        if a[i] > 2:
            raise ValueError(i)
        b[i] = a[i]


def an_assertion_is_asked(a, b, n):
    for i in range(n):
        assert a[i] < 3, i
        b[i] = a[i]


def zeros_with_signs(a, n):
    for i in range(n):
        a[i] = -a[i] * 0


def reciprocals_are_no_quotients(a, n):
    for i in range(n):
        a[i] = a[i] / 3.0 * 3.0 - a[i]


ROWS: list[tuple[Callable[..., Any], Callable[[], tuple[Any, ...]]]] = [
    (empty_loop_variable, lambda: (f8(3), 0)),
    (last_loop_variable, lambda: (f8(9), 9)),
    (large_square, lambda: (3,)),
    (square_of_a_name, lambda: (3, 2**40)),
    (shift_beyond_a_word, lambda: (3, 70)),
    (negative_power, lambda: (1, -1)),
    (below_the_first, lambda: (f8(5), 3)),
    (beyond_the_last, lambda: (f8(5), 7)),
    (read_beyond_the_last, lambda: (f8(5), f8(5), 5)),
    (division_by_an_element, lambda: (f8(5), f8(5), 5)),
    (division_by_a_number, lambda: (f8(5), 5)),
    (floor_division_by_an_element, lambda: (i8(5), i8(5), 5)),
    (remainder_of_zero, lambda: (f8(5), f8(5), 5)),
    (remainder_of_negatives, lambda: (f8(5), 5)),
    (sum_of_int8, lambda: (i1(5, 97), 5)),
    (product_of_int32, lambda: (i4(3, 99_999), i8(3), 3)),
    (uint8_below_zero, lambda: (u1(5), 5)),
    (large_uint64, lambda: (u8(3, 2**63), 3)),
    (sum_of_truth_values, lambda: (i8(3), f8(3) > 0, 3)),
    (float32_and_numbers, lambda: (f4(5), 5)),
    (power_of_float32, lambda: (f4(5), 5)),
    (too_much_for_uint8, lambda: (u1(5), 5)),
    (too_much_for_int32, lambda: (i4(5), 5)),
    (nan_among_integers, lambda: (i8(5), f8(5, np.inf), 5)),
    (integer_of_a_large_float, lambda: (f8(3, 1e30), 3)),
    (root_of_a_negative, lambda: (f8(5), 5)),
    (logarithm_of_zero, lambda: (f8(5), 5)),
    (exponential_that_overflows, lambda: (f8(5), 5)),
    (rounded_to_a_digit, lambda: (2,)),
    (type_of_what_is_returned, lambda: (f4(5), 5)),
    (place_of_the_largest, lambda: (f8(40), 40)),
    (last_value_under_a_condition, lambda: (f8(40) / 20, 40)),
    (chain, lambda: (f8(40), 40)),
    (number_of_the_turn_before, lambda: (f8(9), f8(9), 9)),
    (histogram, lambda: (i8(5), i8(30) % 4, 30)),
    (compaction, lambda: (f8(30), f8(30), 30)),
    (factorial, lambda: (26,)),
    (sum_of_fifth_powers, lambda: (9000,)),
    (mean_of_uint8, lambda: (u1(3, 199), u1(3, 99), 3)),
    (slices_of_one_array, lambda: (f8(9),)),
    (arguments_that_are_one, lambda: (*(f8(9),) * 2, 8)),
    (sweep_of_two_loops, lambda: (f8(36).reshape(6, 6), 6)),
    (no_value_without_a_turn, lambda: (f8(5), 0)),
    (a_branch_decides_the_type, lambda: (f8(5), f8(5), 5)),
    (what_is_raised_is_raised, lambda: (f8(5), f8(5), 5)),
    (an_assertion_is_asked, lambda: (f8(5), f8(5), 5)),
    (zeros_with_signs, lambda: (f8(5), 5)),
    (reciprocals_are_no_quotients, lambda: (f8(9), 9)),
]

# What is left to the interpreter, for it raises, warns, outgrows 64 bits or leaves a name unbound.
INTERPRETED = frozenset((
    empty_loop_variable, large_square, square_of_a_name, shift_beyond_a_word, negative_power,
    below_the_first, beyond_the_last, read_beyond_the_last, division_by_a_number,
    product_of_int32, too_much_for_uint8, too_much_for_int32, nan_among_integers,
    integer_of_a_large_float, root_of_a_negative, logarithm_of_zero, exponential_that_overflows,
    rounded_to_a_digit, factorial, sum_of_fifth_powers, no_value_without_a_turn,
    a_branch_decides_the_type, what_is_raised_is_raised, an_assertion_is_asked,
))  # fmt: skip


@pytest.mark.parametrize(("function", "make"), ROWS, ids=[each.__name__ for each, _ in ROWS])
def test_it_is_as_interpreted_whatever_the_order_of_iterations(function, make):
    with forced("hostile", random.Random(function.__name__), reads=True):
        same(function, make, ran=None if function in INTERPRETED else "cpu")


def adds_a_global(a, n):
    for i in range(n):
        a[i] += FIRST_GLOBAL


def test_a_global_that_changes_is_seen(monkeypatch):
    with forced("hostile", random.Random(1), reads=True):
        decorated = same(adds_a_global, lambda: (f8(5), 5))
        monkeypatch.setitem(globals(), "FIRST_GLOBAL", 2)
        expected, actual = f8(5), f8(5)
        adds_a_global(expected, 5)
        decorated(actual, 5)
        assert expected.tolist() == actual.tolist()
