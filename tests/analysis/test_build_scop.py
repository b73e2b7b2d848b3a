"""A nest -> its polyhedral model: domains, accesses, parameters, and the refusals."""

from __future__ import annotations

import pytest

from autopar.analysis.model import isl
from autopar.analysis.model.loop_ir import Element
from tests.analysis.reading import loop, plan, refusal_codes, scop


def domain(source: str, statement: int = 0) -> str:
    return str(scop(source).statements[statement].domain)


def accesses(source: str, statement: int = 0) -> list[tuple[str, str, str]]:
    found = scop(source).statements[statement].accesses
    return [(each.kind, each.array, str(each.relation.intersect_domain(scop(source).statements[statement].domain).range())) for each in found]  # fmt: skip


def same(text: str, found: isl.Set) -> bool:
    return isl.Set.parse(text) == found


@pytest.mark.parametrize(
    ("header", "iterations"),
    [
        ("range(n)", "0 <= i < n"),
        ("range(2, n)", "2 <= i < n"),
        ("range(n, 2, -1)", "2 < i <= n"),
        ("range(2, n, 3)", "2 <= i < n and (i - 2) mod 3 = 0"),
        ("range(n, 0, -2)", "0 < i <= n and (n - i) mod 2 = 0"),
        ("range(min(n, m))", "0 <= i < n and i < m"),
        ("range(max(0, m), n)", "0 <= i < n and m <= i"),
        ("range(n << 0)", "0 <= i < n"),
        ("range(n << 2)", "0 <= i < 4n"),
        ("range(n >> 1)", "0 <= i < floor(n/2)"),
        ("range(n // 2)", "0 <= i < floor(n/2)"),
        ("range(0)", "0 = 1"),
        ("range(5, 3)", "0 = 1"),
        ("range(1)", "i = 0"),
    ],
)
def test_iterations_are_those_of_the_range(header: str, iterations: str) -> None:
    found = scop(f"def f(a, n, m):\n    for i in {header}:\n        a[i] = n + m\n")
    assert same(f"[n, m] -> {{ S0[i] : {iterations} }}", found.statements[0].domain)


@pytest.mark.parametrize(
    ("header", "code"),
    [("range(0, n, k)", "AP308"), ("range(0, n, 0)", "AP308"), ("range(n * k)", "AP302"), ("range(a[0])", "AP304"),
     ("range(0, n, 2.0)", "AP308"), ("range(max(0, n * n), k, 2)", "AP302")],
)  # fmt: skip
def test_other_ranges_are_refused(header: str, code: str) -> None:
    assert [code] == refusal_codes(
        f"def f(a, b, n, k):\n    for i in {header}:\n        a[i] = 0\n"
    )


def test_a_step_that_changes_has_to_be_known_to_be_positive() -> None:
    def codes(step: str) -> list[str]:
        header = f"    for i in range(1, n):\n        for j in range(0, n, {step}):\n"
        return refusal_codes(f"def f(a, n):\n{header}            a[j] = 0\n")

    assert [] == codes("i")
    assert ["AP308", "AP308"] == codes("i - 4") == codes("i * i - 4")


def test_conditions_restrict_domains() -> None:
    source = (
        "def f(a, n, k):\n    for i in range(n):\n        if not (1 < i < k) and i % 2 != 0:\n            a[i] = 0\n"
        "        else:\n            a[i] = 1\n"
    )
    odd = "0 <= i < n and (i <= 1 or i >= k) and i mod 2 = 1"
    found = scop(source).statements
    assert same(f"[n, k] -> {{ S0[i] : {odd} }}", found[0].domain)
    assert same(f"[n, k] -> {{ S1[i] : 0 <= i < n and not ({odd}) }}", found[1].domain)


def written_index(lines: str) -> isl.Map:
    """Return the write access of the last statement of a loop over i."""
    body = "".join(f"        {line}\n" for line in lines.split("; "))
    found = scop(f"def f(a, b, n, k):\n    for i in range(n):\n{body}").statements[-1]
    return found.accesses[-1].relation


@pytest.mark.parametrize(
    ("lines", "cell"),
    [
        ("j = 2 * i; a[j + 1] = 0", "2i + 1"),
        ("j = i + 1; l = j + 1; a[l] = 0", "i + 2"),
        ("j = i; j += 3; a[j] = 0", "i + 3"),
        ("j = i; j = 2 * j; a[j] = 0", "2i"),
        ("j = k; a[j + i] = 0", "k + i"),
    ],
)
def test_affine_scalars_are_put_into_subscripts(lines: str, cell: str) -> None:
    statement = f"S{lines.count(';')}"
    assert isl.Map.parse(f"[n, k] -> {{ {statement}[i] -> a[{cell}] }}") == written_index(lines)


