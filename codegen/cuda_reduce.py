"""CUDA source of a reduced loop: a tree of partial values in each block of threads.

    for i in range(n): s = s + a[i]

    @cuda.jit
    def reduce0(i_lower, i_upper, s_partial, a):
        lane, block = cuda.threadIdx.x, cuda.blockIdx.x
        i_block = i_lower + 2048 * np.int64(block)
        s = reduce0_body(i_block + lane, min(i_block + 2048, i_upper), a)    every 128th
        s_lanes = cuda.shared.array(128, np.float64)
        ...                                                  lanes in pairs, 64 apart, 32, ... 1
        if lane == 0: s_partial[block] = s_lanes[0]

    @cuda.jit
    def reduce0_fold(count, s_given, s_partial):             128 neighbours, and again

The order is that of `codegen.canonical`, so the bits are those of the CPU. A block of threads is
a block of the canonical order, its threads are the lanes. Where there is a single lane, a thread
takes neighbouring iterations instead, and neighbours combine in pairs: that is the same value,
since in a single lane only the order counts; of loops with loops inside it is a node of the tree.

Harris, Optimizing parallel reduction in CUDA, 2007 (sequential addressing). What differs: the
order of a block is fixed by the number of iterations alone, not by the size of the grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Number, Operation

from . import host, tree_shape
from .cpu_reduce import name_of, reduction_lines
from .cuda_bins import BinPrinter, bins_lines
from .cuda_body import INDENT
from .cuda_copies import Copies
from .partial_text import INNER, PartialText, may_report
from .partials import Part
from .printing import tuple_text
from .tree_shape import Buffer, buffers_of, is_flat, iterations_of, per_thread, width_of


def tree_lines(node: host.Reduce, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the definition of what runs a reduced loop on the device."""
    kernel, partial = node.kernel, node.kernel.partial
    assert partial is not None  # else it has no tree
    yield from reduction_lines(node)
    dtypes = tuple_text(tuple(each.dtype_text for each in buffers_of(partial, names)))
    yield f"{kernel.name.replace('reduce', 'tree')} = Tree("
    yield f"{INDENT}reduction={name_of(kernel)},"
    yield f"{INDENT}kernel={kernel.name},"
    yield f"{INDENT}fold={f'{kernel.name}_fold' if partial.parts else None},"
    yield f"{INDENT}threads={width_of(partial)},"
    yield f"{INDENT}iterations={iterations_of(partial)},"
    yield f"{INDENT}width={tree_shape.WIDTH},"
    yield f"{INDENT}dtypes={dtypes},"
    yield from bins_lines(kernel)
    yield ")"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePrinter(PartialText):
    """Prints the kernels of one reduced loop."""

    copies: Copies  # of arrays that are private

    # ------------------------------------------------------------------ kernels

    def lane(self) -> Iterator[str]:
        """Yield what one thread accumulates: a function."""
        name = self.iterator
        arguments = (f"{name}_first", f"{name}_end", *self._marks, *self.passed)
        last = [INDENT + "if is_last:"] if self.kernel.returned else []
        for each in self.kernel.returned:
            spelled = self.body.names[each]
            last.append(f"{INNER}{spelled}_cell[0] = {spelled}")
        lines = list(self._lane_body())
        yield from self.function(f"{self.kernel.name}_body", arguments, lines, last)

    def blocks(self) -> Iterator[str]:
        """Yield the kernel that gives a partial value for each block of iterations."""
        loop, name = self.loop, self.iterator
        span = iterations_of(self.partial) * loop.step
        reports = self.reports()
        status = ("status",) if reports else ()
        partial = tuple(each.partial for each in self._buffers)
        arguments = (f"{name}_lower", f"{name}_upper", *status, *partial, *self.passed)
        arguments = (*arguments, *self.copies.arguments)
        yield f"def {self.kernel.name}({', '.join(arguments)}):"
        yield f"{INDENT}lane, block = cuda.threadIdx.x, cuda.blockIdx.x"
        yield f"{INDENT}{name}_block = {name}_lower + {span} * np.int64(block)"
        if self._is_flat:
            first = _scaled(loop.step, "lane")
            yield f"{INDENT}{name}_first = {name}_block + {first}"
            yield f"{INDENT}{name}_end = min({name}_block + {span}, {name}_upper)"
        else:
            own = per_thread(self.partial) * loop.step
            yield f"{INDENT}{name}_first = {name}_block + {_scaled(own, 'lane')}"
            yield f"{INDENT}{name}_end = min({name}_first + {own}, {name}_upper)"
        if self.kernel.returned or self.copies.private:
            last = f"({name}_upper - 1 - {name}_lower) // {loop.step} * {loop.step} + {name}_lower"
            yield f"{INDENT}{name}_last = {last}"
            yield (
                f"{INDENT}is_last = {name}_first <= {name}_last < {name}_end"
                f" and ({name}_last - {name}_first) % {self._stride} == 0"
            )
        yield from self.copies.before(f"{self._width} * np.int64(block) + lane", INDENT)
        passed = self.copies.passed(self.passed)
        given = (f"{name}_first", f"{name}_end", *self._marks, *passed)
        yield from self.called(f"{self.kernel.name}_body", given, reports=reports)
        yield from self.copies.after(INDENT)
        if not self._parts:
            return
        yield from self._shared(self._width)
        if self._is_flat:
            yield from self._halves()
        else:
            count = f"({name}_upper - {name}_block + {loop.step - 1}) // {loop.step}"
            own = per_thread(self.partial)
            if loop.step == 1:
                count = f"({name}_upper - {name}_block)"
            filled = count if own == 1 else f"({count} + {own - 1}) // {own}"
            yield from self._neighbours(filled, self._width)
        yield from self._left()

    def bins(self, ranks: Mapping[str, int], jit: str) -> Iterator[str]:
        """Yield the kernel whose blocks count by themselves, and its body; `jit` compiles it."""
        printer = BinPrinter(
            kernel=self.kernel, body=self.body, passed=self.passed, cells=self.cells, ranks=ranks
        )
        assert printer.reports() == self.reports()  # they run the same statements
        yield from printer.counting()
        names = ", ".join(self.body.names[each.array] for each in self.loop.cells)
        line = self.loop.span.line
        yield from ("", "", f"# Blocks that count {names} by themselves, line {line}.", jit)
        yield from printer.blocks(tuple(each.partial for each in self._buffers))
        if self._parts:
            yield f"{INDENT}block = strips * np.int64(cuda.blockIdx.x) + strip"
            yield from self._shared(tree_shape.WIDTH)
            yield from self._halves()
            yield from self._left()

    def fold(self) -> Iterator[str]:
        """Yield the kernel that combines neighbouring partial values."""
        given = tuple(each.given for each in self._buffers)
        partial = tuple(each.partial for each in self._buffers)
        yield f"def {self.kernel.name}_fold({', '.join(('count', *given, *partial))}):"
        yield f"{INDENT}lane, block = cuda.threadIdx.x, cuda.blockIdx.x"
        yield f"{INDENT}place = {tree_shape.WIDTH} * np.int64(block) + lane"
        yield from self.neutral()
        yield f"{INDENT}if place < count:"
        for part, each in zip(self._parts, self._buffers, strict=True):
            yield f"{INNER}{self.name(part)} = {each.given}[place]"
        yield from self._shared(tree_shape.WIDTH)
        yield from self._neighbours(
            f"count - {tree_shape.WIDTH} * np.int64(block)", tree_shape.WIDTH
        )
        yield from self._left()

    def reports(self) -> bool:
        """Return whether a thread may have something to say in the status word."""
        return may_report(self._lane_body())

    # ------------------------------------------------------------------- pieces

    def _lane_body(self) -> Iterator[str]:
        yield from self.neutral()
        loop = self.loop
        first, end = f"{self.iterator}_first", f"{self.iterator}_end"
        yield INDENT + self.body.header(loop, first, end, self._stride)
        atomic = {each.array: each.operator for each in loop.cells}
        yield from replace(self.body, atomic=atomic).nodes(loop.body, INNER)

    def _shared(self, width: int) -> Iterator[str]:
        """Yield the values of all threads laid side by side."""
        for part, each in zip(self._parts, self._buffers, strict=True):
            yield f"{INDENT}{self._lanes(part)} = cuda.shared.array({width}, {each.dtype_text})"
        for part in self._parts:
            yield f"{INDENT}{self._lanes(part)}[lane] = {self.name(part)}"
        yield f"{INDENT}cuda.syncthreads()"

    def _halves(self) -> Iterator[str]:
        """Yield the lanes combined: half of them with the other half, and again."""
        yield f"{INDENT}lane_count = {self._width // 2}"
        yield f"{INDENT}while lane_count > 0:"
        yield f"{INNER}if lane < lane_count:"
        inner = INNER + INDENT
        for part in self._parts:
            here, there = self._lane(part, "lane"), self._lane(part, "lane + lane_count")
            doubt = self.partial.doubt(part)
            if doubt is not None:
                mark = self._lane(doubt, "lane")
                self.body.helpers.add("differing_zeros")
                yield f"{inner}{mark} = {mark} or differing_zeros({here}, {there})"
            yield from self._combined(part, (here, there), inner)
        yield f"{INNER}cuda.syncthreads()"
        yield f"{INNER}lane_count //= 2"

    def _neighbours(self, filled: str, width: int) -> Iterator[str]:
        """Yield neighbouring values combined in pairs; the last of an odd number waits."""
        yield f"{INDENT}filled = min({width}, {filled})"
        yield f"{INDENT}apart = 1"
        yield f"{INDENT}while apart < {width}:"
        yield f"{INNER}place = 2 * apart * lane"
        yield f"{INNER}if place + apart < filled:"
        inner = INNER + INDENT
        for part in self._parts:
            beside = self.partial.choice(part)
            here, there = self._lane(part, "place"), self._lane(part, "place + apart")
            if part.combination is None:
                continue
            if not beside:
                yield from self._combined(part, (here, there), inner)
                continue
            *lines, test = self._text_of(part.combination, (here, there), inner)
            yield from lines
            yield f"{inner}if {self._lane(beside[0], 'place + apart')} and {test}:"
            for each in (part, *beside):
                left, right = self._lane(each, "place"), self._lane(each, "place + apart")
                yield f"{inner}{INDENT}{left} = {right}"
        yield f"{INNER}cuda.syncthreads()"
        yield f"{INNER}apart *= 2"

    def _left(self) -> Iterator[str]:
        """Yield what is left of the values of a block of threads stored."""
        yield f"{INDENT}if lane == 0:"
        for part, each in zip(self._parts, self._buffers, strict=True):
            yield f"{INNER}{each.partial}[block] = {self._lanes(part)}[0]"

    def _combined(self, part: Part, pair: tuple[str, str], indent: str) -> Iterator[str]:
        assert part.combination is not None  # such parts are copied together
        *lines, text = self._text_of(part.combination, pair, indent)
        yield from lines
        yield f"{indent}{pair[0]} = {text}"

    def _text_of(
        self, combination: Operation | Number, pair: tuple[str, str], indent: str
    ) -> tuple[str, ...]:
        """Return the lines before the text of a combination of `left` and `right`, and the text."""
        printed = self.body.value(combination, {"left": pair[0], "right": pair[1]})
        return (*(indent + line for line in printed.lines), printed.text)

    # -------------------------------------------------------------------- words

    @property
    def _parts(self) -> tuple[Part, ...]:
        return self.partial.parts

    @property
    def _buffers(self) -> tuple[Buffer, ...]:
        return buffers_of(self.partial, self.body.names)

    @property
    def _is_flat(self) -> bool:
        return is_flat(self.partial)

    @property
    def _width(self) -> int:
        return width_of(self.partial)

    @property
    def _stride(self) -> int:
        return self.loop.step * (self._width if self._is_flat else 1)

    @property
    def _marks(self) -> tuple[str, ...]:
        return ("is_last",) if self.kernel.returned else ()

    def _lanes(self, part: Part) -> str:
        return f"{self.name(part)}_lanes"

    def _lane(self, part: Part, lane: str) -> str:
        return f"{self._lanes(part)}[{lane}]"


def _scaled(factor: int, word: str) -> str:
    return word if factor == 1 else f"{factor} * {word}"
