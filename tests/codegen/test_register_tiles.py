"""Loops unrolled into each other compute what they computed, and only those that may are."""

from __future__ import annotations

import itertools
import random
from functools import partial

import numpy as np
import pytest

import autopar
from autopar import machine
from autopar.codegen import chains, register_tiles
from autopar.codegen.pool import Pool
from tests.adversary import ORDERS
from tests.ordered_nests import drafts_of, generated, interpreted, nest_of
from tests.sameness import same


def product(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            c[i, j] *= 0.5
        for k in range(m):
            for j in range(n):
                c[i, j] += a[i, k] * b[k, j]


def triangle(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(i, n):
                c[i, j] += a[k, i] * b[k, j]


def other_triangle(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(max(0, i - 3), i + 1):
                c[i, j] -= a[k, i] * b[k, j]


def terms_from_rows_below(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            for k in range(i + 1, n):
                c[i, j] += a[k, i] * c[k, j]
            c[i, j] = 0.5 * c[i, j]


def sums(a, b, c, n, m):
    for i in range(n):
        c[i, 0] = 0.0
        for k in range(m):
            c[i, 0] += a[i, k] * b[0, k]
        c[i, 0] = 1.0 / (2.0 + c[i, 0] * c[i, 0])


def sums_in_scalars(a, b, c, n, m):
    for i in range(n):
        w = a[i, 0]
        v = w * w
        for k in range(m):
            w -= a[i, k] * b[1, k]
            v = v + a[i, k]
        c[i, 1] = w / (1.0 + v * v)


TILED = [
    product,
    triangle,
    other_triangle,
    terms_from_rows_below,
    sums,
    sums_in_scalars,
]


def may_meet_what_it_reads(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(n):
                c[i, j] += a[i, k] * b[k, j]
                b[i + n, j] -= a[i, k] * b[k, j]


def reads_what_it_stores(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(n):
                c[i, j] += a[i, k] * c[k, j]


def goes_from_element_to_element(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(1, n):
                c[i, j] += a[i, k] * c[i, j - 1]


def moves_with_the_terms(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(n):
                c[i, j + k] += a[i, k] * b[k, j]


def of_integers(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(n):
                c[i, j] += int(a[i, k]) * int(b[k, j])


def under_a_test(a, b, c, n, m):
    for i in range(n):
        for k in range(m):
            for j in range(n):
                if b[k, j] > 0.5:
                    c[i, j] += a[i, k] * b[k, j]


NOT_TILED = [
    may_meet_what_it_reads,
    reads_what_it_stores,
    goes_from_element_to_element,
    moves_with_the_terms,
    of_integers,
    under_a_test,
]


def arguments(n=9, m=7, dtype="float64", order="C"):
    rng = np.random.default_rng(4)
    made = ((rng.random((2 * n + 2, 2 * n + 9)) - 0.5).astype(dtype) for _ in range(3))
    return *(np.asarray(each, order=order) for each in made), n, m


def is_tiled(decorated):
    source = "".join(decorated.inspect_source().values())
    return "_rows_end" in source or "c_sum = " in source


SIZES = [(9, 7), (1, 0), (3, 4), (4, 9), (8, 1), (11, 8), (13, 13)]


@pytest.mark.parametrize("function", [*TILED, *NOT_TILED], ids=lambda each: each.__name__)
def test_groups_and_what_is_left_of_them_are_all_there(function):
    decorated = autopar.parallel(function, backend="cpu", cache=False)
    for n, m in SIZES:
        expected, found = arguments(n, m), arguments(n, m)
        function(*expected)
        decorated(*found)
        assert_same_bits(expected, found)
    assert is_tiled(decorated) == (function in TILED)


# Whole groups, what is left of them, and groups that begin anywhere.
CHUNKS = [(8,), (4, 1, 9), (5, 3), (64,)]


@pytest.mark.parametrize("function", TILED, ids=lambda each: each.__name__)
def test_groups_run_in_any_order(function):
    orders = itertools.cycle(ORDERS.values())
    nest = nest_of(function, *arguments(21, 9))
    drafts = drafts_of(nest)
    expected = interpreted(nest)
    for chunks in CHUNKS:
        assert expected == generated(nest, drafts, next(orders), sizes=chunks), chunks


REORDERED = {
    "reversed": lambda rows: rows[::-1],
    "interleaved": lambda rows: (*rows[1::2], *rows[::2]),
    "shuffled": lambda rows: tuple(random.Random(len(rows)).sample(rows, len(rows))),
}


@pytest.mark.parametrize("order", REORDERED.values(), ids=REORDERED)
@pytest.mark.parametrize("function", [product, other_triangle, sums_in_scalars])
def test_rows_of_a_group_run_in_any_order(function, order, monkeypatch):
    repeated, named = register_tiles._repeated, chains.Copies.interleaved
    monkeypatch.setattr(
        register_tiles, "_repeated", lambda loop, rows, terms: repeated(loop, order(rows), terms)
    )
    monkeypatch.setattr(
        chains.Copies,
        "interleaved",
        lambda self, nodes, copies, own: named(self, nodes, order(copies), own),
    )
    nest = nest_of(function, *arguments(21, 9))
    drafts = drafts_of(nest)
    assert interpreted(nest) == generated(nest, drafts, ORDERS["shuffled 0"], sizes=(8,))


def all_rows_are_the_first(monkeypatch):
    copies = vars(register_tiles._Rows)["copies"].fget
    same_row = property(lambda self: (copies(self)[0],) * self.count)
    monkeypatch.setattr(register_tiles._Rows, "copies", same_row)


def terms_go_backward(monkeypatch):
    repeated = register_tiles._repeated
    monkeypatch.setattr(
        register_tiles, "_repeated", lambda loop, rows, terms: repeated(loop, rows, terms[::-1])
    )


def what_is_left_comes_first(monkeypatch):
    terms = register_tiles._terms
    monkeypatch.setattr(register_tiles, "_terms", lambda *given: [*terms(*given)][::-1])


def nothing_is_left(monkeypatch):
    terms = register_tiles._terms
    monkeypatch.setattr(register_tiles, "_terms", lambda *given: [*terms(*given)][:1])


TILE_FAULTS = [
    all_rows_are_the_first,
    terms_go_backward,
    what_is_left_comes_first,
    nothing_is_left,
]


@pytest.mark.parametrize("fault", TILE_FAULTS, ids=lambda each: each.__name__)
def test_whole_groups_show_a_fault_that_single_iterations_do_not(fault, monkeypatch):
    fault(monkeypatch)
    nest = nest_of(product, *arguments(21, 9))
    drafts = drafts_of(nest)
    expected = interpreted(nest)
    assert expected == generated(nest, drafts, ORDERS["reversed"])
    assert expected != generated(nest, drafts, ORDERS["reversed"], sizes=(8,))


def assert_same_bits(expected, found):
    for one, other in zip(expected[:3], found[:3], strict=True):
        assert one.tobytes() == other.tobytes()


def test_small_floats_in_the_order_of_columns():
    decorated = same(product, partial(arguments, 11, 9, "float32", "F"), cache=False)
    assert is_tiled(decorated)


def test_arrays_that_share_memory_are_what_they_were():
    def shared():
        a, _, _, n, m = arguments()
        return a, a[1:], a[2:, 1:], n, m

    same(product, shared)


def test_parts_of_threads_begin_anywhere(monkeypatch):
    decorated = autopar.parallel(product, backend="cpu")
    for threads in (2, 3, 7):
        pool = Pool(threads, inline_ns=0)
        monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_, pool=pool: pool)
        expected, found = arguments(101, 27), arguments(101, 27)
        product(*expected)
        decorated(*found)
        assert_same_bits(expected, found)
        assert pool.shared


def test_warnings_are_given():
    def given():
        a, b, c, n, m = arguments()
        b[3, 4] = np.inf
        a[2, 3] = 0.0
        return a, b, c, n, m

    expected, found = given(), given()
    for function, each in ((product, expected), (autopar.parallel(product), found)):
        with pytest.warns(RuntimeWarning, match="invalid value encountered in scalar multiply"):
            function(*each)
    assert_same_bits(expected, found)


def test_a_name_of_the_users_is_no_obstacle():
    def clash(a, b_fixed, c_sum, i_rows, m):
        for i in range(i_rows):
            for k in range(m):
                for j in range(i_rows):
                    c_sum[i, j] += a[i, k] * b_fixed[k, j]

    assert is_tiled(same(clash, arguments))


# ------------------------------------------------------------------- sums down columns


def down_columns_in_scalars(a, b, c, n, m):
    for i in range(n):
        for j in range(i, n):
            w = a[i, j]
            for k in range(i):
                w -= a[i, k] * a[k, j]
            a[i, j] = w
        for j in range(n):
            w = b[i, j]
            for k in range(m):
                w += c[i, k] * c[k, j]
            b[i, j] = 0.5 * w


def two_ways(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            below = 0.0
            for k in range(i):
                c[k, j] += 2.0 * b[i, j] * a[i, k]
                below += b[k, j] * a[i, k]
            c[i, j] = 0.5 * c[i, j] + b[i, j] * a[i, i] + 2.0 * below


def by_way_of_a_row(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            c[n, j] = 0.0
            for k in range(n):
                c[n, j] += a[i, k] * b[k, j]
        for j in range(n):
            a[i, j] = c[n, j]


SUNK = [down_columns_in_scalars, two_ways, by_way_of_a_row]


def the_last_one_lives_on(a, b, c, n, m):
    w = 0.0
    for i in range(1, n):
        for j in range(n):
            w = a[i, j]
            for k in range(i):
                w -= a[i, k] * b[k, j]
            c[i, j] = w
        a[i, 0] = w


def another_column(a, b, c, n, m):
    for i in range(n):
        for j in range(n):
            w = a[i, 2 * j]
            for k in range(i):
                w -= a[i, k] * b[k, j]
            c[i, j] = w


NOT_SUNK = [the_last_one_lives_on, another_column]


@pytest.mark.parametrize("function", [*SUNK, *NOT_SUNK], ids=lambda each: each.__name__)
def test_sums_down_columns_go_along_rows(function, monkeypatch):
    decorated = autopar.parallel(function, backend="cpu", cache=False)
    for n, m in SIZES:
        for pool in (Pool(2, inline_ns=0), Pool(1)):
            monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_, pool=pool: pool)
            expected, found = arguments(n, m), arguments(n, m)
            function(*expected)
            decorated(*found)
            assert_same_bits(expected, found)
    source = "".join(decorated.inspect_source().values())
    assert (", 512)" in source) == (function in SUNK)


def two_names_of_one_array(a, b, c, n, m):
    for i in range(1, n):
        for j in range(n):
            below = 0.0
            for k in range(i):
                below += b[k, j] * a[i, k]
                c[k + 1, j] += 2.0 * a[i, k]
            c[i, j] = 0.5 * c[i, j] + 2.0 * below


def test_statements_on_arrays_that_share_memory_stay_together():
    def shared():
        a, b, _, n, m = arguments()
        return a, b, b, n, m

    same(two_names_of_one_array, shared)


def column_sums(x):
    total = x.sum(axis=0)
    total[total == 0.0] = 1.0
    return 2.0 * (x / total) - 1.0


@pytest.mark.parametrize("shape", [(1, 40), (23, 700), (64, 1030)])
def test_columns_of_whole_arrays_are_added_up_some_rows_at_once(shape):
    decorated = autopar.parallel(column_sums, backend="cpu", cache=False)
    x = np.random.default_rng(5).standard_normal(shape)
    assert column_sums(x).tobytes() == decorated(x).tobytes()
    if shape[0] > 1:
        assert any("_sum = " in each for each in decorated.inspect_source().values())
