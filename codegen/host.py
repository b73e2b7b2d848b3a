"""The host's part of a region: which loops run on the host, and what they launch.

Before:  for t: parallel for i: ...; parallel for j: ...       a loop tree
After:   Drive(t, [Launch(i), Launch(j)])                      host loops around kernels

Target-neutral: for the CPU a launch is a chunk kernel on the pool, for a GPU it is a grid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.types import ArrayType

from . import liveness
from .affinity import finds_its_own
from .kernel import (
    Branch,
    Decision,
    Instance,
    Loop,
    Node,
    Passes,
    Program,
    names_of,
    walk_nodes,
)
from .lasting_cells import marks_type
from .partials import PartialLoop, partial_loop
from .reduced import may_need_order
from .row_loops import row_of_loop
from .sharing import has_rounded, in_order, most, shared_reductions
from .work import term_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One generated kernel: `nodes` in order, or slices of the range of one loop."""

    name: str
    nodes: tuple[Node, ...]
    loop: Loop | None  # its range is handed out in parts: then `nodes` is just that loop
    iterators: tuple[str, ...]  # host iterators that it reads, outermost first
    arrays: tuple[str, ...]
    integers: tuple[str, ...]
    scalars: tuple[str, ...]  # scalar arguments: read before written, or returned
    returned: tuple[str, ...]  # scalars whose values it gives back after the status
    partial: PartialLoop | None = None  # then partial values come last
    is_staggered: bool = False  # then the progress of its rows comes before the arrays
    crew: Drive | None = None  # the loop of launches that its threads run together

    @property
    def tells_progress(self) -> bool:
        """Whether its threads wait for each other: by an array that comes before all others."""
        return self.is_staggered or self.crew is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A parallel loop, run as chunks of `kernel`."""

    kernel: Kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """A loop with reductions: parts of its range give partial values, which are combined."""

    kernel: Kernel
    ordered: Kernel  # the same loop in order
    may_need_order: bool  # whether `ordered` may be wanted at all
    terms: Expression  # how many are added
    # In the place of `ordered`, where loops inside may be shared out.
    inside: HostNode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Nodes without a parallel loop, run in order; in slices if it is one loop."""

    kernel: Kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Stagger:
    """Rows that run at the same time, each behind the one before; taken by as many as come."""

    kernel: Kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A sequential loop of the host around launches."""

    loop: Loop
    body: tuple[HostNode, ...]
    sweep: Kernel | None  # the whole loop as one kernel; only for an outermost one
    # Every one of these must be small for `sweep`, which adds in order: numbers of terms.
    few: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """A branch of the host around launches."""

    branch: Branch
    body: tuple[HostNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """A long loop in passes over blocks; in order where it is short, or `unsure` says so."""

    before: Kernel | None
    starts: Kernel | None  # gives back `unsure` alone
    run: Kernel
    ordered: HostNode
    unsure: str  # a truth value
    terms: Expression
    is_rounded: bool
    fits: Expression | None = None  # a test; where it fails, in order, too

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Those of the passes."""
        return tuple(each for each in (self.before, self.starts, self.run) if each is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A decision of the host of a driver, on a truth value that a kernel gave back."""

    decision: Decision
    body: tuple[HostNode, ...]
    orelse: tuple[HostNode, ...]


HostNode: TypeAlias = Launch | Reduce | Step | Stagger | Drive | Choose | Blocks | Decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the host runs for a region."""

    nodes: tuple[HostNode, ...]
    serial: Kernel | None  # everything in one kernel; None where `nodes` is one kernel already
    few: tuple[Expression, ...] = ()  # as in `Drive`, for `serial`


def plan_host(program: Program) -> Host:
    """Return how the host runs `program`: every outermost parallel loop is a launch."""
    program = replace(program, body=shared_reductions(program.body))
    planner = _Planner(program)
    nodes = planner.plan(program.body, ())
    # A driver runs in slices: nobody knows how long it takes.
    is_driven = any(isinstance(each, Loop) and each.is_driver for each in program.body)
    serial = None
    if len(nodes) > 1 and not is_driven:
        serial = planner.kernel("serial", program.body, None, ())
    return Host(nodes=nodes, serial=serial, few=_few(nodes))


def _needed(program: Program) -> frozenset[str]:
    """Return the scalars that some kernel wants from another one, or the caller from any."""
    wanted = frozenset(program.results).union(*map(liveness.exposed, _kernel_nodes(program.body)))
    return wanted - program.local


def _kernel_nodes(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """Yield the nodes of every kernel that may be made of `nodes`."""
    for run in _runs(nodes):
        (node, *_) = run
        yield run
        may_drive = isinstance(node, Loop) and (node.passes is not None or _holds_shares(node))
        if may_drive or _drives(node):
            assert not isinstance(node, Instance)  # it holds no loop
            yield from _kernel_nodes(node.body)  # a scan may run in order
            if isinstance(node, Decision):
                yield from _kernel_nodes(node.orelse)


def _runs(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """Yield launches and host loops one by one, and all between them together."""
    pending: list[Node] = []
    for node in nodes:
        if not _has_parallel(node) and not (isinstance(node, Loop) and node.is_driver):
            pending.append(node)
            continue
        if pending:
            yield tuple(pending)
        pending = []
        yield (node,)
    if pending:
        yield tuple(pending)


def _has_parallel(node: Node) -> bool:
    return any(isinstance(each, Loop) and _is_one(each) for each in walk_nodes((node,)))


def _holds_shares(loop: Loop) -> bool:
    """Return whether loops in a loop may be shared out where the copies that it needs cost much."""
    return (
        any(each.is_last for each in loop.cells)
        and not loop.reductions
        and any(isinstance(each, Loop) and each.is_parallel for each in walk_nodes(loop.body))
    )


def _drives(node: Node) -> bool:
    """Return whether `node` runs on the host, around launches."""
    return _has_parallel(node) and not (isinstance(node, Loop) and _is_one(node))


def _is_one(loop: Loop) -> bool:
    """Return whether a loop is shared out by itself, in one way or another."""
    return loop.is_shared or loop.passes is not None or loop.is_staggered


def _few(nodes: tuple[HostNode, ...]) -> tuple[Expression, ...]:
    """Return the numbers of terms that must be small where all of `nodes` runs in order."""
    return tuple(dict.fromkeys(each for node in nodes for each in _terms(node)))


def _terms(node: HostNode) -> tuple[Expression, ...]:
    match node:
        case Reduce(kernel=Kernel(loop=Loop() as loop)) if has_rounded(loop):
            return (node.terms,)
        case Blocks() if node.is_rounded:
            return (node.terms,)
        case Drive():
            return node.few
        case Choose():
            return _few(node.body)
        case Decide():
            return _few((*node.body, *node.orelse))
        case _:
            return ()


def _few_in(body: tuple[HostNode, ...], loop: Loop) -> tuple[Expression, ...]:
    bounds = [most(each, loop) for each in _few(body)]
    # `shared_reductions` has left out what has no bound.
    return tuple(dict.fromkeys(each for each in bounds if each is not None))


class _Planner:
    """Walks the tree once, numbering kernels as it makes them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._needed = _needed(program)
        self._made: Counter[str] = Counter()
        self._taken = names_of(program)

    def plan(self, nodes: tuple[Node, ...], around: tuple[str, ...]) -> tuple[HostNode, ...]:
        """Plan `nodes`; `around` are the iterators of the host loops around them."""
        return tuple(self._plan_run(run, around) for run in _runs(nodes))

    def _plan_run(self, run: tuple[Node, ...], around: tuple[str, ...]) -> HostNode:
        first = run[0]
        if not _has_parallel(first):
            return self._step(run, around)
        match first:
            case Loop(is_parallel=True):
                return Launch(kernel=self.kernel(self._name("launch"), run, first, around))
            case Loop() if first.is_reduced:
                return self._reduce(first, around)
            case Loop(passes=Passes() as passes):
                return self._blocks(
                    replace(first, passes=None, scans=(), renamings=()), passes, around
                )
            case Loop(is_staggered=True):
                return self._stagger(run, first, around)
            case Loop():
                body = self.plan(first.body, (*around, first.iterator))
                if all(isinstance(each, Step) for each in body):  # staggered rows that cannot be
                    return self._step(run, around)
                drive = Drive(loop=first, body=body, sweep=None, few=_few_in(body, first))
                return drive if around else replace(drive, sweep=self._sweep(drive))
            case Branch():
                return Choose(branch=first, body=self.plan(first.body, around))
            case Decision():
                return Decide(
                    decision=first,
                    body=self.plan(first.body, around),
                    orelse=self.plan(first.orelse, around),
                )
        raise AssertionError("a statement holds no loop")

    def _step(self, run: tuple[Node, ...], around: tuple[str, ...]) -> Step:
        first = run[0]
        # Slices of a loop that may be left would each begin anew, but for a driver.
        is_known = (
            isinstance(first, Loop)
            and first.within is None
            and (first.stays is None or first.is_driver)
            and row_of_loop(first) is None  # NumPy takes it as a whole
        )
        loop = first if isinstance(first, Loop) and is_known and len(run) == 1 else None
        return Step(kernel=self.kernel(self._name("step"), run, loop, around))

    def _sweep(self, drive: Drive) -> Kernel:
        """Return all of a loop of launches as one kernel, of many threads where they can do it."""
        if not (may_be_crew(drive) and finds_its_own(tuple(_phases(drive)))):
            return self.kernel(self._name("sweep"), (drive.loop,), drive.loop, ())
        # Every thread asks where the ranges of launches begin and end.
        kernel = self.kernel(self._name("crew"), (drive.loop,), None, ())
        return replace(kernel, loop=drive.loop, crew=drive)

    def _stagger(
        self, run: tuple[Node, ...], loop: Loop, around: tuple[str, ...]
    ) -> Stagger | Step:
        # Every thread asks where rows begin and end.
        taken = self.kernel(self._name("rows"), run, None, around)
        if taken.returned:  # values of the last row, which need not be the last one to end
            return Step(kernel=self.kernel(self._name("step"), run, loop, around))
        return Stagger(kernel=replace(taken, loop=loop, is_staggered=True))

    def _reduce(self, loop: Loop, around: tuple[str, ...]) -> Reduce:
        partial = partial_loop(loop, self._taken)
        own = frozenset(part.name for part in partial.parts)
        own |= {name for each in loop.reductions for name in each.replaced}
        kernel = self.kernel(self._name("reduce"), (loop,), loop, around)
        terms = term_count(loop)
        inside = self._plan_run((in_order(loop),), around) if _holds_shares(loop) else None
        return Reduce(
            kernel=replace(
                kernel,
                arrays=(*kernel.arrays, *(marks for _, marks in partial.marks)),
                # Nothing waits for the value before it: priced like a parallel loop.
                nodes=(replace(partial.loop, is_parallel=True),),
                loop=partial.loop,
                scalars=tuple(each for each in kernel.scalars if each not in own),
                returned=tuple(each for each in kernel.returned if each not in own),
                partial=partial,
            ),
            ordered=self.kernel(self._name("step"), (loop,), loop, around),
            may_need_order=any(map(may_need_order, loop.reductions))
            or any(each.is_rounded for each in loop.reductions)
            or any(part.kind == "unsure" for part in partial.parts)
            or bool(loop.cells),
            terms=terms,
            inside=inside,
        )

    def _blocks(self, loop: Loop, passes: Passes, around: tuple[str, ...]) -> Blocks:
        def apart(kernel: Kernel, exposed: frozenset[str]) -> Kernel:
            scalars = tuple(
                each for each in kernel.scalars if each not in passes.own or each in exposed
            )
            return replace(kernel, scalars=scalars, returned=())

        before = starts = None
        if passes.before is not None:
            kernel = self.kernel(self._name("launch"), (passes.before,), passes.before, around)
            before = apart(kernel, liveness.exposed((passes.before,)))
        if passes.starts:
            kernel = self.kernel(self._name("step"), passes.starts, None, around)
            kernel = apart(kernel, liveness.exposed(passes.starts))
            scalars = (*kernel.scalars, passes.in_order)
            starts = replace(kernel, scalars=scalars, returned=(passes.in_order,))
        return Blocks(
            before=before,
            starts=starts,
            run=self.kernel(self._name("launch"), (passes.run,), passes.run, around),
            ordered=self._plan_run((loop,), around),
            unsure=passes.in_order,
            terms=passes.terms,
            is_rounded=passes.is_rounded,
            fits=passes.fits,
        )

    def _name(self, kind: str) -> str:
        self._made[kind] += 1
        return f"{kind}{self._made[kind] - 1}"

    def kernel(
        self, name: str, nodes: tuple[Node, ...], loop: Loop | None, around: tuple[str, ...]
    ) -> Kernel:
        """Return the kernel of `nodes` with just the arguments that it needs."""
        returned = liveness.assigned(nodes) & self._needed
        taken = (liveness.exposed(nodes) - self._program.local) | returned
        mentioned = liveness.integers(loop.body if loop else nodes)
        touched = liveness.arrays(nodes)
        program = self._program
        return Kernel(
            name=name,
            nodes=nodes,
            loop=loop,
            iterators=tuple(each for each in around if each in mentioned),
            arrays=tuple(each.name for each in program.arrays if each.name in touched),
            integers=tuple(each.name for each in program.integers if each.name in mentioned),
            scalars=tuple(each.name for each in program.variables if each.name in taken),
            returned=tuple(each.name for each in program.variables if each.name in returned),
        )


def may_be_crew(node: HostNode) -> bool:
    """Return whether threads can run all of a loop of launches without the host between them.

    Each has scalars of its own, so none may go from one kernel to another.
    """
    match node:
        case Launch(kernel=Kernel(loop=Loop() as loop)):
            return not node.kernel.returned and not loop.private_arrays and _is_counted(node)
        case Step():
            return not node.kernel.returned and _is_counted(node)
        case Drive():
            is_plain = node.loop.stays is None and not node.loop.is_endless
            is_plain = is_plain and not node.loop.is_driver and node.loop.within is None
            return is_plain and all(map(may_be_crew, node.body))
        case Choose():
            return all(map(may_be_crew, node.body))
        case _:
            return False


def _phases(node: HostNode) -> Iterator[tuple[Node, ...]]:
    """Yield what the threads of a crew run between two looks at each other."""
    match node:
        case Launch() | Step():
            yield node.kernel.nodes
        case Drive() | Choose():
            for each in node.body:
                yield from _phases(each)
        case _:
            pass


def _is_counted(node: Launch | Step) -> bool:
    """Return whether the bounds of all loops are known without a look at data."""
    loops = [each for each in walk_nodes(node.kernel.nodes) if isinstance(each, Loop)]
    return all(e.within is None and e.stays is None and not e.is_endless for e in loops)


def array_types(kernel: Kernel, program: Program) -> dict[str, ArrayType]:
    """Return the type of each array of `program`, and of those that note what `kernel` writes."""
    types = {each.name: each.type for each in program.arrays}
    marks = () if kernel.partial is None else kernel.partial.marks
    return types | {mark: marks_type(types[name]) for name, mark in marks}


def reduces_of(host: Host) -> tuple[Reduce, ...]:
    """Return all reduced loops of `host`, in the order in which they stand."""
    return tuple(_reduces(host.nodes))


def _reduces(nodes: tuple[HostNode, ...]) -> Iterator[Reduce]:
    for node in nodes:
        match node:
            case Reduce():
                yield node
                yield from _reduces((node.inside,) if node.inside else ())
            case Drive() | Choose():
                yield from _reduces(node.body)
            case Decide():
                yield from _reduces((*node.body, *node.orelse))
            case Launch() | Step() | Blocks() | Stagger():
                pass


def reordered(program: Program) -> tuple[str, ...]:
    """Return the scalars whose value depends on an order that is not the interpreter's."""
    loops = [each.kernel.loop for each in reduces_of(plan_host(program))]
    reductions = [each for loop in loops if loop is not None for each in loop.reductions]
    reductions += [
        scan.reduced
        for node in walk_nodes(program.body)
        if isinstance(node, Loop) and node.passes is not None
        for scan in node.scans
    ]
    names = (each.element_of or each.target for each in reductions if each.is_rounded)
    return tuple(dict.fromkeys(names))


def sum_lengths(program: Program) -> tuple[Expression, ...]:
    """Return how many terms the sums have whose order may not be the interpreter's, at most."""
    return plan_host(program).few


def kernels_of(host: Host) -> tuple[Kernel, ...]:
    """Return all kernels of `host`, in the order in which they stand."""
    found = list(_kernels(host.nodes))
    return (*found, host.serial) if host.serial else tuple(found)


def _kernels(nodes: tuple[HostNode, ...]) -> Iterator[Kernel]:
    for node in nodes:
        match node:
            case Launch() | Step() | Stagger():
                yield node.kernel
            case Reduce():
                yield node.kernel
                if node.inside is not None:
                    yield from _kernels((node.inside,))
                elif node.may_need_order:
                    yield node.ordered
            case Blocks():
                yield from node.kernels
                yield from _kernels((node.ordered,))
            case Drive():
                yield from _kernels(node.body)
                if node.sweep:
                    yield node.sweep
            case Choose():
                yield from _kernels(node.body)
            case Decide():
                yield from _kernels((*node.body, *node.orelse))
