"""One program measured in this process: run it with `python` and with `autopar run`.

python benchmarks/programs/timed.py NAME SIZE DTYPE SECONDS [numba]

Prints a line of JSON: the first call, the median of the last ones, the most memory that a call
took beyond what was there before it, the most of the process, and a digest of the results.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from types import FunctionType

import numpy as np

FEWEST, MOST = 4, 40


def copied(arguments):
    """The same values in fresh arrays."""
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


def kib(field):
    """A figure of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    return 0


def seen(program, arguments):
    """Seconds of one call, the most memory that it took, and what it gave."""
    mine = copied(arguments)
    before = kib("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
    start = time.perf_counter()
    results = program(*mine)
    seconds = time.perf_counter() - start
    return seconds, max(0, kib("VmHWM:") - before), results


def compiled(module):
    """Let Numba compile all functions of a program."""
    import numba

    for name, function in list(vars(module).items()):
        if isinstance(function, FunctionType) and name != "given":
            setattr(module, name, numba.njit(parallel=True)(function))


def main(name, size, dtype, limit, *forms):
    """Measure one program."""
    module = importlib.import_module(name)
    arguments = module.given(int(size), dtype)
    if "numba" in forms:
        compiled(module)
    first, _, results = seen(module.program, arguments)
    digest = hashlib.sha256()
    for each in results:
        digest.update(np.ascontiguousarray(each).tobytes())
    del results
    times, memory = [], []
    end = time.perf_counter() + float(limit)
    while len(times) < FEWEST or (time.perf_counter() < end and len(times) < MOST):
        seconds, most, _ = seen(module.program, arguments)
        times.append(seconds)
        memory.append(most)
    last = sorted(times[len(times) // 2 :])
    print(
        json.dumps(
            {
                "first_s": first,
                "seconds": last[len(last) // 2],
                "memory": memory[-1],
                "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "digest": digest.hexdigest()[:16],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
