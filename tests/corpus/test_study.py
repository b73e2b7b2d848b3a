"""The whole study over the corpus that the repository ships, against a table checked by eye."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from autopar.cli import commands, main
from autopar.corpus.examine import examine
from autopar.corpus.manifest import Item, find_items
from autopar.corpus.statistics import share
from autopar.corpus.store import Store
from autopar.corpus.study import Settings, run_study
from autopar.corpus.workers import Limits, examine_all
from tests.corpus.deadly import always_fails, dies_at_b, fails_at_first, wants_memory
from tests.corpus.independent import differences

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "examples" / "corpus"
GOLDEN = Path(__file__).parent / "verdicts.txt"


def quiet(done: int, found: int) -> None:
    """No progress."""


def run(folder: Path, *paths: str, **settings):
    return run_study(paths or (str(CORPUS),), Settings(output=folder, jobs=1, **settings), quiet)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    outcome = run(folder)
    return folder, outcome


def table(folder: Path) -> str:
    """The verdicts of a study as text: one line for every notebook, one for every loop."""
    store = Store(folder / "study.sqlite")
    lines = []
    loops = list(store.loops())
    for book in store.notebooks():
        faults = f" [{book.cell_faults}]" if book.cell_faults else ""
        lines.append(f"{book.notebook}: {book.status}{faults}")
        for loop in loops:
            if loop.notebook == book.notebook:
                shown = "" if loop.shown_verdict == loop.verdict else f" -> {loop.shown_verdict}"
                lines.append(f"    {loop.id} {loop.verdict}{shown} {loop.code}")
    store.close()
    return "\n".join(lines) + "\n"


def test_verdicts_are_those_of_the_golden_table(study, request):
    found = table(study[0])
    if request.config.getoption("--update-cases"):
        GOLDEN.write_text(found)
    assert GOLDEN.read_text() == found


def test_loops_and_notebooks_are_those_of_an_independent_count(study, tmp_path):
    """Counted anew from the files with `ast` alone, cell by cell."""
    folder, _ = study
    found, totals, books = differences(folder / "study.sqlite", CORPUS)
    # What lies in archives is not a file that the count finds.
    assert {line for line in found if ".zip" not in line and ".tar" not in line} == set()
    assert books >= 30
    assert totals.for_statements > totals.range_loops > 0
    assert totals.published_fors > totals.published_ranges > 0


def test_the_independent_count_would_see_a_loop_more(study, tmp_path):
    shutil.copy(study[0] / "study.sqlite", tmp_path / "other.sqlite")
    connection = sqlite3.connect(tmp_path / "other.sqlite")
    with connection:
        connection.execute(
            "UPDATE notebooks SET for_statements = for_statements + 1 "
            "WHERE notebook = 'numerics/product.ipynb'"
        )
    connection.close()
    found, _, _ = differences(tmp_path / "other.sqlite", CORPUS)
    assert any("for_statements" in line for line in found)


def test_two_studies_give_the_same_tables(study, tmp_path):
    run(tmp_path)
    for name in ("loops.csv", "study.json", "report.md", "report.html"):
        assert (study[0] / name).read_bytes() == (tmp_path / name).read_bytes(), name
    first, second = (read(folder / "notebooks.csv") for folder in (study[0], tmp_path))
    assert first == second


def read(path: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    for row in rows:
        assert float(row.pop("seconds")) >= 0
    return rows


def test_copies_count_once(study):
    data = study[1].summary.data["notebooks"]
    assert data["studied"] - data["distinct"] == data["copies"] == 1


def test_limit_and_resume_go_on_where_the_first_run_stopped(study, tmp_path):
    run(tmp_path, limit=10)
    assert 10 == len(read(tmp_path / "notebooks.csv"))
    run(tmp_path, resume=True)
    assert read(study[0] / "notebooks.csv") == read(tmp_path / "notebooks.csv")


def test_interrupt_keeps_what_is_done(tmp_path):
    def stop_at_ten(done: int, found: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    settings = Settings(output=tmp_path, jobs=1)
    outcome = run_study([str(CORPUS)], settings, stop_at_ten)
    assert not outcome.is_complete
    assert outcome.summary.data["complete"] is False
    assert 10 == len(read(tmp_path / "notebooks.csv"))


def items_of(folder: Path, **texts: str) -> tuple[Item, ...]:
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return find_items([str(folder)])


def test_notebook_that_takes_too_long_is_recorded_and_the_rest_goes_on(tmp_path):
    # Names nested so deeply that any reader takes a while; half a second is not enough here.
    slow = "\n".join(f"for i{n} in range(3):\n    a[i{n}] = b[i{n}] + {n}" for n in range(3000))
    items = items_of(tmp_path, a_slow=slow, b_fast="for i in range(3):\n    pass")
    found = list(examine_all(items, 1, Limits(seconds=2.0)))
    assert ["timeout", "studied"] == [each.notebook.status for each in found]


def test_worker_that_dies_is_replaced_and_its_notebook_recorded(tmp_path):
    items = items_of(tmp_path, a="x = 1", b="x = 2", c="for i in range(3):\n    pass")
    found = list(examine_all(items, 1, Limits(), dies_at_b))
    statuses = [each.notebook.status for each in found]
    assert ["studied", "died", "studied"] == statuses, [each.notebook.detail for each in found]
    assert "status 3" in found[1].notebook.detail


def test_fault_is_recorded_when_it_happens_twice(tmp_path):
    items = items_of(tmp_path, a="x = 1", b="x = 2")
    found = [each.notebook for each in examine_all(items, 1, Limits(), fails_at_first)]
    assert ["studied", "studied"] == [each.status for each in found]
    found = [each.notebook for each in examine_all(items, 1, Limits(), always_fails)]
    assert ["fault", "fault"] == [each.status for each in found]
    assert found[1].detail == "RuntimeError: never b.py"


def test_notebook_that_takes_too_much_memory_is_recorded(tmp_path):
    items = items_of(tmp_path, a="x = 1")
    (found,) = examine_all(items, 1, Limits(), wants_memory)
    assert "memory" == found.notebook.status


@pytest.mark.parametrize(
    "content",
    [
        b"for i in range(" + b"(" * 500,
        b"x = " + b"-" * 50_000 + b"1",
        b"a" + b"[0]" * 20_000,
        "for \u00e9 in range(3):\n    \u00e9 += 1\n".encode(),
        b"for i in range(3):\n\ta[i] = 1\n        b = 2\n",
        b"\0" * 100,
        b'"\\N{no such name}"',
        "s = '\ud800'\nfor i in range(3): pass".encode("utf-8", "surrogatepass"),
    ],
)
def test_garbage_is_a_row_not_an_exception(content):
    item = Item(key="garbage.py", path="", member=None, size=len(content))
    assert "garbage.py" == examine(item, content).notebook.notebook


def test_rows_of_a_lone_surrogate_can_be_stored(tmp_path):
    cells = [{"cell_type": "code", "source": "for i in range(3):\n    print('\ud83d')"}]
    path = tmp_path / "half.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    run(tmp_path / "out", str(path))
    assert (tmp_path / "out" / "report.html").exists()


def test_page_needs_no_network_and_holds_its_figures(study):
    text = (study[0] / "report.html").read_text(encoding="utf-8")
    assert 4 == text.count("<svg")
    assert "src=" not in text
    assert not any(f"{scheme}://" in text.replace("http://www.w3.org", "")
                   .replace("https://matplotlib.org", "")
                   .replace("http://purl.org", "").replace("http://creativecommons.org", "")
                   for scheme in ("http", "https"))  # fmt: skip


def test_command_prints_the_answer_and_where_the_report_lies(tmp_path):
    arguments = ["study", "--output", str(tmp_path / "out"), "--jobs", "1", "--limit", "8"]
    result = CliRunner().invoke(commands, [*arguments, str(CORPUS)])
    assert 0 == result.exit_code, result.output
    assert "unsupported" in result.output
    assert "report.html" in result.output


def test_path_that_names_nothing_is_one_line_and_status_2(capsys, tmp_path):
    assert 2 == main(["study", "--output", str(tmp_path), str(tmp_path / "nowhere")])
    error = capsys.readouterr().err
    assert 1 == error.count("\n")
    assert "nowhere" in error


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # Brown, Cai and DasGupta, Interval estimation for a binomial proportion (2001), tabulate
    # none of these; the values were computed with exact rational arithmetic from the formula.
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (27, 100, 0.1927, 0.3643),
    ],
)
def test_wilsons_interval(count, total, low, high):
    found = share(count, total)
    assert (low, high) == pytest.approx((found.low, found.high), abs=1e-4)
