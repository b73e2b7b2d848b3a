"""Put arrays that share memory on one base.

Before:  a = x[1:], b = x[:-1]                 After:  write { S0[i] -> base[i + 1] }
         write { S0[i] -> a[i] }                       read  { S0[i] -> base[i] }
         read  { S0[i] -> b[i] }

What follows from memory is found on such a model: dependences, whether a region may be run
again, whether its checks may run first. Types, bounds and code are those of the arrays.
Linearised subscripts as in Maslov, Delinearization: an efficient way to break multiloop
dependence equations, PLDI 1992, with the bounds of each array kept, so that nothing is lost.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import isl
from ..model.facts import Layout
from ..model.scop import Access, Array, Scop
from .identifiers import Identifiers


def on_bases(scop: Scop, layouts: tuple[Layout, ...]) -> Scop:
    """Return `scop` with every array that has a layout replaced by the base it lies on."""
    if not layouts:
        return scop
    bases = _Bases.of(scop, layouts)
    statements = tuple(
        replace(each, accesses=tuple(bases.access(access) for access in each.accesses))
        for each in scop.statements
    )
    arrays = dict.fromkeys(bases.array(each) for each in scop.arrays)
    return replace(scop, arrays=tuple(arrays), statements=statements)


class _Bases:
    """The relations from the cells of arrays to those of their bases."""

    def __init__(self, layouts: dict[str, Layout], relations: dict[str, isl.Map]) -> None:
        self._layouts = layouts
        self._relations = relations

    @staticmethod
    def of(scop: Scop, layouts: tuple[Layout, ...]) -> _Bases:
        spaces = {
            access.array: access.relation.sink_name
            for statement in scop.statements
            for access in statement.accesses
        }
        taken = Identifiers([*spaces.values(), *(each.name for each in scop.parameters)])
        names = {each: taken.fresh("base") for each in dict.fromkeys(x.base for x in layouts)}
        return _Bases(
            layouts={each.array: each for each in layouts},
            relations={
                each.array: _relation(each, spaces[each.array], names[each.base])
                for each in layouts
                if each.array in spaces
            },
        )

    def access(self, access: Access) -> Access:
        """Return an access as one to the base of its array."""
        layout = self._layouts.get(access.array)
        if layout is None:
            return access
        relation = access.relation.then(self._relations[access.array])
        return replace(access, array=layout.base, relation=relation)

    def array(self, array: Array) -> Array:
        """Return the base of an array, or the array itself."""
        layout = self._layouts.get(array.name)
        if layout is None:
            return array
        return Array(name=layout.base, rank=len(layout.origin), is_base=True)


def _relation(layout: Layout, space: str, base: str) -> isl.Map:
    """Return the relation from a cell of an array to its cell of the base."""
    rank = len(layout.origin) if layout.strides is None else len(layout.strides)
    indices = [f"x{axis}" for axis in range(rank)]
    if layout.strides is None:
        cell = [f"{x} + {shift}" for x, shift in zip(indices, layout.origin, strict=True)]
    else:
        moved = [f"{stride}*{x}" for x, stride in zip(indices, layout.strides, strict=True)]
        cell = [" + ".join([*moved, str(layout.origin[0])])]
    limits = zip(indices, layout.shape or (), strict=False)
    tests = " and ".join(f"0 <= {x} < {extent}" for x, extent in limits)
    where = f" : {tests}" if tests else ""
    return isl.Map.parse(f"{{ {space}[{', '.join(indices)}] -> {base}[{', '.join(cell)}]{where} }}")
