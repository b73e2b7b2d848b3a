"""The fuzzer, with decorators that do wrong on purpose instead of autopar."""

from __future__ import annotations

import ast
import functools
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.arguments import is_same
from tests.fuzz import __main__ as command
from tests.fuzz import ledger, together
from tests.fuzz.campaign import Limits, reproducer, run_campaign
from tests.fuzz.coverage import Coverage, operators_of, overlap_class
from tests.fuzz.draw import (
    CONTENTS,
    ODD_ARRAYS,
    ODD_NUMBERS,
    OVERLAPS,
    draw_call,
    draw_odd_calls,
    draw_trial,
)
from tests.fuzz.modes import MODES, forced
from tests.fuzz.shrink import shrink, smaller_sources
from tests.fuzz.trial import Call, Trial, in_kernel, run_trial
from tests.program import ArraySpec

SOURCE = """\
def kernel(a, n):
    s = 0.0
    for i in range(n):
        a[i] = a[i] + 1
        s += a[i]
    return s
"""
CALL = Call(setup=("a = np.arange(6.0)", "n = 5"), names=("a", "n"))
TRIAL = Trial(source=SOURCE, calls=(CALL,))


def undecorated(function):
    return function


def changed(after=None, before=None):
    """Return a decorator whose function does something more."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*arguments):
            if before is not None:
                before(arguments)
            result = function(*arguments)
            return after(arguments, result) if after is not None else result

        return wrapper

    return decorate


def spoil_element(arguments, result):
    arguments[0][1] += 1
    return result


def warn(arguments, result):
    warnings.warn("late", RuntimeWarning, stacklevel=1)
    return result


@pytest.mark.parametrize(
    ("after", "aspect"),
    [
        (spoil_element, "memory"),
        (lambda arguments, result: float(result), "return"),
        (lambda arguments, result: arguments[0], "return"),
        (warn, "warnings"),
        (lambda arguments, result: 1 / 0, "exception"),
    ],
)
def test_each_aspect_is_compared(after, aspect: str, tmp_path: Path) -> None:
    assert run_trial(TRIAL, undecorated, tmp_path).difference is None
    difference = run_trial(TRIAL, changed(after), tmp_path).difference
    assert difference is not None
    assert difference.aspect == aspect


def test_a_changed_list_is_a_difference(tmp_path: Path) -> None:
    trial = Trial(source=SOURCE, calls=(Call(setup=("a = [1.0] * 6", "n = 5"), names=("a", "n")),))
    difference = run_trial(trial, changed(spoil_element), tmp_path).difference
    assert difference is not None
    assert difference.aspect == "argument"


def test_the_line_of_an_exception_is_compared(tmp_path: Path) -> None:
    out_of_range = Trial(
        source=SOURCE, calls=(Call(setup=("a = np.arange(6.0)", "n = 9"), names=("a", "n")),)
    )
    assert run_trial(out_of_range, undecorated, tmp_path).difference is None

    def elsewhere(function):
        def wrapper(a, n):
            try:
                return function(a, n)
            except IndexError as error:
                raise IndexError(*error.args) from None

        return functools.update_wrapper(wrapper, function)

    difference = run_trial(out_of_range, elsewhere, tmp_path).difference
    assert difference is not None
    assert difference.expected.endswith("4)")
    assert difference.actual.endswith("0)")


def test_bits_are_compared_not_values(tmp_path: Path) -> None:
    trial = Trial(
        source="def kernel(a):\n    pass\n", calls=(Call(setup=("a = np.zeros(2)",), names=("a",)),)
    )

    def negate(arguments):
        arguments[0][0] = -0.0

    assert run_trial(trial, changed(before=negate), tmp_path).difference is not None


def test_overlaps_survive_in_both_copies(tmp_path: Path) -> None:
    source = "def kernel(a, b):\n    for i in range(5):\n        a[i] = b[i]\n"
    call = Call(setup=("a = np.arange(9.0)", "b = a[2:]", "a = a[3:]"), names=("a", "b"))

    def vectorized(function):
        def wrapper(a, b):
            a[:5] = b[:5]  # buffered: right only where nothing flows

        return functools.update_wrapper(wrapper, function)

    difference = run_trial(Trial(source=source, calls=(call,)), vectorized, tmp_path).difference
    assert difference is not None
    assert difference.aspect == "memory"


def test_a_kernel_was_entered_when_the_report_says_so() -> None:
    def report(backend: str | None):
        ran = {"backend": backend} if backend else None
        table = {"functions": [{"loops": [{"ran": ran}, {}]}]}
        return SimpleNamespace(last_run=SimpleNamespace(to_dict=lambda: table))

    assert [True, True, False, False] == [
        in_kernel(report(backend)) for backend in ("cpu", "cuda", "interpreter", None)
    ]


def test_a_campaign_without_a_fault_finds_none(tmp_path: Path) -> None:
    tally = run_campaign(1, Limits(seconds=60, programs=150), undecorated, tmp_path)
    assert (150, 0, 0) == (tally.programs, tally.mismatches, tally.entered)
    assert tally.calls > tally.programs


def test_a_fault_is_found_shrunk_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A decorator that takes every `- 1` in a subscript for `+ 1`."""

    def wrong(function):
        text = Path(function.__code__.co_filename).read_text(encoding="utf-8")
        scope: dict = {}
        exec(compile(text.replace("- 1]", "+ 1]"), function.__code__.co_filename, "exec"), scope)
        return scope["kernel"]

    tally = run_campaign(2, Limits(seconds=60, programs=400, shrink_s=20), wrong, tmp_path)
    assert tally.mismatches == 1
    printed = capsys.readouterr().out
    assert "- 1]" in printed
    source = printed[
        printed.index("def kernel") : printed.index("\n\n", printed.index("def kernel"))
    ]
    assert len(source.splitlines()) <= 5, source


