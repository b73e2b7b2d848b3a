"""Which elements the threads of a block share: tiles that they copy into shared memory together.

Before:  parallel for i: parallel for j: for k in range(m): s = s + a[i, k] * b[k, j]
After:   for each 16 values of `k`: a tile of `a` (32 rows, 16 columns) and one of `b` (16, 32),
         each element read once by a block of 32 by 32 iterations, instead of 32 times

         parallel for i: parallel for j: b[i, j] = a[j, i]
After:   a tile of `a`, 32 by 32, read along its rows and handed on along its columns

Three things pay: a matrix that neighbouring threads read along columns, elements that many
threads of a block read in a loop of theirs, and neighbourhoods of many points. Where threads
read few points around their own, as in most stencils, the first cache serves them as fast as
shared memory would. Nothing in a launch stores to such an array, so it holds the same whenever
it is read; each thread still adds in its own order. (Volkov and Demmel, Benchmarking GPUs to tune
dense linear algebra, SC 2008; Micikevicius, 3D finite difference computation on GPUs, 2009;
Ruetsch and Micikevicius, Optimizing matrix transpose in CUDA, 2009.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from math import prod

from autopar.analysis.model.loop_ir import Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    places_of,
)

from .accumulations import is_whole
from .block_tiles import SHAPE, BlockShape, Side, Strip, Tile, Tiling, few_turns, within
from .elements import Cell, cell_of
from .extremes import mentions
from .grid import Grid
from .integers import NOWHERE, from_linear, linear, text
from .kernel import Branch, Decision, Instance, Loop, Node, Program, walk_nodes

# Different points around its own that a thread reads of one array, so that a tile pays.
FEWEST_POINTS = 9
_MOST_BYTES = 40 << 10  # of all tiles of a block; every device has 48 KiB
_MOST_COPIED = 24  # statements that are printed once for each row of a thread
_DTYPES = frozenset({"int32", "int64", "uint32", "uint64", "float32", "float64"})


def tiling_of(grid: Grid, program: Program, shape: BlockShape = SHAPE) -> Tiling | None:
    """Return how the threads of a kernel share what they read; None where it would not pay."""
    plain = all(a.loop.step == 1 and not a.is_shifted for a in grid.axes)
    if not plain or grid.private or not 1 <= len(grid.axes) <= 2:
        return None
    return _Planner(grid, program, shape).tiling()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One subscript: `base + shift + d`, with `d` between `low` and `high`."""

    base: str | None  # the iterator that moves it, if one does
    shift: Expression  # the same for a whole block
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One read of an array, seen from its block."""

    # For each subscript: the iterator that moves it, if one does, and what is the same for a block.
    bases: tuple[str | None, ...]
    shifts: tuple[Expression, ...]
    spreads: tuple[tuple[int, int], ...]  # the least and the most that is added
    points: int  # how many elements it reads for one iteration of the block and the strip

    @property
    def key(self) -> tuple[object, ...]:
        """What reads share that one tile may serve."""
        return self.bases, tuple(text(each, {}) for each in self.shifts)


@dataclass(slots=True)
class _Group:
    """Reads of one array that one tile may serve."""

    array: str
    dtype: str
    strip: Loop | None
    forms: list[_Form]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What is around a statement of a thread."""

    strip: Loop | None = None  # the innermost loop that all threads of a block run alike
    turns: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # iterators of few values
    outer: frozenset[str] = frozenset()  # iterators that are equal for a block, but the strip's
    is_uniform: bool = True  # whether all threads of a block get here together

    def strips(self) -> tuple[Loop | None, ...]:
        """The loops with which a tile may be copied: none, for the whole body, first."""
        return (None,) if self.strip is None else (None, self.strip)


