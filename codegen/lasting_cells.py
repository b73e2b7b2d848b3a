"""Arrays whose elements keep the last value that a loop gives them: what parts of it note.

Before:  for i: if x[i] > 0: t[k[i]] = x[i]
After:   for i: if x[i] > 0: t[k[i]] = x[i]; t_written[k[i]] = True     t a copy for each part

On the host the elements that a part has written are put into the array, in the order of the parts
(`codegen.last_copies`), so that the last one that wrote an element decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autopar.analysis.model.plan import PrivateArray
from autopar.analysis.model.typed import Number, Store
from autopar.analysis.model.types import BOOL, ArrayType
from autopar.analysis.model.unused import unused

from .kernel import Cells, Instance, Loop, walk_nodes


def find_lasting(loop: Loop, arrays: tuple[PrivateArray, ...]) -> tuple[Cells, ...]:
    """Return the arrays of which parts of a loop need copies, as far as it stores into them."""
    stores = [
        (node.name, node.statement)
        for node in walk_nodes(loop.body)
        if isinstance(node, Instance) and isinstance(node.statement, Store)
    ]
    found = []
    for array in arrays:
        own = [(name, store) for name, store in stores if store.array == array.name]
        if own:
            cells = Cells(
                array=array.name,
                operator="last",
                type=own[0][1].value.type,
                statements=tuple(dict.fromkeys(name for name, _ in own)),
                largest=None,
                can_repeat=False,
                starts_filled=array.starts_filled,
            )
            found.append(cells)
    return tuple(found)


def marks_of(loop: Loop, taken: frozenset[str]) -> dict[str, str]:
    """Return the array that holds the notes of each array that keeps its last values."""
    return {
        each.array: unused(f"{each.array}_written", taken) for each in loop.cells if each.is_last
    }


def marks_type(array: ArrayType) -> ArrayType:
    """Return the type of what notes which elements of an array are written."""
    return ArrayType(dtype="bool", rank=array.rank, layout="C", is_aligned=True, is_writeable=True)


def noted(node: Instance, marks: dict[str, str]) -> Iterator[Instance]:
    """Yield a statement, and the note of what it stores."""
    yield node
    store = node.statement
    if isinstance(store, Store) and store.array in marks:
        true = Number(value=True, type=BOOL, span=store.span)
        note = replace(store, array=marks[store.array], value=true)
        yield replace(node, name=f"{node.name}_written", statement=note)
