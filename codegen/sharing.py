"""Which loops with reductions are shared out, and which run in order within other kernels.

Before:  for t: (for i: reduction into s), b[t] = s      nothing else of the nest is parallel
After:   for t: (for i), b[t] = s                        one kernel, in order

A launch for each iteration of a loop on the host pays where other loops are launched there
anyway. What depends on data runs in order too, but in a driver: there the host asks for them.
And where such a nest is small it runs as one kernel, in order: so it must be known beforehand
that no sum in it is so long that it has another order.
"""

from __future__ import annotations

from dataclasses import replace

from autopar.analysis.model.loop_ir import Binary, Constant, Expression

from .extremes import Ranges, anywhere, largest
from .integers import simplify
from .kernel import Branch, Decision, Instance, Loop, Node, Passes
from .work import term_count


def shared_reductions(body: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return `body` with reductions only on loops that are shared out or lie in such loops."""
    return tuple(_settled(node) for node in body)


def _settled(node: Node) -> Node:
    match node:
        case Loop(passes=Passes() as passes):
            return replace(_without_shares(node), scans=node.scans, passes=passes)
        case Loop() if not node.is_shared:
            if not _has_launches(node.body, is_driven=node.is_driver):
                return in_order(node)
            return replace(node, body=_driven(node.body, (node,)))
        case Branch():
            return replace(node, body=shared_reductions(node.body))
        case Decision():
            return in_order(node)  # the host knows no values of the region's data
        case Loop() | Instance():
            return node


def _has_launches(body: tuple[Node, ...], *, is_driven: bool) -> bool:
    """Return whether something in `body` is parallel, loops with reductions left aside."""
    for each in body:
        match each:
            case Loop(is_parallel=True) | Loop(only_keeps=True) | Loop(passes=Passes()):
                return True
            case Loop() if each.is_reduced:
                pass
            case Loop() | Branch():
                if _has_launches(each.body, is_driven=is_driven):
                    return True
            case Decision() if is_driven:
                if _has_launches((*each.body, *each.orelse), is_driven=True):
                    return True
            case Instance() | Decision():
                pass
    return False


def in_order(node: Node) -> Node:
    """Return `node` without loops whose parts have to be combined; parallel ones stay."""
    match node:
        case Loop():
            return _without_shares(node)
        case Branch():
            return replace(node, body=tuple(map(in_order, node.body)))
        case Decision():
            body, orelse = (tuple(map(in_order, each)) for each in (node.body, node.orelse))
            return replace(node, body=body, orelse=orelse)
        case Instance():
            return node


def _without_shares(loop: Loop) -> Loop:
    body = tuple(map(in_order, loop.body))
    return replace(loop, body=body, reductions=(), cells=(), scans=(), renamings=(), passes=None)


def _driven(body: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
    """Return what the host runs, `around` being the loops of the host around it."""
    found: list[Node] = []
    for each in body:
        match each:
            case Loop() if each.is_shared:
                found.append(each if _has_known_length(each, around) else in_order(each))
            case Loop(passes=Passes() as passes):
                has_length = not passes.is_rounded or _has_bound(passes.terms, around)
                found.append(_settled(each) if has_length else in_order(each))
            case Loop():
                found.append(replace(each, body=_driven(each.body, (*around, each))))
            case Branch():
                found.append(replace(each, body=_driven(each.body, around)))
            case Decision() if around[0].is_driver:
                taken, untaken = _driven(each.body, around), _driven(each.orelse, around)
                found.append(replace(each, body=taken, orelse=untaken))
            case Decision():
                found.append(in_order(each))
            case Instance():
                found.append(each)
    return tuple(found)


def _has_known_length(loop: Loop, around: tuple[Loop, ...]) -> bool:
    if loop.is_parallel or not has_rounded(loop):
        return True
    return _has_bound(term_count(loop), around)


def _has_bound(terms: Expression, around: tuple[Loop, ...]) -> bool:
    bound: Expression | None = terms
    for outer in reversed(around):
        bound = None if bound is None else most(bound, outer)
    return bound is not None


def most(expression: Expression, loop: Loop) -> Expression | None:
    """Return an upper bound of `expression` for all iterations of `loop`; None if none is known."""
    bound = largest(anywhere(expression), _range(loop))
    return None if bound is None else simplify(bound, loop.span)


def _range(loop: Loop) -> Ranges:
    one = Constant(value=1, span=loop.span)
    last = Binary(operator="-", left=loop.upper, right=one, span=loop.span)
    return {loop.iterator: (loop.lower, last)}


def has_rounded(loop: Loop) -> bool:
    """Return whether `loop` reduces a scalar whose value depends on the order."""
    return any(each.is_rounded for each in loop.reductions)
