"""Lists of numbers, seen as what a guard asks of an array.

Maps a `list` to a `ListView` with NumPy's attributes; nothing of it is copied, and no element but
the first is looked at. `copied` makes the array, or says why there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from autopar.analysis.model.nouns import dataclass

from ..model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    EXACT_IN_FLOAT64,
    FLOAT,
    INT,
    OPEN,
    ArrayType,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from .device_arrays import ALIGNED, C_CONTIGUOUS, WRITEABLE, Flags

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PYTHON: dict[type, ScalarType] = {bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX}
_NUMPY: dict[type, ScalarType] = {
    np.dtype(name).type: NumpyScalar(dtype=name) for name in COMPILED_DTYPES
}
_KINDS = _PYTHON | _NUMPY
_FLAGS = Flags(num=C_CONTIGUOUS | ALIGNED | WRITEABLE)
_LARGEST_RANK = 2
_WRITABLE = frozenset((list,))
LISTS = frozenset((list, tuple, range))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListView:
    """One list of a call, or a list of lists; only the first row is looked at."""

    given: Any  # a list; a tuple or a range, where it is only read
    shape: tuple[int, ...]
    element: ScalarType | None  # of the first element; None where none is read

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> ScalarType | str:
        """What tells one kind of list from another, and from an array."""
        return self.element or OPEN

    @property
    def flags(self) -> Flags:
        """Those of the copy."""
        return _FLAGS

    @property
    def rows(self) -> tuple[list[Any], ...]:
        """The lists that hold the numbers."""
        return (self.given,) if self.ndim == 1 else tuple(self.given)

    @property
    def type(self) -> ArrayType:
        """What a kernel is specialised for."""
        return ArrayType(
            dtype=OPEN if self.element is None else self.element.dtype,
            rank=self.ndim,
            layout="C",
            is_aligned=True,
            is_writeable=True,
            is_list=True,
            element=self.element,
        )


def view_of(
    value: object, rank: int, *, is_read: bool, is_written: bool = False
) -> ListView | None:
    """Return a list as an array of `rank` axes; None where it cannot be one.

    Tuples and ranges that are only read are lists here. A list of another length than it has
    rows, or of unlike elements, is found out by `copied`.
    """
    kinds = _WRITABLE if is_written else LISTS
    if type(value) not in kinds or not 1 <= rank <= _LARGEST_RANK:
        return None
    given: Any = value
    if rank == 1:
        shape: tuple[int, ...] = (len(given),)
        first = given
    else:
        first = given[0] if given else []
        if type(first) not in kinds or type(first) is range:
            return None
        shape = (len(given), len(first))
    element = None
    if is_read:
        element = _KINDS.get(type(first[0])) if first else FLOAT
        if element is None:
            return None
    found = ListView(given=given, shape=shape, element=element)
    is_measured = not is_read and not is_written
    # Nobody looks at the rows of one that is only asked for its lengths.
    return None if is_measured and rows_problem(found) is not None else found


def copied(view: ListView, held: ScalarType) -> NDArray[Any] | str:
    """Return the elements of a list in an array of the dtype of `held`, or why they have none."""
    problem = rows_problem(view)
    if problem is not None:
        return problem
    if view.element is None:
        return np.empty(view.shape, held.dtype)
    if type(view.given) is range:
        return _counted(view.given, view.element, held)
    kinds = set(map(type, _elements(view)))
    if len(kinds) > 1 or (kinds and _KINDS.get(next(iter(kinds))) != view.element):
        return f"a list of {' and '.join(sorted(each.__name__ for each in kinds))}"
    try:
        array = np.array(view.given, dtype=view.element.dtype).reshape(view.shape)
    except OverflowError:
        return "a list with an integer beyond 64 bits"
    return _as(array, view.element, held)


def _counted(given: range, element: ScalarType, held: ScalarType) -> NDArray[Any] | str:
    limits = np.iinfo(np.int64)
    ends = (given[0], given[-1]) if given else (0,)
    if min(ends) < limits.min or max(ends) > limits.max:
        return "a range with an integer beyond 64 bits"
    step = given.step if len(given) > 1 else 1
    first = given[0] if given else 0
    return _as(first + step * np.arange(len(given), dtype=np.int64), element, held)


def _as(array: NDArray[Any], element: ScalarType, held: ScalarType) -> NDArray[Any] | str:
    """Return the elements in the dtype in which they are held, where that changes no value."""
    if element.dtype == held.dtype:
        return array
    if array.dtype.kind in "iu" and array.size and held.dtype != "int64":
        limit = EXACT_IN_FLOAT64
        if int(array.max()) > limit or int(array.min()) < -limit:
            return "a list with an integer beyond 53 bits"
    return array.astype(held.dtype)


def rows_problem(view: ListView) -> str | None:
    """Return why the rows of a list make no two-dimensional array; None where they do."""
    if view.ndim == 1:
        return None
    kinds = set(map(type, view.given))
    if len(kinds) > 1 or kinds - {list, tuple}:
        return "a list of other things than lists"
    if any(len(row) != view.shape[1] for row in view.given):
        return "a list of lists of different lengths"
    if kinds == {list} and len(set(map(id, view.given))) < len(view.given):
        return "a list that has one list as several rows"
    return None


def _elements(view: ListView) -> Iterable[Any]:
    return view.given if view.ndim == 1 else chain.from_iterable(view.given)


def share_rows(first: tuple[list[Any], ...], second: tuple[list[Any], ...]) -> bool:
    """Return whether a store through one list may be seen through the other, by their rows."""
    return not {id(row) for row in first}.isdisjoint(id(row) for row in second)


Stored: TypeAlias = "NDArray[np.bool_]"


def put_back(view: ListView, array: NDArray[Any], stored: Stored, element: ScalarType) -> None:
    """Store in a list what was `stored` in its copy; every other element stays as it is."""
    for number, row in enumerate(view.rows):
        values, here = (array, stored) if view.ndim == 1 else (array[number], stored[number])
        count = int(np.count_nonzero(here))
        if count == len(row):
            row[:] = objects(values, element)
        elif count:
            places = np.flatnonzero(here).tolist()
            for place, value in zip(places, objects(values[here], element), strict=True):
                row[place] = value


def changed(array: NDArray[Any], before: NDArray[Any]) -> Stored:
    """Return which elements have other bits than before."""
    width = array.dtype.itemsize
    whole = np.dtype(f"u{min(width, 8)}")
    # The number of words is said: none can be counted where there is no element.
    words = width // whole.itemsize
    now, then = (each.view(whole).reshape(*each.shape, words) for each in (array, before))
    found: Stored = (now != then).any(axis=-1)
    return found


def objects(values: NDArray[Any], element: ScalarType) -> list[Any]:
    """Return an array's elements as the interpreter would have stored them."""
    if isinstance(element, PythonScalar):
        found: list[Any] = values.tolist()
        return found
    return list(values)


