"""One kernel under DaCe, run by an interpreter that has it: `python dace_child.py FOLDER`.

Reads `kernel.py`, a function `kernel` without annotations, `given.npz`, its arguments in order, and
`left.npz`, what arrays hold afterwards; writes `found.json`. Imports nothing of this project.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# Relative: what DaCe's compiler flags (-ffast-math and its like) may cost.
CLOSE = 1e-6
ROUNDS = 7
LONG_S = 1.0  # calls that take longer are timed once


def main(folder: Path) -> dict[str, Any]:
    """What one kernel does: seconds of each call, and whether its results are right."""
    sys.path.insert(0, str(folder))
    dace = importlib.import_module("dace")
    kernel = importlib.import_module("kernel").kernel
    with np.load(folder / "given.npz") as found:
        given = [found[name] for name in found.files]
    with np.load(folder / "left.npz") as found:
        expected = [found[name] for name in found.files]
    program = dace.program(auto_optimize=True)(kernel)
    arguments = [each.copy() if each.ndim else each.item() for each in given]
    program(*arguments)
    word = compared(arguments, expected)
    seconds = []
    for _ in range(ROUNDS):
        for mine, fresh in zip(arguments, given, strict=True):
            if isinstance(mine, np.ndarray):
                mine[...] = fresh
        start = time.perf_counter()
        program(*arguments)
        seconds.append(time.perf_counter() - start)
        if seconds[-1] > LONG_S:
            break
    return {"version": dace.__version__, "seconds": seconds, "word": word}


def compared(arguments: list[Any], expected: list[Any]) -> str:
    """Whether arrays hold what they should: "same", "close" or "wrong"."""
    pairs = [
        (mine, other)
        for mine, other in zip(arguments, expected, strict=True)
        if isinstance(mine, np.ndarray)
    ]
    if all(mine.tobytes() == other.tobytes() for mine, other in pairs):
        return "same"
    is_close = all(
        np.allclose(mine, other, rtol=CLOSE, atol=CLOSE, equal_nan=True) for mine, other in pairs
    )
    return "close" if is_close else "wrong"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / "found.json").write_text(json.dumps(main(place)), "utf-8")
