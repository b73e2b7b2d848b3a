"""Machine code of the benchmark's kernels: packed instructions, counted.

What counts is arithmetic on whole vectors; loads and stores alone are no sign of a vectorised loop.
"""

from __future__ import annotations

import platform
import re
from types import SimpleNamespace

import numpy as np
import pytest

import autopar
from autopar import forms, sizes
from autopar.codegen import prepare
from autopar.codegen.compile import load_module
from autopar.codegen.fpflags import dispatcher_of
from autopar.codegen.streams import LINE, LINES
from benchmarks.kernels import KERNELS

X86 = re.compile(r"\bv?(?:mul|add|sub|div|sqrt|fn?m(?:add|sub)\w*)p[ds]\b|\bvp(?:add|sub|mull)q\b")
ARM = re.compile(r"\bf?(?:mul|add|sub|div|sqrt|mla|mls)\s+v\d+\.(?:2d|4s)")

# Kernels whose innermost loop is scalar, and why that is as it should be.
SCALAR = {
    "matmul_scalar": "a sum in the interpreter's order, along a column",
    "symmetric_rank_k": "a sum in the interpreter's order",
    "every_third": "gathers and scatters are slower than scalar loads and stores",
    "odd_from_even": "the same",
    "hyperbolic": "nothing but calls of NumPy's loop",
}
# What LLVM makes of one turn of the main loop, at least, and unrolled.
FEWEST = {"functions": 3, "triangular_update": 2, "jacobi": 4, "stencil_3d": 6, "roots": 4}


def packed_in(kernel, monkeypatch):
    """How many packed arithmetic instructions the kernels of a benchmark have."""
    is_x86 = platform.machine().lower() in {"x86_64", "amd64"}
    return found_in(kernel, X86 if is_x86 else ARM, monkeypatch)


def requests_in(kernel, monkeypatch):
    """How many lines of the cache they ask for ahead."""
    return found_in(kernel, re.compile(r"\bprefetch\w*"), monkeypatch)


def found_in(kernel, pattern, monkeypatch):
    """How many instructions of one kind the kernels of a benchmark have."""
    modules = []

    def compiled(source, program, cache):
        # Another text than that of a module which an earlier test left, with other machine code.
        own = f"{source}\n# For Numba alone.\n"
        module = load_module(own, cache=cache, types=prepare.types_of(program))
        prepare.compile_kernels(module, program)
        modules.append(module)
        return module

    monkeypatch.setattr(forms, "prepared_module", compiled)
    function = autopar.parallel(backend="cpu", cache=False)(kernel.plain)
    function(*kernel.arguments(kernel.sizes.part, np.random.default_rng(0)))
    launches = [
        dispatcher_of(value)
        for module in modules
        for name, value in vars(module).items()
        if re.fullmatch(r"(launch|reduce|step|sweep)\d+", name)
    ]
    assert launches
    return sum(
        len(pattern.findall(assembly))
        for each in launches
        for assembly in each.inspect_asm().values()
    )


# Forms for large arrays: the loop over one row is packed as well, with no more than its own
# arithmetic around it.
STREAMED = ("jacobi", "polynomial", "single_precision", "integers", "stencil_3d", "transpose_add")


@pytest.mark.parametrize("name", STREAMED)
def test_kernels_for_large_arrays_are_packed_and_ask_ahead(name, monkeypatch):
    monkeypatch.setattr(sizes.Sizes, "are_large", lambda *_: True)
    kernel = next(each for each in KERNELS if each.name == name)
    assert packed_in(kernel, monkeypatch) >= FEWEST.get(name, 2)
    if platform.machine().lower() in {"x86_64", "amd64"}:
        assert requests_in(kernel, monkeypatch) >= LINES // LINE
        assert (
            found_in(kernel, re.compile(r"\bv?movnt(?:p[ds]|dq)\b"), monkeypatch) >= LINES // LINE
        )


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_kernels_of_the_benchmark_are_packed(kernel, monkeypatch):
    found = packed_in(kernel, monkeypatch)
    if kernel.name in SCALAR:
        assert 0 == found, f"vectorised now: {SCALAR[kernel.name]}?"
    else:
        assert found >= FEWEST.get(kernel.name, 2)


def quotients(a, b, c):
    for i in range(a.shape[0]):
        c[i] = a[i] / b[i]


@pytest.mark.skipif(platform.machine().lower() not in {"x86_64", "amd64"}, reason="of these names")
def test_quotients_that_pass_the_caches_are_not_taken_one_by_one(monkeypatch):
    monkeypatch.setattr(sizes.Sizes, "are_large", lambda *_: True)
    kernel = SimpleNamespace(
        plain=quotients,
        arguments=lambda n, rng: tuple(rng.uniform(1.0, 2.0, (3, n))),
        sizes=SimpleNamespace(part=200),
    )
    assert found_in(kernel, re.compile(r"\bv?divsd\b"), monkeypatch) < 8
