"""Work on a thread of its own, for which the main thread waits and can be interrupted."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from autopar.analysis.model import isl
from autopar.apart import Apart, is_of_use


@pytest.fixture(autouse=True)
def _default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_another_thread_makes_it_with_what_is_set_for_this_one():
    with np.errstate(divide="raise"):
        found = Apart(lambda: (threading.current_thread().name, np.geterr()["divide"])).result()
    assert ("autopar-making", "raise") == found


def test_what_it_raises_is_raised_here_and_each_time():
    begun = Apart(lambda: 1 // 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            begun.result()
    assert not begun.is_lost


def test_what_was_interrupted_goes_on_and_is_made_once():
    main, hold, made = threading.main_thread(), threading.Event(), []

    def make() -> int:
        signal.pthread_kill(main.ident or 0, signal.SIGINT)
        hold.wait(60)
        made.append(1)
        return 7

    begun = Apart(make)
    with pytest.raises(KeyboardInterrupt):
        begun.result()
    assert [] == made
    hold.set()
    assert (7, 7, [1]) == (begun.result(), begun.result(), made)


def test_without_another_thread_it_is_made_here(monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert Apart(threading.current_thread).result() is threading.current_thread()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_begins_anew():
    begun = Apart(int)
    child = os.fork()
    if child == 0:
        os._exit(7 if begun.is_lost and not Apart(int).is_lost else 1)
    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not begun.is_lost


def test_only_a_main_thread_that_hears_signals_and_holds_nothing_waits():
    from numba.core.compiler_lock import global_compiler_lock

    assert is_of_use()
    with global_compiler_lock:
        assert not is_of_use()
    with isl.budget():
        assert not is_of_use()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert not is_of_use()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = []
    other = threading.Thread(target=lambda: found.append(is_of_use()))
    other.start()
    other.join()
    assert [False] == found


# The compiler is in one piece for a second and a half, twice: once the program goes on, once it
# ends meanwhile.
SCRIPT = """
import ctypes, os, signal, sys, threading, time
import numpy as np
import autopar
from autopar import variants

original, inside = variants.make_variant, threading.Event()

def in_one_piece(*arguments, **keywords):
    inside.set()
    ctypes.CDLL(None).usleep(1_500_000)
    return original(*arguments, **keywords)

variants.make_variant = in_one_piece

@autopar.parallel
def work(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * 0.5 + 1.0

def interrupt():
    inside.wait()
    os.kill(os.getpid(), signal.SIGINT)

def tried(a):
    inside.clear()
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    started = time.monotonic()
    try:
        work(a)
    except KeyboardInterrupt:
        return time.monotonic() - started < 1.0, bool((a == 1).all())
    finally:
        watcher.join()

print(tried(np.ones(3_000_000)))
inside.clear()
work(a := np.ones(3_000_000))
ran = work.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"]
print(ran, (a == 1.5).all(), inside.is_set())  # what was begun was gone on with
print(tried(np.ones(3_000_000, np.float32)), flush=True)
sys.exit(3)
"""


def test_ctrl_c_is_honoured_while_the_compiler_is_in_one_piece(tmp_path, python):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = python("script.py")
    wanted = "(True, True)\ncpu True False\n(True, True)\n"
    assert (wanted, "", 3) == (done.stdout, done.stderr, done.returncode)
