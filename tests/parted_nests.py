"""Loops whose iterations fall into parts: distributed, split, shifted, peeled; drawn.

Before:  for i in range(2, n): a[i] = 0.5 * a[n - 1 - i] + b[i - 1]; b[i] = c[i + 1]
After:   a nest with arguments for it, as `tests.ordered_nests` runs them
"""

from __future__ import annotations

import random

import numpy as np

from tests.ordered_nests import Nest

MARGIN = 3  # elements beyond both ends of what the loop counts
PLACES = (
    "i", "i", "i", "i", "i - 1", "i + 1", "i - 2", "i + 3", "n - 1 - i", "n - i", "3", "n // 2",
    "n - 1", "i - n // 2", "2 * i - n", "n // 2 + i",
)  # fmt: skip
TESTS = ("i < n // 2", "i < 4", "i == 3", "i != n // 2", "i + 2 >= n", "2 * i < n")
HEADERS = (
    "for i in range(n):",
    "for i in range(3, n):",
    "for i in range(n - 1, -1, -1):",
    "for i in range(1, n - 1):",
    "for i in range(0, n, 2):",
)


def draw_parts(seed: int) -> Nest:
    """Return one loop, or two, over arrays of which few elements tie its iterations together."""
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    is_deep = choose.random() < 0.35
    draw = _Draw(choose, is_deep=is_deep)
    n = int(rng.choice([0, 1, 2, 5, 8, 9, 13]))
    size = 3 * n + 2 * MARGIN
    shape = (size, 4) if is_deep else size
    arrays = {name: rng.uniform(-1.0, 1.0, shape) for name in "abc"}
    return Nest(text=draw.text(), arguments={**arrays, "n": n, "m": 4})


class _Draw:
    def __init__(self, choose: random.Random, *, is_deep: bool) -> None:
        self._choose = choose
        self._is_deep = is_deep

    def text(self) -> str:
        body = [line for _ in range(self._choose.choice([1, 1, 2, 3])) for line in self._part()]
        lines = ["def nest(a, b, c, n, m):", f"    {self._choose.choice(HEADERS)}"]
        if self._is_deep:
            split = self._choose.randint(0, len(body)) if self._choose.random() < 0.3 else 0
            before = [f"    c[i + {MARGIN}, 0] = {self._value('0')}"] if split else []
            lines += ["    " + each for each in before]
            lines.append("        for j in range(m):")
            lines += ["            " + each for each in body]
        else:
            lines += ["        " + each for each in body]
        return "\n".join(lines) + "\n"

    def _part(self) -> list[str]:
        kind = self._choose.random()
        if kind < 0.15:
            test = self._choose.choice(TESTS)
            found = [f"if {test}:", f"    {self._store()}"]
            return [*found, "else:", f"    {self._store()}"] if kind < 0.1 else found
        if kind < 0.35:
            scalar = self._choose.choice("pq")
            return [f"{scalar} = {self._value()}", self._store(f"{scalar} * 0.5")]
        return [self._store()]

    def _store(self, value: str | None = None) -> str:
        place = self._choose.choice(["i"] * 12 + ["i + 1", "i - 1", "n - 1 - i", "2 * i"])
        target = self._element(self._choose.choice("aabc"), place)
        return f"{target} = {value or self._value()}"

    def _value(self, column: str = "j") -> str:
        terms = [self._element(self._choose.choice("abc"), self._place(), column) for _ in range(2)]
        return f"0.5 * {terms[0]} + {terms[1]}" if self._choose.random() < 0.7 else terms[0]

    def _place(self) -> str:
        return self._choose.choice(PLACES)

    def _element(self, array: str, place: str, column: str = "j") -> str:
        moved = (
            f"{place} + n + {MARGIN}"
            if "n" in place and "n - " not in place
            else f"{place} + {MARGIN}"
        )
        return f"{array}[{moved}, {column}]" if self._is_deep else f"{array}[{moved}]"
