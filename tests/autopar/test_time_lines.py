"""Where the time of a call and of a program went, and what would gain most."""

from __future__ import annotations

import inspect
import json
import re
import sys
import threading
from dataclasses import replace
from time import perf_counter, sleep

import numpy as np
import pytest

import autopar
from autopar.advice import advice_of, changes, described
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceText, Span
from autopar.analysis.model.time_line import DeviceLaunch, DeviceRun, Spell, TimeLine, in_order
from autopar.analysis.passes.reasons_fission import PartlyAhead
from autopar.analysis.stages import explain_text
from autopar.codegen.spent import NOTES, Note, spending
from autopar.html_time import time_html
from autopar.interpreter_times import watched
from autopar.record import RunRecord
from autopar.sampling import Sampler
from autopar.time_table import MOST_LINES, longest, time_lines
from autopar.wording import describe_device

# ------------------------------------------------------------------------------- notes


def test_what_is_spent_inside_something_is_not_spent_twice():
    NOTES.take()
    with spending("analysis"), spending("compile"):
        pass
    compiled, analysed = NOTES.take()
    assert ("compile", "analysis") == (compiled.what, analysed.what)
    assert analysed.begun <= compiled.begun <= compiled.ended <= analysed.ended
    whole = analysed.ended - analysed.begun
    assert whole == pytest.approx(analysed.seconds + compiled.seconds)
    assert [] == NOTES.take()


def test_notes_that_nobody_takes_are_few():
    for _ in range(3000):
        with spending("transfer"):
            pass
    assert len(NOTES.take()) <= 1000


def test_a_record_takes_the_notes_of_its_own_time_and_not_for_kernels():
    now = perf_counter()
    record = RunRecord()
    record.begun = now - 20
    NOTES.left = [
        Note("analysis", now - 30, now - 29, 1.0),  # of another call
        Note("compile", now - 15, now - 12, 3.0),
        Note("transfer", now - 8, now - 7, 1.0),
        Note("transfer", now - 2, now - 1, 0.5),
    ]
    record.add(2, "cuda", 10, 10.0, None)
    spent = {what: (each.seconds, each.count) for (_, what), each in record.spent.items()}
    assert {"compile": (3.0, 1), "transfer": (1.5, 2)} == spent
    when = record.spent[2, "transfer"].when
    assert (now - 8, now - 1) == (when.begun, when.ended)
    tally = record.tallies[2, "cuda"]
    assert (8.5, 0.0) == (tally.seconds, tally.native)
    assert tally.when is not None
    assert tally.when.ended - tally.when.begun == pytest.approx(10.0)


# ------------------------------------------------------------------- time lines of calls


def smoothed(a, out):
    for i in range(1, len(a) - 1):
        out[i] = a[i - 1] + a[i + 1]
    for i in range(1, len(a)):
        out[i] = max(out[i - 1], a[i], key=abs)


def time_of(function):
    report = function.last_run
    assert report is not None
    return report.to_dict()["time"]


def test_the_first_call_analyses_and_compiles_and_the_next_ones_do_not():
    function = autopar.parallel(smoothed, backend="cpu")
    a, out = np.arange(3000.0), np.zeros(3000)
    function(a, out)
    first = time_of(function)
    assert ["analysis", "compile", "kernel"] == [each["what"] for each in first["spells"]]
    assert all(first["spent"][what] > 0 for what in ("analysis", "compile", "kernel"))
    assert first["seconds"] == pytest.approx(sum(first["spent"].values()))
    begins = [each["begin"] for each in first["spells"]]
    assert begins == sorted(begins)
    assert "smoothed.L" in first["spells"][2]["loop"]
    for _ in range(12):  # the last of them without Python
        function(a, out)
        again = time_of(function)
        assert ["kernel"] == [each["what"] for each in again["spells"]]
        assert 0 < again["spent"]["kernel"] < again["seconds"]


def test_a_loop_that_was_left_is_on_the_line_with_its_reason():
    function = autopar.parallel(smoothed)
    function(np.arange(30.0), np.zeros(30))
    *_, left = time_of(function)["spells"]
    assert ("interpreter", None, "AP602") == (left["what"], left["seconds"], left["code"])
    assert left["predicted"]["interpreter"] > 0
    text = str(function.last_run)
    assert re.search(r"^Time: .* in all: (analysis|interpreter) ", text, re.MULTILINE)
    shown = r"^  \S+ \S+ +≤\S+ \S+ +interpreter +line \d+ .*1 call: AP602"
    assert re.search(shown, text, re.MULTILINE)


def waited(a, n, wait):
    for i in range(1, n):
        a[i] = a[i - 1] + a[i]
    wait(0.02)
    for k in range(3):
        for i in range(n):
            a[i] = a[i] + 1
        wait(0.01)
    wait(0.03)


