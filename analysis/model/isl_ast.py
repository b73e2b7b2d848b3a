"""Loops that scan a schedule, and Python conditions that test for a parameter set.

isl's AST generator does the polyhedral scanning (Bastoul, Code generation in the polyhedral
model is easier than you think, PACT 2004; Grosser, Verdoolaege, Cohen, Polyhedral AST
generation is more than scanning polyhedra, TOPLAS 2015); here its nodes become our own.
"""

from __future__ import annotations

from functools import partial

import islpy

from . import isl
from .ast_nodes import AstFor, AstIf, AstInstance, AstNode
from .isl_budget import MOST_OF_A_SCAN
from .loop_ir import Binary, BoolOp, Call, Compare, Constant, Expression, Name, Unary
from .source import Span

# isl's operations by the names of its enumeration.
_BINARY = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "//",  # exact: the remainder is known to be zero
    "fdiv_q": "//",
    "pdiv_q": "//",  # dividend not negative: floor equals truncation
    "pdiv_r": "%",
    "zdiv_r": "%",  # only compared with zero
}
_COMPARE = {"eq": "==", "le": "<=", "lt": "<", "ge": ">=", "gt": ">"}
_BOOLEAN = {"and_": "and", "and_then": "and", "or_": "or", "or_else": "or"}
_CALL = {"min": "min", "max": "max"}


def _operation_name(node: islpy.AstExpr) -> str:
    return islpy.ast_expr_op_type(node.get_op_type()).name


@partial(isl.locked, most=MOST_OF_A_SCAN)
def scan(
    schedule: isl.UnionMap, context: isl.Set, span: Span, unrolled: tuple[int, ...] = ()
) -> tuple[AstNode, ...]:
    """Return loops that visit every instance of `schedule` in its order.

    `context` holds what is known of the parameters. Loop iterators are called c0, c1, ...
    after the schedule dimension that they scan; the dimensions `unrolled`, of few values each,
    have no loops. All nodes carry `span`.
    """
    build = islpy.AstBuild.from_context(context.raw)
    depth = max((each.raw.dim(islpy.dim_type.out) for each in schedule.maps()), default=0)
    if unrolled:
        times = f"[{', '.join(f'c{position}' for position in range(depth))}]"
        options = "; ".join(f"{times} -> unroll[{position}]" for position in unrolled)
        build = build.set_options(
            islpy.UnionMap.read_from_str(context.raw.get_ctx(), f"{{ {options} }}")
        )
    iterators = islpy.IdList.alloc(context.raw.get_ctx(), max(depth, 1))
    for position in range(depth):
        iterators = iterators.add(islpy.Id.read_from_str(context.raw.get_ctx(), f"c{position}"))
    node = build.set_iterators(iterators).node_from_schedule_map(schedule.raw)
    return _nodes(node, span)


@isl.locked
def condition(parameters: isl.Set, span: Span) -> Expression:
    """Return a test that holds exactly for the values of the parameter set."""
    if parameters.raw.is_empty():
        return Constant(value=False, span=span)
    universe = islpy.Set.universe(parameters.raw.get_space().params())
    build = islpy.AstBuild.from_context(universe)
    expression = _expression(build.expr_from_set(parameters.raw), span)
    if isinstance(expression, Constant):
        return Constant(value=bool(expression.value), span=span)
    return expression


@isl.locked
def value(point: isl.Set, dimension: int, span: Span) -> Expression | None:
    """Return the value of `dimension` as a function of the parameters.

    `point` has at most one element for each parameter value. None where the value is not
    one expression (isl would need a case distinction).
    """
    pieces = point.raw.dim_max(dimension).coalesce()
    if pieces.n_piece() != 1:
        return None
    found: list[islpy.Aff] = []
    pieces.foreach_piece(lambda _domain, affine: found.append(affine))
    build = islpy.AstBuild.from_context(islpy.Set.universe(point.raw.get_space().params()))
    return _expression(build.expr_from_pw_aff(islpy.PwAff.from_aff(found[0])), span)


