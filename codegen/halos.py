"""Loops that only overwrite what they have read: blocks put aside what the next one overwrites.

Before:  for i in range(0, n): a[i] = a[i + 1] + b[i]
After:   parallel for block in range(0, blocks):          what the last iterations of a block read
             for i in range(1024 * block + 1023, min(1024 * block + 1024, n)):
                 a_old[i - 1023 * (block + 1)] = a[i + 1]
         parallel for block in range(0, blocks):
             for i in range(1024 * block, min(1024 * block + 1023, n)): a[i] = a[i + 1] + b[i]
             for i in range(1024 * block + 1023, min(1024 * block + 1024, n)):
                 a[i] = a_old[i - 1023 * (block + 1)] + b[i]

What is read there is what was there before the loop (`passes/renaming`), whatever runs first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Binary, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Computed,
    Load,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    walk_statement,
)
from autopar.analysis.model.types import BOOL

from .blocks import Blocks, terms_of_passes
from .extremes import names_in
from .integers import simplify
from .kernel import Branch, Decision, Instance, Loop, Node, Passes, Program, walk_nodes
from .work import trip_count

# Iterations of a block; with loops inside, fewer.
BLOCK, NESTED_BLOCK = 1024, 16
# What an iteration counts for at most where the loops in it are parallel themselves.
_LEAST_WORTH = 128
# A block has this many iterations, at least, for each of those that read beyond its end.
_SHARE = 16


def halo_block(loop: Loop) -> int:
    """Return how many iterations are one block."""
    is_nested = any(isinstance(node, Loop) for node in walk_nodes(loop.body))
    return max(NESTED_BLOCK if is_nested else BLOCK, _SHARE * _reach(loop))


def halo_passes(blocks: Blocks, program: Program) -> Passes | None:
    """Return the passes of a loop that only overwrites; None where elements cannot be named."""
    loop, reach = blocks.loop, _reach(blocks.loop)
    known = frozenset(each.name for each in program.integers)
    arrays = {each.array for each in loop.renamings}
    if arrays & program.overlapping or not _is_plain(loop.body, known, frozenset({loop.iterator})):
        return None
    plain = replace(loop, renamings=())
    writer = _Writer(blocks=blocks, reach=reach)
    first = writer.kept(loop.body, ())
    in_order = blocks.fresh("in_order")
    blocks.variable(in_order, BOOL)
    start = blocks.size - reach
    tail = replace(plain, body=writer.replaced(loop.body))
    return Passes(
        before=blocks.over((blocks.of(replace(plain, body=first), start),)),
        starts=(),
        run=blocks.over((blocks.of(plain, 0, start), blocks.of(tail, start))),
        own=frozenset(),
        in_order=in_order,
        terms=terms_of_passes(loop, _LEAST_WORTH),
        is_rounded=False,
    )


def _reach(loop: Loop) -> int:
    return max(each.reach for each in loop.renamings)


def _is_plain(body: tuple[Node, ...], known: frozenset[str], iterators: frozenset[str]) -> bool:
    """Return whether the loops of `body` have bounds over parameters, and take all of them.

    And whether every iterator is the variable of that name, or of none, in all statements.
    """
    for node in body:
        match node:
            case Instance():
                values = dict(node.iterators)
                if any(name in values and not _is_name(values[name], name) for name in iterators):
                    return False
            case Loop():
                is_whole = node.within is None and node.stays is None and not node.is_endless
                bounds = names_in(node.lower) | names_in(node.upper)
                inner = iterators | {node.iterator}
                if not is_whole or not bounds <= known or not _is_plain(node.body, known, inner):
                    return False
            case Branch():
                if not _is_plain(node.body, known, iterators):
                    return False
            case Decision():
                if not _is_plain(node.body + node.orelse, known, iterators):
                    return False
    return True


def _is_name(value: Expression, name: str) -> bool:
    return isinstance(value, Name) and value.name == name


@dataclass(slots=True, kw_only=True)
class _Writer:
    """Writes what is put aside, and what is read from there."""

    blocks: Blocks
    reach: int
    # For each load of each statement: the array that keeps it, and the subscripts there.
    places: dict[tuple[str, Load], Load] = field(default_factory=dict)

    def kept(self, body: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        """Return what puts elements aside; `around` are the loops between the blocks' and it."""
        found: list[Node] = []
        for node in body:
            match node:
                case Instance():
                    found += self._stores(node, around)
                case Loop():
                    inner = self.kept(node.body, (*around, node))
                    found += [replace(node, body=inner, reductions=(), cells=())] if inner else []
                case Branch():
                    inner = self.kept(node.body, around)
                    found += [replace(node, body=inner)] if inner else []
                case Decision():  # whatever it decides, the elements are there
                    found += self.kept(node.body + node.orelse, around)
        return tuple(found)

    def _stores(self, node: Instance, around: tuple[Loop, ...]) -> Iterator[Instance]:
        for number, load in enumerate(self._overwritten(node)):
            place = self._place(load, around)
            self.places[node.name, load] = place
            store = Store(array=place.array, indices=place.indices, value=load, span=load.span)
            yield replace(node, name=f"{node.name}_{number}", statement=store)

    def _overwritten(self, node: Instance) -> tuple[Load, ...]:
        arrays = {each.array for each in self.blocks.loop.renamings if node.name in each.statements}
        loads = (each for each in walk_statement(node.statement) if isinstance(each, Load))
        return tuple(dict.fromkeys(each for each in loads if each.array in arrays))

    def _place(self, load: Load, around: tuple[Loop, ...]) -> Load:
        """Return the element of a new array that keeps an element for an iteration."""
        blocks, span = self.blocks, load.span
        reach = Constant(value=self.reach, span=span)
        rows = simplify(Binary(operator="*", left=reach, right=blocks.room, span=span), span)
        extents = (rows, *(trip_count(each) for each in around))
        array = blocks.array(f"{load.array}_old", load.type.dtype, extents)
        one = Constant(value=1, span=span)
        number = Binary(operator="+", left=blocks.block, right=one, span=span)
        rest = Constant(value=blocks.size - self.reach, span=span)
        skipped = Binary(operator="*", left=rest, right=number, span=span)
        row = Binary(operator="-", left=_turn(blocks.loop), right=skipped, span=span)
        indices = (simplify(row, span), *(_turn(each) for each in around))
        return replace(load, array=array, indices=indices)

    def replaced(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        """Return `body` with what was put aside in the place of the elements."""
        found: list[Node] = []
        for node in body:
            match node:
                case Instance():
                    found.append(replace(node, statement=self._statement(node)))
                case Loop() | Branch():
                    found.append(replace(node, body=self.replaced(node.body)))
                case Decision():
                    inner, other = self.replaced(node.body), self.replaced(node.orelse)
                    found.append(replace(node, body=inner, orelse=other))
        return tuple(found)

    def _statement(self, node: Instance) -> TypedStatement:
        statement = node.statement
        assert isinstance(statement, Store | SetVariable)  # nothing else stores and reads
        value = self._expression(statement.value, node.name)
        if isinstance(statement, SetVariable):
            return replace(statement, value=value)
        indices = tuple(
            replace(each, value=self._expression(each.value, node.name))
            if isinstance(each, Computed)
            else each
            for each in statement.indices
        )
        return replace(statement, value=value, indices=indices)

    def _expression(self, value: TypedExpression, name: str) -> TypedExpression:
        match value:
            case Load() if (name, value) in self.places:
                return self.places[name, value]
            case Load():
                indices = tuple(
                    replace(each, value=self._expression(each.value, name))
                    if isinstance(each, Computed)
                    else each
                    for each in value.indices
                )
                return replace(value, indices=indices)
            case Cast():
                return replace(value, operand=self._expression(value.operand, name))
            case Operation():
                operands = tuple(self._expression(each, name) for each in value.operands)
                return replace(value, operands=operands)
        return value


def _turn(loop: Loop) -> Expression:
    """Return the number of the current iteration of a loop."""
    span = loop.span
    iterator = Name(name=loop.iterator, span=span)
    turn = simplify(Binary(operator="-", left=iterator, right=loop.lower, span=span), span)
    if loop.step == 1:
        return turn
    step = Constant(value=loop.step, span=span)
    return Binary(operator="//", left=turn, right=step, span=span)
