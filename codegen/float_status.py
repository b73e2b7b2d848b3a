"""What NumPy would have warned of, told from an operation's operands and its value.

Before:  t = a[i] / b[i]        under `if b[i] != 0`
After:   t = a[i] / b[i]; status |= division_status(a[i], b[i], t)

The processor's flags tell the same at no cost (see `codegen.fpflags`), but LLVM computes both
sides of a condition and compares with instructions that raise a flag for NaN. So a program
that decides by data is tested this way, in every operation.
IEEE 754-2019, section 7: invalid, division by zero, overflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.typed import (
    FLOAT_DIVIDE,
    FLOAT_INVALID,
    FLOAT_OVERFLOW,
    FLOAT_WARNING,
    Cast,
    Load,
    Operation,
    TypedExpression,
    walk_statement,
    walk_typed,
)
from autopar.analysis.model.types import COMPLEX_DTYPES, FLOAT_DTYPES
from autopar.analysis.model.ufuncs import COMPARISONS, operator_of

from .kernel import Branch, Decision, Instance, Loop, Node, Program, walk_nodes
from .reasons import TargetLacksFeature

Value: TypeAlias = Any  # a float of either width

_COMPARING = frozenset(
    (
        "<", "<=", ">", ">=", "==", "!=", "min", "max", "and", "or", "if", "numpy.minimum",
        "numpy.maximum", "numpy.clip", *COMPARISONS,
    )
)  # fmt: skip


def decides_by_data(program: Program) -> bool:
    """Return whether the processor's flags would tell of operations that did not happen."""
    if not program.hazards & FLOAT_WARNING:
        return False
    return any(
        isinstance(node, Decision)
        or (isinstance(node, Loop) and any(map(_may_be_run_early, node.body)))
        or (isinstance(node, Instance) and any(map(_compares, walk_statement(node.statement))))
        for node in walk_nodes(program.body)
    )


def _may_be_run_early(node: Node) -> bool:
    """Return whether LLVM may compute what stands under a test where the test does not hold.

    It does so with single operations, or hoists them out of a loop; not with a loop whose
    operations wait for elements: loads are never made early.
    """
    return isinstance(node, Branch) and not all(map(_waits_for_elements, node.body))


def _waits_for_elements(node: Node) -> bool:
    return isinstance(node, Loop) and all(
        any(isinstance(part, Load) for part in walk_typed(each))
        for inner in walk_nodes(node.body)
        if isinstance(inner, Instance)
        for each in walk_statement(inner.statement)
        if isinstance(each, Cast | Operation) and each.hazards & FLOAT_WARNING
    )


def _compares(node: TypedExpression) -> bool:
    return (
        isinstance(node, Operation)
        and node.name in _COMPARING
        and any(each.type.dtype in (*FLOAT_DTYPES, "bool") for each in node.operands)
    )


def untold(program: Program) -> Refusal | None:
    """Return why not all warnings of `program` can be told; None where they can."""
    if not decides_by_data(program):
        return None
    spans = (each.span for each in walk_nodes(program.body) if _is_complex(each))
    feature = "warnings of complex arithmetic beside conditions on data"
    reasons = tuple(TargetLacksFeature(span=span, target="cpu", feature=feature) for span in spans)
    return Refusal(reasons=reasons) if reasons else None


def _is_complex(node: Node) -> bool:
    return isinstance(node, Instance) and any(
        isinstance(each, Cast | Operation)
        and each.hazards & FLOAT_WARNING
        and each.type.dtype in COMPLEX_DTYPES
        for each in walk_statement(node.statement)
    )


def status_call(name: str) -> str:
    """Return which of the helpers tells what the operation `name` would have warned of."""
    match operator_of(name):
        case "/" | "%":
            return "division_status"
        case "//":
            return "floor_status"
        case "**":
            return "power_status"
        case "numpy.sqrt" | "cast":
            return "result_status"
    return "arithmetic_status"


# ------------------------------------------------------------- plain functions, for Numba


def arithmetic_status(x: Value, y: Value, value: Value) -> int:
    """Return the flags of a sum, difference or product."""
    invalid = (value != value) & (x == x) & (y == y)  # noqa: PLR0124 -- NaN is not itself
    overflow = math.isinf(value) & (not math.isinf(x)) & (not math.isinf(y))
    return (FLOAT_INVALID if invalid else 0) | (FLOAT_OVERFLOW if overflow else 0)


def division_status(x: Value, y: Value, value: Value) -> int:
    """Return the flags of `/` or `%`."""
    invalid = (value != value) & (x == x) & (y == y)  # noqa: PLR0124 -- NaN is not itself
    infinite = math.isinf(value) & (not math.isinf(x)) & (not math.isinf(y))
    size = FLOAT_DIVIDE if y == 0 else FLOAT_OVERFLOW
    return (FLOAT_INVALID if invalid else 0) | (size if infinite else 0)


def floor_status(x: Value, y: Value, value: Value) -> int:
    """Return the flags of `//`: one that overflows also subtracts infinities."""
    invalid = (value != value) & (x == x) & (y == y)  # noqa: PLR0124 -- NaN is not itself
    infinite = math.isinf(value) & (not math.isinf(x)) & (not math.isinf(y))
    size = FLOAT_DIVIDE if y == 0 else FLOAT_OVERFLOW | FLOAT_INVALID
    return (FLOAT_INVALID if invalid else 0) | (size if infinite else 0)


def power_status(x: Value, y: Value, value: Value) -> int:
    """Return the flags of a power."""
    invalid = (value != value) & (x == x) & (y == y)  # noqa: PLR0124 -- NaN is not itself
    infinite = math.isinf(value) & (not math.isinf(x)) & (not math.isinf(y))
    size = FLOAT_DIVIDE if x == 0 else FLOAT_OVERFLOW
    return (FLOAT_INVALID if invalid else 0) | (size if infinite else 0)


def result_status(x: Value, value: Value) -> int:
    """Return the flags of a square root, or of a conversion to single precision."""
    invalid = (value != value) & (x == x)  # noqa: PLR0124 -- NaN is not itself
    overflow = math.isinf(value) & (not math.isinf(x))
    return (FLOAT_INVALID if invalid else 0) | (FLOAT_OVERFLOW if overflow else 0)


FLOAT_STATUS: tuple[Callable[..., int], ...] = (
    arithmetic_status, division_status, floor_status, power_status, result_status,
)  # fmt: skip
