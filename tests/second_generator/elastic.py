"""Arrays without bounds: a run with them shows how large arrays have to be.

Elements come from a function of the index until they are stored to; a negative subscript is noted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.arguments import Array
from tests.second_generator.content import Content, Index

LARGEST = 400


class Outside(Exception):
    """A subscript that no array of a reasonable size has."""


class Elastic:
    """Stands for an array of `rank`; of `shape` where the program asks for it."""

    def __init__(
        self, *, rank: int, dtype: str, shape: tuple[int, ...] | None, content: Content
    ) -> None:
        self._rank = rank
        self._dtype = np.dtype(dtype)
        self._fixed = shape
        self._content = content
        self._stored: dict[Index, Any] = {}
        self._highest = [0] * rank
        self.negative: set[int] = set()
        self.count: Callable[[], None] = lambda: None

    @property
    def shape(self) -> tuple[int, ...]:
        assert self._fixed is not None
        return self._fixed

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        place = self._place(index)
        if place not in self._stored:
            self._stored[place] = self._dtype.type(self._content(place))
        return self._stored[place]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._stored[self._place(index)] = self._dtype.type(value)

    def _place(self, index: Any) -> Index:
        self.count()
        parts = index if isinstance(index, tuple) else (index,)
        if len(parts) != self._rank:
            raise Outside
        return tuple(self._along(axis, operator.index(part)) for axis, part in enumerate(parts))

    def _along(self, axis: int, part: int) -> int:
        if part < 0:
            self.negative.add(part)
        if self._fixed is not None:
            if not -self._fixed[axis] <= part < self._fixed[axis]:
                raise Outside
            return part % self._fixed[axis]
        # A wrapped element is kept apart here: where it lies is known only when the size is.
        self._highest[axis] = max(self._highest[axis], part, -part - 1)
        if self._highest[axis] >= LARGEST:
            raise Outside
        return part

    def size(self, slack: int) -> tuple[int, ...]:
        """Return the shape that the run asked for, and `slack` more where it is not given."""
        return self._fixed or tuple(each + 1 + slack for each in self._highest)

    def built(self, shape: tuple[int, ...]) -> Array:
        """Return an array with the elements as they were before the run."""
        array = np.empty(shape, self._dtype)
        for index in np.ndindex(*shape):
            array[index] = self._dtype.type(self._content(index))
        return array


def joined(runs: Sequence[Elastic], slack: int) -> tuple[int, ...]:
    """Return the shape that is large enough for each of the runs."""
    return tuple(map(max, zip(*(run.size(slack) for run in runs), strict=True)))
