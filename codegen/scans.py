"""Scans in three passes over blocks of their iterations.

Before:  for i in range(0, n): s = s + a[i]; out[i] = s
After:   parallel for block in range(0, blocks - 1):      what each block adds up to
             s = -0.0
             for i in range(64 * block, 64 * block + 64): s = s + a[i]
             s_starts[block] = s
         for block in range(0, blocks):                   with what each one starts
             s_starts[block], s = s, s + s_starts[block]
         parallel for block in range(0, blocks):          the loop itself
             s = s_starts[block]
             for i in range(64 * block, min(64 * block + 64, n)): s = s + a[i]; out[i] = s

What the first pass runs is the slice of the scanned values, and nothing is stored in it but
these. Of a float sum the order of additions is one that depends on the number of iterations
alone. What comes out is what the loop in order leaves for everything else: integers are exact
modulo 2 ** 64 whatever the order, and in the last pass every operation is checked as in the loop
in order, which finds the first overflow since no block starts wrong before it.

Blelloch, Prefix Sums and Their Applications, 1990, scans blocks alike; Ladner and Fischer,
Parallel prefix computation, JACM 1980.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.dependence import AFFINE
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    walk_statement,
)
from autopar.analysis.model.types import BOOL, ScalarType

from .blocks import Blocks, terms_of_passes
from .integers import rename
from .kernel import Instance, Loop, Node, Passes, Program, Scanned, walk_nodes
from .partials import Part, partial_loop
from .scanned import earlier, held
from .slices import sliced

# What an iteration counts for at most where the loops in it are parallel themselves.
_LEAST_WORTH = 32


def scan_passes(blocks: Blocks, program: Program) -> Passes | None:
    """Return the passes of a scan; None where the first one would ask for more than it knows."""
    loop = blocks.loop
    if any(each.reduced.operator == AFFINE for each in loop.scans):
        return None
    names = scalars_of(blocks)
    body = held_body(loop, names)
    first = None if body is None else scanned_slice(loop, body, names, program)
    if body is None or first is None:
        return None
    return _Writer(blocks=blocks, names=names, body=body).passes(first)


def scalars_of(blocks: Blocks) -> dict[str, str]:
    """Return the scalars that hold the scanned values of a loop, by their targets."""
    return {
        each.target: blocks.fresh(f"{each.target}_run") if each.is_element else each.target
        for each in blocks.loop.scans
    }


def accumulated(loop: Loop) -> frozenset[str]:
    """Return the scalars that a scan accumulates, and the truth values beside them."""
    return frozenset((*(each.target for each in loop.scans), *_marks(loop)))


def _marks(loop: Loop) -> tuple[str, ...]:
    """Return the truth values that say whether an extremum is no longer what it was at first."""
    return tuple(mark for each in loop.scans for mark in each.reduced.replaced)


def held_body(loop: Loop, names: Mapping[str, str]) -> tuple[Node, ...] | None:
    """Return the body of a scan with scalars for the elements it accumulates into."""
    elements = {each.target: each for each in loop.scans if each.is_element}
    body: list[Node] = []
    for node in loop.body:
        if not isinstance(node, Instance) or not isinstance(node.statement, Store):
            body.append(node)
            continue
        store = node.statement
        if store.array not in elements:
            body.append(node)
            continue
        name = names[store.array]
        scalar = held(store, store.array, name)
        if scalar is None:
            return None
        value = Variable(name=name, type=scalar.value.type, span=store.span)
        body += [
            replace(node, statement=scalar),
            replace(node, name=f"{node.name}_0", statement=replace(store, value=value)),
        ]
    return tuple(body)


def scanned_slice(
    loop: Loop, body: tuple[Node, ...], names: Mapping[str, str], program: Program
) -> tuple[Node, ...] | None:
    """Return what accumulates the scanned values; None where it asks for values on the way.

    Nor may it read elements that the loop stores, as it runs before anything is stored.
    """
    own = {one for each in loop.scans for one in each.reduced.statements}
    targets = frozenset(names.values())

    def question(node: Instance) -> TypedStatement | None:
        return node.statement if _sets_one(node, own, targets) else None

    kept = sliced(body, question, frozenset())
    instances = [node for node in walk_nodes(kept) if isinstance(node, Instance)]
    if any(not _is_apart(each, own, targets) for each in instances):
        return None
    loaded = {
        leaf.array
        for each in instances
        for leaf in walk_statement(each.statement)
        if isinstance(leaf, Load)
    }
    stored = {
        node.statement.array
        for node in walk_nodes(body)
        if isinstance(node, Instance) and isinstance(node.statement, Store)
    }
    if loaded & stored or (stored and loaded & program.overlapping):
        return None
    return kept


def first_values(loop: Loop, scans: Mapping[str, Scanned]) -> Iterator[Node]:
    """Yield what the first iteration goes on from, where that is an element."""
    for name, scan in scans.items():
        if not scan.is_element:
            continue
        (instance,) = [
            node
            for node in loop.body
            if isinstance(node, Instance) and node.name in scan.reduced.statements
        ]
        assert isinstance(instance.statement, Store)  # `held_body` found it
        load = earlier(instance.statement)[0]
        statement = SetVariable(name=name, value=load, span=instance.span)
        values = {loop.iterator: loop.lower}
        iterators = tuple((each, rename(value, values)) for each, value in instance.iterators)
        yield replace(instance, name=f"{instance.name}_1", statement=statement, iterators=iterators)


def _sets_one(node: Instance, own: set[str], targets: frozenset[str]) -> bool:
    statement = node.statement
    return node.name in own and isinstance(statement, SetVariable) and statement.name in targets


def _is_apart(node: Instance, own: set[str], targets: frozenset[str]) -> bool:
    """Return whether a statement of the slice reads no scanned value but that it grows itself."""
    read = {leaf.name for leaf in walk_statement(node.statement) if isinstance(leaf, Variable)}
    if not _sets_one(node, own, targets):
        return not read & targets
    assert isinstance(node.statement, SetVariable)  # it sets one
    return not (read & targets) - {node.statement.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Writes the passes of one scan."""

    blocks: Blocks
    names: Mapping[str, str]  # the scalar of each target
    body: tuple[Node, ...]

    @property
    def loop(self) -> Loop:
        """The scan."""
        return self.blocks.loop

    def passes(self, first: tuple[Node, ...]) -> Passes:
        """Return the passes; `first` is what accumulates the scanned values."""
        loop = self.loop
        scans = {self.names[each.target]: each for each in loop.scans}
        # Where the array's name stands for its element, the scalar stands now.
        reductions = tuple(replace(each.reduced, target=name) for name, each in scans.items())
        inner = replace(loop, body=first, reductions=reductions, scans=(), is_parallel=False)
        partial = partial_loop(inner, frozenset(self.blocks.taken))
        parts = {each.name: each for each in partial.parts if each.kind == "value"}
        for name, each in scans.items():
            if each.is_element:
                self.blocks.variable(name, each.reduced.type)
        starts = {name: self._array(name, each.reduced.type) for name, each in scans.items()}
        starts |= {mark: self._array(mark, BOOL) for mark in _marks(loop)}
        in_order = self.blocks.fresh("in_order")
        self.blocks.variable(in_order, BOOL)
        sums = self.blocks.over(
            (
                *(self.blocks.set(name, parts[name].neutral) for name in scans),
                self.blocks.of(replace(partial.loop, reductions=())),
                *(self.blocks.put(starts[name], name, parts[name].type) for name in scans),
            ),
            upper=self.blocks.but_last(),
        )
        run = self.blocks.over(
            (
                *(
                    self.blocks.set(name, self.blocks.element(starts[name], parts[name].type))
                    for name in scans
                ),
                *(
                    self.blocks.set(each, self.blocks.element(starts[each], BOOL))
                    for each in _marks(loop)
                ),
                self.blocks.of(replace(loop, body=self.body, scans=())),
            ),
        )
        return Passes(
            before=sums,
            starts=(
                *first_values(loop, scans),
                self.blocks.set(in_order, self._not_fit(scans)),
                replace(
                    self.blocks.over(tuple(self._step(scans, parts, starts, in_order))),
                    is_parallel=False,
                ),
            ),
            run=run,
            own=frozenset({*starts, in_order}),
            in_order=in_order,
            terms=terms_of_passes(loop, _LEAST_WORTH),
            is_rounded=any(each.reduced.is_rounded for each in loop.scans),
        )

    def _array(self, name: str, type_: ScalarType) -> str:
        return self.blocks.array(f"{name}_starts", type_.dtype, (self.blocks.room,))

    def _step(
        self,
        scans: Mapping[str, Scanned],
        parts: Mapping[str, Part],
        starts: Mapping[str, str],
        in_order: str,
    ) -> Iterator[Node]:
        """Yield what makes the sum of one block its start."""
        span = self.loop.span
        for name, scan in scans.items():
            part = parts[name]
            value = Variable(name=name, type=part.type, span=span)
            if scan.reduced.is_rounded:
                is_finite = _operation("numpy.isfinite", (value,), span)
                flag = Variable(name=in_order, type=BOOL, span=span)
                lost = _operation("not", (is_finite,), span)
                yield self.blocks.set(in_order, _operation("or", (flag, lost), span))
            whole = self.blocks.fresh(f"{name}_block")
            self.blocks.variable(whole, part.type)
            yield self.blocks.set(whole, self.blocks.element(starts[name], part.type))
            yield self.blocks.put(starts[name], name, part.type)
            assert isinstance(part.combination, Operation)  # a value has one
            sides = {"left": value, "right": Variable(name=whole, type=part.type, span=span)}
            sign = ">" if scan.reduced.operator == "max" else "<"
            for mark in scan.reduced.replaced:
                yield self.blocks.put(starts[mark], mark, BOOL)
                test = _operation(sign, (sides["right"], value), span)
                before = Variable(name=mark, type=BOOL, span=span)
                yield self.blocks.set(mark, _operation("or", (before, test), span))
            operands = tuple(
                sides[each.name] for each in part.combination.operands if isinstance(each, Variable)
            )
            yield self.blocks.set(name, replace(part.combination, operands=operands))

    def _not_fit(self, scans: Mapping[str, Scanned]) -> TypedExpression:
        """Return whether a scalar that selects where to store starts below zero."""
        span = self.loop.span
        found: TypedExpression = Number(value=False, type=BOOL, span=span)
        for name, scan in scans.items():
            if scan.is_place:
                type_ = scan.reduced.type
                zero = Number(value=0, type=type_, span=span)
                value = Variable(name=name, type=type_, span=span)
                test = _operation("<", (value, zero), span)
                found = _operation("or", (found, test), span)
        return found


def _operation(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Operation:
    return Operation(name=name, operands=operands, type=BOOL, hazards=0, span=span)
