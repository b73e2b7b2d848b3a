"""Reductions that are shared out: values, types and warnings, whatever the order and the threads.

Sums of floats are compared with `tests.canonical_order` bit for bit, all else with CPython.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopar
from autopar import machine
from autopar.codegen.canonical import BLOCK, FEWEST_TERMS, NESTED
from autopar.codegen.pool import Pool
from tests.adversary import ORDERS
from tests.canonical_order import in_order, reordered, small_shapes, total
from tests.launchers import AdversarialLauncher, SerialLauncher
from tests.sameness import freeze, loops_of, same

# ------------------------------------------------------------------------------- kernels


def add(a, s):
    for i in range(a.shape[0]):
        s += a[i]
    return s


def subtract(a, s):
    for i in range(a.shape[0]):
        s = s - a[i]
    return s


def multiply(a, s):
    for i in range(a.shape[0]):
        s = a[i] * s
    return s


def both(a, b, s):
    for i in range(a.shape[0]):
        s = s + a[i] * b[i] - a[i]
        s += b[i]
    return s


def every_third(a, s):
    for i in range(a.shape[0] - 1, 1, -3):
        s += a[i]
    return s


def upper(a, s):
    for i in range(a.shape[0]):
        for j in range(i, a.shape[1]):
            s += a[i, j]
        s -= a[i, 0]
    return s


def norm(a, b, s):
    for i in range(a.shape[0]):
        t = a[i] * a[i]
        b[i] = t
        s += t
    return s


def in_place(a, s):
    for i in range(a.shape[0]):
        a[i] = a[i] * 2.0
        s += a[i]
    return s


def rows(a, b):
    for i in range(a.shape[0]):
        s = 0.0
        for j in range(a.shape[1]):
            s += a[i, j]
        b[i] = s


def largest(a, m):
    for i in range(a.shape[0]):
        m = max(m, a[i])
    return m


def smallest(a, m):
    for i in range(a.shape[0]):
        m = min(m, a[i])
    return m


def last_largest(a, m):
    for i in range(a.shape[0]):
        m = max(a[i], m)
    return m


def last_smallest(a, m):
    for i in range(a.shape[0]):
        m = min(a[i], m)
    return m


def numpy_largest(a, m):
    for i in range(a.shape[0]):
        m = np.maximum(m, a[i])
    return m


def numpy_smallest(a, m):
    for i in range(a.shape[0]):
        m = np.minimum(a[i], m)
    return m


def of_three(a, b, m):
    for i in range(a.shape[0]):
        m = max(m, a[i], b[i])
    return m


def largest_stored(a, b, m):
    for i in range(a.shape[0]):
        b[i] = a[i]
        m = max(m, a[i])
    return m


def all_bits(a, s):
    for i in range(a.shape[0]):
        s &= a[i]
    return s


def any_bits(a, s):
    for i in range(a.shape[0]):
        s |= a[i]
    return s


def odd_bits(a, s):
    for i in range(a.shape[0]):
        s = a[i] ^ s
    return s


def all_true(a, s):
    for i in range(a.shape[0]):
        s = s and a[i]
    return s


def any_true(a, s):
    for i in range(a.shape[0]):
        s = a[i] or s
    return s


def python_sum(n, s):
    for i in range(n):
        s += 3 * i - n
    return s


def count(a, s):
    for i in range(a.shape[0]):
        s += a[i] > 0
    return s


def several(a, b, s, m, c):
    for i in range(a.shape[0]):
        s += a[i]
        m = max(m, a[i])
        c += b[i]
        t = a[i]
    return s, m, c, t


def gated(a, n, k, s):
    for i in range(n):
        if i < k:
            s += a[i]
    return s


def positive_sum(a, s):
    for i in range(a.shape[0]):
        if a[i] > 0:
            s += a[i]
        elif a[i] < -1:
            s -= 2.0 * a[i]
    return s


def count_and_largest(a, b, c, m):
    for i in range(a.shape[0]):
        if a[i] > 0 and b[i] % 3 == 1:
            c += 1
            m = max(m, a[i])
    return c, m


def count_in_rows(a, c):
    for i in range(a.shape[0]):
        t = a[i, 0]
        for j in range(a.shape[1]):
            if a[i, j] > t:
                c += j
                continue
            t = a[i, j]
    return c


def place_of_largest(a, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            k = i
    return m, k


# ----------------------------------------------------------------------------- instruments


def taken(function: Callable[..., Any], **options: Any) -> Any:
    """Return `function` decorated, its kernels made anew."""
    return autopar.parallel(function, backend="cpu", cache=False, **options)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def use(launcher: object) -> None:
        monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)

    return use


LAUNCHERS: dict[str, Callable[[], Any]] = {
    "one call": SerialLauncher,
    **{f"{threads} threads": partial(Pool, threads) for threads in (1, 2, 3, 7)},
    **{name: partial(AdversarialLauncher, order) for name, order in ORDERS.items()},
}


def floats(count: int, dtype: str = "float64", seed: int = 1) -> Any:
    """Return numbers of several magnitudes and both signs: every order gives another sum."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(count) * 10.0 ** generator.integers(-4, 5, count)
    if dtype.startswith("complex"):
        return (values + 1j * values[::-1]).astype(dtype)
    return values.astype(dtype)


