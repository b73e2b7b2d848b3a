"""Tuples of subscripts, which `np.ndindex` gives, as a name for each subscript.

Before:  for idx in np.ndindex(a.shape):        After:  for idx_0, idx_1 in np.ndindex(a.shape):
             b[idx] = 2 * a[idx]                            b[idx_0, idx_1] = 2 * a[idx_0, idx_1]
             s += idx[0]                                    s += idx_0

`a[idx]` of a tuple is `a[i, j]` of its parts (NumPy, indexing, dealing with variable numbers of
indices). Only where the tuple is used in no other way, and nothing else in the function speaks of
its name: what stands for it is no name that the user's own code could read. How many axes `a` has
the code may show, or a call; else it is taken to be two, and a call checks it.
Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import gast

from ..model.loop_ir import TEMPORARY
from .names import children, walk

# Of arrays that nothing says anything of.
_USUAL = 2
_LOOPS = (gast.For, gast.While, gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)
_APART = (*_LOOPS, gast.Lambda, gast.Slice, gast.Yield, gast.NamedExpr)


def named_apart(loop: Any, function: list[Any], ranks: Mapping[str, int]) -> Any | None:
    """Return a loop over `np.ndindex(...)` with a name for each part of what it gives.

    `function` are the statements among which it stands, `ranks` the axes that some arrays have.
    None where the loop cannot do without the tuple.
    """
    name = loop.target.id
    rank = _rank(loop.iter, function, ranks)
    has_more = any(isinstance(each, _APART) for part in loop.body for each in walk(part))
    if not rank or has_more or loop.orelse:
        return None
    inside = _mentions(name, loop.body)
    if inside + 1 < _mentions(name, function) or _mentions(name, [loop.iter]):
        return None
    changed = _Apart(name, tuple(f"{TEMPORARY}{name}_{axis}" for axis in range(rank)))
    body = [changed.visit(deepcopy(each)) for each in loop.body]
    if changed.found < inside:
        return None
    target = changed.whole(loop.target, gast.Store())
    found = gast.For(target, loop.iter, body, [], None)
    return gast.copy_location(found, loop)


def _rank(call: Any, function: list[Any], ranks: Mapping[str, int]) -> int:
    """Return how many subscripts the tuples have; 0 where that is not known."""
    match call.args:
        case [gast.Attribute(value=array, attr="shape")] | [
            gast.Starred(value=gast.Attribute(value=array, attr="shape"))
        ]:
            name = array.id if isinstance(array, gast.Name) else None
            return ranks.get(name or "") or _shown(array, function) or _USUAL
        case [gast.Tuple(elts=extents)] | [gast.List(elts=extents)]:
            return len(extents)
    return 0 if any(isinstance(each, gast.Starred) for each in call.args) else len(call.args)


def _shown(array: Any, function: list[Any]) -> int:
    """Return how many subscripts the code gives an array at most, written side by side."""
    wanted = gast.dump(array)
    found = 0
    for node in (each for statement in function for each in walk(statement)):
        match node:
            case gast.Subscript(value=value, slice=gast.Tuple(elts=indices)) if (
                gast.dump(value) == wanted
            ):
                found = max(found, len(indices))
    return found


def _mentions(name: str, nodes: list[Any]) -> int:
    """Return how often a name occurs below some nodes."""
    return sum(
        isinstance(each, gast.Name) and each.id == name for node in nodes for each in walk(node)
    )


class _Apart:
    """Puts names of parts in the place of a tuple."""

    def __init__(self, name: str, parts: tuple[str, ...]) -> None:
        self.name, self.parts = name, parts
        self.found = 0  # uses that need no tuple

    def visit(self, node: Any) -> Any:
        """Return `node`, changed in place, or what stands for it."""
        match node:
            case gast.Subscript(value=gast.Name(id=name), slice=gast.Constant(value=int(axis))) if (
                name == self.name and 0 <= axis < len(self.parts) and type(axis) is int
                and isinstance(node.ctx, gast.Load)
            ):  # fmt: skip
                self.found += 1
                return self.part(node, axis, gast.Load())
            case gast.Subscript(slice=gast.Name(id=name)) if name == self.name:
                self.found += 1
                node.slice = self.whole(node.slice, gast.Load())
            case gast.Assign(value=gast.Name(id=name), targets=[gast.Tuple()]) if name == self.name:
                self.found += 1
                node.value = self.whole(node.value, gast.Load())
        for field in node._fields:
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                changed = [self.visit(e) if isinstance(e, gast.AST) else e for e in inner]
                setattr(node, field, changed)
            elif inner in children(node):
                setattr(node, field, self.visit(inner))
        return node

    def whole(self, at: Any, context: Any) -> Any:
        """Return the parts side by side, where the tuple stood."""
        elements = [self.part(at, axis, context) for axis in range(len(self.parts))]
        return gast.copy_location(gast.Tuple(elements, context), at)

    def part(self, at: Any, axis: int, context: Any) -> Any:
        """Return the name of one part."""
        return gast.copy_location(gast.Name(self.parts[axis], context, None, None), at)
