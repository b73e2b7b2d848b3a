"""Integer expressions as coefficients: the same values, whatever is gathered, put in or printed."""

from __future__ import annotations

import random
from itertools import product

import pytest

from autopar.analysis.model.loop_ir import Assign, Expression, Name
from autopar.codegen.integers import NOWHERE, difference, linear, rename, simplify, text
from tests.analysis.reading import function

NAMES = {"i": "i", "n": "n"}
POINTS = tuple(product((-3, 0, 4), (-2, 1, 5)))


def expression(words: str) -> Expression:
    (statement,) = function(f"def f(i, n):\n    x = {words}\n").body
    assert isinstance(statement, Assign)
    # As lowering has them: names are alike wherever they stand.
    return rename(statement.value, {name: Name(name=name, span=NOWHERE) for name in NAMES})


def drawn(chance: random.Random, depth: int) -> str:
    """Return a sum, difference, product or negative of names and numbers."""
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(["i", "n", "0", "1", "2", "7"])
    left, right = drawn(chance, depth - 1), drawn(chance, depth - 1)
    return chance.choice(
        [f"-({left})", f"({left} + {right})", f"({left} - {right})", f"({left} * {right})"]
    )


@pytest.mark.parametrize("seed", range(40))
def test_all_forms_of_an_expression_have_its_values(seed: int) -> None:
    chance = random.Random(seed)
    words, other = drawn(chance, 4), drawn(chance, 3)
    node, second = expression(words), expression(other)
    terms, constant = linear(node)
    apart = difference(node, second)
    put = rename(node, {"i": second})
    for i, n in POINTS:
        known = {"i": i, "n": n}
        expected, inner = eval(words, dict(known)), eval(other, dict(known))
        gathered = sum(
            number * eval(text(term, NAMES), dict(known)) for term, number in terms.items()
        )
        assert expected == gathered + constant, words
        assert expected == eval(text(node, NAMES), dict(known)), words
        assert expected == eval(text(simplify(node, NOWHERE), NAMES), dict(known)), words
        assert apart is None or apart == expected - inner, (words, other)
        assert eval(words, {"i": inner, "n": n}) == eval(text(put, NAMES), dict(known)), (
            words,
            other,
        )


def test_like_terms_are_gathered_and_those_that_vanish_are_none() -> None:
    assert ({}, 0) == linear(expression("i - i"))
    assert ({}, -6) == linear(expression("-(2 * 3)"))
    ((term, number),), constant = (
        (form := linear(expression("-(2 * i - 3) + 5 * i")))[0].items(),
        form[1],
    )
    assert isinstance(term, Name)
    assert ("i", 3, 3) == (term.name, number, constant)
    assert -2 == difference(expression("i + n - 3"), expression("n - 1 + i"))
    assert difference(expression("2 * i"), expression("i")) is None