def fixed(*arguments: Any) -> Callable[[], tuple[Any, ...]]:
    """Return what gives the same arguments each time; no kernel here writes into them."""
    return lambda: arguments


def bits(value: Any) -> object:
    return freeze(value)


LONG = FEWEST_TERMS + 3 * BLOCK + 77

# ------------------------------------------------------------------------- the order of sums


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("count", [FEWEST_TERMS, FEWEST_TERMS + 1, LONG, 40 * BLOCK])
def test_long_sums_have_the_canonical_order(dtype, count):
    a = floats(count, dtype)
    start = a.dtype.type(0.7)
    found = taken(add)(a, start)
    assert bits(total(list(a), start)) == bits(found)
    assert bits(in_order(start, count, lambda s, k: s + a[k])) != bits(found)


@pytest.mark.parametrize("count", [0, 1, 2, 127, BLOCK, FEWEST_TERMS - 1])
def test_short_sums_have_the_order_of_the_interpreter(count):
    a = floats(count)
    same(add, lambda: (a, np.float64(0.3)), cache=False)
    same(add, lambda: (a, 0.3), cache=False)


@pytest.mark.parametrize("kernel", [add, subtract, multiply, both, every_third, norm, in_place])
def test_strict_keeps_the_order_of_the_interpreter(kernel):
    a = 1.0 + floats(LONG) * 1e-9 if kernel is multiply else floats(LONG)
    others = (np.ones(LONG),) * (kernel in (both, norm))
    same(kernel, lambda: (a.copy(), *(b.copy() for b in others), 0.5), ran="cpu", strict=True)


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_the_order_does_not_depend_on_who_runs_what(launcher, launch):
    a = floats(LONG)
    launch(launcher())
    assert bits(total(list(a), 0.25)) == bits(taken(add)(a, np.float64(0.25)))


def test_a_python_start_value_becomes_what_numpy_makes_of_it():
    a = floats(LONG, "float32")
    found = taken(add)(a, 0.1)
    assert bits(total(list(a), np.float32(0.1))) == bits(found)


def test_a_sum_of_python_floats_stays_one():
    def halves(n, s):
        for i in range(n):
            s += i / 7.0
        return s

    found = taken(halves)(LONG, 0.5)
    terms = [float(i) / 7.0 for i in range(LONG)]
    wanted = reordered(0.5, LONG, lambda s, k: s + terms[k], lambda x, y: x + y, -0.0)
    assert (float, wanted) == (type(found), found)


def test_differences_products_and_several_statements():
    a, b = floats(LONG), floats(LONG, seed=2)
    near = 1.0 + a * 1e-9
    plus, times = lambda x, y: x + y, lambda x, y: x * y
    cases: list[tuple[Any, tuple[Any, ...], Any, Any, Any]] = [
        (subtract, (a,), lambda s, k: s - a[k], plus, -0.0),
        (multiply, (near,), lambda s, k: near[k] * s, times, 1.0),
        (both, (a, b), lambda s, k: s + a[k] * b[k] - a[k] + b[k], plus, -0.0),
    ]
    for kernel, arguments, grown, combined, neutral in cases:
        wanted = reordered(np.float64(0.5), LONG, grown, combined, np.float64(neutral))
        assert bits(wanted) == bits(taken(kernel)(*arguments, np.float64(0.5))), kernel


