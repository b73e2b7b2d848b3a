"""What NumPy would have warned of, told from an operation's operands and its value.

Before:  t = a[i] / b[i]        under `if b[i] != 0`
After:   t = a[i] / b[i]; status |= division_status(a[i], b[i], t)

The processor's flags tell the same at no cost (see `codegen.fpflags`), but LLVM computes both
sides of a condition and compares with instructions that raise a flag for NaN. So a kernel
that decides by data is tested this way, in every operation.
IEEE 754-2019, section 7: invalid, division by zero, overflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

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
from autopar.analysis.model.ufuncs import COMPARISONS, FUSED_PRODUCT, operator_of

from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes

Value: TypeAlias = Any  # a float of either width
Complex: TypeAlias = Any  # a complex number of either width

_COMPARING = frozenset(
    (
        "<", "<=", ">", ">=", "==", "!=", "min", "max", "and", "or", "if", "numpy.minimum",
        "numpy.maximum", "numpy.clip", *COMPARISONS,
    )
)  # fmt: skip


def decides_by_data(nodes: tuple[Node, ...]) -> bool:
    """Return whether the processor's flags would tell of operations that did not happen."""
    return any(
        (isinstance(node, Decision) and not all(map(_waits_for_elements, _arms(node))))
        or (isinstance(node, Loop) and any(map(_may_be_run_early, node.body)))
        or (isinstance(node, Instance) and any(map(_misleads, walk_statement(node.statement))))
        for node in walk_nodes(nodes)
    )


def _arms(decision: Decision) -> tuple[Node, ...]:
    return (*decision.body, *decision.orelse)


def _may_be_run_early(node: Node) -> bool:
    """Return whether LLVM may compute what stands under a test where the test does not hold.

    It does so with single operations, or hoists them out of a loop; not with a loop whose
    operations wait for elements: loads are never made early. What moves values about warns of
    nothing.
    """
    return isinstance(node, Branch) and not all(map(_waits_for_elements, node.body))


def _waits_for_elements(node: Node) -> bool:
    if isinstance(node, Instance):
        return not any(True for _ in _warning(node))
    if isinstance(node, Branch):
        return all(map(_waits_for_elements, node.body))
    if isinstance(node, Decision):
        return all(map(_waits_for_elements, _arms(node)))
    return all(
        any(isinstance(part, Load) for part in walk_typed(each))
        for inner in walk_nodes(node.body)
        if isinstance(inner, Instance)
        for each in _warning(inner)
    )


def _warning(instance: Instance) -> Iterator[TypedExpression]:
    for each in walk_statement(instance.statement):
        if isinstance(each, Cast | Operation) and each.hazards & FLOAT_WARNING:
            yield each


def _misleads(node: TypedExpression) -> bool:
    return _compares(node) or _is_complex_length(node) or _drops_a_part(node)


def _drops_a_part(node: TypedExpression) -> bool:
    """Return whether one part of a computed complex number is taken: LLVM leaves out the other."""
    return (
        isinstance(node, Operation)
        and node.name in {"real", "imag"}
        and node.operands[0].type.dtype in COMPLEX_DTYPES
        and not isinstance(node.operands[0], Load)
    )


def _is_complex_length(node: TypedExpression) -> bool:
    """Return whether `node` is an absolute value that may overflow: of that NumPy never warns."""
    return (
        isinstance(node, Operation)
        and node.name == "abs"
        and node.operands[0].type.dtype in COMPLEX_DTYPES
    )


def _compares(node: TypedExpression) -> bool:
    return (
        isinstance(node, Operation)
        and node.name in _COMPARING
        and any(each.type.dtype in (*FLOAT_DTYPES, "bool") for each in node.operands)
    )


def status_call(name: str, dtype: str) -> str:
    """Return which of the helpers tells what the operation `name` would have warned of.

    `dtype` is that of its first operand.
    """
    if dtype in COMPLEX_DTYPES:
        return _COMPLEX_CALLS.get(operator_of(name), "complex_sum_status")
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


