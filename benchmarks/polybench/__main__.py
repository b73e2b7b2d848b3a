"""The kernels of PolyBench, and more programs with hidden parallelism, against compiled loops.

python -m benchmarks.polybench [--only NAME ...] [--rounds N] [--json [FILE]] [--resume]
                               [--seconds SECONDS]

Each is timed against `numba.njit` on the same plain loops, which runs them on one core. Both get
the same arrays, refreshed before each call. Ratio: the other's median over autopar's.

With `--seconds` no kernel is begun after so long, and `--resume` leaves out those that FILE holds.

Exit status: 0 when everything was measured, whatever the bars say; 1 when a value was wrong; 3
when there are kernels left for another run.
"""

from __future__ import annotations

import sys

from ..orders import main

sys.exit(main(sys.argv[1:]))
