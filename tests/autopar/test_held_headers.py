"""What the header of a loop computes is computed once, shown to the guard, or run over as before."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import notes, places, same

trange: Any = pytest.importorskip("tqdm").trange


def over_a_call(n):
    s = 0.0
    for x in np.linspace(0.0, 1.0, n):
        s += x * x
    return s


def over_slices(a, b):
    for i, (x, y) in enumerate(zip(a[1:], b[:-1])):  # noqa: B905  # as people write
        b[i] = x * y


def over_itself(a):
    for i, x in enumerate(a[::-1]):
        a[i] = x + 1.0


def over_numbers(y):
    s = 0
    for v in (1, 2, y, 4):
        s += v * y
    return s, v


def over_a_list(y):
    s = 0
    for v in [0.5, 1.5, 2.5]:
        s += v * y
    return s, v


def over_a_product(a):
    s = 0.0
    for x in a * 2.0 + 1.0:
        s += x
    return s


def over_columns(a, out):
    for j, column in enumerate(a.T):
        t = 0.0
        for x in column:
            t += x
        out[j] = t


def over_sorted(values):
    s = 0
    for v in sorted(values):
        s = 2 * s + v
    return s


def barred_length(a, out):
    for i in trange(len(a), desc="turns"):
        out[i] = 2.0 * a[i]


def left_early(a):
    s = 0.0
    for x in np.sqrt(np.abs(a)):
        if x > 0.9:
            break
        s += x
    return s, x


def backwards(a, out):
    for i, x in enumerate(reversed(a[2:])):
        out[i] = x


def bound_by_a_call(a, out, count):
    for i in range(count(a)):
        out[i] = a[i] * 2.0


def bounds_by_rows(a, out):
    for i in range(1, len(a[0]) - 1):
        out[i] = a[0, i - 1] + a[0, i + 1]


def bound_by_size(a, out):
    for i in range(a.size):
        out[i] = a[i] + 1.0
    return i


def inside_others(a, out):
    for i in range(len(out)):
        for x in a[: i + 1]:
            out[i] += x


def comprehended(a):
    return [2.0 * x for x in a[1:]]


def summed_up(n):
    return sum(x * x for x in np.arange(n))


def used_up(n):
    m = 2 * n
    for i in range(3):
        n = i + m
    out = []
    for x in np.arange(n):
        out.append(x + 1)  # what people write
    return out


def last_value(a):
    x = None
    for x in a[3:]:
        pass
    return x


def called(f, a):
    return [f(x) for x in a[1:]]


def one_more(a):
    return len(a) + 1


def floats():
    return (np.linspace(-1.0, 2.0, 30),)


FORMS: dict[str, tuple[Any, Any]] = {
    "call": (over_a_call, lambda: (1000,)),
    "slices": (over_slices, lambda: (*floats(), *floats())),
    "itself": (over_itself, floats),
    "numbers": (over_numbers, lambda: (3,)),
    "list": (over_a_list, lambda: (3.0,)),
    "product": (over_a_product, floats),
    "columns": (over_columns, lambda: (np.arange(12.0).reshape(3, 4), np.zeros(4))),
    "sorted": (over_sorted, lambda: ([3, 1, 2],)),
    "sorted keys": (over_sorted, lambda: ({3: "c", 1: "a"},)),
    "left early": (left_early, floats),
    "backwards": (backwards, lambda: (*floats(), np.zeros(28))),
    "bound": (bound_by_a_call, lambda: (*floats(), np.zeros(30), len)),
    "rows": (bounds_by_rows, lambda: (np.arange(12.0).reshape(2, 6), np.zeros(6))),
    "size": (bound_by_size, lambda: (*floats(), np.zeros(30))),
    "inner": (inside_others, lambda: (*floats(), np.zeros(30))),
    "comprehension": (comprehended, floats),
    "generator": (summed_up, lambda: (100,)),
    "names in it": (used_up, lambda: (7,)),
    "function": (called, lambda: (np.cos, *floats())),
}
LEFT: dict[str, tuple[Any, Any]] = {
    "mixed numbers": (over_numbers, lambda: (0.5,)),
    "letters": (over_sorted, lambda: ("cab",)),
    "an object's": (over_a_product, lambda: ("no",)),
    "no integer": (bound_by_a_call, lambda: (*floats(), np.zeros(30), np.sum)),
    "out of range": (bound_by_a_call, lambda: (*floats(), np.zeros(30), one_more)),
    "a list's slice": (over_itself, lambda: ([1.0, "b", None],)),
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "no body": (last_value, floats),
    "nothing": (last_value, lambda: (np.zeros(3),)),
    "empty slice": (comprehended, lambda: (np.zeros(0),)),
    "lists": (over_slices, lambda: ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])),
    "a tuple": (comprehended, lambda: ((1, 2, 3),)),
    "a string": (comprehended, lambda: ("abc",)),
    "integers": (over_itself, lambda: (np.arange(5),)),
}


@pytest.mark.parametrize(("function", "arguments"), FORMS.values(), ids=FORMS)
def test_headers_are_shown_to_the_guard(function, arguments):
    same(function, arguments, ran="cpu")


@pytest.mark.parametrize("form", ["columns", "backwards", "bound", "rows", "size"])
def test_on_each_backend(form, backend):
    function, arguments = FORMS[form]
    same(function, arguments, backend, ran="cpu")


@pytest.mark.parametrize(("function", "arguments"), LEFT.values(), ids=LEFT)
def test_the_loop_goes_over_what_was_computed(function, arguments):
    decorated = same(function, arguments)
    assert set(places(decorated)) <= {"interpreter"}


@pytest.mark.parametrize(("function", "arguments"), OTHERS.values(), ids=OTHERS)
def test_other_values_give_the_same(function, arguments):
    same(function, arguments)


def test_on_the_simulator(on_simulator):
    on_simulator(__file__)


def test_a_bar_over_a_length_is_one_over_numbers():
    (loop,) = autopar.explain(barred_length).to_dict()["functions"][0]["loops"]
    assert ("parallel", "AP001") == (loop["verdict"], loop["code"])


def test_headers_are_computed_once_whoever_runs_the_loop():
    calls = []

    def noted(values):
        calls.append(1)
        return values

    def looped(values, out):
        for i, v in enumerate(noted(values)[:]):
            out[i] = v

    decorated = autopar.parallel(looped, backend="cpu")
    given: tuple[object, ...] = ([1.0, 2.0], ["a", "b"], iter([]))
    for values in given:
        try:
            decorated(values, [0.0, 0.0])
        except TypeError:
            assert not isinstance(values, list)
    assert len(calls) == 3


def test_a_header_that_fails_fails_on_its_own_line():
    same(over_slices, lambda: (3, np.zeros(2)))
    same(bounds_by_rows, lambda: (np.zeros(3), np.zeros(2)))
    same(over_a_call, lambda: ("a",))


def test_a_header_may_change_what_the_loop_reads():
    def looped(out):
        k = [2.0]

        def changed():
            k[0] = 5.0
            return np.arange(3.0)

        for i, x in enumerate(changed()[:]):
            out[i] = x * k[0]

    same(looped, lambda: (np.zeros(3),))


def test_loops_inside_loops_and_recursion_keep_their_own_headers():
    def nested(n, out):
        for word in sorted(["b", "a"])[:n]:
            for i, letter in enumerate(sorted([word, "z"])[:]):
                out.append((i, letter))
            if n > 1:
                nested(n - 1, out)

    expected: list[object] = []
    nested(2, expected)
    decorated = autopar.parallel(nested, backend="cpu")
    actual: list[object] = []
    decorated(2, actual)
    assert expected == actual


def test_the_report_speaks_of_the_header():
    decorated = autopar.parallel(over_numbers, backend="cpu")
    decorated(0.5)
    line = over_numbers.__code__.co_firstlineno + 2
    assert [note for note in notes(decorated) if note] == [
        f"AP506: 'header {line}:13' is a list of float and int at this call."
    ]


# ------------------------------------------------------------------------ progress bars


class Bar:
    """What is used of a progress bar, in its own words."""

    made: list[Bar] = []  # noqa: RUF012  # emptied by each test

    def __init__(self, iterable=None, desc=None, disable=False, initial=0):  # as there
        self.iterable, self.desc, self.disable = iterable, desc, disable
        self.n = self.initial = initial
        self.told = []
        Bar.made.append(self)

    def __iter__(self):
        for each in self.iterable:
            yield each
            if not self.disable:
                self.n += 1
        if not self.disable:
            self.close()

    def update(self, n):
        self.told.append(n)
        self.n += n

    def close(self):
        self.told.append("closed")


@pytest.fixture
def tqdm(monkeypatch):
    """Return a stand-in for the package's class, under its own name."""
    module: Any = ModuleType("tqdm.std")
    kind = type("tqdm", (Bar,), {"__module__": "tqdm.std"})
    module.tqdm = kind
    monkeypatch.setitem(sys.modules, "tqdm.std", module)
    Bar.made = []
    return kind


