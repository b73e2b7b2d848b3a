"""Group the statements that every order has to keep together.

Before:  for i: for j: p = a[i, j]; b[i, j] = p; c[j] = c[j] + 1      `p` belongs to an iteration
After:   A0 = S0, S1 and A1 = S2; what orders S0 or S1 orders A0

An atom runs all its statements for one iteration of the loops around them before anything else of
that iteration, so that a scalar of the iteration needs one place only.
"""

from __future__ import annotations

from functools import reduce

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.scop import Scop, Statement
from .constraints import Constraints
from .live_ranges import live_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """Statements of one innermost loop that run together."""

    name: str  # A0, A1, ... in textual order
    statements: tuple[Statement, ...]  # in textual order
    domain: isl.Set  # of all of them, under the atom's name

    @property
    def first(self) -> Statement:
        """The first of its statements."""
        return self.statements[0]


def group(scop: Scop, private: frozenset[str]) -> tuple[Atom, ...] | None:
    """Return the atoms of a region, `private` being the scalars of one iteration.

    None where another loop stands between statements that share one.
    """
    groups = [[each] for each in scop.statements]
    shared = (members for name in sorted(private) for members in live_ranges(scop, name))
    for members in shared:
        names = {each.name for each in members}
        users = [at for at, each in enumerate(groups) if names & {one.name for one in each}]
        if len(users) > 1:
            first, last = users[0], users[-1]
            groups[first : last + 1] = [[each for one in groups[first : last + 1] for each in one]]
    if any(len({each.loops for each in members}) > 1 for members in groups):
        return None
    return tuple(_atom(f"A{number}", members) for number, members in enumerate(groups))


def _atom(name: str, members: list[Statement]) -> Atom:
    domains = (each.domain.named(name) for each in members)
    return Atom(name=name, statements=tuple(members), domain=reduce(isl.Set.union, domains))


def between_atoms(atoms: tuple[Atom, ...], constraints: Constraints) -> tuple[isl.Map, ...]:
    """Return the pairs of instances of atoms of which the first has to run first.

    What lies within one instance of an atom is kept by its textual order.
    """
    atom_of = {each.name: atom for atom in atoms for each in atom.statements}
    found = []
    for each in constraints.pairs:
        source, sink = atom_of[each.source], atom_of[each.sink]
        pairs = each.pairs.from_named(source.name).to_named(sink.name)
        if source is sink:
            pairs = pairs.without_equal()
        if not pairs.is_empty():
            found.append(pairs)
    return tuple(found)
