"""The functions of a text: where each `def` stands, and what outside names mean to it.

Before:  def f(a): ...                 After:  {("f", 1): <def f>, ("C.g", 4): <def g>}
         class C:
             def g(self): ...
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import gast

from ..model.source import MODULE, SourceFunction, SourceText, Span
from . import names
from .array_words import may_have_runs
from .lambdas import named_lambdas


def functions_of(text: SourceText) -> tuple[SourceFunction, ...]:
    """Return module level and every function of `text`, nested ones included, in source order.

    Raises SyntaxError where the text is not Python.
    """
    places = [(MODULE, 1), *file_of(text.text).definitions]
    return tuple(
        SourceFunction(text=text, qualified_name=name, line=line, known_names=None)
        for name, line in places
    )


def loop_functions(text: SourceText) -> frozenset[tuple[int, int]]:
    """Return (line, column) of every `def` of `text` with a loop, or with arrays it computes."""
    file = file_of(text.text)
    return frozenset(
        (found.node.lineno, found.node.col_offset)
        for found in file.definitions.values()
        if any(isinstance(each, gast.For) for each in names.own_nodes(found.node.body))
        or may_have_runs(found.node, names.seen_inside(file.known, found.around))
    )


def usual_names(text: SourceText) -> dict[str, str]:
    """Return what the outside names of `text` are taken to mean, those it never uses left out."""
    file = file_of(text.text)
    used = {node.id for node in gast.walk(file.tree) if isinstance(node, gast.Name)}
    return {name: meaning for name, meaning in file.known.items() if name in used}


class Definition(NamedTuple):
    """A `def`, and the functions around it."""

    node: Any
    around: tuple[Any, ...]


class File(NamedTuple):
    """What is read of a text once for all its functions."""

    tree: Any
    definitions: dict[tuple[str, int], Definition]  # by qualified name and line
    known: dict[str, str]  # what outside names stand for at module level
    helpers: dict[str, Any]  # the functions of module level, by what calls of them name
    lambdas: dict[int, Any]  # by their lines, as `def`


@functools.lru_cache(maxsize=8)
def file_of(text: str) -> File:
    """Return what is read of `text`; raises SyntaxError where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, when the file itself is run
            tree = gast.parse(text)
    except RecursionError:
        raise SyntaxError("an expression is nested too deeply") from None
    found = {
        (name, definition.node.lineno): definition
        for name, definition in _definitions(tree.body, "", ())
    }
    helpers = {
        f"{names.HELPER}{line}": definition.node
        for (_, line), definition in found.items()
        if definition.node in tree.body and not definition.node.decorator_list
    }
    lambdas = named_lambdas(tree)
    helpers |= {
        f"{names.HELPER}{line}": each.node for line, each in lambdas.items() if each.is_outermost
    }
    known = names.usual_names(tree)
    return File(
        tree=tree, definitions=found, known=known, helpers=helpers,
        lambdas={line: each.node for line, each in lambdas.items()},
    )  # fmt: skip


def function_at(file: File, qualified_name: str, line: int) -> Any | None:
    """Return the `def` or the `lambda` of that name at `line`, the latter as a `def`."""
    if qualified_name.rpartition(".")[2] == "<lambda>":
        return file.lambdas.get(line)
    found = file.definitions.get((qualified_name, line))
    return None if found is None else found.node


def is_method(file: File, name: str) -> bool:
    """Return whether some class of a text has a method `name`."""
    owners = (full.rpartition(".") for full, _ in file.definitions)
    return any(
        last == name and owner and not owner.endswith("<locals>") for owner, _, last in owners
    )


def _definitions(
    body: list[Any], prefix: str, around: tuple[Any, ...]
) -> Iterator[tuple[str, Definition]]:
    """Yield every `def` with its qualified name; classes hide no names from what is inside."""
    for node in body:
        match node:
            case gast.FunctionDef() | gast.AsyncFunctionDef():
                if isinstance(node, gast.FunctionDef):
                    yield prefix + node.name, Definition(node=node, around=around)
                inside = f"{prefix}{node.name}.<locals>."
                yield from _definitions(node.body, inside, (*around, node))
            case gast.ClassDef():
                yield from _definitions(node.body, f"{prefix}{node.name}.", around)
            case _:
                for inner in names.blocks(node):
                    yield from _definitions(inner, prefix, around)


def span_of(node: Any) -> Span:
    """Return where a gast node stands in its source."""
    return Span(
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno,
        end_column=node.end_col_offset,
    )
