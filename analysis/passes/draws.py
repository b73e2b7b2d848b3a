"""Draws of random numbers become elements of a list that is drawn first.

Before:  for r in range(n):                After:  drawn = [rng.normal(mu, s) for r in range(n)]
             x = rng.normal(mu, s)                 for r in range(n):
             out[r] = x * x                            x = drawn[r]
                                                       out[r] = x * x

Right where the interpreter would draw the same numbers in the same order: as many in each
iteration, with arguments that stay the same. So a draw stands in no branch, all draws stand in the
same loops, and how often these run depends on nothing that the nest computes. The stream of a
generator is part of a program's result (L'Ecuyer, Random Numbers for Simulation, CACM 1990); what
is drawn ahead is what would have been drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from ..model.draws import DRAWN, ROW, Draws
from ..model.loop_ir import (
    DISPLAY,
    Assign,
    BoolOp,
    Call,
    Conditional,
    Constant,
    Draw,
    Each,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Opaque,
    Statement,
    Unary,
    Update,
    children,
    expressions_of,
    own_breaks,
    walk_expression,
    walk_statements,
)
from .appends import number_of
from .drawn_rows import row_drawn
from .fission import writes
from .instances import bound_names
from .liveness import reads
from .substitution import rebuilt

# Loops around a draw: lists have at most as many axes.
_DEEPEST = 2


def has_draws(nest: For | Each) -> bool:
    """Return whether all that keeps a nest from being modelled is that it draws numbers."""
    statements = walk_statements((nest,))
    if not any(isinstance(each, Opaque) and each.drawn for each in statements):
        return False
    return not any(isinstance(each, Opaque) for each in walk_statements((with_draws(nest),)))


def with_draws(nest: For | Each) -> For | Each:
    """Return a nest with elements of lists without subscripts for what is drawn."""
    return replace(nest, body=shown(nest.body))


def shown(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return statements with elements of lists without subscripts for what is drawn."""
    found: list[Statement] = []
    for each in body:
        match each:
            case Opaque() if each.drawn:
                found += each.drawn
            case For() | Each():
                found.append(replace(each, body=shown(each.body)))
            case If():
                found.append(replace(each, body=shown(each.body), orelse=shown(each.orelse)))
            case _:
                found.append(each)
    return tuple(found)


def place_draws(nest: For, draws: dict[str, Draw]) -> tuple[For, Draws] | str:
    """Return a nest of loops over ranges with subscripts for what is drawn, and the draws.

    Where they cannot be drawn first, return why, as a clause.
    """
    found = list(_sites((nest,), ()))
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        return "a number is drawn in several places at once"
    if any(path is None for _, path in found):
        return "how many are drawn depends on what the loop computes"
    paths = {tuple(map(id, path or ())): path or () for _, path in found}
    if len(paths) != 1:
        return "they are drawn in several loops"
    (path,) = paths.values()
    written = writes((nest,))
    if len(path) > _DEEPEST or not all(_is_counted(each, bound_names((nest,))) for each in path):
        return "how many are drawn depends on what the loop computes"
    wanted = tuple(draws[name] for name in names)
    for each in wanted:
        if not all(map(_is_simple, each.arguments)):
            return "they are drawn with arguments that are more than names"
        if frozenset[str]().union(*map(reads, each.arguments)) & (written | bound_names((nest,))):
            return "they are drawn with arguments that the loop computes"
        if each.path[0] in written:
            return f"'{each.path[0]}' is assigned in the loop"
    placed = _placed(nest, path, draws)
    assert isinstance(placed, For)  # a loop stays one
    return placed, Draws(draws=wanted, loops=tuple(replace(each, body=()) for each in path))


def _is_counted(loop: For, bound: frozenset[str]) -> bool:
    """Return whether it is known before a nest, which binds `bound`, how often a loop runs."""
    nodes = [node for each in expressions_of(loop) for node in walk_expression(each)]
    return (
        loop.leaves is None
        and not any(own_breaks(loop.body))
        and not any(isinstance(each, Element | Call) for each in nodes)
        and frozenset[str]().union(*map(reads, expressions_of(loop))).isdisjoint(bound)
    )


