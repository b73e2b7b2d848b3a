"""Machine code of our own functions in LLVM code, kept between processes.

    Before:  the text of the pool, of the comparison of headers, of the native short way
    After:   LLVM's engine with their machine code: compiled once for all processes

A text that mentions an address of this process is compiled in each. Nothing is written where
there is no cache folder yet: the first kernel that is kept makes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later

from .cache import user_cache
from .compile import surroundings
from .digests import digest_of

if TYPE_CHECKING:
    import llvmlite.binding as llvm
else:
    llvm = Later("llvmlite.binding")

_ADDRESS = re.compile(r"inttoptr \(?i64 \d")


def lasting(text: str, level: int = 2) -> Any:  # noqa: ANN401 - llvmlite is untyped
    """Return LLVM's engine with the machine code of `text`, some process's or our own."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(opt=level)
    store, name = user_cache(), None
    if not _ADDRESS.search(text):
        name = f"autopar_native_{digest_of((text, str(level), *surroundings()))}.object"
    content = None if name is None else store.fetch(name)
    if content is None:
        module = llvm.parse_assembly(text)
        module.verify()
        content = target.emit_object(module)
        if name is not None and store.folder is not None and store.folder.is_dir():
            store.keep(name, content)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    return engine
