"""Bounds of ranges that no model holds, but that are the same in all iterations around.

Before:  for t in range(int(T / dt)):      After:  for t in range(autopar_held_1_15_1_26):
         for i in range(n ** 2):                   for i in range(autopar_held_2_15_2_21):
         for k in range(int(1e5)):                 for k in range(100000):

A range takes its limits once (Python language reference, the for statement), so that what they
come to is a number like any other, which the loop's guard is shown. Helper of the `parse` pass.
"""

from __future__ import annotations

from ..model.loop_ir import (
    Binary,
    Call,
    Constant,
    Expression,
    Extent,
    Name,
    walk_expression,
)

_LARGEST = 2**53  # floats up to here are the integers that they look like


def known_bound(bound: Expression) -> Expression:
    """Return `bound` as a literal where it is `int` of one; else as it is."""
    match bound:
        case Call(function="int", arguments=(Constant(value=int() | float() as value),)) if (
            abs(value) <= _LARGEST
        ):
            return Constant(value=int(value), span=bound.span)
    return bound


def is_computed(bound: Expression, *, is_outermost: bool) -> bool:
    """Return whether what `bound` is computed by has no place in a model.

    Further in, `int` of an element is a bound that is data: see `data_bounds`.
    """
    if not any(isinstance(each, Name | Extent) for each in walk_expression(bound)):
        return False
    return any(_has_no_place(each, is_outermost=is_outermost) for each in walk_expression(bound))


def is_integer(bound: Expression, variables: frozenset[str]) -> bool:
    """Return whether `bound` is an integer, whatever is in it, if the `variables` are."""
    match bound:
        case Constant(value=value):
            return type(value) is int
        case Name(name=name):
            return name in variables
        case Extent():
            return True
        case Call(function=name, arguments=(_,)):
            return name in {"int", "math.floor", "math.ceil", "math.trunc"}
        case Binary(operator="+" | "-" | "*" | "//" | "%"):
            return is_integer(bound.left, variables) and is_integer(bound.right, variables)
    return False


def _has_no_place(node: Expression, *, is_outermost: bool) -> bool:
    match node:
        case Binary(operator="/" | "**"):
            return True
        case Call(function="int", arguments=(operand,)):
            return is_outermost or isinstance(operand, Name | Binary)
        case Call(function=name):
            return name.startswith(("math.", "numpy.")) or name in {"round", "float", "pow"}
    return False
