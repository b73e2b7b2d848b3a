"""Sizes at which the kernels are timed: some ten milliseconds each for compiled loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..loops import Array, Form
from . import KERNELS, Kernel, Maker, dense, tables, whole

_PRODUCT = {"ni": 220, "nj": 240, "nk": 260, "nl": 230, "nm": 250}
_SIZES = {
    "gemm": {"ni": 300, "nj": 320, "nk": 340},
    "gemver": {"n": 1200},
    "gesummv": {"n": 1500},
    "symm": {"m": 260, "n": 300},
    "syr2k": {"n": 320, "m": 260},
    "syrk": {"n": 400, "m": 300},
    "trmm": {"m": 300, "n": 320},
    "two_mm": _PRODUCT,
    "three_mm": _PRODUCT,
    "atax": {"m": 1800, "n": 2000},
    "bicg": {"m": 1800, "n": 2000},
    "doitgen": {"nr": 60, "nq": 50, "np_": 80},
    "mvt": {"n": 1500},
    "cholesky": {"n": 500},
    "durbin": {"n": 4000},
    "gramschmidt": {"m": 250, "n": 220},
    "lu": {"n": 350},
    "ludcmp": {"n": 350},
    "trisolv": {"n": 2500},
    "correlation": {"m": 260, "n": 300},
    "covariance": {"m": 260, "n": 300},
    "adi": {"tsteps": 10, "n": 300},
    "fdtd_2d": {"tmax": 20, "nx": 500, "ny": 600},
    "heat_3d": {"tsteps": 10, "n": 70},
    "jacobi_1d": {"tsteps": 300, "n": 20000},
    "jacobi_2d": {"tsteps": 20, "n": 600},
    "seidel_2d": {"tsteps": 8, "n": 600},
    "deriche": {"w": 1000, "h": 900},
    "floyd_warshall": {"n": 300},
    "nussinov": {"n": 450},
}


POLYBENCH = tuple(replace(each, inputs={**each.inputs, **_SIZES[each.name]}) for each in KERNELS)


def _program(function: Form, **inputs: float | Maker) -> Kernel:
    return Kernel(name=function.__name__, function=function, inputs=inputs)


def _table(sizes: Mapping[str, Any], _: np.random.Generator) -> Array:
    """A table with a row and a column more than its sequences have elements."""
    return np.zeros((sizes["n"] + 1, sizes["m"] + 1), np.int64)


def _borders(sizes: Mapping[str, Any], _: np.random.Generator) -> Array:
    """The same of floats, with nothing but infinities around the first element."""
    table = np.zeros((sizes["n"] + 1, sizes["m"] + 1))
    table[0, 1:] = table[1:, 0] = np.inf
    return table


def _edited(sizes: Mapping[str, Any], random: np.random.Generator) -> Array:
    """A table whose borders count their elements."""
    table = _table(sizes, random)
    table[0] = np.arange(sizes["m"] + 1)
    table[:, 0] = np.arange(sizes["n"] + 1)
    return table


def _dominant(shape: str) -> Maker:
    """Maker of entries between 3 and 4, for diagonals."""
    return lambda sizes, random: dense(shape)(sizes, random) * 0.5 + 3.5


def _factor(shape: str) -> Maker:
    """Maker of a lower triangular matrix with a strong diagonal."""

    def make(sizes: Mapping[str, Any], random: np.random.Generator) -> Array:
        size = sizes[shape]
        return np.tril(random.uniform(-1.0, 1.0, (size, size)), -1) / size + 2.0 * np.eye(size)

    return make


_SEQUENCES: dict[str, float | Maker] = {
    "n": 1000,
    "m": 1000,
    "x": whole("n", 0, 20),
    "y": whole("m", 0, 20),
}
_POLES = {"b0": 0.2, "b1": 0.3, "a1": -0.5, "a2": 0.2}

PROGRAMS = (
    _program(tables.lcs, **_SEQUENCES, table=_table),
    replace(
        _program(
            tables.lcs, n=2000, m=2000, x=whole("n", 0, 4), y=whole("m", 0, 4), table=_table
        ),
        name="lcs of 4 letters",
    ),
    _program(tables.edit_distance, **_SEQUENCES, table=_edited),
    _program(tables.smith_waterman, **_SEQUENCES, table=_table, gap=1),
    _program(
        tables.warping, n=1000, m=1000, x=dense("n"), y=dense("m"), table=_borders
    ),
    _program(
        tables.knapsack, n=300, m=9999, weights=whole("n", 1, 500), values=whole("n", 1, 100),
        best=_table,
    ),
    _program(tables.sor, sweeps=5, omega=1.5, n=1000, u=dense("n n"), f=dense("n n")),
    _program(tables.seidel_3d, sweeps=4, n=100, u=dense("n n n")),
    _program(tables.many_triangular, n=300, m=200, L=_factor("n"), B=dense("n m")),
    _program(
        tables.tridiagonals, s=1000, n=1000, a=dense("s n"), b=_dominant("s n"),
        c=dense("s n"), d=dense("s n"), x=dense("s n"),
    ),
    _program(tables.filters, n=100, m=20000, **_POLES, x=dense("n m"), y=dense("n m")),
    _program(tables.filters_in_time, n=20000, m=100, **_POLES, x=dense("n m"), y=dense("n m")),
    _program(tables.prefix_sums, n=3_000_000, x=whole("n", 0, 100), y=whole("n", 0, 1)),
    _program(tables.smoothed, n=1_000_000, alpha=0.1, x=dense("n"), y=dense("n")),
    _program(
        tables.matrix_chain, n=300, k=301, sizes=whole("k", 1, 50), cost=whole("n n", 0, 1)
    ),
)  # fmt: skip
