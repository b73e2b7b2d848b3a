"""Loops in another order than the source's: no dependence goes backward, every bit is the interpreter's."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopar.analysis.model import isl
from autopar.analysis.model.isl_order import carried_dimensions
from autopar.codegen import jam, stream_text
from autopar.codegen.dump import dump_program
from tests.adversary import ORDERS
from tests.ordered_nests import drafts_of, draw_nest, draw_table, generated, interpreted

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


def test_drawn_tables_keep_the_interpreters_bits() -> None:
    used: Counter[str] = Counter()
    for seed in range(120):
        nest = draw_table(seed)
        drafts = drafts_of(nest, may_refuse=True)
        if not drafts:
            continue
        used.update("lanes" for draft in drafts if "lanes_of" in draft.source)
        shown = nest.text + "".join(draft.source for draft in drafts)
        order = ORDERS["reversed"]
        found = generated(nest, drafts, order, may_tell=True)
        assert interpreted(nest) == found, f"seed {seed}\n{shown}"
    assert used["lanes"] > 30, used


def test_drawn_nests_for_large_arrays_keep_the_interpreters_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_text, "ROW", 5)
    streaming = 0
    orders = itertools.cycle(ORDERS.values())
    for seed in range(7000, 7080):
        nest = draw_nest(seed)
        drafts = drafts_of(nest, is_large=True)
        streaming += any("stream(" in draft.source for draft in drafts)
        shown = nest.text + "".join(draft.source for draft in drafts)
        assert interpreted(nest) == generated(nest, drafts, next(orders)), f"seed {seed}\n{shown}"
    assert streaming > 2
