"""Calls in the spellings that people use: displays, parts of rows, keywords, digits, norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import places, same

# mypy: disable-error-code="no-untyped-def"

Arguments = Callable[[], tuple[Any, ...]]


def axes(a, x):
    for i in range(len(a)):
        x[i] = np.sum(a[i], axis=0) + a[i].mean(axis=-1) * np.max(a[i], axis=None)


def other_axis(a, x):
    for i in range(len(a)):
        x[i] = np.sum(a[i], axis=1)


def product(a, b, c):
    for i in range(len(a)):
        for j in range(len(b[0])):
            for k in range(len(a[i])):
                c[i][j] += a[i][k] * b[k][j]


def lengths(a, x):
    for i in range(len(x)):
        for k in range(1, len(a[i])):
            x[i] += 1.5 * k + len(x)


def length_of_the_last(a, x):
    for i in range(len(x)):
        x[i] = sum(a[0][k] for k in range(len(a[-1])))


def displays(a, x):
    for i in range(len(a)):
        x[i] = min([a[i], 0.3]) + max((a[i], a[0], 0.1)) - sum([a[i], 0.5, i]) * sum((1, a[i]))


def divisions(a, x, n):
    for i in range(len(a)):
        x[i] = divmod(i, n)[1] + divmod(a[i], 0.3)[0]


def digits(a, x):
    for i in range(len(a)):
        x[i] = round(a[i], 2) - round(a[i] * 10, 1)


def norms(a, b, x):
    for i in range(len(a)):
        x[i, 0] = np.linalg.norm(a[i])
        x[i, 1] = np.linalg.norm(b[:, i % 3])
        x[i, 2] = np.linalg.norm(a[i] - b[0, : a.shape[1]]) / 2


def distances(points, out):
    for i in range(len(points)):
        for j in range(i):
            out[i, j] = out[j, i] = np.linalg.norm(points[i] - points[j])


def numbers(*shape: int, dtype: str = "f8") -> np.ndarray[Any, Any]:
    found = np.random.default_rng(2).normal(size=shape) * 5
    return found.astype(dtype)


FLOATS: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "axes": (axes, lambda: (numbers(9, 40), np.zeros(9))),
    "norms": (norms, lambda: (numbers(9, 40), numbers(30, 50), np.zeros((9, 3)))),
    "norms of parts": (
        norms, lambda: (numbers(9, 80)[:, ::2], numbers(60, 50)[::2], np.zeros((9, 3))),
    ),
    "norms of float32": (
        norms, lambda: (numbers(9, 40, dtype="f4"), numbers(30, 50, dtype="f4"), np.zeros((9, 3))),
    ),
    "norms of ints": (
        norms, lambda: (numbers(9, 40, dtype="i4"), numbers(30, 50, dtype="u1"), np.zeros((9, 3))),
    ),
    "norms of one": (norms, lambda: (numbers(3, 1), -numbers(3, 3), np.zeros((3, 3)))),
    "distances": (distances, lambda: (numbers(9, 3), np.zeros((9, 9)))),
}  # fmt: skip
EXACT: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "product": (product, lambda: (numbers(4, 5), numbers(5, 6), np.zeros((4, 6)))),
    "product of lists": (
        product, lambda: (numbers(4, 5).tolist(), numbers(5, 6).tolist(), np.zeros((4, 6)).tolist())
    ),
    "lengths": (lengths, lambda: (numbers(9, 5), np.zeros(9))),
    "length of the last": (length_of_the_last, lambda: (numbers(9, 5), np.zeros(9))),
    "displays": (displays, lambda: (numbers(9), np.zeros(9))),
    "divisions": (divisions, lambda: (numbers(9), np.zeros(9), 4)),
    "digits": (digits, lambda: (numbers(90), np.zeros(90))),
    "digits of float32": (digits, lambda: (numbers(90, dtype="f4"), np.zeros(90))),
}  # fmt: skip
LEFT: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "another axis": (other_axis, lambda: (numbers(9, 4, 4), np.zeros((9, 4)))),
    "no such axis": (other_axis, lambda: (numbers(9, 4), np.zeros(9))),
    "no such row": (lengths, lambda: (numbers(8, 0), np.zeros(9))),
    "no row at all": (length_of_the_last, lambda: ([], np.zeros(9))),
    "ragged": (lengths, lambda: ([[1.0], [1.0, 2.0]], np.zeros(2))),
    "no matrix": (lengths, lambda: (numbers(9), np.zeros(9))),
    "division by zero": (divisions, lambda: (numbers(9), np.zeros(9), 0)),
    "digits of Python's": (digits, lambda: (numbers(9).tolist(), np.zeros(9))),
    "digits of ints": (digits, lambda: (numbers(9, dtype="i8"), np.zeros(9))),
    "complex norms": (norms, lambda: (numbers(9, 4) * 1j, numbers(9, 9) * 1j, np.zeros((9, 3)))),
    "norms of matrices": (distances, lambda: (numbers(9, 3, 2), np.zeros((9, 9)))),
    "lists have no norms": (distances, lambda: (numbers(9, 3).tolist(), np.zeros((9, 9)))),
}


@pytest.mark.parametrize("name", FLOATS)
def test_runs_as_the_interpreter_does(name):
    same(*FLOATS[name], ran="cpu")


@pytest.mark.parametrize("name", EXACT)
def test_runs_anywhere(name, backend):
    if backend == "cuda" and name.startswith("digits"):
        pytest.skip("functions of NumPy are others there")
    same(*EXACT[name], backend, ran="cpu")


def test_spelt_calls_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)


@pytest.mark.parametrize("name", LEFT)
def test_the_interpreter_does_what_no_kernel_can(name):
    decorated = same(*LEFT[name])
    assert "cpu" not in places(decorated), decorated.last_run


def test_another_norm_is_noticed(monkeypatch):
    decorated = autopar.parallel(distances, backend="cpu")
    decorated(*FLOATS["distances"][1]())
    assert places(decorated)[:1] == ["cpu"]
    monkeypatch.setattr(np.linalg, "norm", lambda v: v[0])
    points, out = FLOATS["distances"][1]()
    decorated(points, out)
    assert out[1, 0] == points[1, 0] - points[0, 0]
