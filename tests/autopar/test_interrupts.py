"""Ctrl-C while a kernel is in the middle of something that would take it minutes.

A thread looks at memory until the kernel has begun, and only then sends the signal: what is
never stopped runs into the time limit of the process.
"""

from __future__ import annotations

import pytest

HEAD = """
import os, signal, sys, threading, time
import numpy as np
import autopar

from autopar.codegen import pool

LONG = 2 * 10**9  # iterations: more, and the guard would leave them to the interpreter
launched = []  # whether what the main thread gave to the pool may be stopped
original = pool.may_stop

def may_stop():
    launched.append(original())
    return launched[-1]

pool.may_stop = may_stop

def when_begun(seen):
    while not seen.any():
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

def tried(function, *arguments):
    seen = np.zeros(3)
    watcher = threading.Thread(target=when_begun, args=(seen,))
    watcher.start()
    try:
        function(seen, *arguments)
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        watcher.join()
    return "done"
"""

# Each begins with a store that says so, and goes on for minutes in one iteration.
FUNCTIONS = {
    "parallel": """
def work(seen, out, n):
    for i in range(seen.shape[0]):
        seen[i] = 1.0
        x = seen[i]
        for r in range(n):
            x = np.tanh(np.sin(x)) + 0.25
        out[i] = x
""",
    "nested": """
def work(seen, out, n):
    for i in range(seen.shape[0]):
        seen[i] = 1.0
        x = seen[i]
        for r in range(n):
            for k in range(out.shape[0]):
                x = np.tanh(np.sin(x)) + r
        out[i] = x
""",
    "in order": """
def work(seen, out, n):
    for i in range(1, seen.shape[0]):
        seen[i] = seen[i - 1] + 1.0
        x = seen[i]
        for r in range(n):
            x = np.tanh(np.sin(x)) + 0.25
        out[i] = x + out[i - 1]
""",
    "left early": """
def work(seen, out, n):
    for i in range(seen.shape[0]):
        seen[i] = 1.0
        x = seen[i]
        for r in range(n):
            y = 1.0
            while y < 1e4:
                y = y * 1.01
            x = np.tanh(np.sin(x)) + y
        out[i] = x
""",
    "reduction": """
def work(seen, out, n):
    s = 0.0
    for i in range(seen.shape[0]):
        seen[i] = 1.0
        x = seen[i]
        for r in range(n):
            x = np.tanh(np.sin(x)) + 0.25
        s = s + x
    out[0] = s
""",
    "last value": """
def work(seen, out, n):
    x = seen[0]
    for i in range(1, seen.shape[0]):
        seen[i] = seen[i - 1] + 1.0
        for r in range(n):
            x = np.tanh(np.sin(x)) + 0.25
    out[0] = x
""",
}

STOPPED = (
    HEAD
    + """
@autopar.parallel(backend="cpu")
{function}

out = np.zeros(4)
work(np.zeros(3), out, 3)  # compiles
print(work.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"])
for _ in range(2):  # the handler that was there is there again
    launched.clear()
    print(tried(work, out, LONG), launched[-1:])  # no interpreter
wanted = np.zeros(4)
work(np.zeros(3), out := np.zeros(4), 1000)
work.__wrapped__(np.zeros(3), wanted, 1000)
print(out.tobytes() == wanted.tobytes(), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
)


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_single_long_iteration_is_interrupted(tmp_path, python, name, threads):
    script = STOPPED.replace("{function}", FUNCTIONS[name].strip())
    (tmp_path / "script.py").write_text(script)
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": threads})
    assert "cpu\n" + 2 * "interrupted [True]\n" + "True True\n" == done.stdout, done.stderr


OWN = (
    HEAD
    + """
@autopar.parallel(backend="cpu")
{function}

out, wanted = np.zeros(4), np.zeros(4)
work(np.zeros(3), out, 3)
received = []
signal.signal(signal.SIGINT, lambda *_: received.append(1))
print(tried(work, out, 3_000_000), received, any(launched))
signal.signal(signal.SIGINT, signal.default_int_handler)
work(np.zeros(3), wanted, 3_000_000)
print(out.tobytes() == wanted.tobytes(), out[2] != 0.0)
"""
)


@pytest.mark.parametrize("name", ["parallel", "in order"])
def test_a_handler_of_ones_own_that_goes_on_finds_everything_done(tmp_path, python, name):
    (tmp_path / "script.py").write_text(OWN.replace("{function}", FUNCTIONS[name].strip()))
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": "2"})
    assert "done [1] False\nTrue True\n" == done.stdout, done.stderr


THREAD = (
    HEAD
    + """
@autopar.parallel(backend="cpu")
{function}

out, wanted = np.zeros(4), np.zeros(4)
seen = np.zeros(3)
work(np.zeros(3), out, 3)
worker = threading.Thread(target=work, args=(seen, out, 3_000_000))
watcher = threading.Thread(target=when_begun, args=(seen,))
said = []
worker.start()
try:
    watcher.start()
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    said.append("interrupted")
# Another one while the main thread runs a kernel of its own: only that is stopped.
said.append(tried(work, np.zeros(4), LONG))
worker.join()
work(np.zeros(3), wanted, 3_000_000)
print(said, any(launched), out.tobytes() == wanted.tobytes(), out[2] != 0.0)
"""
)


def test_what_other_threads_run_goes_on(tmp_path, python):
    (tmp_path / "script.py").write_text(THREAD.replace("{function}", FUNCTIONS["nested"].strip()))
    done = python("script.py", environment={"AUTOPAR_NUM_THREADS": "2"})
    assert "['interrupted', 'interrupted'] True True True\n" == done.stdout, done.stderr


CAUGHT = (
    HEAD
    + """
@autopar.parallel(backend="cpu")
def work(seen, u, v, steps, n):
    try:
        for t in range(steps):
            for i in range(u.shape[0]):
                seen[i] = 1.0
                x = u[i]
                for r in range(n):
                    x = np.sqrt(x * x + 1.0)
                v[i] = x
            u, v = v, u
    except KeyboardInterrupt:
        names = sorted(locals())
        return u, v, [name for name in "tirx" if name in names]

first, second = np.zeros(3), np.ones(3)
work(np.zeros(3), first, second, 2, 3)  # compiles
first[...] = second[...] = 0
returned = []
print(tried(lambda seen: returned.extend(work(seen, first, second, 10**9, 10**9)) or 7))
u, v, bound = returned
print(u is first, v is second, bound, set(v.tolist()) <= {0.0, 1.0}, u.tolist())
"""
)


def test_a_program_that_catches_it_finds_names_as_they_were_before_the_loop(tmp_path, python):
    """As docs/what-may-differ.md has it."""
    (tmp_path / "script.py").write_text(CAUGHT)
    done = python("script.py")
    assert "done\nTrue True [] True [0.0, 0.0, 0.0]\n" == done.stdout, done.stderr
