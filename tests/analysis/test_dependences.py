"""What loops carry: kinds, distances, directions, private names, reductions, who may run at once."""

from __future__ import annotations

import numpy as np
import pytest

from autopar.analysis.passes.dependences import find_conflicts
from autopar.analysis.passes.order import carried
from autopar.analysis.stages import redo_condition
from tests.analysis.reading import loop, plan
from tests.coincidence import differing_order
from tests.judgement import Case, claimed_at, faults, loop_of


def kernel(body: str, before: str = "", after: str = "") -> str:
    """Return a function around a loop over i with `body`, statements apart by '; '."""
    lines = [f"        {line}" for line in body.split("; ")]
    return "\n".join([
        "def kernel(a, b, c, n, k):", *([f"    {before}"] if before else []), "    for i in range(2, n):",
        *lines, *([f"    {after}"] if after else []), "",
    ])  # fmt: skip


def found(source: str, number: int = 0) -> set[tuple[str, str, tuple[int, ...] | None, str]]:
    return {
        (each.kind, each.array, each.distance, "".join(each.direction))
        for each in loop(source, number).dependences
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a[i] = a[i - 1]", {("flow", "a", (1,), "<")}),
        ("a[i] = a[i + 3]", {("anti", "a", (3,), "<")}),
        ("a[i // 3] = b[i]", {("output", "a", None, "<")}),
        ("a[i] = a[i - 1] + a[i - 2]", {("flow", "a", (1,), "<"), ("flow", "a", (2,), "<")}),
        ("a[i] = b[i]; a[i + 1] = c[i]", {("output", "a", (1,), "<")}),
        ("a[i] = a[n - i]", {("flow", "a", None, "<"), ("anti", "a", None, "<")}),
    ],
)
def test_kind_and_distance(body: str, expected: set[object]) -> None:
    assert expected == found(kernel(body))


def test_a_read_after_a_read_is_no_dependence() -> None:
    assert "parallel" == loop(kernel("b[i] = a[i] + a[i - 1] + a[3]")).verdict


def test_distances_count_iterations_and_not_values() -> None:
    source = "def kernel(a, n):\n    for i in range({}):\n        a[i] = a[i {}]\n"
    assert {("flow", "a", (2,), "<")} == found(source.format("8, n, 3", "- 6"))
    assert {("flow", "a", (1,), "<")} == found(source.format("n, 3, -2", "+ 2"))
    assert {("anti", "a", (3,), "<")} == found(source.format("n, 3, -1", "- 3"))
    assert "parallel" == loop(source.format("8, n, 3", "- 2")).verdict


def test_directions_of_a_nest() -> None:
    source = (
        "def kernel(u, n):\n    for i in range(1, n):\n        for j in range(1, n - 1):\n"
        "            u[i, j] = u[i - 1, j + 1] + u[i, j - 1]\n"
    )
    assert {("flow", "u", (1, -1), "<>")} == found(source, 0)
    assert {("flow", "u", (0, 1), "=<")} == found(source, 1)


def test_each_line_of_a_statement_has_its_own_dependence() -> None:
    source = "def kernel(a, n):\n    for i in range(2, n):\n        a[i] = (\n            a[i - 1]\n            + a[i - 2]\n        )\n"
    lines = {(each.source_span.line, each.sink_span.line) for each in loop(source).dependences}
    assert {(3, 4), (3, 5)} == lines


@pytest.mark.parametrize(
    ("body", "verdict", "private"),
    [
        ("t = a[i]; b[i] = t", "parallel", ("t",)),
        ("b[i] = t; t = a[i]", "sequential", ()),
        ("t = a[i]; s = t; b[i] = s", "parallel", ("t", "s")),
        ("s = a[i] - s", "sequential", ()),
        ("s = a[i]", "parallel", ("s",)),
    ],
)
def test_a_scalar_is_private_where_each_iteration_writes_it_first(
    body: str, verdict: str, private: tuple[str, ...]
) -> None:
    judged = loop(kernel(body, "s = t = 0.0"))
    assert (verdict, private) == (judged.verdict, judged.private)


CONDITIONAL_WRITES = "def kernel(a, b, n, k, t):\n    for i in range(n):\n        if k > 0:\n            t = a[i]\n        b[i] = t\n"


