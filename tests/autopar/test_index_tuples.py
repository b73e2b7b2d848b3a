"""Loops over tuples of subscripts, which `np.ndindex` gives."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from tests.sameness import places, same


def doubled(a, out):
    for idx in np.ndindex(*a.shape):
        out[idx] = 2.0 * a[idx]


def weighted(a, out):
    s = 0.0
    for idx in np.ndindex(a.shape):
        i, j = idx
        if a[idx] > 0.3:
            out[j, i] = a[idx] * idx[1]
        s += a[idx]
    return s


def counted(a, out, n, m):
    for idx in np.ndindex(n, m):
        out[idx] += a[idx]


def taken_apart(a, out, n, m):
    for i, j in np.ndindex(n, m):
        out[i, j] += a[i, j]


def of_another(a, out):
    for idx in np.ndindex(a.shape):
        out[idx][0] = 1.0


def of_another_apart(a, out):
    for i, j in np.ndindex(a.shape):
        out[i, j] = 1.0


def kept(a, out):
    for idx in np.ndindex(a.shape):
        out[idx] = a[idx]
    return idx


def mixed(a, out):
    for idx in np.ndindex(a.shape):
        out[idx] = a[idx[::-1]] if idx > (1, 1) else a[idx]


def grid(*shape):
    return np.arange(float(np.prod(shape))).reshape(shape) / 7, np.zeros(shape)


@pytest.mark.parametrize(
    ("function", "make"),
    [
        (doubled, lambda: grid(4, 5)),
        (weighted, lambda: grid(5, 5)),
        (counted, lambda: (*grid(4, 5), 3, 5)),
        (taken_apart, lambda: (*grid(4, 5), 4, 2)),
    ],
)
def test_such_loops_run_in_kernels(function, make, backend):
    same(function, make, backend, ran="cpu")


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4), (0, 3), (1, 1)])
def test_arrays_of_other_ranks_are_looked_at_in_the_call(shape, backend):
    same(doubled, lambda: grid(*shape), backend)


def test_three_axes_run_in_a_kernel():
    assert "cpu" in places(same(doubled, lambda: grid(2, 3, 4)))


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("function", [of_another, of_another_apart])
def test_the_array_whose_shape_it_is_has_as_many_axes(function, shape, backend):
    same(function, lambda: (np.ones(shape), np.zeros((2, 3, 2))), backend)
    same(function, lambda: (np.ones(shape), np.zeros((2, 3))), backend)


@pytest.mark.parametrize(("n", "m"), [(-1, 3), (2, -1), (9, 2), (0, 0), (2.0, 2)])
def test_extents_are_refused_as_the_interpreter_refuses_them(n, m):
    same(counted, lambda: (*grid(4, 5), n, m))


@pytest.mark.parametrize("function", [kept, mixed])
def test_tuples_that_are_wanted_whole_stay_the_interpreters(function):
    decorated = same(function, lambda: grid(3, 3))
    assert set(places(decorated)) <= {"interpreter"}


def test_the_report_says_the_users_name():
    (loop,) = autopar.explain(doubled).to_dict()["functions"][0]["loops"]
    assert ("parallel", "no dependence is carried by idx") == (loop["verdict"], loop["reason"])
