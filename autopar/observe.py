"""Write every stage as text: AUTOPAR_DUMP=DIR."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

from autopar.analysis.model.dump import dump_noun, stage_of
from autopar.analysis.model.source import SourceFunction
from autopar.analysis.stages import Observer, silent

from .dumps import NUMBERS, write_text

T = TypeVar("T")


def observer(source: SourceFunction, folder: str | None) -> Observer:
    """Return what watches the stages of one function: nothing, or a writer of text files."""
    if folder is None:
        return silent
    return _Writer(Path(folder), re.sub(r"\W+", "-", source.qualified_name).strip("-"))


class _Writer:
    """Writes `NAME.01-loop-ir.txt`, `NAME.02-scop.txt`, ... into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._seen: dict[str, int] = {}

    def __call__(self, noun: T) -> T:
        stage = stage_of(noun)
        if stage is not None:
            number = self._seen[stage] = self._seen.get(stage, 0) + 1
            suffix = f".{number}" if number > 1 else ""
            name = f"{self._name}.{NUMBERS[stage]}-{stage}{suffix}.txt"
            write_text(self._folder, name, dump_noun(noun))
        return noun
