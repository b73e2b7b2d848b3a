"""Random programs of array statements do what NumPy does with them, fused or not."""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autopar.array_entries import ArrayEntry
from tests.effort import some
from tests.sameness import same

NAMES = ("u", "v", "w", "t", "x")
PARTS = {
    "whole": ("",),
    "inner": ("[1:-1]", "[2:]", "[:-2]"),
    "all": ("[:]", "", "[::-1]"),
    "half": ("[::2]", "[1::2]"),
}


HELPER = """
def helped(x, y):
    z = x * 0.25
    z -= y
    return z * z
"""


class Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def leaf(self, part: str) -> str:
        if self.draw.random() < 0.12:
            return self.draw.choice(("2.0", "0.5", "3", "a"))
        return self.draw.choice(NAMES) + self.draw.choice(PARTS[part])

    def value(self, part: str, depth: int = 0) -> str:
        kind = self.draw.random()
        if depth > 2 or kind < 0.25:
            return self.leaf(part)
        one, other = self.value(part, depth + 1), self.leaf(part)
        if kind < 0.75:
            return f"({one} {self.draw.choice('+-*')} {self.value(part, depth + 1)})"
        if kind < 0.83:
            function = self.draw.choice(("abs", "sqrt", "exp", "square", "negative"))
            return f"np.{function}(np.minimum(np.abs({one}), 9.0))"
        if kind < 0.9:
            return f"np.where(np.greater({self.value(part, depth + 1)}, 1.0), {one}, {other})"
        return f"np.maximum({one}, {other})"

    def statement(self) -> str:
        kind, name, other = self.draw.random(), *self.draw.sample(NAMES, 2)
        if kind < 0.35:
            return f"{name} = {self.value('whole')} * 1.0 + u * 0.25"
        if kind < 0.45:
            return f"{name} {self.draw.choice('+-*')}= {self.value('whole')}"
        if kind < 0.6:
            return f"{name}[1:-1] {self.draw.choice(('=', '+='))} {self.value('inner')}"
        if kind < 0.68:
            return f"{name}[:] = {self.value('all')}"
        if kind < 0.74:
            return f"{name}[::2] = {self.value('half')}"
        if kind < 0.77:
            return f"m = np.max(np.abs({self.value('whole')}))\n    a = m * 0.1"
        if kind < 0.8:
            return self.fold(name)
        if kind < 0.86:
            return f"{name} = {other}"
        if kind < 0.93:
            return f"{name}[{other} > 1.0] {self.draw.choice(('=', '*='))} 0.5"
        return f"{name}[{self.draw.choice(('0', '-1', '2'))}] = {name}[1] * 2.0"

    def fold(self, name: str) -> str:
        """What only NumPy reduces: floats, in an order of its own."""
        function = self.draw.choice(("sum", "mean", "std", "var", "max"))
        operand = self.value("whole")
        kept = "axis=-1, keepdims=True"
        return self.draw.choice(
            (
                f"m = np.{function}({operand})\n    a = m * 0.01",
                f"{name} = {operand} - np.{function}({operand} * 0.5, {kept})",
                f"{name} = helped({name}, {operand}.{function}({kept}))",
                f"part = {name}[1:-1]\n    part *= 0.5\n    m = part.{function}()",
            )
        )

    def program(self) -> str:
        lines = [self.statement() for _ in range(self.draw.randint(2, 8))]
        body = "\n    ".join(("t = u * 2.0", "x = v + 1.0", "m = 0.0", *lines))
        head = f"import numpy as np\n{HELPER}def program(u, v, w, a):\n"
        last = self.draw.choice(("", "\n    m = m + 1.0")) + "\n    return u, v, w, t, "
        return f"{head}    {body}{last}{self.draw.choice(('x', 'x * 2.0 - t'))}, a, m\n"


def compiled(source: str, name: str) -> Callable[..., Any]:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names: dict[str, Any] = {}
    exec(compile(source, name, "exec"), names)
    made: Callable[..., Any] = names["program"]
    return made


@pytest.mark.parametrize("seed", some(range(24)))
def test_a_random_program_is_what_numpy_makes_of_it(seed: int) -> None:
    function = compiled(Writer(seed).program(), f"<array program {seed}>")
    shape = ((9,), (8,), (4, 6))[seed % 3]
    dtype = "float32" if seed % 4 == 3 else "float64"

    def arguments() -> tuple[Any, ...]:
        numbers = np.random.default_rng(seed)
        count = int(np.prod(shape))
        base = (3 * numbers.random(count + shape[-1]) - 0.5).astype(dtype)
        others = [(3 * numbers.random(shape) - 0.5).astype(dtype) for _ in range(3)]
        if seed % 5 == 0:  # the first two share memory
            return base[:count].reshape(shape), base[-count:].reshape(shape), others[0], 1.5
        return (*others, 1.5)

    decorated = same(function, arguments, cache=False)
    assert any(isinstance(each, ArrayEntry) for each in decorated._prepare().regions)
