"""What the text of a loop shows, counted from Python's own syntax tree.

Maps a module to one `LoopShape` for every `for`, `while` and comprehension, in source order.
Nothing here asks the analysis: the two are counted apart and joined by place, and an
independent count of `for` statements must agree with this one exactly.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

LoopKind: TypeAlias = Literal["for", "while", "comprehension", "async for"]
IterableKind: TypeAlias = Literal[
    "range", "enumerate", "zip", "reversed", "name", "attribute", "call", "method", "dict view",
    "literal", "slice", "element", "comprehension", "other", "none",
]  # fmt: skip
BoundKind: TypeAlias = Literal[
    "constant", "name", "len", "shape", "attribute", "element", "call", "expression"
]
SubscriptKind: TypeAlias = Literal["affine", "product", "indirect", "slice", "key", "other"]

_DICT_VIEWS = frozenset({"items", "keys", "values"})
_OUTPUT = frozenset({"print", "display", "input", "open"})
_FILE_METHODS = frozenset({"write", "read", "readline", "readlines", "to_csv", "save", "savefig"})
_PLOTS = frozenset(
    {"plot", "scatter", "imshow", "subplot", "hist", "bar", "show", "figure", "axes", "text",
     "set_title", "set_xlabel", "set_ylabel", "legend", "annotate", "fill_between", "contour",
     "title", "xlabel", "ylabel", "axvline", "axhline", "errorbar", "add_subplot", "axis"}
)  # fmt: skip
_SCALAR = (ast.Constant, ast.Name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopShape:
    """One loop as it is written."""

    line: int
    column: int
    end_line: int
    kind: LoopKind
    depth: int  # loops around it in the same function or module level
    statement_depth: int  # `for` and `while` statements around it, functions ignored
    function: str  # name of the function around it, "" at module level
    iterable: IterableKind  # "none" for `while`
    bounds: tuple[BoundKind, ...]  # of a range: of each of its arguments
    subscripts: tuple[SubscriptKind, ...]  # kinds that occur in the loop, sorted
    calls: tuple[tuple[str, int], ...]  # callees in the loop with their number, sorted
    stores: bool  # assigns an element of something
    appends: bool
    prints: bool  # or reads or writes files
    plots: bool
    branches: bool  # has an `if`
    leaves: bool  # break, continue or return of its own


def find_loops(tree: ast.Module) -> tuple[LoopShape, ...]:
    """Return every loop of a module in source order; those in strings are no loops."""
    walker = _Walker()
    walker.walk(tree, _Place(0, 0, "", ()))
    return tuple(sorted(walker.found, key=lambda each: (each.line, each.column, each.depth)))


@dataclass(frozen=True, slots=True)
class _Place:
    depth: int
    statements: int
    function: str
    variables: tuple[str, ...]  # loop variables in force


class _Walker:
    """Walks a tree once with the loops around each node."""

    def __init__(self) -> None:
        self.found: list[LoopShape] = []

    def walk(self, node: ast.AST, place: _Place) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                name = getattr(node, "name", "<lambda>")
                self._children(node, _Place(0, place.statements, name, ()))
            case ast.For() | ast.AsyncFor():
                kind: LoopKind = "for" if isinstance(node, ast.For) else "async for"
                inside = _inside(place, names_in(node.target), is_statement=True)
                self.found.append(_shape(node, kind, place, inside.variables))
                self.walk(node.target, place)
                self.walk(node.iter, place)
                for child in (*node.body,):
                    self.walk(child, inside)
                for child in node.orelse:
                    self.walk(child, place)
            case ast.While():
                inside = _inside(place, (), is_statement=True)
                self.found.append(_shape(node, "while", place, inside.variables))
                self.walk(node.test, inside)
                for child in node.body:
                    self.walk(child, inside)
                for child in node.orelse:
                    self.walk(child, place)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                names = tuple(n for each in node.generators for n in names_in(each.target))
                inside = _inside(place, names, is_statement=False)
                self.found.append(_shape(node, "comprehension", place, inside.variables))
                self._children(node, inside)
            case _:
                self._children(node, place)

    def _children(self, node: ast.AST, place: _Place) -> None:
        for child in ast.iter_child_nodes(node):
            self.walk(child, place)


def _inside(place: _Place, names: tuple[str, ...], *, is_statement: bool) -> _Place:
    return _Place(
        place.depth + 1, place.statements + is_statement, place.function,
        (*place.variables, *names),
    )  # fmt: skip


def names_in(target: ast.expr) -> tuple[str, ...]:
    """Return the names that a loop target binds."""
    return tuple(node.id for node in ast.walk(target) if isinstance(node, ast.Name))


_Loop: TypeAlias = (
    ast.For | ast.AsyncFor | ast.While | ast.ListComp | ast.SetComp | ast.DictComp
    | ast.GeneratorExp
)  # fmt: skip


def _shape(node: _Loop, kind: LoopKind, place: _Place, variables: tuple[str, ...]) -> LoopShape:
    inner = list(_own_nodes(node))
    iterable = _iterable_of(node)
    calls: dict[str, int] = {}
    for each in inner:
        if isinstance(each, ast.Call):
            name = callee(each.func)
            calls[name] = calls.get(name, 0) + 1
    methods = {name.rpartition(".")[2] for name in calls if "." in name}
    is_range = iterable is not None and _kind_of(iterable) == "range"
    return LoopShape(
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno or node.lineno,
        kind=kind,
        depth=place.depth,
        statement_depth=place.statements,
        function=place.function,
        iterable="none" if iterable is None else _kind_of(iterable),
        bounds=tuple(map(bound_kind, iterable.args)) if is_range else (),  # type: ignore[union-attr]  # a call
        subscripts=tuple(sorted({subscript_kind(each.slice, variables) for each in inner
                                 if isinstance(each, ast.Subscript)})),
        calls=tuple(sorted(calls.items())),
        stores=any(isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store)
                   for each in inner),
        appends="append" in methods,
        prints=bool(_OUTPUT & calls.keys() or _FILE_METHODS & methods),
        plots=bool(_PLOTS & methods),
        branches=any(isinstance(each, ast.If | ast.IfExp) for each in inner),
        leaves=_leaves(node),
    )  # fmt: skip


def _own_nodes(node: _Loop) -> Iterator[ast.AST]:
    """Yield what is inside a loop; for a `for`, what is evaluated once per iteration."""
    parts: list[ast.AST] = []
    if isinstance(node, ast.For | ast.AsyncFor):
        parts = [node.target, *node.body]
    elif isinstance(node, ast.While):
        parts = [node.test, *node.body]
    else:
        parts = [node]
    for part in parts:
        yield from ast.walk(part)


def _iterable_of(node: _Loop) -> ast.expr | None:
    if isinstance(node, ast.For | ast.AsyncFor):
        return node.iter
    if isinstance(node, ast.While):
        return None
    return node.generators[0].iter


def _kind_of(node: ast.expr) -> IterableKind:
    match node:
        case ast.Call(func=ast.Name(id="range" | "xrange")):
            return "range"
        case ast.Call(func=ast.Name(id="enumerate" | "zip" | "reversed" as name)):
            return name
        case ast.Call(func=ast.Attribute(attr=name), args=[]) if name in _DICT_VIEWS:
            return "dict view"
        case ast.Call(func=ast.Attribute()):
            return "method"
        case ast.Call():
            return "call"
        case ast.Name():
            return "name"
        case ast.Attribute():
            return "attribute"
        case ast.Subscript(slice=ast.Slice()):
            return "slice"
        case ast.Subscript():
            return "element"
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.Constant():
            return "literal"
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return "comprehension"
    return "other"


def bound_kind(node: ast.expr) -> BoundKind:
    """Return what a bound of a range is."""
    match node:
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return "constant"
        case ast.Name():
            return "name"
        case ast.Call(func=ast.Name(id="len")):
            return "len"
        case ast.Subscript(value=ast.Attribute(attr="shape")):
            return "shape"
        case ast.Attribute():
            return "attribute"
        case ast.Subscript():
            return "element"
        case ast.Call():
            return "call"
    return "expression"


def subscript_kind(index: ast.expr, variables: tuple[str, ...]) -> SubscriptKind:
    """Return the kind of a subscript, that of its least regular part."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    kinds = [_part_kind(part, variables) for part in parts]
    order: tuple[SubscriptKind, ...] = (
        "other", "indirect", "product", "slice", "key", "affine",
    )  # fmt: skip
    return next((kind for kind in order if kind in kinds), "other")


