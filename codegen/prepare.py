"""Compile the kernels of a region before any of them runs.

Maps a generated CPU module and its program to machine code, for the very argument types that
`run` will pass. A kernel that cannot be compiled must be known before another one has stored
anything: after that the interpreter could no longer take over from the start.

Where the machine code is kept, Numba is not even loaded: only what the module has for the host is
executed, and its kernels are those of `codegen.kept_kernels`.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from autopar.analysis.model.later import Later

from . import host, kept_kernels
from .cache import Cache
from .compile import execute, load_module, name_of
from .forks import Lock
from .fpflags import dispatcher_of, is_watched
from .host_part import host_part, stands_alone
from .objects import Object, Wanted, make_object

if TYPE_CHECKING:
    from numba.core import types

    from . import in_scalars
    from .kernel import Program
else:
    types = Later("numba.core.types")
    in_scalars = Later("autopar.codegen.in_scalars")

# What Numba makes of the Python numbers in which scalars travel on the host.
_TRAVELS_AS = {
    "b": "boolean",
    "i": "int64",
    "u": "int64",
    "f": "float64",
    "c": "complex128",
}


_preparing: dict[str, Lock] = {}  # one for each module: what is kept waits for no compiler
_prepared: dict[str, ModuleType] = {}


def prepared_module(source: str, program: Program, *, cache: Cache) -> ModuleType:
    """Return the module that `source` defines, all its kernels compiled.

    What Numba raises comes through: `numba.core.errors.NumbaError`, most likely.
    """
    types = types_of(program)
    name = name_of(source, cache=cache, types=types)
    with _preparing.setdefault(name, Lock()):
        if name not in _prepared:
            _prepared[name] = _kept(name, source, cache) or _compiled(name, source, program, cache)
        return _prepared[name]


def _kept(name: str, source: str, cache: Cache) -> ModuleType | None:
    """Return the module with the machine code that some process kept; None where there is none."""
    if not kept_kernels.is_possible():
        return None
    made = kept_kernels.fetch(kept_kernels.file_of(name), cache)
    kernels = None if made is None else kept_kernels.load(made)
    if kernels is None:
        return None
    module = execute(name, host_part(source), f"<{name}>", shown=source)
    vars(module).update(kernels)
    return module


def _compiled(name: str, source: str, program: Program, cache: Cache) -> ModuleType:
    """Return the module compiled by Numba, and keep its machine code where that is possible."""
    types = types_of(program)
    if not kept_kernels.is_possible():
        return _compiled_by_numba(source, program, cache)
    module = load_module(source, cache=cache, types=types, is_numba_to_keep=False)
    made = _object_of(module, program)
    kernels = None if made is None else kept_kernels.load(made)
    if made is None or kernels is None:
        return _compiled_by_numba(source, program, cache)
    vars(module).update(kernels)
    if stands_alone(host_part(source), module, kernels):
        kept_kernels.keep(kept_kernels.file_of(name), made, cache)
    return module


def _compiled_by_numba(source: str, program: Program, cache: Cache) -> ModuleType:
    """Return the module with kernels that Numba calls and keeps."""
    module = load_module(source, cache=cache, types=types_of(program))
    compile_kernels(module, program)
    return module


def _object_of(module: ModuleType, program: Program) -> Object | None:
    """Return the machine code of all kernels of a module; None where it cannot be had alone."""
    found: dict[str, Wanted] = {}
    program = in_scalars.with_scalars(program)
    for kernel in host.kernels_of(host.plan_host(program)):
        value = getattr(module, kernel.name)
        dispatcher = dispatcher_of(value)
        if dispatcher.overloads:  # somebody has called it
            return None
        found[kernel.name] = Wanted(
            name=kernel.name,
            dispatcher=dispatcher,
            signature=_signature(kernel, program),
            watches=is_watched(value),
            has_bounds=kernel.loop is not None,
        )
    return make_object(tuple(found.values())) if found else None


def compile_kernels(module: ModuleType, program: Program) -> None:
    """Compile every kernel of `module`, which was generated from `program`, for Numba to call.

    What Numba raises comes through: `numba.core.errors.NumbaError`, most likely.
    """
    program = in_scalars.with_scalars(program)
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
    arrays = host.array_types(kernel, program)
    bounds = 2 if kernel.loop else 0
    integers = len(kernel.integers) + len(kernel.iterators)
    return (
        *(types.int64,) * bounds,
        *(types.Array(types.int64, 1, "C"),) * kernel.tells_progress,
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
