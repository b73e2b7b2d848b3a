"""What one function is analysed with: enough of its text, and no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autopar import kept
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.model.written import written
from autopar.analysis.passes.describe import describe
from autopar.analysis.stages import analyze, functions_of, usual_names
from autopar.narrowed import narrowed
from autopar.options import choose_options
from tests.case_files import parse_case

CASES = sorted(Path(__file__).resolve().parents[1].joinpath("cases").glob("*.case"))
TEXT = """\
import numpy as np
N = 5

def half(x):
    return 0.5 * x

def other(a, n):
    for i in range(n):
        a[i] = a[i] + 3.0

@decorate
def shift(a, n):
    for i in range(n):
        a[i] = half(a[i]) + 1.0

def last(a):
    return a
"""
HELPED = (("half", "def 4"), ("range", "range"))


def shift(text: str = TEXT, line: int = 12, known=HELPED) -> SourceFunction:
    whole = SourceText(path="a.py", text=text, cell=None)
    return SourceFunction(text=whole, qualified_name="shift", line=line, known_names=known)


def found(source: SourceFunction) -> object:
    """Return all that the analysis says of a function, as it is kept."""
    plan = analyze(source)
    if not isinstance(plan, Plan):
        return repr(plan)
    nouns = (plan.regions, plan.deferred, plan.waiting, describe(plan))
    return written(nouns, kept.NOUNS, {"text": source.text})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_analysis_of_a_function_reads_nothing_else(path):
    text = SourceText(path="<case>", text=parse_case(path.read_text()).source + "\n", cell=None)
    known = tuple(sorted(usual_names(text).items()))
    for source in functions_of(text):
        sure = replace(source, known_names=known)
        assert found(sure) == found(narrowed(sure))


def test_a_function_and_its_helpers_stay_where_they_are():
    expected = [
        line if number in (4, 5, 11, 12, 13, 14) else ""
        for number, line in enumerate(TEXT.splitlines()[:14], 1)
    ]
    assert expected == narrowed(shift()).text.text.splitlines()
    assert "half" not in narrowed(shift(known=())).text.text.splitlines()[3]


def entry(text: str, line: int = 12) -> str | None:
    return kept.name_of(narrowed(shift(text, line)), choose_options(environment={}))


def test_edits_elsewhere_leave_the_entry_as_it_was():
    assert entry(TEXT) == entry(TEXT.replace("3.0", "4.0"))
    assert entry(TEXT) == entry(TEXT.replace("N = 5", "N = [7]"))
    assert entry(TEXT) == entry(TEXT + "\n\nprint(shift)\n")


def test_edits_of_the_function_or_of_a_helper_make_another_entry():
    assert entry(TEXT) != entry(TEXT.replace("1.0", "2.0"))
    assert entry(TEXT) != entry(TEXT.replace("0.5", "0.7"))
    assert entry(TEXT) != entry(TEXT.replace("@decorate", "@decorate()"))
    assert entry(TEXT) != entry("\n" + TEXT, 13)


@pytest.mark.parametrize(
    "text",
    [TEXT.replace("def half", "x = 1; y = 2\ndef half"), TEXT.replace("\n", "\r\n"),
     TEXT.replace("N = 5", "N = '\x0c'"), TEXT + "def f(:\n"],
    ids=["two on a line", "returns", "form feed", "no Python"],
)  # fmt: skip
def test_a_text_that_cannot_be_cut_stays_whole(text):
    assert text == narrowed(shift(text, 13 if "; y" in text else 12)).text.text


def test_a_function_whose_names_nobody_looked_up_keeps_its_text():
    assert TEXT == narrowed(shift(known=None)).text.text
    assert TEXT == narrowed(shift(line=3)).text.text
    module = replace(shift(line=1), qualified_name="<module>")
    assert TEXT == narrowed(module).text.text
