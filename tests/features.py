"""Names for classes of missed loops: the first construct of a loop that sets it apart.

Before:  for i in range(n): h[key[i]] += 1
After:   "scatter through an index array"
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from tests.comparison import Compared
from tests.recording import Loop
from tests.updates import updates_of


def feature_of(source: str, compared: Compared) -> str:
    """Return what a missed loop has that others have not, as far as its text and its truth tell."""
    loop = loop_node(source, compared.loop)
    answers = [each.answer for each in compared.misses]
    if all(
        each.verdict == "unsupported" and each.claim.verdict != "unsupported" for each in answers
    ):
        return "an assumption that fails at the call"
    for name, applies in TEXTUAL:
        if applies(loop):
            return name
    truths = [each.truth for each in compared.misses]
    if any(each.buffers for each in truths):
        return "array private to an iteration"
    if any(each.started for each in truths):
        return "scalar that starts with its value from before the loop"
    if any(each.reduced for each in truths):
        lines = range(loop.lineno, (loop.end_lineno or loop.lineno) + 1)
        found = [each for each in updates_of(source) if min(each.places)[0] in lines]
        operators = sorted({each.operator for each in found})
        return f"reduction by {', '.join(operators)}"
    if any(each.renamed for each in truths):
        return "array overwritten"
    return "affine subscripts, bounds and tests"


def loop_node(source: str, loop: Loop) -> ast.For:
    """Return the statement of a loop."""
    return next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.For) and (node.lineno, node.col_offset) == loop
    )


def _subscripts(loop: ast.AST) -> Iterator[ast.Subscript]:
    return (
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Subscript) and not isinstance(node.value, ast.Attribute)
    )


def _reads_element(node: ast.AST) -> bool:
    return any(True for _ in _subscripts(node))


def _bounds(loop: ast.AST) -> Iterator[ast.expr]:
    return (node.iter for node in ast.walk(loop) if isinstance(node, ast.For))


def _has_product_of_names(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.BinOp)
        and isinstance(each.op, ast.Mult)
        and not any(isinstance(side, ast.Constant) for side in (each.left, each.right))
        for each in ast.walk(node)
    )


def _divides_by_name(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.BinOp)
        and isinstance(each.op, ast.Mod | ast.FloorDiv)
        and not isinstance(each.right, ast.Constant)
        for each in ast.walk(node)
    )


def _steps_by_name(bound: ast.expr) -> bool:
    return (
        isinstance(bound, ast.Call)
        and len(bound.args) == 3
        and any(isinstance(each, ast.Name) for each in ast.walk(bound.args[2]))
    )


def _calls_in(node: ast.AST, *names: str) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in names
        for each in ast.walk(node)
    )


def _tests(loop: ast.AST) -> Iterator[ast.expr]:
    return (node.test for node in ast.walk(loop) if isinstance(node, ast.If | ast.IfExp))


def _has(*kinds: type[ast.AST]) -> Callable[[ast.For], bool]:
    return lambda loop: any(isinstance(node, kinds) for node in ast.walk(loop))


TEXTUAL: tuple[tuple[str, Callable[[ast.For], bool]], ...] = (
    ("bound from an array's elements", lambda loop: any(map(_reads_element, _bounds(loop)))),
    (
        "scatter through an index array",
        lambda loop: any(
            isinstance(each.ctx, ast.Store) and _reads_element(each.slice)
            for each in _subscripts(loop)
        ),
    ),
    (
        "gather through an index array",
        lambda loop: any(_reads_element(each.slice) for each in _subscripts(loop)),
    ),
    ("step by a name", lambda loop: any(map(_steps_by_name, _bounds(loop)))),
    (
        "product of names in a subscript",
        lambda loop: any(_has_product_of_names(each.slice) for each in _subscripts(loop)),
    ),
    (
        "modulo or floor division by a name",
        lambda loop: any(_divides_by_name(each.slice) for each in _subscripts(loop)),
    ),
    (
        "min, max or abs in a subscript",
        lambda loop: any(_calls_in(each.slice, "min", "max", "abs") for each in _subscripts(loop)),
    ),
    ("test of an array's elements", lambda loop: any(map(_reads_element, _tests(loop)))),
    ("conditional expression", _has(ast.IfExp)),
    ("and, or as values", lambda loop: any(
        isinstance(node, ast.Assign) and any(isinstance(each, ast.BoolOp) for each in ast.walk(node.value))
        for node in ast.walk(loop)
    )),
    ("continue", _has(ast.Continue)),
    ("array made in the loop", lambda loop: any(
        isinstance(node, ast.Attribute) and node.attr in {"zeros", "empty", "ones"}
        for node in ast.walk(loop)
    )),
    ("tuple assignment", lambda loop: any(
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
        for node in ast.walk(loop)
    )),
    ("min, max in a bound", lambda loop: any(_calls_in(each, "min", "max") for each in _bounds(loop))),
)  # fmt: skip
