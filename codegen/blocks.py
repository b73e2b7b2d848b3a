"""Blocks of iterations: the pieces that passes over them are made of.

Before:  for i in range(0, n): S0
After:   parallel for block in range(0, (n + 63) // 64):
             for i in range(64 * block, min(64 * block + 64, n)): S0
"""

from __future__ import annotations

from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Load,
    ScalarVariable,
    SetVariable,
    Store,
    TypedExpression,
    Variable,
)
from autopar.analysis.model.types import ArrayType, ScalarType
from autopar.analysis.model.unused import unused

from .integers import simplify
from .kernel import ArrayArgument, Instance, Loop, Node, walk_nodes
from .work import term_count, trip_count


@dataclass(slots=True, kw_only=True)
class Blocks:
    """The blocks of one loop, and what passes over them take beside it."""

    loop: Loop
    size: int  # iterations of a block
    room: Expression  # how many blocks there are at most, over parameters
    block: Name
    taken: set[str]
    arrays: list[ArrayArgument] = field(default_factory=list)
    variables: list[ScalarVariable] = field(default_factory=list)

    def over(self, body: tuple[Node, ...], upper: Expression | None = None) -> Loop:
        """Return a parallel loop over blocks, all of them or up to `upper`."""
        span = self.loop.span
        return Loop(
            iterator=self.block.name,
            lower=Constant(value=0, span=span),
            upper=upper or count_of(self.loop, self.size),
            step=1,
            is_parallel=True,
            private_arrays=(),
            body=body,
            span=span,
        )

    def but_last(self) -> Expression:
        """Return the number of blocks without the last one."""
        one = Constant(value=1, span=self.loop.span)
        count = count_of(self.loop, self.size)
        return Binary(operator="-", left=count, right=one, span=self.loop.span)

    def of(self, loop: Loop, first: int = 0, last: int | None = None) -> Loop:
        """Return `loop` over the iterations of a block from number `first` to before `last`."""
        span = loop.span
        last = self.size if last is None else last
        lower, upper = (self.place(each) for each in (first, last))
        end = Call(function="min", arguments=(upper, loop.upper), span=span)
        return replace(loop, lower=lower, upper=end, turns=last - first)

    def place(self, number: int) -> Expression:
        """Return the value of the iterator in iteration `number` of a block."""
        span, step = self.loop.span, self.loop.step
        size = Constant(value=step * self.size, span=span)
        skipped = Binary(operator="*", left=size, right=self.block, span=span)
        lower = Binary(operator="+", left=self.loop.lower, right=skipped, span=span)
        more = Constant(value=step * number, span=span)
        return simplify(Binary(operator="+", left=lower, right=more, span=span), span)

    def set(self, name: str, value: TypedExpression) -> Instance:
        """Return an assignment of a scalar."""
        span = self.loop.span
        statement = SetVariable(name=name, value=value, span=span)
        return Instance(name=self._label(), statement=statement, iterators=(), span=span)

    def put(self, array: str, name: str, type_: ScalarType) -> Instance:
        """Return a store of a scalar to the element of a block."""
        span = self.loop.span
        value = Variable(name=name, type=type_, span=span)
        statement = Store(array=array, indices=(self.block,), value=value, span=span)
        return Instance(name=self._label(), statement=statement, iterators=(), span=span)

    def element(self, array: str, type_: ScalarType) -> Load:
        """Return the element of a block."""
        return Load(array=array, indices=(self.block,), type=type_, span=self.loop.span)

    def array(self, wanted: str, dtype: str, extents: tuple[Expression, ...]) -> str:
        """Return the name of a new array."""
        name = self.fresh(wanted)
        kind = ArrayType(
            dtype=dtype, rank=len(extents), layout="C", is_aligned=True, is_writeable=True
        )
        self.arrays.append(
            ArrayArgument(name=name, type=kind, is_read=True, is_written=True, extents=extents)
        )
        return name

    def variable(self, name: str, type_: ScalarType) -> None:
        """Note a new scalar."""
        self.variables.append(
            ScalarVariable(name=name, type=type_, is_live_in=False, live_in_type=None)
        )

    def fresh(self, wanted: str) -> str:
        """Return a name that nothing else has."""
        name = unused(wanted, self.taken)
        self.taken.add(name)
        return name

    def _label(self) -> str:
        first = next(node for node in walk_nodes(self.loop.body) if isinstance(node, Instance))
        return f"{first.name}_2"


def count_of(loop: Loop, size: int) -> Expression:
    """Return the number of blocks of a loop."""
    if size == 1:
        return trip_count(loop)
    span = loop.span
    more = Constant(value=size - 1, span=span)
    total = Binary(operator="+", left=trip_count(loop), right=more, span=span)
    number = Constant(value=size, span=span)
    return Binary(operator="//", left=simplify(total, span), right=number, span=span)


def terms_of_passes(loop: Loop, worth: int) -> Expression:
    """Return how long a loop is, which must be more where loops in it are parallel themselves.

    Then each of its iterations counts for `worth` at most.
    """
    terms = term_count(loop)
    if not any(isinstance(each, Loop) and each.is_parallel for each in walk_nodes(loop.body)):
        return terms
    few = Constant(value=worth, span=loop.span)
    most_worth = Binary(operator="*", left=few, right=trip_count(loop), span=loop.span)
    return Call(function="min", arguments=(most_worth, terms), span=loop.span)
