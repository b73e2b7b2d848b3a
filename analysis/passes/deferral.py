"""Find the names whose values give a nest a model that it does not have without them.

Before:  for i in range(n): for j in range(m): a[i * m + j]      no model: a product of unknowns
After:   ("m",): with m = 100 the subscript is 100 * i + j

A call knows these values; the nest is analysed again with them (Rus, Rauchwerger and Hoeflinger,
Hybrid Analysis, ICS 2002, decide at a call what the compiler cannot). As few names as possible,
so that few sets of values are met.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.facts import Facts
from ..model.indirect import indirect_value
from ..model.loop_ir import (
    Assign,
    Binary,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Update,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.scop import Access, Scop
from ..model.source import SourceText
from .affine import name_of
from .build_scop import build_scop
from .dependences import is_indirect
from .name_uses import NameUses, name_uses
from .subscripts import counted_extent

# With operands that are not constants, these are not affine.
_NEED_VALUES = frozenset(("*", "//", "%", "<<", ">>", "**"))
# Stand for unknown values; distinct, so that nothing cancels, and small, so that shifts fit.
_SAMPLES = (11, 13, 17, 19, 14, 15, 16, 18)


def deciding_names(nest: For, text: SourceText) -> tuple[str, ...]:
    """Return the names, as Python text, whose values give `nest` a model; () where none do.

    Or a better one: with fewer subscripts that are data to it.
    """
    needed = _candidates(nest)
    if not 0 < len(needed) <= len(_SAMPLES):
        return ()
    best = _unknown_subscripts(nest, text, needed)
    if best is None or best == _unknown_subscripts(nest, text, ()):
        return ()
    for name in needed:
        fewer = tuple(each for each in needed if each != name)
        if fewer and _unknown_subscripts(nest, text, fewer) == best:
            needed = fewer
    return needed


def _unknown_subscripts(nest: For, text: SourceText, names: tuple[str, ...]) -> int | None:
    """Return how many accesses have subscripts that are data; None where there is no model."""
    values = tuple(zip(names, _SAMPLES, strict=False))
    scop = build_scop(nest, text, frozenset(), Facts(values=values))
    if not isinstance(scop, Scop):
        return None
    return len(indirect_accesses(scop))


def indirect_accesses(scop: Scop) -> tuple[Access, ...]:
    """Return the accesses whose cells are data."""
    return tuple(
        access
        for statement in scop.statements
        for access in statement.accesses
        if is_indirect(access)
    )


def has_computed_subscripts(scop: Scop) -> bool:
    """Return whether a subscript is computed from loop variables and parameters alone: `i * m`."""
    scalars = {array.name for array in scop.arrays if array.rank == 0}
    values = (
        value
        for access in indirect_accesses(scop)
        for index in access.indices
        if (value := indirect_value(index)) is not None
    )
    return any(
        not any(
            isinstance(node, Element) or (isinstance(node, Name) and node.name in scalars)
            for node in walk_expression(value)
        )
        for value in values
    )


def _candidates(nest: For) -> tuple[str, ...]:
    """Return the names that stand where only a constant is affine."""
    uses = name_uses(nest)
    assigned = _assigned_values(nest)
    found: dict[str, None] = {}
    for expression in _integers(nest, assigned):
        for node in walk_expression(expression):
            if isinstance(node, Binary) and node.operator in _NEED_VALUES:
                operands = (node.left, node.right)
                if not any(isinstance(each, Constant) for each in operands):
                    for each in operands:
                        found |= dict.fromkeys(_parameters(each, uses, assigned))
                elif node.operator in {"<<", "**"}:
                    found |= dict.fromkeys(_parameters(node.right, uses, assigned))
    for statement in walk_statements((nest,)):
        if isinstance(statement, For):
            found |= dict.fromkeys(_parameters(statement.step, uses, assigned))
    return tuple(found)


def _integers(nest: For, assigned: dict[str, list[Expression]]) -> Iterator[Expression]:
    """Yield bounds, tests and subscripts, and what the scalars in them are assigned."""
    pending: list[Expression] = []
    for statement in walk_statements((nest,)):
        if isinstance(statement, For | If):
            pending += expressions_of(statement)
            continue
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, Element):
                    pending += node.indices
    seen: set[str] = set()
    while pending:
        expression = pending.pop()
        yield expression
        for node in walk_expression(expression):
            if isinstance(node, Name) and node.name in assigned and node.name not in seen:
                seen.add(node.name)
                pending += assigned[node.name]


def _assigned_values(nest: For) -> dict[str, list[Expression]]:
    """Return what the nest assigns to each scalar; an update counts as its operand."""
    found: dict[str, list[Expression]] = {}
    for statement in walk_statements((nest,)):
        if isinstance(statement, Assign | Update) and isinstance(statement.target, Name):
            found.setdefault(statement.target.name, []).append(statement.value)
    return found


def _parameters(
    expression: Expression, uses: NameUses, assigned: dict[str, list[Expression]]
) -> Iterator[str]:
    """Yield the parameters in `expression`, and in what its scalars are assigned."""
    pending, seen = [expression], set[str]()
    while pending:
        for node in walk_expression(pending.pop()):
            match node:
                case Name(name=name) if name in assigned and name not in seen:
                    seen.add(name)
                    pending += assigned[name]
                case Name(name=name) if uses.is_parameter(name):
                    yield name
                case Extent():
                    yield name_of(counted_extent(node, uses))
                case _:
                    pass
