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
from dataclasses import dataclass, field, replace

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression, Name
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    Load,
    Number,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    walk_statement,
)
from autopar.analysis.model.types import BOOL, ArrayType, ScalarType
from autopar.analysis.model.unused import unused

from .canonical import scan_block
from .extremes import names_in
from .integers import rename, simplify
from .kernel import (
    ArrayArgument,
    Branch,
    Instance,
    Loop,
    Node,
    Passes,
    Program,
    Scanned,
    names_of,
    walk_nodes,
)
from .liveness import assigned, exposed
from .partials import Part, partial_loop
from .scanned import earlier, held
from .sharing import most
from .slices import sliced
from .work import term_count, trip_count

# What an iteration counts for at most where the loops in it are parallel themselves.
_LEAST_WORTH = 32


def with_scans(program: Program) -> Program:
    """Return `program` with passes for each scan that the host may start."""
    planner = _Planner(program=program, taken=set(names_of(program)))
    body = planner.nodes(program.body, ())
    return replace(
        program,
        body=body,
        arrays=(*program.arrays, *planner.arrays),
        variables=(*program.variables, *planner.variables),
    )


@dataclass(slots=True, kw_only=True)
class _Planner:
    """Finds scans among the loops that the host runs, and remembers what their passes take."""

    program: Program
    taken: set[str]
    arrays: list[ArrayArgument] = field(default_factory=list)
    variables: list[ScalarVariable] = field(default_factory=list)

    def nodes(self, nodes: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(self._node(each, around) for each in nodes)

    def _node(self, node: Node, around: tuple[Loop, ...]) -> Node:
        match node:
            case Loop() if node.stands_for is not None:
                return node
            case Loop() if node.scans:
                found = self._scan(node, around)
                return found or self._node(replace(node, scans=()), around)
            case Loop() if not node.is_shared and node.within is None and node.stays is None:
                return replace(node, body=self.nodes(node.body, (*around, node)))
            case Branch():
                return replace(node, body=self.nodes(node.body, around))
        return node

    def _scan(self, loop: Loop, around: tuple[Loop, ...]) -> Loop | None:
        blocks = _blocks(loop)
        room = self._most_blocks(blocks, around)
        names = {each.target: each.target for each in loop.scans}
        names |= {
            each.target: unused(f"{each.target}_run", self.taken)
            for each in loop.scans
            if each.is_element
        }
        body = _held(loop, names)
        own = frozenset((*names.values(), *_marks(loop)))
        if room is None or body is None or not self._is_all(loop, body, own):
            return None
        first = _slice(loop, body, names, self.program)
        if first is None:
            return None
        writer = _Writer(
            loop=loop, names=names, taken=self.taken, room=room, blocks=blocks, body=body
        )
        passes = writer.passes(first)
        self.arrays += writer.arrays
        self.variables += writer.variables
        return replace(loop, passes=passes)

    def _most_blocks(self, blocks: Expression, around: tuple[Loop, ...]) -> Expression | None:
        """Return a bound of the number of blocks over parameters alone."""
        bound: Expression | None = blocks
        for loop in reversed(around):
            bound = None if bound is None else most(bound, loop)
        known = {each.name for each in self.program.integers}
        return bound if bound is not None and names_in(bound) <= known else None

    def _is_all(self, loop: Loop, body: tuple[Node, ...], targets: frozenset[str]) -> bool:
        """Return whether no other scalar goes from one iteration to the next, or out of some."""
        if exposed(body) & assigned(body) - targets:
            return False
        wanted = _read_outside(self.program, loop) | set(self.program.results)
        others = (assigned(body) - targets) & wanted
        return not exposed((*body, *_asking(others, loop))) & others


def _holds_parallel(loop: Loop) -> bool:
    """Return whether what is in the loop is shared out as it is."""
    return any(isinstance(each, Loop) and each.is_parallel for each in walk_nodes(loop.body))


def _marks(loop: Loop) -> tuple[str, ...]:
    """Return the truth values that say whether an extremum is no longer what it was at first."""
    return tuple(mark for each in loop.scans for mark in each.reduced.replaced)


def _read_outside(program: Program, loop: Loop) -> set[str]:
    """Return the scalars that something outside of `loop` reads."""
    inside = {id(node) for node in walk_nodes((loop,))}
    return {
        leaf.name
        for node in walk_nodes(program.body)
        if isinstance(node, Instance) and id(node) not in inside
        for leaf in walk_statement(node.statement)
        if isinstance(leaf, Variable)
    }


def _asking(names: frozenset[str], loop: Loop) -> Iterator[Instance]:
    """Yield statements that read scalars, to see which of them may have no value."""
    for name in sorted(names):
        value = Variable(name=name, type=BOOL, span=loop.span)
        statement = SetVariable(name=f"{name} asked", value=value, span=loop.span)
        yield Instance(name="asked", statement=statement, iterators=(), span=loop.span)


def _held(loop: Loop, names: Mapping[str, str]) -> tuple[Node, ...] | None:
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


def _slice(
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


@dataclass(slots=True, kw_only=True)
class _Writer:
    """Writes the passes of one scan."""

    loop: Loop
    names: Mapping[str, str]  # the scalar of each target
    taken: set[str]
    room: Expression  # blocks, at most
    blocks: Expression
    body: tuple[Node, ...]
    arrays: list[ArrayArgument] = field(default_factory=list)
    variables: list[ScalarVariable] = field(default_factory=list)

    def passes(self, first: tuple[Node, ...]) -> Passes:
        """Return the passes; `first` is what accumulates the scanned values."""
        span, loop = self.loop.span, self.loop
        block = Name(name=self._fresh("block"), span=span)
        scans = {self.names[each.target]: each for each in loop.scans}
        # Where the array's name stands for its element, the scalar stands now.
        reductions = tuple(replace(each.reduced, target=name) for name, each in scans.items())
        inner = replace(loop, body=first, reductions=reductions, scans=(), is_parallel=False)
        partial = partial_loop(inner, frozenset(self.taken))
        parts = {each.name: each for each in partial.parts if each.kind == "value"}
        for name, each in scans.items():
            if each.is_element:
                self._variable(name, each.reduced.type)
        starts = {name: self._array(name, each.reduced.type) for name, each in scans.items()}
        starts |= {mark: self._array(mark, BOOL) for mark in _marks(loop)}
        in_order = self._fresh("in_order")
        self._variable(in_order, BOOL)
        sums = self._over_blocks(
            block,
            (
                *(self._set(name, parts[name].neutral) for name in scans),
                self._of_block(replace(partial.loop, reductions=()), block),
                *(self._put(starts[name], name, parts[name].type, block) for name in scans),
            ),
            upper=_minus_one(self.blocks),
        )
        run = self._over_blocks(
            block,
            (
                *(
                    self._set(name, self._element(starts[name], parts[name].type, block))
                    for name in scans
                ),
                *(
                    self._set(each, self._element(starts[each], BOOL, block))
                    for each in _marks(loop)
                ),
                self._of_block(replace(loop, body=self.body, scans=()), block),
            ),
        )
        return Passes(
            sums=sums,
            starts=(
                *self._first_values(scans),
                self._set(in_order, self._not_fit(scans)),
                replace(
                    self._over_blocks(
                        block, tuple(self._step(scans, parts, starts, in_order, block))
                    ),
                    is_parallel=False,
                ),
            ),
            run=run,
            own=frozenset({*starts, in_order}),
            in_order=in_order,
            terms=_terms(loop),
            is_rounded=any(each.reduced.is_rounded for each in loop.scans),
        )

    def _first_values(self, scans: Mapping[str, Scanned]) -> Iterator[Node]:
        """Yield what the first iteration goes on from, where that is an element."""
        for name, scan in scans.items():
            if not scan.is_element:
                continue
            (instance,) = [
                node
                for node in self.loop.body
                if isinstance(node, Instance) and node.name in scan.reduced.statements
            ]
            assert isinstance(instance.statement, Store)  # `_held` found it
            load = earlier(instance.statement)[0]
            statement = SetVariable(name=name, value=load, span=instance.span)
            values = {self.loop.iterator: self.loop.lower}
            iterators = tuple((each, rename(value, values)) for each, value in instance.iterators)
            yield replace(
                instance, name=f"{instance.name}_1", statement=statement, iterators=iterators
            )

    def _step(
        self,
        scans: Mapping[str, Scanned],
        parts: Mapping[str, Part],
        starts: Mapping[str, str],
        in_order: str,
        block: Name,
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
                yield self._set(in_order, _operation("or", (flag, lost), span))
            whole = self._fresh(f"{name}_block")
            self._variable(whole, part.type)
            yield self._set(whole, self._element(starts[name], part.type, block))
            yield self._put(starts[name], name, part.type, block)
            assert isinstance(part.combination, Operation)  # a value has one
            sides = {"left": value, "right": Variable(name=whole, type=part.type, span=span)}
            sign = ">" if scan.reduced.operator == "max" else "<"
            for mark in scan.reduced.replaced:
                yield self._put(starts[mark], mark, BOOL, block)
                test = _operation(sign, (sides["right"], value), span)
                before = Variable(name=mark, type=BOOL, span=span)
                yield self._set(mark, _operation("or", (before, test), span))
            operands = tuple(
                sides[each.name] for each in part.combination.operands if isinstance(each, Variable)
            )
            yield self._set(name, replace(part.combination, operands=operands))

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

    # ------------------------------------------------------------------ pieces

    def _over_blocks(
        self, block: Name, body: tuple[Node, ...], upper: Expression | None = None
    ) -> Loop:
        span = self.loop.span
        return Loop(
            iterator=block.name,
            lower=Constant(value=0, span=span),
            upper=upper or self.blocks,
            step=1,
            is_parallel=True,
            private_arrays=(),
            body=body,
            span=span,
        )

    def _of_block(self, loop: Loop, block: Name) -> Loop:
        """Return `loop` over the iterations of one block."""
        span = loop.span
        size = Constant(value=loop.step * scan_block(self.loop), span=span)
        skipped = Binary(operator="*", left=size, right=block, span=span)
        lower = Binary(operator="+", left=loop.lower, right=skipped, span=span)
        upper = simplify(Binary(operator="+", left=lower, right=size, span=span), span)
        end = Call(function="min", arguments=(upper, loop.upper), span=span)
        turns = scan_block(self.loop)
        return replace(loop, lower=simplify(lower, span), upper=end, turns=turns)

    def _set(self, name: str, value: TypedExpression) -> Instance:
        span = self.loop.span
        return Instance(
            name=self._label(),
            statement=SetVariable(name=name, value=value, span=span),
            iterators=self._iterators(),
            span=span,
        )

    def _put(self, array: str, name: str, type_: ScalarType, block: Name) -> Instance:
        span = self.loop.span
        value = Variable(name=name, type=type_, span=span)
        statement = Store(array=array, indices=(block,), value=value, span=span)
        return Instance(
            name=self._label(), statement=statement, iterators=self._iterators(), span=span
        )

    def _element(self, array: str, type_: ScalarType, block: Name) -> Load:
        return Load(array=array, indices=(block,), type=type_, span=self.loop.span)

    def _iterators(self) -> tuple[tuple[str, Expression], ...]:
        return ()

    def _label(self) -> str:
        first = next(node for node in walk_nodes(self.loop.body) if isinstance(node, Instance))
        return f"{first.name}_2"

    def _array(self, name: str, type_: ScalarType) -> str:
        array = self._fresh(f"{name}_starts")
        kind = ArrayType(dtype=type_.dtype, rank=1, layout="C", is_aligned=True, is_writeable=True)
        self.arrays.append(
            ArrayArgument(
                name=array, type=kind, is_read=True, is_written=True, extents=(self.room,)
            )
        )
        return array

    def _variable(self, name: str, type_: ScalarType) -> None:
        self.variables.append(
            ScalarVariable(name=name, type=type_, is_live_in=False, live_in_type=None)
        )

    def _fresh(self, wanted: str) -> str:
        name = unused(wanted, self.taken)
        self.taken.add(name)
        return name


def _blocks(loop: Loop) -> Expression:
    """Return the number of blocks of a scan."""
    size, span = scan_block(loop), loop.span
    if size == 1:
        return trip_count(loop)
    more = Constant(value=size - 1, span=span)
    total = Binary(operator="+", left=trip_count(loop), right=more, span=span)
    number = Constant(value=size, span=span)
    return Binary(operator="//", left=simplify(total, span), right=number, span=span)


def _terms(loop: Loop) -> Expression:
    """Return how long a scan is, which must be more where its inner loops are parallel."""
    terms = term_count(loop)
    if not _holds_parallel(loop):
        return terms
    few = Constant(value=_LEAST_WORTH, span=loop.span)
    most_worth = Binary(operator="*", left=few, right=trip_count(loop), span=loop.span)
    return Call(function="min", arguments=(most_worth, terms), span=loop.span)


def _minus_one(count: Expression) -> Expression:
    one = Constant(value=1, span=count.span)
    return Binary(operator="-", left=count, right=one, span=count.span)


def _operation(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Operation:
    return Operation(name=name, operands=operands, type=BOOL, hazards=0, span=span)
