"""Read calls that make new arrays: a gast call -> what `Allocate` says of the array.

Before:  np.zeros((n, m), dtype=np.float32)       After:  shape n, m; float32; all 0

Helper of the `parse` pass. Calls with any other argument, or one whose meaning depends on more
than its text, are unknown calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..model.later import Later
from ..model.loop_ir import Constant, Expression
from ..model.source import Span
from ..model.types import COMPILED_DTYPES

if TYPE_CHECKING:
    import gast
else:
    gast = Later("gast")

# What the parameters of the functions are called, in order.
_BY_SHAPE = ("shape", "dtype", "order")
_BY_ARRAY = ("a", "dtype", "order")
_PARAMETERS = {
    "numpy.zeros": _BY_SHAPE,
    "numpy.ones": _BY_SHAPE,
    "numpy.empty": _BY_SHAPE,
    "numpy.full": ("shape", "fill_value", "dtype", "order"),
    "numpy.zeros_like": _BY_ARRAY,
    "numpy.ones_like": _BY_ARRAY,
    "numpy.empty_like": ("prototype", "dtype", "order"),
}
ALLOCATIONS = frozenset(_PARAMETERS)
# Types that are spelled otherwise than by their dtype.
_TYPES = {
    "float": "float64", "int": "int64", "bool": "bool", "complex": "complex128",
    "bool_": "bool", "double": "float64", "single": "float32", "intp": "int64",
}  # fmt: skip
DTYPES = frozenset(f"numpy.{name}" for name in (*COMPILED_DTYPES, *_TYPES))


class Found(NamedTuple):
    """What a call makes."""

    shape: tuple[Expression, ...]
    like: str | None
    dtype: str | None
    fill: Constant | None
    order: str = "C"


class Reading(NamedTuple):
    """How the reader of the function reads parts of the call."""

    expression: Callable[[Any], Expression]
    canonical: Callable[[Any], str | None]
    span: Span


def read_allocation(node: Any, reading: Reading) -> Found | None:
    """Return what a call makes; None where it is no call of a known function and form."""
    if not isinstance(node, gast.Call):
        return None
    function = reading.canonical(node.func)
    given = _arguments(node, _PARAMETERS.get(function or "", ()))
    if function is None or given is None:
        return None
    order = _order(given.pop("order", None), "K" if function.endswith("_like") else "C")
    if order is None:
        return None
    dtype_node = given.pop("dtype", None)
    dtype = None if dtype_node is None else _dtype(dtype_node, reading)
    if dtype_node is not None and dtype is None:
        return None
    found: Found | None = None
    if "fill_value" in given:
        found = _full(given, dtype, reading)
    else:
        fill = _first_value(function, reading.span)
        match list(given.items()):
            case [("a" | "prototype", gast.Name(id=name))]:
                found = Found((), name, dtype, fill)
            case [("shape", shape)]:
                found = _shaped(shape, dtype or "float64", fill, reading)
    return None if found is None else found._replace(order=order)


def _arguments(node: Any, parameters: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the arguments of a call by parameter; None where one has no place."""
    if len(node.args) > len(parameters) or any(isinstance(e, gast.Starred) for e in node.args):
        return None
    given = dict(zip(parameters, node.args, strict=False))
    for keyword in node.keywords:
        if keyword.arg not in parameters or keyword.arg in given:
            return None
        given[keyword.arg] = keyword.value
    return given or None


def _order(node: Any, usual: str) -> str | None:
    """Return in which order elements lie; None where that is no literal that the call takes."""
    if node is None:
        return usual
    known = {"C", "F"} if usual == "C" else {"C", "F", "A", "K"}
    return node.value if isinstance(node, gast.Constant) and node.value in known else None


def _dtype(node: Any, reading: Reading) -> str | None:
    if isinstance(node, gast.Constant) and isinstance(node.value, str):
        try:
            found = np.dtype(node.value)
        except (TypeError, ValueError):
            return None
        return found.name if found.isnative and found.name in COMPILED_DTYPES else None
    name = (reading.canonical(node) or "").removeprefix("numpy.")
    name = _TYPES.get(name, name)
    return name if name in COMPILED_DTYPES else None


def _first_value(function: str, span: Span) -> Constant | None:
    if "empty" in function:
        return None
    return Constant(value=1 if "ones" in function else 0, span=span)


def _shaped(node: Any, dtype: str, fill: Constant | None, reading: Reading) -> Found | None:
    match node:
        case gast.Attribute(value=gast.Name(id=name), attr="shape"):
            return Found((), name, dtype, fill)
        case gast.Tuple() | gast.List():
            shape = tuple(reading.expression(each) for each in node.elts)
            return Found(shape, None, dtype, fill) if shape else None
    return Found((reading.expression(node),), None, dtype, fill)


def _full(given: dict[str, Any], dtype: str | None, reading: Reading) -> Found | None:
    """Return what `np.full` makes of a literal that keeps its type."""
    if "shape" not in given:
        return None
    value = reading.expression(given["fill_value"])
    if not isinstance(value, Constant):
        return None
    own = np.asarray(value.value).dtype.name
    # Another type converts the value as no assignment to an element would.
    if own not in COMPILED_DTYPES or dtype not in {None, own}:
        return None
    return _shaped(given["shape"], own, value, reading)
