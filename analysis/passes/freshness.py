"""How much of what a name holds was made by the block that binds it, so that only it can see it.

Before:  u = np.zeros(n); v = u; w = x     After:  u: 2, v: 2, w: 0

2: the object and all in it, 1: the object, but not what is in it, 0: nothing. What is new may be
changed without anybody noticing (Choi, Gupta, Serrano, Sreedhar and Midkiff, Escape Analysis for
Java, OOPSLA 1999; here without flow, one level deep). Helper of `purity`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import gast

from . import names
from .pure_names import CONTAINERS, FRESH, MUTATORS
from .pure_text import Chain, Text, bindings_in, dotted_path

_WHOLE, _SHELL, _NOTHING = 2, 1, 0
_DISPLAYS = (gast.List, gast.Set, gast.Dict, gast.ListComp, gast.SetComp, gast.DictComp)


def freshness(
    body: list[Any], local: frozenset[str], text: Text, chain: Chain
) -> Mapping[str, int]:
    """Return how new what the `local` names of a block hold is; names of others are left out."""
    bound: dict[str, list[Any]] = defaultdict(list)
    stored: dict[str, list[Any]] = defaultdict(list)
    for node in bindings_in(body):
        for name, value in _bound_by(node):
            bound[name].append(value)
        for name, value in _stored_by(node):
            stored[name].append(value)
    found = {name: _WHOLE for name in bound if name in local}
    is_stable = False
    while not is_stable:  # each round lowers something, or is the last
        is_stable = True
        for name, before in found.items():
            level = min(_level(value, found, text, chain) for value in bound[name])
            if any(_level(value, found, text, chain) < _WHOLE for value in stored[name]):
                level = min(level, _SHELL)
            if level < before:
                found[name], is_stable = level, False
    return found


def makes_container(value: Any, text: Text, chain: Chain) -> bool:
    """Return whether an expression makes a new list, dict, set or array."""
    match value:
        case gast.BinOp(left=left, op=gast.Mult(), right=right):
            return isinstance(left, gast.List) or isinstance(right, gast.List)
        case gast.Call(keywords=keywords):
            return path_of(value.func, text, chain) in CONTAINERS and not any(
                each.arg in {"out", "like", "copy", None} for each in keywords
            )
    return isinstance(value, _DISPLAYS)


def path_of(function: Any, text: Text, chain: Chain) -> str:
    """Return the dotted name of what is called, as its module has it; "" where it is no such."""
    path = dotted_path(function)
    if not path:
        return ""
    meaning = text.resolve(path[0], chain)
    return ".".join((meaning, *path[1:])) if isinstance(meaning, str) else ""


def _bound_by(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield each name that a node binds, and the value where one expression makes it."""
    match node:
        case gast.Assign():
            for target in node.targets:
                yield from _paired(target, node.value)
        case gast.AnnAssign() | gast.NamedExpr() if node.value is not None:
            yield from _paired(node.target, node.value)
        case gast.For(target=gast.Name(id=name), iter=gast.Call(func=gast.Name(id="range"))):
            yield name, node.iter  # its elements are as new as that is
        case gast.For() | gast.AsyncFor():
            yield from _paired(node.target, None)
        case gast.With() | gast.AsyncWith():
            for each in node.items:
                if each.optional_vars is not None:
                    yield from _paired(each.optional_vars, None)
        case gast.Name():
            pass  # of one of these
        case _:
            yield from ((name, None) for name in names.bindings(node))


def _paired(target: Any, value: Any) -> Iterator[tuple[str, Any]]:
    match target:
        case gast.Name(id=name):
            yield name, value
        case gast.Tuple() | gast.List():
            parts: list[Any] = [None] * len(target.elts)
            is_tuple = isinstance(value, gast.Tuple | gast.List)
            starred = [*target.elts, *(value.elts if is_tuple else ())]
            is_plain = not any(isinstance(each, gast.Starred) for each in starred)
            if is_tuple and is_plain and len(value.elts) == len(parts):
                parts = value.elts
            for inner, part in zip(target.elts, parts, strict=True):
                yield from _paired(inner, part)
        case gast.Starred():
            yield from _paired(target.value, None)
        case _:
            pass  # elements and attributes


