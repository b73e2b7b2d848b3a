"""Whether a loop tree keeps what another one does: every instance once, no dependence backward.

Before:  for k in range(0, m): for j in range(0, n): c[j] = c[j] + a[k] * b[k, j]
After:   for k in range(0, m - 3, 4): for j in range(0, n): S0_0[k, j]; S0_1[k + 1, j]; ...
         for k in range(m // 4 * 4, m): for j in range(0, n): S0[k, j]
Asked:   is { S0[k, j] : 0 <= k < m and 0 <= j < n } what both run (at some sizes), each once?
         does S0[k, j] come before S0[k', j] in both for k < k'?

What a transform after the schedule is held against, by exact dependences over memory: instances of
different iterations of a loop that the first tree has as parallel may change places, no others that
touch one element, one of them writing it. (The legality of a reordering: Allen and Kennedy,
Optimizing Compilers for Modern Architectures, 2001, section 2.2.3.) What the trees have for one
instance and its storage is not compared: copies of a scalar are taken for that scalar.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import reduce
from itertools import combinations, product

from autopar.analysis.model import isl
from autopar.analysis.model.isl_order import carried_dimensions
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import SetVariable

from .kernel import Loop, Program
from .tree_times import Leaf, NotAffineError, leaves_of

LOG = logging.getLogger(__name__)

# What a check may cost, which nobody waits for but who asked for it.
_OPERATIONS, _SECONDS = 50_000_000, 30.0
# Of arrays, where a tree is asked whether it runs all instances: groups, and all that may be left.
SIZES = (0, 1, 2, 5, 7, 8, 12, 17, 21, 27)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCheck:
    """What was found out of two loop trees."""

    kept: bool | None  # None: a tree is not linear, or isl took too long
    detail: str = ""  # which instances are out of order, or why nobody knows


def in_kept_order(before: Program, after: Program) -> Program:
    """Return `after`; in debug mode only once it was checked.

    Raises AssertionError where a dependence goes backward in it, or another instance runs.
    """
    if LOG.isEnabledFor(logging.DEBUG) and before != after:
        found = check_order(before, after)
        if found.kept is None:
            LOG.debug("the order of %s was not checked: %s", before.name, found.detail)
        elif not found.kept:
            raise AssertionError(f"{before.name}: {found.detail}")
    return after


def check_order(before: Program, after: Program) -> OrderCheck:
    """Return whether `after` keeps the order of `before`.

    Exact for linear bounds and subscripts; data in subscripts stand for any element.
    Cost: one isl operation for each pair of statements that share an array, and dimension.
    """
    try:
        with isl.isolated(), isl.budget(_OPERATIONS, _SECONDS):
            broken = _first_broken(before, after)
    except NotAffineError as problem:
        return OrderCheck(kept=None, detail=str(problem))
    except isl.BudgetExhaustedError:
        return OrderCheck(kept=None, detail="isl took too long")
    return OrderCheck(kept=broken is None, detail=broken or "")


def _broken(before: Program, after: Program) -> str | None:
    return next(_all_broken(before, after), None)


_first_broken = isl.locked(_broken, most=_OPERATIONS)


def _all_broken(before: Program, after: Program) -> Iterator[str]:
    """Yield what `after` does not keep."""
    olds, news = leaves_of(before.body), leaves_of(after.body)
    depth = max((len(each.turns) for each in (*olds, *news)), default=0)
    variables = {each.instance.name: _variables(each) for each in olds}
    plain = {}
    for name in variables:
        old = _parts(name, olds, variables, depth)
        new = _parts(name, news, variables, depth)
        if not new:
            yield f"{name} is gone"
            return
        yield from _other_instances(name, old, new)
        plain[name] = _plain(reduce(isl.Map.union, new))
    known = _Known(
        variables=variables, overlapping=before.overlapping, depth=depth, begun=_begun(olds)
    )
    for one, other in product(olds, repeat=2):
        for array, pairs in known.ordered(one, other):
            first, second = one.instance.name, other.instance.name
            if carried_dimensions(plain[first], pairs, plain[second]) is None:
                yield f"{second} before {first} on {array}: {pairs}"


def _parts(
    name: str, leaves: tuple[Leaf, ...], variables: dict[str, tuple[str, ...]], depth: int
) -> list[isl.Map]:
    """Return when a statement runs, for each place of a tree that it has."""
    own = [each for each in leaves if _base(each.instance.name, variables) == name]
    return [each.times(name, variables[name], depth) for each in own]


def _other_instances(name: str, old: list[isl.Map], new: list[isl.Map]) -> Iterator[str]:
    """Yield which instances of a statement run twice in the second tree, or not as in the first."""
    domains = [each.domain() for each in new]
    for one, other in combinations(domains, 2):
        if not one.intersect(other).is_empty():
            yield f"{name} runs twice: {one.intersect(other)}"
    if not all(each.reverse().is_injective() for each in new):
        yield f"{name} runs an instance twice"
    # isl takes seconds to tell for all sizes.
    whole, parts = (reduce(isl.Set.union, sets) for sets in ([e.domain() for e in old], domains))
    names = sorted({*whole.parameters, *parts.parameters})
    for first in range(len(SIZES)):
        values = {n: SIZES[(3 * first + 7 * at) % len(SIZES)] for at, n in enumerate(names)}
        tests = " and ".join(f"{each} = {value}" for each, value in values.items())
        here = isl.Set.parse(f"[{', '.join(names)}] -> {{ : {tests or 'true'} }}")
        if whole.intersect_params(here) != parts.intersect_params(here):
            yield f"{name} runs other instances where {values}"


def _plain(times: isl.Map) -> isl.Map:
    """Return times as one linear function if they are one, whatever parts of a tree they are of."""
    hull = times.affine_hull()
    return hull if hull.reverse().is_injective() else times


def _variables(leaf: Leaf) -> tuple[str, ...]:
    return tuple(name for name, _ in leaf.instance.iterators)


def _base(name: str, known: dict[str, tuple[str, ...]]) -> str:
    """Return the statement that an instance of the second tree is a copy of."""
    while name not in known:
        shorter = re.sub(r"_\d+$", "", name)
        if shorter == name:
            raise NotAffineError(f"{name} is new")
        name = shorter
    return name


def _begun(leaves: tuple[Leaf, ...]) -> dict[str, tuple[Loop, ...]]:
    """Return the scalars that begin anew in each iteration of some loops, with these loops."""
    touching: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        for name in leaf.scalars:
            touching.setdefault(name, []).append(leaf)
    found = {}
    for name, users in touching.items():
        first = users[0]
        statement = first.instance.statement
        is_set = isinstance(statement, SetVariable) and statement.name == name
        is_set = is_set and not first.predicates and name not in first.read_scalars
        if is_set and all(each.loops[: len(first.loops)] == first.loops for each in users):
            found[name] = first.loops
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    variables: dict[str, tuple[str, ...]]  # by statement
    overlapping: frozenset[str]
    depth: int
    begun: dict[str, tuple[Loop, ...]]  # scalars, with the loops whose iterations have their own

    def ordered(self, one: Leaf, other: Leaf) -> Iterator[tuple[str, isl.Map]]:
        """Yield the pairs of instances that have to keep their order, by what they share."""
        meeting = list(self._meeting(one, other))
        if not meeting:
            return
        first, second = one.instance.name, other.instance.name
        times = (
            one.times(first, self.variables[first], self.depth),
            other.times(second, self.variables[second], self.depth).reverse(),
        )
        for dimension, loop in _orders(one, other):
            touched = [
                (array, cells)
                for array, cells in meeting
                if loop is None or not any(loop is each for each in self.begun.get(array, ()))
            ]
            if not touched:
                continue
            earlier = times[0].then(_earlier(dimension, self.depth)).then(times[1])
            for array, cells in touched:
                pairs = earlier.intersect(cells)
                if not pairs.is_empty():
                    yield array, pairs

    def _meeting(self, one: Leaf, other: Leaf) -> Iterator[tuple[str, isl.Map]]:
        first, second = one.instance.name, other.instance.name
        for array, writes, cells in one.cells(first, self.variables[first]):
            for its, also, others in other.cells(second, self.variables[second]):
                if not (writes or also):
                    continue
                if {array, its} <= self.overlapping:
                    raise NotAffineError("arrays that share memory")
                if array == its:
                    yield array, cells.then(others.reverse())


def _orders(one: Leaf, other: Leaf) -> Iterator[tuple[int, Loop | None]]:
    """Yield the dimensions of time in which the first may come before the second, and must then."""
    for dimension, (mine, its) in enumerate(zip(one.turns, other.turns, strict=False)):
        if mine.loop is None and its.loop is None:
            if mine.text != its.text:
                if int(mine.text) < int(its.text):
                    yield dimension, None
                return
        elif mine.loop is not its.loop:
            raise NotAffineError("rows under way, once more")
        elif mine.loop is not None and not mine.loop.is_parallel:
            yield dimension, mine.loop


def _earlier(dimension: int, depth: int) -> isl.Map:
    mine = [f"a{number}" for number in range(depth)]
    its = [f"b{number}" for number in range(depth)]
    tests = [f"{a} = {b}" for a, b in zip(mine[:dimension], its, strict=False)]
    tests.append(f"{mine[dimension]} < {its[dimension]}")
    return isl.Map.parse(f"{{ [{', '.join(mine)}] -> [{', '.join(its)}] : {' and '.join(tests)} }}")
