"""What one run of a region moves and computes: for the report, with the values of a call.

for t in range(9): for i in range(n): b[i] = a[i]       n = 1,000,000: 16 MB touched, 144 MB moved

Touched are the distinct elements, moved those that come from beyond the cache of a core: all that
a sweep touches, each time, where it is more than that cache holds (compulsory bytes, as in the
roofline model: Williams, Waterman, Patterson, CACM 2009). Elements at places that are data are
counted as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import TypeAlias, TypeGuard

from autopar.analysis.model.loop_ir import Expression, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Computed, places_of

from .integers import rename, text
from .kernel import Branch, Decision, Instance, Loop, Node, Program, walk_nodes
from .rates import Rates
from .work import halfway, predicted_ns, trip_count

# A thread of a device beside one of a CPU: no cache of its own, one operation at a time.
_SLOWER = 40.0
_BYTES = {"bool": 1, "complex64": 8, "complex128": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Predicted nanoseconds of one run of a region in kernels."""

    alone: float  # on one thread
    together: float | None  # on all; None where nothing is shared out
    touched_bytes: int


def predicted_times(
    program: Program, integers: Mapping[str, int], rates: Rates, threads: int
) -> Times | None:
    """Return what kernels take with these integers; None where nobody can tell."""
    if not program.body:
        return None
    computed = value_of(predicted_ns(program.body, {}), integers) * rates.kernel
    touched, moved = _traffic(program, integers)
    byte_ns = rates.cache_byte if touched <= rates.cache_bytes else rates.memory_byte
    alone = max(computed, moved * byte_ns if touched > rates.inner_bytes else 0.0)
    loops = (each for each in walk_nodes(program.body) if isinstance(each, Loop))
    is_shared = any(each.is_shared or each.passes is not None for each in loops)
    together = alone / threads + rates.hop if is_shared and threads > 1 else None
    return Times(alone=alone, together=together, touched_bytes=touched)


def predicted_device_ns(
    program: Program, integers: Mapping[str, int], rates: Rates, copied_bytes: int
) -> float | None:
    """Return what a device takes, copies to it and back included; None where nobody can tell.

    A launch, a byte that is copied and one that kernels move have their rates. What a kernel
    computes is shared by all its threads, but no thread is done sooner than it can be.
    """
    launch_ns, byte_ns = rates.device_launch, rates.device_byte
    memory_byte_ns, work = rates.device_memory_byte, rates.device_work
    if launch_ns is None or byte_ns is None or memory_byte_ns is None or work is None:
        return None
    if not program.body or any(e.is_staggered for e in walk_nodes(program.body) if _is_loop(e)):
        return None
    sizes = _sizes(program)

    def kernel_ns(node: Loop, values: dict[str, int]) -> float:
        alone = value_of(predicted_ns((node,), {}), values)
        computed = max(alone * work, _SLOWER * alone / max(1, _points(node, values)))
        _, moved = _moved((node,), values, sizes)
        return launch_ns + max(computed, moved * memory_byte_ns)

    def alone_ns(node: Node, values: dict[str, int]) -> float:
        return launch_ns + _SLOWER * value_of(predicted_ns((node,), {}), values)

    kernels = _on_device(program.body, dict(integers), (kernel_ns, alone_ns))
    return kernels + copied_bytes * byte_ns


_Prices: TypeAlias = tuple[
    Callable[[Loop, dict[str, int]], float], Callable[[Node, dict[str, int]], float]
]


def _is_loop(node: Node) -> TypeGuard[Loop]:
    return isinstance(node, Loop)


def _on_device(nodes: tuple[Node, ...], values: dict[str, int], prices: _Prices) -> float:
    """Return the nanoseconds of all launches; `prices` of shared loops, and of all else."""
    kernel_ns, alone_ns = prices
    total = 0.0
    for node in nodes:
        if isinstance(node, Loop) and (node.is_shared or node.passes is not None):
            total += kernel_ns(node, values)
        elif isinstance(node, Loop) and _has_shared(node.body):
            trips = max(0, int(value_of(trip_count(node), values)))
            inner = _inside(node, values)
            total += trips * _on_device(node.body, inner, prices)
        elif isinstance(node, Branch | Decision) and _has_shared((node,)):
            body = node.body + (node.orelse if isinstance(node, Decision) else ())
            total += _on_device(body, values, prices)
        else:
            total += alone_ns(node, values)
    return total


