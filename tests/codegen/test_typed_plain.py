"""Kernels that are read: the types of Numba, and what C leaves undefined."""

from __future__ import annotations

import warnings
from typing import Any

import numba
import numpy as np
import pytest

from autopar.analysis.model.typed import FLOAT_DIVIDE, FLOAT_INVALID, FLOAT_OVERFLOW
from tests.codegen.typed_plain import Undefined, Unreadable, load_typed
from tests.effort import some
from tests.launchers import SerialLauncher

MODULE = """\
import math

import numpy as np
from numba import njit

from autopar.codegen.fpflags import watched


@njit(nogil=True, error_model="numpy", cache=True)
def launch0(lower, upper, a, b, c):
    status = 0
    for i in range(lower, upper):
        {statement}
    return (status,)


launch0 = watched(launch0)


def run(launcher, a, b, c):
    (status,) = launcher.launch(launch0, 0, len(a), 1, (a, b, c), 1)
    return (status,)
"""


def read(statement, a, b, c):
    """Return the status that a statement leaves, read."""
    arrays = (np.asarray(a), np.asarray(b), c)
    return load_typed(MODULE.format(statement=statement)).run(SerialLauncher(), *arrays)[0]


def compiled(statement, a, b, c):
    """Run a statement as Numba compiles it."""
    scope: dict[str, Any] = {"np": np}
    lines = ["def kernel(a, b, c):", "    for i in range(len(a)):", f"        {statement}"]
    exec("\n".join(lines), scope)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numba.njit(error_model="numpy")(scope["kernel"])(a, b, c)


CASES = [
    (operator, left, right)
    for operator in ("+", "*", "-", "<", "&", "/")
    for left in ("int8", "uint8", "int32", "uint64", "int64", "float32", "float64", "bool")
    for right in ("int32", "uint8", "float32", "float64", "uint64")
    if operator != "&" or not (left + right).count("float")
    if operator != "-" or left != "bool"
]


@pytest.mark.parametrize(("operator", "left", "right"), some(CASES[::5], 1))
def test_operations_have_the_types_that_numba_gives_them(operator, left, right):
    a, b = np.array([1, 3, 100]).astype(left), np.array([7, 2, 90]).astype(right)
    for dtype in ("float64", "int64"):
        wanted, found = np.zeros(3, dtype), np.zeros(3, dtype)
        statement = f"c[i] = np.{dtype}(a[i] {operator} b[i])"
        compiled(statement, a, b, wanted)
        read(statement, a, b, found)
        assert wanted.tobytes() == found.tobytes()


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("c[i] = a[i] * 9223372036854775807 > 0", 2),
        ("c[i] = a[i] + 9223372036854775807 + 1 > 0", 1),
        ("c[i] = a[i] - 2 < 0", -(2**63) + 1),
        ("c[i] = 1 << a[i]", 64),
        ("c[i] = 5 // a[i]", 0),
        ("c[i] = 5 % a[i]", 0),
    ],
)
def test_what_c_leaves_undefined_is_an_error(statement, value):
    with pytest.raises(Undefined):
        read(statement, [value], [0], np.zeros(1, np.int64))


@pytest.mark.parametrize("place", ["np.uintp(a[i])", "a[i]", "np.uintp(a[i] - 5)", "-a[i]"])
def test_a_subscript_outside_is_an_error(place):
    with pytest.raises(IndexError):
        read(f"c[i] = b[{place}]", [4], [1.0, 2.0, 3.0], np.zeros(1))


def test_a_subscript_from_the_end_counts_from_there():
    found = np.zeros(1)
    read("c[i] = b[a[i]]", [-1], [1.0, 2.0, 3.0], found)
    assert found.tolist() == [3.0]


def test_new_arrays_begin_as_rubbish():
    found = np.zeros(1)
    read("c[i] = np.empty(1, np.float64)[0]", [0], [0], found)
    assert found.tobytes() == b"\xa5" * 8


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("c[i] = a[i] / b[i]", FLOAT_DIVIDE),
        ("c[i] = (a[i] - 1.0) / b[i]", FLOAT_INVALID),
        ("c[i] = a[i] * 1e308 * 10.0", FLOAT_OVERFLOW),
        ("c[i] = np.int64(200) * np.int64(200)", 0),
    ],
)
def test_the_flags_of_the_processor_are_told(statement, status):
    assert read(statement, [1.0], [0.0], np.zeros(1)) == status


def test_numbers_are_stored_as_c_converts_them():
    found = np.zeros(2, np.int8)
    read("c[i] = a[i] + 200", [100, 1], [0, 0], found)
    assert found.tolist() == [44, -55]


def test_what_outgrows_its_bits_wraps_where_nothing_depends_on_it():
    found = np.zeros(1, np.int64)
    read("c[i] = a[i] * 2 + 1", [2**62], [0], found)
    assert found.tolist() == [-(2**63) + 1]


def test_loops_over_whole_rows_are_not_read():
    source = MODULE.replace(
        "launch0 = watched",
        'from autopar.codegen.scalars import cpu_helper\nnumpyrow_add_float64 = cpu_helper("numpyrow_add_float64")\nlaunch0 = watched',
    ).format(statement="pass")
    with pytest.raises(Unreadable):
        load_typed(source)
