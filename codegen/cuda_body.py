"""The body of a CUDA thread: loops, branches and statements as Python source for numba.cuda.

Maps nodes of a loop tree to lines, and remembers which functions they call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Store, TypedExpression

from .cpu_body import given_up, left_early, tried
from .data_ranges import limits, range_text, step_text
from .expressions import (
    Counter,
    Names,
    Printed,
    print_atomic,
    print_expression,
    print_statement,
)
from .integers import text
from .kernel import Branch, Decision, Instance, Loop, Node, decided

INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBody:
    """Prints nodes with one spelling of names."""

    names: Mapping[str, str]
    fastmath: bool
    # Arrays into whose elements many threads accumulate, with the operator.
    atomic: Mapping[str, str] = field(default_factory=dict)
    # How a block of threads counts them by itself, where it does.
    counters: Mapping[str, Counter] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)  # functions of codegen.device_math
    device: set[str] = field(default_factory=set)  # functions of codegen.cudalib

    def nodes(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        """Yield the lines of `nodes`."""
        for node in nodes:
            match node:
                case Loop():
                    yield from self.loop(node, *limits(node, self.names), indent)
                case Branch():
                    yield f"{indent}if {self.text(node.test)}:  # line {node.span.line}"
                    yield from self.nodes(node.body, indent + INDENT)
                case Decision():
                    yield from self._decision(node, indent)
                case Instance():
                    yield from self._statement(node, indent)

    def loop(self, loop: Loop, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield the lines of a loop from `lower` to `upper`."""
        yield indent + self.header(loop, lower, upper)
        if loop.stays is not None:
            yield from left_early(self.names[loop.stays], indent + INDENT)
        yield from self.nodes(loop.body, indent + INDENT)
        if loop.is_endless:
            yield from given_up(indent)

    def header(self, loop: Loop, lower: str, upper: str, step: int | None = None) -> str:
        """Return the first line of a loop; `step` is another one than its own."""
        shown = step_text(loop, self.names) if step is None else str(step)
        if loop.is_endless:
            upper = tried(lower, upper)
        bounds = range_text(lower, upper, shown)
        return f"for {self.names[loop.iterator]} in range({bounds}):  # line {loop.span.line}"

    def value(self, expression: TypedExpression, spelled: Mapping[str, str]) -> Printed:
        """Return an expression as text, with the lines to run before it."""
        names = Names(spelled=spelled, prefix="pair_")
        return self._remembered(print_expression(expression, names, "cuda", fastmath=self.fastmath))

    def text(self, expression: Expression) -> str:
        """Return an integer expression as Python."""
        return text(expression, self.names)

    def _decision(self, node: Decision, indent: str) -> Iterator[str]:
        word, first, other = decided(node)
        yield f"{indent}if {word}{self.names[node.predicate]}:  # line {node.span.line}"
        yield from self.nodes(first, indent + INDENT)
        if other:
            yield f"{indent}else:"
            yield from self.nodes(other, indent + INDENT)

    def _statement(self, instance: Instance, indent: str) -> Iterator[str]:
        names = Names(
            iterators=dict(instance.iterators), spelled=self.names, prefix=f"{instance.name}_"
        )
        statement = instance.statement
        if isinstance(statement, Store) and statement.array in self.atomic:
            counter = self.counters.get(statement.array)
            found = print_atomic(statement, self.atomic[statement.array], names, counter)
        else:
            found = print_statement(statement, names, "cuda", fastmath=self.fastmath)
        printed = self._remembered(found)
        *others, last = printed.lines
        yield from (indent + line for line in others)
        yield f"{indent}{last}  # line {instance.span.line}"

    def _remembered(self, printed: Printed) -> Printed:
        self.helpers.update(printed.helpers)
        self.device.update(printed.device)
        return printed