def _is_simple(argument: Expression) -> bool:
    match argument:
        case Unary(operand=operand):
            return isinstance(operand, Name | Constant)
        case Call(function=name, arguments=parts):
            return name == DISPLAY and all(isinstance(each, Constant) for each in parts)
        case Name() | Constant() | Extent():
            return True
    return False


def _sites(
    body: tuple[Statement, ...], path: tuple[For, ...] | None
) -> Iterator[tuple[str, tuple[For, ...] | None]]:
    """Yield each list in the order of its draws, and the loops around; None: not all run it."""
    for each in body:
        match each:
            case For():
                yield from ((name, None) for name in _names(expressions_of(each)))
                yield from _sites(each.body, None if path is None else (*path, each))
            case If():
                yield from ((name, path) for name in _drawn((each.test,)))
                yield from ((name, None) for name in _unsure((each.test,)))
                yield from _sites((*each.body, *each.orelse), None)
            case Assign(target=Name()) | Update(target=Name()):
                yield from ((name, path) for name in _drawn((each.value,)))
                yield from ((name, None) for name in _unsure((each.value,)))
            case Assign() | Update():
                yield from ((name, path) for name in _drawn((each.value,)))
                yield from ((name, None) for name in _unsure((each.value,)))
                yield from ((name, None) for name in _names((each.target,)))
            case _:
                inner = walk_statements((each,))
                yield from ((n, None) for one in inner for n in _names(expressions_of(one)))


def _names(expressions: tuple[Expression, ...]) -> Iterator[str]:
    """Yield the lists that stand for draws, as often as they stand there."""
    for expression in expressions:
        for node in walk_expression(expression):
            if _is_site(node):
                yield node.array


def _drawn(expressions: tuple[Expression, ...]) -> Iterator[str]:
    """Yield those that are surely drawn, in the order of evaluation."""
    for each in expressions:
        match each:
            case BoolOp():
                yield from _drawn(each.values[:1])
            case Conditional():
                yield from _drawn((each.test,))
            case Element() if _is_site(each):
                yield each.array
            case _:
                yield from _drawn(children(each))


def _is_site(node: Expression) -> TypeGuard[Element]:
    """Return whether numbers are drawn where `node` stands, which no name holds already."""
    is_drawn = isinstance(node, Element) and node.array.startswith(DRAWN)
    return isinstance(node, Element) and is_drawn and not node.array.endswith(ROW)


def _unsure(expressions: tuple[Expression, ...]) -> Iterator[str]:
    """Yield those that are drawn only sometimes."""
    sure = list(_drawn(expressions))
    for name in _names(expressions):
        if name in sure:
            sure.remove(name)
        else:
            yield name


def _placed(node: Statement, path: tuple[For, ...], draws: dict[str, Draw]) -> Statement:
    """Return a statement with subscripts for what is drawn in the loops of `path`."""

    def visit(expression: Expression) -> Expression:
        found = rebuilt(expression, visit)
        if isinstance(found, Element) and found.array.startswith(DRAWN):
            here = tuple(number_of(each, found) for each in path)
            array = found.array.removesuffix(ROW)
            return replace(found, array=array, indices=(*here, *found.indices))
        return found

    def block(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        kept = (each for each in body if row_drawn(each, draws) is None)
        return tuple(_placed(each, path, draws) for each in kept)

    match node:
        case For() | Each():
            return replace(node, body=block(node.body))
        case If():
            body, orelse = block(node.body), block(node.orelse)
            return replace(node, test=visit(node.test), body=body, orelse=orelse)
        case Assign() | Update():
            target = visit(node.target)  # it may be an element of a row
            assert isinstance(target, Name | Element)  # it stays one
            return replace(node, target=target, value=visit(node.value))
    return node
