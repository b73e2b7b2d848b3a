"""The memory-bound kernels in C, written by hand for the machine: what of its bandwidth is had.

Before:  "jacobi"      After:  {"plain": ..., "stream": ..., "ahead": ...}, forms of it in C

`best_c.c` holds them; the C compiler of the machine makes a library of it with OpenMP and all
instructions of the processor. Where there is none, there are no forms.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .loops import Form
from .overheads import threads

SOURCE = Path(__file__).with_name("best_c.c")
FLAGS = (
    "-O3", "-march=native", "-ffp-contract=off", "-fopenmp", "-shared", "-fPIC",
)  # fmt: skip
# The fastest of these counts; a processor without the instructions of one lacks it.
WAYS = (
    "plain", "stream", "ahead", "asked", "masked", "halves", "wide", "wide_kept", "narrow",
    "square", "long_rows",
)  # fmt: skip


def forms(kernel: str) -> Mapping[str, Form]:
    """The forms of one kernel, or of `copy`, each called as its loops are; empty without C."""
    found_library = library()
    found = {} if found_library is None else {way: f"{kernel}_{way}" for way in WAYS}
    return {
        way: _form(getattr(found_library, name))
        for way, name in found.items()
        if hasattr(found_library, name)
    }


@cache
def library() -> ctypes.CDLL | None:
    """All forms, compiled; None where nobody can."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    # OpenMP reads it when the library is loaded: as many threads as the others have.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best_c.so"
        command = [compiler, *FLAGS, "-o", str(path), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, check=False)
        return ctypes.CDLL(str(path)) if done.returncode == 0 else None


def _form(function: Any) -> Form:
    function.restype = None

    def call(*arguments: Any) -> None:
        # All arrays of a kernel have the same extent along all axes.
        extent = next(each.shape[0] for each in arguments if isinstance(each, np.ndarray))
        function(ctypes.c_ssize_t(extent), *map(_passed, arguments))

    return call


def _passed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.c_double(value)
