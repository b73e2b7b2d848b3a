"""The second opinion on a verdict: source, claim -> where the check by primed copies says otherwise.

Before:  for i in range(n): a[i + k] = a[i]     conditional: k == 0 or k >= n or k <= -n
After:   nothing: the condition is, as a set of parameters, where no two iterations meet in a cell

Privatisation, renaming and reductions are taken from the claim: their names are left out of what conflicts. Whether
the claim may name them is a question of values, which `tests.truth` answers. Parameters for which a subscript is negative
are left out: the forms that are compared do not wrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import islpy

from tests.answers import Claim
from tests.primed import conflicts, wrapping
from tests.textual import Nest, NotAffine, condition_in_isl, nest_of

Outcome = Literal[
    "agrees", "excused", "vacuous", "not comparable", "contradicts", "more is possible"
]

OPERATIONS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the check says of one claim."""

    outcome: Outcome
    detail: str = ""


def opinion(source: str, claim: Claim) -> Opinion:
    """Return how a static claim stands to the check by primed copies, as far as that takes no more than OPERATIONS."""
    context = islpy.DEFAULT_CONTEXT
    context.reset_operations()
    context.set_max_operations(OPERATIONS)
    try:
        return _opinion(source, claim)
    except islpy.Error as error:
        if "maximal number of operations" not in str(error):
            raise
        return Opinion(outcome="not comparable", detail="too hard")
    finally:
        context.reset_operations()
        context.set_max_operations(0)


def _opinion(source: str, claim: Claim) -> Opinion:
    """Return how a static claim stands to the check by primed copies.

    agrees            the same iterations meet, with nothing left out
    excused           the same, once private, renamed and reduced names are left out
    vacuous           it is sequential, and its assumptions hold only where nothing is carried: a subscript wraps
    contradicts       iterations meet where the claim lets them run in any order
    more is possible  none meet, though the claim keeps their order
    """
    nest = nest_of(source, claim.loop)
    if nest is None or claim.verdict == "unsupported":
        return Opinion(outcome="not comparable")
    try:
        context = _context(claim)
        free = _where_free(claim)
    except NotAffine:
        return Opinion(outcome="not comparable")
    if set(nest.around) & {
        *context.get_var_names(islpy.dim_type.param),
        *free.get_var_names(islpy.dim_type.param),
    }:
        return Opinion(outcome="not comparable")  # outer loops are the claim's parameters
    context = context.subtract(wrapping(nest))
    found = conflicts(nest)
    names = claim.private | claim.reduced | (frozenset(found) if claim.renames else frozenset())
    everything = _union(nest, list(found.values()))
    blocking = _union(nest, [each for name, each in found.items() if name not in names])
    clash = blocking.intersect(context).intersect(free)
    if not clash.is_empty():
        return Opinion(
            outcome="contradicts", detail=f"{sorted(found)} meet at {clash.sample_point()}"
        )
    if claim.verdict == "sequential":
        if everything.is_empty():
            return Opinion(outcome="more is possible", detail="nothing meets")
        is_carried = not everything.intersect(context).is_empty()
        return Opinion(outcome="agrees" if is_carried else "vacuous")
    # A private array may still carry a flow for some parameters, of which this check knows nothing.
    scalars = {each.name for each in nest.accesses if not each.indices}
    without = [each for name, each in found.items() if name not in names & scalars]
    lost = context.subtract(_union(nest, without)).subtract(free)
    if not lost.is_empty():
        return Opinion(
            outcome="more is possible", detail=f"{claim.condition} at {lost.sample_point()}"
        )
    is_plain = everything.intersect(context).intersect(free).is_empty()
    return Opinion(outcome="agrees" if is_plain else "excused")


def _where_free(claim: Claim) -> islpy.Set:
    """Return the parameters for which the claim lets the iterations run in any order."""
    match claim.verdict:
        case "conditional":
            assert claim.condition is not None
            return _set(claim.condition)
        case "sequential":
            return _set("False")
    return _set("True")


def _context(claim: Claim) -> islpy.Set:
    """Return the parameters for which all that the claim assumes holds; shapes are no less than zero."""
    context = _set("True")
    for text in claim.assumes:
        if not text.startswith("autopar.overlap("):
            context = context.intersect(_set(text))
    names = [context.get_dim_name(islpy.dim_type.param, at) for at in range(context.n_param())]
    for name in names:
        if name is not None and "_shape_" in name:
            context = context.intersect(_parsed((name,), f"{name} >= 0"))
    return context


def _set(condition: str) -> islpy.Set:
    text, parameters = condition_in_isl(condition)
    return _parsed(parameters, text)


def _parsed(parameters: tuple[str, ...], text: str) -> islpy.Set:
    return islpy.Set.read_from_str(
        islpy.DEFAULT_CONTEXT, f"[{', '.join(parameters)}] -> {{ : {text} }}"
    )


def _union(nest: Nest, sets: list[islpy.Set]) -> islpy.Set:
    found = _parsed(nest.parameters, "false")
    for each in sets:
        found = found.union(each)
    return found
