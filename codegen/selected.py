"""Extrema that are chosen by a test, in typed statements: what is chosen, and what is noted.

Before:  for i: if_3 = a[i] > m; if if_3: m = a[i]; k = i      the model: max into m, argmax into k
After:   Reduced(m, ">", np.float64, noted k)

The first of equal elements stays where the test is strict, the last one where it is not, and nan
is never chosen: parts of the loop in their order make the same choice as the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from autopar.analysis.model.dependence import Reduction
from autopar.analysis.model.typed import (
    Cast,
    Operation,
    SetVariable,
    TypedExpression,
    Variable,
    statement_hazards,
    walk_statement,
    walk_typed,
)
from autopar.analysis.model.types import COMPLEX_DTYPES

from .kernel import Decision, Instance, Node, Noted, Reduced, walk_nodes

# The comparison that says the same with its operands exchanged.
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def find_selected(
    body: tuple[Node, ...], reduction: Reduction, noted: frozenset[str]
) -> Reduced | None:
    """Return how an extremum is selected in the body of a loop; None if it is not just that.

    `noted` are the scalars that the model says are noted with some extremum.
    """
    instances = [node for node in walk_nodes(body) if isinstance(node, Instance)]
    own = [each for each in instances if each.name in reduction.statements]
    if len(own) != 2:
        return None
    test, chosen = own
    arm = _arm(body, test, chosen)
    operator = _comparison(test, chosen, reduction.target)
    if arm is None or operator is None:
        return None
    beside = [each for each in arm if each is not chosen]
    found = tuple(_noted(each) for each in beside)
    known = tuple(each for each in found if each is not None and each.name in noted)
    names = {reduction.target, *(each.name for each in known)}
    others = [each for each in instances if each is not test]
    if len(known) < len(found) or len(names) <= len(found) or _uses(others, arm, names):
        return None
    assert isinstance(chosen.statement, SetVariable)  # it has a comparison
    return Reduced(
        target=reduction.target,
        operator=operator,
        type=chosen.statement.value.type,
        is_flipped=False,
        statements=(test.name, *(each.name for each in arm)),
        largest=None,
        can_repeat=False,  # nobody asks
        noted=known,
    )


def _arm(body: tuple[Node, ...], test: Instance, chosen: Instance) -> list[Instance] | None:
    """Return the statements that run where the test holds, `chosen` among them."""
    for node in walk_nodes(body):
        if isinstance(node, Decision) and any(each is chosen for each in node.body):
            arm = [each for each in node.body if isinstance(each, Instance)]
            is_own = isinstance(test.statement, SetVariable) and (
                node.predicate == test.statement.name
            )
            return arm if is_own and len(arm) == len(node.body) else None
    return None


def _comparison(test: Instance, chosen: Instance, target: str) -> str | None:
    """Return the comparison of the value that is chosen with the target, in this order."""
    found = [each for each in _conjuncts(test.statement) if _mentions(each, target)]
    if len(found) != 1 or not isinstance(chosen.statement, SetVariable):
        return None
    (part,) = found
    value = chosen.statement.value
    if not isinstance(part, Operation) or part.name not in _MIRRORED or len(part.operands) != 2:
        return None
    left, right = part.operands
    is_mirrored = isinstance(left, Variable) and left.name == target
    old, new = (left, right) if is_mirrored else (right, left)
    is_plain = isinstance(old, Variable) and old.name == target and not _mentions(new, target)
    is_one = chosen.statement.name == target and bare(new) == bare(value)
    dtypes = {old.type.dtype, new.type.dtype, value.type.dtype}
    if not is_plain or not is_one or len(dtypes) > 1 or dtypes & set(COMPLEX_DTYPES):
        return None
    return _MIRRORED[part.name] if is_mirrored else part.name


def _conjuncts(statement: object) -> Iterator[TypedExpression]:
    """Yield the parts that must all be true for a test to be true."""
    if isinstance(statement, SetVariable):
        yield from _parts(statement.value)


def _parts(value: TypedExpression) -> Iterator[TypedExpression]:
    match value:
        case Operation(name="and"):
            for each in value.operands:
                yield from _parts(each)
        case Cast() if value.type.dtype == value.operand.type.dtype == "bool":
            yield from _parts(value.operand)
        case _:
            yield value


def _noted(node: Instance) -> Noted | None:
    statement = node.statement
    # A part of the loop notes more often than the whole, and must not fail where that does not.
    if not isinstance(statement, SetVariable) or statement_hazards(statement):
        return None
    return Noted(name=statement.name, type=statement.value.type)


def _uses(instances: list[Instance], arm: list[Instance], names: set[str]) -> bool:
    """Return whether anything but the choice itself reads or sets one of `names`."""
    for each in instances:
        read = {node.name for node in walk_statement(each.statement) if isinstance(node, Variable)}
        is_set = isinstance(each.statement, SetVariable) and each.statement.name in names
        if read & names or (is_set and not any(each is other for other in arm)):
            return True
    return False


def _mentions(expression: TypedExpression, name: str) -> bool:
    return any(isinstance(each, Variable) and each.name == name for each in walk_typed(expression))


def bare(value: object) -> object:
    """Return something equal for expressions that differ only in where they stand."""
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    if not is_dataclass(value):
        return type(value).__name__, repr(value)
    parts = ((each.name, getattr(value, each.name)) for each in fields(value))
    return type(value).__name__, tuple(bare(part) for name, part in parts if name != "span")
