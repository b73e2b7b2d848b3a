"""From generated source to a module that can be called.

Maps source text to a Python module. Its file lies in the cache folder, named after a hash of the
text and of everything that compiled code depends on, so that tracebacks and debuggers show it.
Without a folder the module lives in memory only, and tracebacks show its text all the same.

Machine code is kept by `codegen.kept_kernels`; only where that is not possible it is Numba's own
cache that keeps it, beside the file.

What runs is always the text in hand: the file is written and compared, never read to be run.
"""

from __future__ import annotations

import linecache
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .cache import Cache
from .digests import digest_of
from .forks import Lock
from .fpflags import dispatcher_of
from .surroundings import code_in, interpreter, package, processor

# The words by which generators ask for Numba's cache, in the options of every kernel.
CACHED = "cache=True"
UNCACHED = "cache=False"
# Ends the names of modules that have no part in Numba's cache.
_ALONE = "_alone"


def compiler_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what compiling may raise for code that it does not take, and `others`.

    LLVM's complaints are RuntimeErrors. Numba is not loaded to be asked for its own.
    """
    errors = sys.modules.get("numba.core.errors")
    own = () if errors is None else (errors.NumbaError,)
    return (*others, *own, RuntimeError, NotImplementedError)


_loading = Lock()


def load_module(
    source: str, *, cache: Cache, types: str = "", is_numba_to_keep: bool = True
) -> ModuleType:
    """Return the module that `source` defines; the same one for the same source and cache.

    `types` stands for those of the arguments: a kernel is compiled for one signature only.
    `is_numba_to_keep` says whether Numba looks for machine code in its cache, and keeps it there.

    A bad cache folder costs speed at the next start, never an exception. Nothing is compiled
    to machine code yet: kernels are when they are first called.
    """
    name = name_of(source, cache=cache, types=types)
    name = name if is_numba_to_keep else f"{name}{_ALONE}"
    with _loading:
        if (known := sys.modules.get(name)) is not None:
            return known
        load = _load if is_numba_to_keep else _load_alone
        module = load(name, source, cache)
        sys.modules[name] = module
        return module


def name_of(source: str, *, cache: Cache, types: str) -> str:
    """Return what the module of `source` is called."""
    on_disk = cache.folder is not None
    return f"autopar_kernels_{_digest(source, types)}{'' if on_disk else '_memory'}"


def _load(name: str, source: str, cache: Cache) -> ModuleType:
    if (path := cache.store(f"{name}.py", source)) is not None:
        try:
            return _forgiving(execute(name, source, str(path)))
        except (OSError, RuntimeError):
            # What Numba raises where it can keep nothing beside the file.
            pass
    return execute(name, source.replace(CACHED, UNCACHED), f"<{name}>")


def _load_alone(name: str, source: str, cache: Cache) -> ModuleType:
    path = cache.store(f"{name.removesuffix(_ALONE)}.py", source)
    filename = f"<{name}>" if path is None else str(path)
    return execute(name, source.replace(CACHED, UNCACHED), filename, shown=source)


def execute(name: str, source: str, filename: str, *, shown: str | None = None) -> ModuleType:
    """Return a new module in which `source` ran; tracebacks show `shown` in its place."""
    module = ModuleType(name, f"Kernels that autopar generated; see {filename}.")
    module.__file__ = filename
    lines = (shown or source).splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
    return module


def _digest(source: str, types: str) -> str:
    return digest_of((unplaced(source), types, *surroundings()))[:24]


# What generators say of where something stands: whole lines of words, and numbers behind code.
_PLACES = re.compile(r"^ *# .*$|  # line \d+$", re.MULTILINE)


def unplaced(source: str) -> str:
    """Return generated text without what it says of lines of the user's.

    Machine code does not depend on it: an edit that moves a function leaves what is kept.
    """
    return _PLACES.sub("", source)


def surroundings() -> tuple[str, ...]:
    """Return all that makes the same source another machine code."""
    return (
        *interpreter(),
        *(each for name in ("numba", "numpy", "llvmlite") for each in package(name)),
        # Kernels contain what they call of this folder, such as the reading of processor flags.
        *code_in(str(Path(__file__).parent)),
        *processor(),
    )


def _forgiving(module: ModuleType) -> ModuleType:
    """Let Numba take a damaged entry of its cache for a missing one."""
    from numba.core.caching import Cache as NumbaCache

    for value in vars(module).values():
        dispatcher = dispatcher_of(value)
        kept = getattr(dispatcher, "_cache", None)
        if isinstance(kept, NumbaCache):
            dispatcher._cache = _ForgivingCache(kept)  # noqa: SLF001 - Numba has no public hook
    return module


class _ForgivingCache:
    """Numba's cache of one function, whose faults count as misses."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the compiled function for `signature`, or None."""
        try:
            return self._kept.load_overload(signature, target)
        except Exception:  # noqa: BLE001 - a damaged pickle can raise anything; it is a miss
            self._discard()
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep `compiled`, if that is possible."""
        try:
            self._kept.save_overload(signature, compiled)
        except OSError:  # disk full, folder gone: the kernel itself is fine
            self._discard()

    def _discard(self) -> None:
        try:
            self._kept.flush()
        except OSError:
            self._kept.disable()
