"""The pool: every iteration once, the last one's values, interrupts, forks, other threads."""

from __future__ import annotations

import _thread
import ctypes
import os
import signal
import threading

import numpy as np
import pytest
from numba import njit, types

from autopar.codegen.entries import entry_of
from autopar.codegen.fpflags import watched
from autopar.codegen.jobs import Job
from autopar.codegen.native import machine
from autopar.codegen.pool import INLINE_NS, LONGEST_CHUNK_NS, Pool, usable_processors
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher, SerialLauncher

LONG = 10_000_000
INTS, FLOATS = types.int64[::1], types.float64[::1]

usleep = ctypes.CDLL(None).usleep
usleep.argtypes = [ctypes.c_uint]
thread_self = ctypes.CDLL(None).pthread_self
thread_self.argtypes = []
thread_self.restype = ctypes.c_int64


def mark(lower, upper, visits, step):
    """A chunk kernel in plain Python: counts the visits of each cell."""
    last = -1
    for i in range(lower, upper, step):
        visits[i] += 1
        last = i
    return (1 << (lower % 3), last)


def compiled(function, *kinds):
    """`function` as the pool wants it: compiled for one signature, and for no other."""
    made = njit(nogil=True, error_model="numpy")(function)
    made.compile((types.int64, types.int64, *kinds))
    made.disable_compile()
    return made


MARK = compiled(mark, INTS, types.int64)


def sleepy(lower, upper, seen):
    """Leave the number of the thread that ran each chunk, after a moment's sleep."""
    usleep(2000)
    seen[lower] = thread_self()
    return (0,)


@pytest.mark.parametrize("kernel", [mark, MARK], ids=["python", "compiled"])
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("lower", "upper", "step"), [(0, 1000, 1), (3, 1000, 7), (-5, 60, 3)])
def test_every_iteration_runs_once(kernel, threads, lower, upper, step):
    visits = np.zeros(1100, dtype=np.int64)
    status, *(last,) = Pool(threads).launch(kernel, lower, upper, step, (visits, step), LONG)
    wanted = np.zeros_like(visits)
    wanted[list(range(lower, upper, step))] = 1
    assert wanted.tolist() == visits.tolist()
    assert range(lower, upper, step)[-1] == last
    assert status & ~7 == 0


def test_status_bits_of_all_chunks_are_joined():
    pool = Pool(3)
    status, *_ = pool.launch(lambda low, high: (1 << low, high), 0, 12, 1, (), LONG)
    assert 0b1111_1111_1111 == status


def test_small_launch_is_one_call_on_this_thread():
    calls = []

    def kernel(lower, upper):
        calls.append((threading.get_ident(), lower, upper))
        return (0,)

    assert (0,) == Pool(4).launch(kernel, 2, 900, 1, (), INLINE_NS - 1)
    assert [(threading.get_ident(), 2, 900)] == calls


def test_empty_range_still_asks_the_kernel_for_its_values():
    assert (0, 7.5) == Pool(2).launch(lambda low, high, s: (0, s), 5, 5, 1, (7.5,), LONG)


def test_chunks_are_short_enough_for_ctrl_c_even_on_one_thread():
    slices = list(Pool(1).slices(0, 1000, 1, 20 * LONGEST_CHUNK_NS))
    assert 20 == len(slices)
    assert (0, 50) == slices[0]
    assert (950, 1000) == slices[-1]


def test_chunks_are_long_enough_to_pay():
    calls = []

    def kernel(lower, upper):
        calls.append(lower)
        return (0,)

    Pool(8).launch(kernel, 0, 10**6, 1, (), 65_000)
    assert 6 == len(calls)


def test_threads_share_the_work():
    seen = np.zeros(40, dtype=np.int64)
    Pool(2).launch(compiled(sleepy, INTS), 0, 40, 1, (seen,), 100 * LONG)
    assert 2 == len({*seen.tolist()} - {0})


def following(lower, upper, order, come):
    """Leave how many chunks came before each."""
    order[lower] = come[0]
    come[0] += 1
    return (0,)


