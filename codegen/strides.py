"""Which innermost loops walk through memory with a stride.

`for i in range(0, n, 3): y[i] = ...` and `a[j, i]` in a loop over `j` touch elements that do
not lie side by side. Told that subscripts are not negative, LLVM vectorises such loops with
gather and scatter instructions, which here take 2.4 times as long as plain scalar code (every
third of a million float64, AVX-512). So those loops keep their signed subscripts.

A statement that stands in several loops, parts of one, is taken by where most loops are around it:
the iteration `j = k` between those before and those after it walks nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.loop_ir import Expression, Name, wrapped_value
from autopar.analysis.model.typed import Computed, places_of

from .integers import linear, rename
from .kernel import Branch, Decision, Instance, Loop, Node


def strided_instances(body: tuple[Node, ...]) -> frozenset[str]:
    """Return the names of the statements whose innermost loop walks with a stride."""
    deepest: dict[str, tuple[int, bool]] = {}
    for around, instance in _placed(body, ()):
        found = len(around), bool(around) and _is_strided(around[-1], instance)
        deepest[instance.name] = max(found, deepest.get(instance.name, found))
    return frozenset(name for name, (_, is_strided) in deepest.items() if is_strided)


def _placed(
    body: tuple[Node, ...], around: tuple[Loop, ...]
) -> Iterator[tuple[tuple[Loop, ...], Instance]]:
    """Yield every statement with the loops around it."""
    for node in body:
        match node:
            case Loop():
                yield from _placed(node.body, (*around, node))
            case Branch():
                yield from _placed(node.body, around)
            case Decision():
                yield from _placed(node.body + node.orelse, around)
            case Instance():
                yield around, node


def _is_strided(loop: Loop, instance: Instance) -> bool:
    if loop.step != 1:
        return True
    values = dict(instance.iterators)
    for place in places_of(instance.statement):
        *outer, last = (
            # What is computed may walk anywhere, whatever its sign.
            0 if isinstance(each, Computed) else _coefficient(rename(each, values), loop.iterator)
            for each in place.indices
        )
        if any(outer) or last not in (-1, 0, 1):
            return True
    return False


def _coefficient(index: Expression, iterator: str) -> int:
    """Return by how much `index` moves when the iterator does; 0 where it does not."""
    # What wraps makes one jump, between the two ends of its axis.
    terms, _ = linear(wrapped_value(index) or index)
    moved = sum(
        factor for term, factor in terms.items() if isinstance(term, Name) and term.name == iterator
    )
    # A floor or remainder moves in steps of its own.
    hidden = any(not isinstance(term, Name) for term in terms)
    return moved if not hidden else 2
