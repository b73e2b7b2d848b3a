"""One program measured in this process: run it with `python` and with `autopar run`.

python benchmarks/programs/timed.py NAME SIZE DTYPE SECONDS [numba [COMPILE_SECONDS]]

With COMPILE_SECONDS the process ends itself (SIGALRM) where the first call takes longer: compilers
answer no other signal.
Prints a line of JSON: the first call, the median of the calls once compiling is over, the most
memory that the arrays of a call took, the most of the process, and a digest of the results.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import resource
import signal
import sys
import time
import tracemalloc
from types import FunctionType

import numpy as np

FEWEST, MOST = 4, 400
# Calls that take longer than this are few: one to warm up, and one that is measured.
LONG_S = 6.0
# Calls before those that are measured: kernels are compiled once they are sure to pay, beside the
# program. However short calls are, there are some of these seconds' worth.
WARM_S, WARM = 3.0, 6


def copied(arguments):
    """The same values in fresh arrays."""
    return tuple(each.copy() if isinstance(each, np.ndarray) else each for each in arguments)


def seen(program, arguments):
    """Seconds of one call, and what it gave."""
    mine = copied(arguments)
    start = time.perf_counter()
    results = program(*mine)
    return time.perf_counter() - start, results


def repeated(program, arguments, limit, fewest, most=None):
    """Seconds of each of some calls, for about as long as `limit`."""
    times = []
    end = time.perf_counter() + limit
    while len(times) < fewest or (time.perf_counter() < end and len(times) != most):
        times.append(seen(program, arguments)[0])
    return times


def most_memory(program, arguments):
    """What the arrays of one call hold at most; a process's own peak has heaps that were freed."""
    mine = copied(arguments)
    tracemalloc.start()  # NumPy tells it
    program(*mine)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def compiled(module):
    """Let Numba compile all functions of a program."""
    import numba

    for name, function in list(vars(module).items()):
        if isinstance(function, FunctionType) and name != "given":
            setattr(module, name, numba.njit(parallel=True, cache=True)(function))


def main(name, size, dtype, limit, *forms):
    """Measure one program."""
    module = importlib.import_module(name)
    arguments = module.given(int(size), dtype)
    if "numba" in forms:
        compiled(module)
    signal.setitimer(signal.ITIMER_REAL, float(forms[1]) if len(forms) > 1 else 0.0)
    first, results = seen(module.program, arguments)
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    digest = hashlib.sha256()
    for each in results:
        digest.update(np.ascontiguousarray(each).tobytes())
    del results
    warm, fewest = (1, 1) if first > LONG_S else (WARM, FEWEST)
    repeated(module.program, arguments, WARM_S, warm)
    last = sorted(repeated(module.program, arguments, float(limit), fewest, MOST))
    print(
        json.dumps(
            {
                "first_s": first,
                "seconds": last[len(last) // 2],
                "least_s": last[0],
                "memory": most_memory(module.program, arguments),
                "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "digest": digest.hexdigest()[:16],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
