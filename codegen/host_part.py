"""What of a generated CPU module runs without Numba: all but its kernels.

Before:  from numba import njit                  After:
         @njit(nogil=True, ...)
         def launch0(lower, upper, a): ...
         def run(launcher, a, n): ...                     def run(launcher, a, n): ...

Every line keeps its number, so that tracebacks show the module as it was generated.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from types import CodeType, ModuleType

from .compile import execute

# How a statement of the module's own level begins that the host needs.
_NEEDED = re.compile(
    r"import |from autopar\.codegen\.(combine|progress|uneven) import |reduction\d+ = |def run\("
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


def stands_alone(source: str, whole: ModuleType, kernels: Container[str]) -> bool:
    """Return whether a host part finds all that the whole module gives it, but for its kernels."""
    try:
        own = vars(execute("host part", source, "<host part>"))
    except NameError:
        return False
    code = compile(source, "<host part>", "exec", dont_inherit=True)
    return all(name in own or name in kernels for name in _names(code) if name in vars(whole))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
