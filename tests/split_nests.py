"""Loops whose iterations have an order: they print, store into dicts, call what has effects, draw random numbers.

A program is a whole module: helpers with and without effects, generators of all four kinds, and `kernel`, which
returns what its containers hold. What it prints, the generators' states afterwards and `LOG` are compared too
(`tests.fuzz.trial`). Much of it is there to be noticed: arrays that change behind the loop's back, through a view, a
list, a helper, an attribute that is a property; globals bound anew; exceptions, `break` and `continue` half-way.
"""

from __future__ import annotations

from tests.draft import Body, indented
from tests.program import ArraySpec, Choices, Program

MODULE = """\
import random
import numpy as np

LOG = []
FACTOR = 2.0
RNG = np.random.default_rng(3)
LEGACY = np.random.RandomState(4)
PYTHON = random.Random(5)


class Box:
    def __init__(self, a):
        self.a = a
        self.held = 0.0

    @property
    def poked(self):
        self.a[0] = self.a[0] + 1
        return self.a[0]

    def __getattr__(self, name):
        LOG.append(name)
        return 3.0


def scaled(x, j):
    return (x * j + 1) / (j + 2)


def by_factor(x, j):
    return x * FACTOR + j


def summed(a, m):
    s = 0.0
    for j in range(m):
        s += a[j] * j
    return s


def told(x):
    LOG.append(x)
    return x * 2


def changed(a, i):
    a[i] = a[i] + 1
    return i


def bumped():
    global FACTOR
    FACTOR += 1.0


def strict(x):
    if x > 9:
        raise ValueError(f"{x} is too large")
    return x + 1


def noise(x):
    return x + RNG.random()


def several():
    return LEGACY.rand(3)

"""
HEADERS = (
    "for i in range(n):",
    "for i in range(n):",
    "for i, x in enumerate(a):",
    "for i in range(n - 1, -1, -1):",
    "for i in range(1, n, 2):",
    "for x, i in zip(a, range(n)):",
    "for i in range(3, len(a) - 2):",
)
DRAWS = (
    "RNG.random()",
    "RNG.normal(0.5, 2.0)",
    "RNG.normal()",
    "RNG.integers(10)",
    "RNG.uniform(1, m + 2)",
    "LEGACY.rand()",
    "LEGACY.normal(2.0, 0.5)",
    "LEGACY.randint(7)",
    "PYTHON.random()",
    "PYTHON.gauss(0.0, 1.0)",
    "PYTHON.randint(1, 6)",
    "np.random.rand()",
    "np.random.randn()",
    "random.random()",
    "random.uniform(0, 3)",
    "RNG.normal(size=3)[1]",
    "np.random.rand(m + 1).sum()",
    "noise(p)",
    "several()[0]",
    "RNG.normal(p, 1.0)",
    "RNG.standard_normal()",
    "RNG.exponential(2.0)",
    "RNG.choice([1.0, 2.0])",
    "RNG.normal(scale=2.0, loc=1)",
    "random.choice([1, 5])",
    "RNG.choice(c)",
    "LEGACY.choice(b, 4)[i % 4]",
    "np.mean(RNG.normal(0, 1, m))",
    "LEGACY.randint(0, 9, size=n).sum()",
    "sum(RNG.random() < 0.5 for _ in range(m))",
)
# What keeps an order, or disturbs what a kernel would compute from.
ORDERED = (
    'print("at", i, p)',
    'print(f"{p:.3f}", end="|")',
    "print(i, s, sep='-')",
    "table[i] = p",
    'table[i % 3, "s"] = (s, q)',
    "table[p] = scaled(p, 2.0)",
    "out.append(p)",
    "out.append((i, scaled(s, p)))",
    "LOG.append(q)",
    "told(p)",
    "q = told(p)",
    "out.append(told(q))",
    "changed(a, i)",
    "bumped()",
    "view[i] = 4",
    "rows[0][i] = 3",
    "b[i] = p",
    "q = box.poked",
    "box.held = p",
    "q = box.other",
    "p = strict(p)",
    "table.setdefault(i % 2, []).append(i)",
)
UNDER = (
    "if p > 2.5:",
    "if i % 3 == 1:",
    "if s < q:",
    "if told(p) > 3:",
)
LEAVE = (
    ["if p > 6:", "    break"],
    ["if i == 4:", "    continue"],
    ["if len(out) > 5:", "    raise ValueError(str(i))"],
    ["if i == 6:", "    return repr((table, out, p))"],
    ["q = 100 // (i - 5)"],
)


