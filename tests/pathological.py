"""Nests that nobody writes by hand and some program generator will: each would keep isl busy for ages."""

from __future__ import annotations

from collections.abc import Callable


def nest(bounds: list[str], body: list[str]) -> str:
    """Return a function of loops i0, i1, ... with the given ranges around `body`."""
    lines = ["def f(a, b, n, m, p, q, w):"]
    lines += [
        f"{'    ' * (depth + 1)}for i{depth} in range({bound}):"
        for depth, bound in enumerate(bounds)
    ]
    lines += ["    " * (len(bounds) + 1) + line for line in body]
    return "\n".join(lines) + "\n"


def triangle(depth: int, more: str) -> list[str]:
    """Return ranges, each up to the loop around it and a little more."""
    return ["n", *(f"i{outer} + {more}" for outer in range(depth - 1))]


def sum_of(terms: Callable[[int], str], count: int) -> str:
    """Return `count` terms joined by plus signs."""
    return " + ".join(map(terms, range(count)))


PROGRAMS = {
    "twelve deep, a triangle": nest(triangle(12, "1"), ["a[i11 + i0] = a[i5 + m] + 1"]),
    "twelve deep, parameters in every bound": nest(
        triangle(12, "m"), ["a[i11 + i0] = a[i5 + m] + a[i3 + p] + a[i7 - q]"]
    ),
    "eight deep, parameters in every bound": nest(
        triangle(8, "m"), ["a[i7 + i0] = a[i5 + m] + a[i3 + p] + a[i6 - q]"]
    ),
    "sixty statements on one array": nest(
        ["n"] * 6,
        [
            f"a[i0 + {k}, i1, i2, i3, i4, i5 - {k}] = a[i0, i1 + {k}, i2 - m, i3, i4, i5]"
            for k in range(60)
        ],
    ),
    "sixty statements on sixty arrays": nest(
        ["n"] * 6,
        [
            f"a{k}[i0 + {k}, i1, i2, i3, i4, i5] = a{k * 7 % 60}[i0, i1 + {k}, i2 - m, i3, i4, i5]"
            for k in range(60)
        ],
    ),
    "a chain of sixty scalars": nest(
        ["n"] * 6, [f"t{k} = a[i0, i1] + t{max(k - 1, 0)}" for k in range(60)]
    ),
    "sixty nests in a loop": "def f(a, n, m):\n    for t in range(m):\n"
    + "".join(
        "        for i in range(n):\n            for j in range(n):\n"
        f"                a[i, j + {k}] = a[i + {k}, j] + 1\n"
        for k in range(60)
    ),
    "remainders by primes": nest(
        ["n"] * 3,
        ["a[7 * i0 % 97, 11 * i1 % 89, 13 * i2 % 83] = a[5 * i2 % 97, 3 * i0 % 89, i1 % 83] + 1"],
    ),
    "coefficients near a million": nest(
        ["n"] * 4,
        [
            (
                f"a[{sum_of(lambda k: f'{1048575 - 2 * k} * i{k}', 4)}]"
                f" = a[{sum_of(lambda k: f'{1048574 - k} * i{k}', 4)} + 2147483647] + 1"
            )
        ],
    ),
    "remainders of long numbers": nest(
        ["n"] * 3,
        [
            (
                f"a[({sum_of(lambda k: f'{1048575 - 2 * k} * i{k}', 3)}) % 2147483647]"
                f" = a[({sum_of(lambda k: f'{1048574 - k} * i{k}', 3)}) % 2147483629] + 1"
            )
        ],
    ),
    "strides by primes": nest(
        ["0, n, 97", "i0, n, 89", "i1, n, 83", "i2, n, 79"],
        ["a[i0 + i1 + i2 + i3] = a[i0 - i1 + i2 - i3 + m] + 1"],
    ),
    "a thicket of conditions": nest(
        ["n"] * 3,
        [
            line
            for k in range(1, 12)
            for line in (
                f"if i0 + {k} * i1 < i2 - {k} or i0 % {k + 2} == 1:",
                f"    a[i0, i1, i2 + {k}] = a[i1, i0, i2]",
                "else:",
                "    a[i2, i1, i0] = 0",
            )
        ],
    ),
    "bounds of minima and maxima": nest(
        [
            "min(n, m, p, q + 2 * w)",
            *(f"max(min(i{k} + m, n - p, q), min(w, i{k} * 2))" for k in range(3)),
        ],
        ["a[i0, i1] = a[i2, i3]"],
    ),
    "a parameter in every subscript": nest(
        ["n"] * 3,
        [
            (
                "a[i0 + m + 2 * p, i1 - q + 3 * w, i2] = a[i0 - m + p, i1 + 5 * q - w, i2 + p]"
                " + a[i1 + w, i2 + q, i0 + m] + a[i2, i0, i1 - 5 * m]"
            )
        ],
    ),
    "floors of floors": nest(
        ["n"] * 2,
        [
            (
                f"a[{'(' * 12}i0{''.join(f' + i1) // {k}' for k in range(2, 14))}]"
                f" = a[{'(' * 12}i1{''.join(f' + i0) // {k}' for k in range(3, 15))}]"
            )
        ],
    ),
    "half a hundred reads with parameters": nest(
        ["n"] * 3,
        [
            "a[i0, i1, i2] = "
            + sum_of(
                lambda k: f"a[i0 + {k % 7 - 3} + m, i1 + {k % 5 - 3} * p, i2 + {k % 3} - q]", 49
            )
        ],
    ),
}
