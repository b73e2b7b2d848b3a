"""What runs kernels in this process: pools of threads, and the device.

Before:  "cpu", the options of a function      After:  the pool that all such functions share
"""

from __future__ import annotations

from typing import TypeAlias

from autopar.codegen.device import DeviceLauncher
from autopar.codegen.forced import Alone, Together
from autopar.codegen.pool import SHORTEST_CHUNK_NS, Pool
from autopar.codegen.rates import Rates, current

from .options import Options, Tier
from .variant import Target

_Key: TypeAlias = tuple[int | None, Tier | None]
_POOLS: dict[Tier | None, type[Pool]] = {None: Pool, "serial": Alone, "parallel": Together}


# How many times what a launch on several threads costs it must have of work: half of it is
# gained on two threads, and what is predicted may be a few times too much.
_HOPS = 7


def inline_ns(rates: Rates) -> int:
    """Return below how much predicted work a launch stays on its thread."""
    return max(2 * SHORTEST_CHUNK_NS, round(_HOPS * rates.hop / rates.kernel))


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
            made = _POOLS[options.tier](options.threads, inline_ns(current()))
            pool = self._pools.setdefault(key, made)
        return pool


MACHINE = Machine()
