"""Expressions of the loop IR as Python text, for reports and guards."""

from __future__ import annotations

from collections.abc import Mapping

from .indirect import INDIRECT
from .loop_ir import (
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
)

# Python's precedence, loosest first (language reference, "Operator precedence").
_LOOSENESS = {
    "or": 1, "and": 2, "not": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
    "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "//": 10,
    "%": 10, "unary": 11, "**": 12, "atom": 13,
}  # fmt: skip


def python_text(expression: Expression, names: Mapping[str, str] | None = None) -> str:
    """Return `expression` as Python, with as few parentheses as it takes.

    `names` gives the text of identifiers, such as `a.shape[0]` for `a_shape_0`.
    """
    return _text(expression, names or {}, 0)


def _text(expression: Expression, names: Mapping[str, str], outer: int) -> str:
    text, tightness = _with_tightness(expression, names)
    return f"({text})" if tightness < outer else text


def _with_tightness(expression: Expression, names: Mapping[str, str]) -> tuple[str, int]:
    atom = _LOOSENESS["atom"]
    match expression:
        case Constant(value=value):
            negative = not isinstance(value, bool | complex) and str(value).startswith("-")
            return repr(value), _LOOSENESS["unary"] if negative else atom
        case Name():
            return names.get(expression.name, expression.name), atom
        case Extent():
            return f"{expression.array}.shape[{expression.axis}]", atom
        case Element():
            inside = ", ".join(_text(each, names, 0) for each in expression.indices)
            # What is appended has no subscripts until the loops around it are known.
            return f"{expression.array}[{inside}]" if inside else expression.array, atom
        case Slice():
            limits = (expression.start, expression.stop)
            ends = ("" if each is None else _text(each, names, 0) for each in limits)
            step = "" if expression.step is None else f":{_text(expression.step, names, 0)}"
            return f"{':'.join(ends)}{step}", 0
        case Call():
            inside = ", ".join(_text(each, names, 0) for each in expression.arguments)
            if expression.function == INDIRECT:
                return inside, atom  # a subscript: the brackets are there already
            part = "" if expression.part is None else f"[{expression.part}]"
            return f"{expression.function}({inside}){part}", atom
        case Unary():
            level = _LOOSENESS["not" if expression.operator == "not" else "unary"]
            space = " " if expression.operator == "not" else ""
            return f"{expression.operator}{space}{_text(expression.operand, names, level)}", level
        case BoolOp():
            level = _LOOSENESS[expression.operator]
            flat = _flattened(expression, expression.operator)
            parts = [_text(each, names, level + 1) for each in flat]
            return f" {expression.operator} ".join(parts), level
        case Conditional():
            body, test = (_text(each, names, 1) for each in (expression.body, expression.test))
            return f"{body} if {test} else {_text(expression.orelse, names, 0)}", 0
        case Binary() | Compare():
            level = _LOOSENESS[expression.operator]
            left_outer = level + 1 if isinstance(expression, Compare) else level
            left = _text(expression.left, names, left_outer)
            right = _text(expression.right, names, level + 1)
            return f"{left} {expression.operator} {right}", level


def _flattened(expression: Expression, operator: str) -> list[Expression]:
    if isinstance(expression, BoolOp) and expression.operator == operator:
        return [inner for each in expression.values for inner in _flattened(each, operator)]
    return [expression]
