"""The values that scalars have after a region, and when they have one at all.

Before:  for i in range(2, n): ...     After:  i ends as n - 1, if n >= 3

A loop variable that lives on ends with its value in the last iteration; where the loop never
ran it keeps its old value, or stays unbound, which only the interpreter can tell.
"""

from __future__ import annotations

from ..model import isl, isl_ast
from ..model.loop_ir import Binary, Constant, Name, walk_expression
from ..model.plan import Condition
from ..model.scop import Loop, Row, Scop
from ..model.text import python_text
from .certain_writes import certain_writers
from .conditions import condition
from .readable import negated
from .sure_instances import sure_runs


def find_last_values(scop: Scop) -> tuple[tuple[tuple[str, str], ...], Condition] | None:
    """Return the last values of the loop variables that live on, and when all are defined.

    The condition also asks that every other scalar that lives on was assigned. None where a
    last value is not one expression.
    """
    defined = scop.context
    values: list[tuple[str, str]] = []
    for name in scop.live_out:
        found = _last_value(scop, name)
        if found is None:
            return None
        text, domain = found
        defined = defined.intersect(domain.params())
        if text:
            values.append((name, text))
    return tuple(values), condition(scop, defined)


def unknown_last_values(scop: Scop) -> frozenset[str]:
    """Return the loop variables that live on with a last value that is not one expression."""
    variables = {each.variable for each in scop.loops}
    return frozenset(
        name for name in scop.live_out if name in variables and _last_value(scop, name) is None
    )


def _last_value(scop: Scop, name: str) -> tuple[str, isl.Set] | None:
    loops = [number for number, loop in enumerate(scop.loops) if loop.variable == name]
    rows = [row for row in scop.rows if row.name == name]
    if rows:
        return _last_row(scop, rows)
    if name in scop.maybe_assigned:
        return "", scop.context
    is_assigned = bool(certain_writers(scop, name))
    if scop.exchanged is not None and name == scop.exchanged.turns and not is_assigned:
        return _turns(scop), scop.context
    if not loops:
        writes = [each.last.domain for each in certain_writers(scop, name)]
        if writes:
            return "", _united(writes)
        # Without a write that certainly happens it lives into the region too.
        surely = sure_runs(scop, name)
        return "", scop.context if surely is None else surely
    if any(scop.loops[loop].predicates for loop in loops):
        return None
    *others, last = loops
    if others and not all(_is_after(scop, last, each) for each in others):
        return None
    return _last_iteration(scop, last)


def _is_after(scop: Scop, loop: int, other: int) -> bool:
    """Return whether the last iteration of `loop` comes later than any of `other` before it.

    So it does where both lie in a loop that runs `loop` in all of its iterations, if in one.
    """
    around, others = surrounding(scop, loop)[:-1], surrounding(scop, other)[:-1]
    if not around or around != others[: len(around)]:
        return False
    iterations = scop.loops[loop].iterations
    parent = scop.loops[around[-1]].iterations.intersect_params(iterations.params())
    return parent.is_subset(iterations.outer(scop.loops[loop].depth))


def _last_row(scop: Scop, rows: list[Row]) -> tuple[str, isl.Set] | None:
    """Return the part of an array that a name stands for in the last iteration of its loop."""
    (row, *others) = rows
    if others or scop.loops[row.loop].predicates:
        return None
    values: dict[str, str] = {each.name: each.text for each in scop.parameters}
    for number in surrounding(scop, row.loop):
        found = _last_iteration(scop, number)
        if found is None or not found[0]:
            return None
        values[scop.loops[number].variable] = f"({found[0]})"
    return python_text(row.part, values), scop.loops[row.loop].iterations


def _turns(scop: Scop) -> str:
    """Return the number of turns of the outermost loop as Python text."""
    outermost = scop.loops[0]
    texts = {each.name: each.text for each in scop.parameters}
    start, stop = (python_text(each, texts) for each in (outermost.start, outermost.stop))
    return f"len(range({start}, {stop}, {outermost.step}))"


def _united(domains: list[isl.Set]) -> isl.Set:
    """Return the parameter values for which any of the domains has an instance."""
    union = domains[0].params()
    for each in domains[1:]:
        union = union.union(each.params())
    return union


def _last_iteration(scop: Scop, loop: int) -> tuple[str, isl.Set] | None:
    """Return the last value of a loop variable as Python text, and the loop's iterations."""
    shape = scop.loops[loop]
    names = shape.iterations.dimensions
    # In schedule order a descending loop counts its negated variable.
    rising = [scop.loops[each].step > 0 for each in surrounding(scop, loop)]
    time = [name if up else f"-{name}" for name, up in zip(names, rising, strict=True)]
    ordered = isl.Map.parse(f"{{ [{', '.join(names)}] -> [{', '.join(time)}] }}")
    last = ordered.intersect_domain(shape.iterations).range().lexmax()
    if last.is_empty():
        return "", shape.iterations
    value = isl_ast.value(last, shape.depth, scop.span)
    if value is None and shape.step == 1 and is_rectangular(scop, shape):
        # One of several ends, as that of the shortest of some arrays.
        one = Constant(value=1, span=shape.span)
        value = Binary(operator="-", left=shape.stop, right=one, span=shape.span)
        return python_text(value), shape.iterations
    if value is None:
        return None
    texts = {each.name: each.text for each in scop.parameters}
    return python_text(value if rising[-1] else negated(value), texts), shape.iterations


def is_rectangular(scop: Scop, loop: Loop) -> bool:
    """Return whether the bounds of a loop are the same in every iteration around it."""
    variables = {each.variable for each in scop.loops}
    if loop.data is not None and loop.data.boxes:
        return False
    return not any(
        isinstance(node, Name) and node.name in variables
        for limit in (loop.start, loop.stop)
        for node in walk_expression(limit)
    )


def surrounding(scop: Scop, loop: int) -> tuple[int, ...]:
    """Return the loops around `loop`, outermost first, itself last."""
    inside = next((each.loops for each in scop.statements if loop in each.loops), None)
    if inside is not None:
        return inside[: inside.index(loop) + 1]
    span = scop.loops[loop].span
    around = (number for number in range(loop) if scop.loops[number].span.contains(span))
    return (*around, loop)
