"""Texts of ours that call builtins, in functions where the user's names may hide them.

Before:  def check(a, max): ... if not (a.shape[0] >= max(n, 0)): return None
After:   def check(a, max): ... if not (a.shape[0] >= autopar_max(n, 0)): return None

Conditions, bounds and predictions are Python over the user's names, and `max = a[0]` is what
people write before a loop that looks for the greatest element.
"""

from __future__ import annotations

import builtins
import functools
import re
from collections.abc import Mapping
from typing import Any

_USED = ("abs", "len", "max", "min", "range", "type")
_CALL = re.compile(rf"(?<![\w.])({'|'.join(_USED)})(?=\()")

# What such a text is run with.
OWN_BUILTINS = {f"autopar_{name}": getattr(builtins, name) for name in _USED}


@functools.lru_cache(maxsize=1024)
def with_own_builtins(text: str) -> str:
    """Return `text` with names for the builtins it calls that no user's name can hide.

    The text is ours: it calls no function of the user's by these names.
    """
    return _CALL.sub(r"autopar_\1", text)


def defined(source: str, where: str, names: Mapping[str, object]) -> dict[str, Any]:
    """Return what a text of ours defines, which sees `names` and these builtins."""
    found: dict[str, Any] = {**names, **OWN_BUILTINS}
    exec(compile(with_own_builtins(source) + "\n", f"<autopar {where}>", "exec"), found)  # noqa: S102  # our own text
    return found
