"""What is computed before a loop begins, by expressions that no kernel holds: values with names.

Before:  for x in np.linspace(0, 1, n)     After:  for x in autopar_held_1_9_1_30
         for i in range(len(A[0]) - k())           for i in range(autopar_held_1_15_1_24)

The header of a loop is evaluated once. What it computes is held where the loop's guard can look
at it, and the loop itself goes on with it where no kernel takes it: nothing is evaluated twice.
The name says where the expression stands. Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..model.held import held_name
from ..model.later import Later
from ..model.source import Span
from . import names

if TYPE_CHECKING:
    import gast
else:
    gast = Later("gast")

# Functions and methods that return arrays and lists of numbers, as often as not.
_FUNCTIONS = frozenset(("sorted", "list", "tuple", "range"))
_METHODS = frozenset(("copy", "ravel", "flatten", "tolist", "astype", "reshape", "transpose"))
# Progress bars over what they are given, and what stands for a range.
_BARS = frozenset(("tqdm", "tqdm_notebook"))
_RANGES = frozenset(("trange", "tnrange", "prange"))


def held_values(
    node: Any, canonical: Callable[[Any], str | None], span_of: Callable[[Any], Span]
) -> str | None:
    """Return the name of what `node` gives, which may be an array or a list; None for no name."""
    return held_name(span_of(node)) if _may_give(node, canonical) and is_plain(node) else None


def held_number(node: Any, span_of: Callable[[Any], Span]) -> str | None:
    """Return the name of what `node`, the bound of a range, gives; None for no name."""
    return held_name(span_of(node)) if is_plain(node) else None


def is_plain(node: Any) -> bool:
    """Return whether an expression only computes: it has no loops, names or jumps of its own."""
    scopes = (
        gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp, gast.Lambda,
        gast.NamedExpr, gast.Await, gast.Yield, gast.YieldFrom, gast.Starred, gast.JoinedStr,
    )  # fmt: skip
    return not any(isinstance(each, scopes) for each in names.walk(node))


def _may_give(node: Any, canonical: Callable[[Any], str | None]) -> bool:
    match node:
        case gast.Tuple(elts=parts) | gast.List(elts=parts):
            return bool(parts) and all(map(_may_be_number, parts))
        case gast.Subscript():
            return not _has_text(node.slice)
        case gast.BinOp():
            return not _has_text(node)
        case gast.Attribute(attr="T" | "flat"):
            return True
        case gast.Call(func=function):
            found = canonical(function) or ""
            if found in _FUNCTIONS or found.startswith("numpy."):
                return True
            last = last_name(function, canonical)
            is_method = isinstance(function, gast.Attribute) and last in _METHODS
            return last in _BARS or last in _RANGES or is_method
    return False


def limits_of_range(node: Any, canonical: Callable[[Any], str | None]) -> int | None:
    """Return how many limits are written of the range that a bar is over; None for no such bar."""
    match node:
        case gast.Call(
            func=function, args=[gast.Call(func=inner, args=limits, keywords=[]), *_]
        ) if last_name(function, canonical) in _BARS:
            is_bar = canonical(inner) == "range"
        case gast.Call(func=function, args=limits):
            is_bar = last_name(function, canonical) in _RANGES
        case _:
            return None
    return len(limits) if is_bar and len(limits) in {1, 2} else None


def is_bar(node: Any, canonical: Callable[[Any], str | None]) -> bool:
    """Return whether an expression may be a progress bar."""
    return isinstance(node, gast.Call) and last_name(node.func, canonical) in _BARS | _RANGES


def moves_bar(loop: Any, canonical: Callable[[Any], str | None]) -> bool:
    """Return whether a loop moves a progress bar by turns that may take long: with loops in them.

    A bar over turns that are short goes to its end with the kernel that runs them.
    """
    bars = _BARS | _RANGES - {"prange"}
    return any(
        isinstance(each, gast.Call)
        and last_name(each.func, canonical) in bars
        and not _is_disabled(each)
        for each in names.walk(loop.iter)
    ) and any(_may_be_long(each) for statement in loop.body for each in names.walk(statement))


def _is_disabled(bar: Any) -> bool:
    return any(
        each.arg == "disable" and isinstance(each.value, gast.Constant) and each.value.value
        for each in bar.keywords
    )


def _may_be_long(node: Any) -> bool:
    """Return whether a statement or expression is a loop, or about a part of an array."""
    match node:
        case gast.For(iter=gast.Call(func=gast.Name(id="range"), args=limits)):
            return not all(isinstance(each, gast.Constant) for each in limits)
        case gast.For() | gast.While():
            return True
        case gast.Assign(targets=[target]) | gast.AugAssign(target=target):
            return isinstance(target, gast.Subscript) and any(
                isinstance(each, gast.Slice) for each in names.walk(target.slice)
            )
    return False


def last_name(function: Any, canonical: Callable[[Any], str | None]) -> str:
    """Return what a function is called where it comes from: `from tqdm import tqdm as bar`."""
    found = canonical(function) or ""
    if found.startswith(names.BARS):
        return found.rpartition(".")[2]
    if isinstance(function, gast.Attribute):
        return str(function.attr)
    return str(function.id) if isinstance(function, gast.Name) else ""


def _may_be_number(node: Any) -> bool:
    """Return whether an element is none that is known to be something else than a number."""
    match node:
        case gast.Constant(value=value):
            return isinstance(value, bool | int | float | complex)
        case gast.Tuple(elts=parts) | gast.List(elts=parts):
            return all(map(_may_be_number, parts))
        case gast.Dict() | gast.Set():
            return False
    return True


def _has_text(node: Any) -> bool:
    return any(
        isinstance(each, gast.Constant) and isinstance(each.value, str) for each in names.walk(node)
    )
