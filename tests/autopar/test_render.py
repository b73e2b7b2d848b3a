"""Reports as a user sees them: pinned text, small enough to check by eye."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from inline_snapshot import snapshot

from autopar.analysis.facts.reasons import ConditionFailed
from autopar.analysis.model import isl
from autopar.analysis.model.dependence import Dependence
from autopar.analysis.model.report import FunctionReport, LoopReport, Ran
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceText, Span
from autopar.analysis.passes.reasons import (
    CarriedAnti,
    CarriedFlow,
    CarriedOutput,
    ConditionalParallel,
    NoObstacle,
    SourceUnavailable,
    UnknownCall,
)
from autopar.analysis.stages import explain_text
from autopar.durations import describe_seconds
from autopar.html_report import fragment
from autopar.html_report import page as page_of_reports
from autopar.render import render_page, render_text
from autopar.report import Report
from autopar.wording import describe_ran

SMOOTH = """\
def smooth(a, b, n):
    for i in range(1, n):
        a[i] = 0.5 * (a[i - 1] + b[i])
"""


def span_of(source, fragment, line):
    """Return the span of `fragment` on `line` of `source`."""
    text = source.splitlines()[line - 1]
    start = len(text[: text.index(fragment)].encode())
    return Span(line=line, column=start, end_line=line, end_column=start + len(fragment.encode()))


def loop_of(reason, *, line=2, dependences=(), **changes):
    fields = {
        "id": f"f.L{line}C4",
        "header": "for i in range(1, n)",
        "depth": 0,
        "span": Span(line=line, column=4, end_line=line + 1, end_column=38),
        "verdict": "sequential",
        "stage": "static",
        "condition": None,
        "assumes": (),
        "code": reason.code,
        "reason": reason.message,
        "reasons": (reason,),
        "reductions": (),
        "private": (),
        "transform": (),
        "dependences": dependences,
        "ran": None,
    }
    return LoopReport(**(fields | changes))


def report_of(source, *loops, cell=None, refusal=None, name="smooth"):
    function = FunctionReport(name=name, line=1, loops=loops, refusal=refusal, cell=cell)
    text = SourceText(path="smooth.py", text=source, cell=cell)
    return ReportData(version="0.1.0", text=text, functions=(function,))


def dependence_of(kind, source_span, sink_span, array="a"):
    return Dependence(
        kind=kind,
        array=array,
        source="S0",
        sink="S0",
        source_span=source_span,
        sink_span=sink_span,
        relation=isl.Map.parse("{ S0[i] -> S0[i + 1] }"),
        carried_by=0,
        distance=(1,),
        direction=("<",),
    )


def carried(kind, span, **changes):
    fields = {
        "span": span,
        "variable": "a",
        "loop_variable": "i",
        "source_line": span.line,
        "sink_line": span.line,
        "distance_text": "1",
    }
    return kind(**(fields | changes))


def test_carried_flow_shows_both_ends():
    write, read = span_of(SMOOTH, "a[i]", 3), span_of(SMOOTH, "a[i - 1]", 3)
    reason = carried(CarriedFlow, read)
    dependences = (dependence_of("flow", write, read),)
    report = report_of(SMOOTH, loop_of(reason, dependences=dependences))
    assert render_text(report, width=200) == snapshot("""\
smooth.py: 1 loop: 1 sequential

smooth (line 1)
Line  Loop                  Verdict     Reason
   2  for i in range(1, n)  sequential  AP401 Loop 'i' carries a flow dependence: it reads what the iteration before wrote to 'a'.

AP401 Loop 'i' carries a flow dependence: it reads what the iteration before wrote to 'a'.
  File "smooth.py", line 3
     3 |         a[i] = 0.5 * (a[i - 1] + b[i])
       |         ^^^^ written here
       |                       -------- read one iteration later
  Note: 'a' is written and read at line 3.
  Note: Carried by loop 'i', distance 1: from each iteration to the next.
  Hint: If old values of 'a' will do, read from a copy: 'old = a.copy()'.
  More: autopar explain AP401\
""")


SWAPPED = """\
def heat(u, v, steps):
    for t in range(steps):
        for i in range(1, len(u) - 1):
            v[i] = u[i - 1] + u[i + 1]
        u, v = v, u
    return u