def test_a_descending_loop_with_a_step():
    a = floats(4 * LONG)
    terms = a[a.shape[0] - 1 : 1 : -3]
    assert bits(total(list(terms), 0.0)) == bits(taken(every_third)(a, np.float64(0.0)))


def test_each_iteration_of_an_outer_loop_has_the_order_of_the_interpreter():
    a = floats(300 * 310).reshape(300, 310)

    def grown(s, i):
        for j in range(i, 310):
            s = s + a[i, j]
        return s - a[i, 0]

    wanted = reordered(np.float64(1.5), 300, grown, lambda x, y: x + y, np.float64(-0.0), NESTED)
    assert bits(wanted) == bits(taken(upper)(a, np.float64(1.5)))


def test_a_sum_below_a_parallel_loop_keeps_its_order():
    a = floats(3 * LONG).reshape(3, LONG)
    same(rows, lambda: (a, np.zeros(3)), ran="cpu", cache=False)


def test_stores_beside_a_sum():
    a = floats(LONG)
    square, doubled = np.zeros(LONG), a.copy()
    assert bits(total(list(a * a), 0.0)) == bits(taken(norm)(a, square, np.float64(0.0)))
    assert (a * a).tolist() == square.tolist()
    assert bits(total(list(a * 2.0), 0.0)) == bits(taken(in_place)(doubled, np.float64(0.0)))
    assert (a * 2.0).tolist() == doubled.tolist()


def test_a_condition_on_the_loop_variable_leaves_lanes_as_they_are():
    a, k = floats(LONG), LONG - 5000

    def grown(s, i):
        return s + a[i] if i < k else s

    # The generated loop ends where the condition does.
    found = taken(gated)(a, LONG, k, np.float64(0.0))
    wanted = [reordered(np.float64(0.0), n, grown, lambda x, y: x + y, np.float64(-0.0)) for n in (k, LONG)]  # fmt: skip
    assert bits(found) in {bits(each) for each in wanted}


@pytest.mark.parametrize("seed", range(20))
def test_small_shapes_in_every_order(seed, launch):
    generator = np.random.default_rng(seed)
    count = int(generator.integers(0, 90))
    a, start = floats(count, seed=seed), np.float64(generator.standard_normal())
    with small_shapes() as shape:
        function = taken(add)
        for launcher in LAUNCHERS.values():
            launch(launcher())
            if count:
                assert bits(total(list(a), start, shape)) == bits(function(a, start))
            else:
                assert bits(start) == bits(function(a, start))


