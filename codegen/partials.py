"""Partial values: what a part of a reduced loop accumulates instead of the scalars themselves.

Before:  for i: s = s + a[i]              s an int64, which may wrap
After:   for i: S0_term0 = a[i]
                s_bound = s_bound + abs(float64(S0_term0))
                s = s + S0_term0          unchecked; s starts at 0, s_bound at 0.0

A part starts each value at a neutral element, so it need not know what came before it. Two
neighbouring parts combine by `left` and `right` of `Part.combination`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    Variable,
)
from autopar.analysis.model.types import BOOL, FLOAT, INTEGER_LIMITS, ScalarType
from autopar.analysis.model.unused import unused

from .canonical import Shape, shape_of
from .kernel import Branch, Cells, Decision, Instance, Loop, Node, Reduced
from .lasting_cells import marks_of, noted
from .reduced import Term, may_need_order, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One value that a part of the loop accumulates."""

    name: str
    type: ScalarType
    kind: Literal["value", "bound", "unsure", "chosen", "noted"]
    neutral: Number
    # Of the variables `left` and `right`. For a value that is chosen, whether `right` is,
    # if anything is there; None for what goes with it.
    combination: Operation | Number | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialLoop:
    """A loop over a part of its range, its reduced scalars replaced by partial values."""

    loop: Loop
    shape: Shape
    # For each reduction: value, then bound and doubt where it has them; bounds of cells at last.
    parts: tuple[Part, ...]
    # The arrays that keep their last values, and those that note which elements were written.
    marks: tuple[tuple[str, str], ...] = ()

    def choice(self, part: Part) -> tuple[Part, ...]:
        """Return what goes with an extremum that is chosen: whether one is, what is noted."""
        found: list[Part] = []
        for each in self.parts[self.parts.index(part) + 1 :]:
            if each.combination is not None:
                break
            found.append(each)
        return tuple(found)

    def doubt(self, part: Part) -> Part | None:
        """Return what notes that equal zeros met in an unknown order, for an extremum."""
        later = self.parts[self.parts.index(part) + 1 :]
        following = next((each for each in later), None)
        is_own = part.kind == "value" and following is not None and following.kind == "unsure"
        return following if is_own else None


def partial_loop(loop: Loop, taken: frozenset[str]) -> PartialLoop:
    """Return what a part of `loop` does; `taken` are names that it may not use for its own."""
    shape = shape_of(loop)
    parts = tuple(part for each in loop.reductions for part in _parts(each, shape, loop, taken))
    parts += tuple(
        _bound(each.array, "+", loop, taken) for each in loop.cells if has_wide_bound(each)
    )
    accumulated = (*(each.target for each in loop.reductions), *(each.array for each in loop.cells))
    names = {each: _name(each, "bound", taken) for each in accumulated}
    doubts = {each.target: _name(each.target, "unsure", taken) for each in loop.reductions}
    chosen = {each.target: _name(each.target, "chosen", taken) for each in loop.reductions}
    marks = marks_of(loop, taken)
    rewriter = _Rewriter(
        reductions=loop.reductions,
        cells=tuple(each for each in loop.cells if not each.is_last),
        bounds=names,
        doubts=doubts,
        chosen=chosen,
        marks=marks,
    )
    body = tuple(node for each in loop.body for node in rewriter.nodes(each))
    loop = replace(loop, body=body)
    return PartialLoop(loop=loop, shape=shape, parts=parts, marks=tuple(marks.items()))


def has_doubt(reduced: Reduced, shape: Shape) -> bool:
    """Return whether the partial values say that the order mattered after all."""
    return reduced.has_zeros and (shape.lanes > 1 or may_need_order(reduced))


def has_bound(reduced: Reduced) -> bool:
    """Return whether the partial values include a bound of what any order may reach."""
    return reduced.may_wrap and reduced.largest is None


def has_wide_bound(cells: Cells) -> bool:
    """Return whether the partial values include a bound of what any element may have added."""
    return cells.may_wrap and cells.largest is None


def _name(target: str, kind: str, taken: frozenset[str]) -> str:
    return unused(f"{target}_{kind}", taken)


def _parts(reduced: Reduced, shape: Shape, loop: Loop, taken: frozenset[str]) -> Iterator[Part]:
    span, type_ = loop.span, reduced.type
    yield Part(
        name=reduced.target,
        type=type_,
        kind="value",
        neutral=Number(value=neutral(reduced), type=type_, span=span),
        combination=_combination(reduced, span),
    )
    if reduced.is_chosen:
        yield _companion(_name(reduced.target, "chosen", taken), BOOL, "chosen", span)
        for each in reduced.noted:
            yield _companion(each.name, each.type, "noted", span)
    if has_bound(reduced):
        yield _bound(reduced.target, reduced.operator, loop, taken)
    if has_doubt(reduced, shape):
        yield Part(
            name=_name(reduced.target, "unsure", taken),
            type=BOOL,
            kind="unsure",
            neutral=Number(value=False, type=BOOL, span=span),
            combination=_of_both("or", BOOL, span),
        )


