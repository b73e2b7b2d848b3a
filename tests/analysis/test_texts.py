"""Loops over texts and files are told as such; progress bars are known under other names.

New arrays with extents that are not known are named in the reason, not the loops that fill them.
"""

from __future__ import annotations

import pytest

from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import explain_text

ROWS = """
with open(path) as rows:
    for row in rows:
        total += len(row)
"""
FILE = """
rows = open(path)
for row in rows:
    total += len(row)
"""
LINES = """
rows = path.read_text().splitlines()
for row in rows:
    total += len(row)
"""
WORDS = """
rows = ["one", "two"]
for row in rows:
    total += len(row)
"""
SPLIT = """
for row in path.split(","):
    total += len(row)
"""
ANY = """
for row in rows:
    total += len(row)
"""
REBOUND = """
rows = ["one", "two"]
rows = np.zeros((3, 4))
for row in rows:
    total += len(row)
"""
INSIDE = """
words = ["one", "two"]
for word in words:
    for i in range(n):
        a[i] = 2.0
"""


def loops_of(body, head=""):
    inner = "".join(f"    {line}\n" for line in body.strip().splitlines())
    text = f"{head}\ndef f(a, n, path, rows_, total=0):\n{inner}"
    found = explain_text(SourceText(path="f.py", text=text, cell=None))
    return [loop for each in found for loop in each.loops]


@pytest.mark.parametrize("body", [ROWS, FILE, LINES, WORDS, SPLIT])
def test_what_gives_texts_is_said_to(body):
    loop = next(each for each in loops_of(body) if each.header.startswith("for row"))
    assert ("unsupported", "AP204") == (loop.verdict, loop.code)
    assert "texts, not numbers" in loop.reason


@pytest.mark.parametrize("body", [ANY.replace("rows", "rows_"), REBOUND])
def test_what_may_be_an_array_is_none(body):
    loop = next(each for each in loops_of(body) if each.header.startswith("for row"))
    assert "AP002" == loop.code


def test_nests_inside_a_loop_over_texts_stay_parallel():
    assert ["AP204", "AP001"] == [each.code for each in loops_of(INSIDE)]


BAR = """
for k in {bar}:
    for i in range(n):
        a[k, i] = a[k, i] * 0.5 + i
"""


@pytest.mark.parametrize(
    ("head", "bar"),
    [
        ("from tqdm import tqdm as bar", "bar(range(n))"),
        ("from tqdm.auto import tqdm as bar", "bar(range(n))"),
        ("from tqdm import trange as turns", "turns(n)"),
        ("import tqdm as t", "t.tqdm(range(n))"),
        ("from tqdm import tqdm", "tqdm(range(n))"),
    ],
)
def test_a_bar_is_known_by_where_it_comes_from(head, bar):
    assert ["AP224", "AP001"] == [each.code for each in loops_of(BAR.format(bar=bar), head)]


def test_another_function_of_that_name_is_no_bar():
    head = "from mine import tqdm as bar"
    assert "AP204" == loops_of(BAR.format(bar="bar(range(n))"), head)[0].code


def test_the_extent_of_a_new_array_is_told_as_one():
    body = "for i in range(n):\n    row = np.zeros(int(1e3))\n    row[0] = i\n    a[i] = row[0]"
    (loop,) = loops_of(body, "import numpy as np")
    assert "AP302" == loop.code
    assert loop.reason.startswith("The extent 'int(1e3)' of 'row' is not affine")