def test_the_error_of_a_long_sum_is_smaller_than_that_of_the_interpreter():
    for seed in range(5):
        a = floats(20 * LONG, seed=seed)
        exact = math.fsum(a)
        # Higham 1993: at most (longest chain of additions) units in the last place of sum |a|.
        bound = (BLOCK // 128 + 7 + 20 + 1) * 2.0**-53 * math.fsum(abs(a))
        assert abs(taken(add)(a, np.float64(0.0)) - exact) <= bound


def test_the_report_says_that_a_sum_may_be_reordered():
    function = taken(add)
    function(floats(LONG), np.float64(0.0))
    (loop,) = loops_of(function.last_run)
    assert "reduction" == loop["verdict"]
    assert "cpu" == loop["ran"]["backend"]
    assert "another order" in loop["ran"]["note"]
    strict = taken(add, strict=True)
    strict(floats(LONG), np.float64(0.0))
    assert None is loops_of(strict.last_run)[0]["ran"]["note"]


def test_sums_of_zeros_keep_their_sign():
    with small_shapes():
        for kernel, zero in ((add, -0.0), (subtract, 0.0), (add, 0.0)):
            for start in (0.0, -0.0):
                same(kernel, fixed(np.full(50, zero), np.float64(start)), ran="cpu", cache=False)


# ------------------------------------------------------------------------ under conditions


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_updates_under_conditions_on_data(launcher, launch):
    a, b = floats(77), np.arange(77)
    launch(launcher())

    def grown(s, k):
        if a[k] > 0:
            return s + a[k]
        return s - 2.0 * a[k] if a[k] < -1 else s

    with small_shapes() as shape:
        start = np.float64(0.25)
        wanted = reordered(start, 77, grown, lambda x, y: x + y, np.float64(-0.0), shape)
        assert bits(wanted) == bits(taken(positive_sum)(a, start))
        arguments = (a, b, 3, np.float64(-1e9))
        assert bits(count_and_largest(*arguments)) == bits(taken(count_and_largest)(*arguments))


def test_conditions_below_the_reduced_loop_and_wild_values():
    with small_shapes():
        same(count_in_rows, fixed(floats(600).reshape(20, 30), 5), ran="cpu", cache=False)
        special = np.array([math.nan, 1.0, math.inf, -math.inf, -2.0, 0.0, -0.0] * 9)
        for a in (special[:7], special, special[::-1].copy()):
            same(positive_sum, fixed(a, np.float64(1.0)), cache=False)
            arguments = (a, np.arange(a.size), 0, np.float64(0.5))
            same(count_and_largest, fixed(*arguments), cache=False)


def test_the_place_of_the_largest_is_that_of_the_interpreter():
    a = np.array([1.0, 5.0, math.nan, 5.0, -0.0, 7.0, 7.0] * 9)
    for start in (0.0, 7.0, math.nan, 9.0):
        same(place_of_largest, fixed(a, np.float64(start), -1), cache=False)


# ---------------------------------------------------------------------- not finite, warnings


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sum_that_is_not_finite_is_that_of_the_interpreter(dtype):
    huge = float(np.finfo(dtype).max) * 0.75
    for special in (
        {5: np.inf}, {5: np.inf, 30_000: -np.inf}, {5: np.nan, 9: np.inf, 11: -np.inf},
        {5: huge, 6: huge}, {5: huge, 133: huge, 134: -huge, 261: -huge},
        {5: -huge, LONG - 1: -huge},
    ):  # fmt: skip
        a = floats(LONG, dtype)
        for position, value in special.items():
            a[position] = value
        if all(map(np.isfinite, special.values())) and len(special) == 4:
            continue  # the interpreter overflows on the way, another order does not
        same(add, fixed(a, a.dtype.type(0.5)), ran=None, cache=False)


def test_a_sum_that_overflows_in_another_order_only_does_not_warn():
    huge = 1e308
    a = np.zeros(LONG)
    # Lane 0 of the first block holds huge + huge; in order they cancel.
    a[0], a[1], a[128], a[129] = huge, -huge, huge, -huge
    same(add, lambda: (a, np.float64(0.5)), ran="cpu", cache=False)


# -------------------------------------------------------------------------------- integers

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("kernel", [add, subtract, multiply, all_bits, any_bits, odd_bits])
def test_integers_are_exact_and_warn_as_numpy_does(kernel, dtype):
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(3)
    wild = generator.integers(limits.min, limits.max, 300, dtype=dtype, endpoint=True)
    tame = np.arange(300).astype(dtype) % a_few(dtype)
    with small_shapes():
        for values in (tame, wild, tame[:1], tame[:0]):
            for start in (limits.max, limits.min, 1, 0):
                start = np.dtype(dtype).type(start)
                same(kernel, fixed(values, start), cache=False)


def a_few(dtype: str) -> Any:
    return np.dtype(dtype).type(3)


@pytest.mark.parametrize("start", [0, 7, 2**62, 2**63 - 1, -(2**63), 2**63])
def test_python_integers_never_wrap(start):
    with small_shapes():
        for n in (0, 1, 50, 1000):
            same(python_sum, fixed(n, start), cache=False)
    same(python_sum, lambda: (100_000, start), cache=False)


@pytest.mark.parametrize("kind", [bool, int, np.int64, np.int32, np.uint8, np.bool_])
def test_a_count_has_the_type_of_the_interpreter(kind):
    a = floats(500)
    with small_shapes():
        same(count, lambda: (a, kind(1)), cache=False)


def test_prefixes_that_overflow_warn_though_the_sum_does_not():
    a = np.zeros(1000, np.int64)
    a[10], a[20], a[900] = 2**62, 2**62, -(2**62)
    same(add, lambda: (a, np.int64(5)), cache=False)


def test_sums_that_overflow_in_another_order_only_do_not_warn():
    a = np.zeros(4096, np.int64)
    a[0], a[1], a[128], a[129] = 2**62, -(2**62), 2**62, -(2**62)
    same(add, lambda: (a, np.int64(5)), ran="cpu", cache=False)


def test_long_integer_sums_are_shared_out():
    a = np.arange(200_000)
    same(add, lambda: (a, np.int64(5)), ran="cpu", cache=False)
    same(add, lambda: (a, 5), ran="cpu", cache=False)


# ---------------------------------------------------------------------- smallest and largest

EXTREMA = [largest, smallest, last_largest, last_smallest, numpy_largest, numpy_smallest]
SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324)


