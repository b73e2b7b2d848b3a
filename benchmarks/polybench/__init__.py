"""The 30 kernels of PolyBench 4.2 as plain loop nests: what the analysis is timed on.

Pouchet, PolyBench/C, the polyhedral benchmark suite. The algorithms are the suite's, the
spelling is our own, as a Python user would write them: sizes are arguments, arrays NumPy's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..loops import Array, Form
from . import products, solvers, stencils

# Given the sizes by name and a generator: one argument.
Maker = Callable[[Mapping[str, Any], np.random.Generator], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One kernel and what it is called with."""

    name: str
    function: Form
    inputs: Mapping[str, float | Maker]  # by the names of its parameters, of a small run

    def arguments(self, seed: int = 0) -> tuple[Any, ...]:
        """Sizes, scalars and fresh arrays, in the order in which the kernel takes them."""
        random = np.random.default_rng(seed)
        given = (self.inputs[name] for name in inspect.signature(self.function).parameters)
        return tuple(each(self.inputs, random) if callable(each) else each for each in given)


def dense(shape: str) -> Maker:
    """Maker of an array of the given sizes with entries in [-1, 1)."""

    def make(sizes: Mapping[str, Any], random: np.random.Generator) -> Array:
        return random.uniform(-1.0, 1.0, tuple(sizes[name] for name in shape.split()))

    return make


def whole(shape: str, low: int, high: int) -> Maker:
    """Maker of an array of integers from `low` up to `high`, that one left out."""

    def make(sizes: Mapping[str, Any], random: np.random.Generator) -> Array:
        return random.integers(low, high, tuple(sizes[name] for name in shape.split()))

    return make


def definite(shape: str) -> Maker:
    """Maker of a symmetric positive definite matrix: factors exist and lose no digits."""

    def make(sizes: Mapping[str, Any], random: np.random.Generator) -> Array:
        size = sizes[shape]
        half = random.uniform(-1.0, 1.0, (size, size))
        return half @ half.T + size * np.eye(size)

    return make


def small(shape: str) -> Maker:
    """Maker of a vector whose entries sum to less than 1."""

    def make(sizes: Mapping[str, Any], random: np.random.Generator) -> Array:
        return random.uniform(-0.9, 0.9, sizes[shape]) / sizes[shape]

    return make


def _kernel(function: Form, **inputs: float | Maker) -> Kernel:
    return Kernel(name=function.__name__, function=function, inputs=inputs)


AB = {"alpha": 1.5, "beta": 1.2}

KERNELS = (
    _kernel(products.gemm, ni=5, nj=6, nk=7, **AB, C=dense("ni nj"), A=dense("ni nk"),
            B=dense("nk nj")),
    _kernel(products.gemver, n=6, **AB, A=dense("n n"),
            **{name: dense("n") for name in ("u1", "v1", "u2", "v2", "w", "x", "y", "z")}),
    _kernel(products.gesummv, n=6, **AB, A=dense("n n"), B=dense("n n"), tmp=dense("n"),
            x=dense("n"), y=dense("n")),
    _kernel(products.symm, m=6, n=5, **AB, C=dense("m n"), A=dense("m m"), B=dense("m n")),
    _kernel(products.syr2k, n=6, m=5, **AB, C=dense("n n"), A=dense("n m"), B=dense("n m")),
    _kernel(products.syrk, n=6, m=5, **AB, C=dense("n n"), A=dense("n m")),
    _kernel(products.trmm, m=6, n=5, alpha=1.5, A=dense("m m"), B=dense("m n")),
    _kernel(products.two_mm, ni=4, nj=5, nk=6, nl=7, **AB, tmp=dense("ni nj"), A=dense("ni nk"),
            B=dense("nk nj"), C=dense("nj nl"), D=dense("ni nl")),
    _kernel(products.three_mm, ni=4, nj=5, nk=6, nl=7, nm=3, E=dense("ni nj"), A=dense("ni nk"),
            B=dense("nk nj"), F=dense("nj nl"), C=dense("nj nm"), D=dense("nm nl"),
            G=dense("ni nl")),
    _kernel(products.atax, m=5, n=6, A=dense("m n"), x=dense("n"), y=dense("n"), tmp=dense("m")),
    _kernel(products.bicg, m=5, n=6, A=dense("n m"), s=dense("m"), q=dense("n"), p=dense("m"),
            r=dense("n")),
    _kernel(products.doitgen, nr=4, nq=3, np_=5, A=dense("nr nq np_"), C4=dense("np_ np_"),
            row=dense("np_")),
    _kernel(products.mvt, n=6, A=dense("n n"),
            **{name: dense("n") for name in ("x1", "x2", "y1", "y2")}),
    _kernel(solvers.cholesky, n=7, A=definite("n")),
    _kernel(solvers.durbin, n=7, r=small("n"), y=dense("n"), z=dense("n")),
    _kernel(solvers.gramschmidt, m=7, n=5, A=dense("m n"), R=dense("n n"), Q=dense("m n")),
    _kernel(solvers.lu, n=7, A=definite("n")),
    _kernel(solvers.ludcmp, n=7, A=definite("n"), b=dense("n"), x=dense("n"), y=dense("n")),
    _kernel(solvers.trisolv, n=7, L=definite("n"), x=dense("n"), b=dense("n")),
    _kernel(solvers.correlation, m=5, n=8, data=dense("n m"), corr=dense("m m"),
            mean=dense("m"), stddev=dense("m")),
    _kernel(solvers.covariance, m=5, n=8, data=dense("n m"), cov=dense("m m"), mean=dense("m")),
    _kernel(stencils.adi, tsteps=3, n=6, u=dense("n n"), v=dense("n n"), p=dense("n n"),
            q=dense("n n")),
    _kernel(stencils.fdtd_2d, tmax=3, nx=6, ny=7, ex=dense("nx ny"), ey=dense("nx ny"),
            hz=dense("nx ny"), source=dense("tmax")),
    _kernel(stencils.heat_3d, tsteps=2, n=6, A=dense("n n n"), B=dense("n n n")),
    _kernel(stencils.jacobi_1d, tsteps=3, n=9, A=dense("n"), B=dense("n")),
    _kernel(stencils.jacobi_2d, tsteps=3, n=7, A=dense("n n"), B=dense("n n")),
    _kernel(stencils.seidel_2d, tsteps=3, n=7, A=dense("n n")),
    _kernel(stencils.deriche, w=6, h=7, alpha=0.25, image=dense("w h"), out=dense("w h"),
            y1=dense("w h"), y2=dense("w h")),
    _kernel(stencils.floyd_warshall, n=7, path=whole("n n", 1, 100)),
    _kernel(stencils.nussinov, n=9, seq=whole("n", 0, 4), table=whole("n n", 0, 1)),
)  # fmt: skip
