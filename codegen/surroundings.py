"""What makes the same text another outcome: versions, autopar's own code, the processor.

Maps packages and folders to texts that go into the names of files in the cache, so that what
another version left there is never taken for one's own. Nothing is loaded to be asked.
"""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from autopar.analysis.model.later import Later

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")


@cache
def interpreter() -> tuple[str, ...]:
    """Return which Python runs, and on what kind of machine."""
    return (
        platform.python_implementation(),
        sys.version,
        platform.machine(),
        sys.platform,
        str(sys.flags.optimize),
    )


@cache
def package(name: str) -> tuple[str, ...]:
    """Return which version of a package is installed, by the folders that its installer left."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return (name,)
    folder = Path(spec.origin).parent
    state = Path(spec.origin).stat()
    with os.scandir(folder.parent) as entries:
        marks = sorted(
            each.name
            for each in entries
            if each.name.startswith(f"{name}-") and each.name.endswith("-info")
        )
    return (name, str(folder), f"{state.st_size} {state.st_mtime_ns}", *marks)


@cache
def code_in(*folders: str) -> tuple[str, ...]:
    """Return the state of all Python files that lie directly in folders."""
    found = []
    for folder in folders:
        with os.scandir(folder) as entries:
            files = sorted((each.name, each.stat()) for each in entries if each.name[-3:] == ".py")
        found += [f"{name} {state.st_size} {state.st_mtime_ns}" for name, state in files]
    return tuple(found)


@cache
def processor() -> tuple[str, ...]:
    """Return what LLVM takes the processor for, and what Numba was told to do with it."""
    told = sorted(f"{name}={value}" for name, value in os.environ.items() if name[:6] == "NUMBA_")
    return (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), *told)


@cache
def lanes_at_once() -> int:
    """Return how many rows of integers may run in the lanes of vectors.

    As many int64 as two registers hold: of 32 where they are of 512 bits, else of 16. With more,
    what rows keep from one time to the next would not stay in registers.
    """
    return 16 if llvm.get_host_cpu_features().get("avx512f") else 8
