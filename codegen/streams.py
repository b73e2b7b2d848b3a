"""Stores of an innermost loop that may pass the caches.

Before:  for j in range(1, m - 1): v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j])
After:   for each row of some iterations, up to the end of a line of the cache:
             ask for what u[i + 1, ...] will be two rows later
             for j: S0_row[...] = 0.25 * (u[i - 1, j] + u[i + 1, j])
             the row to v[i, ...], whole lines at once

A store into a line that is not in the cache reads the line first: a copy moves three times its
bytes where twice would do. Stores that pass the caches do without, but what they wrote is in no
cache afterwards. So they are taken only where it would not have stayed there: in a form of the
kernels that is made for arrays larger than the caches, and only for arrays that one launch writes
once, all of them if its bounds say so, and that it does not read.

The loop writes to a row on the stack, which stays in the first cache: no arithmetic changes, and
LLVM sees that what it writes overlaps nothing. (Streaming stores in stencils: Treibig, Hager,
Wellein, Multicore architectures: complexities of performance prediction, 2009, section 4.)
A row is so short that the processor reads the next one while it stores this one, and what the
loop walks along is asked for before it is read: see `codegen.fetches`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import Binary, Expression, Name, walk_expression, wrapped_value
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Computed,
    Load,
    Store,
    Subscript,
    places_of,
)
from autopar.analysis.model.types import ArrayType

from .fetches import Fetched, leaders
from .integers import linear, rename
from .kernel import Instance, Loop, Node, Program, walk_nodes
from .work import statement_price

LINE = 64  # bytes
# One store alone in its loop goes by so many bytes, which LLVM keeps in registers: a copy ran 1.3
# times as fast as with rows, a five-point stencil 1.2 times (two threads of an AMD EPYC, 128 MB an
# array). Of one line LLVM unrolls the loop before it thinks of vectors: integers ran at 0.6, and
# single precision at 0.3 of what they did.
LINES = 4 * LINE
# Twice as many of eight-byte numbers whose iteration takes longer than this (hundredths of a
# nanosecond): of 32 of them, in a short loop, LLVM makes scalar code, for the same reason. That
# costs nothing where memory is waited for; a division took 11.3 ms instead of 5.5 (64 MB an array).
WIDE = 2 * LINES
LEAST_WIDE = 60
# Elements, whole lines of each dtype: 1 kB of float64, so that a processor has the instructions of
# two rows under way and reads while it stores. With rows of 8 kB it does one after the other: a
# copy ran at 0.6 of the bandwidth, with 0.5 to 2 kB at 0.95 (two threads, 128 MB an array).
ROW = 128
# A shorter row is mostly its ends, which share lines with others: a sweep over 200 x 200 x 200
# float64 took 1.08 times as long as with ordinary stores, one over 320 x 320 x 320 0.83 times.
ROW_BYTES = 2048
# Hundredths of a nanosecond for an iteration: one that takes longer waits for the processor, not
# for memory. Two square roots in each took 1.2 times as long with a row on the stack. It is for
# elements of 8 bytes: of 4 bytes a vector holds twice as many.
MOST_PRICE = 100
DTYPE_BYTES = {
    "float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint32": 4, "uint64": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A kernel that sweeps through arrays: where one of its loops may stream."""

    loop: Loop  # that is shared out
    inside: tuple[Loop, ...]  # loops around the one looked at, the shared one first
    arrays: Mapping[str, ArrayType]
    kept: frozenset[str]  # arrays that are left alone

    def into(self, loop: Loop) -> Sweep:
        """Return the same for what stands in `loop`."""
        return replace(self, inside=(*self.inside, loop))

    def streamed(self, loop: Loop) -> tuple[Instance, ...]:
        """Return the stores of an innermost loop that may pass the caches."""
        if not is_plain(loop) or self._waits(loop):
            return ()
        around = (*self.inside, loop)
        return tuple(
            node
            for node in loop.body
            if isinstance(node, Instance)
            and isinstance(node.statement, Store)
            and self._may_stream(node, node.statement, around)
        )

    def _waits(self, loop: Loop) -> bool:
        """Return whether an iteration waits for the processor rather than for memory."""
        sizes = (
            DTYPE_BYTES.get(self.arrays[place.array].dtype, 8)
            for node in loop.body
            if isinstance(node, Instance)
            for place in places_of(node.statement)
            if place.array in self.arrays
        )
        return _price(loop) * max(sizes, default=8) > MOST_PRICE * DTYPE_BYTES["float64"]

    def _may_stream(self, node: Instance, store: Store, around: tuple[Loop, ...]) -> bool:
        kind = self.arrays[store.array]
        is_plain = kind.layout == "C" and kind.is_aligned and kind.dtype in DTYPE_BYTES
        return (
            is_plain
            and store.array not in self.kept
            and self._touches(store.array) == 1
            and _is_swept(store, node, around)
            and all(_walks(store, node, each) for each in around)
            and _is_row(store, node, around[-1])
        )

    def fetched(self, loop: Loop) -> tuple[Fetched, ...]:
        """Return where a loop with stores that pass the caches asks for what it comes to later.

        With ordinary stores nothing is gained: a sum in place ran at 0.73 of what it did.
        """
        streamed = self.streamed(loop)
        if not streamed:
            return ()
        around = (*self.inside, loop)
        stored = {id(each.statement) for each in streamed}
        walked = (
            (place, node)
            for node in loop.body
            if isinstance(node, Instance)
            for place in places_of(node.statement)
            if id(place) not in stored
            and place.array in self.arrays  # no tile of one
            and self.arrays[place.array].layout == "C"
            and all(_walks(place, node, each) for each in around)
            and _is_row(place, node, loop)
        )
        return leaders(walked)

    def may_copy(self, array: str) -> bool:
        """Return whether an array may be read before its turn, side by side in its rows."""
        kind = self.arrays[array]
        is_stored = any(
            isinstance(place, Store) and place.array == array
            for _, instance in _instances((self.loop,), ())
            for place in places_of(instance.statement)
        )
        return kind.layout == "C" and kind.is_aligned and array not in self.kept and not is_stored

    def _touches(self, array: str) -> int:
        """Return how many places of the kernel's text mean an array."""
        return sum(
            place.array == array
            for _, instance in _instances((self.loop,), ())
            for place in places_of(instance.statement)
        )


