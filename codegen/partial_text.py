"""What CUDA kernels of a reduced loop have in common in print: a body that threads call.

@device_function
def reduce0_body(i_first, i_end, a, s_cell):
s = 0.0                                         what changes nothing
for i in range(i_first, i_end, 128): ...
return (s,)

s, = reduce0_body(i_first, i_end, a, s_cell)        in the kernel
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autopar.analysis.model.nouns import dataclass

from . import host
from .cpu_reduce import neutral_text
from .cuda_body import INDENT, DeviceBody
from .kernel import Loop
from .partials import Part, PartialLoop
from .printing import tuple_text

INNER = 2 * INDENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialText:
    """Words and pieces of the kernels of one reduced loop."""

    kernel: host.Kernel
    body: DeviceBody
    passed: tuple[str, ...]  # arguments after bounds, status and partial values
    cells: frozenset[str]  # scalars that lie on the device

    @property
    def partial(self) -> PartialLoop:
        """The loop with its partial values."""
        assert self.kernel.partial is not None  # else it is not printed here
        return self.kernel.partial

    @property
    def loop(self) -> Loop:
        """The reduced loop."""
        return self.partial.loop

    @property
    def iterator(self) -> str:
        """The iterator of the loop, as it is spelled."""
        return self.body.names[self.loop.iterator]

    def name(self, part: Part) -> str:
        """Return how a partial value is spelled."""
        return self.body.names.get(part.name, part.name)

    def neutral(self) -> Iterator[str]:
        """Yield partial values that change nothing assigned."""
        for part in self.partial.parts:
            yield f"{INDENT}{self.name(part)} = {neutral_text(part)}"

    def found(self, status: str) -> tuple[str, ...]:
        """Return what the body returns; `status` is the name of its status, "" for none."""
        return (*((status,) if status else ()), *map(self.name, self.partial.parts))

    def function(
        self, name: str, arguments: Iterable[str], lines: list[str], last: Iterable[str] = ()
    ) -> Iterator[str]:
        """Yield the function that a thread calls, of `lines` and those `last` before it returns."""
        yield "@device_function"
        yield f"def {name}({', '.join(arguments)}):"
        if may_report(lines):
            yield INDENT + "status = 0"
        for each in self.kernel.scalars:
            if each in self.cells:
                spelled = self.body.names[each]
                yield f"{INDENT}{spelled} = {spelled}_cell[0]"
        yield from lines
        yield from last
        found = self.found("status" if may_report(lines) else "")
        if found:
            yield f"{INDENT}return {tuple_text(found)}"

    def called(self, name: str, arguments: Iterable[str], *, reports: bool) -> Iterator[str]:
        """Yield the call of that function, whose status goes into that of the kernel."""
        found = self.found("failed" if reports else "")
        left = f"{tuple_text(found)} = " if found else ""
        yield f"{INDENT}{left}{name}({', '.join(arguments)})"
        if reports:
            yield f"{INDENT}if failed != 0:"
            yield f"{INNER}cuda.atomic.or_(status, 0, failed)"


def may_report(lines: Iterable[str]) -> bool:
    """Return whether a thread may have something to say in the status word."""
    return any(line.lstrip().startswith("status |=") for line in lines)
