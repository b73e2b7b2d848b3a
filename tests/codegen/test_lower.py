"""Lowering: loops that scan a schedule, with the user's names."""

from __future__ import annotations

from autopar.analysis.model.loop_ir import Expression, Name
from autopar.analysis.model.types import FLOAT
from autopar.codegen.dump import dump_program
from autopar.codegen.integers import difference, rename, simplify, text
from autopar.codegen.kernel import Loop, walk_nodes
from tests.codegen.builders import Region, array, expression, span


def triangle() -> Region:
    return Region(arrays={"a": array(2), "b": array(2)}).statement(
        "[i, j] : 0 <= i < n and 0 <= j < i", "b[i, j] = 0.5 * a[i, j]", line=3
    )


def body(text: str) -> str:
    return "\n".join(
        line for line in text.splitlines() if line.lstrip().startswith(("for", "par", "if", "S"))
    )


def test_triangle_keeps_the_users_loops():
    program = triangle().program(
        "[n] -> { S0[i, j] -> [0, i, 0, j, 0] }",
        [({}, "S0"), ({"S0": "i"}, "S0"), ({}, "S0"), ({"S0": "j"}, "S0"), ({}, "S0")],
        name="scale",
    )
    assert (
        dump_program(program)
        == """\
program scale of user.py
array a: float64[:,:], read
array b: float64[:,:], written
integer n = n
parallel for i in range(1, n):
    parallel for j in range(0, i):
        S0: b[i, j] = 0.5 * a[i, j]
"""
    )


def test_skewed_loop_gets_a_name_of_its_own():
    program = triangle().program(
        "[n] -> { S0[i, j] -> [i + j, j] }", [({"S0": "i"}, ""), ({"S0": "j"}, "S0")]
    )
    assert body(dump_program(program)) == (
        "for c0 in range(1, 2 * n - 2):\n"
        "    parallel for j in range(max(0, c0 - n + 1), (c0 + 1) // 2):\n"
        "        S0: b[c0 - j, j] = 0.5 * a[c0 - j, j]"
    )


def test_descending_loop_counts_upwards():
    region = Region(arrays={"a": array(1)}).statement("[i] : 0 <= i < n", "a[i] = a[i + 1]")
    program = region.program("[n] -> { S0[i] -> [-i] }", [({"S0": "i"}, "")])
    assert body(dump_program(program)) == "for c0 in range(1 - n, 1):\n    S0: a[-c0] = a[1 - c0]"


def test_iterator_that_clashes_with_a_scalar_is_renamed():
    region = Region(arrays={"a": array(1)}, scalars={"i": FLOAT})
    region.statement("[k] : 0 <= k < n", "a[k] = 1.0")
    program = region.program("[n] -> { S0[k] -> [k] }", [({"S0": "i"}, "S0")])
    (loop,) = program.body
    assert isinstance(loop, Loop)
    assert loop.iterator == "c0"


def test_strided_domain_becomes_a_step():
    region = Region(arrays={"a": array(1)})
    region.statement("[i] : 0 <= i < n and i mod 3 = 1", "a[i] = 1.0")
    program = region.program("[n] -> { S0[i] -> [i] }", [({"S0": "i"}, "S0")])
    assert body(dump_program(program)) == ("parallel for i in range(1, n, 3):\n    S0: a[i] = 1.0")


def test_degenerate_loop_vanishes():
    region = Region(arrays={"a": array(2)})
    region.statement("[i, j] : 0 <= i < n and j = i + 1", "a[i, j] = 1.0")
    program = region.program(
        "[n] -> { S0[i, j] -> [i, j] }", [({"S0": "i"}, "S0"), ({"S0": "j"}, "S0")]
    )
    assert (
        body(dump_program(program)) == "parallel for i in range(0, n):\n    S0: a[i, i + 1] = 1.0"
    )


