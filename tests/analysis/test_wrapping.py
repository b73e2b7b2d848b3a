"""Subscripts that count from the end: which do, and the cells that they stand for."""

from __future__ import annotations

from collections.abc import Mapping

import islpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autopar.analysis.model import isl
from autopar.analysis.model.facts import Facts
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.text import python_text
from autopar.analysis.stages import plan_wrapping, wraps_by_values
from tests.analysis.reading import loop, plan, scop

WRAPS = Facts(wraps=True)


def around(body: str, header: str = "range(n)") -> str:
    return f"def f(a, b, u, n, m, k):\n    for i in {header}:\n        {body}\n"


def subscripts(source: str) -> list[str]:
    """Return the subscripts of the last statement's reads and writes of `a` and `u`, as modelled."""
    return [
        python_text(index)
        for access in scop(source).statements[-1].accesses
        if access.array in {"a", "u"}
        for index in access.indices
    ]


# ------------------------------------------------------------------------------- which


@pytest.mark.parametrize(
    ("body", "header", "found"),
    [
        ("b[i] = a[i - 1]", "range(n)", "wrapped(i - 1)"),
        ("b[i] = a[i - 1]", "range(len(a))", "wrapped(i - 1)"),
        ("b[i] = a[-i]", "range(n)", "wrapped(-i)"),
        ("b[i] = a[i]", "range(-3, n)", "wrapped(i)"),
        ("b[i] = a[i]", "range(n, -2, -1)", "wrapped(i)"),
        ("b[i] = a[3 - i]", "range(n)", "wrapped(3 - i)"),
        ("b[i] = a[n - 2 - 2 * i]", "range(n)", "wrapped(n - 2 - 2 * i)"),
        ("b[i] = a[(i - 1) // 2]", "range(n)", "wrapped((i - 1) // 2)"),
        ("b[i] = a[i - len(a)]", "range(n)", "wrapped(i - a.shape[0])"),
    ],
)
def test_what_is_negative_in_every_long_loop_may_wrap(body: str, header: str, found: str) -> None:
    assert [found] == subscripts(around(body, header))


@pytest.mark.parametrize(
    ("body", "header", "found"),
    [
        ("b[i] = a[-1]", "range(n)", "a.shape[0] - 1"),
        ("b[i] = a[-i - 1]", "range(n)", "a.shape[0] + (-i - 1)"),
        ("b[i] = a[n - 1 - i - n]", "range(n)", "a.shape[0] + (n - 1 - i - n)"),
        ("b[i] = a[i - n]", "range(n)", "a.shape[0] + (i - n)"),
        ("b[i] = a[i]", "range(-n, 0)", "a.shape[0] + i"),
    ],
)
def test_what_is_always_negative_gets_the_extent_added(body: str, header: str, found: str) -> None:
    assert [found] == subscripts(around(body, header))


@pytest.mark.parametrize(
    ("body", "header", "found"),
    [
        ("b[i] = a[i - 1]", "range(1, n)", "i - 1"),
        ("b[i] = a[i - 1]", "range(m, n)", "i - 1"),
        ("b[i] = a[i - k]", "range(n)", "i - k"),
        ("b[i] = a[-k]", "range(n)", "-k"),
        ("b[i] = a[(i - 1) % 4]", "range(n)", "(i - 1) % 4"),
        ("b[i] = a[n - 1 - i]", "range(n)", "n - 1 - i"),
        ("b[i] = a[i - 5]", "range(4, 4)", "i - 5"),
        ("if i >= k: b[i] = a[i - 2]", "range(n)", "i - 2"),
        ("if i > 0: b[i] = a[i - 1]", "range(n)", "i - 1"),
    ],
)
def test_what_need_not_be_negative_stays(body: str, header: str, found: str) -> None:
    assert [found] == subscripts(around(body, header))


def test_axes_are_judged_one_by_one() -> None:
    source = around("for j in range(1, m): b[i] = u[i - 1, j - 1]")
    assert ["wrapped(i - 1)", "j - 1"] == subscripts(source)


def test_no_more_than_two_axes_wrap_in_one_access() -> None:
    body = "for j in range(m):\n            for l in range(k): b[i] = u[i - 1, j - 1, l - 1]"
    assert ["wrapped(i - 1)", "wrapped(j - 1)", "l - 1"] == subscripts(around(body))


def test_the_target_wraps_like_any_read() -> None:
    source = around("a[i - 1] += b[i]")
    assert ["wrapped(i - 1)"] * 2 == subscripts(source)
    body = scop(source).statements[0].body
    assert "a[wrapped(i - 1)]" == python_text(body.target)


# ------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("body", "header", "verdict", "condition"),
    [
        ("b[i] = a[i - 1]", "range(n)", "parallel", None),
        ("a[i - 1] = b[i]", "range(n)", "conditional", "a.shape[0] == 0 or a.shape[0] >= n"),
        ("a[i - 1] = b[i]", "range(len(a))", "parallel", None),
        ("a[i - 2] = a[i]", "range(len(a))", "sequential", None),
        ("a[i] = a[i - n]", "range(n)", "conditional",
         "a.shape[0] == 0 or a.shape[0] == n or a.shape[0] >= 2 * n"),
        ("a[i] = a[-i - 1]", "range(len(a))", "sequential", None),
        ("a[i] = a[-i - 1]", "range(len(a) // 2)", "parallel", None),
    ],
)  # fmt: skip
def test_verdicts_count_the_cells_at_both_ends(
    body: str, header: str, verdict: str, condition: str | None
) -> None:
    found = loop(around(body, header))
    assert verdict == found.verdict
    assert condition == (None if found.condition is None else found.condition.text)


# ------------------------------------------------------------------- the plan with wraps


