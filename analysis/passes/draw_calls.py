"""Which calls may draw a random number, by how they look.

Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gast

from ..model.draws import METHODS, OTHER_KEYWORDS
from .names import walk

_LONGEST = 3  # np.random.normal


def draw_path(node: Any) -> tuple[str, ...] | None:
    """Return what a call calls, name by name, if that may draw a number; None for any other."""
    names: list[str] = []
    function = node.func
    while isinstance(function, gast.Attribute):
        names.append(function.attr)
        function = function.value
    if not isinstance(function, gast.Name) or len(names) >= _LONGEST:
        return None
    path = (function.id, *reversed(names))
    most = METHODS.get(path[-1])
    words = {each.arg for each in node.keywords}
    if most is None or len(node.args) > most + 1 or None in words:
        return None
    is_starred = any(isinstance(each, gast.Starred) for each in node.args)
    return path if not is_starred and words.isdisjoint(OTHER_KEYWORDS) else None


def size_drawn(node: Any, path: tuple[str, ...]) -> Any | None:  # a node
    """Return how many numbers a call draws at once, as it says; None where it draws one."""
    for each in node.keywords:
        if each.arg == "size":
            return each.value
    most = METHODS[path[-1]]
    return node.args[most] if len(node.args) > most else None


def is_display(node: Any) -> bool:
    """Return whether an argument is a list of literal numbers."""
    return (
        isinstance(node, gast.List | gast.Tuple)
        and bool(node.elts)
        and all(
            isinstance(each, gast.Constant) and isinstance(each.value, int | float)
            for part in node.elts
            for each in ([part.operand] if isinstance(part, gast.UnaryOp) else [part])
        )
    )


def may_draw(node: Any) -> bool:
    """Return whether some call in a statement may draw a number."""
    return any(draw_path(each) is not None for each in _calls(node))


def _calls(node: Any) -> Iterator[Any]:
    return (each for each in walk(node) if isinstance(each, gast.Call))
