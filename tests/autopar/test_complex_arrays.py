"""Statements on whole arrays of complex numbers: NumPy's bits, its fused products too."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis.passes import complex_products as products
from autopar.codegen.scalars import FUSED, cpu_helper
from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"


def left_by_masks(z, c, stayed):
    near = z.real**2 + z.imag**2 < 4.0
    z[near] = z[near] ** 2 + c[near]
    stayed[near] += 1
    return stayed


def turned(z, c, weight):
    both = z * c - weight * z
    rest = -np.square(both) + c * 0.5
    rest[1:, :] *= z[:-1, :]
    return both, rest, rest.imag - weight


def parts(x, z):
    wave = (x * z).real + x
    return wave * 2.0


def numbers(dtype: str, seed: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    z, c = ((draw.standard_normal((2, 61, 37)) * 2) @ np.eye(37) for _ in range(2))
    made = [np.empty((61, 37), dtype) for _ in range(2)]
    for each, parts in zip(made, (z, c), strict=True):
        each.real, each.imag = parts
    made[0][3, 5], made[1][7, :] = -0.0, 0.0
    return made[0], made[1]


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_masked_updates_of_complex_numbers_run_in_kernels_with_numpys_bits(dtype):
    def given():
        return (*numbers(dtype, 3), np.zeros((61, 37), np.int64))

    decorated = same(left_by_masks, given)
    (text,) = decorated.inspect_source().values()
    assert "if_" in text
    assert "fused_product" in text or products.complex_products(dtype) == "plain"


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_products_and_sums_of_complex_arrays_have_numpys_bits(dtype):
    decorated = same(turned, lambda: (*numbers(dtype, 4), numbers(dtype, 5)[0].real.copy()))
    assert decorated.inspect_source()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("odd", [np.inf, 1e200])
def test_odd_complex_numbers_come_out_as_in_numpy(odd):
    def given():
        z, c = numbers("complex128", 6)
        z[::7, 3], c[5, ::4] = odd, complex(1.0, odd)
        return z, c, z.real.copy()

    same(turned, given)


def test_a_part_that_nobody_takes_warns_as_in_numpy():
    def given():
        z, _ = numbers("complex128", 7)
        z.real[4, 5] = np.inf
        return z.imag.copy(), z

    assert same(parts, given).inspect_source()


def test_numbers_that_are_none_stay_none():
    z, c = numbers("complex128", 6)
    z[::7, 3], c[5, ::4] = np.nan, complex(1.0, np.nan)
    found = autopar.parallel(turned, backend="cpu")(z, c, z.real.copy())
    for own, plain in zip(found, turned(z, c, z.real.copy()), strict=True):
        np.testing.assert_array_equal(own.view(np.float64), plain.view(np.float64))


def test_a_product_is_fused_just_as_numpys_loops_are():
    draw = np.random.default_rng(1)
    x, y = (draw.standard_normal(50) + 1j * draw.standard_normal(50) for _ in range(2))
    fused = cpu_helper(FUSED)

    def once(one: float, other: float, more: float) -> float:
        return float(Fraction(one) * Fraction(other) + Fraction(more))

    for one, other in zip(x.tolist(), y.tolist(), strict=True):
        real = once(one.real, other.real, -(one.imag * other.imag))
        imaginary = once(one.real, other.imag, one.imag * other.real)
        assert complex(real, imaginary) == fused(one, other)
    if products.complex_products("complex128") == "fused":
        assert [fused(a, b) for a, b in zip(x, y, strict=True)] == (x * y).tolist()


def test_a_machine_that_multiplies_in_no_known_way_is_left_alone(monkeypatch):
    monkeypatch.setattr(products, "_is_so", lambda *_: False)
    assert products.complex_products.__wrapped__("complex128") is None
