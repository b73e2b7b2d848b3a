"""Find what every order of the instances of a region has to keep.

Before:  for i: for j: above = a[i - 1, j]; a[i, j] = above + a[i, j - 1]
After:   S1[i, j] before S1[i + 1, j] and S1[i, j + 1]; S0[i, j] before S1[i, j]; nothing between
         S0[i, j] and S0[i, j + 1], whose `above` are two

Memory-based dependences between instances in the order of the source (Allen and Kennedy,
Optimizing Compilers for Modern Architectures, 2001, ch. 2). Scalars whose values stay within an
iteration of the innermost loop order nothing but that iteration: whoever reorders the loops keeps
the statements of an iteration that share one together (`atoms`).
"""

from __future__ import annotations

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.scop import Scop
from .dependences import Conflict, find_conflicts
from .live_ranges import live_ranges
from .order import earlier, same_iteration
from .storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """Pairs of instances of two statements, the first of which has to run first."""

    source: str
    sink: str
    pairs: isl.Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """All of these, and the scalars that are left out of them."""

    pairs: tuple[Constraint, ...]
    private: frozenset[str]  # scalars of one iteration of the innermost loops that use them


def find_constraints(scop: Scop) -> Constraints:
    """Return what orders the instances of a region. Exact for affine accesses."""
    storage = Storage(scop)
    scalars = [array.name for array in scop.arrays if array.rank == 0]
    private = frozenset(name for name in scalars if _is_private(scop, storage, name))
    found = (_constraint(scop, each, private) for each in find_conflicts(scop))
    return Constraints(pairs=tuple(each for each in found if each is not None), private=private)


def _is_private(scop: Scop, storage: Storage, name: str) -> bool:
    """Return whether no value of a scalar leaves an iteration of the one loop that uses it."""
    if name in scop.live_in or name in scop.live_out:
        return False
    around = {
        each.loops for each in scop.statements if any(one.array == name for one in each.accesses)
    }
    if len(around) != 1:
        return False
    (loops,) = around
    if not loops:  # outside all loops: there is but one value
        return False
    return storage.is_local(name, loops[-1])


def _shares_value(scop: Scop, conflict: Conflict) -> bool:
    """Return whether two statements may use one value of a private scalar."""
    names = {conflict.source.name, conflict.sink.name}
    ranges = live_ranges(scop, conflict.array)
    return any(names <= {each.name for each in members} for members in ranges)


def _constraint(scop: Scop, conflict: Conflict, private: frozenset[str]) -> Constraint | None:
    source, sink = conflict.source, conflict.sink
    pairs = conflict.relation.intersect_params(scop.context)
    if conflict.array in private:
        if source.position >= sink.position or not _shares_value(scop, conflict):
            return None
        pairs = pairs.intersect(same_iteration(scop, source, sink, source.loops[-1]))
    else:
        pairs = pairs.intersect(earlier(scop, source, sink))
    if pairs.is_empty():
        return None
    return Constraint(source=source.name, sink=sink.name, pairs=pairs)