def _stored_by(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a node puts into what a name holds."""
    match node:
        case gast.Assign():
            for target in node.targets:
                base = _base_of(target)
                if base is not None:
                    yield base, node.value
        case gast.AugAssign(target=gast.Name(id=name)):
            yield name, node.value
        case gast.AugAssign() if (base := _base_of(node.target)) is not None:
            yield base, node.value
        case gast.Call(func=gast.Attribute(value=gast.Name(id=name), attr=attr)) if (
            attr in MUTATORS
        ):
            yield from ((name, each) for each in node.args)
            yield from ((name, each.value) for each in node.keywords)


def _base_of(target: Any) -> str | None:
    is_element = isinstance(target, gast.Subscript)
    while isinstance(target, gast.Subscript):
        target = target.value
    return target.id if is_element and isinstance(target, gast.Name) else None


def _level(value: Any, known: Mapping[str, int], text: Text, chain: Chain) -> int:
    """Return how new what an expression gives is."""

    def all_of(parts: tuple[Any, ...]) -> int:
        return min((_level(each, known, text, chain) for each in parts), default=_WHOLE)

    match value:
        case gast.Constant() | gast.JoinedStr() | gast.Compare() | gast.UnaryOp(op=gast.Not()):
            return _WHOLE
        case gast.Name(id=name):
            return known.get(name, _NOTHING)
        case gast.IfExp():
            return all_of((value.body, value.orelse))
        case gast.BoolOp():
            return all_of(value.values)
        case gast.NamedExpr():
            return all_of((value.value,))
        case gast.BinOp(op=gast.Mult(), left=gast.List()):
            return max(_SHELL, all_of((value.left,)))
        case gast.BinOp() | gast.UnaryOp():
            # Numbers, arrays and strings; classes of the text may return what they are given.
            return _NOTHING if text.has_arithmetic else _SHELL
        case gast.Call():
            return _of_call(value, text, chain)
    parts = _parts_of(value)
    return _NOTHING if parts is None else max(_SHELL, all_of(parts))


def _parts_of(value: Any) -> tuple[Any, ...] | None:
    """Return what is in a new list, set, dict or tuple; None where the expression is no such."""
    match value:
        case gast.List() | gast.Set() | gast.Tuple():
            return tuple(None if isinstance(each, gast.Starred) else each for each in value.elts)
        case gast.Dict():
            return (*value.values, *(each for each in value.keys if each is None))
        case gast.ListComp() | gast.SetComp():
            return (value.elt,)
        case gast.DictComp():
            return (value.value,)
    return None


def _of_call(call: Any, text: Text, chain: Chain) -> int:
    path = path_of(call.func, text, chain)
    if any(each.arg in {"out", "like", "copy", "subok", None} for each in call.keywords):
        return _NOTHING
    if path in {"sum", "numpy.sum", "numpy.add"} and text.has_arithmetic:
        return _NOTHING
    if path in FRESH:
        holds_any = any(each.arg == "dtype" for each in call.keywords) and FRESH[path] == _WHOLE
        return (
            _SHELL
            if holds_any and path.startswith("numpy.") and _names_object(call)
            else FRESH[path]
        )
    is_copy = isinstance(call.func, gast.Attribute) and call.func.attr == "copy" and not call.args
    return _SHELL if is_copy and "copy" not in text.methods and not path else _NOTHING


def _names_object(call: Any) -> bool:
    """Return whether an array of objects may be made."""
    return any(
        isinstance(each, gast.Name) and each.id == "object"
        for part in call.keywords
        for each in names.walk(part.value)
    )
