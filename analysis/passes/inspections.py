"""Find what only the data can tell of a loop, and say it so that an inspector can look.

Before:  for i in range(n): y[idx[i]] = x[i]        any two iterations may write one element
After:   parallel where "idx[i] distinct for 0 <= i < n"

The run-time test of Rauchwerger and Padua (The LRPD test, PLDI 1995) tells for any accesses
whether two iterations met in an element; it needs the subscripts alone, before the loop runs
(Saltz, Mirchandaney and Crowley, Run-time parallelization and scheduling of loops, IEEE
Transactions on Computers, 1991). So nothing that they are computed from may change in the
region. Conflicts that the model is sure of stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.dependence import Reduction
from ..model.indirect import indirect_value
from ..model.loop_ir import Element, Expression, Name, Update, walk_expression
from ..model.plan import Inspection
from ..model.scop import Access, Loop, Scop, Statement
from ..model.text import python_text
from .dependences import Conflict, cells, is_indirect
from .substitution import substituted


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What an inspector can tell of the conflicts of a loop, and the conflicts that are left."""

    inspections: tuple[Inspection, ...]
    left: tuple[Conflict, ...]


def find_inspections(scop: Scop, blocking: tuple[Conflict, ...], loop: int) -> Inspected:
    """Return which of the conflicts that `loop` carries an inspector can tell of."""
    if _may_leave(scop):
        return Inspected(inspections=(), left=blocking)
    inspections: list[Inspection] = []
    left: list[Conflict] = []
    for array in dict.fromkeys(each.array for each in blocking):
        conflicts = [each for each in blocking if each.array == array]
        found = _inspection(scop, array, loop)
        if found is None:
            left += conflicts
            continue
        inspections.append(found)
        certain = (_certain_part(each) for each in conflicts)
        left += [each for each in certain if each is not None]
    return Inspected(inspections=tuple(inspections), left=tuple(left))


def inspect_reductions(
    scop: Scop, reductions: tuple[Reduction, ...], loop: int
) -> tuple[Inspection, ...]:
    """Return what must hold for updates to be no reductions: each element is updated once.

    Empty where an inspector cannot tell that of all of them.
    """
    if _may_leave(scop):
        return ()
    targets = dict.fromkeys(each.target for each in reductions)
    found = [_inspection(scop, target, loop) for target in targets]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else ()


def _may_leave(scop: Scop) -> bool:
    """Return whether some loop may be left early: an inspector runs all there is of a loop."""
    return any(each.leaves is not None for each in scop.loops)


def _certain_part(conflict: Conflict) -> Conflict | None:
    """Return the pairs of instances that surely meet; None where there are none."""
    sources = tuple(each for each in conflict.source_accesses if not is_indirect(each))
    sinks = tuple(each for each in conflict.sink_accesses if not is_indirect(each))
    if not sources or not sinks:
        return None
    pairs = cells(conflict.source, sources).then(cells(conflict.sink, sinks).reverse())
    relation = conflict.relation.intersect(pairs)
    if relation.is_empty():
        return None
    return replace(conflict, source_accesses=sources, sink_accesses=sinks, relation=relation)


def _inspection(scop: Scop, array: str, loop: int) -> Inspection | None:
    """Return what an inspector would look for; None where it cannot, or need not, look."""
    touching = [
        (statement, access)
        for statement in scop.statements_in(loop)
        for access in statement.accesses
        if access.array == array
    ]
    indirect = [access for _, access in touching if is_indirect(access)]
    if not indirect:
        return None
    written = {a.array for s in scop.statements for a in s.accesses if a.kind != "read"}
    for statement, access in touching:
        if _Sources.of(scop, (*access.indices, *_tests(statement))).arrays & written:
            return None
        sources = _Sources.of(scop, access.indices)
        is_fixed = not sources.names & _variables(scop, loop) and not sources.is_carried
        if access.kind != "read" and is_fixed:
            return None  # each iteration writes the same elements: there is nothing to ask
    return Inspection(array=array, text=_text(scop, [each for _, each in touching], loop))