def test_shrinking_keeps_what_the_fault_needs() -> None:
    def needs_the_sum(trial: Trial) -> bool:
        return "s += " in trial.source

    smallest = shrink(TRIAL, needs_the_sum)
    assert "def kernel(a, n):\n    s += a[i]\n" == smallest.source


def test_every_smaller_source_is_python_and_another_one() -> None:
    smaller = list(smaller_sources(SOURCE))
    assert SOURCE not in smaller
    assert len(smaller) >= 6
    assert all(ast.parse(text) for text in smaller)


def test_shrinking_drops_needless_oddities_and_calls() -> None:
    odd = Call(setup=(*CALL.setup, "a = a[::-1]", "n = np.int8(n)"), names=CALL.names)
    trial = Trial(source=SOURCE, calls=(CALL, odd))
    smallest = shrink(
        trial, lambda candidate: any("int8" in line for c in candidate.calls for line in c.setup)
    )
    assert (Call(setup=(*CALL.setup, "n = np.int8(n)"), names=CALL.names),) == smallest.calls


def test_the_reproducer_runs_on_its_own() -> None:
    scope: dict = {}
    exec(reproducer(TRIAL), scope)
    assert [1.0, 2.0, 3.0, 4.0, 5.0, 5.0] == list(scope["a"])


def test_every_oddity_is_drawn() -> None:
    _, program = draw_trial(random.Random(1))
    specs = [ArraySpec(name=e, rank=1 if e < "u" else 2, dtype="float64") for e in "abuv"]
    program = replace(program, arrays=tuple(specs), numbers=tuple("nmk"), is_roomy=True)
    generator = random.Random(2)
    calls = [draw_call(program, generator) for _ in range(2200)]
    lines = {line for call in calls for line in call.setup[len(call.names) :]}
    for template in (*CONTENTS, *OVERLAPS, *ODD_NUMBERS, *ODD_ARRAYS):
        forms = {template.format(a=a, b=b, n=n) for a in "abuv" for b in "abuv" for n in "nmk"}
        assert not forms.isdisjoint(lines), template
    assert any(".flat[" in line for line in lines)


def test_every_odd_array_is_drawn_between_plain_ones() -> None:
    met = set()
    for seed in range(400):
        generator = random.Random(seed)
        trial, program = draw_trial(generator)
        odd = draw_odd_calls(trial, program, generator)
        last = [call.setup[-1] for call in odd.calls if call not in trial.calls]
        assert not program.arrays or last or not odd.calls
        assert odd.calls[-1] == trial.calls[0]
        met.update(last)
    for template in ODD_ARRAYS:
        assert not {template.format(a=a) for a in "abcuvw"}.isdisjoint(met), template


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (lambda a: [a, a.copy()], "-"),
        (lambda a: [a[::2], a[1::2]], "e"),
        (lambda a: [a, a[:]], "s"),
        (lambda a: [a, a[1:]], "o"),
        (lambda a: [a, a[1:], a[::-1]], "r"),
        (lambda a: [np.broadcast_to(a[:1], a.shape), a.copy()], "z"),
    ],
)
def test_overlap_classes(arguments, kind: str) -> None:
    assert kind == overlap_class(arguments(np.arange(9.0)))


def test_coverage_counts_operators_dtypes_and_classes() -> None:
    coverage = Coverage()
    coverage.note(SOURCE, [np.zeros(3), np.zeros(3, np.int8), 4], "o")
    assert {"Add", "Add=", "range()"} == operators_of(SOURCE)
    assert {
        (op, dtype, "o") for op in operators_of(SOURCE) for dtype in ("float64", "int8")
    } == set(coverage.met)
    assert "Add=    o          o" in str(coverage)


def test_nans_are_equal_whatever_their_bits_and_zeros_are_not() -> None:
    one, two = np.array([np.nan, 0.0]), np.array([-np.nan, 0.0])
    assert is_same(one, two)
    assert not is_same(one, np.array([np.nan, -0.0]))
    assert is_same(float("nan"), -float("nan"))
    assert not is_same(np.complex128(complex(1, np.nan)), np.complex128(complex(-1, np.nan)))
    assert not is_same(np.ma.array(one, mask=[False, True]), np.ma.array(one, mask=[False, False]))


