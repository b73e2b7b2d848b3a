"""The folder that keeps generated modules and, beside them, Numba's compiled code.

Maps the environment to a folder that only this user can write, or to none: what lies there is
executed, so a folder that others may write is as good as no folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from autopar.analysis.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a cache holds."""

    modules: int  # generated modules
    files: int  # those, and what Numba keeps beside them
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Where generated modules are kept between processes."""

    folder: Path | None  # None: nowhere

    def store(self, name: str, text: str) -> Path | None:
        """Return the path of a file in the folder that holds just `text`; None if impossible.

        Safe against other processes that store the same: a file appears whole or not at all,
        and one that is right already is left alone.
        """
        if self.folder is None or not _prepare(self.folder):
            return None
        path = self.folder / name
        content = text.encode()
        with suppress(OSError):
            if _holds(path, content) or _write(path, content):
                return path
        return None

    def keep(self, name: str, content: bytes) -> bool:
        """Store an entry that `fetch` gives back; return whether that was possible."""
        if self.folder is None or not _prepare(self.folder):
            return False
        sealed = _seal(content) + content
        path = self.folder / name
        with suppress(OSError):
            return _read(path) == sealed or _write(path, sealed)
        return False

    def fetch(self, name: str) -> bytes | None:
        """Return an entry just as it was stored; None where there is none that may be trusted.

        What others may have written is no entry, neither is one that was cut short or changed.
        """
        if self.folder is None or not _is_ours(self.folder):
            return None
        sealed = _read(self.folder / name)
        if sealed is None:
            return None
        content = sealed[_SEAL_SIZE:]
        return content if sealed[:_SEAL_SIZE] == _seal(content) else None

    def holds(self, name: str) -> bool:
        """Return whether there is an entry of that name, which `fetch` may still refuse."""
        return self.folder is not None and (self.folder / name).is_file()

    def usage(self) -> Usage:
        """Return how much lies in the folder."""
        if self.folder is None or not self.folder.is_dir():
            return Usage(modules=0, files=0, size_bytes=0)
        sizes: list[int] = []
        for where, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):  # another process may just have removed it
                    sizes.append(Path(where, name).stat().st_size)
        modules = sum(1 for _ in self.folder.glob("*.py"))
        return Usage(modules=modules, files=len(sizes), size_bytes=sum(sizes))


NO_CACHE = Cache(folder=None)


def user_cache(environment: Mapping[str, str] = os.environ) -> Cache:
    """Return the cache in AUTOPAR_CACHE_DIR, else in the user's cache folder."""
    if named := environment.get("AUTOPAR_CACHE_DIR"):
        return Cache(folder=Path(named).absolute())
    return Cache(folder=_platform_folder(environment))


def _platform_folder(environment: Mapping[str, str]) -> Path | None:
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA")
        return Path(base, "autopar", "cache") if base else None
    base = environment.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():  # the specification has relative paths ignored
        return Path(base, "autopar")
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and no entry in the user database
        return None
    return Path(home, *_CACHES[sys.platform == "darwin"], "autopar")


_CACHES = ((".cache",), ("Library", "Caches"))


def _prepare(folder: Path) -> bool:
    """Create `folder` if need be; return whether it is ours alone to write."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return _is_ours(folder)


def _is_ours(folder: Path) -> bool:
    """Return whether a folder is this user's, and nobody else's to write."""
    try:
        state = folder.stat()
    except OSError:
        return False
    if hasattr(os, "getuid") and state.st_uid != os.getuid():
        return False
    return os.name == "nt" or not state.st_mode & stat.S_IWOTH


def _seal(content: bytes) -> bytes:
    """Return what stands before the content of an entry."""
    return b"autopar " + hashlib.sha256(content).hexdigest().encode() + b"\n"


_SEAL_SIZE = len(_seal(b""))
_LARGEST_ENTRY = 1 << 26  # bytes


def _read(path: Path) -> bytes | None:
    """Return what a plain file of this user holds."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | _BINARY)
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            is_own = not hasattr(os, "getuid") or state.st_uid == os.getuid()
            is_open = os.name != "nt" and state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not stat.S_ISREG(state.st_mode) or not is_own or is_open:
                return None
            return file.read() if state.st_size <= _LARGEST_ENTRY else None
    except OSError:
        return None


_BINARY = getattr(os, "O_BINARY", 0)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _write(path: Path, content: bytes) -> bool:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError:
        with suppress(OSError):
            Path(temporary).unlink()
        return False
    return True
