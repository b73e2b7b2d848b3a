"""Functions that are expressions, as definitions.

Before:  square = lambda x: x * x      After:  def square(x): return x * x

Only those that begin on a line of their own: what has been compiled knows its line and no more.
Helper of `definitions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import gast

from . import names

# What a function without a name is called.
_UNNAMED = "unnamed"


class NamedLambda(NamedTuple):
    """A `lambda`, as the `def` that does the same."""

    node: Any
    is_outermost: bool  # what a name of module level is bound to


def named_lambdas(tree: Any) -> dict[int, NamedLambda]:
    """Return the lambdas of a text by the line that each begins, where it is the only function."""
    found = [each for each in names.walk(tree) if isinstance(each, gast.Lambda)]
    functions = (gast.Lambda, gast.FunctionDef, gast.AsyncFunctionDef)
    lines = Counter(each.lineno for each in names.walk(tree) if isinstance(each, functions))
    called = dict(_names_of(names.walk(tree)))
    outermost = dict(_names_of(tree.body))
    return {
        each.lineno: NamedLambda(_as_def(each, called.get(each, _UNNAMED)), each in outermost)
        for each in found
        if lines[each.lineno] == 1
    }


def inner_functions(body: list[Any], known: Mapping[str, str]) -> dict[str, Any]:
    """Return the functions that a function body binds once, at its own level, and then only calls.

    Or passes to functions of the user: of those `known` tells what names outside mean.
    """
    defined = [(node, *found) for node in body for found in _defined(node)]
    if not defined:
        return {}
    bindings = Counter(each for node in names.own_nodes(body) for each in names.bindings(node))
    shared = {
        name
        for node in body
        for each in names.walk(node)
        if isinstance(each, gast.Global | gast.Nonlocal)
        for name in each.names
    }
    return {
        name: definition
        for node, name, definition in defined
        if bindings[name] == 1 and name not in shared and _only_called(name, node, body, known)
    }


def _defined(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case gast.FunctionDef(decorator_list=[]):
            yield node.name, node
        case gast.Assign(targets=[gast.Name(id=name)], value=gast.Lambda() as value):
            yield name, _as_def(value, name)


def _only_called(name: str, definition: Any, body: list[Any], known: Mapping[str, str]) -> bool:
    """Return whether `body` does nothing with a function but call it and pass it on, later."""
    calls = [each for node in body for each in names.walk(node) if isinstance(each, gast.Call)]
    called = [each.func for each in calls]
    for each in calls:
        meaning = known.get(each.func.id, "") if isinstance(each.func, gast.Name) else ""
        if meaning.startswith(names.HELPER):
            called += [*each.args, *(keyword.value for keyword in each.keywords)]
    uses = [
        each
        for node in body
        for each in names.walk(node)
        if isinstance(each, gast.Name) and each.id == name and isinstance(each.ctx, gast.Load)
    ]
    is_later = all(each.lineno > definition.lineno for each in uses)
    return is_later and all(any(each is part for part in called) for each in uses)


def _names_of(nodes: Any) -> Iterator[tuple[Any, str]]:
    """Yield each lambda that one of the statements `nodes` binds to a name, and the name."""
    for node in nodes:
        match node:
            case gast.Assign(targets=[gast.Name(id=name)], value=gast.Lambda() as value):
                yield value, name
            case gast.AnnAssign(target=gast.Name(id=name), value=gast.Lambda() as value):
                yield value, name


def _as_def(node: Any, name: str) -> Any:
    value = gast.copy_location(gast.Return(value=node.body), node.body)
    definition = gast.FunctionDef(
        name=name, args=node.args, body=[value], decorator_list=[], returns=None,
        type_comment=None, type_params=[],
    )  # fmt: skip
    return gast.copy_location(definition, node)
