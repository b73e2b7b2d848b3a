"""Conditions as a person writes them have the value that they had."""

from __future__ import annotations

from itertools import product

import pytest

from autopar.analysis.model.loop_ir import Assign, Expression
from autopar.analysis.model.text import python_text
from autopar.analysis.passes.readable import negated, readable
from tests.analysis.reading import function

NAMES = ("n", "k")
POINTS = [dict(zip(NAMES, each, strict=True)) for each in product(range(-3, 4), repeat=2)]


def expression(words: str) -> Expression:
    (statement,) = function(f"def f(n, k):\n    x = {words}\n").body
    assert isinstance(statement, Assign)
    return statement.value


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("n + k <= 0", "k <= -n"),
        ("n * 2 >= k + 1", "k < 2 * n"),
        ("2 * n >= k + 1", "k < 2 * n"),
        ("n * k > 2", "n * k > 2"),
        ("3 * (n - 1) == k", "k == 3 * n - 3"),
    ],
)
def test_a_condition_reads_as_a_person_would_write_it(words: str, text: str) -> None:
    found = python_text(readable(expression(words), NAMES))
    assert text == found
    assert all(eval(words, dict(point)) == eval(found, dict(point)) for point in POINTS)


@pytest.mark.parametrize("words", ["n - k", "n * 2", "2 * n + 1", "n * k", "-(n + 1) * 3"])
def test_a_negated_value_is_minus_the_value(words: str) -> None:
    found = python_text(negated(expression(words)))
    assert all(-eval(words, dict(point)) == eval(found, dict(point)) for point in POINTS)