def sweep_of(
    loop: Loop, arrays: Mapping[str, ArrayType], overlapping: frozenset[str]
) -> Sweep | None:
    """Return how a kernel that shares out `loop` sweeps; None where nothing of it may stream."""
    loops = [node for node in walk_nodes((loop,)) if isinstance(node, Loop)]
    if not loop.is_parallel or any(each.is_reduced or each.stands_for for each in loops):
        return None
    private = {array.name for each in loops for array in each.private_arrays}
    sweep = Sweep(loop=loop, inside=(), arrays=arrays, kept=overlapping | private)
    return sweep if any(True for _ in _streaming(sweep, loop)) else None


def with_streams(program: Program, *, is_large: bool) -> Program:
    """Return `program` with the word whether its stores are to pass the caches, if any may."""
    arrays = {each.name: each.type for each in program.arrays}
    shared = [node for node in walk_nodes(program.body) if isinstance(node, Loop)]
    may = any(sweep_of(loop, arrays, program.overlapping) for loop in shared)
    return replace(program, streams=is_large if may else None)


def _price(loop: Loop) -> int:
    """Return what an iteration of an innermost loop is predicted to take."""
    return sum(statement_price(node.statement) for node in loop.body if isinstance(node, Instance))


def _streaming(sweep: Sweep, loop: Loop) -> Iterator[Instance]:
    yield from sweep.streamed(loop)
    inner = sweep.into(loop)
    for node in walk_nodes(loop.body):
        if isinstance(node, Loop) and node in loop.body:
            yield from _streaming(inner, node)


def _instances(
    nodes: tuple[Node, ...], around: tuple[Loop, ...]
) -> Iterator[tuple[tuple[Loop, ...], Instance]]:
    """Yield every statement with the loops around it."""
    for node in nodes:
        match node:
            case Instance():
                yield around, node
            case Loop():
                yield from _instances(node.body, (*around, node))
            case _:
                inner = (*node.body, *getattr(node, "orelse", ()))
                yield from _instances(inner, around)


def is_plain(loop: Loop, *, may_hold_loops: bool = False) -> bool:
    """Return whether a loop runs from bound to bound, one by one, and holds none itself."""
    is_whole = loop.within is None and loop.stays is None and not loop.is_endless
    has_loops = any(isinstance(node, Loop) for node in walk_nodes(loop.body))
    return is_whole and loop.step == 1 and (may_hold_loops or not has_loops)


def _is_swept(place: Load | Store, instance: Instance, around: tuple[Loop, ...]) -> bool:
    """Return whether every subscript moves with a loop of the kernel."""
    return bool(place.indices) and all(
        any(factor_of(index, instance, loop.iterator) for loop in around) for index in place.indices
    )


def _walks(place: Load | Store, instance: Instance, loop: Loop) -> bool:
    """Return whether another element is meant at each turn of a loop."""
    return any(factor_of(index, instance, loop.iterator) for index in place.indices)


def _is_row(place: Load | Store, instance: Instance, loop: Loop) -> bool:
    """Return whether elements of successive iterations lie side by side."""
    factors = [factor_of(index, instance, loop.iterator) for index in place.indices]
    return factors == [*(0,) * (len(factors) - 1), 1]


def factor_of(index: Subscript, instance: Instance, iterator: str) -> int | None:
    """Return by how much a subscript moves at each turn; None where that is not one number."""
    if isinstance(index, Computed) or wrapped_value(index) is not None:
        return None
    terms, _ = linear(rename(index, dict(instance.iterators)))
    if any(not isinstance(term, Name) and _mentions(term, iterator) for term in terms):
        return None
    return sum(n for term, n in terms.items() if isinstance(term, Name) and term.name == iterator)


def _mentions(term: Expression, name: str) -> bool:
    return any(isinstance(each, Name) and each.name == name for each in walk_expression(term))


# Names of the row and of its first iteration in what is printed; none that a user could have.
FIRST = "first of row"


def row_name(instance: Instance) -> str:
    """Return how the row of a store is called until it is spelled."""
    return f"row of {instance.name}"


def to_row(instance: Instance, loop: Loop) -> Instance:
    """Return a store into the row that begins with the iteration `FIRST`."""
    store = instance.statement
    assert isinstance(store, Store)  # `streamed` looked
    iterator, start = (Name(name=name, span=store.span) for name in (loop.iterator, FIRST))
    place: Expression = Binary(operator="-", left=iterator, right=start, span=store.span)
    index = Name(name="place in row", span=store.span)
    return replace(
        instance,
        statement=replace(store, array=row_name(instance), indices=(index,)),
        iterators=(*instance.iterators, (index.name, place)),
    )
