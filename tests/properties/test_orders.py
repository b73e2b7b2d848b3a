"""Loops in another order than the source's: no dependence goes backward, every bit is the interpreter's."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopar.analysis.model import isl
from autopar.analysis.model.isl_order import carried_dimensions
from autopar.codegen import jam, progress, staggered_text, stream_text
from autopar.codegen.dump import dump_program
from autopar.codegen.progress import DONE
from tests.adversary import ORDERS
from tests.codegen import plain_staggering
from tests.ordered_nests import Nest, drafts_of, draw_nest, draw_table, generated, interpreted

SMALL = st.integers(-2, 2)
ROW = st.tuples(SMALL, SMALL, SMALL)


@given(
    rows=st.lists(ROW, min_size=1, max_size=3),
    distance=st.tuples(SMALL, SMALL),
    size=st.integers(1, 4),
)
def test_what_a_dimension_carries_is_what_enumeration_finds(rows, distance, size):
    times = ", ".join(f"{a} * i + {b} * j + {c}" for a, b, c in rows)
    box = f"0 <= i < {size} and 0 <= j < {size}"
    time = isl.Map.parse(f"{{ S0[i, j] -> [{times}] : {box} }}")
    di, dj = distance
    pairs = isl.Map.parse(
        f"{{ S0[i, j] -> S0[i + {di}, j + {dj}] : {box} and 0 <= i + {di} < {size} and 0 <= j + {dj} < {size} }}"
    )
    assert enumerated(rows, distance, size) == carried_dimensions(time, pairs, time)


def enumerated(
    rows: list[tuple[int, int, int]], distance: tuple[int, int], size: int
) -> tuple[int, ...] | None:
    """Return the first dimension in which each pair is apart, all of them; None if one is not, or backward."""
    found = set()
    for i, j in itertools.product(range(size), repeat=2):
        k, m = i + distance[0], j + distance[1]
        if not (0 <= k < size and 0 <= m < size):
            continue
        apart = [a * (k - i) + b * (m - j) for a, b, _ in rows]
        first = next((d for d, each in enumerate(apart) if each), None)
        if first is None or apart[first] < 0:
            return None
        found.add(first)
    return tuple(sorted(found))


@pytest.mark.parametrize("rows", [2, 3, 6])
def test_drawn_nests_keep_the_interpreters_bits(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jam, "ROWS", rows)
    used: Counter[str] = Counter()
    orders = itertools.cycle(ORDERS.values())
    for seed in range(1000 * rows, 1000 * rows + 60):
        nest = draw_nest(seed)
        drafts = drafts_of(nest)
        used.update(word for draft in drafts for _, word in draft.transforms)
        shown = nest.text + "".join(dump_program(draft.program) for draft in drafts)
        assert interpreted(nest) == generated(nest, drafts, next(orders)), f"seed {seed}\n{shown}"
    assert used["skew"] > 5, used


def test_drawn_tables_keep_the_interpreters_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    used: Counter[str] = Counter()
    for seed in range(120):
        monkeypatch.setattr(jam, "lanes_at_once", lambda count=8 + 8 * (seed % 2): count)
        nest = draw_table(seed)
        drafts = drafts_of(nest, may_refuse=True)
        if not drafts:
            continue
        used.update("lanes" for draft in drafts if "lanes_of" in draft.source)
        used.update("rooms" for draft in drafts if "lanes_put" in draft.source)
        shown = nest.text + "".join(draft.source for draft in drafts)
        order = ORDERS["reversed"]
        found = generated(nest, drafts, order, may_tell=True)
        assert interpreted(nest) == found, f"seed {seed}\n{shown}"
    assert used["lanes"] > used["rooms"] > 20, used


def test_drawn_tables_on_threads_keep_the_interpreters_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = 0
    for seed in range(600, 640):
        monkeypatch.setattr(staggered_text, "PART_OF_ROWS", 1 + 19 * (seed % 3))
        monkeypatch.setattr(jam, "lanes_at_once", lambda count=8 + 8 * (seed // 2 % 2): count)
        monkeypatch.setattr(progress, "ROWS_OF_TURN", 8 + 8 * (seed % 2))
        nest = draw_table(seed)
        drafts = drafts_of(nest, may_refuse=True)
        used += any("lanes_of" in each.source and "rows_done" in each.source for each in drafts)
        if drafts:
            shown = nest.text + "".join(draft.source for draft in drafts)
            found = generated(nest, drafts, None, may_tell=True)
            assert interpreted(nest) == found, f"seed {seed}\n{shown}"
    assert used > 10, used


def test_bands_of_few_times_keep_the_interpreters_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jam, "SLAB", 3)
    used = 0
    for seed in range(500, 530):
        nest = draw_table(seed) if seed % 2 else draw_nest(seed)
        drafts = drafts_of(nest, may_refuse=True)
        used += any("_front_end" in each.source for each in drafts)
        if drafts:
            shown = nest.text + "".join(draft.source for draft in drafts)
            found = generated(nest, drafts, ORDERS["reversed"], may_tell=True)
            assert interpreted(nest) == found, f"seed {seed}\n{shown}"
    assert used > 5, used


def test_drawn_nests_for_large_arrays_keep_the_interpreters_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_text, "ROW", 5)
    monkeypatch.setattr(stream_text, "LINES", 16)
    streaming = 0
    orders = itertools.cycle(ORDERS.values())
    for seed in range(7000, 7080):
        nest = draw_nest(seed)
        drafts = drafts_of(nest, is_large=True)
        streaming += any("stream_lines(" in draft.source for draft in drafts)
        shown = nest.text + "".join(draft.source for draft in drafts)
        assert interpreted(nest) == generated(nest, drafts, next(orders)), f"seed {seed}\n{shown}"
    assert streaming > 2


RECURRENCES = (
    "for i in range(1, n): for j in range(1, m): u[i, j] = 0.4 * (u[i - 1, j] + u[i, j - 1])",
    "for i in range(1, n): for j in range(1, m - 1): u[i, j] = 0.3 * (u[i - 1, j + 1] + u[i, j - 1])",
    "for i in range(1, n): for j in range(1, min(i, m)): u[i, j] = u[i - 1, j] - 0.5 * u[i, j - 1]",
    "for i in range(n - 2, 0, -1): for j in range(m - 2, 0, -1): u[i, j] = 0.2 * (u[i + 1, j] + u[i, j + 1] + u[i - 1, j])",
    "for i in range(2, n): for j in range(2, n - i): u[i, j % 9 + 2] = 0.5 * u[i - 2, j % 9 + 2] + u[i, 1]",
)


@pytest.mark.parametrize("part", [1, 3])
def test_rows_on_threads_keep_the_interpreters_bits(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staggered_text, "PART_OF_ROWS", part)
    monkeypatch.setattr(progress, "ROWS_OF_TURN", 2 * (4 - part))
    monkeypatch.setattr(jam, "ROWS", 2)
    used = 0
    for text, n, m in itertools.product(RECURRENCES, (4, 17, 26), (5, 18)):
        outer, inner, body = text.split(": ")
        lines = ("def nest(u, n, m):", f"    {outer}:", f"        {inner}:", f"            {body}")
        table = np.random.default_rng(n).random((n, max(m, 12)))
        nest = Nest(text="\n".join(lines) + "\n", arguments={"u": table, "n": n, "m": m})
        drafts = drafts_of(nest, may_refuse=True)
        used += any("rows_done" in each.source for each in drafts)
        if drafts:
            assert interpreted(nest) == generated(nest, drafts, None), f"{nest.text} {n} {m}"
    assert used >= 4 * 3 * 2, used


def test_rows_that_waited_for_nothing_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """\
def nest(u, n, m):
    for i in range(1, n):
        for j in range(1, m):
            u[i, j] = 0.5 * (u[i - 1, j] + u[i, j - 1])
"""
    table = np.random.default_rng(1).random((20, 30))
    nest = Nest(text=text, arguments={"u": table, "n": 20, "m": 30})
    monkeypatch.setattr(staggered_text, "PART_OF_ROWS", 1)
    monkeypatch.setattr(progress, "ROWS_OF_TURN", 1)
    drafts = drafts_of(nest)
    assert interpreted(nest) == generated(nest, drafts, None)
    assert interpreted(nest) == generated(nest, drafts, ORDERS["reversed"])
    monkeypatch.setattr(plain_staggering, "rows_before", lambda *_: DONE)
    monkeypatch.setattr(plain_staggering, "rows_done", lambda *_: time.sleep(1e-4))
    assert interpreted(nest) != generated(nest, drafts, None)
