"""One cold first call, to be run in a fresh process: prints its seconds as one line of JSON.

python -m benchmarks.first_call (autopar | by_hand) SIZE
"""

from __future__ import annotations

import json
import sys
import time

START = time.perf_counter()

from .kernels import KERNELS  # noqa: E402  the clock must run while this loads Numba

KERNEL = "jacobi"


def main(form: str, size: int) -> dict[str, float]:
    """Seconds of decorating and calling `form`, without imports and with them."""
    import numpy as np

    kernel = next(kernel for kernel in KERNELS if kernel.name == KERNEL)
    arguments = kernel.arguments(size, np.random.default_rng(0))
    made = time.perf_counter()
    if form == "autopar":
        import autopar

        parallel = autopar.parallel  # loads the decorator's module
        imported = time.perf_counter()
        parallel(kernel.plain)(*arguments)
    else:
        imported = made
        kernel.by_hand(*arguments)
    end = time.perf_counter()
    return {"call_s": end - imported, "import_s": imported - made, "total_s": end - START}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
