"""What goes on around a call: callbacks that call again, many threads, limits of the process.

Compared is what two runs print, one with autopar and one without, or what two calls leave behind.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import linecache
import signal
import subprocess
import sys
import threading
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import autopar
from tests.sameness import faults_in, freeze, places, same

ROOT = Path(__file__).resolve().parents[2]


def quotients(a, b, out):
    for i in range(len(out)):
        out[i] = a[i] / b[i]
    return i


def relaxed(a, n):
    for t in range(n):
        for i in range(1, len(a)):
            a[i] = a[i] * 0.5 + a[i - 1] * 0.25
    return t, i


def steps(a, b):
    for _ in range(4):
        for i in range(1, a.shape[0] - 1):
            b[i] = a[i - 1] * 0.5 + a[i + 1]
        for i in range(1, a.shape[0] - 1):
            a[i] = b[i]
    return b[1]


def both(function):
    """Return the plain function and a decorated one that has a kernel already."""
    return function, autopar.parallel(function, backend="cpu")


# ------------------------------------------------------------------------ callbacks that call again


def divided(function):
    out = np.zeros(5)
    function(np.arange(5.0), np.array([1.0, 0, 2, 0, 0]), out)
    return freeze(out)


def again(function):
    out = np.zeros(3)
    function(np.ones(3), np.full(3, 4.0), out)
    return out.tolist()


def shown_warnings(function):
    seen = []

    def show(message, category, _filename, lineno, *_):
        seen.append((str(message), category, lineno, again(function)))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        return divided(function), seen


def told_events(function):
    seen = []

    def call(kind, flag):
        seen.append((kind, flag, again(function)))

    with np.errstate(all="call", call=call):
        return divided(function), seen


def counted_subscripts(function):
    seen = []

    class Bound:
        def __index__(self):
            seen.append(again(quotients if function is quotients else function))
            return 4

    def upto(a, n):
        for i in range(n):
            a[i] = a[i] * 2.0
        return i

    made = upto if function is quotients else autopar.parallel(upto, backend="cpu")
    a = np.arange(5.0)
    return made(a, Bound()), freeze(a), seen


def freed_objects(function):
    seen = []

    class Last:
        def __del__(self):
            seen.append(again(function))

    def holding(a, n):
        for t in range(n):
            held = Last()  # freed in the next turn
            for i in range(len(a)):
                a[i] = a[i] + t
        return i

    made = holding if function is quotients else autopar.parallel(holding, backend="cpu")
    a = np.arange(5.0)
    return made(a, 3), freeze(a), seen


@pytest.mark.parametrize(
    "callback", [shown_warnings, told_events, counted_subscripts, freed_objects]
)
def test_a_callback_may_call_the_function_that_runs(callback):
    plain, decorated = both(quotients)
    expected = callback(plain)
    assert expected[-1]
    for _ in range(3):
        assert expected == callback(decorated)
    assert not faults_in(decorated.last_run)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_a_handler_of_a_signal_may_call_the_function_that_runs():
    plain, decorated = both(relaxed)
    results = []
    before = signal.signal(signal.SIGALRM, lambda *_: results.append(called(decorated, 50, 3)))
    decorated(np.arange(2000.0), 2)
    try:
        while len(results) < 3:
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            actual = called(decorated, 2000, 200)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert called(plain, 2000, 200) == actual
    assert {called(plain, 50, 3)} == set(results)


def called(function, n, turns):
    a = np.arange(float(n))
    return (*function(a, turns), a.tobytes())


# -------------------------------------------------------------------------- many threads


def function_number(k):
    """Return one of many functions, each with kernels of its own."""
    space: dict[str, object] = {}
    text = f"""
def number_{k}(a, b):
    s = 0.0
    for i in range(1, a.shape[0] - 1):
        b[i] = a[i - 1] * {k}.5 + a[i + 1]
        s = s + b[i]
    t = 0
    for i in range(a.shape[0]):
        if b[i] > {k}:
            t += 1
    return s, t, i
