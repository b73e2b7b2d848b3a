"""Functions of NumPy's that a run of array statements calls with whole arrays, on threads.

Before:  np.sum(x) of 10**7 elements       After:  the same sum in two halves, of the same bits

NumPy adds the elements of a row pairwise: halves, and halves of these, down to blocks. So each
thread has NumPy add one half, and the two are added at last. Along another axis each number has
its own order, and threads share out the numbers. Whether NumPy here does so is tried out once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autopar.analysis.model.array_run import Fold
from autopar.codegen.pool import usable_processors

Array: TypeAlias = NDArray[Any]

# Elements below which a thread costs more than it gains.
_LEAST = 1 << 18
# NumPy adds floats of these in pairs.
_PAIRED = frozenset(("f4", "f8"))
_SHARED_OUT = frozenset(("sum", "prod", "mean", "max", "min", "any", "all", "argmax", "argmin"))


class NotCalledError(Exception):
    """The interpreter is to call the function itself: it warns, or raises."""


def call_of(fold: Fold, threads: int | None) -> Callable[..., Any]:
    """Return what calls the function of a step with its arrays.

    It raises NotCalledError where NumPy would warn or raise.
    """
    name = fold.function.removeprefix("numpy.")
    number = usable_processors() if threads is None else threads

    def called(*arrays: Array) -> Any:  # noqa: ANN401  # an array or a number of any type
        if any(each.size == 0 for each in arrays):
            raise NotCalledError
        try:
            return _called(name, arrays, fold, number)
        except (FloatingPointError, ValueError, TypeError, MemoryError) as error:
            raise NotCalledError from error

    return called


def _called(name: str, arrays: tuple[Array, ...], fold: Fold, threads: int) -> Any:  # noqa: ANN401  # as above
    if name in ("matmul", "dot"):
        with _telling():
            return getattr(np, name)(*arrays)
    (array,) = arrays
    if threads > 1 and array.size >= 2 * _LEAST and name in _SHARED_OUT:
        if fold.axis is not None and array.ndim > 1:
            return _along(name, array, fold, threads)
        if fold.axis is None and not fold.keeps_axis and name in ("sum", "mean"):
            found = _whole(name, array)
            if found is not None:
                return found
    return _alone(name, array, fold)


def _alone(name: str, array: Array, fold: Fold) -> Any:  # noqa: ANN401  # as above
    function = attrgetter(name)(np)
    keywords: dict[str, Any] = {}
    if fold.axis is not None:
        keywords["axis"] = fold.axis
    if fold.keeps_axis:
        keywords["keepdims"] = True
    with _telling():
        return function(array, **keywords)


def _telling() -> np.errstate:
    """Raise where NumPy would warn: the interpreter is to do that."""
    return np.errstate(divide="raise", over="raise", invalid="raise")


# ------------------------------------------------------------------------------ along an axis


def _along(name: str, array: Array, fold: Fold, threads: int) -> Any:  # noqa: ANN401  # as above
    """Return what is reduced along one axis, the others shared out among threads."""
    assert fold.axis is not None  # the caller asked
    axis = fold.axis % array.ndim
    shared = next((n for n, e in enumerate(array.shape) if n != axis and e >= 2 * threads), None)
    if shared is None or not _is_wide(array, axis, shared, threads):
        return _alone(name, array, fold)
    cuts = [array.shape[shared] * k // threads for k in range(threads + 1)]
    pieces: list[Any] = [None] * threads
    before = (slice(None),) * shared

    def work(k: int) -> None:
        pieces[k] = _alone(name, array[(*before, slice(cuts[k], cuts[k + 1]))], fold)

    _together([lambda k=k: work(k) for k in range(threads)])  # type: ignore[misc]  # bound early
    place = shared - (axis < shared and not fold.keeps_axis)
    return np.concatenate(pieces, axis=place)


def _is_wide(array: Array, axis: int, shared: int, threads: int) -> bool:
    """Return whether NumPy goes through a piece as it goes through the whole."""
    if shared < axis:
        return True  # whole rows of it
    # Columns: pieces of them must be as long as a line of the cache, and more.
    return int(array.shape[shared]) // threads * array.itemsize >= 1024


# -------------------------------------------------------------------------------- whole arrays


def _whole(name: str, array: Array) -> Any:  # noqa: ANN401  # as above
    """Return the sum or mean of all elements in two halves; None where that is not NumPy's."""
    if array.dtype.str[1:] not in _PAIRED or not array.flags.c_contiguous or not _is_paired():
        return None
    row = array.reshape(-1)
    total = _in_halves(row)
    return total if name == "sum" else total.dtype.type(total / row.size)


def _in_halves(row: Array) -> Any:  # noqa: ANN401  # as above
    half = row.size // 2
    half -= half % 8
    found: list[Any] = [None, None]

    def work(k: int) -> None:
        with _telling():
            found[k] = np.add.reduce(row[:half] if k == 0 else row[half:])

    _together([lambda: work(0), lambda: work(1)])
    with _telling():
        return found[0] + found[1]


@cache
def _is_paired() -> bool:
    """Return whether NumPy adds a long row as the sum of its halves, of the same bits."""
    draw = np.random.default_rng(0)
    for size in (1_003, 20_011, 100_003):
        for dtype in ("f4", "f8"):
            row = (draw.standard_normal(size) * 10.0 ** draw.integers(-6, 6, size)).astype(dtype)
            if _in_halves(row).tobytes() != np.add.reduce(row).tobytes():
                return False
    return True


def _together(works: list[Callable[[], None]]) -> None:
    """Do all works at once, the first on this thread; raise what one of them raises."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # raised again below, on this thread
            failures.append(error)

    others = [threading.Thread(target=guarded, args=(each,), daemon=True) for each in works[1:]]
    for each in others:
        each.start()
    guarded(works[0])
    for each in others:
        each.join()
    if failures:
        raise failures[0]
