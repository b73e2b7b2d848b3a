"""New arrays in memory that was freed a moment ago look and behave like NumPy's own."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autopar.codegen import fresh_memory
from autopar.codegen.fresh_memory import LEAST, fresh_array

DOUBLE = np.dtype(np.float64)
MANY = LEAST // 8 + 1
HANDLER: Any = fresh_memory._handler()

pytestmark = pytest.mark.skipif(HANDLER is None, reason="memory is not glibc's")


def address(array: Any) -> int:
    found: int = array.ctypes.data
    return found


def name_of(array: Any) -> Any:
    multiarray: Any = np._core.multiarray  # type: ignore[attr-defined]  # for whoever asks
    return multiarray.get_handler_name(array)


@pytest.mark.parametrize("shape", [(3,), (MANY,), (2, MANY)])
def test_a_fresh_array_is_one_of_numpys(shape: tuple[int, ...]) -> None:
    own, plain = fresh_array(shape, DOUBLE), np.empty(shape, DOUBLE)
    assert type(own) is np.ndarray
    assert own.base is None
    assert (own.flags.num, own.shape, own.strides) == (plain.flags.num, plain.shape, plain.strides)
    assert name_of(own) == name_of(plain)
    assert sys.getsizeof(own) == sys.getsizeof(plain)


def test_memory_that_nobody_has_is_taken_again() -> None:
    first = fresh_array((MANY,), DOUBLE)
    at = address(first)
    del first
    assert address(fresh_array((MANY,), DOUBLE)) == at


def test_memory_that_somebody_has_is_not_taken() -> None:
    first = fresh_array((MANY,), DOUBLE)
    part = first[::7]
    first[:] = 1.5
    del first
    others = [fresh_array((MANY,), DOUBLE) for _ in range(8)]
    for each in others:
        each[:] = 2.5
    assert (part == 1.5).all()
    assert len({address(each) for each in others}) == len(others)


def test_another_size_lets_go_of_what_is_kept() -> None:
    del_later = fresh_array((MANY,), DOUBLE)
    del del_later
    assert HANDLER.held > 0
    other = fresh_array((5 * MANY,), DOUBLE)
    assert HANDLER.held == 0
    other[:] = 1.0


def test_no_more_than_some_pieces_are_kept() -> None:
    arrays = [fresh_array((MANY,), DOUBLE) for _ in range(12)]
    arrays.clear()
    assert 0 < HANDLER.held < 6 * 8 * MANY


def test_an_array_grows_and_shrinks_as_numpys_does() -> None:
    array = fresh_array((MANY,), DOUBLE)
    array[:] = 3.5
    array.resize(3 * MANY, refcheck=False)
    assert (array[:MANY] == 3.5).all()
    assert not array[MANY:].any()
    array.resize(4, refcheck=False)
    assert array.tolist() == [3.5] * 4


def test_numpys_own_arrays_stay_numpys() -> None:
    array = fresh_array((MANY,), DOUBLE)
    before = HANDLER.held
    plain = np.empty(MANY)
    del plain
    assert before == HANDLER.held
    del array


def test_a_handler_of_the_users_has_its_way() -> None:
    capsule = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
    )(("PyCapsule_New", ctypes.pythonapi))
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    users = capsule(pointer(HANDLER._default, b"mem_handler"), b"mem_handler", None)
    before = HANDLER._set(users)
    try:
        array = fresh_array((7 * MANY,), DOUBLE)
        at = HANDLER.held
        del array
        assert at == HANDLER.held
        assert HANDLER._set(users) is users
    finally:
        HANDLER._set(before)


def test_memory_is_told_to_those_who_trace_it() -> None:
    fresh_array((MANY,), DOUBLE)
    tracemalloc.start()
    try:
        array = fresh_array((MANY,), DOUBLE)
        held, most = tracemalloc.get_traced_memory()
        assert held >= array.nbytes
        del array
        assert tracemalloc.get_traced_memory()[0] < LEAST
        assert most < 2 * 8 * MANY
    finally:
        tracemalloc.stop()


def test_no_memory_is_an_error_as_numpys() -> None:
    with pytest.raises(MemoryError):
        fresh_array((1 << 58,), DOUBLE)
    with pytest.raises(ValueError, match="too big|dimension"):
        fresh_array((1 << 62, 1 << 62), DOUBLE)


def test_threads_have_memory_of_their_own() -> None:
    wrong = []

    def work(number: int) -> None:
        for turn in range(60):
            array = fresh_array((MANY + 4096 * (turn % 3),), DOUBLE)
            array[:] = number + turn
            if (array != number + turn).any():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(1000 * k,)) for k in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


def test_a_process_ends_with_such_arrays_alive() -> None:
    text = (
        "import sys, numpy as np\n"
        "from autopar.codegen.fresh_memory import fresh_array\n"
        f"sys.kept = [fresh_array(({MANY},), np.dtype(float)) for _ in range(9)]\n"
        "np.kept = sys.kept[3:]\n"
        "del sys.kept[:3]\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def offered() -> int:
    """Bytes that the system may take."""
    with Path("/proc/self/smaps_rollup").open() as rollup:
        return sum(1024 * int(e.split()[1]) for e in rollup if e.startswith("LazyFree"))


@pytest.mark.parametrize("mebibytes", [16, 72])
def test_only_much_memory_is_offered_to_the_system(mebibytes: int) -> None:
    fresh_array((3 * MANY,), DOUBLE)  # lets all go that is kept
    before = offered()
    array = fresh_array((mebibytes << 17,), DOUBLE)
    array[:] = 1.0
    del array
    is_much = mebibytes << 20 > fresh_memory._OWN
    assert is_much == (offered() - before > mebibytes << 19)
