"""Print a kernel whose threads run a loop of launches together, without the host between them.

    for crew_member in range(lower, upper):
        crew_phase = crew_goal = 0
        for k in range(0, n):                                a loop of the host
            crew_parts = min(crew_count, max(1, 14 * n // 100))
            crew_phase += 1                                  a launch
            crew_goal += crew_parts
            crew_part = 0 if crew_count == 1 else next_part(progress, ...)
            while crew_part >= 0:
                for i in range(...): ...                     a part of its range
                if crew_count == 1: break
                part_done(progress)
                crew_part = next_part(progress, ...)
            if crew_part == -2: return (status,)             Ctrl-C

Every thread walks through all phases. What a phase stores is there for the next one, since
`next_part` ends a phase when all its parts are done (a barrier: Mellor-Crummey and Scott,
Algorithms for scalable synchronization, TOCS 1991; here parts that nobody has begun may be taken
by anybody, so one thread alone does them all).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autopar.analysis.model.nouns import dataclass

from . import host
from .cpu_body import INDENT, Body
from .kernel import Loop
from .progress import STOPPED

FUNCTIONS = ("crew_left", "next_part", "part_done")
NAMES = (
    "crew", "crew_count", "crew_member", "crew_phase", "crew_goal", "crew_parts", "crew_part",
    "crew_trips", "new_crew", *FUNCTIONS,
)  # fmt: skip
# Handing a part to another thread and waiting for it takes half a microsecond.
SHORTEST_PART_NS = 1000
# Phases that are longer by so many times the shortest launch are launches of their own.
LONGEST_PHASE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewText:
    """Prints the phases of one kernel."""

    body: Body
    work: Callable[[host.Kernel], str]  # its nanoseconds, as text

    def lines(self, drive: host.Drive, indent: str) -> Iterator[str]:
        """Yield the loop over members, and in it the loops of the host."""
        inner = indent + INDENT
        yield f"{indent}crew_count = progress[1]"
        yield f"{indent}for crew_member in range(lower, upper):"
        yield f"{inner}crew_phase = 0"
        yield f"{inner}crew_goal = 0"
        yield from self._node(drive, inner)
        yield f"{indent}crew_left(progress, upper - lower)"

    def _node(self, node: host.HostNode, indent: str) -> Iterator[str]:
        match node:
            case host.Launch():
                loop = node.kernel.loop
                assert loop is not None  # launches have one
                shares = f"max(1, {self.work(node.kernel)} // {SHORTEST_PART_NS})"
                yield from self._phase(f"min(crew_count, {shares})", indent)
                yield from self._part(loop, indent + INDENT)
                yield from self._ends(indent)
            case host.Step():
                yield from self._phase("1", indent)
                yield from self.body.nodes(node.kernel.nodes, indent + INDENT)
                yield from self._ends(indent)
            case host.Drive():
                lower, upper = self.body.bounds(node.loop)
                yield f"{indent}{self.body.header(node.loop, lower, upper)}"
                yield from self.body.asking(indent + INDENT)
                for each in node.body:
                    yield from self._node(each, indent + INDENT)
            case host.Choose():
                line = node.branch.span.line
                yield f"{indent}if {self.body.text(node.branch.test)}:  # line {line}"
                for each in node.body:
                    yield from self._node(each, indent + INDENT)
            case _:
                raise AssertionError("the planner keeps others away")

    @staticmethod
    def _phase(parts: str, indent: str) -> Iterator[str]:
        yield f"{indent}crew_parts = {parts}"
        yield f"{indent}crew_phase += 1"
        yield f"{indent}crew_goal += crew_parts"
        yield f"{indent}crew_part = 0 if crew_count == 1 else {_NEXT}"
        yield f"{indent}while crew_part >= 0:"

    def _ends(self, indent: str) -> Iterator[str]:
        yield f"{indent}{INDENT}if crew_count == 1:"
        yield f"{indent}{2 * INDENT}break"
        yield f"{indent}{INDENT}part_done(progress)"
        yield f"{indent}{INDENT}crew_part = {_NEXT}"
        yield f"{indent}if crew_part == {STOPPED}:"
        yield f"{indent}{INDENT}{self.body.leave}"

    def _part(self, loop: Loop, indent: str) -> Iterator[str]:
        lower, upper = self.body.bounds(loop)
        trips = f"max(0, {upper} - ({lower}))"
        if loop.unit != 1:
            trips = f"({trips} + {loop.unit - 1}) // {loop.unit}"
        yield f"{indent}crew_trips = {trips}"
        step = f"{loop.unit} * " if loop.unit != 1 else ""
        first, end = (
            f"{lower} + {step}(crew_trips * {part} // crew_parts)"
            for part in ("crew_part", "(crew_part + 1)")
        )
        yield from self.body.cut_loop(loop, first, end, indent)


_NEXT = "next_part(progress, crew_member, crew_phase, crew_parts, crew_goal)"
