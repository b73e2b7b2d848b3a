"""Print a kernel of rows that run on several threads, each behind the one before.

    for rows_worker in range(lower, upper):
        rows_turn = next_rows(progress)
        rows_first = 1 + 48 * rows_turn
        while rows_first < n:
            ...                                          from rows_begin to rows_end: their times
            for rows_part in range(rows_begin, rows_end, 256):
                rows_part_end = min(rows_part + 256, rows_end)
                while rows_before(progress, rows_turn) < rows_part_end: ...
                for i_rows in range(rows_first, rows_last, 6):
                    for j_front in range(max(..., rows_part), min(..., rows_part_end)): ...
                rows_done(progress, rows_turn, rows_part_end)
            ...
    rows_left(progress, upper - lower)

What runs at one time depends on earlier times alone, of the same rows and of those before. So a
turn runs a part of its times group by group, and a
turn may run its times up to an end as soon as the turn before has run its own up to there; that
one waited in the same way, so all rows before have. For the same reason a turn is not done before
the one before is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .kernel import Loop
from .progress import DONE, PART_OF_ROWS, rows_of_turn

FUNCTIONS = ("next_rows", "rest", "rows_before", "rows_done", "rows_left")
NAMES = (
    "progress", "rows_worker", "rows_turn", "rows_first", "rows_last", "rows_begin", "rows_end",
    "rows_part", "rows_part_end", "rows_members", "new_progress", *FUNCTIONS,
)  # fmt: skip
_INDENT = "    "
_EARLIEST = -DONE  # an int64 to Numba, as Python writes the least one it is none


def staggered_lines(
    loop: Loop,
    name: str,
    text: Callable[[Loop], tuple[str, str]],
    body: Callable[[Loop, str, str, str], Iterator[str]],
    indent: str,
) -> Iterator[str]:
    """Yield the workers of a loop over rows, called `name`.

    `text` gives the bounds of a loop, `body` the lines of one from a lower to an upper bound.
    """
    first, end = text(loop)
    take = (
        f"{indent}{_INDENT}rows_turn = next_rows(progress)",
        f"{indent}{_INDENT}rows_first = {first} + {rows_of_turn(loop.step)} * rows_turn",
    )
    yield f"{indent}for rows_worker in range(lower, upper):"
    yield from take
    yield f"{indent}{_INDENT}while rows_first < {end}:  # line {loop.span.line}"
    yield f"{indent}{2 * _INDENT}rows_last = min(rows_first + {rows_of_turn(loop.step)}, {end})"
    yield from _turn(loop, name, text, body, indent + 2 * _INDENT)
    yield from (_INDENT + line for line in take)
    yield f"{indent}rows_left(progress, upper - lower)"


def turns_of(loop: Loop, text: Callable[[Loop], tuple[str, str]]) -> str:
    """Return the number of turns of a loop over rows, as text."""
    first, end = text(loop)
    return f"len(range({first}, {end}, {rows_of_turn(loop.step)}))"


def _turn(
    loop: Loop,
    name: str,
    text: Callable[[Loop], tuple[str, str]],
    body: Callable[[Loop, str, str, str], Iterator[str]],
    indent: str,
) -> Iterator[str]:
    times = [each for each in loop.body if isinstance(each, Loop)]
    bounds = [text(each) for each in times]
    inner = indent + _INDENT
    groups = f"for {name} in range(rows_first, rows_last, {loop.step}):"
    yield f"{indent}rows_begin, rows_end = {DONE}, {_EARLIEST}"
    yield indent + groups
    yield f"{inner}rows_begin = min(rows_begin, {bounds[0][0]})"
    yield f"{inner}rows_end = max(rows_end, {bounds[-1][1]})"
    yield f"{indent}for rows_part in range(rows_begin, rows_end, {PART_OF_ROWS}):"
    yield f"{inner}rows_part_end = min(rows_part + {PART_OF_ROWS}, rows_end)"
    yield from _waiting("rows_part_end", inner)
    yield inner + groups
    for each, (lower, upper) in zip(times, bounds, strict=True):
        clipped = f"max({lower}, rows_part)", f"min({upper}, rows_part_end)"
        yield from body(each, *clipped, inner + _INDENT)
    yield f"{inner}rows_done(progress, rows_turn, rows_part_end)"
    yield from _waiting(str(DONE), indent)
    yield f"{indent}rows_done(progress, rows_turn, {DONE})"


def _waiting(time: str, indent: str) -> Iterator[str]:
    yield f"{indent}while rows_before(progress, rows_turn) < {time}:"
    yield f"{indent}{_INDENT}if is_stopped():"
    yield f"{indent}{2 * _INDENT}return (status,)"
    yield f"{indent}{_INDENT}rest()"