def barred(tqdm, n, out):
    for i in tqdm(range(n), desc="rows"):
        out[i] = 2.0 * i
    return i


def barred_from(tqdm, n, out):
    for i in tqdm(range(2, n)):
        out[i] = 2.0 * i


def barred_values(tqdm, a):
    s = 0.0
    for x in tqdm(a):
        s += x
    return s


def barred_pairs(tqdm, a, out):
    for i, x in enumerate(tqdm(a, disable=True)):
        out[i] = x


def barred_sweeps(tqdm, a, m):
    for t in tqdm(range(m)):
        for i in range(len(a)):
            a[i] = 0.5 * a[i] + t
    return t


def barred_parts(tqdm, a, m):
    for _ in tqdm(range(m)):
        a[1:] = 0.5 * a[1:]


def barred_updates(tqdm, a, m):
    for t in tqdm(range(m)):
        a[:, None][1:, 0] *= 0.5 * t


def barred_stages(tqdm, a, m):
    for t in tqdm(range(m)):
        for k in range(3):
            a[k] = 0.5 * a[k] + t


def disabled_sweeps(tqdm, a, m):
    for t in tqdm(range(m), disable=True):
        for i in range(len(a)):
            a[i] = 0.5 * a[i] + t


def run(function, tqdm, *arguments):
    decorated = autopar.parallel(function, backend="cpu")
    found = decorated(tqdm, *arguments)
    return found, places(decorated), Bar.made.pop()


