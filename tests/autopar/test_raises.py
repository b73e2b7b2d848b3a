"""`raise` and `assert` in loops: kernels run them, and the interpreter raises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autopar import machine
from tests.adversary import ORDERS
from tests.autopar.asserting import asserted
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def roots(a, b):
    for i in range(len(a)):
        if a[i] < 0:
            raise ValueError(f"negative {a[i]} at {i}")
        b[i] = math.sqrt(a[i])


def halved(x):
    if x < 0:
        raise ValueError("no")
    return x / 2


def by_helper(a, b):
    for i in range(len(a)):
        b[i] = halved(a[i])


def in_place(a, b):
    s = 0.0
    for i in range(1, len(a)):
        a[i] = a[i - 1] + b[i]
        if a[i] < 0:
            raise OverflowError(i) from None
        s += a[i]
    return s


def pairs(a, b):
    n = 0
    for i in range(len(a)):
        for j in range(i):
            if a[i] < 0 and b[j] >= 0:
                raise KeyError((i, j))
            n += 1
    return n


def until_small(a, b):
    it = 0
    while True:
        err = 0.0
        for i in range(1, len(a) - 1):
            b[i] = 0.45 * (a[i - 1] + a[i + 1])
            err = max(err, abs(b[i] - a[i]))
        a[:] = b
        it += 1
        if err < 1e-2:
            return it
        if a[0] < 0:
            raise RuntimeError(f"not converged after {it}: {err}")


def caught(a, b):
    i = -1
    try:
        for i in range(len(a)):
            b[i] = a[i]
            if a[i] < 0:
                raise ValueError  # noqa: TRY301  # in the loop, as is asked
    except ValueError:
        return i, "negative"
    return i


def always(a, b):
    for i in range(len(a)):
        b[i] = a[i]
        raise StopIteration


def told_of_another_loop(a, b):
    for t in range(3):
        print(t)
        for i in range(len(a)):
            b[i] = a[i] + t
            last = 2 * i
        for j in range(len(a)):
            if b[j] < 0:
                raise ValueError(f"{last} {i} {j}")
    return t


def told_after_a_print(a, b):
    for t in range(len(a)):
        s = 0.0
        for x in b:
            s += x * t
        if a[t] < 0:
            raise ValueError(s, t)
        print(t, s)


def after_draws(a, b):
    rng = np.random.default_rng(2)
    for i in range(len(a)):
        b[i] = rng.normal()
        if a[i] < 0:
            raise ValueError(rng.normal())
    return rng.normal()


LOOPS = [roots, asserted, by_helper, in_place, pairs, until_small, caught]


def numbers(size, negative=None):
    def made():
        a = np.linspace(0.5, 1.5, size)
        if negative is not None:
            a[negative] = -1.0
        return a, np.zeros(size)

    return made


@pytest.mark.parametrize("function", LOOPS)
def test_a_loop_that_raises_nothing_runs_in_a_kernel(function):
    rows = loops_of(same(function, numbers(60), ran="cpu").last_run)
    assert rows[-1]["verdict"] in {"parallel", "reduction", "sequential"}


@pytest.mark.parametrize(
    "function", [*LOOPS, always, told_of_another_loop, told_after_a_print, after_draws]
)
@pytest.mark.parametrize("negative", [0, 1, 33])
def test_the_interpreter_raises(function, negative):
    same(function, numbers(60, negative))


@pytest.mark.parametrize("function", [roots, by_helper, in_place])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(function, order, monkeypatch):
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(order))
    same(function, numbers(40, 17))


@pytest.mark.parametrize("function", [roots, pairs, caught])
def test_on_each_backend(function, backend):
    same(function, numbers(6), backend, ran="cpu")
    same(function, numbers(6, 3), backend)


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
