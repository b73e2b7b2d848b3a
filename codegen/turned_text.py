"""The lines around two loops that run by tiles.

b_turned = tile_float64()
for i_tile in range(lower, upper, 32):
i_tile_end = min(i_tile + 32, upper)
for j_tile in range(0, m, 64):
j_tile_end = min(j_tile + 64, m)
turn(b_turned, b, (j_tile, i_tile), j_tile_end - j_tile, i_tile_end - i_tile)
for i in range(i_tile, i_tile_end):
for j in range(j_tile, j_tile_end): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.types import ArrayType

from .expressions import Names, print_integer
from .kernel import Loop
from .turned import INNER, OUTER, TILE, WIDTH, Turned, tile_name

INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """Prints what stands around the iterations of each tile."""

    turned: Turned
    names: Mapping[str, str]
    arrays: Mapping[str, ArrayType]

    def first(self, loop: Loop) -> str:
        """Return the first iteration of a loop in a tile."""
        return f"{self.names[loop.iterator]}_tile"

    @property
    def functions(self) -> tuple[str, ...]:
        """What the lines call of codegen.turning."""
        return ("turn", *map(self._kind, self.turned.matrices))

    @property
    def spelled(self) -> dict[str, str]:
        """How names are spelled in an iteration."""
        tiles = {tile_name(each): self._tile(each) for each in self.turned.matrices}
        firsts = {OUTER: self.first(self.turned.outer), INNER: self.first(self.turned.inner)}
        return {**self.names, **tiles, **firsts}

    def before(
        self, bounds: tuple[str, str], inner_bounds: tuple[str, str], indent: str
    ) -> Iterator[str]:
        """Yield the lines up to the loops over one tile, which stand twice indented."""
        for array in self.turned.matrices:
            yield f"{indent}{self._tile(array)} = {self._kind(array)}()"
        yield from self._header(self.turned.outer, bounds, WIDTH, indent)
        yield from self._header(self.turned.inner, inner_bounds, TILE, indent + INDENT)
        i, j = self.first(self.turned.outer), self.first(self.turned.inner)
        for array in self.turned.matrices:
            counts = f"{j}_end - {j}, {i}_end - {i}"
            place = self._place(array)
            yield f"{indent}{2 * INDENT}turn({self._tile(array)}, {place}, {counts})"

    def _header(self, loop: Loop, bounds: tuple[str, str], size: int, indent: str) -> Iterator[str]:
        (lower, upper), first = bounds, self.first(loop)
        yield f"{indent}for {first} in range({lower}, {upper}, {size}):  # line {loop.span.line}"
        yield f"{indent}{INDENT}{first}_end = min({first} + {size}, {upper})"

    def _kind(self, array: str) -> str:
        return f"tile_{self.arrays[array].dtype}"

    def _tile(self, array: str) -> str:
        return f"{self.names[array]}_turned"

    def _place(self, array: str) -> str:
        """Return a matrix and the subscripts of what a tile begins with."""
        instance, load = self.turned.matrices[array]
        firsts = {
            each.iterator: self.first(each) for each in (self.turned.outer, self.turned.inner)
        }
        names = Names(iterators=dict(instance.iterators), spelled={**self.names, **firsts})
        indices = [print_integer(each, names) for each in load.indices]  # type: ignore[arg-type]  # none is computed
        return f"{self.names[array]}, ({', '.join(indices)})"