def draw_split_nest(choices: Choices) -> Program:
    """Return a program of one such loop, at times inside another."""
    writer = _Writer(choices)
    is_drawn = choices.integer(1, 3) == 3
    lines = writer.drawn() if is_drawn else writer.split()
    dtype = choices.one_of(("float64", "float64", "float32", "int64"))
    before = [
        "table, out, rows = {'first': 0.0}, [], [a]",
        "view, box = a[::-1], Box(b)",
        "p = q = s = d = 0.0",
    ]
    after = ["return repr((table, out, p, q, s, d, FACTOR))"]
    kernel = ["def kernel(a, b, c, n, m, k):", *indented([*before, *lines, *after]), ""]
    return Program(
        source=MODULE + "\n" + "\n".join(kernel),
        family="drawn" if is_drawn else "split",
        arrays=tuple(ArraySpec(name=name, rank=1, dtype=dtype) for name in "abc"),
        numbers=("n", "m", "k"),
        is_roomy=choices.integer(1, 12) < 12,
    )


class _Writer:
    """Writes the loop of one program."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    def split(self) -> Body:
        """for i: what can be computed ahead; what prints, stores, calls, leaves."""
        lines = self.heavy()
        for _ in range(self.choices.integer(1, 3)):
            lines += self.ordered()
            if self.chance(3):
                lines += self.heavy()
            if self.chance(6):
                lines += self.choices.one_of(LEAVE)
            if self.chance(8):
                lines.append(f"d = {self.choices.one_of(DRAWS)}")
        header = self.choices.one_of(HEADERS)
        lines = [header, *indented(lines)]
        return ["for t in range(2):", *indented(lines)] if self.chance(6) else lines

    def drawn(self) -> Body:
        """for i: draws, and what is computed from them."""
        lines = [f"d = {self.choices.one_of(DRAWS)}"]
        if self.chance(2):
            lines.append(f"p = {self.choices.one_of(DRAWS)} * {self.element()}")
        lines += self.choices.one_of(
            (
                ["b[i] = d * 2 + p"],
                ["c[i] = scaled(d, p)"],
                ["out.append(d * p)"],
                ["s += d", "b[i] = s"],
                ["if d > 0.5:", "    s += 1"],
                ["for j in range(m):", f"    b[i] += {self.choices.one_of(DRAWS)}"],
                ["for j in range(m):", "    s += scaled(d, j)", "out.append(s)"],
                ["q = RNG.normal(size=m)", "b[i] = q[0] * d + q.max()"],
                ["q = LEGACY.choice(a, size=4)", "for v in q:", "    s += v", "b[i] = s"],
                ["q = np.random.rand(n)", "q[1] = p", "out.append(sum(q))"],
            )
        )
        if self.chance(4):
            lines += self.ordered()
        if self.chance(6):
            lines += self.choices.one_of(LEAVE)
        header = self.choices.one_of(HEADERS)
        return [header, *indented(lines)]

    def heavy(self) -> Body:
        """Write what computes scalars from what the loop may or may not change."""
        element, other = self.element(), self.element()
        return self.choices.one_of(
            (
                ["s = 0.0", "for j in range(m):", f"    s += scaled({element}, j)", "p = s + 1"],
                [f"p = scaled({element}, 3.0)"],
                [f"p = by_factor({element}, 2)", "q = p * 2"],
                ["q = summed(c, m)"],
                [f"p = scaled(scaled({element}, 2.0), 1.5)", "q = scaled(p, 4)"],
                ["s = 1.0", f"while s < {element}:", "    s = s * 2", "p = s"],
                [f"q = abs({element} - {other}) + scaled(i, 2)"],
            )
        )

    def element(self) -> str:
        return self.choices.one_of(("a[i]", "b[i]", "c[i]", "c[i + 1]", "a[-i - 1]", "a[i] * b[0]"))

    def ordered(self) -> Body:
        lines = [self.choices.one_of(ORDERED)]
        if self.chance(4):
            lines.append(self.choices.one_of(ORDERED))
        return [self.choices.one_of(UNDER), *indented(lines)] if self.chance(4) else lines

    def chance(self, per: int) -> bool:
        return self.choices.integer(1, per) == per
