"""Recognise scans: accumulation whose values on the way are used.

Before:  p[i] = p[i - 1] + a[i]            s += a[i]; p[i] = s
After:   "+" of p                          "+" of s

Blelloch, Prefix Sums and Their Applications, 1990. Only the operators of reductions count; a
recurrence such as `p[i] = 0.5 * p[i - 1] + a[i]` is none.
"""

from __future__ import annotations

from ..model.dependence import Dependence, ReductionOperator
from ..model.loop_ir import Assign, Element, Expression, walk_expression
from ..model.scop import Scop
from .substitution import rebuilt
from .updates import accumulating_operator


def scan_operator(scop: Scop, first: Dependence) -> ReductionOperator | None:
    """Return the operator by which the source of a carried dependence accumulates, or None."""
    statement = scop.statement(first.source)
    if scop.array(first.array).rank == 0:
        return accumulating_operator(statement.body)
    body = statement.body
    is_own = first.kind == "flow" and first.source == first.sink and first.distance is not None
    if not is_own or not isinstance(body, Assign):
        return None
    target = body.target
    earlier = [
        node
        for node in walk_expression(body.value)
        if isinstance(node, Element) and node.array == first.array
    ]
    if len(earlier) != 1 or not isinstance(target, Element):
        return None

    def visit(node: Expression) -> Expression:
        return target if node is earlier[0] else rebuilt(node, visit)

    return accumulating_operator(Assign(target=target, value=visit(body.value), span=body.span))
