"""CUDA source of histograms: a block of threads counts in shared memory, then adds up its counts.

    for i in range(n): h[k[i]] = h[k[i]] + 1

    @cuda.jit
    def reduce0_bins(i_lower, i_upper, i_share, strips, status, k, h):
        lane, block, strip = cuda.threadIdx.x, cuda.blockIdx.x, cuda.blockIdx.y
        h_bins, h_base = cuda.shared.array(0, count_int32), 0
        for place in range(lane, h.shape[0], 128): h_bins[np.uintp(h_base + place)] = 0
        cuda.syncthreads()
        reduce0_bins_body(...)              cuda.atomic.add(h_bins, np.uintp(h_base + k[i]), 1)
        cuda.syncthreads()
        for place in range(lane, h.shape[0], 128): cuda.atomic.add(h, place, h_bins[h_base + place])

Only where nothing but such elements grows, so that the order of the iterations does not count: all
threads of a block take neighbouring ones, of the inner loop where there are two. Shared memory has
atomics of 32 bits in hardware; those of 64 are loops of comparisons. So counts of 64 bits have 32
for as long as a block lasts; the host sees to it, or finds out afterwards, that this is enough.

Sanders and Kandrot, CUDA by Example, 2010, chapter 9. What differs: how much a block takes depends
on the number of bins, so that adding up stays a small part of the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    SetVariable,
    Store,
    TypedStatement,
    Variable,
    walk_statement,
)
from autopar.analysis.model.types import INTEGER_LIMITS

from . import host, tree_shape
from .cuda_body import INDENT
from .data_ranges import limits
from .expressions import Counter, atomic_name
from .grid import copied_by
from .kernel import Cells, Instance, Loop, walk_nodes
from .partial_text import INNER, PartialText, may_report
from .partials import PartialLoop, has_wide_bound

_NATIVE = frozenset({"int32", "uint32"})  # in the atomics of shared memory
_STARTS: Mapping[str, int] = {"+": 0, "|": 0, "^": 0}


def has_bins(kernel: host.Kernel) -> bool:
    """Return whether blocks of threads may count the elements of a reduced loop on their own."""
    partial = kernel.partial
    if partial is None or not partial.loop.cells or partial.loop.reductions:
        return False
    if kernel.returned or copied_by(kernel):
        return False
    if not all(_has_counters(each) for each in partial.loop.cells):
        return False
    return is_flat(partial) or inner_of(partial) is not None


def _has_counters(cells: Cells) -> bool:
    if cells.type.dtype in _NATIVE:
        return cells.operator in {"+", "|", "^", "&", "min", "max"}
    # With a bound of what all iterations together add, it is known afterwards.
    is_known = cells.largest is not None or has_wide_bound(cells)
    return cells.type.dtype == "int64" and cells.operator == "+" and is_known


def is_flat(partial: PartialLoop) -> bool:
    """Return whether the loop holds no other; then each has a bound of what it adds at once."""
    if any(isinstance(node, Loop) for node in walk_nodes(partial.loop.body)):
        return False
    return all(e.largest is not None or e.type.dtype in _NATIVE for e in partial.loop.cells)


def inner_of(partial: PartialLoop) -> Loop | None:
    """Return the loop that is all of a reduced loop, where its turns have any order, too."""
    (inner, *others) = partial.loop.body
    if others or not isinstance(inner, Loop) or inner.is_endless or inner.stays is not None:
        return None
    if inner.step != 1 or inner.within is not None:
        return None
    if any(not isinstance(node, Instance) for node in inner.body):
        return None
    cells = {each.array for each in partial.loop.cells}
    own = {each.name for each in partial.parts}
    statements = [node.statement for node in inner.body if isinstance(node, Instance)]
    if any(isinstance(each, Store) and each.array not in cells for each in statements):
        return None
    return inner if _are_fresh(statements, own) else None


def _are_fresh(statements: list[TypedStatement], own: set[str]) -> bool:
    """Return whether every scalar that `statements` assign is assigned before it is read."""
    assigned = {each.name for each in statements if isinstance(each, SetVariable)} - own
    known: set[str] = set()
    for each in statements:
        read = {node.name for node in walk_statement(each) if isinstance(node, Variable)}
        if (read & assigned) - known:
            return False
        if isinstance(each, SetVariable):
            known.add(each.name)
    return True


def bins_lines(kernel: host.Kernel) -> Iterator[str]:
    """Yield the words of `Tree` that name the kernel with bins."""
    if not has_bins(kernel):
        return
    partial = kernel.partial
    assert partial is not None  # else it has none
    cells = partial.loop.cells
    places = [kernel.arrays.index(each.array) for each in cells]
    largest = [each.largest or 0 for each in cells if each.type.dtype not in _NATIVE]
    yield f"{INDENT}bins=Bins("
    yield f"{INNER}kernel={kernel.name}_bins,"
    yield f"{INNER}positions=({', '.join(map(str, places))},),"
    yield f"{INNER}is_flat={is_flat(partial)},"
    yield f"{INNER}largest={max(largest, default=0)},"
    yield f"{INNER}narrow={_narrow(cells)},"
    yield f"{INDENT}),"


def _narrow(cells: tuple[Cells, ...]) -> str:
    """Return which of the bounds that are known afterwards are of counts in 32 bits, as text."""
    found = [
        str(number)
        for number, each in enumerate(each for each in cells if has_wide_bound(each))
        if each.type.dtype not in _NATIVE
    ]
    return f"({', '.join(found)},)" if found else "()"


@dataclass(frozen=True, slots=True, kw_only=True)
class BinPrinter(PartialText):
    """Prints the kernel with bins of one reduced loop."""

    ranks: Mapping[str, int]

    def counting(self) -> Iterator[str]:
        """Yield what one thread counts: a function."""
        arguments = (*self._given, *self.passed, *self._own)
        yield from self.function(f"{self.kernel.name}_bins_body", arguments, list(self._counting()))

    def blocks(self, partial: tuple[str, ...]) -> Iterator[str]:
        """Yield the kernel up to its values; `partial` are the arrays for these."""
        name, reports = self.iterator, self.reports()
        status = ("status",) if reports else ()
        bounds = (f"{name}_lower", f"{name}_upper", f"{name}_share", "strips")
        arguments = (*bounds, *status, *partial, *self.passed)
        yield f"def {self.kernel.name}_bins({', '.join(arguments)}):"
        yield f"{INDENT}lane, strip = cuda.threadIdx.x, cuda.blockIdx.y"
        yield f"{INDENT}{name}_block = {name}_lower + {name}_share * np.int64(cuda.blockIdx.x)"
        yield f"{INDENT}{name}_end = min({name}_block + {name}_share, {name}_upper)"
        first = f"{name}_block + {self.loop.step} * lane" if self._is_flat else f"{name}_block"
        yield f"{INDENT}{name}_first = {first}"
        base = "0"
        for each in self._cells:
            self.body.device.add(self._dtype(each))
            bins = f"cuda.shared.array(0, {self._dtype(each)})"
            yield f"{INDENT}{self._bins(each)}, {self._base(each)} = {bins}, {base}"
            yield f"{INDENT}for place in range(lane, {self._size(each)}, {tree_shape.WIDTH}):"
            yield f"{INNER}{self._bin(each)} = {_start(each)}"
            base = f"{self._base(each)} + {self._size(each)}"
        yield f"{INDENT}cuda.syncthreads()"
        given = (*self._given, *self.passed, *self._own)
        yield from self.called(f"{self.kernel.name}_bins_body", given, reports=reports)
        yield f"{INDENT}cuda.syncthreads()"
        for each in self._cells:
            yield from self._added(each)

    def reports(self) -> bool:
        """Return whether a thread may have something to say in the status word."""
        return may_report(self._counting())

    # ------------------------------------------------------------------- pieces

    def _counting(self) -> Iterator[str]:
        body = replace(
            self.body,
            atomic={each.array: each.operator for each in self._cells},
            counters={each.array: self._counter(each) for each in self._cells},
        )
        yield from self.neutral()
        first, end = f"{self.iterator}_first", f"{self.iterator}_end"
        loop, inner = self.loop, inner_of(self.partial)
        if self._is_flat or inner is None:
            yield INDENT + body.header(loop, first, end, tree_shape.WIDTH * loop.step)
            yield from body.nodes(loop.body, INNER)
            return
        yield INDENT + body.header(loop, first, end, loop.step)
        lower, upper = limits(inner, body.names)
        name = body.names[inner.iterator]
        yield f"{INNER}{name}_lower, {name}_upper = {lower}, {upper}"
        yield f"{INNER}{name}_width = (max(0, {name}_upper - {name}_lower) + strips - 1) // strips"
        yield f"{INNER}{name}_first = {name}_lower + {name}_width * strip"
        yield f"{INNER}{name}_end = min({name}_first + {name}_width, {name}_upper)"
        yield INNER + body.header(inner, f"{name}_first + lane", f"{name}_end", tree_shape.WIDTH)
        yield from body.nodes(inner.body, INNER + INDENT)

    def _added(self, cells: Cells) -> Iterator[str]:
        """Yield what a block has counted added to the elements."""
        array = self.body.names[cells.array]
        yield f"{INDENT}for place in range(lane, {self._size(cells)}, {tree_shape.WIDTH}):"
        yield f"{INNER}if {self._bin(cells)} != {_start(cells)}:"
        value = f"np.{cells.type.dtype}({self._bin(cells)})"
        inner = INNER + INDENT
        update = atomic_name(cells.operator)
        yield f"{inner}{update}({array}, {self._element(cells)}, {value})"

    def _element(self, cells: Cells) -> str:
        """Return the subscripts of the element number `place`, in C order."""
        array, rank = self.body.names[cells.array], self.ranks[cells.array]
        words, left = [], "place"
        for axis in range(rank - 1, 0, -1):
            words.append(f"np.uintp({left} % {array}.shape[{axis}])")
            left = f"({left} // {array}.shape[{axis}])"
        words.append(f"np.uintp({left})")
        return words[0] if rank == 1 else f"({', '.join(reversed(words))})"

    def _size(self, cells: Cells) -> str:
        array = self.body.names[cells.array]
        return " * ".join(f"{array}.shape[{axis}]" for axis in range(self.ranks[cells.array]))

    # -------------------------------------------------------------------- words

    @property
    def _is_flat(self) -> bool:
        return is_flat(self.partial)

    @property
    def _cells(self) -> tuple[Cells, ...]:
        return self.loop.cells

    @property
    def _given(self) -> tuple[str, ...]:
        ends = (f"{self.iterator}_first", f"{self.iterator}_end")
        return ends if self._is_flat else (*ends, "lane", "strip", "strips")

    @property
    def _own(self) -> tuple[str, ...]:
        """Where the body finds the bins of its block."""
        return tuple(w for each in self._cells for w in (self._bins(each), self._base(each)))

    def _bins(self, cells: Cells) -> str:
        return f"{self.body.names[cells.array]}_bins"

    def _base(self, cells: Cells) -> str:
        return f"{self.body.names[cells.array]}_base"

    def _bin(self, cells: Cells) -> str:
        return f"{self._bins(cells)}[np.uintp({self._base(cells)} + place)]"

    @staticmethod
    def _dtype(cells: Cells) -> str:
        return f"count_{cells.type.dtype}" if cells.type.dtype in _NATIVE else "count_int32"

    def _counter(self, cells: Cells) -> Counter:
        is_narrow = cells.type.dtype not in _NATIVE
        return Counter(bins=self._bins(cells), base=self._base(cells), is_narrow=is_narrow)


def _start(cells: Cells) -> str:
    """Return what changes nothing it is combined with."""
    dtype, operator = cells.type.dtype, cells.operator
    if operator in _STARTS:
        return "0"
    low, high = INTEGER_LIMITS[dtype]
    if operator == "&":
        return str(-1 if low else high)
    return str(high if operator == "min" else low)
