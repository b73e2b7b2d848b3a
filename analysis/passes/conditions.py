"""Turn sets of parameter values into conditions that a call can test.

Before:  { : k = 0 or k >= n }         After:  "k == 0 or k >= n"

Also derives the sets behind the questions that every call asks: is each subscript in range,
do the loops run at all, may the region be run again from its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model import isl, isl_ast
from ..model.indirect import indirect_value
from ..model.plan import Condition
from ..model.scop import Access, Scop, Statement
from ..model.text import python_text
from . import certain_writes
from .affine import affine
from .dependences import accesses_to, cells, is_indirect
from .identifiers import Identifiers
from .order import dimensions_of, instance, original_schedule
from .privatization import undefined_reads
from .readable import readable
from .row_words import in_words
from .subscript_forms import atoms_of, subscript_form


def condition(scop: Scop, holds: isl.Set) -> Condition:
    """Return the Python test for a set of parameter values, simplified by what is known."""
    texts = {parameter.name: parameter.text for parameter in scop.parameters}
    return _condition(scop, holds, scop.context, texts)


def always(scop: Scop) -> Condition:
    """Return the condition that asks nothing."""
    return Condition(set=scop.context, text="True", words="True")


def never(scop: Scop) -> Condition:
    """Return the condition that never holds."""
    return Condition(set=scop.context.subtract(scop.context), text="False", words="False")


def _condition(scop: Scop, holds: isl.Set, known: isl.Set, texts: Mapping[str, str]) -> Condition:
    test = isl_ast.condition(holds.simplified(known), scop.span)
    text = python_text(readable(test, tuple(texts)), texts)
    return Condition(set=holds, text=text, words=in_words(scop, text))


def in_bounds(scop: Scop) -> tuple[Condition, ...]:
    """Return the conditions under which every subscript of every instance is in range.

    One for each end of each axis of each array, those that hold anyway left out.
    """
    extents = _extents(scop)
    texts = {parameter.name: parameter.text for parameter in scop.parameters}
    texts |= {name: f"{array}.shape[{axis}]" for (array, axis), name in extents.items()}
    tests = " and ".join(f"{name} >= 0" for name in extents.values())
    known = isl.Set.parse(f"[{', '.join(extents.values())}] -> {{ : {tests} }}")
    known = known.intersect(scop.context)
    found = []
    for outside in _all_outside(scop, extents):
        broken = outside.intersect(known)
        if not broken.is_empty():
            # The gist first: a complement has a piece for every constraint.
            holds = broken.gist(known).complement()
            found.append(_condition(scop, holds, known, texts))
    return tuple({each.text: each for each in found}.values())


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


def _all_outside(scop: Scop, extents: Mapping[tuple[str, int], str]) -> Iterator[isl.Set]:
    """Yield the parameter values for which some subscript, or an allocation, must fail."""
    for (array, axis), extent in extents.items():
        yield from _outside(scop, array, axis, extent)
    atoms = {parameter.word: parameter.name for parameter in scop.parameters}
    for made in scop.arrays:
        for axis, size in enumerate(made.allocation.extents if made.allocation else ()):
            extent = str(affine(size, atoms))
            yield isl.Set.parse(f"[{', '.join(atoms.values())}] -> {{ : {extent} < 0 }}")
            yield from _outside(scop, made.name, axis, extent)
        yield from undefined_reads(scop, made)


def _extents(scop: Scop) -> dict[tuple[str, int], str]:
    """Return the isl identifier of every extent of an array that has subscripts."""
    known = {parameter.word: parameter.name for parameter in scop.parameters}
    taken = Identifiers([*known.values(), *(name for each in scop.statements
                                            for name in each.domain.dimensions)])  # fmt: skip
    found: dict[tuple[str, int], str] = {}
    for array in scop.given_arrays:
        for axis in range(array.rank):
            name = known.get(f"{array.name}.shape[{axis}]")
            found[array.name, axis] = name or taken.fresh(f"extent_{axis}_of_{array.name}")
    return found


def _outside(scop: Scop, array: str, axis: int, extent: str) -> Iterator[isl.Set]:
    """Yield the parameter values for which a subscript is too small, and too large."""
    leaving: dict[str, tuple[Statement, list[tuple[str, str]]]] = {}
    for statement in scop.statements:
        atoms = atoms_of(scop, statement)
        for access in statement.accesses:
            if access.array == array:
                if indirect_value(access.indices[axis]) is not None:
                    continue  # the kernel looks at each one (`typed.Computed`)
                found = subscript_form(access.indices[axis], atoms)
                assert found is not None  # `build_scop` refused every other subscript
                least = f"-({extent})" if found.may_wrap else "0"
                ends = f"{found.form} < {least}", f"{found.form} >= {extent}"
                leaving.setdefault(statement.name, (statement, []))[1].append(ends)
    for end in (0, 1):
        union: isl.Set | None = None
        for statement, each in leaving.values():
            tests = " or ".join(dict.fromkeys(ends[end] for ends in each))
            names = instance(statement, dimensions_of(statement))
            parameters = [p.name for p in scop.parameters]
            if extent.isidentifier():
                parameters.append(extent)
            known = ", ".join(dict.fromkeys(parameters))
            cells = isl.Set.parse(f"[{known}] -> {{ {names} : {tests} }}")
            values = cells.intersect(statement.domain).params()
            union = values if union is None else union.union(values)
        if union is not None:
            yield union


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