@pytest.mark.parametrize(
    "lines",
    [
        "j = i\n        if i > 3: j = i + 1\n        a[j] = 0",
        "a[j] = 0\n        j = i",
        "j = i\n        for l in range(i): j = j + 1\n        a[j] = 0",
        "j = b[i]\n        a[j] = 0",
        "j = i * i\n        a[j] = 0",
        "j = i / 1\n        a[j] = 0",
        "j = 0\n        for l in range(3):\n            a[j] = 0\n            j = l",
    ],
)
def test_a_scalar_with_no_single_affine_value_is_an_indirect_subscript(lines: str) -> None:
    found = scop(f"def f(a, b, n):\n    for i in range(n):\n        {lines}\n")
    (store,) = (each for each in found.statements if isinstance(each.body.target, Element))
    *_, place, write = store.accesses
    assert ("read", "j") == (place.kind, place.array)
    assert ("may_write", "a") == (write.kind, write.array)
    cells = isl.Map.parse(f"{{ {store.name}[{', '.join(store.domain.dimensions)}] -> a[x] }}")
    assert cells == write.relation


@pytest.mark.parametrize(
    ("lines", "cell"),
    [
        ("j = i\n        for l in range(3): j = j + 1\n        a[j] = 0", "i + 3"),
        ("a[k] = 0\n        k += 2", "k_before + 2 i"),
        ("k -= 1\n        a[k] = 0", "k_before - i - 1"),
    ],
)
def test_a_counter_is_an_affine_subscript(lines: str, cell: str) -> None:
    found = scop(f"def f(a, b, n, k):\n    for i in range(n):\n        {lines}\n")
    (store,) = (each for each in found.statements if isinstance(each.body.target, Element))
    parameters = "n, k_before" if "k" in cell else "n"
    cells = f"[{parameters}] -> {{ {store.name}[i] -> a[{cell}] }}"
    assert isl.Map.parse(cells) == store.accesses[-1].relation


def test_an_element_is_an_indirect_subscript() -> None:
    found = scop(
        "def f(a, b, n):\n    for i in range(n):\n        a[b[i + 1], i] = a[i, b[b[i]]]\n"
    )
    relations = [
        (each.kind, str(each.relation).partition("-> ")[2]) for each in found.statements[0].accesses
    ]
    assert [
        ("read", "{ S0[i] -> b[i] }"),
        ("read", "{ S0[i] -> b[x0] }"),
        ("read", "{ S0[i] -> a[i, x1] }"),
        ("read", "{ S0[i] -> b[1 + i] }"),
        ("may_write", "{ S0[i] -> a[x0, i] }"),
    ] == relations


def test_what_selects_is_a_value() -> None:
    found = scop(
        "def f(a, b, n, k, j):\n    for i in range(n):\n        a[int(b[i] * k) + j] = 0\n"
    )
    assert ("j", "k") == found.live_in
    assert ["n"] == [each.text for each in found.parameters]


def test_names_of_cells_are_none_of_the_user() -> None:
    found = scop("def f(a, b, n, x0):\n    for i in range(n):\n        a[b[i]] = a[x0]\n")
    read, *_, write = found.statements[0].accesses
    assert read.relation.range().is_subset(write.relation.range())
    assert not write.relation.range().is_subset(read.relation.range())


def test_an_index_array_that_is_written_is_refused() -> None:
    assert ["AP312"] == refusal_codes(
        "def f(a, b, n):\n    for i in range(n):\n        a[b[i]] = 0\n        b[i] = 1\n"
    )
    assert ["AP312"] == refusal_codes(
        "def f(a, b, n):\n    for i in range(n):\n        b[b[i]] = 0\n"
    )


def test_a_value_from_one_sibling_loop_does_not_reach_the_next() -> None:
    source = (
        "def f(a, b, n):\n    for t in range(n):\n        for i in range(n):\n            j = i + 1\n"
        "            a[j] = 0\n        for i in range(n):\n            b[j] = 0\n"
    )
    assert "may_write" == scop(source).statements[-1].accesses[-1].kind


def test_a_negative_constant_counts_from_the_end() -> None:
    found = scop("def f(a, n):\n    for i in range(n):\n        a[i, -2] = a[-1, i]\n")
    read, write = found.statements[0].accesses
    names = {each.text: each.name for each in found.parameters}
    assert (
        isl.Map.parse(
            f"[n, {names['a.shape[1]']}] -> {{ S0[i] -> a[i, {names['a.shape[1]']} - 2] }}"
        )
        == write.relation
    )
    assert (
        isl.Map.parse(
            f"[n, {names['a.shape[0]']}] -> {{ S0[i] -> a[{names['a.shape[0]']} - 1, i] }}"
        )
        == read.relation
    )


