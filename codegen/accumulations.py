"""Loops that only add to elements of arrays: what they do to one element does not depend on others.

Before:  for k in range(0, m): for j in range(0, n): c[i, j] = c[i, j] + a[i, k] * b[k, j]
After:   an `Accumulation`: each element gets its terms in the order of `k`, whatever `j` does

Then the two loops may be cut and exchanged at will, as long as `k` ascends for each `j`, and no
bit changes. (Unroll-and-jam is legal where no dependence has another sign in the inner loop:
Callahan, Cocke, Kennedy, JPDC 1988. Here there is none between different elements at all.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autopar.analysis.model.loop_ir import Expression, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Load,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    places_of,
    walk_statement,
)
from autopar.analysis.model.ufuncs import OPERATORS

from .elements import Cell, cell_of, key_of, moves
from .integers import linear
from .kernel import Instance, Loop, Node
from .least import are_apart

# Those of the loop IR, and NumPy's functions that are the same of floats.
_ARITHMETIC = frozenset({"+", "-", "*", "/"})
_OPERATORS = _ARITHMETIC | {name for name, word in OPERATORS.items() if word in _ARITHMETIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulation:
    """A loop over terms that holds nothing but a loop over elements."""

    terms: Loop
    elements: Loop

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The statements of both."""
        return tuple(each for each in self.elements.body if isinstance(each, Instance))


def accumulation_of(
    node: Node, around: Sequence[Loop], overlapping: frozenset[str]
) -> Accumulation | None:
    """Return a loop of a kernel as one that only adds to elements; None where it does more."""
    if not isinstance(node, Loop) or not is_in_order(node) or len(node.body) != 1:
        return None
    (inner,) = node.body
    if not isinstance(inner, Loop) or not is_whole(inner) or not inner.is_parallel:
        return None
    if depends_on(inner, node.iterator) or not is_of_floats(inner.body):
        return None
    found = Accumulation(terms=node, elements=inner)
    return found if _only_adds(found, around, overlapping) else None


def is_whole(loop: Loop) -> bool:
    """Return whether a loop runs from its first to its last bound by itself, and no more."""
    is_plain = loop.within is None and loop.stays is None and not loop.is_endless
    is_plain = is_plain and loop.lanes is None and loop.passes is None and loop.skew is None
    is_plain = is_plain and loop.stands_for is None and not loop.private_arrays
    return is_plain and loop.step == 1 and not (loop.scans or loop.renamings)


def is_in_order(loop: Loop) -> bool:
    """Return whether a loop inside a kernel takes its iterations in order."""
    is_last = any(e.is_last for e in loop.cells) or any(e.is_last for e in loop.reductions)
    return is_whole(loop) and not loop.is_parallel and not is_last and not loop.is_driver


def depends_on(loop: Loop, iterator: str) -> bool:
    """Return whether the bounds of a loop depend on an iterator."""
    return any(
        isinstance(each, Name) and each.name == iterator
        for bound in (loop.lower, loop.upper)
        for each in walk_expression(bound)
    )


def is_of_floats(nodes: Iterable[Node]) -> bool:
    """Return whether `nodes` are statements of plain arithmetic of floats alone."""
    return all(isinstance(each, Instance) and _is_arithmetic(each) for each in nodes)


def _is_arithmetic(instance: Instance) -> bool:
    if not isinstance(instance.statement, Store | SetVariable):
        return False
    return all(map(_is_of_floats, walk_statement(instance.statement)))


def _is_of_floats(expression: TypedExpression) -> bool:
    if isinstance(expression, Operation) and expression.name not in _OPERATORS:
        return False
    if isinstance(expression, Load | Operation):
        return expression.type.dtype[0] == "f"
    return True


def _only_adds(found: Accumulation, around: Sequence[Loop], overlapping: frozenset[str]) -> bool:
    """Return whether each element is stored from itself and from what neither loop stores."""
    loops = (*around, found.terms, found.elements)
    places = [
        (place, cell_of(each, place))
        for each in found.instances
        for place in places_of(each.statement)
    ]
    stores = {place.array: cell for place, cell in places if isinstance(place, Store)}
    if not stores or any(not isinstance(each.statement, Store) for each in found.instances):
        return False
    for place, cell in places:
        if cell is None or place.array in overlapping:
            return False
        stored = stores.get(place.array)
        if stored is None or key_of(place.array, cell) == key_of(place.array, stored):
            continue
        if isinstance(place, Store) or not _never_meet(stored, cell, found, loops):
            return False
    read = {key_of(p.array, c) for p, c in places if isinstance(p, Load) and c is not None}
    return all(
        cell is not None and key_of(array, cell) in read and _is_of_element(cell, found)
        for array, cell in stores.items()
    )


def _is_of_element(cell: Cell, found: Accumulation) -> bool:
    """Return whether a cell is another one for each element, and the same for all its terms."""
    inner = found.elements.iterator
    return not moves(cell, found.terms) and any(_steps_with(each, inner) for each in cell)


def _steps_with(index: Expression, iterator: str) -> bool:
    """Return whether an index takes another value for each one of an iterator."""
    terms, _ = linear(index)
    is_plain = all(isinstance(each, Name) for each in terms)
    return is_plain and any(isinstance(each, Name) and each.name == iterator for each in terms)


def _never_meet(stored: Cell, read: Cell, found: Accumulation, around: tuple[Loop, ...]) -> bool:
    """Return whether no iteration of the two loops reads what another one stores."""
    return any(
        not moves((mine,), found.terms)
        and not moves((mine, other), found.elements)
        and are_apart(mine, other, around)
        for mine, other in zip(stored, read, strict=True)
    )
