"""One notebook, from its bytes to its rows: what it holds and what the analysis says of it.

Runs in a worker process; needs no Numba and no GPU.
"""

from __future__ import annotations

import ast
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.report import LoopReport
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import analyze, describe, functions_of

from .manifest import LARGEST_BYTES, Item
from .notebook import CellFault, Document, Fault, read_document
from .published import count_published
from .record import LoopRecord, NotebookRecord
from .shown import shown_values
from .syntax import LoopShape, find_loops

# Lines of a loop that a reader of the tables sees.
_EXCERPT_LINES = 6
_EXCERPT_COLUMNS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What one notebook gives to the tables."""

    notebook: NotebookRecord
    loops: tuple[LoopRecord, ...]


def examine(item: Item, content: bytes) -> Examined:
    """Return the rows of one notebook or script; never raises for what a file holds."""
    started = time.perf_counter()
    found = _examined(item, content)
    seconds = time.perf_counter() - started
    return replace(found, notebook=replace(found.notebook, seconds=seconds))


def not_studied(item: Item, status: str, detail: str) -> Examined:
    """Return the rows of a notebook that was not read, and why."""
    return Examined(notebook=_bare(item, status, detail), loops=())


def _examined(item: Item, content: bytes) -> Examined:
    if len(content) > LARGEST_BYTES:
        return not_studied(item, "too-large", f"{len(content)} bytes")
    document = read_document(content, is_notebook=item.is_notebook)
    if isinstance(document, Fault):
        return not_studied(item, document.kind, document.detail[:200])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(document.text)
        shapes = find_loops(tree)
        verdicts, fault = _verdicts(document, shown_values(tree) if shapes else {})
    missing = (
        _Missing(code="AP900", reason=f"The analysis gave up: {fault}.") if fault else _ELSEWHERE
    )
    loops = tuple(_loop(item, document, shape, verdicts, missing) for shape in shapes)
    return Examined(notebook=_notebook(item, document, shapes, fault), loops=_told_apart(loops))


# ----------------------------------------------------------------------------- verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """Why there is no verdict on a loop."""

    code: str
    reason: str


# As the decorator refuses them: autopar.functions.
_ELSEWHERE = _Missing(
    code="AP101",
    reason="It stands in a coroutine, a lambda or another comprehension, which are not analysed.",
)

_Verdicts = dict[tuple[int, int], tuple[LoopReport, LoopReport]]


def _verdicts(document: Document, shown: Mapping[str, int]) -> tuple[_Verdicts, str]:
    """Return by place what is said of each loop: from the code alone, and with `shown` values."""
    text = SourceText(path="<notebook>", text=document.text, cell=None)
    facts = Facts(values=tuple(sorted(shown.items())))
    found: _Verdicts = {}
    try:
        for source in functions_of(text):
            plan = analyze(source)
            if isinstance(plan, Refusal):
                continue
            alone = _by_place(plan)
            with_values = alone
            if shown and any(map(_may_depend_on_values, alone.values())):
                again = analyze(source, facts)
                with_values = _by_place(again) if isinstance(again, Plan) else alone
            for place, row in alone.items():
                found[place] = row, with_values.get(place, row)
    except (RecursionError, MemoryError) as error:  # strangers' code may nest a thousand deep
        return found, type(error).__name__
    return found, ""


def _may_depend_on_values(row: LoopReport) -> bool:
    """Return whether values may change a verdict: they do not change what Python can be read."""
    if row.verdict == "unsupported":
        return not all(reason.code.startswith(("AP1", "AP2")) for reason in row.reasons)
    return row.verdict == "conditional"


def _by_place(plan: Plan) -> dict[tuple[int, int], LoopReport]:
    return {(row.span.line, row.span.column): row for row in describe(plan).loops}


# --------------------------------------------------------------------------------- rows


def _loop(
    item: Item, document: Document, shape: LoopShape, verdicts: _Verdicts, missing: _Missing
) -> LoopRecord:
    cell, line = document.place(shape.line)
    alone, shown = verdicts.get((shape.line, shape.column), (None, None))
    place = f"{shape.function or '<module>'}.L{line}C{shape.column}"
    lines = cell.text.split("\n")[line - 1 : line - 1 + _EXCERPT_LINES]
    lines = lines[: shape.end_line - shape.line + 1]
    return LoopRecord(
        notebook=item.key,
        id=f"cell{cell.number}:{place}" if document.is_notebook else place,
        cell=cell.number,
        line=line,
        end_line=line + shape.end_line - shape.line,
        kind=shape.kind,
        depth=shape.depth,
        function=shape.function,
        header=alone.header if alone else "",
        iterable=shape.iterable,
        bounds=", ".join(shape.bounds),
        subscripts=", ".join(shape.subscripts),
        calls=", ".join(f"{name} {count}" for name, count in shape.calls),
        stores=shape.stores,
        appends=shape.appends,
        prints=shape.prints,
        plots=shape.plots,
        branches=shape.branches,
        leaves=shape.leaves,
        is_scop=alone is not None and alone.verdict != "unsupported",
        verdict=alone.verdict if alone else "unsupported",
        code=alone.code if alone else missing.code,
        reason=alone.reason if alone else missing.reason,
        condition=(alone.condition or "") if alone else "",
        stage=alone.stage if alone else "static",
        reductions=", ".join(alone.reductions) if alone else "",
        private=", ".join(alone.private) if alone else "",
        shown_verdict=shown.verdict if shown else "unsupported",
        shown_code=shown.code if shown else missing.code,
        excerpt="\n".join(each[:_EXCERPT_COLUMNS] for each in lines),
    )


def _told_apart(loops: tuple[LoopRecord, ...]) -> tuple[LoopRecord, ...]:
    """Number loops that share an identifier: generators on one line, a cell's twin functions."""
    seen: Counter[str] = Counter()
    told = []
    for loop in loops:
        seen[loop.id] += 1
        told.append(replace(loop, id=f"{loop.id}#{seen[loop.id]}") if seen[loop.id] > 1 else loop)
    return tuple(told)


