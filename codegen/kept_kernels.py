"""Machine code of kernels: loaded into this process, and kept for others.

    Before:  an object of `codegen.objects`, made just now or kept by another process
    After:   {"launch0": a built-in function}, each with its `Entry`

A kept object is a sealed entry of the cache, named like the generated module: after its source,
the types of its arguments, all versions and the processor. What it needs of other libraries is
looked up before it is loaded; where something is missing, it is as good as not there.
"""

from __future__ import annotations

import ctypes
import json
import logging
import platform
import struct
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from autopar.analysis.model.later import Later

from .cache import Cache
from .elf import undefined_symbols
from .entries import Entry, as_built_in
from .objects import Described, Object
from .symbols import define, is_lasting
from .wrappers import INTERFACE

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

LOG = logging.getLogger("autopar")
_LENGTH = struct.Struct("<Q")  # of the description ahead of an object


@cache
def is_possible() -> bool:
    """Return whether this is a system whose objects are read here, and a Python they can call."""
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    is_known = sys.platform == "linux" and sys.maxsize > 2**32 and has_gil
    if not is_known or platform.python_implementation() != "CPython":
        return False
    return all(hasattr(ctypes.pythonapi, name) for name in INTERFACE)


def file_of(module: str) -> str:
    """Return what the entry of a generated module's machine code is called."""
    return f"{module}.code"


def keep(name: str, made: Object, store: Cache) -> None:
    """Keep an object for the next process, if that is possible and of use there."""
    if not all(map(is_lasting, made.undefined)):
        return
    described = [_written(each) for each in made.kernels]
    head = json.dumps(described, separators=(",", ":")).encode()
    store.keep(name, _LENGTH.pack(len(head)) + head + made.content)


def fetch(name: str, store: Cache) -> Object | None:
    """Return the object that some process kept under `name`; None where there is none."""
    entry = store.fetch(name)
    if entry is None:
        return None
    try:
        (length,) = _LENGTH.unpack_from(entry)
        start = _LENGTH.size + length
        kernels = tuple(map(_read, json.loads(entry[_LENGTH.size : start])))
        content = entry[start:]
        undefined = tuple(sorted(undefined_symbols(content)))
    except (ValueError, TypeError, KeyError, struct.error):
        LOG.debug("the entry %s cannot be read", name, exc_info=True)
        return None
    return Object(kernels=kernels, content=content, undefined=undefined)


def _written(kernel: Described) -> dict[str, Any]:
    return {name: getattr(kernel, name) for name in Described.__slots__}


def _read(written: dict[str, Any]) -> Described:
    lists = {name: tuple(written[name]) for name in ("dtypes", "offsets")}
    return Described(**{**written, **lists})


def load(made: Object) -> dict[str, Any] | None:
    """Return the kernels of an object, callable; None where a symbol cannot be found."""
    if not define(made.undefined):
        return None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(made.content))
    engine.finalize_object()
    found: dict[str, Any] = {}
    for each in made.kernels:
        enter = engine.get_function_address(f"enter_{each.name}")
        call = engine.get_function_address(f"call_{each.name}")
        if not enter or not call:
            return None
        found[each.name] = as_built_in(_entry(each, enter, engine), each.name, call)
    return found


def _entry(kernel: Described, address: int, engine: Any) -> Entry:  # noqa: ANN401 - llvmlite is untyped
    names = ["code", "flags", *(f"value{number}" for number in range(len(kernel.dtypes) - 2))]
    layout: Any = {
        "names": names,
        "formats": [np.dtype(each) for each in kernel.dtypes],
        "offsets": list(kernel.offsets),
        "itemsize": kernel.size,
    }
    return Entry(
        address=address,
        form=struct.Struct(kernel.form),
        arrays=kernel.arrays,
        has_complex=kernel.has_complex,
        is_cut=kernel.has_bounds,
        outcome=np.dtype(layout),
        engine=engine,
    )
