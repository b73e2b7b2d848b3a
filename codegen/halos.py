"""Loops that only overwrite: blocks put aside what the next one overwrites, and store less.

Before:  for i in range(0, n): a[i] = a[i + 1] + b[i]
After:   parallel for block in range(0, blocks):          what the last iterations of a block read
             for i in range(1024 * block + 1023, min(1024 * block + 1024, n)):
                 a_old[i - 1023 * (block + 1)] = a[i + 1]
         parallel for block in range(0, blocks):
             for i in range(1024 * block, min(1024 * block + 1023, n)): a[i] = a[i + 1] + b[i]
             for i in range(1024 * block + 1023, min(1024 * block + 1024, n)):
                 a[i] = a_old[i - 1023 * (block + 1)] + b[i]

What is read there is what was there before the loop (`passes/renaming`), whatever runs first.

Before:  for i in range(0, n): a[i] = b[i]; a[i + 1] = c[i]
After:   parallel for block in range(0, blocks):          the next one stores another a[i + 1] there
             for i in range(1024 * block, min(1024 * block + 1023, n)): as before
             for i in range(1024 * block + 1023, min(1024 * block + 1024, n)):
                 a[i] = b[i]; a_new[i - 1023 * (block + 1)] = c[i]     but for the last block
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from autopar.analysis.model.loop_ir import (
    Binary,
    BinaryOperator,
    Compare,
    Constant,
    Expression,
    Name,
)
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
    loop = blocks.loop
    known = frozenset(each.name for each in program.integers)
    arrays = {each.array for each in loop.renamings}
    if arrays & program.overlapping or not _is_plain(loop.body, known, frozenset({loop.iterator})):
        return None
    plain = replace(loop, renamings=())
    writer = _Writer(blocks=blocks, reach=_reach(loop))
    start = blocks.size - writer.reach
    first = writer.kept(loop.body, ())
    if not writer.has_all_reads():
        return None
    in_order = blocks.fresh("in_order")
    blocks.variable(in_order, BOOL)
    return Passes(
        before=blocks.over((blocks.of(replace(plain, body=first), start),)) if first else None,
        starts=(),
        run=blocks.over((blocks.of(plain, 0, start), *writer.ends(plain, start))),
        own=frozenset(),
        in_order=in_order,
        terms=terms_of_passes(loop, _LEAST_WORTH),
        fits=_fits(blocks, writer.reach),
        is_rounded=False,
    )


def _fits(blocks: Blocks, reach: int) -> Expression | None:
    """Return whether the last block is as long as what the one before leaves to it reaches."""
    loop, span = blocks.loop, blocks.loop.span
    if reach == 1 or not any(each.stores for each in loop.renamings):
        return None

    def of(operator: BinaryOperator, left: Expression, right: int) -> Expression:
        return Binary(
            operator=operator, left=left, right=Constant(value=right, span=span), span=span
        )

    last = of("%", of("-", trip_count(loop), 1), blocks.size)  # its iterations but one
    return Compare(operator=">=", left=last, right=Constant(value=reach - 1, span=span), span=span)


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

    def has_all_reads(self) -> bool:
        """Return whether every read that is overwritten was found among the loads."""
        found = {(name, load.array, load.indices) for name, load in self.places}
        return all(
            (name, each.array, indices) in found
            for each in self.blocks.loop.renamings
            for name, indices in each.reads
        )

    def ends(self, plain: Loop, start: int) -> tuple[Node, ...]:
        """Return the last iterations of a block, from number `start` on.

        The last block of all stores what others do not.
        """
        ours = self.blocks.of(replace(plain, body=self.replaced(plain.body, ())), start)
        if not any(each.stores for each in self.blocks.loop.renamings):
            return (ours,)
        span, last = plain.span, self.blocks.but_last()
        block = self.blocks.block
        is_followed = Compare(operator="<", left=block, right=last, span=span)
        is_last = Compare(operator=">=", left=block, right=last, span=span)
        return (
            Branch(test=is_followed, body=(ours,), span=span),
            Branch(test=is_last, body=(self.blocks.of(plain, start),), span=span),
        )

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
            place = self._place(load, around, "old")
            self.places[node.name, load] = place
            store = Store(array=place.array, indices=place.indices, value=load, span=load.span)
            yield replace(node, name=f"{node.name}_{number}", statement=store)

    def _overwritten(self, node: Instance) -> tuple[Load, ...]:
        reads = {
            (each.array, indices)
            for each in self.blocks.loop.renamings
            for name, indices in each.reads
            if name == node.name
        }
        loads = (each for each in walk_statement(node.statement) if isinstance(each, Load))
        return tuple(dict.fromkeys(each for each in loads if (each.array, each.indices) in reads))

    def _place(self, load: Load, around: tuple[Loop, ...], word: str) -> Load:
        """Return the element of a new array that keeps an element for an iteration."""
        blocks, span = self.blocks, load.span
        reach = Constant(value=self.reach, span=span)
        rows = simplify(Binary(operator="*", left=reach, right=blocks.room, span=span), span)
        extents = (rows, *(trip_count(each) for each in around))
        array = blocks.array(f"{load.array}_{word}", load.type.dtype, extents)
        one = Constant(value=1, span=span)
        number = Binary(operator="+", left=blocks.block, right=one, span=span)
        rest = Constant(value=blocks.size - self.reach, span=span)
        skipped = Binary(operator="*", left=rest, right=number, span=span)
        row = Binary(operator="-", left=_turn(blocks.loop), right=skipped, span=span)
        indices = (simplify(row, span), *(_turn(each) for each in around))
        return replace(load, array=array, indices=indices)

    def replaced(self, body: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        """Return `body` with what was put aside in the place of the elements."""
        found: list[Node] = []
        for node in body:
            match node:
                case Instance():
                    name = f"{node.name}_end"  # a statement of its own
                    found.append(replace(node, name=name, statement=self._statement(node, around)))
                case Loop():
                    found.append(replace(node, body=self.replaced(node.body, (*around, node))))
                case Branch():
                    found.append(replace(node, body=self.replaced(node.body, around)))
                case Decision():
                    inner = self.replaced(node.body, around)
                    other = self.replaced(node.orelse, around)
                    found.append(replace(node, body=inner, orelse=other))
        return tuple(found)

    def _statement(self, node: Instance, around: tuple[Loop, ...]) -> TypedStatement:
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
        if self._is_overwritten(node.name, statement.array):
            # What it computes may warn; where it is stored, nobody looks.
            load = Load(
                array=statement.array, indices=indices, type=value.type, span=statement.span
            )
            place = self._place(load, around, "new")
            return replace(statement, array=place.array, indices=place.indices, value=value)
        return replace(statement, value=value, indices=indices)

    def _is_overwritten(self, name: str, array: str) -> bool:
        renamings = self.blocks.loop.renamings
        return any(each.array == array and name in each.stores for each in renamings)

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
