"""Matrix and vector products: the BLAS part and the kernels part of PolyBench, as plain loops."""

from __future__ import annotations

from ..loops import Floats


def gemm(ni: int, nj: int, nk: int, alpha: float, beta: float, C: Floats, A: Floats, B: Floats):
    """C = alpha A B + beta C."""
    for i in range(ni):
        for j in range(nj):
            C[i, j] *= beta
        for k in range(nk):
            for j in range(nj):
                C[i, j] += alpha * A[i, k] * B[k, j]


def gemver(
    n: int, alpha: float, beta: float, A: Floats, u1: Floats, v1: Floats, u2: Floats, v2: Floats,
    w: Floats, x: Floats, y: Floats, z: Floats,
):  # fmt: skip
    """A plus two products of vectors, then x = beta Aᵀ y + z and w = alpha A x."""
    for i in range(n):
        for j in range(n):
            A[i, j] = A[i, j] + u1[i] * v1[j] + u2[i] * v2[j]
    for i in range(n):
        for j in range(n):
            x[i] = x[i] + beta * A[j, i] * y[j]
    for i in range(n):
        x[i] = x[i] + z[i]
    for i in range(n):
        for j in range(n):
            w[i] = w[i] + alpha * A[i, j] * x[j]


def gesummv(
    n: int, alpha: float, beta: float, A: Floats, B: Floats, tmp: Floats, x: Floats, y: Floats
):
    """Vector y = alpha A x + beta B x."""
    for i in range(n):
        tmp[i] = 0.0
        y[i] = 0.0
        for j in range(n):
            tmp[i] = A[i, j] * x[j] + tmp[i]
            y[i] = B[i, j] * x[j] + y[i]
        y[i] = alpha * tmp[i] + beta * y[i]


def symm(m: int, n: int, alpha: float, beta: float, C: Floats, A: Floats, B: Floats):
    """C = alpha A B + beta C, A symmetric and kept as its lower triangle."""
    for i in range(m):
        for j in range(n):
            below = 0.0
            for k in range(i):
                C[k, j] += alpha * B[i, j] * A[i, k]
                below += B[k, j] * A[i, k]
            C[i, j] = beta * C[i, j] + alpha * B[i, j] * A[i, i] + alpha * below


def syr2k(n: int, m: int, alpha: float, beta: float, C: Floats, A: Floats, B: Floats):
    """Lower triangle of C = alpha (A Bᵀ + B Aᵀ) + beta C."""
    for i in range(n):
        for j in range(i + 1):
            C[i, j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i, j] += A[j, k] * alpha * B[i, k] + B[j, k] * alpha * A[i, k]


def syrk(n: int, m: int, alpha: float, beta: float, C: Floats, A: Floats):
    """Lower triangle of C = alpha A Aᵀ + beta C."""
    for i in range(n):
        for j in range(i + 1):
            C[i, j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i, j] += alpha * A[i, k] * A[j, k]


def trmm(m: int, n: int, alpha: float, A: Floats, B: Floats):
    """B = alpha Aᵀ B in place, A lower triangular with ones on its diagonal."""
    for i in range(m):
        for j in range(n):
            for k in range(i + 1, m):
                B[i, j] += A[k, i] * B[k, j]
            B[i, j] = alpha * B[i, j]


def two_mm(
    ni: int, nj: int, nk: int, nl: int, alpha: float, beta: float,
    tmp: Floats, A: Floats, B: Floats, C: Floats, D: Floats,
):  # fmt: skip
    """D = alpha A B C + beta D."""
    for i in range(ni):
        for j in range(nj):
            tmp[i, j] = 0.0
            for k in range(nk):
                tmp[i, j] += alpha * A[i, k] * B[k, j]
    for i in range(ni):
        for j in range(nl):
            D[i, j] *= beta
            for k in range(nj):
                D[i, j] += tmp[i, k] * C[k, j]


def three_mm(
    ni: int, nj: int, nk: int, nl: int, nm: int,
    E: Floats, A: Floats, B: Floats, F: Floats, C: Floats, D: Floats, G: Floats,
):  # fmt: skip
    """E = A B, F = C D, G = E F."""
    for i in range(ni):
        for j in range(nj):
            E[i, j] = 0.0
            for k in range(nk):
                E[i, j] += A[i, k] * B[k, j]
    for i in range(nj):
        for j in range(nl):
            F[i, j] = 0.0
            for k in range(nm):
                F[i, j] += C[i, k] * D[k, j]
    for i in range(ni):
        for j in range(nl):
            G[i, j] = 0.0
            for k in range(nj):
                G[i, j] += E[i, k] * F[k, j]


def atax(m: int, n: int, A: Floats, x: Floats, y: Floats, tmp: Floats):
    """Vector y = Aᵀ A x."""
    for i in range(n):
        y[i] = 0.0
    for i in range(m):
        tmp[i] = 0.0
        for j in range(n):
            tmp[i] = tmp[i] + A[i, j] * x[j]
        for j in range(n):
            y[j] = y[j] + A[i, j] * tmp[i]


def bicg(m: int, n: int, A: Floats, s: Floats, q: Floats, p: Floats, r: Floats):
    """Vectors s = Aᵀ r and q = A p."""
    for i in range(m):
        s[i] = 0.0
    for i in range(n):
        q[i] = 0.0
        for j in range(m):
            s[j] = s[j] + r[i] * A[i, j]
            q[i] = q[i] + A[i, j] * p[j]


def doitgen(nr: int, nq: int, np_: int, A: Floats, C4: Floats, row: Floats):
    """Each row of A times C4, through a buffer of one row."""
    for r in range(nr):
        for q in range(nq):
            for p in range(np_):
                row[p] = 0.0
                for s in range(np_):
                    row[p] += A[r, q, s] * C4[s, p]
            for p in range(np_):
                A[r, q, p] = row[p]


def mvt(n: int, x1: Floats, x2: Floats, y1: Floats, y2: Floats, A: Floats):
    """x1 plus A y1, and x2 plus Aᵀ y2."""
    for i in range(n):
        for j in range(n):
            x1[i] = x1[i] + A[i, j] * y1[j]
    for i in range(n):
        for j in range(n):
            x2[i] = x2[i] + A[j, i] * y2[j]
