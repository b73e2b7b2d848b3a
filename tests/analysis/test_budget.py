"""What limits the analysis: operations of isl, seconds of the processor, and a function's share."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis.model import isl, isl_budget
from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.plan import Plan, RegionPlan
from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.passes.definitions import functions_of
from autopar.analysis.passes.describe import describe
from autopar.analysis.stages import analyze, may_check_first, plan_with_values, redo_condition
from autopar.functions import read_source
from benchmarks import loops
from benchmarks.polybench import KERNELS
from tests.pathological import PROGRAMS

Row = tuple[str, str, str]
ARRAYS = frozenset({"a", "b", "c"})


def source_of(text: str) -> SourceFunction:
    return functions_of(SourceText(path="case.py", text=text, cell=None))[-1]


def read(function: Callable[..., object]) -> SourceFunction:
    source = read_source(function)
    assert isinstance(source, SourceFunction)
    return source


def rows(source: SourceFunction) -> list[Row]:
    """Return header, verdict and code of every loop."""
    plan = analyze(source)
    assert isinstance(plan, Plan)
    return [(each.header, each.verdict, each.code) for each in describe(plan).loops]


def set_budget(monkeypatch: pytest.MonkeyPatch, operations: int, seconds: float) -> None:
    defaults = (operations, seconds)
    monkeypatch.setattr(vars(isl_budget.budget)["__wrapped__"], "__defaults__", defaults)


def hard(primes: tuple[int, ...] = (2, 3, 5, 7)) -> isl.Set:
    """Return the result of much work."""
    tests = " and ".join(
        f"(((i) mod {p}) = 0 or ((j) mod {p}) = 1 or i >= {p} * n)" for p in primes
    )
    return isl.Set.parse(f"[n] -> {{ [i, j] : {tests} }}").complement().complement()


def slow() -> isl.Set:
    """Return the result of work whose single operations take long."""
    names = ("i", "j", "k", "l", "x", "y", "z", "u")
    tests = " and ".join(
        f"({a} - {b}) mod {p} = 0 and {b} <= {a} < n"
        for (a, b), p in zip(
            zip(names[1:], names[:-1], strict=True), (97, 89, 83, 79, 73, 71, 67), strict=True
        )
    )
    whole = isl.Set.parse(f"[n, m] -> {{ [{', '.join(names)}] : {tests} and i + j + k + l = m }}")
    return whole.keep(("i", "u")).complement()


def test_operations_are_counted_without_being_told() -> None:
    isl.Set.parse("[n] -> { [i] : 0 <= i < n }")  # isl keeps the names
    with isl.budget():
        before = isl.operations_spent()
        isl.Set.parse("[n] -> { [i] : 0 <= i < n }")
        once = isl.operations_spent()
        assert once == isl.operations_spent()  # asking costs nothing
        isl.Set.parse("[n] -> { [i] : 0 <= i < n }")
        assert isl.operations_spent() - once == pytest.approx(once - before, rel=0.05)


def test_work_ends_within_about_as_many_operations_as_were_counted() -> None:
    # isl's tables are sorted by addresses: the count is not the same each time.
    with isl.budget():
        expected = str(hard((2, 3)))
        needed = isl.operations_spent()
    with isl.budget(needed * 11 // 10):
        assert expected == str(hard((2, 3)))
    with pytest.raises(isl.BudgetExhaustedError), isl.budget(needed * 8 // 10):
        str(hard((2, 3)))


SWEEP = """
import numpy as np, autopar
from autopar.analysis.model import isl_budget

def kernel(a, b, step, n, d):
    for i in range(0, 2 * n, step):
        a[i + d] = a[i] * 1.5 + b[i]

for limit in [*range(200, 6000, 400), *range(6000, 120_000, 9000)]:
    isl_budget.budget.__wrapped__.__defaults__ = (limit, 1.0)
    made = autopar.parallel(kernel, backend="cpu", cache=False)
    for step, d in ((3, 3), (2, 5), (3, 4)):
        a, b = np.arange(20.0), np.ones(16)
        expected = a.copy()
        kernel(expected, b, step, 7, d)
        made(a, b, step, 7, d)
        assert (a == expected).all(), limit
