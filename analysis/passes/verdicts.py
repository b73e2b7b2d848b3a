"""Decide for every loop of a region whether it is parallel, and when.

Before:  for i in range(n): a[i + k] = a[i]
After:   conditional, k == 0 or k >= n or k <= -n

The condition is exact: projecting the carried conflicts onto the parameters loses nothing
(Pugh and Wonnacott, Constraint-based array dependence analysis, TOPLAS 1998, do the same with
Presburger formulas).
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model import dependence, isl
from ..model.dependence import Dependence, Reduction
from ..model.diagnostics import Reason
from ..model.loop_ir import TEMPORARY
from ..model.plan import Condition, Inspection, LoopPlan, PrivateArray, VerdictKind
from ..model.scop import Scop
from .apart_rows import apart_sets, context_of_rows
from .carried_reasons import carried_reason
from .conditions import always, condition, never
from .dependences import Conflict, carried_by, dependences, find_conflicts
from .inspections import find_inspections, inspect_reductions
from .kept_arrays import may_pay, without_kept
from .order import carried
from .privatization import Privatization, blocked_by, privatize
from .reasons import ConditionalParallel, EarlyExit, ReductionOnly, WhileLoop
from .recurrences import find_recurrences
from .reductions import find_reductions, left_over
from .renaming import find_renamings
from .scans import find_scans
from .storage import Storage
from .trip_counts import long_loops

# The kind that says most about a loop comes first in its reason.
_WEIGHT = {"flow": 0, "anti": 1, "output": 2}

# Iterations of a loop so short that it may escape a dependence of constant distance.
_FEW = 5


def find_verdicts(scop: Scop, *, at_call: bool = False) -> tuple[LoopPlan, ...]:
    """Return a verdict for each loop of the region, in the order of `Scop.loops`.

    `at_call`: a condition counts however few iterations it leaves, since it is tested next.
    """
    judge = _Judge(
        scop=scop, conflicts=find_conflicts(scop), storage=Storage(scop), at_call=at_call
    )
    return tuple(judge.verdict(loop) for loop in range(len(scop.loops)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    scop: Scop
    conflicts: tuple[Conflict, ...]
    storage: Storage
    at_call: bool

    def verdict(self, loop: int) -> LoopPlan:
        carried_here = carried_by(self.scop, self.conflicts, loop)
        reductions = find_reductions(
            tuple(each for each in carried_here if not self.scop.array(each.array).is_base),
            self.scop.statements_in(loop),
        )
        excused = {each.target for each in reductions}
        rest = [each for each in carried_here if each.array not in excused]
        for target in (each.target for each in reductions if each.reads_others):
            rest += left_over(tuple(each for each in carried_here if each.array == target))
        names, blocking = self.blocking(rest, loop)
        arrays, candidates, blocking = self.without_private_arrays(blocking, loop)
        if self.scop.loops[loop].leaves is not None:
            return self.left(loop, names, self.dependences(blocking, loop))
        if self.scop.loops[loop].runs_once:
            return _once(loop)
        kind, where, inspections = self.decide(loop, blocking, reductions)
        kept = self.kept(loop, frozenset(excused))
        others: tuple[PrivateArray, ...] = ()
        if candidates and kind in {"sequential", "conditional"}:
            others, left = without_kept(blocking, candidates)
            free, _ = self.judge(loop, left, bool(reductions))
            if free not in {"parallel", "reduction"} or not self.combines(loop, reductions, kept):
                others = ()
            elif kind == "sequential":
                kind, blocking = free, left
        is_always_kept = bool(others) and kind != "conditional"
        private = (*names, *(each.name for each in arrays))
        private += tuple(each.name for each in others if is_always_kept)
        found = self.dependences(blocking, loop)
        plan = LoopPlan(
            loop=loop,
            verdict=kind,
            condition=never(self.scop) if inspections else where,
            private=private,
            private_arrays=arrays,
            reductions=reductions,
            dependences=found,
            reason=None,
            is_coincident=(
                # Updates of distinct elements are no reductions.
                (kind == "reduction" and bool(inspections))
                or (kind in {"parallel", "conditional"} and not reductions)
            )
            and not is_always_kept
            and self.values_survive(loop, frozenset()),
            is_reducible=(
                kind in {"parallel", "reduction", "conditional"}
                and bool(reductions or kept)
                and not is_always_kept
                and self.combines(loop, reductions, kept)
            ),
            kept=kept,
            kept_arrays=others,
            renamings=self.renamings(loop, kind, blocking, is_alone=not (arrays or reductions)),
            scans=self.scans(loop, kind, blocking, (found, reductions)) if not arrays else (),
            recurrences=()
            if arrays or reductions
            else self.recurrences(loop, kind, blocking, found),
            inspections=inspections,
            inspected_where=where if inspections else None,
        )
        return replace(plan, reason=self.reason(plan))

    def dependences(self, blocking: tuple[Conflict, ...], loop: int) -> tuple[Dependence, ...]:
        """Return the dependences that keep the iterations of a loop in order, by weight."""
        return tuple(
            found for each in _by_weight(blocking) for found in dependences(self.scop, each, loop)
        )

    def combines(
        self, loop: int, reductions: tuple[Reduction, ...], kept: tuple[Reduction, ...]
    ) -> bool:
        """Return whether what parts of a loop leave of these tells what the loop leaves."""
        combined = {each.target for each in (*reductions, *kept)}
        return (
            not any(each.reads_others for each in reductions)
            and all(self.is_apart(each, loop) for each in reductions)
            and self.values_survive(loop, combined)
        )

    def scans(
        self,
        loop: int,
        kind: VerdictKind,
        blocking: tuple[Conflict, ...],
        found: tuple[tuple[Dependence, ...], tuple[Reduction, ...]],
    ) -> tuple[dependence.Scan, ...]:
        """Return the scans that are all that a loop carries; () where there is more, or nothing."""
        if kind not in {"sequential", "conditional"}:
            return ()
        scans = find_scans(self.scop, loop, blocking, found)
        survivors = {each.target for each in scans}
        return scans if scans and self.values_survive(loop, survivors) else ()

    def recurrences(
        self,
        loop: int,
        kind: VerdictKind,
        blocking: tuple[Conflict, ...],
        found: tuple[Dependence, ...],
    ) -> tuple[dependence.Scan, ...]:
        """Return linear recurrences that are all that a loop carries; () where there is more."""
        if kind not in {"sequential", "conditional"}:
            return ()
        carried = find_recurrences(self.scop, loop, blocking, found)
        survivors = {each.target for each in carried}
        return carried if carried and self.values_survive(loop, survivors) else ()

    def renamings(
        self, loop: int, kind: VerdictKind, blocking: tuple[Conflict, ...], *, is_alone: bool
    ) -> tuple[dependence.Renaming, ...]:
        """Return what sets a loop free that only overwrites what it has read; () for another."""
        if kind not in {"sequential", "conditional"} or not is_alone:
            return ()
        found = find_renamings(self.scop, loop, blocking)
        return found if found and self.values_survive(loop, frozenset()) else ()

    def is_apart(self, reduction: Reduction, loop: int) -> bool:
        """Return whether parts of the loop may accumulate into something of their own."""
        return self.scop.array(reduction.target).rank == 0 or not any(
            access.array == reduction.target
            for each in self.scop.statements_in(loop)
            if each.name not in reduction.statements
            for access in each.accesses
        )

    def left(self, loop: int, private: tuple[str, ...], found: tuple[Dependence, ...]) -> LoopPlan:
        """Return the verdict on a loop that may be left early: which iterations run is data."""
        shape = self.scop.loops[loop]
        returns = shape.is_driver and self.scop.exits is not None
        keyword = "return" if returns else "break"
        if not shape.header.startswith(("for", "async", "while")):  # of a comprehension
            keyword = "any"
        reason: Reason = EarlyExit(span=shape.span, keyword=keyword)
        if shape.leaves == "while" and shape.header.startswith("while"):
            test = shape.header.removeprefix("while").strip()
            reason = WhileLoop(span=shape.span, test=test)
        own = frozenset(self.scop.predicates)
        return LoopPlan(
            loop=loop,
            verdict="sequential",
            condition=None,
            private=private,
            private_arrays=(),
            reductions=(),
            dependences=tuple(each for each in found if each.array not in own),
            reason=reason,
            is_coincident=False,
            is_reducible=False,
        )

    def decide(
        self, loop: int, blocking: tuple[Conflict, ...], reductions: tuple[Reduction, ...]
    ) -> tuple[VerdictKind, Condition | None, tuple[Inspection, ...]]:
        """Return the verdict, and what the parameters and the data must be like for it."""
        inspected = find_inspections(self.scop, blocking, loop)
        kind, holds = self.judge(loop, inspected.left, bool(reductions))
        match kind:
            case "conditional" if holds is not None:
                where = condition(self.scop, self.simplest(loop, holds))
                return kind, where, inspected.inspections
            case "parallel" | "reduction" if inspected.inspections:
                return "conditional", always(self.scop), inspected.inspections
            case "reduction":
                found = inspect_reductions(self.scop, reductions, loop)
                return kind, always(self.scop) if found else None, found
        return kind, None, ()

    def blocking(
        self, rest: list[Conflict], loop: int
    ) -> tuple[tuple[str, ...], tuple[Conflict, ...]]:
        """Return the scalars to make private, and the conflicts that this does not remove.

        It removes none in an execution of the loop where an iteration reads the scalar before
        it writes it.
        """
        private: dict[str, None] = {}
        blocking: list[Conflict] = []
        exposed: dict[str, isl.Set | None] = {}
        for each in rest:
            if self.scop.array(each.array).rank > 0:
                blocking.append(each)
                continue
            if each.array not in exposed:
                exposed[each.array] = self.storage.exposed(each.array, loop)
            outer = exposed[each.array]
            left = None if outer is None else _in_outer(each, outer)
            if left is None or not each.relation.is_subset(left.relation):
                private[each.array] = None
            if left is not None and not left.relation.is_empty():
                blocking.append(left)
        own = frozenset(self.scop.predicates)
        shown = (name for name in private if name not in own and not name.startswith(TEMPORARY))
        return tuple(shown), tuple(blocking)

    def without_private_arrays(
        self, blocking: tuple[Conflict, ...], loop: int
    ) -> tuple[tuple[PrivateArray, ...], tuple[Privatization, ...], tuple[Conflict, ...]]:
        """Return the arrays to make private, and the conflicts that this does not remove.

        Between them, what copies would do for arrays that the last iteration does not leave as
        the loop does.
        """
        private: list[PrivateArray] = []
        candidates: list[Privatization] = []
        left: list[Conflict] = [each for each in blocking if not self.is_array(each)]
        for name in dict.fromkeys(each.array for each in blocking if self.is_array(each)):
            conflicts = tuple(each for each in blocking if each.array == name)
            is_base = self.scop.array(name).is_base
            found = None if is_base else privatize(self.scop, conflicts, loop)
            if found is not None and not found.is_left_by_last:
                candidates += [found] if may_pay(self.scop, name, loop) else []
            elif found is not None and self.gains(found, loop):
                private.append(found.array)
                conflicts = found.left
            left += conflicts
        return tuple(private), tuple(candidates), tuple(left)

    def is_array(self, conflict: Conflict) -> bool:
        return self.scop.array(conflict.array).rank > 0

    def gains(self, found: Privatization, loop: int) -> bool:
        """Return whether private copies set free more than loops that are short somewhere."""
        if not found.left:
            return True
        free_of = long_loops(self.scop, loop).intersect(self.scop.context)
        return not free_of.is_subset(blocked_by(found.left))  # ends with the first that is not

    def values_survive(self, loop: int, reduced: AbstractSet[str]) -> bool:
        """Return whether the last iteration holds the last value of each scalar, if it is read.

        Those that are `reduced` have theirs from all iterations.
        """
        written = self.scalars_written(loop) - reduced
        return all(self.storage.survives(name, loop) for name in written)

    def scalars_written(self, loop: int) -> frozenset[str]:
        return frozenset(
            access.array
            for statement in self.scop.statements_in(loop)
            for access in statement.accesses
            if access.kind != "read" and not access.indices
        )

    def kept(self, loop: int, reduced: frozenset[str]) -> tuple[Reduction, ...]:
        """Return the private scalars whose last value is that of any iteration, and who sets them.

        No iteration reads what another one left, so the last one that writes decides (Lam,
        Locality optimizations for parallel machines, CONPAR 1994, calls it finalization).
        """
        names = sorted(self.scalars_written(loop) - reduced)
        return tuple(
            Reduction(operator="last", target=name, statements=self.writers(name, loop))
            for name in names
            if not self.storage.survives(name, loop) and self.storage.exposed(name, loop) is None
        )

    def writers(self, name: str, loop: int) -> tuple[str, ...]:
        """Return the statements of `loop` that write the scalar `name`."""
        return tuple(
            statement.name
            for statement in self.scop.statements_in(loop)
            if any(each.array == name and each.kind != "read" for each in statement.accesses)
        )

    def judge(
        self,
        loop: int,
        blocking: tuple[Conflict, ...],
        has_reductions: bool,  # noqa: FBT001  # private, named at the call
    ) -> tuple[VerdictKind, isl.Set | None]:
        free: VerdictKind = "reduction" if has_reductions else "parallel"
        if not blocking:
            return free, None
        blocked = blocked_by(blocking).intersect(self.scop.context)
        if blocked.is_empty():
            return free, None
        holds = self.scop.context.subtract(blocked)
        if self.admits_long_loops(loop, holds):
            return "conditional", holds
        return "sequential", None

    def admits_long_loops(self, loop: int, holds: isl.Set) -> bool:
        """Return whether the condition leaves more than a few iterations of the loop.

        A loop that is only free of conflicts when it is too short to reach across them
        (`a[i] = a[i - 2]` with n <= 3) is sequential, unless it is not so short: parts of
        `a[i] = a[i - 100]` are worth running at once.
        """
        if holds.is_empty():
            return False
        if self.at_call:
            return True
        longest_free = self.longest(loop, holds)
        if longest_free is None or longest_free // abs(self.scop.loops[loop].step) >= _FEW:
            return True
        return longest_free > 0 and longest_free == self.longest(loop, self.scop.context)

    def simplest(self, loop: int, holds: isl.Set) -> isl.Set:
        """Return `holds`, written without the cases of loops that are too short to conflict."""
        level = self.scop.loops[loop].depth
        iterations = self.scop.loops[loop].iterations
        names = iterations.dimensions
        later = f"{names[level]} < {names[level]}'"
        outer = [f"{name} = {name}'" for name in names[:level]]
        pair = ", ".join(names), ", ".join(f"{name}'" for name in names)
        order = isl.Map.parse(f"{{ [{pair[0]}] -> [{pair[1]}] : {' and '.join([*outer, later])} }}")
        long = order.intersect_domain(iterations).intersect_range(iterations).params()
        known = context_of_rows(self.scop)
        for rows in apart_sets(self.scop):
            if rows.intersect(known) == holds.intersect(known):
                return rows
        simple = holds.gist(long.intersect(known))
        return simple if simple.intersect(known) == holds.intersect(known) else holds

    def longest(self, loop: int, context: isl.Set) -> int | None:
        """Return the largest distance between two iterations that both run something.

        0 where no two iterations do; None where there is no bound.
        """
        largest = 0
        level = self.scop.loops[loop].depth
        for statement in self.scop.statements_in(loop):
            pairs = carried(self.scop, statement, statement, loop)
            pairs = pairs.intersect_domain(statement.domain).intersect_range(statement.domain)
            ends = pairs.intersect_params(context).distances(level)
            if ends is None:
                continue
            low, high = ends
            if low is None or high is None:
                return None
            largest = max(largest, abs(low), abs(high))
        return largest

    def reason(self, plan: LoopPlan) -> Reason | None:
        shape = self.scop.loops[plan.loop]
        match plan.verdict:
            case "parallel" | "unsupported":
                return None
            case "reduction":
                targets = tuple(each.target for each in plan.reductions)
                return ReductionOnly(span=shape.span, loop_variable=shape.shown, targets=targets)
            case "conditional":
                return ConditionalParallel(
                    span=shape.span,
                    loop_variable=shape.shown,
                    condition=plan.condition_text or "",
                )
            case "sequential":
                return carried_reason(
                    self.scop, shape, plan.dependences[0], is_scan=bool(plan.scans)
                )


def _once(loop: int) -> LoopPlan:
    """Return the verdict on what runs once: there is nothing to share out."""
    return LoopPlan(
        loop=loop,
        verdict="parallel",
        condition=None,
        private=(),
        private_arrays=(),
        reductions=(),
        dependences=(),
        reason=None,
        is_coincident=False,
    )


def _in_outer(conflict: Conflict, outer: isl.Set) -> Conflict:
    """Return the part of a conflict in some iterations of the loops around."""
    sources = conflict.source.domain.within(outer)
    return replace(conflict, relation=conflict.relation.intersect_domain(sources))


def _by_weight(conflicts: tuple[Conflict, ...]) -> list[Conflict]:
    return sorted(conflicts, key=lambda each: _WEIGHT[each.kind])
