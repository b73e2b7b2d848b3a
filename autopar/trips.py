"""How often loops run at most, as Python over the names of a call.

Before:  for i in range(n): for j in range(i, n): ...
After:   len(range(0, n, 1)), len(range(0, n, 1))        bounds of loops taken where they are widest
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from autopar.analysis.model.loop_ir import (
    Binary,
    Call,
    Constant,
    Expression,
    Extent,
    Name,
    Unary,
)
from autopar.analysis.model.scop import Loop, Scop
from autopar.analysis.model.text import python_text

# The least and the greatest value of an expression, as Python over the names of a call.
_Range: TypeAlias = tuple[str, str]


def widest_trips(scop: Scop) -> dict[int, str]:
    """Return a bound of the iterations in one execution of each loop; none where none is known."""
    ranges: dict[str, _Range] = {
        each.name: (each.text, each.text) for each in scop.parameters if not each.is_found
    }
    most: dict[int, str] = {}
    for number, each in enumerate(scop.loops):
        start, stop = _range(each.start, ranges), _range(each.stop, ranges)
        if start is None or stop is None:
            ranges.pop(each.variable, None)
            continue
        most[number] = _trips(each, start, stop)
        ranges[each.variable] = (
            (start[0], f"({stop[1]} - 1)") if each.step > 0 else (f"({stop[0]} + 1)", start[1])
        )
    return most


def _trips(loop: Loop, start: _Range, stop: _Range) -> str:
    low, high = (start[0], stop[1]) if loop.step > 0 else (start[1], stop[0])
    return f"len(range({low}, {high}, {loop.step}))"


def _range(expression: Expression, ranges: Mapping[str, _Range]) -> _Range | None:
    """Return the least and the greatest value of an integer expression; None if not known."""
    match expression:
        case Constant():
            return (repr(expression.value),) * 2
        case Extent():
            return (python_text(expression),) * 2
        case Name():
            return ranges.get(expression.name)
        case Unary(operator="-"):
            inner = _range(expression.operand, ranges)
            return inner and (f"(-{inner[1]})", f"(-{inner[0]})")
        case Call(function="min" | "max"):
            parts = [_range(each, ranges) for each in expression.arguments]
            known = [each for each in parts if each is not None]
            if len(known) < len(parts):
                return None
            lows, highs = (", ".join(side) for side in zip(*known, strict=True))
            return f"{expression.function}({lows})", f"{expression.function}({highs})"
        case Binary(operator="+" | "-" | "*" | "//"):
            return _of_two(expression, ranges)
    return None


def _of_two(expression: Binary, ranges: Mapping[str, _Range]) -> _Range | None:
    left, right = _range(expression.left, ranges), _range(expression.right, ranges)
    if left is None or right is None:
        return None
    match expression.operator:
        case "+":
            return f"({left[0]} + {right[0]})", f"({left[1]} + {right[1]})"
        case "-":
            return f"({left[0]} - {right[1]})", f"({left[1]} - {right[0]})"
        case "*":
            ends = ", ".join(f"{one} * {other}" for one in left for other in right)
            return f"min({ends})", f"max({ends})"
    if not isinstance(expression.right, Constant) or expression.right.value.real <= 0:
        return None
    return f"({left[0]} // {right[0]})", f"({left[1]} // {right[0]})"
