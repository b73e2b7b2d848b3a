"""Tables of integers run eight rows at once, in the lanes of vectors: nobody can tell but by the time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import loops_of, same


def lcs(s, t, c, n, m, g):
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            if s[i - 1] == t[j - 1]:
                c[i, j] = c[i - 1, j - 1] + g
            else:
                c[i, j] = max(c[i - 1, j], c[i, j - 1])


def edit(s, t, d, n, m, g):
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = 0 if s[i - 1] == t[j - 1] else 1
            d[i, j] = min(d[i - 1, j] + g, d[i, j - 1] + g, d[i - 1, j - 1] + cost)


def align(s, t, h, n, m, g):
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best = h[i - 1, j - 1] + (2 if s[i - 1] == t[j - 1] else -1)
            if h[i - 1, j] - g > best:
                best = h[i - 1, j] - g
            if h[i, j - 1] - g > best:
                best = h[i, j - 1] - g
            h[i, j] = best


def affine(s, t, h, e, f, n, m, g):
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            e[i, j] = max(e[i, j - 1], h[i, j - 1] - g) - 1
            f[i, j] = max(f[i - 1, j], h[i - 1, j] - g) - 1
            score = 3 if s[i - 1] == t[j - 1] else -2
            h[i, j] = max(0, h[i - 1, j - 1] + score, e[i, j], f[i, j])


def backwards(s, t, c, n, m, g):
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            if s[i] == t[j]:
                c[i, j] = c[i + 1, j + 1] + g
            else:
                c[i, j] = max(c[i + 1, j], c[i, j + 1])


def sometimes(s, t, c, n, m, g):
    for i in range(1, n + 1):
        for j in range(1, m):
            if s[i - 1] == t[j - 1]:
                c[i, j] = (c[i - 1, j + 1] ^ c[i, j - 1]) + g


def table(n=43, m=57, dtype="int64", sequences="int64", tables=1):
    rng = np.random.default_rng(n)
    s, t = (rng.integers(0, 4, size).astype(sequences) for size in (n, m))
    made = [rng.integers(0, 5, (n + 1, m + 1)).astype(dtype) for _ in range(tables)]
    return s, t, *made, n, m, 1


def words(decorated):
    return [loop["transform"] for loop in loops_of(decorated.last_run)]


@pytest.mark.parametrize(
    ("function", "dtype", "sequences"),
    [
        (lcs, "int64", "uint8"),
        (edit, "int32", "int64"),
        (align, "int64", "int64"),
        (affine, "int64", "int8"),
        (backwards, "int64", "int64"),
        (sometimes, "int64", "int32"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_rows_in_lanes_leave_the_interpreters_integers(function, dtype, sequences):
    tables = 3 if function is affine else 1
    made = {"dtype": dtype, "sequences": sequences, "tables": tables}
    decorated = same(function, lambda: table(**made), ran="cpu", cache=False)
    assert [["skew"], ["skew"]] == words(decorated)
    assert "lanes_shifted" in "".join(decorated.inspect_source().values())
    for n, m in [(0, 0), (1, 9), (8, 7), (8, 10), (9, 30), (16, 18), (23, 40), (40, 9)]:
        plain, run = table(n, m, **made), table(n, m, **made)
        function(*plain)
        decorated(*run)
        for one, other in zip(plain, run, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=f"{n} {m}")


@pytest.mark.parametrize("place", [(0, 0), (20, 30), (43, 57)])
def test_an_element_that_wraps_warns_as_in_the_loop(place):
    def almost_full():
        s, t, c, *others = table()
        c[...] = 0
        c[place] = np.iinfo(np.int64).max
        s[...], t[...] = 1, 1
        return s, t, c, *others

    same(lcs, almost_full, cache=False)
    same(backwards, almost_full, cache=False)


def test_what_a_test_keeps_from_happening_does_not_warn():
    def full():
        s, t, c, *others = table()
        c[...] = np.iinfo(np.int64).max
        s[...], t[...] = 1, 2
        return s, t, c, *others

    same(lcs, full, ran="cpu", cache=False)


def test_tables_that_share_memory_keep_the_order_of_the_loop():
    def views():
        _, t, c, n, m, g = table()
        return c[1:, 0], t, c, n, m, g

    same(lcs, views, cache=False)
