"""Other names for the names of the templates: people do not call everything `a` and `i`."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

LOOPS = (
    ("i", "j", "l", "t"),
    ("r", "c1", "z1", "t1"),
    ("row", "col1", "layer", "step1"),
    ("ix", "iy", "iz", "it"),
)
POOLS: Mapping[str, tuple[str, ...]] = {
    "a": ("out", "result", "y", "u", "state"),
    "b": ("data", "src", "inp", "v", "left"),
    "c": ("other", "weight", "rhs", "right"),
    "A": ("grid", "image", "M", "table"),
    "B": ("old", "field", "N", "coef"),
    "s": ("total", "acc", "best"),
    "n": ("size", "count1", "length"),
    "m": ("width", "cols", "depth1"),
    "k": ("offset", "shift", "lag"),
}  # fmt: skip


def renamed(source: str, generator: random.Random) -> tuple[str, dict[str, str]]:
    """Return `source` with some names changed, and the template's name for each new one."""
    if generator.random() < 0.5:
        return source, {}
    chosen = dict(zip(LOOPS[0], generator.choice(LOOPS), strict=True))
    for name, others in POOLS.items():
        if generator.random() < 0.6:
            chosen[name] = generator.choice(others)
    used = set(re.findall(r"[A-Za-z_]\w*", source))
    chosen = {
        old: new for old, new in chosen.items() if old in used and new not in used - set(chosen)
    }
    text = re.sub(r"\b[A-Za-z_]\w*\b", lambda match: chosen.get(match[0], match[0]), source)
    return text, {new: old for old, new in chosen.items() if new != old}
