"""The page of what is promised: each of its rows names tests, and all of these exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "promise.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
LEAST_ROWS = 35  # as many as there were promises to be kept


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        each.name
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    )


def rows() -> list[str]:
    """Return the rows of the page's tables, their headings left out."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line.startswith("| ") and not line.startswith("| ---")]
    return [line for line in found if not line.startswith("| what | as it is")]


def missing(row: str) -> list[str]:
    """Return the tests that a row names and that there are not."""
    named = NAMED.findall(row)
    files = [(TESTS / file, file, test) for file, test in named]
    return [f"{n}::{t}" for path, n, t in files if not path.is_file() or t not in names_in(path)]


def test_every_promise_names_tests_and_all_of_them_exist() -> None:
    assert len(rows()) >= LEAST_ROWS
    for row in rows():
        assert NAMED.search(row), row
        assert [] == missing(row), row


def test_a_row_that_names_no_test_of_ours_is_seen() -> None:
    absent = "`test_promise.py::test_of_another_name`"
    assert ["test_promise.py::test_of_another_name"] == missing(absent)
    assert ["no/such.py::test_x"] == missing("`no/such.py::test_x`")
