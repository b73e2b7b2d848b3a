"""The body of a CPU kernel: loops, branches and statements as Python source for Numba.

Maps nodes of a loop tree to lines, and remembers which helpers they call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Constant, Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import INTEGER_OVERFLOW, Load
from autopar.analysis.model.types import ArrayType
from autopar.analysis.model.unused import unused

from .cut_loops import Cut, find_cut
from .data_ranges import limits, range_text, step_text
from .expressions import Names, print_expression, print_integer, print_statement
from .hoisting import meets_other_turns
from .integers import text
from .kernel import Branch, Decision, Instance, Loop, Node, decided
from .lane_text import LaneText
from .lasting import PART, asks_each_part, asks_each_turn
from .row_loops import Row, RowPrinter, row_of_loop
from .small_integers import SMALL
from .stream_text import Rows, around
from .streams import Sweep
from .strip_text import Ahead
from .strips import STRIP, find_strips
from .turned import Turned, turned
from .turned_text import Tiles

INDENT = "    "


def left_early(stays: str, indent: str) -> Iterator[str]:
    """Yield what begins an iteration of a loop that is left where `stays` is False."""
    yield f"{indent}if not {stays}:"
    yield f"{indent}{INDENT}break"


def given_up(indent: str) -> Iterator[str]:
    """Yield what ends a `while` loop that was never left: the interpreter shall go on."""
    yield f"{indent}else:"
    yield f"{indent}{INDENT}status |= {INTEGER_OVERFLOW}"


def tried(lower: str, upper: str) -> str:
    """Return the end of a `while` loop's range: none is tried once one was given up."""
    return f"{upper} if status & {INTEGER_OVERFLOW} == 0 else {lower}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Prints nodes with one spelling of names."""

    names: Mapping[str, str]
    strided: frozenset[str]  # statements whose subscripts stay signed: see `codegen.strides`
    fastmath: bool
    tells_warnings: bool  # see `codegen.float_status`
    is_in_order: bool = False  # whether the loop around is one that is not made into vectors
    told: Mapping[str, tuple[Load, ...]] = field(default_factory=dict)  # see `small_integers`
    arrays: Mapping[str, ArrayType]
    overlapping: frozenset[str]  # arrays: see `kernel.Program`
    helpers: set[str] = field(default_factory=set)  # functions that the statements call
    memory: set[str] = field(default_factory=set)  # functions of codegen.strip_memory
    ahead: Ahead | None = None  # what went ahead of the statements printed
    leave: str = "break"  # what a loop does that is to stop: see `codegen.lasting`
    asks: set[str] = field(default_factory=set)  # functions of codegen.stopping
    apart: set[str] = field(default_factory=set)  # functions of codegen.unhoisted
    lanes: set[str] = field(default_factory=set)  # functions of codegen.lanes
    sweep: Sweep | None = None  # where stores may pass the caches
    streaming: set[str] = field(default_factory=set)  # functions of codegen.streaming
    turning: set[str] = field(default_factory=set)  # functions of codegen.turning

    def nodes(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        """Yield the lines of `nodes`."""
        for node in nodes:
            match node:
                case Loop():
                    lower, upper = limits(node, self.names)
                    yield from self.loop(node, lower, upper, indent)
                    if self.leave == "break" and (asks_each_turn(node) or asks_each_part(node)):
                        yield from self.asking(indent)  # what it left is not to be stored
                case Branch():
                    yield f"{indent}if {self.text(node.test)}:  # line {node.span.line}"
                    yield from self.nodes(node.body, indent + INDENT)
                case Decision():
                    yield from self._decision(node, indent)
                case Instance():
                    yield from self._statement(node, indent)

    def _decision(self, node: Decision, indent: str) -> Iterator[str]:
        word, first, other = decided(node)
        yield f"{indent}if {word}{self.names[node.predicate]}:  # line {node.span.line}"
        yield from self.nodes(first, indent + INDENT)
        if other:
            yield f"{indent}else:"
            yield from self.nodes(other, indent + INDENT)

    def cut_loop(self, loop: Loop, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield the lines of a loop that runs in parts, none of them long."""
        yield from self.loop(loop, lower, upper, indent, asks=False)

    def loop(
        self, loop: Loop, lower: str, upper: str, indent: str, *, asks: bool = True
    ) -> Iterator[str]:
        """Yield the lines of a loop from `lower` to `upper`."""
        row = row_of_loop(loop)
        if row is not None:
            yield from self._row(row, loop, lower, upper, indent)
            return
        if loop.lanes is not None:
            yield from self._lanes(loop, lower, upper, indent)
            return
        if loop.within is not None and loop.within.step is not None:  # no parts of it begin anew
            asks_now = asks and (asks_each_turn(loop) or asks_each_part(loop))
            yield from self.plain(loop, lower, upper, indent, asks=asks_now)
            return
        ahead = self.in_strips(loop, "_strip")
        if ahead is not None:
            yield from self._strips(ahead, lower, upper, indent)
            return
        asks_now = asks and asks_each_turn(loop)
        if asks and not asks_now and asks_each_part(loop):
            yield from self._parts(loop, lower, upper, indent)
            return
        cut = None if asks_now or self.told else self._cut_of(loop)
        if cut is not None:
            yield from self._cut(cut, loop, (lower, upper), indent)
            return
        tiles = turned(self.sweep, loop) if self.sweep and not asks_now else None
        if tiles:
            yield from self._tiles(tiles, lower, upper, indent)
            return
        streamed = self.sweep.streamed(loop) if self.sweep else ()
        if streamed and self.sweep:
            fetched = self.sweep.fetched(loop)
            rows = around(loop, streamed, fetched, self.names, self.arrays)
            yield from self._rows(rows, lower, upper, indent)
            return
        yield from self.plain(loop, lower, upper, indent, asks=asks_now)

    def _rows(self, rows: Rows, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield a loop whose stores pass the caches."""
        self.memory.add("address")
        self.streaming.update(rows.functions)
        yield from rows.before(lower, upper, indent)
        for part in rows.parts:
            inner = indent + INDENT
            if part.header is not None:
                yield inner + part.header
                inner += INDENT
            inside = replace(self, names=part.names, sweep=None)
            yield from (inner + line for line in part.before)
            yield from inside.plain(rows.inside, rows.first, part.upper, inner)
            yield from (inner + line for line in part.after)

    def _cut_of(self, loop: Loop) -> Cut | None:
        return find_cut(loop, self.overlapping, self.names) if self.ahead is None else None

    def _cut(self, cut: Cut, loop: Loop, bounds: tuple[str, str], indent: str) -> Iterator[str]:
        """Yield a loop in two parts, and whole where the limit is negative."""
        inner, line = indent + INDENT, f"  # line {loop.span.line}"
        names = {**self.names, **{each: each for each in cut.names}}
        inside = replace(self, names=names, sweep=None)
        iterator, taken = self.names[loop.iterator], frozenset({*names.values(), *bounds})
        words = ("lower", "upper", "cut")
        lower, upper, point = (unused(f"{iterator}_{word}", taken) for word in words)
        yield f"{indent}{lower} = {bounds[0]}{line}"
        yield f"{indent}{upper} = {bounds[1]}"
        yield f"{indent}if {lower} < {upper}:"
        for name, instance, load in cut.fixed:
            spelled = self._names(instance, self.names, f"{instance.name}_")
            yield f"{inner}{name} = {print_expression(load, spelled, 'cpu').text}"
        limit = f"np.int64({cut.limit})"
        yield f"{inner}if 0 <= {lower} and 0 <= {limit}:"
        yield f"{inner}{INDENT}{point} = {cut.point(lower, upper, limit)}"
        yield from inside.plain(cut.first, lower, point, inner + INDENT)
        yield from inside.plain(cut.second, point, upper, inner + INDENT)
        yield f"{inner}else:"
        yield from self.plain(loop, lower, upper, inner + INDENT)

    def _tiles(self, found: Turned, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield two loops, one in the other, by tiles."""
        assert self.sweep is not None  # `found` comes from there
        tiles = Tiles(turned=found, names=self.names, arrays=self.arrays)
        self.turning.update(tiles.functions)
        yield from tiles.before((lower, upper), limits(found.inner, self.names), indent)
        inside = replace(
            self,
            names=tiles.spelled,
            sweep=self.sweep.into(found.outer),
            strided=self.strided - {e.name for e in found.inner.body if isinstance(e, Instance)},
        )
        first, second = tiles.first(found.outer), tiles.first(found.inner)
        inner = indent + 2 * INDENT
        yield f"{inner}{self.header(found.outer, first, f'{first}_end')}"
        yield from inside.cut_loop(found.inner, second, f"{second}_end", inner + INDENT)

    def plain(
        self, loop: Loop, lower: str, upper: str, indent: str, *, asks: bool = False
    ) -> Iterator[str]:
        """Yield the lines of a loop as it stands."""
        if loop.unit != 1 and isinstance(loop.lower, Constant):
            yield from self._strided_header(loop, lower, upper, indent)
        else:
            yield f"{indent}{self.header(loop, lower, upper)}"
        if asks or loop.stays is not None:
            yield from self.asking(indent + INDENT)
        elif meets_other_turns(loop):
            self.apart.add("unhoisted")
            iterator = self.names[loop.iterator]
            yield f"{indent}{INDENT}{iterator} = unhoisted({iterator})"
        if loop.stays is not None:
            yield from left_early(self.names[loop.stays], indent + INDENT)
        if loop.group_end is not None:
            end, iterator = self.names[loop.group_end], self.names[loop.iterator]
            yield f"{indent}{INDENT}{end} = min({iterator} + {loop.step}, {upper})"
        body = replace(self, sweep=self.sweep.into(loop)) if self.sweep else self
        body = replace(body, is_in_order=not loop.is_parallel and not loop.reductions)
        yield from body.nodes(loop.body, indent + INDENT)
        if loop.is_endless:
            yield from given_up(indent)

    def _row(self, row: Row, loop: Loop, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield a loop over a row as one call of NumPy's own loop."""
        printer = RowPrinter(
            names=self.names, names_of=self._names, tells_warnings=self.tells_warnings
        )
        lines, helpers = printer.lines(row, loop, lower, upper)
        self.helpers.update(helpers)
        self.memory.add("address")
        yield from (indent + line for line in lines)

    def _lanes(self, loop: Loop, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield a loop over the times of rows that stand in lanes."""

        def element(load: Load, iterators: Mapping[str, Expression]) -> str:
            names = Names(iterators=iterators, spelled=self.names)
            return print_expression(load, names, "cpu").text

        def integer(expression: Expression, iterators: Mapping[str, Expression]) -> str:
            return print_integer(expression, Names(iterators=iterators, spelled=self.names))

        rows = {name for name, each in self.arrays.items() if each.layout == "C"}
        printed = LaneText(
            loop=loop,
            names=self.names,
            element=element,
            integer=integer,
            rows=frozenset(name for name in rows if self.arrays[name].dtype != "bool"),
            used=self.lanes,
        )
        yield from (indent + line for line in printed.lines(lower, upper))

    def asking(self, indent: str) -> Iterator[str]:
        """Yield the question whether to stop."""
        self.asks.add("is_stopped")
        yield f"{indent}if is_stopped():"
        yield f"{indent}{INDENT}{self.leave}"

    def _parts(self, loop: Loop, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield a loop over parts of a loop, with a question before each."""
        part, inner = f"{self.names[loop.iterator]}_part", indent + INDENT
        turns = PART * loop.step
        header = f"for {part} in range({lower}, {upper}, {turns}):"
        yield f"{indent}{header}  # line {loop.span.line}"
        yield from self.asking(inner)
        yield from self.loop(loop, part, f"min({part} + {turns}, {upper})", inner, asks=False)

    def in_strips(self, loop: Loop, first: str, end: str = "") -> Ahead | None:
        """Return what may go ahead of the iterations of `loop` from `first` to `end`.

        A `first` that is an ending only makes names of the iterator's.
        """
        strips = find_strips(loop, self.arrays, self.overlapping)
        if strips is None:
            return None
        iterator = self.names[loop.iterator]
        return Ahead(
            loop=loop,
            strips=strips,
            names=self.names,
            first=first if end else f"{iterator}{first}",
            end=end or f"{iterator}{first}_end",
            names_of=self._names,
            text=self.text,
            fastmath=self.fastmath,
            tells_warnings=self.tells_warnings,
            helpers=self.helpers,
            memory=self.memory,
        )

    def after(self, ahead: Ahead) -> Body:
        """Return what prints the iterations after what goes ahead of them."""
        return replace(self, names={**self.names, **ahead.results()}, ahead=ahead)

    def _strips(self, ahead: Ahead, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield a loop over strips of iterations; one strip where nothing is buffered."""
        loop, inner = ahead.loop, indent + INDENT
        if ahead.is_whole:
            yield f"{indent}{ahead.first} = {lower}  # line {loop.span.line}"
            yield f"{indent}{ahead.end} = {upper}"
            yield from ahead.lines(indent)
            return
        header = f"for {ahead.first} in range({lower}, {upper}, {STRIP}):"
        yield f"{indent}{header}  # line {loop.span.line}"
        yield f"{inner}{ahead.end} = min({ahead.first} + {STRIP}, {upper})"
        yield from ahead.lines(inner)
        if ahead.strips.remaining:
            yield f"{inner}{self.header(loop, ahead.first, ahead.end)}"
            yield from self.after(ahead).nodes(ahead.strips.remaining, inner + INDENT)

    def header(self, loop: Loop, lower: str, upper: str) -> str:
        """Return the first line of a loop."""
        step = step_text(loop, self.names)
        if loop.is_endless:
            upper = tried(lower, upper)
        iterator = self.names[loop.iterator]
        bounds = range_text(lower, upper, step)
        return f"for {iterator} in range({bounds}):  # line {loop.span.line}"

    def bounds(self, loop: Loop) -> tuple[str, str]:
        """Return the bounds of a loop as Python."""
        return self.text(loop.lower), self.text(loop.upper)

    def text(self, expression: Expression) -> str:
        """Return an integer expression as Python."""
        return text(expression, self.names)

    def _strided_header(self, loop: Loop, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield a loop over turns: LLVM sees in `2 * turn + 1` which elements are never met."""
        assert isinstance(loop.lower, Constant)  # the caller asked
        offset = int(loop.lower.value.real) % loop.step
        iterator, step = self.names[loop.iterator], loop.step
        first = f"({lower} - {offset}) // {step}"
        last = f"({upper} - {offset} + {step - 1}) // {step}"
        yield f"{indent}for turn_{iterator} in range({first}, {last}):  # line {loop.span.line}"
        yield f"{indent}{INDENT}{iterator} = {step} * turn_{iterator} + {offset}"

    def _statement(self, instance: Instance, indent: str) -> Iterator[str]:
        names = self._names(instance, self.names, f"{instance.name}_")
        printed = print_statement(instance.statement, names, "cpu", fastmath=self.fastmath)
        self.helpers.update(printed.helpers)
        loads = self.told.get(instance.name, ())
        for element in dict.fromkeys(print_expression(each, names, "cpu").text for each in loads):
            yield f"{indent}wide |= np.uint64({element}) + np.uint64({-SMALL[0]})"
        *others, last = printed.lines
        yield from (indent + line for line in others)
        yield f"{indent}{last}  # line {instance.span.line}"
        if self.ahead is not None:
            yield from (indent + line for line in self.ahead.advanced(instance))

    def _names(self, instance: Instance, spelled: Mapping[str, str], prefix: str) -> Names:
        return Names(
            iterators=dict(instance.iterators),
            spelled=spelled,
            prefix=prefix,
            signed=instance.name in self.strided,
            tells_warnings=self.tells_warnings,
            is_in_order=self.is_in_order,
        )