@pytest.mark.parametrize("kernel", EXTREMA)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_extrema_of_special_floats(kernel, dtype, launch):
    with small_shapes():
        function = taken(kernel)
    kind = np.dtype(dtype).type

    @given(st.lists(st.sampled_from(SPECIAL), max_size=40), st.sampled_from(SPECIAL), st.sampled_from(sorted(LAUNCHERS)))  # fmt: skip
    def check(values: list[float], start: float, launcher: str) -> None:
        launch(LAUNCHERS[launcher]())
        a = np.array(values, dtype)
        with np.errstate(all="ignore"):
            assert known_nan(kernel(a, kind(start))) == known_nan(function(a, kind(start)))

    check()


def known_nan(value: Any) -> object:
    """Return the bits of a value; of nan, whose payload may differ, only its type."""
    return (type(value), "nan") if math.isnan(value) else freeze(value)


@pytest.mark.parametrize("kernel", EXTREMA)
@pytest.mark.parametrize("dtype", ["int64", "int8", "uint64", "uint16"])
def test_extrema_of_integers(kernel, dtype):
    limits = np.iinfo(dtype)
    generator = np.random.default_rng(5)
    a = generator.integers(limits.min, limits.max, 300, dtype=dtype, endpoint=True)
    with small_shapes():
        for start in (limits.min, min(limits.max, 2**63 - 1), 3):
            same(kernel, fixed(a, a.dtype.type(start)), ran="cpu", cache=False)


def test_extrema_of_three_operands_and_beside_stores():
    a, b = floats(3000), floats(3000, seed=2)
    zeros = np.where(np.arange(3000) % 7 < 3, 0.0, -0.0)
    same(of_three, lambda: (a, b, np.float64(-1e9)), ran="cpu", cache=False)
    for values in (a, zeros, zeros[::-1].copy()):
        same(largest_stored, fixed(values, np.zeros(3000), np.float64(-1.0)), ran="cpu", cache=False)  # fmt: skip


# ------------------------------------------------------------------------------- truth values


@pytest.mark.parametrize(
    "kernel", [all_bits, any_bits, odd_bits, all_true, any_true, add, multiply]
)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_truth_values(kernel, share):
    generator = np.random.default_rng(4)
    with small_shapes():
        for size in (0, 1, 8, 100):
            a = generator.random(size) < share
            for start in (np.True_, np.False_, True, False):
                same(kernel, fixed(a, start), cache=False)


# ------------------------------------------------------------------------------ all together


def test_several_reductions_at_once():
    a, b = floats(5000), np.arange(5000)
    for n in (5000, 1, 100):
        same(several, fixed(a[:n], b[:n], np.float64(0.0), a[0], np.int64(0)), ran="cpu", cache=False)  # fmt: skip


def test_empty_loops_leave_everything_as_it_was():
    for kernel, start in ((add, 0.5), (largest, 0.5), (any_bits, 3), (count, 1)):
        same(kernel, fixed(np.zeros(0), start), cache=False)