def test_loop_is_parallel_only_if_coincident_for_all_its_statements():
    region = Region(arrays={"a": array(1), "b": array(1)})
    region.statement("[i] : 0 <= i < n", "a[i] = 1.0").statement("[i] : 0 <= i < n", "b[i] = 2.0")
    program = region.program(
        "[n] -> { S0[i] -> [i, 0]; S1[i] -> [i, 1] }",
        [({"S0": "i", "S1": "i"}, "S0"), ({}, "S0 S1")],
    )
    (loop,) = program.body
    assert isinstance(loop, Loop)
    assert not loop.is_parallel


def test_distributed_statements_become_two_loops():
    region = Region(arrays={"a": array(1), "b": array(1)})
    region.statement("[i] : 0 <= i < n", "a[i] = 1.0").statement("[i] : 2 <= i < n", "b[i] = a[i]")
    program = region.program(
        "[n] -> { S0[i] -> [0, i]; S1[i] -> [1, i] }",
        [({}, "S0 S1"), ({"S0": "i", "S1": "i"}, "S0 S1")],
    )
    assert body(dump_program(program)) == (
        "parallel for i in range(0, n):\n    S0: a[i] = 1.0\n"
        "parallel for i in range(2, n):\n    S1: b[i] = a[i]"
    )


def test_guard_of_a_statement_becomes_a_branch():
    region = Region(arrays={"a": array(1)}, integers=("n", "k"))
    region.statement("[] : k > 3 or n > 5", "a[0] = 1.0")
    program = region.program("[n, k] -> { S0[] -> [0] }", [({}, "S0")])
    assert body(dump_program(program)) == (
        "if n >= 6:\n    S0: a[0] = 1.0\nif not n >= 6:\n    if k >= 4:\n        S0: a[0] = 1.0"
    )


def test_loop_keeps_the_span_of_the_users_loop():
    program = triangle().program(
        "[n] -> { S0[i, j] -> [j, i] }", [({"S0": "j"}, "S0"), ({"S0": "i"}, "S0")]
    )
    loops = [node for node in walk_nodes(program.body) if isinstance(node, Loop)]
    assert [("j", 11), ("i", 10)] == [(loop.iterator, loop.span.line) for loop in loops]


def test_every_instance_is_visited_once_in_schedule_order():
    program = triangle().program(
        "[n] -> { S0[i, j] -> [i + j, j] }", [({"S0": "i"}, ""), ({"S0": "j"}, "S0")]
    )
    visited = list(instances(program, n=7))
    wanted = sorted(((i, j) for i in range(7) for j in range(i)), key=lambda p: (p[0] + p[1], p[1]))
    assert wanted == visited


def instances(program, **integers):
    """Yield the loop variables of each statement instance, by interpreting the tree."""

    def run(nodes, values):
        for node in nodes:
            match node:
                case Loop():
                    low, high = number(node.lower, values), number(node.upper, values)
                    for value in range(low, high, node.step):
                        yield from run(node.body, {**values, node.iterator: value})
                case _:
                    yield tuple(number(each, values) for _, each in node.iterators)

    return run(program.body, integers)


def number(node: Expression, values: dict[str, int]) -> int:
    return int(eval(text(node, {}), {"min": min, "max": max, **values}))


def test_difference_of_bounds_is_found_behind_brackets():
    assert 1 == difference(expression("2 * (n - 1) + 3"), expression("n + n"))


def test_difference_of_unrelated_bounds_is_unknown():
    assert difference(expression("n"), expression("m")) is None


def test_simplified_expression_puts_positive_terms_first():
    assert "n - i + 2" == text(simplify(expression("-i + n + 5 - 3"), span()), {})


def test_nonlinear_terms_are_gathered_too():
    gathered = simplify(expression("min(n, k) + n // 2 + min(n, k) - 1"), span())
    assert "2 * min(n, k) + n // 2 - 1" == text(gathered, {})


def test_lone_negative_constant_keeps_its_sign():
    assert "-3" == text(simplify(expression("n - 3 - n"), span()), {})


def test_names_are_renamed_all_at_once():
    here = expression("i - j").span
    swapped = rename(
        expression("i - j"), {"i": Name(name="j", span=here), "j": Name(name="i", span=here)}
    )
    assert "j - i" == text(swapped, {})
