"""From the rows of a study to its answer, as data: what `study.json` holds and pages show.

Counts are over distinct notebooks unless a name says otherwise: of copies of the same code,
the one with the first key counts.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autopar.analysis.model.nouns import dataclass

from .record import LoopRecord, NotebookRecord
from .statistics import share

SCHEMA = 1
# The verdicts, and among the unsupported loops those that are maps all the same.
VERDICTS = ("parallel", "reduction", "conditional", "sequential", "independent", "unsupported")
_MAP = "AP222"
_EXAMPLES_PER_CODE = 3
_SEED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of a study; `data` is plain JSON."""

    data: dict[str, Any]

    @property
    def loops(self) -> int:
        """How many loop statements were judged."""
        return int(self.data["loops"]["statements"])


def summarize(notebooks: Sequence[NotebookRecord], loops: Iterable[LoopRecord]) -> Summary:
    """Return the figures of a study from its rows."""
    distinct = _distinct(notebooks)
    keys = {each.notebook for each in distinct}
    rows = [loop for loop in loops if loop.notebook in keys]
    statements = [loop for loop in rows if loop.kind != "comprehension"]
    repository = {each.notebook: each.repository for each in distinct}
    return Summary(
        data={
            "schema": SCHEMA,
            "notebooks": _notebooks(notebooks, distinct),
            "cells": _cells(distinct),
            "loops": _loops(statements, rows),
            "verdicts": _verdicts(statements),
            "verdicts_with_stores": _verdicts([loop for loop in statements if loop.stores]),
            "flow": _flow(statements),
            "reasons": _reasons(statements, repository),
            "published": _published(notebooks),
            "callees": _callees(statements),
        }
    )


def _distinct(notebooks: Sequence[NotebookRecord]) -> list[NotebookRecord]:
    seen: set[str] = set()
    kept = []
    for each in notebooks:  # by key: the first of the copies counts
        if each.status == "studied" and each.digest not in seen:
            seen.add(each.digest)
            kept.append(each)
    return kept


def worth_running(notebooks: Sequence[NotebookRecord]) -> frozenset[str]:
    """Return the keys of the notebooks that have loops, copies left out, scripts too."""
    return frozenset(
        each.notebook
        for each in _distinct(notebooks)
        if each.is_notebook and (each.loops or each.comprehensions)
    )


def _notebooks(
    notebooks: Sequence[NotebookRecord], distinct: list[NotebookRecord]
) -> dict[str, Any]:
    studied = sum(each.status == "studied" for each in notebooks)
    return {
        "found": len(notebooks),
        "studied": studied,
        "distinct": len(distinct),
        "copies": studied - len(distinct),
        "repositories": len({each.repository for each in distinct}),
        "not_studied": _tally(each.status for each in notebooks if each.status != "studied"),
        "analysis_faults": _tally(each.analysis_fault for each in distinct if each.analysis_fault),
        "with_a_loop": share(sum(each.loops > 0 for each in distinct), len(distinct)).to_dict(),
        "with_a_for": share(
            sum(each.for_statements > 0 for each in distinct), len(distinct)
        ).to_dict(),
        "deepest": _tally(each.deepest for each in distinct if each.deepest),
    }


def _cells(distinct: list[NotebookRecord]) -> dict[str, Any]:
    faults: Counter[str] = Counter()
    for each in distinct:
        for part in filter(None, each.cell_faults.split(", ")):
            name, _, count = part.rpartition(" ")
            faults[name] += int(count)
    total = sum(each.cells for each in distinct)
    return {
        "code": total,
        "rewritten": sum(each.rewritten_cells for each in distinct),
        "no_python": share(faults.total(), total).to_dict(),
        "reasons": dict(faults.most_common()),
    }


