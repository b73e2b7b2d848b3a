"""The types that scalars have after a region, whatever its inner loops do or where none is empty.

Before:  for i: s = 0.0; for k in range(n): s = s + a[i, k]
After:   s is a float or a np.float64; given that 0 < n, it is a np.float64

Abstract interpretation over the loop tree. A loop whose bounds depend on another loop's
variable may be empty in some iterations (`range(i)`), and a statement under an `if` may be
skipped; both keep the types from before as well. A region is entered only if its outermost loop
has an iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from itertools import groupby
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.loop_ir import Constant, Name
from ..model.scop import Loop, Scop, Statement
from ..model.types import ScalarType
from .affine import affine, bound
from .certain_writes import Writer, certain_writers
from .last_values import is_rectangular
from .sure_instances import sure_runs

Environment: TypeAlias = Mapping[str, frozenset[ScalarType]]
ValueTypes: TypeAlias = Callable[[Statement, Environment], frozenset[ScalarType]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The types that scalars may have."""

    after: Environment  # after the region
    before: Mapping[str, Environment]  # before each statement of the Scop, by its name

    def differing(self, other: Flow) -> frozenset[str]:
        """Return the scalars that have other types after the region than `other` says."""
        names = {*self.after, *other.after}
        return frozenset(each for each in names if self.after.get(each) != other.after.get(each))


def final_types(
    scop: Scop, entry: Environment, value_types: ValueTypes, nonempty: tuple[int, ...]
) -> Flow:
    """Return the types of the scalars in and after `scop`; `value_types` types an assignment.

    Of the loops in `nonempty` it is known, or assumed, that each run has an iteration.
    """
    walk = _Walk(scop=scop, value_types=value_types, nonempty=frozenset(nonempty))
    after = {**walk.block(scop.statements, 0, entry), **walk.certain_types()}
    return Flow(after=after, before=walk.before)


def rectangular_loops(scop: Scop) -> tuple[int, ...]:
    """Return the inner loops whose bounds are the same in every iteration around them."""
    return tuple(
        number
        for number, loop in enumerate(scop.loops)
        if loop.depth and is_rectangular(scop, loop)
    )


def certain_loops(scop: Scop) -> tuple[int, ...]:
    """Return the loops that run whenever they are reached: the outermost, those of constants."""
    return tuple(
        number
        for number, loop in enumerate(scop.loops)
        if not loop.depth or (is_rectangular(scop, loop) and _is_known_to_run(loop))
    )


def _is_known_to_run(loop: Loop) -> bool:
    if loop.data is not None or loop.leaves is not None:
        return False
    ends = (loop.start, loop.stop)
    values = [each.value for each in ends if isinstance(each, Constant)]
    if len(values) < len(ends) or not all(isinstance(each, int) for each in values):
        return False
    first, last = (int(each.real) for each in values)
    return len(range(first, last, loop.step)) > 0


@dataclass(frozen=True, slots=True)
class _Walk:
    """One abstract run of the region."""

    scop: Scop
    value_types: ValueTypes
    nonempty: frozenset[int]
    before: dict[str, Environment] = field(default_factory=dict)
    # The types that single statements assign.
    values: dict[str, frozenset[ScalarType]] = field(default_factory=dict)

    def block(
        self, statements: tuple[Statement, ...], depth: int, start: Environment
    ) -> Environment:
        """Return the environment after `statements`, which share their loops above `depth`."""
        after = start
        for loop, group in groupby(statements, lambda each: (*each.loops, None)[depth]):
            if loop is None:
                for statement in group:
                    after = self.assignment(statement, after)
            else:
                after = self.loop(tuple(group), depth, after)
        return after

    def loop(self, members: tuple[Statement, ...], depth: int, start: Environment) -> Environment:
        entry = start
        while True:
            after = self.block(members, depth + 1, entry)
            again = _join(entry, after)
            if again == entry:
                break
            entry = again
        runs = members[0].loops[depth] in self.nonempty
        return after if runs else _join(start, after)

    def assignment(self, statement: Statement, start: Environment) -> Environment:
        self.before[statement.name] = _join(self.before.get(statement.name, {}), start)
        target = statement.body.target
        if not isinstance(target, Name):
            return start
        self.values[statement.name] = self.value_types(statement, start)
        after = {**start, target.name: self.values[statement.name]}
        for writer in certain_writers(self.scop, target.name):
            if writer.last.name == statement.name and _is_unconditional(self.scop, writer.last):
                return {**after, target.name: self._assigned_between(writer, target.name)}
        return _join(start, after)

    def certain_types(self) -> Environment:
        """Return the type of each scalar that always gets the same one, and surely once.

        `last_values` leaves to the interpreter the calls where it gets none.
        """
        found: dict[str, frozenset[ScalarType]] = {}
        for name in self.scop.live_out:
            writers = [each for each in self.scop.statements if _assigns(each, name)]
            types = frozenset[ScalarType]().union(*(self.values[each.name] for each in writers))
            if len(types) == 1 and sure_runs(self.scop, name) is not None:
                found[name] = types
        return found

    def _assigned_between(self, writer: Writer, name: str) -> frozenset[ScalarType]:
        """Return the types that `name` may get from the first part of a writer to its last."""
        return frozenset().union(
            *(
                self.values.get(each.name, frozenset())
                for each in self.scop.statements
                if writer.first.position <= each.position <= writer.last.position
                and _assigns(each, name)
            )
        )


def _assigns(statement: Statement, name: str) -> bool:
    target = statement.body.target
    return isinstance(target, Name) and target.name == name


def _join(left: Environment, right: Environment) -> Environment:
    names = {**left, **right}
    return {name: left.get(name, frozenset()) | right.get(name, frozenset()) for name in names}


def _is_unconditional(scop: Scop, statement: Statement) -> bool:
    """Return whether `statement` runs in every iteration of the loops around it."""
    dimensions = statement.domain.dimensions
    atoms = {each.word: each.name for each in scop.parameters}
    constraints: list[str | None] = []
    for number, variable in zip(statement.loops, dimensions, strict=True):
        loop = scop.loops[number]
        rises = loop.step > 0
        constraints.append(bound(variable, ">=" if rises else "<=", loop.start, atoms))
        constraints.append(bound(variable, "<" if rises else ">", loop.stop, atoms))
        if abs(loop.step) > 1:
            origin = affine(loop.start, atoms)
            stride = f"({variable} - ({origin})) mod {abs(loop.step)} = 0"
            constraints.append(None if origin is None else stride)
        atoms[loop.variable] = variable
    known = [each for each in constraints if each is not None]
    if len(known) < len(constraints):
        return False
    parameters = ", ".join(each.name for each in scop.parameters)
    instance = f"{statement.name}[{', '.join(dimensions)}]"
    box = isl.Set.parse(f"[{parameters}] -> {{ {instance} : {' and '.join(known)} }}")
    return box.intersect_params(scop.context).is_subset(statement.domain)
