"""Whole-array statements with slices, by themselves and in loops: choices -> `Program`.

Most parts of one statement have one shape, since they leave out as many elements at their ends; a few do not fit.
Written without knowledge of when a statement goes by way of an array of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.program import ArraySpec, Choices, Program

VECTORS, MATRICES = ("a", "b", "c"), ("u", "v")
DTYPES = ("float64", "float64", "float32", "int64", "int32", "uint8", "bool")
STEPS = (
    "for t in range(m % 4):", "for i in range(n):", "for i in range(1, n):", "for i in range(n - 1, 0, -1):",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Sketch:
    choices: Choices
    dtype: str
    variable: str | None = None  # of the loop around
    made: int = 0  # new arrays

    def chance(self, of: int) -> bool:
        return self.choices.integer(1, of) == of

    def cut(self, kind: int, left_out: int) -> str:
        """Return a slice of an axis that leaves out as many elements as all of its kind."""
        if self.chance(25):
            left_out += 1
        low = self.choices.integer(0, left_out)
        start, stop = str(low) if low else "", f"-{left_out - low}" if left_out > low else ""
        match kind:
            case 0:
                return f"{start}:{stop}"
            case 1:
                if self.chance(3):
                    return ("-1" if not stop else f"-{left_out - low + 1}") + (
                        f":{low - 1}:-1" if low else "::-1"
                    )
                return f"{start}:{stop}:1"
            case 2:
                return f"{low}:{low - left_out or None}:2" if left_out else "::2"
            case 3:
                shift = self.choices.one_of(["", " + 1", " + 2"])
                return f"k{shift}:n{shift}"
        where = self.variable or "m"
        return self.choices.one_of([f"{where} + {e}:{where} + {e + 3}" for e in range(3)])

    def index(self) -> str:
        near = [self.variable, f"{self.variable} + 1", f"{self.variable} - 1"]
        return self.choices.one_of([*(near if self.variable else ["k", "m"]), "0", "-1", "2"])

    def place(self, shape: tuple[tuple[int, int], ...], *, is_row: bool) -> str:
        """Return a part of an array; `shape` are kind and elements left out for each axis."""
        cuts = [self.cut(*axis) for axis in shape]
        if len(shape) == 1 and is_row:
            pair = [self.index(), *cuts]
            return f"{self.choices.one_of(MATRICES)}[{', '.join(pair if self.chance(2) else pair[::-1])}]"
        name = self.choices.one_of(MATRICES if len(shape) > 1 else VECTORS)
        if all(each == (0, 0) for each in shape) and self.chance(2):
            return name
        return f"{name}[{', '.join(cuts)}]"

    def operand(self, shape: tuple[tuple[int, int], ...], *, is_row: bool) -> str:
        match self.choices.integer(1, 8):
            case 1:
                return self.choices.one_of(["k", "n", "2", "a[1]", "u[0, 1]"])
            case 2 if len(shape) > 1:
                return self.place(shape[1:], is_row=True)
        return self.place(shape, is_row=is_row)

    def value(self, shape: tuple[tuple[int, int], ...], *, is_row: bool) -> str:
        first = self.place(shape, is_row=is_row)
        second, third = (self.operand(shape, is_row=is_row) for _ in range(2))
        match self.dtype:
            case "bool":
                forms = ["{0} & {1}", "{0} | ({1} ^ {2})", "~{0}", "{0} > {1}"]
            case "float64" | "float32":
                forms = [
                    "{0} + {1}", "0.5 * ({0} + {1}) - {2}", "{0} * {1} + {2}", "{0} / {1}", "{0} ** 2 - {1}",
                    "np.maximum({0}, {1})", "abs(-{0}) + {1}", "np.sqrt({0}) // {1}", "{0} * (1 / m) + {1}",
                    "np.exp(-abs({0}))", "{0}",
                ]  # fmt: skip
            case _:
                forms = [
                    "{0} + {1}",
                    "{0} * {1} - {2}",
                    "{0} & {1}",
                    "np.minimum({0}, {1})",
                    "-{0}",
                    "{0}",
                ]
        return self.choices.one_of(forms).format(first, second, third)

    def statements(self) -> list[str]:
        """Return a statement, at times one that first makes the arrays it uses."""
        if not self.chance(4):
            return [self.statement()]
        self.made += 1
        new, copied = f"w{self.made}", self.choices.one_of(VECTORS)
        kept = self.choices.one_of(VECTORS)
        if self.chance(2):
            return [f"{new} = {copied}.copy()", f"{kept}[1:] = {new}[:-1]"]
        value = self.value(((0, 1),), is_row=False)
        return [f"{new} = {value}", f"{kept}[1:] = {new}"]

    def statement(self) -> str:
        kind = self.choices.one_of([0, 0, 1, 2, 3, 4])
        left_out = self.choices.integer(0, 3)
        is_row = self.chance(3)
        shape = ((kind, left_out),) * (2 if self.chance(3) and kind < 4 else 1)
        target = self.place(shape, is_row=is_row)
        if self.dtype != "bool" and (self.chance(3) or target in (*VECTORS, *MATRICES)):
            operator = self.choices.one_of(["+", "-", "*"])
            return f"{target} {operator}= {self.operand(shape, is_row=is_row)}"
        if target in (*VECTORS, *MATRICES):
            target += "[:]"
        if self.chance(10):
            return f"{target} = {self.choices.one_of(['k', '1', 'a[2]'])}"
        return f"{target} = {self.value(shape, is_row=is_row)}"


def draw_array_nest(choices: Choices) -> Program:
    """Return a program of a few whole-array statements, most of them in a loop."""
    dtype = choices.one_of(DTYPES)
    sketch = _Sketch(choices=choices, dtype=dtype)
    lines: list[str] = []
    for _ in range(choices.integer(1, 2)):
        header = choices.one_of(["", *STEPS])
        sketch.variable = "i" if " i " in header else None
        body = [line for _ in range(choices.integer(1, 3)) for line in sketch.statements()]
        if sketch.variable and sketch.chance(4):
            body.append("a[i] = b[i]")
        lines += [header, *(f"    {each}" for each in body)] if header else body
    # What ranks the arrays have the code must show.
    text = "\n".join(f"    {each}" for each in lines)
    shown = {"a[1]": "a", "b[1]": "b", "c[1]": "c", "u[0, 1]": "u", "v[0, 1]": "v"}
    reads = "\n".join(f"    s = {each}" for each in shown)
    source = f"import numpy as np\n\n\ndef kernel(a, b, c, u, v, n, m, k):\n{reads}\n{text}\n    return s\n"
    arrays = tuple(
        ArraySpec(name=name, rank=1 if name in VECTORS else 2, dtype=dtype)
        for name in shown.values()
    )
    return Program(
        source=source,
        family="array statements",
        arrays=arrays,
        numbers=("n", "m", "k"),
        is_roomy=True,
    )
