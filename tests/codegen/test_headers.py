"""Headers: any difference that a guard could see is seen, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from autopar.codegen.headers import Headers, are_known


class Own(np.ndarray):
    """A subclass: never a plain array."""


def base():
    return np.arange(24.0).reshape(4, 6).copy()


def read_only(array):
    array.flags.writeable = False


def reshaped(array):
    array.shape = (6, 4)


def retyped(array):
    array.dtype = np.int64


def test_arrays_lie_in_memory_as_expected():
    assert are_known()


def test_the_same_arrays_with_other_contents_and_floats_are_the_same():
    array, other = base(), np.zeros((), np.complex64)
    headers = Headers((array, other, 1.5, 3))
    array[:] = 7.0
    other[()] = 1j
    assert headers.are_those_of((array, other, -2.5, 4))


@pytest.mark.parametrize("change", [read_only, reshaped, retyped])
def test_a_change_of_the_array_itself_is_seen(change):
    array = base()
    headers = Headers((np.zeros(3), array))
    last = Headers((array,))
    change(array)
    assert not headers.are_those_of((np.zeros(3), array))
    assert not last.are_those_of((array,))


@pytest.mark.parametrize(
    "other",
    [
        lambda array: array.copy(),
        lambda array: array[:3],
        lambda array: array[:, :5],
        lambda array: array[1:],
        lambda array: array[::-1],
        lambda array: array.T,
        lambda array: array.reshape(-1),
        lambda array: array.view(np.int64),
        lambda array: array.view(">f8"),
        lambda array: array.view(Own),
        lambda array: array.tolist(),
        lambda _: 1.0,
        lambda _: None,
    ],
)
def test_another_array_is_seen(other):
    array = base()
    assert not Headers((array,)).are_those_of((other(array),))
    assert not Headers((0, array)).are_those_of((0, other(array)))


def test_a_view_of_just_the_same_elements_is_the_same_but_for_who_owns_them():
    array = base()
    view, again = array[:], array[:]
    assert Headers((view,)).are_those_of((again,))
    assert not Headers((view,)).are_those_of((array,))


@pytest.mark.parametrize("pair", [(1, True), (1, 1.0), (1.0, np.float64(1)), (1, np.int64(1))])
def test_the_type_of_every_argument_counts(pair):
    first, second = pair
    assert Headers((first,)).are_those_of((first,))
    assert not Headers((first,)).are_those_of((second,))
    assert not Headers((base(), second)).are_those_of((base(), first))
