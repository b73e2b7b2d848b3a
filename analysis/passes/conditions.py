"""Turn sets of parameter values into conditions that a call can test.

Before:  { : k = 0 or k >= n }         After:  "k == 0 or k >= n"

Also derives the sets behind questions that every call asks: do the loops run at all, may the
region be run again from its start. Whether subscripts are in range asks `in_bounds`.
"""

from __future__ import annotations

from ..model import isl, isl_ast
from ..model.plan import Condition
from ..model.scop import Access, Scop, Statement
from ..model.text import python_text
from . import certain_writes
from .dependences import accesses_to, cells, is_indirect
from .order import original_schedule
from .readable import readable
from .row_words import in_words


def condition(scop: Scop, holds: isl.Set) -> Condition:
    """Return the Python test for a set of parameter values, simplified by what is known."""
    texts = {parameter.name: parameter.text for parameter in scop.parameters}
    test = isl_ast.condition(holds.simplified(scop.context), scop.span)
    text = python_text(readable(test, tuple(texts)), texts)
    return Condition(set=holds, text=text, words=in_words(scop, text))


def always(scop: Scop) -> Condition:
    """Return the condition that asks nothing."""
    return Condition(set=scop.context, text="True", words="True")


def never(scop: Scop) -> Condition:
    """Return the condition that never holds."""
    return Condition(set=scop.context.subtract(scop.context), text="False", words="False")


def never_empty(scop: Scop) -> tuple[Condition, ...]:
    """Return the conditions under which loops run that leave a value of their variable behind."""
    found = []
    for loop in scop.loops:
        if loop.reached is not None:
            outer = loop.iterations.keep(loop.reached.dimensions)
            empty = loop.reached.subtract(outer).params().intersect(scop.context)
            if not empty.is_empty():
                found.append(condition(scop, scop.context.subtract(empty)))
    return tuple({each.text: each for each in found}.values())


def redo(scop: Scop, copies: frozenset[str] = frozenset()) -> Condition:
    """Return when the region may be run again from its start after it ran in part.

    What it did to `copies` of arrays is forgotten.

    It may where no cell is written whose value from before the region is read: then every
    value that the second run reads is one that it wrote itself, or one never overwritten.
    Scalars are no obstacle, kernels keep them to themselves.
    """
    broken: isl.Set | None = None
    for array in scop.given_arrays:
        if array.name in copies:
            continue
        overwritten = _overwritten_live_in(scop, array.name)
        if overwritten is not None and not overwritten.is_empty():
            found = overwritten.params()
            broken = found if broken is None else broken.union(found)
    if broken is None:
        return always(scop)
    return condition(scop, scop.context.subtract(broken))


def _overwritten_live_in(scop: Scop, array: str) -> isl.Set | None:
    """Return the cells of `array` that are written, and read before that."""
    writes = [(each, accesses_to(each, array, "write")) for each in scop.statements]
    reads = [(each, accesses_to(each, array, "read")) for each in scop.statements]
    written = _union([cells(each, found).range() for each, found in writes if found])
    if written is None or not any(found for _, found in reads):
        return None
    exposed: list[isl.Set] = []
    for statement, found in reads:
        # An instance may read several cells: judge each read access on its own.
        exposed += [_exposed_cells(scop, statement, access) for access in found]
    live_in = _union(exposed)
    return None if live_in is None else live_in.intersect(written)


def _exposed_cells(scop: Scop, statement: Statement, access: Access) -> isl.Set:
    own = cells(statement, (access,))
    if is_indirect(access):
        return own.range()  # nothing is sure to have written the cell that it reads
    if certain_writes.has_may_writes(scop, access.array):
        exposed = certain_writes.exposed(scop, statement, own, access.array, None)
        return own.intersect_domain(exposed).range()
    writes = [(each, accesses_to(each, access.array, "write")) for each in scop.statements]
    certain = tuple(cells(each, found) for each, found in writes if found)
    if not certain:
        return own.range()
    seen = isl.value_based_flow(
        isl.UnionMap.of(certain), isl.UnionMap.of((own,)), original_schedule(scop)
    ).maps()
    exposed = statement.domain
    for pairs in seen:
        exposed = exposed.subtract(pairs.range())
    return own.intersect_domain(exposed).range()


def _union(sets: list[isl.Set]) -> isl.Set | None:
    union: isl.Set | None = None
    for each in sets:
        union = each if union is None else union.union(each)
    return union


def has_array_flow(scop: Scop, names: frozenset[str]) -> bool:
    """Return whether any element of the arrays `names` that is written is read later."""
    for array in scop.given_arrays:
        if array.name not in names:
            continue
        writes = [(each, accesses_to(each, array.name, "write")) for each in scop.statements]
        reads = [(each, accesses_to(each, array.name, "read")) for each in scop.statements]
        written = tuple(cells(each, found) for each, found in writes if found)
        read = tuple(cells(each, found) for each, found in reads if found)
        if not written or not read:
            continue
        flow = isl.earlier_writes(
            isl.UnionMap.of(written), isl.UnionMap.of(read), original_schedule(scop)
        )
        if flow.maps():
            return True
    return False