def objects_in_rows(values: NDArray[Any], stored: Stored, element: ScalarType) -> list[Any]:
    """Return a list of what was stored in each row along the last axis."""
    count = prod(values.shape[:-1])
    rows = values.reshape(count, values.shape[-1])
    notes = stored.reshape(rows.shape)
    if isinstance(element, PythonScalar) and bool(notes.all()):
        found: list[Any] = rows.tolist()
        return found
    return [objects(row[note], element) for row, note in zip(rows, notes, strict=True)]


def grow(given: list[Any], sites: tuple[tuple[str, tuple[list[Any], ...], Stored], ...]) -> None:
    """Append to a list what each of its sites stored: kind, elements of each part, and where.

    Elements are in the order of the iterations; of one iteration, sites in the order given.
    """
    grown = [_joined(kind, parts) for kind, parts, _ in sites]
    if len(sites) == 1:
        given.extend(grown[0])
        return
    stored = np.stack([stored.ravel() for _, _, stored in sites], axis=-1)
    order = np.empty(stored.shape, np.object_)
    for number, values in enumerate(grown):
        # One by one: NumPy would take lists of equal lengths apart.
        order[stored[:, number], number] = np.fromiter(values, np.object_, len(values))
    given.extend(order[stored].tolist())


def _joined(kind: str, parts: tuple[list[Any], ...]) -> list[Any]:
    if kind == "value":
        return parts[0]
    found = list(zip(*parts, strict=True))
    return found if kind == "tuple" else list(map(list, found))
