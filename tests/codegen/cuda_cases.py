"""Loops that become CUDA kernels, each with one thing that may go wrong."""

from __future__ import annotations

import math

import numpy as np

from tests.codegen.cuda_builders import Case


def floats(*shape, dtype="float64"):
    size = math.prod(shape)
    values = (np.arange(size) * 7919 % 1009 - 500) / np.array(8 if dtype == "float32" else 7)
    return values.astype(dtype).reshape(shape)


def saxpy(x, y, alpha, n):
    for i in range(n):
        y[i] = alpha * x[i] + y[i]


def heat(u, v, steps):
    for t in range(steps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] - u[i, j + 1])
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = v[i, j]


def product(c, a, b, n):
    for i in range(n):
        for j in range(n):
            c[i, j] = 0.0
            for k in range(n):
                c[i, j] = c[i, j] + a[i, k] * b[k, j]


def box(u, v):
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            for k in range(u.shape[2]):
                v[i, j, k] = u[i - 1, j, k] + u[i + 1, j, k] - 2.0 * u[i, j, k]


def four_deep(u, v):
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            for k in range(u.shape[2]):
                for m in range(u.shape[3]):
                    v[i, j, k, m] = u[i, j, k, m] / 3.0


def triangle(a, b, n):
    for i in range(n):
        for j in range(i):
            b[i, j] = 2.0 * a[j, i]


def upper_triangle(a, b, n):
    for i in range(n):
        for j in range(i + 1, n):
            b[i, j] = 2.0 * a[j, i]


def band(a, b, n):
    for i in range(2, n - 2):
        for j in range(i - 2, i + 3):
            b[i, j] = a[i, j] + 1.0


def strided(a, b, n):
    for i in range(3, n, 3):
        for j in range(n - 1, 1, -2):
            b[i, j] = a[i, j] * 2.0


def last_value(a, b, n):
    for i in range(n):
        t = a[i] * 2.0
        b[i] = t + 1.0
    return {"t": t, "i": i}


def last_row_sum(a, b, n, m):
    for i in range(n):
        s = 0.0
        for j in range(m):
            s = s + a[i, j]
        b[i] = s
    return {"s": s}


def branches(a, b, n, k):
    for i in range(n):
        if i < k:
            b[i] = a[i]
        else:
            b[i] = -a[i]


def scaled_steps(a, b, n, steps):
    for t in range(steps):
        s = a[t] + 1.0
        for i in range(n):
            b[i] = b[i] * s
    return {"s": s}


def single(x, y, alpha, n):
    for i in range(n):
        y[i] = x[i] * alpha - y[i] / x[i]


def bytes_wrap(a, b, n):
    for i in range(n):
        b[i] = a[i] * a[i] + a[i]


