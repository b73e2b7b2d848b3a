"""Loops that scan a schedule, and Python conditions that test for a parameter set.

isl's AST generator does the polyhedral scanning (Bastoul, Code generation in the polyhedral
model is easier than you think, PACT 2004; Grosser, Verdoolaege, Cohen, Polyhedral AST
generation is more than scanning polyhedra, TOPLAS 2015); here its nodes become our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import islpy

from autopar.analysis.model.nouns import dataclass

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
# Iterators, by the dimension of the schedule; times that are parameters for a while.
_ITERATOR, _TIME = "c", "autopar_time_"

# By name: times, and the relations of what runs at them.
_Groups: TypeAlias = "dict[str, tuple[islpy.Set, list[islpy.Map]]]"


def _operation_name(node: islpy.AstExpr) -> str:
    return islpy.ast_expr_op_type(node.get_op_type()).name


@partial(isl.locked, most=MOST_OF_A_SCAN)
def scan(
    schedule: isl.UnionMap,
    context: isl.Set,
    span: Span,
    unrolled: tuple[int, ...] = (),
    whole: tuple[int, ...] = (),
) -> tuple[AstNode, ...]:
    """Return loops that visit every instance of `schedule` in its order.

    `context` holds what is known of the parameters. Loop iterators are called c0, c1, ...
    after the schedule dimension that they scan; the dimensions `unrolled`, of few values each,
    have no loops. Where statements share values of one of the dimensions `whole`, what they do
    for one of them is in one place; isl moves what comes first for its first value before the
    loop otherwise. All nodes carry `span`.
    """
    maps = [each.raw for each in schedule.maps()]
    scanning = _Scanning(depth=_depth(maps), span=span, unrolled=unrolled)
    return scanning.nodes(maps, context.raw, 0, whole)


def _depth(maps: list[islpy.Map]) -> int:
    return max((each.dim(islpy.dim_type.out) for each in maps), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanning:
    """How a schedule of `depth` dimensions is scanned."""

    depth: int
    span: Span
    unrolled: tuple[int, ...]

    def nodes(
        self, maps: list[islpy.Map], context: islpy.Set, first: int, whole: tuple[int, ...]
    ) -> tuple[AstNode, ...]:
        """Return loops for the dimensions from `first` on, those before being parameters."""
        if not whole:
            return self.scanned(maps, context, first)
        end = whole[0] + 1
        groups = _by_place(maps, end - first)
        outer = [_identity(fronts, name) for name, (fronts, _) in groups.items()]
        found: list[AstNode] = []
        for node in self.scanned(outer, context, first):
            found += self.filled(node, groups, context, (first, *whole))
        return tuple(found)

    def scanned(self, maps: list[islpy.Map], context: islpy.Set, first: int) -> tuple[AstNode, ...]:
        """Return loops for all dimensions of `maps`, of which the first one is number `first`."""
        if not maps:
            return ()
        build, depth = islpy.AstBuild.from_context(context), _depth(maps)
        unrolled = [each - first for each in self.unrolled if first <= each < first + depth]
        if unrolled:
            times = f"[{', '.join(f'c{position}' for position in range(depth))}]"
            options = "; ".join(f"{times} -> unroll[{position}]" for position in unrolled)
            build = build.set_options(
                islpy.UnionMap.read_from_str(context.get_ctx(), f"{{ {options} }}")
            )
        iterators = islpy.IdList.alloc(context.get_ctx(), max(depth, 1))
        for position in range(first, first + depth):
            name = f"{_ITERATOR}{position}"
            iterators = iterators.add(islpy.Id.read_from_str(context.get_ctx(), name))
        union = maps[0].to_union_map()
        for each in maps[1:]:
            union = union.union(each.to_union_map())
        return _nodes(build.set_iterators(iterators).node_from_schedule_map(union), self.span)

    def filled(
        self, node: AstNode, groups: _Groups, context: islpy.Set, places: tuple[int, ...]
    ) -> tuple[AstNode, ...]:
        """Return loops over times with what runs at each of them."""

        def inside(nodes: tuple[AstNode, ...]) -> tuple[AstNode, ...]:
            return tuple(e for each in nodes for e in self.filled(each, groups, context, places))

        match node:
            case AstFor():
                return (replace(node, body=inside(node.body)),)
            case AstIf():
                return (replace(node, body=inside(node.body), orelse=inside(node.orelse)),)
            case AstInstance():
                return self.at_one_time(node, groups, context, places)

    def at_one_time(
        self, time: AstInstance, groups: _Groups, context: islpy.Set, places: tuple[int, ...]
    ) -> tuple[AstNode, ...]:
        """Return what runs at a time, which becomes a point of the parameters meanwhile."""
        first, at, *whole = places
        fronts, maps = groups[time.statement]
        names = [f"{_TIME}{number}" for number in range(first, at + 1)]
        fixed = {
            name: value.value
            for name, value in zip(names, time.arguments, strict=True)
            if isinstance(value, Constant)
        }
        known = _at_parameters(islpy.Map.from_range(fronts), names, 0).domain().params()
        for name, value in fixed.items():
            position = known.find_dim_by_name(islpy.dim_type.param, name)
            known = known.fix_val(islpy.dim_type.param, position, islpy.Val(str(value)))
        context = context.intersect(known)
        inside = [_at_parameters(each, names, len(names)) for each in maps]
        left = [each for each in inside if not each.intersect_params(context).is_empty()]
        found = self.nodes(left, context, at + 1, tuple(whole))
        values = dict(zip(names, time.arguments, strict=True))
        return tuple(_with_values(each, values) for each in found)


def _by_place(maps: list[islpy.Map], count: int) -> _Groups:
    """Return the first `count` dimensions of time, those together that relations share."""
    groups: list[tuple[islpy.Set, list[islpy.Map]]] = []
    for each in maps:
        whole = each.range()
        front = whole.project_out(islpy.dim_type.set, count, whole.dim(islpy.dim_type.set) - count)
        apart = []
        members = [each]
        for other, inside in groups:
            if other.is_disjoint(front):
                apart.append((other, inside))
            else:
                front, members = front.union(other), [*inside, *members]
        groups = [*apart, (front.coalesce(), members)]
    return {f"{_TIME}{number}": group for number, group in enumerate(groups)}


def _identity(front: islpy.Set, name: str) -> islpy.Map:
    """Return the schedule of statement `name`, which runs at the times `front`."""
    return front.identity().set_tuple_name(islpy.dim_type.in_, name)


def _at_parameters(relation: islpy.Map, names: list[str], gone: int) -> islpy.Map:
    """Return `relation` where its first times are parameters `names`, the first `gone` left out."""
    kind = islpy.dim_type.param
    before = relation.dim(kind)
    relation = relation.add_dims(kind, len(names))
    for number, name in enumerate(names):
        relation = relation.set_dim_name(kind, before + number, name)
        relation = relation.equate(kind, before + number, islpy.dim_type.out, number)
    return relation.project_out(islpy.dim_type.out, 0, gone)


def _with_values(node: AstNode, values: Mapping[str, Expression]) -> AstNode:
    """Return loops with expressions for parameters."""

    def inside(nodes: tuple[AstNode, ...]) -> tuple[AstNode, ...]:
        return tuple(_with_values(each, values) for each in nodes)

    match node:
        case AstFor():
            lower, upper = _valued(node.lower, values), _valued(node.upper, values)
            return replace(node, lower=lower, upper=upper, body=inside(node.body))
        case AstIf():
            test = _valued(node.test, values)
            return replace(node, test=test, body=inside(node.body), orelse=inside(node.orelse))
        case AstInstance():
            return replace(node, arguments=tuple(_valued(e, values) for e in node.arguments))


def _valued(node: Expression, values: Mapping[str, Expression]) -> Expression:
    match node:
        case Name(name=name):
            return values.get(name, node)
        case Unary():
            return replace(node, operand=_valued(node.operand, values))
        case Binary() | Compare():
            return replace(node, left=_valued(node.left, values), right=_valued(node.right, values))
        case BoolOp():
            return replace(node, values=tuple(_valued(each, values) for each in node.values))
        case Call():
            return replace(node, arguments=tuple(_valued(each, values) for each in node.arguments))
    return node


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