def _loops(statements: list[LoopRecord], rows: list[LoopRecord]) -> dict[str, Any]:
    fors = [loop for loop in statements if loop.kind != "while"]
    total = len(statements)

    def portion(holds: Callable[[LoopRecord], bool]) -> dict[str, float | int]:
        return share(sum(map(holds, statements)), total).to_dict()

    return {
        "statements": total,
        "for": len(fors),
        "while": total - len(fors),
        "comprehensions": len(rows) - total,
        "over_range": share(sum(loop.iterable == "range" for loop in fors), len(fors)).to_dict(),
        "iterables": _tally(loop.iterable for loop in fors),
        "bounds": _tally(kind for loop in fors for kind in filter(None, loop.bounds.split(", "))),
        "depth": _tally(loop.depth + 1 for loop in statements),
        "subscripts": _tally(
            kind for loop in statements for kind in filter(None, loop.subscripts.split(", "))
        ),
        "scop": portion(lambda loop: loop.is_scop),
        "stores": portion(lambda loop: loop.stores),
        "appends": portion(lambda loop: loop.appends),
        "prints": portion(lambda loop: loop.prints),
        "plots": portion(lambda loop: loop.plots),
        "branches": portion(lambda loop: loop.branches),
        "leaves": portion(lambda loop: loop.leaves),
    }


def _verdicts(loops: list[LoopRecord]) -> dict[str, Any]:
    """Return the verdicts, from the code alone and with what the earlier cells show."""
    alone = Counter(_class(loop.verdict, loop.code) for loop in loops)
    shown = Counter(_class(loop.shown_verdict, loop.shown_code) for loop in loops)
    return {
        "loops": len(loops),
        "alone": {name: share(alone[name], len(loops)).to_dict() for name in VERDICTS},
        "shown": {name: share(shown[name], len(loops)).to_dict() for name in VERDICTS},
    }


def _class(verdict: str, code: str) -> str:
    """Return what a loop is counted as: objects keep a map from a kernel, not from being one."""
    return "independent" if code == _MAP else verdict


def _flow(loops: list[LoopRecord]) -> list[list[Any]]:
    """Return [verdict alone, verdict with shown values, loops]: the arrows of the figure."""
    counts = Counter(
        (_class(loop.verdict, loop.code), _class(loop.shown_verdict, loop.shown_code))
        for loop in loops
    )
    return [[alone, shown, count] for (alone, shown), count in sorted(counts.items())]


def _reasons(loops: list[LoopRecord], repository: dict[str, str]) -> list[dict[str, Any]]:
    """Return what keeps loops from being parallel, most frequent first, with examples."""
    by_code: defaultdict[str, list[LoopRecord]] = defaultdict(list)
    for loop in loops:
        if loop.verdict not in {"parallel", "reduction"}:
            by_code[loop.code].append(loop)
    stopped = sum(map(len, by_code.values()))
    found = []
    for code, rows in sorted(by_code.items(), key=lambda item: (-len(item[1]), item[0])):
        chosen = random.Random(_SEED).sample(rows, min(_EXAMPLES_PER_CODE, len(rows)))  # noqa: S311 - a sample, repeatable
        found.append(
            {
                "code": code,
                "loops": share(len(rows), stopped).to_dict(),
                "repositories": len({repository[row.notebook] for row in rows}),
                "reason": rows[0].reason,
                "examples": [
                    {
                        "notebook": row.notebook,
                        "id": row.id,
                        "reason": row.reason,
                        "excerpt": row.excerpt,
                    }
                    for row in chosen
                ],
            }
        )
    return found


def _published(notebooks: Sequence[NotebookRecord]) -> dict[str, Any]:
    """Return the measures of the earlier count, over all notebooks that its rules keep."""
    kept = [each for each in notebooks if each.is_notebook and each.published_fors >= 0]
    with_loops = [each for each in kept if each.published_fors]
    fors = sum(each.published_fors for each in kept)
    return {
        "notebooks": len(kept),
        "with_a_for": share(len(with_loops), len(kept)).to_dict(),
        "for_statements": fors,
        "over_range": share(sum(each.published_ranges for each in kept), fors).to_dict(),
        "deepest": {
            str(depth): share(
                sum(_bucket(each.published_depth) == depth for each in with_loops),
                len(with_loops),
            ).to_dict()
            for depth in range(1, 7)
        },
    }


def _bucket(depth: int) -> int:
    """Return the class of a depth: 6 stands for six and more."""
    return min(depth, 6)


def _callees(loops: list[LoopRecord]) -> dict[str, int]:
    """Return in how many loops each function is called, the most frequent ones."""
    counts: Counter[str] = Counter()
    for loop in loops:
        counts.update(part.rpartition(" ")[0] for part in filter(None, loop.calls.split(", ")))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:40])


def _tally(values: Iterable[object]) -> dict[str, int]:
    counts = Counter(str(each) for each in values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
