"""The oracle on loops whose dependences are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracle import (
    Conflict,
    Flow,
    Loop,
    conflicts,
    flows,
    is_parallel,
    is_reduction,
    loops_of,
    private_scalars,
    record,
    reduced_variables,
    verdict,
)

OUTER = Loop(2, 4)
INNER = Loop(3, 8)


def program(*lines: str) -> str:
    return "\n".join(lines) + "\n"


RECURRENCE = program(
    "def f(a, n):",
    "    for i in range(1, n):",
    "        a[i] = a[i - 1] + 1.0",
)
SHIFT = program(
    "def f(a, n, k):",
    "    for i in range(n):",
    "        a[i + k] = a[i]",
)
STENCIL = program(
    "def f(u, v, n):",
    "    for i in range(1, n):",
    "        for j in range(1, n):",
    "            v[i, j] = u[i - 1, j] + u[i, j + 1]",
)
WAVEFRONT = program(
    "def f(u, n):",
    "    for i in range(1, n):",
    "        for j in range(1, n):",
    "            u[i, j] = u[i - 1, j] + u[i, j - 1]",
)
SUM = program(
    "def f(a, n):",
    "    for i in range(n):",
    "        s += a[i]",
).replace("(a, n)", "(a, n, s)")
TEMPORARY = program(
    "def f(a, b, n):",
    "    for i in range(n):",
    "        t = b[i] * 2.0",
    "        a[i] = t",
)


def test_events_name_array_resolved_cell_line_and_iteration() -> None:
    run = record(RECURRENCE, [np.zeros(3), 3])
    seen = [(e.kind, e.variable, e.index, e.line, e.column, e.steps[0].number) for e in run.events]
    expected = [
        ("read", "a", (0,), 3, 15, 0),
        ("write", "a", (1,), 3, 8, 0),
        ("read", "a", (1,), 3, 15, 1),
        ("write", "a", (2,), 3, 8, 1),
    ]
    assert expected == seen


def test_recurrence_carries_one_flow_with_distance_one() -> None:
    run = record(RECURRENCE, [np.zeros(5), 5])
    flow = Flow(variable="a", source_line=3, sink_line=3, distance=(1,), value_distance=(1,))
    assert frozenset({flow}) == flows(run, OUTER)
    conflict = Conflict(kind="flow", variable="a", source_line=3, sink_line=3, sink_variable="a")
    assert frozenset({conflict}) == conflicts(run, OUTER)
    assert verdict(run, OUTER) == "sequential"


@pytest.mark.parametrize(
    ("k", "kinds"), [(0, set()), (1, {"flow"}), (4, {"flow"}), (5, set()), (-5, set())]
)
def test_shift_is_parallel_exactly_when_k_is_zero_or_beyond_the_range(
    k: int, kinds: set[str]
) -> None:
    run = record(SHIFT, [np.arange(20.0), 5, k])
    assert kinds == {conflict.kind for conflict in conflicts(run, OUTER)}
    assert (not kinds) == is_parallel(run, OUTER)


def test_reading_ahead_is_an_anti_dependence() -> None:
    source = SHIFT.replace("a[i + k] = a[i]", "a[i] = a[i + k]")
    run = record(source, [np.arange(20.0), 5, 2])
    assert {"anti"} == {conflict.kind for conflict in conflicts(run, OUTER)}
    assert frozenset() == flows(run, OUTER)
    assert not is_parallel(run, OUTER)


def test_a_negative_subscript_is_resolved_to_the_cell_it_wraps_to() -> None:
    source = RECURRENCE.replace("range(1, n)", "range(n)")
    run = record(source, [np.arange(4.0), 4])
    assert (3,) == run.events[0].index
    # iteration 0 reads the last cell before iteration 3 writes it
    assert {"flow", "anti"} == {conflict.kind for conflict in conflicts(run, OUTER)}


def test_stencil_into_another_array_is_parallel_in_both_loops() -> None:
    run = record(STENCIL, [np.ones((6, 6)), np.zeros((6, 6)), 5])
    assert (OUTER, INNER) == loops_of(STENCIL)
    assert is_parallel(run, OUTER)
    assert is_parallel(run, INNER)


def test_the_same_stencil_on_one_array_twice_is_sequential() -> None:
    u = np.ones((6, 6))
    run = record(STENCIL, [u, u, 5])
    assert not is_parallel(run, OUTER)
    assert {("v", "u"), ("u", "v")} == {
        (c.variable, c.sink_variable) for c in conflicts(run, OUTER) | conflicts(run, INNER)
    }


def test_distance_vectors_of_a_wavefront_are_unit_vectors() -> None:
    run = record(WAVEFRONT, [np.ones((5, 5)), 5])
    assert {(1, 0)} == {flow.distance for flow in flows(run, OUTER)}
    assert {(0, 1)} == {flow.distance for flow in flows(run, INNER)}


def test_distances_in_a_triangle_differ_in_iterations_and_in_values() -> None:
    source = WAVEFRONT.replace("range(1, n):\n            u", "range(i, n):\n            u")
    run = record(source, [np.ones((5, 5)), 5])
    carried = flows(run, OUTER)
    assert {(1, -1)} == {flow.distance for flow in carried}
    assert {(1, 0)} == {flow.value_distance for flow in carried}


def test_distance_counts_iterations_where_the_range_runs_down() -> None:
    source = program(
        "def f(a, n):",
        "    for i in range(n - 1, -1, -2):",
        "        a[i] = a[i + 2]",
    )
    run = record(source, [np.zeros(12), 9])
    assert {((1,), (-2,))} == {(f.distance, f.value_distance) for f in flows(run, OUTER)}


def test_overlapping_views_share_cells() -> None:
    source = program("def f(a, b, n):", "    for i in range(n):", "        a[i] = b[i]")
    base = np.arange(10.0)
    assert is_parallel(record(source, [base, base[:], 9]), OUTER)
    assert not is_parallel(record(source, [base[1:], base, 9]), OUTER)
    assert is_parallel(record(source, [base[::2], base[1::2], 5]), OUTER)
    assert not is_parallel(record(source, [base, base[::-1], 10]), OUTER)


def test_views_of_another_item_size_share_bytes() -> None:
    source = program("def f(a, b, n):", "    for i in range(n):", "        a[i] = b[2 * i + 2]")
    base = np.arange(10.0)
    halves = base.view(np.float32)
    assert not is_parallel(record(source, [base, halves, 5]), OUTER)
    assert is_parallel(record(source, [base, halves[8:], 4]), OUTER)


def test_a_scalar_written_first_in_every_iteration_is_private() -> None:
    run = record(TEMPORARY, [np.zeros(4), np.ones(4), 4])
    assert {"anti", "output", "flow"} >= {c.kind for c in conflicts(run, OUTER)} >= {"output"}
    assert frozenset({"t"}) == private_scalars(run, OUTER)
    assert is_parallel(run, OUTER)


def test_a_scalar_read_before_it_is_written_is_not_private() -> None:
    source = program(
        "def f(a, b, n):",
        "    t = 0.0",
        "    for i in range(n):",
        "        a[i] = t",
        "        t = b[i]",
    )
    run = record(source, [np.zeros(4), np.ones(4), 4])
    assert frozenset() == private_scalars(run, Loop(3, 4))
    assert verdict(run, Loop(3, 4)) == "sequential"
    assert {(1,)} == {flow.distance for flow in flows(run, Loop(3, 4))}


def test_a_read_of_the_value_from_before_the_loop_asks_for_a_private_copy_of_it() -> None:
    source = program(
        "def f(a, b, n):",
        "    t = 0.0",
        "    for i in range(n):",
        "        if i < 1:",
        "            a[i] = t",
        "        else:",
        "            t = b[i]",
        "            a[i] = t",
    )
    run = record(source, [np.zeros(4), np.ones(4), 4])
    assert frozenset() == flows(run, Loop(3, 4))
    assert not is_parallel(run, Loop(3, 4))
    assert is_parallel(run, Loop(3, 4), private={"t"})


@pytest.mark.parametrize(
    "update", ["s += a[i]", "s = s + a[i]", "s *= a[i]", "s = a[i] * s", "s -= a[i]"]
)
def test_an_associative_update_is_a_reduction(update: str) -> None:
    run = record(SUM.replace("s += a[i]", update), [np.ones(4), 4, 1.0])
    assert verdict(run, OUTER) == "reduction"
    assert frozenset({"s"}) == reduced_variables(run, OUTER)


@pytest.mark.parametrize("update", ["s = a[i] - s", "s += a[i] * s", "s = s / a[i]"])
def test_another_update_is_not_a_reduction(update: str) -> None:
    run = record(SUM.replace("s += a[i]", update), [np.ones(4), 4, 1.0])
    assert verdict(run, OUTER) == "sequential"


def test_a_sum_that_another_statement_reads_is_not_a_reduction() -> None:
    run = record(SUM + "        a[i] = s\n", [np.ones(4), 4, 1.0])
    assert not is_reduction(run, OUTER)


def test_a_sum_that_a_condition_reads_is_not_a_reduction() -> None:
    run = record(SUM.replace("s += a[i]", "if s < 9.0: s += a[i]"), [np.ones(4), 4, 1.0])
    assert not is_reduction(run, OUTER)


def test_an_element_update_is_a_reduction_only_in_the_loop_that_repeats_the_element() -> None:
    source = program(
        "def f(c, a, n):",
        "    for i in range(n):",
        "        for j in range(n):",
        "            c[i] += a[i, j]",
    )
    run = record(source, [np.zeros(4), np.ones((4, 4)), 4])
    assert verdict(run, OUTER) == "parallel"
    assert verdict(run, INNER) == "reduction"
    assert frozenset({"c"}) == reduced_variables(run, INNER)


def test_a_histogram_is_a_reduction_and_its_index_array_is_only_read() -> None:
    source = program("def f(h, x, n):", "    for i in range(n):", "        h[x[i]] += 1")
    run = record(source, [np.zeros(3), np.array([0, 2, 0, 1]), 4])
    assert verdict(run, OUTER) == "reduction"
    run = record(source, [np.zeros(4), np.array([3, 2, 0, 1]), 4])
    assert verdict(run, OUTER) == "parallel"


def test_outer_iterations_are_held_fixed() -> None:
    source = program(
        "def f(a, n):",
        "    for t in range(3):",
        "        for i in range(n):",
        "            a[i] = a[i] + 1.0",
    )
    run = record(source, [np.zeros(4), 4])
    assert not is_parallel(run, OUTER)
    assert is_parallel(run, INNER)


def test_a_name_swap_is_carried_by_the_time_loop_only() -> None:
    source = program(
        "def f(u, v, n):",
        "    for t in range(3):",
        "        for i in range(n):",
        "            v[i] = u[i] + 1.0",
        "        u, v = v, u",
        "    return u",
    )
    run = record(source, [np.zeros(4), np.zeros(4), 4])
    assert not is_parallel(run, OUTER)
    assert is_parallel(run, INNER)
    assert [3.0] * 4 == list(np.asarray(run.returned))


def test_a_row_buffer_is_parallel_once_private() -> None:
    source = program(
        "def f(a, t, n):",
        "    for i in range(n):",
        "        t[0] = a[i]",
        "        a[i] = t[0] + 1.0",
    )
    run = record(source, [np.zeros(4), np.zeros(1), 4])
    assert not is_parallel(run, OUTER)
    assert is_parallel(run, OUTER, private={"t"})


def test_an_array_allocated_in_the_loop_shares_nothing() -> None:
    source = program(
        "def f(a, n):",
        "    for i in range(n):",
        "        t = np.empty(1)",
        "        t[0] = a[i]",
        "        a[i] = t[0] + 1.0",
    )
    run = record(source, [np.zeros(4), 4])
    assert is_parallel(run, OUTER)
    assert 7 * 4 == len(run.events)  # store t, twice load t, and four elements


def test_an_inner_loop_variable_read_after_its_loop_counts_as_a_scalar() -> None:
    source = program(
        "def f(a, n):",
        "    j = 0",
        "    for i in range(n):",
        "        a[i] = j",
        "        for j in range(i):",
        "            a[j] = a[j]",
    )
    run = record(source, [np.zeros(4), 4])
    assert "j" in {conflict.variable for conflict in conflicts(run, Loop(3, 4))}


def test_an_exception_ends_the_recording_with_the_earlier_events_kept() -> None:
    run = record(RECURRENCE, [np.zeros(3), 9])
    assert isinstance(run.exception, IndexError)
    assert 5 == len(run.events)


def test_the_arguments_of_the_caller_stay_as_they_are() -> None:
    a = np.zeros(4)
    run = record(RECURRENCE, [a, 4])
    assert [0.0] * 4 == list(a)
    assert [0.0, 1.0, 2.0, 3.0] == list(np.asarray(run.arguments[0]))


def test_a_slice_statement_touches_each_of_its_elements() -> None:
    source = program(
        "def f(a, n):", "    for i in range(1, n):", "        a[i, 1:] = a[i - 1, :-1] + 1"
    )
    run = record(source, [np.zeros((4, 4)), 4])
    assert {(1,)} == {flow.distance for flow in flows(run, OUTER)}
