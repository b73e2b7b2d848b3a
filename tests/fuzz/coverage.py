"""What drawn programs met in kernels: operator x dtype x overlap class, counted.

An overlap class says how the arrays of a call lie in memory; a call counts once for each operator of its program,
each dtype of its arrays, and its class. Only calls in which some loop ran in a kernel count.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

# From the plainest to the oddest: a call is of the last class that one of its pairs is of.
CLASSES = {
    "-": "no array shares memory with another one",
    "e": "arrays share memory, but no element",
    "s": "the same elements in the same places",
    "o": "shared elements, all strides the same: an offset",
    "r": "shared elements, other strides: reversed, transposed, spread out",
    "z": "an array shares elements with itself",
}
_MOST_WORK = 10_000


class Coverage:
    """Counts of what was met."""

    def __init__(self) -> None:
        self.met: Counter[tuple[str, str, str]] = Counter()

    def note(self, source: str, arguments: Sequence[object], kind: str) -> None:
        """Count one call that ran in a kernel; `kind` is the overlap class of its arrays."""
        arrays = (each for each in arguments if isinstance(each, np.ndarray))
        dtypes = {_named(each) for each in arrays} or {"none"}
        for operator, dtype in itertools.product(operators_of(source), dtypes):
            self.met[operator, dtype, kind] += 1

    def __str__(self) -> str:
        by_cell: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for operator, dtype, kind in self.met:
            by_cell[operator][dtype].add(kind)
        dtypes = sorted({dtype for _, dtype, _ in self.met})
        width = max(map(len, by_cell), default=0)
        head = " ".join(f"{each:<10}" for each in dtypes)
        lines = [f"{'operator':<{width}} {head}".rstrip()]
        for operator in sorted(by_cell):
            cells = ("".join(k for k in CLASSES if k in by_cell[operator][d]) for d in dtypes)
            lines.append(f"{operator:<{width}} {' '.join(f'{e:<10}' for e in cells)}".rstrip())
        lines += [f"{key} {words}" for key, words in CLASSES.items()]
        return "\n".join([*lines, f"{len(self.met)} combinations were met in kernels"])


def operators_of(source: str) -> frozenset[str]:
    """Return what a program computes with: operators, and functions that it calls by name."""
    return frozenset(_operators(ast.walk(ast.parse(source))))


def _operators(nodes: Iterable[ast.AST]) -> Iterable[str]:
    for node in nodes:
        match node:
            case ast.BinOp(op=op) | ast.UnaryOp(op=op):
                yield type(op).__name__
            case ast.BoolOp(op=truth):
                yield type(truth).__name__
            case ast.AugAssign(op=op):
                yield f"{type(op).__name__}="
            case ast.Compare(ops=ops):
                yield from (type(each).__name__ for each in ops)
            case ast.IfExp():
                yield "IfExp"
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield f"{name}()"


def overlap_class(arrays: Sequence[np.ndarray]) -> str:
    """Return how arrays lie in memory, as a key of `CLASSES`."""
    order = list(CLASSES)
    pairs = itertools.combinations(arrays, 2)
    found = [_class_of_pair(one, two) for one, two in pairs]
    found += ["z" for each in arrays if _meets_itself(each)]
    return max(found, key=order.index, default="-")


def _class_of_pair(one: np.ndarray, two: np.ndarray) -> str:
    if not np.may_share_memory(one, two):
        return "-"
    try:
        # The stubs know two amounts of work only.
        if not np.shares_memory(one, two, max_work=_MOST_WORK):  # type: ignore[arg-type]
            return "e"
    except (np.exceptions.TooHardError, OverflowError):
        return "r"
    if one.strides != two.strides:
        return "r"
    return "s" if one.ctypes.data == two.ctypes.data and one.shape == two.shape else "o"


def _meets_itself(array: np.ndarray) -> bool:
    return any(stride == 0 for stride, n in zip(array.strides, array.shape, strict=True) if n > 1)


def _named(array: np.ndarray) -> str:
    return str(array.dtype) if array.dtype.names is None else "record"
