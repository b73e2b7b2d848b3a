"""Arrays of which a run stores every element and reads none: what they hold before is not needed.

Before:  for i in range(n): for j in range(m): c[i, j] = a[j, i]
After:   c, where n >= c.shape[0] and m >= c.shape[1]

Such an array need not be copied to a device. It is one where a statement that no condition stands
around has as its subscripts the iterators of loops around it, each from 0 on in steps of 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autopar.analysis.model.loop_ir import Constant, Expression, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Load, Store, places_of

from .elements import cell_of
from .extremes import mentions
from .integers import text
from .kernel import Instance, Loop, Node, Program, walk_nodes
from .traffic import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwritten:
    """An array that is overwritten where loops reach far enough."""

    array: str
    ends: tuple[Expression, ...]  # for each axis, where the loop along it ends
    entered: tuple[tuple[Expression, Expression], ...]  # bounds of other loops, to run at all

    def condition(self, names: Mapping[str, str]) -> str:
        """Return as Python whether every element is stored."""
        array = names[self.array]
        tests = [
            f"{text(end, names)} >= {array}.shape[{axis}]" for axis, end in enumerate(self.ends)
        ]
        tests += [f"{text(low, names)} < {text(high, names)}" for low, high in self.entered]
        return " and ".join(tests)

    def holds(self, shape: tuple[int, ...], integers: Mapping[str, int]) -> bool:
        """Return whether every element of an array of `shape` is stored."""
        reached = zip(self.ends, shape, strict=True)
        return all(value_of(end, integers) >= extent for end, extent in reached) and all(
            value_of(low, integers) < value_of(high, integers) for low, high in self.entered
        )


def overwritten(program: Program) -> dict[str, Overwritten]:
    """Return the given arrays that a run of `program` may overwrite as a whole, by name."""
    given = {each.name for each in program.given_arrays if each.is_written}
    kept = _needed(program) | program.overlapping
    found: dict[str, Overwritten] = {}
    for node in program.body:
        for each in _covering(node, ()):
            if each.array in given - kept:
                found.setdefault(each.array, each)
    return found


def _needed(program: Program) -> set[str]:
    """Return the arrays that are read, and those that threads have copies of."""
    needed: set[str] = set()
    for node in walk_nodes(program.body):
        if isinstance(node, Loop):
            needed |= {each.array for each in node.cells}
            needed |= {each.name for each in node.private_arrays}
        elif isinstance(node, Instance):
            places = places_of(node.statement)
            needed |= {each.array for each in places if isinstance(each, Load)}
    return needed


def _covering(node: Node, around: tuple[Loop, ...]) -> Iterator[Overwritten]:
    """Yield what is stored for all values of iterators, whatever the data are."""
    match node:
        case Loop() if _is_plain(node, around):
            for each in node.body:
                yield from _covering(each, (*around, node))
        case Instance(statement=Store() as store):
            found = _covered(node, store, around)
            if found is not None:
                yield found
        case _:
            pass


def _is_plain(loop: Loop, around: tuple[Loop, ...]) -> bool:
    """Return whether a loop has all its iterations, the same ones each time."""
    if loop.is_endless or loop.stays is not None or loop.within is not None or loop.step < 1:
        return False
    outer = frozenset(each.iterator for each in around)
    return not mentions(loop.lower, outer) and not mentions(loop.upper, outer)


def _covered(node: Instance, store: Store, around: tuple[Loop, ...]) -> Overwritten | None:
    cell = cell_of(node, store)
    if cell is None or not all(isinstance(each, Name) for each in cell):
        return None
    iterators = [each.name for each in cell if isinstance(each, Name)]
    by_name = {each.iterator: each for each in around}
    along = [by_name.get(each) for each in iterators]
    if len(set(iterators)) < len(iterators) or not all(map(_is_whole, along)):
        return None
    others = [each for each in around if each.iterator not in iterators]
    return Overwritten(
        array=store.array,
        ends=tuple(each.upper for each in along if each is not None),
        entered=tuple((each.lower, each.upper) for each in others),
    )


def _is_whole(loop: Loop | None) -> bool:
    if loop is None or loop.step != 1:
        return False
    return isinstance(loop.lower, Constant) and loop.lower.value == 0
