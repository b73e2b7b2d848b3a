"""NumPy's inner loops as kernels call them: the bits of NumPy's scalars, and their flags."""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import sys
import warnings

import llvmlite.binding as llvm
import numpy as np
import pytest

from autopar.analysis.model.ufuncs import OWN_LOOPS
from autopar.codegen import fpflags
from autopar.codegen.fpflags import FLOAT_FLAGS
from autopar.codegen.numpy_loops import SCALAR_SECOND, STRIPPED, scalar_function, strip_function

NUMBERS = {"float64": ctypes.c_double, "float32": ctypes.c_float}


def drawn(dtype, seed):
    """Numbers of all sizes, and every special one."""
    rng = np.random.default_rng(seed)
    limits = np.finfo(dtype)
    special = (0, -0.0, 1, -1, 0.5, 2, np.inf, -np.inf, np.nan, limits.tiny, limits.max, -limits.max,
               limits.smallest_subnormal, 710.0, -745.0, 1e5)  # fmt: skip
    parts = (
        special,
        rng.normal(size=80),
        rng.normal(size=80) * 50,
        np.exp(rng.normal(size=60) * 20),
    )
    with np.errstate(all="ignore"):
        found = np.concatenate(parts).astype(dtype)
    rng.shuffle(found)
    return found


def machine_code(name):
    """The function called `name`, for ctypes."""
    prefix, _, rest = name.partition("_")
    function, _, dtype = rest.rpartition("_")
    (scalar_function if prefix in ("numpy", "told") else strip_function)(name)
    number, count = NUMBERS[dtype], getattr(np, function).nin
    if prefix in ("numpy", "told"):
        kinds = (number,) * count
    else:
        is_scalar = f"numpy.{function}" in SCALAR_SECOND
        second = number if is_scalar else ctypes.c_void_p
        kinds = (ctypes.c_int64, ctypes.c_void_p, *(second,) * (count - 1), ctypes.c_void_p)
    result = number if prefix == "numpy" else ctypes.c_int64
    make = ctypes.PYFUNCTYPE(result, *kinds)
    return make(llvm.address_of_symbol(f"autopar_{name}"))


