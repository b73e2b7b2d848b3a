"""The generated source of kernels, by the nests that they run in the place of.

Before:  regions with the variants that calls made
After:   {"heat.L7C4": "def heat_L7C4(...", "heat.L7C4#2": ...}, the second one for other types
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .prepare import Entry
from .variant import Variant


def compiled_variants(region: Entry) -> list[Variant]:
    """Return the variants of a region that were compiled, in that order."""
    return [variant for each in region.regions() for variant in each.kernels.variants()]


def kernel_sources(regions: Iterable[Entry]) -> dict[str, str]:
    """Return {region name: generated source} of every kernel compiled so far."""
    found: dict[str, str] = {}
    for region in regions:
        for number, variant in enumerate(compiled_variants(region)):
            suffix = f"#{number + 1}" if number else ""
            found[region.name + suffix] = variant.source
        for inner in region.regions():
            if inner.inspectors is not None:
                found |= inner.inspectors.sources()
    return found


def sources_of_loops(regions: Iterable[Entry]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the same by the id of the loop in the report."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for name, source in kernel_sources(regions).items():
        found[name.partition("#")[0]] += (source,)
    return tuple(found.items())
