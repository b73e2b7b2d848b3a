"""Which iterations of a loop meet in an element, by running the program and looking.

Before:  for i in range(3): y[idx[i]] = x[i]          idx = [2, 0, 2]
After:   turns 0 and 2 of line 1 both write y[2]: the loop has a meeting

Knows nothing of the analysis: arrays and `range` are replaced by ones that keep a diary.
"""

from __future__ import annotations

import builtins
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Turn = tuple[int, int, int]  # line of the loop, number of its execution, turn


@dataclass(slots=True)
class Diary:
    """What a run did: for each element who touched it, and whether by writing."""

    around: list[Turn] = field(default_factory=list)
    entries: dict[tuple[str, int], list[tuple[bool, tuple[Turn, ...]]]] = field(
        default_factory=dict
    )
    executions: Iterator[int] = field(default_factory=itertools.count)

    def range(self, *bounds: int) -> Iterator[int]:
        """Yield what the builtin does, and keep track of the turn under way."""
        line, number = sys._getframe(1).f_lineno, next(self.executions)
        for turn, value in enumerate(builtins.range(*bounds)):
            self.around.append((line, number, turn))
            yield value
            self.around.pop()

    def note(self, array: str, cell: int, *, is_write: bool) -> None:
        entry = (is_write, tuple(self.around))
        self.entries.setdefault((array, cell), []).append(entry)

    def meetings(self, line: int) -> frozenset[str]:
        """Return the arrays in which two turns of one execution of the loop at `line` meet."""
        return frozenset(
            array
            for (array, _), entries in self.entries.items()
            if any(
                (one_writes or other_writes) and _differ(one, other, line)
                for (one_writes, one), (other_writes, other) in itertools.combinations(entries, 2)
            )
        )


def _differ(one: tuple[Turn, ...], other: tuple[Turn, ...], line: int) -> bool:
    first = [(number, turn) for at, number, turn in one if at == line]
    second = [(number, turn) for at, number, turn in other if at == line]
    return any(a[0] == b[0] and a[1] != b[1] for a in first for b in second)


class Noting:
    """An array that notes every access."""

    def __init__(self, name: str, array: np.ndarray[Any, Any], diary: Diary) -> None:
        self.name, self.array, self.diary = name, array, diary
        self.shape = array.shape

    def _cell(self, index: Any) -> int:
        places = index if isinstance(index, tuple) else (index,)
        counted = [
            int(place) + (extent if place < 0 else 0)
            for place, extent in zip(places, self.shape, strict=True)
        ]
        return int(np.ravel_multi_index(counted, self.shape))

    def __getitem__(self, index: Any) -> Any:
        value = self.array[index]
        self.diary.note(self.name, self._cell(index), is_write=False)
        return value

    def __setitem__(self, index: Any, value: Any) -> None:
        self.array[index] = value
        self.diary.note(self.name, self._cell(index), is_write=True)

    def __len__(self) -> int:
        return len(self.array)


def diary_of(source: str, function: str, arguments: dict[str, Any]) -> Diary:
    """Return the diary of a call; raises what the call raises."""
    diary = Diary()
    space: dict[str, Any] = {"range": diary.range}
    exec(source, space)
    call: Callable[..., Any] = space[function]
    call(**{
        name: Noting(name, value.copy(), diary) if isinstance(value, np.ndarray) else value
        for name, value in arguments.items()
    })  # fmt: skip
    return diary
