"""Reduced scalars: what typed statements accumulate, and whether parts may be combined.

Before:  for i: S0: s = s + a[i]; S1: m = max(m, a[i])       the model says: reductions into s, m
After:   Reduced(s, +, np.float64), Reduced(m, max, np.float64)

The typed statements must still show the shape that the model saw: the scalar once, and one
operator in one dtype between it and the top of the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autopar.analysis.model.dependence import Reduction, Scan
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    walk_statement,
    walk_typed,
)
from autopar.analysis.model.types import COMPLEX_DTYPES, INTEGER_LIMITS

from .kernel import Branch, Decision, Instance, Loop, Node, Program, Reduced, walk_nodes
from .selected import find_selected

# What one iteration may add so that a loop of 2**31 iterations does not leave 64 bits.
_LARGEST_SUM = 2**31
_LARGEST_NESTED = 2**7
_SIGNS = {"-": "+"}
_NOTING = frozenset({"argmin", "argmax"})


@dataclass(frozen=True, slots=True)
class Term:
    """One operation by which a scalar grows: `s + value`, `value + s`, `s - value`."""

    operation: Operation
    position: int  # of the scalar, or of what has been accumulated so far, among the operands
    value: TypedExpression


def find_reduced(body: tuple[Node, ...], reductions: tuple[Reduction, ...]) -> tuple[Reduced, ...]:
    """Return how `reductions` accumulate in the body of a loop; nothing if one of them does not.

    Nothing either where the order may matter after all and the loop cannot be run again in
    order, because it overwrites what it reads.
    """
    noted = frozenset(each.target for each in reductions if each.operator in _NOTING)
    found = [
        find_kept(body, each)
        if each.operator == "last"
        else reduction_of(body, each) or find_selected(body, each, noted)
        for each in reductions
        if each.target not in noted
    ]
    known = tuple(each for each in found if each is not None)
    is_lost = any(may_need_order(each) and not each.can_repeat for each in known)
    with_places = {one.name for each in known for one in each.noted}
    return () if is_lost or len(known) < len(found) or with_places != noted else known


def find_kept(body: tuple[Node, ...], reduction: Reduction) -> Reduced | None:
    """Return how a scalar gets the value of the last iteration that assigns it."""
    own = [
        node
        for node in walk_nodes(body)
        if isinstance(node, Instance)
        and isinstance(node.statement, SetVariable)
        and node.statement.name == reduction.target
    ]
    types = {node.statement.value.type for node in own if isinstance(node.statement, SetVariable)}
    if len({each.dtype for each in types}) != 1 or not {each.name for each in own} <= frozenset(
        reduction.statements
    ):
        return None
    return Reduced(
        target=reduction.target,
        operator="last",
        type=min(types, key=str),
        is_flipped=False,
        statements=tuple(dict.fromkeys(each.name for each in own)),
        largest=None,
        can_repeat=not _stores(body),
    )


def may_need_order(reduced: Reduced) -> bool:
    """Return whether only a run tells that the order matters after all.

    A partial value of integers may wrap where no value of the program does. `max(e, m)` is `e`
    where one of the two is nan: what came before is forgotten.
    """
    if reduced.may_wrap:
        return reduced.largest is None
    return reduced.has_zeros and reduced.is_flipped and reduced.operator in {"min", "max"}


def _stores(body: tuple[Node, ...]) -> bool:
    return any(
        isinstance(node, Instance) and isinstance(node.statement, Store)
        for node in walk_nodes(body)
    )


def reduction_of(body: tuple[Node, ...], reduction: Reduction) -> Reduced | None:
    """Return how one scalar accumulates in the body of a loop; None if it does more."""
    terms: list[Term] = []
    for node in walk_nodes(body):
        if not isinstance(node, Instance):
            continue
        if node.name in reduction.statements:
            own = terms_of(node.statement, reduction.target)
            if not own:
                return None
            terms += own
        elif _mentions(node.statement, reduction.target):
            return None  # where the model knows that it reads another value
    operators = {_SIGNS.get(each.operation.name, each.operation.name) for each in terms}
    types = {each.operation.type for each in terms}
    if len(operators) != 1 or len({each.dtype for each in types}) != 1:
        return None
    found = reduced_by(reduction, operators.pop(), tuple(terms))
    if found is None:
        return None
    found = replace(found, can_repeat=not _stores(body))
    if not any(isinstance(node, Loop) for node in walk_nodes(body)):
        return found
    # How often inner loops run is not known here, but no machine gets to 2**55 turns.
    is_small = found.largest is not None and found.largest <= _LARGEST_NESTED
    return replace(found, largest=found.largest if is_small else None, is_nested=is_small)


def reduced_by(
    reduction: Reduction | Scan, operator: str, terms: tuple[Term, ...]
) -> Reduced | None:
    """Return the reduction by one operator; None for what has no exact or canonical order."""
    type_ = terms[0].operation.type
    is_extremum = operator.removeprefix("numpy.")[:3] in {"min", "max"}
    flips = {each.position > 0 for each in terms} if is_extremum else {False}
    if len(flips) > 1 or (operator == "*" and type_.dtype in COMPLEX_DTYPES):
        return None
    is_unsigned = type_.dtype.startswith("u")
    if is_unsigned and any(each.operation.name == "-" for each in terms):
        return None
    if type_.dtype == "bool" and operator in {"+", "*"}:
        operator = {"+": "|", "*": "&"}[operator]  # what NumPy makes of them for its bools
    return Reduced(
        target=reduction.target,
        operator=operator,
        type=type_,
        is_flipped=flips == {True},
        statements=reduction.statements,
        largest=_largest(operator, terms),
        can_repeat=False,  # the caller knows
    )


def _largest(operator: str, terms: tuple[Term, ...]) -> int | None:
    """Return a bound of all terms together, of a sum held in 64 bits, if that is small."""
    if operator != "+" or terms[0].operation.type.dtype not in {"int64", "uint64"}:
        return None
    found = bound_of(tuple(each.value for each in terms))
    return found if found is not None and found <= _LARGEST_SUM else None


def bound_of(values: tuple[TypedExpression, ...]) -> int | None:
    """Return a bound of the magnitudes of `values` together; None where one is unknown."""
    known = [_magnitude(each) for each in values]
    found = [each for each in known if each is not None]
    return sum(found) if len(found) == len(known) else None


def _magnitude(value: TypedExpression) -> int | None:
    """Return the largest magnitude of a constant, or of a number of few bits."""
    match value:
        case Number(value=bool() | int() as number):
            return abs(int(number))
        case Cast():
            return _magnitude(value.operand)
        case Load() | Variable() | Operation():
            limits = INTEGER_LIMITS.get(value.type.dtype)
            return None if limits is None else max(-limits[0], limits[1])
    return None


def terms_of(statement: TypedStatement, target: str) -> tuple[Term, ...]:
    """Return the operations by which `statement` only accumulates into `target`, innermost first.

    () where it does anything else.
    """
    if not isinstance(statement, SetVariable) or statement.name != target:
        return ()
    found = _path(statement.value, target) or ()
    names = {_SIGNS.get(each.operation.name, each.operation.name) for each in found}
    dtypes = {each.operation.type.dtype for each in found}
    return found if len(names) == len(dtypes) == 1 else ()


def _path(value: TypedExpression, target: str) -> tuple[Term, ...] | None:
    """Return the terms between the target and the top of `value`; None where something else is."""
    if isinstance(value, Variable) and value.name == target:
        return ()
    if not isinstance(value, Operation):
        return None
    inside = [number for number, each in enumerate(value.operands) if _reads(each, target)]
    if len(inside) != 1 or not is_accumulating(value, inside[0]):
        return None
    (position,) = inside
    below = value.operands[position]
    if below.type.dtype != value.type.dtype:
        return None
    rest = _path(below, target)
    return None if rest is None else (*rest, *_own_terms(value, position))


def is_accumulating(operation: Operation, position: int) -> bool:
    """Return whether the operand at `position` is accumulated into by the others."""
    count = len(operation.operands)
    if operation.name in {"min", "max"}:
        return position in {0, count - 1}
    if operation.name in {"and", "or"}:
        return True
    return count == 2 and (
        operation.name in {"+", "*", "&", "|", "^", "numpy.minimum", "numpy.maximum"}
        or (operation.name == "-" and position == 0)
    )


def _own_terms(operation: Operation, position: int) -> Iterator[Term]:
    """Yield what one operation adds: `max(a, b, m)` is `max(max(a, b), m)`."""
    others = tuple(each for number, each in enumerate(operation.operands) if number != position)
    if operation.name in {"min", "max"} and position > 0 and len(others) > 1:
        inner = replace(operation, operands=others)
        yield Term(replace(operation, operands=(inner, operation.operands[-1])), 1, inner)
        return
    for value in others:
        yield Term(operation, position, value)


def _reads(expression: TypedExpression, name: str) -> bool:
    return any(isinstance(each, Variable) and each.name == name for each in walk_typed(expression))


def _mentions(statement: TypedStatement, name: str) -> bool:
    if isinstance(statement, SetVariable) and statement.name == name:
        return True
    return any(
        isinstance(each, Variable) and each.name == name for each in walk_statement(statement)
    )


def without_rounded(program: Program) -> Program:
    """Return `program` with every sum and product of floats in the interpreter's order."""
    return replace(program, body=tuple(map(_in_order, program.body)))


def _in_order(node: Node) -> Node:
    match node:
        case Loop():
            body = tuple(map(_in_order, node.body))
            if any(each.is_rounded for each in node.reductions):
                return replace(node, body=body, reductions=(), cells=())
            if any(each.reduced.is_rounded for each in node.scans):
                return replace(node, body=body, scans=())
            return replace(node, body=body)
        case Branch():
            return replace(node, body=tuple(map(_in_order, node.body)))
        case Decision():
            body, orelse = (tuple(map(_in_order, each)) for each in (node.body, node.orelse))
            return replace(node, body=body, orelse=orelse)
        case Instance():
            return node
