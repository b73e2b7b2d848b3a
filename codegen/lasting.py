"""Which loops inside a kernel may last, so that they ask whether they are to stop.

    for i in range(lower, upper):            cut into chunks: asks nothing
        for j in range(m):                   asks at each turn
            for k in range(n):               runs over arrays: their memory bounds it
        for r in range(n):                   touches nothing that moves with r: asks at each part
            x = x * a + b

A loop over elements cannot last long by itself: there is no memory for so many of them. What
repeats itself can, and so can what is left when it is left.
"""

from __future__ import annotations

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Name, walk_expression
from autopar.analysis.model.typed import Computed, places_of

from .integers import rename, simplify
from .kernel import Instance, Loop, Node, walk_nodes

PART = 1 << 20  # turns of an innermost loop between two looks
# A loop of fewer turns, known as such, is none.
_FEW_TURNS = 4096


def asks_each_turn(loop: Loop) -> bool:
    """Return whether every turn of `loop` is to ask: it is left some time, or holds loops."""
    return loop.stays is not None or any(map(_may_be_long, loop.body))


def asks_each_part(loop: Loop) -> bool:
    """Return whether `loop`, which `asks_each_turn` is not for, is to be cut into parts."""
    if loop.is_endless or loop.stays is not None or _turns(loop) is not None:
        return False
    inside = [node for node in walk_nodes(loop.body) if isinstance(node, Instance)]
    return not any(_moves(instance, loop) for instance in inside)


def may_last(nodes: tuple[Node, ...]) -> bool:
    """Return whether no prediction holds for `nodes`: they hold a loop that may be left."""
    return any(isinstance(node, Loop) and node.stays is not None for node in walk_nodes(nodes))


def _may_be_long(node: Node) -> bool:
    turns = 1
    for each in walk_nodes((node,)):
        if isinstance(each, Loop):
            trips = _turns(each)
            if trips is None:
                return True
            turns *= max(1, trips)  # siblings too: more than there are
    return turns > _FEW_TURNS


def _turns(loop: Loop) -> int | None:
    """Return how often `loop` turns at most if that is known and little."""
    if loop.stays is not None or loop.within is not None:
        return None
    upper = loop.upper
    ends = upper.arguments if isinstance(upper, Call) and upper.function == "min" else (upper,)
    extents = (
        simplify(Binary(operator="-", left=end, right=loop.lower, span=loop.span), loop.span)
        for end in ends
    )
    known = [int(each.value.real) for each in extents if isinstance(each, Constant)]
    turns = -(-min(known) // loop.step) if known else None
    return turns if turns is not None and turns <= _FEW_TURNS else None


def _moves(instance: Instance, loop: Loop) -> bool:
    """Return whether a statement touches other elements at each turn of `loop`."""
    values = dict(instance.iterators)
    return any(
        isinstance(each, Computed)
        or any(
            isinstance(node, Name) and node.name == loop.iterator
            for node in walk_expression(rename(each, values))
        )
        for place in places_of(instance.statement)
        for each in place.indices
    )
