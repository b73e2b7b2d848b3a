"""What autopar says of the patterns that people really write, and that each gives CPython's result.

A row holds the pattern's number in the census (0: its smaller neighbours), the function, what is
said of its loops from the code alone, in the order of the source, and which of them a kernel ran.
Raise a row when autopar learns its form; lower none without a reason.
"""

from __future__ import annotations

import copy
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
)


def _said(function: Callable[..., Any]) -> str:
    loops = loops_of(autopar.parallel(function, backend="cpu").explain())
    return " ".join(
        loop["verdict"] if loop["verdict"] in TAKEN else loop["code"] for loop in loops
    )


def _ran(decorated: Any) -> str:
    places = [loop.get("ran", {}).get("backend") for loop in loops_of(decorated.last_run)]
    return "".join("k" if place == "cpu" else "." for place in places)
