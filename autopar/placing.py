"""Nodes of ours stand where those of the user's do.

Before:  `GUARD.enter(a, n)`, parsed by itself      After:  the same, on the line of the loop
"""

from __future__ import annotations

import ast


def place_at(new: ast.AST, at: ast.stmt | ast.expr) -> None:
    """Give every node of `new` the place where `at` begins.

    Were the end that of a header of several lines, the compiler would take the line of an
    attribute from there, and a tracer would see a jump.
    """
    for node in ast.walk(new):
        if isinstance(node, (ast.stmt, ast.expr, ast.pattern)):
            node.lineno = node.end_lineno = at.lineno
            node.col_offset = node.end_col_offset = at.col_offset