@pytest.mark.parametrize("groups", [1, 3, 8])
def test_a_thread_alone_takes_the_chunks_of_all_groups_in_order(groups):
    entry = entry_of(compiled(following, INTS, INTS))
    assert entry is not None
    order, come = np.full(8, -1), np.zeros(1, np.int64)  # a job holds addresses, nothing more
    job = Job(entry, range(9), threads=groups, last=7)
    job.put(entry.packed((order, come)))
    for _ in range(2):  # a job may run again
        assert 0 == machine().run_alone(job.address)
    assert list(range(8, 16)) == order.tolist()


def test_pool_of_one_thread_works_on_the_callers():
    seen = np.zeros(5, dtype=np.int64)
    run = compiled(sleepy, INTS)
    Pool(1).run(run, (0, 1, 2, 3), (seen,), LONG)
    assert [thread_self()] * 3 + [0, 0] == seen.tolist()


def test_all_kinds_of_arguments_and_values_arrive():
    def kernel(lower, upper, a, c, n, x, z, flag):
        for i in range(lower, upper):
            a[i, 1] += n * x if flag else 0.0
            c[i] = z * i
        return (0, x, z, flag, np.float32(0.1), np.int8(-3), upper)

    kinds = (types.float64[:, :], types.complex64[:], types.int64, types.float64)
    run = compiled(kernel, *kinds, types.complex128, types.boolean)
    a, c = np.zeros((50, 4), order="F")[::-1], np.zeros(100, np.complex64)[::2]
    outcomes = Pool(3).run(run, (0, 7, 20, 50), (a, c, -2, 0.75, 1 - 2j, True), LONG)
    assert [-1.5] * 50 == a[:, 1].tolist()
    assert 0 == a[:, (0, 2, 3)].any()
    assert [complex(i, -2 * i) for i in range(50)] == c.tolist()
    single = float(np.float32(0.1))
    assert [(0, 0.75, 1 - 2j, True, single, -3, end) for end in (7, 20, 50)] == outcomes
    assert [int, float, complex, bool, float, int, int] == [type(each) for each in outcomes[0]]


def test_flags_of_every_chunk_are_read_on_the_thread_that_ran_it():
    def kernel(lower, upper, a, x):
        for i in range(lower, upper):
            a[i] = 1.0 / (i - x)
        return (0,)

    run = watched(compiled(kernel, FLOATS, types.float64))
    for x, raised in ((1e9, set()), (31.0, {31})):
        outcomes = Pool(2).run(run, tuple(range(41)), (np.zeros(40), x), LONG)
        assert raised == {chunk for chunk, each in enumerate(outcomes) if each[0]}


def test_kernel_that_fails_to_allocate_is_a_memory_error():
    def kernel(lower, upper, n):
        return (np.empty(n, np.int64).size,)

    run = compiled(kernel, types.int64)
    assert [(3,), (3,)] == Pool(2).run(run, (0, 1, 2), (3,), LONG)
    with pytest.raises(MemoryError):
        Pool(2).run(run, (0, 1, 2), (1 << 58,), LONG)


def test_kernel_with_several_forms_has_no_entry():
    both = njit(lambda lower, upper, a: (a.size,))
    for dtype in (np.float64, np.int8):
        assert [(4,), (4,)] == Pool(2).run(both, (0, 2, 4), (np.zeros(4, dtype),), LONG)
    assert entry_of(both) is None


def test_exception_of_a_chunk_reaches_the_caller():
    def kernel(lower, upper):
        if lower == 5:
            raise ZeroDivisionError("chunk 5")
        return (0,)

    with pytest.raises(ZeroDivisionError, match="chunk 5"):
        Pool(3).launch(kernel, 0, 12, 1, (), LONG)


def test_pool_works_after_an_exception():
    pool = Pool(3)
    with pytest.raises(ValueError, match="no"):
        pool.launch(raising, 0, 12, 1, (), LONG)
    assert (0,) == pool.launch(lambda low, high: (0,), 0, 12, 1, (), LONG)


def raising(lower, upper):
    raise ValueError("no")


