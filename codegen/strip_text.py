"""The lines of an innermost loop whose calls of NumPy's functions go ahead in strips.

    for i_strip in range(lower, upper, 1000):
        i_strip_end = min(i_strip + 1000, upper)
        S0_ahead0_0 = buffer_float64()
        for i in range(i_strip, i_strip_end):
            S0_ahead0_0[np.uintp(i - i_strip)] = 0.5 * a[np.uintp(i)]
        strip_exp_float64(i_strip_end - i_strip, S0_ahead0_0, S0_ahead0_0)
        for i in range(i_strip, i_strip_end):
            b[np.uintp(i)] = S0_ahead0_0[np.uintp(i - i_strip)] + 1.0

What happens under a condition is packed: its place in the buffer is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Load,
    SetVariable,
    Store,
    TypedExpression,
    Variable,
    walk_typed,
)

from .expressions import Names, print_expression, print_integer, print_statement
from .kernel import Branch, Decision, Instance, Loop, Node, decided, walk_nodes
from .liveness import assigned
from .numpy_loops import SCALAR_SECOND, STRIP, TOLD_STRIP
from .strips import StripCall, Strips

INDENT = "    "


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """Prints what goes ahead of the iterations from `first` up to, not including, `end`."""

    loop: Loop
    strips: Strips
    names: Mapping[str, str]
    first: str
    end: str
    # (instance, spelling of names, prefix of temporaries) -> how its names are spelled
    names_of: Callable[[Instance, Mapping[str, str], str], Names]
    text: Callable[..., str]
    fastmath: bool
    tells_warnings: bool
    helpers: set[str] = field(default_factory=set)
    memory: set[str] = field(default_factory=set)  # functions of codegen.strip_memory

    def lines(self, indent: str) -> Iterator[str]:
        """Yield everything up to the results of all calls."""
        for call in self.strips.calls:
            for name in self._buffers(call):
                kind = f"buffer_{call.operation.type.dtype}"
                self.memory.add(kind)
                yield f"{indent}{name} = {kind}()"
        for level in sorted({call.level for call in self.strips.calls}):
            calls = [call for call in self.strips.calls if call.level == level]
            yield from self._slice(level, calls, indent)
            for call in calls:
                yield f"{indent}{self._called(call)}"
        yield from (f"{indent}{each}_next = 0" for each in self._counted(None))

    def results(self) -> dict[str, str]:
        """Return how the result of each call is spelled in an iteration."""
        turn = f"np.uintp({self.names[self.loop.iterator]} - {self.first})"
        return {
            call.name: f"{self._out(call)}"
            f"[{f'np.uintp({call.name}_next)' if call.is_conditional else turn}]"
            for call in self.strips.calls
            if call.target is None
        }

    def advanced(self, instance: Instance, level: int | None = None) -> Iterator[str]:
        """Yield what follows a statement that has used results which are counted."""
        for call in self.strips.calls:
            is_ready = level is None or call.level < level
            if call.instance is instance and call.is_conditional and is_ready:
                yield f"{call.name}_next += 1"

    # ------------------------------------------------------------------ buffers

    @property
    def is_whole(self) -> bool:
        """Whether the calls go from array to array and are all that there is."""
        return not self.strips.remaining and not any(map(self._buffers, self.strips.calls))

    def _buffers(self, call: StripCall) -> tuple[str, ...]:
        filled = tuple(f"{call.name}_{position}" for position in self.filled(call))
        return filled or (() if call.target is not None else (f"{call.name}_out",))

    @staticmethod
    def filled(call: StripCall) -> tuple[int, ...]:
        """Return which operands are computed into a buffer."""
        last = 1 if call.operation.name in SCALAR_SECOND else len(call.operation.operands)
        return tuple(each for each in range(last) if not call.direct[each])

    def _out(self, call: StripCall) -> str:
        """Return the buffer of the results: that of an operand, if there is one."""
        filled = self.filled(call)
        return f"{call.name}_{filled[0]}" if filled and call.target is None else f"{call.name}_out"

    def _counted(self, level: int | None) -> Iterator[str]:
        for call in self.strips.calls:
            if call.is_conditional and (level is None or call.level < level):
                yield call.name

    def _called(self, call: StripCall) -> str:
        operation = call.operation
        prefix = TOLD_STRIP if self.tells_warnings else STRIP
        helper = f"{prefix}{operation.name.removeprefix('numpy.')}_{operation.type.dtype}"
        self.helpers.add(helper)
        count = f"{call.name}_count" if call.is_conditional else f"{self.end} - {self.first}"
        rows = [self._row(call, position) for position in range(len(operation.operands))]
        if call.target is None:
            out = self._out(call)
        else:
            out = self._address(call.instance, call.target)
        status = "status |= " if self.tells_warnings else ""
        return f"{status}{helper}({', '.join((count, *rows, out))})"

    def _row(self, call: StripCall, position: int) -> str:
        operand = call.operation.operands[position]
        if call.operation.name in SCALAR_SECOND and position == 1:
            return self.printed(call.instance, operand, {}, "y").text
        if call.direct[position]:
            assert isinstance(operand, Load)  # what lies side by side
            return self._address(call.instance, operand)
        return f"{call.name}_{position}"

    def _address(self, instance: Instance, place: Load | Store) -> str:
        self.memory.add("address")
        names = self.names_of(instance, {**self.names, self.loop.iterator: self.first}, "")
        indices = [print_integer(each, names) for each in place.indices]  # type: ignore[arg-type]  # none is computed
        return f"address({self.names[place.array]}, ({', '.join(indices)},))"

    # ------------------------------------------------------------------ slices

    def _slice(self, level: int, calls: list[StripCall], indent: str) -> Iterator[str]:
        """Yield the loop that computes the arguments of the calls of one level."""
        if not any(self.filled(call) for call in calls):
            return
        slicer = _Slicer(ahead=self, level=level, calls=tuple(calls))
        slicer.needed(self.strips.body, frozenset())
        yield from (f"{indent}{each}_next = 0" for each in self._counted(level))
        yield from (f"{indent}{call.name}_count = 0" for call in calls if call.is_conditional)
        iterator = self.names[self.loop.iterator]
        header = f"for {iterator} in range({self.first}, {self.end}):"
        yield f"{indent}{header}  # line {self.loop.span.line}"
        yield from slicer.nodes(self.strips.body, indent + INDENT)

    def printed(
        self, instance: Instance, value: TypedExpression, spelled: Mapping[str, str], part: str
    ) -> _Text:
        names = self.names_of(instance, {**self.names, **spelled}, f"{instance.name}_{part}_")
        printed = print_expression(value, names, "cpu", fastmath=self.fastmath)
        self.helpers.update(printed.helpers)
        return _Text(lines=printed.lines, text=printed.text)


@dataclass(frozen=True, kw_only=True)
class _Text:
    lines: tuple[str, ...]
    text: str


@dataclass(kw_only=True)
class _Slicer:
    """Finds and prints what the arguments of the calls of one level need."""

    ahead: Ahead
    level: int
    calls: tuple[StripCall, ...]
    emitted: set[int] = field(default_factory=set)  # statements, by identity

    def needed(self, nodes: tuple[Node, ...], live: frozenset[str]) -> frozenset[str]:
        """Return the scalars wanted before `nodes`, where `live` are wanted after them."""
        for node in reversed(nodes):
            match node:
                case Instance():
                    live = self._needed_by(node, live)
                case Branch():
                    live = live | self.needed(node.body, live)
                case Decision():
                    both = self.needed(node.body, live) | self.needed(node.orelse, live)
                    live = live | both | {node.predicate} if self._is_shown(node) else live
                case Loop():
                    raise AssertionError("only innermost loops go ahead")
        return live

    def _needed_by(self, instance: Instance, live: frozenset[str]) -> frozenset[str]:
        statement = instance.statement
        if isinstance(statement, SetVariable) and statement.name in live:
            level = self.ahead.strips.levels.get(id(instance))
            if level is not None and level < self.level:
                self.emitted.add(id(instance))
                live = live - {statement.name} | _variables(statement.value)
        for call in self._calls_of(instance):
            for position in self.ahead.filled(call):
                live = live | _variables(call.operation.operands[position])
        return live

    def _calls_of(self, instance: Instance) -> tuple[StripCall, ...]:
        return tuple(each for each in self.calls if each.instance is instance)

    def _is_shown(self, node: Node) -> bool:
        """Return whether anything of `node` is in the slice."""
        return any(
            isinstance(each, Instance)
            and (
                id(each) in self.emitted
                or any(self.ahead.filled(call) for call in self._calls_of(each))
            )
            for each in walk_nodes((node,))
        )

    def nodes(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        """Yield the lines of the slice."""
        for node in nodes:
            if not self._is_shown(node):
                continue
            match node:
                case Instance():
                    yield from (indent + line for line in self._statement(node))
                case Branch():
                    yield f"{indent}if {self.ahead.text(node.test)}:"
                    yield from self.nodes(node.body, indent + INDENT)
                case Decision():
                    yield from self._decision(node, indent)
                case Loop():
                    raise AssertionError("only innermost loops go ahead")

    def _decision(self, node: Decision, indent: str) -> Iterator[str]:
        predicate = self._spelled().get(node.predicate, self.ahead.names[node.predicate])
        word, first, other = decided(node)
        shown = [any(map(self._is_shown, part)) for part in (first, other)]
        if shown[0]:
            yield f"{indent}if {word}{predicate}:"
            yield from self.nodes(first, indent + INDENT)
        if shown[1]:
            other_word = "" if word else "not "
            yield f"{indent}{'else' if shown[0] else f'if {other_word}{predicate}'}:"
            yield from self.nodes(other, indent + INDENT)

    def _statement(self, instance: Instance) -> Iterator[str]:
        ahead, spelled = self.ahead, self._spelled()
        turn = f"{ahead.names[ahead.loop.iterator]} - {ahead.first}"
        for call in self._calls_of(instance):
            place = f"{call.name}_count" if call.is_conditional else turn
            for position in ahead.filled(call):
                part = f"{call.name.rpartition('_')[2]}_{position}"
                operand = call.operation.operands[position]
                found = ahead.printed(instance, operand, spelled, part)
                yield from found.lines
                yield f"{call.name}_{position}[np.uintp({place})] = {found.text}"
            if call.is_conditional:
                yield f"{call.name}_count += 1"
        if id(instance) in self.emitted:
            prefix = f"{instance.name}_slice{self.level}_"
            names = ahead.names_of(instance, {**ahead.names, **spelled}, prefix)
            printed = print_statement(instance.statement, names, "cpu", fastmath=ahead.fastmath)
            ahead.helpers.update(printed.helpers)
            yield from printed.lines
        yield from ahead.advanced(instance, self.level)

    def _spelled(self) -> dict[str, str]:
        """Return how scalars are spelled here: those that are set have names of their own."""
        names = self.ahead.names
        own = {name: f"{names.get(name, name)}_ahead" for name in assigned(self.ahead.strips.body)}
        return {**own, **self.ahead.results()}


def _variables(value: TypedExpression) -> frozenset[str]:
    return frozenset(each.name for each in walk_typed(value) if isinstance(each, Variable))
