"""Random nests around storage: row buffers filled and used in every iteration, in part, in turns, under conditions.

`tests.families` draws what loops do to arrays that hold results; here an array is filled to be used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.program import ArraySpec, Choices, Program

ROWS = ("range({low}, n)", "range({low}, n)", "range(n - 1, {low} - 1, -1)", "range({low}, n, 2)")
COLUMNS = (
    "range({low}, m)", "range({low}, m)", "range({low}, m)", "range({low}, m + 2)", "range(m)",
    "range(m - 1, -1, -1)", "range({low}, m, 2)", "range({low}, {row} + 1)", "range({row}, m)",
    "range({low}, {low} + 4)", "range({low}, k + 3)",
)  # fmt: skip
# Cells of the buffer in an inner loop, the first as they are mostly filled.
CELLS = (
    "{col}", "{col}", "{col}", "{col} + 1", "{col} - 1", "m + 3 - {col}", "2 * {col}", "{col} // 2",
    "{row}", "{row} + {col}", "{col} + k + 9", "{col} % 3",
)  # fmt: skip
ONES = ("3", "0", "m", "{row}", "{row} + 1", "{row} % 2", "k + 9", "-1", "{row} // 2")
TESTS = (
    "{row} > 4", "{row} % 2 == 0", "k > 2", "{row} < m", "{row} == n - 1", "{row} != k", "m > 3",
    "{row} == 3 or k == 1",
)  # fmt: skip
INNER_TESTS = (*TESTS, "{col} < {row}", "{col} > 2", "{col} == {row}", "{col} != m - 1")
# Of the buffer, where each iteration makes its own.
ALLOCATIONS = (
    "np.zeros(len(b))",
    "np.ones(b.shape[0])",
    "np.full(b.shape, 2.5)",
    "np.zeros_like(b)",
)
# Extents are 84 to 94 for vectors, 30 to 34 for matrices (see Program.arguments).
STORAGE_BOX: tuple[Mapping[str, int], ...] = tuple(
    {"n": n, "m": m, "k": k}
    for n, m, k in [
        (6, 5, 1), (5, 7, 0), (6, 4, 3), (5, 3, -2), (4, 6, 5), (1, 4, 2), (6, 0, 1), (5, 2, -5),
    ]
)  # fmt: skip


@dataclass(slots=True)
class _Sketch:
    choices: Choices
    variables: list[str] = field(default_factory=list)

    def filled(self, texts: tuple[str, ...]) -> str:
        row = self.variables[-2] if len(self.variables) > 1 else self.variables[-1]
        low = self.choices.integer(0, 2)
        return self.choices.one_of(texts).format(row=row, col=self.variables[-1], low=low)

    def chance(self, per: int) -> bool:
        return self.choices.integer(1, per) == per

    def loop(self, ranges: tuple[str, ...], body: list[str]) -> list[str]:
        """Return a loop around a body that was written for its variable."""
        header = self.choices.one_of(ranges)
        row = self.variables[-2] if len(self.variables) > 1 else "3"
        text = header.format(low=self.choices.integer(0, 2), row=row)
        return [f"for {self.variables.pop()} in {text}:", *_inside(body)]

    def inner(self, statement: str) -> list[str]:
        """Return an inner loop of one statement, the variable j standing in it."""
        self.variables.append("j")
        line = self.filled((statement,))
        body = [line] if not self.chance(5) else [f"if {self.filled(INNER_TESTS)}:", f"    {line}"]
        return self.loop(COLUMNS, body)

    def cell(self) -> str:
        self.variables.append("j")
        text = self.filled(CELLS)
        self.variables.pop()
        return text

    def fill(self) -> list[str]:
        """c[j] = ... for all j, or one element of it."""
        row = self.variables[-1]
        if self.chance(5):
            return [f"c[{self.filled(ONES)}] = b[{row}] * 0.5"]
        value = self.choices.one_of(
            (f"u[{row}, j]", f"u[{row}, j] + b[j]", f"c[{self.cell()}] + 1.0")
        )
        return self.inner(f"c[{self.cell()}] = {value}")

    def use(self) -> list[str]:
        """Something from c, into cells that are the row's own for the most part."""
        row = self.variables[-1]
        match self.choices.integer(1, 6):
            case 1:
                return [f"a[{row}] = c[{self.filled(ONES)}] + b[{row}]"]
            case 2:
                return self.inner(f"a[{row}] = a[{row}] + c[{self.cell()}]")
            case 3:
                return self.inner(f"v[{row}, j] = c[{self.cell()}] - c[{self.cell()}]")
            case 4:
                return self.inner(f"c[j] = c[{self.cell()}] * 0.5")
            case _:
                return self.inner(f"v[{row}, j] = c[{self.cell()}] * 0.5")

    def scalar(self) -> list[str]:
        """p or q, at times under a condition of its own."""
        row, name = self.variables[-1], self.choices.one_of(("p", "q"))
        lines = self.choices.one_of(
            ([f"{name} = b[{row}] * 2.0"], [f"{name} = b[{row}]", f"a[{row}] = {name}"], [f"a[{row}] = {name}"])
        )  # fmt: skip
        return lines

    def phase(self) -> list[str]:
        kind = self.choices.integer(1, 7)
        lines = self.fill() if kind <= 3 else self.use() if kind <= 6 else self.scalar()
        if self.chance(6):
            lines = [f"if {self.filled(TESTS)}:", *_inside(lines)]
            if self.chance(3):
                lines += ["else:", *_inside(self.fill())]
        return lines

    def nest(self) -> list[str]:
        self.variables.append("i")
        made = [] if not self.chance(4) else [f"c = {self.choices.one_of(ALLOCATIONS)}"]
        body = [*made, *self.fill(), *(self.use() if not self.chance(4) else self.scalar())]
        body += [line for _ in range(self.choices.integer(0, 2)) for line in self.phase()]
        lines = self.loop(ROWS, body)
        if not self.chance(5):
            return lines
        return [f"for t in range({self.choices.one_of(('2', 'k', 'm'))}):", *_inside(lines)]


def _inside(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def draw_storage_nest(choices: Choices) -> Program:
    """Return a program of one nest with a buffer `c` that is filled and used in its iterations."""
    lines = _Sketch(choices).nest()
    text = "\n".join(lines)
    scalars = [name for name in ("p", "q") if f"{name} = " in text or f"= {name}" in text]
    wanted = choices.one_of(((), tuple(scalars)))
    before = [
        f"{name} = {value}" for name, value in (("p", "1.0"), ("q", "2.0")) if name in scalars
    ]
    after = [f"return {', '.join(wanted)},"] if wanted else []
    source = "\n".join(["def kernel(a, b, c, u, v, n, m, k):", *_inside([*before, *lines, *after])])
    source = source.replace("a, b, c, u", "a, b, u") if "c = np" in source else source
    names = "abuv" if "c = np" in source else "abcuv"
    arrays = tuple(
        ArraySpec(name=name, rank=1 if name in "abc" else 2, dtype="float64") for name in names
    )
    return Program(
        source=source + "\n",
        family="storage",
        arrays=arrays,
        numbers=("n", "m", "k"),
        is_roomy=True,
    )