def _bound(target: str, operator: str, loop: Loop, taken: frozenset[str]) -> Part:
    """Return the bound of what any order of sums or products may reach."""
    return Part(
        name=_name(target, "bound", taken),
        type=FLOAT,
        kind="bound",
        neutral=Number(value=0.0 if operator == "+" else 1.0, type=FLOAT, span=loop.span),
        combination=_of_both(operator, FLOAT, loop.span),
    )


def _companion(name: str, type_: ScalarType, kind: Literal["chosen", "noted"], span: Span) -> Part:
    value = False if type_.dtype == "bool" else 0
    neutral = Number(value=value, type=type_, span=span)
    return Part(name=name, type=type_, kind=kind, neutral=neutral, combination=None)


def neutral(reduced: Reduced) -> bool | int | float | complex:
    """Return what changes nothing it is combined with."""
    dtype, operator = reduced.dtype, reduced.operator.removeprefix("numpy.")
    if reduced.is_last:  # nobody asks for it
        return {"b": False, "f": 0.0, "c": 0j}.get(dtype[0], 0)
    if operator == "+":
        # -0.0 + x is x for every x; 0.0 + -0.0 is not.
        return {"f": -0.0, "c": complex(-0.0, -0.0)}.get(dtype[0], 0)
    if operator == "*":
        return 1.0 if dtype[0] == "f" else 1
    if operator in {"and", "&"}:
        return True if dtype == "bool" else -1 if dtype[0] == "i" else INTEGER_LIMITS[dtype][1]
    if operator in {"or", "|", "^"}:
        return False if dtype == "bool" else 0
    is_smallest = operator.startswith(("min", "<"))
    if dtype == "bool":
        return is_smallest
    if dtype[0] == "f":
        return float("inf") if is_smallest else float("-inf")
    return INTEGER_LIMITS[dtype][is_smallest]


def _combination(reduced: Reduced, span: Span) -> Operation | Number:
    if reduced.is_last:
        return Number(value=True, type=BOOL, span=span)
    if reduced.is_chosen:
        compared = _of_both(reduced.operator, reduced.type, span)
        return replace(compared, operands=compared.operands[::-1], type=BOOL)
    combined = _of_both(reduced.operator, reduced.type, span)
    if not reduced.is_flipped:
        return combined
    return replace(combined, operands=combined.operands[::-1])


