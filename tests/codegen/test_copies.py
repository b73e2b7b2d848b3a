"""Private copies: who gets one, what is in it, how many there may be."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numba import typeof

from autopar.codegen import copies
from autopar.codegen.copies import Copies
from autopar.codegen.pool import Pool

LONG = 10_000_000
BASE = np.arange(48.0).reshape(6, 8)
LAYOUTS = {
    "C": BASE,
    "F": np.asfortranarray(BASE),
    "rows": BASE[::2],
    "columns": BASE[:, ::2],
    "reversed": BASE[::-1, ::-1],
    "vector": BASE[0],
    "strided vector": BASE[:, 3],
    "one row": BASE[:1],
    "empty": BASE[:0],
}


@pytest.mark.parametrize("array", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("starts_filled", [True, False])
def test_a_copy_is_an_array_of_its_own_that_kernels_take_for_the_same_type(array, starts_filled):
    (copy,) = Copies((array,), ((0, starts_filled),), 2, 2).own()
    assert typeof(array) == typeof(copy)
    assert (array.shape, array.dtype) == (copy.shape, copy.dtype)
    assert not np.shares_memory(array, copy)
    assert not starts_filled or np.array_equal(array, copy)


def test_other_arguments_are_shared():
    one, two = np.zeros(3), np.zeros(3)
    own = Copies((one, 7, two), ((2, False),), 3, 9).own()
    assert one is own[0]
    assert 7 == own[1]
    assert two is not own[2]


def test_each_thread_gets_another_copy():
    several = Copies((np.zeros(3),), ((0, True),), 3, 9)
    found = [several.own()[0] for _ in range(3)]
    assert 3 == several.threads == len({id(each) for each in found})


def test_without_private_arrays_every_thread_takes_part():
    shared = Copies((np.zeros(3), 1), (), 8, 100)
    assert 8 == shared.threads
    assert shared.own() is shared.shared


@pytest.mark.parametrize(("room", "threads"), [(10, 4), (3, 3), (2, 2), (1, 1), (0, 1)])
def test_threads_without_room_for_a_copy_take_no_part(monkeypatch, room, threads):
    array = np.zeros(100)
    monkeypatch.setattr(copies, "MOST_COPIED_BYTES", room * array.nbytes)
    assert threads == Copies((array,), ((0, False),), 4, 100).threads


def test_no_memory_at_all_leaves_one_thread_with_the_arrays_themselves(monkeypatch):
    def full(*_args, **_kwargs):
        raise MemoryError

    array = np.zeros(100)
    monkeypatch.setattr(np, "zeros", full)
    alone = Copies((array,), ((0, False),), 4, 100)
    assert 1 == alone.threads
    assert alone.own()[0] is array


def buffered(lower, upper, x, row, out):
    """A chunk kernel in plain Python that fails the test if its row is changed by another."""
    for i in range(lower, upper):
        for j in range(len(row)):
            row[j] = x[i] + j
        for j in range(len(row)):
            out[i, j] = row[len(row) - 1 - j]
    return (0,)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("trips", [1, 2, 3, 40])
def test_a_launch_leaves_what_the_loop_leaves(threads, trips):
    x, row, out = np.arange(40.0), np.full(7, -1.0), np.zeros((40, 7))
    expected_row, expected = row.copy(), out.copy()
    buffered(0, trips, x, expected_row, expected)
    for _ in range(10):
        Pool(threads).launch_with_copies(
            buffered, (0, trips, 1), (x, row, out), ((1, False),), LONG
        )
    assert np.array_equal(expected, out)
    assert np.array_equal(expected_row, row)


def test_only_the_last_chunk_sees_the_array_itself():
    seen = {}
    gate = threading.Barrier(2, timeout=10)

    def kernel(lower, upper, array):
        if lower in (0, 7):
            gate.wait()  # two threads at work at once
        seen[lower] = array
        return (0,)

    array = np.zeros(5)
    Pool(2).launch_with_copies(kernel, (0, 8, 1), (array,), ((0, False),), LONG)
    assert 8 == len(seen)
    assert [7] == [lower for lower, each in seen.items() if each is array]


def test_without_room_the_chunks_run_in_order_on_the_array_itself(monkeypatch):
    monkeypatch.setattr(copies, "MOST_COPIED_BYTES", 0)
    seen = []

    def kernel(lower, upper, array):
        seen.append((lower, array))
        return (0,)

    array = np.zeros(5)
    Pool(4).launch_with_copies(kernel, (0, 8, 1), (array,), ((0, True),), LONG)
    assert list(range(8)) == [lower for lower, _ in seen]
    assert all(each is array for _, each in seen)
