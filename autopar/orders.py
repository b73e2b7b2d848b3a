"""The order in which a nest runs, as loops to stand beside those of the source.

Before:  for i in range(m): for j in range(n): for k in range(i + 1, m): B[i, j] += ...
After:   parallel for j_block in range(0, n, 512):
             for i in range(0, m - 1):  # in order: anti dependence on 'B', line 85
                 ...

An order is looked for when a call makes a kernel. A report is asked for without one, so arrays are
taken to be of float64, or of int64 where that has no meaning, in rows; nothing is compiled.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model import isl
from autopar.analysis.model.chains import dotted
from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.isl_order import carried_dimensions
from autopar.analysis.model.loop_ir import Extent
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan, Schedule
from autopar.analysis.model.report import NestOrder
from autopar.analysis.model.source import Span
from autopar.analysis.model.types import FLOAT, INT, ArrayType, LiveInType
from autopar.analysis.stages import specialize
from autopar.codegen.dump import header_text, statement_text
from autopar.codegen.integers import text
from autopar.codegen.jam import jammed_loops, with_jammed
from autopar.codegen.kernel import (
    Branch,
    Decision,
    Instance,
    Loop,
    Node,
    Program,
    decided,
    loops_in,
)

from .prepare import Entry
from .variants import lowered

LOG = logging.getLogger("autopar")
_DTYPES = ("float64", "int64")
_INDENT = "    "
_KINDS = ("flow", "anti", "output")  # the first one says most


def orders_of(entries: Iterable[Entry]) -> tuple[NestOrder, ...]:
    """Return how the nests run that have another order than the source."""
    return orders_in(each.plan for entry in entries for each in entry.regions())


def orders_in(plans: Iterable[RegionPlan]) -> tuple[NestOrder, ...]:
    """Return the same of nests as the analysis planned them."""
    # Loops that do nothing, as `for i in range(n): pass`, have no order.
    alone = {each.scop.span: each for each in plans if each.scop.statements}
    found = (_order_or_none(each) for each in alone.values())
    return tuple(each for each in found if each is not None)


def _order_or_none(region: RegionPlan) -> NestOrder | None:
    """Return how a region runs; a fault of ours leaves out what a report can do without."""
    try:
        return order_of(region)
    except Exception:  # AP900 is for what a call found out; nothing was run here
        LOG.exception("no order was found for lines %s", region.scop.span)
        return None


def order_of(region: RegionPlan) -> NestOrder | None:
    """Return how a region runs; None where it keeps its order, or nobody can tell."""
    for dtype in _DTYPES:
        found = _scheduled(region, dtype)
        order = None if found is None else _shown(region, *found)
        if order is not None:
            # Tables of integers run in ways that tables of floats do not.
            is_alone = dtype != _DTYPES[0] and _scheduled(region, _DTYPES[0]) is not None
            remark = ("# where all arrays hold integers",) if is_alone else ()
            return replace(order, lines=remark + order.lines)
    return None


def _shown(region: RegionPlan, schedule: Schedule, program: Program) -> NestOrder | None:
    """Return how a program runs; None where that is the order of the source."""
    overlapping = frozenset(span for span, _ in jammed_loops(with_jammed(program)))
    if not schedule.transforms and not overlapping:
        return None
    carried = _carried(region, schedule)
    printer = _Printer(schedule=schedule, carried=carried, overlapping=overlapping)
    return NestOrder(
        span=region.scop.span,
        transforms=_words(schedule, is_skewed=bool(overlapping)),
        unless=tuple(filter(None, (each.condition_text for each in region.loops))),
        lines=tuple(_as_source(each, program) for each in printer.lines(program.body, "")),
    )


def _scheduled(region: RegionPlan, dtype: str) -> tuple[Schedule, Program] | None:
    types = _taken(region, dtype)
    # Where the condition of a loop holds, it runs in parallel as it stands.
    found = specialize(region, types, frozenset(), reorders="blocks")
    if isinstance(found, Refusal):
        return None
    try:
        with isl.budget():
            return found[1], lowered(region, found, types, "nest", "nest")
    except isl.BudgetExhaustedError:
        return None


def _taken(region: RegionPlan, dtype: str) -> dict[str, LiveInType]:
    """Return types of what a region takes in, as they mostly are."""
    scop = region.scop
    types: dict[str, LiveInType] = dict.fromkeys(scop.live_in, FLOAT)
    types |= {e.text: INT for e in scop.parameters if not isinstance(e.expression, Extent)}
    for array in scop.arrays:
        types[array.name] = ArrayType(
            dtype=dtype, rank=array.rank, layout="C", is_aligned=True, is_writeable=True
        )
    return types


def _as_source(line: str, program: Program) -> str:
    """Return a line with the parameters as they stand in the source: `a.shape[0]`."""
    for each in program.integers:
        if each.name != each.text:
            line = each.text.join(re.split(rf"\b{re.escape(each.name)}\b", line))
    return dotted(line)


def _words(schedule: Schedule, *, is_skewed: bool) -> tuple[str, ...]:
    skewed = ("skew",) if is_skewed else ()
    return tuple(dict.fromkeys((*(word for _, word in schedule.transforms), *skewed)))


def _carried(region: RegionPlan, schedule: Schedule) -> dict[int, tuple[str, ...]]:
    """Return what each dimension of time carries, in words."""
    times = {each.source_name: each for each in schedule.relation.maps()}
    found: dict[int, dict[str, None]] = {}
    try:
        with isl.budget():
            for plan in region.loops:
                for each in plan.dependences:
                    ends = times[each.source], times[each.sink]
                    lines = sorted({each.source_span.line, each.sink_span.line})
                    at = f"lines {lines[0]} and {lines[-1]}" if lines[1:] else f"line {lines[0]}"
                    for dimension in carried_dimensions(ends[0], each.relation, ends[1]) or ():
                        words = f"{each.kind} dependence on '{each.array}', {at}"
                        found.setdefault(dimension, {})[words] = None
    except isl.BudgetExhaustedError:
        return {}
    return {
        dimension: tuple(sorted(words, key=lambda each: _KINDS.index(each.partition(" ")[0])))
        for dimension, words in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Printer:
    """Prints a loop tree for a reader."""

    schedule: Schedule
    carried: Mapping[int, tuple[str, ...]]
    overlapping: frozenset[Span]  # loops of which rows overlap

    def lines(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        for node in nodes:
            match node:
                case Loop():
                    yield f"{indent}{header_text(node)}{self._remark(node)}"
                    yield from self.lines(node.body, indent + _INDENT)
                case Branch():
                    yield f"{indent}if {text(node.test, {})}:"
                    yield from self.lines(node.body, indent + _INDENT)
                case Decision():
                    word, first, other = decided(node)
                    yield f"{indent}if {word}{node.predicate}:"
                    yield from self.lines(first, indent + _INDENT)
                    if other:
                        yield f"{indent}else:"
                        yield from self.lines(other, indent + _INDENT)
                case Instance():
                    yield indent + statement_text(node)

    def _remark(self, loop: Loop) -> str:
        """Return what keeps a loop in its order."""
        if loop.is_parallel or loop.dimension is None:
            return ""
        if loop.skew is not None and loop.span in self.overlapping:
            factor = f"{loop.skew} * " if loop.skew != 1 else ""
            inner = next(each.iterator for each in loops_in(loop.body))
            time = f"{factor}{loop.iterator} + {inner}"
            return f"  # rows overlap: iterations with the same {time} run at once"
        if loop.renamings:
            names = " and ".join(f"'{each.array}'" for each in loop.renamings)
            return f"  # parallel in blocks, each with what the next one overwrites of {names}"
        if loop.is_reduced:
            return ""
        words = self.carried.get(loop.dimension, ())
        if not words:
            return ""
        others = f", and {len(words) - 1} more" if words[1:] else ""
        return f"  # in order: {words[0]}{others}"
