"""The pool: every iteration once, the last one's values, interrupts, forks, nesting."""

from __future__ import annotations

import _thread
import os
import signal
import threading

import numpy as np
import pytest

from autopar.codegen.pool import INLINE_NS, LONGEST_CHUNK_NS, Pool, usable_processors
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher, SerialLauncher

LONG = 10_000_000


def mark(lower, upper, visits, step):
    """A chunk kernel in plain Python: counts the visits of each cell."""
    last = -1
    for i in range(lower, upper, step):
        visits[i] += 1
        last = i
    return (1 << (lower % 3), last)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("lower", "upper", "step"), [(0, 1000, 1), (3, 1000, 7), (-5, 60, 3)])
def test_every_iteration_runs_once(threads, lower, upper, step):
    visits = np.zeros(1100, dtype=np.int64)
    status, *(last,) = Pool(threads).launch(mark, lower, upper, step, (visits, step), LONG)
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
    assert 3 == len(calls)


def test_threads_share_the_work():
    gate = threading.Barrier(2, timeout=10)

    def kernel(lower, upper):
        if lower < 2:
            gate.wait()  # passes only if two threads are here at once
        return (0,)

    assert (0,) == Pool(2).launch(kernel, 0, 2, 1, (), LONG)


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


def test_interrupt_waits_for_running_chunks_and_comes_through():
    running = []
    lock = threading.Lock()
    main = threading.get_ident()

    def kernel(lower, upper):
        with lock:
            running.append(lower)
        if threading.get_ident() != main:
            threading.Event().wait(0.05)
        with lock:
            running.remove(lower)
        if threading.get_ident() == main:
            _thread.interrupt_main()
        return (0,)

    with pytest.raises(KeyboardInterrupt):
        Pool(3).launch(kernel, 0, 12, 1, (), LONG)
    assert [] == running


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
        threading.Thread(target=pool.launch, args=(mark, 0, 500, 1, (each, 1), LONG))
        for each in arrays
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((each == 1).all() for each in arrays)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_of_a_fork_starts_threads_of_its_own():
    pool = Pool(2)
    pool.launch(mark, 0, 100, 1, (np.zeros(100, dtype=np.int64), 1), LONG)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        gate = threading.Barrier(2, timeout=10)

        def kernel(lower, upper):
            gate.wait()
            return (0,)

        try:
            os._exit(pool.launch(kernel, 0, 2, 1, (), LONG)[0])
        finally:
            os._exit(9)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


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
