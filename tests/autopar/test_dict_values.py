"""What dicts hold under constant keys, `p["dt"]`: read once, before the loop."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.sameness import loops_of, notes, places, same

K = 12


def scaled(x, p):
    for i in range(p["n"]):
        x[i] = x[i] * p["dt"] + p["k"]


def inside(p):
    for i in range(len(p["x"])):
        p["y"][i] = p["x"][i] * p["by"]["rate"]


def held_by(s):
    for i in range(s.p["n"]):
        s.u[i] = s.p["dt"] * i
        s.total += s.p["dt"]


def _weighed(v, p):
    return v * p["k"] if v > p["dt"] else p["dt"]


def in_a_function(x, p):
    for i in range(len(x)):
        x[i] = _weighed(x[i], p)


def summed(p):
    s = 0.0
    for v in p["x"]:
        s += v * p["k"]
    return s


def sliced(p, steps):
    for _ in range(steps):
        p["u"][1:-1] = p["u"][1:-1] + p["k"] * (p["u"][2:] - 2 * p["u"][1:-1] + p["u"][:-2])


def accumulated(p):
    for v in p["x"]:
        p["k"] += v


def changed_in_it(x, p):
    for i in range(len(x)):
        x[i] = p["dt"]
        p["dt"] = 2.0
    return p["dt"]


def bound_in_it(x, ps):
    for i in range(len(x)):
        p = ps[i % 2]
        x[i] = p["dt"]


def one_of_many(ps):
    s = 0.0
    for p in ps:
        s += p["dt"]
    return s


def exchanged(p, x):
    for _ in range(3):
        for i in range(len(x)):
            p["v"][i] = p["u"][i] + x[i]
        p["u"], p["v"] = p["v"], p["u"]


def seen_in_two_ways(s, p):
    for i in range(4):
        s.total += p["total"] * i


def _made(i):
    return {"a": {"b": [1.0, 2.0 * i]}}


def of_what_has_no_name(rows, x):
    for i in range(len(x)):
        x[i] = _made(i)["a"]["b"][1] + rows[i]["dt"] + [{"k": 3.0}][0]["k"] + {"k": i}["k"]


def fields() -> dict[str, Any]:
    return {"dt": 0.5, "k": 2, "n": K, "x": np.arange(1.0, K), "y": np.zeros(K)}


def ones() -> np.ndarray[Any, Any]:
    return np.linspace(0.0, 1.0, K)


TAKEN = [
    (scaled, lambda: (ones(), fields())),
    (scaled, lambda: (ones(), fields() | {"dt": np.float32(0.1), "k": True, "n": 0})),
    (inside, lambda: (fields() | {"by": {"rate": 3}},)),
    (held_by, lambda: (SimpleNamespace(p=fields(), u=np.zeros(K), total=0.0),)),
    (in_a_function, lambda: (ones(), fields())),
    (summed, lambda: (fields(),)),
    (summed, lambda: (fields() | {"x": [1.5, 2.5, -0.0]},)),
    (sliced, lambda: (fields() | {"u": ones() ** 2}, 3)),
]


@pytest.mark.parametrize(("function", "arguments"), TAKEN)
def test_it_is_taken_over(function, arguments):
    same(function, arguments, ran="cpu")


NOT_PLAIN = [
    OrderedDict(fields()),
    defaultdict(float, fields()),
    fields() | {1: 2},
    {"k": 2, "n": K},
    fields() | {"dt": None},
    fields() | {"n": 1.5},
    fields() | {"n": K + 1},
    [1, 2],
]


@pytest.mark.parametrize("p", NOT_PLAIN, ids=lambda p: type(p).__name__)
def test_the_interpreter_asks_other_dicts(p):
    decorated = same(scaled, lambda: (ones(), p))
    assert "cpu" not in places(decorated)


def test_a_report_says_what_it_is():
    decorated = same(scaled, lambda: (ones(), OrderedDict(fields())))
    assert ["AP517: 'p[\"n\"]' is not read before the loop: a OrderedDict is no plain dict."] == [
        each.partition(" in the interpreter. ")[2] or each for each in notes(decorated)
    ]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (accumulated, lambda: (fields(),)),
        (changed_in_it, lambda: (ones(), fields())),
        (bound_in_it, lambda: (ones(), [fields(), fields() | {"dt": 7.0}])),
        (one_of_many, lambda: ([fields(), fields() | {"dt": 7.0}],)),
        (exchanged, lambda: ({"u": ones(), "v": np.zeros(K)}, ones())),
    ],
)
def test_a_dict_that_changes_is_left_to_the_interpreter(function, arguments):
    decorated = same(function, arguments)
    assert loops_of(decorated.last_run)[0]["verdict"] == "unsupported"


def test_a_dict_without_a_name_is_left_to_the_interpreter():
    decorated = same(of_what_has_no_name, lambda: ([fields()] * K, ones()))
    assert ["AP211", "AP211"] == [each["code"] for each in loops_of(decorated.last_run)]


def test_an_attribute_and_a_key_may_be_one():
    def arguments() -> tuple[Any, ...]:
        s = SimpleNamespace(total=1.0)
        return s, vars(s)

    assert "cpu" not in places(same(seen_in_two_ways, arguments))


def test_a_changed_value_is_noticed():
    p = fields()
    decorated = same(scaled, lambda: (ones(), p))
    for value in (0.25, np.float64(3.0), 2, 0.5):
        p["dt"] = value
        expected, actual = ones(), ones()
        scaled(expected, p)
        decorated(actual, p)
        assert expected.tobytes() == actual.tobytes()


def test_on_each_backend(backend):
    same(scaled, lambda: (ones(), fields()), backend, ran="cpu")
    same(inside, lambda: (fields() | {"by": {"rate": 3}},), backend, ran="cpu")


def test_rows_with_a_backend_hold_on_the_simulator(on_simulator):
    on_simulator(__file__)
