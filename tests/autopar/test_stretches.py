"""Loops that print, plot or log in some of their turns: all is seen as the interpreter shows it."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, notes, observe, places, same


def heat(u, new, k, steps, every):
    for t in range(steps):
        for i in range(1, len(u) - 1):
            new[i] = u[i] + k * (u[i - 1] - 2 * u[i] + u[i + 1])
        u, new = new, u
        if t % every == 0:
            print(t, u[1], end=" ")
    return t, u


def printed_first(u, new, steps):
    for t in range(3, steps, 2):
        if t % 4 == 1:
            print("turn", t, float(u.sum()))
        for i in range(1, len(u) - 1):
            new[i] = 0.5 * (u[i - 1] + u[i + 1])
        for i in range(1, len(u) - 1):
            u[i] = new[i]
    else_less = t
    return else_less


def counted_down(u, log):
    for t in range(20, -1, -3):
        for i in range(len(u)):
            u[i] = u[i] + t
        if t == 11 or t == 2:
            log[t] = u.copy()
        u[0] = -1.0
    return log


def converged(u, new, tol, itmax):
    err, it = 1.0, 0
    while err > tol and it < itmax:
        err = 0.0
        for i in range(1, len(u) - 1):
            new[i] = 0.5 * (u[i - 1] + u[i + 1])
            err = max(err, abs(new[i] - u[i]))
        for i in range(1, len(u) - 1):
            u[i] = new[i]
        it += 1
        if it % 7 == 0:
            print(it, err)
    return it, err


def with_jumps(u, new, tol):
    history = []
    for it in range(200):
        worst = 0.0
        for i in range(1, len(u) - 1):
            new[i] = 0.5 * (u[i - 1] + u[i + 1])
            worst = max(worst, abs(new[i] - u[i]))
        if worst > 1e6:
            return None
        for i in range(1, len(u) - 1):
            u[i] = new[i]
        if it % 5:
            continue
        history.append(f"{it}: {worst:.3e}")
        if worst < tol:
            print("converged after", it)
            break
        u[0] = u[0] + 1e-3
    return it, history


def chosen(u, steps):
    mode = "quiet"
    for t in range(steps):
        for i in range(len(u)):
            u[i] = u[i] * 0.5 + t
        if t % 6 == 5:
            mode = f"turn {t}"
            if u[2] > 3:
                print(mode)
            u[1] = 0.0
        elif t % 6 == 2:
            print("two", end=" ")
            u[3] = 7.0
        else:
            u[4] = 1.0
    return mode


def counted_alone(a):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
        if i % 500 == 499 and s > 3.0:
            print(i, s)
    return s, i


def rebound(u, steps):
    for t in range(steps):
        for i in range(len(u)):
            u[i] = u[i] + 1
        if t == 4:
            u = np.ones(len(u) + 3)
        if t == 6:
            u = list(u)
        if t == 8:
            u = np.array(u, dtype=np.int32)
    return u


def unbound_before(u, steps):
    first: float
    for t in range(steps):
        if t > 2:
            u[0] = first  # noqa: F821  # bound in turn 2
        for i in range(len(u)):
            u[i] = u[i] + 1
        if t == 2:
            first = float(np.sum(u))
    return first


def raising(u, table, steps):
    for t in range(steps):
        for i in range(len(u)):
            u[i] = u[i] + t
        if t % 3 == 2:
            table[t] = 1 / (8 - t)
    return u


def stop(*words):
    raise KeyboardInterrupt(*words)


def interrupted(u, steps):
    for t in range(steps):
        try:
            for i in range(len(u)):
                u[i] = u[i] + t
            if t % 9 == 8:
                stop()
        except KeyboardInterrupt:
            u[0] = -t
    try:
        for t in range(steps):
            for i in range(len(u)):
                u[i] = u[i] + t
            if t == steps - 2:
                stop(t)
    except KeyboardInterrupt as error:
        return t, str(error)


def nested(u, rounds, steps):
    for r in range(rounds):
        for t in range(steps):
            for i in range(len(u)):
                u[i] = u[i] * 0.5 + r
            if t == 3:
                print(r, t)
        if r % 2:
            print("round", r, u[0])
    return r, t


def deeper(u, depth):
    for t in range(7):
        for i in range(len(u)):
            u[i] = u[i] + 1
        if t % 3 == 1 and depth:
            print(depth, t, deeper(u, depth - 1))
    return u[0]


def closed_over(u, steps):
    seen = []

    def show():
        seen.append((t, u[0]))

    for t in range(steps):
        for i in range(len(u)):
            u[i] = u[i] + 1
        if t % 4 == 1:
            show()
    return seen


def deleted(u, steps):
    for t in range(steps):
        top = 0.0
        for i in range(len(u)):
            u[i] = u[i] + 1
            top = max(top, u[i])
        if t % 4 == 3:
            del top
    return top


class Grid:
    def __init__(self, n):
        self.u = np.random.default_rng(3).random(n)
        self.new = np.zeros(n)
        self.t, self.dt, self.hist = 0.0, 0.125, []

    def evolve(self, steps):
        for step in range(steps):
            for i in range(1, len(self.u) - 1):
                self.new[i] = self.u[i] + self.dt * (self.u[i - 1] - self.u[i])
            for i in range(1, len(self.u) - 1):
                self.u[i] = self.new[i]
            self.t += self.dt
            if step % 5 == 0:
                self.hist.append((self.t, self.u.copy()))
                print(self)
        return self.t, self.hist

    def __repr__(self):
        return f"<{self.t}: {self.u[1]}>"


def evolved(grid, steps):
    found = Grid.evolve(grid, steps)
    return found, grid.u


def floats(n):
    return np.random.default_rng(3).random(n)


FORMS = [
    (heat, lambda: (floats(40), np.zeros(40), 0.1, 50, 7)),
    (heat, lambda: (floats(40), np.zeros(40), 0.1, 5, 1)),
    (heat, lambda: (floats(40), np.zeros(40), 0.1, 50, 99)),
    (heat, lambda: (floats(2), np.zeros(2), 0.1, 9, 4)),
    (printed_first, lambda: (floats(40), np.zeros(40), 30)),
    (counted_down, lambda: (floats(40), {})),
    (converged, lambda: (floats(20), np.zeros(20), 1e-3, 99)),
    (converged, lambda: (floats(20), np.zeros(20), 1e-9, 30)),
    (with_jumps, lambda: (floats(20), np.zeros(20), 1e-2)),
    (with_jumps, lambda: (floats(20) * 1e7, np.zeros(20), 1e-2)),
    (chosen, lambda: (floats(20), 30)),
    (counted_alone, lambda: (floats(1600),)),
    (nested, lambda: (floats(20), 5, 6)),
    (deeper, lambda: (floats(20), 2)),
]
FAILING: list[tuple[Any, Any]] = [
    (closed_over, lambda: (floats(20), 11)),
    (converged, lambda: (floats(20), np.zeros(20), 1e-3, 0)),
    (heat, lambda: (floats(40), np.zeros(40), 0.1, 50, 0)),
    (heat, lambda: (floats(40), np.zeros(30), 0.1, 50, 7)),
    (heat, lambda: (floats(40), np.zeros(40), 0.1, 0, 7)),
    (rebound, lambda: (floats(20), 12)),
    (unbound_before, lambda: (floats(20), 7)),
    (raising, lambda: (floats(20), {}, 20)),
    (interrupted, lambda: (floats(20), 20)),
    (deleted, lambda: (floats(20), 7)),
    (deleted, lambda: (floats(20), 8)),
    (counted_alone, lambda: ([0.5] * 1033,)),
]


@pytest.mark.parametrize(("function", "arguments"), FORMS)
def test_turns_between_run_in_kernels(function, arguments):
    decorated = same(function, arguments)
    rows = [row for row in loops_of(decorated.last_run) if "AP223" == row["code"]]
    assert rows
    assert "cpu" in places(decorated)


@pytest.mark.parametrize(("function", "arguments"), FAILING)
def test_what_fails_or_changes_between(function, arguments):
    same(function, arguments)


def test_attributes_are_read_anew_after_each_statement():
    decorated = same(evolved, lambda: (Grid(30), 23))
    assert decorated.last_run is not None
    evolve = autopar.parallel(backend="cpu")(Grid.evolve)
    expected, found = observe(Grid.evolve, (Grid(30), 23)), observe(evolve, (Grid(30), 23))
    assert expected.result == found.result
    assert expected.printed == found.printed
    (driver, *_) = loops_of(evolve.last_run)
    assert "AP223" == driver["code"]
    assert 6 == driver["ran"]["calls"]  # one to each statement, one to the end


@pytest.mark.parametrize(("function", "arguments"), FORMS[::3])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, arguments, order, monkeypatch):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    same(function, arguments)


SMALL = [
    (heat, lambda: (floats(5), np.zeros(5), 0.1, 7, 3)),
    (converged, lambda: (floats(5), np.zeros(5), 1e-3, 9)),
    (chosen, lambda: (floats(5), 7)),
]


@pytest.mark.parametrize(("function", "arguments"), SMALL)
def test_on_each_backend(function, arguments, backend):
    same(function, arguments, backend)


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


def watched(u, seen, steps):
    for t in range(steps):
        for i in range(len(u)):
            u[i] = u[i] + 1
        if t % 3 == 2:
            seen(t, u)
    return t


def test_a_statement_may_change_what_names_mean(monkeypatch):
    """`range` and `len` mean something else from turn 5 on: the interpreter's loops see it."""
    calls: list[Any] = []

    def own_len(value):
        calls.append("len")
        return 2

    def seen(t, u):
        calls.append((t, u[0], u[3]))
        if t == 5:
            monkeypatch.setitem(globals(), "len", own_len)

    decorated = autopar.parallel(backend="cpu")(watched)
    found = []
    for function in (watched, decorated):
        u = np.zeros(5)
        function(u, seen, 12)
        found.append((u.tolist(), calls[:]))
        calls.clear()
        monkeypatch.delitem(globals(), "len")
    assert found[0] == found[1]


