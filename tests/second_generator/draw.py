"""(`VERSION`, seed) -> `Program`."""

from __future__ import annotations

import ast
import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import replace

from tests.second_generator.free import Sketch
from tests.second_generator.names import renamed
from tests.second_generator.program import Program, free_names
from tests.second_generator.text import expand, habits

VERSION = 7

# One row is drawn, then a template of it. Inner loops of all rows are mostly parallel, so the
# rows of loops that are conditional and sequential stand more often.
ROWS = {"parallel": 12, "conditional": 54, "sequential": 21, "reductions": 6, "free": 7}
AFFINE_ROWS = {"parallel": 8, "conditional": 66, "sequential": 13, "reductions": 6, "free": 7}
WRAPPING = ("wrapped", "ring", "wrapping", "last", "column from the end")
AFFINE_SHARE = 0.6
DTYPES = ("float64", "float64", "float64", "int64", "float32", "int32")


def draw_program(seed: int, *, is_affine: bool = False) -> Program:
    """Return the program of a seed; with `is_affine` only of affine bounds, subscripts and tests."""
    generator = random.Random(f"{VERSION}:{seed}:{is_affine}")
    for attempt in itertools.count():
        program = _drawn(seed, generator, is_affine=is_affine)
        if attempt > 50:
            raise AssertionError(f"seed {seed} gives no program that runs")
        if program.is_usable:
            return program
    raise AssertionError


def _drawn(seed: int, generator: random.Random, *, is_affine: bool) -> Program:
    dtype = generator.choice(DTYPES)
    count = 2 if generator.random() < 0.12 else 1
    parts = [part(generator, dtype, is_affine=is_affine) for _ in range(count)]
    program = wrapped_up(parts, generator)
    wraps = program.may_wrap or generator.random() < 0.06
    return replace(program, seed=seed, dtype=dtype, may_wrap=wraps)


def wrapped_up(parts: Sequence[tuple[str, str]], generator: random.Random) -> Program:
    """Return the function that has these titles and texts, one after the other, in its body."""
    lines = [line for _, text in parts for line in text.splitlines()]
    returned = [line.removeprefix("#return ") for line in lines if line.startswith("#return")]
    lines = [line for line in lines if not line.startswith("#return")]
    if generator.random() < 0.06 and not re.search(r"\bt\b", "\n".join(lines)):
        lines = ["for t in range(3):", *(f"    {line}" for line in lines)]
    if returned and generator.random() < 0.75:
        lines.append(f"return {', '.join(returned)}")
    source, roles = renamed("\n".join(lines), generator)
    titles = tuple(title for title, _ in parts)
    return Program(
        seed=0,
        source=_function(source),
        titles=titles,
        dtype="float64",
        roles=roles,
        may_wrap=any(title.startswith(WRAPPING) for title in titles),
    )


def part(generator: random.Random, dtype: str, *, is_affine: bool) -> tuple[str, str]:
    """Return the title and the text of one nest."""
    rows = AFFINE_ROWS if is_affine else ROWS
    row = generator.choices([*rows], [*rows.values()])[0]
    is_floating = dtype.startswith("float")
    if row == "free":
        sketch = Sketch(generator, is_affine=is_affine, is_floating=is_floating)
        return "free", sketch.draw()
    table = habits(row if is_affine or generator.random() < AFFINE_SHARE else f"{row}_data")
    title, template = generator.choice(table)
    return title, expand(template, generator, is_floating=is_floating)


def _function(body: str) -> str:
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    draft = ast.parse(f"def kernel():\n{indented}\n").body[0]
    assert isinstance(draft, ast.FunctionDef)
    head = f"def kernel({', '.join(free_names(draft))}):\n{indented}\n"
    imports = [
        f"import {text}"
        for text, name in (("math", "math."), ("numpy as np", "np."))
        if name in body
    ]
    return "\n".join([*imports, "", "", head]) if imports else head
