"""Warn as NumPy would have, for a region that ran to its end and may not be run again."""

from __future__ import annotations

import warnings

from autopar.analysis.model.typed import (
    FLOAT_WARNING,
    INTEGER_WARNING,
    Operation,
    TypedStatement,
    walk_typed,
)
from autopar.codegen.kernel import Instance, Program, walk_nodes

_WORDS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide",
    "%": "remainder", "**": "power",
}  # fmt: skip


def warn_as_numpy(status: int, program: Program, file: str) -> None:
    """Give one RuntimeWarning at the first statement of `program` that could have given it.

    The processor says that something was invalid, divided by zero or overflowed, not what.
    """
    for node in walk_nodes(program.body):
        if not isinstance(node, Instance):
            continue
        operation = _first_hazard(node.statement, status & (FLOAT_WARNING | INTEGER_WARNING))
        if operation is not None:
            word = _WORDS.get(operation.name, operation.name)
            warnings.warn_explicit(
                f"invalid value, division by zero or overflow encountered in scalar {word}",
                RuntimeWarning,
                file,
                operation.span.line,
            )
            return


def _first_hazard(statement: TypedStatement, hazards: int) -> Operation | None:
    for node in walk_typed(statement.value):
        if isinstance(node, Operation) and node.hazards & hazards:
            return node
    return None
