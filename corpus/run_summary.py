"""From the rows of runs to figures: the part `execution` of `study.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .record import ExecutionRecord, LoopRunRecord
from .statistics import share

LIKENESSES = ("same", "close", "different", "unrepeatable")
BACKENDS = ("cpu", "cuda", "interpreter")


def summarize_runs(
    executions: Sequence[ExecutionRecord], loops: Iterable[LoopRunRecord]
) -> dict[str, Any]:
    """Return how the runs with autopar compare with those without, and what ran where."""
    done = [each for each in executions if each.status == "done"]
    cells = sum(each.cells for each in done)
    reached = [loop for loop in loops if loop.backend]
    return {
        "notebooks": len(executions),
        "compared": len(done),
        "not_compared": dict(
            Counter(each.status for each in executions if each.status != "done").most_common()
        ),
        "cells": cells,
        "failed_cells": sum(each.failed_cells for each in done),
        "likeness": {
            name: share(sum(getattr(each, name) for each in done), cells).to_dict()
            for name in LIKENESSES
        },
        "different": [
            {"notebook": each.notebook, "cells": each.different_cells}
            for each in done
            if each.different
        ],
        "regions_reached": len(reached),
        "ran": {
            name: share(sum(loop.backend == name for loop in reached), len(reached)).to_dict()
            for name in BACKENDS
        },
        "verdicts": dict(Counter(loop.verdict for loop in reached).most_common()),
        "decided_at_call": sum(loop.stage == "call" for loop in reached),
        "why_interpreted": dict(
            Counter(
                loop.note.partition(":")[0] for loop in reached if loop.backend == "interpreter"
            ).most_common()
        ),
        # Kept out of comparisons between studies: the machine's, not the notebooks'.
        "seconds_without": round(sum(each.seconds_without for each in done), 1),
        "seconds_with": round(sum(each.seconds_with for each in done), 1),
    }
