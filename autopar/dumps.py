"""The files of AUTOPAR_DUMP=DIR: every stage as text, numbered in the order of the pipeline."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = MappingProxyType(
    {"loop-ir": "01", "scop": "02", "plan": "03", "program": "04", "kernel": "05"}
)


def write_text(folder: Path, name: str, text: str) -> None:
    """Write one file of a dump; a folder that cannot be written is no reason to stop."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    except OSError:
        return
