"""Forks at bad moments, new processes, more threads than there are cores: programs as a whole."""

from __future__ import annotations

import os

import pytest

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# A thread holds one thing after the other while the main one forks; the child calls on.
HELD = """
import os, signal, sys, threading, warnings
import numpy as np
import autopar
from autopar import machine, variants
from numba import njit
from numba.core.compiler_lock import global_compiler_lock

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads

@autopar.parallel(backend="cpu")
def halve(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.5

@autopar.parallel(backend="cpu")
def other(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 2.0 + 1.0

a = np.ones(2_000_000)
halve(a)

begun, forked = threading.Event(), threading.Event()

def {name}():
{body}

def region():
    original = variants.make_variant

    def slow(*arguments, **keywords):
        if threading.current_thread() is not worker:
            return original(*arguments, **keywords)
        begun.set()
        forked.wait(60)
        return original(*arguments, **keywords)

    variants.make_variant = slow
    other(np.ones(2_000_000))

worker = threading.Thread(target={name})
worker.start()
assert begun.wait(60)
child = os.fork()
if child == 0:
    signal.alarm(60)  # a deadlock ends here
    b = np.ones(2_000_000)
    halve(b)
    good = (b == 0.5).all()
    other(b)
    good &= (b == 2.0).all()
    ran = other.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"]
    os._exit(7 if good and ran == "cpu" else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
forked.set()
worker.join()
b = np.ones(2_000_000)
other(b)
print(status, (b == 3.0).all())
"""

BODIES = {
    # The lock of a region, by a thread that makes a variant of it.
    "region": "",
    # Those of the pool, by a launch that is under way.
    "board": """
    pool = machine.MACHINE.pool(halve._options)
    assert pool._started().seize()
    begun.set()
    forked.wait(60)
    pool._board.release()
""",
    # The lock under which a function's source is read and prepared.
    "decorator": """
    with other._lock:
        begun.set()
        forked.wait(60)
""",
    "loading": """
    from autopar.codegen.compile import _loading

    with _loading:
        begun.set()
        forked.wait(60)
""",
}


def script_of(name: str) -> str:
    body = BODIES[name]
    text = HELD.replace("{body}", body or "    pass").replace("target={name}", f"target={name}")
    return text.replace("def {name}():", f"def {name}():" if body else "def unused():")


@forks
@pytest.mark.parametrize("name", BODIES)
def test_child_calls_on_whatever_another_thread_held(tmp_path, python, name):
    (tmp_path / "script.py").write_text(script_of(name))
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": "2"})
    assert "7 True\n" == done.stdout, done.stderr


RUNNING = """
import os, signal, threading, warnings
import numpy as np
import autopar

warnings.simplefilter("ignore", DeprecationWarning)

@autopar.parallel(backend="cpu")
def work(a, b):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[i, j] = a[i, j] * 0.5 + 1.0

a = np.ones((1500, 1500))
work(a, a.copy())
stop = threading.Event()
wrong = []

def launch_on():
    b = np.zeros_like(a)
    while not stop.is_set():
        b[:] = 0.0
        work(a, b)
        if not (b == 1.5).all():
            wrong.append("parent")

threads = [threading.Thread(target=launch_on) for _ in range(3)]
for each in threads:
    each.start()
codes = []
for _ in range(12):  # some of them come while a kernel runs
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        b = np.zeros_like(a)
        work(a, b)
        os._exit(7 if (b == 1.5).all() else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for each in threads:
    each.join()
print(sorted(set(codes)), wrong)
"""


@forks
def test_forks_while_other_threads_run_kernels(tmp_path, python):
    (tmp_path / "script.py").write_text(RUNNING)
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": "3"})
    assert "[7] []\n" == done.stdout, done.stderr


