"""What one run of a region moves and computes: for the report, with the values of a call.

for t in range(9): for i in range(n): b[i] = a[i]       n = 1,000,000: 16 MB touched, 144 MB moved

Touched are the distinct elements, moved those that come from beyond the cache of a core: all that
a sweep touches, each time, where it is more than that cache holds (compulsory bytes, as in the
roofline model: Williams, Waterman, Patterson, CACM 2009). Elements at places that are data are
counted as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from autopar.analysis.model.loop_ir import Expression, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Computed, places_of

from .integers import rename, text
from .kernel import Branch, Decision, Instance, Loop, Node, Program, walk_nodes
from .rates import Rates
from .work import middle, predicted_ns, trip_count

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


def value_of(expression: Expression, integers: Mapping[str, int]) -> float:
    """Return the value of an expression of a loop tree."""
    names = {name: f"n{number}" for number, name in enumerate(integers)}
    values = {names[name]: value for name, value in integers.items()}
    found: float = eval(text(expression, names), {"min": min, "max": max, "abs": abs}, values)  # noqa: S307  # our own text
    return found


def _traffic(program: Program, integers: Mapping[str, int]) -> tuple[int, int]:
    """Return the bytes that are touched, and those that all sweeps touch together."""
    touched: dict[str, int] = {}
    moved: dict[str, int] = {}
    sizes = {each.name: _item_bytes(each.type.dtype) for each in program.arrays}
    for array, cells, sweeps in _places(program.body, (), dict(integers)):
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
                inner = {**values, node.iterator: int(value_of(middle(node), values))}
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