def test_a_scalar_that_is_only_read_where_it_is_not_written_is_private_everywhere() -> None:
    judged = loop(CONDITIONAL_WRITES)
    assert ("parallel", ("t",), True) == (judged.verdict, judged.private, judged.is_coincident)


def test_a_scalar_that_some_iterations_only_read_is_carried_under_a_condition() -> None:
    source = CONDITIONAL_WRITES.replace("k > 0", "k > 0 and i > 3")
    judged = loop(source)
    assert "conditional" == judged.verdict
    assert judged.condition is not None
    assert "k <= 0" in judged.condition.text


@pytest.mark.parametrize(
    ("update", "operator"),
    [
        ("s += a[i]", "+"), ("s -= a[i]", "+"), ("s = s + a[i]", "+"), ("s = a[i] + s", "+"), ("s = s - a[i]", "+"),
        ("s *= a[i]", "*"), ("s |= a[i]", "|"), ("s = max(s, a[i])", "max"), ("s = min(a[i], s)", "min"),
        ("c[3] += a[i]", "+"), ("c[k] = c[k] * a[i]", "*"), ("s = max(s, a[i], 3)", "max"), ("s ^= a[i]", "^"),
        ("s = s + a[i] - b[i]", "+"), ("s = a[i] + (s - b[i]) + c[i]", "+"), ("s = 2 * s * a[i]", "*"),
        ("s = min(min(a[i], s), b[i])", "min"), ("s = np.maximum(a[i], s)", "max"), ("s = s and a[i] > 0", "and"),
        ("s = a[i] > 0 or s or b[i] > 0", "or"), ("s += a[i]; s -= b[i]", "+"), ("s &= a[i]; s = b[i] & s", "&"),
        ("c[3] += a[i]; c[3] = c[3] - b[i]", "+"),
    ],
)  # fmt: skip
def test_associative_updates_are_reductions(update: str, operator: str) -> None:
    judged = loop(kernel(update, "s = 0"))
    assert "reduction" == judged.verdict
    assert [operator] == [each.operator for each in judged.reductions]
    assert not judged.is_coincident


@pytest.mark.parametrize(
    "body",
    [
        "s = a[i] - s", "s /= a[i]", "s //= a[i]", "s **= a[i]", "s = s + s * a[i]", "s += a[i] * s", "s = s / a[i]",
        "s += a[i]; b[i] = s", "s += a[i]; s *= 2", "b[i] = s; s += a[i]", "s = max(s, s + a[i])", "s %= 7",
        "s <<= 1", "c[3] += c[i]", "s = a[i] - (s + b[i])", "s = s + a[i] * s", "s = max(s, a[i]) + 1", "s = -s + a[i]",
        "s = max(s, a[i]); s = min(s, b[i])", "s = np.maximum(max(s, a[i]), b[i])", "s = s and (s or a[i] > 0)",
        "s += a[i]; s |= 1",
    ],
)  # fmt: skip
def test_other_updates_are_carried(body: str) -> None:
    assert loop(kernel(body, "s = 1")).verdict in {"sequential", "conditional"}


