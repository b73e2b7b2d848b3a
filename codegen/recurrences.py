"""Linear recurrences of floats in three passes over blocks of their iterations.

Before:  for i in range(0, n): y[i] = a[i] * y[i - 1] + b[i]
After:   parallel for block in range(0, blocks - 1):      what each block makes of any start x:
             y_run, y_factor = 0.0, 1.0                   y_factor * x + y_run
             for i in range(16 * block, 16 * block + 16):
                 y_factor = a[i] * y_factor
                 y_run = a[i] * y_run + b[i]
             y_starts[block], y_factors[block] = y_run, y_factor
         for block in range(0, blocks):                   with what each one starts
             y_starts[block], y_run = y_run, y_factors[block] * y_run + y_starts[block]
         parallel for block in range(0, blocks):          the loop itself
             y_run = y_starts[block]
             for i in range(16 * block, min(16 * block + 16, n)):
                 y_run = a[i] * y_run + b[i]
                 y[i] = y_run

That rounds otherwise than the loop in order, so it is for those who allow it. Where factors or
values grow beyond what floats hold, the loop runs in order: only there it is known what comes out.
(Chen, Kuck, Sameh, Practical parallel band triangular system solvers, ACM TOMS 1978, solve blocks
of a recurrence alike; Blelloch, Prefix Sums and Their Applications, 1990, section 1.4.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.dependence import AFFINE
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    Number,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    Variable,
)
from autopar.analysis.model.types import BOOL, ScalarType

from .blocks import Blocks, terms_of_passes
from .kernel import Instance, Loop, Node, Passes, Program, walk_nodes
from .linear_parts import linear_part
from .scans import first_values, held_body, scalars_of, scanned_slice

# Larger factors and values may be infinities soon, of which no product is known.
_LARGEST = {"float32": 1e30, "float64": 1e290}
_LEAST_WORTH = 32


def recurrence_passes(blocks: Blocks, program: Program) -> Passes | None:
    """Return the passes of linear recurrences; None where they ask for each other's values."""
    loop = blocks.loop
    if any(each.reduced.operator != AFFINE for each in loop.scans):
        return None
    names = scalars_of(blocks)
    body = held_body(loop, names)
    first = None if body is None else scanned_slice(loop, body, names, program)
    if body is None or first is None:
        return None
    return _Writer(blocks=blocks, names=names, body=body).passes(first)


def recurrent_loops(program: Program) -> tuple[tuple[Span, str], ...]:
    """Return where the loops stand that run so, and the word for it."""
    loops = [each for each in walk_nodes(program.body) if isinstance(each, Loop)]
    return tuple((each.span, "scan") for each in loops if each.passes and is_recurrence(each))