"""
    file = f"<number {k}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), space)
    return space[f"number_{k}"]


def test_many_threads_call_different_functions_for_the_first_time():
    plain = [function_number(k) for k in range(2)]
    decorated = [autopar.parallel(each, backend="cpu") for each in plain]
    arrays = [np.arange(n, dtype=dtype) for n in (5, 3000) for dtype in ("f8", "i8")]

    def observed(function, a):
        a, b = a.copy(), np.zeros(len(a))
        return freeze(function(a, b)), b.tobytes()

    expected = [[observed(function, a) for a in arrays] for function in plain]
    wrong = []
    start = threading.Barrier(6)

    def call(order):
        start.wait()
        for k in order:
            for number, a in enumerate(arrays):
                if observed(decorated[k], a) != expected[k][number]:
                    wrong.append((k, number))

    orders = [(0, 1), (1, 0), (0, 1), (0, 0, 1), (1, 1, 0), (0, 1, 0)]
    threads = [threading.Thread(target=call, args=(order,)) for order in orders]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
    assert [[], []] == [faults_in(each.last_run) for each in decorated]


# --------------------------------------------------------------- generators and coroutines


def in_turns(a, n):
    for t in range(n):
        for i in range(len(a)):
            a[i] = a[i] * 1.5 + t
        got = yield a.copy(), i
        for i in range(len(a)):
            a[i] -= 1
        if got:
            return "early"
    return i


def driven(function):
    running, out = function(np.arange(5.0), 4), []
    value = next(running)
    try:
        while True:
            out.append(freeze(value))
            value = running.send(len(out) == 3)
    except StopIteration as end:
        return [*out, end.value]


async def awaiting(a, n):
    for t in range(n):
        for i in range(len(a)):
            a[i] = a[i] * 0.5 + t
        await asyncio.sleep(0)
    return a.tobytes()


async def yielding(a):
    for t in range(3):
        for i in range(len(a)):
            a[i] += t
        yield a.sum()


def test_generators_and_coroutines_side_by_side():
    async def all_of(function):
        return await asyncio.gather(*(function(np.arange(6.0) + k, 5) for k in range(4)))

    async def listed(function):
        return [each async for each in function(np.arange(4.0))]

    plain, decorated = both(in_turns)
    assert driven(plain) == driven(decorated) == driven(decorated)
    plain, decorated = both(awaiting)
    assert asyncio.run(all_of(plain)) == asyncio.run(all_of(decorated))
    plain, decorated = both(yielding)
    assert asyncio.run(listed(plain)) == asyncio.run(listed(decorated))


# --------------------------------------------------------------------- limits of the process


def test_near_the_end_of_recursion_only_a_recursion_error_is_raised():
    wanted = np.arange(50.0), np.zeros(50)
    steps(*wanted)
    _, decorated = both(steps)

    def deep(n, *arrays):
        return decorated(*arrays) if n == 0 else deep(n - 1, *arrays)

    for _ in range(3):  # a first call, one that is learned, one that is known
        decorated(np.arange(50.0), np.zeros(50))
    found: Counter[str] = Counter()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(frames() + 120)
    try:
        for n in range(60, 125):
            a, b = np.arange(50.0), np.zeros(50)
            try:
                for _ in range(2):
                    a[:], b[:] = np.arange(50.0), 0.0
                    deep(n, a, b)
            except RecursionError:
                assert not b.any()
                found["error"] += 1
            else:
                assert (freeze(wanted[0]), freeze(wanted[1])) == (freeze(a), freeze(b))
                found["done"] += 1
    finally:
        sys.setrecursionlimit(limit)
    assert found["error"] > 4
    assert found["done"] > 4


def frames():
    return len(inspect.stack(0))


def summed(a, b):
    s = 0.0
    for i in range(1, a.shape[0] - 1):
        b[i] = a[i - 1] * 0.5 + a[i + 1]
        s = s + b[i]
    return s, i


LIMITED = """
import sys, threading
import numpy as np
import autopar

@autopar.parallel(backend="cpu")
{summed}
a, b = np.arange(3000.0), np.zeros(3000)
results = []

def call():
    results.append((summed(a, b), b.sum()))

if len(sys.argv) > 1:
    threading.stack_size(int(sys.argv[1]))
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
else:
    call()
