"""Inspectors against a diary of the run: they find a meeting exactly where there is one.

The inspector is the generated CPU module, run by the interpreter with its parallel loops in
hostile orders.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopar.analysis.facts.arguments import array_type, scalar_type
from autopar.analysis.model.plan import Plan, RegionPlan
from autopar.analysis.model.source import SourceText
from autopar.analysis.model.typed import FAILURES, INDEX_ERROR, REPEATED
from autopar.analysis.model.types import LiveInType
from autopar.analysis.stages import analyze, functions_of, specialize
from autopar.codegen.cpu import generate_cpu
from autopar.codegen.inspect import inspector_of
from autopar.options import choose_options
from autopar.variants import generated, lowered
from tests.adversary import ORDERS
from tests.codegen.plain import load_plain
from tests.launchers import AdversarialLauncher
from tests.meetings import diary_of

EXTENT = 6

# ------------------------------------------------------------------------------- kernels
# Arrays: y, x vectors of EXTENT; u a matrix; p, q vectors of places; r a matrix of places.


def scatter(y, x, p, n):
    for i in range(n):
        y[p[i]] = x[i]


def update(y, x, p, n):
    for i in range(n):
        k = p[i]
        y[k] += x[i]


def chase(y, p, n):
    for i in range(n):
        y[p[i]] = y[i] + 1.0


def chase_back(y, p, n):
    for i in range(n):
        y[i] = y[p[i]] + 1.0


def two_stores(y, p, q, n):
    for i in range(n):
        y[p[i]] = 1.0
        y[q[i]] = 2.0


def read_and_store(y, p, q, n):
    for i in range(n):
        y[p[i]] = y[q[i]] * 2.0


def rows(u, x, p, n, m):
    for i in range(n):
        for j in range(m):
            u[p[i], j] = x[j]


def cells(u, x, p, q, n):
    for i in range(n):
        u[p[i], q[i]] += x[i]


def descending(y, x, p, n):
    for i in range(n - 1, -1, -1):
        y[p[i]] = x[i]


def strided(y, x, p, n):
    for i in range(0, n, 2):
        y[p[i]] = x[i]


def padded(y, x, p, n, m):
    for i in range(n):
        if i < m:
            y[p[i]] = x[i]


def steps(y, x, r, n, m):
    for t in range(m):
        for i in range(n):
            y[r[t, i]] = x[i] + t


def steps_of_two(y, x, p, q, n, m):
    for t in range(m):
        for i in range(n):
            y[p[i]] = x[i] + t
        for j in range(n):
            y[q[j]] += x[j]


def triangle(y, x, r, n):
    for i in range(n):
        for j in range(i):
            y[r[i, j]] += x[j]


def bent(y, x, n, m):
    for i in range(n):
        j = i
        if i > 3:
            j = i - m
        y[j] = x[i]


def halves(y, x, p, n):
    for i in range(n):
        if i < 3:
            y[p[i]] = x[i]
        else:
            y[i] = x[p[i]]


def chosen(y, x, p, q, n):
    for i in range(n):
        if x[i] > 2.0:
            y[p[i]] = x[i]
        elif q[i] > 0:
            y[q[i]] = 1.0


KERNELS = (
    scatter, update, chase, chase_back, two_stores, read_and_store, rows, cells, descending,
    strided, padded, steps, steps_of_two, triangle, bent, halves, chosen,
)  # fmt: skip


def region_of(function: Any) -> RegionPlan:
    text = SourceText(path="kernel.py", text=inspect.getsource(function), cell=None)
    found = analyze(functions_of(text)[-1])
    assert isinstance(found, Plan), found
    (region,) = found.regions
    return region


REGIONS = {function.__name__: region_of(function) for function in KERNELS}
MODULES: dict[tuple[str, int, str], Any] = {}


def inspector(name: str, loop: int, arguments: dict[str, Any]) -> Any:
    """Return an inspector, its program, and the same of the kernel with that loop parallel."""
    key = name, loop, str([value.dtype for value in arguments.values() if hasattr(value, "dtype")])
    if key not in MODULES:
        region = REGIONS[name]
        types: dict[str, LiveInType] = {}
        for argument, value in arguments.items():
            arrays = [each.name for each in region.scop.arrays if each.rank]
            kind = (
                array_type(argument, value, region.scop.span, is_written=False)
                if argument in arrays
                else scalar_type(argument, value, region.scop.span)
            )
            types[argument] = kind  # type: ignore[assignment] # no reason for these
        found = specialize(region, types, frozenset({loop}))
        assert isinstance(found, tuple), found
        program = lowered(region, found, types, name, "kernel.py")
        made = inspector_of(program, region.scop.loops[loop].span)
        assert made is not None
        MODULES[key] = (
            load_plain(generate_cpu(made.program)),
            made,
            program,
            load_plain(generate_cpu(program)),
        )
    return MODULES[key]


def places(*shape: int) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Return index arrays: mostly in range, often without repetitions."""
    size = int(np.prod(shape))
    values = st.one_of(
        st.permutations(range(EXTENT)).map(
            lambda found: [*found, *found, *found, *found, *found, *found][:size]
        ),
        st.lists(st.integers(-EXTENT, EXTENT - 1), min_size=size, max_size=size),
        st.lists(st.integers(-EXTENT - 1, EXTENT), min_size=size, max_size=size),
    )
    dtypes = st.sampled_from(["int64", "int32", "int8"])
    return st.builds(lambda found, dtype: np.array(found, dtype).reshape(shape), values, dtypes)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    function = draw(st.sampled_from(KERNELS))
    known = {
        "y": np.zeros(EXTENT), "x": np.arange(EXTENT) * 1.0, "u": np.zeros((EXTENT, EXTENT)),
        "p": draw(places(EXTENT)), "q": draw(places(EXTENT)), "r": draw(places(EXTENT, EXTENT)),
        "n": draw(st.integers(0, EXTENT)), "m": draw(st.integers(0, EXTENT)),
    }  # fmt: skip
    return function.__name__, {name: known[name] for name in inspect.signature(function).parameters}


