"""Find the conditions under which every subscript of a region is in range.

Before:  for i in range(n): a[i + 1] = b[i]
After:   a.shape[0] > n, b.shape[0] >= n

One for each end of each axis of each array, exact: the parameters for which some instance leaves
the axis, projected from the instances. What interval arithmetic shows to be in range is not
asked of isl, and arrays that are used alike are asked about once, under one name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import NamedTuple, TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model import isl, isl_ast
from ..model.indirect import indirect_value
from ..model.loop_ir import Expression
from ..model.plan import Condition
from ..model.scop import Scop, Statement
from ..model.text import python_text
from .affine import affine
from .identifiers import Identifiers
from .order import dimensions_of, instance
from .privatization import undefined_reads
from .ranges import Interval, expression_interval, statement_intervals
from .readable import readable
from .row_words import in_words
from .subscript_forms import atoms_of, subscript_form

# Statements, and when an instance of each leaves the axis.
_Uses: TypeAlias = tuple[tuple[str, str], ...]
# What subscripts may mention in some loops, and its intervals.
_Space: TypeAlias = tuple[Mapping[str, str], Mapping[str, Interval]]


def in_bounds(scop: Scop) -> tuple[Condition, ...]:
    """Return the conditions under which every subscript of every instance is in range.

    One for each end of each axis of each array, those that hold anyway left out.
    """
    names = [name for each in scop.statements for name in dimensions_of(each)]
    names += [parameter.name for parameter in scop.parameters]
    asked = _Asked(scop=scop, identifiers=Identifiers(names))
    return tuple({each.text: each for each in asked.conditions()}.values())


class _Answer(NamedTuple):
    """The parameters for which something holds, and a test for that."""

    holds: isl.Set
    test: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What has been asked of the axes of a region so far."""

    scop: Scop
    identifiers: Identifiers
    # By the isl name of its extent and the uses of an axis, which many share.
    answers: dict[tuple[str, _Uses], _Answer | None] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)  # statements, by their instances
    same: dict[str, str] = field(default_factory=dict)  # the first with the instances of each
    spaces: dict[tuple[int, ...], _Space] = field(default_factory=dict)  # by the loops around

    def conditions(self) -> Iterator[Condition]:
        """Yield the conditions in the order of the arrays, some perhaps more than once."""
        atoms = {parameter.word: parameter.name for parameter in self.scop.parameters}
        shared = self.identifiers.fresh("extent")
        for array in self.scop.given_arrays:
            for axis in range(array.rank):
                vouched = affine(array.extents[axis], atoms) if array.extents else None
                if vouched is not None:
                    for each in self.axis(array.name, axis, str(vouched)):
                        yield self.condition(*each, {})
                    continue
                word = f"{array.name}.shape[{axis}]"
                if word in atoms:
                    for each in self.axis(array.name, axis, atoms[word]):
                        yield self.condition(*each, {})
                    continue
                own = self.identifiers.fresh(f"extent_{axis}_of_{array.name}")
                for holds, test in self.axis(array.name, axis, shared):
                    yield self.condition(holds.renamed(shared, own), test, {shared: word})
        for made in self.scop.arrays:
            for found in self.allocated(made.name, atoms):
                yield self.condition(*found, {})
            for broken in undefined_reads(self.scop, made):
                answer = self.unless(broken, self.scop.context, "")
                if answer is not None:
                    yield self.condition(*answer, {})

    def allocated(self, name: str, atoms: Mapping[str, str]) -> Iterator[_Answer]:
        """Yield when an array can be made, and its subscripts lie in what is made."""
        made = self.scop.array(name).allocation
        for axis, size in enumerate(() if made is None else made.extents):
            extent = str(affine(size, atoms))
            negative = isl.Set.parse(f"[{', '.join(atoms.values())}] -> {{ : {extent} < 0 }}")
            answer = self.unless(negative, self.scop.context, "")
            if answer is not None:
                yield answer
            yield from self.axis(name, axis, extent)

    def condition(self, holds: isl.Set, test: Expression, extents: Mapping[str, str]) -> Condition:
        """Return a condition on parameters and `extents`, which are given their Python text."""
        texts = {parameter.name: parameter.text for parameter in self.scop.parameters}
        text = python_text(test, {**texts, **extents})
        return Condition(set=holds, text=text, words=in_words(self.scop, text))

    def axis(self, array: str, axis: int, extent: str) -> Iterator[_Answer]:
        """Yield when the subscripts of one axis are in range; isl reads its extent as `extent`."""
        for is_upper in (False, True):
            uses = self.uses((array, axis), extent, is_upper=is_upper)
            if uses and (extent, uses) not in self.answers:
                known = self.scop.context
                if extent.isidentifier():
                    positive = isl.Set.parse(f"[{extent}] -> {{ : {extent} >= 0 }}")
                    known = positive.intersect(known)
                self.answers[extent, uses] = self.unless(self.left(uses, extent), known, extent)
            answer = self.answers[extent, uses] if uses else None
            if answer is not None:
                yield answer

    def uses(self, place: tuple[str, int], extent: str, *, is_upper: bool) -> _Uses:
        """Return where an axis may be left at one of its ends."""
        array, axis = place
        found: dict[str, dict[str, None]] = {}
        for statement in self.scop.statements:
            indices = (each.indices[axis] for each in statement.accesses if each.array == array)
            for index in dict.fromkeys(indices):
                test = self.leaving(statement, index, extent, is_upper=is_upper)
                if test is not None:
                    found.setdefault(self.alike(statement), {})[test] = None
        return tuple((statement, " or ".join(tests)) for statement, tests in found.items())

    def alike(self, statement: Statement) -> str:
        """Return the name of the first statement with the same instances."""
        if statement.name not in self.same:
            text = statement.domain.text.replace(f"{statement.name}[", "[", 1)
            self.same[statement.name] = self.first.setdefault(text, statement.name)
        return self.same[statement.name]

    def leaving(
        self, statement: Statement, index: Expression, extent: str, *, is_upper: bool
    ) -> str | None:
        """Return when a subscript leaves its axis at one end; None where it surely does not."""
        if indirect_value(index) is not None:
            return None  # the kernel looks at each one (`typed.Computed`)
        atoms, intervals = self.space(statement)
        found = subscript_form(index, atoms)
        assert found is not None  # `build_scop` refused every other subscript
        if is_upper:
            return f"{found.form} >= {extent}"
        if found.may_wrap:
            return f"{found.form} < -({extent})"
        interval = expression_interval(index, intervals)
        is_inside = interval is not None and interval[0] >= 0
        return None if is_inside else f"{found.form} < 0"

    def space(self, statement: Statement) -> _Space:
        """Return what subscripts may mention in the loops around a statement."""
        if statement.loops not in self.spaces:
            known = atoms_of(self.scop, statement), statement_intervals(self.scop, statement)
            self.spaces[statement.loops] = known
        return self.spaces[statement.loops]

    def left(self, uses: _Uses, extent: str) -> isl.Set:
        """Return the parameters, the extent among them, for which an axis is left."""
        parameters = [each.name for each in self.scop.parameters]
        if extent.isidentifier():
            parameters.append(extent)
        known = ", ".join(dict.fromkeys(parameters))
        found: isl.Set | None = None
        for name, tests in uses:
            statement = self.scop.statement(name)
            names = instance(statement, dimensions_of(statement))
            leaving = isl.Set.parse(f"[{known}] -> {{ {names} : {tests} }}")
            values = leaving.intersect(statement.domain).params()
            found = values if found is None else found.union(values)
        assert found is not None  # the caller looked
        return found

    def unless(self, broken: isl.Set, known: isl.Set, extent: str) -> _Answer | None:
        """Return when parameters out of `known` are not in `broken`; None where none are."""
        broken = broken.intersect(known)
        if broken.is_empty():
            return None
        # The gist first: a complement has a piece for every constraint.
        holds = broken.gist(known).complement()
        test = isl_ast.condition(holds.simplified(known), self.scop.span)
        names = [each.name for each in self.scop.parameters]
        return _Answer(holds, readable(test, tuple(dict.fromkeys([*names, extent]))))