print(results)
"""

LIMITS = {
    "a stack of 64 KiB": ("true", ["65536"]),
    "no room for a compiler": ("ulimit -v 500000", []),
    "no files, few open ones": ("trap '' XFSZ; ulimit -f 0; ulimit -n 12", []),
    "warnings are errors": ("export PYTHONWARNINGS=error TMPDIR=/nowhere HOME=/nowhere", []),
    "more threads than there are": ("export AUTOPAR_NUM_THREADS=1000; ulimit -u 1", []),
}


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
@pytest.mark.parametrize("row", LIMITS)
def test_a_process_under_limits_does_what_it_would(row, tmp_path):
    script = LIMITED.replace("{summed}", inspect.getsource(summed))
    (tmp_path / "script.py").write_text(script)
    before, arguments = LIMITS[row]
    command = f'{before}; exec "{sys.executable}" script.py {" ".join(arguments)} | cat'
    cache = {"AUTOPAR_CACHE_DIR": str(tmp_path / "cache")}
    surroundings = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **cache}
    ended = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=120, env=surroundings,
    )  # fmt: skip
    a, b = np.arange(3000.0), np.zeros(3000)
    assert (f"{[(summed(a, b), b.sum())]}\n", "") == (ended.stdout, ended.stderr)


LEAVING = """
import atexit, threading, time
import numpy as np
import autopar

@autopar.parallel(backend="cpu")
def long(a, n):
    for _ in range(n):
        for i in range(a.shape[0]):
            a[i] = a[i] * 0.5 + 1.0
    return i

long(np.ones(300_000), 1)
atexit.register(lambda: print("at exit", long(np.ones(3), 2)))

def for_ever():
    a = np.ones(300_000)
    while True:
        long(a, 3)

for _ in range(3):
    threading.Thread(target=for_ever, daemon=True).start()
time.sleep(0.1)
print("leaving")
"""


def test_a_process_ends_while_threads_run_kernels(tmp_path, python):
    (tmp_path / "script.py").write_text(LEAVING)
    done = python("script.py")
    assert (0, "leaving\nat exit 2\n") == (done.returncode, done.stdout), done.stderr


# ---------------------------------------------------------------------------------- memory


def smoothed(a, b):
    for i in range(1, a.shape[0] - 1):
        b[i] = 0.5 * (a[i - 1] + a[i + 1])


def prefixes(a, b):
    s = 0
    for i in range(a.shape[0]):
        s += i % 3
        b[i] = s + a[i]
    return s


def shifted(a, b):
    for i in range(a.shape[0] - 1):
        b[i] = a[i + 1] * 2.0
        a[i] = b[i]


def test_a_call_takes_no_arrays_of_its_own():
    a, b = np.ones(400_000), np.zeros(400_000)
    for function in (smoothed, prefixes, shifted):
        decorated = autopar.parallel(function, backend="cpu")
        for _ in range(3):
            decorated(a, b)
        assert ["cpu"] == places(decorated)[:1], function
        gc.collect()
        tracemalloc.start()
        decorated(a, b)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < a.nbytes / 4, function


# ------------------------------------------------------------------ arrays of other libraries


class Foreign:
    """What looks like an array to NumPy, and computes in its own way."""

    def __init__(self, values):
        self.values = values
        self.__array_interface__ = values.__array_interface__

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: self.values.ndim)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        return float(self.values[key]) + 100

    def __setitem__(self, key, value):
        self.values[key] = value - 1

    def __repr__(self):
        return repr(self.values.tolist())


def doubled(a, b):
    for i in range(len(b)):
        b[i] = a[i] * 2
    return a


def test_arrays_of_other_libraries_compute_in_their_own_way():
    same(doubled, lambda: (Foreign(np.arange(5.0)), np.zeros(5)), ran="interpreter")
    same(doubled, lambda: (np.arange(5.0), Foreign(np.zeros(5))), ran="interpreter")
    pandas = pytest.importorskip("pandas")
    same(doubled, lambda: (pandas.Series(np.arange(5.0)), np.zeros(5)), ran="interpreter")


# ---------------------------------------------------------------------- strict, recurrences


def wholes(a, out):
    for i in range(len(out)):
        out[i] = np.sum(a[i]) + np.mean(a[i])
    return out


def recurrence(a, k):
    x = 0.0
    for i in range(a.shape[0]):
        x = x * k + a[i]
        a[i] = x
    return x


def test_strict_rows_are_numpys_and_recurrences_keep_their_order():
    rng = np.random.default_rng(5)
    same(
        wholes,
        lambda: (rng.__class__(np.random.PCG64(3)).random((3, 5000)), np.zeros(3)),
        strict=True,
    )
    a = rng.random(70_000)
    decorated = same(recurrence, lambda: (a.copy(), 0.9))
    assert "sequential" == decorated.explain().to_dict()["functions"][0]["loops"][0]["verdict"]
