"""Nests on arrays whose number of axes the code does not show: planned for what a call finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, places, same

# mypy: disable-error-code="no-untyped-def"


def rng(*shape, dtype="float64"):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def taps(out, w, a, m):
    for k in range(len(w)):
        out += w[k] * a[:, k : k + m]
    return out


def relaxed(f, g, rate):
    for k in range(f.shape[0]):
        f[k] += (g - f[k]) / rate
    return f


def convolved(out, kernel, a, m):
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            out[:, 0] += kernel[i, j] * a[:, i : i + m, j : j + m]


def made_inside(f, u, v):
    for k in range(f.shape[0]):
        along = 3.0 * u[k] * v
        f[k] += along + 0.5 * along * along
    return f


def summed(a, n):
    s = 0.0
    for k in range(n):
        s += a[k]
    return s


def ran(decorated: Any) -> bool:
    """Whether the outermost loop ran in a kernel."""
    return places(decorated)[:1] == ["cpu"]


CASES: dict[str, Any] = {
    "colours": (taps, lambda: (np.zeros((6, 20, 3)), rng(5), rng(6, 24, 3), 20)),
    "grey": (taps, lambda: (np.zeros((6, 20)), rng(5), rng(6, 24), 20)),
    "single": (
        taps,
        lambda: (
            np.zeros((6, 20, 3), "f4"),
            rng(5, dtype="f4"),
            rng(6, 24, 3, dtype="f4"),
            20,
        ),
    ),
    "planes": (relaxed, lambda: (rng(9, 8, 7), rng(8, 7), 0.6)),
    "rows": (relaxed, lambda: (rng(9, 8), rng(8), 0.6)),
    "features": (convolved, lambda: (np.zeros((3, 2, 9, 9)), rng(3, 3), rng(3, 11, 11), 9)),
    "temporaries": (made_inside, lambda: (rng(4, 8, 7), rng(4, 8, 7), rng(8, 7))),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_nests_run_for_the_ranks_of_a_call(name):
    function, make = CASES[name]
    assert ran(same(function, make)), name


LEFT: dict[str, Any] = {
    "a_list_beside": (taps, lambda: (np.zeros((6, 20, 3)), [0.5, 2.0], rng(6, 24, 3), 20)),
    "a_tuple_beside": (taps, lambda: (np.zeros((6, 20, 3)), (0.5, 2.0), rng(6, 24, 3), 20)),
    "stretched": (taps, lambda: (np.zeros((6, 20, 3)), rng(5), rng(6, 24, 1), 20)),
    "too_short": (taps, lambda: (np.zeros((6, 20, 3)), rng(5), rng(6, 23, 3), 20)),
    "too_many_axes": (taps, lambda: (np.zeros((6, 20)), rng(5), rng(6, 24, 20), 20)),
    "too_small": (taps, lambda: (np.zeros((6, 20, 3), "f4"), rng(5), rng(6, 24, 3), 20)),
    "into_integers": (taps, lambda: (np.zeros((6, 20, 3), int), rng(5), rng(6, 24, 3), 20)),
    "a_list": (summed, lambda: ([1.0, 2.0, np.float64(3.0)], 3)),
    "sums_of_rows": (summed, lambda: (rng(4, 5), 4)),
    "read_only": (taps, lambda: (_fixed(np.zeros((6, 20, 3))), rng(5), rng(6, 24, 3), 20)),
}


def _fixed(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("name", sorted(LEFT))
def test_what_numpy_stretches_or_refuses_is_its_own(name):
    function, make = LEFT[name]
    with np.errstate(all="ignore"):
        same(function, make)


def overlapping():
    whole = rng(7, 30, 3)
    return whole[:, 4:24], rng(5), whole[:, :24], 20


def backwards():
    return np.zeros((6, 20, 3))[::-1], rng(5), rng(6, 24, 3)[:, ::-1], 20


def columns():
    return np.asfortranarray(np.zeros((6, 20, 3))), rng(5), np.asfortranarray(rng(6, 24, 3)), 20


@pytest.mark.parametrize("make", [overlapping, backwards, columns])
def test_arrays_may_lie_in_memory_as_they_like(make):
    same(taps, make)


def test_one_function_takes_arrays_of_several_ranks_in_turn():
    decorated = autopar.parallel(taps, backend="cpu")
    for shape in ((6, 20, 3), (6, 20), (6, 20, 4), (6, 20, 3, 2), (6, 20)):
        wide = (shape[0], shape[1] + 4, *shape[2:])
        plain, own = np.zeros(shape), np.zeros(shape)
        expected = taps(plain, rng(5), rng(*wide), 20)
        result = decorated(own, rng(5), rng(*wide), 20)
        assert result is own
        assert result.tobytes() == expected.tobytes()
        assert ran(decorated), shape


def test_numbers_where_arrays_were_are_numbers():
    decorated = autopar.parallel(summed, backend="cpu")
    for given in (rng(8), rng(8, 3), rng(8)):
        plain, found = summed(given, 8), decorated(given, 8)
        assert type(found) is type(plain)
        assert np.array_equal(found, plain)


def test_loops_of_a_picture_go_through_it_once():
    decorated = autopar.parallel(taps, backend="cpu")
    decorated(np.zeros((40, 200)), rng(9), rng(40, 208), 200)
    (loop, *_) = loops_of(decorated.last_run)
    assert "interchange" in loop["transform"], loop


WEIGHTS, SHIFTS = (0.5, 2.0, 0.25), (1, -1, 0)


def of_tuples(f, u, v):
    for k in range(3):
        along = SHIFTS[k] * u + v
        f[k] += WEIGHTS[k] * along - f[k]


def test_weights_may_lie_in_a_tuple():
    plain, own = ((rng(3, 30, 40), rng(30, 40), rng(30, 40)) for _ in range(2))
    of_tuples(*plain)
    decorated = autopar.parallel(of_tuples, backend="cpu")
    decorated(*own)
    assert own[0].tobytes() == plain[0].tobytes()
    assert ran(decorated)
