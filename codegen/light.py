"""What Numba loads for a kernel of numbers and arrays: a part of what it loads for any function.

    Before:  lists, dicts, strings, dates, random numbers, linear algebra, its run-time library
    After:   numbers, tuples, ranges, arrays, the functions of `math` and NumPy's ufuncs

Loading all of it, and having the code of the run-time library compiled, takes a fifth of a first
call. The context is the one that everybody's functions are compiled in, so this holds only while
Numba's lock is held; each compilation asks its context to load what it lacks, so the next one of
the user's finds everything.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later

from .once import once

if TYPE_CHECKING:
    from numba.core import cpu, fastmathpass
else:
    cpu, fastmathpass = Later("numba.core.cpu"), Later("numba.core.fastmathpass")

# Modules that are loaded for what they register.
_LOADED = (
    "numba.core.optional",
    *(
        f"numba.cpython.{name}"
        for name in ("builtins", "iterators", "numbers", "rangeobj", "slicing", "tupleobj")
    ),
    "numba.np.arrayobj",
    "numba.np.unsafe.ndarray",
)
# Modules with a registry of their own.
_INSTALLED = ("numba.cpython.cmathimpl", "numba.cpython.mathimpl", "numba.np.npyimpl")
_COMPILED: dict[Any, Any] = {}


@contextmanager
def light(context: Any) -> Iterator[None]:  # noqa: ANN401 - Numba is untyped
    """Let a target context load no more than kernels of numbers and arrays need.

    What needs more is not found then, or asks in vain for the run-time library: Numba raises.
    """
    whole = type(context)
    if whole is not cpu.CPUContext:
        yield
        return
    # Numba keeps what it compiles on the way without asking whether it counts references.
    others = context.cached_internal_func
    context.__class__, context.cached_internal_func = _light_class(), _COMPILED
    try:
        yield
    finally:
        context.__class__, context.cached_internal_func = whole, others


@once
def _light_class() -> Any:  # noqa: ANN401 - as above
    class Light(cpu.CPUContext):
        is_refreshing = False

        def refresh(self) -> None:
            """Load what is new; what is loaded asks for the same, for each of its parts."""
            if Light.is_refreshing:
                return
            Light.is_refreshing = True
            try:
                super().refresh()
            finally:
                Light.is_refreshing = False

        def load_additional_registries(self) -> None:
            for name in _LOADED:
                import_module(name)
            for name in _INSTALLED:
                self.install_registry(import_module(name).registry)

        def post_lowering(self, module: Any, _library: Any) -> None:  # noqa: ANN401 - as above
            """Do what is done for every function, but for linking the run-time library."""
            if self.fastmath:
                fastmathpass.rewrite_module(module, self.fastmath)

    return Light
