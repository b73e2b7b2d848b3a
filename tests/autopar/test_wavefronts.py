"""Recurrences in two dimensions run several rows at once, and nobody can tell but by the time."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import autopar
from autopar.analysis.passes import wavefronts
from tests.effort import some
from tests.ordered_nests import Nest, drafts_of, generated, interpreted
from tests.sameness import loops_of, same


def relax(u, n, m, w, steps):
    for _t in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = (1.0 - w) * u[i, j] + w * 0.25 * (
                    u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
                )


def upwards(u, n, m, w, steps):
    for _t in range(steps):
        for i in range(n - 2, 0, -1):
            for j in range(m - 2, 0, -1):
                above = u[i + 1, j - 1] + u[i + 1, j] + u[i + 1, j + 1]
                u[i, j] = w * (above + u[i, j + 1] + u[i, j]) / 5.0


def triangle(u, n, m, w, steps):
    for i in range(1, n):
        for j in range(1, min(i, m)):
            u[i, j] = w * (u[i - 1, j] + u[i, j - 1]) + steps


def alone(u, n, m, w, steps):
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            u[i, j] = u[i, j - 1] * w + u[i + 1, m - 1 - j]


def arguments(n=23, m=31, dtype="float64"):
    rng = np.random.default_rng(n)
    return (rng.random((n, m)) * 9).astype(dtype), n, m, 1.5, 2


def words(decorated):
    return [loop["transform"] for loop in loops_of(decorated.last_run)]


OVERLAPPING = [
    pytest.param(function, dtype, id=f"{dtype}-{function.__name__}")
    for dtype in ("float64", "float32")
    for function in (relax, upwards, triangle)
]


@pytest.mark.parametrize(("function", "dtype"), some(OVERLAPPING, 1))
def test_rows_that_overlap_leave_the_interpreters_bits(function, dtype):
    decorated = same(function, lambda: arguments(dtype=dtype), ran="cpu", cache=False)
    assert [["skew"], ["skew"]] == words(decorated)[-2:]
    for n, m in [(0, 0), (2, 2), (3, 3), (6, 40), (7, 7), (8, 5), (13, 4), (40, 9)]:
        plain, run = arguments(n, m, dtype), arguments(n, m, dtype)
        function(*plain)
        decorated(*run)
        assert plain[0].tobytes() == run[0].tobytes(), (n, m)


def blur(image, out):
    rows, columns = image.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            total = 0.0
            for k in range(-1, 2):
                for m in range(-1, 2):
                    total += image[i + k, j + m]
            out[i, j] = total / 9


def test_rows_within_an_iteration_that_give_back_a_value_run_in_order():
    """Nothing is launched below the loops around them, so there is nothing to weigh."""
    image = np.random.default_rng(1).random((20, 20))
    decorated = same(blur, lambda: (image.copy(),) * 2, ran="cpu", cache=False)
    assert ["cpu"] * 4 == [loop["ran"]["backend"] for loop in loops_of(decorated.last_run)]


def test_views_of_any_stride_do():
    def of_views():
        u, *others = arguments(46, 62)
        return u[::2, ::-2].T, 31, 23, *others[2:]

    decorated = same(relax, of_views, ran="cpu", cache=False)
    assert ["skew"] == words(decorated)[-1]


def test_not_a_number_spreads_as_in_the_loop():
    def with_nan():
        u, *others = arguments()
        u[5, 5], u[9, 3] = np.nan, -0.0
        return u, *others

    same(relax, with_nan, ran="cpu", cache=False)


def test_rows_that_wait_for_all_of_the_last_do_not():
    decorated = same(alone, arguments, ran="cpu", cache=False)
    assert {"rename"} == {word for each in words(decorated) for word in each}


def test_a_verdict_stays_that_of_the_loop_as_written():
    decorated = autopar.parallel(relax, backend="cpu", cache=False)
    decorated(*arguments())
    assert ["sequential"] * 3 == [each["verdict"] for each in loops_of(decorated.last_run)]
    assert [[], [], []] == [each["transform"] for each in loops_of(decorated.explain())]


def test_a_skew_that_breaks_a_dependence_would_be_seen(monkeypatch):
    nest = Nest(
        text="""\
def nest(u, n, m):
    for i in range(1, n):
        for j in range(1, m - 2):
            u[i, j] = 0.5 * (u[i - 1, j + 2] + u[i, j - 1])
""",
        arguments={"u": np.random.default_rng(1).random((20, 30)), "n": 20, "m": 30},
    )
    in_order = list
    assert interpreted(nest) == generated(
        nest, drafts_of(nest), lambda count: in_order(range(count))
    )
    monkeypatch.setattr(wavefronts, "check_forward", lambda *_: (frozenset(),) * 5)
    drafts = drafts_of(nest)
    assert interpreted(nest) != generated(nest, drafts, lambda count: in_order(range(count)))


def test_rows_on_several_threads_leave_the_interpreters_bits():
    decorated = autopar.parallel(relax, backend="cpu", cache=False)
    for dtype in ("float64", "float32"):
        plain, run = arguments(251, 343, dtype), arguments(251, 343, dtype)
        relax(*plain)
        decorated(*run)
        assert plain[0].tobytes() == run[0].tobytes()
    assert "rows_done" in "".join(decorated.inspect_source().values())


def test_what_overflows_on_any_thread_warns():
    def huge():
        u, *others = arguments(251, 343)
        u[240, 300:302] = 1e308
        return u, *others

    same(relax, huge, cache=False)


@pytest.mark.parametrize("after", [0.05, 0.2])
def test_an_interrupt_stops_rows_on_all_threads(after):
    decorated = autopar.parallel(relax, backend="cpu", cache=False)
    decorated(*arguments(251, 343))
    large = (*arguments(1500, 1500)[:4], 10**6)
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        decorated(*large)
    timer.join()
    plain, run = arguments(251, 343), arguments(251, 343)
    relax(*plain)
    decorated(*run)
    assert plain[0].tobytes() == run[0].tobytes()