def _nodes(node: islpy.AstNode, span: Span) -> tuple[AstNode, ...]:
    kind = islpy.ast_node_type(node.get_type()).name
    if kind == "block":
        children = node.block_get_children()
        return tuple(
            converted
            for position in range(children.n_ast_node())
            for converted in _nodes(children.get_at(position), span)
        )
    if kind == "for_":
        return (_loop(node, span),)
    if kind == "if_":
        orelse = _nodes(node.if_get_else_node(), span) if node.if_has_else_node() else ()
        test = _expression(node.if_get_cond(), span)
        return (AstIf(test=test, body=_nodes(node.if_get_then_node(), span), orelse=orelse),)
    if kind == "user":
        return (_instance(node.user_get_expr(), span),)
    raise AssertionError(f"isl made an AST node of kind {kind}")


def _loop(node: islpy.AstNode, span: Span) -> AstFor:
    iterator = node.for_get_iterator().get_id().get_name()
    lower = _expression(node.for_get_init(), span)
    if node.for_is_degenerate():
        upper, step = _plus_one(lower, span), 1
    else:
        bound = node.for_get_cond()
        upper = _expression(bound.get_op_arg(1), span)
        if _operation_name(bound) == "le":
            upper = _plus_one(upper, span)
        step = int(isl.text_of(node.for_get_inc().get_val()))
    body = _nodes(node.for_get_body(), span)
    return AstFor(
        dimension=int(iterator[1:]), iterator=iterator, lower=lower, upper=upper, step=step,
        body=body,
    )  # fmt: skip


def _plus_one(expression: Expression, span: Span) -> Expression:
    match expression:
        case Constant(value=int(number)):
            return Constant(value=number + 1, span=span)
        case Binary(operator="-", left=left, right=Constant(value=1)):
            return left
        case Binary(operator="-", left=left, right=Constant(value=int(number))):
            return Binary(
                operator="-", left=left, right=Constant(value=number - 1, span=span), span=span
            )
        case Binary(operator="+", left=left, right=Constant(value=int(number))):
            return Binary(
                operator="+", left=left, right=Constant(value=number + 1, span=span), span=span
            )
        case Call(function="min" | "max"):
            arguments = tuple(_plus_one(each, span) for each in expression.arguments)
            return Call(function=expression.function, arguments=arguments, span=span)
    return Binary(operator="+", left=expression, right=Constant(value=1, span=span), span=span)


def _instance(call: islpy.AstExpr, span: Span) -> AstInstance:
    arguments = tuple(
        _expression(call.get_op_arg(position), span) for position in range(1, call.get_op_n_arg())
    )
    return AstInstance(statement=call.get_op_arg(0).get_id().get_name(), arguments=arguments)


def _expression(node: islpy.AstExpr, span: Span) -> Expression:
    kind = islpy.ast_expr_type(node.get_type())
    if kind == islpy.ast_expr_type.id:
        return Name(name=node.get_id().get_name(), span=span)
    if kind == islpy.ast_expr_type.int:
        return Constant(value=int(isl.text_of(node.get_val())), span=span)
    return _operation(node, span)


def _operation(node: islpy.AstExpr, span: Span) -> Expression:
    operator = _operation_name(node)
    operands = tuple(
        _expression(node.get_op_arg(position), span) for position in range(node.get_op_n_arg())
    )
    if operator == "minus":
        return Unary(operator="-", operand=operands[0], span=span)
    if operator in _CALL:
        return Call(function=_CALL[operator], arguments=operands, span=span)
    if operator in _BOOLEAN:
        return BoolOp(operator=_BOOLEAN[operator], values=operands, span=span)  # type: ignore[arg-type]  # a table of literals
    left, right = operands
    if operator in _COMPARE:
        return Compare(operator=_COMPARE[operator], left=left, right=right, span=span)  # type: ignore[arg-type]  # a table of literals
    return Binary(operator=_BINARY[operator], left=left, right=right, span=span)  # type: ignore[arg-type]  # a table of literals
