"""What passes between the statements of one iteration stays in one loop."""

from __future__ import annotations

import random

import numpy as np
import pytest

from autopar.analysis.model import isl, isl_ast
from autopar.analysis.model.ast_nodes import AstFor, AstIf, AstInstance, AstNode
from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.text import python_text
from autopar.guard import evaluated
from tests.codegen.builders import span
from tests.fuzz.modes import forced
from tests.sameness import same

SCHEDULE = isl.UnionMap.parse(
    "[n] -> { S0[i, j] -> [i, 0, j] : i = 0 < n and 0 <= j < 2;"
    " S1[i, j] -> [i, 0, j] : 0 < i < n and 0 <= j < i; S2[i] -> [i, 1, 0] : 0 <= i < n;"
    " S3[i] -> [i, 2, 0] : i = n - 1 and n > 0 }"
)


def _within(nodes: tuple[AstNode, ...]) -> tuple[AstNode, ...]:
    """Return nodes without a test that stands around all of them."""
    return nodes[0].body if len(nodes) == 1 and isinstance(nodes[0], AstIf) else nodes


def run(nodes: tuple[AstNode, ...], known: dict[str, int]) -> list[tuple[str, tuple[int, ...]]]:
    """Return the instances that loops visit, in their order."""
    found: list[tuple[str, tuple[int, ...]]] = []

    def value(node: Expression) -> int:
        return int(evaluated(python_text(node), known))

    for node in nodes:
        match node:
            case AstFor():
                for number in range(value(node.lower), value(node.upper), node.step):
                    found += run(node.body, known | {node.iterator: number})
            case AstIf():
                found += run(node.body if value(node.test) else node.orelse, known)
            case AstInstance():
                found.append((node.statement, tuple(map(value, node.arguments))))
    return found


@pytest.mark.parametrize("whole", [(), (0,), (0, 2)])
def test_every_instance_keeps_its_turn(whole):
    nodes = isl_ast.scan(SCHEDULE, isl.Set.parse("[n] -> { : }"), span(1), (), whole)
    for n in range(5):
        expected = [
            turn
            for i in range(n)
            for turn in (
                [("S0", (0, j)) for j in range(2) if i == 0]
                + [("S1", (i, j)) for j in range(i) if i]
                + [("S2", (i,))]
                + [("S3", (i,)) for _ in range(i == n - 1)]
            )
        ]
        assert expected == run(nodes, {"n": n})


def test_one_loop_has_all_of_an_iteration():
    nodes = isl_ast.scan(SCHEDULE, isl.Set.parse("[n] -> { : }"), span(1), (), (0,))
    assert (AstFor,) == tuple(map(type, _within(nodes)))
    apart = isl_ast.scan(SCHEDULE, isl.Set.parse("[n] -> { : }"), span(1))
    assert len(_within(apart)) > 1, "isl takes the first iteration out where nobody minds"


def first_differs(a, b, n):
    for i in range(n):
        if i == 0:
            left = a[n - 1]
        else:
            left = a[i - 1]
        b[i] = a[i] - left


def last_differs(a, b, n):
    for i in range(n):
        right = a[i + 1] if i < n - 1 else a[0]
        b[i] = a[i] - right
        if i == n - 1:
            right += 1.0
            b[i] += right


def inner_first_differs(a, b, n):
    for i in range(n):
        for j in range(n):
            if j == 0:
                left = a[i]
            else:
                left = a[j - 1]
            b[j] = max(b[j], a[i] - left)


@pytest.mark.parametrize("function", [first_differs, last_differs, inner_first_differs])
def test_values_of_one_iteration_do_not_get_lost(function):
    def arguments():
        return np.arange(9.0) ** 2 % 7, np.zeros(9), 9

    with forced("hostile", random.Random(1), reads=True):
        same(function, arguments, ran="cpu")
