"""The loops that scan a schedule, as isl's AST generator found them.

Expressions are loop IR expressions over parameter identifiers and the iterators of the
surrounding loops, all as `Name`; divisions are Python's `//` and `%`, and `min` and `max`
are calls.
"""

from __future__ import annotations

from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass

from .loop_ir import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class AstFor:
    """`for iterator in range(lower, upper, step)`, scanning one schedule dimension."""

    dimension: int  # of the schedule, counted from 0
    iterator: str  # "c0", "c2", ...: named after the dimension
    lower: Expression
    upper: Expression  # exclusive
    step: int  # positive
    body: tuple[AstNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AstIf:
    """`if test: body else: orelse`."""

    test: Expression
    body: tuple[AstNode, ...]
    orelse: tuple[AstNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AstInstance:
    """One instance of `statement`; `arguments` are the values of its loop variables."""

    statement: str
    arguments: tuple[Expression, ...]


AstNode: TypeAlias = AstFor | AstIf | AstInstance


def instances(body: tuple[AstNode, ...]) -> tuple[str, ...]:
    """Return the names of the statements that occur in `body`, in textual order."""
    names: list[str] = []
    for node in body:
        match node:
            case AstFor():
                names += instances(node.body)
            case AstIf():
                names += instances(node.body) + instances(node.orelse)
            case AstInstance():
                names.append(node.statement)
    return tuple(dict.fromkeys(names))
