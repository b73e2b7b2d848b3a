"""CUDA source of kernels whose threads share tiles of what they read.

    @cuda.jit
    def launch0(i_lower, i_upper, j_lower, j_upper, a, b):
        thread_x, thread_y = np.int64(cuda.threadIdx.x), np.int64(cuda.threadIdx.y)
        i_block = i_lower + 32 * np.int64(cuda.blockIdx.y)
        i_in = thread_y                                     and those of the thread's other rows
        i = i_block + i_in
        ...
        a_tile0 = cuda.shared.array((32, 33), np.float64)
        for tile_row in range(lane >> 5, 32, 8): ...        the block copies what it reads of `a`
        cuda.syncthreads()
        if i < i_upper and j < j_upper:
            b[i, j] = a_tile0[j_in, i_in]

What threads run together (copying, barriers, loops around those) stands outside of every test of
their own; all else runs for each row of a thread that has an iteration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import Constant
from autopar.analysis.model.nouns import dataclass

from . import liveness
from .block_tiles import Side, Strip, Tile, Tiling, has_only_arithmetic, place_name
from .cuda_body import INDENT, DeviceBody
from .host import Kernel
from .integers import text
from .kernel import Branch, Loop, Node, walk_nodes
from .printing import number_text

OWN_NAMES = frozenset({"status_word", "tile_row", "tile_column", "in_row", "in_column"})
_WIDEST = 32  # threads side by side that copy a row


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePrinter:
    """Prints one kernel."""

    kernel: Kernel
    tiling: Tiling
    body: DeviceBody
    passed: tuple[str, ...]  # arguments after the bounds and the status word
    cells: frozenset[str]  # scalars that lie on the device
    dtypes: Mapping[str, str]  # of scalars

    def lines(self) -> Iterator[str]:
        """Yield the kernel, from its `def` on."""
        found = list(self._nodes(self.tiling.body, INDENT))
        reports = _reports(found)
        status = ("status_word",) if reports else ()
        bounds = tuple(f"{name}_{end}" for name in self._iterators for end in ("lower", "upper"))
        yield f"def {self.kernel.name}({', '.join((*bounds, *status, *self.passed))}):"
        yield from (INDENT + line for line in self._start())
        if reports:
            yield INDENT + "status = 0"
        for tile in self.tiling.all_tiles:
            shape = ", ".join(map(str, tile.shape))
            shape = f"({shape})" if len(tile.shape) > 1 else shape
            yield f"{INDENT}{self._tile(tile)} = cuda.shared.array({shape}, np.{tile.dtype})"
        yield from self._copied(self.tiling.tiles, INDENT)
        yield from found
        if reports:
            yield INDENT + "if status != 0:"
            yield 2 * INDENT + "cuda.atomic.or_(status_word, 0, status)"

    def reports(self) -> bool:
        """Return whether a thread may have something to say in the status word."""
        return _reports(list(self._nodes(self.tiling.body, INDENT)))

    # ------------------------------------------------------------------- the block

    def _start(self) -> Iterator[str]:
        """Yield where a thread is, and what its scalars are before it runs."""
        threads = self.tiling.threads
        letters = "xyz"[: len(threads)]
        names = ", ".join(f"thread_{letter}" for letter in letters)
        yield f"{names} = {', '.join(f'np.int64(cuda.threadIdx.{each})' for each in letters)}"
        yield f"lane = thread_x{f' + {threads[0]} * thread_y' if len(threads) > 1 else ''}"
        inner_first = zip(reversed(self._iterators), letters, self.tiling.iterations, strict=True)
        for name, letter, taken in reversed(tuple(inner_first)):
            yield f"{name}_block = {name}_lower + {taken} * np.int64(cuda.blockIdx.{letter})"
        for name in self.kernel.scalars:
            if name in self.cells:
                spelled = self.body.names[name]
                yield f"{spelled} = {spelled}_cell[0]"
        x = self._iterators[-1]
        yield f"{x}_in = thread_x"
        yield f"{x} = {x}_block + {x}_in"
        for number in range(self.tiling.per_thread):
            yield from self._row(number)

    def _row(self, number: int) -> Iterator[str]:
        """Yield where the thread is in one of its rows."""
        names = self._names(number)
        iterators = [axis.loop.iterator for axis in self.tiling.grid.axes]
        for iterator in iterators[:-1]:
            place, first = names[place_name(iterator)], self.body.names[iterator]
            behind = f" + {number * self.tiling.threads[1]}" if number else ""
            yield f"{place} = thread_y{behind}"
            yield f"{names[iterator]} = {first}_block + {place}"
        tests = [f"{names[each]} < {self.body.names[each]}_upper" for each in iterators]
        yield f"{_active(number)} = {' and '.join(tests)}"
        for name in self.kernel.scalars if number else ():
            if names[name] != self.body.names[name]:
                yield f"{names[name]} = {self.body.names[name]}"
        for name in self._idle:
            # Threads without an iteration have no value of it.
            yield f"{names[name]} = {number_text(0, self.dtypes[name])}"

    @property
    def _idle(self) -> tuple[str, ...]:
        """The scalars that threads without an iteration read in strips."""
        read = {n for e in self.tiling.strips for n in liveness.exposed(e.loop.body)}
        own = liveness.assigned(self.tiling.body).difference(self.kernel.scalars)
        return tuple(sorted(read & own))

    @property
    def _iterators(self) -> tuple[str, ...]:
        """The iterators of the grid as they are spelled, that of x last."""
        return tuple(self.body.names[each] for each in self.tiling.grid.iterators)

    def _names(self, number: int) -> Mapping[str, str]:
        """Return the spelling of names in one row of a thread."""
        spelled = dict(self.body.names)
        for iterator in self.tiling.grid.iterators:
            spelled[place_name(iterator)] = f"{spelled[iterator]}_in"
        for each in self.tiling.all_tiles:
            spelled[each.name] = self._tile(each)
            for side in each.sides:
                spelled[place_name(side.base)] = f"{spelled[side.base]}_in"
        if number:
            own = liveness.assigned(self.tiling.body)
            own |= {axis.loop.iterator for axis in self.tiling.grid.axes[:-1]}
            for name in (*own, *map(place_name, own)):
                if name in spelled:
                    spelled[name] = f"{spelled[name]}_copy{number}"
        return spelled

    def _tile(self, tile: Tile) -> str:
        return f"{self.body.names[tile.array]}_{tile.name.rpartition(' ')[2]}"

    # ---------------------------------------------------------------------- copying

    def _copied(self, tiles: tuple[Tile, ...], indent: str) -> Iterator[str]:
        for tile in tiles:
            yield from self._copy(tile, indent)
        if tiles:
            yield indent + "cuda.syncthreads()"

    def _copy(self, tile: Tile, indent: str) -> Iterator[str]:
        """Yield how the threads of a block copy a tile, side by side as memory runs."""
        sides = dict(zip(("tile_row", "tile_column")[-len(tile.sides) :], tile.sides, strict=True))
        threads = self._threads
        across = min(threads, _WIDEST, self.tiling.threads[0], _power_of_two(tile.sides[-1].size))
        lanes = {"tile_row": (f"lane >> {across.bit_length() - 1}", threads // across)}
        lanes["tile_column"] = (f"lane & {across - 1}", across)
        if len(sides) == 1:
            lanes["tile_column"] = ("lane", threads)
        shape = " by ".join(str(each.size) for each in tile.sides)
        yield f"{indent}# {self.body.names[tile.array]}: {shape} elements"
        subscripts = [None if each is None else self.body.text(each) for each in tile.fixed]
        for name, side in sides.items():
            first, step = lanes[name]
            yield f"{indent}for {name} in range({first}, {side.size}, {step}):"
            indent += INDENT
            place = name.replace("tile", "in")
            yield f"{indent}{place} = {self._first(side)} + {name}"
            subscripts[side.axis] = place
        array = self.body.names[tile.array]
        tests = (f"0 <= {e} < {array}.shape[{axis}]" for axis, e in enumerate(subscripts))
        yield f"{indent}if {' and '.join(tests)}:"
        source = ", ".join(f"np.uintp({each})" for each in subscripts)
        target = ", ".join(f"np.uintp({each})" for each in sides)
        yield f"{indent}{INDENT}{self._tile(tile)}[{target}] = {array}[{source}]"

    def _first(self, side: Side) -> str:
        """Return where a side of a tile begins in its array."""
        is_strip = side.base not in self.tiling.grid.iterators
        start = f"{self.body.names[side.base]}_{'strip' if is_strip else 'block'}"
        shift = side.shift
        if shift != Constant(value=0, span=shift.span):
            start = f"{start} + ({self.body.text(shift)})"
        return f"{start} {'-' if side.low < 0 else '+'} {abs(side.low)}" if side.low else start

    @property
    def _threads(self) -> int:
        """How many threads a block has."""
        x, *others = self.tiling.threads
        return x * others[0] if others else x

    # ------------------------------------------------------------------------ nodes

    def _nodes(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        """Yield `nodes`: strips and what is around them for all threads, the others for each."""
        apart: list[Node] = []
        for node in nodes:
            if not self._holds_strip(node):
                apart.append(node)
                continue
            yield from self._each(tuple(apart), indent)
            apart.clear()
            strip = self.tiling.strip_of(node)
            if isinstance(node, Loop) and strip is not None:
                yield from self._strip(strip, indent)
            elif isinstance(node, Loop | Branch):
                names = self.body.names
                if isinstance(node, Loop):
                    bounds = text(node.lower, names), text(node.upper, names)
                    yield indent + self.body.header(node, *bounds)
                else:
                    yield f"{indent}if {self.body.text(node.test)}:  # line {node.span.line}"
                yield from self._nodes(node.body, indent + INDENT)
        yield from self._each(tuple(apart), indent)

    def _holds_strip(self, node: Node) -> bool:
        return any(self.tiling.strip_of(each) is not None for each in walk_nodes((node,)))

    def _each(self, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        """Yield `nodes` for each row of a thread that has an iteration."""
        for number in range(self.tiling.per_thread if nodes else 0):
            yield f"{indent}if {_active(number)}:"
            yield from self._row_of(number, nodes, indent + INDENT)

    def _row_of(self, number: int, nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
        body = replace(self.body, names=self._names(number))
        yield from body.nodes(nodes, indent)

    def _strip(self, strip: Strip, indent: str) -> Iterator[str]:
        """Yield a loop strip by strip."""
        loop, length = strip.loop, self.tiling.shape.strip
        name = self.body.names[loop.iterator]
        lower, upper = self.body.text(loop.lower), self.body.text(loop.upper)
        line = f"line {loop.span.line}"
        yield f"{indent}for {name}_strip in range({lower}, {upper}, {length}):  # {line}"
        inner = indent + INDENT
        yield from self._copied(strip.tiles, inner)
        yield f"{inner}{name}_count = min({length}, {upper} - {name}_strip)"
        together = list(self._together(loop, inner + INDENT))
        if has_only_arithmetic(loop.body, self._tile_names) and not _reports(together):
            # Threads without an iteration compute what nobody stores.
            yield f"{inner}if {name}_count == {length}:"
            yield f"{inner}{INDENT}for {name}_in in range({length}):"
            yield from (INDENT + line for line in together)
            yield f"{inner}else:"
            yield f"{inner}{INDENT}for {name}_in in range({name}_count):"
            yield from (INDENT + line for line in together)
        else:
            for number in range(self.tiling.per_thread):
                yield f"{inner}if {_active(number)}:"
                deeper = inner + INDENT
                yield f"{deeper}for {name}_in in range({name}_count):"
                yield f"{deeper}{INDENT}{name} = {name}_strip + {name}_in"
                yield from self._row_of(number, loop.body, deeper + INDENT)
        yield inner + "cuda.syncthreads()"

    def _together(self, loop: Loop, indent: str) -> Iterator[str]:
        """Yield one iteration of a loop for all rows of a thread."""
        name = self.body.names[loop.iterator]
        yield f"{indent}{name} = {name}_strip + {name}_in"
        for number in range(self.tiling.per_thread):
            yield from self._row_of(number, loop.body, indent)

    @property
    def _tile_names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.tiling.all_tiles)


def _active(number: int) -> str:
    return f"is_active_copy{number}" if number else "is_active"


def _power_of_two(size: int) -> int:
    return 1 << (size - 1).bit_length()


def _reports(lines: list[str]) -> bool:
    return any(line.lstrip().startswith("status |=") for line in lines)
