"""The study's database: one SQLite file that grows notebook by notebook.

What is in it survives an interruption; `--resume` goes on with the rest. The tables have the
columns of `corpus.record`, `notebook` is their common key.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from .examine import Examined
from .execution import Executed
from .record import (
    ExecutionRecord,
    LoopRecord,
    LoopRunRecord,
    NotebookRecord,
    Record,
    columns,
    row,
)

_SQL_TYPES = {"int": "INTEGER", "bool": "INTEGER", "str": "TEXT", "float": "REAL"}
_KEYS = {
    "notebooks": "notebook",
    "loops": "notebook, id",
    "executions": "notebook",
    "loop_runs": "notebook, id",
}
_ORDERS = {
    "notebooks": "notebook",
    "loops": "notebook, cell, line, depth, id",
    "executions": "notebook",
    "loop_runs": "notebook, cell, line, id",
}
_RECORDS: dict[str, type[Record]] = {
    "notebooks": NotebookRecord,
    "loops": LoopRecord,
    "executions": ExecutionRecord,
    "loop_runs": LoopRunRecord,
}
_OF_RUNS = ("executions", "loop_runs")
R = TypeVar("R", LoopRecord, NotebookRecord, ExecutionRecord, LoopRunRecord)


class Store:
    """The tables of one study, open for reading and writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path)
        with self._connection:
            for table, record in _RECORDS.items():
                parts = [f"{each.name} {_SQL_TYPES[str(each.type)]}" for each in fields(record)]
                self._connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} "
                    f"({', '.join(parts)}, PRIMARY KEY ({_KEYS[table]}))"
                )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def done(self) -> frozenset[str]:
        """Return the keys of the notebooks that are in the tables."""
        found = self._connection.execute("SELECT notebook FROM notebooks")
        return frozenset(key for (key,) in found)

    def forget(self) -> None:
        """Empty the tables."""
        with self._connection:
            for table in _RECORDS:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def add(self, found: Iterable[Examined]) -> None:
        """Keep the rows of some notebooks, all of them or none."""
        with self._connection:
            for each in found:
                self._insert("notebooks", [each.notebook])
                self._insert("loops", each.loops)

    def executed(self) -> frozenset[str]:
        """Return the keys of the notebooks whose runs are in the tables."""
        found = self._connection.execute("SELECT notebook FROM executions")
        return frozenset(key for (key,) in found)

    def add_runs(self, found: Iterable[Executed]) -> None:
        """Keep the runs of some notebooks, all of them or none."""
        with self._connection:
            for each in found:
                self._insert("executions", [each.notebook])
                self._insert("loop_runs", each.loops)

    def executions(self) -> tuple[ExecutionRecord, ...]:
        """Return the runs of all notebooks, by key."""
        return tuple(self._read("executions", ExecutionRecord))

    def loop_runs(self) -> tuple[LoopRunRecord, ...]:
        """Return what became of all loops that were run, by notebook and place."""
        return tuple(self._read("loop_runs", LoopRunRecord))

    def notebooks(self) -> tuple[NotebookRecord, ...]:
        """Return the rows of all notebooks, by key."""
        return tuple(self._read("notebooks", NotebookRecord))

    def loops(self) -> Iterator[LoopRecord]:
        """Yield the rows of all loops, by notebook and place."""
        return self._read("loops", LoopRecord)

    def write_csv(self, folder: Path) -> tuple[Path, ...]:
        """Write the tables as CSV into `folder`, those of runs if there are any; return them."""
        written = []
        for table, record in _RECORDS.items():
            path = folder / f"{table}.csv"
            if table in _OF_RUNS and not self.executed():
                path.unlink(missing_ok=True)
                continue
            # Surrogates come from notebooks that cut an emoji in two.
            with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
                writer = csv.writer(file)
                writer.writerow(columns(record))
                writer.writerows(
                    self._connection.execute(f"SELECT * FROM {table} ORDER BY {_ORDERS[table]}")  # noqa: S608 - our own names
                )
            written.append(path)
        return tuple(written)

    def _insert(self, table: str, records: Iterable[Record]) -> None:
        names = columns(_RECORDS[table])
        marks = ", ".join("?" * len(names))
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({marks})",  # noqa: S608 - our own names
            ([_storable(value) for value in row(each)] for each in records),
        )

    def _read(self, table: str, record: type[R]) -> Iterator[R]:
        query = f"SELECT * FROM {table} ORDER BY {_ORDERS[table]}"  # noqa: S608 - our own names
        found = self._connection.execute(query)
        booleans = {each.name for each in fields(record) if str(each.type) == "bool"}
        names = columns(record)
        for values in found:
            pairs = zip(names, values, strict=True)
            made: dict[str, Any] = {n: bool(v) if n in booleans else v for n, v in pairs}
            yield record(**made)


def _storable(value: Any) -> Any:  # noqa: ANN401 - the types of a row
    """Return `value` as SQLite takes it: a lone surrogate is no text to it."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return value
