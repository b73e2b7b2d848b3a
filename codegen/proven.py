"""The program of a region whose checks found every subscript in range.

Before:  y[i] = x[checked idx[i]]        After:  y[i] = x[wrapped idx[i]]

Only negative subscripts still have to be told from others.
"""

from __future__ import annotations

from dataclasses import replace

from autopar.analysis.model.typed import (
    INDEX_ERROR,
    Cast,
    Check,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    Subscript,
    Trace,
    TypedExpression,
    TypedStatement,
    Variable,
)

from .kernel import Instance, Node, Program


def proven(program: Program) -> Program:
    """Return `program` without a look at the range of its subscripts."""
    if not program.hazards & INDEX_ERROR:
        return program
    return replace(
        program,
        body=tuple(map(_node, program.body)),
        hazards=program.hazards & ~INDEX_ERROR,
    )


def _node(node: Node) -> Node:
    if isinstance(node, Instance):
        return replace(node, statement=_statement(node.statement))
    return replace(node, body=tuple(map(_node, node.body)))


def _statement(statement: TypedStatement) -> TypedStatement:
    match statement:
        case Store():
            indices = _indices(statement.indices)
            return replace(statement, indices=indices, value=_expression(statement.value))
        case SetVariable():
            return replace(statement, value=_expression(statement.value))
        case Check() | Trace():
            raise AssertionError("what is proven has no checks left")


def _expression(expression: TypedExpression) -> TypedExpression:
    match expression:
        case Load():
            return replace(expression, indices=_indices(expression.indices))
        case Cast():
            return replace(expression, operand=_expression(expression.operand))
        case Operation():
            return replace(expression, operands=tuple(map(_expression, expression.operands)))
        case Number() | Variable() | Index():
            return expression


def _indices(indices: tuple[Subscript, ...]) -> tuple[Subscript, ...]:
    return tuple(
        replace(each, value=_expression(each.value), hazards=each.hazards & ~INDEX_ERROR)
        if isinstance(each, Computed)
        else each
        for each in indices
    )