"""


def test_of_arrays_that_change_places_the_one_that_is_meant_is_told_apart():
    text = SourceText(path="heat.py", text=SWAPPED, cell=None)
    report = ReportData(version="0", text=text, functions=explain_text(text))
    shown = render_text(report, width=200)
    assert "  Note: 'u' is what is called so before the loop; names stand for other arrays" in shown
    assert "  Note: Carried by loop 't': from one iteration to a later one.\n  More:" in shown


def test_ends_on_two_lines_stand_below_their_own_lines():
    source = "for i in range(n - 1):\n    b[i] = a[i + 1]\n    a[i] = 0\n"
    read, write = span_of(source, "a[i + 1]", 2), span_of(source, "a[i]", 3)
    reason = carried(CarriedAnti, write, source_line=2, sink_line=3, distance_text=None)
    dependences = (dependence_of("anti", read, write),)
    report = report_of(source, loop_of(reason, line=1, dependences=dependences))
    assert render_text(report, width=200) == snapshot("""\
smooth.py: 1 loop: 1 sequential

smooth (line 1)
Line  Loop                  Verdict     Reason
   1  for i in range(1, n)  sequential  AP402 Loop 'i' carries an anti dependence: it overwrites what an earlier iteration read from 'a'.

AP402 Loop 'i' carries an anti dependence: it overwrites what an earlier iteration read from 'a'.
  File "smooth.py", line 2
     2 |     b[i] = a[i + 1]
       |            ^^^^^^^^ read here
     3 |     a[i] = 0
       |     ---- written in a later iteration
  Note: 'a' is read at line 2 and written at line 3.
  Note: Carried by loop 'i': from one iteration to a later one.
  Hint: Read the old values from a copy: 'old = a.copy()'.
  More: autopar explain AP402\
""")


def test_a_write_that_meets_itself_has_one_label():
    source = "for i in range(n):\n    a[i // 2] = b[i]\n"
    write = span_of(source, "a[i // 2]", 2)
    reason = carried(CarriedOutput, write, distance_text="2")
    dependences = (dependence_of("output", write, write),)
    report = report_of(source, loop_of(reason, line=1, dependences=dependences))
    assert "       |     ^^^^^^^^^ written here, written again 2 iterations later" in render_text(
        report, width=200
    )


def test_table_indents_by_depth_and_folds_long_reasons():
    outer = loop_of(
        NoObstacle(span=Span(line=2, column=4, end_line=4, end_column=9), loop_variable="i"),
        verdict="parallel",
        private=("t",),
        ran=Ran(backend="cpu", calls=1200, iterations=5, seconds=0.012),
    )
    condition = "k == 0 or k >= n or k <= -n"
    inner = loop_of(
        ConditionalParallel(
            span=Span(line=3, column=8, end_line=4, end_column=9),
            loop_variable="j",
            condition=condition,
        ),
        line=3,
        depth=1,
        header="for j in range(\n    n)",
        verdict="conditional",
        condition=condition,
        reasons=(),
    )
    assert render_text(report_of(SMOOTH, outer, inner), width=90) == snapshot("""\
smooth.py: 2 loops: 1 parallel, 1 conditional

smooth (line 1)
Line  Loop                  Verdict      Ran                      Reason
   2  for i in range(1, n)  parallel     cpu, 1,200 calls, 12 ms  AP001 no dependence is
                                                                  carried by i; private: t
   3    for j in range( n)  conditional  not run                  AP003 no dependence is
                                                                  carried by j when k == 0
                                                                  or k >= n or k <= -n\
""")


def test_what_two_loops_have_in_common_is_explained_once():
    source = "for i in range(n):\n    for j in range(n):\n        show(i)\n"
    reason = UnknownCall(span=span_of(source, "show(i)", 3), function="show")
    loops = (
        loop_of(reason, line=1, verdict="unsupported"),
        loop_of(reason, line=2, depth=1, verdict="unsupported"),
    )
    text = render_text(report_of(source, *loops, name="<module>"), width=120)
    assert text == snapshot("""\
smooth.py: 2 loops: 2 unsupported

<module> (line 1)
Line  Loop                    Verdict      Reason
   1  for i in range(1, n)    unsupported  AP203 What the call of 'show' reads, writes and does is not known.
   2    for i in range(1, n)  unsupported  AP203 What the call of 'show' reads, writes and does is not known.

AP203 What the call of 'show' reads, writes and does is not known.
  File "smooth.py", line 3
     3 |         show(i)
       |         ^^^^^^^
  Hint: Call 'show' outside the loop, or write its arithmetic in place.
  More: autopar explain AP203\
