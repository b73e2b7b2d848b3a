"""Nests that a call analyses again: which names decide, and what follows from their values."""

from __future__ import annotations

import pytest

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.plan import DeferredRegion, RegionPlan
from autopar.analysis.passes.deferral import indirect_accesses
from autopar.analysis.stages import plan_with_values
from tests.analysis.reading import regions


def deferred(source: str) -> DeferredRegion:
    (only,) = regions(source).deferred
    return only


def planned(source: str, **values: int) -> RegionPlan | Refusal:
    return plan_with_values(deferred(source), Facts(values=tuple(values.items())))


def verdicts(source: str, **values: int) -> list[str]:
    plan = planned(source, **values)
    assert isinstance(plan, RegionPlan), plan
    return [each.verdict for each in plan.loops]


LINEARISED = """
def f(a, b, n, m):
    for i in range(n):
        for j in range(m):
            a[i * m + j] = b[j * n + i]
"""


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("for i in range(n):\n  for j in range(m):\n    a[i * m + j] = 0.0", ("m",)),
        ("for i in range(n):\n  for j in range(m):\n    a[m * i + j] = b[j * n + i]", ("m", "n")),
        ("for i in range(n):\n  a[k * i] = n * b[i] * m", ("k",)),
        ("for i in range(0, n, k):\n  a[i] = 0.0", ("k",)),
        ("for i in range(n):\n  a[i] = b[i // k, i % k]", ("k",)),
        ("for i in range(n):\n  a[i << k] = 0.0", ("k",)),
        ("for i in range(n):\n  a[i * 2**k] = 0.0", ("k",)),
        ("for i in range(n):\n  j = i * k\n  a[j + 1] = a[j]", ("k",)),
        ("for i in range(n):\n  w = k + 1\n  a[i * w] = 0.0", ("k",)),
        (
            "for i in range(n):\n  for j in range(b.shape[1]):\n    a[i * b.shape[1] + j] = b[i, j]",
            ("b.shape[1]",),
        ),
        (
            "for i in range(n):\n  for j in range(m):\n    a[i * b.shape[-1] + j] = b[i, j]",
            ("b.shape[1]",),
        ),
        (
            "for i in range(0, n, m):\n  for l in range(i, min(i + m, n)):\n    a[l] = 0.0",
            ("m",),
        ),
    ],
)
def test_only_the_names_whose_values_are_needed_decide(body: str, names: tuple[str, ...]) -> None:
    indented = "\n".join(f"    {line}" for line in body.split("\n"))
    found = deferred(f"def f(a, b, n, m, k):\n{indented}\n")
    assert found.names == names


@pytest.mark.parametrize(
    "body",
    [
        "for i in range(n):\n  a[i * i] = 0.0",  # no value makes it affine
        "for i in range(n):\n  a[b[i] * k] = 0.0",
        "for i in range(n):\n  for j in range(i * i):\n    a[j] = 0.0",
        "for i in range(n):\n  k = k + 1\n  a[i * k] = 0.0",  # k changes inside
        "for i in range(n):\n  print(i)\n  a[i] = 0.0",
    ],
)
def test_a_nest_that_no_value_helps_is_not_deferred(body: str) -> None:
    indented = "\n".join(f"    {line}" for line in body.split("\n"))
    assert regions(f"def f(a, b, n, k):\n{indented}\n").deferred == ()


def test_every_loop_of_a_deferred_nest_keeps_its_row() -> None:
    found = regions(LINEARISED)
    assert [each.header for each in found.unsupported] == ["for i in range(n)", "for j in range(m)"]
    assert len(found.deferred) == 1


def test_a_nest_inside_a_deferred_one_is_still_a_region_of_its_own() -> None:
    found = regions(
        "def f(a, b, n, k):\n"
        "    for i in range(0, n, k):\n"
        "        for j in range(n):\n"
        "            b[j] = a[i]\n"
    )
    assert len(found.deferred) == len(found.scops) == 1
    assert found.scops[0].span.line == 3


def test_a_loop_around_a_deferred_nest_is_unsupported_only() -> None:
    found = regions(
        "def f(a, n, k):\n    while n:\n        for i in range(n):\n            a[k * i] = 0.0\n"
    )
    assert [each.nest.variable for each in found.deferred] == ["i"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"m": 7, "n": 20}, ["parallel", "parallel"]),
        ({"m": 0, "n": 20}, ["parallel", "parallel"]),  # no iterations
    ],
)
def test_verdicts_follow_from_the_values(values: dict[str, int], expected: list[str]) -> None:
    assert verdicts(LINEARISED, **values) == expected


@pytest.mark.parametrize(
    ("k", "expected"), [(3, "parallel"), (0, "conditional"), (-2, "conditional")]
)
def test_a_stride_of_zero_meets_one_cell(k: int, expected: str) -> None:
    # Zero: parallel only where there is one iteration. Negative ones count from the end, all but
    # the first, and come round to that in an array of even length.
    source = "def f(a, n, k):\n  for i in range(n):\n    a[k * i] = a[k * i] - i * i\n    a[k * i] *= 2\n"
    assert verdicts(source, k=k) == [expected]


def test_rows_that_are_longer_than_the_stride_meet() -> None:
    plan = planned(
        "def f(a, n, m, k):\n  for i in range(n):\n    for j in range(m):\n      a[i * k + j] = i\n",
        k=10,
    )
    assert isinstance(plan, RegionPlan)
    condition = plan.loops[0].condition
    assert condition is not None
    assert condition.text == "n <= 1 or m <= 10"


@pytest.mark.parametrize("k", [-3, -1, 1, 3])
def test_quotients_and_remainders_by_either_sign_are_those_of_python(k: int) -> None:
    plan = planned(
        "def f(a, b, n, k):\n  for i in range(n):\n    a[i] = b[i // k + 9, i % k + 9]\n", k=k
    )
    assert isinstance(plan, RegionPlan)
    (statement,) = plan.scop.statements
    relation = str(next(each.relation for each in statement.accesses if each.array == "b"))
    for i in (0, 4, 7):
        assert statement.accesses[0].relation.intersect_domain(
            type(statement.domain).parse(f"{{ S0[{i}] }}")
        ).range() == type(statement.domain).parse(f"{{ b[{i // k + 9}, {i % k + 9}] }}"), relation


def test_a_step_of_zero_is_refused() -> None:
    source = "def f(a, n, k):\n  for i in range(0, n, k):\n    a[i] = 0.0\n"
    plan = planned(source, k=0)
    assert isinstance(plan, Refusal)
    assert [each.code for each in plan.reasons] == ["AP308"]


def test_a_number_that_numpy_would_have_wrapped_is_no_constant() -> None:
    source = "def f(a, n, k, m):\n  for i in range(n):\n    a[i * (k * k * m // m)] = 0.0\n"
    for k, m, is_constant in ((2**31, 2**31, False), (3, 2, True)):
        found = planned(source, k=k, m=m)
        assert isinstance(found, RegionPlan)
        assert is_constant != bool(indirect_accesses(found.scop))