SELECTED = [
    ("if a[i] > s: s = a[i]", {"s": "max"}),
    ("if s > a[i]: s = a[i]", {"s": "min"}),
    ("if a[i] <= s:\n            s = a[i]\n            t = i", {"s": "min", "t": "argmin"}),
    ("if a[i] >= s:\n            t = i\n            s = a[i]\n            p = b[i]", {"s": "max", "t": "argmax", "p": "argmax"}),
    ("z = abs(a[i])\n        if b[i] > 0 and z > s: s = z", {"s": "max"}),
    ("if b[i] > 0:\n            if a[i] < c[2]: c[2] = a[i]", {"c": "min"}),
    ("s = a[i] if a[i] > s else s", {"s": "max"}),
    ("s = s if s > a[i] else a[i]", {"s": "max"}),
    ("s = s + a[i] if b[i] > 0 else s", {"s": "+"}),
    ("if a[i] > 0: s += a[i]", {"s": "+"}),
    ("if a[i] > 0: s |= 1", {"s": "|"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reduced"), SELECTED)
def test_what_a_test_selects_is_a_reduction(body: str, reduced: dict[str, str]) -> None:
    judged = loop(kernel(body, "s = t = p = 1", "return s, t, p"))
    assert ("reduction", reduced) == (
        judged.verdict,
        {each.target: each.operator for each in judged.reductions},
    )


@pytest.mark.parametrize(
    "body",
    [
        "if a[i] > s:\n            s = a[i]\n            b[i] = 1",
        "if a[i] > s:\n            t = s\n            s = a[i]",
        "if a[i] > s:\n            s = a[i]\n            t += 1",
        "if a[i] > s:\n            s = a[i]\n        b[i] = s",
        "if a[i] > s:\n            s = a[i]\n            t = i\n        b[i] = t",
        "if a[i] > s:\n            s = a[i]\n        else:\n            b[i] = 1",
        "if a[i] > s:\n            s = a[i]\n            t = i\n        if b[i] > t: c[i] = 1",
        "if a[i] > s: s = b[i]",
        "if a[i] + s > s: s = a[i] + s",
        "if a[i] > s and b[i] > s: s = a[i]",
        "if a[i] > s or b[i] > 0: s = a[i]",
        "if a[i] == s: s = a[i]",
        "if not a[i] > s: s = a[i]",
        "if a[i] > s:\n            t = t + i\n            s = a[i]",
        "s = a[i] if a[i] + s > s else s",
        "s = s + a[i] if s > 0 else s",
        "s = b[i] if a[i] > s else s",
        "if s > 0: s += a[i]",
    ],
)
def test_what_is_decided_on_the_way_is_carried(body: str) -> None:
    judged = loop(kernel(body, "s = t = 1", "return s, t"))
    assert "reduction" != judged.verdict
    assert not judged.is_coincident
    assert not judged.is_reducible


@pytest.mark.parametrize(
    ("body", "variable", "operator"),
    [
        ("c[i] = c[i - 1] + a[i]", "c", "+"), ("c[i] = a[i] * c[i - 2]", "c", "*"),
        ("c[i] = max(c[i - 1], a[i])", "c", "max"), ("s += a[i]; c[i] = s", "s", "+"),
        ("c[i] = c[i - 1] - a[i] - b[i]", "c", "+"),
    ],
)  # fmt: skip
def test_scans_are_told_from_other_recurrences(body: str, variable: str, operator: str) -> None:
    judged = loop(kernel(body, "s = 1"))
    assert "sequential" == judged.verdict
    assert judged.reason is not None
    assert ("AP406", variable, operator) == (
        judged.reason.code,
        getattr(judged.reason, "variable", None),
        getattr(judged.reason, "operator", None),
    )


@pytest.mark.parametrize("body", ["c[i] = 0.5 * c[i - 1] + a[i]", "c[i] = a[i] - c[i - 1]"])
def test_other_recurrences_are_no_scans(body: str) -> None:
    judged = loop(kernel(body))
    assert judged.reason is not None
    assert "AP401" == judged.reason.code


def test_the_same_array_elsewhere_leaves_the_reduction_alone_if_other_cells_are_meant() -> None:
    judged = loop(kernel("c[0] += a[i]; b[i] = c[1]"))
    assert ("reduction", ("c",)) == (
        judged.verdict,
        tuple(each.target for each in judged.reductions),
    )


# ------------------------------------------------------------- what may run at the same time

LEAVING = {
    "written by all, read after": kernel("p = c[i]; b[i] = p", "p = 0.0", "return p"),
    "written once, read after": "def kernel(a, b, c, n, k):\n    p = 0.0\n    for i in range(n):\n        if i == 3:\n            p = c[i]\n    return p\n",
    "written by some, read after": "def kernel(a, b, c, n, k):\n    p = 0.0\n    for i in range(n):\n        if i < k:\n            p = c[i]\n            b[i] = p\n    return p\n",
    "written once, read by the next round of the loop around": (
        "def kernel(a, b, c, n, k):\n    p = 0.0\n    for i in range(n):\n        for j in range(n):\n"
        "            if j == 3:\n                b[i] = p\n                p = c[i]\n"
    ),
    "written by an inner loop that may be empty": (
        "def kernel(a, b, c, n, k):\n    p = 0.0\n    for i in range(n):\n        for j in range(i + 1, n):\n"
        "            p = c[j]\n            b[j + 9 * i] = p\n    return p\n"
    ),
    "written by a loop, read beside it": (
        "def kernel(a, b, c, n, k):\n    p = 0.0\n    for i in range(n):\n        for j in range(n):\n"
        "            if j < k:\n                p = c[i]\n                a[j] = p\n        b[i] = p\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("label", LEAVING)
def test_a_loop_runs_in_any_order_only_if_its_last_iteration_leaves_what_is_read(
    label: str,
) -> None:
    source = LEAVING[label]
    box = [
        (np.arange(9.0), np.zeros(99), np.arange(9.0) + 1, n, k)
        for n, k in ((6, 2), (6, 9), (0, 0), (4, 3))
    ]
    case = Case.at(source, **dict(zip("abcnk", zip(*box, strict=True), strict=True)))
    assert [] == list(faults(case))
    (region,) = case.plan.regions
    variables = {each.variable for each in region.scop.loops}
    for point in case.points:
        for judged in region.loops:
            if judged.is_coincident and claimed_at(judged, point) == "parallel":
                place = loop_of(region, judged)
                arrays = {place: judged.private_arrays}
                found = differing_order(source, point.arguments, [place], variables, arrays)
                assert found is None


def test_which_loops_leave_what_is_read() -> None:
    coincident = {
        label: [each.is_coincident for each in plan(source).loops]
        for label, source in LEAVING.items()
    }
    assert {
        "written by all, read after": [True],
        "written once, read after": [False],
        "written by some, read after": [False],
        "written once, read by the next round of the loop around": [False, False],
        "written by an inner loop that may be empty": [False, True],
        "written by a loop, read beside it": [True, False],
    } == coincident


# --------------------------------------------------------------------------------------- redo


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("b[i] = 2 * a[i]", "True"),
        ("a[i] = 2 * a[i]", "n <= 2"),
        ("a[i] = 1.0; b[i] = a[i]", "True"),
        ("a[i] = a[i - 2]", "True"),
        ("a[i] = a[i + 2]", "n <= 4"),
        ("a[i] += b[i]", "n <= 2"),
        ("a[i - 2] = b[i]; b[i] = 3", "n <= 2"),
    ],
)
def test_a_region_may_be_redone_where_it_overwrites_nothing_that_it_reads(
    body: str, text: str
) -> None:
    redo = redo_condition(plan(kernel(body)))
    assert hasattr(redo, "text")
    assert text == redo.text


def test_a_shift_may_be_redone_where_it_leaves_its_source_alone() -> None:
    redo = redo_condition(plan(kernel("a[i + k] = a[i]")))
    assert hasattr(redo, "text")
    for n in range(2, 8):
        for k in range(-7, 8):
            overwritten = {i + k for i in range(2, n)} & {i for i in range(2, n)}
            before = {i for i in range(2, n) if i - k not in range(2, i)}
            assert bool(overwritten & before) is not eval(redo.text, {"n": n, "k": k}), (n, k)


WITHIN = (
    ("c[i] = a[i] + c[i]", {"c": {0}}),
    ("a[i + 1] = b[i]; c[i] = a[i + 1]", {"a": {0}}),
    ("a[i + 1] = b[i]; c[i] = a[i]", {"a": set[int]()}),  # what writes it meets itself alone
    ("a[2 * i] = a[2 * i] + a[k]", {"a": set[int]()}),
    ("for j in range(n): c[i, j] = c[i, j] + a[j, i]", {"c": {0, 1}}),
    ("for j in range(n): c[j, i] = c[j, j] + a[j, i]", {"c": {1}}),
)


@pytest.mark.parametrize(("body", "expected"), WITHIN, ids=[body for body, _ in WITHIN])
def test_what_meets_within_one_iteration_only_is_carried_by_no_loop(
    body: str, expected: dict[str, set[int]]
) -> None:
    scop = plan(kernel(body)).scop
    conflicts = find_conflicts(scop)
    for each in conflicts:
        for within in each.within:
            order = carried(scop, each.source, each.sink, within)
            assert each.relation.intersect(order).is_empty()
    for array, loops in expected.items():
        found = [each.within for each in conflicts if each.array == array]
        assert loops == frozenset.intersection(*found)
