"""Which argument of a call is which parameter of the function: gast call and signature.

Before:  f(x, k=2) of def f(a, b=1.0, k=0)        After:  x, 1.0, 2

Helper of the `parse` pass. Defaults are taken where they are literal numbers: others may have
been anything when the function was defined.
"""

from __future__ import annotations

from typing import Any

import gast


def bound_arguments(call: Any, signature: Any) -> list[Any] | None:
    """Return the argument of each parameter, in order; None where that is not known."""
    if signature.vararg is not None or signature.kwarg is not None:
        return None
    if any(isinstance(each, gast.Starred) for each in call.args):
        return None
    by_position = [*signature.posonlyargs, *signature.args]
    only_by_position = {each.id for each in signature.posonlyargs}
    if len(call.args) > len(by_position):
        return None
    given = {each.id: value for each, value in zip(by_position, call.args, strict=False)}
    known = [each.id for each in (*by_position, *signature.kwonlyargs)]
    for keyword in call.keywords:
        if keyword.arg in given or keyword.arg not in known or keyword.arg in only_by_position:
            return None
        given[keyword.arg] = keyword.value
    defaults = _defaults(signature, by_position)
    found = [given.get(name, defaults.get(name)) for name in known]
    return None if any(each is None for each in found) else found


def _defaults(signature: Any, by_position: list[Any]) -> dict[str, Any]:
    """Return the literal defaults of a signature, by parameter."""
    count = len(signature.defaults)
    pairs = [
        *zip(by_position[len(by_position) - count :], signature.defaults, strict=True),
        *zip(signature.kwonlyargs, signature.kw_defaults, strict=True),
    ]
    return {each.id: value for each, value in pairs if _is_number(value)}


def _is_number(node: Any) -> bool:
    match node:
        case gast.Constant(value=bool() | int() | float() | complex()):
            return True
        case gast.UnaryOp(op=gast.USub(), operand=gast.Constant(value=int() | float())):
            return True
    return False
