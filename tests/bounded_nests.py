"""Drawn loops over ranges whose bounds are computed, over tuples of subscripts, and of choices.

Before:  random.Random        After:  for i in range(int(n * x)): a[i] = np.where(b[i] > x, a[i], 1)
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

_BOUNDS = (
    "int(n / 2)", "int(x)", "int(n * x)", "math.ceil(n / 3)", "math.floor(x * 7)", "int(y)",
    "round(n * 0.5)", "n ** 2 - n", "int(math.sqrt(n))", "int(np.sqrt(n))", "int(1e2)", "n / 2",
    "int(-3.5)", "2, int(n / 2)", "int(n / 2), n", "0, int(n * x), 2", "int(n / 2), 0, -1",
    "abs(n) // 2", "int(n) + int(x)", "int(k ** 0.5) + 1",
)  # fmt: skip
_PLAIN = (
    "a[i] = 2 * a[i] + b[i]",
    "s += a[i] * b[i]",
    "a[i] = a[i - 1] + 1",
    "a[i] += i\n        last = a[i]",
    "if b[i] > 0.5: continue\n        a[i] -= 1",
    "a[i] = 0 if b[i] > x else int(n / 2)",
)
_LEAVING = (
    "if b[i] > 0.97: break\n        a[i] = b[i]",
    "if b[i] > 0.9: return i\n        s += b[i]",
    "out.append(a[i] * 2)",
)
_SEARCHED = (
    "int(k ** 0.5) + 1", "int(math.sqrt(k)) + 1", "k // 2 + 1", "int(k / 2) + 1",
    "math.floor(k ** 0.5) + 1", "int(b[k] * 9) + 1", "int(y * k)", "math.ceil(k / 3)", "int(x) + k",
)  # fmt: skip
_SPACES = ("c.shape", "*c.shape", "n, k", "(n, k)", "c.shape[0], c.shape[1]", "n", "2, n, 2")
_AT_TUPLES = (
    "d[at] = 2 * c[at]",
    "s += c[at] * at[0]",
    "i, j = at\n        d[j, i] = c[at]",
    "if c[at] > 0.5:\n            d[at] += at[-1 + 1] * c[at]",
    "d[at] = c[at][0]",
    "last = at",
    "d[at] = c[at[0], 0]",
    "d[at][0] = 1",
)
_TESTS = ("a[i] > 0.5", "b[i]", "a[i] < b[i]", "i % 2", "n", "a[i] != a[i]", "x")
_VALUES = ("a[i]", "0.0", "1", "b[i] * 2", "1 / (i - 3)", "i", "np.sqrt(b[i])", "x", "a[i + 1]")
_USES = (
    "a[i] = {w}",
    "a[i] = 2 * {w} - b[i]",
    "s += {w} * a[i]",
    "last = {w} + 0",
    "last = {w}",
    "a[i] = -{w}",
    "a[i] = {w} ** 2",
    "a[i] = {w} / (b[i] - b[0])",
    "s += {w}",
    "out.append({w})",
    "a[i] = {w} > 0",
)


def draw_bounded(chosen: random.Random) -> str:
    """Return the source of `kernel(a, b, c, d, n, x, y, k)`."""
    draw = chosen.choice(
        (_over_bound, _over_bound, _inside, _searching, _testing, _tuples, _choosing)
    )
    return draw(chosen)


_HEAD = "def kernel(a, b, c, d, n, x, y, k):\n    s, last, out, i = 0.0, None, [], -7\n"
_TAIL = "    return s, last, out, i\n"


def _over_bound(chosen: random.Random) -> str:
    body = chosen.choice((*_PLAIN, *_LEAVING))
    return f"{_HEAD}    for i in range({chosen.choice(_BOUNDS)}):\n        {body}\n{_TAIL}"


def _inside(chosen: random.Random) -> str:
    around = chosen.choice(("3", "n", "int(n / 4)", "k"))
    body = chosen.choice(_PLAIN)
    inner = f"      for i in range({chosen.choice(_BOUNDS)}):\n        {body}\n"
    return f"{_HEAD}    for t in range({around}):\n{inner}{_TAIL}"


def _searching(chosen: random.Random) -> str:
    start, end = chosen.choice("2103k"), chosen.choice(_SEARCHED)
    step = chosen.choice(("", "", ", 2", ", 3"))
    test = chosen.choice(("k % e == 0", "b[e] > 0.8", "e * e > k", "e > 3 and b[k] > 0.5"))
    use = chosen.choice(("p = False", "p = e", "a[k] = e", "s += e"))
    after = chosen.choice(("", "", "            s += e\n"))
    return (
        f"{_HEAD}    e = 5\n    for k in range({chosen.choice(('1', '2', 'n - 3'))}, n):\n"
        f"        p = True\n        for e in range({start}, {end}{step}):\n"
        f"            if {test}:\n                {use}\n                break\n"
        f"{after}        a[k] = a[k] + p\n{_TAIL}"
    )


def _testing(chosen: random.Random) -> str:
    end = chosen.choice(_SEARCHED[:4])
    return (
        "def prime(k):\n    if k < 2:\n        return False\n"
        f"    for e in range(2, {end}):\n        if k % e == 0:\n            return False\n"
        f"    return True\n{_HEAD}    for k in range(n):\n        if prime(k):\n"
        f"            s += 1\n            a[k] = 1\n    last = prime(k)\n{_TAIL}"
    )


def _tuples(chosen: random.Random) -> str:
    body = chosen.choice(_AT_TUPLES)
    space = chosen.choice(_SPACES)
    loop = f"    for at in np.ndindex({space}):\n        {body}\n"
    if chosen.random() < 0.2:
        loop = "    for t in range(2):\n" + "".join(
            f"  {line}\n" for line in loop.rstrip().split("\n")
        )
    return f"{_HEAD}{loop}{_TAIL}"


def _choosing(chosen: random.Random) -> str:
    def choice(depth: int) -> str:
        values = [chosen.choice(_VALUES) for _ in range(2)]
        if not depth and chosen.random() < 0.3:
            values[1] = choice(1)
        return f"np.where({chosen.choice(_TESTS)}, {values[0]}, {values[1]})"

    use = chosen.choice(_USES).format(w=choice(0))
    return (
        f"{_HEAD}    for i in range({chosen.choice(('n', 'n', '3, n'))}):\n        {use}\n{_TAIL}"
    )


def arguments(chosen: random.Random) -> Callable[[], tuple[Any, ...]]:
    """Return what makes the arguments of a kernel, the same each time."""
    seed = chosen.randrange(1 << 30)
    n, k = chosen.choice((0, 1, 2, 7, 12, 41)), chosen.choice((3, 4, 12, 49, 0, -1))
    x = chosen.choice((0.0, 0.5, 1.5, 3.0, -2.5, 2.0))
    y = chosen.choice((1.0, 2, float("nan"), float("inf"), np.float64(4.5), 3))
    dtype = chosen.choice((np.float64, np.float64, np.float32, np.int64))
    shape = chosen.choice(((7, 4), (12, 12), (3,), (2, 7, 2), (0, 3), (1, 1)))
    is_list = chosen.random() < 0.2

    def make() -> tuple[Any, ...]:
        values = np.random.default_rng(seed)
        a, b = values.random(2000) * 2, values.random(2000)
        a = a.astype(dtype)
        c, d = values.random(shape), values.random(shape)
        return (*((a.tolist(), b.tolist()) if is_list else (a, b)), c, d, n, x, y, k)

    return make