def mixed_signs(a, b, n):
    for i in range(n):
        b[i] = (a[i] // 3) + (a[i] % 5) * 2 - (a[i] >> 1)


def remainders(a, b, c, n):
    for i in range(n):
        c[i] = a[i] % b[i] + a[i] // b[i]


def single_remainders(a, b, c, n):
    for i in range(n):
        c[i] = a[i] % b[i] + a[i] // b[i]


def roots(a, b, n):
    for i in range(n):
        b[i] = math.sqrt(a[i] * a[i]) + abs(a[i]) - min(a[i], 1.0)


def waves(a, b, n):
    for i in range(n):
        b[i] = math.sin(a[i]) * math.exp(a[i] / 100.0)


def divided(a, b, n):
    for i in range(n):
        b[i] = 1.0 / (i - n // 2) * a[i]


def grown(a, b, n):
    for i in range(n):
        k = int(a[i])
        b[i] = k * k * k


def indices(b, n):
    for i in range(n):
        b[i] = i * i - 3 * i


def gathered(y, x, idx, n):
    for i in range(n):
        y[i] = 2.0 * x[idx[i] + 1]


def gathered_rows(y, x, idx, m):
    for i in range(idx.shape[0]):
        for j in range(m):
            y[i, j] = x[idx[i], j] - x[j, idx[j]]


def gathered_twice(y, x, idx, other, n):
    for i in range(n):
        k = idx[i]
        y[i] = x[other[k]]


def clash(cuda, status, np, i_lower, call, n):
    for thread_x in range(n):
        t = cuda[thread_x] + np[thread_x]
        status[thread_x] = t * i_lower[thread_x] + call[thread_x]


def from_both_ends(a, b, n):
    for i in range(n):
        b[i] = a[i - 1] + a[-i - 1] - a[-2]


def torus(u, v):
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            v[i - 1, j] = u[i - 1, j] + u[i, j - 1] - u[-i, -j]


def integers(*shape, dtype="int64"):
    return (np.arange(math.prod(shape)) * 37 % 251 - 100).astype(dtype).reshape(shape)


def _square(n, **others):
    return {"a": floats(n, n), "b": np.zeros((n, n)), "n": n, **others}


def gauss_seidel(a, steps):
    for t in range(steps):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                a[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


def common(t, x, y):
    for i in range(1, t.shape[0]):
        for j in range(1, t.shape[1]):
            if x[i - 1] == y[j - 1]:
                t[i, j] = t[i - 1, j - 1] + 1
            else:
                t[i, j] = max(t[i - 1, j], t[i, j - 1])


def corner(a, n, m):
    for i in range(1, n):
        for j in range(1, m - 1):
            a[i, j] = 0.5 * a[i - 1, j + 1] + a[i, j - 1] / 3.0


def narrow(a, n, w):
    for i in range(1, n):
        for j in range(max(1, i - w), min(n, i + w)):
            a[i, j] = a[i - 1, j] - 0.5 * a[i, j - 1]


def rows_then_all(a, b, n):
    for t in range(3):
        for i in range(1, n):
            for j in range(1, n):
                a[i, j] = a[i - 1, j] - 0.5 * a[i, j - 1]
        for i in range(n):
            for j in range(n):
                b[i, j] = b[i, j] + a[i, j]


def rooted(a, n):
    for i in range(1, n):
        for j in range(1, n):
            a[i, j] = math.sqrt(a[i - 1, j]) - a[i, j - 1]


def _recurrence(n=11):
    return {"a": floats(n, n), "n": n}


def _line(n, dtype="float64", **others):
    return {"a": floats(n, dtype=dtype), "b": np.zeros(n, dtype), "n": n, **others}


def _picked(idx):
    return {"y": np.zeros(len(idx)), "x": floats(50), "idx": idx, "n": len(idx)}


def _pairs(dtype):
    specials = [0.0, -0.0, 1.0, -1.5, 0.1, 7.0, -3.0, 1e30, math.inf, -math.inf, math.nan]
    a, b = np.array([(x, y) for x in specials for y in specials], dtype).T.copy()
    return {"a": a, "b": b, "c": np.zeros_like(a), "n": len(a)}


def transposed(a, b, n, m):
    for i in range(n):
        for j in range(m):
            b[i, j] = a[j, i] * 2.0


def moved_transposed(a, b, n, m, first):
    for i in range(first, n):
        for j in range(1, m):
            b[i, j] = a[j - 1, i - first] - a[j - 1, i - first + 1]


def one_of_a_stack(a, b, t, n):
    for i in range(n):
        for j in range(n):
            b[t, i, j] = a[t, j, i] + b[t + 1, i, j]


def rows_times_vector(a, x, y, n, m):
    for i in range(n):
        s = 0.0
        for k in range(m):
            s = s + a[i, k] * x[k]
        y[i] = s


def blurred(u, w, v, n, m):
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            s = 0.0
            for p in range(3):
                for q in range(3):
                    s = s + w[p, q] * u[i + p - 1, j + q - 1]
            v[i, j] = s


def box_of_nine(u, v, n):
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            v[i, j] = (
                u[i - 1, j - 1] + u[i - 1, j] + u[i - 1, j + 1] + u[i, j - 1] + u[i, j]
                + u[i, j + 1] + u[i + 1, j - 1] + u[i + 1, j] + u[i + 1, j + 1]
            )  # fmt: skip


def rectangular_product(c, a, b, n, m, p):
    for i in range(n):
        for j in range(m):
            s = c[i, j]
            for k in range(p):
                s = s + a[i, k] * b[k, j]
            c[i, j] = s


def gram(c, a, n, p):
    for i in range(n):
        for j in range(n):
            s = 0.0
            for k in range(1, p):
                s = s + a[i, k] * a[j, k - 1]
            c[i, j] = s


def two_products(c, a, b, n, m):
    for i in range(n):
        for j in range(n):
            s = 0.0
            t = 1.0
            for k in range(m):
                s = s + a[i, k] * b[k, j]
            for k in range(m):
                t = t - a[j, k] * b[k, i]
            c[i, j] = s * t


def counted_product(c, a, b, n, m):
    for i in range(n):
        for j in range(n):
            s = 0
            for k in range(m):
                if a[i, k] > b[k, j]:
                    s = s + 1
            c[i, j] = s


def divided_product(c, a, b, n, m):
    for i in range(n):
        for j in range(n):
            s = 0.0
            for k in range(m):
                s = s + a[i, k] * b[k, j] / (1.0 + k)
            c[i, j] = s


def tallied(h, k, n):
    for i in range(n):
        h[k[i]] += 1


def tallied_pairs(h, p, n, m):
    for i in range(n):
        for j in range(m):
            h[p[i, j], p[i, j] % 2] += 3


CASES = (
    Case(
        function=saxpy,
        arguments=lambda: {"x": floats(600), "y": floats(600)[::-1].copy(), "alpha": 0.1, "n": 600},
    ),
    Case(function=heat, arguments=lambda: {"u": floats(9, 13), "v": np.zeros((9, 13)), "steps": 3}),
    Case(
        function=product,
        arguments=lambda: {"c": np.ones((9, 9)), "a": floats(9, 9), "b": floats(9, 9).T, "n": 9},
    ),
    Case(
        function=box,
        arguments=lambda: {"u": floats(8, 7, 12), "v": np.zeros((8, 7, 12), order="F")},
    ),
    Case(
        function=four_deep,
        arguments=lambda: {"u": floats(3, 4, 5, 6), "v": np.zeros((3, 4, 5, 6))},
    ),
    Case(function=triangle, arguments=lambda: _square(12)),
    Case(function=upper_triangle, arguments=lambda: _square(12)),
    Case(function=band, arguments=lambda: _square(12)),
    Case(function=strided, arguments=lambda: _square(14)),
    Case(function=last_value, arguments=lambda: _line(77)),
    Case(
        function=last_row_sum,
        arguments=lambda: {"a": floats(13, 5), "b": np.zeros(13), "n": 13, "m": 5},
    ),
    Case(function=branches, arguments=lambda: _line(50, k=20)),
    Case(function=scaled_steps, arguments=lambda: {**_line(40), "b": floats(40), "steps": 4}),
    Case(
        function=single,
        arguments=lambda: {
            "x": floats(90, dtype="float32"),
            "y": floats(90, dtype="float32")[::-1].copy(),
            "alpha": 0.1,
            "n": 90,
        },
    ),
    Case(
        function=bytes_wrap,
        arguments=lambda: {"a": integers(80, dtype="int8"), "b": np.zeros(80, "int8"), "n": 80},
    ),
    Case(
        function=mixed_signs,
        arguments=lambda: {"a": integers(80, dtype="int32"), "b": np.zeros(80, "int32"), "n": 80},
    ),
    Case(function=remainders, arguments=lambda: _pairs("float64")),
    Case(function=single_remainders, arguments=lambda: _pairs("float32")),
    Case(function=roots, arguments=lambda: _line(60)),
    # libdevice is within 2 ulp, the C library within 1, and the product rounds once more.
    Case(function=waves, arguments=lambda: _line(60), error=1e-15),
    Case(function=divided, arguments=lambda: _line(60), fails=True),
    Case(
        function=grown,
        arguments=lambda: {"a": np.full(40, 2.0**22), "b": np.zeros(40), "n": 40},
        fails=True,
    ),
    Case(function=gathered, arguments=lambda: _picked(integers(60) % 49)),
    Case(function=gathered, arguments=lambda: _picked((integers(60) % 99 - 51).astype("int32"))),
    Case(function=gathered, arguments=lambda: _picked((integers(60) % 49).astype("uint64"))),
    Case(function=gathered, arguments=lambda: _picked(np.array([3, 49, 3])), fails=True),
    Case(function=gathered, arguments=lambda: _picked(np.array([3, -52, 3], "int8")), fails=True),
    Case(
        function=gathered,
        arguments=lambda: _picked(np.array([3, 2**64 - 9, 3], "uint64")),
        fails=True,
    ),
    Case(
        function=gathered_rows,
        arguments=lambda: {
            "y": np.zeros((9, 5)),
            "x": floats(9, 9),
            "idx": np.arange(9)[::-1] - 3,
            "m": 5,
        },
    ),
    Case(
        function=gathered_twice,
        arguments=lambda: {
            "y": np.zeros(9),
            "x": floats(9),
            "idx": np.arange(9) - 4,
            "other": np.arange(9)[::-1].copy(),
            "n": 9,
        },
    ),
    Case(function=indices, arguments=lambda: {"b": np.zeros(70, "int64"), "n": 70}),
    Case(function=indices, arguments=lambda: {"b": np.zeros(0, "int64"), "n": 0}),
    Case(function=from_both_ends, arguments=lambda: _line(70)),
    Case(function=from_both_ends, arguments=lambda: {**_line(9), "a": floats(12)[::-1]}),
    Case(
        function=torus,
        arguments=lambda: {"u": floats(9, 6).T, "v": np.zeros((12, 9))[::2]},
    ),
    *(
        Case(function=function, arguments=arguments, fails=fails, has_rows=True)
        for function, arguments, fails in (
            (gauss_seidel, lambda: {"a": floats(10, 13), "steps": 2}, False),
            (gauss_seidel, lambda: {"a": floats(2, 13), "steps": 1}, False),
            (
                common,
                lambda: {
                    "t": np.zeros((9, 12), "int64"),
                    "x": integers(8) % 3,
                    "y": integers(11) % 3,
                },
                False,
            ),
            (corner, lambda: {"a": floats(8, 9), "n": 8, "m": 9}, False),
            (narrow, lambda: {**_recurrence(), "w": 3}, False),
            (narrow, lambda: {**_recurrence(), "w": 0}, False),
            (rows_then_all, lambda: {**_recurrence(), "b": np.zeros((11, 11))}, False),
            (rooted, _recurrence, True),
        )
    ),
    Case(
        function=tallied,
        arguments=lambda: {"h": integers(7) - 3, "k": integers(90) % 7, "n": 90},
    ),
    Case(
        function=tallied_pairs,
        arguments=lambda: {
            "h": np.zeros((5, 2), "int32"),
            "p": (integers(90) % 5).reshape(6, 15).astype("uint8"),
            "n": 6,
            "m": 15,
        },
    ),
    Case(
        function=clash,
        arguments=lambda: {
            **{name: floats(30) for name in ("cuda", "status", "np", "i_lower", "call")},
            "n": 30,
        },
    ),
)


def _product(n, m, p, dtype="float64", order="C"):
    return {
        "c": np.ones((n, m), dtype),
        "a": floats(n, p, dtype=dtype),
        "b": np.array(floats(p, m, dtype=dtype)[:, ::-1], order=order),
    }


# Kernels whose threads share tiles of what they read.
TILED = (
    Case(
        function=transposed,
        arguments=lambda: {"a": floats(9, 13), "b": np.zeros((13, 9)), "n": 13, "m": 9},
    ),
    Case(
        function=transposed,
        arguments=lambda: {
            "a": floats(8, 4, dtype="float32"),
            "b": np.zeros((4, 8), "float32"),
            "n": 4,
            "m": 8,
        },
    ),
    Case(
        function=moved_transposed,
        arguments=lambda: {"a": floats(9, 13), "b": np.zeros((13, 9)), "n": 13, "m": 9, "first": 2},
    ),
    Case(
        function=one_of_a_stack,
        arguments=lambda: {"a": floats(3, 9, 9), "b": floats(4, 9, 9), "t": 2, "n": 9},
    ),
    Case(
        function=rows_times_vector,
        arguments=lambda: {
            "a": floats(21, 11),
            "x": floats(11),
            "y": np.zeros(21),
            "n": 21,
            "m": 11,
        },
    ),
    Case(
        function=blurred,
        arguments=lambda: {
            "u": floats(9, 13),
            "w": floats(3, 3),
            "v": np.zeros((9, 13)),
            "n": 9,
            "m": 13,
        },
    ),
    Case(
        function=box_of_nine, arguments=lambda: {"u": floats(9, 9), "v": np.zeros((9, 9)), "n": 9}
    ),
    Case(
        function=rectangular_product,
        arguments=lambda: {**_product(7, 9, 11), "n": 7, "m": 9, "p": 11},
    ),
    Case(
        function=rectangular_product,
        arguments=lambda: {**_product(5, 6, 7, "float32", "F"), "n": 5, "m": 6, "p": 7},
    ),
    Case(
        function=gram,
        arguments=lambda: {"c": np.zeros((9, 9)), "a": floats(9, 7), "n": 9, "p": 7},
    ),
    Case(function=two_products, arguments=lambda: {**_product(7, 7, 9), "n": 7, "m": 9}),
    Case(
        function=counted_product,
        arguments=lambda: {**_product(7, 7, 9), "c": np.zeros((7, 7), "int64"), "n": 7, "m": 9},
    ),
    Case(function=divided_product, arguments=lambda: {**_product(7, 7, 9), "n": 7, "m": 9}),
)
