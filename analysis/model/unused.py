"""Names that nothing else has."""

from __future__ import annotations

from collections.abc import Container


def unused(wanted: str, taken: Container[str]) -> str:
    """Return `wanted`, with as many underscores as it takes to be none of `taken`."""
    while wanted in taken:
        wanted += "_"
    return wanted
