"""The answers of the public interface on fixed draws of the second generator; thousands: `make exactness`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("options", "bars"),
    [(["--draws", "45"], ["0.90", "0.50"]), (["--draws", "30", "--affine"], ["0.90", "0.90"])],
)
def test_no_answer_is_unsound_and_most_are_exact(options: list[str], bars: list[str]) -> None:
    # In a process of its own: Numba reads there that nothing is to be compiled.
    command = [sys.executable, "-m", "tests.exactness", "--seed", "5000", "--shrink", "0"]
    found = subprocess.run(
        [*command, *options, "--bars", *bars, "--one-sided"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