""")


def test_refused_function_says_why():
    refusal = SourceUnavailable(
        span=Span(line=1, column=0, end_line=1, end_column=4), name="f", detail="it is a lambda"
    )
    report = ReportData(
        version="0.1.0",
        text=None,
        functions=(FunctionReport(name="f", line=1, loops=(), refusal=refusal, cell=None),),
    )
    assert render_text(report, width=100) == snapshot("""\
<unknown>: no loops

AP101 The source of 'f' is not available: it is a lambda.
  Hint: Define the function with 'def' in a file or a notebook cell.
  More: autopar explain AP101\
""")


def test_notebook_cell_is_named():
    source = "for i in range(n):\n    show(i)\n"
    reason = UnknownCall(span=span_of(source, "show(i)", 2), function="show")
    report = report_of(source, loop_of(reason, line=1, verdict="unsupported"), cell=3)
    text = render_text(report, width=120)
    assert "smooth (cell 3, line 1)" in text
    assert '  File "smooth.py", cell 3, line 2' in text


def test_text_of_another_cell_is_not_shown():
    reason = UnknownCall(span=span_of(SMOOTH, "a[i]", 3), function="show")
    function = FunctionReport(
        name="f", line=1, loops=(loop_of(reason, verdict="unsupported"),), refusal=None, cell=2
    )
    text = SourceText(path="notebook.ipynb", text=SMOOTH, cell=1)
    rendered = render_text(ReportData(version="0.1.0", text=text, functions=(function,)), width=120)
    assert "0.5 *" not in rendered


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("\ta[i] = show(i)", " " * 15 + "^^^^^^^"),
        ("é = show(i)", "    ^^^^^^^"),
        ("数 = show(i)", "     ^^^^^^^"),
    ],
)
def test_mark_stands_below_tabs_and_wide_characters(line, marked):
    reason = UnknownCall(span=span_of(line, "show(i)", 1), function="show")
    text = render_text(report_of(line, loop_of(reason, line=1, verdict="unsupported")), width=120)
    assert f"       | {marked}" in text.splitlines()


def test_span_of_several_lines_is_marked_on_its_first():
    source = "show(i,\n     j)\n"
    reason = UnknownCall(span=Span(line=1, column=0, end_line=2, end_column=7), function="show")
    text = render_text(report_of(source, loop_of(reason, line=1)), width=120)
    assert "     1 | show(i,\n       | ^^^^^^^\n" in text


def test_values_of_a_condition_are_a_note():
    reason = ConditionFailed(
        span=span_of(SMOOTH, "a[i]", 3), condition="k >= n", values=(("k", 1), ("n", 9))
    )
    assert ("k = 1, n = 9.",) == reason.notes


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ns"), (3.2e-8, "32 ns"), (1e-6, "1 µs"), (0.0123, "12.3 ms"), (95.0, "95 s")],
)
def test_durations_have_three_digits_and_a_unit(seconds, text):
    assert text == describe_seconds(seconds)


def test_interpreter_says_why():
    ran = Ran(backend="interpreter", calls=1, iterations=None, seconds=None, note="too short")
    assert "interpreter, 1 call: too short" == describe_ran(ran)
    assert "not run" == describe_ran(None)


class Tags(HTMLParser):
    """The tags that are open at each text, and that all are closed at the end."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()


def test_html_is_closed_and_escaped():
    source = "for i in range(a < b):\n    show(i)\n"
    reason = UnknownCall(span=span_of(source, "show(i)", 2), function="<script>")
    loop = loop_of(reason, line=1, header="for i in range(a < b)", verdict="unsupported")
    page = page_of_reports(report_of(source, loop, name="<module>"))
    tags = Tags()
    tags.feed(page)
    assert [] == tags.open
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "range(a &lt; b)" in page


def test_report_prints_as_text_and_shows_as_html():
    content = report_of(SMOOTH, loop_of(carried(CarriedFlow, span_of(SMOOTH, "a[i - 1]", 3))))
    report = Report(content=content)
    assert render_text(content) == str(report) == repr(report)
    assert fragment(content) == report._repr_html_()
    assert content.to_dict() == report.to_dict()
    assert "smooth.py" == report.file


def test_report_without_loops_is_one_line():
    assert "smooth.py: no loops" == render_text(report_of(SMOOTH))


def test_unknown_code_has_no_page():
    assert render_page("AP999") is None
