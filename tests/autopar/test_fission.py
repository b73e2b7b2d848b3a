"""Loops of which parts are computed ahead: everything is seen as if nothing had been."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, notes, observe, places, same


def scaled(x, j):
    return (x * j + 1.0) / (j + 2.0)


def rows_printed(a, n, m):
    for k in range(n):
        s = 0.0
        for j in range(m):
            s += scaled(a[k], j)
        print(k, s)
    return s


def kept_in_dict(a, n):
    table = {}
    for k in range(n):
        table[k] = scaled(a[k], k)
    return table


def formatted(ps):
    for p in ps:
        print(f"{p}: {scaled(p, 2.0):.3f}", end="|")


def two_parts(xs, ys):
    table: dict[object, object] = {"first": 0.0}
    for i, (x, y) in enumerate(zip(xs, ys)):  # noqa: B905
        u = scaled(x, 3)
        v = u * y
        print("at", i)
        table[i, "sum"] = u + v
        s = v
        for j in range(i):
            s = s * 0.5 + j
        table[i] = (s, v)
    return table, u, v


def stepped(a, start, stop):
    for k in range(start, stop, -3):
        print(k, scaled(a[k], k))
    return k


def of_integers(n):
    for k in range(n):
        count = 0
        for j in range(2, k):
            if k % j == 0:
                count += 1
        print(k, count, type(count).__name__)


def refused_at(a, n):
    for k in range(n):
        print("before", k)
        s = 0
        for j in range(1, 4):
            s += 100 // (a[k] - j)
        print(k, s)


def prints_until(a, n, limit, printed):
    for k in range(n):
        s = 0.0
        for j in range(5):
            s += scaled(a[k], j)
        printed.append(s)
        if len(printed) > limit:
            raise ValueError(str(k))
        print(k)


def calls(visit, a, n):
    for k in range(n):
        s = 0.0
        for j in range(20):
            s += scaled(a[k], j)
        visit(k, s)
    return s


CASES = [
    (rows_printed, lambda: (np.linspace(-1, 1, 40), 40, 30)),
    (rows_printed, lambda: (list(np.linspace(-1, 1, 40).tolist()), 40, 30)),
    (rows_printed, lambda: (np.arange(40), 40, 3)),
    (rows_printed, lambda: (np.arange(40, dtype=np.float32), 7, 3)),
    (rows_printed, lambda: (np.arange(4), 0, 3)),
    (rows_printed, lambda: (np.arange(4.0), 8, 3)),
    (kept_in_dict, lambda: (np.linspace(-1, 1, 40), 40)),
    (formatted, lambda: (np.linspace(-1, 1, 9),)),
    (formatted, lambda: ([1.0, -0.0, float("nan"), 2.0],)),
    (formatted, lambda: ([1, 2.5, 3],)),
    (formatted, lambda: ((3, 4, 5),)),
    (formatted, lambda: (np.eye(3),)),
    (two_parts, lambda: (np.linspace(0, 1, 30), np.linspace(2, 3, 25))),
    (two_parts, lambda: ([0.5, 1.5], [1.0, 2.0, 3.0])),
    (stepped, lambda: (np.linspace(0, 1, 30), 28, 2)),
    (stepped, lambda: (np.linspace(0, 1, 30), 28, -4)),
    (of_integers, lambda: (60,)),
]


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_loop_looks_as_in_the_interpreter(function, arguments):
    same(function, arguments)


@pytest.mark.parametrize("function", [rows_printed, kept_in_dict, formatted, two_parts, stepped])
def test_loop_is_split(function):
    arguments = next(each for one, each in CASES if one is function)
    decorated = same(function, arguments, ran="cpu")
    outermost = loops_of(decorated.explain())[0]
    assert ("sequential", "AP217") == (outermost["verdict"], outermost["code"])
    assert ["distribute"] == outermost["transform"]


def test_part_that_fails_fails_in_its_iteration():
    values = [10 + k for k in range(30)]
    values[17] = 2
    same(refused_at, lambda: (values, 30))


def test_rest_that_fails_leaves_nothing_of_later_iterations():
    same(prints_until, lambda: (np.linspace(0, 1, 50), 50, 13, []), ran="cpu")


def test_warning_comes_at_its_place_among_the_prints():
    values = np.linspace(1, 2, 20)
    values[11] = 0.0

    def warns(a, n):
        for k in range(n):
            s = 0.0
            for j in range(1, 4):
                s += j / a[k]
            print(k, s)

    same(warns, lambda: (values, 20))


# ------------------------------------------------------------------- unknown calls


def test_unknown_call_that_changes_nothing_gets_values_computed_ahead():
    seen: list[object] = []
    decorated = autopar.parallel(calls, backend="cpu")
    decorated(lambda k, s: seen.append((k, s)), np.linspace(0, 1, 12), 12)
    expected: list[object] = []
    calls(lambda k, s: expected.append((k, s)), np.linspace(0, 1, 12), 12)
    assert expected == seen
    assert "cpu" == places(decorated)[0]


def changed_by(change):
    """Return what the loop computes where `change` is called with the array in iteration 5."""

    def arguments():
        a = np.linspace(0, 1, 12)
        seen: list[float] = []

        def visit(k, s):
            seen.append(s)
            if k == 5:
                change(a)

        return (visit, a, 12), seen

    results = []
    for function in (calls, autopar.parallel(calls, backend="cpu")):
        given, seen = arguments()
        seen.append(function(*given))
        results.append(np.array(seen).tobytes())
    return results


def stored(a, x, k):
    a[k] = x
    return 2.0 * x


def told(out, x):
    out.append(x)
    return x + 1.0


def stores_on_the_way(a, n):
    for k in range(n):
        print(k, a[n - 1 - k], stored(a, scaled(k, k), k))


def appends_on_the_way(out, n):
    for k in range(n):
        x = told(out, scaled(k, k))
        y = 0.0
        for j in range(3):
            y += told(out, x + j)
        print(k, x, y, len(out))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (stores_on_the_way, lambda: (np.linspace(0, 1, 20), 20)),
        (appends_on_the_way, lambda: ([], 20)),
    ],
)
def test_function_that_does_more_than_compute_runs_in_its_iteration(function, arguments):
    same(function, arguments)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.fill(3.0),
        lambda a: a.__setitem__(7, -0.0),
        lambda a: a[::-1].sort(),
        lambda a: None,
    ],
)
def test_unknown_call_that_changes_an_array_is_seen(change):
    expected, actual = changed_by(change)
    assert expected == actual


FACTOR = 2.0


def global_factor(visit, a, n):
    for k in range(n):
        s = 0.0
        for j in range(9):
            s += a[k] * FACTOR + j
        visit(k, s)


def test_unknown_call_that_binds_a_global_anew_is_seen(monkeypatch):
    results = []
    for function in (global_factor, autopar.parallel(global_factor, backend="cpu")):
        monkeypatch.setitem(globals(), "FACTOR", 2.0)
        seen: list[float] = []

        def visit(k, s, seen=seen):
            seen.append(s)
            if k == 3:
                globals()["FACTOR"] = 5.0

        function(visit, np.linspace(0, 1, 10), 10)
        results.append(seen)
    assert results[0] == results[1]


def test_variable_of_a_closure_that_an_unknown_call_binds_is_seen():
    def run(decorate):
        seen: list[float] = []

        def outer(a, n):
            factor = 1.0

            def visit(s):
                nonlocal factor
                seen.append(s)
                factor += 1.0

            for k in range(n):
                s = 0.0
                for j in range(9):
                    s += a[k] * factor + j
                visit(s)

        decorate(outer)(np.linspace(0, 1, 10), 10)
        return seen

    assert run(lambda f: f) == run(lambda f: autopar.parallel(f, backend="cpu"))


def test_list_that_an_unknown_call_changes_is_seen():
    def run(decorate):
        values, seen = [float(k) for k in range(10)], []

        def visit(k, s):
            seen.append(s)
            values[(k * 3) % 10] += 1.0

        decorate(calls)(visit, values, 10)
        return seen

    assert run(lambda f: f) == run(lambda f: autopar.parallel(f, backend="cpu"))


# --------------------------------------------------------------- what only seems tame


class Meddling:
    """A stream, a key or a value that changes an array when it is used."""

    def __init__(self, a):
        self.a = a
        self.written = []

    def write(self, text):
        self.written.append(text)
        self.a[-1] += 1.0

    def flush(self):
        pass


def test_stream_of_the_user_may_change_an_array():
    results = []
    for function in (rows_printed, autopar.parallel(rows_printed, backend="cpu")):
        a = np.linspace(0, 1, 15)
        stream, before = Meddling(a), sys.stdout
        sys.stdout = stream
        try:
            function(a, 15, 10)
        finally:
            sys.stdout = before
        results.append("".join(stream.written))
    assert results[0] == results[1]


def test_print_of_the_user_may_change_an_array(monkeypatch):
    results = []
    for function in (rows_printed, autopar.parallel(rows_printed, backend="cpu")):
        a = np.linspace(0, 1, 15)
        seen: list[object] = []

        def print_(k, s, a=a, seen=seen):
            seen.append((k, s))
            a[-1] += 1.0

        monkeypatch.setitem(globals(), "print", print_)
        function(a, 15, 10)
        results.append(seen)
    assert results[0] == results[1]


class Key:
    """A key that is found where a number is looked for, and changes an array then."""

    def __init__(self, a):
        self.a = a

    def __hash__(self):
        return hash(3)

    def __eq__(self, other):
        self.a[-1] += 1.0
        return False


def stored_in(a, table, n):
    table = dict(table)
    for k in range(n):
        table[k] = scaled(a[k], k)
    return list(table.values())


def test_key_of_the_user_may_change_an_array():
    results = []
    for function in (stored_in, autopar.parallel(stored_in, backend="cpu")):
        a = np.linspace(0, 1, 15)
        results.append(function(a, {Key(a): 0.0}, 15))
    assert results[0] == results[1]


def test_recursion_keeps_runs_apart():
    def nested(a, depth):
        for k in range(5):
            print(depth, k, scaled(a[k], depth))
            if depth:
                decorated(a, depth - 1)

    decorated = autopar.parallel(nested, backend="cpu")
    a = np.linspace(0, 1, 5)
    actual = observe(lambda: decorated(a, 3), ())
    decorated = nested  # type: ignore[assignment]  # what `nested` calls now
    assert observe(lambda: nested(a, 3), ()).printed == actual.printed


def test_short_loop_stays_in_the_interpreter():
    decorated = autopar.parallel(kept_in_dict)
    decorated(np.linspace(0, 1, 5), 5)
    assert "AP602" in notes(decorated)[0]


def test_list_that_grows_while_it_is_gone_through_is_gone_through_to_its_end():
    def run(decorate):
        values, seen = [1.0, 2.0, 3.0], []

        def visit(k, s):
            seen.append((k, s))
            if len(values) < 9:
                values.append(s + k)

        decorate(each_of)(visit, values)
        return seen

    assert run(lambda f: f) == run(lambda f: autopar.parallel(f, backend="cpu"))


def each_of(visit, values):
    for x in values:
        s = 0.0
        for j in range(9):
            s += scaled(x, j)
        visit(x, s)


def test_variable_of_a_function_around_is_looked_at():
    def run(decorate):
        factor, seen = 1.0, []

        def visit(s):
            nonlocal factor
            seen.append(s)
            factor += len(seen) == 4

        def loop(visit, a, n):
            for k in range(n):
                s = 0.0
                for j in range(9):
                    s += a[k] * factor + j
                visit(s)

        decorated = decorate(loop)
        decorated(visit, np.linspace(0, 1, 10), 10)
        return seen, decorated

    (expected, _), (actual, decorated) = (
        run(lambda f: f),
        run(lambda f: autopar.parallel(f, backend="cpu")),
    )
    assert expected == actual
    assert "cpu" == places(decorated)[0]


FACTOR = 2.0


def raise_factor():
    global FACTOR
    FACTOR += 1


def poke(a, k):
    a[0] += k
    return k


def bare_call_under_test(a, n):
    table = {}
    for k in range(n):
        s = 0.0
        for j in range(len(a)):
            s += a[j] * FACTOR
        table[k] = s
        if k == 3:
            raise_factor()
    return table


def call_of_what_is_printed(a, n):
    for k in range(n):
        s = 0.0
        for j in range(len(a)):
            s += a[j] * k
        print(s, poke(a, k) if k % 2 else 0)


def call_that_is_tested(a, n):
    table = {}
    for k in range(n):
        s = 0.0
        for j in range(len(a)):
            s += a[j]
        if poke(a, k) > 2:
            table[k] = s
    return table


def sums_of_a_list(n):
    found, numbers = [], [1.0] * 50
    for k in range(n):
        s = 0.0
        for x in numbers:
            s += x * k
        found.append(s)
        if k % 5 == 2:
            numbers.append(s)
    return found


@pytest.mark.parametrize(
    "function", [bare_call_under_test, call_of_what_is_printed, call_that_is_tested]
)
def test_functions_that_no_kernel_computes_may_do_anything(function, monkeypatch):
    def arguments():
        monkeypatch.setitem(globals(), "FACTOR", 2.0)
        return np.ones(30), 12

    same(function, arguments)


def test_length_of_a_list_is_known_before_the_split(caplog):
    same(sums_of_a_list, lambda: (40,))
    assert not caplog.records