def is_recurrence(loop: Loop) -> bool:
    """Return whether a loop carries linear recurrences."""
    return any(each.reduced.operator == AFFINE for each in loop.scans)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    blocks: Blocks
    names: Mapping[str, str]  # the scalar of each target
    body: tuple[Node, ...]

    def passes(self, first: tuple[Node, ...]) -> Passes | None:
        """Return the passes; `first` is what computes the values alone."""
        loop, blocks = self.blocks.loop, self.blocks
        scans = {self.names[each.target]: each for each in loop.scans}
        types = {name: each.reduced.type for name, each in scans.items()}
        factors = {name: blocks.fresh(f"{name}_factor") for name in scans}
        for name, each in scans.items():
            blocks.variable(factors[name], types[name])
            if each.is_element:
                blocks.variable(name, types[name])
        starts = {name: self._array(f"{name}_starts", types[name]) for name in scans}
        products = {name: self._array(f"{name}_factors", types[name]) for name in scans}
        in_order = blocks.fresh("in_order")
        blocks.variable(in_order, BOOL)
        composed = tuple(self._with_factors(first, factors))
        plain = replace(loop, scans=(), is_parallel=False)
        before = blocks.over(
            (
                *(blocks.set(name, self._number(0.0, types[name])) for name in scans),
                *(blocks.set(factors[name], self._number(1.0, types[name])) for name in scans),
                blocks.of(replace(plain, body=composed)),
                *(blocks.put(starts[name], name, types[name]) for name in scans),
                *(blocks.put(products[name], factors[name], types[name]) for name in scans),
            ),
            upper=blocks.but_last(),
        )
        step = [
            node
            for name in scans
            for node in self._step(name, types[name], (starts[name], products[name]), in_order)
        ]
        run = blocks.over(
            (
                *(blocks.set(name, blocks.element(starts[name], types[name])) for name in scans),
                blocks.of(replace(plain, body=self.body)),
            )
        )
        nothing = Number(value=False, type=BOOL, span=loop.span)
        return Passes(
            before=before,
            starts=(
                *first_values(loop, scans),
                blocks.set(in_order, nothing),
                replace(blocks.over(tuple(step), blocks.but_last()), is_parallel=False),
                *self._last(types, starts, in_order),
            ),
            run=run,
            own=frozenset({*scans, *factors.values(), in_order}),
            in_order=in_order,
            terms=terms_of_passes(loop, _LEAST_WORTH),
            is_rounded=True,
        )

    def _array(self, name: str, type_: ScalarType) -> str:
        return self.blocks.array(name, type_.dtype, (self.blocks.room,))

    def _with_factors(self, nodes: tuple[Node, ...], factors: Mapping[str, str]) -> Iterator[Node]:
        """Yield `nodes` with what each value is multiplied by, before it changes."""
        for node in nodes:
            if isinstance(node, Instance) and isinstance(node.statement, SetVariable):
                name = node.statement.name
                if name in factors:
                    value = linear_part(node.statement.value, name, factors[name])
                    assert value is not None  # `find_scanned` looked
                    statement = replace(node.statement, name=factors[name], value=value)
                    yield replace(node, name=f"{node.name}_3", statement=statement)
            yield node

    def _step(
        self, name: str, type_: ScalarType, arrays: tuple[str, str], in_order: str
    ) -> Iterator[Node]:
        """Yield what makes the value of one block its start, and goes on to the next one."""
        blocks, span = self.blocks, self.blocks.loop.span
        value = Variable(name=name, type=type_, span=span)
        whole, factor = (blocks.fresh(f"{name}_{word}") for word in ("block", "times"))
        for scalar, array in zip((whole, factor), arrays, strict=True):
            blocks.variable(scalar, type_)
            yield blocks.set(scalar, blocks.element(array, type_))
            yield self._lost(scalar, type_, in_order)
        yield self._lost(name, type_, in_order)
        yield blocks.put(arrays[0], name, type_)
        sides = Variable(name=factor, type=type_, span=span), value
        product = Operation(name="*", operands=sides, type=type_, hazards=0, span=span)
        added = Variable(name=whole, type=type_, span=span)
        total = Operation(name="+", operands=(product, added), type=type_, hazards=0, span=span)
        yield blocks.set(name, total)

    def _last(
        self, types: Mapping[str, ScalarType], starts: Mapping[str, str], in_order: str
    ) -> Iterator[Node]:
        """Yield what stores the start of the last block."""
        for name, type_ in types.items():
            node = self.blocks.put(starts[name], name, type_)
            assert isinstance(node.statement, Store)  # it puts
            yield self._lost(name, type_, in_order)
            yield replace(
                node, statement=replace(node.statement, indices=(self.blocks.but_last(),))
            )

    def _lost(self, name: str, type_: ScalarType, in_order: str) -> Node:
        """Return the note that a value is too large for what is known of products."""
        span = self.blocks.loop.span
        value = Variable(name=name, type=type_, span=span)
        flag = Variable(name=in_order, type=BOOL, span=span)
        length = Operation(name="abs", operands=(value,), type=type_, hazards=0, span=span)
        is_small = _test("<", (length, self._number(_LARGEST[type_.dtype], type_)), span)
        lost = _test("or", (flag, _test("not", (is_small,), span)), span)
        return self.blocks.set(in_order, lost)

    def _number(self, value: float, type_: ScalarType) -> Number:
        return Number(value=value, type=type_, span=self.blocks.loop.span)


def _test(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Operation:
    return Operation(name=name, operands=operands, type=BOOL, hazards=0, span=span)