def test_threads_and_calls_within_have_turns_of_their_own():
    decorated = autopar.parallel(backend="cpu")(watched)

    def run(name, results):
        u, log = np.zeros(6), []

        def seen(t, u):
            if t == 5 and name < 3:
                run(name + 10, results)
            log.append((t, u[0]))

        results[name] = decorated(u, seen, 30), u.tolist(), log

    results: dict[int, object] = {}
    threads = [threading.Thread(target=run, args=(n, results)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {0, 1, 2, 3, 10, 11, 12} == results.keys()
    log = [(t, t + 1.0) for t in range(2, 30, 3)]
    assert all((29, [30.0] * 6, log) == each for each in results.values())


def test_a_tracer_sees_every_turn():
    lines = []

    def trace(frame, event, _):
        if frame.f_code.co_name == "watched" and event == "line":
            lines.append(frame.f_lineno - watched.__code__.co_firstlineno)
        return trace

    decorated = autopar.parallel(backend="cpu")(watched)
    found = []
    for function in (watched, decorated):
        sys.settrace(trace)
        try:
            function(np.zeros(3), print, 4)
        finally:
            sys.settrace(None)
        found.append(lines[:])
        lines.clear()
    assert found[0] == found[1]


def summed(a, steps):
    for t in range(steps):
        s = 0.0
        for i in range(len(a)):
            s += a[i] * 0.1
        if t % 2:
            print(t, s)
    return s


def test_long_sums_have_one_order_whoever_runs_the_turns():
    """The order of a sum depends on its length alone: the loop inside has one of its own."""
    short, long = (autopar.parallel(backend="cpu")(summed) for _ in range(2))
    assert summed(floats(1000), 4) == short(floats(1000), 4)
    assert "cpu" == loops_of(short.last_run)[0]["ran"]["backend"]
    by_itself = autopar.parallel(backend="cpu")(summed)(floats(40_000), 1)
    assert by_itself == long(floats(40_000), 4)
    assert "interpreter" == loops_of(long.last_run)[0]["ran"]["backend"]
    assert any("sums so long" in each for each in notes(long))


def decided_by_data(a, b, c, p):
    for k in range(p.shape[0]):
        if p[k] > 0:
            for i in range(a.shape[1]):
                c[k, i] = a[k, i] * b[k, i] - a[k, 0] / b[k, 0]


@pytest.mark.parametrize("size", [0, 1, 70])
@pytest.mark.parametrize("wanted", [False, True])
def test_loops_under_a_decision_warn_of_what_they_reach(size, wanted):
    """The processor's flags are watched there: nothing is computed that the data leave out."""

    def arguments():
        a = np.full((6, max(size, 1)), 2.0)[:, :size]
        b = np.full((6, max(size, 1)), 3.0)[:, :size]
        a[3] = b[3] = 1e300
        b[2] = 0.0
        a[1, 1:] = np.inf
        b[1, 1:] = 0.0
        p = np.array([1.0, wanted, wanted, wanted, 1.0, 1.0])
        return a, b, np.zeros((6, max(size, 1)))[:, :size], p

    same(decided_by_data, arguments)


SCRIPT = """
import numpy as np
u = np.zeros(30)
new = np.zeros(30)
u[15] = 1.0
for step in range(25):
    for i in range(1, 29):
        new[i] = 0.5 * (u[i - 1] + u[i + 1])
    for i in range(1, 29):
        u[i] = new[i]
    if step % 10 == 0:
        print(step, u[15])
print(step, i, u.sum())
"""


def test_at_module_level(python, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    plain = python(str(script))
    taken = python("-m", "autopar", "run", "--backend", "cpu", str(script))
    assert plain.stdout == taken.stdout[: len(plain.stdout)]
    assert taken.returncode == 0
