"""Nests whose model needs values: analysed at the call, kept by these values, told in the report."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis import stages
from tests.sameness import loops_of, notes, places, same


def linear(a, b, n, m):
    for i in range(n):
        for j in range(m):
            a[i * m + j] = b[j * n + i] + 1.0


def stepped(a, n, k):
    for i in range(1, n, k):
        a[i] = a[i] * 2.0 + i


def downwards(a, n, k):
    for i in range(n - 1, -1, k):
        a[i] = a[i] + i
    return i


def divided(a, b, n, k):
    for i in range(n):
        a[i] = b[i // k, i % k]


def strided(a, n, k):
    for i in range(n):
        a[k * i] = a[k * i] + i


def shifted(a, n, k):
    for i in range(n):
        a[i << k] = a[i] - 1.0


def product(a, n, m):
    for i in range(n * m):
        a[i] = 0.5 * a[i]


def by_shape(a, b):
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            a[i * b.shape[1] + j] = b[i, j]


def blocked(a, n, k):
    for i in range(0, n, k):
        for j in range(i, min(i + k, n)):
            a[j] = a[j] * 1.5


def matrix_product(a, b, c, n):
    for i in range(n):
        for j in range(n):
            c[i * n + j] = 0.0
            for k in range(n):
                c[i * n + j] = c[i * n + j] + a[i * n + k] * b[k * n + j]


def through_a_scalar(a, n, k):
    for i in range(n):
        w = k * i + 1
        a[w] = a[w] + n


def carried(a, n, k):
    for i in range(n):
        a[k * i + k] = a[k * i] + 1.0


def kept(a, n, k):
    t = 0.0
    for i in range(0, n, k):
        t = a[i]
        a[i] = 1.0
    return i, t


def last_positive(a, n, k):
    t = a[0]
    for i in range(n):
        if a[i * k] > 0.0:
            t = a[i * k]
    return t


def numbers(n):
    return np.arange(n, dtype=np.float64) * 0.25 - 2.0


def given(arrays, *row):
    """Return what makes the arguments of one call."""
    return lambda: (*arrays(), *row)


CALLS: dict[str, Any] = {
    "linear": (linear, lambda: (numbers(60), numbers(60)), [(6, 10), (10, 6), (1, 60), (0, 3)]),
    "stepped": (stepped, lambda: (numbers(60),), [(60, 1), (60, 2), (50, 7), (3, 9), (0, 2)]),
    "downwards": (downwards, lambda: (numbers(60),), [(60, -1), (60, -2), (59, -7), (1, -1)]),
    "divided": (divided, lambda: (numbers(20), numbers(60).reshape(10, 6)), [(20, 2), (20, 6)]),
    "strided": (strided, lambda: (numbers(60),), [(20, 3), (60, 1), (30, 2), (20, 0)]),
    "shifted": (shifted, lambda: (numbers(60),), [(10, 2), (10, 0), (7, 3)]),
    "product": (product, lambda: (numbers(60),), [(6, 10), (60, 1), (0, 7), (-1, -2)]),
    "by_shape": (by_shape, lambda: (numbers(60), numbers(60).reshape(5, 12)), [()]),
    "blocked": (blocked, lambda: (numbers(60),), [(60, 7), (60, 60), (59, 1)]),
    "matrix_product": (matrix_product, lambda: (*map(numbers, (49, 49, 49)),), [(7,), (4,)]),
    "through_a_scalar": (through_a_scalar, lambda: (numbers(60),), [(19, 3), (20, 2)]),
    "carried": (carried, lambda: (numbers(60),), [(19, 3), (10, 1)]),
    "last_positive": (last_positive, lambda: (numbers(60),), [(20, 3), (2, 1), (0, 4)]),
    "kept": (kept, lambda: (numbers(60),), [(60, 3), (59, 4)]),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_make_a_model(name):
    function, arrays, rows = CALLS[name]
    for row in rows:
        same(function, given(arrays, *row), ran="cpu")


def test_values_make_a_model_on_each_backend(backend):
    same(linear, lambda: (numbers(60), numbers(60), 6, 10), backend, ran="cpu")
    same(stepped, lambda: (numbers(60), 50, 7), backend, ran="cpu")
    same(by_shape, lambda: (numbers(60), numbers(60).reshape(5, 12)), backend, ran="cpu")


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)


WRONG = [
    (stepped, (60, 0)),  # ValueError
    (stepped, (60, -1)),  # nothing
    (stepped, (60, 2.0)),  # TypeError
    (stepped, (61, 2)),
    (stepped, (70, 3)),  # IndexError
    (downwards, (60, 0)),
    (downwards, (61, -1)),
    (downwards, (0, -1)),  # i is unbound
    (strided, (21, 3)),
    (strided, (5, -1)),  # wraps
    (strided, (5, 2**40)),
    (strided, (5, None)),
    (strided, (5, np.int8(3))),
    (strided, (20, np.int64(3))),
    (strided, (20, np.int64(2**40))),
    (strided, (20, True)),
    (strided, (20, "3")),
    (shifted, (5, -1)),
    (shifted, (5, 70)),
    (product, (61, 1)),
    (kept, (0, 3)),
    (kept, (60, 61)),
]


@pytest.mark.parametrize(("function", "row"), WRONG)
def test_what_the_interpreter_refuses_or_does_otherwise_is_the_same(function, row):
    same(function, lambda: (numbers(60), *row))


def test_a_bool_as_a_whole_subscript_is_a_mask():
    def store(a, n, k, m):
        for i in range(n):
            a[k] = a[k] + i
            a[i * m] = 1.0

    same(store, lambda: (numbers(60), 9, True, 3))
    same(store, lambda: (numbers(60), 9, 1, 3), ran="cpu")
    same(divided, lambda: (numbers(20), numbers(60).reshape(20, 3), 20, True))


def test_a_bool_as_a_whole_subscript_of_a_plain_region_is_a_mask():
    def store(a, n, k):
        for i in range(n):
            a[k] = a[k] + i

    def columns(a, n, k):
        for i in range(n):
            a[i, k] = i

    same(store, lambda: (numbers(60), 9, True), ran="interpreter")
    same(store, lambda: (numbers(60), 9, 1), ran="cpu")
    same(store, lambda: (numbers(60), True, 1), ran="cpu")
    same(columns, lambda: (numbers(60).reshape(20, 3), 9, False), ran="interpreter")


def test_a_divisor_of_zero_and_a_negative_one():
    for k in (0, -1, -3):

        def make(k=k):
            return numbers(20), numbers(900).reshape(30, 30), 20, k

        same(divided, make)


STEP = 3


def of_a_global(a, n):
    for i in range(n):
        a[STEP * i] = 1.0 * i


def test_values_of_globals_and_closures(monkeypatch):
    same(of_a_global, lambda: (numbers(60), 20), ran="cpu")
    decorated = autopar.parallel(of_a_global, backend="cpu")
    for step in (1, 2, 3, 0):
        monkeypatch.setattr(sys.modules[__name__], "STEP", step)
        expected, actual = numbers(60), numbers(60)
        of_a_global(expected, 20)
        decorated(actual, 20)
        assert (expected == actual).all()

    def outer(k):
        def inner(a, n):
            for i in range(n):
                a[k * i] = 1.0 * i

        def change(value):
            nonlocal k
            k = value

        return inner, change

    inner, change = outer(2)
    decorated = same(inner, lambda: (numbers(60), 20), ran="cpu")
    change(1)
    expected, actual = numbers(60), numbers(60)
    inner(expected, 20)
    decorated(actual, 20)
    assert (expected == actual).all()


def test_rows_that_overlap_in_memory_keep_their_order():
    def rows(a, n, m, k):
        for i in range(n):
            for j in range(m):
                a[i * k + j] = 0.5 * a[i * k + j] + i

    for k in (10, 9, 5, 1, 0):
        decorated = same(rows, given(lambda: (numbers(99),), 9, 10, k), ran="cpu")
        outer, _ = loops_of(decorated.last_run)
        assert (outer["verdict"], outer["stage"]) == ("conditional", "call")


def test_overlapping_arrays_in_a_deferred_nest():
    def make(first, second):
        def arguments():
            x = numbers(130)
            return x[first], x[second], 6, 10

        return arguments

    for pair in ((np.s_[:], np.s_[:]), (np.s_[1:], np.s_[:-1]), (np.s_[::2], np.s_[1::2])):
        same(linear, make(*pair), ran="cpu")
    same(linear, make(np.s_[:60], np.s_[60:]), ran="cpu")


def test_a_region_inside_a_nest_that_no_value_fits_runs_by_itself():
    def inner(a, b, n, k):
        for i in range(0, n, k):
            for j in range(n):
                b[j] = b[j] + a[i]

    decorated = same(inner, lambda: (numbers(60), numbers(60), 50, np.int32(7)))
    outer, within = loops_of(decorated.last_run)
    assert outer["ran"]["backend"] == "interpreter"
    assert "AP506" in outer["ran"]["note"]
    assert (within["ran"]["backend"], within["ran"]["calls"]) == ("cpu", 8)
    same(inner, lambda: (numbers(60), numbers(60), 50, 7), ran="cpu")


def test_nests_one_after_the_other_and_inside_a_loop_of_python():
    def many(a, n, k):
        total = []
        for turn in range(3):
            total.append(turn)
            for i in range(0, n, k):
                a[i] = a[i] + turn
            for i in range(n):
                a[i // k] = a[i // k] * 1.5
        return total

    same(many, lambda: (numbers(60), 60, 4), ran="cpu")


def test_recursion_and_generators_of_values():
    def halve(a, n, k):
        for i in range(n):
            a[k * i] = a[k * i] + 1.0
        if k > 1:
            halve(a, n, k // 2)

    expected, actual = numbers(200), numbers(200)
    halve(expected, 12, 16)
    plain = halve
    halve = autopar.parallel(plain, backend="cpu")
    halve(actual, 12, 16)
    assert (expected == actual).all()


def entangled(a, b, n, p, k):
    for _ in range(3):
        for i in range(n):
            a[2 * i + k % 2] = a[2 * i + p]
        for i in range(n):
            a[i + k // 2 + 9] = a[i + 9] + b[i] * b[i]


@pytest.mark.parametrize(
    ("p", "k", "verdicts"),
    [
        (3, 4, ["sequential", "parallel", "sequential"]),
        (40, 41, ["parallel", "parallel", "parallel"]),
    ],
)
def test_what_is_too_much_for_all_values_is_decided_for_those_of_a_call(p, k, verdicts):
    decorated = same(entangled, lambda: (numbers(90), numbers(90), 9, p, k), "cpu")
    rows = loops_of(decorated.last_run)
    assert verdicts == [row["verdict"] for row in rows]
    assert rows[0]["ran"]["backend"] == "cpu"


# --------------------------------------------------------------------------- the report


def test_the_static_report_says_that_a_call_decides():
    report = autopar.parallel(linear).explain()
    outer, inner = loops_of(report)
    for row in (outer, inner):
        assert (row["verdict"], row["stage"], row["code"]) == ("unsupported", "call", "AP301")
        assert row["reason"].endswith("Decided at a call, by the values of m and n.")
    assert "Decided at a call" in str(report)


def test_the_report_of_a_run_tells_the_verdict_that_was_found():
    decorated = autopar.parallel(carried, backend="cpu")
    for k in (3, 0):
        decorated(numbers(100), 19, k)
        (row,) = loops_of(decorated.last_run)
        assert (row["verdict"], row["condition"], row["stage"]) == ("conditional", "n <= 1", "call")
        assert row["ran"]["backend"] == "cpu"
    decorated = autopar.parallel(stepped, backend="cpu")
    decorated(numbers(60), 60, 7)
    (row,) = loops_of(decorated.last_run)
    assert (row["verdict"], row["stage"], row["code"]) == ("parallel", "call", "AP001")
    assert row["ran"]["iterations"] == 9
    assert loops_of(decorated.explain())[0]["verdict"] == "unsupported"


def test_one_analysis_for_each_set_of_values_and_no_more_than_sixteen(monkeypatch):
    made = []
    plan = stages.plan_with_values

    def counted(nest, facts):
        made.append(facts.values)
        return plan(nest, facts)

    monkeypatch.setattr("autopar.analysis.stages.plan_with_values", counted)
    decorated = autopar.parallel(stepped, backend="cpu")
    for _ in range(3):
        for k in (2, 3, 0):
            try:
                decorated(numbers(60), 60, k)
            except ValueError:
                assert k == 0
    assert made == [(("k", 2),), (("k", 3),), (("k", 0),)]
    for k in range(4, 40):
        decorated(numbers(60), 60, k)
    assert len(made) == 16
    assert places(decorated) == ["interpreter"]
    assert "AP512" in notes(decorated)[0]
    decorated(numbers(60), 60, 2)
    assert places(decorated) == ["cpu"]


def test_little_work_is_not_worth_an_analysis(monkeypatch):
    def never(nest, facts):
        raise AssertionError

    monkeypatch.setattr("autopar.analysis.stages.plan_with_values", never)
    decorated = autopar.parallel(stepped, backend="auto")
    for _ in range(20):
        decorated(numbers(60), 60, 7)
    assert "AP602" in notes(decorated)[0]
    assert places(decorated) == ["interpreter"]


def test_a_fault_of_the_analysis_is_not_the_users(monkeypatch):
    def broken(nest, facts):
        raise RuntimeError("no")

    monkeypatch.setattr("autopar.analysis.stages.plan_with_values", broken)
    decorated = same(stepped, lambda: (numbers(60), 60, 7), ran="interpreter", has_fault=True)
    assert "AP900" in notes(decorated)[0]


def test_threads_share_the_analyses():
    decorated = autopar.parallel(linear, backend="cpu")
    shapes = [(6, 10), (10, 6), (5, 12), (12, 5)] * 3
    results = [numbers(60) for _ in shapes]
    expected = [numbers(60) for _ in shapes]
    for a, shape in zip(expected, shapes, strict=True):
        linear(a, numbers(60), *shape)
    threads = [
        threading.Thread(target=decorated, args=(a, numbers(60), *shape))
        for a, shape in zip(results, shapes, strict=True)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all((a == b).all() for a, b in zip(results, expected, strict=True))


def test_under_a_tracer_nothing_is_analysed(monkeypatch):
    def never(nest, facts):
        raise AssertionError

    monkeypatch.setattr("autopar.analysis.stages.plan_with_values", never)
    decorated = autopar.parallel(stepped, backend="cpu")
    tracer = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        decorated(numbers(60), 60, 7)
    finally:
        sys.settrace(tracer)
    assert "AP509" in notes(decorated)[0]
