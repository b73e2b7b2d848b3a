"""Kernels for arrays larger than the caches: the same bits, stored another way where that is allowed."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import autopar
from autopar import sizes
from autopar.codegen import stream_text
from autopar.codegen.rates import CURRENT
from autopar.decorator import ParallelFunction
from autopar.options import choose_options
from tests.sameness import same


def saxpy(a, b, c, k, n):
    for i in range(n):
        c[i] = 0.5 * a[i] + b[i]


def shifted(a, b, c, k, n):
    for i in range(3, n):
        c[i - 3] = a[i] - b[i - 1]


def quotients(a, b, c, k, n):
    for i in range(n):
        c[i] = a[i] / b[i]


def two_targets(a, b, c, k, n):
    for i in range(n):
        t = a[i] * 2.0
        b[i] = t + 1.0
        c[i] = t - k[i]


def one_is_conditional(a, b, c, k, n):
    for i in range(n):
        b[i] = 2.0 * a[i]
        if a[i] > 0.5:
            c[i] = a[i]


def integers(a, b, c, k, n):
    for i in range(n):
        k[i] = i * i - 7 * i


def products(a, b, c, k, n):
    for i in range(n):
        k[i] = (k[i] + 3) * 5


def in_place(a, b, c, k, n):
    for i in range(n):
        b[i] = 0.5 * a[i] + b[i]


def unequal_types(a, b, c, k, n):
    for i in range(n):
        c[i] = a[i] + k[i]
        k[i] = k[i] + 1


def five_points(u, v, s, n, m):
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


def triangle(u, v, s, n, m):
    for i in range(n):
        for j in range(i, m):
            v[i, j] = u[i, j] / (1.0 + i)


def running_row(u, v, s, n, m):
    for i in range(n):
        t = 0.0
        for j in range(m):
            t = t * 0.5 + u[i, j]
            v[i, j] = t


def singles(u, v, s, n, m):
    for i in range(n):
        for j in range(m):
            s[i, j] = u[i, j]


def written_twice(u, v, s, n, m):
    for i in range(n):
        for j in range(m):
            v[i, j] = u[i, j]
        for j in range(m):
            v[i, j] = v[i, j] * 2.0


def row_of_its_own(u, v, s, n, m):
    for i in range(n):
        t = np.empty(m)
        for j in range(m):
            t[j] = u[i, j] * 2.0
        for j in range(m):
            v[i, j] = t[m - 1 - j]


def backwards(u, v, s, n, m):
    for i in range(n):
        for j in range(m - 1, -1, -1):
            v[i, j] = u[i, j] + 1.0


def whole_arrays(u, v, s, n, m):
    v[1:-1, 1:-1] = 0.5 * (u[:-2, 1:-1] + u[2:, 1:-1])


def transposed(u, v, s, n, m):
    for i in range(n):
        for j in range(m):
            v[j, i] = u[i, j]


def rows_read_again(u, v, s, n, m):
    for i in range(n):
        for j in range(m):
            v[i, j] = u[i, j] * u[0, j] + s[i, 0]


def neighbours(u, v, s, n, m):
    for i in range(n):
        for j in range(1, m - 1):
            v[i, j] = u[i, j] * 2.0 + u[i, j - 1] + u[i, j + 1]


def times(u, v, s, n, m):
    for t in range(3):
        for i in range(1, n - 1):
            for j in range(m):
                v[i, j] = u[i - 1, j] + u[i + 1, j]
        for i in range(1, n - 1):
            for j in range(m):
                u[i, j] = 0.5 * v[i, j]


VECTORS = (
    saxpy, shifted, quotients, two_targets, one_is_conditional, integers, products, in_place, unequal_types,
)  # fmt: skip
PLANES = (
    five_points, triangle, running_row, singles, written_twice, row_of_its_own, backwards,
    whole_arrays, transposed, times, rows_read_again, neighbours,
)  # fmt: skip
# Read in the same kernel, read again at once, or not in the order in which it lies.
LEFT_ALONE = {"products", "written_twice", "transposed", "backwards", "in_place"}
# What is asked for ahead: of places that follow each other in rows, the last.
FETCHED = {
    "saxpy": {"a, (i_strip,)", "b, (i_strip,)"},
    "shifted": {"a, (i_strip,)", "b, (i_strip - 1,)"},
    "in_place": set(),
    "products": set(),
    "quotients": {"a, (i_strip,)", "b, (i_strip,)"},
    "integers": set(),
    "five_points": {"u, (i + 1, j_strip)"},
    "rows_read_again": {"u, (i, j_strip)"},
    "neighbours": {"u, (i, j_strip + 1)"},
}


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(sizes.Sizes, "are_large", lambda *_: True)
    monkeypatch.setattr(stream_text, "ROW", 16)


def passes(text):
    return any(f"{word}(" in text for word in ("stream", "stream_lines", "stream_wide"))


def vectors(n, offset=0):
    rng = np.random.default_rng(n)
    a, b, c = (rng.uniform(-1.0, 1.0, n + offset)[offset:] for _ in range(3))
    return a, b, c, rng.integers(-(2**40), 2**40, n + offset)[offset:], n


def planes(n, m):
    rng = np.random.default_rng(n)
    u, v = rng.uniform(-1.0, 1.0, (2, n, m))
    return u.copy(), v.copy(), np.zeros((n, m), np.float32), n, m


@pytest.mark.parametrize("function", VECTORS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("n", [0, 5, 16, 117])
def test_vectors_have_the_same_bits(function, n, large):
    same(function, lambda: vectors(n))
    same(function, lambda: vectors(n, offset=1))


@pytest.mark.parametrize("function", PLANES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("shape", [(1, 1), (7, 40), (20, 33)])
def test_planes_have_the_same_bits(function, shape, large):
    same(function, lambda: planes(*shape))


@pytest.mark.parametrize("function", [*VECTORS, *PLANES], ids=lambda each: each.__name__)
def test_only_what_is_written_once_and_in_order_passes_the_caches(function, large):
    arguments = vectors(40) if function in VECTORS else planes(40, 40)
    decorated = autopar.parallel(backend="cpu", cache=False)(function)
    decorated(*arguments)
    text = "".join(decorated.inspect_source().values())
    assert text
    assert passes(text) == (function.__name__ not in LEFT_ALONE), text


@pytest.mark.parametrize("name", FETCHED)
def test_what_follows_in_rows_is_asked_for_once(name, large):
    function = globals()[name]
    decorated = autopar.parallel(backend="cpu", cache=False)(function)
    decorated(*(vectors(40) if function in VECTORS else planes(40, 40)))
    text = "".join(decorated.inspect_source().values())
    assert FETCHED[name] == set(
        re.findall(r"(?:fetch|lines|wide)_(?:ahead|beside)\(address\((.*)\)\)", text)
    ), text


@pytest.mark.parametrize("tier", ["serial", "parallel"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_of_every_length_at_every_place_of_a_line(tier, dtype, monkeypatch):
    monkeypatch.setattr(sizes.Sizes, "are_large", lambda *_: True)

    def halves(a, b, c, n):
        for i in range(n):
            c[i] = 0.5 * a[i] + b[i]

    chosen = choose_options(backend="cpu", cache=False)
    decorated = ParallelFunction(halves, replace(chosen, tier=tier))
    a, b = np.random.default_rng(3).uniform(-1.0, 1.0, (2, 700)).astype(dtype)
    for n in (0, 1, 2, 15, 127, 128, 129, 300, 513):
        for start in range(9):
            c, expected = np.full((2, 700), 7.0, dtype)
            decorated(a[start:], b, c[start : start + n], n)
            expected[start : start + n] = a.dtype.type(0.5) * a[start : start + n] + b[:n]
            np.testing.assert_array_equal(expected, c)
    assert all(map(passes, decorated.inspect_source().values()))


def test_stores_under_a_condition_and_what_is_read_are_stored_as_usual(large):
    decorated = autopar.parallel(backend="cpu", cache=False)(one_is_conditional)
    decorated(*vectors(40))
    (text,) = decorated.inspect_source().values()
    assert "stream(address(b" in text
    assert "stream(address(c" not in text


def test_arrays_that_share_memory_are_stored_as_usual(large):
    def arguments():
        memory = np.linspace(0.0, 1.0, 90)
        return memory[:80], memory[5:85], memory[10:90], None, 80

    def moved(a, b, c, k, n):
        for i in range(n):
            c[i] = a[i] + b[i]

    decorated = same(moved, arguments)
    assert not any(map(passes, decorated.inspect_source().values()))


@pytest.mark.parametrize("first", ["large", "small"])
def test_each_form_is_made_once_the_other_has_cost_as_much(first, monkeypatch):
    rates = replace(CURRENT.get(), stream_bytes=3 * 8 * 1000)
    monkeypatch.setattr(CURRENT, "rates", rates)
    monkeypatch.setattr(sizes, "_LOSS", 0.0)
    small, large = vectors(600), vectors(1000)
    one, other = (large, small) if first == "large" else (small, large)
    decorated = autopar.parallel(backend="cpu", cache=False)(saxpy)
    for arguments in (one, other, one, *[other] * 20):
        decorated(*arguments)
    (text,) = decorated.inspect_source().values()
    assert passes(text) == (first == "large")
    monkeypatch.setattr(sizes, "_LOSS", 1e9)
    decorated(*vectors(1001 if first == "small" else 601))
    expected = np.array(other[2])
    decorated(*other)
    np.testing.assert_array_equal(expected, other[2])
    (text,) = decorated.inspect_source().values()
    assert passes(text) == (first == "small")


def test_a_call_that_is_repeated_gets_its_form_too(monkeypatch):
    rates = replace(CURRENT.get(), stream_bytes=3 * 8 * 1000)
    monkeypatch.setattr(CURRENT, "rates", rates)
    monkeypatch.setattr(sizes, "_LOSS", 1e9)
    decorated = autopar.parallel(backend="cpu", cache=False)(saxpy)
    small, large = vectors(600), vectors(1000)
    decorated(*small)
    monkeypatch.setattr(sizes, "_LOSS", 0.0)
    decorated(*large)
    assert not any(map(passes, decorated.inspect_source().values()))
    monkeypatch.setattr(sizes, "_LOSS", 1e9)
    for _ in range(12):  # more than after which a call is learned
        decorated(*large)
    assert all(map(passes, decorated.inspect_source().values()))


def sum_with_transposed(a, b, c, n, m):
    for i in range(n):
        for j in range(m):
            c[i, j] = a[i, j] + b[j, i]


def moved_transposed(a, b, c, n, m):
    for i in range(2, n):
        for j in range(m - 1):
            c[i - 1, j] = b[j + 1, i - 2] * 2.0 - b[j + 1, i - 2]


def copy_of_transposed(a, b, c, n, m):
    c[:, :] = b.T


def with_scalar(a, b, c, n, m):
    for i in range(n):
        for j in range(m):
            t = b[j, i]
            c[i, j] = t * t


def two_columns(a, b, c, n, m):
    for i in range(n):
        for j in range(m - 1):
            c[i, j] = b[j, i] - b[j + 1, i]


def triangle_transposed(a, b, c, n, m):
    for i in range(min(n, m)):
        for j in range(i, m):
            c[i, j] = b[j, i]


def where_positive(a, b, c, n, m):
    for i in range(n):
        for j in range(m):
            c[i, j] = b[j, i] if a[i, j] > 0.5 else a[i, j]


def stored_as_well(a, b, c, n, m):
    for i in range(n):
        for j in range(m):
            c[i, j] = b[j, i]
            a[i, j] = c[i, j] + 1.0


TURNED = (sum_with_transposed, copy_of_transposed, with_scalar, stored_as_well)
NOT_TURNED = (moved_transposed, two_columns, triangle_transposed, where_positive)


def matrices(n, m, dtype="float64"):
    rng = np.random.default_rng(n)
    a, b = rng.uniform(-9.0, 9.0, (n, m)).astype(dtype), rng.uniform(-9.0, 9.0, (m, n))
    return a, b.astype(dtype), np.zeros((n, m), dtype), n, m


@pytest.mark.parametrize("function", [*TURNED, *NOT_TURNED], ids=lambda each: each.__name__)
@pytest.mark.parametrize("shape", [(1, 1), (8, 16), (21, 13), (75, 140)])
def test_transposed_matrices_have_the_same_bits(function, shape, large):
    decorated = same(function, lambda: matrices(*shape))
    if min(shape) > 8:
        texts = decorated.inspect_source().values()
        assert any("turn(" in text for text in texts) == (function in TURNED)


def test_integers_and_parts_of_matrices_are_turned_too(large):
    same(sum_with_transposed, lambda: matrices(17, 30, "int64"))

    def parts():
        a, b, c, n, m = matrices(30, 40)
        return a, b[3:, 5:], c, n - 6, m - 4

    decorated = same(sum_with_transposed, parts)
    assert decorated.inspect_source()


def roots(a, b, c, k, n):
    for i in range(n):
        c[i] = np.sqrt(abs(a[i])) - abs(b[i] - np.sqrt(a[i] * a[i] + b[i] * b[i]))


def test_what_waits_for_the_processor_is_stored_as_usual(large):
    decorated = same(roots, lambda: vectors(40))
    assert not any(map(passes, decorated.inspect_source().values()))
