"""What Numba loads for kernels: a part of it; and all of it for whoever needs more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autopar.codegen import kept_kernels

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
import sys
import numpy as np
import autopar
from numba import njit
from numba.core.runtime import rtsys

N = 200_000

@autopar.parallel(backend="cpu", cache=False)
def tiles(a, b):
    for i in range(1, a.shape[0] - 1):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = a[i - 1, j] + a[i, j - 1] * a[i, j + 1]

@autopar.parallel(backend="cpu", cache=False)
def total(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
    return s

@njit
def theirs(n):
    kept = [np.empty(k + 1) for k in range(n)]
    found = {k: str(k) for k in range(n)}
    return len(kept), found[2], min(3, n, 7), max(0.5, 2)

a = np.arange(4_000_000.0).reshape(2000, 2000)
b = np.zeros_like(a)
tiles(a, b)
print(b[7, 8] == a[6, 8] + a[7, 7] * a[7, 9], ran(tiles))
print("numba.np.linalg" in sys.modules, rtsys._init)
print(total(np.ones(N)), ran(total), rtsys._init)
print(theirs(4))
print("numba.np.linalg" in sys.modules)
"""
RAN = """\
def ran(function):
    return function.last_run.to_dict()["functions"][0]["loops"][0]["ran"]["backend"]
"""


def printed(program: str, folder: Path) -> list[str]:
    path = folder / "program.py"
    path.write_text(RAN + program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(not kept_kernels.is_possible(), reason="Numba itself compiles kernels here")
def test_a_kernel_of_numbers_loads_a_part_and_what_comes_later_all(tmp_path):
    assert printed(PROGRAM, tmp_path) == [
        "True cpu",
        "False False",  # neither linear algebra nor the run-time library
        "200000.0 cpu True",  # it has arrays of its own
        "(4, '2', 3, 2.0)",
        "True",
    ]