def test_negative_axes_are_counted_where_the_rank_is_known() -> None:
    source = "def f(a, b):\n    for i in range(a.shape[-1]):\n        for j in range(b.shape[-1]):\n            a[j, i] = 0\n"
    texts = [each.text for each in scop(source).parameters]
    assert ["a.shape[1]", "b.shape[-1]"] == texts


def test_an_axis_before_the_first_stays_so_that_it_raises() -> None:
    found = scop("def f(a):\n    for i in range(a.shape[-3]):\n        a[i, 0] = 0\n")
    assert "a.shape[-3]" in {each.text for each in found.parameters}


def test_len_is_the_first_extent() -> None:
    (parameter,) = scop(
        "def f(a):\n    for i in range(len(a)):\n        a[i] = a.shape[0]\n"
    ).parameters
    assert "a.shape[0]" == parameter.text


CLASHES = {
    "words of isl": "def f(floor, mod, MAX, Exists):\n    for AND in range(MAX):\n        floor[AND] = floor[AND + Exists] + mod[AND]\n",
    "a parameter like an extent": "def f(a, a_shape_0):\n    for i in range(len(a)):\n        a[i] = a[i + a_shape_0]\n",
    "a loop variable like an extent": "def f(a, n):\n    for a_shape_0 in range(len(a)):\n        a[a_shape_0] = n\n",
    "an extent of the guard": "def f(a, extent_0_of_a):\n    for i in range(3):\n        a[i] = a[i + extent_0_of_a]\n",
    "arrays like statements": "def f(S0, S1, n):\n    for i in range(n):\n        S1[i] = S0[i]\n        S0[i] = 2\n",
    "a parameter like a statement": "def f(a, S0):\n    for i in range(S0):\n        a[i] = a[i + S0]\n",
    "letters beyond ASCII": "def f(größe, ä, u6e):\n    for ñ in range(len(größe)):\n        größe[ñ] = größe[ñ + ä + u6e]\n",
    "an escaped name that is taken": "def f(floor_, n):\n    for floor in range(n):\n        for floor_ in range(n):\n            pass\n",
    "types": "def f(a, int, float):\n    for bool in range(int):\n        a[bool] = a[bool + float]\n",
}  # fmt: skip


@pytest.mark.parametrize("clash", CLASHES)
def test_names_never_clash(clash: str) -> None:
    found = plan(CLASHES[clash]).scop
    names = [each.name for each in found.parameters]
    assert len(set(names)) == len(names)
    for statement in found.statements:
        dimensions = statement.domain.dimensions
        assert len(set(dimensions)) == len(dimensions)
        assert not set(names) & set(dimensions)


def test_clashing_names_keep_their_meaning() -> None:
    found = loop(CLASHES["a parameter like an extent"])
    assert found.condition is not None
    assert (
        "a_shape_0 == 0 or a_shape_0 >= a.shape[0] or a_shape_0 <= -a.shape[0]"
        == found.condition.text
    )


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("for i in range(n):\n        a[i] = 0\n        if b[i]: a = b", "AP305"),
        ("for a in range(n):\n        a[a] = 0", "AP310"),
        ("for i in range(n):\n        b[i] = a[i] + a", "AP310"),
        ("for i in range(n):\n        b[i] = a[i] + a[i, 0]", "AP309"),
    ],
)
def test_names_used_in_two_ways_are_refused(source: str, code: str) -> None:
    assert code == refusal_codes(f"def f(a, b, n):\n    {source}\n")[0]


def test_sibling_loops_may_share_a_variable() -> None:
    source = (
        "def f(a, n):\n    for t in range(n):\n        for i in range(n): a[i] = 0\n"
        "        for i in range(n): a[i] = 1\n"
    )
    assert 3 == len(scop(source).loops)


def test_live_in_are_the_scalars_read_before_they_are_assigned() -> None:
    source = "def f(a, n, x, t, s):\n    for i in range(n):\n        t = x\n        s = s + t\n        a[i + n] = t\n"
    assert ("s", "x") == scop(source).live_in


def test_the_positions_follow_the_text() -> None:
    source = (
        "def f(a, b, n):\n    for i in range(n):\n        a[i] = 0\n        if i > 2:\n            b[i] = 1\n"
        "        else:\n            b[i] = 2\n        for j in range(n): a[i] = 2\n        b[i] = 3\n"
    )
    positions = [each.position for each in scop(source).statements]
    assert [(0, 0), (0, 1), (0, 2), (0, 3, 0), (0, 4)] == positions
