"""The HTML of a report: lines, margins, what a click opens, and nothing that reaches the page."""

from __future__ import annotations

import re
from html import escape

import numpy as np

import autopar
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import explain_text
from autopar.html_report import fragment, page
from autopar.listing import WHOLE, rows

MIXED = """\
def mixed(a, b, n, k):
    for i in range(1, n):
        a[i] = a[i - 1] + b[i]
    for i in range(n):
        a[i + k] = a[i]
    for i in range(n):
        for j in range(n):
            b[i] = i * 2.0
    return [str(x) for x in range(n)]
"""


def report_of(source):
    text = SourceText(path="mixed.py", text=source, cell=None)
    return ReportData(version="0", text=text, functions=explain_text(text))


def lines_of(source):
    report = report_of(source)
    (function,) = report.functions
    return list(rows(report.text, function))


def test_each_line_has_the_loops_around_it():
    shown = lines_of(MIXED)
    assert [each.number for each in shown] == list(range(1, 10))
    verdicts = [[loop and loop.verdict for loop in each.bars] for each in shown]
    assert verdicts[0] == [None, None]
    assert verdicts[1] == verdicts[2] == ["sequential", None]
    assert verdicts[4] == ["conditional", None]
    assert verdicts[7][0] == "parallel"
    assert [len(each.begins) for each in shown] == [0, 1, 0, 1, 0, 1, 1, 0, 1]


def test_of_a_long_function_the_loops_are_shown():
    source = MIXED.replace("    return", "    n += 1\n" * WHOLE + "    return")
    shown = lines_of(source)
    assert shown.count(None) == 1
    assert len(shown) < WHOLE
    numbers = {each.number for each in shown if each is not None}
    assert {1, 2, 8, 9 + WHOLE} <= numbers


def test_the_verdict_is_the_colour_and_the_reason_its_title():
    text = fragment(report_of(MIXED))
    assert text.count('<details><summary class="row">') == 5
    for verdict in ("sequential", "conditional", "unsupported"):
        assert f'class="bar {verdict}" title="' in text
    assert "Exactly when <code>" in text
    assert "k == 0" in text


def test_a_dependence_is_an_arrow_between_its_lines():
    text = fragment(report_of(MIXED))
    assert 'aria-label="flow dependence"' in text
    assert "flow dependence of a: written in line 3, read later in line 3, distance (1)" in text


def test_no_style_reaches_the_page_around_it():
    text = fragment(report_of(MIXED))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    selectors = re.findall(r"^([^\s{}][^{}]*)\{", style[1], re.MULTILINE)
    assert selectors
    assert all(each.startswith(".autopar") for each in selectors)
    assert "<script" not in text


def test_what_runs_instead_is_there_after_a_run():
    @autopar.parallel(backend="cpu")
    def scaled(a):
        for i in range(len(a)):
            a[i] = 2.0 * a[i]

    scaled(np.ones(100))
    assert scaled.last_run is not None
    text = scaled.last_run._repr_html_()
    assert "What runs instead" in text
    assert "parallel, cpu, " in text
    assert "What runs instead" not in scaled.explain()._repr_html_()


def test_what_ran_in_the_interpreter_is_striped():
    @autopar.parallel
    def tiny(a):
        for i in range(len(a)):
            a[i] = 2.0 * a[i]

    tiny(np.ones(3))
    assert tiny.last_run is not None
    text = tiny.last_run._repr_html_()
    assert "bar parallel left" in text
    assert "Striped: it ran in the interpreter." in text


def shifted(a, b, n):
    for i in range(n):
        for j in range(n):
            for k in range(n):
                a[i, j] += b[i, k] * b[k, j]


def test_another_order_stands_in_the_panel_of_its_nest():
    html = autopar.parallel(shifted).explain()._repr_html_()
    assert "As it runs from line " in html
    source, runs = re.findall(r"<pre>(.*?)</pre>", html.partition("As it runs")[2], re.DOTALL)[:2]
    assert "a[i, j] += b[i, k] * b[k, j]" in source
    assert runs.startswith("<b>parallel for i in range(0, n):</b>\n    for k in")
    assert html.count("As it runs") == 1


def test_a_diagnostic_says_once_what_the_panel_says():
    report = report_of(MIXED)
    html = fragment(report)
    first = report.functions[0].loops[0]
    message = escape(f"{first.code} {first.reason}").removesuffix(".")
    outside_titles = re.sub(r'title="[^"]*"', "", html)
    assert 1 == outside_titles.count(message)
    assert '<p class="remark">Hint: ' in html
    assert not any("Hint:" in each for each in re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL))


def test_a_page_is_a_whole_document():
    text = page(report_of(MIXED), report_of("for i in range(3):\n    print(i)\n"))
    assert text.startswith("<!DOCTYPE html>")
    assert text.count('<div class="autopar">') == 2
