"""What the earlier cells of a notebook show of its names: integers that hold from there on.

Before:  n = 100                       After:  {"n": 100, "a.shape[0]": 100, "a.shape[1]": 50}
         a = np.zeros((n, n // 2))

Only names that the whole module assigns once, by a plain statement at module level: whatever
a later cell does, they keep their value, and a cell run twice gives it again. An array that is
assigned once keeps its shape unless somebody sets it, which nobody does.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping

_MAKERS = frozenset({"zeros", "ones", "empty"})  # np.zeros(shape)
_SAMPLERS = frozenset({"rand", "randn"})  # np.random.rand(n, m)
_LARGEST = 2**31


def shown_values(tree: ast.Module) -> Mapping[str, int]:
    """Return the integers that module-level statements show, by their Python text."""
    bound = Counter(_bindings(tree))
    values: dict[str, int] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0]
        if not isinstance(target, ast.Name) or bound[target.id] != 1:
            continue
        number = evaluated(node.value, values)
        if number is not None:
            values[target.id] = number
        for axis, extent in enumerate(_shape(node.value, values)):
            values[f"{target.id}.shape[{axis}]"] = extent
    return values


def _bindings(tree: ast.Module) -> Iterator[str]:
    """Yield every name each time that anything binds it, in whatever scope."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                yield node.id
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    yield (alias.asname or alias.name).partition(".")[0]
            case ast.Global() | ast.Nonlocal():
                yield from node.names * 2  # set from elsewhere: never just once
            case ast.ExceptHandler(name=str(name)):
                yield name
            case _:
                pass


def evaluated(node: ast.expr, known: Mapping[str, int]) -> int | None:
    """Return the integer that an expression over known integers has; None for anything else."""
    found = _evaluated(node, known)
    return found if found is not None and abs(found) < _LARGEST else None


def _evaluated(node: ast.expr, known: Mapping[str, int]) -> int | None:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Name():
            return known.get(node.id)
        case ast.UnaryOp(op=ast.USub()):
            inner = evaluated(node.operand, known)
            return None if inner is None else -inner
        case ast.BinOp():
            left, right = evaluated(node.left, known), evaluated(node.right, known)
            return None if left is None or right is None else _binary(node.op, left, right)
        case ast.Call(func=ast.Name(id="int"), args=[single], keywords=[]):
            return evaluated(single, known)
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)], keywords=[]):
            return known.get(f"{name}.shape[0]")
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"),
                           slice=ast.Constant(value=int(axis))):  # fmt: skip
            return known.get(f"{name}.shape[{axis}]")
    return None


def _binary(operator: ast.operator, left: int, right: int) -> int | None:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv() if right:
            return left // right
        case ast.Mod() if right:
            return left % right
        case ast.Pow() if 0 <= right <= 31:
            return int(left**right)
    return None


def _shape(node: ast.expr, known: Mapping[str, int]) -> tuple[int, ...]:
    """Return the extents of an array that `node` makes, () where they are not known."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name in _MAKERS:
            parts = first.elts if isinstance(first, ast.Tuple | ast.List) else [first]
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="random"), attr=name),
                      args=[_, *_] as parts) if name in _SAMPLERS:  # fmt: skip
            pass
        case ast.Call(func=ast.Attribute(attr="linspace"), args=[_, _, count]):
            parts = [count]
        case ast.Call(func=ast.Attribute(attr="arange"), args=[count]):
            parts = [count]
        case _:
            return ()
    extents = [evaluated(part, known) for part in parts]
    sizes = tuple(each for each in extents if each is not None and each >= 0)
    return sizes if len(sizes) == len(extents) else ()
