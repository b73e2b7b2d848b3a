"""At calls with `backend="cuda"`: kernels of the CPU for what the device has no memory for.

Before:  the device's memory is exhausted      After:  the CPU's variant of the same call, or None

Arrays that fill the memory of a device are the last that should be left to the interpreter. Nothing
on the host has changed by then, so the CPU begins where the device did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autopar.analysis.model.nouns import dataclass
from autopar.codegen.device import DeviceError, DeviceMemoryError

from .kernels import Kernels, Key
from .variant import Variant


@dataclass(slots=True, kw_only=True, eq=False)
class Spare:
    """The kernels of one region on the CPU, where the user named the device."""

    kernels: Kernels

    def instead(
        self,
        error: DeviceError,
        variant: Variant,
        of_device: Kernels,
        call: Callable[[Key], tuple[dict[str, Any], frozenset[int], Callable[[], bool]]],
    ) -> Variant | None:
        """Return what runs on the CPU what `variant` found no memory for; None where nothing does.

        `call` gives what a kernel is made from, for the key that `variant` has in `of_device`.
        """
        if not isinstance(error, DeviceMemoryError):
            return None
        key = next((k for k, each in list(of_device.made.items()) if each is variant), None)
        if key is None:
            return None
        named, holding, is_needed = call(key)
        if not _are_here(variant, named):
            return None
        made = self.kernels.made.get(key) or self.kernels.make(key, named, holding, is_needed)
        return made if isinstance(made, Variant) and not made.lists else None


def spare_for(kernels: Kernels) -> Spare:
    """Return an empty one for a region whose kernels run on the device."""
    options = replace(kernels.options, backend="cpu")
    return Spare(kernels=replace(kernels, options=options, made={}, absent=set(), ran=set()))


def _are_here(variant: Variant, named: Mapping[str, Any]) -> bool:
    """Return whether all arrays lie on the host."""
    return all(isinstance(named[each], np.ndarray) for each in variant.arrays)