class _Planner:
    def __init__(self, grid: Grid, program: Program, shape: BlockShape) -> None:
        self._grid = grid
        self._shape = shape
        self._x = grid.axes[-1].loop.iterator
        self._y = grid.axes[0].loop.iterator if len(grid.axes) == 2 else None
        self._layouts = {each.name: each.type.layout for each in program.arrays}
        nodes = tuple(walk_nodes(grid.body))
        statements = [each.statement for each in nodes if isinstance(each, Instance)]
        places = [place for each in statements for place in places_of(each)]
        self._kept = {e.array for e in places if isinstance(e, Store)} | program.overlapping
        self._inside = {each.iterator for each in nodes if isinstance(each, Loop)}
        may_copy = self._y is not None and len(statements) * shape.per_thread <= _MOST_COPIED
        self.per_thread = shape.per_thread if may_copy else 1
        self._places: dict[int, _Place | None] = {}  # by the identity of a statement
        self._tiles: list[tuple[Tile, Loop | None]] = []
        self._served: dict[tuple[object, ...], Tile] = {}
        self._strips: list[Strip] = []

    def tiling(self) -> Tiling | None:
        """Return the tiles that pay and fit; None where there are none."""
        groups: dict[tuple[object, ...], _Group] = {}
        for instance, place in self._placed(self._grid.body, _Place()):
            known = id(instance) not in self._places
            self._places[id(instance)] = place if known else None  # it stands in two places
            self._gather(instance, place, groups)
        paying = [each for each in groups.values() if self._pays(each)]
        paying.sort(key=lambda each: each.strip is None)
        strips = {id(each.strip) for each in paying if each.strip is not None}
        taken = 0
        for group in paying:
            if group.strip is not None and _holds(group.strip, strips):
                continue
            tile = self._tile(group, len(self._tiles))
            if taken + tile.bytes <= _MOST_BYTES:
                taken += tile.bytes
                self._tiles.append((tile, group.strip))
                self._served[_key(group.array, group.strip, group.forms[0])] = tile
        if not self._tiles:
            return None
        body = self._replaced(self._grid.body)
        return Tiling(
            grid=self._grid,
            shape=self._shape,
            per_thread=self.per_thread,
            tiles=tuple(each for each, strip in self._tiles if strip is None),
            strips=tuple(self._strips),
            body=body,
        )

    # ------------------------------------------------------------------- collecting

    def _placed(self, nodes: tuple[Node, ...], place: _Place) -> Iterator[tuple[Instance, _Place]]:
        """Yield the statements whose surroundings are understood."""
        for node in nodes:
            match node:
                case Instance():
                    yield node, place
                case Branch():
                    alike = place.is_uniform and not self._differs(node.test, place.outer)
                    yield from self._placed(node.body, replace(place, is_uniform=alike))
                case Decision():
                    apart = replace(place, is_uniform=False)
                    yield from self._placed((*node.body, *node.orelse), apart)
                case Loop() if (few := few_turns(node)) is not None:
                    turns = {**place.turns, node.iterator: few}
                    yield from self._placed(
                        node.body, replace(place, turns=turns, is_uniform=False)
                    )
                case Loop() if self._is_alike(node, place):
                    outer = place.outer
                    if place.strip is not None:
                        outer |= {place.strip.iterator}
                    yield from self._placed(node.body, replace(place, strip=node, outer=outer))
                case _:
                    pass  # which of its iterations run depends on the thread

    def _is_alike(self, loop: Loop, place: _Place) -> bool:
        """Return whether all threads of a block run the same iterations of a loop."""
        around = place.outer | ({place.strip.iterator} if place.strip is not None else set())
        alike = place.is_uniform and is_whole(loop)
        return alike and not any(self._differs(e, around) for e in (loop.lower, loop.upper))

    def _differs(self, expression: Expression, alike: frozenset[str]) -> bool:
        """Return whether threads of a block may have different values of `expression`."""
        own = frozenset(self._grid.iterators) | self._inside
        return mentions(expression, own - alike)

    def _gather(
        self, instance: Instance, place: _Place, groups: dict[tuple[object, ...], _Group]
    ) -> None:
        for load in places_of(instance.statement):
            if not isinstance(load, Load):
                continue
            found = self._seen(instance, load, place)
            if found is not None:
                form, strip = found
                key = _key(load.array, strip, form)
                group = groups.setdefault(key, _Group(load.array, load.type.dtype, strip, []))
                group.forms.append(form)

    def _seen(
        self, instance: Instance, load: Load, place: _Place
    ) -> tuple[_Form, Loop | None] | None:
        """Return a read as a block sees it, and the loop in whose strips it may be copied."""
        layout = self._layouts.get(load.array)
        if load.array in self._kept or layout not in ("C", "F") or load.type.dtype not in _DTYPES:
            return None
        cell = cell_of(instance, load)
        for strip in place.strips() if cell is not None else ():
            # What is copied once is copied before any loop of the threads.
            alike = place.outer if strip is not None else frozenset[str]()
            form = self._form(cell or (), strip, place.turns, alike)
            if form is not None:
                return form, strip
        return None

    def _form(
        self,
        cell: Cell,
        strip: Loop | None,
        turns: Mapping[str, tuple[int, int]],
        alike: frozenset[str],
    ) -> _Form | None:
        own = (*self._grid.iterators, *((strip.iterator,) if strip is not None else ()))
        parts = [self._part(index, own, turns, alike) for index in cell]
        known = [each for each in parts if each is not None]
        bases = [each.base for each in known if each.base is not None]
        if len(known) < len(parts) or not 1 <= len(bases) <= 2 or len(set(bases)) < len(bases):
            return None
        return _Form(
            bases=tuple(each.base for each in known),
            shifts=tuple(each.shift for each in known),
            spreads=tuple((each.low, each.high) for each in known),
            points=prod(each.high - each.low + 1 for each in known),
        )

    def _part(
        self,
        index: Expression,
        own: tuple[str, ...],
        turns: Mapping[str, tuple[int, int]],
        alike: frozenset[str],
    ) -> _Part | None:
        """Return one subscript taken apart."""
        terms, low = linear(index)
        high, base = low, None
        rest: dict[Expression, int] = {}
        for term, factor in terms.items():
            name = term.name if isinstance(term, Name) else ""
            if name in own:
                if base is not None or factor != 1:
                    return None
                base = name
            elif name in turns:
                first, last = sorted(factor * each for each in turns[name])
                low, high = low + first, high + last
            elif self._differs(term, alike):
                return None
            else:
                rest[term] = factor
        if base is not None:
            return _Part(base=base, shift=from_linear((rest, 0), NOWHERE), low=low, high=high)
        if low != high:
            return None
        return _Part(base=None, shift=from_linear((rest, low), NOWHERE), low=0, high=0)

    # ---------------------------------------------------------------------- judging

    def _pays(self, group: _Group) -> bool:
        form = group.forms[0]
        last = form.bases[-1 if self._layouts[group.array] == "C" else 0]
        bases = {each for each in form.bases if each is not None}
        if group.strip is not None and group.strip.iterator not in bases:
            return False
        if self._x in bases and last not in (None, self._x):
            return True  # neighbouring threads read elements far apart
        if group.strip is not None:
            # Each element is read by a whole row, or a whole column, of the block.
            return self._y is not None and len(bases) == 2
        points = {each.spreads for each in group.forms}
        return max(len(points), *(each.points for each in group.forms)) >= FEWEST_POINTS

    def _tile(self, group: _Group, number: int) -> Tile:
        form = group.forms[0]
        counts = {self._x: self._shape.columns if self._y is not None else self._shape.line}
        if self._y is not None:
            counts[self._y] = self._shape.rows * self.per_thread
        if group.strip is not None:
            counts[group.strip.iterator] = self._shape.strip
        sides = [
            Side(
                axis=axis,
                base=base,
                shift=form.shifts[axis],
                low=min(each.spreads[axis][0] for each in group.forms),
                high=max(each.spreads[axis][1] for each in group.forms),
                count=counts[base],
            )
            for axis, base in enumerate(form.bases)
            if base is not None
        ]
        if self._layouts[group.array] == "F":
            sides.reverse()
        is_across = len(sides) == 2 and sides[0].base == self._x
        return Tile(
            name=f"{group.array} tile{number}",
            array=group.array,
            dtype=group.dtype,
            fixed=tuple(
                None if base is not None else shift
                for base, shift in zip(form.bases, form.shifts, strict=True)
            ),
            sides=tuple(sides),
            is_padded=is_across and sides[-1].size % 2 == 0,
        )

    # ------------------------------------------------------------------- replacing

    def _replaced(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(map(self._node, nodes))

    def _node(self, node: Node) -> Node:
        """Return a node with reads of tiles, and note it where it is run in strips."""
        match node:
            case Instance():
                return self._instance(node)
            case Decision():
                body, orelse = self._replaced(node.body), self._replaced(node.orelse)
                return replace(node, body=body, orelse=orelse)
            case Branch():
                return replace(node, body=self._replaced(node.body))
        made = replace(node, body=self._replaced(node.body))
        tiles = tuple(tile for tile, strip in self._tiles if strip is node)
        if tiles:
            self._strips.append(Strip(loop=made, tiles=tiles))
        return made

    def _instance(self, instance: Instance) -> Instance:
        statement, around = instance.statement, self._places.get(id(instance))
        if around is None or not isinstance(statement, Store | SetVariable):
            return instance
        places: dict[str, Expression] = {}

        def value(expression: TypedExpression) -> TypedExpression:
            match expression:
                case Load():
                    return self._shared(instance, expression, around, places)
                case Cast():
                    return replace(expression, operand=value(expression.operand))
                case Operation():
                    return replace(expression, operands=tuple(map(value, expression.operands)))
                case _:
                    return expression

        new = replace(statement, value=value(statement.value))
        return replace(instance, statement=new, iterators=(*instance.iterators, *places.items()))

    def _shared(
        self, instance: Instance, load: Load, around: _Place, places: dict[str, Expression]
    ) -> Load:
        """Return a read of a tile in the place of one of its array, where there is one."""
        found = self._seen(instance, load, around)
        tile = None if found is None else self._served.get(_key(load.array, found[1], found[0]))
        cell = cell_of(instance, load)
        if tile is None or cell is None:
            return load
        names = []
        for side in tile.sides:
            name = Name(name=f"place {len(places)}", span=load.span)
            places[name.name] = within(side, cell[side.axis], around.turns)
            names.append(name)
        return replace(load, array=tile.name, indices=tuple(names))


def _key(array: str, strip: Loop | None, form: _Form) -> tuple[object, ...]:
    """Return what reads share that one tile serves."""
    return array, None if strip is None else id(strip), form.key


def _holds(loop: Loop, strips: set[int]) -> bool:
    """Return whether another strip lies in a loop: then only that one is run in strips."""
    return any(id(each) in strips for each in walk_nodes(loop.body))
