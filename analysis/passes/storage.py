"""Find scalars that every iteration of a loop writes before it reads: private ones.

Before:  for i: t = x[i]; y[i] = t * t      t carries anti and output dependences
After:   for i: t private; same body        nothing carried

Feautrier, Array expansion, ICS 1988. Value-based flow decides: a read is exposed when the value
it sees comes from outside its own iteration. Arrays are left alone here.
"""

from __future__ import annotations

from dataclasses import field

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.scop import Scop, Statement
from . import certain_writes
from .dependences import accesses_to, cells
from .order import original_schedule, same_iteration


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the values of a region's scalars come from and go to."""

    scop: Scop
    # Value-based flow of each scalar, one relation for a pair of statements; found on demand.
    _flows: dict[str, tuple[isl.Map, ...]] = field(default_factory=dict)
    _schedule: list[isl.UnionMap] = field(default_factory=list)

    def exposed(self, name: str, loop: int) -> isl.Set | None:
        """Return the outer iterations in which some iteration of `loop` reads `name` first.

        First: before it writes it. None where there are none.
        """
        if self._is_written_first(name, loop):
            return None
        depth = self.scop.loops[loop].depth
        found: isl.Set | None = None
        for sink in self.scop.statements_in(loop):
            if accesses_to(sink, name, "read"):
                reads = self._exposed_reads(name, loop, sink)
                if not reads.is_empty():
                    outer = reads.outer(depth)
                    found = outer if found is None else found.union(outer)
        return found

    def survives(self, name: str, loop: int) -> bool:
        """Return whether the last iteration of `loop` leaves what is read of `name` after it."""
        return not self._is_read_after(name, loop) or self._is_written_always(name, loop)

    def is_local(self, name: str, loop: int) -> bool:
        """Return whether no value of `name` goes into or out of an iteration of `loop`."""
        return self.exposed(name, loop) is None and not self._is_read_after(name, loop)

    def flow(self, name: str) -> tuple[isl.Map, ...]:
        """Return the value-based flow dependences of a scalar, per pair of statements."""
        if name not in self._flows:
            self._flows[name] = self._flow(name)
        return self._flows[name]

    def _flow(self, name: str) -> tuple[isl.Map, ...]:
        if certain_writes.has_may_writes(self.scop, name):
            return certain_writes.find_flow(self.scop, name)
        writes = tuple(cells(each, found) for each in self.scop.statements
                       if (found := accesses_to(each, name, "write")))  # fmt: skip
        reads = tuple(cells(each, found) for each in self.scop.statements
                      if (found := accesses_to(each, name, "read")))  # fmt: skip
        if not writes or not reads:
            return ()
        if not self._schedule:
            self._schedule.append(original_schedule(self.scop))
        union = isl.UnionMap.of
        return isl.value_based_flow(union(writes), union(reads), self._schedule[0]).maps()

    def _exposed_reads(self, name: str, loop: int, sink: Statement) -> isl.Set:
        """Return the instances of `sink` that see a value from outside their iteration."""
        if certain_writes.has_may_writes(self.scop, name):
            reads = cells(sink, accesses_to(sink, name, "read"))
            return certain_writes.exposed(self.scop, sink, reads, name, loop)
        exposed = sink.domain
        for source in self.scop.statements_in(loop):
            for pairs in self.flow(name):
                if (pairs.source_name, pairs.sink_name) == (source.name, sink.name):
                    within = same_iteration(self.scop, source, sink, loop)
                    exposed = exposed.subtract(pairs.intersect(within).range())
        return exposed

    def _is_written_first(self, name: str, loop: int) -> bool:
        """Return whether a statement of the loop's own body writes `name` before every read.

        Sufficient for `exposed` to find nothing, and cheaper.
        """
        level = self.scop.loops[loop].depth + 1
        inside = self.scop.statements_in(loop)
        readers = [each for each in inside if accesses_to(each, name, "read")]
        first = min((each.position[level] for each in readers), default=None)
        return first is None or any(
            each.position[level] < first and self._runs_always(each, loop)
            for each in inside
            if each.loops[-1] == loop and not each.predicates and accesses_to(each, name, "write")
        )

    def _runs_always(self, statement: Statement, loop: int) -> bool:
        shape = self.scop.loops[loop]
        return shape.iterations.is_subset(statement.domain.outer(shape.depth + 1))

    def _is_written_always(self, name: str, loop: int) -> bool:
        """Return whether every iteration of `loop` writes `name`."""
        missing = self.scop.loops[loop].iterations
        depth = self.scop.loops[loop].depth + 1
        for writer in certain_writes.certain_writers(self.scop, name):
            if loop in writer.last.loops:
                missing = missing.subtract(writer.last.domain.outer(depth))
        return missing.is_empty()

    def _is_read_after(self, name: str, loop: int) -> bool:
        """Return whether a value of `name` from `loop` is read in a later iteration or after it."""
        if name in self.scop.live_out:
            return True
        inside = self.scop.statements_in(loop)
        outside = [each for each in self.scop.statements if each not in inside]
        is_read_outside = any(accesses_to(each, name, "read") for each in outside)
        if not is_read_outside and self._is_written_first(name, loop):
            return False
        return any(self._leaves(pairs, loop) for pairs in self.flow(name))

    def _leaves(self, pairs: isl.Map, loop: int) -> bool:
        source = self.scop.statement(pairs.source_name)
        sink = self.scop.statement(pairs.sink_name)
        if loop not in source.loops:
            return False
        if loop not in sink.loops:
            return True
        return not pairs.subtract(same_iteration(self.scop, source, sink, loop)).is_empty()
