"""What a statement reads and writes, as access relations.

Before:  a[i, j + 1] = t + b[j]        After:  read  { S0[i, j] -> t[] }
                                               read  { S0[i, j] -> b[j] }
                                               write { S0[i, j] -> a[i, j + 1] }
Before:  y[idx[i], j] = 0              After:  read      { S1[i, j] -> idx[i] }
                                               may write { S1[i, j] -> y[x0, j] }

An indirect subscript stands for every cell of its axis: an over-approximation, so what is
written through it is only a may-write.

Helper of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from ..model import isl
from ..model.indirect import indirect_value, indirect_values
from ..model.loop_ir import Call, Element, Expression, Extent, Name, children, walk_expression
from ..model.row_functions import OF_TYPES
from ..model.scop import Access, Array
from ..model.source import Span
from .affine import affine
from .reasons import IndexArrayWritten, NonAffineSubscript
from .scop_draft import Draft, Place

Kind: TypeAlias = Literal["read", "may_write", "must_write"]


def reads(draft: Draft, expression: Expression, place: Place) -> Iterator[Access]:
    """Yield the read accesses of an expression in evaluation order."""
    for node in _evaluated(expression):
        match node:
            case Element():
                yield from _element(draft, "read", node, place)
            case Name(name=name) if name in draft.uses.assigned:
                yield _scalar(draft, "read", node, place)
            case Name(name=name) if name in draft.uses.variables:
                assert name in draft.surrounding(place)  # else it would be a scalar
            case Extent():
                draft.enter_parameters(node)
            case _:
                pass


def _evaluated(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all below it, operands first, but what is asked for its type only."""
    match expression:
        case Call(function=function) if function in OF_TYPES:
            pass
        case _:
            for each in children(expression):
                yield from _evaluated(each)
    yield expression


def predicate_reads(draft: Draft, place: Place, span: Span) -> Iterator[Access]:
    """Yield the reads of the predicates that decide whether a statement at `place` runs."""
    names = dict.fromkeys(each.name for each in place.predicates)
    yield from named_reads(draft, tuple(names), place, span)


def named_reads(draft: Draft, names: tuple[str, ...], place: Place, span: Span) -> Iterator[Access]:
    """Yield the reads of scalars that are none of the user's."""
    for name in names:
        yield _scalar(draft, "read", Name(name=name, span=span), place)


def writes(draft: Draft, target: Name | Element, place: Place) -> Iterator[Access]:
    """Yield the accesses of a target, its write last; a reason, where it has no model."""
    kind: Kind = "may_write" if place.predicates else "must_write"
    match target:
        case Element():
            values = indirect_values(target)
            for value in values:
                yield from reads(draft, value, place)
            yield from _element(draft, "may_write" if values else kind, target, place)
        case Name():
            yield _scalar(draft, kind, target, place)


def _element(draft: Draft, kind: Kind, node: Element, place: Place) -> Iterator[Access]:
    draft.arrays.setdefault(node.array, Array(name=node.array, rank=len(node.indices)))
    forms = []
    for axis, index in enumerate(node.indices):
        value = indirect_value(index)
        if value is not None:
            _check_unwritten(draft, node.array, value)
            forms.append(draft.any_cell(axis))
            continue
        draft.enter_parameters(index)
        form = affine(index, draft.atoms(place))
        if form is None:
            shown = draft.shown(index)
            draft.reasons.append(
                NonAffineSubscript(span=index.span, array=node.array, subscript=shown)
            )
            return
        forms.append(str(form))
    cell = f"{draft.identifiers.of(node.array)}[{', '.join(forms)}]"
    yield Access(
        kind=kind,
        array=node.array,
        relation=_relation(draft, cell, place),
        indices=node.indices,
        span=node.span,
    )


def _check_unwritten(draft: Draft, array: str, value: Expression) -> None:
    """Note where an array that gives the subscripts of `array` changes within the nest."""
    for node in walk_expression(value):
        if isinstance(node, Element) and node.array in draft.uses.written:
            draft.reasons.append(
                IndexArrayWritten(span=node.span, array=array, index_array=node.array)
            )


def _scalar(draft: Draft, kind: Kind, node: Name, place: Place) -> Access:
    draft.arrays.setdefault(node.name, Array(name=node.name, rank=0))
    return Access(
        kind=kind,
        array=node.name,
        relation=_relation(draft, f"{draft.identifiers.of(node.name)}[]", place),
        indices=(),
        span=node.span,
    )


def _relation(draft: Draft, cell: str, place: Place) -> isl.Map:
    """Return the relation of the statement being read to `cell`."""
    instance = draft.instance(len(draft.pending), place)
    return isl.Map.parse(f"{draft.prefix()}{{ {instance} -> {cell} }}")
