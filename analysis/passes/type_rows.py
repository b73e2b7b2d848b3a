"""Steps of functions of whole rows, typed.

Before:  <numpy.sum.next>(t, a[i, k]), a: int32        After:  t + int64(a[i, k]), which may wrap
         <numpy.sum.next>(t, a[i, k]), a: float32      a step that only NumPy's own loop takes

NumPy's manual on `add.reduce` and its like says which types they have; integers and truth values
come out the same in any order.
"""

from __future__ import annotations

from dataclasses import replace

from ..model.row_functions import FIRST, LAST, NEXT, PRODUCTS, row_of
from ..model.source import Span
from ..model.typed import FLOAT_WARNING, WRAPS, Number, Operation, TypedExpression
from ..model.types import FLOAT_DTYPES, INTEGER_LIMITS, NumpyScalar, PythonScalar
from .conversions import convert
from .type_operations import Result, Scope, unsupported

_BOOL = NumpyScalar(dtype="bool")
_WIDE = NumpyScalar(dtype="float64")
_STEPS = ("sum", "prod", "max", "min", "any", "all", "dot", "matmul")
ROW_STEPS = frozenset(f"numpy.{name}{step}" for name in _STEPS for step in (FIRST, NEXT)) | {
    f"numpy.mean{LAST}"
}


def row_step(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return a step of a function of rows, typed."""
    function = row_of(name).removeprefix("numpy.")
    if name.endswith(LAST):
        return _mean(operands, span, scope)
    if function in {"max", "min"}:
        return _extremum(name, operands, span)
    if name.endswith(FIRST):
        return _first(function, operands, span)
    if function in {"any", "all"}:
        truth = convert(operands[1], _BOOL, scope.intervals)
        if truth is None:
            return unsupported(row_of(name), operands, span)
        word = "|" if function == "any" else "&"
        return Operation(name=word, operands=(operands[0], truth), type=_BOOL, hazards=0, span=span)
    if row_of(name) in PRODUCTS:
        return _product(name, operands, span)
    return _next(name, operands, span, scope)


def _first(function: str, operands: tuple[TypedExpression, ...], span: Span) -> Result:
    """Return the value before the first element, of the types that elements have."""
    if any(isinstance(each.type, PythonScalar) for each in operands):  # of a list
        return unsupported(f"numpy.{function}", operands, span)
    if function in {"any", "all"}:
        return Number(value=function == "all", type=_BOOL, span=span)
    dtypes = {each.type.dtype for each in operands}
    dtype = dtypes.pop()
    is_product = f"numpy.{function}" in PRODUCTS
    held = dtype if is_product else _held(dtype)
    if dtypes or held is None or (is_product and dtype not in _of_products()):
        return unsupported(f"numpy.{function}", operands, span)
    one = int(function == "prod")
    value = float(one) if held in FLOAT_DTYPES else one
    return Number(value=value, type=NumpyScalar(dtype=held), span=span)


def _of_products() -> frozenset[str]:
    return frozenset({*FLOAT_DTYPES, *INTEGER_LIMITS} - {"bool"})


def _held(dtype: str) -> str | None:
    """Return the dtype in which NumPy adds or multiplies elements of a dtype."""
    if dtype in FLOAT_DTYPES:
        return dtype
    if dtype in INTEGER_LIMITS:
        return "uint64" if dtype.startswith("u") else "int64"
    return None


def _next(name: str, operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    before, element = operands
    type_ = before.type
    value = convert(element, type_, scope.intervals)
    if value is None or isinstance(element.type, PythonScalar):
        return unsupported(row_of(name), operands, span)
    if type_.dtype in FLOAT_DTYPES:
        return Operation(
            name=name, operands=(before, value), type=type_, hazards=FLOAT_WARNING, span=span
        )
    word = "+" if row_of(name) == "numpy.sum" else "*"
    hazards = WRAPS if type_.dtype == "int64" else 0
    return Operation(name=word, operands=(before, value), type=type_, hazards=hazards, span=span)


def _product(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Result:
    before, *elements = operands
    type_ = before.type
    if any(each.type != type_ for each in elements):
        return unsupported(row_of(name), operands, span)
    if type_.dtype in FLOAT_DTYPES:
        return Operation(name=name, operands=operands, type=type_, hazards=FLOAT_WARNING, span=span)
    hazards = WRAPS if type_.dtype == "int64" else 0
    product = Operation(name="*", operands=tuple(elements), type=type_, hazards=hazards, span=span)
    return Operation(name="+", operands=(before, product), type=type_, hazards=hazards, span=span)


def _extremum(name: str, operands: tuple[TypedExpression, ...], span: Span) -> Result:
    element = operands[-1]
    if isinstance(element.type, PythonScalar):
        return unsupported(row_of(name), operands, span)
    if name.endswith(FIRST):
        return element
    dtype = element.type.dtype
    if dtype in FLOAT_DTYPES:
        return Operation(name=name, operands=operands, type=element.type, hazards=0, span=span)
    if dtype not in INTEGER_LIMITS:
        return unsupported(row_of(name), operands, span)
    is_max = row_of(name) == "numpy.max"
    word = ("numpy.maximum" if is_max else "numpy.minimum") if dtype != "bool" else "|&"[not is_max]
    return Operation(name=word, operands=operands, type=element.type, hazards=0, span=span)


def _mean(operands: tuple[TypedExpression, ...], span: Span, scope: Scope) -> Result:
    """Return a sum over its length: NumPy divides doubles, and rounds to the type of the sum."""
    total = operands[0]
    wide = [convert(each, _WIDE, scope.intervals) for each in operands]
    known = tuple(each for each in wide if each is not None)
    if total.type.dtype not in FLOAT_DTYPES or len(known) < len(wide):
        return unsupported("numpy.mean", operands, span)
    quotient = Operation(name="/", operands=known, type=_WIDE, hazards=FLOAT_WARNING, span=span)
    found = convert(quotient, total.type, scope.intervals)
    assert found is not None  # from a float to a float
    return replace(quotient, type=total.type) if found is quotient else found
