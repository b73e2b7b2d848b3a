"""A text with many loops: what each costs does not grow with their number."""

from __future__ import annotations

import sys
from collections.abc import Callable
from textwrap import indent

import pytest

from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import explain_text

_LOOP = """\
for i in range(1, 9):
    a[i] = b[i] * {k}
    c[i] = a[i] + 1
"""
_RUN = """\
a{k} = b * {k}
c{k} = a{k} + b
print(c{k})
"""


def _module(count: int) -> str:
    return "".join(_LOOP.format(k=k) for k in range(count))


def _functions(count: int) -> str:
    return "".join(
        f"def f{k}(a, b, c):\n" + indent(_LOOP.format(k=k), "    ") for k in range(count)
    )


def _runs(count: int) -> str:
    numbered = "".join(_RUN.format(k=k) for k in range(count))
    return f"import numpy as np\nb = np.ones(5)\n{numbered}"


def _events(text: str) -> int:
    """Return how many calls and returns the analysis of a text takes: no clock, always the same."""
    found = 0

    def see(*_: object) -> None:
        nonlocal found
        found += 1

    source = SourceText(path="many.py", text=text, cell=None)
    before = sys.getprofile()
    sys.setprofile(see)
    try:
        explain_text(source)
    finally:
        sys.setprofile(before)
    return found


@pytest.mark.parametrize("text", [_module, _functions, _runs])
def test_three_times_the_loops_cost_three_times_as_much(text: Callable[[int], str]) -> None:
    _events(text(2))  # what is loaded once
    assert _events(text(90)) < 3.1 * _events(text(30))