def test_a_nest_in_the_interpreter_is_over_when_the_next_one_is_entered():
    function = autopar.parallel(waited)
    function(np.zeros(9), 9, sleep)
    first, outer, inner = (e for e in time_of(function)["spells"] if e["what"] == "interpreter")
    assert [1, 1, 3] == [each["calls"] for each in (first, outer, inner)]
    assert 0.02 <= first["at_most"] < outer["begin"] - first["begin"] + 1e-3
    assert 0.06 <= inner["at_most"] <= outer["at_most"]
    assert outer["at_most"] <= time_of(function)["seconds"] - first["at_most"]
    for _ in range(60):  # until a guard sleeps: then nobody knows
        function(np.zeros(9), 9, abs)
    assert {None} == {e["at_most"] for e in time_of(function)["spells"]}


def spell(begun=0.0, seconds=1.0, **changes):
    content = {
        "what": "kernel", "file": "f.py", "loop": None, "span": None, "calls": 1, "begun": begun,
        "ended": None if begun is None else begun + (seconds or 0.0), "seconds": seconds,
    }  # fmt: skip
    return Spell(**(content | changes))


def test_of_many_spells_the_longest_are_shown_in_their_order():
    spells = [spell(float(k), 1.0 + (k * 7) % 20) for k in range(20)]
    line = TimeLine(seconds=300.0, spells=in_order(reversed(spells)))
    shown = longest(line)
    assert MOST_LINES == len(shown)
    longest_first = sorted(spells, key=lambda each: -(each.seconds or 0.0))[:MOST_LINES]
    assert [each for each in spells if each in longest_first] == list(shown)
    assert "and 8 more that took less" in time_lines(line)
    assert "and 8 more that took less" in time_html(line)


def test_bars_stand_where_things_happened():
    line = TimeLine(
        seconds=4.0,
        spells=(spell(0.0, 1.0, what="compile"), spell(1.0, 2.0), spell(None, 0.5)),
    )
    heading, _, *rows = time_lines(line).splitlines()
    assert "Time: 4 s in all: kernels 2.5 s, compilation 1 s, interpreter 500 ms" == heading
    bars = [row[row.index("▕") + 1 : row.index("▏")] for row in rows]
    assert ["█" * 6 + " " * 18, " " * 6 + "█" * 12 + " " * 6, " " * 24] == bars
    html = time_html(line)
    widths = re.findall(r'class="of-\w+" style="width: ([\d.]+)%"', html)
    assert [25.0, 62.5, 12.5] == [float(each) for each in widths]
    assert 'style="left: 25.00%; width: 50.00%"' in html


# ---------------------------------------------------------------------------- sampling


def computed_until(is_seen):
    end = perf_counter() + 60
    while not is_seen() and perf_counter() < end:
        sum(range(100))


def test_a_sampler_sees_where_a_thread_computes():
    sampler = Sampler({__file__})
    sampler.start()
    begun = perf_counter()
    computed_until(lambda: any(sampler.seconds))
    sampler.stop()
    body = computed_until.__code__.co_firstlineno
    *_, places = sampler.seconds
    assert "computed_until" in {_function_at(line) for _, line in places}, body
    assert sum(sampler.seconds.values()) <= perf_counter() - begun + 0.1


def _function_at(line):
    names = [
        (each.__code__.co_firstlineno, name)
        for name, each in globals().items()
        if inspect.isfunction(each) and each.__module__ == __name__
    ]
    return max(each for each in names if each[0] <= line)[1]


def test_a_thread_that_waits_stands_nowhere():
    begun, ended = threading.Event(), threading.Event()

    def waits():
        begun.set()
        ended.wait()

    thread = threading.Thread(target=waits)
    thread.start()
    begun.wait()
    sampler, frame = Sampler({__file__}), None
    assert thread.ident is not None
    while frame is None or frame.f_code.co_filename == __file__:
        frame = sys._current_frames()[thread.ident]
    places = sampler._places(frame)
    ended.set()
    thread.join()
    assert places is None


PROGRAM = """\
def helper(x, a):
    for i in range(9):
        a[i] = x
def main(data, a):
    for x in data:
        helper(x, a)
        a[0] = str(x)
    for i in range(1, 9):
        a[i] = 0.5 * a[i - 1] + 1.0
    for i in range(9):
        a[i] = 2.0
"""


def program():
    text = SourceText(path="program.py", text=PROGRAM, cell=None)
    return ReportData(version="0", text=text, functions=explain_text(text))


def looks(seconds):
    """Return seconds by the lines that a thread stands at, innermost first, as by places."""
    return {
        tuple(("/x/program.py", line) for line in places): taken
        for places, taken in seconds.items()
    }


def changes_of(seconds):
    return changes([("/x/program.py", program())], looks(seconds))