def wrapping(source: str) -> RegionPlan:
    found = plan_wrapping(plan(source), WRAPS)
    assert isinstance(found, RegionPlan), found
    return found


def test_nothing_changes_where_no_subscript_is_ever_negative() -> None:
    assert plan_wrapping(plan(around("b[i] = a[i]")), WRAPS) is None
    assert plan_wrapping(plan(around("b[i] = a[i - 1] + a[-1]")), WRAPS) is None


def test_bounds_of_a_subscript_that_may_wrap_reach_from_end_to_end() -> None:
    source = around("b[i] = a[i + k]")
    assert [
        "n <= 0 or k >= 0",
        "n <= 0 or a.shape[0] >= n + k",
        "b.shape[0] >= n",
    ] == [each.text for each in plan(source).in_bounds]
    assert [
        "n <= 0 or a.shape[0] >= -k",
        "n <= 0 or a.shape[0] >= n + k",
        "b.shape[0] >= n",
    ] == [each.text for each in wrapping(source).in_bounds]


def test_what_counts_from_the_end_already_does_so_once() -> None:
    found = wrapping(around("b[i] = a[-2] + a[i - 1] + a[i + k]"))
    assert ["a.shape[0] - 2", "wrapped(i - 1)", "wrapped(i + k)"] == [
        python_text(index)
        for access in found.scop.statements[0].accesses
        if access.array == "a"
        for index in access.indices
    ]


# ------------------------------------------------------------------ cells, by enumeration


def forms() -> st.SearchStrategy[str]:
    """Return a strategy for subscripts over i, j, k and n."""
    return st.builds(
        "{} * i + {} * j + {} * k + {} * n + {}".format,
        st.integers(-2, 2),
        st.integers(-1, 1),
        st.integers(-1, 1),
        st.integers(-1, 1),
        st.integers(-4, 4),
    ) | st.builds(
        "({} * i + {}) {} {}".format,
        st.integers(-1, 1),
        st.integers(-4, 4),
        st.sampled_from(["//", "%"]),
        st.integers(2, 3),
    )


def points(relation: isl.Map, values: Mapping[str, int]) -> list[tuple[int, ...]]:
    """Return (instance ..., cell ...) of every pair, at values of the parameters."""
    raw = relation.raw
    parameter = islpy.dim_type.param
    for name, value in values.items():
        at = raw.find_dim_by_name(parameter, name)
        if at >= 0:
            raw = raw.fix_val(parameter, at, islpy.Val(str(value), raw.get_ctx()))
    found: list[tuple[int, ...]] = []
    pairs = raw.project_out(parameter, 0, raw.dim(parameter)).wrap()
    pairs.foreach_point(lambda point: found.append(coordinates(point)))
    return sorted(found)


def coordinates(point: islpy.Point) -> tuple[int, ...]:
    return tuple(
        point.get_coordinate_val(islpy.dim_type.set, position).to_python()
        for position in range(point.to_set().dim(islpy.dim_type.set))
    )


def touched(
    forms: tuple[str, str], header: str, shape: tuple[int, int], scope: dict[str, int]
) -> list[tuple[int, ...]]:
    """Return (i, j, cell ...) of what Python touches; IndexError where it raises one."""
    found = []
    for i in eval(header, scope):
        for j in range(2):
            subscripts = [eval(form, {**scope, "i": i, "j": j}) for form in forms]
            cell = [range(extent)[at] for extent, at in zip(shape, subscripts, strict=True)]
            found.append((i, j, *cell))
    return sorted(found)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [("u[i + k, i + m] = a[i]", True), ("u[i + k, i] = a[i + m]", False), ("u[i, i] = 0", False)],
)
def test_two_subscripts_that_may_wrap_want_values(body: str, wanted: bool) -> None:
    assert wanted == wraps_by_values(plan(around(body)))


def test_verdicts_on_what_wraps_hold_in_bounds() -> None:
    """With the extent too large for the two ends to meet, or out of bounds, there is no case."""
    found = wrapping(around("a[i + k] = a[i]")).loops[0]
    assert found.condition is not None
    assert found.condition.set.contains((("n", 9), ("k", -9), ("a_shape_0", 18)))
    assert not found.condition.set.contains((("n", 9), ("k", -9), ("a_shape_0", 17)))


@settings(suppress_health_check=list(HealthCheck))
@given(
    st.tuples(forms(), forms()),
    st.sampled_from(["range(n)", "range(k, n)", "range(n, -2, -1)"]),
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(-2, 2), st.integers(0, 9), st.integers(0, 9)),
        min_size=3,
        max_size=6,
    ),
)
def test_the_cells_of_an_access_are_those_that_python_touches(
    forms: tuple[str, str], header: str, box: list[tuple[int, int, int, int]]
) -> None:
    source = (
        "def f(u, n, k):\n"
        f"    for i in {header}:\n"
        "        for j in range(2):\n"
        f"            u[{forms[0]}, {forms[1]}] = 1\n"
    )
    static = plan(source)
    for region in (static, plan_wrapping(static, WRAPS)):
        if not isinstance(region, RegionPlan):
            continue
        (statement,) = region.scop.statements
        for n, k, *shape in box:
            u = type("Shaped", (), {"shape": tuple(shape)})()
            scope = {"n": n, "k": k, "u": u}
            admitted = all(eval(each.text, dict(scope)) for each in region.in_bounds)
            try:
                expected = touched(forms, header, (shape[0], shape[1]), {"n": n, "k": k})
            except IndexError:
                assert not admitted
                continue
            assert admitted or region is static
            if admitted:
                values = {
                    each.name: eval(each.text, dict(scope)) for each in region.scop.parameters
                }
                relation = statement.accesses[0].relation.intersect_domain(statement.domain)
                assert expected == points(relation, values)
