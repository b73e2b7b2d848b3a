"""Which calls may draw a random number, by how they look.

Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gast

from ..model.draws import METHODS
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
    return path if most is not None and len(node.args) <= most else None


def may_draw(node: Any) -> bool:
    """Return whether some call in a statement may draw a number."""
    return any(draw_path(each) is not None for each in _calls(node))


def _calls(node: Any) -> Iterator[Any]:
    return (each for each in walk(node) if isinstance(each, gast.Call))
