"""What a status word says: warnings as NumPy would have given them, failures in words.

A warning is for a region that ran to its end and may not be run again.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy._core import umath

from autopar.analysis.model.row_functions import ORDERED_STEPS, PRODUCTS, row_of
from autopar.analysis.model.typed import (
    FLOAT_DIVIDE,
    FLOAT_INVALID,
    FLOAT_OVERFLOW,
    INTEGER_WARNING,
    Cast,
    Operation,
    TypedStatement,
    walk_statement,
)
from autopar.analysis.model.ufuncs import FUSED_PRODUCT, operator_of
from autopar.codegen.kernel import Instance, Program, walk_nodes
from autopar.codegen.shortcut import ErrorState

# NumPy's names of the scalar operations, as its warnings have them.
_WORDS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide",
    "%": "remainder", "**": "power", "<<": "left_shift", ">>": "right_shift",
    "divmod.quotient": "divmod", "divmod.remainder": "divmod",
}  # fmt: skip
# Whole rows: all of NumPy's but products say that they reduce.
_CALLED = {
    **{
        step: row_of(step) if row_of(step) in PRODUCTS else "numpy.reduce"
        for step in sorted(ORDERED_STEPS)
    },
    FUSED_PRODUCT: "numpy.multiply",
}
_DIVISIONS = frozenset(("/", "//", "%"))
# Only these have a pole, and these never overflow: of two, another one must have done it.
_POLES = frozenset(
    f"numpy.{name}"
    for name in (
        "log", "log2", "log10", "log1p", "arctanh", "power",
        "float_power", "reciprocal",
    )
)  # fmt: skip
_NEVER_LARGE = frozenset(
    f"numpy.{name}"
    for name in (
        "sqrt", "log", "log2", "log10", "log1p", "sin",
        "cos", "tan", "arcsin", "arccos", "arctan", "tanh",
        "arcsinh", "arccosh", "arctanh", "cbrt", "arctan2", "fmod",
        "fmax", "fmin", "heaviside", "sign", "copysign", "deg2rad",
        "radians",
    )
)  # fmt: skip
# Status bit: what NumPy says happened, and its name for it in the error state.
_EVENTS = {
    FLOAT_DIVIDE: ("divide by zero", "divide"),
    FLOAT_INVALID: ("invalid value", "invalid"),
    FLOAT_OVERFLOW: ("overflow", "over"),
}


_WARNS_OR_IGNORES = frozenset(("warn", "ignore"))


def is_everyday() -> bool:
    """Return whether NumPy's error state only warns or ignores, and no warning is an error."""
    return _state_is_everyday() and _only_shows(warnings.filters)


def everyday_state() -> ErrorState | None:
    """Return what NumPy and `warnings` have now, if that is everyday and can be known again."""
    token = _STATE.get() if _STATE is not None else None
    if _STATE is None or token is None or not is_everyday():
        return None
    return ErrorState(_STATE, token, list(warnings.filters))


# NumPy keeps its error state in a context variable, as an object that is never changed; where a
# version of it does not, the state is asked for each time.
_STATE: ContextVar[object] | None = getattr(umath, "_extobj_contextvar", None)


def _state_is_everyday() -> bool:
    token = _STATE.get() if _STATE is not None else None
    if token is not None and token is _everyday_tokens[-1]:
        return True
    state = np.geterr()
    # Underflow raises no flag that kernels watch; by default NumPy ignores it.
    if state["under"] != "ignore" or not _WARNS_OR_IGNORES.issuperset(state.values()):
        return False
    _everyday_tokens[:] = [token]
    return True


_everyday_tokens: list[object] = [None]  # the state that was everyday last


def _only_shows(filters: Sequence[Any]) -> bool:
    # Asked at every call, and nearly always of the same filters.
    if filters != _harmless:
        if any(each[0] == "error" and issubclass(RuntimeWarning, each[2]) for each in filters):
            return False
        _harmless[:] = filters
    return True


