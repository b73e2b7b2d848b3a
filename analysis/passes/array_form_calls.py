"""Read calls of NumPy's that only say where the elements of an array come from.

Before:  np.roll(u, 1, axis=0)         After:  Call("form roll", (u, 1, 0))
         t.swapaxes(0, 1)                      Call("form swap", (t, 0, 1))

What is meant by an axis must be written in the call; the rest are values. Helper of the
`array_reader` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import gast

from ..model.array_run import FORM
from ..model.loop_ir import Call, Constant, Expression
from ..model.ufuncs import FUNCTIONS, own_name

# The names of the arguments, in order; those in the second place may be left out.
_SIGNATURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "numpy.outer": ("a b", ""), "numpy.diff": ("a", "n axis"), "numpy.flip": ("m", "axis"),
        "numpy.fliplr": ("m", ""), "numpy.flipud": ("m", ""), "numpy.roll": ("a shift", "axis"),
        "numpy.swapaxes": ("a axis1 axis2", ""), "numpy.moveaxis": ("a source destination", ""),
        "numpy.transpose": ("a axes", ""), "numpy.expand_dims": ("a axis", ""),
        "numpy.zeros_like": ("a", ""), "numpy.ones_like": ("a", ""),
        "numpy.full_like": ("a fill_value", ""), "numpy.concatenate": ("arrays", "axis"),
        "numpy.stack": ("arrays", "axis"), "numpy.vstack": ("tup", ""), "numpy.hstack": ("tup", ""),
    }
)  # fmt: skip
# What a function is called here, and the integers that it takes: names of its arguments, or what
# they are; behind a name what stands for it where it is left out.
_WORDS: Mapping[str, tuple[str, tuple[str | int | tuple[str, int], ...]]] = MappingProxyType(
    {
        "numpy.diff": ("diff", (("axis", -1),)), "numpy.flip": ("flip", ("axis",)),
        "numpy.fliplr": ("flip", (1,)), "numpy.flipud": ("flip", (0,)),
        "numpy.swapaxes": ("swap", ("axis1", "axis2")),
        "numpy.moveaxis": ("move", ("source", "destination")),
        "numpy.expand_dims": ("axis", ("axis",)), "numpy.zeros_like": ("filled", (0,)),
        "numpy.ones_like": ("filled", (1,)), "numpy.concatenate": ("joined", (("axis", 0),)),
        "numpy.stack": ("stacked", (("axis", 0),)), "numpy.vstack": ("rows", (0,)),
        "numpy.hstack": ("columns", (0,)),
    }
)  # fmt: skip
_METHODS: Mapping[str, str] = MappingProxyType(
    {"swapaxes": "numpy.swapaxes", "transpose": "numpy.transpose"}
)
_OUTER = ".outer"
_OF_SEVERAL = frozenset(("joined", "stacked", "rows", "columns"))

Read = Callable[[Any], Expression]


def form_call(
    node: Any, function: str | None, is_module: Callable[[Any], bool], read: Read
) -> Call | None:
    """Return the call of a form; None for every other call, and for axes that are not written."""
    arguments = list(node.args)
    if any(isinstance(each, gast.Starred) for each in arguments):
        return None
    match node.func:
        case gast.Attribute(value=array, attr=method) if function is None:
            if method not in _METHODS or is_module(array):
                return None
            if method == "transpose" and len(arguments) > 1:
                arguments = [gast.Tuple(arguments, gast.Load())]
            function, arguments = _METHODS[method], [array, *arguments]
    if function is None:
        return None
    operation = own_name(function.removesuffix(_OUTER))
    if function.endswith(_OUTER) and operation in FUNCTIONS:
        is_plain = len(arguments) == len(("one", "other")) and not node.keywords
        return _made(f"outer {operation}", map(read, arguments)) if is_plain else None
    given = _bound(function, arguments, node.keywords)
    if given is None:
        return None
    if function in _WORDS:
        return _with_integers(function, given, read)
    return _others(function, given, read)


def _with_integers(function: str, given: Mapping[str, Any], read: Read) -> Call | None:
    """Return the call of a form of arrays and integers."""
    word, wanted = _WORDS[function]
    if "n" in given and _integer(given["n"]) != 1:
        return None
    first = next(iter(given.values()))
    arrays = [first]
    if word in _OF_SEVERAL:
        if not isinstance(first, gast.List | gast.Tuple) or not first.elts:
            return None
        arrays = first.elts
        if any(isinstance(each, gast.Starred) for each in arrays):
            return None
    found: list[int] = []
    for each in wanted:
        name, default = each if isinstance(each, tuple) else (each, None)
        value = name if isinstance(name, int) else default
        if isinstance(name, str) and name in given:
            value = _integer(given[name])
        if value is None:
            return None
        found.append(value)
    return _made(word, map(read, arrays), found)


def _others(function: str, given: Mapping[str, Any], read: Read) -> Call | None:
    """Return the call of a form that takes something else."""
    first = read(given["a"])
    match function:
        case "numpy.outer":
            return _made("outer", (first, read(given["b"])))
        case "numpy.full_like":
            return _made("filled", (first, read(given["fill_value"])))
        case "numpy.roll":
            places = [_integer(given[name]) for name in ("shift", "axis") if name in given]
            return _made("roll", (first,), places)
    axes = given["axes"]
    if not isinstance(axes, gast.Tuple | gast.List) or not axes.elts:
        return None
    return _made("order", (first,), [_integer(each) for each in axes.elts])


def _bound(function: str, arguments: list[Any], keywords: list[Any]) -> dict[str, Any] | None:
    """Return the arguments of a call by name; None where they are not those of its function."""
    if function not in _SIGNATURES:
        return None
    needed, others = (each.split() for each in _SIGNATURES[function])
    names = [*needed, *others]
    if len(arguments) > len(names):
        return None
    given = dict(zip(names, arguments, strict=False))
    for each in keywords:
        if each.arg not in names or each.arg in given:
            return None
        given[each.arg] = each.value
    # The first one first, whatever order the call has.
    return {n: given[n] for n in names if n in given} if given.keys() >= set(needed) else None


def _made(
    word: str, arrays: Iterable[Expression], integers: Iterable[int | None] = ()
) -> Call | None:
    """Return the call of a form, of the integers behind the arrays."""
    arrays, known = tuple(arrays), tuple(integers)
    at = arrays[0].span
    places = tuple(Constant(value=each, span=at) for each in known if each is not None)
    if len(places) != len(known):
        return None
    return Call(function=f"{FORM}{word}", arguments=(*arrays, *places), span=at)


def _integer(node: Any) -> int | None:
    """Return the value of a literal integer; None for everything else."""
    match node:
        case gast.Constant(value=int() as value) if type(value) is int:
            return value
        case gast.UnaryOp(op=gast.USub(), operand=gast.Constant(value=int() as value)):
            return -value if type(value) is int else None
    return None