def _notebook(
    item: Item, document: Document, shapes: tuple[LoopShape, ...], fault: str
) -> NotebookRecord:
    statements = [shape for shape in shapes if shape.kind != "comprehension"]
    faults = Counter(cell.fault for cell in document.cells if cell.fault)
    published = count_published([cell.text for cell in document.cells])
    return replace(
        _bare(item, "studied", ""),
        digest=document.digest,
        cells=len(document.cells),
        faulty_cells=faults.total(),
        cell_faults=_counted(faults),
        rewritten_cells=sum(cell.is_rewritten for cell in document.cells),
        loops=len(statements),
        for_statements=sum(shape.kind != "while" for shape in statements),
        while_statements=sum(shape.kind == "while" for shape in statements),
        comprehensions=len(shapes) - len(statements),
        range_loops=sum(shape.kind == "for" and shape.iterable == "range" for shape in statements),
        deepest=max((shape.statement_depth + 1 for shape in statements), default=0),
        analysis_fault=fault,
        published_fors=-1 if published is None else published.for_statements,
        published_ranges=-1 if published is None else published.over_range,
        published_depth=-1 if published is None else published.deepest,
    )


def _bare(item: Item, status: str, detail: str) -> NotebookRecord:
    return NotebookRecord(
        notebook=item.key,
        repository=item.repository,
        digest="",
        bytes=item.size,
        status=status,
        detail=detail,
        is_notebook=item.is_notebook,
        cells=0,
        faulty_cells=0,
        cell_faults="",
        rewritten_cells=0,
        loops=0,
        for_statements=0,
        while_statements=0,
        comprehensions=0,
        range_loops=0,
        deepest=0,
        analysis_fault="",
        published_fors=-1,
        published_ranges=-1,
        published_depth=-1,
        seconds=0.0,
    )


def _counted(counts: Counter[CellFault]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
