"""The one door to isl: budgets, strings, forks, and operations on named sets."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

from autopar.analysis.model import isl
from tests.analysis.reading import refusal_codes

TRIANGLE = "[n] -> { S0[i, j] : 0 <= j <= i < n }"


def hard() -> isl.Set:
    """Return the result of work that no small budget allows."""
    tests = " and ".join(
        f"(((i) mod {p}) = 0 or ((j) mod {p}) = 1 or i >= {p} * n)" for p in (2, 3, 5, 7)
    )
    return isl.Set.parse(f"[n] -> {{ [i, j] : {tests} }}").complement().complement()


def test_an_exhausted_budget_raises_and_leaves_isl_usable() -> None:
    with pytest.raises(isl.BudgetExhaustedError), isl.budget(5000):
        hard()
    assert not isl.Set.parse(TRIANGLE).is_empty()


def test_an_exhausted_budget_is_told_from_a_syntax_error_in_parsing() -> None:
    for operations in (1, 5, 20, 100, 300):
        with pytest.raises(isl.BudgetExhaustedError), isl.budget(operations):
            isl.Set.parse(TRIANGLE)
    with pytest.raises(Exception, match="syntax error") as raised:
        isl.Set.parse("{ [i : }")
    assert not isinstance(raised.value, isl.BudgetExhaustedError)


def test_an_inner_budget_gives_no_more_than_the_outer_one() -> None:
    with pytest.raises(isl.BudgetExhaustedError), isl.budget(5000), isl.budget():
        hard()
    with isl.budget():
        with isl.budget(10):
            pass
        isl.Set.parse(TRIANGLE)  # the inner one is over and has lifted nothing of this one


def test_building_a_model_has_a_budget_too() -> None:
    tests = " or ".join(
        f"i % {p} == {q} and (i + j + l) % {p + 2} != n % {p}"
        for p in range(2, 26)
        for q in range(2)
    )
    source = (
        "def f(a, n):\n    for i in range(n):\n        for j in range(n):\n            for l in range(n):\n"
        f"                if {tests}:\n                    a[i] = 0\n                else:\n                    a[j] = 1\n"
    )
    assert "AP307" in refusal_codes(source)


@pytest.mark.parametrize(
    "value",
    [
        isl.Set.parse(TRIANGLE),
        isl.Set.parse("[n, k] -> { : k = 0 or k >= n }"),
        isl.Map.parse("[n] -> { S0[i, j] -> a[i - 1, floor(j/2)] : i < n }"),
        isl.UnionMap.parse("[n] -> { S0[i] -> [0, i, 0]; S1[i, j] -> [1, i, -j] : j < n }"),
    ],
)
def test_values_survive_pickling(value: object) -> None:
    assert value == pickle.loads(pickle.dumps(value))


def test_values_have_no_hash_since_equal_ones_could_differ() -> None:
    with pytest.raises(TypeError):
        hash(isl.Set.parse(TRIANGLE))


def test_equality_is_that_of_sets_and_not_of_texts() -> None:
    assert isl.Set.parse("{ [i] : 0 <= i < 4 }") == isl.Set.parse("{ [i] : i >= 0 and 2i <= 7 }")
    assert isl.Set.parse("{ [i] : i > 0 }") != isl.Set.parse("{ [i] : i >= 0 }")


def test_dimensions_and_parameters_are_known_by_name() -> None:
    found = isl.Set.parse("[unused, n] -> { S0[i, j] : i < n }")
    assert ("i", "j") == found.dimensions
    assert ("n",) == found.parameters


def test_outer_is_the_projection_onto_the_first_dimensions() -> None:
    assert isl.Set.parse("[n] -> { [i] : 0 <= i < n }") == isl.Set.parse(TRIANGLE).outer(1)


def test_within_keeps_the_elements_above_an_outer_set() -> None:
    found = isl.Set.parse(TRIANGLE).within(isl.Set.parse("{ [i] : i >= 2 }"))
    assert isl.Set.parse("[n] -> { S0[i, j] : 0 <= j <= i < n and i >= 2 }") == found


@pytest.mark.parametrize("order", ["<", "=", ">"])
def test_pairs_stand_in_an_order_at_one_level(order: str) -> None:
    first, second = isl.Set.parse("{ S0[i, j] }"), isl.Set.parse("{ S1[i, j, k] }")
    expected = f"{{ S0[i, j] -> S1[i, j', k] : j {order} j' }}"
    assert isl.Map.parse(expected) == isl.pairs(first, second, 1, order)  # type: ignore[arg-type] # a literal


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("{ S0[i, j] -> S1[i + 2] }", (2, 2)),
        ("[n] -> { S0[i] -> S0[j] : 0 <= i < j < n }", (1, None)),
        ("[n] -> { S0[i] -> S0[j] : 0 <= i < j < n and n < 9 }", (1, 7)),
        ("[n] -> { S0[i] -> S0[j] : j = i - 3 or j = i + 4 }", (-3, 4)),
        ("{ S0[i] -> S0[j] : 0 <= i, j < 5 and i < j < i - 7 }", None),
        ("{ S0[i] -> S0[j] : 0 <= i <= 6 and 2 j = 3 i }", (0, 3)),
    ],
)
def test_distances_are_the_least_and_the_largest(
    text: str, ends: tuple[int | None, int | None] | None
) -> None:
    assert ends == isl.Map.parse(text).distances(0)


@pytest.mark.parametrize(
    ("text", "context", "expected"),
    [
        ("[n, k] -> { : n >= 3 and k >= n or n <= 2 }", "{ : }", "n <= 2 or k >= n"),
        (
            "[n, k] -> { : k = 0 or (k >= n and k > 0) or (k <= -n and k < 0) }",
            "[n] -> { : n > 0 }",
            "k = 0",
        ),
    ],
)
def test_a_simplified_set_agrees_inside_its_context(text: str, context: str, expected: str) -> None:
    whole, known = isl.Set.parse(text), isl.Set.parse(context)
    found = whole.simplified(known)
    assert found.intersect(known) == whole.intersect(known)
    assert len(str(found)) <= len(text)
    assert expected.split(" or ", maxsplit=1)[0].split(" ", maxsplit=1)[0] in str(found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_works_although_another_thread_was_at_work() -> None:
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            isl.Set.parse(TRIANGLE).complement()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if not isl.Set.parse(TRIANGLE).is_empty() else 1)
            assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_forked_inside_a_budget_works() -> None:
    with isl.budget():
        child = os.fork()
        if child == 0:
            isl.Set.parse(TRIANGLE)
            os._exit(0)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    isl.Set.parse(TRIANGLE)


def test_flow_of_a_domain_with_remainders_that_isl_itself_cannot_do() -> None:
    writes = isl.UnionMap.parse(
        "[k, m, n] -> { S2[i, j] -> q[] : i mod 2 = 0 and i < k and 3 <= j < i;"
        " S4[i, j] -> q[] : i mod 2 = 0 and (j - n) mod 3 = 0 and 3 <= i < k and 2 <= j <= n }"
    )
    reads = isl.UnionMap.parse("[k, m, n] -> { S5[i] -> q[] : 3 <= i < k }")
    time = isl.UnionMap.parse(
        "[k, m, n] -> { S2[i, j] -> [i, 0, j, 0] : 3 <= i < k and 3 <= j < i;"
        " S4[i, j] -> [i, 1, -j, 0] : 3 <= i < k and 2 <= j <= n; S5[i] -> [i, 2, 0, 0] : 3 <= i < k }"
    )
    assert isl.last_writes(writes, reads, time) == isl.value_based_flow(writes, reads, time)
    sources = {each.source_name for each in isl.value_based_flow(writes, reads, time).maps()}
    assert {"S2", "S4"} == sources
