"""Whether a call has a sum so long that its order is not the interpreter's.

Such a call is never left to the interpreter for being short: the same call would have other
bits once it is compiled. Whether it has one depends on lengths and types alone, so it is known
before anything is compiled.

Before:  for i in range(n): s += a[i]       float64, n = 100_000
After:   100_000 terms, from 32_768 on in the canonical order: compiled at the first call
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import field
from typing import TypeAlias

from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.scop import Scop
from autopar.analysis.model.types import LiveInType
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.kernel import Program

from .options import Options
from .own_builtins import OWN_BUILTINS, with_own_builtins
from .trips import widest_trips
from .variant import Target

LOG = logging.getLogger("autopar")

Length: TypeAlias = Callable[..., int]


@dataclass(slots=True, kw_only=True)
class LongSums:
    """What is known of the sums of one region, by types of arguments."""

    plan: RegionPlan
    place: tuple[str, str]  # name of the region and the user's file
    options: Options
    # No sum has more terms than this says for the arguments of a call; None without sums.
    bound: Length | None
    _lengths: dict[Hashable, Length | None] = field(default_factory=dict)

    def may_be_long(self, values: tuple[object, ...]) -> bool:
        """Return whether some sum may be long, as far as the lengths of loops tell."""
        return self.bound is not None and self.bound(*values) >= FEWEST_TERMS

    def is_long(
        self,
        key: Hashable,
        types: Callable[[], Mapping[str, LiveInType] | Reason],
        holding: frozenset[int],
        integers: tuple[int, ...],
    ) -> bool:
        """Return whether some sum of a call is long; `key` stands for `types` and `holding`."""
        if key not in self._lengths:
            self._lengths[key] = self._length(types(), holding)
        length = self._lengths[key]
        return length is not None and length(*integers) >= FEWEST_TERMS

    def _length(
        self, types: Mapping[str, LiveInType] | Reason, holding: frozenset[int]
    ) -> Length | None:
        """Return how many terms the longest sum has; None where no kernel would reorder any."""
        if isinstance(types, Reason):
            return None
        name, file = self.place
        target: Target = "cuda" if self.options.backend == "cuda" else "cpu"
        from .variants import draft_variant

        try:
            draft = draft_variant(self.plan, types, holding, (target, name, file), self.options)
        except Exception:  # what fails here fails when it is compiled, and is reported then
            LOG.debug("no draft of %s", name, exc_info=True)
            return None
        return None if isinstance(draft, Refusal) else _longest(draft.program)


def _longest(program: Program) -> Length | None:
    """Return a function of the parameters: the terms of the longest sum that is reordered."""
    from autopar.codegen.host import sum_lengths
    from autopar.codegen.integers import text

    lengths = sum_lengths(program)
    if not lengths:
        return None
    names = {each.name: f"p{number}" for number, each in enumerate(program.integers)}
    texts = ", ".join(text(each, names) for each in lengths)
    return _function(tuple(names.values()), f"max(({texts},))")


def _function(arguments: tuple[str, ...], body: str) -> Length:
    source = with_own_builtins(f"lambda {', '.join(arguments)}: {body}")
    function: Length = eval(source, dict(OWN_BUILTINS))  # noqa: S307  # our own text
    return function


def sums_of(
    plan: RegionPlan, arguments: tuple[str, ...], place: tuple[str, str], options: Options
) -> LongSums:
    """Return what there is to know of the sums of a region.

    `arguments` are all names that its guard knows the values of.
    """
    bound = None if options.strict or plan.keeps_order else most_terms(plan)
    function = None if bound is None else _function(arguments, bound)
    return LongSums(plan=plan, place=place, options=options, bound=function)


def most_terms(plan: RegionPlan) -> str | None:
    """Return Python over the user's names: more terms than any sum of the region can have.

    None where there is no sum or product. Bounds of loops are taken where they are widest.
    """
    scop = plan.scop
    found = [
        _terms_below(scop, each.loop)
        for each in plan.loops
        if any(one.operator in {"+", "*"} for one in each.scans)
        or (each.is_reducible and any(one.operator in {"+", "*"} for one in each.reductions))
    ]
    if not found:
        return None
    return f"max(({', '.join(found)},))"


def _terms_below(scop: Scop, loop: int) -> str:
    """Return a bound of how often any statement runs in one execution of `loop`."""
    most = widest_trips(scop)
    paths = {each.loops[each.loops.index(loop) :] for each in scop.statements_in(loop)}
    # A loop without a bound: there may be any number of terms.
    products = [
        " * ".join(most.get(number, str(FEWEST_TERMS)) for number in path) for path in sorted(paths)
    ]
    return f"max(({', '.join(products)},))"