def _of_both(operator: str, type_: ScalarType, span: Span) -> Operation:
    left = Variable(name="left", type=type_, span=span)
    right = Variable(name="right", type=type_, span=span)
    return Operation(name=operator, operands=(left, right), type=type_, hazards=0, span=span)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rewriter:
    """Turns updates of reduced scalars into updates of partial values."""

    reductions: tuple[Reduced, ...]
    cells: tuple[Cells, ...]
    bounds: dict[str, str]  # name of the bound, by target
    doubts: dict[str, str]
    chosen: dict[str, str]
    marks: dict[str, str]

    def nodes(self, node: Node) -> Iterator[Node]:
        match node:
            case Loop() | Branch():
                body = tuple(inner for each in node.body for inner in self.nodes(each))
                yield replace(node, body=body)
            case Decision():
                body, orelse = (
                    tuple(inner for each in arm for inner in self.nodes(each))
                    for arm in (node.body, node.orelse)
                )
                yield replace(node, body=body, orelse=orelse)
            case Instance() if self._is_found_at_last(node):
                pass
            case Instance():
                reduced = [each for each in self.reductions if node.name in each.statements]
                cells = [each for each in self.cells if node.name in each.statements]
                if cells:
                    yield from self._element(node, cells[0])
                elif reduced and reduced[0].may_wrap:
                    yield from self._integer(node, reduced[0])
                elif reduced and may_need_order(reduced[0]):
                    yield from self._extremum(node, reduced[0])
                else:
                    yield from noted(node, self.marks)
                    yield from self._marked(node)

    def _is_found_at_last(self, node: Instance) -> bool:
        """Return whether a statement marks what only the values of all parts tell."""
        marks = {name for each in self.reductions for name in each.replaced}
        return isinstance(node.statement, SetVariable) and node.statement.name in marks

    def _marked(self, node: Instance) -> Iterator[Node]:
        """Yield, after an extremum was chosen, that one was."""
        for each in self.reductions:
            is_own = isinstance(node.statement, SetVariable) and node.statement.name == each.target
            if each.is_chosen and is_own:
                true = Number(value=True, type=BOOL, span=node.span)
                yield _set(node, self.chosen[each.target], true, node.name)

    def _integer(self, node: Instance, reduced: Reduced) -> Iterator[Node]:
        """Yield the update term by term: nothing is checked, but magnitudes are added up."""
        for number, term in enumerate(terms_of(node.statement, reduced.target)):
            value: TypedExpression = term.value
            if has_bound(reduced):
                kept = f"{node.name}_term{number}"
                yield _set(node, kept, value, f"{node.name}_{2 * number}")
                value = Variable(name=kept, type=value.type, span=value.span)
                bound = _larger_bound(self.bounds[reduced.target], reduced, value)
                yield _set(node, self.bounds[reduced.target], bound, node.name)
            target = Variable(name=reduced.target, type=reduced.type, span=value.span)
            grown = replace(term.operation, operands=_placed(term, target, value), hazards=0)
            yield _set(node, reduced.target, grown, f"{node.name}_{2 * number + 1}")

    def _element(self, node: Instance, cells: Cells) -> Iterator[Node]:
        """Yield the update of an element: nothing is checked, but magnitudes are added up."""
        statement = node.statement
        assert isinstance(statement, Store)
        assert isinstance(statement.value, Operation)  # found so
        value = statement.value
        if has_wide_bound(cells):
            (other,) = (each for each in value.operands if not _is_own(each, statement))
            kept = f"{node.name}_term"
            yield _set(node, kept, other, f"{node.name}_0")
            term = Variable(name=kept, type=other.type, span=value.span)
            name = self.bounds[cells.array]
            yield _set(node, name, _sum_of_magnitudes(name, term), node.name)
            operands = tuple(each if _is_own(each, statement) else term for each in value.operands)
            value = replace(value, operands=operands)
        label = f"{node.name}_1"
        yield replace(
            node, name=label, statement=replace(statement, value=replace(value, hazards=0))
        )

    def _extremum(self, node: Instance, reduced: Reduced) -> Iterator[Node]:
        """Yield the update with its value tested for nan, which forgets what came before."""
        target: TypedExpression = Variable(name=reduced.target, type=reduced.type, span=node.span)
        for number, term in enumerate(terms_of(node.statement, reduced.target)):
            kept = f"{node.name}_term{number}"
            yield _set(node, kept, term.value, f"{node.name}_{2 * number}")
            value = Variable(name=kept, type=term.value.type, span=node.span)
            doubt = Variable(name=self.doubts[reduced.target], type=BOOL, span=node.span)
            is_nan = _operation("!=", (value, value), BOOL, node.span)
            found = _operation("or", (doubt, is_nan), BOOL, node.span)
            yield _set(node, doubt.name, found, node.name)
            grown = replace(term.operation, operands=_placed(term, target, value))
            yield _set(node, reduced.target, grown, f"{node.name}_{2 * number + 1}")


def _set(node: Instance, name: str, value: TypedExpression, label: str) -> Instance:
    """Return an assignment in the place of `node`; `label` begins the names of its temporaries."""
    return replace(
        node, name=label, statement=SetVariable(name=name, value=value, span=node.statement.span)
    )


def _placed(
    term: Term, target: TypedExpression, value: TypedExpression
) -> tuple[TypedExpression, ...]:
    return (target, value) if term.position == 0 else (value, target)


def _is_own(operand: TypedExpression, store: Store) -> bool:
    """Return whether an operand is the very element that is updated."""
    return isinstance(operand, Load) and operand.array == store.array


def _sum_of_magnitudes(name: str, value: TypedExpression) -> Operation:
    """Return a bound with one more magnitude added."""
    span = value.span
    real = Cast(operand=value, type=FLOAT, hazards=0, span=span)
    magnitude = _operation("abs", (real,), FLOAT, span)
    return _operation("+", (Variable(name=name, type=FLOAT, span=span), magnitude), FLOAT, span)


def _larger_bound(name: str, reduced: Reduced, value: TypedExpression) -> Operation:
    """Return the bound after one more term: the sum, or the product, of all magnitudes."""
    span = value.span
    real = Cast(operand=value, type=FLOAT, hazards=0, span=span)
    magnitude = _operation("abs", (real,), FLOAT, span)
    bound = Variable(name=name, type=FLOAT, span=span)
    if reduced.operator == "*":
        one = Number(value=1.0, type=FLOAT, span=span)
        magnitude = _operation("max", (one, magnitude), FLOAT, span)
    return _operation(reduced.operator, (bound, magnitude), FLOAT, span)


def _operation(
    name: str, operands: tuple[TypedExpression, ...], type_: ScalarType, span: Span
) -> Operation:
    return Operation(name=name, operands=operands, type=type_, hazards=0, span=span)
