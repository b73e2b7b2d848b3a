"""A model under construction: what has been read of a nest so far, and where the reader stands.

Helper of the `build_scop` pass. Everything isl reads is written here: identifiers, spaces,
instances.
"""

from __future__ import annotations

from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.diagnostics import Reason
from ..model.loop_ir import Assign, Expression, Extent, Name, Update, walk_expression
from ..model.scop import Access, Array, DataBounds, Loop, Parameter, Predicate, Row
from ..model.source import SourceText, Span
from .affine import affine, bound, constraint, name_of
from .identifiers import Identifiers
from .name_uses import NameUses


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the nest the builder stands."""

    loops: tuple[int, ...]
    constraints: tuple[str, ...]
    position: tuple[int, ...]  # textual position at each outer depth; its own comes last
    predicates: tuple[Predicate, ...] = ()

    @staticmethod
    def root() -> Place:
        """Return the place of the nest itself."""
        return Place(loops=(), constraints=(), position=(0,))

    def at(self, position: int) -> Place:
        """Return the place of a later sibling."""
        return replace(self, position=(*self.position[:-1], position))

    def inside(self, loop: int, constraints: tuple[str, ...]) -> Place:
        """Return the place of the first statement of a loop's body."""
        return Place(
            loops=(*self.loops, loop),
            constraints=self.constraints + constraints,
            position=(*self.position, 0),
            predicates=self.predicates,
        )

    def where(self, test: str) -> Place:
        """Return the same place, reached only where `test` holds."""
        return replace(self, constraints=(*self.constraints, test))

    def under(self, name: str, *, holds: bool) -> Place:
        """Return the same place, reached only where the predicate `name` came to `holds`."""
        predicate = Predicate(name=name, holds=holds)
        return replace(self, predicates=(*self.predicates, predicate))


@dataclass(slots=True)
class Draft:
    """The parts of a model, in the order in which the source has them."""

    text: SourceText
    uses: NameUses
    identifiers: Identifiers
    reasons: list[Reason] = field(default_factory=list)
    parameters: dict[str, Parameter] = field(default_factory=dict)  # by Python text
    loops: list[Loop] = field(default_factory=list)
    pending: list[tuple[Assign | Update, tuple[Access, ...], Place]] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    any_cells: dict[int, str] = field(default_factory=dict)  # by axis
    predicates: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    # What is known of bounds that are data, by what they are and where.
    data_bounds: dict[tuple[str, ...], DataBounds] = field(default_factory=dict)
    changing: dict[int, frozenset[str]] = field(default_factory=dict)  # scalars assigned, by loop
    stays: dict[int, str] = field(default_factory=dict)  # of loops that may be left, by number
    # Scalars that some assignment leaves as they are, as `m = x if x > m else m` does.
    kept: set[str] = field(default_factory=set)
    requires: list[isl.Set] = field(default_factory=list)  # parameter values

    def atoms(self, place: Place) -> dict[str, str]:
        """Return what an affine expression may mention here: Python text -> isl identifier.

        Names that nothing in the nest assigns are parameters; they are entered into the
        model only once something affine really uses them.
        """
        inside = self.surrounding(place)
        known = {variable: self.identifiers.of(variable) for variable in inside}
        known.update({text: each.name for text, each in self.parameters.items()})
        return known

    def surrounding(self, place: Place) -> frozenset[str]:
        """Return the variables of the loops around `place`."""
        return frozenset(self.loops[loop].variable for loop in place.loops)

    def enter_parameters(self, expression: Expression) -> None:
        """Make parameters of the names and extents in `expression` that the nest keeps."""
        for node in walk_expression(expression):
            if isinstance(node, Name) and not self.uses.is_parameter(node.name):
                continue
            if isinstance(node, Name | Extent) and name_of(node) not in self.parameters:
                readable = name_of(node)
                if isinstance(node, Extent):
                    name = self.identifiers.fresh(f"{node.array}_shape_{node.axis}")
                else:
                    name = self.identifiers.of(readable)
                self.parameters[readable] = Parameter(name=name, expression=node, text=readable)

    def is_affine(self, value: Expression, place: Place) -> bool:
        """Return whether `value` could be an affine integer, were its names integers."""
        return affine(value, self._possible_atoms(value, place)) is not None

    def has_bound(self, limit: Expression, place: Place) -> bool:
        """Return whether `limit` could be an affine bound, were its names integers."""
        atoms = self._possible_atoms(limit, place)
        return bound("_", "<", limit, atoms) is not None

    def constraint(self, test: Expression, place: Place) -> str | None:
        """Return what holds exactly where `test` does; None, and no parameters, if not affine."""
        if constraint(test, self._possible_atoms(test, place)) is None:
            return None
        self.enter_parameters(test)
        return constraint(test, self.atoms(place))

    def _possible_atoms(self, expression: Expression, place: Place) -> dict[str, str]:
        """Return `atoms`, with those that `enter_parameters` would add for `expression`."""
        atoms = self.atoms(place)
        for node in walk_expression(expression):
            if isinstance(node, Extent) or (
                isinstance(node, Name) and self.uses.is_parameter(node.name)
            ):
                atoms.setdefault(name_of(node), name_of(node))
        return atoms

    def fresh_predicate(self, line: int) -> str:
        """Return the name of a new predicate, for a condition in `line`."""
        return self.fresh_scalar(f"if_{line}")

    def fresh_scalar(self, wanted: str) -> str:
        """Return the name of a new scalar that is none of the user's."""
        name = self.identifiers.fresh(wanted)
        self.predicates.append(name)
        self.arrays[name] = Array(name=name, rank=0)
        return name

    def fresh_parameter(self, wanted: str, span: Span) -> Name:
        """Return a new parameter that a look at the data finds at the call."""
        name = self.identifiers.fresh(wanted)
        expression = Name(name=name, span=span)
        self.parameters[name] = Parameter(
            name=name, expression=expression, text=name, is_found=True
        )
        return expression

    def test_of(self, predicate: str) -> Expression:
        """Return the test that a predicate holds the outcome of; the last one, of several."""
        found = (
            body.value
            for body, _, _ in reversed(self.pending)
            if isinstance(body.target, Name) and body.target.name == predicate
        )
        return next(found)

    def dimensions(self, place: Place) -> list[str]:
        """Return the identifiers of the surrounding loop variables, outermost first."""
        return [self.identifiers.of(self.loops[loop].variable) for loop in place.loops]

    def instance(self, number: int, place: Place) -> str:
        """Return the instances of a statement in isl notation: `S0[i, j]`."""
        return f"S{number}[{', '.join(self.dimensions(place))}]"

    def any_cell(self, axis: int) -> str:
        """Return an isl variable of its own for a subscript of `axis` that may be anything."""
        if axis not in self.any_cells:
            self.any_cells[axis] = self.identifiers.fresh(f"x{axis}")
        return self.any_cells[axis]

    def prefix(self) -> str:
        """Return the parameters in isl notation: `[n, m] -> `."""
        return f"[{', '.join(each.name for each in self.parameters.values())}] -> "

    def shown(self, node: Expression) -> str:
        """Return the source text of an expression."""
        return self.text.segment(node.span)
