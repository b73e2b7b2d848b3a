"""The lines around a loop whose stores pass the caches.

Before:  for j in range(1, m - 1): v[i, j] = 0.25 * (...)
After:   S0_row = rowbuffer_float64()
         for j_row_at in range(line_start(address(v, (i, 1)), 1, m - 1), m - 1, 128):
             j_strip = max(j_row_at, 1)
             j_strip_end = min(j_row_at + 128, m - 1)
             fetch_ahead(address(u, (i + 1, j_strip)))
             for j in range(j_strip, j_strip_end):
                 S0_row[np.uintp(j - j_strip)] = 0.25 * (...)
             stream(address(v, (i, j_strip)), S0_row, j_strip_end - j_strip)

Rows begin where lines of the cache do, as far as the first store is concerned; large arrays
of NumPy all begin at the same place of a line.

One store alone in its loop, but for numbers that it takes, needs no row in memory: what goes into
a few whole lines of the cache is computed by a loop of known length, which LLVM keeps in registers.

After:   S0_row = linebuffer_float64()
         S0_ends = linebuffer_float64()
         for j_row_at in range(line_start(address(v, (i, 1)), 1, m - 1), m - 1, 32):
             j_strip = max(j_row_at, 1)
             j_strip_end = min(j_row_at + 32, m - 1)
             if j_strip_end - j_strip == 32:
                 lines_ahead(address(u, (i + 1, j_strip)))
                 for j in range(j_strip, j_strip + 32):
                     S0_row[np.uintp(j - j_strip)] = 0.25 * (...)
                 stream_lines(address(v, (i, j_strip)), S0_row)
             else:
                 for j in range(j_strip, j_strip_end):
                     S0_ends[np.uintp(j - j_strip)] = 0.25 * (...)
                 stream(address(v, (i, j_strip)), S0_ends, j_strip_end - j_strip)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Load, SetVariable, Store
from autopar.analysis.model.types import ArrayType

from .expressions import Names, print_integer
from .fetches import Fetched
from .kernel import Instance, Loop, Node
from .streams import DTYPE_BYTES, FIRST, LEAST_WIDE, LINES, ROW, row_name, to_row
from .work import statement_price

INDENT = "    "


def around(
    loop: Loop,
    stores: tuple[Instance, ...],
    fetched: tuple[Fetched, ...],
    names: Mapping[str, str],
    arrays: Mapping[str, ArrayType],
) -> Rows | Lines:
    """Return what prints the lines around `loop`, `stores` of which pass the caches."""
    others = [node for node in loop.body if node not in stores]
    is_alone = len(stores) == 1 and all(map(_is_scalar, others))
    printer = Lines if is_alone else Rows
    return printer(loop=loop, stores=stores, fetched=fetched, names=names, arrays=arrays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some iterations of a block, and what brings their row to where it belongs."""

    header: str | None  # when they run, where others may
    names: Mapping[str, str]  # how names are spelled in them
    upper: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Prints what stands around the iterations of each row."""

    loop: Loop
    stores: tuple[Instance, ...]  # of its body, those that pass the caches
    fetched: tuple[Fetched, ...]  # what is asked for ahead
    names: Mapping[str, str]
    arrays: Mapping[str, ArrayType]

    @property
    def first(self) -> str:
        """The first iteration of a row."""
        return f"{self.names[self.loop.iterator]}_strip"

    @property
    def end(self) -> str:
        """The first one after it."""
        return f"{self.first}_end"

    @property
    def functions(self) -> tuple[str, ...]:
        """What the lines call of codegen.streaming."""
        asks = (self._asks,) if self.fetched else ()
        return ("stream", "line_start", *asks, *map(self._kind, self.stores))

    @property
    def _asks(self) -> str:
        """What asks for a row ahead: it depends on how many places are walked."""
        return "fetch_ahead" if len(self.fetched) == 1 else "fetch_beside"

    @property
    def spelled(self) -> dict[str, str]:
        """How names are spelled in an iteration."""
        return {**self.names, **{row_name(e): _row(e) for e in self.stores}, FIRST: self.first}

    @property
    def inside(self) -> Loop:
        """The loop with its stores into rows."""
        found = tuple(
            to_row(each, self.loop) if isinstance(each, Instance) and each in self.stores else each
            for each in self.loop.body
        )
        return replace(self.loop, body=found)

    def before(self, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield the lines up to the loop over one row."""
        for each in self.stores:
            yield f"{indent}{_row(each)} = {self._kind(each)}()"
        yield from self._blocks(lower, upper, ROW, indent)

    def _blocks(self, lower: str, upper: str, size: int, indent: str) -> Iterator[str]:
        """Yield the loop over blocks of `size` iterations, and where each begins and ends."""
        block = f"{self.names[self.loop.iterator]}_row_at"
        header = f"for {block} in range({self._start(lower, upper)}, {upper}, {size}):"
        yield f"{indent}{header}  # line {self.loop.span.line}"
        yield f"{indent}{INDENT}{self.first} = max({block}, {lower})"
        yield f"{indent}{INDENT}{self.end} = min({block} + {size}, {upper})"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The iterations of a block: a row."""
        after = tuple(self._stream(each, _row(each)) for each in self.stores)
        return (
            Part(header=None, names=self.spelled, upper=self.end, before=self._asking, after=after),
        )

    @property
    def _asking(self) -> tuple[str, ...]:
        """What asks for a row ahead."""
        places = (self._element(one.place, one.instance, self.first) for one in self.fetched)
        return tuple(f"{self._asks}(address({place}))" for place in places)

    def _start(self, lower: str, upper: str) -> str:
        """Return where the first row begins, were it a whole one."""
        first = self.stores[0]
        return (
            f"line_start(address({self._element(_store(first), first, lower)}), {lower}, {upper})"
        )

    def _stream(self, store: Instance, row: str) -> str:
        """Return what stores the elements of a row, however many there are."""
        return f"stream(address({self._place(store)}), {row}, {self.end} - {self.first})"

    def _kind(self, instance: Instance) -> str:
        return f"rowbuffer_{self.arrays[_store(instance).array].dtype}"

    def _place(self, instance: Instance) -> str:
        """Return the array and the subscripts of what is stored first."""
        return self._element(_store(instance), instance, self.first)

    def _element(self, place: Load | Store, instance: Instance, turn: str) -> str:
        """Return an array and the subscripts that a place has at one turn of the loop."""
        spelled = {**self.names, self.loop.iterator: turn}
        names = Names(iterators=dict(instance.iterators), spelled=spelled)
        indices = [print_integer(each, names) for each in place.indices]  # type: ignore[arg-type]  # none is computed
        comma = "," if len(indices) == 1 else ""
        return f"{self.names[place.array]}, ({', '.join(indices)}{comma})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Rows):
    """Prints what stands around the iterations of a few lines of the cache: one store, alone."""

    @property
    def functions(self) -> tuple[str, ...]:
        """What the lines call of codegen.streaming."""
        asks = (self._asks,) if self.fetched else ()
        return (self._stores, "stream", "line_start", *asks, self._kind(self.stores[0]))

    @property
    def is_wide(self) -> bool:
        """Whether there are twice as many of them."""
        price = sum(statement_price(e.statement) for e in self.loop.body if isinstance(e, Instance))
        return self._bytes == 8 and price > LEAST_WIDE

    @property
    def _bytes(self) -> int:
        return DTYPE_BYTES[self.arrays[_store(self.stores[0]).array].dtype]

    @property
    def _stores(self) -> str:
        return "stream_wide" if self.is_wide else "stream_lines"

    @property
    def _asks(self) -> str:
        word = "wide" if self.is_wide else "lines"
        return f"{word}_ahead" if len(self.fetched) == 1 else f"{word}_beside"

    @property
    def count(self) -> int:
        """How many elements the lines hold."""
        return (1 + self.is_wide) * LINES // self._bytes

    def before(self, lower: str, upper: str, indent: str) -> Iterator[str]:
        """Yield the lines up to the loop over whole lines of the cache."""
        store = self.stores[0]
        for name in (_row(store), _ends(store)):  # one for both would have to lie in memory
            yield f"{indent}{name} = {self._kind(store)}()"
        yield from self._blocks(lower, upper, self.count, indent)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The iterations of a block: whole lines, or what lies before or after them."""
        store = self.stores[0]
        row, ends = _row(store), _ends(store)
        whole = Part(
            header=f"if {self.end} - {self.first} == {self.count}:",
            names=self.spelled,
            upper=f"{self.first} + {self.count}",
            before=self._asking,
            after=(f"{self._stores}(address({self._place(store)}), {row})",),
        )
        rest = Part(
            header="else:",
            names={**self.spelled, row_name(store): ends},
            upper=self.end,
            after=(self._stream(store, ends),),
        )
        return whole, rest

    def _kind(self, instance: Instance) -> str:
        word = "widebuffer" if self.is_wide else "linebuffer"
        return f"{word}_{self.arrays[_store(instance).array].dtype}"


def _is_scalar(node: Node) -> bool:
    """Return whether a node computes a number, and no more."""
    return isinstance(node, Instance) and isinstance(node.statement, SetVariable)


def _row(instance: Instance) -> str:
    return f"{instance.name}_row"


def _ends(instance: Instance) -> str:
    return f"{instance.name}_ends"


def _store(instance: Instance) -> Store:
    assert isinstance(instance.statement, Store)  # it was looked for
    return instance.statement
