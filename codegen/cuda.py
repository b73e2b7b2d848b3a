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

A kernel has a thread for every iteration of one to three nested parallel loops; all else of the
region runs in single threads, so that arrays stay on the device. Scalars that outlive a kernel
stay there too, as arrays of one element ("cells"); the thread of the last iteration writes them.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import FAILURES, ScalarVariable

from . import host, liveness
from .expressions import Names, is_printable, print_statement
from .cudalib import INTEGER, ArgumentType
from .grid import Axis, Grid, names_in, plan_grid, unsettled
from .integers import text
from .kernel import Branch, Instance, Loop, Node, Program, walk_nodes
from .reasons import TargetLacksFeature
from .scalars import HELPERS

INDENT = "    "
AXES = ("thread_x", "thread_y", "thread_z")
# Names of the generated module; a user's variable of that name gets an underscore.
OWN_NAMES = frozenset(
    {
        "np", "math", "cuda", "device_function", "launcher", "call", "run", "status", "failed",
        "is_last", "dadd_rn", "dmul_rn", "fadd_rn", "fmul_rn", "fsub_rn",
        *AXES,
        *(each + suffix for each in ("ceil", "floor", "rint", "trunc") for suffix in ("", "f")),
        *(each.__name__ for each in HELPERS),
    }
)  # fmt: skip
# Kernels, temporaries of statements, bounds and cells.
PATTERN = re.compile(r"(launch|step)\d+(_body)?|S\d+_\d+(_failed)?|\w+_(lower|upper|cell)")


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


def generate_cuda(program: Program, *, fastmath: bool = False) -> str:
    """Return the source of one module with the kernels of `program` and its `run`.

    `lacking(program)` must be None.
    """
    return _Module(program, fastmath=fastmath).source()


def kernels_of(program: Program) -> tuple[host.Kernel, ...]:
    """Return the kernels that run on a device, in the order in which they stand."""
    return tuple(_kernels(host.plan_host(program).nodes))


def _kernels(nodes: tuple[host.HostNode, ...]) -> Iterator[host.Kernel]:
    for node in nodes:
        match node:
            case host.Launch() | host.Step():
                yield node.kernel
            case host.Drive() | host.Choose():
                yield from _kernels(node.body)


def spelled(program: Program) -> dict[str, str]:
    """Return how each name of `program` is spelled in generated code."""
    wanted = [each.name for each in (*program.arrays, *program.integers, *program.variables)]
    wanted += [each.iterator for each in walk_nodes(program.body) if isinstance(each, Loop)]
    names: dict[str, str] = {}
    for name in dict.fromkeys(wanted):
        spelling = name
        while _is_taken(spelling) or spelling in names.values():
            spelling += "_"
        names[name] = spelling
    return names


