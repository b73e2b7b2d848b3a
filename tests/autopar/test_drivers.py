"""Outermost loops that may be left early: convergence loops around sweeps, searches, `else`."""

from __future__ import annotations

import numpy as np
import pytest

from autopar import machine
from tests.adversary import ORDERS
from tests.interrupts import SECOND, seconds_to_end
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def converged(v, new, beta, tol, itmax):
    err, it = tol + 1.0, 0
    while err > tol and it < itmax:
        err = 0.0
        for i in range(len(v)):
            new[i] = 1.0 + beta * v[i]
            err = max(err, abs(new[i] - v[i]))
        for i in range(len(v)):
            v[i] = new[i]
        it += 1
    return it, err


def with_break(v, new, beta, tol, itmax):
    for it in range(itmax):
        err = 0.0
        for i in range(len(v)):
            new[i] = 1.0 + beta * v[i]
            err = max(err, abs(new[i] - v[i]))
        for i in range(len(v)):
            v[i] = new[i]
        if err < tol:
            break
    return it, err


def with_else(v, new, beta, tol, itmax):
    for it in range(itmax):
        err = 0.0
        for i in range(len(v)):
            new[i] = 1.0 + beta * v[i]
            err = max(err, abs(new[i] - v[i]))
        for i in range(len(v)):
            v[i] = new[i]
        if err < tol:
            break
    else:
        for i in range(len(v)):
            v[i] = -v[i]
        it = -1
    return it, err


def while_with_else(v, tol, itmax):
    it = 0
    while it < itmax:
        low = v[0]
        for i in range(len(v)):
            low = min(low, v[i])
        if low < tol:
            break
        for i in range(len(v)):
            v[i] = 0.5 * v[i]
        it += 1
    else:
        it = -2
    return it, low


def summed(v, new, tol):
    it = 0
    while True:
        it += 1
        s = 0.0
        for i in range(1, len(v) - 1):
            new[i] = 0.5 * (v[i - 1] + v[i + 1])
            s += (new[i] - v[i]) ** 2
        for i in range(1, len(v) - 1):
            v[i] = new[i]
        if s < tol * tol or it == 40:
            break
    return it, s


def marched(u, new, k, dt, t_end):
    t = 0.0
    while t < t_end:
        for i in range(1, len(u) - 1):
            new[i] = u[i] + k * (u[i + 1] - 2 * u[i] + u[i - 1])
        for i in range(1, len(u) - 1):
            u[i] = new[i]
        t += dt
    return t


def rooted(v, new, tol):
    err = 1.0
    while err > tol:
        s = 0.0
        for i in range(1, len(v) - 1):
            new[i] = 0.5 * (v[i - 1] + v[i + 1])
            s += (new[i] - v[i]) ** 2
        for i in range(1, len(v) - 1):
            v[i] = new[i]
        err = s**0.5
    return err


def in_order(v, tol):
    for it in range(50):
        err = 0.0
        for i in range(1, len(v) - 1):
            old = v[i]
            v[i] = 0.5 * (v[i - 1] + v[i + 1])
            err = max(err, abs(v[i] - old))
        if err < tol:
            break
    return it


def in_two_dimensions(u, v, tol, itmax):
    for it in range(itmax):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
        worst = 0.0
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                worst = max(worst, abs(v[i, j] - u[i, j]))
                u[i, j] = v[i, j]
        if worst < tol:
            break
    return worst


def switched(v, rounds):
    phase = 0
    k = 0
    while k < rounds:
        if phase == 0:
            for i in range(len(v)):
                v[i] = v[i] + 1.0
            phase = 1
        else:
            top = 0.0
            for i in range(len(v)):
                top = max(top, v[i])
            for i in range(len(v)):
                v[i] = v[i] / 2.0 if top > 2.0 else v[i] - 0.25
            phase = 0
        k += 1
    return phase, k


def first(a, x):
    found = -1
    for i in range(len(a)):
        if a[i] == x:
            found = i
            break
    return found, i


def first_of_rows(a, x):
    where = None
    for i, row in enumerate(a):
        s = 0.0
        for y in row:
            s += y
        if s > x:
            where = i
            break
    else:
        i = -2
    return where, i


def position(a, x):
    k = 0
    while k < len(a) and a[k] < x:
        k += 1
    return k


def greatest_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


def halved(x, eps):
    n = 0
    while x > eps:
        x = x / 2
        n += 1
    return n, x


