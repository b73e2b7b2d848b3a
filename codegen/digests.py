"""Names of cache entries: what they depend on, as one number.

Maps texts to a digest; parts of different lengths are never taken for one another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest_of(parts: Iterable[str]) -> str:
    """Return a name for what depends on just `parts`, in this order."""
    found = hashlib.sha256()
    for each in parts:
        content = each.encode("utf-8", "surrogatepass")
        found.update(f"{len(content)}:".encode())
        found.update(content)
    return found.hexdigest()[:32]
