"""Functions of a whole row of an array, by their canonical names, and the steps they consist of.

Maps "numpy.sum" to what a loop over the row does: `first` makes the value before the row, `next`
the value after one more element, `last` what the function returns. Each step is a function of
the loop IR that nobody can write; typing knows them, and `codegen.row_loops` prints the loops of
float steps as one call of NumPy's own loop, since it adds in an order of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

FIRST, NEXT, LAST = ".first", ".next", ".last"

# Of one row. Those that begin with the first element want one.
NUMPY_ROWS = frozenset(
    f"numpy.{name}"
    for name in (
        "sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "argmax", "argmin",
    )
)  # fmt: skip
# Python's own, over the elements of an array or a list.
BUILTIN_ROWS = frozenset(("sum", "max", "min", "any", "all"))
WANT_ONE = frozenset(
    ("numpy.max", "numpy.min", "numpy.mean", "numpy.argmax", "numpy.argmin", "max", "min")
)
# Which of two values is the better one.
PLACES: Mapping[str, Literal["<", ">"]] = MappingProxyType(
    {"numpy.argmax": ">", "numpy.argmin": "<"}
)
# Of two rows of one length; the second one is what `@` calls.
PRODUCTS = frozenset(("numpy.dot", "numpy.matmul"))
MATRIX_PRODUCT = "numpy.matmul"
# The square root of the product of a row with itself.
NORM = "numpy.linalg.norm"
ROWS = NUMPY_ROWS | BUILTIN_ROWS | PRODUCTS | {NORM}
# Those that make the same of a row, whether they are told its one axis or not.
WITH_AXIS = NUMPY_ROWS
# Other names of the same functions.
ROW_ALIASES: Mapping[str, str] = MappingProxyType(
    {"numpy.amax": "numpy.max", "numpy.amin": "numpy.min", "numpy.inner": "numpy.dot"}
)
# Methods of arrays.
ROW_METHODS = frozenset(name.removeprefix("numpy.") for name in {*NUMPY_ROWS, "numpy.dot"})

# The steps of floats that only NumPy's own loop takes in the interpreter's order.
ORDERED_STEPS = frozenset(
    f"{name}{NEXT}"
    for name in ("numpy.sum", "numpy.prod", "numpy.max", "numpy.min", *sorted(PRODUCTS))
)
# Steps that ask for the types of their operands alone: there may be no such elements.
OF_TYPES = frozenset(
    f"{name}{FIRST}"
    for name in (
        "numpy.sum", "numpy.prod", "numpy.any", "numpy.all", "numpy.dot", "numpy.matmul",
    )
)  # fmt: skip


def row_function(name: str | None) -> str | None:
    """Return the function of rows called `name`, under its own name; None for any other."""
    if name is None:
        return None
    own = ROW_ALIASES.get(name, name)
    return own if own in ROWS else None


def rows_wanted(name: str) -> int:
    """Return how many rows the function called `name` is given."""
    return 2 if name in PRODUCTS else 1


def is_row_step(name: str) -> bool:
    """Return whether `name` is a step of one of NumPy's functions of rows."""
    return name.endswith((FIRST, NEXT, LAST)) and row_of(name) in ROWS


def row_of(step: str) -> str:
    """Return the function that a step is of."""
    return step.rpartition(".")[0]