@given(calls(), st.sampled_from(sorted(ORDERS)))
def test_an_inspector_finds_a_meeting_exactly_where_there_is_one(
    call: tuple[str, dict[str, Any]], order: str
) -> None:
    name, arguments = call
    region = REGIONS[name]
    source = inspect.getsource(globals()[name])
    inspected = [plan for plan in region.loops if plan.inspections]
    assert inspected
    for plan in inspected:
        module, made, program, whole = inspector(name, plan.loop, arguments)
        passed = [arguments[each.name] for each in program.arrays]
        passed += [np.zeros(arguments[array].size, np.int64) for array, _ in made.marks]
        others = [eval(each.text, dict(arguments)) for each in program.integers]
        others += [arguments[each.name] for each in made.program.live_in]
        (status,) = module.run(AdversarialLauncher(ORDERS[order]), *passed, *others)
        try:
            diary = diary_of(source, name, arguments)
        except IndexError:  # an inspector looks at the subscripts of its own loop alone
            assert status & FAILURES in ({INDEX_ERROR} if len(inspected) == 1 else {0, INDEX_ERROR})
            continue
        assert not status & FAILURES
        followed = {array for array, _ in made.marks}
        line = region.scop.loops[plan.loop].span.line
        meetings = diary.meetings(line) & followed
        if name == "halves" and not status & REPEATED:
            pass  # two loops, one after the other: turns of the one may meet turns of the other
        else:
            assert bool(status & REPEATED) == bool(meetings)
        if not status & REPEATED:
            expected = {each: copy.deepcopy(value) for each, value in arguments.items()}
            globals()[name](**expected)
            own = [arguments[each.name].copy() for each in program.arrays]
            whole.run(AdversarialLauncher(ORDERS[order]), *own, *others)
            for each, array in zip(program.arrays, own, strict=True):
                assert expected[each.name].tobytes() == array.tobytes()


def test_kernels_are_of_both_kinds() -> None:
    verdicts = {name: region.loops[0].verdict for name, region in REGIONS.items()}
    assert {"conditional", "reduction", "sequential"} == set(verdicts.values())


@pytest.mark.parametrize("name", ["scatter", "chase", "rows", "steps"])
def test_a_diary_knows_a_meeting(name: str) -> None:
    arguments = {
        "y": np.zeros(3), "x": np.zeros(3), "u": np.zeros((3, 3)), "p": np.array([2, 0, 2]),
        "r": np.zeros((3, 3), int), "n": 3, "m": 2,
    }  # fmt: skip
    function = globals()[name]
    needed = {each: arguments[each] for each in inspect.signature(function).parameters}
    line = 2 if name != "steps" else 3
    assert diary_of(inspect.getsource(function), name, needed).meetings(line)


def test_sources_are_printed_for_both_targets() -> None:
    region = REGIONS["scatter"]
    arguments = {"y": np.zeros(3), "x": np.zeros(3), "p": np.array([2, 0, 1]), "n": 3}
    _, made, _, _ = inspector("scatter", 0, arguments)
    options = choose_options(environment={})
    for target in ("cpu", "cuda"):
        assert "y_marks[" in generated(made.program, target, options)
    assert ("p[i] distinct for 0 <= i < n",) == tuple(e.text for e in region.loops[0].inspections)
