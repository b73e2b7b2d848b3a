"""CUDA source of private arrays: each thread works on an element of a batch of copies.

Before:  launch0_body(i, x, row, out)
After:   row_own = row_copies[..., np.uintp(slot)]
         if is_last: row_own = row, element by element
         launch0_body(i, x, row_own, out)
         if is_last: row = row_own, element by element

Neighbouring threads hold neighbouring copies of an element, so that they are read and written
together. The thread of the last iteration stores its copy, which begins as the array is: what it
does not write stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import PrivateArray

from .cuda_body import INDENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Prints what a thread does with its copies."""

    private: tuple[PrivateArray, ...]
    names: Mapping[str, str]
    ranks: Mapping[str, int]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The batches of copies, the last arguments of a kernel."""
        return tuple(f"{self.names[each.name]}_copies" for each in self.private)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arrays that are copied."""
        return tuple(self.names[each.name] for each in self.private)

    def passed(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """Return the arguments of the body of a thread: its own copies among them."""
        return tuple(f"{each}_own" if each in self.arrays else each for each in arguments)

    def before(self, slot: str, indent: str) -> Iterator[str]:
        """Yield what a thread does before its body; `slot` is its number."""
        if self.private:
            yield f"{indent}slot = np.uintp({slot})"
        for each in self.private:
            name = self.names[each.name]
            yield f"{indent}{name}_own = {name}_copies[..., slot]"
            if each.starts_filled:
                yield from self._copied(name, each.name, (f"{name}_own", name), indent)
            else:
                yield f"{indent}if is_last:"
                yield from self._copied(name, each.name, (f"{name}_own", name), indent + INDENT)

    def after(self, indent: str) -> Iterator[str]:
        """Yield what it does afterwards."""
        if self.private:
            yield f"{indent}if is_last:"
        for each in self.private:
            name = self.names[each.name]
            yield from self._copied(name, each.name, (name, f"{name}_own"), indent + INDENT)

    def _copied(self, name: str, array: str, pair: tuple[str, str], indent: str) -> Iterator[str]:
        target, source = pair
        places = [f"{name}_at{axis}" for axis in range(self.ranks[array])]
        for axis, place in enumerate(places):
            yield f"{indent}for {place} in range({name}.shape[{axis}]):"
            indent += INDENT
        subscripts = ", ".join(places)
        yield f"{indent}{target}[{subscripts}] = {source}[{subscripts}]"
