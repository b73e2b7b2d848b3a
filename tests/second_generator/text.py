"""Templates -> source text: alternatives in braces, expressions by macros.

Before:  a[i] = {b[i]|E:b[i];c[{i|0}]}
After:   a[i] = 0.5 * b[i] - c[0]

The templates stand in `habits`, each after its title; lines of the form `#return s` say what may live on.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

HABITS = Path(__file__).parent / "habits"
INNERMOST = re.compile(r"\{([^{}]*)\}")

# How parts are combined; {0} is the first, {1} another one, {c} a constant.
COMBINATIONS = (
    "{0} + {1}",
    "{0} - {1}",
    "{0} * {c} + {1}",
    "{c} * ({0} + {1})",
    "({0} - {1}) * {c} + {0}",
    "{0} + {1} * {1}",
    "max({0}, {1})",
    "abs({0}) - {1}",
    "-{0} + {1} * {c}",
)
FLOATING = ("{0} / (abs({1}) + 1.0)", "math.sin({0}) + {1}", "np.sqrt(abs({0})) * {1}")


@cache
def habits(name: str) -> tuple[tuple[str, str], ...]:
    """Return titles and templates of one file."""
    text = (HABITS / f"{name}.txt").read_text(encoding="utf-8")
    blocks = (each.strip().partition("\n") for each in text.split("\n\n"))
    return tuple((title.removeprefix("# "), template) for title, _, template in blocks)


def expand(template: str, generator: random.Random, *, is_floating: bool) -> str:
    """Return `template` with one alternative taken in each pair of braces, innermost first."""

    def choose(match: re.Match[str]) -> str:
        chosen = generator.choice(_alternatives(match[1]))
        if chosen.startswith("E:"):
            return expression(chosen[2:].split(";"), generator, is_floating=is_floating)
        return chosen

    while INNERMOST.search(template):
        template = INNERMOST.sub(choose, template, count=1)
    return template


def _alternatives(text: str) -> list[str]:
    return text.split("|")


def expression(parts: Sequence[str], generator: random.Random, *, is_floating: bool) -> str:
    """Return an expression that reads every part at least once."""
    forms = COMBINATIONS + (FLOATING if is_floating else ())
    constant = generator.choice(("0.5", "2.0", "1.5") if is_floating else ("2", "3"))
    result = parts[0]
    if len(parts) == 1:
        return generator.choice(("{0}", "{0} + {c}", "{0} * {c}")).format(result, c=constant)
    for part in parts[1:]:
        if re.search(r"[+\- ]", re.sub(r"\[[^\]]*\]", "", result)):
            result = f"({result})"
        result = generator.choice(forms).format(result, part, c=constant)
    return result
