"""Free combinations: loops of depth one to four around statements, tests and temporaries of any kind."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.second_generator.text import expression

RANGES = (
    "n", "n", "m", "1, n", "n - 1", "d, n", "n - 1, -1, -1", "0, n, 2", "n + 2, 2, -2", "lo, hi", "n // 2 + 1",
    "max(1, d), n", "min(n, m)", "4", "p, p + 4", "min(n, p + 3)",
)  # fmt: skip
INNER = (
    "{o}", "{o} + 1", "{o}, n", "{o} + 1, n", "n - {o}", "{o}, min({o} + 3, n)", "max(0, {o} - 2), {o} + 1",
    "{o} // 2 + 2", "n, {o}, -1", "0, {o} + 3, 2", "{o}, {o} + d + 1", "{o} % 3, m, 3",
)  # fmt: skip
OWN = ("{v}", "{v}", "{v}", "{v} + 1", "n + 3 - {v}", "2 * {v}", "{v} + d", "{v} + k + 7")
ANY = (
    *OWN, "{v} + 2", "3 * {v} + 1", "{v} // 2", "{v} % 2", "{v} % 3", "{o}", "{o} + {v}", "{o} - {v} + 8",
    "2 * {o} + {v}", "3", "0", "d", "p", "n - 1", "m + 2", "{v} + p", "2 * {v} + d", "2 * {v} + 1", "({v} + 1) // 2",
    "{v} + n", "{v} - {v} % 2", "max({v} - 1, 0)", "-1",
)  # fmt: skip
BEYOND = (
    "idx[{v}]",
    "{v} * d",
    "{o} * m + {v}",
    "({v} + d) % n",
    "{v} * {v}",
    "perm[{v}]",
    "abs({v} - d)",
    "key[{v}]",
)
TESTS = (
    "{v} < d", "{v} >= p", "{v} % 2 == 0", "{v} != {o}", "{o} <= {v}", "d > 1", "{v} == p", "1 <= {v} < n - 1",
    "{v} > 2 and {o} < 3", "k < 0 or {v} == 0", "not {v} == d", "{v} + {o} == n", "{v} // 2 == 1",
)  # fmt: skip
DATA_TESTS = (
    "b[{v}] > 0",
    "c[{v}] < b[{v}]",
    "b[{v}] > 0 and {v} > 1",
    "mask[{v}]",
    "z > 0",
    "b[{v}] == 0 or c[{v}] > 1",
)


class Sketch:
    """One program in the making."""

    def __init__(self, generator: random.Random, *, is_affine: bool, is_floating: bool) -> None:
        self._generator = generator
        self._is_affine = is_affine
        self._is_floating = is_floating
        self._variables: list[str] = []
        self._uses_scalar = False

    def draw(self) -> str:
        """Return the lines of one nest, with `#return` where scalars may live on."""
        depth = self._generator.choice((1, 1, 1, 2, 2, 2, 3, 3, 4))
        lines = self._loop(depth)
        if self._uses_scalar or "z" in "\n".join(lines):
            lines = ["z = 0", "s = 0", *lines, "#return s, z"]
        return "\n".join(lines)

    def _chance(self, share: float) -> bool:
        return self._generator.random() < share

    def _filled(self, forms: Sequence[str]) -> str:
        others = self._variables[:-1] or self._variables
        return self._generator.choice(forms).format(
            v=self._variables[-1], o=self._generator.choice(others)
        )

    def _loop(self, depth: int) -> list[str]:
        if depth >= 3:
            text = self._generator.choice(("3", "4", "d + 1", "1, 4"))
        elif self._variables and self._chance(0.5):
            text = self._generator.choice(INNER).format(o=self._variables[-1])
        else:
            text = self._generator.choice(RANGES)
        self._variables.append("ijlt"[len(self._variables)])
        body = self._block(1) if depth > 1 and self._chance(0.3) else []
        body += (
            self._loop(depth - 1)
            if depth > 1
            else self._block(self._generator.choice((1, 1, 2, 3)))
        )
        body += self._block(1) if depth > 1 and self._chance(0.25) else []
        return [f"for {self._variables.pop()} in range({text}):", *_indented(body)]

    def _block(self, count: int) -> list[str]:
        return [line for _ in range(count) for line in self._statement()]

    def _subscript(self, *, is_own: bool) -> str:
        forms = OWN if is_own else ANY
        if not self._is_affine and self._chance(0.12):
            forms = BEYOND
        return self._filled(forms)

    def _cell(self, *, is_target: bool) -> str:
        is_own = self._chance(0.6 if is_target else 0.4)
        if self._chance(0.35 if len(self._variables) > 1 else 0.08):
            first = self._generator.choice(self._variables[:-1] or self._variables)
            near = self._generator.choice(("{}", "{}", "{} + 1", "{} + d", "{} // 2")).format(first)
            pair = [near, self._subscript(is_own=is_own)]
            if self._chance(0.2):
                pair.reverse()
            return f"{self._generator.choice('AAB')}[{', '.join(pair)}]"
        return f"{self._generator.choice('aaabc')}[{self._subscript(is_own=is_own)}]"

    def _value(self, *more: str) -> str:
        parts = [*more, self._cell(is_target=False)]
        if self._chance(0.5):
            parts.append(self._cell(is_target=False))
        if not self._is_affine and self._chance(0.08):
            return f"{parts[0]} if {self._filled(DATA_TESTS)} else {parts[-1]}"
        return expression(parts, self._generator, is_floating=self._is_floating)

    def _statement(self) -> list[str]:
        kind = self._generator.random()
        if kind < 0.5:
            return [f"{self._cell(is_target=True)} = {self._value()}"]
        if kind < 0.6:
            operator = self._generator.choice(("+=", "+=", "-=", "*="))
            return [f"{self._cell(is_target=True)} {operator} {self._cell(is_target=False)}"]
        if kind < 0.74:
            lines = [f"z = {self._value()}", f"{self._cell(is_target=True)} = {self._value('z')}"]
            return lines if self._chance(0.85) else lines[::-1]
        if kind < 0.82:
            self._uses_scalar = True
            update = (
                "s += {}",
                "s = s + {}",
                "s -= {}",
                "s = max(s, {})",
                "s = {} - s",
                "s = min({}, s)",
            )
            return [self._generator.choice(update).format(self._cell(is_target=False))]
        tests = TESTS if self._is_affine or self._chance(0.4) else DATA_TESTS
        lines = [f"if {self._filled(tests)}:", *_indented(self._block(1))]
        if self._chance(0.3):
            lines += ["else:", *_indented(self._block(1))]
        return lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
