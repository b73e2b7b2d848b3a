"""What of a generated CPU module runs without Numba: all but its kernels.

Before:  from numba import njit                  After:
         @njit(nogil=True, ...)
         def launch0(lower, upper, a): ...
         def run(launcher, a, n): ...                     def run(launcher, a, n): ...

Every line keeps its number, so that tracebacks show the module as it was generated.
"""

from __future__ import annotations

import re

# How a statement of the module's own level begins that the host needs.
_NEEDED = re.compile(
    r"import |from autopar\.codegen\.(combine|uneven) import |reduction\d+ = |def run\("
)


def host_part(source: str) -> str:
    """Return the source with an empty line for each that belongs to a kernel."""
    lines: list[str] = []
    is_needed = False
    for line in source.splitlines():
        if line[:1] not in {"", " ", ")"}:  # a statement of the module's own level begins
            is_needed = _NEEDED.match(line) is not None
        lines.append(line if is_needed else "")
    return "\n".join(lines) + "\n"
