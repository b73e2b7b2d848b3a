"""Scalars that an outermost loop that may be left only counts with.

Before:  while err > tol and it < itmax: ...; it += 1        After:  it cannot outgrow 64 bits

Each update stands in the loop itself, in no loop inside it, so that a turn adds a few times a
little. From where a call lets them begin, within 32 bits, it would take months of turns to leave
64: what makes a counter of a Python int fail is out of reach. What they are set to besides is a
constant of no more than 32 bits. Helper of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.loop_ir import Assign, Binary, Constant, Expression, For, If, Name, Statement, Update

_LARGEST_STEP = 16
_LARGEST_START = 2**31


def counted_scalars(nest: For) -> frozenset[str]:
    """Return the scalars that the driver in `nest` counts with; none where there is no driver."""
    if not nest.runs_once:
        return frozenset()
    counted: set[str] = set()
    others: set[str] = set()
    for statement, may_count in _assignments(nest.body, may_count=False):
        name = statement.target.name if isinstance(statement.target, Name) else ""
        if _is_start(statement):
            continue
        (counted if may_count and _is_step(statement) else others).add(name)
    return frozenset(counted - others)


def _assignments(
    body: tuple[Statement, ...], *, may_count: bool
) -> Iterator[tuple[Assign | Update, bool]]:
    """Yield assignments, and whether they run at most once in a turn of the driver."""
    for statement in body:
        match statement:
            case Assign() | Update():
                yield statement, may_count
            case If():
                yield from _assignments(statement.body, may_count=may_count)
                yield from _assignments(statement.orelse, may_count=may_count)
            case For():
                yield from _assignments(statement.body, may_count=statement.is_driver)
            case _:
                pass


def _is_start(statement: Assign | Update) -> bool:
    return isinstance(statement, Assign) and _is_small(statement.value, _LARGEST_START)


def _is_step(statement: Assign | Update) -> bool:
    """Return whether a statement adds a little to its scalar, and nothing else."""
    match statement:
        case Update(operator="+" | "-", target=Name(), value=value):
            return _is_small(value, _LARGEST_STEP)
        case Assign(
            target=Name(name=name),
            value=Binary(operator="+" | "-", left=Name(name=left), right=right),
        ) if left == name:
            return _is_small(right, _LARGEST_STEP)
        case Assign(
            target=Name(name=name), value=Binary(operator="+", left=left, right=Name(name=right))
        ) if right == name:
            return _is_small(left, _LARGEST_STEP)
    return False


def _is_small(value: Expression, limit: int) -> bool:
    match value:
        case Constant(value=int() as number) if not isinstance(number, bool):
            return abs(number) <= limit
    return False
