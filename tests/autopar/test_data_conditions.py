"""Conditions on data: a decorated function decides as the plain one does.

Each kernel holds an `if` whose test reads arrays or floats; where a row says `ran`, the region
has to have run there. Values are drawn so that both sides are taken.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.sameness import places, same


def clip(a, b, n):
    for i in range(n):
        if a[i] > 0.5:
            b[i] = 0.5
        elif a[i] < -0.5:
            b[i] = -0.5
        else:
            b[i] = a[i]


def only_some(a, b, n):
    for i in range(n):
        if a[i] > b[i]:
            b[i] = a[i] * 2.0


def nested(a, b, n):
    for i in range(n):
        if a[i] > 0.0:
            b[i] = 1.0
            if a[i] > 1.0:
                b[i] += a[i]
            else:
                b[i] -= a[i]
        b[i] *= 2.0


def mixed_with_affine(a, b, n):
    for i in range(n):
        if i > 0 and a[i - 1] > 0.0:
            b[i] = a[i - 1]
        else:
            b[i] = a[i]


def affine_or_data(a, b, n):
    for i in range(n):
        if i == 0 or a[i - 1] > 0.0 or i == n - 1:
            b[i] = 1.0
        else:
            b[i] = a[i - 1]


def data_then_affine(a, b, n):
    for i in range(n):
        if a[i] > 0.0 and i < n - 1:
            b[i] = a[i + 1]
        else:
            b[i] = -1.0


def three_parts(a, b, n):
    for i in range(n):
        if a[i] > 0.0 and i > 1 and b[i] > 0.0:
            t = a[i] + a[i - 2]
        else:
            t = a[i]
        b[i] = t


def negated(a, b, n):
    for i in range(n):
        if not (a[i] > 0.0 or b[i] > 0.0):
            b[i] = 3.0
        if not a[i]:
            b[i] = 4.0


def truth_of_numbers(a, b, n):
    for i in range(n):
        if a[i]:
            b[i] = 1
        else:
            b[i] = 2


def truth_of_a_pair(a, b, n):
    for i in range(n):
        if a[i] and not b[i]:
            b[i] = 1
        elif a[i] or b[i]:
            b[i] = 3


def chained(a, b, n):
    for i in range(n):
        if -0.5 < a[i] <= b[i] < 1.5:
            b[i] = 0.0


def on_a_scalar(a, b, n, flag, level):
    for i in range(n):
        if flag:
            b[i] = a[i]
        if a[i] > level:
            b[i] = level


def private_under_a_condition(a, b, n):
    for i in range(n):
        if a[i] > 0.0:
            t = a[i] * 2.0
            b[i] = t * t


def assigned_either_way(a, b, n):
    for i in range(n):
        if a[i] > 0.0:
            t = a[i]
        elif a[i] > -1.0:
            t = -a[i]
        else:
            t = 7.0
        b[i] = t + 1.0


def kept_from_before(a, b, n):
    t = a[0]
    for i in range(n):
        if a[i] > 0.0:
            t = a[i]
        b[i] = t
    return t


def largest(a, n):
    best = a[0]
    where = 0
    for i in range(n):
        if a[i] > best:
            best = a[i]
            where = i
    return best, where


def last_that_fits(a, n):
    t = a[0]
    for i in range(n):
        if a[i] > 0.0:
            t = a[i] * 3.0
    return t


def perhaps_unbound(a, n):
    for i in range(n):
        if a[i] > 100.0:
            t = a[i]
    return t


def type_depends_on_data(a, n):
    t = 0.0
    for i in range(n):
        if a[i] > 100.0:
            t = a[i]
    return t


def compacted(a, b, n):
    k = 0
    for i in range(n):
        if a[i] > 0.0:
            k += 1
    b[0] = k
    return k


def inner_loop_under_a_condition(u, v, n):
    for i in range(n):
        if u[i, 0] > 0.0:
            for j in range(n):
                v[i, j] = u[i, j] * 2.0
        else:
            for j in range(i):
                v[i, j] = 1.0


def condition_between_loops(u, v, n):
    for i in range(n):
        for j in range(n):
            if u[i, j] > 0.0:
                v[i, j] = u[i, j]
            else:
                v[j, i] = v[j, i]


def steps_under_a_condition(a, b, n):
    for t in range(5):
        if b[t] > 0.0:
            for i in range(1, n - 1):
                a[i] = a[i] + b[i]
        for i in range(n):
            b[i] = a[i]


def total_of_positive(a, n):
    s = 0.0
    for i in range(n):
        if a[i] > 0.0:
            s += a[i]
    return s


def guarded_quotient(a, b, n):
    for i in range(n):
        if b[i] != 0.0:
            a[i] = a[i] / b[i]


def guarded_in_one_test(a, b, n):
    for i in range(n):
        if b[i] != 0.0 and a[i] / b[i] > 0.5:
            a[i] = 1.0


def guarded_python_division(a, b, n):
    for i in range(n):
        k = i - 3
        if a[i] > 0.0 and k != 0:
            b[i] = 1.0 / k


def guarded_root(a, b, n):
    for i in range(n):
        if a[i] >= 0.0:
            b[i] = math.sqrt(a[i])
        else:
            b[i] = 0.0


def guarded_logarithm(a, b, n):
    for i in range(n):
        if a[i] > 0.0 and math.log(a[i]) < 1.0:
            b[i] = math.log(a[i])


def chain_of_reads(a, b, n):
    for i in range(1, n):
        if a[i - 1] > 0.0:
            a[i] = b[i]


def uses_the_names_of_predicates(a, b, n, if_3):
    for i in range(n):
        if a[i] > 0.0:
            b[i] = if_3
    if_4 = if_3
    return if_4


def five_parts(a, b, n):
    for i in range(n):
        if a[i] > 0.0 and i > 0 and b[i] > 0.0 and i < n - 1 and a[i + 1] > a[i - 1]:
            b[i] = 1.0
        else:
            b[i] = 2.0


def goes_on(a, b, n):
    for i in range(n):
        if a[i] < -1.0:
            continue
        b[i] = a[i]
        if i == 3:
            b[i] = 2.0
            continue
        elif b[i] > 1.0:
            continue
        t = a[i] * 2.0
        b[i] += t


def numbers(n=64, seed=0, dtype=np.float64):
    generator = np.random.default_rng(seed)
    drawn = generator.normal(size=n)
    drawn[::9] = 0.0
    drawn[3::11] = -0.0
    return (3 * drawn).astype(dtype)


def pair(dtype=np.float64, n=64):
    return numbers(n, 1, dtype), numbers(n, 2, dtype), n


PLAIN = [
    clip,
    only_some,
    nested,
    mixed_with_affine,
    affine_or_data,
    data_then_affine,
    three_parts,
    negated,
    truth_of_numbers,
    truth_of_a_pair,
    chained,
    private_under_a_condition,
    assigned_either_way,
    guarded_quotient,
    guarded_in_one_test,
    guarded_python_division,
    guarded_root,
    guarded_logarithm,
    five_parts,
    goes_on,
]


@pytest.mark.parametrize("kernel", PLAIN)
def test_decides_as_the_interpreter_does(kernel, backend):
    same(kernel, pair, backend, ran="cpu")


@pytest.mark.parametrize(
    ("kernel", "dtype"),
    [
        *((kernel, "float32") for kernel in PLAIN[::2]),
        *((kernel, "int8") for kernel in PLAIN[1::2]),
        *((kernel, "bool") for kernel in (nested, chained, truth_of_a_pair)),
    ],
)
def test_decides_on_elements_of_other_dtypes(kernel, dtype):
    same(kernel, lambda: pair(dtype))


@pytest.mark.parametrize("kernel", PLAIN)
def test_decides_on_nan_and_infinities(kernel):
    def arguments():
        a, b, n = pair()
        a[::5], b[1::5], a[2::7], b[::13] = np.nan, np.nan, np.inf, -np.inf
        return a, b, n

    same(kernel, arguments)


@pytest.mark.parametrize("kernel", PLAIN)
def test_short_loops(kernel):
    for n in (0, 1, 2):
        same(kernel, lambda: (numbers(5, 1), numbers(5, 2), n))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool", "complex128"])
def test_truth_of_every_kind_of_number(dtype):
    values = [0, 1, 2, 0, 5] if dtype == "uint8" else [0.0, -0.0, 1.0, 0.25, -3.0]
    a = np.array(values).astype(dtype)
    same(truth_of_numbers, lambda: (a, np.zeros(5, np.int64), 5), ran="cpu")


def test_nan_is_true():
    a = np.array([np.nan, 0.0, -0.0, np.inf])
    same(truth_of_numbers, lambda: (a, np.zeros(4), 4), ran="cpu")


@pytest.mark.parametrize("flag", [True, False, 0, 2, 0.0, -0.0, math.nan, np.float32(0), np.True_])
def test_scalars_of_any_type_decide(flag):
    for level in (0.5, np.float32(0.5), 1):
        same(on_a_scalar, lambda: (*pair(), flag, level))


def test_a_float_decides_in_a_kernel(backend):
    same(on_a_scalar, lambda: (*pair(), 1.5, 0.5), backend, ran="cpu")


@pytest.mark.parametrize("kernel", [largest, last_that_fits])
def test_a_scalar_that_is_not_assigned_keeps_its_value(kernel):
    same(kernel, lambda: (numbers(), 64), ran="cpu")
    same(kernel, lambda: (-abs(numbers()), 64), ran="cpu")
    same(kernel, lambda: (numbers(), 0))


def test_an_iteration_sees_the_value_of_an_earlier_one():
    same(kept_from_before, pair, ran="cpu")


@pytest.mark.parametrize("high", [0.0, 200.0])
@pytest.mark.parametrize("kernel", [perhaps_unbound, type_depends_on_data])
def test_what_lives_on_may_depend_on_data(kernel, high):
    def arguments():
        a = numbers()
        a[17] = high
        return a, 64

    same(kernel, arguments)


@pytest.mark.parametrize("kernel", [compacted, chain_of_reads])
def test_what_one_iteration_decides_for_the_next(kernel):
    same(kernel, pair, ran="cpu")


@pytest.mark.parametrize("kernel", [inner_loop_under_a_condition, condition_between_loops])
def test_loops_under_and_around_a_condition(kernel, backend):
    def arguments():
        return numbers(81).reshape(9, 9), numbers(81, 4).reshape(9, 9), 9

    same(kernel, arguments, backend, ran="cpu" if backend == "cpu" else None)


def test_a_condition_above_a_launch(backend):
    decorated = same(steps_under_a_condition, pair, backend)
    assert [backend] == list(dict.fromkeys(places(decorated)))


def test_a_sum_under_a_condition():
    same(total_of_positive, lambda: (numbers(), 64))


def test_names_like_ours_are_kept_apart():
    same(uses_the_names_of_predicates, lambda: (*pair(), 0.25), ran="cpu")


@pytest.mark.parametrize("bad", [-1.0, 0.0])
def test_what_is_not_reached_does_not_raise(bad):
    def arguments():
        a, b, n = pair()
        a[20] = bad
        return a, b, n

    for kernel in (guarded_root, guarded_logarithm, guarded_python_division):
        same(kernel, arguments, ran="cpu")


def unguarded_in_one_branch(a, b, n):
    for i in range(n):
        b[i] = 1.0
        if a[i] > 2.0:
            b[i] = math.sqrt(a[i] - 4.0)


def test_what_is_reached_raises_with_the_earlier_stores_done():
    def arguments():
        a, b, n = numbers(), numbers(seed=1), 64
        a[a > 2.0] = 5.0
        a[20] = 3.0
        return a, b, n

    same(unguarded_in_one_branch, arguments, ran="interpreter")


def overflows_in_one_branch(a, b, n):
    for i in range(n):
        if a[i] > 2.0:
            b[i] = a[i] * a[i]
        else:
            b[i] = a[i]


def overflows_in_place(a, n):
    for i in range(n):
        if a[i] > 2.0:
            a[i] = a[i] * a[i]


@pytest.mark.parametrize("large", [1e200, 3.0, np.nan, np.inf])
def test_warnings_come_from_what_was_reached(large):
    def arguments():
        a = numbers()
        a[11] = large
        return a, numbers(seed=1), 64

    same(overflows_in_one_branch, arguments)
    decorated = same(overflows_in_one_branch, lambda: (-abs(arguments()[0]), *arguments()[1:]))
    assert ["cpu"] == places(decorated)


def test_other_side_of_a_condition_gives_no_warning():
    # Computed by both sides at once, the squares of the others would overflow.
    a = np.where(np.arange(999) % 3 == 0, 1.5, -1e200)
    decorated = same(overflows_in_place, lambda: (a.copy(), 999), ran="cpu")
    assert ["cpu"] == places(decorated)


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_a_test_without_a_type_is_the_interpreters():
    def larger(a, b, n):
        for i in range(n):
            if a[i] > 0:
                b[i] = 1

    def counted(a, b, n):
        k = 0
        for i in range(n):
            if a[i] > 0 and b[i]:
                k += 1
        return k

    for kernel in (larger, counted):
        same(kernel, lambda: (np.ones(4) + 1j, np.ones(4), 4), ran="interpreter")