LEFT = """\
def kernel(a, n):
    for i in range(n):
        a[i] = a[i] + 1
        if a[i] > 90:
            break
    return i
"""
PRINTING = """\
def kernel(a, n):
    for q in range(n):
        for i in range(len(a)):
            a[i] = a[i] + q
        if q % 3 == 1:
            print(q, a[1])
"""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source", [SOURCE, LEFT, PRINTING])
def test_programs_run_in_kernels_in_each_mode(mode: str, source: str, tmp_path: Path) -> None:
    call = Call(setup=("a = np.arange(40.0)", "n = 38"), names=("a", "n"))
    with forced(mode, random.Random(1)):
        decorate = command.autopar_decorator("cpu")
        result = run_trial(Trial(source=source, calls=(call, call)), decorate, tmp_path)
    assert result.difference is None, result.difference
    assert result.has_entered or (mode == "rests" and source is not LEFT)


def test_the_command_ends_with_the_status_of_the_campaign(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", "unused")
    monkeypatch.setattr(command, "autopar_decorator", lambda backend: undecorated)
    few = ["--seed", "1", "--programs", "12", "--folder", str(tmp_path)]
    assert command.main(few) == 0
    assert "seed 1: 12 programs" in capsys.readouterr().out
    assert command.main([*few, "--least-entered", "10"]) == 1
    monkeypatch.setattr(command, "autopar_decorator", lambda backend: changed(lambda a, result: 7))
    assert command.main(few) == 1


def test_a_program_can_be_drawn_again_alone(tmp_path: Path) -> None:
    run_campaign(3, Limits(seconds=60, programs=6), undecorated, tmp_path)
    last = (tmp_path / "current.py").read_text(encoding="utf-8")
    run_campaign(3, Limits(seconds=60, first=5, programs=1), undecorated, tmp_path)
    assert last == (tmp_path / "current.py").read_text(encoding="utf-8")


def test_a_ledger_adds_up_over_campaigns(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "ledger.json"
    limits = Limits(seconds=60, programs=2, mode="plain")
    monkeypatch.setattr(ledger, "code_digest", lambda: "before")
    for mismatches, code in ((0, "before"), (1, "now"), (0, "now"), (0, "now")):
        monkeypatch.setattr(ledger, "code_digest", lambda code=code: code)
        tally = run_campaign(5, limits, undecorated, tmp_path)
        tally.mismatches = mismatches
        tally.coverage.met["Add", "int64", "s"] += 1
        ledger.add(path, tally, limits, 1.5)
    found = ledger.read(path)
    assert len(found["campaigns"]) == 4
    assert {"Add": {"int64": "s"}} == found["coverage"]
    assert len(ledger.since_mismatch(found["campaigns"], "now")) == 2
    text = ledger.summary(found, "now")
    assert "first generator, cpu, in all: 8 programs (8 compiled)" in text
    assert "first generator, cpu, this code since a mismatch: 4 programs" in text


def test_campaigns_that_end_at_the_same_time_are_all_added(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ledger, "code_digest", lambda: "now")
    limits = Limits(seconds=1)
    tally = run_campaign(5, replace(limits, programs=1), undecorated, tmp_path)
    path = tmp_path / "ledger.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ledger.add(path, tally, limits, 1.0), range(24)))
    assert 24 == len(ledger.read(path)["campaigns"])


def test_processes_side_by_side_draw_of_both_generators_on_both_targets(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    asked: set[tuple[str, str]] = set()

    def campaign(generator: str, backend: str, seconds: float, path: Path) -> str | None:
        asked.add((generator, backend))
        return "found something" if backend == "cuda" else None

    monkeypatch.setattr(together, "campaign", campaign)
    arguments = ["--seconds", "20.05", "--ledger", str(tmp_path / "ledger.json")]
    assert 0 == together.main(arguments)
    assert {("first", "cpu"), ("second", "cpu")} == asked
    assert 1 == together.main([*arguments, "--cuda-every", "2"])
    assert {("first", "cuda"), ("second", "cuda")} < asked
    assert "found something" in capsys.readouterr().out


def test_objects_that_hold_arrays_are_compared(tmp_path: Path) -> None:
    setup = ("a = np.empty(6, object)", "a[:] = [np.arange(3.0) for _ in range(6)]", "n = 5")
    trial = Trial(
        source="def kernel(a, n):\n    a[n] = a[0] + 1\n",
        calls=(Call(setup=setup, names=("a", "n")),),
    )
    assert run_trial(trial, undecorated, tmp_path).difference is None
    assert run_trial(trial, changed(spoil_element), tmp_path).difference is not None


def test_most_kernels_are_read(tmp_path: Path) -> None:
    limits = Limits(seconds=60, programs=6, mode="hostile", generator="second", compiled=0.0)
    tally = run_campaign(3, limits, command.autopar_decorator("cpu"), tmp_path)
    assert (6, 0, 0) == (tally.programs, tally.compiled, tally.mismatches)
    assert tally.entered > 0
