"""Cells of notebooks in a second process: the same text finds its machine code, another does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from autopar.codegen import kept_kernels

pytestmark = pytest.mark.skipif(
    not kept_kernels.is_possible(), reason="objects of this system are not read"
)

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for text in ["%load_ext autopar", *json.loads(sys.argv[1])]:
    shell.run_cell(text).raise_error()
loaded = sorted({"gast", "islpy", "numba"} & sys.modules.keys())
print(json.dumps([float(shell.user_ns["v"].sum()), loaded]))
"""
ARRAYS = "import numpy as np\nu, v = np.ones(200_002), np.zeros(200_002)"
CELL = """%%parallel --backend cpu
def weigh(u, v):
    for i in range(1, u.shape[0] - 1):
        v[i] = 0.25 * u[i - 1] + 0.75 * u[i]

weigh(u, v)
for i in range(1, u.shape[0] - 1):
    v[i] = v[i] + 0.5
"""


ALL = ["gast", "islpy", "numba"]


def ran(folder, *cells: str) -> list[object]:
    """What a process of its own ends with: the sum of `v`, and what it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", SHELL, json.dumps(cells)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "AUTOPAR_CACHE_DIR": str(folder), "HOME": str(folder)},
    )  # fmt: skip
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_cells_find_what_was_compiled_by_their_text_and_not_by_their_number(tmp_path):
    assert [300_000.0, ALL] == ran(tmp_path, ARRAYS, CELL)
    assert [300_000.0, []] == ran(tmp_path, "first = 1", "second = 2", ARRAYS, CELL)
    edited = CELL.replace("0.75", "1.75")
    assert [500_000.0, ALL] == ran(tmp_path, ARRAYS, edited)