def bisected(a, x):
    low, high = 0, len(a)
    while low < high:
        middle = (low + high) // 2
        if a[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


def filled_until(a, out, x):
    for i in range(len(a)):
        if a[i] > x:
            break
        out[i] = a[i]
    return i


def squeezed(a, out):
    k = 0
    for i in range(len(a)):
        if a[i] > 0.5:
            out[k] = a[i]
            k += 1
            if k == len(out):
                break
    return k


def collected(v, new, tol, itmax):
    steps = []
    for it in range(itmax):
        err = 0.0
        for i in range(len(v)):
            new[i] = 1.0 + 0.5 * v[i]
            err = max(err, abs(new[i] - v[i]))
        if err < tol:
            break
        for i in range(len(v)):
            v[i] = new[i]
        steps.append((it, it * tol))
    return steps, it


def collected_until(a, x):
    found = []
    for i in range(len(a)):
        if a[i] > x:
            break
        found.append(i)
        if a[i] > 0.5:
            found.append(-i)
    return found


def else_without_break(v, rounds):
    k = 0
    while k < rounds and v[0] < 9.0:
        for i in range(len(v)):
            v[i] = v[i] + 1.0
        k += 1
    else:
        k = -5
    return k


def floats(*shape):
    return np.random.default_rng(3).random(shape)


SWEEPS = [
    (converged, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 99)),
    (converged, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 3)),
    (converged, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 0)),
    (converged, lambda: (floats(0), np.zeros(0), 0.5, 1e-6, 5)),
    (with_break, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 99)),
    (with_break, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 4)),
    (with_else, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 99)),
    (with_else, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 4)),
    (while_with_else, lambda: (floats(60) + 0.1, 1e-2, 3)),
    (while_with_else, lambda: (floats(60) + 0.1, 1e-2, 30)),
    (summed, lambda: (floats(60), np.zeros(60), 1e-2)),
    (summed, lambda: (floats(3), np.zeros(3), 1e-2)),
    (summed, lambda: (floats(9000), np.zeros(9000), 1e-9)),
    (marched, lambda: (floats(60), np.zeros(60), 0.1, 0.1, 1.0)),
    (marched, lambda: (floats(60), np.zeros(60), 0.1, 0.1, 0.0)),
    (in_two_dimensions, lambda: (floats(20, 12), np.zeros((20, 12)), 1e-3, 99)),
    (in_two_dimensions, lambda: (floats(20, 12), np.zeros((20, 12)), 1e-3, 5)),
    (switched, lambda: (floats(60), 7)),
    (collected, lambda: (floats(60), np.zeros(60), 1e-3, 99)),
    (collected, lambda: (floats(60), np.zeros(60), 1e-3, 3)),
    (else_without_break, lambda: (floats(60), 7)),
    (else_without_break, lambda: (floats(60), 0)),
]
ORDERED = [
    (in_order, lambda: (floats(30), 1e-3)),
    (first, lambda: (np.arange(50), 13)),
    (first, lambda: (np.arange(50), 99)),
    (collected_until, lambda: (floats(50), 0.95)),
    (collected_until, lambda: (floats(50), 1.0)),
    (first, lambda: (floats(50), np.float64("nan"))),
    (first_of_rows, lambda: (floats(9, 4), 2.2)),
    (first_of_rows, lambda: (floats(9, 4), 9.0)),
    (greatest_divisor, lambda: (2**40, 3**20)),
    (halved, lambda: (1.0, 1e-9)),
    (halved, lambda: (np.float32(1), 1e-9)),
    (filled_until, lambda: (floats(50), np.zeros(50), 0.9)),
]
FAILING = [
    (with_break, lambda: (floats(60), np.zeros(60), 0.5, 1e-6, 0)),  # err has no value
    (first, lambda: (np.arange(0), 13)),
    (converged, lambda: (floats(60), np.zeros(59), 0.5, 1e-6, 99)),
    (rooted, lambda: (floats(60), np.zeros(60), 1e-2)),
    (position, lambda: (floats(50), 2.0)),
    (position, lambda: (np.sort(floats(50)), 0.5)),
    (bisected, lambda: (np.sort(floats(50)), 0.5)),
    (squeezed, lambda: (floats(50), np.zeros(9))),
    (squeezed, lambda: (floats(50), np.zeros(0))),
    (greatest_divisor, lambda: (2**100, 3**60)),
    (halved, lambda: (2**70, 1e-9)),
]


@pytest.mark.parametrize(("function", "arguments"), SWEEPS)
def test_sweeps_run_in_one_region(function, arguments):
    rows = loops_of(same(function, arguments, ran="cpu").last_run)
    assert rows[0]["verdict"] == "sequential"
    assert 1 == rows[0]["ran"]["calls"]
    assert {row["verdict"] for row in rows[1:]} <= {"parallel", "reduction"}


@pytest.mark.parametrize(("function", "arguments"), ORDERED)
def test_loops_without_sweeps_run_in_a_kernel(function, arguments):
    same(function, arguments, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), FAILING)
def test_what_may_fail_is_as_in_the_interpreter(function, arguments):
    same(function, arguments)


@pytest.mark.parametrize(("function", "arguments"), [*SWEEPS[::2], *ORDERED[::3]])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, arguments, order, monkeypatch):
    launcher = AdversarialLauncher(order)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: launcher)
    same(function, arguments, ran="cpu")


SMALL = [
    (converged, lambda: (floats(5), np.zeros(5), 0.5, 1e-1, 9)),
    (with_break, lambda: (floats(5), np.zeros(5), 0.5, 1e-1, 9)),
    (with_else, lambda: (floats(5), np.zeros(5), 0.5, 1e-1, 2)),
    (switched, lambda: (floats(5), 5)),
    (marched, lambda: (floats(5), np.zeros(5), 0.1, 0.1, 0.3)),
]


@pytest.mark.parametrize(("function", "arguments"), SMALL)
def test_on_each_backend(function, arguments, backend):
    same(function, arguments, backend, ran="cpu")


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


ENDLESS = """
import sys
import numpy as np
import autopar

@autopar.parallel(backend="cpu")
def alone(x, v):
    turns = 0
    while x > 0.0:
        x = x * 1.0
        turns += 1

@autopar.parallel(backend="cpu")
def around_sweeps(x, v):
    while x > 0.0:
        for i in range(len(v)):
            v[i] = v[i] + x

function = {"alone": alone, "around_sweeps": around_sweeps}[sys.argv[1]]
v = np.zeros(int(sys.argv[2]))
function(0.0, v)
print("ready", flush=True)
try:
    function(1.0, v)
except KeyboardInterrupt:
    print("interrupted", v.size == 0 or v[0] > 0.0, flush=True)
"""


@pytest.mark.parametrize(
    "words", [("alone", "0"), ("around_sweeps", "9"), ("around_sweeps", "300000")]
)
def test_a_driver_that_never_ends_is_interrupted(words, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(ENDLESS)
    assert seconds_to_end("interrupted True", script, words) < SECOND
