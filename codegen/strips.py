"""Calls of NumPy's inner loops in an innermost loop, taken out of its iterations.

Before:  for i: t = 0.5 * x[i]; y[i] = exp(t) + t
After:   for each strip of some iterations:
             for i: at[...] = 0.5 * x[i]          a slice: what the arguments need, and no more
             exp of the whole strip
             for i: t = 0.5 * x[i]; y[i] = at[...] + t

A call may go ahead where its arguments depend on nothing that an iteration carries or the loop
stores: then they are the same before the strip as in its turn. One under a condition goes ahead
for those iterations only in which it happens. A call whose argument is the result of another one
is of the next *level*, and has a slice of its own.

Strip-mining and loop distribution with scalar expansion (Allen, Kennedy, Optimizing compilers for
modern architectures, 2001, sections 5.3 and 8.2), but what the rest of the body needs again is
computed again: it is cheap beside the functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TypeAlias

from autopar.analysis.model.loop_ir import (
    Binary,
    Constant,
    Expression,
    Name,
    walk_expression,
    wrapped_value,
)
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    Subscript,
    TypedExpression,
    Variable,
    walk_statement,
    walk_typed,
)
from autopar.analysis.model.types import FLOAT_DTYPES, ArrayType

from .integers import NOWHERE, difference, rename
from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes
from .liveness import assigned
from .numpy_loops import SCALAR_SECOND, STRIPPED

_MOST_CALLS = 16
STRIP = 1000  # elements of a buffer: 8 kB of float64, so that several stay in the first cache
# Operations that compute their first operand always, the others only where they are asked.
_LAZY = ("and", "or", "if")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripCall:
    """A call that goes ahead of the iterations of its strip."""

    name: str  # of its result
    instance: Instance  # where it stands
    operation: Operation  # with the results of earlier calls as variables
    level: int
    is_conditional: bool  # happens in some iterations only
    direct: tuple[bool, ...]  # for each operand, whether it lies side by side in an array
    target: Store | None  # what its results may be stored to directly


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """What goes ahead in an innermost loop, and what is left."""

    calls: tuple[StripCall, ...]
    body: tuple[Node, ...]  # with the results as variables
    remaining: tuple[Node, ...]  # the same without what is stored directly
    levels: Mapping[int, int]  # of the value that each statement of `body` sets, by identity


def find_strips(
    loop: Loop, arrays: Mapping[str, ArrayType], overlapping: frozenset[str]
) -> Strips | None:
    """Return the calls of `loop` that may go ahead of its iterations; None where none may."""
    if loop.stays is not None or loop.is_endless or loop.step != 1:
        return None
    if any(isinstance(node, Loop) for node in walk_nodes(loop.body)):
        return None
    finder = _Finder(loop=loop, arrays=arrays, overlapping=overlapping)
    body = finder.nodes(loop.body, path=0, is_conditional=False)
    if not finder.calls or len(finder.calls) > _MOST_CALLS:
        return None
    stored = frozenset(id(each.target) for each in finder.calls if each.target is not None)
    remaining = tuple(
        node
        for node, old in zip(body, loop.body, strict=True)
        if not (isinstance(old, Instance) and id(old.statement) in stored)
    )
    return Strips(
        calls=tuple(finder.calls), body=body, remaining=remaining, levels=finder.set_levels
    )


# The level of a value: how many calls have to go ahead one after the other before it is known.
# None for what an iteration or the loop itself decides.
Level: TypeAlias = int | None


@dataclass(slots=True)
class _Finder:
    """Walks the body once, in its order."""

    loop: Loop
    arrays: Mapping[str, ArrayType]
    overlapping: frozenset[str]
    calls: list[StripCall] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)  # arrays, by the statements before
    levels: dict[str, Level] = field(default_factory=dict)  # of scalars set in this iteration
    results: dict[str, int] = field(default_factory=dict)  # level of each result
    set_levels: dict[int, int] = field(default_factory=dict)

    def nodes(
        self, nodes: tuple[Node, ...], path: Level, *, is_conditional: bool
    ) -> tuple[Node, ...]:
        return tuple(self._node(each, path, is_conditional=is_conditional) for each in nodes)

    def _node(self, node: Node, path: Level, *, is_conditional: bool) -> Node:
        match node:
            case Instance():
                return self._instance(node, path, is_conditional=is_conditional)
            case Branch():
                before = dict(self.levels)
                body = self.nodes(node.body, path, is_conditional=True)
                self._join(before, self.levels)
                return replace(node, body=body)
            case Decision():
                inner = _later(path, self._of_variable(node.predicate))
                before = dict(self.levels)
                body = self.nodes(node.body, inner, is_conditional=True)
                after, self.levels = self.levels, before
                orelse = self.nodes(node.orelse, inner, is_conditional=True)
                self._join(after, self.levels)
                return replace(node, body=body, orelse=orelse)
            case Loop():
                raise AssertionError("only innermost loops are looked at")

    def _join(self, one: dict[str, Level], other: dict[str, Level]) -> None:
        """Keep what is known of scalars whichever way was taken."""
        self.levels = {name: _later(one.get(name), other.get(name)) for name in {*one, *other}}

    def _instance(self, instance: Instance, path: Level, *, is_conditional: bool) -> Instance:
        statement = instance.statement
        if not isinstance(statement, Store | SetVariable):
            return instance
        walker = _Walker(finder=self, instance=instance, path=path, is_conditional=is_conditional)
        target = statement if isinstance(statement, Store) and not is_conditional else None
        start = len(self.calls)
        value = walker.value(statement.value, target=target, is_sure=True)
        found = replace(instance, statement=replace(statement, value=value))
        self.calls[start:] = [replace(each, instance=found) for each in self.calls[start:]]
        if isinstance(statement, Store):
            self.stored.add(statement.array)
            return found
        level = _later(path, self.level(value))
        self.levels[statement.name] = level
        if level is not None:
            self.set_levels[id(found)] = level
        return found

    # ------------------------------------------------------------------ levels

    def level(self, expression: TypedExpression) -> Level:
        """Return the level of a value where the walk stands."""
        found: Level = 0
        for node in walk_typed(expression):
            if isinstance(node, Variable):
                found = _later(found, self._of_variable(node.name))
            elif isinstance(node, Load) and not self._is_early(node.array):
                return None
            if found is None:
                return None
        return found

    def _of_variable(self, name: str) -> Level:
        if name in self.results:
            return self.results[name]
        if name in self.levels:
            return self.levels[name]
        return 0 if self.is_invariant(name) else None

    def is_invariant(self, name: str) -> bool:
        """Return whether the loop leaves a scalar as it is."""
        return name not in self.results and name not in assigned(self.loop.body)

    def _is_early(self, array: str) -> bool:
        """Return whether an element read here is the same before all iterations."""
        if self.loop.is_parallel:
            return not self._may_be(array, self.stored)
        return not self._may_be(array, self.stores())

    def _may_be(self, array: str, others: set[str]) -> bool:
        """Return whether `array` is, or shares memory with, one of `others`."""
        return array in others or (array in self.overlapping and bool(self.overlapping & others))

    def stores(self) -> set[str]:
        """Return the arrays that the loop stores to."""
        return {
            node.statement.array
            for node in walk_nodes(self.loop.body)
            if isinstance(node, Instance) and isinstance(node.statement, Store)
        }

    def reads(self, array: str) -> int:
        """Return how often the loop reads `array`."""
        return sum(
            isinstance(each, Load) and each.array == array
            for node in walk_nodes(self.loop.body)
            if isinstance(node, Instance)
            for each in walk_statement(node.statement)
        )


def _later(one: Level, other: Level) -> Level:
    return None if one is None or other is None else max(one, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walker:
    """Takes the calls out of the value of one statement."""

    finder: _Finder
    instance: Instance
    path: Level
    is_conditional: bool

    def value(
        self, expression: TypedExpression, *, target: Store | None = None, is_sure: bool
    ) -> TypedExpression:
        """Return `expression` with the results of its calls as variables."""
        match expression:
            case Cast():
                operand = self.value(expression.operand, is_sure=is_sure)
                return replace(expression, operand=operand)
            case Operation():
                lazy = expression.name in _LAZY
                operands = tuple(
                    self.value(each, is_sure=is_sure and (position == 0 or not lazy))
                    for position, each in enumerate(expression.operands)
                )
                inner = replace(expression, operands=operands)
                return self._call(inner, target) if is_sure and is_stripped(inner) else inner
            case _:
                return expression

    def _call(self, operation: Operation, target: Store | None) -> TypedExpression:
        """Return the result of a call that goes ahead; the call itself where it may not."""
        level = _later(self.path, self.finder.level(operation))
        if level is None or not self._is_scalar(operation):
            return operation
        finder = self.finder
        name = f"{self.instance.name}_ahead{len(finder.calls)}"
        finder.calls.append(
            StripCall(
                name=name,
                instance=self.instance,
                operation=operation,
                level=level + 1,
                is_conditional=self.is_conditional,
                direct=tuple(
                    not self.is_conditional and self._lies_side_by_side(each, operation)
                    for each in operation.operands
                ),
                target=target if self._may_store(target, operation) else None,
            )
        )
        finder.results[name] = level + 1
        return Variable(name=name, type=operation.type, span=operation.span)

    def _is_scalar(self, operation: Operation) -> bool:
        """Return whether a second operand that has to stand still does."""
        if operation.name not in SCALAR_SECOND:
            return True
        second = operation.operands[1]
        return all(
            isinstance(node, Number | Cast | Operation)
            or (isinstance(node, Variable) and self.finder.is_invariant(node.name))
            or (isinstance(node, Index) and not self._moves(node))
            for node in walk_typed(second)
        ) and not any(isinstance(node, Operation) and node.hazards for node in walk_typed(second))

    def _moves(self, index: Index) -> bool:
        values = dict(self.instance.iterators)
        return any(
            isinstance(node, Name) and node.name == self.finder.loop.iterator
            for node in walk_expression(rename(index.expression, values))
        )

    def _lies_side_by_side(self, value: TypedExpression, operation: Operation) -> bool:
        return (
            isinstance(value, Load)
            and value.type.dtype == operation.type.dtype
            and self._is_row(value.array, value.indices)
        )

    def _is_row(self, array: str, indices: tuple[Subscript, ...]) -> bool:
        """Return whether the elements of successive iterations lie side by side."""
        type_ = self.finder.arrays[array]
        if type_.layout != "C" or not type_.is_aligned or not indices:
            return False
        steps = [
            None
            if isinstance(each, Computed) or wrapped_value(each) is not None
            else self._step(each)
            for each in indices
        ]
        return steps == [*(0,) * (len(indices) - 1), 1]

    def _step(self, index: Expression) -> int | None:
        """Return by how much a subscript moves from one iteration to the next."""
        here = rename(index, dict(self.instance.iterators))
        names = {each.name for each in walk_expression(here) if isinstance(each, Name)}
        same: dict[str, Expression] = {name: Name(name=name, span=NOWHERE) for name in names}
        turn = Name(name=self.finder.loop.iterator, span=NOWHERE)
        one = Constant(value=1, span=NOWHERE)
        following = Binary(operator="+", left=turn, right=one, span=NOWHERE)
        return difference(rename(here, {**same, turn.name: following}), rename(here, same))

    def _may_store(self, target: Store | None, operation: Operation) -> bool:
        """Return whether nothing else that the loop does could meet what `target` stores."""
        if target is None or not self.finder.loop.is_parallel:
            return False
        array = target.array
        stores = [
            node
            for node in walk_nodes(self.finder.loop.body)
            if isinstance(node, Instance)
            and isinstance(node.statement, Store)
            and node.statement.array == array
        ]
        own = sum(
            isinstance(each, Load) and each.array == array and each.indices == target.indices
            for each in operation.operands
        )
        return (
            len(stores) == 1
            and array not in self.finder.overlapping
            and self.finder.arrays[array].dtype == operation.type.dtype
            and self.finder.reads(array) == own
            and self._is_row(array, target.indices)
        )


def is_stripped(operation: Operation) -> bool:
    """Return whether NumPy's inner loop gives the same bits for a strip as for each element."""
    return operation.name in STRIPPED and operation.type.dtype in FLOAT_DTYPES
