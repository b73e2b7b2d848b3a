"""The rows of the study: one for every notebook, one for every loop, and those of runs.

Field names are the columns of the tables that the study writes.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeAlias

from autopar.analysis.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRecord:
    """One loop of one notebook; what it shows and what the analysis says of it."""

    notebook: str  # key of the notebook
    id: str  # stable: "cell3:name.L4C0" as in the report
    cell: int  # among the code cells, from 1; 1 for a script
    line: int  # within the cell
    end_line: int
    kind: str  # for, while, comprehension, async for
    depth: int
    function: str
    header: str
    iterable: str
    bounds: str  # kinds of the range's arguments, ", " between them
    subscripts: str
    calls: str  # callees with their counts: "np.sum 2, print 1"
    stores: bool
    appends: bool
    prints: bool
    plots: bool
    branches: bool
    leaves: bool
    is_scop: bool  # it has a polyhedral model
    verdict: str  # nothing known but the code
    code: str
    reason: str
    condition: str
    stage: str
    reductions: str
    private: str
    shown_verdict: str  # with the values that the earlier cells show
    shown_code: str
    excerpt: str  # its first lines


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookRecord:
    """One notebook or script: what became of it, and its counts."""

    notebook: str
    repository: str
    digest: str  # of its code; copies have the same
    bytes: int
    status: str  # "studied", or why not: "invalid-json", "timeout", "died" ...
    detail: str
    is_notebook: bool
    cells: int  # code cells
    faulty_cells: int  # that are no Python
    cell_faults: str  # their reasons: "python-2 3, shell 1"
    rewritten_cells: int  # in which magics were replaced
    loops: int  # for and while statements
    for_statements: int
    while_statements: int
    comprehensions: int
    range_loops: int
    deepest: int  # nest of loop statements
    analysis_fault: str  # where the analysis itself gave up
    # The published study's own rules (corpus.published); -1 where its rules drop the notebook.
    published_fors: int
    published_ranges: int
    published_depth: int
    seconds: float  # not compared between runs


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """The runs of one notebook, without autopar and with it; times are not compared."""

    notebook: str
    status: str  # "done", or why there is nothing to compare: "timeout", "died" ...
    detail: str
    cells: int  # that were run
    failed_cells: int  # that raise without autopar
    same: int  # cells that show the same
    close: int  # whose numbers differ in their last digits
    different: int
    unrepeatable: int  # that differ from themselves, run twice without autopar
    different_cells: str  # their numbers
    seconds_without: float
    seconds_with: float
    loops: int  # that were reached
    compiled: int  # that ran in a kernel of autopar


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRunRecord:
    """What one loop became in a run; `notebook` and `id` are those of `LoopRecord`."""

    notebook: str
    id: str
    cell: int
    line: int
    header: str
    verdict: str
    stage: str
    condition: str
    code: str
    backend: str  # where it ran; "" where it was not reached, or its function not called
    calls: int
    iterations: int
    seconds: float
    note: str  # why it ran there


Record: TypeAlias = LoopRecord | NotebookRecord | ExecutionRecord | LoopRunRecord


def columns(record: type[Record]) -> tuple[str, ...]:
    """Return the names of the columns of a table."""
    return tuple(each.name for each in fields(record))


def row(record: Record) -> tuple[Any, ...]:
    """Return a record as the values of its columns."""
    return tuple(getattr(record, name) for name in columns(type(record)))
