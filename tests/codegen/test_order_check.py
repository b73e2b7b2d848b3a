"""What is done to loop trees after the schedule keeps every dependence, and a check would see if not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

import autopar.variants
from autopar.codegen import in_scalars, jam, sunk
from autopar.codegen.kernel import Program
from autopar.codegen.order_check import OrderCheck, check_order
from tests.codegen import test_register_tiles as tiles
from tests.ordered_nests import Nest, drafts_of, draw_nest, nest_of

Transforms = list[tuple[Program, Program]]


def recurrence(u, n, m):
    for i in range(1, n):
        for j in range(1, m):
            u[i, j] = 0.5 * (u[i - 1, j] + u[i, j - 1])


def steep(u, n, m):
    for i in range(1, n):
        for j in range(1, m - 1):
            u[i, j] = 0.5 * (u[i - 1, j + 1] + u[i, j - 1])


def longest(x, y, u, n, m):
    for i in range(1, n):
        for j in range(1, m):
            if x[i] == y[j]:
                u[i, j] = u[i - 1, j - 1] + 1
            else:
                u[i, j] = max(u[i - 1, j], u[i, j - 1])


def nest(function: Callable[..., object]) -> Nest:
    a, b, c, n, m = tiles.arguments()
    if function is longest:
        table = (10 * a).astype("int64")
        return nest_of(function, table[0].copy(), table[1].copy(), table, 9, 7)
    return (
        nest_of(function, a, n, m) if function in RECURRENCES else nest_of(function, a, b, c, n, m)
    )


RECURRENCES = [recurrence, steep, longest]


@pytest.fixture
def transforms(monkeypatch: pytest.MonkeyPatch) -> Transforms:
    """Trees before and after each transform, as they are made."""
    made: Transforms = []

    def note(before: Program, after: Program) -> Program:
        if before != after and (before, after) not in made:
            made.append((before, after))
        return after

    for module in (autopar.variants, in_scalars):
        monkeypatch.setattr(module, "in_kept_order", note)
    return made


@pytest.mark.parametrize(
    "function",
    [*RECURRENCES, *tiles.TILED, tiles.two_ways],
    ids=lambda each: each.__name__,
)
def test_a_transform_keeps_all_dependences(function, transforms):
    drafts_of(nest(function))
    assert transforms
    for before, after in transforms:
        assert OrderCheck(kept=True) == check_order(before, after)


def test_transforms_of_drawn_nests_keep_all_dependences(transforms):
    for seed in range(40, 80):
        drafts_of(draw_nest(seed))
    found = [check_order(*each) for each in transforms]
    assert all(found), found
    assert sum(each.kept is True for each in found) > 3, found


# ------------------------------------------------------------------- faults


def rows_are_not_behind_each_other(monkeypatch):
    time = jam._Band._time
    monkeypatch.setattr(
        jam._Band, "_time", lambda self, row, column: time(self, self._number(0), column)
    )


def rows_are_a_column_too_near(monkeypatch):
    band = jam._Band
    monkeypatch.setattr(
        jam, "_Band", lambda **given: band(**given | {"outer": replace(given["outer"], skew=1)})
    )


def the_last_rows_are_forgotten(monkeypatch):
    body = jam._Band.body
    monkeypatch.setattr(jam._Band, "body", lambda self: body(self)[:2])


def only_the_first_statement_stays(monkeypatch):
    parts = sunk._parts
    monkeypatch.setattr(sunk, "_parts", lambda *given: [*parts(*given)][:1])


FAULTS = [
    (rows_are_not_behind_each_other, recurrence),
    (rows_are_a_column_too_near, steep),
    (the_last_rows_are_forgotten, recurrence),
    (only_the_first_statement_stays, tiles.two_ways),
    *((fault, tiles.product) for fault in tiles.TILE_FAULTS),
]


@pytest.mark.parametrize(("fault", "function"), FAULTS, ids=lambda each: each.__name__)
def test_a_fault_is_seen(fault, function, monkeypatch, transforms):
    fault(monkeypatch)
    drafts_of(nest(function))
    found = [check_order(*each).kept for each in transforms]
    assert False in found, found


def test_a_fault_is_an_error_in_debug_mode(monkeypatch, caplog):
    tiles.terms_go_backward(monkeypatch)
    drafts_of(nest(tiles.product))
    with caplog.at_level(logging.DEBUG, "autopar.codegen.order_check"):
        with pytest.raises(AssertionError, match="S1 before S1 on c"):
            drafts_of(nest(tiles.product))
        monkeypatch.undo()
        assert drafts_of(nest(tiles.product))