def test_interrupt_comes_through_between_batches_and_leaves_no_chunk_running():
    seen = np.zeros(10_000, dtype=np.int64)
    run, pool = compiled(sleepy, INTS), Pool(3)
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        pool.run(run, tuple(range(10_001)), (seen,), 10_000 * LONGEST_CHUNK_NS)
    timer.join()
    done = np.count_nonzero(seen)
    threading.Event().wait(0.05)
    assert 0 < done == np.count_nonzero(seen) < 10_000


def test_interrupted_launch_hands_out_no_more_chunks():
    calls = []

    def kernel(lower, upper):
        calls.append(lower)
        _thread.interrupt_main()
        return (0,)

    with pytest.raises(KeyboardInterrupt):
        Pool(1).launch(kernel, 0, 100, 1, (), 100 * LONGEST_CHUNK_NS)
    assert [0] == calls


def test_launch_inside_a_chunk_runs_on_the_thread_it_is_on():
    pool = Pool(2)
    inner = []

    def leaf(lower, upper):
        inner.append(threading.current_thread().name)
        return (0,)

    def outer(lower, upper):
        return pool.launch(leaf, 0, 4, 1, (), LONG)

    assert (0,) == pool.launch(outer, 0, 8, 1, (), LONG)
    assert 32 == len(inner)


def test_many_threads_may_launch_at_once():
    pool = Pool(3)
    arrays = [np.zeros(500, dtype=np.int64) for _ in range(8)]
    threads = [
        threading.Thread(
            target=lambda each=each: [
                pool.launch(MARK, 0, 500, 1, (each, 1), LONG) for _ in range(50)
            ]
        )
        for each in arrays
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((each == 50).all() for each in arrays)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_of_a_fork_starts_threads_of_its_own():
    pool, run = Pool(2), compiled(sleepy, INTS)
    pool.launch(run, 0, 4, 1, (np.zeros(4, dtype=np.int64),), LONG)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            seen = np.zeros(40, dtype=np.int64)
            pool.launch(run, 0, 40, 1, (seen,), 100 * LONG)
            os._exit(len({*seen.tolist()} - {0}))
        finally:
            os._exit(9)
    assert 2 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_idle_threads_wake_again():
    pool, visits = Pool(4), np.zeros(64, dtype=np.int64)
    for _ in range(20):
        pool.launch(MARK, 0, 64, 1, (visits, 1), LONG)
        threading.Event().wait(0.003)
    assert [20] * 64 == visits.tolist()


def test_pool_starts_no_thread_before_the_first_need():
    before = threading.active_count()
    Pool(6).launch(lambda low, high: (0,), 0, 10, 1, (), 10)
    assert before == threading.active_count()


def test_default_is_the_processors_this_process_may_use():
    assert usable_processors() == Pool().threads


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_adversary_visits_every_iteration_and_keeps_the_last_value(order):
    visits = np.zeros(30, dtype=np.int64)
    _, *(last,) = AdversarialLauncher(order).launch(mark, 1, 30, 4, (visits, 4), 0)
    assert [1] * 8 == visits[1::4].tolist()
    assert 29 == last


def test_adversary_finds_a_carried_dependence():
    def chain(lower, upper, a):
        for i in range(lower, upper):
            a[i] = a[i - 1] + 1
        return (0,)

    a = np.zeros(10)
    AdversarialLauncher(ORDERS["reversed"]).launch(chain, 1, 10, 1, (a,), 0)
    b = np.zeros(10)
    SerialLauncher().launch(chain, 1, 10, 1, (b,), 0)
    assert a.tolist() != b.tolist()


@pytest.mark.parametrize("started", [0, 1])
def test_threads_that_the_system_has_not_are_done_without(monkeypatch, started):
    start, left = threading.Thread.start, [started]

    def start_some(thread):
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    pool = Pool(4)
    for _ in range(3):
        visits = np.zeros(1000, dtype=np.int64)
        status, *(last,) = pool.launch(MARK, 0, 1000, 1, (visits, 1), LONG)
        assert (7, 999) == (status, last)
        assert {1} == set(visits.tolist())
    visits = np.zeros(1000, dtype=np.int64)
    parts = pool.reduce(MARK, (0, 1000, 1), (visits, 1), LONG, 8)
    assert 999 == parts[-1][-1]
    assert {1} == set(visits.tolist())
