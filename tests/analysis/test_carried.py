"""What a loop carries that may still be taken apart: scans, renamings, what data are asked."""

from __future__ import annotations

import pytest

from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText
from autopar.analysis.passes.definitions import functions_of
from autopar.analysis.stages import analyze
from tests.analysis.reading import loop, plan, regions


def in_loop(body: str, names: str = "a, b, out, idx, k, n") -> str:
    return f"def f({names}):\n    for i in range(n - 3):\n{body}    return k\n"


def test_an_array_is_renamed_for_what_is_read_of_it_alone() -> None:
    found = loop(in_loop("        a[i] = a[i + 1] + 1\n        b[i] = b[i + 2]\n"))
    assert [("a", 1, 1), ("b", 2, 1)] == [
        (each.array, each.reach, len(each.reads)) for each in found.renamings
    ]


STORE = "        if a[i] > 0:\n            out[k] = a[i]\n"


def test_a_place_may_move_on_without_a_store() -> None:
    found = loop(in_loop(f"{STORE}            k += 1\n        if a[i] < -5:\n            k += 1\n"))
    assert [("k", True)] == [(each.target, each.is_place) for each in found.scans]


def test_a_place_that_stays_after_a_store_is_stored_to_again() -> None:
    assert () == loop(in_loop(f"{STORE}        if b[i] > 0:\n            k += 1\n")).scans


def test_scalars_beside_a_subscript_are_no_part_of_what_data_are_asked() -> None:
    body = "        j = idx[i]\n        t = b[i]\n        a[j] = t\n        b[i] = 0.0\n"
    found = loop(in_loop(body)).inspections
    assert ["idx[i] distinct for 0 <= i < n - 3"] == [each.text for each in found]


def test_the_last_value_of_a_loop_without_statements_does_not_depend_on_its_neighbours() -> None:
    source = (
        "def f(a, n, m):\n    for i in range(n):\n        for j in range(m):\n"
        "            a[i, j] = 0\n        for k in range(3):\n            pass\n    return k\n"
    )
    assert (("k", "2"),) == plan(source).last_values


def test_a_function_that_stores_is_not_read_with_a_row_that_its_stores_may_change() -> None:
    source = (
        "def put(row, k):\n    row[k] = 1.0\ndef f(a, idx, n):\n"
        "    for i in range(n):\n        put(a[{}], i)\n"
    )
    assert () == regions(source.format("i")).unsupported
    (found,) = regions(source.format("idx[i]")).unsupported
    assert "it stores, which may change what it is given as 'row'" in found.reasons[0].message


SPLIT = """
def scaled(x, j):
    return (x * j + 1.0) / (j + 2.0)
def f(xs, n):
    table = {}
    for k in range(n):
        table[k] = scaled(xs[k], k)
        print(k, WHAT)
"""


@pytest.mark.parametrize(("what", "is_tame"), [("xs[k]", True), ("k", True), ("table[k]", False)])
def test_what_reads_where_the_loop_stores_may_do_anything(what: str, is_tame: bool) -> None:
    text = SourceText(path="case.py", text=SPLIT.replace("WHAT", what), cell=None)
    found = analyze(functions_of(text)[-1])
    assert isinstance(found, Plan)
    assert [is_tame] == [each.tame is not None for each in found.splits]


def test_a_statement_on_arrays_that_is_none_of_loops_says_why() -> None:
    source = "def f(a, b, n, k):\n    for i in range(n):\n        a[0:n] = b[0:n:k]\n"
    found = [reason for each in regions(source).unsupported for reason in each.reasons]
    assert ["AP211", "AP211"] == [each.code for each in found]
    assert "more than names, numbers and slices" in found[0].message
