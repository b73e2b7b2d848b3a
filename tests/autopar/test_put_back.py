"""Regions that fail after they overwrote what they need: the arrays are as the interpreter leaves them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autopar
from autopar.codegen.copies import NoRoomError
from tests.sameness import loops_of, places, same


def roots(a, n):
    for i in range(1, n):
        a[i] = math.sqrt(a[i - 1] + a[i] - 1.0)


def cholesky(a, n):
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for k in range(i):
            a[i, i] -= a[i, k] * a[i, k]
        a[i, i] = math.sqrt(a[i, i])


def narrow(a, b, n):
    for i in range(1, n):
        a[i] = int(a[i - 1]) + int(b[i])
        b[i] = b[i] + b[i - 1]


def sums_and_roots(a, b, n):
    total = 0.0
    for i in range(n):
        total += a[i]
        a[i] = total
        b[i] = math.sqrt(b[i])
    return total


def between(a, b, n):
    total = 0.0
    for i in range(1, n):
        a[i] = a[i - 1] / float(b[i])
        total += 1.0 / float(a[i])
        b[i - 1] = total
    return total


def definite(bad):
    half = np.random.default_rng(3).uniform(-1.0, 1.0, (12, 12))
    found = half @ half.T + 3.0 * np.eye(12)
    if bad is not None:
        found[bad, bad] = -1.0
    return found, 12


def bytes_in(values):
    return np.array(values, np.int8), np.full(len(values), 3, np.int8), len(values)


CASES = [
    (roots, lambda: (np.array([4.0, 2.0, 9.0, 3.0]), 4)),
    (roots, lambda: (np.array([4.0, 2.0, -9.0, 3.0]), 4)),
    (roots, lambda: (np.array([4.0, 2.0, 9.0, 3.0, 1.0])[::-1], 5)),
    (roots, lambda: (np.array([4.0, 2.0, np.inf, 3.0]), 4)),
    (roots, lambda: (np.array([4.0, 2.0, np.inf, -np.inf, 2.0]), 5)),  # warns
    (sums_and_roots, lambda: (np.ones(9), np.full(9, np.inf), 9)),  # does not
    (sums_and_roots, lambda: (np.full(9, 1e308), np.ones(9), 9)),
    (cholesky, lambda: definite(None)),
    (cholesky, lambda: definite(0)),
    (cholesky, lambda: definite(7)),
    (cholesky, lambda: definite(11)),
    (narrow, lambda: bytes_in([1] * 20)),
    (narrow, lambda: bytes_in([100] * 20)),
    (between, lambda: (np.full(9, 2.0), np.arange(9.0) + 1.0, 9)),
    (between, lambda: (np.full(9, 2.0), np.arange(9.0) - 4.0, 9)),
]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_values_and_exceptions_are_those_of_the_interpreter(function, arguments):
    same(function, arguments)


def test_a_run_that_fails_puts_everything_back_whatever_ran_before():
    decorated = autopar.parallel(cholesky, backend="cpu")
    matrix, n = definite(None)
    for bad in (None, None, None, 5, None, 9):
        fresh, _ = definite(bad)
        expected = fresh.copy()
        matrix[...] = fresh
        if bad is None:
            cholesky(expected, n)
            decorated(matrix, n)
            assert set(places(decorated)) == {"cpu"}
        else:
            with pytest.raises(ValueError, match="math domain error"):
                cholesky(expected, n)
            with pytest.raises(ValueError, match="math domain error"):
                decorated(matrix, n)
            assert "AP510" in loops_of(decorated.last_run)[0]["ran"]["note"]
        assert expected.tobytes() == matrix.tobytes()


def test_nothing_runs_where_there_is_no_room_for_copies(monkeypatch):
    def no_room(*_):
        raise NoRoomError("no room")

    monkeypatch.setattr("autopar.runs.kept", no_room)
    decorated = autopar.parallel(cholesky, backend="cpu")
    matrix, n = definite(None)
    expected = matrix.copy()
    decorated(matrix, n)
    cholesky(expected, n)
    assert expected.tobytes() == matrix.tobytes()
    assert set(places(decorated)) == {"interpreter"}


def scattered(a, idx, n):
    for i in range(1, n):
        a[idx[i]] = math.sqrt(a[i - 1] + 1.0)


def test_where_a_wrong_value_may_lead_anywhere_the_interpreter_runs():
    def arguments():
        return np.full(9, 5.0), np.arange(9)[::-1].copy(), 9

    assert set(places(same(scattered, arguments))) == {"interpreter"}
