"""Nodes of the syntax tree, in the place of others: what passes before `parse` write."""

from __future__ import annotations

from typing import Any

import gast


def assigned(name: str, value: Any, at: Any) -> Any:
    """Return `name = value`, where `at` stands."""
    target = name_of(name, gast.Store(), at)
    assignment = gast.Assign(targets=[target], value=value, type_comment=None)
    return gast.copy_location(assignment, at)


def name_of(name: str, context: Any, at: Any) -> Any:
    """Return a name that is read, or bound, where `at` stands."""
    node = gast.Name(id=name, ctx=context, annotation=None, type_comment=None)
    return gast.copy_location(node, at)


def constant(value: int, at: Any) -> Any:
    """Return a number or a truth value, where `at` stands."""
    return gast.copy_location(gast.Constant(value=value, kind=None), at)
