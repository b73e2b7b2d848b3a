"""Random nests that are affine only at given values: linearised subscripts, steps and divisors by name.

`tests.families` draws nests that are affine for all values; here a product, a quotient or a step needs one.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.program import ArraySpec, Choices, Program

HEADERS = (
    "range(n)", "range({low}, n)", "range(m)", "range({low}, n, k)", "range(n - 1, {low} - 1, -k)",
    "range({low}, n, k + 1)", "range(n * m)", "range(n // k)", "range({low}, n + k, m)", "range(k * k)",
    "range(0, u.shape[1], k)", "range(n % k + 3)", "range(b.shape[0] // n)",
)  # fmt: skip
INNER = (
    "range(m)", "range(m)", "range(k)", "range(n)", "range({outer}, n, k)", "range(min(k, n))",
    "range({outer}, min({outer} + k, n))", "range({outer} + 1)", "range(m - 1, -1, -1)",
)  # fmt: skip
# The second name is that of the inner loop, or a number.
CELLS = (
    "{i} * m + {j}", "m * {i} + {j}", "k * {i} + {j}", "{i} * k", "{i} * k + m", "{i} * n + {j}",
    "({i} + 1) * m - {j}", "{i} // k", "{i} % k", "({i} * m + {j}) // k", "{i} * u.shape[1] + {j}",
    "(k + 1) * {i} + m", "{i} << k", "k * m + {i}", "n * m - {i}", "{i} * (k - m)", "{i} + {j} * k * m",
    "{i}", "{i} + {j}", "{j}", "{i} % (k + 1) + {j}", "{i} // (m + 1)", "k", "k - {i}", "2 ** k * {i}",
)  # fmt: skip
PAIRS = ("{i} // k, {i} % k", "{i}, {j} * k", "{j} % k, {i}", "k * {i}, {j}", "{i}, {j}")
VALUED_BOX: tuple[Mapping[str, int], ...] = tuple(
    {"n": n, "m": m, "k": k}
    for n, m, k in [
        (6, 5, 1), (5, 4, 2), (6, 3, 3), (5, 7, 4), (4, 5, 0), (6, 5, -1), (5, 4, -2), (1, 3, 2), (7, 2, 7),
    ]
)  # fmt: skip


@dataclass(slots=True)
class _Sketch:
    choices: Choices
    variables: list[str] = field(default_factory=list)

    def filled(self, texts: tuple[str, ...]) -> str:
        inner = self.variables[-1] if len(self.variables) > 1 else self.choices.one_of("012")
        outer = self.variables[0] if self.variables else "0"
        low = self.choices.integer(0, 2)
        return self.choices.one_of(texts).format(i=outer, j=inner, outer=outer, low=low)

    def cell(self, array: str) -> str:
        return f"{array}[{self.filled(PAIRS if array == 'u' else CELLS)}]"

    def statements(self) -> list[str]:
        target = self.cell(self.choices.one_of("aaabu"))
        source = self.cell(self.choices.one_of("abbcu"))
        match self.choices.integer(1, 6):
            case 1:
                return [f"{target} = {source} + {target}"]
            case 2:
                return [f"{target} += {source}"]
            case 3:
                return [f"w = {self.filled(CELLS)}", f"a[w] = {source} + 1"]
            case 4:
                return [f"s = {source}", f"{target} = s + {self.variables[0]}"]
            case _:
                return [f"{target} = {source} + 1"]


def draw_valued_nest(choices: Choices) -> Program:
    """Return a nest of one or two loops that may need the values of n, m, k or of an extent."""
    sketch = _Sketch(choices)
    header = sketch.filled(HEADERS)
    sketch.variables.append("i")
    if choices.integer(1, 3) < 3:
        inner = sketch.filled(INNER)
        before = sketch.statements() if choices.integer(1, 4) == 4 else []
        sketch.variables.append("j")
        body = [*before, f"for j in {inner}:", *_inside(sketch.statements())]
    else:
        body = [line for _ in range(choices.integer(1, 2)) for line in sketch.statements()]
    lines = [f"for i in {header}:", *_inside(body)]
    used = {node.id for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Name)}
    dtype = choices.one_of(("float64", "float64", "int64"))
    arrays = tuple(
        ArraySpec(name=name, rank=2 if name == "u" else 1, dtype=dtype)
        for name in "abcu"
        if name in used
    )
    numbers = tuple(name for name in "nmk" if name in used)
    parameters = ", ".join([*(each.name for each in arrays), *numbers])
    if "s" in used and choices.integer(1, 4) == 4:
        lines = ["s = 0.0", *lines, "return s"]
    return Program(
        source="\n".join([f"def kernel({parameters}):", *_inside(lines)]) + "\n",
        family="valued",
        arrays=arrays,
        numbers=numbers,
        is_roomy=True,
    )


def _inside(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