def _has_shared(nodes: tuple[Node, ...]) -> bool:
    loops = (each for each in walk_nodes(nodes) if isinstance(each, Loop))
    return any(each.is_shared or each.passes is not None for each in loops)


def _points(loop: Loop, values: dict[str, int]) -> int:
    """Return how many iterations of nested parallel loops run at the same time."""
    trips = max(0, int(value_of(trip_count(loop), values)))
    if len(loop.body) == 1 and isinstance(loop.body[0], Loop) and loop.body[0].is_parallel:
        inner = _inside(loop, values)
        return trips * _points(loop.body[0], inner)
    return trips


def _inside(loop: Loop, values: dict[str, int]) -> dict[str, int]:
    """Return the values of names halfway through a loop."""
    set_there = {name: int(value_of(each, values)) for name, each in halfway(loop).items()}
    return values | set_there


def value_of(expression: Expression, integers: Mapping[str, int]) -> float:
    """Return the value of an expression of a loop tree."""
    names = {name: f"n{number}" for number, name in enumerate(integers)}
    values = {names[name]: value for name, value in integers.items()}
    found: float = eval(text(expression, names), {"min": min, "max": max, "abs": abs}, values)  # noqa: S307  # our own text
    return found


def _traffic(program: Program, integers: Mapping[str, int]) -> tuple[int, int]:
    """Return the bytes that are touched, and those that all sweeps touch together."""
    return _moved(program.body, dict(integers), _sizes(program))


def _sizes(program: Program) -> dict[str, int]:
    return {each.name: _item_bytes(each.type.dtype) for each in program.arrays}


def _moved(
    nodes: tuple[Node, ...], values: dict[str, int], sizes: Mapping[str, int]
) -> tuple[int, int]:
    touched: dict[str, int] = {}
    moved: dict[str, int] = {}
    for array, cells, sweeps in _places(nodes, (), values):
        size = cells * sizes.get(array, 8)
        touched[array] = max(touched.get(array, 0), size)
        moved[array] = max(moved.get(array, 0), size * sweeps)
    return sum(touched.values()), sum(moved.values())


def _item_bytes(dtype: str) -> int:
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
    return _BYTES.get(dtype) or (int(digits) // 8 if digits.isdecimal() else 8)


def _places(
    nodes: tuple[Node, ...], around: tuple[tuple[str, int], ...], values: dict[str, int]
) -> Iterator[tuple[str, int, int]]:
    """Yield array, elements touched in one sweep, and sweeps, of each place in the loops."""
    for node in nodes:
        match node:
            case Loop():
                trips = max(0, int(value_of(trip_count(node), values)))
                inner = _inside(node, values)
                yield from _places(node.body, (*around, (node.iterator, trips)), inner)
            case Branch():
                yield from _places(node.body, around, values)
            case Decision():
                yield from _places(node.body + node.orelse, around, values)
            case Instance():
                yield from _of_statement(node, around)


def _of_statement(
    node: Instance, around: tuple[tuple[str, int], ...]
) -> Iterator[tuple[str, int, int]]:
    iterators = dict(node.iterators)
    for place in places_of(node.statement):
        if any(isinstance(each, Computed) for each in place.indices):
            continue
        subscripts = [rename(e, iterators) for e in place.indices if not isinstance(e, Computed)]
        used = {n.name for e in subscripts for n in walk_expression(e) if isinstance(n, Name)}
        first = next((k for k, (name, _) in enumerate(around) if name in used), len(around))
        cells = prod(trips for name, trips in around if name in used)
        yield place.array, cells, prod(trips for _, trips in around[:first])
