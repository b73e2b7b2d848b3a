"""What autopar says of the patterns that people really write, and that each gives CPython's result.

A row holds the pattern's number in the census (0: its smaller neighbours), the function, what is
said of its loops from the code alone, in the order of the source, and which of them a kernel ran.
Raise a row when autopar learns its form; lower none without a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import autopar
from tests.autopar import patterns as p
from tests.sameness import loops_of, same

TAKEN = frozenset({"parallel", "reduction", "conditional"})


class Row(NamedTuple):
    """One pattern: what is expected of it, and what it is called with."""

    number: int
    function: Callable[..., Any]
    said: str  # for each loop its verdict, or the code of what stops it
    ran: str  # for each loop k (in a kernel) or . (not, or within one that was)
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]


def _ring(_: np.random.Generator) -> tuple[Any, ...]:
    return p.ring(40), np.zeros(40), 0.2, 0.1, 1.0


N = 24
ROWS = (
    Row(1, p.damped, "parallel", "k", lambda r: (np.zeros(N), r.random(N), 2.0)),
    Row(1, p.damped, "parallel", "k", lambda r: ([0.0] * N, list(r.random(N)), 2.0)),
    Row(
        2,
        p.bright,
        "parallel parallel",
        "kk",
        lambda r: (r.random((N, 9)), np.zeros((N, 9)), 0.5, 0.1, 3.0),
    ),
    Row(
        2,
        p.escape,
        "parallel parallel AP209",
        "kkk",
        lambda r: (r.random(N) * 3 - 2, r.random(9), np.zeros((9, N), int), 40),
    ),
    Row(3, p.marched, "AP209 parallel parallel", "kkk", _ring),
    Row(
        3,
        p.swapped,
        "AP401 parallel parallel",
        "kkk",
        lambda r: (r.random((N, 9)), np.zeros((N, 9)), 7),
    ),
    Row(4, p.sliced, "AP401 parallel", "kk", lambda r: (r.random(N), 0.2, 5)),
    Row(
        5, p.paths, "AP401 parallel", "kk", lambda r: (np.zeros((N, 9)), r.random((N, 8)), 0.9, 0.1)
    ),
    Row(
        5,
        p.paths_by_row,
        "AP401 parallel",
        "kk",
        lambda r: (np.zeros((N, 9)), r.random((N, 8)), 0.9, 0.1),
    ),
    Row(6, p.weighed, "reduction", "k", lambda r: (r.random(N), r.random(N))),
    Row(6, p.weighed, "reduction", "k", lambda r: (list(r.random(N)), list(range(N)))),
    Row(6, p.spent, "AP204", ".", lambda _: ({"bread": 2.5, "tea": 4, "salt": 0.75},)),
    Row(
        7,
        p.applied,
        "parallel reduction",
        "kk",
        lambda r: (r.random((N, 9)), r.random(9), np.zeros(N)),
    ),
    Row(
        7,
        p.applied,
        "parallel reduction",
        "kk",
        lambda r: (r.random((N, 9)).tolist(), r.random(9).tolist(), [0.0] * N),
    ),
    Row(
        7,
        p.multiplied,
        "parallel parallel reduction",
        "kkk",
        lambda r: (r.random((N, 9)), r.random((9, 8)), np.zeros((N, 8))),
    ),
    Row(
        8, p.transformed, "AP211", ".", lambda r: (r.random(N), np.zeros(N, complex), np.arange(N))
    ),
    Row(
        8,
        p.best_others,
        "AP203",
        ".",
        lambda r: (r.random((N, 9)), r.integers(0, N, 8), r.integers(0, 9, 8), np.zeros(8)),
    ),
    Row(
        9,
        p.swept,
        "parallel parallel",
        "kk",
        lambda r: (r.random(N), r.integers(0, 9, 5), r.random(9), 0.9),
    ),
    Row(10, p.kept, "AP208", ".", lambda _: (list(range(N)),)),
    Row(10, p.squares, "parallel", "k", lambda _: (N,)),
    Row(9, p.evaluated, "AP216", "k", lambda r: (np.cos, r.random(N), np.zeros(N))),
    Row(0, p.paired, "parallel", "k", lambda r: (r.random(N), np.zeros(N))),
    Row(11, p.resampled, "AP218", "k", lambda _: (np.arange(9.0), 5, np.zeros(N), 7)),
    Row(12, p.simulated, "AP217", "k", lambda r: (r.random(9).tolist(), 6)),
    Row(13, p.recurrent, "AP401", "k", lambda r: (np.zeros(N), r.random(N), 0.5)),
    Row(13, p.swept_in_place, "AP401 AP401", "kk", lambda r: (r.random((9, 9)), 9)),
    Row(13, p.fibonacci, "AP404", ".", lambda _: (100,)),
    Row(14, p.converged, "AP211", ".", lambda r: (r.random(N), 0.5, 1e-6, 99)),
    Row(
        14,
        p.converged_by_element,
        "AP202 reduction parallel",
        "kkk",
        lambda r: (r.random(N), np.zeros(N), 0.5, 1e-6, 99),
    ),
    Row(15, p.counted, "reduction", "k", lambda r: (r.integers(0, 99, 200), np.zeros(9, int))),
    Row(15, p.counted_words, "AP203", ".", lambda _: ("one two three two one two".split(),)),
    Row(15, p.best_of, "reduction", "k", lambda r: (r.random(N),)),
    Row(0, p.shown, "AP203", ".", lambda r: (r.random(3).tolist(),)),
    Row(
        0, p.eliminated, "AP401 parallel parallel", "kkk", lambda r: (r.random((9, 9)) + np.eye(9),)
    ),
    Row(
        0,
        p.substituted,
        "AP401 reduction",
        "kk",
        lambda r: (r.random((9, 9)) + np.eye(9), r.random(9), np.zeros(9)),
    ),
    Row(0, p.normalised, "parallel parallel", "kk", lambda r: (r.random((N, 9)),)),
    Row(0, p.banded, "parallel", "k", lambda _: (np.zeros((9, 9)), 9)),
    Row(0, p.coloured, "parallel", "k", lambda _: (np.zeros(N, np.uint8),)),
    Row(
        0,
        p.scratched,
        "parallel parallel parallel",
        "kkk",
        lambda r: (r.random((N, 9)), np.zeros((N, 9)), np.zeros(9)),
    ),
    Row(
        0,
        p.listed,
        "parallel parallel",
        "kk",
        lambda r: (np.zeros((9, 9)).tolist(), r.random((9, 9)).tolist(), 9),
    ),
    Row(0, p.repeated, "AP404", "k", lambda _: (3.0, 50)),
)


def _said(function: Callable[..., Any]) -> str:
    loops = loops_of(autopar.parallel(function, backend="cpu").explain())
    return " ".join(loop["verdict"] if loop["verdict"] in TAKEN else loop["code"] for loop in loops)


def _ran(decorated: Any) -> str:
    places = [loop.get("ran", {}).get("backend") for loop in loops_of(decorated.last_run)]
    return "".join("k" if place == "cpu" else "." for place in places)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.function.__name__}")
def test_pattern(row: Row):
    assert row.said == _said(row.function)
    decorated = same(row.function, lambda: row.arguments(np.random.default_rng(1)))
    assert row.ran == _ran(decorated)


def test_every_pattern_is_there():
    assert set(range(16)) == {row.number for row in ROWS}
    written = {value for name, value in vars(p).items() if _is_pattern(name, value)}
    assert written == {row.function for row in ROWS}


def _is_pattern(name: str, value: object) -> bool:
    is_own = getattr(value, "__module__", None) == p.__name__ and not isinstance(value, type)
    return is_own and not name.startswith("_") and name != "ring"