COMPILING = """
import os, signal, threading, warnings
import numpy as np
import autopar
from numba import njit
from numba.core.compiler_lock import global_compiler_lock

warnings.simplefilter("ignore", DeprecationWarning)

@autopar.parallel(backend="cpu", cache=False)
def halve(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.5

begun = threading.Event()
after = []

def compile_on():
    with global_compiler_lock:  # as Numba does for as long as it compiles
        begun.set()
        njit("f8(f8)")(lambda x: x * 2.0 + 1.0)
        after.append("compiled")

worker = threading.Thread(target=compile_on)
worker.start()
assert begun.wait(60)
child = os.fork()  # waits until the compilation is over
if child == 0:
    signal.alarm(60)
    b = np.ones(2_000_000)
    halve(b)
    os._exit(7 if (b == 0.5).all() and after == ["compiled"] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
worker.join()
b = np.ones(2_000_000)
halve(b)
print((b == 0.5).all())
"""


@forks
def test_a_fork_waits_until_numba_has_compiled(tmp_path, python):
    (tmp_path / "script.py").write_text(COMPILING)
    done = python("script.py")
    assert "7\nTrue\n" == done.stdout, done.stderr


CALLING_LLVM = """
import os, signal, threading, warnings
import numpy as np
import autopar
from llvmlite.binding import ffi

warnings.simplefilter("ignore", DeprecationWarning)

@autopar.parallel(backend="cpu", cache=False)
def halve(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.5

halve(np.ones(10))  # llvmlite is loaded
begun = threading.Event()
after = []

def call():
    with ffi.lib._lock:  # as llvmlite does for as long as LLVM works
        begun.set()
        threading.Event().wait(0.5)
        after.append("called")

worker = threading.Thread(target=call)
worker.start()
assert begun.wait(60)
child = os.fork()  # waits until the call is over
if child == 0:
    signal.alarm(60)
    b = np.ones(2_000_000, np.float32)  # a kernel not yet compiled
    halve(b)
    os._exit(7 if (b == 0.5).all() and after == ["called"] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
worker.join()
"""


@forks
def test_a_fork_waits_until_a_call_of_llvm_is_over(tmp_path, python):
    (tmp_path / "script.py").write_text(CALLING_LLVM)
    done = python("script.py")
    assert "7\n" == done.stdout, done.stderr


PROCESSES = """
import multiprocessing, sys
import numpy as np
import autopar

@autopar.parallel(backend="cpu")
def scaled(a, factor):
    b = np.empty_like(a)
    for i in range(a.shape[0]):
        b[i] = a[i] * factor
    return b

def total(factor):
    return float(scaled(np.ones(400_000), factor).sum())

if __name__ == "__main__":
    before = total(1.0)
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(5) as processes:  # more of them than cores, each with its own threads
        first = processes.map(total, range(12))
        # The function itself travels by its name.
        second = processes.starmap(scaled, [(np.ones(3), n) for n in (2.0, 3.0)])
    print(before, first == [n * 400_000.0 for n in range(12)], [each.tolist() for each in second])
"""


@pytest.mark.parametrize("method", ["spawn", pytest.param("fork", marks=forks), "forkserver"])
def test_processes_of_their_own(tmp_path, python, method):
    (tmp_path / "script.py").write_text(PROCESSES)
    done = python("script.py", method, environment={"AUTOPAR_NUM_THREADS": "4"})
    wanted = "400000.0 True [[2.0, 2.0, 2.0], [3.0, 3.0, 3.0]]\n"
    assert wanted == done.stdout, done.stderr


MANY = """
import numpy as np, threading
import autopar

@autopar.parallel(backend="cpu")
def fill(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.5 + 1.0

a = np.zeros(3_000_000)
for _ in range(20):
    fill(a)
print(np.unique(a).tolist(), sum("autopar" in t.name for t in threading.enumerate()))
"""


def test_many_more_threads_than_cores(tmp_path, python):
    (tmp_path / "script.py").write_text(MANY)
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": "64"})
    value = 0.0
    for _ in range(20):
        value = value * 0.5 + 1.0
    assert f"[{value}] 63\n" == done.stdout, done.stderr
