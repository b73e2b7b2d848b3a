"""DaCe as a contender: what it gets, and what is said of what it leaves; DaCe itself is not needed."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import dace_contender, orders
from benchmarks.polybench import KERNELS
from benchmarks.polybench.tables import lcs

if TYPE_CHECKING:
    from pathlib import Path

GEMM = {kernel.name: kernel for kernel in KERNELS}["gemm"]
# What stands in for DaCe: the function itself, and one that is wrong.
SAME = "def program(auto_optimize):\n    return lambda function: function\n"
WRONG = """\
def program(auto_optimize):
    def of(function):
        def other(*arguments):
            function(*arguments)
            for each in arguments:
                if getattr(each, "ndim", 0):
                    each += FAULT
        return other
    return of
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (folder / "dace.py").write_text("__version__ = 'none'\n" + text)
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (SAME, "same"),
        (WRONG.replace("FAULT", "1e-9"), "close"),
        (WRONG.replace("FAULT", "0.1"), "wrong"),
        ("def program(auto_optimize):\n    raise ValueError('no loops')", "no loops"),
    ],
    ids=["same", "close", "wrong", "error"],
)
def test_what_it_leaves_is_held_against_the_compiled_loop(
    text: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, text)
    found = dace_contender.run(sys.executable, GEMM.function, GEMM.function, GEMM.arguments())
    assert found.word.endswith(word)
    assert (found.seconds is None) == (word == "no loops")


def test_an_interpreter_that_is_not_there_is_a_word() -> None:
    found = dace_contender.run("no-such-python", GEMM.function, GEMM.function, GEMM.arguments())
    assert found == dace_contender.Contender(seconds=None, word="no such interpreter")


def test_its_text_has_no_annotations() -> None:
    text = dace_contender.plain_text(lcs)
    assert text.startswith("def kernel(x, y, table):\n    for i in")
    space: dict[str, object] = {"np": np}
    exec(text, space)
    assert callable(space["kernel"])


def test_a_cell_says_how_fast_it_was_or_why_there_is_nothing() -> None:
    line = orders.Line(
        kernel="gemm", njit_s=2.0, autopar_s=1.0, ratio=2.0, low=2.0, high=2.0, share=1.0,
        verdicts={}, transforms=(), is_suite=True,
    )  # fmt: skip
    assert orders.dace_cell(line) == "-"
    assert orders.dace_cell(replace(line, dace_s=1.0, dace="same")) == "2.00, same"
    assert orders.dace_cell(replace(line, dace="wrong")) == "wrong"
