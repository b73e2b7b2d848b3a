"""Loops that fold comprehensions, and calls in the spellings that people use: choices -> `Program`.

`sum(... for ...)`, `max([...])`, `any(...)` where a statement evaluates them in any case, where it does so only at
times, within each other, in helpers, with names that hide others, of nothing, and of what fails half-way.
"""

from __future__ import annotations

from tests.draft import Body, indented
from tests.program import ArraySpec, Choices, Program

MODULE = """\
import math
import numpy as np


def apart(x, y, n):
    return math.sqrt(sum((x[k] - y[k]) ** 2 for k in range(n)))


def best(x, t):
    return max(v * t for v in x)


def twice(x):
    return x + x

"""
# What is taken together, over which loop: its names are those of the elements.
FOLDED = (
    (
        "j in range(n)",
        ("a[j]", "a[i] * b[j]", "j * c[i]", "a[j] - j", "a[j] / b[i]", "a[j] > c[i]"),
    ),
    ("j in range(i)", ("a[j]", "b[i - j]", "a[j] * a[i]")),
    ("j in range(1, m)", ("b[j]", "u[i, j]", "u[j, i] * b[j]", "j % 3", "twice(b[j])")),
    ("v in a", ("v", "v * b[i]", "(v - c[i]) ** 2", "v < b[i]", "abs(v)", "twice(v)")),
    ("v, w in zip(a, b)", ("v * w", "v - w", "v > w", "max(v, w)")),
    ("j, v in enumerate(b)", ("v * j", "a[j] == v", "min(v, j)")),
    ("i in range(m)", ("a[i]", "i * i")),
    ("k in range(len(u[i]))", ("u[i, k]", "u[i][k] * a[i]")),
    ("x in range(n) for v in b", ("v * x", "v - a[x]")),
)
CHOSEN = ("", "", "", " if a[i] > 3", " if b[i] != 0", " if m > 2")
FOLDS = (
    "sum({e} for {l}{c})",
    "sum({e} for {l}{c})",
    "sum([{e} for {l}{c}], 0.5)",
    "max({e} for {l})",
    "min([{e} for {l}])",
    "any({e} for {l}{c})",
    "all({e} for {l}{c})",
    "all([{e} for {l}])",
    "len([{e} for {l}{c}])",
    "math.prod({e} for {l})",
    "max({e} for {l}{c})",
)
OTHERS = (
    "np.linalg.norm(u[i] - u[0])",
    "np.linalg.norm(u[:, 1])",
    "round(a[i] / 3, 1)",
    "divmod(i, 3)[1] * a[i]",
    "divmod(a[i], 2)[0]",
    "max([a[i], b[i], 1])",
    "sum((a[i], b[i]))",
    "len(u[i])",
    "np.sum(u[i], axis=0)",
    "apart(u[i], u[0], 3)",
    "best(a, b[i])",
    "np.argmin([a[j] * b[i] for j in range(m)])",
    "np.sum([v - c[i] for v in b])",
    "np.max([v * 2 for j, v in enumerate(b)])",
    "np.mean([j * a[i] for j in range(1, n)])",
    "np.std([i for j in range(m)])",
)


def draw_folded_nest(choices: Choices) -> Program:
    """Return a program of one such loop, at times inside another."""
    lines = _loop(choices)
    if choices.integer(1, 5) == 5:
        lines = ["for t in range(2):", *indented(lines)]
    if choices.integer(1, 6) == 6:
        lines = [f"out = [{_value(choices)} for i in range(1, n)]", *lines]
    dtype = choices.one_of(("float64", "float64", "float32", "int64", "int32", "bool"))
    body = ["out, s, p, k, v = [], 0, 0.0, 3, -1", *lines, "return out, s, p, k, v"]
    kernel = ["def kernel(a, b, c, u, n, m):", *indented(body), ""]
    return Program(
        source=MODULE + "\n" + "\n".join(kernel),
        family="folded",
        arrays=tuple(
            ArraySpec(name=name, rank=2 if name == "u" else 1, dtype=dtype) for name in "abcu"
        ),
        numbers=("n", "m"),
        is_roomy=choices.integer(1, 12) < 12,
    )


def _loop(choices: Choices) -> Body:
    lines: Body = []
    for _ in range(choices.integer(1, 2)):
        value, other = _value(choices), _value(choices)
        lines += choices.one_of(
            (
                [f"c[i] = {value}"],
                [f"a[i] = {value}"],
                [f"c[i] += {value} * 2"],
                [f"s = {value}"],
                [f"s += {value}"],
                [f"out.append({value})"],
                [f"if {value} > 1:", f"    c[i] = {other}"],
                [f"if a[i] > 2 and {value}:", "    c[i] = 1"],
                [f"c[i] = {value} if b[i] > 2 else {other}"],
                [f"p = {value} - {other}", "c[i] = p"],
                [f"if a[i] < 2 or {value}:", "    c[i] = 2"],
                [f"u[i, 0] = {value}"],
                [f"if {value}:", "    continue", f"c[i] = {other}"],
                [f"if {value} > 30:", "    break", "c[i] = i"],
                ["q = [a[j] * b[i] for j in range(m)]", "c[i] = max(q) + q[0] - len(q)"],
                ["q = [v - b[i] for v in a]", "c[i] = q[np.argmax(q)] * sum(q)"],
                ["q = [j * 2 for j in range(n)]", "c[i] = q[i]"],
                ["q = [v for v in a]", "q[0] = 5", "c[i] = q[0] + q[-1]"],
                ["q = np.array([a[j] / 2 for j in range(m)])", "q *= 2", "c[i] = q.sum()"],
                ["q = [a[i] * v for v in b]", "r = q * 2", "c[i] = r[len(q)]"],
                [f"c[i] = {value}", "q = [a[i] for v in b]", "s = q[1]"],
            )
        )
    header = choices.one_of(("i in range(1, n)", "i in range(n)", "i, x in enumerate(a)"))
    return [f"for {header}:", *indented(lines)]


def _value(choices: Choices) -> str:
    if choices.integer(1, 4) == 4:
        return choices.one_of(OTHERS)
    loop, elements = choices.one_of(FOLDED)
    element = choices.one_of(elements)
    if choices.integer(1, 8) == 8:
        element = f"{element} + max(w for w in b)"
    fold = choices.one_of(FOLDS)
    return fold.format(e=element, l=loop, c=choices.one_of(CHOSEN))