def test_a_look_counts_for_the_innermost_obstacle():
    found = changes_of({(3, 6): 1.0, (7,): 0.5, (9,): 2.0, (11,): 8.0, (4,): 9.0})
    assert [(8, "AP401", 2.0), (5, "AP203", 1.5)] == [
        (each.loop.span.line, each.reason.code, each.seconds) for each in found
    ]
    assert all(each.advice for each in found)
    text = described(found, TimeLine(seconds=20.0, spells=()))
    assert "1. program.py:8, for i in range(1, 9): 2 s of 20 s in the interpreter" in text
    assert "read from a copy" in text


def test_what_took_next_to_nothing_is_no_advice():
    assert () == changes_of({(9,): 0.001})
    assert () == changes_of({(9,): 0.5, (11,): 80.0})
    assert "nothing" in described((), TimeLine(seconds=1.0, spells=()))


def test_hints_of_a_page_are_its_words_without_the_code():
    span = Span(line=1, column=0, end_line=1, end_column=1)
    (hint,) = advice_of(PartlyAhead(span=span, rest="print"))
    assert "An array for the values, and a loop of its own for what has an order." == hint


def test_a_run_that_mostly_compiled_says_that_the_next_one_does_not():
    line = TimeLine(seconds=20.0, spells=(spell_of(8, 9, 15.0, "compile"),))
    words = "15 s of the 20 s were analysis and compilation; what they give is kept on disk"
    assert words in described((), line)
    assert words in described(changes_of({(9,): 2.0}), line).splitlines()[-1]
    assert "compilation" not in described((), TimeLine(seconds=99.0, spells=line.spells))


def spell_of(line, end_line, seconds, what="interpreter"):
    return Spell(
        what=what,
        file="program.py",
        loop=None,
        span=Span(line=line, column=4, end_line=end_line, end_column=9),
        calls=1,
        begun=0.1,
        ended=0.2,
        seconds=seconds,
    )


def test_looks_time_the_nests_left_alone_and_the_loops_without_guards():
    found = {(3, 6): 1.0, (6,): 0.5, (9,): 2.0, (4,): 9.0, (11,): 0.001, (7,): 0.25}
    left = spell_of(8, 9, None)
    ran = spell_of(10, 11, 3.0, "kernel")
    line = TimeLine(seconds=20.0, spells=(left, ran))
    (timed,) = watched([line], [("/x/program.py", program())], looks(found))
    assert [(8, 2.0, 1), (10, 3.0, 1), (2, 1.0, 0), (5, 0.75, 0)] == [
        (each.span.line, each.seconds, each.calls) for each in timed.spells if each.span
    ]
    assert 17.0 == timed.spent()["interpreter"]
    assert "~2 s" in time_lines(timed)


SCRIPT = """\
import numpy as np

def fast(a, out):
    for i in range(1, len(a) - 1):
        out[i] = a[i - 1] + a[i + 1]

def slow(n):
    words = {}
    for i in range(n):
        words[str(i)[:2]] = i
    return words

a = np.arange(2000.0)
fast(a, np.zeros(2000))
print(len(slow(400_000)))
"""


def test_a_report_of_a_run_ends_with_what_would_gain_most(tmp_path, python):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = ("-m", "autopar", "run", "--report", "--json", "report.json", "script.py")
    done = python(*command, environment={"AUTOPAR_BACKEND": "cpu"})
    assert (0, "100\n") == (done.returncode, done.stdout), done.stderr
    *_, time_text, advice = done.stderr.strip("\n").split("\n\n")
    assert re.match(r"Time: .* in all: .*interpreter .*\n  Begins +Takes", time_text)
    assert re.search(r"kernels +line 4 .* 1 call", time_text)
    assert re.search(r"~\S+ m?s +interpreter +line 9 .*AP203", time_text)
    assert re.match(
        r"What would gain most:\n1\. script\.py:9, for i in range\(n\): .* in the interpreter\n"
        r"   AP203 .*'str'.*\n   Hint: ",
        advice,
    )
    report = json.loads((tmp_path / "report.json").read_text())
    (change,) = report["changes"]
    assert ("slow.L9C4", 9, "AP203") == (change["loop"], change["line"], change["code"])
    assert 0 < change["seconds"] < report["time"]["seconds"]


def test_words_of_a_device_name_its_busiest_kernel():
    launches = tuple(
        DeviceLaunch(
            kernel=f"launch{k}", blocks=blocks, threads=256, registers=k, local_bytes=spilt
        )
        for k, (blocks, spilt) in enumerate([(1, 0), (4096, 0)])
    )
    run = DeviceRun(copied_in=8_000_000, copied_out=0, launches=launches)
    assert (
        "; 8 MB copied there, 0 bytes back; 4,096 blocks of 256 threads with 1 registers each"
        == describe_device(run)
    )
    short = replace(run, launches=(replace(launches[0], registers=40, local_bytes=16),))
    assert describe_device(short).endswith(
        "; a block of 256 threads with 40 registers each, 16 bytes of local memory"
    )
