"""CPU source: a loop tree becomes a readable Python module for Numba.

    parallel for i in range(1, n - 1): b[i] = 0.5 * a[i]

    @njit(nogil=True, error_model="numpy", cache=True)
    def launch0(lower, upper, a, b):
        status = 0
        for i in range(lower, upper):  # line 4
            b[np.uintp(i)] = 0.5 * a[np.uintp(i)]  # line 5
        return (status,)

    def run(launcher, a, b, n):
        status = 0
        (bits,) = launcher.launch(launch0, 1, n - 1, 1, (a, b), max(0, n - 2) * 5 // 10)
        ...

`run(launcher, arrays ..., integers ..., live-in variables ...)` gives the status word and the
values of the results. Scalars travel on the host as Python numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.typed import CONVERSION, FAILURES, FLOAT_WARNING, ScalarVariable
from autopar.analysis.model.types import FLOAT

from . import host
from .canonical import FEWEST_TERMS
from .compile import CACHED
from .cpu_body import INDENT, Body, left_early
from .cpu_reduce import (
    are_lost,
    kinds_of,
    name_of,
    names_of_parts,
    partial_lines,
    private_positions,
    reduction_lines,
)
from .crew_text import FUNCTIONS as CREW_FUNCTIONS
from .crew_text import LONGEST_PHASE, SHORTEST_PART_NS, CrewText
from .crew_text import NAMES as CREW_NAMES
from .float_status import FLOAT_STATUS, decides_by_data
from .in_scalars import with_scalars
from .integers import rename
from .iteration_prices import iteration_prices
from .kernel import ArrayArgument, Loop, Node, Program, targets
from .lasting import may_last
from .printing import tuple_text
from .progress import WORTH, new_crew, new_progress
from .scalars import FUSED, HELPERS
from .small_integers import SMALL, with_small_integers
from .spelling import spell
from .staggered_text import FUNCTIONS, staggered_lines, turns_of
from .staggered_text import NAMES as STAGGERED_NAMES
from .streams import sweep_of
from .strides import strided_instances
from .work import halfway, largest, over, predicted_ns

# Names of the generated module; a user's variable of that name gets an underscore.
OWN_NAMES = frozenset(
    {
        "np", "math", "njit", "launcher", "lower", "upper", "start", "stop", "status", "bits",
        "run", "wide", "serial", "cpu_helper", "watched", "Reduction", "Scalar", "Choice", "Copied",
        "Lasting",
        "found", "block_lower", "block_upper", "block_count", "block_level", "row_lower", "lane",
        "lane_count", "row_end", "address", "uneven",
        "unsure", "is_stopped", "unhoisted", "stream", "stream_lines", "stream_wide",
        "line_start", "fetch_ahead", "fetch_beside", "lines_ahead", "lines_beside", "wide_ahead",
        "wide_beside", "turn",
        *STAGGERED_NAMES, *CREW_NAMES,
        *(each.__name__ for each in (*HELPERS, *FLOAT_STATUS)), FUSED,
    }
)  # fmt: skip
# Kernels, the temporaries of statements, partial values.
PATTERN = re.compile(
    r"(launch|step|sweep|crew|reduce|reduction|rows)\d+|S\d+(_\d+)+(_failed)?|S\d+(_\d+)*_(row|ends)|S\d+_term\d+"
    r"|(libm|numpy|told|strip|toldstrip|turn|pair|buffer|rowbuffer|linebuffer|widebuffer|tile|numpyrow|toldrow)_\w+"
    r"|lanes_\w+|\w+_(lanes|lanes_end|levels|strip|strip_end|ahead|part|row_at|row_start|tile|tile_end|turned)|S\d+(_\d+)*_\w*(ahead|slice)\d+\w*"
)
CONVERSIONS = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}
ZEROS = {"bool": "False", "int": "0", "float": "0.0", "complex": "0j"}
# dtypes that Numba gives to Python numbers; scalars of others are converted in each kernel.
PYTHON_DTYPES = frozenset({"bool", "int64", "float64", "complex128"})

_LARGEST_SINGLE = 3.4028234663852886e38


def generate_cpu(program: Program, *, fastmath: bool = False) -> str:
    """Return the source of one module with the kernels of `program` and its `run`."""
    return _Module(program, fastmath=fastmath).source()


def launches_once(program: Program) -> bool:
    """Return whether all that `run` does may be one launch that leaves nothing but a status.

    A loop in order is one where it is short, and launches in a loop are where a crew runs them.
    """
    planned = host.plan_host(with_scalars(program))
    match planned.nodes:
        case (
            host.Launch(kernel=host.Kernel(returned=()) as kernel)
            | host.Stagger(kernel=host.Kernel(returned=()) as kernel)
            | host.Step(kernel=host.Kernel(returned=()) as kernel)
            | host.Drive(sweep=host.Kernel(returned=(), crew=host.Drive()) as kernel),
        ):
            is_given = all(each.extents is None for each in program.arrays)
            is_all = planned.serial is None and not program.results
            is_all = is_all and not (kernel.loop is not None and kernel.loop.is_driver)
            return is_given and is_all and not private_positions(kernel)
    return False


def spelled(program: Program) -> dict[str, str]:
    """Return how each name of `program` is spelled in generated code."""
    return spell(program, OWN_NAMES, PATTERN)


class _Module:
    """The source of one region."""

    def __init__(self, program: Program, *, fastmath: bool) -> None:
        self._may_warn = bool(program.hazards & FLOAT_WARNING)
        # The tests that `with_scalars` adds speculate no arithmetic: only loops stand below them.
        self._telling = frozenset(
            each.name
            for each in host.kernels_of(host.plan_host(program))
            if self._may_warn and decides_by_data(each.nodes)
        )
        self._program = program = with_scalars(program)
        self._names = spelled(program)
        self._host = host.plan_host(program)
        self._body = Body(
            names=self._names,
            strided=strided_instances(program.body),
            fastmath=fastmath,
            tells_warnings=False,
            arrays={each.name: each.type for each in program.arrays},
            overlapping=program.overlapping,
        )
        self._reduces = host.reduces_of(self._host)
        self._told: set[str] = set()  # functions of codegen.uneven
        self._staggers = any(each.is_staggered for each in host.kernels_of(self._host))
        self._has_crew = any(each.crew for each in host.kernels_of(self._host))
        options = ["nogil=True", 'error_model="numpy"', CACHED]
        self._decorator = (
            f"@njit({', '.join([*options, 'fastmath=True'] if fastmath else options)})"
        )

    def source(self) -> str:
        """Return the whole module."""
        lines: list[str] = []
        for kernel in host.kernels_of(self._host):
            lines += ["", "", *self._kernel(kernel)]
        reductions = [line for each in self._reduces for line in reduction_lines(each)]
        lines += ["", "", *reductions] if reductions else []
        lines += ["", "", *self._run()]
        return "\n".join([*self._head(), *lines]) + "\n"

    def _head(self) -> Iterator[str]:
        # A comment and a repr: no file name can end them early.
        yield f"# Kernels of {self._program.name}, generated by autopar."
        yield f"# Lines are those of {self._program.file!r}."
        yield ""
        yield "import math"
        yield ""
        yield "import numpy as np"
        yield "from numba import njit"
        is_watched = any(map(self._watches_flags, host.kernels_of(self._host)))
        uses_ours = self._told or self._body.asks or self._body.apart or self._body.lanes
        if is_watched or self._reduces or uses_ours:
            yield ""
        if self._reduces:
            kinds = {
                kind
                for each in self._reduces
                if each.kernel.partial is not None
                for kind in kinds_of(each.kernel.partial.loop)
            }
            names = ", ".join(sorted({"Reduction", *kinds}))
            yield f"from autopar.codegen.combine import {names}"
        if is_watched:
            yield "from autopar.codegen.fpflags import watched"
        yield from self._inside_kernels()
        if self._body.helpers or self._body.memory:
            yield ""
        if self._body.helpers:
            yield "from autopar.codegen.scalars import cpu_helper"
        if self._body.streaming:
            names = ", ".join(sorted(self._body.streaming))
            yield f"from autopar.codegen.streaming import {names}"
        if self._body.memory:
            names = ", ".join(sorted(self._body.memory))
            yield f"from autopar.codegen.strip_memory import {names}"
        if self._body.turning:
            names = ", ".join(sorted(self._body.turning))
            yield f"from autopar.codegen.turning import {names}"
        if self._body.helpers:
            yield ""
            yield from (f'{name} = cpu_helper("{name}")' for name in sorted(self._body.helpers))

    def _inside_kernels(self) -> Iterator[str]:
        """Yield the imports of what kernels ask and tell, and the host beside them."""
        body = self._body
        told = (new_crew.__name__,) * self._has_crew + (new_progress.__name__,) * self._staggers
        functions = {
            "crewing": CREW_FUNCTIONS if self._has_crew else (),
            "lanes": body.lanes,
            "progress": told,
            "staggering": FUNCTIONS if self._staggers else (),
            "stopping": body.asks,
            "uneven": self._told,
            "unhoisted": body.apart,
        }
        for module, names in functions.items():
            if names:
                yield f"from autopar.codegen.{module} import {', '.join(sorted(names))}"

    # ------------------------------------------------------------------ kernels

    def _kernel(self, kernel: host.Kernel) -> Iterator[str]:
        yield self._comment(kernel)
        yield self._decorator
        yield f"def {kernel.name}({self._arguments(kernel)}):"
        yield from self._kernel_body(kernel)
        if self._watches_flags(kernel):
            yield ""
            yield ""
            yield f"{kernel.name} = watched({kernel.name})"

    def _watches_flags(self, kernel: host.Kernel) -> bool:
        return self._may_warn and kernel.name not in self._telling

    def _comment(self, kernel: host.Kernel) -> str:
        if kernel.loop is None:
            return f"# In order, from line {kernel.nodes[0].span.line}."
        order = "parallel loop" if kernel.loop.is_parallel else "loop"
        share = "Partial values of" if kernel.partial else "A part of"
        loop = kernel.loop.stands_for or kernel.loop
        return f"# {share} the {order} over '{loop.iterator}', line {loop.span.line}."

    def _arguments(self, kernel: host.Kernel) -> str:
        bounds = ("lower", "upper") if kernel.loop else ()
        return ", ".join((*bounds, *self._passed(kernel)))

    def _passed(self, kernel: host.Kernel) -> tuple[str, ...]:
        groups = (kernel.arrays, kernel.integers, kernel.iterators, kernel.scalars)
        passed = self._spell(tuple(name for group in groups for name in group))
        return ("progress", *passed) if kernel.tells_progress else passed

    def _kernel_body(self, kernel: host.Kernel) -> Iterator[str]:
        yield INDENT + "status = 0"
        for name in kernel.scalars:
            dtype = self._program.variable(name).type.dtype
            if dtype not in PYTHON_DTYPES:
                yield INDENT + f"{self._names[name]} = np.{dtype}({self._names[name]})"
        body = replace(self._body, tells_warnings=kernel.name in self._telling)
        partial: tuple[str, ...] = ()
        if kernel.partial:
            body = replace(body, arrays=host.array_types(kernel, self._program))
            yield from partial_lines(kernel.partial, body)
            partial = names_of_parts(kernel.partial, body)
        elif kernel.loop and kernel.is_staggered:
            yield from self._staggered(kernel, kernel.loop, body)
        elif kernel.crew:
            printer = CrewText(body=self._leaving(kernel, body), work=self._work)
            yield from printer.lines(kernel.crew, INDENT)
        elif kernel.loop:
            yield from self._loop(kernel, kernel.loop, body)
        else:
            yield from self._leaving(kernel, body).nodes(kernel.nodes, INDENT)
        returned = ("status", *self._spell(kernel.returned), *partial)
        yield INDENT + f"return {tuple_text(returned)}"

    def _staggered(self, kernel: host.Kernel, loop: Loop, inside: Body) -> Iterator[str]:
        body, name = self._leaving(kernel, inside), self._names[loop.iterator]
        self._body.asks.add("is_stopped")
        yield from staggered_lines(loop, name, body.bounds, body.loop, INDENT)

    def _leaving(self, kernel: host.Kernel, body: Body) -> Body:
        """Return what prints a kernel that may be left from inside its loops."""
        returned = tuple_text(("status", *self._spell(kernel.returned)))
        return replace(body, leave=f"return {returned}")

    def _loop(self, kernel: host.Kernel, loop: Loop, inside: Body) -> Iterator[str]:
        body = self._leaving(kernel, inside)
        if self._program.streams:
            body = replace(body, sweep=sweep_of(loop, body.arrays, body.overlapping))
        small = None
        if self._program.may_rerun and loop.is_parallel and not kernel.returned:
            small = with_small_integers(loop)
        if small is None:
            yield from body.cut_loop(loop, "lower", "upper", INDENT)
            return
        sweep = body.sweep and sweep_of(small.loop, body.arrays, body.overlapping)
        told = replace(body, told=small.told, sweep=sweep)
        body = replace(body, sweep=None)  # it hardly ever runs
        yield f"{INDENT}wide = np.uint64(0)"
        yield from told.cut_loop(small.loop, "lower", "upper", INDENT)
        yield f"{INDENT}if wide > np.uint64({SMALL[1] - SMALL[0]}):  # some are not small"
        yield from body.cut_loop(loop, "lower", "upper", 2 * INDENT)

    # ------------------------------------------------------------------ host

    def _run(self) -> Iterator[str]:
        program = self._program
        passed = (
            *(each.name for each in program.given_arrays),
            *(each.name for each in program.integers),
            *(each.name for each in program.live_in),
        )
        arguments = ("launcher", *self._spell(passed))
        yield f"def run({', '.join(arguments)}):"
        for array in program.arrays:
            if array.extents is not None:
                yield INDENT + self._new_array(array, array.extents)
        used = {name for each in host.kernels_of(self._host) for name in each.scalars}
        loops = (each.kernel.loop for each in self._reduces)
        used |= {name for loop in loops if loop is not None for name in targets(loop)}
        used |= set(program.results)  # of which no kernel may be left
        for variable in program.variables:
            if variable.name in used:
                yield INDENT + self._start_value(variable)
        yield from self._left_for_warnings(used)
        if self._host.serial:
            work = self._body.text(predicted_ns(program.body, {}))
            yield INDENT + f"if {self._is_small(work, self._host.few)}:"
            serial = self._host.serial
            call = f"serial({self._arguments(serial)})"
            if may_last(program.body):
                given = tuple_text(self._passed(serial))
                call = f"launcher.call(serial, {given}, {self._sure(work, program.body)})"
            yield 2 * INDENT + f"{tuple_text(('status', *self._spell(serial.returned)))} = {call}"
            yield 2 * INDENT + self._return()
        yield INDENT + "status = 0"
        for node in self._host.nodes:
            yield from self._host_node(node, INDENT)
        yield INDENT + self._return()

    def _new_array(self, array: ArrayArgument, extents: tuple[Expression, ...]) -> str:
        shape = tuple_text(tuple(map(self._body.text, extents)))
        return f"{self._names[array.name]} = launcher.new_array({shape}, np.{array.type.dtype})"

    def _start_value(self, variable: ScalarVariable) -> str:
        name = self._names[variable.name]
        conversion = CONVERSIONS[_kind(variable.type.dtype)]
        if variable.is_given:
            # A Python int that is held in single precision goes there by way of a double, as
            # NumPy has it: `float` here, the rest in the kernel.
            return f"{name} = {conversion}({name})"
        return f"{name} = {variable.is_true_before or ZEROS[conversion]}"

    def _left_for_warnings(self, used: set[str]) -> Iterator[str]:
        """Yield the lines that leave a call alone where NumPy warns of what comes in.

        A Python float that no single precision holds overflows where it meets such numbers.
        """
        for variable in self._program.variables:
            is_single = variable.type.dtype == "float32" and variable.live_in_type == FLOAT
            if is_single and variable.is_given and variable.name in used:
                name = self._names[variable.name]
                yield f"{INDENT}if {_LARGEST_SINGLE!r} < abs({name}) < 1e999:"
                returned = tuple_text((str(CONVERSION), *self._spell(self._program.results)))
                yield f"{2 * INDENT}return {returned}"

    def _return(self) -> str:
        return f"return {tuple_text(('status', *self._spell(self._program.results)))}"

    def _host_node(self, node: host.HostNode, indent: str) -> Iterator[str]:
        match node:
            case host.Launch():
                yield from self._outcome(node.kernel, self._launch(node.kernel), indent)
            case host.Reduce():
                yield from self._reduce(node, indent)
            case host.Blocks():
                yield from self._blocks(node, indent)
            case host.Step():
                yield from self._step(node.kernel, indent)
            case host.Stagger():
                yield from self._stagger(node, indent)
            case host.Drive():
                yield from self._drive(node, indent)
            case host.Choose():
                test = self._body.text(node.branch.test)
                yield f"{indent}if {test}:  # line {node.branch.span.line}"
                for each in node.body:
                    yield from self._host_node(each, indent + INDENT)
            case host.Decide():
                yield from self._decide(node, indent)

    def _decide(self, node: host.Decide, indent: str) -> Iterator[str]:
        predicate, line = self._names[node.decision.predicate], node.decision.span.line
        yield f"{indent}if {predicate if node.body else f'not {predicate}'}:  # line {line}"
        for each in node.body or node.orelse:
            yield from self._host_node(each, indent + INDENT)
        if node.body and node.orelse:
            yield f"{indent}else:"
            for each in node.orelse:
                yield from self._host_node(each, indent + INDENT)

    def _launch(self, kernel: host.Kernel) -> str:
        passed = tuple_text(self._passed(kernel))
        copies = private_positions(kernel)
        if copies:
            others = [
                e for e in host.kernels_of(self._host) if e not in (kernel, self._host.serial)
            ]
            lost = ", is_lost=True" if are_lost(kernel, others, self._program) else ""
            return (
                f"launcher.launch_with_copies({kernel.name}, ({self._range(kernel)}), {passed},"
                f" {tuple_text(copies)}, {self._shares(kernel)}{lost})"
            )
        return (
            f"launcher.launch({kernel.name}, {self._range(kernel)}, {passed}, "
            f"{self._shares(kernel)})"
        )

    def _is_small(self, work: str, few: tuple[Expression, ...]) -> str:
        """Return the test for one kernel that runs everything: short sums keep their order."""
        tests = [f"{self._body.text(each)} < {FEWEST_TERMS}" for each in few]
        return " and ".join([f"launcher.is_small({work})", *tests])

    def _reduce(self, node: host.Reduce, indent: str) -> Iterator[str]:
        kernel, partial = node.kernel, node.kernel.partial
        assert partial is not None  # the planner made it
        scalars = self._spell(targets(partial.loop))
        size = f"({self._work(kernel)}, {self._body.text(node.terms)})"
        # In the place of what notes which elements are written stands the array itself.
        marked = {mark: self._names[name] for name, mark in partial.marks}
        passed = tuple_text(tuple(marked.get(each, each) for each in self._passed(kernel)))
        call = (
            f"{name_of(kernel)}.run(launcher, {kernel.name}, ({self._range(kernel)}), "
            f"{passed}, {size}, {tuple_text(scalars)})"
        )
        values = tuple_text(("bits", *self._spell(kernel.returned), *scalars))
        if not node.may_need_order:
            yield from self._result(values, call, indent)
            return
        yield f"{indent}found = {call}"
        yield f"{indent}if found is None:  # the order matters"
        yield from self._host_node(node.inside or host.Step(kernel=node.ordered), indent + INDENT)
        yield f"{indent}else:"
        yield from self._result(values, "found", indent + INDENT)

    def _blocks(self, node: host.Blocks, indent: str) -> Iterator[str]:
        unsure, inner = self._names[node.unsure], indent + INDENT
        short = f"{self._body.text(node.terms)} < {FEWEST_TERMS}"
        if not node.is_rounded:  # then nobody can tell
            short += f" or launcher.workers({self._work(node.run)}) < 2"
        if node.fits is not None:
            short += f" or not {self._body.text(node.fits)}"
        yield f"{indent}{unsure} = {short}"
        if node.before is not None:
            yield f"{indent}if not {unsure}:  # what fails or warns here does so again below"
            yield f"{inner}{self._launch(node.before)}"
        if node.starts is not None:
            yield f"{inner}(_, {unsure}) = {node.starts.name}({self._arguments(node.starts)})"
        yield f"{indent}if {unsure}:"
        yield from self._host_node(node.ordered, inner)
        yield f"{indent}else:"
        yield from self._outcome(node.run, self._launch(node.run), inner)

    def _range(self, kernel: host.Kernel) -> str:
        loop = kernel.loop
        assert loop is not None  # launches and slices have one
        return f"{self._body.text(loop.lower)}, {self._body.text(loop.upper)}, {loop.unit}"

    def _work(self, kernel: host.Kernel) -> str:
        return self._sure(self._body.text(predicted_ns(kernel.nodes, {})), kernel.nodes)

    def _shares(self, kernel: host.Kernel) -> str:
        """Return the work of a kernel, and what tells where to cut its range."""
        assert kernel.loop is not None  # it has a range
        prices = iteration_prices(kernel.loop)
        if prices is None:
            return self._work(kernel)
        self._told.add("uneven")
        work = self._body.text(predicted_ns(kernel.nodes, {}))
        text = f"uneven({', '.join([work, *map(self._body.text, prices)])})"
        return self._sure(text, kernel.nodes)

    def _sure(self, work: str, nodes: tuple[Node, ...]) -> str:
        """Return the text of predicted work, with a word that says so where it is a guess."""
        if not may_last(nodes):
            return work
        self._told.add("unsure")
        return f"unsure({work})"

    def _step(self, kernel: host.Kernel, indent: str) -> Iterator[str]:
        if kernel.loop is None:
            passed = tuple_text(self._passed(kernel))
            call = f"launcher.call({kernel.name}, {passed}, {self._work(kernel)})"
            yield from self._outcome(kernel, call, indent)
            return
        kind, work = "slices", self._shares(kernel)
        if kernel.loop.is_driver:
            kind, work = "turns", self._body.text(predicted_ns(kernel.loop.body, {}))
        yield f"{indent}for start, stop in launcher.{kind}({self._range(kernel)}, {work}):"
        passed = tuple_text(("start", "stop", *self._passed(kernel)))
        call = f"launcher.call({kernel.name}, {passed}, {self._work(kernel)})"
        yield from self._outcome(kernel, call, indent + INDENT)
        if kernel.loop.is_driver and kernel.loop.stays is not None:
            yield from left_early(self._names[kernel.loop.stays], indent + INDENT)

    def _stagger(self, node: host.Stagger, indent: str) -> Iterator[str]:
        kernel, loop = node.kernel, node.kernel.loop
        assert loop is not None  # it has rows
        work = self._work(kernel)
        turns = turns_of(loop, self._body.bounds)
        yield f"{indent}rows_members = launcher.workers({work} // {WORTH})"
        yield f"{indent}progress = {new_progress.__name__}({turns}, rows_members)"
        passed = tuple_text(self._passed(kernel))
        call = f"launcher.launch({kernel.name}, 0, rows_members, 1, {passed}, {work})"
        yield from self._outcome(kernel, call, indent)

    def _drive(self, drive: host.Drive, indent: str) -> Iterator[str]:
        inner = indent
        if drive.sweep:
            longest = self._body.text(largest(tuple(_launch_works((drive,), {}))))
            if drive.sweep.crew:
                yield f"{indent}if launcher.is_small({longest} // {LONGEST_PHASE}):"
                yield from self._together(drive.sweep, longest, indent + INDENT)
            else:
                yield f"{indent}if {self._is_small(longest, drive.few)}:"
                yield from self._step(drive.sweep, indent + INDENT)
            yield f"{indent}else:"
            inner = indent + INDENT
        loop = drive.loop
        lower, upper = self._body.text(loop.lower), self._body.text(loop.upper)
        yield f"{inner}{self._body.header(loop, lower, upper)}"
        if loop.stays is not None:
            yield from left_early(self._names[loop.stays], inner + INDENT)
        for node in drive.body:
            yield from self._host_node(node, inner + INDENT)

    def _together(self, kernel: host.Kernel, longest: str, indent: str) -> Iterator[str]:
        """Yield the launch of a kernel of many threads, whose longest phase takes `longest`."""
        work = self._work(kernel)
        is_worth = f"{longest} >= {2 * SHORTEST_PART_NS}"
        yield f"{indent}crew = launcher.workers({work}) if {is_worth} else 1"
        yield f"{indent}progress = {new_crew.__name__}(crew)"
        passed = tuple_text(self._passed(kernel))
        call = f"launcher.launch({kernel.name}, 0, crew, 1, {passed}, {work})"
        yield from self._outcome(kernel, call, indent)

    def _outcome(self, kernel: host.Kernel, call: str, indent: str) -> Iterator[str]:
        yield from self._result(tuple_text(("bits", *self._spell(kernel.returned))), call, indent)

    def _result(self, values: str, call: str, indent: str) -> Iterator[str]:
        yield f"{indent}{values} = {call}"
        yield f"{indent}status |= bits"
        if self._program.hazards & FAILURES:
            yield f"{indent}if bits & {FAILURES}:"
            yield f"{indent}{INDENT}{self._return()}"

    # ------------------------------------------------------------------ words

    def _spell(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._names.get(name, name) for name in names)


def _launch_works(
    nodes: tuple[host.HostNode, ...], middles: Mapping[str, Expression]
) -> Iterator[Expression]:
    """Yield the work of every launch below `nodes`, host iterators halfway through."""
    for node in nodes:
        match node:
            case host.Launch():
                yield predicted_ns(node.kernel.nodes, middles)
            case host.Reduce():
                yield predicted_ns(node.kernel.nodes, middles)
            case host.Blocks():
                yield predicted_ns(node.run.nodes, middles)
            case host.Step():
                pass
            case host.Stagger():
                yield over(predicted_ns(node.kernel.nodes, middles), WORTH)
            case host.Drive():
                inner = {name: rename(each, middles) for name, each in halfway(node.loop).items()}
                yield from _launch_works(node.body, {**middles, **inner})
            case host.Choose():
                yield from _launch_works(node.body, middles)
            case host.Decide():
                yield from _launch_works((*node.body, *node.orelse), middles)


def _kind(dtype: str) -> str:
    return dtype[0]  # "b"ool, "i"nt64, "u"int8, "f"loat32, "c"omplex128