def _variables(scop: Scop, loop: int) -> frozenset[str]:
    """Return the variables whose values differ between the iterations of `loop`."""
    own = scop.loops[loop]
    return frozenset(
        each.variable
        for each in scop.loops
        if each is own or (own.span.contains(each.span) and _depends_on(each, own.variable))
    )


def _depends_on(loop: Loop, variable: str) -> bool:
    return any(
        isinstance(node, Name) and node.name == variable
        for limit in loop.written_bounds
        for node in walk_expression(limit)
    )


@dataclass(frozen=True, slots=True)
class _Sources:
    """All that subscripts are computed from, through scalars of the region."""

    names: frozenset[str]
    arrays: frozenset[str]
    is_carried: bool  # a scalar among them is computed from its own former value

    @staticmethod
    def of(scop: Scop, indices: tuple[Expression, ...]) -> _Sources:
        names: set[str] = set()
        arrays: set[str] = set()
        is_carried = False
        waiting: list[Expression] = list(indices)
        while waiting:
            for node in walk_expression(waiting.pop()):
                if isinstance(node, Element):
                    arrays.add(node.array)
                if not isinstance(node, Name) or node.name in names:
                    continue
                names.add(node.name)
                for statement in _setters(scop, node.name):
                    waiting += [statement.body.value, *_tests(statement)]
                    is_carried = is_carried or _reads_itself(statement, node.name)
        return _Sources(frozenset(names), frozenset(arrays), is_carried)


def _tests(statement: Statement) -> tuple[Name, ...]:
    """Return what decides whether a statement runs, as names of its predicates."""
    return tuple(Name(name=each.name, span=statement.span) for each in statement.predicates)


def _setters(scop: Scop, name: str) -> Iterator[Statement]:
    for statement in scop.statements:
        target = statement.body.target
        if isinstance(target, Name) and target.name == name:
            yield statement


def _reads_itself(statement: Statement, name: str) -> bool:
    if isinstance(statement.body, Update):
        return True
    return any(
        isinstance(node, Name) and node.name == name
        for node in walk_expression(statement.body.value)
    )


# --------------------------------------------------------------------------------- words


def _text(scop: Scop, touching: list[Access], loop: int) -> str:
    """Return the condition in words: "idx[i] distinct for 0 <= i < n"."""
    places = dict.fromkeys(
        tuple(python_text(_written_out(scop, index)) for index in access.indices)
        for access in touching
    )
    where = _ranges_text(scop, loop, touching)
    if len(places) > 1:
        name = touching[0].array
        shown = " and ".join(f"{name}[{', '.join(place)}]" for place in places)
        return f"no element met twice through {shown} for {where}"
    indices = touching[0].indices
    (place,) = places
    data = [
        text
        for text, index in zip(place, indices, strict=True)
        if indirect_value(index) is not None
    ]
    shown = data[0] if len(data) == 1 else f"({', '.join(data)})"
    return f"{shown} distinct for {where}"


def _written_out(scop: Scop, index: Expression) -> Expression:
    """Return a subscript with each scalar that only one statement sets written out."""
    value = indirect_value(index)
    if value is None:
        return index
    known: dict[str, Expression] = {}
    for node in walk_expression(value):
        if isinstance(node, Name):
            found = list(_setters(scop, node.name))
            if len(found) == 1 and not _reads_itself(found[0], node.name):
                known[node.name] = found[0].body.value
    return substituted(value, known)


def _ranges_text(scop: Scop, loop: int, touching: list[Access]) -> str:
    """Return the range of a loop, then those of loops inside it whose variables subscripts name."""
    outer = scop.loops[loop]
    named = {
        node.name
        for access in touching
        for index in access.indices
        for node in walk_expression(_written_out(scop, index))
        if isinstance(node, Name)
    }
    inner = (
        each
        for each in scop.loops
        if each is not outer and outer.span.contains(each.span) and each.variable in named
    )
    return ", ".join(dict.fromkeys(map(_range_text, (outer, *inner))))


def _range_text(loop: Loop) -> str:
    start, stop = map(python_text, loop.written_bounds)
    match loop.step:
        case 1:
            return f"{start} <= {loop.variable} < {stop}"
        case -1:
            return f"{start} >= {loop.variable} > {stop}"
    return f"{loop.variable} in range({start}, {stop}, {loop.step})"
