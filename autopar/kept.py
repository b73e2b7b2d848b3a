"""What the static stage found out about functions, kept between processes.

Before:  a source function that some process analysed      After:  its report and its regions,
                                                                   without isl and without a parser

An entry is named after all that the analysis depends on: the text that it is shown (see
`autopar.narrowed`), the place of the function in it, what its outside names mean, the functions it
calls; and autopar itself, the versions of what it is built on. The path of the file is no part of
that, so cells of a notebook find theirs again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import autopar.analysis.facts
import autopar.analysis.model
import autopar.analysis.passes
import autopar.codegen
from autopar.analysis.model.array_run import ArrayRun
from autopar.analysis.model.plan import (
    DeferredRegion,
    DrawnRegion,
    RegionPlan,
    SplitRegion,
    StretchRegion,
    UnrankedRegion,
    WaitingRegion,
)
from autopar.analysis.model.report import FunctionReport
from autopar.analysis.model.source import SourceFunction
from autopar.analysis.model.written import UnreadableError, read, written
from autopar.codegen.cache import user_cache
from autopar.codegen.digests import digest_of
from autopar.codegen.surroundings import code_in, interpreter, package

from .options import Options

LOG = logging.getLogger("autopar")

# The modules whose nouns an entry may be made of.
NOUNS = frozenset(
    (
        *(
            f"autopar.analysis.model.{name}"
            for name in (
                "array_run", "dependence", "diagnostics", "draws", "loop_ir", "plan", "report",
                "scop", "source", "typed", "types",
            )
        ),
        *(
            f"autopar.analysis.passes.reasons{part}"
            for part in (
                "", "_calls", "_data", "_dependence", "_draws", "_fission", "_loops", "_model",
                "_objects", "_syntax",
            )
        ),
        "autopar.analysis.facts.reasons",
        "autopar.analysis.facts.reasons_fission",
        "autopar.analysis.facts.reasons_objects",
        "autopar.codegen.kernel",
        "autopar.codegen.reasons",
        "autopar.lists",
    )
)  # fmt: skip

Found: TypeAlias = (
    RegionPlan
    | DeferredRegion
    | WaitingRegion
    | UnrankedRegion
    | SplitRegion
    | DrawnRegion
    | StretchRegion
    | ArrayRun
)
_FOUND = {
    RegionPlan, DeferredRegion, WaitingRegion, UnrankedRegion, SplitRegion, DrawnRegion,
    StretchRegion, ArrayRun,
}  # fmt: skip


class Analysed(NamedTuple):
    """What the static stage has to say of one function."""

    report: Callable[[], FunctionReport]
    # What guards stand before, in source order.
    found: tuple[Found, ...]
    name: str | None  # of the entry; None where nothing is kept


def name_of(source: SourceFunction, options: Options) -> str | None:
    """Return what the entry of a function is called; None where it is to have none."""
    if not options.cache or options.dump is not None or user_cache().folder is None:
        return None
    callees = repr(
        [(each.key, each.source, each.constants, each.sees_others) for each in source.callees]
    )
    whole = (source.qualified_name, source.is_script)
    place = repr((*whole, source.line, source.text.cell, source.known_names))
    return digest_of(("analysis", source.text.text, place, callees, *surroundings()))


def fetch(source: SourceFunction, name: str | None) -> Analysed | None:
    """Return what some process kept under `name`; None where that is nothing."""
    content = None if name is None else user_cache().fetch(_file(name))
    if content is None:
        return None
    given = {"text": source.text}
    try:
        document = json.loads(content)
        found = read(document["found"], NOUNS, given)
        if type(found) is not tuple or not {*map(type, found)} <= _FOUND:
            return None
    except (UnreadableError, ValueError, KeyError, TypeError, RecursionError):
        LOG.debug("the entry %s cannot be read", name, exc_info=True)
        return None

    def report() -> FunctionReport:
        described: Any = read(document["report"], NOUNS, given)
        assert isinstance(described, FunctionReport)
        return described

    return Analysed(report=report, found=found, name=name)


def keep(source: SourceFunction, analysed: Analysed) -> None:
    """Keep what was found out for the next process, if that is possible."""
    if analysed.name is None:
        return
    given = {"text": source.text}
    try:
        document = {
            "found": written(analysed.found, NOUNS, given),
            "report": written(analysed.report(), NOUNS, given),
        }
    except Exception:  # the analysis itself is fine
        LOG.debug("%s cannot be kept", source.qualified_name, exc_info=True)
        return
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    user_cache().keep(_file(analysed.name), text.encode())


def _file(name: str) -> str:
    return f"autopar_analysis_{name}.json"


def surroundings() -> tuple[str, ...]:
    """Return what entries depend on beside a text: autopar itself, and what it is built on."""
    folders = (
        Path(__file__).parent,
        *(
            Path(each.__path__[0])
            for each in (
                autopar.analysis,
                autopar.analysis.facts,
                autopar.analysis.model,
                autopar.analysis.passes,
                autopar.codegen,
            )
        ),
    )
    return (
        *interpreter(),
        *(each for name in ("numpy", "islpy", "gast") for each in package(name)),
        *code_in(*map(str, folders)),
    )
