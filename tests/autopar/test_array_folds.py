"""Functions of arrays along an axis: NumPy's bits, by loops around rows and over columns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis.model.array_run import Fold, FusedRun, GivenArray, Loops
from autopar.analysis.passes.array_fusion import fuse
from autopar.array_entries import ArrayEntry

# mypy: disable-error-code="no-untyped-def"


def along_both(x):
    y = x * 1.5
    rows = y.sum(axis=1, keepdims=True) + y.var(axis=0)
    worst = y.argmin(axis=1)
    return rows, worst, y.max(axis=-1) - y.mean(axis=1), y.sum(axis=0), np.prod(y, axis=1)


def along_three(x):
    y = x * 1.5
    centred = y - y.mean(axis=1, keepdims=True)
    nearest = np.sum(centred * centred, axis=2).argmin(axis=1)
    return y.sum(axis=0), centred, nearest


def normalised(x, scale):
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * scale


def soft(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def of_integers(k):
    total = k.sum(axis=0) * 2
    best = k.max(axis=1) + 1
    far = np.count_nonzero(np.abs(k - 3) > 40)
    return total, best, far


def changed_between(x):
    y = x * 2.0
    first = y.mean(axis=0)
    y[1:] = first
    return y.mean(axis=0) - first


def entry_of(decorated: Any) -> ArrayEntry:
    return next(e for e in decorated._prepare().regions if isinstance(e, ArrayEntry))


def same_bits(one: Any, other: Any) -> bool:
    a, b = np.asarray(one), np.asarray(other)
    is_same = a.dtype == b.dtype and a.shape == b.shape and a.strides == b.strides
    return is_same and a.tobytes() == b.tobytes()


def drawn(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    draw = np.random.default_rng(3)
    if dtype.startswith("int"):
        return draw.integers(-100, 100, shape).astype(dtype)
    x = (draw.standard_normal(shape) * 10.0 ** draw.integers(-6, 7, shape)).astype(dtype)
    x[draw.random(shape) < 0.2] = -0.0
    x[..., -1] = -0.0
    x[0] = -0.0
    return x


CASES = [
    (along_both, (300, 200), "float64"),
    (along_both, (400, 12), "float32"),  # pairwise, and known to be short
    (along_three, (30, 20, 6), "float64"),  # written out
    (of_integers, (300, 200), "int32"),
    (soft, (50, 1030), "float32"),
]


@pytest.mark.parametrize(("function", "shape", "dtype"), CASES)
def test_functions_along_axes_have_the_bits_of_numpy(function, shape, dtype):
    decorated = autopar.parallel(backend="cpu")(function)
    x = drawn(shape, dtype)
    expected = function(x)
    actual = decorated(x)
    for one, other in zip(expected, actual, strict=True):
        assert same_bits(one, other)
    (planned,) = entry_of(decorated).again.all()
    for region in planned.regions():
        assert any(hasattr(each, "run") for each in region.kernels.made.values())


def test_a_normalised_row_needs_no_array_of_its_own():
    decorated = autopar.parallel(backend="cpu")(normalised)
    x, scale = drawn((200, 96), "float64"), drawn((96,), "float64")
    assert same_bits(normalised(x, scale), decorated(x, scale))
    (planned,) = entry_of(decorated).again.all()
    (region,) = planned.regions()  # mean, variance and the rest of a row: one loop
    assert (
        len([each for each in region.plan.loops if region.plan.scop.loops[each.loop].depth == 0])
        == 1
    )
    whole = [each for each in region.plan.scop.arrays if each.rank == 2]
    assert len(whole) == 2  # what comes in, and what goes out


def test_what_was_reduced_is_reduced_again_once_the_array_has_changed():
    decorated = autopar.parallel(backend="cpu")(changed_between)
    x = drawn((300, 40), "float64")
    assert same_bits(changed_between(x), decorated(x))


@pytest.mark.parametrize("place", [np.inf, np.nan, 1e308])
def test_rows_warn_as_numpy_does(place):
    decorated = autopar.parallel(backend="cpu")(normalised)
    x, scale = np.ones((200, 96)), np.ones(96)
    x[7, 3:5] = place, -place
    x[9, :3] = place
    seen = []
    for function in (normalised, decorated):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = function(x, scale)
        seen.append((value.tobytes(), [(str(e.message), e.lineno) for e in caught]))
    assert seen[0] == seen[1]


def test_targets_without_rows_have_numpys_functions_between_loops():
    run = entry_of(autopar.parallel(backend="cpu")(soft)).run
    given = {"x": GivenArray(dtype="float64", extents=(0, 1))}
    with_rows, without = (fuse(run, given, has_rows=each) for each in (True, False))
    assert isinstance(with_rows, FusedRun)
    assert isinstance(without, FusedRun)
    assert [type(each) for each in with_rows.steps] == [Loops]
    assert [type(each) for each in without.steps] == [Fold, Loops, Fold, Loops]
