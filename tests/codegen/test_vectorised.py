"""Loops of generated kernels that LLVM vectorises, as its own intermediate code says."""

from __future__ import annotations

import platform
import re
import textwrap
from typing import Any

import numba
import numpy as np
import pytest

import autopar
from autopar.preview import preview_kernels
from tests.sameness import same

SHORTEST = """
    def shortest(path, n):
        for k in range(n):
            for i in range(n):
                for j in range(n):
                    if path[i, k] + path[k, j] < path[i, j]:
                        path[i, j] = path[i, k] + path[k, j]
"""
EITHER = """
    def shortest(path, n):
        for k in range(n):
            for i in range(n):
                for j in range(n):
                    through = path[i, k] + path[k, j]
                    path[i, j] = path[i, j] if path[i, j] < through else through
"""


def vectorised(source: str, dtype: str, kernel: str) -> int:
    """Return how many loops of a kernel run in vectors; their arrays have rank 2."""
    types = f"path={dtype}[:,:], n=int"
    text = preview_kernels(textwrap.dedent(source), types)["kernel cpu"]
    made: dict[str, Any] = {}
    exec(text.replace(", cache=True", ""), made)
    (names,) = re.findall(rf"^def {kernel}\((.*)\):", text, re.MULTILINE)
    array = numba.types.Array(getattr(numba.types, dtype), 2, "C", aligned=True)
    signature = tuple(array if name == "path" else numba.types.int64 for name in names.split(", "))
    found = getattr(made[kernel], "dispatcher", made[kernel])
    found.compile(signature)
    (intermediate,) = found.inspect_llvm().values()
    return len(re.findall(r"^vector\.body[^:]*:", intermediate, re.MULTILINE))


def rows(a, m, n):
    for t in range(2, m):
        first = a[t - 1, 0]  # a scalar, which keeps the loop from being a crew's
        for j in range(1, n):
            a[t, j] = 0.5 * a[t - 1, j] + 0.25 * a[t - 2, j - 1] + first


def in_place(a, m, n):
    for t in range(2, m):
        for j in range(n):
            a[t, j] = 0.5 * a[t, j] + a[t, 0] * a[0, j]


@pytest.mark.parametrize(("nest", "is_unhoisted"), [(rows, True), (in_place, False)])
def test_rows_that_read_rows_before_them_have_an_iterator_of_their_own(nest, is_unhoisted):
    same(nest, lambda: (np.random.default_rng(3).uniform(-1.0, 1.0, (40, 70)), 40, 70))
    decorated: Any = autopar.parallel(nest, backend="cpu")
    decorated(np.ones((40, 70)), 40, 70)
    assert is_unhoisted == ("t = unhoisted(t)" in str(decorated.inspect_source()))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have other vectors")
@pytest.mark.parametrize("source", [SHORTEST, EITHER])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_loops_that_decide_by_data_run_in_vectors(source, dtype):
    assert vectorised(source, dtype, "launch0") >= 2  # of columns before `k`, and after it
