"""Names that hold texts, or files that give lines, whatever runs: no kernel runs over these.

Before:  with open(path) as f: ...; words = ["a", "b"]     After:  f, words

Helper of the `parse` pass. Only names that nothing else in the function binds are told: what it
says makes a loop no better, but its reason is the true one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..model.later import Later
from .names import bindings, own_nodes

if TYPE_CHECKING:
    import gast
else:
    gast = Later("gast")

_METHODS = frozenset(("readlines", "splitlines"))


def names_of_texts(body: list[Any]) -> frozenset[str]:
    """Return the names that a function, or a module, binds to texts and to nothing else."""
    held = Counter(name for node in own_nodes(body) for name in _held(node))
    if not held:
        return frozenset()
    bound = Counter(name for node in own_nodes(body) for name in bindings(node))
    return frozenset(name for name, times in held.items() if bound[name] == times)


def _held(node: Any) -> Iterator[str]:
    """Yield the name that a statement binds to texts."""
    match node:
        case gast.withitem(context_expr=value, optional_vars=gast.Name(id=name)):
            if _opens(value):
                yield name
        case gast.Assign(targets=[gast.Name(id=name)], value=value):
            if _opens(value) or is_text(value):
                yield name


def _opens(value: Any) -> bool:
    return isinstance(value, gast.Call) and (
        isinstance(value.func, gast.Name) and value.func.id == "open"
    )


def is_text(value: Any) -> bool:
    """Return whether an expression is a text, or shows a text among its elements."""
    match value:
        case gast.Constant(value=str() | bytes()) | gast.JoinedStr():
            return True
        case gast.List(elts=parts) | gast.Tuple(elts=parts) | gast.Set(elts=parts):
            return any(map(is_text, parts))
        case gast.Call(func=gast.Attribute(attr="split"), args=arguments):
            return not arguments or is_text(arguments[0])
        case gast.Call(func=gast.Attribute(attr=method)):
            return method in _METHODS
    return False
