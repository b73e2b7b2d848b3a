"""Private copies: who gets one, what is in it, how many there may be."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import numpy as np
import pytest
from numba import njit, typeof, types

from autopar.codegen import copies, pool
from autopar.codegen.copies import private_copies
from autopar.codegen.pool import Pool
from autopar.decorator import ParallelFunction
from autopar.options import choose_options

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
    copy: Any
    ((copy,),) = private_copies((array,), ((0, starts_filled),), 1)
    assert typeof(array) == typeof(copy)
    assert (array.shape, array.dtype) == (copy.shape, copy.dtype)
    assert not np.shares_memory(array, copy)
    assert not starts_filled or np.array_equal(array, copy)


def test_other_arguments_are_shared():
    one, two = np.zeros(3), np.zeros(3)
    (own,) = private_copies((one, 7, two), ((2, False),), 1)
    assert one is own[0]
    assert 7 == own[1]
    assert two is not own[2]


def test_each_thread_gets_another_copy():
    found = private_copies((np.zeros(3),), ((0, True),), 3)
    assert 3 == len({id(each) for (each,) in found})


@pytest.mark.parametrize("room", [10, 4, 3, 1, 0])
def test_there_are_as_many_copies_as_there_is_room_for(monkeypatch, room):
    array = np.zeros(100)
    monkeypatch.setattr(copies, "MOST_COPIED_BYTES", room * array.nbytes)
    assert min(room, 4) == len(private_copies((array,), ((0, False),), 4))


def test_without_memory_there_are_fewer_copies(monkeypatch):
    made: list[object] = []

    def scarce(shape, *_args, **_kwargs):
        if len(made) == 2:
            raise MemoryError
        made.append(np.empty(shape))
        return made[-1]

    array = np.ones(100)
    monkeypatch.setattr(np, "zeros", scarce)
    assert 2 == len(private_copies((array,), ((0, False),), 4))


@pytest.fixture(scope="module")
def buffered():
    """Return a chunk kernel that leaves nonsense if two threads share its row."""

    def kernel(lower, upper, x, row, out):
        for i in range(lower, upper):
            for j in range(row.size):
                row[j] = x[i] + j
            for j in range(row.size):
                out[i, j] = row[row.size - 1 - j]
        return (0, lower)

    compiled = njit(nogil=True)(kernel)
    vector, matrix = types.float64[::1], types.float64[:, ::1]
    compiled.compile((types.int64, types.int64, vector, vector, matrix))
    compiled.disable_compile()
    return compiled


def after_loop(kernel, trips):
    x, row, out = np.arange(400.0), np.full(3000, -1.0), np.zeros((400, 3000))
    kernel(0, trips, x, row, out)
    return row, out


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("trips", [1, 2, 3, 400])
def test_a_launch_leaves_what_the_loop_leaves(buffered, threads, trips):
    expected_row, expected = after_loop(buffered, trips)
    shared = Pool(threads)
    for _ in range(5):
        x, row, out = np.arange(400.0), np.full(3000, -1.0), np.zeros((400, 3000))
        outcome = shared.launch_with_copies(
            buffered, (0, trips, 1), (x, row, out), ((1, False),), LONG
        )
        assert 0 == outcome[0]
        assert np.array_equal(expected, out)
        assert np.array_equal(expected_row, row)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_launch_leaves_the_same_with_little_room(buffered, monkeypatch, room):
    expected_row, expected = after_loop(buffered, 400)
    x, row, out = np.arange(400.0), np.full(3000, -1.0), np.zeros((400, 3000))
    monkeypatch.setattr(copies, "MOST_COPIED_BYTES", room * row.nbytes)
    Pool(5).launch_with_copies(buffered, (0, 400, 1), (x, row, out), ((1, False),), LONG)
    assert np.array_equal(expected, out)
    assert np.array_equal(expected_row, row)


def test_a_launch_in_batches_leaves_the_same(buffered, monkeypatch):
    monkeypatch.setattr(pool, "_batch", lambda *_: 3)
    expected_row, expected = after_loop(buffered, 400)
    x, row, out = np.arange(400.0), np.full(3000, -1.0), np.zeros((400, 3000))
    Pool(3).launch_with_copies(buffered, (0, 400, 1), (x, row, out), ((1, False),), LONG)
    assert np.array_equal(expected, out)
    assert np.array_equal(expected_row, row)


def test_a_kernel_in_python_runs_in_order_on_the_array_itself():
    seen = []

    def kernel(lower, upper, array):
        seen.append((lower, array))
        return (0,)

    array = np.zeros(5)
    Pool(4).launch_with_copies(kernel, (0, 8, 1), (array,), ((0, True),), LONG)
    assert list(range(8)) == [lower for lower, _ in seen]
    assert all(each is array for _, each in seen)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("trips", [1, 3, 400])
def test_where_nobody_reads_them_one_thread_has_the_arrays_themselves(
    buffered, threads, trips, monkeypatch
):
    made: list[int] = []

    def alike(array):
        made.append(1)
        return np.zeros_like(array)

    monkeypatch.setattr(copies, "alike", alike)
    monkeypatch.setattr(pool, "_batch", lambda *_: 7)
    _, expected = after_loop(buffered, trips)
    for _ in range(5):
        made.clear()
        x, row, out = np.arange(400.0), np.full(3000, -1.0), np.zeros((400, 3000))
        Pool(threads).launch_with_copies(
            buffered, (0, trips, 1), (x, row, out), ((1, False),), LONG, is_lost=True
        )
        assert np.array_equal(expected, out)
        assert min(threads, trips) - 1 == len(made)


LOST = {
    "lost": (
        "for k in range(9):\n"
        "        t = np.empty(x.shape[0])\n"
        "        for i in range(x.shape[0]): t[i] = x[i] * k\n"
        "        for i in range(x.shape[0]): out[k, i] = t[x.shape[0] - 1 - i]\n"
    ),
    "given": (
        "for k in range(9):\n"
        "        for i in range(x.shape[0]): row[i] = x[i] * k\n"
        "        for i in range(x.shape[0]): out[k, i] = row[x.shape[0] - 1 - i]\n"
    ),
    "read": (
        "t = np.empty(x.shape[0])\n"
        "    for k in range(9):\n"
        "        for i in range(x.shape[0]): t[i] = x[i] * k\n"
        "        for i in range(x.shape[0]): out[k, i] = t[x.shape[0] - 1 - i]\n"
        "    for i in range(x.shape[0]): row[i] = t[i]\n"
    ),
}


@pytest.mark.parametrize("form", LOST)
def test_only_arrays_that_nobody_reads_again_are_lost(form, tmp_path):
    path = tmp_path / f"{form}_form.py"
    path.write_text(f"import numpy as np\ndef f(x, row, out):\n    {LOST[form]}")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    chosen = choose_options(backend="cpu", cache=False)
    decorated = ParallelFunction(module.f, replace(chosen, tier="parallel"))
    expected, found = ((np.arange(50.0), np.zeros(50), np.zeros((9, 50))) for _ in range(2))
    module.f(*expected)
    decorated(*found)
    assert all(np.array_equal(e, a) for e, a in zip(expected, found, strict=True))
    texts = [each for each in decorated.inspect_source().values() if "with_copies" in each]
    assert texts
    assert all(("is_lost=True" in each) == (form == "lost") for each in texts)