def test_a_bar_over_a_range_ends_at_its_end(tqdm):
    out, expected = np.zeros(30), np.arange(30) * 2.0
    found, where, bar = run(barred, tqdm, 30, out)
    assert (29, ["cpu"], 30, [30, "closed"]) == (found, where, bar.n, bar.told)
    assert expected.tolist() == out.tolist()
    _, where, bar = run(barred_from, tqdm, 30, np.zeros(30))
    assert (["cpu"], 28, [28, "closed"]) == (where, bar.n, bar.told)


def test_a_bar_over_values_ends_at_its_end(tqdm):
    found, where, bar = run(barred_values, tqdm, np.arange(10.0))
    assert (45.0, ["cpu"], 10, [10, "closed"]) == (found, where, bar.n, bar.told)


@pytest.mark.parametrize("function", [barred_sweeps, barred_parts, barred_updates])
def test_a_bar_over_turns_with_loops_in_them_moves_with_each(tqdm, function):
    a, expected = np.arange(10.0), np.arange(10.0)
    assert function(tqdm, expected, 4) == run(function, tqdm, a, 4)[0]
    assert expected.tolist() == a.tolist()
    for bar in Bar.made:
        assert (4, ["closed"]) == (bar.n, bar.told)


def test_loops_in_turns_that_move_a_bar_run_in_kernels(tqdm):
    _, where, _ = run(barred_sweeps, tqdm, np.arange(10.0), 4)
    assert where[-1] == "cpu"


@pytest.mark.parametrize(
    ("function", "told"), [(barred_stages, [4, "closed"]), (disabled_sweeps, [])]
)
def test_short_turns_and_those_of_a_bar_that_is_switched_off_run_at_once(tqdm, function, told):
    _, where, bar = run(function, tqdm, np.arange(10.0), 4)
    assert {"cpu"} == set(where)
    assert told == bar.told


def test_a_bar_that_is_switched_off_is_left_alone(tqdm):
    _, where, bar = run(barred_pairs, tqdm, np.arange(10.0), np.zeros(10))
    assert (["cpu"], 0, []) == (where, bar.n, bar.told)


def test_what_no_kernel_takes_moves_the_bar_itself(tqdm):
    found, where, bar = run(barred_values, tqdm, [1.0, 2, 3.0])
    assert (6.0, ["interpreter"], 3, ["closed"]) == (found, where, bar.n, bar.told)


def test_a_bar_of_the_user_s_own_is_run_over():
    found, where, bar = run(barred_values, Bar, np.arange(10.0))
    assert (45.0, ["interpreter"], 10, ["closed"]) == (found, where, bar.n, bar.told)


def test_what_only_looks_like_a_bar_is_what_it_gives():
    shortened = autopar.parallel(barred, backend="cpu")
    out = np.zeros(30)
    assert shortened(lambda values, desc: values[:5], 30, out) == 4
    assert places(shortened) == ["cpu"]
    assert out[:7].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 0.0, 0.0]
    assert shortened(lambda values, desc: values[3:5], 30, out) == 4
    assert places(shortened) == ["interpreter"]
