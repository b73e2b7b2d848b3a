"""Arrays that change places in loops that may be left early: one region, names rebound after it."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from autopar import machine
from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher
from tests.sameness import loops_of, same


def until_small(u, v, tol, most):
    err, it = 1.0, 0
    while err > tol and it < most:
        err = 0.0
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
            err = max(err, abs(v[i] - u[i]))
        u, v = v, u
        it += 1
    return u, v, it, err


def left_before(u, v, tol, most):
    for it in range(2, most, 3):
        err = 0.0
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
            err = max(err, abs(v[i] - u[i]))
        if err < tol:
            break
        u, v = v, u
    return u, v, it, err


def returned(u, v, tol, most):
    it = 0
    while True:
        err = 0.0
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
            err = max(err, abs(v[i] - u[i]))
        if it == most:
            return v
        u, v = v, u
        it += 1
        if err < tol:
            return u


def leapfrog(p, u, v, tol, most):
    it = 0
    while it < most:
        s = 0.0
        for i in range(1, len(u) - 1):
            v[i] = 2 * u[i] - p[i] + 0.1 * (u[i - 1] - 2 * u[i] + u[i + 1])
            s = max(s, abs(v[i]))
        if s > tol:
            break
        p, u, v = u, v, p
        it += 1
    return p, u, v, it


def twice(u, v, tol, most):
    it = 0
    while True:
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
        u, v = v, u
        it += 1
        if it > most:
            break
        for i in range(1, len(u) - 1):
            v[i] = 0.4 * (u[i - 1] + u[i + 1])
        u, v = v, u
        if u[1] < tol:
            break
    return u, v, it


def two_pairs(u, v, a, b, most):
    it = 0
    while it < most:
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1]) + a[i]
        u, v = v, u
        for i in range(len(a)):
            b[i] = a[i] * 0.5 + u[i]
        top = b[2]
        if top > 100.0:
            break
        a, b = b, a
        it += 1
    return u, v, a, b


def unseen(u, v, tol, most):
    it = 0
    while it < most:
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
        if v[1] < tol:
            break
        u, v = v, u
        it += 1
    return it


def by_an_element(u, v, tol, most):
    it = 0
    while u[1] > tol and it < most:
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
        u, v = v, u
        it += 1
    return u, v, it


def sometimes(u, v, tol, most):
    it = 0
    while it < most:
        for i in range(1, len(u) - 1):
            v[i] = 0.45 * (u[i - 1] + u[i + 1])
        if v[1] > tol:
            u, v = v, u
        it += 1
    return u, v, it


def arrays(count, *rest, size=40):
    random = np.random.default_rng(5)
    return lambda: (*(random.random(size) for _ in range(count)), *rest)


def same_arrays(tol, most):
    def made():
        u = np.linspace(0.0, 1.0, 40)
        return u, u, tol, most

    return made


def parts_of_one(tol, most):
    def made():
        a = np.linspace(0.0, 1.0, 50)
        return a[:40], a[10:], tol, most

    return made


REGIONS = [
    *((function, (2, 0.05, most)) for most in (3, 60) for function in (until_small, returned)),
    *((left_before, (2, 0.05, most)) for most in (3, 6, 99)),
    *((leapfrog, (3, tol, 7)) for tol in (9.0, 1.6)),
    *((twice, (2, 1e-3, most)) for most in (0, 3, 99)),
    *((two_pairs, (4, most)) for most in (0, 1, 2, 3)),
]


@pytest.mark.parametrize(("function", "given"), REGIONS)
def test_names_stand_for_what_they_do_in_the_interpreter(function, given):
    made = lambda: arrays(*given)()  # noqa: E731  # drawn anew in each call
    rows = loops_of(same(function, made, ran="cpu").last_run)
    assert "sequential" == rows[0]["verdict"]
    assert 1 == rows[0]["ran"]["calls"]


OTHERS = [
    (unseen, arrays(2, 1e-3, 9)),
    (by_an_element, arrays(2, 1e-3, 9)),
    (sometimes, arrays(2, 0.2, 9)),
    (left_before, arrays(2, 1e-3, 2)),  # `it` has no value
    (until_small, same_arrays(1e-3, 9)),
    (until_small, parts_of_one(1e-3, 9)),
    (until_small, lambda: (np.ones(9), np.ones(8), 1e-3, 9)),
]


@pytest.mark.parametrize(("function", "arguments"), OTHERS)
def test_whatever_they_are(function, arguments):
    first = arguments()
    same(function, lambda: copied(first))


def copied(arguments):
    """Return copies that share memory as the arguments do."""
    bases: dict[int, np.ndarray] = {}
    found: list[object] = []
    for each in arguments:
        if not isinstance(each, np.ndarray):
            found.append(each)
            continue
        base = each if each.base is None else each.base
        copy = bases.setdefault(id(base), base.copy())
        offset = each.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        begin = offset // each.itemsize
        found.append(copy if each is base else copy[begin : begin + len(each)])
    return tuple(found)


def test_why_an_exchange_stays_where_it_is():
    for function in (by_an_element, sometimes):
        first = loops_of(autopar.parallel(function).explain())[0]
        assert ("unsupported", "AP305") == (first["verdict"], first["code"])


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_in_hostile_orders(order, monkeypatch):
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: AdversarialLauncher(order))
    drawn = arrays(2, 0.05, 5)()
    same(until_small, lambda: copied(drawn), ran="cpu")


SMALL = [(until_small, (2, 0.01, 3)), (left_before, (2, 0.1, 9)), (leapfrog, (3, 1.2, 4))]


@pytest.mark.parametrize(("function", "given"), SMALL)
def test_on_each_backend(function, given, backend):
    drawn = arrays(*given, size=5)()
    same(function, lambda: copied(drawn), backend, ran="cpu")


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
