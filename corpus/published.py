"""The measures of the published study, by its own rules.

An earlier count of 3,791 public notebooks took those that parse as Python 3: lines that begin
with % or ! are dropped, and a notebook with a cell that still fails is left out whole. It
counted `for` statements, those over `range`, and how deep they nest.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from autopar.analysis.model.nouns import dataclass

from .notebook import parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCounts:
    """What that study counts in one notebook."""

    for_statements: int
    over_range: int
    deepest: int  # 0 without a loop


def count_published(sources: Sequence[str]) -> PublishedCounts | None:
    """Return the counts over the cells of a notebook; None where the rules drop it."""
    trees: list[ast.Module] = []
    for source in sources:
        kept = "\n".join(line for line in source.split("\n") if not line.startswith(("%", "!")))
        tree = parsed(kept)
        if not isinstance(tree, ast.Module):
            return None
        trees.append(tree)
    loops = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.For)]
    return PublishedCounts(
        for_statements=len(loops),
        over_range=sum(map(_is_over_range, loops)),
        deepest=max((_deepest(tree) for tree in trees), default=0),
    )


def _is_over_range(loop: ast.For) -> bool:
    match loop.iter:
        case ast.Call(func=ast.Name(id="range")):
            return True
    return False


def _deepest(node: ast.AST) -> int:
    below = max((_deepest(child) for child in ast.iter_child_nodes(node)), default=0)
    return below + isinstance(node, ast.For)