_harmless: list[Any] = []  # the filters that were found harmless last


def would_warn(status: int) -> bool:
    """Return whether NumPy's error state asks for a warning about what `status` says."""
    state: dict[str, str] = dict(np.geterr())  # type: ignore[arg-type]  # of strings
    if status & INTEGER_WARNING and "warn" in (state["over"], state["divide"]):
        return True
    return any(status & bit and state[kind] == "warn" for bit, (_, kind) in _EVENTS.items())


def warn_as_numpy(status: int, program: Program, file: str) -> None:
    """Give one RuntimeWarning for each event in `status`, where it first could have happened.

    The processor says what happened, not where: the first statement of `program` whose
    operation can do it is named.
    """
    state: dict[str, str] = dict(np.geterr())  # type: ignore[arg-type]  # of strings
    namespace = _namespace(file)
    for bit, (event, kind) in _EVENTS.items():
        if status & bit and state[kind] == "warn":
            _warn_at(_first(program, bit), event, file, namespace)
    if status & INTEGER_WARNING:
        operation = _first(program, INTEGER_WARNING)
        by_zero = isinstance(operation, Operation) and operator_of(operation.name) in _DIVISIONS
        event, kind = ("divide by zero", "divide") if by_zero else ("overflow", "over")
        if state[kind] == "warn":
            _warn_at(operation, event, file, namespace)


def _namespace(file: str) -> dict[str, Any]:
    """Return the globals of the innermost code of `file` under way.

    They hold what has been warned of already: a warning is given once for each line.
    """
    frame = sys._getframe(1)  # noqa: SLF001 -- warnings.warn looks there as well
    while frame.f_code.co_filename != file and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals if frame.f_code.co_filename == file else {}


def _warn_at(found: Operation | Cast | None, event: str, file: str, names: dict[str, Any]) -> None:
    if found is None:
        return
    message = f"{event} encountered in {_word(found)}"
    warnings.warn_explicit(
        message,
        RuntimeWarning,
        file,
        found.span.line,
        module=names.get("__name__"),
        registry=names.setdefault("__warningregistry__", {}),
    )


def _word(found: Operation | Cast) -> str:
    """Return what NumPy calls an operation."""
    if isinstance(found, Cast):
        return "cast"
    name = _CALLED.get(found.name, found.name)
    is_function = name.startswith("numpy.")
    return name.removeprefix("numpy.") if is_function else f"scalar {_WORDS.get(name, name)}"


def _first(program: Program, bit: int) -> Operation | Cast | None:
    """Return the first operation that can raise `bit`: only some have a pole, or overflow.

    Where there is none, a conversion did.
    """
    found = [
        operation
        for node in walk_nodes(program.body)
        if isinstance(node, Instance)
        for operation in _operations(node.statement, bit)
    ]
    operations = [each for each in found if isinstance(each, Operation)]
    likely = operations
    if bit == FLOAT_DIVIDE:
        likely = [each for each in operations if _has_pole(each.name)]
    if bit == FLOAT_OVERFLOW:
        likely = [each for each in operations if each.name not in _NEVER_LARGE]
    return next(iter((*likely, *operations, *found)), None)


def _has_pole(name: str) -> bool:
    return name in _POLES or operator_of(name) in _DIVISIONS


def _operations(statement: TypedStatement, bit: int) -> list[Operation | Cast]:
    return [
        node
        for node in walk_statement(statement)
        if isinstance(node, Operation | Cast) and node.hazards & bit
    ]


_FAILURE_TEXT = {
    1: "a division by zero, or an exception that the loop itself raises",
    2: "a Python integer that outgrew 64 bits",
    4: "a value outside a function's domain",
    8: "a value that the array cannot hold",
}


def failure_text(status: int) -> str:
    """Return what went wrong first, in the user's words."""
    found = [text for bit, text in _FAILURE_TEXT.items() if status & bit]
    return found[0] if found else "a value that makes NumPy warn"
