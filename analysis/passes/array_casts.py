"""What whole-array statements store, where NumPy may convert it otherwise than a single element.

Before:  u[:] = 2 * v, u: float32[:], v: float64[:]     After:  refused

NumPy converts whole arrays by its casting rules: silently, with warnings of its own, or not at all
in an in-place statement ("Casting rule 'same_kind'", NumPy manual, numpy.can_cast). Where each
value of the one type is one of the other, these are the conversions of elements.
"""

from __future__ import annotations

import numpy as np

from ..model.diagnostics import Refusal
from ..model.loop_ir import Assign, Call, Update
from ..model.row_functions import LAST
from ..model.scop import Scop
from ..model.typed import Cast, Store, TypedExpression, TypedProgram
from ..model.types import PythonScalar
from .reasons import UnsupportedType


def refused_casts(scop: Scop, typed: TypedProgram) -> Refusal | None:
    """Return why stores of whole-array statements are left to NumPy, if there are any such."""
    reasons = tuple(
        UnsupportedType(
            span=statement.span,
            operation=f"store in '{statement.array}'",
            types=(str(_source(statement.value).type), statement.value.type.dtype),
        )
        for name, statement in typed.statements
        if isinstance(statement, Store)
        and any(scop.loops[loop].is_axis for loop in scop.statement(name).loops)
        and not _is_exact(statement.value)
        and not _is_mean(scop.statement(name).body)
    )
    return Refusal(reasons=reasons) if reasons else None


def _is_exact(value: TypedExpression) -> bool:
    source = _source(value).type
    if isinstance(source, PythonScalar):  # a scalar is converted as an element is
        return source.kind != "float" or np.dtype(value.type.dtype).kind in "fc"
    return bool(np.can_cast(source.dtype, value.type.dtype, "safe"))


def _is_mean(body: Assign | Update) -> bool:
    """Return whether a value is a mean, which NumPy divides in double precision by itself."""
    return isinstance(body.value, Call) and body.value.function == f"numpy.mean{LAST}"


def _source(value: TypedExpression) -> TypedExpression:
    """Return a value before its conversion to the type of the array."""
    return value.operand if isinstance(value, Cast) else value
