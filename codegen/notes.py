"""Note which elements of an array a region stores.

Before:  out[i] = x[i] * 2.0           After:  out[i] = x[i] * 2.0
                                               out_stored[i] = True

What is stored in a list of the user may be another kind of object than what was there, and what
is not stored stays the very object that it was: so one must know which is which. Notes never
disturb the order: all of an element are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autopar.analysis.model.typed import Number, Store
from autopar.analysis.model.types import BOOL, ArrayType
from autopar.analysis.model.unused import unused

from .kernel import ArrayArgument, Branch, Decision, Instance, Loop, Node, Program, names_of


def with_notes(program: Program, arrays: Iterable[str]) -> tuple[Program, dict[str, str]]:
    """Return `program` with notes of its stores in `arrays`, and the array with those of each."""
    taken = set(names_of(program))
    notes: dict[str, str] = {}
    for name in arrays:
        notes[name] = unused(f"{name}_stored", taken)
        taken.add(notes[name])
    if not notes:
        return program, notes
    ranks = {each.name: each.type.rank for each in program.arrays}
    noting = tuple(
        ArrayArgument(name=note, type=_type(ranks[name]), is_read=False, is_written=True)
        for name, note in notes.items()
    )
    noted = replace(program, body=_nodes(program.body, notes), arrays=(*program.arrays, *noting))
    return noted, notes


def _type(rank: int) -> ArrayType:
    return ArrayType(dtype="bool", rank=rank, layout="C", is_aligned=True, is_writeable=True)


def _nodes(nodes: tuple[Node, ...], notes: dict[str, str]) -> tuple[Node, ...]:
    return tuple(each for node in nodes for each in _noted(node, notes))


def _noted(node: Node, notes: dict[str, str]) -> tuple[Node, ...]:
    match node:
        case Instance(statement=Store() as store) if store.array in notes:
            true = Number(value=True, type=BOOL, span=store.span)
            note = replace(store, array=notes[store.array], value=true)
            return (node, replace(node, name=f"{node.name}_stored", statement=note))
        case Loop() | Branch():
            return (replace(node, body=_nodes(node.body, notes)),)
        case Decision():
            body, orelse = _nodes(node.body, notes), _nodes(node.orelse, notes)
            return (replace(node, body=body, orelse=orelse),)
        case Instance():
            return (node,)
