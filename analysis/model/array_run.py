"""Consecutive statements that may be about whole arrays, and what a call finds of these.

The code does not say how many axes a name has, so a run has no model before a call: that shows
the arrays among its names, and which of their extents are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass

from .loop_ir import Assign, Expression, For, Update
from .source import SourceText, Span

# A subscript that makes a new axis: `None`, `numpy.newaxis`; and all the axes not named: `...`.
NEW_AXIS, OTHER_AXES = "None", "..."
# An array's `T`, as a function; what has three operands; a copy by a method or a function.
TRANSPOSE, WHERE, COPIED = "transpose of", "numpy.where", "copy of"
# Attributes of arrays of complex numbers.
PARTS = frozenset(("real", "imag"))
# What a whole array is reduced to.
REDUCTIONS = frozenset(
    f"numpy.{name}" for name in ("sum", "prod", "max", "min", "any", "all")
)  # fmt: skip
# Functions that NumPy runs between loops, on whole arrays: what makes one number of an array, or
# one for each row, and whether it takes an axis; products.
FOLD = "fold "
FOLDS: Mapping[str, bool] = MappingProxyType(
    {
        **dict.fromkeys(sorted(REDUCTIONS), True),
        "numpy.mean": True, "numpy.var": True, "numpy.std": True, "numpy.argmax": True,
        "numpy.argmin": True, "numpy.count_nonzero": True, "numpy.ptp": True,
        "numpy.median": True, "numpy.linalg.norm": True, "numpy.cumsum": True,
        "numpy.cumprod": True,
    }
)  # fmt: skip
# Behind the name of a variance: how many degrees of freedom are missing.
LESS = " less "
PRODUCT = f"{FOLD}numpy.matmul"
PRODUCTS = frozenset((PRODUCT, f"{FOLD}numpy.dot"))
# What leaves as many numbers as there were.
RUNNING = frozenset(("numpy.cumsum", "numpy.cumprod"))
# Functions that only say where elements come from: the words behind it are those of
# `passes.array_forms`. Some are parts of their array, others are put together of pieces.
FORM = "form "
VIEWS = frozenset(f"{FORM}{each}" for each in ("flip", "order", "swap", "axis"))
PIECES = frozenset(f"{FORM}{each}" for each in ("roll", "joined", "stacked", "rows", "columns"))
# New arrays of one value, in the form of another one.
FILLED = f"{FORM}filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRun:
    """A run of assignments of one block, or the value of one expression."""

    # What is assigned; a statement of the source may stand for several of these.
    statements: tuple[Assign | Update, ...]
    arguments: tuple[str, ...]  # names that it reads before it assigns them, sorted
    results: tuple[str, ...]  # those it assigns that may be read afterwards, sorted
    text: SourceText
    span: Span  # of the first statement: where the guard stands
    whole: Span  # where all of it stands
    count: int  # statements of the source
    is_value: bool = False  # an expression: its only result is its value
    is_shown: bool = True  # the code shows that it is about arrays, if it is about anything
    # What a 'return' at its end gives, and a name of the user's that holds it on the way.
    returned: tuple[str, ...] = ()
    is_tuple: bool = False
    holder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArray:
    """An array of a call: its type, and each extent as one of the numbers 0, 1, ...

    Equal numbers are equal extents, of all arrays; None is an extent of 1, which broadcasts.
    """

    dtype: str
    extents: tuple[int | None, ...]
    short: tuple[tuple[int, int], ...] = ()  # of these numbers, the extents that are known


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenScalar:
    """A number of a call: "int", "float" and so on of Python, or the dtype of one of NumPy's."""

    kind: str
    is_python: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArray:
    """An array that a call makes before the loops run."""

    name: str  # in the loops; none of the user's
    dtype: str
    extents: tuple[Expression, ...]  # over extents of arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Loops:
    """Statements of a run as loops over the axes of its arrays."""

    nest: For  # a block
    arrays: tuple[NewArray, ...]
    scalars: frozenset[str]  # what is read behind the loops
    # Of all arrays of the loops, over extents of arguments: the call vouches for them.
    extents: tuple[tuple[str, tuple[Expression, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A function of NumPy's that is called with whole arrays."""

    function: str
    sources: tuple[str, ...]
    axis: int | None
    keeps_axis: bool
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Assignments of scalars alone."""

    statements: tuple[Assign, ...]


Step: TypeAlias = Loops | Fold | Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedRun:
    """A run as steps, one after the other. But for the last one, they change no array of a call."""

    steps: tuple[Step, ...]
    # What each result is: an array of the steps, the argument of that name, or a scalar.
    results: tuple[tuple[str, str], ...]
    span: Span
