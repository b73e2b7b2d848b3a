"""Blocks of threads and the tiles that they copy into shared memory: the nouns of it.

A tile has one or two sides; each follows iterations of the grid, or those of a strip of a loop
that all threads of the block run together.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from autopar.analysis.model.loop_ir import Binary, Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import SetVariable, places_of

from .accumulations import is_whole
from .grid import Grid
from .integers import from_linear, linear
from .kernel import Instance, Loop, Node

# Iterations of a loop whose subscripts spread a neighbourhood rather than walk along an array.
_FEW_TURNS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockShape:
    """Threads of a block, and how many iterations they take."""

    columns: int  # threads along x; a power of two
    rows: int  # ... and along y; a power of two
    per_thread: int  # iterations along y that one thread takes
    line: int  # threads of a block of one dimension; a power of two
    strip: int  # iterations of a loop inside for which tiles are copied; a power of two


SHAPE = BlockShape(columns=32, rows=8, per_thread=4, line=128, strip=16)
# A simulated thread is a thread of Python.
SIMULATED = BlockShape(columns=4, rows=2, per_thread=2, line=8, strip=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One dimension of a tile: iterations of `base` and what is around them."""

    axis: int  # of the array
    base: str  # an iterator of the grid, or that of the strip
    shift: Expression  # the same for a whole block
    low: int  # the least that is added to base and shift
    high: int
    count: int  # iterations of `base`

    @property
    def size(self) -> int:
        """How many elements it has."""
        return self.count + self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What a block of threads copies of one array."""

    name: str  # until it is spelled; none that a user could have
    array: str
    dtype: str
    fixed: tuple[Expression | None, ...]  # subscripts of the array; None where a side has it
    sides: tuple[Side, ...]  # one or two, that along which memory runs last
    is_padded: bool  # a column more, so that threads beside one another use different banks

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents of its memory."""
        *outer, last = (each.size for each in self.sides)
        return (*outer, last + self.is_padded)

    @property
    def bytes(self) -> int:
        """The size of its memory."""
        return prod(self.shape) * int(self.dtype[-2:]) // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A loop of each thread that is run in strips, with tiles for each."""

    loop: Loop  # that reads tiles
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How a kernel runs in blocks of threads that share tiles."""

    grid: Grid
    shape: BlockShape
    per_thread: int
    tiles: tuple[Tile, ...]  # copied once
    strips: tuple[Strip, ...]
    body: tuple[Node, ...]  # that reads tiles

    @property
    def all_tiles(self) -> tuple[Tile, ...]:
        """The tiles of the body and of its strips."""
        return (*self.tiles, *(tile for each in self.strips for tile in each.tiles))

    @property
    def threads(self) -> tuple[int, ...]:
        """The threads of a block, x first."""
        if len(self.grid.axes) == 1:
            return (self.shape.line,)
        return self.shape.columns, self.shape.rows

    @property
    def iterations(self) -> tuple[int, ...]:
        """The iterations that a block takes, x first."""
        x, *others = self.threads
        return (x, *(each * self.per_thread for each in others))

    def strip_of(self, node: Node) -> Strip | None:
        """Return the strip that a node of the body is."""
        # Loops beside one another may have one iterator: it is the node that counts.
        return next((each for each in self.strips if each.loop is node), None)


def place_name(iterator: str) -> str:
    """Return how the place of an iteration in its block is called until it is spelled."""
    return f"{iterator} in block"


def few_turns(loop: Loop) -> tuple[int, int] | None:
    """Return the first and the last value of an iterator of few that are known."""
    match loop:
        case Loop(lower=Constant(value=int(lower)), upper=Constant(value=int(upper)), step=1):
            few = 0 < upper - lower <= _FEW_TURNS and is_whole(loop)
            return (lower, upper - 1) if few else None
    return None


def within(side: Side, index: Expression, turns: Mapping[str, tuple[int, int]]) -> Expression:
    """Return the place in a side of a tile that a subscript of its array selects."""
    terms, constant = linear(index)
    kept: dict[Expression, int] = {
        term: factor
        for term, factor in terms.items()
        if isinstance(term, Name) and term.name in turns
    }
    moved = from_linear((kept, constant - side.low), index.span)
    base = Name(name=place_name(side.base), span=index.span)
    return Binary(operator="+", left=base, right=moved, span=index.span)


def has_only_arithmetic(nodes: tuple[Node, ...], tiles: frozenset[str]) -> bool:
    """Return whether `nodes` set scalars from scalars and tiles alone.

    Threads without an iteration may run them too, then, unless they report something.
    """
    for node in nodes:
        if isinstance(node, Loop) and few_turns(node) is not None:
            if not has_only_arithmetic(node.body, tiles):
                return False
            continue
        if not isinstance(node, Instance) or not isinstance(node.statement, SetVariable):
            return False
        if any(place.array not in tiles for place in places_of(node.statement)):
            return False
    return True
