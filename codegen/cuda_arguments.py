"""What the CUDA kernels of a region take, under which names.

Maps a kernel to its arguments after the bounds of its grid: arrays, integers, then scalars. A
scalar that outlives a kernel is an array of one element on the device, a "cell".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autopar.analysis.model.nouns import dataclass

from . import cuda_rows, cuda_tiles, host, liveness
from .cudalib import COUNTS, INTEGER, ArgumentType
from .extremes import names_in
from .grid import plan_grid
from .kernel import Loop, Program, targets, walk_nodes
from .scalars import HELPERS
from .spelling import spell
from .tree_shape import has_tree

AXES = ("thread_x", "thread_y", "thread_z")
# Names of the generated module; a user's variable of that name gets an underscore.
OWN_NAMES = frozenset(
    {
        "np", "math", "cuda", "device_function", "launcher", "call", "run", "status", "failed",
        "is_last", "lane", "block", "lane_count", "place", "apart", "filled", "count", "slot",
        "in_order", "is_active", *cuda_rows.OWN_NAMES, *cuda_tiles.OWN_NAMES,
        "Reduction", "Scalar", "Choice", "Tree", "Bins", "Copied", "strip", "strips", *COUNTS,
        "dadd_rn", "dmul_rn", "fadd_rn", "fmul_rn", "fsub_rn",
        *AXES,
        *(each + suffix for each in ("ceil", "floor", "rint", "trunc") for suffix in ("", "f")),
        *(each.__name__ for each in HELPERS),
    }
)  # fmt: skip
# Kernels, temporaries of statements, bounds and cells.
PATTERN = re.compile(
    r"(launch|rows|step|reduce|reduction|tree)\d+(_bins)?(_body|_fold)?|S\d+(_\d+)+(_failed)?|S\d+_term\d+|pair_\w+"
    r"|\w+_(lower|upper|cell|block|first|end|last|lanes|given|partial|own|copies|at\d+|in|strip|count|share|width|bins|base|tile\d+|copy\d+)"
)


def kernels_of(program: Program) -> tuple[host.Kernel, ...]:
    """Return the kernels that run on a device, in the order in which they stand."""
    return tuple(_kernels(host.plan_host(program).nodes, program))


def _kernels(nodes: tuple[host.HostNode, ...], program: Program) -> Iterator[host.Kernel]:
    for node in nodes:
        match node:
            case host.Launch() | host.Step() | host.Stagger():
                yield node.kernel
            case host.Reduce():
                is_tree = has_tree(node, program)
                if is_tree:
                    yield node.kernel
                if not is_tree or node.may_need_order:
                    yield node.ordered
            case host.Blocks():
                yield from node.kernels
                yield from _kernels((node.ordered,), program)
            case host.Drive() | host.Choose():
                yield from _kernels(node.body, program)
            case host.Decide():
                yield from _kernels((*node.body, *node.orelse), program)


def spelled(program: Program) -> dict[str, str]:
    """Return how each name of `program` is spelled in generated code."""
    return spell(program, OWN_NAMES, PATTERN)


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
    if kernel.partial is not None:
        return liveness.integers(kernel.partial.loop.body)
    if grid is None:
        return liveness.integers(kernel.nodes)
    shifted = [axis.loop for axis in grid.axes if axis.is_shifted]
    bounds = [
        leaf for loop in shifted for end in (loop.lower, loop.upper) for leaf in names_in(end)
    ]
    return liveness.integers(grid.body).union(bounds)


def _scalar(program: Program, name: str, spelling: str) -> Passed:
    dtype = program.variable(name).type.dtype
    if name in cells_of(program):
        return Passed(name=f"{spelling}_cell", type=(dtype, 1, "C"))
    return Passed(name=spelling, type=(dtype, None, ""))


def cells_of(program: Program) -> frozenset[str]:
    """Return the scalars that lie on the device: those that outlive a kernel."""
    kernels = kernels_of(program)
    returned = (name for kernel in kernels for name in kernel.returned)
    reduced = (name for each in kernels if each.partial for name in targets(each.partial.loop))
    return frozenset((*program.results, *returned, *reduced))