def of_scalars(function, columns):
    """What NumPy gives for one number after the other, and whether each warned of anything."""
    values, warned = [], []
    for each in zip(*columns, strict=True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            values.append(function(*each))
        warned.append(bool(caught))
    return np.array(values, columns[0].dtype), np.array(warned)


def same_bits(one, other):
    """Whether two arrays agree, whichever NaN they hold."""
    are_nan = np.isnan(one) & np.isnan(other)
    whole = f"u{one.dtype.itemsize}"
    return bool(np.all((one.view(whole) == other.view(whole)) | are_nan))


def differences():
    """Everything in which strips and single calls differ from NumPy's scalars, as text."""
    found = []
    for dtype in ("float64", "float32"):
        for name in sorted(OWN_LOOPS):
            function = getattr(np, name.removeprefix("numpy."))
            if not any(each == np.dtype(dtype).char * function.nin + "->" + np.dtype(dtype).char
                       for each in function.types):  # fmt: skip
                continue
            columns = [drawn(dtype, seed) for seed in range(function.nin)]
            columns[1:] = [
                np.full_like(each, 2) for each in columns[1:] if name in SCALAR_SECOND
            ] or (columns[1:])
            expected, warned = of_scalars(function, columns)
            found += single_differences(name, dtype, columns, expected, warned)
            if name in STRIPPED:
                found += strip_differences(name, dtype, columns, expected, warned)
    return found


def single_differences(name, dtype, columns, expected, warned):
    word = name.removeprefix("numpy.")
    call, told = machine_code(f"numpy_{word}_{dtype}"), machine_code(f"told_{word}_{dtype}")
    values = np.array([call(*map(float, each)) for each in zip(*columns, strict=True)], dtype)
    states = np.array([told(*map(float, each)) != 0 for each in zip(*columns, strict=True)])
    if not same_bits(values, expected):
        yield f"{name} {dtype}: a single call"
    if not np.array_equal(states, warned):
        yield f"{name} {dtype}: the warnings of a single call"


def strip_differences(name, dtype, columns, expected, warned):
    word = name.removeprefix("numpy.")
    call, told = machine_code(f"strip_{word}_{dtype}"), machine_code(f"toldstrip_{word}_{dtype}")
    for length in (1, 2, 3, 7, 16, 33, len(expected)):
        out = np.zeros_like(expected)
        place = columns[0].copy()
        for start in range(0, len(expected), length):
            count = min(length, len(expected) - start)
            rows = [each[start:].ctypes.data for each in columns]
            if name in SCALAR_SECOND:
                rows[1] = float(columns[1][0])
            call(count, *rows, out[start:].ctypes.data)
            status = told(count, place[start:].ctypes.data, *rows[1:], place[start:].ctypes.data)
            if bool(status) != bool(warned[start : start + count].any()):
                yield f"{name} {dtype}: the warnings of {count} from {start}"
        if not same_bits(out, expected):
            yield f"{name} {dtype}: strips of {length}"
        if not same_bits(place, expected):
            yield f"{name} {dtype}: strips of {length} in place"


EXPONENTS = (2.5, -1.0, 0.0, -0.0, 0.5, 1.0, 2.0, 3.0, -2.0, 1 / 3, -7.25, 1e300, np.inf, np.nan)
# Around the sizes from which on, and the parts in which, exponents are repeated.
LENGTHS = (1, 15, 16, 17, 1023, 1024, 1025, 3000)


def told_differences(numbers, exponent):
    """Where strips of powers warn of anything else than NumPy's scalars, as text."""
    told = machine_code(f"toldstrip_power_{numbers.dtype}")
    _, warned = of_scalars(np.power, (numbers, [exponent] * len(numbers)))
    out = np.zeros_like(numbers)
    for length in (5, 16, 19, 33):
        for start in range(0, len(numbers) - length, 7):
            status = told(length, numbers[start:].ctypes.data, exponent, out.ctypes.data)
            if bool(status) != bool(warned[start : start + length].any()):
                yield f"{numbers.dtype}: warnings of {length} powers of {exponent} from {start}"


def power_differences():
    """Everything in which powers of a standing exponent differ from NumPy's, as text."""
    found = []
    for dtype in NUMBERS:
        numbers = np.concatenate([drawn(dtype, seed) for seed in range(15)])
        call = machine_code(f"strip_power_{dtype}")
        for number in EXPONENTS:
            with np.errstate(all="ignore"):
                exponent = numbers.dtype.type(number)
                whole = np.power(numbers, exponent)
                single = np.array([np.power(each, exponent) for each in numbers])
            found += told_differences(numbers[:100], exponent)
            for length in LENGTHS:
                out, place = np.full_like(numbers, 7.0), numbers.copy()
                call(length, numbers.ctypes.data, exponent, out.ctypes.data)
                call(length, place.ctypes.data, exponent, place.ctypes.data)
                for each in (out, place):
                    if not same_bits(single[:length], each[:length]):
                        found.append(f"{dtype}: {length} powers of {exponent}")
                    if not same_bits(whole[:length], each[:length]):
                        found.append(f"{dtype}: {length} powers of {exponent} of an array")
                if (out[length:] != 7.0).any() or not same_bits(numbers[length:], place[length:]):
                    found.append(f"{dtype}: more than {length} powers")
    return found


def test_strips_and_single_calls_are_numpys_scalars():
    assert [] == differences()
    assert [] == power_differences()


umath = importlib.import_module("numpy._core._multiarray_umath")
LEVELS = [each for each in umath.__cpu_dispatch__ if umath.__cpu_features__.get(each)]


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_the_same_with_fewer_instructions(level):
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(LEVELS[level:])}
    command = (
        "from tests.codegen.test_numpy_loops import differences, power_differences\n"
        "print(differences() + power_differences())"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("[]", "") == (done.stdout.strip(), done.stderr)


@pytest.mark.parametrize("name", ["tanh", "exp", "sign", "fmax"])
def test_what_was_raised_before_stays_raised(name):
    call = machine_code(f"numpy_{name}_float64")
    arguments = (0.5,) * getattr(np, name).nin
    fpflags.clear_flags(FLOAT_FLAGS)
    fpflags.raise_flags(FLOAT_FLAGS)
    call(*arguments)
    raised = fpflags.test_flags(FLOAT_FLAGS)
    fpflags.clear_flags(FLOAT_FLAGS)
    assert fpflags.float_status(FLOAT_FLAGS) == fpflags.float_status(raised)


def test_a_strip_of_nothing_is_nothing():
    assert 0 == machine_code("strip_exp_float64")(0, None, None)


def test_power_of_a_standing_exponent_squares():
    numbers = drawn("float64", 3)
    with np.errstate(all="ignore"):
        expected = np.array([np.power(each, 2.0) for each in numbers])
    out = np.zeros_like(numbers)
    machine_code("strip_power_float64")(len(numbers), numbers.ctypes.data, 2.0, out.ctypes.data)
    assert same_bits(expected, out)
