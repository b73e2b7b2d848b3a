"""Writes that certainly happen, and the values that reads see where some writes may not.

Before:  S0: t = x   if p            After:  one writer of t, with no predicate left: S0 or S1
         S1: t = y   if not p

A read under `p` surely sees a write under `p` in the same iteration; of two writes under `p` and
`not p` one happens (the resolution rule; compare gated single assignment, Tu and Padua, Efficient
building and placing of gating functions, PLDI 1995). Only such writes hide earlier ones.
Exact but for relations between predicates: `p` and `q` are taken to be independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.loop_ir import Constant, Expression, Name
from ..model.scop import Predicate, Scop, Statement
from .dependences import accesses_to, cells, is_indirect
from .order import earlier, same_iteration

# Resolution may multiply writers; with these many, reads count as uncovered instead.
_MOST_WRITERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One write, or several of which one happens wherever `predicates` hold."""

    # The last of them: it stands for the instances, its domain those where all of them write.
    last: Statement
    first: Statement  # the same instances, in the place of the first of them
    cells: isl.Map  # instance -> the cells that each of them writes
    predicates: frozenset[Predicate]


def has_may_writes(scop: Scop, array: str) -> bool:
    """Return whether some write of `array` depends on data."""
    return any(
        access.kind == "may_write" for each in scop.statements for access in each.accesses
        if access.array == array
    )  # fmt: skip


def find_writers(scop: Scop, array: str) -> tuple[Writer, ...]:
    """Return the writes of `array`, with those that are certain only together."""
    found = [
        Writer(last=each, first=each, cells=cells(each, written),
               predicates=frozenset(each.predicates))
        for each in scop.statements
        if (written := accesses_to(each, array, "write")) and not any(map(is_indirect, written))
    ]  # fmt: skip
    position = 0
    while position < len(found) <= _MOST_WRITERS:
        new = found[position]
        merged = (_resolved(each, new) for each in found[:position])
        found += [each for each in (*merged, *_freed(scop, new)) if each is not None]
        position += 1
    return tuple(found)


def _freed(scop: Scop, writer: Writer) -> Iterator[Writer]:
    """Yield a writer without each of its predicates, where that one cannot come out otherwise.

    `x and i > 0` is false for `i <= 0`, whatever `x` is.
    """
    for each in writer.predicates:
        domain = writer.last.domain
        for iterations in _possible(scop, replace(each, holds=not each.holds)):
            domain = domain.subtract(domain.within(iterations))
        if not domain.is_empty():
            yield Writer(
                last=replace(writer.last, domain=domain),
                first=replace(writer.first, domain=domain),
                cells=writer.cells.intersect_domain(domain),
                predicates=writer.predicates - {each},
            )


def _possible(scop: Scop, predicate: Predicate) -> list[isl.Set]:
    """Return the iterations around a test in which it may come out so, as several sets."""
    return [
        each.domain.outer(len(each.loops))
        for each in scop.statements
        if isinstance(each.body.target, Name)
        and each.body.target.name == predicate.name
        and _may_be(each.body.value, holds=predicate.holds)
    ]


def _may_be(value: Expression, *, holds: bool) -> bool:
    return not isinstance(value, Constant) or bool(value.value) == holds


def certain_writers(scop: Scop, array: str) -> tuple[Writer, ...]:
    """Return the writers of `array` that write in every instance of their domain."""
    return tuple(each for each in find_writers(scop, array) if not each.predicates)


def _resolved(one: Writer, other: Writer) -> Writer | None:
    """Return what two writers under opposite predicates are together, or None."""
    if one.last.loops != other.last.loops:
        return None
    opposite = [
        each for each in one.predicates if replace(each, holds=not each.holds) in other.predicates
    ]
    if len(opposite) != 1:
        return None
    (clash,) = opposite
    ends = sorted((one.last, other.last), key=lambda each: each.position)
    starts = sorted((one.first, other.first), key=lambda each: each.position)
    name = ends[1].name
    domain = one.last.domain.named(name).intersect(other.last.domain.named(name))
    both = one.cells.from_named(name).intersect(other.cells.from_named(name))
    both = both.intersect_domain(domain)
    if both.is_empty():
        return None
    rest = {each for each in one.predicates | other.predicates if each.name != clash.name}
    return Writer(
        last=replace(ends[1], domain=domain),
        first=replace(starts[0], name=name, domain=domain),
        cells=both,
        predicates=frozenset(rest),
    )


def covered(scop: Scop, writer: Writer, sink: Statement, reads: isl.Map) -> isl.Map | None:
    """Return the pairs where `writer` surely wrote, earlier, a cell that `sink` reads.

    `reads` relates the instances of `sink` to the cells in question. None where there are none.
    """
    if not writer.predicates <= set(sink.predicates):
        return None
    pairs = _earlier(scop, (writer.last, writer.cells), (sink, reads))
    loops = max((scop.loops_around_test(each.name) for each in writer.predicates), default=0)
    if loops:
        pairs = pairs.intersect(same_iteration(scop, writer.last, sink, sink.loops[loops - 1]))
    return pairs


def exposed(scop: Scop, sink: Statement, reads: isl.Map, array: str, loop: int | None) -> isl.Set:
    """Return the instances of `sink` that may see a value from before the region.

    With `loop`, a value from outside their own iteration of it.
    """
    left = sink.domain
    for writer in find_writers(scop, array):
        if loop is not None and loop not in writer.last.loops:
            continue
        pairs = covered(scop, writer, sink, reads)
        if pairs is None:
            continue
        if loop is not None:
            pairs = pairs.intersect(same_iteration(scop, writer.last, sink, loop))
        left = left.subtract(pairs.range())
    return left


def exposed_cells(
    scop: Scop, sink: Statement, reads: isl.Map, array: str, loop: int | None
) -> isl.Map:
    """Return the pairs (instance of `sink`, cell) whose value comes from outside the iteration.

    For reads at places that are data: `reads` has every cell that an instance may read.
    """
    left = reads
    for writer in certain_writers(scop, array):
        if loop is None or loop in writer.last.loops:
            pairs = earlier(scop, writer.last, sink)
            if loop is not None:
                pairs = pairs.intersect(same_iteration(scop, writer.last, sink, loop))
            left = left.subtract(pairs.reverse().then(writer.cells))
    return left


def find_flow(scop: Scop, array: str) -> tuple[isl.Map, ...]:
    """Return (write instance, read instance) where the read may see the written value.

    One relation for a pair of statements that has any. Each read instance is taken to read one
    cell.
    """
    writers = find_writers(scop, array)
    found = []
    for sink in scop.statements:
        read = accesses_to(sink, array, "read")
        if not read:
            continue
        reads = cells(sink, read)
        covers = [(each, pairs) for each in writers
                  if (pairs := covered(scop, each, sink, reads)) is not None]  # fmt: skip
        for source in scop.statements:
            written = accesses_to(source, array, "write")
            if not written:
                continue
            pairs = _earlier(scop, (source, cells(source, written)), (sink, reads))
            for writer, cover in covers:
                between = _earlier(
                    scop, (source, cells(source, written)), (writer.first, writer.cells)
                )
                pairs = pairs.subtract(between.then(cover))
            if not pairs.is_empty():
                found.append(pairs)
    return tuple(found)


def _earlier(
    scop: Scop, source: tuple[Statement, isl.Map], sink: tuple[Statement, isl.Map]
) -> isl.Map:
    """Return the pairs of instances on one cell, source earlier."""
    (first, written), (second, read) = source, sink
    return written.then(read.reverse()).intersect(earlier(scop, first, second))
