"""Counters that go up in every iteration are as good as loop variables."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, same


def copies(*arguments: Any) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


def flat(u, out):
    k = 0
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            out[k] = u[i, j]
            k += 1
    return k


def given_extents(u, out, n, m, k):
    for i in range(n):
        for j in range(m):
            out[k] = u[i, j]
            k += 1
        out[k - 1] += 1.0
    return k, i


def backwards(a, out, k):
    for i in range(a.shape[0] - 1, -1, -1):
        out[k] = a[i]
        k = 2 + k
        out[k - 1] = k
    return k


def strided(a, out, k):
    for i in range(1, a.shape[0], 3):
        out[k] = a[i]
        k -= 1
    return k


def set_anew(u, out):
    for i in range(u.shape[0]):
        k = 3 * i
        for j in range(3):
            out[k] = u[i, j]
            k = k + 1
    return k


def interleaved(a, b, out):
    k = 0
    for i in range(a.shape[0]):
        out[k] = a[i]
        k += 1
        out[k] = b[i]
        k += 1
    return k


def two_of_them(a, b, k, q):
    for i in range(a.shape[0]):
        b[k] = a[q] + k
        k += 1
        q -= 1
    return k, q


def triangle(u, out):
    k = 0
    for i in range(u.shape[0]):
        for j in range(i):
            out[k] = u[i, j]
            k += 1
    return k


def compacted(a, out):
    k = 0
    for i in range(a.shape[0]):
        if a[i] > 0.5:
            out[k] = a[i]
            k += 1
    return k


U = np.random.default_rng(3).random((7, 9))
A = U.ravel()


def verdicts(decorated: Any) -> list[str]:
    return [loop["verdict"] for loop in loops_of(decorated.last_run)]


def test_counters_leave_loops_parallel(backend):
    out = np.zeros(200)
    check = partial(same, backend=backend, ran="cpu", cache=False)
    assert ["parallel"] * 2 == verdicts(check(flat, partial(copies, U, out)))
    assert ["parallel"] == verdicts(check(backwards, partial(copies, A, out, 3)))
    assert ["parallel"] == verdicts(check(strided, partial(copies, A, out, 60)))
    assert ["parallel"] * 2 == verdicts(check(set_anew, partial(copies, U, out)))
    assert ["parallel"] == verdicts(check(interleaved, partial(copies, A, A[::-1], out)))
    assert ["parallel"] == verdicts(check(two_of_them, partial(copies, A, out, 5, 62)))


@pytest.mark.parametrize("m", [9, 1, 0, -3])
@pytest.mark.parametrize("k", [1, 0, -1, 150, 2**40, True, np.int64(3), np.int8(3), 1.0])
def test_any_start_and_any_extent(k, m):
    same(given_extents, partial(copies, U, np.zeros(160), 7, m, k), cache=False)


def test_one_element_too_few(backend):
    same(flat, partial(copies, U, np.zeros(62)), backend, cache=False)
    same(flat, partial(copies, U[:0], np.zeros(62)), backend, cache=False)
    same(flat, partial(copies, U[:, :0], np.zeros(62)), backend, cache=False)


def test_counters_without_such_a_form_keep_their_order():
    out = np.zeros(63)
    same(triangle, partial(copies, U, out), ran="cpu", cache=False)
    same(compacted, partial(copies, A, out), ran="cpu", cache=False)


STARTS = [np.int64(3), np.int64(0), np.int64(-1), np.int32(3), np.uint8(250), np.bool_(True), 3]


@pytest.mark.parametrize("k", STARTS, ids=[f"{type(k).__name__} {k}" for k in STARTS])
def test_a_counter_that_starts_as_a_numpy_integer_stays_one(backend, k):
    ran = "cpu" if type(k) in {int, np.int64} and k >= 0 else None
    for a in (A, A.astype(np.float32), A[:0]):
        check = partial(same, backend=backend, cache=False)
        out = np.zeros(160, dtype=a.dtype)
        found = check(backwards, partial(copies, a, out, k), ran=ran if a.size else None)
        if ran == "cpu" and a.size:
            assert ["parallel"] == verdicts(found)
        check(two_of_them, partial(copies, a, out, k, np.int64(62)), ran=ran if a.size else None)
    same(given_extents, partial(copies, U, np.zeros(160), 7, 9, k), backend, cache=False)


def test_a_counter_has_the_type_of_its_own_call():
    decorated = autopar.parallel(backwards, backend="cpu", cache=False)
    out = np.zeros(160)
    for k in (3, 3, 3, np.int64(3), np.int64(3), np.int64(3), 3, np.int64(3)):
        assert type(decorated(A, out, k)) is type(k)


def remembered(idx, a, out):
    k = idx[1]
    for i in range(a.shape[0]):
        out[k] = a[i]
        k += 1
    return k


def test_a_counter_that_starts_from_an_element_of_an_array(backend):
    for dtype in (np.int64, np.int32):
        ran = "cpu" if dtype is np.int64 else None
        arguments = partial(copies, np.array([0, 7], dtype=dtype), A, np.zeros(160))
        same(remembered, arguments, backend, ran=ran, cache=False)


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)
