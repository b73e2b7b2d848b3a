"""Generated functions that look, at a call, at bounds that are data.

Before:  for i in range(n): for j in range(ptr[i], ptr[i + 1]): ...
After:   def rows_0(ptr, n):
             return autopar_all_rows(autopar_part(ptr, 0, n - 1),
                                     autopar_part(ptr, 0 + 1, n - 1 + 1), ...)

They compute the bounds as the region will, in the dtypes of its arrays (NEP 50), for all values
of the loop variables at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autopar.analysis.facts import rows
from autopar.analysis.facts.reasons import RowsOverlap
from autopar.analysis.model.indirect import INDIRECT
from autopar.analysis.model.loop_ir import (
    Binary,
    Call,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Unary,
    children,
    walk_expression,
)
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.scop import Box, DataBounds, Scop
from autopar.analysis.model.text import python_text

from .own_builtins import defined

# What `find` may raise where the interpreter would, or might.
NOT_FOUND = (TypeError, ValueError, IndexError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinder:
    """Finds what is to be known of one or more loops with the same bounds."""

    arguments: tuple[str, ...]  # names of the call, and parameters found before
    found: tuple[str, ...]  # the parameters that `find` gives, in this order
    find: Callable[..., tuple[int, ...]]  # raises one of NOT_FOUND
    lines: tuple[str, ...]  # its source


def row_finders(region: RegionPlan) -> tuple[RowFinder, ...]:
    """Return what finds the parameters that are data, in an order in which it can."""
    scop = region.scop
    distinct = {
        loop.data.trips: (loop.data, loop.step) for loop in scop.loops if loop.data is not None
    }
    return tuple(
        _finder(scop, data, number, falls=step < 0, wants_apart=_asks_for_apart(region, data))
        for number, (data, step) in enumerate(distinct.values())
    )


def _asks_for_apart(region: RegionPlan, data: DataBounds) -> bool:
    """Return whether anything depends on the rows being apart; what overlaps is planned anew."""
    texts = (each.condition.text for each in region.loops if each.condition is not None)
    others = (e.inspected_where.text for e in region.loops if e.inspected_where is not None)
    return any(data.apart is not None and data.apart in text for text in (*texts, *others))


def overlapping_rows(
    region: RegionPlan, holding: frozenset[int], found: Mapping[str, int]
) -> RowsOverlap | None:
    """Return why a loop that is not among those `holding` keeps its order, if rows are why.

    `found` are the parameters that a call found in its data.
    """
    apart = [
        loop.data.apart
        for loop in region.scop.loops
        if loop.data is not None and loop.data.apart is not None and not found[loop.data.apart]
    ]
    for plan in region.loops:
        where = plan.condition
        if where is None or plan.loop in holding or not apart:
            continue
        if any(name in where.text for name in apart):
            loop = region.scop.loops[plan.loop]
            return RowsOverlap(span=loop.span, loop_variable=loop.variable, condition=where.words)
    return None


def _finder(
    scop: Scop, data: DataBounds, number: int, *, falls: bool, wants_apart: bool
) -> RowFinder:
    writer = _Writer(scop, data)
    arguments = tuple(dict.fromkeys(writer.arguments()))
    name = f"rows_{number}"
    lines = [f"def {name}({', '.join(arguments)}):"]
    lines += [f"    {line}" for line in writer.lines()]
    start, stop = (writer.text(each) for each in (data.start, data.stop))
    step = "" if data.step is None else f"{writer.text(data.step)}, "
    compressed = writer.compressed() if not falls and not step else None
    if compressed is not None:
        lines.append(f"    found = autopar_compressed_rows({compressed})")
    elif data.boxes:
        more = f"falls={falls}, wants_apart={wants_apart}"
        lines.append(f"    found = autopar_all_rows({start}, {stop}, {step}{more})")
    else:
        lines.append(f"    found = autopar_one_row({start}, {stop}, falls={falls})")
    kinds = (("first", data.first), ("end", data.end), ("trips", data.trips), ("apart", data.apart))
    values = [f"int(found.{kind})" for kind, parameter in kinds if parameter is not None]
    lines.append(f"    return ({', '.join(values)},)")
    names: dict[str, Any] = {
        "autopar_compressed_rows": rows.compressed_rows, "autopar_all_rows": rows.all_rows,
        "autopar_one_row": rows.one_row,
        "autopar_values": rows.values, "autopar_part": rows.part, "autopar_whole": rows.whole,
        "autopar_least": rows.least, "autopar_greatest": rows.greatest,
        "autopar_wide": _wide,
    }  # fmt: skip
    found = defined("\n".join(lines), "rows", names)[name]
    limits = _limits(data)
    if not any(isinstance(node, Binary | Unary) for each in limits for node in _values(each)):
        return RowFinder(arguments=arguments, found=data.parameters, find=found, lines=tuple(lines))

    def find(*values: object) -> tuple[int, ...]:
        with np.errstate(all="ignore"):  # the region warns itself, where it computes them
            result: tuple[int, ...] = found(*values)
        return result

    return RowFinder(arguments=arguments, found=data.parameters, find=find, lines=tuple(lines))


def _wide(*arrays: np.ndarray[Any, Any]) -> None:
    """Raise ValueError unless all arrays hold 64-bit integers.

    Loop variables are Python ints in the interpreter, and take the dtype of what they meet; as
    arrays they would lend theirs.
    """
    if any(each.dtype != np.int64 for each in arrays):
        raise ValueError(arrays)


class _Writer:
    """Writes the bounds of one loop over arrays of all values of the loop variables."""

    def __init__(self, scop: Scop, data: DataBounds) -> None:
        self._data = data
        self._boxes = {box.variable: box for box in data.boxes}
        self._texts = {each.name: each.text for each in scop.parameters}
        self._used: dict[str, None] = {}  # loop variables that stand for themselves

    def arguments(self) -> Iterator[str]:
        """Yield the names that the function takes."""
        limits = _limits(self._data)
        ends = (end for box in self._data.boxes for end in (box.least, box.greatest))
        yield from sorted(self._data.arrays)
        for expression in (*limits, *ends):
            for node in walk_expression(expression):
                if isinstance(node, Extent):
                    yield node.array
                elif isinstance(node, Name) and node.name not in self._boxes:
                    yield self._texts.get(node.name, node.name).partition(".")[0]

    def lines(self) -> Iterator[str]:
        """Yield what stands before the bounds: the values of the loop variables."""
        limits = _limits(self._data)
        names = [self._box_names(box) for box in self._data.boxes]
        for box, (least, greatest) in zip(self._data.boxes, names, strict=True):
            yield f"{least} = {python_text(box.least, self._texts)}"
            yield f"{greatest} = {python_text(box.greatest, self._texts)}"
        if any(self._meets_loop_variable(limit) for limit in limits):
            yield f"autopar_wide({', '.join(sorted(self._data.arrays))})"
        for each in limits:
            self.text(each)
        for axis, (box, (least, greatest)) in enumerate(zip(self._data.boxes, names, strict=True)):
            if box.variable in self._used:
                where = f"{least}, {greatest}, {axis}, {len(names)}"
                yield f"{box.variable} = autopar_values({where})"

    def _box_names(self, box: Box) -> tuple[str, str]:
        return f"autopar_least_{box.loop}", f"autopar_greatest_{box.loop}"

    def _meets_loop_variable(self, expression: Expression) -> bool:
        """Return whether an operation has an element on one side and a loop variable on another."""
        return any(
            isinstance(node, Binary)
            and any(map(self._has_element, children(node)))
            and any(map(self._has_variable, children(node)))
            for node in walk_expression(expression)
        )

    def _has_element(self, expression: Expression) -> bool:
        """Return whether the dtype of `expression` is that of an element."""
        return any(isinstance(each, Element) for each in _operands(expression))

    def _has_variable(self, expression: Expression) -> bool:
        """Return whether the dtype of `expression` may be that of a loop variable."""
        names = (each.name for each in _operands(expression) if isinstance(each, Name))
        return any(name in self._boxes for name in names)

    def text(self, expression: Expression) -> str:
        """Return `expression` for all values of the loop variables."""
        match expression:
            case Constant(value=value):
                return repr(value)
            case Name(name=name):
                if name in self._boxes:
                    self._used[name] = None
                return name
            case Extent():
                return python_text(expression)
            case Element():
                return self._element(expression)
            case Unary():
                return f"({expression.operator}{self.text(expression.operand)})"
            case Binary():
                left, right = self.text(expression.left), self.text(expression.right)
                return f"({left} {expression.operator} {right})"
            case Call(function=name, arguments=arguments):
                inside = ", ".join(map(self.text, arguments))
                spelled: Mapping[str, str] = {
                    "int": "autopar_whole", "min": "autopar_least", "max": "autopar_greatest",
                    INDIRECT: "",
                }  # fmt: skip
                return f"{spelled[name]}({inside})"
        raise AssertionError(expression)  # `_is_computable` refused everything else

    def _element(self, element: Element) -> str:
        found = self._shifted(element.indices[0]) if len(element.indices) == 1 else None
        if found is not None and len(self._boxes) == 1:
            least, greatest = self._box_names(found[0])
            return f"autopar_part({element.array}, {least} + {found[1]}, {greatest} + {found[1]})"
        inside = ", ".join(map(self.text, element.indices))
        return f"{element.array}[{inside}]"

    def compressed(self) -> str | None:
        """Return array and ends of compressed rows, `ptr[i]` to `ptr[i + 1]`; None for others."""
        match self._data.start, self._data.stop:
            case Element(array=array, indices=(first,)), Element(array=other, indices=(second,)):
                start, stop = self._shifted(first), self._shifted(second)
                if array != other or start is None or stop is None or start[0] is not stop[0]:
                    return None
                if stop[1] != start[1] + 1:
                    return None
                least, greatest = self._box_names(start[0])
                return f"{array}, {least} + {start[1]}, {greatest} + {start[1]}"
        return None

    def _shifted(self, index: Expression) -> tuple[Box, int] | None:
        """Return the loop variable of `i`, `i + 1`, `i - 1`, with what is added."""
        match index:
            case Name(name=name) if name in self._boxes:
                return self._boxes[name], 0
            case Binary(operator="+" | "-", left=Name(name=name), right=Constant(value=int(value))):
                if name in self._boxes:
                    return self._boxes[name], value if index.operator == "+" else -value
        return None


def _limits(data: DataBounds) -> tuple[Expression, ...]:
    """Return all that decides which iterations run."""
    return (data.start, data.stop) if data.step is None else (data.start, data.stop, data.step)


def _operands(expression: Expression) -> Iterator[Expression]:
    """Yield the leaves that the dtype of `expression` depends on."""
    match expression:
        case Name() | Element():
            yield expression
        case Call(function=name) if name in {"int", "min", "max"}:
            pass  # integers of 64 bits from here on
        case _:
            for each in children(expression):
                yield from _operands(each)


def _values(expression: Expression) -> Iterator[Expression]:
    """Yield what is computed with elements; places of elements do not overflow."""
    yield expression
    if not isinstance(expression, Element):
        for each in children(expression):
            yield from _values(each)
