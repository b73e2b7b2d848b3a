"""A worker's task that dies for one notebook, as a fault in native code would have it."""

from __future__ import annotations

import os
from pathlib import Path

from autopar.corpus.examine import Examined
from autopar.corpus.manifest import Item
from autopar.corpus.workers import work


def dies_at_b(item: Item) -> Examined:
    """Examine an item, unless it is b.py: then end the process at once."""
    if item.key == "b.py":
        os._exit(3)
    return work(item)


def fails_at_first(item: Item) -> Examined:
    """Examine an item, unless it is the first time: then fail."""
    mark = Path(item.path).with_suffix(".seen")
    if not mark.exists():
        mark.touch()
        raise RuntimeError("not yet")
    return work(item)


def always_fails(item: Item) -> Examined:
    """Fail."""
    raise RuntimeError(f"never {item.key}")


def wants_memory(item: Item) -> Examined:
    """Take more memory than any worker may have."""
    return work(Item(key=str(len(bytearray(1 << 40))), path=item.path, member=None, size=1))
