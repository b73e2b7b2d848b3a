"""The study from paths to a folder of results: `autopar study`.

Writes `study.sqlite`, both tables as CSV, `study.json`, `report.html` and `report.md`. The
database grows notebook by notebook, so that an interrupted study can go on. With `execute`
also what became of the notebooks' loops when they ran.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from pathlib import Path

from autopar.analysis.model.nouns import dataclass

from .cluster import examine_on_cluster
from .examine import Examined
from .execution import RunLimits, execute_all
from .manifest import Item, find_items
from .page import markdown, page
from .run_summary import summarize_runs
from .store import Store
from .summary import Summary, summarize, worth_running
from .workers import Limits, examine_all

DATABASE = "study.sqlite"
# Rows are committed in batches: a commit waits for the disk.
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a study was asked for."""

    output: Path
    jobs: int
    limit: int | None = None  # so many notebooks, the first by key
    resume: bool = False
    scheduler: str | None = None  # of a Dask cluster, which then does the work
    limits: Limits = field(default_factory=Limits)
    execute: RunLimits | None = None  # None: no code is run


# Called with (done, found) after each notebook.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A study that ran, wholly or until Ctrl-C."""

    summary: Summary
    files: tuple[Path, ...]
    is_complete: bool


def run_study(paths: Sequence[str], settings: Settings, progress: Progress) -> Outcome:
    """Examine everything below `paths` and write the results.

    Raises NothingFoundError for a path that names nothing, OSError where the output folder
    cannot be written, NoClusterError where no scheduler answers.
    """
    items = find_items(paths)[: settings.limit]
    settings.output.mkdir(parents=True, exist_ok=True)
    store = Store(settings.output / DATABASE)
    try:
        if not settings.resume:
            store.forget()
        is_complete = _examine(items, store, settings, progress)
        if is_complete and settings.execute is not None:
            is_complete = _execute(items, store, settings, progress)
        return _written(store, settings.output, is_complete=is_complete)
    finally:
        store.close()


def _examine(items: tuple[Item, ...], store: Store, settings: Settings, progress: Progress) -> bool:
    """Fill the tables with what is missing; return whether nothing is missing any more."""
    done = store.done()
    waiting = [item for item in items if item.key not in done]
    count = len(items) - len(waiting)
    progress(count, len(items))
    batch = []
    try:
        for found in _rows(waiting, settings):
            batch.append(found)
            count += 1
            if len(batch) >= _BATCH:
                store.add(batch)
                batch.clear()
            progress(count, len(items))
    except KeyboardInterrupt:
        return False
    finally:
        store.add(batch)
    return True


def _execute(items: tuple[Item, ...], store: Store, settings: Settings, progress: Progress) -> bool:
    """Run the notebooks that have loops, copies once; return whether all of them were run."""
    wanted = worth_running(store.notebooks())
    waiting = [item for item in items if item.key in wanted - store.executed()]
    count = len(wanted) - len(waiting)
    progress(count, len(wanted))
    assert settings.execute is not None
    try:
        for found in execute_all(waiting, settings.jobs, settings.execute):
            store.add_runs([found])
            count += 1
            progress(count, len(wanted))
    except KeyboardInterrupt:
        return False
    return True


def _rows(items: list[Item], settings: Settings) -> Iterator[Examined]:
    if settings.scheduler is None:
        return examine_all(items, settings.jobs, settings.limits)
    return examine_on_cluster(items, settings.scheduler, settings.limits)


def _written(store: Store, folder: Path, *, is_complete: bool) -> Outcome:
    summary = summarize(store.notebooks(), store.loops())
    if store.executed():
        summary.data["execution"] = summarize_runs(store.executions(), store.loop_runs())
    summary.data["complete"] = is_complete
    return Outcome(
        summary=summary,
        files=(*store.write_csv(folder), *_texts(summary, folder)),
        is_complete=is_complete,
    )


def _texts(summary: Summary, folder: Path) -> Iterator[Path]:
    texts = {
        "study.json": json.dumps(summary.data, indent=1, ensure_ascii=False) + "\n",
        "report.md": markdown(summary),
        "report.html": page(summary),
    }
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8", errors="replace")
        yield path
