"""Say why a loop keeps its order, by the dependence that says most about it.

Before:  flow on a, { S0[i] -> S0[i + 1] }, carried by i
After:   AP401, with the places of both ends
"""

from __future__ import annotations

from ..model.dependence import Dependence
from ..model.diagnostics import Reason
from ..model.loop_ir import Binary, Update
from ..model.scop import Loop, Scop
from .reasons import (
    CarriedAnti,
    CarriedFlow,
    CarriedOutput,
    OrderSensitiveUpdate,
    ScalarCarried,
    Scan,
)
from .scans import scan_operator
from .updates import same_cell


def carried_reason(scop: Scop, shape: Loop, first: Dependence, *, is_scan: bool) -> Reason:
    """Return why a loop keeps its order: the dependence that says most about it."""
    scanned = scan_operator(scop, first)
    if scanned is not None and (is_scan or _is_all_stored(scop, first)):
        return Scan(
            span=first.source_span,
            variable=first.array,
            operator=scanned,
            loop_variable=shape.shown,
            is_shared=is_scan,
        )
    if scop.array(first.array).rank == 0:
        operator = _own_update(scop, first)
        if operator is not None:
            return OrderSensitiveUpdate(
                span=first.source_span, variable=first.array, operator=operator
            )
        return ScalarCarried(
            span=first.source_span,
            variable=first.array,
            loop_variable=shape.shown,
            source_line=first.source_span.line,
            sink_line=first.sink_span.line,
        )
    kinds = {"flow": CarriedFlow, "anti": CarriedAnti, "output": CarriedOutput}
    distance = None if first.distance is None else str(first.distance[shape.depth])
    return kinds[first.kind](
        span=first.source_span,
        variable=first.array,
        loop_variable=shape.shown,
        source_line=first.source_span.line,
        sink_line=first.sink_span.line,
        distance_text=distance,
        is_moving=_is_moving(scop, first.array),
    )


def _is_all_stored(scop: Scop, first: Dependence) -> bool:
    """Return whether nothing else in the loop stores what the source of a dependence does.

    A table that takes one of two ways for each element is no scan, though one of them adds.
    """
    return all(
        each.name == first.source
        or not any(one.array == first.array and one.kind != "read" for one in each.accesses)
        for each in scop.statements_in(first.carried_by)
    )


def _is_moving(scop: Scop, array: str) -> bool:
    """Return whether names stand for `array` in some turns and for others in the rest."""
    if scop.exchanged is None:
        return False
    meant = map(set, zip(*scop.exchanged.orders, strict=True))
    return any(array in arrays for arrays in meant if len(arrays) > 1)


def _own_update(scop: Scop, first: Dependence) -> str | None:
    """Return the operator of a scalar's update by itself that is no reduction, or None."""
    if first.source != first.sink:
        return None
    body = scop.statement(first.source).body
    if isinstance(body, Update):
        return body.operator
    if isinstance(body.value, Binary):
        operands = (body.value.left, body.value.right)
        if any(same_cell(each, body.target) for each in operands):
            return body.value.operator
    return None
