"""What statements take in the interpreter.

Before:  y[i] = 0.5 * x[i]
After:   store + load + scalar + 2 leaves         nanoseconds, as `codegen.rates` has them

An operation costs three times as much on NumPy scalars as on Python numbers, so expressions are
told apart: elements of arrays, and what is computed from them, are NumPy scalars. The types of
arguments are not known here; names of one's own are Python numbers unless the region assigns
them otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

from autopar.analysis.model.loop_ir import (
    AS_NUMPY,
    SUMMED,
    Assign,
    Binary,
    BoolOp,
    Call,
    Compare,
    Conditional,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    Unary,
    Update,
    children,
    walk_expression,
)
from autopar.analysis.model.row_functions import is_row_step
from autopar.analysis.model.ufuncs import FUNCTIONS
from autopar.codegen.rates import Rates

# Both are looked at, one is computed.
_HALF = 0.5


def numpy_names(bodies: Iterable[Assign | Update]) -> frozenset[str]:
    """Return the scalars that some of `bodies` makes NumPy scalars."""
    assigned = [(e.target.name, e.value) for e in bodies if isinstance(e.target, Name)]
    found: frozenset[str] = frozenset()
    while True:
        more = frozenset(name for name, value in assigned if _is_numpy(value, found))
        if more <= found:
            return found
        found |= more


def statement_ns(body: Assign | Update, numpy: frozenset[str], rates: Rates) -> float:
    """Return what one run of a statement takes; `numpy` are the names of NumPy scalars."""
    target = body.target
    time = expression_ns(body.value, numpy, rates)
    if isinstance(target, Element):
        time += rates.store + _subscripts_ns(target, rates)
    else:
        time += rates.leaf
    if isinstance(body, Update):
        is_numpy = isinstance(target, Element) or target.name in numpy
        is_numpy = is_numpy or _is_numpy(body.value, numpy)
        time += rates.scalar if is_numpy else rates.number
        time += rates.load if isinstance(target, Element) else rates.leaf
    return time


def _is_numpy(expression: Expression, numpy: frozenset[str]) -> bool:
    match expression:
        case Element():
            return True
        case Name():
            return expression.name in numpy
        case Constant() | Extent():
            return False
        case Call(function=function):
            if function in FUNCTIONS or is_row_step(function):
                return True
            is_transparent = function in {"min", "max", "abs", SUMMED, AS_NUMPY}
            return is_transparent and any(_is_numpy(e, numpy) for e in expression.arguments)
        case _:
            return any(_is_numpy(each, numpy) for each in children(expression))


def expression_ns(expression: Expression, numpy: frozenset[str], rates: Rates) -> float:
    """Return what computing an expression takes."""
    inner = sum(expression_ns(each, numpy, rates) for each in children(expression))
    match expression:
        case Name() | Constant():
            return rates.leaf
        case Extent() | Slice():
            return inner + 2 * rates.number
        case Element():
            return rates.load + _subscripts_ns(expression, rates)
        case Call(function=function) if is_row_step(function):
            return 0.0  # `cost` knows what whole rows take
        case Call(function=function):
            return inner + (rates.ufunc if function in FUNCTIONS else rates.function)
        case Unary() | Binary() | Compare():
            return inner + (rates.scalar if _is_numpy(expression, numpy) else rates.number)
        case BoolOp():
            return inner + rates.leaf
        case Conditional(test=test):
            tested = expression_ns(test, numpy, rates)
            return tested + _HALF * (inner - tested)


def _subscripts_ns(element: Element, rates: Rates) -> float:
    """Return what the subscripts of an element take, the first one itself left out."""
    nodes = [node for index in element.indices for node in walk_expression(index)]
    operations = sum(not isinstance(node, Name | Constant) for node in nodes)
    further = max(0, len(element.indices) - 1)
    return further * rates.subscript + operations * rates.number + len(nodes) * rates.leaf
