"""What operations tell of warnings, held against what NumPy says of the same operation."""

from __future__ import annotations

import itertools
import operator

import numpy as np
import pytest

from autopar.analysis.model.typed import FLOAT_DIVIDE, FLOAT_INVALID, FLOAT_OVERFLOW
from autopar.codegen import float_status

BITS = {
    "divide by zero": FLOAT_DIVIDE,
    "invalid value": FLOAT_INVALID,
    "overflow": FLOAT_OVERFLOW,
}
FUNCTIONS = {each.__name__: each for each in float_status.FLOAT_STATUS}
VALUES = (
    0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-300, -1e-300, 1e300, -1e300, 1.7e308, 1e38, -1e38,
    1e-40, 700.0, np.inf, -np.inf, np.nan,
)  # fmt: skip
OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


def told_by_numpy(function, *arguments):
    """Return the value, and the bits of what NumPy would have warned of."""
    found = []
    with np.errstate(
        divide="call",
        over="call",
        invalid="call",
        under="ignore",
        call=lambda *it: found.append(it[0]),
    ):
        value = function(*arguments)
    return value, sum({BITS[each] for each in found})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operators_tell_what_numpy_would_warn_of(name, dtype):
    tell = FUNCTIONS[float_status.status_call(name, "float64")]
    with np.errstate(all="ignore"):
        values = [dtype(each) for each in VALUES]
    for x, y in itertools.product(values, repeat=2):
        value, expected = told_by_numpy(OPERATIONS[name], x, y)
        with np.errstate(all="ignore"):
            assert expected == tell(x, y, value), (name, x, y, value)


@pytest.mark.parametrize("name", ["numpy.sqrt", "cast"])
def test_functions_of_one_operand_tell_what_numpy_would_warn_of(name):
    tell = FUNCTIONS[float_status.status_call(name, "float64")]
    function = np.sqrt if name == "numpy.sqrt" else np.float32
    for x in map(np.float64, VALUES):
        value, expected = told_by_numpy(function, x)
        assert expected == tell(x, value), (name, x, value)


PARTS = (0.0, -1.0, 1e-300, 1.7e308, -1e200, 1e38, np.inf, np.nan)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ["+", "-", "*"])
def test_complex_operators_tell_what_numpy_would_warn_of(name, dtype):
    tell = FUNCTIONS[float_status.status_call(name, dtype)]
    with np.errstate(all="ignore"):
        values = [np.dtype(dtype).type(complex(x, y)) for x in PARTS for y in PARTS]
    for x, y in itertools.product(values, repeat=2):
        value, expected = told_by_numpy(OPERATIONS[name], x, y)
        with np.errstate(all="ignore"):
            assert expected == tell(x, y, value), (name, x, y, value)


@pytest.mark.parametrize("value", [np.complex64(3e38 + 3e38j), np.complex128(1.5e308 + 1.5e308j)])
def test_numpy_does_not_warn_of_an_absolute_value_that_overflows(value):
    assert (np.inf, 0) == told_by_numpy(abs, value)


def test_conversions_to_single_precision_tell_what_numpy_would_warn_of():
    tell = FUNCTIONS[float_status.status_call("cast", "complex128")]
    for x in [np.complex128(complex(x, y)) for x in PARTS for y in PARTS]:
        value, expected = told_by_numpy(np.complex64, x)
        assert expected == tell(x, value), (x, value)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (1e200 + 0j, 1e200 + 0j, FLOAT_OVERFLOW),
        (complex(1.0, np.nan), 1 + 1j, 0),  # what was no number before is told by nobody
        (complex(0.0, np.inf), 0j, FLOAT_INVALID),
        (1 + 2j, 3 + 4j, 0),
    ],
)
def test_a_fused_product_tells_what_numpy_would_warn_of(x, y, expected):
    product, at_numpy = told_by_numpy(operator.mul, np.complex128(x), np.complex128(y))
    with np.errstate(all="ignore"):
        assert expected == at_numpy
        assert expected == FUNCTIONS["fused_product_status"](
            np.complex128(x), np.complex128(y), product
        )
