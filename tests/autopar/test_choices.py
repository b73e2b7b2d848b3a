"""Extrema chosen by a test, and their places: the interpreter's choice, whatever the order."""

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
from autopar.codegen.pool import Pool
from tests.adversary import ORDERS
from tests.canonical_order import small_shapes
from tests.launchers import AdversarialLauncher, SerialLauncher
from tests.sameness import freeze, same

# ------------------------------------------------------------------------------- kernels


def first_largest(a, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            k = i
    return m, k


def last_largest(a, m, k):
    for i in range(a.shape[0]):
        if m <= a[i]:
            k = i
            m = a[i]
    return m, k


def first_smallest(a, m, k):
    for i in range(a.shape[0]):
        if m > a[i]:
            m = a[i]
            k = i
    return m, k


def last_smallest(a, m, k):
    for i in range(a.shape[0] - 1, -1, -1):
        if a[i] <= m:
            m = a[i]
            k = 2 * i + 1
    return m, k


def no_place(a, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
    return m, k


def nearest(a, m, k):
    x = a.dtype.type(3)
    for i in range(a.shape[0]):
        d = abs(a[i] - x)
        if d < m:
            m = d
            k = i
    return m, k


KERNELS = [first_largest, last_largest, first_smallest, last_smallest, no_place, nearest]


def noted(a, b, c, m, k, t, f):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            t = b[i]
            f = c[i] > 0
            k = i % 5
    return m, k, t, f


def under_tests(a, ok, m, k):
    for i in range(a.shape[0]):
        if ok[i] and a[i] >= m and a[i] < 5.0:
            m = a[i]
            k = i
    return m, k


def below_a_test(a, ok, m, k):
    for i in range(a.shape[0]):
        if ok[i]:
            if a[i] < m:
                m = a[i]
                k = i
    return m, k


def both_ends(a, low, high, p, q):
    for i in range(a.shape[0]):
        if a[i] < low:
            low = a[i]
            p = i
        if a[i] > high:
            high = a[i]
            q = i
    return low, high, p, q


def in_a_plane(a, m, p, q):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > m:
                m = a[i, j]
                p = i
                q = j
    return m, p, q


def with_others(a, b, m, k, s, c):
    for i in range(a.shape[0]):
        b[i] = a[i] * 2
        if a[i] > m:
            m = a[i]
            k = i
        c += a[i] > 0
        s = max(s, a[i])
    return m, k, s, c


def of_python_numbers(n, m, k):
    for i in range(n):
        if i * i % 17 > m:
            m = i * i % 17
            k = i
    return m, k


# What is not just a choice.


def counted(a, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            k += 1
    return m, k


def read_elsewhere(a, m, k):
    for i in range(a.shape[0]):
        a[i] = a[i] + k
        if a[i] > m:
            m = a[i]
            k = i
    return m, k


def another_value(a, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i] + 1
            k = i
    return m, k


def refused(a, m, k):
    for i in range(a.shape[0]):
        if not (a[i] <= m):
            m = a[i]
            k = i
    return m, k


def may_fail(a, b, m, k):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            k = i // b
    return m, k


# ----------------------------------------------------------------------------- instruments

LAUNCHERS: dict[str, Callable[[], Any]] = {
    "one call": SerialLauncher,
    **{f"{threads} threads": partial(Pool, threads) for threads in (1, 2, 3)},
    **{name: partial(AdversarialLauncher, order) for name, order in ORDERS.items()},
}
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 3.0, 7.0]


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def use(launcher: object) -> None:
        monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)

    return use


def taken(function: Callable[..., Any]) -> Any:
    return autopar.parallel(function, backend="cpu", cache=False)


def is_shared(decorated: Any) -> bool:
    return "Choice(" in str(decorated.inspect_source())


def copies(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


def floats(count: int, seed: int = 1) -> Any:
    """Return few different numbers, so that many are equal."""
    return np.random.default_rng(seed).integers(-9, 9, count) / 2.0


# ----------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_choice_is_that_of_the_interpreter(kernel, dtype, launch):
    with small_shapes():
        function = taken(kernel)
        kind = np.dtype(dtype).type

        @given(
            st.lists(st.sampled_from(SPECIAL), max_size=40),
            st.sampled_from(SPECIAL),
            st.sampled_from(sorted(LAUNCHERS)),
        )
        def check(values: list[float], start: float, launcher: str) -> None:
            launch(LAUNCHERS[launcher]())
            a = np.array(values, dtype)
            arguments = (a, kind(start), -7)
            with np.errstate(all="ignore"):
                found, wanted = function(*arguments), kernel(*arguments)
            if math.isnan(wanted[0]):  # its payload may differ
                assert math.isnan(found[0])
                found, wanted = (type(found[0]), found[1]), (type(wanted[0]), wanted[1])
            assert freeze(wanted) == freeze(found)

        check()
        assert is_shared(function)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "uint64", "bool"])
def test_integers_and_truth_values(dtype, launch):
    generator = np.random.default_rng(3)
    low, high = (0, 2) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    a = generator.integers(low, high, 300, dtype="int64" if dtype == "bool" else dtype)
    a = a.astype(dtype)
    a[::7] = low
    if dtype != "bool":
        a[5::50] = high
    with small_shapes():
        for kernel in KERNELS[:5]:
            for launcher in ("one call", "2 threads", "reversed"):
                launch(LAUNCHERS[launcher]())
                for start in (low, a[3]):
                    arguments = (a, a.dtype.type(start), 4)
                    same(kernel, partial(copies, arguments), cache=False)


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS.keys())
def test_what_else_is_noted_and_tested(launcher, launch):
    launch(launcher())
    a, b, c = floats(77), floats(77, 2), np.arange(77) - 40
    ok = np.arange(77) % 3 > 0
    low = np.float64(-4.0)
    cases: list[tuple[Any, tuple[Any, ...]]] = [
        (noted, (a, b, b, low, 3, b[0], np.False_)),
        (noted, (a, c, c, low, 3, c[0], np.False_)),
        (under_tests, (a, ok, low, -1)),
        (below_a_test, (a, ok, np.float64(2.0), -1)),
        (both_ends, (a, a[0], a[0], 0, 0)),
        (both_ends, (a, np.float64(9.0), np.float64(9.0), -1, -1)),
        (in_a_plane, (a.reshape(7, 11), low, -1, -1)),
        (in_a_plane, (a.reshape(7, 11), np.float64(99), -1, -1)),
        (with_others, (a, b, low, 3, low, np.int64(0))),
        (of_python_numbers, (77, 3, -1)),
    ]
    with small_shapes():
        for kernel, arguments in cases:
            assert is_shared(same(kernel, partial(copies, arguments), ran="cpu", cache=False)), (
                kernel
            )


def test_long_arrays_on_real_threads():
    a = np.random.default_rng(0).integers(0, 1000, 300_000).astype(float)
    for kernel in KERNELS:
        same(kernel, lambda: (a, np.float64(500.0), -1), ran="cpu", cache=False)


@pytest.mark.parametrize("kernel", [counted, read_elsewhere, another_value, refused])
def test_what_is_no_choice_keeps_its_order(kernel):
    function = same(kernel, lambda: (floats(200), np.float64(0.0), 1), cache=False)
    assert not is_shared(function)


def test_what_may_fail_is_not_noted_more_often_than_the_interpreter_does():
    for b in (3, 0):
        function = same(may_fail, partial(copies, (floats(200), b, np.float64(99), 1)), cache=False)
        assert not is_shared(function)
