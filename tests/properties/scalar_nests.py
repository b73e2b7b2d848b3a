"""Random nests around scalars: privates, index temporaries, conditions, bounds of every kind, last values.

`tests.families` draws what loops do to arrays; here the names themselves are the subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.program import ArraySpec, Choices, Program

RANGES = (
    "range({low}, n)",
    "range({low}, n)",
    "range(n - 1, {low} - 1, -1)",
    "range({low}, n, 2)",
    "range(n, {low}, -3)",
    "range({low}, min(n, m + 3))",
    "range(max({low}, k), n)",
    "range({low}, {low} + 3)",
    "range({low}, {low} + 1)",
    "range(3, len(c) - 70)",
    "range({low}, c.shape[-1] - 72)",
    "range({low}, k)",
)
INNER_RANGES = (*RANGES, "range({low}, {outer})", "range({outer}, n)", "range({outer}, 0, -1)")
# Extents are 74 to 84 (see Program.arguments).
SMALL_BOX: tuple[Mapping[str, int], ...] = tuple(
    {"n": n, "m": m, "k": k}
    for n, m, k in [
        (6, 5, 1), (5, 2, 0), (6, 6, 5), (5, 0, -2), (6, 3, 3), (1, 4, 2), (0, 5, 1), (5, 6, -5),
    ]
)  # fmt: skip
TESTS = (
    "k > 2", "m < n", "k != 0", "{var} == 5", "{var} < k", "{var} != k", "{var} % 2 == 0",
    "not {var} == k + 1", "1 < {var} < n - 2", "{var} > 3 or k == 1", "{var} // 2 == 2",
    "{var} == n - 1", "{var} >= {outer}", "{var} == {outer} and not m > 3",
)  # fmt: skip
SUBSCRIPTS = (
    "{var}", "{var}", "{var}", "{var} + 1", "{var} - 1", "2 * {var}", "n + 9 - {var}", "{outer}",
    "m + 1", "3", "-1", "{var} // 2", "{var} + k + 14", "{outer} + {var}", "{var} % 3",
)  # fmt: skip


@dataclass(slots=True)
class _Sketch:
    choices: Choices
    variables: list[str] = field(default_factory=list)

    def filled(self, texts: tuple[str, ...]) -> str:
        names = self.variables
        return self.choices.one_of(texts).format(var=names[-1], outer=names[0], low=2)

    def statements(self, count: int) -> list[str]:
        return [line for _ in range(count) for line in self.statement()]

    def statement(self) -> list[str]:
        kind = self.choices.integer(0, 14)
        scalar, other = self.choices.one_of(("p", "q")), self.choices.one_of(("p", "q"))
        here, there = self.filled(SUBSCRIPTS), self.filled(SUBSCRIPTS)
        lines = {
            0: [f"{scalar} = c[{there}]"],
            1: [f"{scalar} = c[{there}]"],
            2: [f"a[{here}] = {scalar}"],
            3: [f"a[{self.variables[-1]}] = {scalar} + c[{there}]"],
            4: [f"{scalar} += c[{there}]"],
            5: [f"{scalar} = {other} * 0.5"],
            6: [f"b[{here}] = a[{there}]"],
            7: [f"t = {here.replace('-1', 'm')}", f"b[t] = {scalar}"],
            8: [f"t = {self.variables[-1]} + 1", "t += 1", f"a[t] = c[t - 2] + {scalar}"],
            9: [f"{scalar} = c[{there}] - {scalar}"],
            10: [f"a[{here}] = a[{there}] * 0.5"],
        }
        if kind in lines:
            return lines[kind]
        if kind <= 12:
            test, body = self.filled(TESTS), self.statements(self.choices.integer(1, 2))
            found = [f"if {test}:", *_inside(body)]
            if self.choices.integer(0, 2) == 2:
                found += ["else:", *_inside(self.statements(1))]
            return found
        if len(self.variables) < 3:
            return self.loop()
        return [f"b[{self.variables[-1]}] = {scalar}"]

    def loop(self) -> list[str]:
        ranges = INNER_RANGES if self.variables else RANGES
        outer = self.variables[-1] if self.variables else ""
        text = self.choices.one_of(ranges).format(low=self.choices.integer(1, 3), outer=outer)
        self.variables.append("ijl"[len(self.variables)])
        body = self.statements(self.choices.integer(1, 3))
        return [f"for {self.variables.pop()} in {text}:", *_inside(body)]


def _inside(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def draw_scalar_nest(choices: Choices) -> Program:
    """Return a program of one nest; it returns all its scalars, or only what it stored."""
    lines = _Sketch(choices).loop()
    if choices.integer(0, 2) > 0:
        lines = ["p = 1.0", "q = 2.0", *lines]
    targets = [name for name in "ijl" if any(f"for {name} in" in line for line in lines)]
    wanted = choices.one_of(((), ("p",), ("p", "q"), tuple(targets), ("q", *targets)))
    if wanted:
        lines.append(f"return {', '.join(wanted)},")
    source = "\n".join(["def kernel(a, b, c, n, m, k):", *_inside(lines)]) + "\n"
    arrays = tuple(ArraySpec(name=name, rank=1, dtype="float64") for name in "abc")
    return Program(
        source=source, family="scalars", arrays=arrays, numbers=("n", "m", "k"), is_roomy=True
    )