def _part_kind(node: ast.expr, variables: tuple[str, ...]) -> SubscriptKind:
    if isinstance(node, ast.Slice):
        return "slice"
    if isinstance(node, ast.Constant):
        return "affine" if type(node.value) is int else "key"
    if any(isinstance(each, ast.Subscript) for each in ast.walk(node)):
        return "indirect"
    degree = _degree(node, variables)
    if degree is None:
        return "other"
    return "affine" if degree <= 1 else "product"


def _degree(node: ast.expr, variables: tuple[str, ...]) -> int | None:
    """Return 0 without loop variables, 1 where affine, 2 for a product of names; None: neither."""
    match node:
        case ast.Constant(value=int()):
            return 0
        case ast.Name():
            return 1
        case ast.Attribute():
            return 1
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return _degree(node.operand, variables)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            left, right = _degree(node.left, variables), _degree(node.right, variables)
            return None if left is None or right is None else max(left, right)
        case ast.BinOp(op=ast.Mult()):
            left, right = _degree(node.left, variables), _degree(node.right, variables)
            return None if left is None or right is None else left + right
        case ast.BinOp(op=ast.FloorDiv() | ast.Mod(), right=ast.Constant()):
            return _degree(node.left, variables)
        case ast.BinOp(op=ast.FloorDiv() | ast.Mod()):
            return None if _degree(node.left, variables) is None else 2
        case ast.Call(func=ast.Name(id="len")):
            return 1
    return None


def callee(node: ast.expr) -> str:
    """Return the name of what is called: "print", "np.sum", ".append" for a method of something."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Name(id=owner)):
            return f"{owner}.{node.attr}"
        case ast.Attribute():
            return f".{node.attr}"
    return "<expression>"


def _leaves(node: _Loop) -> bool:
    """Return whether a break, continue or return belongs to just this loop."""
    body = getattr(node, "body", None)
    if not isinstance(body, list):
        return False
    waiting: list[ast.AST] = list(body)
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Break | ast.Continue | ast.Return):
            return True
        if not isinstance(
            each, ast.For | ast.While | ast.AsyncFor | ast.FunctionDef | ast.ClassDef | ast.Lambda
        ):
            waiting += ast.iter_child_nodes(each)
    return False
