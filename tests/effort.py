"""How much the drawn tests draw: a ninth of it in `make test`, all of it in `make long`.

`HYPOTHESIS_PROFILE=nightly` is what `make long` sets.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
_SHARE = 9


def share(count: int) -> int:
    """Return how many of `count` are drawn."""
    return count if IS_LONG else max(1, count // _SHARE)


def some(cases: Sequence[T], start: int = 0) -> list[T]:
    """Return every ninth of `cases` from `start` on, those of the long run all."""
    return list(cases) if IS_LONG else list(cases[start % _SHARE :: _SHARE])