_COMPLEX_CALLS = {
    "*": "complex_product_status",
    FUSED_PRODUCT: "fused_product_status",
    "cast": "complex_cast_status",
}

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


# Numba compiles each alone, so that none calls another.


def complex_sum_status(x: Complex, y: Complex, value: Complex) -> int:
    """Return the flags of a sum or difference of complex numbers."""
    if abs(value.real) + abs(value.imag) < math.inf:
        return 0  # what overflowed on the way, or was no number, would be so still
    status = 0
    for one, two, found in (x.real, y.real, value.real), (x.imag, y.imag, value.imag):
        if (found != found) & (one == one) & (two == two):  # noqa: PLR0124 -- NaN is not itself
            status |= FLOAT_INVALID
        if math.isinf(found) & (not math.isinf(one)) & (not math.isinf(two)):
            status |= FLOAT_OVERFLOW
    return status


def complex_product_status(x: Complex, y: Complex, value: Complex) -> int:
    """Return the flags of a product of complex numbers: of four products and two sums."""
    if abs(value.real) + abs(value.imag) < math.inf:
        return 0  # what overflowed on the way, or was no number, would be so still
    first, second = x.real * y.real, x.imag * y.imag
    third, fourth = x.real * y.imag, x.imag * y.real
    steps = (
        (x.real, y.real, first),
        (x.imag, y.imag, second),
        (x.real, y.imag, third),
        (x.imag, y.real, fourth),
        (first, second, value.real),
        (third, fourth, value.imag),
    )
    status = 0
    for one, two, found in steps:
        if (found != found) & (one == one) & (two == two):  # noqa: PLR0124 -- NaN is not itself
            status |= FLOAT_INVALID
        if math.isinf(found) & (not math.isinf(one)) & (not math.isinf(two)):
            status |= FLOAT_OVERFLOW
    return status


def fused_product_status(x: Complex, y: Complex, value: Complex) -> int:
    """Return the flags of a product of complex numbers: of two products, each in a fused sum."""
    if abs(value.real) + abs(value.imag) < math.inf:
        return 0  # what overflowed on the way, or was no number, would be so still
    first, second = x.imag * y.imag, x.imag * y.real
    status = 0
    for one, two, found in (x.imag, y.imag, first), (x.imag, y.real, second):
        if (found != found) & (one == one) & (two == two):  # noqa: PLR0124 -- NaN is not itself
            status |= FLOAT_INVALID
        if math.isinf(found) & (not math.isinf(one)) & (not math.isinf(two)):
            status |= FLOAT_OVERFLOW
    for two, more, found in (y.real, first, value.real), (y.imag, second, value.imag):
        is_known = (x.real == x.real) & (two == two) & (more == more)  # noqa: PLR0124 -- as above
        if (found != found) & is_known:  # noqa: PLR0124 -- as above
            status |= FLOAT_INVALID
        is_finite = (not math.isinf(x.real)) & (not math.isinf(two)) & (not math.isinf(more))
        if math.isinf(found) & is_finite:
            status |= FLOAT_OVERFLOW
    return status


def complex_cast_status(x: Complex, value: Complex) -> int:
    """Return the flags of a conversion of a complex number to single precision."""
    status = 0
    for one, found in (x.real, value.real), (x.imag, value.imag):
        if (found != found) & (one == one):  # noqa: PLR0124 -- NaN is not itself
            status |= FLOAT_INVALID
        if math.isinf(found) & (not math.isinf(one)):
            status |= FLOAT_OVERFLOW
    return status


FLOAT_STATUS: tuple[Callable[..., int], ...] = (
    arithmetic_status, division_status, floor_status, power_status, result_status,
    complex_sum_status, complex_product_status, fused_product_status, complex_cast_status,
)  # fmt: skip
