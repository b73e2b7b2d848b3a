"""Which innermost loops walk through memory with a stride.

`for i in range(0, n, 3): y[i] = ...` and `a[j, i]` in a loop over `j` touch elements that do
not lie side by side. Told that subscripts are not negative, LLVM vectorises such loops with
gather and scatter instructions, which here take 2.4 times as long as plain scalar code (every
third of a million float64, AVX-512). So those loops keep their signed subscripts.
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.loop_ir import Expression, Name, wrapped_value
from autopar.analysis.model.typed import Computed, places_of

from .integers import linear, rename
from .kernel import Branch, Decision, Instance, Loop, Node


def strided_instances(body: tuple[Node, ...]) -> frozenset[str]:
    """Return the names of the statements whose innermost loop walks with a stride."""
    return frozenset(
        instance.name
        for loop, instance in _innermost(body, None)
        if loop is not None and _is_strided(loop, instance)
    )


def _innermost(body: tuple[Node, ...], loop: Loop | None) -> Iterator[tuple[Loop | None, Instance]]:
    """Yield every statement with the loop directly around it."""
    for node in body:
        match node:
            case Loop():
                yield from _innermost(node.body, node)
            case Branch():
                yield from _innermost(node.body, loop)
            case Decision():
                yield from _innermost(node.body + node.orelse, loop)
            case Instance():
                yield loop, node


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
