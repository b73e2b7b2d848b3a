"""Every CUDA kernel compiled to PTX for compute capability 9.0: no device needed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autopar.codegen.cuda import generate_cuda
from autopar.codegen.ptx import compile_to_ptx
from tests.codegen.cuda_builders import program_of
from tests.codegen.cuda_cases import CASES

# These call functions of libdevice, which are made of fused operations.
OF_LIBDEVICE = {"remainders", "single_remainders", "waves"}
BY_NAME = {case.name: case for case in CASES}


def ptx_of(name, *, fastmath=False):
    program = program_of(BY_NAME[name])
    source = generate_cuda(program, fastmath=fastmath)
    return compile_to_ptx(source, program, fastmath=fastmath)


@pytest.mark.parametrize("name", BY_NAME)
def test_kernels_compile_without_calls(name):
    for text in ptx_of(name).values():
        assert ".target sm_90" in text
        # Of large arguments libdevice takes the sine by a function of its own.
        assert name == "waves" or not re.search(r"\bcall\b", text)


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - OF_LIBDEVICE))
def test_exact_kernels_hold_nothing_that_contracts(name):
    for text in ptx_of(name).values():
        assert "fma." not in text
        # Without a rounding mode the assembler may still fuse a product with a sum.
        assert not re.search(r"\bmul\.f(32|64)", text)


@pytest.mark.parametrize("name", ["saxpy", "product"])
def test_fastmath_kernels_are_contracted(name):
    assert any("fma." in text for text in ptx_of(name, fastmath=True).values())


def test_single_precision_stays_single():
    (text,) = ptx_of("single").values()
    operations = set(re.findall(r"\t([a-z0-9.]+\.f64)\b", text))
    assert {"ld.param.f64", "cvt.rn.f32.f64"} == operations  # of alpha, a Python float
    assert "div.rn.f32" in text


def test_roots_are_correctly_rounded():
    (text,) = ptx_of("roots").values()
    assert "sqrt.rn.f64" in text


def test_subscripts_do_not_wrap_around():
    (text,) = ptx_of("saxpy").values()
    assert "selp" not in text


def test_module_is_compiled_for_the_types_of_its_program():
    program = program_of(BY_NAME["bytes_wrap"])
    assert {np.dtype("int8").name} == {array.type.dtype for array in program.arrays}
    (text,) = compile_to_ptx(generate_cuda(program), program).values()
    assert "ld.global.u8" in text or "ld.global.s8" in text


def test_rows_wait_for_one_another():
    (text,) = ptx_of("gauss_seidel").values()
    before, fence, after = text.partition("membar.gl")
    assert "atom.global.add" in before  # what the rows before have done
    assert fence
    assert "bar.sync" in after
    assert "ld.global.nc" not in text  # the cache of what never changes
    assert "st.local" not in text
