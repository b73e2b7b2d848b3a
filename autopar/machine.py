"""What runs kernels in this process: pools of threads, and the device.

Before:  "cpu", the options of a function      After:  the pool that all such functions share
"""

from __future__ import annotations

from typing import TypeAlias

from autopar.codegen.device import DeviceLauncher
from autopar.codegen.forced import Alone, Together
from autopar.codegen.pool import Pool

from .options import Options, Tier
from .variant import Target

_Key: TypeAlias = tuple[int | None, Tier | None]
_POOLS: dict[Tier | None, type[Pool]] = {None: Pool, "serial": Alone, "parallel": Together}


class Machine:
    """The launchers of this process, made when first needed."""

    def __init__(self) -> None:
        self._pools: dict[_Key, Pool] = {}

    def launcher(self, target: Target, options: Options) -> Pool | DeviceLauncher:
        """Return what runs kernels of `target`."""
        return DeviceLauncher() if target == "cuda" else self.pool(options)

    def pool(self, options: Options) -> Pool:
        """Return what runs kernels of the CPU."""
        key = (options.threads, options.tier)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools.setdefault(key, _POOLS[options.tier](options.threads))
        return pool
