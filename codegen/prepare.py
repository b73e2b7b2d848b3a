"""Compile the kernels of a region before any of them runs.

Maps a generated CPU module and its program to machine code, for the very argument types that
`run` will pass. A kernel that cannot be compiled must be known before another one has stored
anything: after that the interpreter could no longer take over from the start.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from autopar.analysis.model.later import Later

from . import host
from .fpflags import dispatcher_of

if TYPE_CHECKING:
    from numba.core import types

    from .kernel import Program
else:
    types = Later("numba.core.types")

# What Numba makes of the Python numbers in which scalars travel on the host.
_TRAVELS_AS = {
    "b": "boolean",
    "i": "int64",
    "u": "int64",
    "f": "float64",
    "c": "complex128",
}


def compile_kernels(module: ModuleType, program: Program) -> None:
    """Compile every kernel of `module`, which was generated from `program`.

    What Numba raises comes through: `numba.core.errors.NumbaError`, most likely.
    """
    for kernel in host.kernels_of(host.plan_host(program)):
        dispatcher = dispatcher_of(getattr(module, kernel.name))
        signature = _signature(kernel, program)
        if signature not in dispatcher.overloads:
            dispatcher.compile(signature)
        dispatcher.disable_compile()  # the pool calls its one form without asking for types


def types_of(program: Program) -> str:
    """Return what a program's compiled form depends on besides its source."""
    return repr((program.arrays, program.variables))


def _signature(kernel: host.Kernel, program: Program) -> tuple[types.Type, ...]:
    arrays = {each.name: each.type for each in program.arrays}
    bounds = 2 if kernel.loop else 0
    integers = len(kernel.integers) + len(kernel.iterators)
    return (
        *(types.int64,) * bounds,
        *(
            types.Array(
                types.boolean
                if arrays[name].dtype == "bool"
                else getattr(types, arrays[name].dtype),
                arrays[name].rank,
                arrays[name].layout,
                readonly=not arrays[name].is_writeable,
                aligned=arrays[name].is_aligned,
            )
            for name in kernel.arrays
        ),
        *(types.int64,) * integers,
        *(
            getattr(types, _TRAVELS_AS[program.variable(name).type.dtype[0]])
            for name in kernel.scalars
        ),
    )
