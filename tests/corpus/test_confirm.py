"""The confirmation of real loops: it tells true claims from false ones, with found and with drawn values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adversary import ORDERS, Claim, Outcome
from tests.corpus import confirm
from tests.corpus.confirm import judged, run_job
from tests.corpus.regions import Region, region_at


def region(text: str, header: str) -> Region:
    """Return the loop whose line begins with `header`."""
    number, line = next(
        (number, line)
        for number, line in enumerate(text.split("\n"), 1)
        if line.lstrip().startswith(header)
    )
    found = region_at(text, number, len(line) - len(line.lstrip()))
    assert found is not None
    return found


def answer(text: str, header: str, *private: str, is_reduction: bool = False) -> tuple[str, str]:
    """Return what is said of the claim that this loop is parallel."""
    loop = region(text, header)
    claim = Claim(line=loop.line, column=loop.column, private=private)
    return judged(loop, claim, is_reduction=is_reduction)


SHIFTED = """
import numpy as np
a = np.arange(9.0)
for i in range(1, len(a)):
    a[i] = a[i{shift}] * 2 + 1
"""
NESTED = """
def smooth(u, v, n):
    for t in range(3):
        for i in range(1, n - 1):
            half = u[i] / 2
            v[i] = half + u[i + 1]
        u[:] = v
"""
SUMMED = """
total = 0.1
for x in [0.1 * k for k in range(50)]:
    total += x
"""


def test_true_claim_is_confirmed_with_the_values_of_the_notebook():
    assert answer(SHIFTED.format(shift=""), "for") == ("confirmed", "the notebook's values")


def test_false_claim_is_refuted():
    status, detail = answer(SHIFTED.format(shift=" - 1"), "for")
    assert (status, detail.partition(":")[0]) == ("refuted", "the notebook's values")


def test_function_that_nobody_calls_gets_drawn_values():
    assert answer(NESTED, "for i", "half") == ("confirmed", "drawn values")
    assert answer(NESTED, "for t", "half", "i")[0] == "refuted"


def test_name_that_is_carried_and_said_to_be_private_refutes_the_claim():
    carried = "s = 0\nout = [0] * 9\nfor i in range(9):\n    s = s + i\n    out[i] = s\n"
    assert answer(carried, "for", "s")[0] == "refuted"


def test_sum_in_another_order_is_a_reduction_and_not_the_same_bits():
    assert answer(SUMMED, "for", is_reduction=True)[0] == "confirmed"
    assert answer(SUMMED, "for")[0] == "refuted"


@pytest.mark.parametrize(
    ("line", "why"),
    [("for i in range(missing()):\n    a[i] = 1\n", "NameError"),
     ("for i in range(1):\n    a[i] = 1\n", "no two iterations")],
)  # fmt: skip
def test_what_cannot_be_run_is_said(line: str, why: str):
    status, detail = answer(line, "for")
    assert status == "not run"
    assert why in detail


def test_attributes_are_drawn():
    text = "for j in range(self.n):\n    self.w[j][0] = hidden[j] * self.scale\n"
    assert answer(text, "for") == ("confirmed", "drawn values")


def test_loop_of_a_cell_is_found(tmp_path: Path):
    cells = [
        "import numpy\n1 / 0\na = numpy.zeros(5)",
        "# a comment\nfor i in range(5):\n    a[i] = i",
    ]
    sources = [{"cell_type": "code", "source": text} for text in cells]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": sources, "nbformat": 4}))
    job = {
        "notebook": str(path),
        "cell": 2,
        "line": 2,
        "column": 0,
        "private": [],
        "reduction": False,
    }
    assert run_job(job) == ("confirmed", "the notebook's values")
    assert run_job({**job, "line": 1})[0] == "not run"


BOUND_ANEW = """
import numpy as np
data, x = np.zeros((1, 40, 2)), np.arange(3.0)
for i in range(2):
    for k in range(2):
        x = 5 * i + 3 + 6 * k
        data[0, x:x + 3, k] = 1.0
"""


@pytest.mark.parametrize("header", ["for i", "for k"])
def test_a_private_number_may_have_been_an_array_before(header: str):
    assert answer(BOUND_ANEW, header, "x", "k") == ("confirmed", "the notebook's values")


def test_an_order_that_takes_too_long_refutes_nothing(monkeypatch: pytest.MonkeyPatch):
    def slow_in_another_order(*arguments: object) -> Outcome:
        error = TimeoutError if arguments[3] is ORDERS["shuffled 1"] else None
        return Outcome(arguments=[], memory=[], returned=None, error=error)

    monkeypatch.setattr(confirm, "run_in_order", slow_in_another_order)
    monkeypatch.setattr(confirm, "max", lambda *_, **__: 2, raising=False)
    status, detail = answer(SHIFTED.format(shift=""), "for")
    assert status == "not run"
    assert "TimeoutError" in detail