print("done")
"""


def test_a_call_that_isl_gave_up_is_the_last_use_of_its_sets(tmp_path: Path) -> None:
    """isl crashes on sets that it was rewriting when it gave up."""
    script = tmp_path / "sweep.py"
    script.write_text(SWEEP)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (0, "done\n") == (ended.returncode, ended.stdout), ended.stderr[-2000:]


def test_few_operations_that_take_long_are_stopped_by_the_clock() -> None:
    start = time.process_time()
    with pytest.raises(isl.BudgetExhaustedError), isl.budget(10**9, 0.2):
        slow()
    assert time.process_time() - start < 60  # a slow machine has needed 24


def test_an_exhausted_budget_stays_so_until_its_end() -> None:
    with isl.budget(2000):
        for _ in range(3):
            with pytest.raises(isl.BudgetExhaustedError):
                hard()
    assert not hard((2, 3)).is_empty()


def test_a_text_that_the_budget_does_not_suffice_for_is_no_none() -> None:
    for operations in (1, 10, 100):
        large = hard((2, 3))
        with pytest.raises(isl.BudgetExhaustedError), isl.budget(operations):
            str(large)


def test_an_operation_on_its_own_has_a_budget_too(monkeypatch: pytest.MonkeyPatch) -> None:
    set_budget(monkeypatch, 5000, 1.0)
    with pytest.raises(isl.BudgetExhaustedError):
        hard()


def test_an_allowance_is_shared_by_the_budgets_in_it() -> None:
    with isl.budget():
        hard((2, 3))
        needed = isl.operations_spent()
    with isl.allowance(5 * needed // 2, 60.0):
        for _ in range(2):
            with isl.budget():
                hard((2, 3))
        with pytest.raises(isl.BudgetExhaustedError), isl.budget():
            hard((2, 3))
        with pytest.raises(isl.BudgetExhaustedError), isl.budget():
            hard((2, 3))
    with isl.budget():
        hard((2, 3))


# ---------------------------------------------------------------- the analysis under limits


@pytest.mark.parametrize("kernel", KERNELS[::3], ids=lambda kernel: kernel.name)
def test_a_verdict_is_the_same_under_any_limit_or_not_given(
    kernel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read(kernel.function)
    expected = rows(source)
    draw = random.Random(kernel.name)
    for _ in range(12):
        set_budget(monkeypatch, int(2 ** draw.uniform(0, 16)), 1.0)
        for want, have in zip(expected, rows(source), strict=True):
            assert want == have or have[2] == "AP307"


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_program_takes_more_operations_than_the_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 300_000
    set_budget(monkeypatch, limit, 0.3)
    source = source_of(PROGRAMS[name])
    meters = []

    class Recorded(isl_budget._Meter):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            meters.append(self)

    monkeypatch.setattr(isl_budget, "_Meter", Recorded)
    start = time.perf_counter()
    found = rows(source)
    assert time.perf_counter() - start < 120  # where nothing held, many minutes
    assert found
    assert max(meter.granted for meter in meters) <= limit
    assert sum(meter.granted for meter in meters) <= 4 * isl.DEFAULT_BUDGET + limit


def test_all_that_a_call_asks_runs_in_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isl_budget, "budget", None)  # what an operation on its own would open
    plan = analyze(read(loops.matmul_scalar))
    assert isinstance(plan, Plan)
    (region,) = plan.regions
    redo_condition(region)
    may_check_first(region, ARRAYS)


def test_variants_are_made_within_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    function: Any = autopar.parallel(loops.jacobi, backend="cpu", cache=False)
    function.explain()
    monkeypatch.setattr(isl_budget, "budget", None)
    arrays = np.ones((9, 9)), np.zeros((9, 9))
    function(*arrays)
    assert arrays[1][4, 4] == 1.0
    assert ["cpu"] == [
        loop["ran"]["backend"]
        for loop in function.last_run.to_dict()["functions"][0]["loops"]
        if loop.get("ran")
    ][:1]


@pytest.mark.parametrize(
    "question", [redo_condition, lambda region: may_check_first(region, ARRAYS)]
)
def test_questions_at_a_call_give_up_as_well(
    question: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = analyze(read(loops.matmul_element))
    assert isinstance(plan, Plan)
    (region,) = plan.regions
    set_budget(monkeypatch, 50, 1.0)
    answer = question(region)
    assert answer is False or isinstance(answer, Refusal)


def test_a_variant_is_given_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    function: Any = autopar.parallel(loops.transpose_add, backend="cpu", cache=False)
    function.explain()
    set_budget(monkeypatch, 50, 1.0)
    arrays = np.ones((9, 9)), np.ones((9, 9)), np.zeros((9, 9))
    function(*arrays)
    assert (arrays[2] == 2.0).all()
    ran = function.last_run.to_dict()["functions"][0]["loops"][0]["ran"]
    assert ran["backend"] == "interpreter"
    assert "AP307" in ran["note"]


def test_a_limit_of_its_own_holds_for_all_that_an_operation_calls(monkeypatch):
    monkeypatch.setattr(isl_budget, "_COUNTED_EVERY", -1.0)  # seconds: counted at every look

    def granted() -> int:
        isl.Set.parse("{ : }")  # looks at the meter too
        meter = isl_budget.STATE.meter
        assert meter is not None
        return meter.granted - isl_budget.operations_spent()

    with isl.budget():
        small, large = isl.locked(granted)(), isl.locked(granted, most=600_000)()
        assert 0 < small <= 60_000 < large <= 600_000
        assert isl.locked(granted)() <= 60_000


MANY_BOUNDS = """
def kernel(a, b, c, A, m, p, d, n):
    z = 0
    s = 0
    for i in range(1, 4):
        for j in range(3):
            for l in range(j % 3, m, 3):
                for t in range(l, l + d + 1):
                    a[t] *= a[n + 3 - t]
                    c[t % 3] = c[t] * 2.0
                    if t == p:
                        c[t] = a[-1] + A[l + d, n + 3 - t] * A[l + d, n + 3 - t]
                a[l + d] = b[l + n] + c[(l + 1) // 2]
        z = 0.5 * (b[i] + a[i + p])
        a[0] = abs(z) - b[i + 1]
    return s, z
"""


def test_a_nest_that_is_too_much_for_all_values_is_decided_for_some() -> None:
    text = SourceText(path="case.py", text=MANY_BOUNDS, cell=None)
    values = {"m": 4, "p": 3, "d": 0, "n": 2}
    with isl.budget(seconds=60.0):  # operations as ever: they are the same on every machine
        whole = analyze(functions_of(text)[-1])
    assert isinstance(whole, Plan)
    (left,) = whole.deferred
    facts = Facts(values=tuple((name, values.get(name, 20)) for name in left.names))
    with isl.budget(seconds=60.0):
        found = plan_with_values(left, facts)
    assert isinstance(found, RegionPlan)
    assert ["sequential"] * 3 + ["parallel"] == [each.verdict for each in found.loops]


def test_operations_and_no_clock_end_what_tests_ask() -> None:
    with isl.budget():
        meter = isl_budget.STATE.meter
        assert meter is not None
        assert isl.DEFAULT_BUDGET == meter.operations
        assert meter.seconds > 10
