"""Functions of whole rows inside loops, stored, tested and added up: choices -> `Program`.

Rows are written by some of the statements that others reduce, in the same or in another iteration.
Written without knowledge of how such a function is computed.
"""

from __future__ import annotations

from tests.program import ArraySpec, Choices, Program

DTYPES = ("float64", "float64", "float32", "int64", "int32", "uint8", "bool")
FUNCTIONS = ("sum", "argmax", "argmin", "max", "min", "mean", "any", "all", "prod", "std", "var")
HEADERS = ("for i in range(n):", "for i in range(1, n):", "for i in range(n - 1, -1, -1):")
ROWS = (
    "u[i]", "u[i, :]", "u[i, 1:]", "u[i, :-1]", "u[i, ::2]", "u[:, i]", "u[i, :i]", "u[i, k:n]", "u[i - 1]",
    "v[i]", "v[:, i]", "a[i - 1:i + 2]", "a[k:]", "b",
)  # fmt: skip


def _row(choices: Choices) -> str:
    return choices.one_of(ROWS)


def _value(choices: Choices, dtype: str) -> str:
    """Return a value that some row gives."""
    row, name = _row(choices), choices.one_of(FUNCTIONS)
    if dtype != "bool" and choices.integer(1, 4) == 1:
        row = choices.one_of([f"{row} * 2", f"abs(-{row})", f"{row} + {row}", f"np.sqrt({row})"])
    match choices.integer(1, 6):
        case 1:
            return f"{choices.one_of(['sum', 'max', 'min', 'any', 'all'])}({_row(choices)})"
        case 2:
            return f"np.dot({_row(choices)}, {_row(choices)})"
        case 3:
            return f"{_row(choices)} @ {_row(choices)}"
        case 4 if "(" not in row and " " not in row:
            return f"{row}.{name}()"
    return f"np.{name}({row})"


def _statement(choices: Choices, dtype: str) -> list[str]:
    value = _value(choices, dtype)
    match choices.integer(1, 8):
        case 1:
            return [f"if {value}:", f"    a[i] = {_value(choices, dtype)}"]
        case 2:
            return [f"s = {value}", "b[i] = s"]
        case 3:
            return [f"total += {value}"]
        case 4:
            return [f"u[i, 0] = {value}"]
        case 5:
            return ["for j in range(m):", f"    v[i, j] = {_value(choices, dtype)}"]
        case 6:
            return [f"a[i] = {value} if i > k else {_value(choices, dtype)}"]
        case 7 if dtype != "bool":
            return [f"a[i] = {value} - {_value(choices, dtype)}"]
    return [f"a[i] = {value}"]


def draw_row_nest(choices: Choices) -> Program:
    """Return a loop of a few statements, most of which ask for the value of a row."""
    dtype = choices.one_of(DTYPES)
    lines = [choices.one_of(HEADERS)]
    for _ in range(choices.integer(1, 3)):
        lines += [f"    {each}" for each in _statement(choices, dtype)]
    text = "\n".join(f"    {each}" for each in lines)
    reads = "    total = 0\n    s = a[0], b[0], u[0, 0], v[0, 0]\n"
    source = f"import numpy as np\n\n\ndef kernel(a, b, u, v, n, m, k):\n{reads}{text}\n    return s, total\n"
    shapes = {"a": 1, "b": 1, "u": 2, "v": 2}
    arrays = tuple(
        ArraySpec(name=name, rank=rank, dtype=choices.one_of([dtype, dtype, "float64"]))
        for name, rank in shapes.items()
    )
    return Program(
        source=source,
        family="functions of rows",
        arrays=arrays,
        numbers=("n", "m", "k"),
        is_roomy=True,
    )
