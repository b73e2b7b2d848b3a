"""At calls with `backend="auto"`: whether a device would do a region sooner, and its kernels there.

Before:  a call that the CPU has a kernel for          After:  the same for the device, or None

What the device takes is predicted from its launches, the bytes that would be copied there and
back, and what its kernels move and compute (`codegen.traffic`), at rates that were measured on this
machine; one that was never calibrated has none, and stays on the CPU. A kernel for the device is
compiled once it would have gained as much as that takes (as in `autopar.cost`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.codegen import cudalib
from autopar.codegen.device import DeviceMemoryError
from autopar.codegen.overwritten import overwritten
from autopar.codegen.pool import usable_processors
from autopar.codegen.rates import Rates, current
from autopar.codegen.traffic import predicted_device_ns, predicted_times

from .guard import Admission
from .kernels import Kernels, Key
from .options import Options
from .variant import Variant

# How many times sooner the device must be: what is predicted is no better than that.
_MARGIN = 1.25
# Regions that take less on the CPU are not asked about, in nanoseconds: a launch takes longer.
_LEAST_NS = 20_000.0


@dataclass(slots=True, kw_only=True, eq=False)
class Offload:
    """The kernels of one region on the device, where `auto` may choose it."""

    options: Options
    kernels: Kernels  # of the device
    gained_ns: float = 0.0  # what calls would have gained for want of a kernel there
    is_off: bool = False  # the device, or the compiler for it, refused
    most_bytes: float = float("inf")  # with as many, its memory was exhausted
    # Whether the device would have done the last call sooner, but has no kernel yet.
    is_waiting: bool = False
    _beside: dict[int, Variant] = field(default_factory=dict)  # the CPU's, by that of the device

    def instead(
        self,
        variant: Variant,
        key: Key,
        found: Admission,
        call: Callable[[], tuple[dict[str, Any], frozenset[int], Callable[[], bool]]],
    ) -> Variant | None:
        """Return what runs a call on the device; None where `variant` is to run it on the CPU."""
        self.is_waiting = False
        rates = current()
        if self.is_off or not has_device(rates):
            return None
        named, holding, is_needed = call()
        cpu_ns, device_ns = self.predicted(variant, found, named, rates)
        if device_ns is None or cpu_ns < _LEAST_NS or device_ns * _MARGIN >= cpu_ns:
            return None
        if sum(_nbytes(variant, named).values()) >= self.most_bytes:
            return None
        known = self.kernels.made.get(key)
        if known is None:
            self.gained_ns += cpu_ns - device_ns
            self.is_waiting = self.gained_ns < rates.compile
            if self.is_waiting:
                return None
            known = self.kernels.make(key, named, holding, is_needed)
        if not isinstance(known, Variant) or known.lists:
            return None
        self._beside[id(known)] = variant
        return known

    def predicted(
        self, variant: Variant, found: Admission, named: Mapping[str, Any], rates: Rates
    ) -> tuple[float, float | None]:
        """Return the nanoseconds of a call on the CPU, and on the device if anybody can tell."""
        integers = integers_of(variant, found)
        threads = self.options.threads or usable_processors()
        times = predicted_times(variant.program, integers, rates, threads)
        if times is None:
            return 0.0, None
        cpu_ns = times.alone if times.together is None else min(times.alone, times.together)
        copied = copied_bytes(variant, named, integers)
        return cpu_ns, predicted_device_ns(variant.program, integers, rates, copied)

    def beside(self, variant: Variant) -> Variant | None:
        """Return the CPU's variant where `variant` is one that was chosen for the device."""
        return self._beside.get(id(variant))

    def fails(self, variant: Variant, error: Exception, named: Mapping[str, Any]) -> None:
        """Take note that the device could not run a variant."""
        if isinstance(error, DeviceMemoryError):
            self.most_bytes = min(self.most_bytes, sum(_nbytes(variant, named).values()))
        else:
            self.is_off = True


def has_device(rates: Rates) -> bool:
    """Return whether there is a device whose rates were measured."""
    return rates.device_launch is not None and cudalib.is_available()


def integers_of(variant: Variant, found: Admission) -> dict[str, int]:
    """Return the parameters of a variant's program with their values at a call."""
    names = (each.name for each in variant.program.integers)
    return dict(zip(names, found.integers, strict=True))


def copied_bytes(variant: Variant, named: Mapping[str, Any], integers: Mapping[str, int]) -> int:
    """Return the bytes that a call copies to the device, and back."""
    sizes = _nbytes(variant, named)
    back = sum(sizes[each.name] for each in variant.program.given_arrays if each.is_written)
    blank = sum(
        sizes[name]
        for name, each in overwritten(variant.program).items()
        if each.holds(np.shape(named[name]), integers)
    )
    return sum(sizes.values()) - blank + back


def _nbytes(variant: Variant, named: Mapping[str, Any]) -> dict[str, int]:
    """Return the size of each array that a call passes."""
    arrays = {each.name: named[each.name] for each in variant.program.given_arrays}
    return {k: v.nbytes if isinstance(v, np.ndarray) else 0 for k, v in arrays.items()}
