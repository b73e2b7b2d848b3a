"""Turn sets of parameter values into conditions that a call can test.

Before:  { : k = 0 or k >= n }         After:  "k == 0 or k >= n"

Also derives the sets behind the questions that every call asks: is each subscript in range,
do the loops run at all, may the region be run again from its start.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model import isl, isl_ast
from ..model.plan import Condition
from ..model.scop import Access, Scop, Statement
from ..model.text import python_text
from .affine import affine
from .dependences import accesses_to, cells
from .order import dimensions_of, instance, original_schedule


def condition(scop: Scop, holds: isl.Set) -> Condition:
    """Return the Python test for a set of parameter values, simplified by what is known."""
    known = holds.gist(scop.context)
    expression = isl_ast.condition(known, scop.span)
    names = {parameter.name: parameter.text for parameter in scop.parameters}
    return Condition(set=holds, text=python_text(expression, names))


def in_bounds(scop: Scop) -> tuple[Condition, ...]:
    """Return the conditions under which every subscript of every instance is in range.

    One for each way to leave an array, those that hold anyway left out.
    """
    violations: dict[str, isl.Set] = {}
    for statement in scop.statements:
        for access in statement.accesses:
            for text in _leaving(scop, statement, access):
                if text not in violations:
                    violations[text] = isl.Set.parse(text).intersect(_aligned(scop, statement))
    found = []
    extents = _extent_context(scop)
    for outside in violations.values():
        broken = outside.params().intersect(extents)
        if not broken.is_empty():
            found.append(_bounds_condition(scop, broken, extents))
    return tuple({each.text: each for each in found}.values())


def _aligned(scop: Scop, statement: Statement) -> isl.Set:
    return statement.domain.intersect_params(scop.context)


def _leaving(scop: Scop, statement: Statement, access: Access) -> Iterator[str]:
    """Yield, for each axis and end, the set of instances that leave the array there."""
    names = dimensions_of(statement)
    atoms = _atoms(scop, statement)
    for axis, index in enumerate(access.indices):
        form = affine(index, atoms)
        extent = extent_identifier(scop, access.array, axis)
        parameters = ", ".join(dict.fromkeys([*(p.name for p in scop.parameters), extent]))
        where = f"[{parameters}] -> {{ {instance(statement, names)} : "
        yield f"{where}{form} < 0 }}"
        yield f"{where}{form} >= {extent} }}"


def _atoms(scop: Scop, statement: Statement) -> dict[str, str]:
    atoms = {parameter.text: parameter.name for parameter in scop.parameters}
    names = dimensions_of(statement)
    for level, loop in enumerate(statement.loops):
        atoms[scop.loops[loop].variable] = names[level]
    return atoms


def extent_identifier(scop: Scop, array: str, axis: int) -> str:
    """Return the isl identifier of an array's extent along an axis."""
    text = f"{array}.shape[{axis}]"
    for parameter in scop.parameters:
        if parameter.text == text:
            return parameter.name
    return (
        f"extent_{axis}_of_{array}" if array.isascii() else f"extent_{axis}_of_{hash_name(array)}"
    )


def hash_name(name: str) -> str:
    """Return an ASCII stand-in for a name that isl cannot read."""
    return "_".join(f"{ord(letter):x}" for letter in name)


def _extent_context(scop: Scop) -> isl.Set:
    names = [
        extent_identifier(scop, array.name, axis)
        for array in scop.arrays
        for axis in range(array.rank)
    ]
    tests = " and ".join(f"{name} >= 0" for name in names)
    extents = isl.Set.parse(f"[{', '.join(names)}] -> {{ : {tests} }}")
    return extents.intersect(scop.context)


def _bounds_condition(scop: Scop, broken: isl.Set, extents: isl.Set) -> Condition:
    holds = broken.complement()
    expression = isl_ast.condition(holds.gist(extents), scop.span)
    names = {parameter.name: parameter.text for parameter in scop.parameters}
    for array in scop.arrays:
        for axis in range(array.rank):
            identifier = extent_identifier(scop, array.name, axis)
            names[identifier] = f"{array.name}.shape[{axis}]"
    return Condition(set=holds, text=python_text(expression, names))


def disjoint_pairs(scop: Scop) -> tuple[tuple[str, str], ...]:
    """Return the pairs of arrays, at least one of them written, that must not overlap."""
    names = [array.name for array in scop.arrays if array.rank > 0]
    written = {
        access.array
        for statement in scop.statements
        for access in statement.accesses
        if access.kind != "read"
    }
    return tuple(
        (first, second)
        for position, first in enumerate(names)
        for second in names[position + 1 :]
        if first in written or second in written
    )


def redo(scop: Scop) -> Condition:
    """Return when the region may be run again from its start after it ran in part.

    It may where no cell is written whose value from before the region is read: then every
    value that the second run reads is one that it wrote itself, or one never overwritten.
    Scalars are no obstacle, kernels keep them to themselves.
    """
    broken: isl.Set | None = None
    for array in scop.arrays:
        if array.rank == 0:
            continue
        overwritten = _overwritten_live_in(scop, array.name)
        if overwritten is not None and not overwritten.is_empty():
            found = overwritten.params()
            broken = found if broken is None else broken.union(found)
    if broken is None:
        return Condition(set=scop.context, text="True")
    return condition(scop, scop.context.subtract(broken))


def _overwritten_live_in(scop: Scop, array: str) -> isl.Set | None:
    """Return the cells of `array` that are written, and read before that."""
    writes = [(each, accesses_to(each, array, "write")) for each in scop.statements]
    reads = [(each, accesses_to(each, array, "read")) for each in scop.statements]
    written = _union([cells(each, found).range() for each, found in writes if found])
    if written is None or not any(found for _, found in reads):
        return None
    exposed = []
    for statement, found in reads:
        for access in found:
            # An instance may read several cells: judge each read access on its own.
            exposed.append(_exposed_cells(scop, statement, access))
    live_in = _union(exposed)
    return None if live_in is None else live_in.intersect(written)


def _exposed_cells(scop: Scop, statement: Statement, access: Access) -> isl.Set:
    own = cells(statement, (access,))
    writes = [(each, accesses_to(each, access.array, "write")) for each in scop.statements]
    seen = isl.value_based_flow(
        isl.UnionMap.of(tuple(cells(each, found) for each, found in writes if found)),
        isl.UnionMap.of((own,)),
        original_schedule(scop),
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


def has_array_flow(scop: Scop) -> bool:
    """Return whether any array element that the region writes is read by it later."""
    for array in scop.arrays:
        writes = [(each, accesses_to(each, array.name, "write")) for each in scop.statements]
        reads = [(each, accesses_to(each, array.name, "read")) for each in scop.statements]
        written = tuple(cells(each, found) for each, found in writes if found)
        read = tuple(cells(each, found) for each, found in reads if found)
        if array.rank == 0 or not written or not read:
            continue
        flow = isl.value_based_flow(
            isl.UnionMap.of(written), isl.UnionMap.of(read), original_schedule(scop)
        )
        if flow.maps():
            return True
    return False
