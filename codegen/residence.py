"""At calls: arrays that stay on the device from one region to the next.

Before:  for t in range(steps):           each region copies its arrays to the device, and back
             <region>; <region>
After:   copied there by the first region, back when the interpreter may look at them

Each thread has a residence. The rewritten function calls `settle` before every statement that
might touch an array, and at its end; in between, what lies on the device is what counts. A base
array is copied whole, once: its views are views of the copy, so they overlap there as here. An
array that nobody on the host holds any more is forgotten, with its copy.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from autopar.analysis.model.nouns import dataclass

from . import cudalib
from .cudalib import DeviceArray
from .spent import spending

HostArray: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...], str]  # offset, shape, strides, type

# Of the bytes of its base, what a view must have at least: a small part moves by itself.
_SHARE = 4


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """A base array of the host, and its copy."""

    owner: weakref.ref[HostArray]
    low: int  # its first address
    high: int  # the one after its last
    copy: DeviceArray = None  # its bytes; None for a new array that nobody has stored to
    is_newer: bool = False  # than the host's
    views: dict[Shape, DeviceArray] = field(default_factory=dict)

    def view(self, host: HostArray) -> DeviceArray:
        """Return the part of the copy that `host` is of the base."""
        offset = host.__array_interface__["data"][0] - self.low
        key = (offset, host.shape, host.strides, host.dtype.str)
        if key not in self.views:
            self.views[key] = cudalib.view(self.copy, offset, host)
        return self.views[key]

    def replace(self, copy: DeviceArray) -> None:
        """Let another copy be the one that counts."""
        self.copy = copy
        self.views = {}


@dataclass(slots=True, kw_only=True, eq=False)
class Lodging:
    """The arrays of one run that lie in one copy."""

    held: Held
    arrays: tuple[DeviceArray, ...]
    changed: DeviceArray = None  # what takes the place of the copy if the run ends well
    # Where nothing was held before: takes it in, once the run has ended well.
    keep: Callable[[], None] | None = None

    def end(self, *, is_failed: bool) -> None:
        """Take note of how the run ended."""
        if self.changed is not None and not is_failed:
            self.held.replace(self.changed)
            self.held.is_newer = True
            if self.keep is not None:
                self.keep()


class Residence:
    """What lies on the device for one thread."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}  # by the identity of the base, which lives
        self.copied_in = self.copied_out = 0  # bytes

    def takes(self, arrays: Iterable[tuple[HostArray, bool]]) -> dict[int, list[int]] | None:
        """Return the positions of `arrays` that stay here, by the identity of their base.

        `arrays` come with whether they are written. None where one that is moved by itself shares
        memory with one that lies here: all are settled then.
        """
        found: dict[int, list[int]] = {}
        bases: list[HostArray] = []
        others: list[HostArray] = []
        for position, (array, is_written) in enumerate(arrays):
            base = base_of(array)
            if base is None or not self._fits(array, base, is_written=is_written):
                others.append(array)
                continue
            found.setdefault(id(base), []).append(position)
            bases.append(base)
        ranges = [(each.low, each.high) for each in self._held.values()]
        ranges += [byte_bounds(each) for each in bases]
        for array in others:
            low, high = byte_bounds(array) if array.size else (0, 0)
            if any(low < end and first < high for first, end in ranges):
                self.settle()
                return None
        return found

    def _fits(self, array: HostArray, base: HostArray, *, is_written: bool) -> bool:
        if is_written and not base.flags.writeable:
            return False
        return id(base) in self._held or array.nbytes * _SHARE >= base.nbytes

    def lodge(
        self, arrays: list[tuple[HostArray, bool]], *, may_fail: bool, is_blank: bool = False
    ) -> Lodging:
        """Return where views of one base lie; `may_fail`: what they are before may be wanted.

        `is_blank`: a run that ends well stores every element of all of them, and reads none.
        """
        base = base_of(arrays[0][0])
        assert base is not None  # `takes` looked
        if is_blank and len(arrays) == 1 and _is_all_of(arrays[0][0], base):
            found = self._blank(arrays[0][0], base)
            if found is not None:
                return found
        held = self._held.get(id(base)) or self._new(base)
        is_blank = held.copy is None
        if is_blank:
            held.copy = cudalib.empty((held.high - held.low,), np.uint8)
        is_written = any(written for _, written in arrays)
        if is_written and may_fail and not is_blank:
            changed = cudalib.duplicate(held.copy)
            trial = Held(owner=held.owner, low=held.low, high=held.high, copy=changed)
            return Lodging(
                held=held, arrays=tuple(trial.view(each) for each, _ in arrays), changed=changed
            )
        # Whatever becomes of the run, what it stored is what counts.
        held.is_newer |= is_written
        return Lodging(held=held, arrays=tuple(held.view(each) for each, _ in arrays))

    def _blank(self, array: HostArray, base: HostArray) -> Lodging | None:
        """Return where all of a base lies that a run overwrites; None where it is here already."""
        if id(base) in self._held:
            return None
        low, high = byte_bounds(base)
        held = Held(owner=weakref.ref(base), low=low, high=high)
        changed = cudalib.empty((high - low,), np.uint8)
        held.copy = changed  # for the view; nobody else knows it yet

        def keep() -> None:
            kept = self._note(base)
            kept.copy, kept.is_newer = changed, True

        return Lodging(held=held, arrays=(held.view(array),), changed=changed, keep=keep)

    def expect(self, array: HostArray) -> None:
        """Take note of a new array whose elements mean nothing: it is not copied there."""
        base = base_of(array)
        if base is not None:
            self._note(base)

    def _new(self, base: HostArray) -> Held:
        held = self._note(base)
        held.copy = cudalib.to_device(_bytes_of(base))
        self.copied_in += base.nbytes
        return held

    def _note(self, base: HostArray) -> Held:
        key = id(base)

        def forget(_gone: object) -> None:
            self._held.pop(key, None)

        low, high = byte_bounds(base)
        held = Held(owner=weakref.ref(base, forget), low=low, high=high)
        self._held[key] = held
        return held

    def fetch(self) -> None:
        """Let the host have what is newer here; the copies stay as good as they are."""
        newer = self._newer()
        if not newer:
            return
        with spending("transfer"):
            for held in newer:
                base = held.owner()
                if base is not None:
                    held.copy.copy_to_host(_bytes_of(base))
                    self.copied_out += base.nbytes
                held.is_newer = False

    def settle(self) -> None:
        """Let the host have what is newer here, and forget all: it may change there."""
        if self._held:
            self.fetch()
            self._held.clear()

    def _newer(self) -> list[Held]:
        return [each for each in list(self._held.values()) if each.is_newer]

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies here."""
        return not self._held


def _is_all_of(array: HostArray, base: HostArray) -> bool:
    """Return whether an array has every byte of its base: `z.real` has as many elements as `z`."""
    return array.flags.forc and byte_bounds(array) == byte_bounds(base)


def base_of(array: HostArray) -> HostArray | None:
    """Return the array that owns the memory of `array`, if it can stay on the device."""
    base = array
    while type(base.base) is np.ndarray:
        base = base.base
    flags = base.flags
    owns = flags.owndata and base.base is None and type(base) is np.ndarray
    return base if owns and base.size and (flags.c_contiguous or flags.f_contiguous) else None


def _bytes_of(base: HostArray) -> HostArray:
    """Return the memory of a contiguous array, in its order, as bytes."""
    return base.ravel(order="K").view(np.uint8)


class _Here(threading.local):
    def __init__(self) -> None:
        self.residence = Residence()


_HERE = _Here()


def here() -> Residence:
    """Return the residence of this thread."""
    return _HERE.residence
