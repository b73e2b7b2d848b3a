"""Build the polyhedral model of a loop nest.

Before:  for i in range(1, n):         After:  S0: domain [n] -> { S0[i] : 1 <= i < n }
             a[i] = a[i - 1] + s                   read  { S0[i] -> a[i - 1] }
                                                   write { S0[i] -> a[i] }

Scalars that hold an affine value are substituted into subscripts and bounds (`j = 2 * i + 1`;
`a[j]`), within the statements where that value is certain to hold.

Its helpers: `name_uses`, `scop_draft`, `subscripts`, `folding`, `bounds`, `branches`, `accesses`,
`affine`, `conditionals`, `data_bounds`, `substitution`, `truth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model import isl
from ..model.diagnostics import Reason, Refusal
from ..model.facts import NOTHING, Facts
from ..model.indirect import indirect_values
from ..model.loop_ir import (
    Allocate,
    Assign,
    Binary,
    Break,
    Constant,
    Each,
    Element,
    Exchange,
    Expression,
    Extent,
    For,
    If,
    Name,
    Opaque,
    Update,
    While,
)
from ..model.loop_ir import (
    Statement as Node,
)
from ..model.scop import Access, Allocation, Array, Loop, Parameter, Row, Scop, Statement
from ..model.source import SourceText
from .accesses import predicate_reads, reads, writes
from .affine import affine
from .allocations import Allocated, fill_allocations
from .axis_requirements import required, rows_taken_apart
from .bounds import loop_range
from .branches import split
from .certain_writes import certain_writers, has_may_writes
from .conditionals import kept_otherwise, lifted, tests_of
from .counted import counted_scalars
from .data_bounds import known_of_data, set_bounds, set_predicate
from .folding import folded
from .identifiers import Identifiers
from .last_values import unknown_last_values
from .leaving import begin, leave, reached
from .liveness import exposed_reads
from .loop_variables import more_than_counters, with_scalars
from .name_uses import name_uses, names_used_in_two_ways, no_lists
from .reasons import EarlyExit, NonAffineCondition, UnknownExtents
from .scop_draft import Draft, Place
from .subscripts import integer, resolved
from .substitution import assigned_scalars, forget, substituted, value_names
from .truth import conjunction
from .wrapping import wrap_subscripts


def build_scop(
    nest: For, text: SourceText, live_out: frozenset[str], facts: Facts = NOTHING
) -> Scop | Refusal:
    """Return the model of a `for` nest without opaque statements, or why it has none.

    `live_out` are the names that may be read after the nest. Subscripts that count from the
    end of their axis are written so (`wrapping`).
    """
    names = more_than_counters(nest)
    found = _built(with_scalars(nest, names, live_out), text, live_out, facts)
    if isinstance(found, frozenset):
        found = _built(with_scalars(nest, names | found, live_out), text, live_out, facts)
    assert not isinstance(found, frozenset)  # every variable that lives on is a scalar now
    return found


def _built(
    nest: For, text: SourceText, live_out: frozenset[str], facts: Facts
) -> Scop | Refusal | frozenset[str]:
    """Return the model of a nest; the loop variables of which the last values are unknown."""
    filled = fill_allocations(nest, live_out)
    if isinstance(filled, Refusal):
        return filled
    as_written, nest = nest, filled.nest
    uses = name_uses(nest, {each.node.name: each.extents for each in filled.allocations})
    draft = Draft(text=text, uses=uses, identifiers=Identifiers(uses.names))
    draft.reasons += names_used_in_two_ways(uses, nest)
    for name, scalar in nest.before:
        expression = Name(name=name, span=nest.span)
        identifier = draft.identifiers.of(name)
        draft.parameters[name] = Parameter(name=identifier, expression=expression, text=scalar)
    if not draft.reasons:
        known: dict[str, Expression] = {
            name: Constant(value=value, span=nest.span)
            for name, value in facts.values
            if uses.is_parameter(name)
        }
        if nest.is_block:
            _block(draft, nest.body, Place.root(), known)
        else:
            _loop(draft, nest, Place.root(), known)
        for allocated in filled.allocations:
            _allocation(draft, allocated, known)
    draft.reasons += _unknown_rows(draft, live_out)
    if any(each.data is not None for each in draft.loops):
        # What is asked of bounds before a region runs would be asked for turns that never run.
        draft.reasons += [
            EarlyExit(span=each.span, keyword="break")
            for each in draft.loops
            if each.leaves is not None
        ]
    if draft.reasons:
        return Refusal(reasons=tuple(dict.fromkeys(draft.reasons)))
    draft.loops = [replace(each, is_fill=each.variable in filled.fills) for each in draft.loops]
    names = {name for each in nest.collects for name in each.arrays}
    for name in names & draft.arrays.keys():
        draft.arrays[name] = replace(draft.arrays[name], is_collected=True)
    scop = replace(
        _scop(draft, nest, live_out), no_lists=no_lists(as_written), collects=nest.collects
    )
    unknown = unknown_last_values(scop) - {each.name for each in scop.rows}
    return unknown or wrap_subscripts(scop, facts)


def _allocation(draft: Draft, allocated: Allocated, known: dict[str, Expression]) -> None:
    node = allocated.node
    extents = tuple(integer(each, known, draft.uses) for each in allocated.extents)
    for extent in extents:
        draft.enter_parameters(extent)
    if any(affine(each, draft.atoms(Place.root())) is None for each in extents):
        draft.reasons.append(UnknownExtents(span=node.span, array=node.name))
    else:
        if node.like is not None:
            draft.arrays.setdefault(node.like, Array(name=node.like, rank=len(extents)))
        allocation = Allocation(
            extents=extents,
            dtype=node.dtype,
            like=node.like,
            within=allocated.within,
            span=node.span,
        )
        draft.arrays[node.name] = Array(name=node.name, rank=len(extents), allocation=allocation)


# -------------------------------------------------------------------------- statements
# One walk over the nest in textual order. `known` holds the affine values of scalars, and is
# updated on the way.


def _block(draft: Draft, body: tuple[Node, ...], place: Place, known: dict[str, Expression]) -> int:
    """Read a statement list and return the textual position after its last statement."""
    position = place.position[-1]
    for statement in body:
        position = _statement(draft, statement, place.at(position), known)
    return position


def _statement(draft: Draft, node: Node, place: Place, known: dict[str, Expression]) -> int:
    match node:
        case For(leaves=None):
            return _loop(draft, node, place, known)
        case For():
            stays = begin(draft, node, place)
            return _loop(draft, node, place.at(place.position[-1] + 1), known, stays)
        case Break():
            leave(draft, node, place)
        case If():
            return _branch(draft, node, place, known)
        case Assign() | Update():
            chosen = kept_otherwise(node)
            if chosen is not None:  # what it keeps must be there
                draft.kept.update(value_names(node.target))
            else:
                chosen = _chosen(draft, node, place, known)
            if chosen is not None:
                return _branch(draft, chosen, place, known)
            _assignment(draft, node, place, known)
        case Exchange():
            raise AssertionError(node.targets)  # tests stand in its place
        case Opaque():
            draft.reasons.append(node.reason)
        case Allocate():
            raise AssertionError(node.name)  # loops stand in its place
        case Each() | While():
            raise AssertionError(node.header)  # loops over ranges stand in its place
    return place.position[-1] + 1


def _loop(
    draft: Draft,
    node: For,
    place: Place,
    known: dict[str, Expression],
    stays: str | None = None,
) -> int:
    forget(known, (node,))
    start, stop, step = (
        integer(each, known, draft.uses) for each in (node.start, node.stop, node.step)
    )
    assert node.variable not in draft.surrounding(place)  # else it would be a scalar
    found = loop_range(draft, node, (start, stop, step), place)
    if found is None:
        return place.position[-1] + 1
    if found.data is not None:
        place = set_bounds(draft, node, found.data, place, known)
    names = [*draft.dimensions(place), draft.identifiers.of(node.variable)]
    tests = " and ".join([*place.constraints, *found.constraints])
    number = len(draft.loops)
    draft.loops.append(
        Loop(
            variable=node.variable,
            depth=len(place.loops),
            step=found.step,
            iterations=isl.Set.parse(f"{draft.prefix()}{{ [{', '.join(names)}] : {tests} }}"),
            start=found.start,
            stop=found.stop,
            header=node.header,
            span=node.span,
            predicates=place.predicates,
            label=node.label,
            is_inner_axis=node.is_inner_axis,
            is_inlined=node.is_inlined,
            data=found.data,
            leaves=node.leaves,
            stays=stays,
            reached=reached(draft, place) if node.must_run else None,
            is_axis=node.is_axis,
            is_ordered=node.is_ordered,
            runs_once=node.runs_once,
            is_driver=node.is_driver,
        )
    )
    draft.requires += required(draft, node, place, known)
    draft.changing[number] = assigned_scalars(node.body)
    draft.rows += [Row(name=name, part=part, loop=number) for name, part in node.rows]
    inside = place.inside(number, found.constraints)
    if found.data is not None and found.data.predicate is not None:
        inside = set_predicate(draft, node, found.data, inside, found.step)
        draft.loops[number] = replace(draft.loops[number], predicates=inside.predicates)
    if stays is not None:
        draft.stays[number] = stays
        inside = inside.under(stays, holds=True)
    _block(draft, node.body, inside, known)
    forget(known, (node,))
    return place.position[-1] + 1


def _branch(draft: Draft, node: If, place: Place, known: dict[str, Expression]) -> int:
    taken, untaken = split(draft, node, place, known)
    position = _block(draft, node.body, taken, dict(known))
    position = _block(draft, node.orelse, untaken.at(position), dict(known))
    forget(known, (node,))
    return position


def _chosen(
    draft: Draft, node: Assign | Update, place: Place, known: dict[str, Expression]
) -> If | None:
    """Return an assignment that chooses its value by an affine test as an `if`, or None.

    What is on each side then need be in range only where that side is taken.
    """
    tests = (part for test in tests_of(node.value) for part in conjunction(test).parts)
    is_affine = any(
        draft.constraint(integer(each, known, draft.uses), place) is not None for each in tests
    )
    choice = lifted(node.value) if is_affine else None
    if choice is None:
        return None
    return If(
        test=choice.test,
        body=(replace(node, value=choice.body),),
        orelse=(replace(node, value=choice.orelse),),
        span=node.span,
    )


def _assignment(
    draft: Draft, node: Assign | Update, place: Place, known: dict[str, Expression]
) -> None:
    body = replace(
        node,
        value=resolved(node.value, known, draft.uses),
        target=resolved(node.target, known, draft.uses),  # type: ignore[arg-type]  # keeps its kind
    )
    accesses: list[Access] = list(predicate_reads(draft, place, node.span))
    accesses += reads(draft, body.value, place)
    if isinstance(node, Update):
        accesses += reads(draft, body.target, place)
    accesses += writes(draft, body.target, place)
    draft.requires += rows_taken_apart(draft, node.value, place, known)
    draft.pending.append((body, tuple(accesses), place))
    if isinstance(node.target, Name):
        value = folded(substituted(_assigned(body), known), draft.uses)
        known.pop(node.target.name, None)
        if draft.is_affine(value, place):
            known[node.target.name] = value


def _assigned(statement: Assign | Update) -> Expression:
    """Return what a statement assigns, as one expression."""
    if isinstance(statement, Assign):
        return statement.value
    return Binary(
        operator=statement.operator,
        left=statement.target,
        right=statement.value,
        span=statement.span,
    )


# ------------------------------------------------------------------------------- model


def _unknown_rows(draft: Draft, live_out: frozenset[str]) -> Iterator[Reason]:
    """Yield the conditions on data that decide about loops over rows that live on."""
    for row in draft.rows:
        predicates = draft.loops[row.loop].predicates
        if predicates and row.name in live_out:
            test = draft.test_of(predicates[-1].name)
            yield NonAffineCondition(
                span=test.span, condition=draft.shown(test), loop_variable=row.name
            )


def _scop(draft: Draft, nest: For, live_out: frozenset[str]) -> Scop:
    extents = [
        f"{each.name} >= 0"
        for each in draft.parameters.values()
        if isinstance(each.expression, Extent)
    ]
    extents += known_of_data(draft)
    rows = tuple(each for each in draft.rows if each.name in live_out)
    written = draft.uses.assigned | draft.uses.variables | {each.name for each in rows}
    counted = set() if nest.exchanged is None else {nest.exchanged.turns}
    scop = Scop(
        parameters=tuple(draft.parameters.values()),
        context=isl.Set.parse(f"{draft.prefix()}{{ : {' and '.join(extents)} }}"),
        arrays=_with_known_extents(draft.arrays, nest),
        loops=tuple(draft.loops),
        statements=tuple(_finished(draft, number) for number in range(len(draft.pending))),
        live_in=tuple(sorted((_values_read(draft) | draft.kept) & exposed_reads(nest))),
        live_out=tuple(sorted(live_out & (written | counted))),
        span=nest.span,
        predicates=tuple(draft.predicates),
        rows=rows,
        inlined=nest.inlined,
        exchanged=nest.exchanged,
        requires=tuple(draft.requires),
        counted=counted_scalars(nest) & draft.uses.assigned,
        exits=nest.exits,
    )
    # A scalar that lives on and may not be assigned keeps what it was before.
    kept = {
        name
        for name in live_out & draft.uses.assigned
        if has_may_writes(scop, name) and not certain_writers(scop, name)
    }
    return replace(scop, maybe_assigned=tuple(sorted(kept - set(scop.live_in))))


def _with_known_extents(arrays: dict[str, Array], nest: For) -> tuple[Array, ...]:
    """Return arrays of which those that the guard makes have the extents it gives them."""
    found = dict(arrays)
    for each in () if nest.exchanged is None else nest.exchanged.fresh:
        if each.name not in found:
            continue
        array, at = found[each.name], nest.span
        extents = each.shape
        if each.like is not None:
            axes = range(array.rank)
            extents = tuple(Extent(array=each.like, axis=axis, span=at) for axis in axes)
        if len(extents) == array.rank:
            found[each.name] = replace(array, extents=extents)
    return tuple(found.values())


def _values_read(draft: Draft) -> frozenset[str]:
    """Return the scalars that statements read as values."""
    found: set[str] = set()
    for body, _, _ in draft.pending:
        whole: list[Expression] = [body.value]
        if isinstance(body.target, Element):
            whole += indirect_values(body.target)
        elif isinstance(body, Update):
            whole.append(body.target)
        for expression in whole:
            found |= value_names(expression)
    return frozenset(found) - draft.uses.variables - frozenset(draft.predicates)


def _finished(draft: Draft, number: int) -> Statement:
    body, accesses, place = draft.pending[number]
    conditions = " and ".join(place.constraints)
    instances = f"{draft.instance(number, place)} : {conditions}"
    return Statement(
        name=f"S{number}",
        domain=isl.Set.parse(f"{draft.prefix()}{{ {instances} }}"),
        loops=place.loops,
        accesses=accesses,
        body=body,
        position=place.position,
        span=body.span,
        predicates=place.predicates,
    )
