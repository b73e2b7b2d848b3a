"""What was predicted of a region, beside what it took: for the report of a run.

Before:  a region whose last call had n = 4000      After:  interpreter 0.6 ms, one thread 4 us, ...
"""

from __future__ import annotations

import logging
from dataclasses import replace

from autopar.analysis.model.time_line import Predicted
from autopar.codegen.pool import usable_processors
from autopar.codegen.rates import current
from autopar.codegen.traffic import Times, predicted_times

from .dispatch import Region
from .guard import Admission
from .variant import Variant

LOG = logging.getLogger("autopar")


def predicted_of(regions: list[Region]) -> Predicted | None:
    """Return what the last call that was looked at in full was predicted to take."""
    region = next((each for each in reversed(regions) if each.looked_at is not None), None)
    if region is None or region.looked_at is None:
        return None
    variant, found = region.looked_at
    try:
        times = _times(region, variant, found)
    except Exception:  # a fault of ours must not become the user's
        LOG.exception("what %s takes could not be predicted", region.name)
        times = None
    device_ns, copied = None, None
    if region.device is not None:
        device_ns, copied = region.device
    return Predicted(
        interpreter=found.interpreter_ns / 1e9,
        serial=None if times is None else times.alone / 1e9,
        parallel=None if times is None or times.together is None else times.together / 1e9,
        touched_bytes=None if times is None else times.touched_bytes,
        device=None if device_ns is None else device_ns / 1e9,
        copied_bytes=copied,
    )


def _times(region: Region, variant: Variant | None, found: Admission) -> Times | None:
    variant = None if variant is None else region.on_cpu(variant)
    if variant is None or variant.target != "cpu":
        return None
    names = (each.name for each in variant.program.integers)
    integers = dict(zip(names, found.integers, strict=True))
    threads = region.options.threads or usable_processors()
    rates = current()
    times = predicted_times(variant.program, integers, rates, threads)
    if times is None or region.counting is None:
        return times
    # Turns that nobody knows are those of the run before.
    alone = times.alone * region.counting.factor
    together = None if times.together is None else alone / threads + rates.hop
    return replace(times, alone=alone, together=together)
