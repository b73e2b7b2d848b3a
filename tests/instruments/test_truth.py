"""The exact answer on loops of which it is known by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.adversary import Claim, first_difference
from tests.comparison import observe
from tests.effort import share
from tests.exactness import of_program
from tests.oracle import Loop, loops_of, record
from tests.second_generator.draw import draw_program
from tests.truth import Truth, truth


def outermost(body: str, *, before: str = "", after: str = "") -> Truth:
    """Return the truth of the first loop of `body`, run with vectors of 30 and a matrix of 30 x 30."""
    lines = ["def f(a, b, u, idx, n, s):", *_inside(before), *_inside(body), *_inside(after)]
    source = "\n".join(lines) + "\n"
    mixed = np.random.default_rng(3).permutation(30).astype(float)
    index = np.array([3, 1, 3, 0, 2, 1, *range(24)])
    run = record(source, [mixed.copy(), mixed[::-1].copy(), np.outer(mixed, mixed), index, 6, 0.0])
    assert run.exception is None, run.exception
    return truth(run, loops_of(source)[0])


def _inside(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def kind(body: str, **options: str) -> str:
    return outermost(body, **options).kind


EACH = "for i in range(n):\n    "


@pytest.mark.parametrize(
    "update",
    [
        "s += b[i]",
        "s = s - b[i] + 1.0",
        "s = b[i] + s",
        "s = b[i] * s * 2.0",
        "s = max(s, b[i])",
        "s = min(b[i], s, 3.0)",
        "s = np.maximum(s, b[i])",
        "if b[i] > s: s = b[i]",
        "if s < b[i]: s = b[i]",
        "if i % 2 == 0 and b[i] >= s: s = b[i]",
        "s = b[i] if b[i] > s else s",
        "s = s if b[i] < s else b[i]",
        "s = s + b[i] if b[i] > 4.0 else s",
        "s = s or b[i] > 3.0",
        "if b[i] > 1.0: s += 1",
        "a[2] += b[i]",
        "a[i // 3] += b[i]",
        "a[idx[i]] -= b[i]",
        "a[idx[i]] = max(a[idx[i]], b[i])",
        "if b[i] > a[1]: a[1] = b[i]",
        "a[0 * i] = a[i - i] - b[i]",
    ],
)
def test_an_associative_update_of_one_cell_is_a_reduction(update: str) -> None:
    assert "reduction" == kind(EACH + update, after="return s")


@pytest.mark.parametrize(
    "update",
    [
        "s = b[i] - s",
        "s = s / b[i]",
        "s = 0.5 * s + b[i]",
        "s += s * b[i]",
        "s += b[i]; a[i] = s",
        "s = max(s, b[i]) + 1.0",
        "if s < 300.0: s += b[i]",
        "if b[i] > s: s = b[i + 1]",
        "s += b[i]; s *= 2.0",
        "a[i + 1] += a[i]",
        "a[2] += a[i]",
        "a[i + 1] = a[i] + b[i]",
        "a[2] = a[i] + b[i]; a[i] = a[2] + 1.0",
    ],
)
def test_another_update_is_sequential(update: str) -> None:
    assert "sequential" == kind(EACH + update, after="return s")


def test_the_index_of_an_extreme_is_captured_beside_it() -> None:
    body = EACH + "if b[i] < s:\n        s = b[i]\n        k = i"
    found = outermost(body, before="k = -1; s = 99.0", after="return s, k")
    assert ("reduction", {"s"}, {"k"}) == (found.kind, set(found.reduced), set(found.private))
    assert "reduction" == kind(
        EACH + "if b[i] > s: s, k = b[i], i", before="k = -1", after="return s, k"
    )


@pytest.mark.parametrize(
    "body",
    [
        "if b[i] > s:\n        s = b[i]\n        a[i] = 1.0",  # only the records leave a mark
        "k = -1\n    if b[i] > s:\n        s = b[i]\n        k = i\n    a[i] = k",
        "if b[i] > s:\n        s = b[i]\n    elif b[i] < k:\n        k = b[i]",  # the first is never the least
    ],
)
def test_what_depends_on_the_extreme_so_far_is_sequential(body: str) -> None:
    assert "sequential" == kind(EACH + body, before="k = 1e9", after="return s, k")


def test_a_flag_and_a_last_value_under_a_condition_are_private() -> None:
    found = outermost(EACH + "if b[i] > 20.0: s = True", after="return s")
    assert ("parallel", {"s"}) == (found.kind, set(found.private))


def test_overwriting_is_a_matter_of_storage() -> None:
    for body in ("a[2] = b[i]", "a[i] = a[i + 1]", "a[i // 2] = b[i]", "b[i] = a[3]; a[3] = 1.0"):
        expected = "storage" if "b[i] = a" not in body else "sequential"
        assert expected == kind(EACH + body), body
    assert {"a"} == outermost(EACH + "a[i] = a[i + 1]").renamed


def test_a_row_buffer_is_private() -> None:
    fill = "for j in range(n):\n        a[j] = u[i, j]\n    "
    found = outermost(EACH + fill + "for j in range(n):\n        u[i, j] = a[n - 1 - j]")
    assert ("parallel", {"a"}) == (found.kind, set(found.buffers))


def test_a_buffer_of_which_the_last_iteration_leaves_a_part_is_a_matter_of_storage() -> None:
    fill = "for j in range(n - i):\n        a[j] = u[i, j]\n    "
    found = outermost(EACH + fill + "for j in range(n - i):\n        u[i, j] = a[j] + 1.0")
    assert ("storage", {"a"}) == (found.kind, set(found.renamed))


def test_an_inner_loop_is_judged_within_each_execution() -> None:
    body = "for t in range(3):\n    for i in range(n):\n        a[i] = 0.5 * a[i] + b[i]"
    source = "\n".join(["def f(a, b, n):", *_inside(body)]) + "\n"
    run = record(source, [np.ones(9), np.ones(9), 6])
    assert ["sequential", "parallel"] == [
        truth(run, loop).kind for loop in (Loop(2, 4), Loop(3, 8))
    ]


@pytest.mark.parametrize("kind", ["parallel", "reduction"])
def test_any_order_of_iterations_leaves_the_same(kind: str) -> None:
    tried = 0
    for seed in range(share(90 if kind == "parallel" else 600)):
        drawn = of_program(draw_program(seed, is_affine=seed % 3 == 0))
        dtype = drawn.program.dtype if drawn.program else ""
        for loop, seen in observe(drawn.source, drawn.calls).items():
            for each in seen[::3]:
                found = each.truth
                # Sums of floats depend on their order, and the place of an extreme goes with its value.
                # So do floats that are cut off as an array of integers takes them.
                is_whole = dtype.startswith("int") and re.search(r"\d\.\d|/", drawn.source) is None
                is_sure = kind == "parallel" or (is_whole and not found.private)
                if found.kind == kind and is_sure:
                    private = tuple(found.private | found.buffers)
                    claim = Claim(line=loop.line, column=loop.column, private=private)
                    with np.errstate(all="ignore"):
                        order = first_difference(drawn.source, each.call.arguments, claim)
                    assert order is None, (order, drawn.source, each.call.point)
                    tried += 1
    assert tried > share(10), tried
