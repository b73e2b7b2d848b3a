"""What the names of a function show of themselves: numbers, or arrays.

Before:  n = len(x); t = np.zeros(n)   After:  n is a number, t is an array

Neither is needed for a result to be right: a call finds out what each name is. They say where
asking is of use. Helper of the `array_runs` pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gast

from . import names

_SCALAR_CALLS = frozenset(("int", "float", "bool", "len", "round"))
# What nothing but arrays has, if anything is one.
_METHODS_OF_ARRAYS = frozenset(
    (
        "sum", "mean", "std", "var", "dot", "ravel", "reshape", "astype", "transpose", "min", "max",
        "prod", "any", "all", "argmin", "argmax", "cumsum", "cumprod", "ptp", "trace", "swapaxes",
        "flatten",
    )
)  # fmt: skip
_ARRAY_METHODS = _METHODS_OF_ARRAYS | {"copy"}
_ARRAY_ATTRIBUTES = frozenset(("shape", "T", "ndim", "dtype", "size"))
# Operations of a function that take longer, of numbers, than the question what they are about.
_MUCH = 40
_TESTS = frozenset(("isnan", "isinf", "isfinite", "logical_and", "logical_or", "logical_not"))
_OF_NUMBERS = frozenset(("numpy.float64", "numpy.float32", "numpy.int64", "numpy.int32"))


def may_have_runs(node: Any, known: Mapping[str, str]) -> bool:
    """Return whether a function is surely about arrays, somewhere, if it is about anything.

    So much arithmetic that asking costs nothing beside it may be about arrays as well.
    """
    if not isinstance(node, gast.Module) and _operations(node) >= _MUCH:
        return True
    arrays = arrays_of(node, known)
    return any(
        isinstance(part, gast.BinOp | gast.Compare | gast.UnaryOp)
        and shows_array(part, arrays, known)
        for part in names.own_nodes(node.body)
    )


def _operations(function: Any) -> int:
    """Return how many operations of a function have a name of its own in them."""
    return sum(
        isinstance(part, gast.BinOp)
        and any(isinstance(each, gast.Name) for each in (part.left, part.right))
        for part in names.own_nodes(function.body)
    )


def operations_of(node: Any) -> int:
    """Return how many operations an expression of names and numbers has; less than 0 of others."""
    match node:
        case gast.Name() | gast.Constant():
            return 0
        case gast.BinOp():
            return 1 + operations_of(node.left) + operations_of(node.right)
        case gast.UnaryOp():
            return 1 + operations_of(node.operand)
    return -_MUCH


def numbers_of(function: Any) -> frozenset[str]:
    """Return the names of a function that are surely numbers wherever they are bound."""
    values: dict[str, list[Any]] = {}
    others: set[str] = set()
    counters: set[str] = set()
    for node in names.own_nodes(function.body):
        match node:
            case gast.Assign(targets=[gast.Name(id=name)], value=value):
                values.setdefault(name, []).append(value)
            case gast.AugAssign(target=gast.Name(id=name), value=value):
                values.setdefault(name, []).append(value)
            case gast.For(target=gast.Name(id=name), iter=gast.Call(func=gast.Name(id="range"))):
                counters.add(name)
    bound_elsewhere: dict[str, int] = {}
    for node in names.own_nodes(function.body):
        for name in names.bindings(node):
            bound_elsewhere[name] = bound_elsewhere.get(name, 0) + 1
    if not isinstance(function, gast.Module):
        others |= set(names.argument_names(function.args))
    found = set(values) | counters
    found -= others
    found = {
        name
        for name in found
        if bound_elsewhere.get(name, 0) <= len(values.get(name, ())) + (name in counters)
        or name in counters
    }
    while True:
        kept = {n for n in found if _are_numbers(values.get(n, []), found)}
        if kept == found:
            return frozenset(found)
        found = kept


def _are_numbers(values: list[Any], numbers: set[str]) -> bool:
    """Return whether a name is a number all of whose values these are.

    What begins as one and is added elements to is taken for one: rows seldom are added to 0.
    """
    plain = [_is_number(each, numbers) for each in values]
    return all(plain) or (
        any(plain) and all(_is_number(each, numbers, takes_elements=True) for each in values)
    )


def _is_number(node: Any, numbers: set[str], *, takes_elements: bool = False) -> bool:
    match node:
        case gast.Constant(value=int() | float() | complex()):
            return True
        case gast.Name(id=name):
            return name in numbers
        case gast.BinOp():
            sides = (node.left, node.right)
            return all(_is_number(e, numbers, takes_elements=takes_elements) for e in sides)
        case gast.UnaryOp():
            return _is_number(node.operand, numbers, takes_elements=takes_elements)
        case gast.Subscript(value=gast.Attribute(attr="shape")):
            return True
        case gast.Attribute(attr="size" | "ndim" | "pi"):
            return True
        case gast.Subscript(slice=index) if takes_elements:
            parts = index.elts if isinstance(index, gast.Tuple) else [index]
            return all(_is_number(each, numbers) for each in parts)
        case gast.Call(func=gast.Name(id=name)):
            return name in _SCALAR_CALLS
        case gast.Call(func=gast.Attribute(value=gast.Name(id="math"))):
            return True
    return False


def masks_of(function: Any) -> frozenset[str]:
    """Return the names of a function that tests were made of wherever they are bound."""
    found: set[str] = set()
    others: set[str] = set()
    if not isinstance(function, gast.Module):
        others |= set(names.argument_names(function.args))
    for node in names.own_nodes(function.body):
        match node:
            case gast.Assign(targets=[gast.Name(id=name)], value=value) if _is_test(value):
                found.add(name)
            case gast.Assign() | gast.For() | gast.AugAssign() | gast.NamedExpr():
                others |= set(names.bindings(node))
    return frozenset(found - others)


def _is_test(node: Any) -> bool:
    match node:
        case gast.Compare():
            return True
        case gast.BinOp(op=gast.BitAnd() | gast.BitOr() | gast.BitXor()):
            return _is_test(node.left) or _is_test(node.right)
        case gast.UnaryOp(op=gast.Invert()):
            return _is_test(node.operand)
        case gast.Call(func=gast.Attribute(attr=name)):
            return name in _TESTS
    return False


def arrays_of(function: Any, known: Mapping[str, str]) -> frozenset[str]:
    """Return the names of a function that something shows to be arrays."""
    found: set[str] = set()
    assigned: list[tuple[str, Any]] = []
    for node in names.own_nodes(function.body):
        match node:
            case gast.Subscript(value=gast.Name(id=name), slice=index) if _cuts(index):
                found.add(name)
            case gast.Attribute(value=gast.Name(id=name), attr=attr) if name not in known:
                if attr in _ARRAY_ATTRIBUTES | _ARRAY_METHODS:
                    found.add(name)
            case gast.Call(args=arguments) if _is_of_numpy(node, known):
                found |= {name for each in arguments for name in _operands(each)}
            case gast.Assign(targets=[gast.Name(id=name)], value=value):
                assigned.append((name, value))
    while True:
        more = {n for n, value in assigned if n not in found and shows_array(value, found, known)}
        if not more:
            return frozenset(found)
        found |= more


def shows_array(node: Any, arrays: frozenset[str] | set[str], known: Mapping[str, str]) -> bool:
    """Return whether an operand of a value is surely about an array, if anything is."""
    match node:
        case gast.Name(id=name):
            return name in arrays
        case gast.BinOp():
            return shows_array(node.left, arrays, known) or shows_array(node.right, arrays, known)
        case gast.UnaryOp():
            return shows_array(node.operand, arrays, known)
        case gast.Compare():
            operands = (node.left, *node.comparators)
            return any(shows_array(each, arrays, known) for each in operands)
        case gast.Subscript():
            return _cuts(node.slice)
        case gast.Call(func=gast.Attribute(attr=attr, value=value)) if (
            attr in _METHODS_OF_ARRAYS and _is_computed(value)
        ):
            return True
        case gast.Call():
            return _is_of_numpy(node, known) or any(
                shows_array(each, arrays, known) for each in node.args
            )
        case gast.Attribute(attr="T"):
            return True
    return False


def _is_computed(node: Any) -> bool:
    """Return whether a value is what an operation gives, none of the user's objects."""
    match node:
        case gast.BinOp() | gast.UnaryOp() | gast.Compare():
            return True
        case gast.Call(func=gast.Name(id="abs")):
            return True
    return False


def _cuts(index: Any) -> bool:
    parts = index.elts if isinstance(index, gast.Tuple) else [index]
    return any(names.is_array_index(each) for each in parts)


def _operands(node: Any) -> Iterator[str]:
    """Yield the names that an operation computes with."""
    match node:
        case gast.Name(id=name):
            yield name
        case gast.BinOp():
            yield from _operands(node.left)
            yield from _operands(node.right)
        case gast.UnaryOp():
            yield from _operands(node.operand)


def _is_of_numpy(call: Any, known: Mapping[str, str]) -> bool:
    attributes: list[str] = []
    node = call.func
    while isinstance(node, gast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    if not isinstance(node, gast.Name):
        return False
    meant = ".".join([known.get(node.id, ""), *attributes])
    return meant.startswith("numpy.") and meant not in _OF_NUMBERS
