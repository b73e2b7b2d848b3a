"""Calls like one before take a short way, and never where anything a guard reads has changed."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import Any

import numba
import numpy as np
import pytest

import autopar
from autopar.codegen.pool import Pool
from autopar.codegen.shortcut import Shortcut
from autopar.repeats import Repeats
from tests.sameness import observe, places

factor = 2.0


def scaled(x, out, n, c):
    for i in range(n):
        out[i] = c * x[i]


def divided(x, out, n, c):
    for i in range(n):
        out[i] = c / x[i]


def summed(x, out, n, c):
    s = 0
    for i in range(n):
        s += x[i]
    return s


def with_global(x, out, n, c):
    for i in range(n):
        out[i] = factor * x[i]


def arguments(n=200, dtype="float64"):
    return np.arange(1, n + 1).astype(dtype), np.zeros(n, dtype), n, 1.5


@pytest.fixture(params=["python", "native"], autouse=True)
def way(request, monkeypatch):
    """Take the short way in Python alone, or the native one before it."""
    monkeypatch.setattr("autopar.dispatch.LEARNED_AT", frozenset({1}))
    if request.param == "python":
        monkeypatch.setattr("autopar.shortcuts.is_possible", lambda: False)
    return request.param


@pytest.fixture
def found(monkeypatch):
    """List the calls that took the short way, and which of the two."""
    hits = []
    find = Repeats.find

    def counted(self, values):
        repeat = find(self, values)
        if repeat is not None:
            hits.append("python")
        return repeat

    class Counted(Shortcut):
        def __init__(self, fallback, finish, records):
            long_ways = []

            def counted_fallback(*values):
                long_ways.append(values)
                return fallback(*values)

            super().__init__(counted_fallback, finish, records)
            enter = self.enter

            def entered(*values):
                already = len(long_ways)
                returned = enter(*values)
                if len(long_ways) == already:
                    hits.append("native")
                return returned

            self.enter = entered

    monkeypatch.setattr("autopar.shortcuts.Shortcut", Counted)
    monkeypatch.setattr(Repeats, "find", counted)
    return hits


def warmed(function, given, call=lambda function, given: function(*given)):
    """Return `function` decorated, and called with `given` until it is known."""
    decorated = autopar.parallel(function, backend="cpu")
    for _ in range(4):
        call(decorated, given)
    return decorated


def test_the_third_call_with_the_same_arrays_is_short(way, found):
    given = arguments()
    decorated = warmed(scaled, given)
    assert found == ["python", way]
    given[0][:] = 5.0
    decorated(*given[:3], -2.0)
    assert len(found) == 3
    assert given[1].tolist() == [-10.0] * 200
    assert places(decorated) == ["cpu"]


def test_what_native_code_may_do_a_few_times_is_asked_again_afterwards(way, found, monkeypatch):
    plan = Pool.repeatable
    monkeypatch.setattr(
        Pool, "repeatable", lambda *given: (each := plan(*given)) and each._replace(uses=3)
    )
    given = arguments()
    decorated = warmed(scaled, given)
    for turn in range(20):
        decorated(*given[:3], float(turn))
        assert given[1][:2].tolist() == [float(turn), 2.0 * turn]
    assert len(found) == 22
    if way == "native":
        assert ["python", *["native"] * 3] * 5 == found[:20]


def test_other_arrays_each_time_are_no_repeats(found):
    kept = [arguments() for _ in range(21)]
    decorated = warmed(scaled, kept.pop())
    before = len(found)
    for given in kept:
        decorated(*given)
        assert given[1].tolist() == (1.5 * given[0]).tolist()
    assert before == len(found)


def test_swapped_arrays_are_repeats_of_their_own(found):
    x, out, n, c = arguments()
    decorated = autopar.parallel(scaled, backend="cpu")
    expected = x.copy(), out.copy()
    for turn in range(10):
        decorated(x, out, n, c)
        scaled(*expected, n, c)
        assert (x.tolist(), out.tolist()) == tuple(each.tolist() for each in expected), turn
        x, out = out, x
        expected = expected[::-1]
    assert len(found) == 6  # each order of the two is known after its second call


def change_length(given):
    return (*given[:2], 100, given[3])


def too_long(given):
    return (*given[:2], 201, given[3])


def as_integer(given):
    return (*given[:3], 2)


def as_single(given):
    return (*given[:3], np.float32(1.25))


def as_bool(given):
    return (*given[:2], True, given[3])


def read_only(given):
    given[1].flags.writeable = False
    return given


def shorter(given):
    given[1].resize(50, refcheck=False)
    return given


def retyped(given):
    given[0].dtype = np.int64
    return given


def overlapping(given):
    return (given[0], given[0][::-1], *given[2:])


def reversed_in_place(given):
    return (given[0][::-1], *given[1:])


CHANGES = [
    change_length, too_long, as_integer, as_single, as_bool, read_only, shorter, retyped,
    overlapping, reversed_in_place,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("function", [scaled, summed], ids=lambda each: each.__name__)
def test_what_a_guard_reads_is_read_again(function, change):
    given, plain = arguments(), arguments()
    decorated = warmed(function, given, observe)  # with the filters that are there later
    for _ in range(3):
        function(*plain)
    given, plain = change(given), change(plain)
    for _ in range(4):
        assert observe(function, plain) == observe(decorated, given)


def test_numpys_error_state_is_asked_each_time():
    given = arguments()
    decorated = warmed(divided, given)
    given[0][3] = 0.0
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        decorated(*given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            decorated(*given)
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        decorated(*given)
    assert given[1][3] == np.inf
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        decorated(*given)


def test_a_global_that_is_bound_anew_is_noticed(monkeypatch):
    given = arguments()
    decorated = warmed(with_global, given)
    monkeypatch.setitem(globals(), "factor", 3.0)
    decorated(*given)
    assert given[1].tolist() == (3.0 * given[0]).tolist()
    monkeypatch.setitem(globals(), "range", lambda n: iter([0]))
    given[1][:] = 0.0
    decorated(*given)
    assert np.count_nonzero(given[1]) == 1


def test_the_report_counts_every_call():
    given = arguments()
    decorated = warmed(scaled, given)
    (loop,) = decorated.last_run.to_dict()["functions"][0]["loops"]
    assert (1, 200) == (loop["ran"]["calls"], loop["ran"]["iterations"])


def test_threads_with_arrays_of_their_own():
    decorated = warmed(scaled, arguments())
    failures = []

    def work(number):
        x, out, n, _ = arguments()
        for turn in range(300):
            c = float(number * 1000 + turn)
            decorated(x, out, n, c)
            if out.tolist() != (c * x).tolist():
                failures.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures


def test_arrays_are_not_kept_alive():
    x, out, n, c = arguments()
    references = sys.getrefcount(x)
    warmed(scaled, (x, out, n, c))
    assert references == sys.getrefcount(x)


def over_rows(ptr, x, out, n):
    for i in range(n):
        s = 0.0
        for j in range(ptr[i], ptr[i + 1]):
            s += x[j]
        out[i] = s


def gathered(index, x, out, n):
    for i in range(n):
        out[index[i]] = x[i]


@pytest.mark.parametrize("function", [over_rows, gathered], ids=lambda each: each.__name__)
def test_contents_that_a_guard_reads_are_read_again(function):
    index = np.arange(21)
    given = index, np.arange(40.0), np.zeros(40), 20
    decorated = warmed(function, given)
    for change in (30, 7, 21, 300):
        index[5] = change
        plain = tuple(np.copy(each) if isinstance(each, np.ndarray) else each for each in given)
        assert observe(function, plain) == observe(decorated, given)


def sums_of_a_row(x, out, n, c):
    for i in range(n):
        out[i] = c
        for j in range(n):
            out[i] += x[j] * c


def with_several_floats(x, out, n, c, d=0.25):
    for i in range(n):
        out[i] = c * x[i] - d + n


def in_two_launches(x, out, n, c):
    for i in range(n):
        out[i] = c * x[i]
    for i in range(n):
        x[i] = out[n - 1 - i]


def with_last_value(x, out, n, c):
    for i in range(n):
        out[i] = c * x[i]
    return i


def of_integers(x, out, n, c):
    for i in range(n):
        out[i] = x[i] * x[i] + 1


FUNCTIONS = [
    scaled, summed, sums_of_a_row, with_several_floats, in_two_launches, with_last_value,
    of_integers,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("n", [200, 50_000])
def test_every_call_gives_what_the_interpreter_gives(function, dtype, n):
    n = 200 if function is sums_of_a_row else n
    given, plain = arguments(n, dtype), arguments(n, dtype)
    decorated = autopar.parallel(function, backend="cpu", strict=True)
    for turn in range(6):
        c = 1.0 + turn
        assert observe(function, (*plain[:3], c)) == observe(decorated, (*given[:3], c)), turn


def test_an_overflow_warns_in_every_call_that_has_one():
    given = arguments(dtype="int64")
    decorated = warmed(of_integers, given, observe)
    for value in (2**40, 5, 2**62):
        given[0][7] = value
        plain = tuple(np.copy(each) if isinstance(each, np.ndarray) else each for each in given)
        assert observe(of_integers, plain) == observe(decorated, given)


def test_a_tracer_sees_the_loop():
    given = arguments(20)
    decorated = warmed(scaled, given)
    lines = []

    def trace(frame, event, _):
        lines.append((event, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        decorated(*given)
    finally:
        sys.settrace(None)
    assert len([each for each in lines if each[0] == "line"]) > 40


def test_a_child_process_has_threads_of_its_own(found):
    given = arguments(500_000)
    decorated = warmed(scaled, given)
    process = os.fork()
    if process == 0:
        given[1][:] = 0.0
        del found[:]
        decorated(*given)
        is_done = given[1][-1] == 1.5 * given[0][-1]
        os._exit(0 if is_done and found == ["python"] else 1)
    assert os.waitpid(process, 0)[1] == 0


def test_a_thread_that_never_called_is_counted():
    given = arguments()
    decorated = warmed(scaled, given)
    thread = threading.Thread(target=decorated, args=given)
    thread.start()
    thread.join()
    (loop,) = decorated.last_run.to_dict()["functions"][0]["loops"]
    assert (1, 200) == (loop["ran"]["calls"], loop["ran"]["iterations"])


def test_threads_that_share_their_arrays():
    given = arguments(300_000)
    decorated = warmed(scaled, given)
    threads = [threading.Thread(target=decorated, args=given) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert given[1].tolist() == (1.5 * given[0]).tolist()


def recursive(x, out, n, c):
    for i in range(n):
        out[i] = c * x[i]
    if c > 0:
        recursive_decorated(x, out, n, c - 1.0)


recursive_decorated: Any = autopar.parallel(recursive, backend="cpu")


def test_calls_inside_calls_have_records_of_their_own():
    given = arguments(100)
    for _ in range(3):
        recursive_decorated(*given[:3], 4.0)
    (loop,) = recursive_decorated.last_run.to_dict()["functions"][0]["loops"]
    assert (1, 100) == (loop["ran"]["calls"], loop["ran"]["iterations"])
    assert not given[1].any()


def test_complex_numbers_may_differ_from_call_to_call():
    x, out = np.arange(9.0) * 1j, np.zeros(9, complex)
    decorated = autopar.parallel(scaled, backend="cpu")
    for turn in range(12):
        decorated(x, out, 9, complex(turn, 1.0))
        assert np.array_equal(x * complex(turn, 1.0), out)


def of_rows(table, out, n, c):
    for i in range(1, n):
        for j in range(1, table.shape[1]):
            table[i, j] = c * (table[i - 1, j] + table[i, j - 1])


def of_phases(table, out, n, c):
    for _ in range(5 * n):
        for j in range(1, table.shape[1] - 1):
            out[j] = c * (table[0, j - 1] + table[0, j + 1])
        for j in range(1, table.shape[1] - 1):
            table[0, j] = out[j]


def in_order(table, out, n, c):
    for i in range(1, n):
        out[i] = c * table[0, i] + 0.5 * out[i - 1]


def tables(n=60, columns=9000):
    table = np.random.default_rng(n).uniform(0.5, 1.0, (n, columns))
    return table, table[1].copy(), n, 0.25


# What their threads tell each other lies in an array of the host's, which runs use again.
TOLD = {of_rows: "rows_left", of_phases: "crew_left", in_order: "slices"}
each_told = pytest.mark.parametrize("function", TOLD, ids=lambda each: each.__name__)


@each_told
def test_threads_that_wait_for_each_other_and_loops_in_order_are_short(function, way, found):
    given, plain = tables(), tables()
    decorated = warmed(function, given)
    assert found == ["python", way]
    assert TOLD[function] in "".join(decorated.inspect_source().values())
    before, compiled = tables(), numba.njit(function)
    for turn in range(8):
        c = 0.25 if turn % 2 else 0.375
        for mine, theirs, first in zip(given[:2], plain[:2], before[:2], strict=True):
            mine[...] = theirs[...] = first
        compiled(*plain[:3], c)
        decorated(*given[:3], c)
        assert [each.tobytes() for each in plain[:2]] == [each.tobytes() for each in given[:2]]
    assert [way] * 8 == found[2:]


@each_told
def test_they_are_each_threads_own(function):
    expected = tables()
    numba.njit(function)(*expected)
    decorated = warmed(function, tables())
    failures = []

    def work(number):
        mine, first = tables(), tables()
        for turn in range(40):
            mine[0][...], mine[1][...] = first[0], first[1]
            decorated(*mine)
            if (
                mine[0].tobytes() != expected[0].tobytes()
                or mine[1].tobytes() != expected[1].tobytes()
            ):
                failures.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures
