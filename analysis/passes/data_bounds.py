"""Bounds of a loop that are data: an envelope of parameters, and a predicate inside it.

Before:  for i in range(n):                        After:  start = int(ptr[i])
             for j in range(ptr[i], ptr[i + 1]):           stop = int(ptr[i + 1])
                 y[i] += v[j]                              in_2 = start <= j < stop
                                                           y[i] += v[j]          if in_2
                                                   where j_first <= j < j_end

As in Benabderrahmane, Pouchet, Cohen and Bastoul, The polyhedral model is more widely applicable
than you think, CC 2010, the domain is a superset of what runs; unlike there its ends are
parameters, which a call finds by a look at the data. So what is proven of subscripts is proven
of those that occur, and code generation puts the bounds themselves back.

Before:  for i in range(2, n):                     After:  j_start = int(i * i); j_step = int(i)
             for j in range(i * i, n, i):                  in_2 = j_start <= j
                 p[j] = False                                     and (j - j_start) % i == 0
                                                   where j_first <= j < n

So is a step that changes with the loops around: the model has a loop over all integers between
the bounds, and a predicate. Bounds that are the same in every iteration around need none.
Helper of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..model import isl, isl_ast
from ..model.indirect import INDIRECT
from ..model.loop_ir import (
    Assign,
    Binary,
    BoolOp,
    Call,
    Compare,
    CompareOperator,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    Name,
    Unary,
    walk_expression,
)
from ..model.scop import Array, Box, DataBounds
from ..model.text import python_text
from .accesses import named_reads, predicate_reads, reads, writes
from .readable import negated
from .scop_draft import Draft, Place
from .subscripts import resolved
from .substitution import rebuilt
from .truth import truth

_OPERATORS = frozenset(("+", "-", "*", "//", "%"))


def data_bounds(
    draft: Draft,
    node: For,
    limits: tuple[Expression, Expression],
    place: Place,
    step: int,
    *,
    stride: Expression | None = None,
) -> DataBounds | None:
    """Return what the bounds of `node` are, if one is data; None where a call could not tell.

    `limits` are start and stop with known values put in. `stride` is the step, where that is no
    constant but known to be positive; then the model's `step` is 1. New parameters and scalars
    are entered.
    """
    are_data = tuple(not draft.has_bound(limit, place) for limit in limits)
    traced = tuple(_traced(draft, limit, place, len(draft.pending)) for limit in limits)
    start, stop = traced
    if start is None or stop is None or (are_data[0] and abs(step) > 1):
        return None
    decided = (start, stop) if stride is None else (start, stop, stride)
    if not all(_is_computable(draft, each, place) for each in decided):
        return None
    # Products of names are decided with their values, but for those of loop variables.
    if stride is None and any(
        is_data and not _reads_elements(each)
        for each, is_data in zip((start, stop), are_data, strict=True)
    ):
        return None
    boxes = _boxes(draft, decided, place)
    if boxes is None:
        return None
    for each in decided:
        _enter(draft, each)
    key = _key(decided, boxes, (are_data, step))
    known = draft.data_bounds.get(key)
    # With a step between, ranges lie in one another: nobody asks whether they are apart.
    asked = () if stride else boxes
    found = known or _found(draft, node, (start, stop), asked, are_data, step)
    draft.data_bounds[key] = found
    if not boxes:
        return found
    line = node.span.line
    return DataBounds(
        start=start,
        stop=stop,
        boxes=boxes,
        first=found.first,
        end=found.end,
        trips=found.trips,
        apart=found.apart,
        start_name=draft.fresh_scalar(f"{node.variable}_start") if are_data[0] or stride else None,
        stop_name=draft.fresh_scalar(f"{node.variable}_stop") if are_data[1] else None,
        predicate=draft.fresh_predicate(line),
        step=stride,
        step_name=draft.fresh_scalar(f"{node.variable}_step") if stride else None,
    )


def is_positive(draft: Draft, step: Expression, place: Place) -> bool:
    """Return whether a step that changes with the loops around is positive in all of them."""
    names = {each.name for each in walk_expression(step) if isinstance(each, Name)}
    if not names & draft.surrounding(place):
        return False  # the values of a call decide
    zero = Constant(value=0, span=step.span)
    falls = draft.constraint(Compare(operator="<=", left=step, right=zero, span=step.span), place)
    if falls is None:
        return False
    tests = " and ".join((*place.constraints, falls))
    dimensions = ", ".join(draft.dimensions(place))
    return isl.Set.parse(f"{draft.prefix()}{{ [{dimensions}] : {tests} }}").is_empty()


def _found(
    draft: Draft,
    node: For,
    limits: tuple[Expression, Expression],
    boxes: tuple[Box, ...],
    are_data: tuple[bool, ...],
    step: int,
) -> DataBounds:
    """Enter the parameters that a call finds, and return the bounds with them alone."""

    def parameter(suffix: str) -> str:
        return draft.fresh_parameter(f"{node.variable}_{suffix}", node.span).name

    lower, upper = are_data if step > 0 else are_data[::-1]
    return DataBounds(
        start=limits[0],
        stop=limits[1],
        boxes=boxes,
        first=parameter("first") if lower else None,
        end=parameter("end") if upper else None,
        trips=parameter("trips"),
        apart=parameter("apart") if boxes else None,
        start_name=None,
        stop_name=None,
        predicate=None,
    )


def _key(
    limits: tuple[Expression, ...], boxes: tuple[Box, ...], others: tuple[object, ...]
) -> tuple[str, ...]:
    """Return what tells bounds from others: equal ones are the same at every call."""
    around = (
        f"{each.loop} {python_text(each.least)} {python_text(each.greatest)}" for each in boxes
    )
    return (*map(python_text, limits), *around, str(others))


# --------------------------------------------------------------------------- what they are


def _traced(draft: Draft, limit: Expression, place: Place, before: int) -> Expression | None:
    """Return `limit` with what scalars of the nest were assigned put in; None where unknown.

    `before` is the number of statements read before it.
    """
    unknown: list[str] = []

    def visit(node: Expression) -> Expression:
        if isinstance(node, Name) and node.name in draft.uses.assigned:
            value = _assigned_value(draft, node.name, place, before)
            if value is not None:
                return value
            unknown.append(node.name)
        return rebuilt(node, visit)

    found = visit(limit)
    return None if unknown else found


def _assigned_value(draft: Draft, name: str, place: Place, before: int) -> Expression | None:
    """Return the value of a scalar at `place`, where one assignment surely gave it."""
    targets = (draft.pending[number][0].target for number in range(before))
    numbers = [n for n, each in enumerate(targets) if isinstance(each, Name) and each.name == name]
    number = numbers[-1] if numbers else None
    if number is None:
        return None
    body, _, there = draft.pending[number]
    depth = len(there.loops)
    dominates = (
        place.loops[:depth] == there.loops
        and place.predicates[: len(there.predicates)] == there.predicates
        and place.constraints[: len(there.constraints)] == there.constraints
        # Further inside, a later statement may change it before the next iteration.
        and not any(name in draft.changing[loop] for loop in place.loops[depth:])
    )
    if not dominates or not isinstance(body, Assign):
        return None
    return _traced(draft, body.value, there, number)


def _is_computable(draft: Draft, expression: Expression, place: Place) -> bool:
    """Return whether a call can compute `expression` before the region, as the region will."""
    products = 0
    for node in walk_expression(expression):
        match node:
            case Constant(value=bool()) | Constant(value=float() | complex()):
                return False
            case Constant() | Unary(operator="-" | "+"):
                pass
            case Name(name=name):
                if not draft.uses.is_parameter(name) and name not in draft.surrounding(place):
                    return False
            case Element(array=array) | Extent(array=array):
                if array in draft.uses.shapes:
                    return False
                if isinstance(node, Element) and array in draft.uses.written:
                    return False
            case Binary(operator=operator) if operator in _OPERATORS:
                products += operator == "*"
            case Call(function="min" | "max", arguments=(_, _, *_)):
                pass
            case Call(function=name, arguments=(_,)) if name in {"int", INDIRECT}:
                pass
            case _:
                return False
    return products <= 1  # so that 64 bits hold it, where they hold its parts in 32


def _reads_elements(expression: Expression) -> bool:
    return any(isinstance(node, Element) for node in walk_expression(expression))


def _enter(draft: Draft, expression: Expression) -> None:
    draft.enter_parameters(expression)
    for node in walk_expression(expression):
        if isinstance(node, Element):
            draft.arrays.setdefault(node.array, Array(name=node.array, rank=len(node.indices)))


def _boxes(draft: Draft, limits: tuple[Expression, ...], place: Place) -> tuple[Box, ...] | None:
    """Return the range of each loop variable in the bounds; None where one is no expression."""
    names = {
        node.name for limit in limits for node in walk_expression(limit) if isinstance(node, Name)
    }
    found = []
    for loop in place.loops:
        if draft.loops[loop].variable in names:
            box = _box(draft, loop, place)
            if box is None:
                return None
            found.append(box)
    return tuple(found)


def _box(draft: Draft, loop: int, place: Place) -> Box | None:
    span, variable = draft.loops[loop].span, draft.loops[loop].variable
    name = draft.identifiers.of(variable)
    tests = " and ".join(place.constraints)
    around = f"{draft.prefix()}{{ [{', '.join(draft.dimensions(place))}] : {tests} }}"
    values = isl.Set.parse(around).keep((name,))
    mirrored = isl.Map.parse(f"{{ [{name}] -> [-{name}] }}").intersect_domain(values).range()
    if values.is_empty():
        return None
    greatest = isl_ast.value(values.lexmax(), 0, span)
    least = isl_ast.value(mirrored.lexmax(), 0, span)
    if greatest is None or least is None:
        return None
    return Box(loop=loop, variable=variable, least=negated(least), greatest=greatest)


def known_of_data(draft: Draft) -> list[str]:
    """Return what a call is sure to find of bounds that are data, as isl constraints."""
    known = []
    for each in draft.data_bounds.values():
        known.append(f"{each.trips} >= 0")
        if each.apart is None:
            continue
        known.append(f"0 <= {each.apart} <= 1")
        if each.first is not None and each.end is not None:
            known.append(f"{each.first} <= {each.end}")
    return known


# ------------------------------------------------------------------------------ statements


def set_bounds(
    draft: Draft, node: For, data: DataBounds, place: Place, known: Mapping[str, Expression]
) -> Place:
    """Enter the statements that hold the bounds of a loop, and return the place after them."""
    names = (data.start_name, data.stop_name, data.step_name)
    for name, limit in zip(names, (node.start, node.stop, node.step), strict=True):
        if name is not None:
            value = _whole(resolved(limit, known, draft.uses))
            place = _set(draft, name, value, place, ())
    return place


def _whole(limit: Expression) -> Expression:
    """Return `limit` as a Python integer: what `range` makes of it."""
    if isinstance(limit, Call) and limit.function in {"min", "max"}:
        # One of the operands as it is, whatever their types.
        return replace(limit, arguments=tuple(map(_whole, limit.arguments)))
    return Call(function="int", arguments=(limit,), span=limit.span)


def set_predicate(draft: Draft, node: For, data: DataBounds, place: Place, step: int) -> Place:
    """Enter the statement that says whether an iteration runs, and return where one does."""
    assert data.predicate is not None  # the caller asked
    tests = tuple(_tests(node, data, step))
    test = tests[0]
    if len(tests) > 1:
        test = BoolOp(operator="and", values=tests, span=node.span)
    names = tuple(name for name in (data.start_name, data.stop_name) if name is not None)
    place = _set(draft, data.predicate, truth(test), place, names)
    return place.under(data.predicate, holds=True)


def _tests(node: For, data: DataBounds, step: int) -> Iterator[Expression]:
    variable = Name(name=node.variable, span=node.span)
    first: CompareOperator = "<=" if step > 0 else ">="
    last: CompareOperator = "<" if step > 0 else ">"
    if data.start_name is not None:
        start = Name(name=data.start_name, span=node.start.span)
        yield Compare(operator=first, left=start, right=variable, span=node.start.span)
    if data.stop_name is not None:
        stop = Name(name=data.stop_name, span=node.stop.span)
        yield Compare(operator=last, left=variable, right=stop, span=node.stop.span)
    if data.step is not None:
        assert data.start_name is not None  # it has one
        span = node.step.span
        start = Name(name=data.start_name, span=span)
        beyond = Binary(operator="-", left=variable, right=start, span=span)
        rest = Binary(operator="%", left=beyond, right=data.step, span=span)
        yield Compare(operator="==", left=rest, right=Constant(value=0, span=span), span=span)


def _set(draft: Draft, name: str, value: Expression, place: Place, names: tuple[str, ...]) -> Place:
    """Enter `name = value`, where `value` reads the scalars `names` besides the user's."""
    body = Assign(target=Name(name=name, span=value.span), value=value, span=value.span)
    accesses = (
        *predicate_reads(draft, place, value.span),
        *named_reads(draft, names, place, value.span),
        *reads(draft, value, place),
        *writes(draft, body.target, place),
    )
    draft.pending.append((body, accesses, place))
    return place.at(place.position[-1] + 1)