def _is_taken(name: str) -> bool:
    return (
        name in OWN_NAMES
        or keyword.iskeyword(name)
        or hasattr(builtins, name)
        or PATTERN.fullmatch(name) is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """An argument of a kernel: its name there, and its type."""

    name: str
    type: ArgumentType


def passed_to(kernel: host.Kernel, program: Program) -> tuple[Passed, ...]:
    """Return what `kernel` takes after its bounds and its status word."""
    names = spelled(program)
    mentioned = _mentioned(kernel)
    own = {node.iterator for node in walk_nodes(kernel.nodes) if isinstance(node, Loop)}
    loops = [node for node in walk_nodes(program.body) if isinstance(node, Loop)]
    integers = [each.name for each in program.integers]
    integers += [each for each in dict.fromkeys(loop.iterator for loop in loops) if each not in own]
    return (
        *(
            Passed(name=names[each.name], type=(each.type.dtype, each.type.rank, each.type.layout))
            for each in program.arrays
            if each.name in kernel.arrays
        ),
        *(Passed(name=names[name], type=INTEGER) for name in integers if name in mentioned),
        *(_scalar(program, name, names[name]) for name in kernel.scalars),
    )


def _mentioned(kernel: host.Kernel) -> frozenset[str]:
    """Return the parameters and iterators that a thread of `kernel` reads."""
    grid = plan_grid(kernel)
    if grid is None:
        return liveness.integers(kernel.nodes)
    shifted = [axis.loop for axis in grid.axes if axis.is_shifted]
    bounds = [leaf for loop in shifted for end in (loop.lower, loop.upper) for leaf in names_in(end)]
    return liveness.integers(grid.body).union(bounds)


def _scalar(program: Program, name: str, spelling: str) -> Passed:
    dtype = program.variable(name).type.dtype
    if name in cells_of(program):
        return Passed(name=f"{spelling}_cell", type=(dtype, 1, "C"))
    return Passed(name=spelling, type=(dtype, None, ""))


def cells_of(program: Program) -> frozenset[str]:
    """Return the scalars that lie on the device: those that outlive a kernel."""
    returned = (name for kernel in kernels_of(program) for name in kernel.returned)
    return frozenset((*program.results, *returned))


class _Module:
    """The source of one region."""

    def __init__(self, program: Program, *, fastmath: bool) -> None:
        self._program = program
        self._fastmath = fastmath
        self._names = spelled(program)
        self._kernels = kernels_of(program)
        self._cells = cells_of(program)
        self._helpers: set[str] = set()  # functions that the statements call
        self._device: set[str] = set()
        self._reporting: set[str] = set()  # kernels with a status word
        self._jit = "@cuda.jit(fastmath=True)" if fastmath else "@cuda.jit"

    def source(self) -> str:
        """Return the whole module."""
        lines = [line for kernel in self._kernels for line in ("", "", *self._kernel(kernel))]
        lines += ["", "", *self._run()]
        return "\n".join([*self._head("\n".join(lines)), *lines]) + "\n"

    def _head(self, text: str) -> Iterator[str]:
        # A comment and a repr: no file name can end them early.
        yield f"# CUDA kernels of {self._program.name}, generated by autopar."
        yield f"# Lines are those of {self._program.file!r}."
        yield ""
        yield "import numpy as np"
        yield ""
        names = {"cuda", "device_function", *self._device}
        if "math." in text:
            names.add("math")
        yield f"from autopar.codegen.cudalib import {', '.join(sorted(names))}"
        if self._helpers:
            yield f"from autopar.codegen.device_math import {', '.join(sorted(self._helpers))}"

    # ------------------------------------------------------------------ kernels

    def _kernel(self, kernel: host.Kernel) -> Iterator[str]:
        grid = plan_grid(kernel)
        iterators = grid.iterators if grid else ()
        body = list(self._nodes(grid.body if grid else kernel.nodes, INDENT))
        reports = any(line.lstrip().startswith("status |=") for line in body)
        if reports:
            self._reporting.add(kernel.name)
        is_last = ("is_last",) if grid and kernel.returned else ()
        passed = self._passed(kernel)
        arguments = (*self._spell(iterators), *is_last, *passed)
        yield "@device_function"
        yield f"def {kernel.name}_body({', '.join(arguments)}):"
        yield from self._framed(kernel, body, reports=reports)
        yield ""
        yield ""
        call = f"{kernel.name}_body({', '.join(arguments)})"
        if grid:
            yield from self._threads(kernel, grid, call)
        else:
            yield f"# In order, from line {kernel.nodes[0].span.line}: a single thread."
            yield self._jit
            yield f"def {kernel.name}({', '.join((*self._status(kernel), *passed))}):"
            yield from self._called(kernel, call, INDENT)

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

    def _threads(self, kernel: host.Kernel, grid: Grid, call: str) -> Iterator[str]:
        loops = [axis.loop for axis in grid.axes]
        quoted = " and ".join(f"'{loop.iterator}'" for loop in loops)
        yield f"# A thread for each iteration of {quoted}, line {loops[0].span.line}."
        yield self._jit
        passed = self._passed(kernel)
        yield f"def {kernel.name}({', '.join((*self._bounds(grid), *self._status(kernel), *passed))}):"
        threads = AXES[: len(loops)]
        yield f"{INDENT}{', '.join(threads)} = cuda.grid({len(loops)})"
        for axis, thread in zip(grid.axes, reversed(threads), strict=True):
            yield f"{INDENT}{self._names[axis.loop.iterator]} = {self._value(axis, thread)}"
        tests = [f"{self._names[a.loop.iterator]} < {self._limit(a)}" for a in grid.axes]
        yield f"{INDENT}if {' and '.join(tests)}:"
        if kernel.returned:
            last = [
                f"{self._names[a.loop.iterator]} + {a.loop.step} >= {self._limit(a)}"
                for a in grid.axes
            ]
            yield f"{2 * INDENT}is_last = {' and '.join(last)}"
        yield from self._called(kernel, call, 2 * INDENT)

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

    # ------------------------------------------------------------------ statements

    def _nodes(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        for node in nodes:
            match node:
                case Loop():
                    yield indent + self._header(node)
                    yield from self._nodes(node.body, indent + INDENT)
                case Branch():
                    yield f"{indent}if {self._text(node.test)}:  # line {node.span.line}"
                    yield from self._nodes(node.body, indent + INDENT)
                case Instance():
                    yield from self._statement(node, indent)

    def _statement(self, instance: Instance, indent: str) -> Iterator[str]:
        names = Names(
            iterators=dict(instance.iterators), spelled=self._names, prefix=f"{instance.name}_"
        )
        printed = print_statement(instance.statement, names, "cuda", fastmath=self._fastmath)
        self._helpers |= printed.helpers
        self._device |= printed.device
        *others, last = printed.lines
        yield from (indent + line for line in others)
        yield f"{indent}{last}  # line {instance.span.line}"

    def _header(self, loop: Loop) -> str:
        step = f", {loop.step}" if loop.step != 1 else ""
        bounds = f"{self._text(loop.lower)}, {self._text(loop.upper)}{step}"
        return f"for {self._names[loop.iterator]} in range({bounds}):  # line {loop.span.line}"

    # ------------------------------------------------------------------ host

    def _run(self) -> Iterator[str]:
        program = self._program
        arrays = self._spell(tuple(each.name for each in program.arrays))
        others = self._spell(tuple(each.name for each in (*program.integers, *program.live_in)))
        yield f"def run({', '.join(('launcher', *arrays, *others))}):"
        written = _tuple(tuple(str(each.is_written) for each in program.arrays))
        may_fail = ", may_fail=True" if program.hazards & FAILURES else ""
        yield f"{INDENT}call = launcher.open({_tuple(arrays)}, written={written}{may_fail})"
        if arrays:
            yield f"{INDENT}{_tuple(arrays)} = call.arrays"
        used = {name for kernel in self._kernels for name in kernel.scalars}
        for variable in program.variables:
            if variable.name in used or variable.name in self._cells:
                yield INDENT + self._start_value(variable)
        for node in host.plan_host(program).nodes:
            yield from self._host_node(node, INDENT)
        yield f"{INDENT}return call.close({_tuple(tuple(map(self._cell, program.results)))})"

    def _start_value(self, variable: ScalarVariable) -> str:
        name = self._names[variable.name]
        value = f"np.{variable.type.dtype}({name if variable.is_live_in else 0})"
        if variable.name in self._cells:
            return f"{self._cell(variable.name)} = call.cell({value})"
        return f"{name} = {value}"

    def _host_node(self, node: host.HostNode, indent: str) -> Iterator[str]:
        match node:
            case host.Launch() | host.Step():
                yield indent + self._launch(node.kernel)
            case host.Drive():
                yield indent + self._header(node.loop)
                for each in node.body:
                    yield from self._host_node(each, indent + INDENT)
            case host.Choose():
                yield f"{indent}if {self._text(node.branch.test)}:  # line {node.branch.span.line}"
                for each in node.body:
                    yield from self._host_node(each, indent + INDENT)

    def _launch(self, kernel: host.Kernel) -> str:
        status = ("call.status",) if kernel.name in self._reporting else ()
        arguments = _tuple((*status, *self._passed(kernel)))
        grid = plan_grid(kernel)
        if grid is None:
            return f"call.run_once({kernel.name}, {arguments})"
        ranges = [
            f"({self._text(axis.lower)}, {self._text(axis.upper)}, {axis.loop.step})"
            for axis in grid.axes
        ]
        return f"call.launch({kernel.name}, {_tuple(tuple(ranges))}, {arguments})"

    # ------------------------------------------------------------------ words

    def _text(self, expression: Expression) -> str:
        return text(expression, self._names)

    def _spell(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._names[name] for name in names)


def _tuple(words: tuple[str, ...]) -> str:
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"
