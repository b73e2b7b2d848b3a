"""Let several rows of a recurrence be under way at once, each some columns behind the last.

Before:  for i in range(1, n):                        each row waits for itself, element by element
             for j in range(1, m): a[i, j] = a[i - 1, j] + a[i, j - 1]
After:   for i_rows in range(1, n, 6):
             for j_front in ...:                      until all six rows have begun, row by row
                 for i in range(i_rows, i_rows + 6): for j in range(j_front - i, ...): ...
             for j_front in range(...):               six rows, nothing between them to wait for
                 a[i_rows, j_front - i_rows] = ...
                 a[i_rows + 1, j_front - i_rows - 1] = ...
                 ...
             for j_front in ...: ...                  until the last row has ended, row by row

Rows of integers run in the lanes of vectors (`codegen.lanes`): their chains are so short that six
at once are no faster, but a processor computes eight elements of them as it computes one. Where it
has registers enough, and there is little to compute, sixteen rows do so: while one half waits for
its lanes to move, the other one computes.

A recurrence is bound by the latency of its own chain; here a processor has six chains to work at.
(Unroll-and-jam of the skewed band: Callahan, Cocke, Kennedy, Estimating interlock and improving
balance for pipelined architectures, JPDC 1988; Wolfe, IJPP 1986, for the skew.) The analysis has
shown that what runs at one `j_front` may run in any order. There are loops only, no tests: what
LLVM computes early under a test would raise the flags of arithmetic that never happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from functools import reduce

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import Operation, TypedExpression, walk_statement
from autopar.analysis.model.unused import unused

from .integers import difference, rename, simplify
from .kernel import (
    Branch,
    Decision,
    Instance,
    LaneBand,
    Loop,
    Node,
    Program,
    names_of,
    runs_by_times,
    walk_nodes,
)
from .lane_expressions import fits_lanes
from .lane_plan import plan_lanes
from .surroundings import lanes_at_once

# Rows under way at once. Eight were a little faster where they fit, but rows of a power of two of
# elements meet in the same few places of a cache of eight ways.
ROWS = 6
# Rows that run in the lanes of vectors.
LANES = 8
# Operations of a body that has not enough to do while lanes move.
_FEW = 4
# Times of rows that run one row after the other, where not all of them are under way.
SLAB = 1024
# Nodes of all statements of a body: longer ones have enough to do while they wait.
_LONGEST = 80


def with_jammed(program: Program) -> Program:
    """Return `program` with rows that overlap, wherever they may and that pays."""
    jammer = _Jammer(taken=set(names_of(program)), overlapping=program.overlapping)
    return replace(program, body=jammer.nodes(program.body))


def jammed_loops(program: Program) -> tuple[tuple[Span, str], ...]:
    """Return where the loops stand of which rows overlap, and the word for it."""
    loops = [each for each in walk_nodes(program.body) if isinstance(each, Loop)]
    found = [each.stands_for or each for each in loops if each.stands_for or runs_by_times(each)]
    return tuple((each.span, "skew") for loop in found for each in (loop, *loop.body))


@dataclass(slots=True)
class _Jammer:
    taken: set[str]
    overlapping: frozenset[str]

    def nodes(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(self._node(each) for each in nodes)

    def _node(self, node: Node) -> Node:
        match node:
            case Instance():
                return node
            case Loop():
                inner = _row(node)
                jammed = None if inner is None else self._jammed(node, inner)
                if jammed is not None:
                    return jammed
                return replace(node, body=self.nodes(node.body))
            case Branch():
                return replace(node, body=self.nodes(node.body))
            case Decision():
                return replace(node, body=self.nodes(node.body), orelse=self.nodes(node.orelse))

    def _jammed(self, outer: Loop, inner: Loop) -> Loop | None:
        """Return rows that overlap; None where that gains nothing."""
        front = f"{inner.iterator}_front"
        names = f"{outer.iterator}_rows", front, f"{front}_end"
        band = _Band(outer=outer, inner=inner, names=names)
        if not _waits(inner):
            lanes = band.in_lanes()
            plan = plan_lanes(lanes, self.overlapping) if _fits_lanes(inner) else None
            if plan is None:
                return None
            band = replace(band, count=lanes.count, reach=plan.reach, has_lanes=True)
        band = replace(band, names=tuple(map(self._name, names)))
        plain = replace(outer, skew=None)
        return replace(
            plain,
            iterator=band.rows,
            step=band.count,
            body=band.body(),
            is_staggered=True,
            stands_for=plain,
        )

    def _name(self, name: str) -> str:
        found = unused(name, self.taken)
        self.taken.add(found)
        return found


def _row(loop: Loop) -> Loop | None:
    """Return the loop of one row of a nest of which rows may overlap with gain, else None."""
    if loop.skew is None or loop.step != 1 or not _runs_in_order(loop) or len(loop.body) != 1:
        return None
    (inner,) = loop.body
    if not isinstance(inner, Loop) or inner.step != 1 or not _runs_in_order(inner):
        return None
    instances = [each for each in walk_nodes(inner.body) if not isinstance(each, Decision)]
    if not all(isinstance(each, Instance) for each in instances):
        return None
    return inner if sum(1 for _ in _operands(inner)) <= _LONGEST else None


def _operands(inner: Loop) -> Iterator[TypedExpression]:
    for each in walk_nodes(inner.body):
        if isinstance(each, Instance):
            yield from walk_statement(each.statement)


def _waits(inner: Loop) -> bool:
    """Return whether a row waits for its own chain of operations.

    Under a decision it does not: that is a branch, which is foreseen half the time.
    """
    is_plain = all(isinstance(each, Instance) for each in inner.body)
    return is_plain and any(map(_takes_long, _operands(inner)))


def _fits_lanes(inner: Loop) -> bool:
    nodes = walk_nodes(inner.body)
    return all(fits_lanes(each.statement) for each in nodes if isinstance(each, Instance))


def _lanes(inner: Loop) -> int:
    """Return how many rows run side by side."""
    operations = sum(isinstance(each, Operation) for each in _operands(inner))
    return lanes_at_once() if operations <= _FEW else LANES


def _takes_long(node: TypedExpression) -> bool:
    """Return whether the next operation waits for the value of `node`: one of integers does not."""
    return isinstance(node, Operation) and node.type.dtype[0] in "fc"


def _runs_in_order(loop: Loop) -> bool:
    is_whole = loop.within is None and loop.stays is None and not loop.is_endless
    return is_whole and not loop.is_shared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """`count` iterations of the outer loop, from the first of `names` on, at times, the second.

    Where not all are under way, from one of these times to the third name.
    """

    outer: Loop
    inner: Loop
    names: tuple[str, ...]
    count: int = field(default_factory=lambda: ROWS)
    reach: int = 0  # how many times back rows in lanes look
    has_lanes: bool = False

    @property
    def rows(self) -> str:
        return self.names[0]

    @property
    def front(self) -> str:
        return self.names[1]

    def in_lanes(self) -> LaneBand:
        """Return the rows as lanes."""
        assert self.outer.skew is not None  # the caller looked
        return LaneBand(
            outer=self.outer.iterator,
            inner=self.inner.iterator,
            rows=self.rows,
            skew=self.outer.skew,
            count=_lanes(self.inner),
            body=self.inner.body,
        )

    def body(self) -> tuple[Loop, ...]:
        """Return the rows beginning, all of them under way, and ending.

        Where fewer are left, the first loop runs them to their end.
        """
        begins, ends = self._times(self.inner.lower), self._times(self.inner.upper)
        first = _least(begins)
        all_begun = self._plus(_greatest(begins), self._number(self.reach))
        last, one_ended = _greatest(ends), _least(ends)
        middle_end = _call("max", all_begun, one_ended)
        is_full = self._is_full()
        begun = self._minus(last, self._times_of(is_full, last, _call("min", all_begun, last)))
        stop = self._plus(all_begun, self._times_of(is_full, middle_end, all_begun))
        ending = self._minus(last, self._times_of(is_full, last, middle_end))
        return (
            self._edge(first, begun),
            self._middle(all_begun, stop),
            self._edge(ending, last),
        )

    def _middle(self, lower: Expression, upper: Expression) -> Loop:
        loop = self._front(lower, upper, tuple(self._unrolled()))
        return replace(loop, lanes=self.in_lanes()) if self.has_lanes else loop

    def _times(self, column: Expression) -> tuple[Expression, ...]:
        """Return the time at which each row is at `column`, which may depend on the row."""
        return tuple(self._time(self._row(number), column) for number in range(self.count))

    def _time(self, row: Expression, column: Expression) -> Expression:
        assert self.outer.skew is not None  # the caller looked
        here = rename(column, {self.outer.iterator: row})
        skewed = Binary(operator="*", left=self._number(self.outer.skew), right=row, span=self.span)
        return self._plus(here, skewed)

    def _column(self, row: Expression, time: str) -> Expression:
        """Return the column that a row is at, at the time called `time`."""
        return self._minus(self._name(time), self._time(row, self._number(0)))

    def _unrolled(self) -> Iterator[Node]:
        for number in range(self.count):
            row = self._row(number)
            yield from self._copies(self.inner.body, number, row, self._column(row, self.front))

    def _edge(self, lower: Expression, upper: Expression) -> Loop:
        """Return the rows at the times from `lower` to `upper`, those that have a column there.

        One row after the other, as in the source: what each needs of the rows before it is done.
        """
        row = self._name(self.outer.iterator)
        column = self._name(self.inner.iterator)
        body = self._copies(self.inner.body, self.count, row, column)
        in_row = replace(
            self.inner,
            lower=_call("max", self.inner.lower, self._column(row, self.front)),
            upper=_call("min", self.inner.upper, self._column(row, self.names[2])),
            body=body,
        )
        last = self._plus(self._name(self.rows), self._number(self.count))
        of_rows = replace(
            self.outer,
            lower=self._name(self.rows),
            upper=_call("min", last, self.outer.upper),
            body=(in_row,),
            skew=None,
        )
        return replace(self._front(lower, upper, (of_rows,)), step=SLAB, group_end=self.names[2])

    def _front(self, lower: Expression, upper: Expression, body: tuple[Node, ...]) -> Loop:
        return replace(self.inner, iterator=self.front, lower=lower, upper=upper, body=body)

    def _copies(
        self, nodes: tuple[Node, ...], copy: int, row: Expression, column: Expression
    ) -> tuple[Node, ...]:
        return tuple(self._copy(each, copy, row, column) for each in nodes)

    def _copy(self, node: Node, copy: int, row: Expression, column: Expression) -> Node:
        if isinstance(node, Decision):
            body = self._copies(node.body, copy, row, column)
            return replace(node, body=body, orelse=self._copies(node.orelse, copy, row, column))
        assert isinstance(node, Instance)  # `_row` looked
        values = {self.outer.iterator: row, self.inner.iterator: column}
        iterators = tuple(
            (name, simplify(rename(value, values), self.span)) for name, value in node.iterators
        )
        return replace(node, name=f"{node.name}_{copy}", iterators=iterators)

    def _is_full(self) -> Expression:
        """Return 1 where there are rows enough, else 0."""
        left = self._minus(self.outer.upper, self._row(self.count - 1))
        return _call("min", self._number(1), _call("max", self._number(0), left))

    def _times_of(self, factor: Expression, left: Expression, right: Expression) -> Expression:
        apart = self._minus(left, right)
        return Binary(operator="*", left=factor, right=apart, span=self.span)

    def _row(self, number: int) -> Expression:
        return self._plus(self._name(self.rows), self._number(number))

    @property
    def span(self) -> Span:
        return self.outer.span

    def _name(self, name: str) -> Name:
        return Name(name=name, span=self.span)

    def _number(self, value: int) -> Constant:
        return Constant(value=value, span=self.span)

    def _plus(self, left: Expression, right: Expression) -> Expression:
        return simplify(Binary(operator="+", left=left, right=right, span=self.span), self.span)

    def _minus(self, left: Expression, right: Expression) -> Expression:
        return simplify(Binary(operator="-", left=left, right=right, span=self.span), self.span)


def _least(times: tuple[Expression, ...]) -> Expression:
    return reduce(lambda one, other: _extreme("min", one, other), times)


def _greatest(times: tuple[Expression, ...]) -> Expression:
    return reduce(lambda one, other: _extreme("max", one, other), times)


def _extreme(word: str, one: Expression, other: Expression) -> Expression:
    """Return the smaller or greater of two, as one of them where that is known."""
    apart = difference(one, other)
    if apart is None:
        return _call(word, one, other)
    return one if (apart < 0) == (word == "min") else other


def _call(word: str, *arguments: Expression) -> Expression:
    flat = [
        inner
        for each in arguments
        for inner in (
            each.arguments if isinstance(each, Call) and each.function == word else (each,)
        )
    ]
    distinct = tuple(dict.fromkeys(flat))
    if len(distinct) == 1:
        return distinct[0]
    return Call(function=word, arguments=distinct, span=distinct[0].span)
