"""CUDA source: a loop tree becomes a readable Python module for numba.cuda.

    parallel for i in range(1, n - 1): b[i] = 0.5 * a[i]

    @device_function
    def launch0_body(i, a, b):
        b[np.uintp(i)] = dmul_rn(0.5, a[np.uintp(i)])  # line 5

    @cuda.jit
    def launch0(i_lower, i_upper, a, b):
        i = i_lower + cuda.grid(1)
        if i < i_upper:
            launch0_body(i, a, b)

    def run(launcher, a, b, n):
        call = launcher.open((a, b), written=(False, True))
        a, b = call.arrays
        call.launch(launch0, ((1, n - 1, 1),), (a, b))
        return call.close()

A kernel has a thread for every iteration of one to three nested parallel loops, or for every row
of a recurrence (`codegen.cuda_rows`); all else of the region runs in single threads, so that arrays
stay on the device. Scalars that outlive a kernel
stay there too, as arrays of one element ("cells"); the thread of the last iteration writes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.plan import PrivateArray
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import FAILURES, ScalarVariable

from . import cudalib, host
from .block_tiles import SHAPE, SIMULATED, BlockShape, Tiling
from .canonical import FEWEST_TERMS
from .cpu_body import left_early
from .cpu_reduce import kinds_of
from .cuda_arguments import AXES, cells_of, kernels_of, passed_to, spelled
from .cuda_bins import has_bins
from .cuda_body import INDENT, DeviceBody
from .cuda_copies import Copies
from .cuda_reduce import TreePrinter, tree_lines
from .cuda_rows import column_at, rows_lines
from .cuda_tiles import TilePrinter
from .data_ranges import limits
from .device_rows import row_of
from .device_tiles import tiling_of
from .expressions import is_printable
from .grid import Axis, Grid, copied_by, plan_grid, unsettled, with_fastest
from .held import with_held
from .integers import text
from .kernel import Instance, Node, Program, targets, walk_nodes
from .overwritten import overwritten
from .partials import PartialLoop
from .printing import tuple_text
from .reasons import TargetLacksFeature
from .tree_shape import has_tree, iterations_of

# Fewer iterations of a loop that has passes over blocks run in order.
FEWEST_OF_PASSES = 256


def lacking(program: Program) -> Refusal | None:
    """Return why there is no CUDA form of `program`; None where there is one."""
    reasons = tuple(
        TargetLacksFeature(span=span, target="cuda", feature=feature)
        for span, feature in _features_lacking(program)
    )
    return Refusal(reasons=reasons) if reasons else None


def _features_lacking(program: Program) -> Iterator[tuple[Span, str]]:
    for node in walk_nodes(program.body):
        if isinstance(node, Instance) and not is_printable(node.statement, "cuda"):
            yield node.span, "arithmetic of complex numbers"
    for kernel in kernels_of(program):
        for name in unsettled(kernel):
            assert kernel.loop is not None  # sequential kernels settle everything
            yield kernel.loop.span, f"last value of '{name}', which not every iteration assigns"


def generate_cuda(
    program: Program, *, fastmath: bool = False, shape: BlockShape | None = None
) -> str:
    """Return the source of one module with the kernels of `program` and its `run`.

    `lacking(program)` must be None; `shape` is that of blocks of threads that share tiles, None
    for what this machine's device likes.
    """
    shape = shape or (SIMULATED if cudalib.is_simulator() else SHAPE)
    return _Module(with_held(program), fastmath=fastmath, shape=shape).source()


class _Module:
    """The source of one region."""

    def __init__(self, program: Program, *, fastmath: bool, shape: BlockShape) -> None:
        self._program = program
        self._shape = shape
        self._layouts = {each.name: each.type.layout for each in program.arrays}
        self._names = spelled(program)
        self._body = DeviceBody(names=self._names, fastmath=fastmath)
        self._kernels = kernels_of(program)
        found = host.reduces_of(host.plan_host(program))
        self._trees = tuple(each for each in found if has_tree(each, program))
        self._cells = cells_of(program)
        self._reporting: set[str] = set()  # kernels with a status word
        self._jit = "@cuda.jit(fastmath=True)" if fastmath else "@cuda.jit"

    def source(self) -> str:
        """Return the whole module."""
        lines = [line for kernel in self._kernels for line in ("", "", *self._kernel(kernel))]
        reductions = [line for each in self._trees for line in tree_lines(each, self._names)]
        lines += ["", "", *reductions] if reductions else []
        lines += ["", "", *self._run()]
        return "\n".join([*self._head("\n".join(lines)), *lines]) + "\n"

    def _head(self, text: str) -> Iterator[str]:
        # A comment and a repr: no file name can end them early.
        yield f"# CUDA kernels of {self._program.name}, generated by autopar."
        yield f"# Lines are those of {self._program.file!r}."
        yield ""
        yield "import numpy as np"
        yield ""
        names = {"cuda", "device_function", *self._body.device}
        if "math." in text:
            names.add("math")
        if self._trees:
            loops = (each.kernel.loop for each in self._trees)
            kinds = {kind for loop in loops if loop is not None for kind in kinds_of(loop)}
            yield f"from autopar.codegen.combine import {', '.join(sorted({'Reduction', *kinds}))}"
        yield f"from autopar.codegen.cudalib import {', '.join(sorted(names))}"
        if self._body.helpers:
            yield f"from autopar.codegen.device_math import {', '.join(sorted(self._body.helpers))}"
        if self._trees:
            bins = any(has_bins(each.kernel) for each in self._trees)
            yield f"from autopar.codegen.device_trees import {'Bins, ' if bins else ''}Tree"

    # ------------------------------------------------------------------ kernels

    def _kernel(self, kernel: host.Kernel) -> Iterator[str]:
        if kernel.partial is not None:
            yield from self._tree(kernel, kernel.partial)
            return
        grid = self._grid(kernel)
        tiling = self._tiling(kernel, grid)
        if tiling is not None:
            yield from self._tiled(kernel, tiling)
            return
        iterators, nodes = _of_thread(kernel, grid)
        body = list(self._body.nodes(nodes, INDENT))
        reports = any(line.lstrip().startswith("status |=") for line in body)
        if reports:
            self._reporting.add(kernel.name)
        is_last = ("is_last",) if grid and kernel.returned else ()
        passed = self._passed(kernel)
        copies = self._copies(grid.private if grid else ())
        others = (*is_last, *passed)
        arguments = (*self._spell(iterators), *others)
        yield "@device_function"
        yield f"def {kernel.name}_body({', '.join(arguments)}):"
        yield from self._framed(kernel, body, reports=reports)
        yield ""
        yield ""
        call = f"{kernel.name}_body({', '.join(copies.passed(arguments))})"
        if grid:
            yield from self._threads(kernel, grid, copies, call)
        elif kernel.is_staggered:
            yield from self._rows(kernel, others)
        else:
            yield f"# In order, from line {kernel.nodes[0].span.line}: a single thread."
            yield self._jit
            yield f"def {kernel.name}({', '.join((*self._status(kernel), *passed))}):"
            yield from self._called(kernel, call, INDENT)

    def _grid(self, kernel: host.Kernel) -> Grid | None:
        grid = plan_grid(kernel)
        return None if grid is None else with_fastest(grid, self._layouts)

    def _tiling(self, kernel: host.Kernel, grid: Grid | None) -> Tiling | None:
        if grid is None or kernel.returned:
            return None
        return tiling_of(grid, self._program, self._shape)

    def _tiled(self, kernel: host.Kernel, tiling: Tiling) -> Iterator[str]:
        """Yield a kernel whose threads share tiles."""
        loops = [axis.loop for axis in tiling.grid.axes]
        quoted = " and ".join(f"'{loop.iterator}'" for loop in loops)
        taken = " by ".join(map(str, reversed(tiling.iterations)))
        names = sorted({each.array for each in tiling.all_tiles})
        yield f"# Blocks of {taken} iterations of {quoted}, line {loops[0].span.line}, which"
        yield f"# share what they read of {', '.join(names)}."
        yield self._jit
        printer = TilePrinter(
            kernel=kernel,
            tiling=tiling,
            body=self._body,
            passed=self._passed(kernel),
            cells=self._cells,
            dtypes={each.name: each.type.dtype for each in self._program.variables},
        )
        yield from printer.lines()
        if printer.reports():
            self._reporting.add(kernel.name)

    def _rows(self, kernel: host.Kernel, others: tuple[str, ...]) -> Iterator[str]:
        """Yield the kernel of rows that run at the same time."""
        loop, name = kernel.loop, self._names.__getitem__
        assert loop is not None
        line = loop.span.line
        yield f"# A thread for each row of '{loop.iterator}', behind the one before, line {line}."
        yield self._jit
        status, outer = self._status(kernel), name(loop.iterator)
        arguments = ("progress", f"{outer}_lower", f"{outer}_upper", *status, *self._passed(kernel))
        yield f"def {kernel.name}({', '.join(arguments)}):"
        call = f"{kernel.name}_body({', '.join((outer, column_at(kernel, name), *others))})"
        lines = rows_lines(kernel, name, self._text, call, reports=bool(status))
        yield from (INDENT + line for line in lines)

    def _tree(self, kernel: host.Kernel, partial: PartialLoop) -> Iterator[str]:
        """Yield the kernels of a reduced loop."""
        copies = self._copies(copied_by(kernel))
        tree = TreePrinter(
            copies=copies,
            kernel=kernel,
            body=self._body,
            passed=self._passed(kernel),
            cells=self._cells,
        )
        yield from tree.lane()
        if tree.reports():
            self._reporting.add(kernel.name)
        loop = partial.loop
        share = f"{iterations_of(partial)} iterations of '{loop.iterator}' to a block"
        yield from ("", "", f"# Partial values, {share}, line {loop.span.line}.", self._jit)
        yield from tree.blocks()
        if partial.parts:
            yield from ("", "", "# Neighbouring partial values together.", self._jit)
            yield from tree.fold()
        if has_bins(kernel):
            ranks = {each.name: each.type.rank for each in self._program.arrays}
            yield from ("", "", *tree.bins(ranks, self._jit))

    def _framed(self, kernel: host.Kernel, body: list[str], *, reports: bool) -> Iterator[str]:
        """Yield the body of a thread between what it loads and what it leaves behind."""
        if reports:
            yield INDENT + "status = 0"
        for name in kernel.scalars:
            if name in self._cells:
                yield f"{INDENT}{self._names[name]} = {self._cell(name)}[0]"
        yield from body
        inner = INDENT
        if kernel.returned and plan_grid(kernel):
            yield INDENT + "if is_last:"
            inner = 2 * INDENT
        for name in kernel.returned:
            yield f"{inner}{self._cell(name)}[0] = {self._names[name]}"
        if reports:
            yield INDENT + "return status"

    def _copies(self, private: tuple[PrivateArray, ...]) -> Copies:
        ranks = {each.name: each.type.rank for each in self._program.arrays}
        return Copies(private=private, names=self._names, ranks=ranks)

    def _threads(self, kernel: host.Kernel, grid: Grid, copies: Copies, call: str) -> Iterator[str]:
        loops = [axis.loop for axis in grid.axes]
        quoted = " and ".join(f"'{loop.iterator}'" for loop in loops)
        yield f"# A thread for each iteration of {quoted}, line {loops[0].span.line}."
        yield self._jit
        passed = self._passed(kernel)
        arguments = (*self._bounds(grid), *self._status(kernel), *passed, *copies.arguments)
        yield f"def {kernel.name}({', '.join(arguments)}):"
        threads = AXES[: len(loops)]
        yield f"{INDENT}{', '.join(threads)} = cuda.grid({len(loops)})"
        for axis, thread in zip(grid.axes, reversed(threads), strict=True):
            yield f"{INDENT}{self._names[axis.loop.iterator]} = {self._value(axis, thread)}"
        tests = [f"{self._names[a.loop.iterator]} < {self._limit(a)}" for a in grid.axes]
        yield f"{INDENT}if {' and '.join(tests)}:"
        if kernel.returned or copies.private:
            last = [
                f"{self._names[a.loop.iterator]} + {a.loop.step} >= {self._limit(a)}"
                for a in grid.axes
            ]
            yield f"{2 * INDENT}is_last = {' and '.join(last)}"
        yield from copies.before(_slot(threads), 2 * INDENT)
        yield from self._called(kernel, call, 2 * INDENT)
        yield from copies.after(2 * INDENT)

    def _value(self, axis: Axis, thread: str) -> str:
        step = f"{axis.loop.step} * " if axis.loop.step != 1 else ""
        start = f"{self._names[axis.loop.iterator]}_lower"
        if axis.is_shifted and self._text(axis.loop.lower) != "0":
            start = f"{self._text(axis.loop.lower)} + {start}"
        return f"{start} + {step}{thread}"

    def _limit(self, axis: Axis) -> str:
        if axis.is_shifted:
            return self._text(axis.loop.upper)
        return f"{self._names[axis.loop.iterator]}_upper"

    def _called(self, kernel: host.Kernel, call: str, indent: str) -> Iterator[str]:
        if kernel.name not in self._reporting:
            yield indent + call
            return
        yield f"{indent}failed = {call}"
        yield f"{indent}if failed != 0:"
        yield f"{indent}{INDENT}cuda.atomic.or_(status, 0, failed)"

    def _bounds(self, grid: Grid) -> tuple[str, ...]:
        names = self._spell(grid.iterators)
        return tuple(f"{name}_{end}" for name in names for end in ("lower", "upper"))

    def _status(self, kernel: host.Kernel) -> tuple[str, ...]:
        return ("status",) if kernel.name in self._reporting else ()

    def _passed(self, kernel: host.Kernel) -> tuple[str, ...]:
        return tuple(each.name for each in passed_to(kernel, self._program))

    def _cell(self, name: str) -> str:
        return f"{self._names[name]}_cell"

    # ------------------------------------------------------------------ host

    def _run(self) -> Iterator[str]:
        program = self._program
        arrays = self._spell(tuple(each.name for each in program.given_arrays))
        integers = tuple(each.name for each in program.integers)
        others = self._spell((*integers, *(each.name for each in program.live_in)))
        yield f"def run({', '.join(('launcher', *arrays, *others))}):"
        written = tuple_text(tuple(str(each.is_written) for each in program.given_arrays))
        may_fail = ", may_fail=True" if program.hazards & FAILURES else ""
        takes_more = any(each.partial is not None or copied_by(each) for each in self._kernels)
        may_fail += ", takes_more=True" if takes_more else ""
        words = f"{tuple_text(arrays)}, written={written}{may_fail}{self._overwritten()}"
        yield f"{INDENT}call = launcher.open({words})"
        if arrays:
            yield f"{INDENT}{tuple_text(arrays)} = call.arrays"
        for array in program.arrays:
            if array.extents is not None:
                shape = tuple_text(tuple(map(self._text, array.extents)))
                new = f"call.new_array({shape}, np.{array.type.dtype})"
                yield f"{INDENT}{self._names[array.name]} = {new}"
        used = {name for kernel in self._kernels for name in kernel.scalars}
        for variable in program.variables:
            if variable.name in used or variable.name in self._cells:
                yield INDENT + self._start_value(variable)
        for node in host.plan_host(program).nodes:
            yield from self._host_node(node, INDENT)
        yield f"{INDENT}return call.close({tuple_text(tuple(map(self._cell, program.results)))})"

    def _overwritten(self) -> str:
        """Return the word that says which arrays need not be copied to the device."""
        found = overwritten(self._program)
        if not found:
            return ""
        given = (each.name for each in self._program.given_arrays)
        tests = (found[n].condition(self._names) if n in found else "False" for n in given)
        return f", overwritten={tuple_text(tuple(tests))}"

    def _start_value(self, variable: ScalarVariable) -> str:
        name = self._names[variable.name]
        before = name if variable.is_given else int(variable.is_true_before)
        value = f"np.{variable.type.dtype}({before})"
        if variable.name in self._cells:
            return f"{self._cell(variable.name)} = call.cell({value})"
        return f"{name} = {value}"

    def _host_node(self, node: host.HostNode, indent: str) -> Iterator[str]:
        match node:
            case host.Launch() | host.Step() | host.Stagger():
                yield indent + self._launch(node.kernel)
            case host.Reduce():
                yield from self._reduce(node, indent)
            case host.Blocks():
                yield from self._blocks(node, indent)
            case host.Drive():
                yield indent + self._body.header(node.loop, *limits(node.loop, self._names))
                if node.loop.stays is not None:
                    yield from left_early(self._asked(node.loop.stays), indent + INDENT)
                for each in node.body:
                    yield from self._host_node(each, indent + INDENT)
            case host.Choose():
                yield f"{indent}if {self._text(node.branch.test)}:  # line {node.branch.span.line}"
                for each in node.body:
                    yield from self._host_node(each, indent + INDENT)
            case host.Decide():
                yield from self._decide(node, indent)

    def _blocks(self, node: host.Blocks, indent: str) -> Iterator[str]:
        """Yield a long loop in passes over its blocks."""
        fewest = FEWEST_TERMS if node.is_rounded else FEWEST_OF_PASSES
        inner = indent + INDENT
        unfit = "" if node.fits is None else f" or not {self._text(node.fits)}"
        yield f"{indent}in_order = {self._text(node.terms)} < {fewest}{unfit}"
        if node.before is not None:
            yield f"{indent}if not in_order:  # what fails or warns here does so again below"
            yield inner + self._launch(node.before, status="call.unused")
        if node.starts is not None:
            yield inner + self._launch(node.starts, status="call.unused")
            yield f"{inner}in_order = {self._asked(node.unsure)}"
        yield f"{indent}if in_order:"
        yield from self._host_node(node.ordered, inner)
        yield f"{indent}else:"
        yield inner + self._launch(node.run)

    def _decide(self, node: host.Decide, indent: str) -> Iterator[str]:
        asked = self._asked(node.decision.predicate)
        word = "" if node.body else "not "
        yield f"{indent}if {word}{asked}:  # line {node.decision.span.line}"
        for each in node.body or node.orelse:
            yield from self._host_node(each, indent + INDENT)
        if node.body and node.orelse:
            yield f"{indent}else:"
            for each in node.orelse:
                yield from self._host_node(each, indent + INDENT)

    def _asked(self, predicate: str) -> str:
        """Return a truth value that lies on the device, as the host asks for it."""
        return f"call.value({self._cell(predicate)})"

    def _reduce(self, node: host.Reduce, indent: str) -> Iterator[str]:
        kernel, partial = node.kernel, node.kernel.partial
        if partial is None or not has_tree(node, self._program):
            yield indent + self._launch(node.ordered)
            return
        loop = partial.loop
        ranges = f"({self._text(loop.lower)}, {self._text(loop.upper)}, {loop.step})"
        copied = self._copies(copied_by(kernel)).arrays
        status = ("call.status",) if kernel.name in self._reporting else ()
        words = (
            kernel.name.replace("reduce", "tree"),
            ranges,
            f"({tuple_text(status)}, {tuple_text(self._passed(kernel))}, {tuple_text(copied)})",
            self._text(node.terms),
            tuple_text(tuple(map(self._cell, targets(loop)))),
        )
        call = f"call.reduce({', '.join(words)})"
        if not node.may_need_order:
            yield indent + call
            return
        yield f"{indent}if not {call}:  # the order matters"
        yield indent + INDENT + self._launch(node.ordered)

    def _launch(self, kernel: host.Kernel, status: str = "call.status") -> str:
        reported = (status,) if kernel.name in self._reporting else ()
        arguments = tuple_text((*reported, *self._passed(kernel)))
        if kernel.is_staggered and kernel.loop is not None:
            ends = f"({self._text(kernel.loop.lower)}, {self._text(kernel.loop.upper)})"
            return f"call.run_rows({kernel.name}, {ends}, {arguments})"
        grid = self._grid(kernel)
        if grid is None:
            return f"call.run_once({kernel.name}, {arguments})"
        ranges = [
            f"({self._text(axis.lower)}, {self._text(axis.upper)}, {axis.loop.step})"
            for axis in grid.axes
        ]
        tiling = self._tiling(kernel, grid)
        if tiling is not None:
            block = f"{tiling.threads}, {tiling.iterations}"
            bounds = tuple_text(tuple(ranges))
            return f"call.launch_blocks({kernel.name}, {block}, {bounds}, {arguments})"
        copied = self._copies(grid.private).arrays
        words = [
            kernel.name,
            tuple_text(tuple(ranges)),
            arguments,
            *([tuple_text(copied)] if copied else []),
        ]
        return f"call.launch({', '.join(words)})"

    # ------------------------------------------------------------------ words

    def _text(self, expression: Expression) -> str:
        return text(expression, self._names)

    def _spell(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._names[name] for name in names)


def _of_thread(kernel: host.Kernel, grid: Grid | None) -> tuple[tuple[str, ...], tuple[Node, ...]]:
    """Return the iterators whose values a thread gets, or has for a time, and what it runs then."""
    if grid is not None:
        return grid.iterators, grid.body
    if kernel.is_staggered and kernel.loop is not None:
        row = row_of(kernel.loop)
        assert row is not None  # else it is not staggered
        return (kernel.loop.iterator, row.iterator), row.body
    return (), kernel.nodes


def _slot(threads: tuple[str, ...]) -> str:
    """Return the number of a thread among all of its launch."""
    first, *others = threads
    if not others:
        return first
    sizes = f"cuda.gridsize({len(threads)})"
    number = first
    for axis, each in enumerate(others, start=1):
        width = " * ".join(f"{sizes}[{before}]" for before in range(axis))
        number += f" + {width} * {each}"
    return number
