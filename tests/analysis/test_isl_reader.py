"""Our own reader of plain sets and relations: what isl's parser gives, or nothing."""

from __future__ import annotations

import islpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopar.analysis.model.isl_reader import read_map, read_set, read_union_map

CONTEXT = islpy.Context()
PARAMETERS = ("n", "m", "a_shape_0")
NAMES = ("i", "j", "k_1")


@st.composite
def forms(draw: st.DrawFn, names: tuple[str, ...]) -> str:
    """Draw a sum as `affine` prints it."""
    terms = draw(st.lists(st.tuples(st.sampled_from((*names, "")), st.integers(-9, 9)), max_size=4))
    texts = [
        f"{value}*{name}" if name and value != 1 else name or str(value) for name, value in terms
    ]
    return " + ".join(texts or ["0"]).replace("+ -", "- ")


@st.composite
def sets(draw: st.DrawFn) -> str:
    parameters = PARAMETERS[: draw(st.integers(0, 3))]
    names = NAMES[: draw(st.integers(0, 3))]
    count = draw(st.integers(1, 5))
    operators = st.sampled_from(("<", "<=", ">", ">=", "="))
    sides = forms((*parameters, *names))
    words = st.sampled_from(("and", "and", "or"))
    tests = f"{draw(sides)} {draw(operators)} {draw(sides)}"
    for _ in range(count - 1):
        tests += f" {draw(words)} {draw(sides)} {draw(operators)} {draw(sides)}"
    instance = "" if not names and draw(st.booleans()) else f"S3[{', '.join(names)}] "
    return f"[{', '.join(parameters)}] -> {{ {instance}: {tests} }}"


@st.composite
def maps(draw: st.DrawFn) -> str:
    parameters = PARAMETERS[: draw(st.integers(0, 3))]
    names = NAMES[: draw(st.integers(0, 3))]
    cell = ", ".join(draw(st.lists(forms((*parameters, *names)), max_size=3)))
    source, sink = draw(st.sampled_from((("S0", "a"), ("S0", ""), ("", ""))))
    return f"[{', '.join(parameters)}] -> {{ {source}[{', '.join(names)}] -> {sink}[{cell}] }}"


@given(sets())
def test_plain_set_is_read_as_isl_reads_it(text: str) -> None:
    found, expected = read_set(CONTEXT, text), islpy.Set.read_from_str(CONTEXT, text)
    assert found is not None, text
    assert found.is_equal(expected)
    assert str(found.get_space()) == str(expected.get_space())


@given(maps())
def test_plain_relation_is_read_as_isl_reads_it(text: str) -> None:
    found, expected = read_map(CONTEXT, text), islpy.Map.read_from_str(CONTEXT, text)
    assert found is not None, text
    assert found.is_equal(expected)
    assert str(found.get_space()) == str(expected.get_space())


@pytest.mark.parametrize(
    "text",
    [
        "{ S0[i, j] -> [0, i, 1, -j, 0]; S1[i] -> [0, i, 2, 0, 0] }",
        "[n] -> { S0[] -> [n]; S1[i] -> [i]; S1[i] -> [n - i] }",
        "{ [i] -> a[i] }",
    ],
)
def test_plain_union_is_read_as_isl_reads_it(text: str) -> None:
    found = read_union_map(CONTEXT, text)
    assert found is not None
    assert found.is_equal(islpy.UnionMap.read_from_str(CONTEXT, text))


def test_union_with_a_piece_that_is_not_plain_is_left_to_isl() -> None:
    assert read_union_map(CONTEXT, "{ S0[i] -> [i]; S1[i] -> [floor((i)/2)] }") is None


@pytest.mark.parametrize(
    "text",
    [
        "[n] -> { S0[i] : (i - 1) mod 2 = 0 }",
        "[n] -> { S0[i] : i >= floor((n)/2) }",
        "[n] -> { S0[i] : not (i < n) }",
        "[n] -> { S0[i] : 0 <= i < n }",
        "[n] -> { S0[i] : i != n }",
        "[n] -> { S0[i] : exists e : i = 2*e }",
        "[n] -> { S0[i] : i < n; S1[i] }",
        "[n] -> { S0[i] : i < m }",
        "[n] -> { S0[i, i] : i < n }",
        "[n] -> { S0[n] : n > 3 }",
        "[n] -> { S0[i] : i*n < 3 }",
        "[n] -> { S0[i] : i < 3n }",
        "[n] -> { S0[i] : (i < n and i > 3) }",
        "{ [i : }",
    ],
)
def test_what_is_not_plain_is_left_to_isl(text: str) -> None:
    assert read_set(CONTEXT, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "{ S0[i] -> a[floor((i)/2)] }",
        "{ S0[i] -> a[(i) mod 2] }",
        "{ S0[i] -> a[j] }",
        "{ S0[i] -> a[i] : i > 3 }",
        "{ S0[i] -> a[i]; S1[i] -> a[i] }",
        "{ S0[i] -> a[x] : x < i }",
    ],
)
def test_relation_that_is_not_plain_is_left_to_isl(text: str) -> None:
    assert read_map(CONTEXT, text) is None
