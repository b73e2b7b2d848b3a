"""Whether the interpreted part of a split loop can change what its kernel computes from.

Either it is tame: it prints and stores values without a state of their own, by functions and into
containers that are what they seem, so nothing of the user's runs. Or it may do anything: then what
the kernel computed from is compared, before a value is taken, with what it was.
"""

from __future__ import annotations

import builtins
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import field
from types import BuiltinFunctionType, FrameType
from typing import Any

import numpy as np

from autopar.analysis.model.loop_ir import Tame
from autopar.analysis.model.nouns import dataclass

from .iterated import Iterated

# Of these, exactly: printing, comparing, hashing and dropping them runs no code of the user's.
_PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None))) | {
    np.dtype(code).type for code in "?bhilqBHILQefdFD"
}
_NUMBERS = "biufc"
_LISTS = frozenset((list, tuple))
_DICTS = frozenset((dict, defaultdict, OrderedDict))
# Packages whose output streams write, and do nothing else that a program could see.
_STREAMS = frozenset(("_io", "io", "ipykernel", "_pytest", "colorama"))
# One look at an array, at a name; a byte of an array, in thousandths.
_ARRAY_NS, _NAME_NS, _BYTE_PS = 3_000, 1_000, 250
_WORDS = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def is_tame(
    tame: Tame, frame: FrameType, asked: tuple[dict[str, Any], dict[str, Any], Iterated]
) -> bool:
    """Return whether what the interpreter runs is no more than its text says.

    `asked` are all values that the loop was asked with, those that the kernel reads, and what
    the loop runs over.
    """
    named, used, over = asked
    return (
        all(_is_builtin(name, frame) for name in tame.calls)
        and all(type(named[name]) in _PLAIN for name in tame.plain)
        and all(_is_vector(named[name]) for name in tame.arrays)
        and all(_holds_plain(each) for each in over.given)
        and all(_is_container(named[name]) for name in tame.stores)
        and not any(named[name] is each for name in tame.stores for each in used.values())
        and not any(named[name] is each for name in tame.stores for each in over.given)
        and not any(_has_rows(each) for each in used.values() if tame.stores)
        and ("print" not in tame.calls or _is_plain_stream(sys.stdout))
    )


def _is_builtin(name: str, frame: FrameType) -> bool:
    """Return whether `name` means Python's own function in the frame of a function."""
    code = frame.f_code
    if name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars:
        return False
    value = frame.f_builtins.get(name)
    is_own = isinstance(value, BuiltinFunctionType | type) and value.__module__ == "builtins"
    return is_own and name not in frame.f_globals and getattr(builtins, name, None) is value


def _is_plain_stream(stream: object) -> bool:
    return type(stream).__module__.partition(".")[0] in _STREAMS


def _is_vector(value: object) -> bool:
    """Return whether `value` is an array whose elements are numbers."""
    return type(value) is np.ndarray and value.dtype.kind in _NUMBERS and value.ndim == 1


def _holds_plain(value: Any) -> bool:  # noqa: ANN401  # a sequence
    """Return whether a sequence gives plain values when it is gone through."""
    if type(value) is np.ndarray:
        return _is_vector(value)
    return type(value) is range or _PLAIN.issuperset(map(type, value))


def _is_container(value: object) -> bool:
    """Return whether storing plain values in `value` runs no code of the user's.

    What is there already is compared with keys, and dropped where it is stored over.
    """
    if type(value) in _DICTS:
        given: Any = value
        return _PLAIN.issuperset(map(type, given)) and _are_plain(given.values())
    return type(value) is list


def _are_plain(values: Iterable[object]) -> bool:
    return all(
        type(each) in _PLAIN or (type(each) is tuple and _are_plain(each)) for each in values
    )


def _has_rows(value: object) -> bool:
    """Return whether `value` is a list that may have the list of somebody else as a row."""
    given: Any = value
    return type(value) in _LISTS and bool(given) and type(given[0]) in _LISTS


@dataclass(slots=True, kw_only=True)
class Watch:
    """What a kernel computes from, to be compared with what it was."""

    frame: FrameType
    outer: dict[str, Any]  # by the names that other code may bind
    arrays: tuple[Any, ...]
    lists: tuple[Any, ...]
    bindings_hold: Callable[[], bool]
    _before: list[tuple[Any, Any]] = field(default_factory=list)
    _lists_before: list[list[Any]] = field(default_factory=list)

    @staticmethod
    def of(
        frame: FrameType, used: dict[str, Any], bindings_hold: Callable[[], bool]
    ) -> Watch | str:
        """Return what watches what a kernel reads; the name of what cannot be watched."""
        code = frame.f_code
        cells = {*code.co_cellvars, *code.co_freevars}
        local = {*code.co_varnames} - cells
        arrays, lists = [], []
        for name, value in used.items():
            if type(value) is np.ndarray:
                if value.dtype.itemsize not in _WORDS or value.dtype.hasobject:
                    return name
                arrays.append(value)
            elif type(value) is list:
                if _has_rows(value):
                    return name
                lists.append(value)
            elif type(value) not in _PLAIN and type(value) is not range:
                return name
        outer = {name: value for name, value in used.items() if name not in local}
        return Watch(
            frame=frame,
            outer=outer,
            arrays=tuple(arrays),
            lists=tuple(lists),
            bindings_hold=bindings_hold,
        )

    @property
    def nanoseconds(self) -> int:
        """What one look takes, about."""
        size: int = sum(each.nbytes for each in self.arrays)
        listed = sum(map(len, self.lists))
        names = len(self.outer) + 1
        return (
            _ARRAY_NS * len(self.arrays) + size * _BYTE_PS // 1000 + 20 * listed + _NAME_NS * names
        )

    def begin(self) -> None:
        """Note what everything is now."""
        self._before = [(_header(each), _bits(each).copy()) for each in self.arrays]
        self._lists_before = [list(each) for each in self.lists]

    def holds(self) -> bool:
        """Return whether everything is what it was."""
        return (
            all(self._outer_value(name) is value for name, value in self.outer.items())
            and all(map(_is_same, self.arrays, self._before))
            and all(map(_are_same, self.lists, self._lists_before))
            and self.bindings_hold()
        )

    def _outer_value(self, name: str) -> object:
        code = self.frame.f_code
        if name in code.co_cellvars or name in code.co_freevars:
            values = self.frame.f_locals
            found = values.get(name, self)
            if sys.version_info < (3, 13):
                values.clear()  # the frame would keep it, and what is in it alive
            return found
        found = self.frame.f_globals.get(name, self)
        return self.frame.f_builtins.get(name) if found is self else found


def _header(array: Any) -> tuple[Any, ...]:  # noqa: ANN401  # an array
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype


def _bits(array: Any) -> Any:  # noqa: ANN401  # an array
    """Return an array of the same elements as integers, which equal themselves."""
    return array.view(_WORDS[array.dtype.itemsize])


def _is_same(array: Any, before: tuple[Any, Any]) -> bool:  # noqa: ANN401  # as above
    header, bits = before
    return _header(array) == header and bool((_bits(array) == bits).all())


def _are_same(given: list[Any], before: list[Any]) -> bool:
    return len(given) == len(before) and all(
        map(lambda one, other: one is other, given, before)  # identities
    )
