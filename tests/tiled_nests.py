"""Sums of products over two and three loops, in any order and of any size: choices -> `Program`.

What may be unrolled into each other, put in tiles, or added in registers: sizes are small, so most do not divide
by the length of a tile, and many loops have fewer iterations than that.
"""

from __future__ import annotations

from tests.program import ArraySpec, Choices, Program

_DTYPES = ("float64", "float64", "float32", "int64", "int32", "complex128", "uint8")
_RANGES = ("range({0})", "range({0})", "range(1, {0})", "range({0} - 1)", "range(0, {0}, 2)", "range({0} - 1, -1, -1)")  # fmt: skip
_BOUNDS = ("n", "n", "m", "k + 3", "n + 1")


def draw_tiled_nest(choices: Choices) -> Program:
    """Return one or two nests whose statements add to elements or to scalars."""
    dtype = choices.one_of(_DTYPES)
    kinds = (_product, _product, _rows, _rows, _rows_of_two, _columns, _update, _triangle)
    lines: list[str] = []
    for _ in range(choices.integer(1, 2)):
        lines += choices.one_of(kinds)(choices)
    text = "\n".join(f"    {each}" for each in lines)
    source = f"def kernel(a, b, c, u, v, w, n, m, k):\n    s = 0\n{text}\n    return s\n"
    ranks = {"a": 1, "b": 1, "c": 1, "u": 2, "v": 2, "w": 2}
    mixed = dtype in {"float64", "float32", "int64"} and choices.integer(1, 6) == 6
    arrays = tuple(
        ArraySpec(
            name=name,
            rank=rank,
            dtype=choices.one_of(("float64", "float32", "int32")) if mixed else dtype,
        )
        for name, rank in ranks.items()
    )
    return Program(
        source=source, family="tiled", arrays=arrays, numbers=("n", "m", "k"), is_roomy=True
    )


def _range(choices: Choices) -> str:
    return choices.one_of(_RANGES).format(choices.one_of(_BOUNDS))


def _nest(choices: Choices, names: str, body: list[str]) -> list[str]:
    lines = body
    for name in names[::-1]:
        lines = [f"for {name} in {_range(choices)}:", *(f"    {line}" for line in lines)]
    return lines


def _term(choices: Choices) -> str:
    return choices.one_of(
        ("u[i, l] * v[l, j]", "u[i, l] * v[j, l]", "u[l, i] * v[l, j]", "2 * u[i, l] * v[l, j]",
         "u[i, l] * v[l, j] + u[j, l]", "u[i, l] * a[l] * v[l, j]", "u[i, l] - v[l, j]", "u[i, l]")
    )  # fmt: skip


def _product(choices: Choices) -> list[str]:
    """w[i, j] += u[i, l] * v[l, j], the loops in any order."""
    names = choices.one_of(("ijl", "ilj", "lij", "jil", "jli", "lji"))
    target = choices.one_of(("w[i, j]", "w[i, j]", "w[j, i]", "w[i + 1, j]", "u[i, j]"))
    sign = choices.one_of(("+", "+", "-"))
    body = [f"{target} {sign}= {_term(choices)}"]
    if choices.integer(1, 4) == 4:
        body.append(f"{choices.one_of(('w[i, j]', 'v[i, j]', 'a[i]'))} += {_term(choices)}")
    if names == "ijl" and choices.integer(1, 2) == 2:
        first = choices.one_of(("w[i, j] = 0", "w[i, j] = 2 * w[i, j]", "s = 0"))
        inner = body if first != "s = 0" else [f"s = s + {_term(choices)}"]
        last = ["w[i, j] = s"] if first == "s = 0" else []
        return _nest(choices, "ij", [first, *_nest(choices, "l", inner), *last])
    if names == "ilj" and choices.integer(1, 3) == 3:
        scaled = _nest(choices, "j", ["w[i, j] = w[i, j] * 2"])
        return _nest(choices, "i", [*scaled, *_nest(choices, "lj", body)])
    return _nest(choices, names, body)


def _rows(choices: Choices) -> list[str]:
    """a[i] = sum of u[i, l] * b[l], into the element or through a scalar."""
    term = choices.one_of(
        ("u[i, l] * b[l]", "u[l, i] * b[l]", "u[i, l]", "u[i, l] * v[i, l]", "b[l]")
    )
    if choices.integer(1, 2) == 2:
        inner = _nest(choices, "l", [f"s = s + {term}"])
        return _nest(
            choices, "i", ["s = 0", *inner, f"a[i] = {choices.one_of(('s', 's + a[i]', '2 * s'))}"]
        )
    start = choices.one_of((["a[i] = 0"], [], ["a[i] = b[i]"], ["a[i] = a[i] * 2"]))
    return _nest(choices, "i", [*start, *_nest(choices, "l", [f"a[i] += {term}"])])


def _rows_of_two(choices: Choices) -> list[str]:
    """Two sums in one loop; the second one may read what the first one adds to."""
    second = choices.one_of(
        ("c[i] += u[l, i] * b[l]", "c[l] += u[i, l] * b[i]", "c[i] += a[i]", "a[i] -= u[i, l]")
    )
    return _nest(choices, "i", _nest(choices, "l", ["a[i] += u[i, l] * b[l]", second]))


def _columns(choices: Choices) -> list[str]:
    """a[j] += u[i, j] * b[i]: each row adds to all."""
    body = [f"a[j] += {choices.one_of(('u[i, j] * b[i]', 'u[j, i] * b[i]', 'u[i, j] * a[j + 1]'))}"]
    return _nest(choices, "ij", body)


def _update(choices: Choices) -> list[str]:
    """w[i, j] += a[i] * b[j] + c[i] * a[j]: one or more products of vectors."""
    value = choices.one_of(("a[i] * b[j]", "a[i] * b[j] + c[i] * a[j]", "u[i, 2] * v[2, j]"))
    return _nest(choices, choices.one_of(("ij", "ji")), [f"w[i, j] += {value}"])


def _triangle(choices: Choices) -> list[str]:
    """The same below the diagonal, or in place."""
    inner = choices.one_of(("range(i)", "range(i + 1)", "range(i, n)", "range(i + 1, n + 2)"))
    last = choices.one_of(("range(n)", "range(i)", "range(j)", "range(j + 1)", "range(i + 1, n)"))
    target = choices.one_of(("w[i, j]", "w[i, j]", "u[i, j]", "v[j, i]"))
    term = choices.one_of(("u[i, l] * v[l, j]", "u[i, l] * u[j, l]", "u[i, l] * w[l, j]"))
    sign = choices.one_of(("+", "-"))
    lines = [f"for l in {last}:", f"    {target} {sign}= {term}"]
    lines = [f"for j in {inner}:", *(f"    {line}" for line in lines)]
    return ["for i in range(n):", *(f"    {line}" for line in lines)]
