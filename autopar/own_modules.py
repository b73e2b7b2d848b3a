"""Modules of the program's own: what a script imports from beside it is taken over as it is.

    Before:  heat.py says `from grids import sweep`, and grids.py lies in the same folder
    After:   the loops of grids.py run in parallel too; packages that are installed stay as they are

Own is what is found in the folder of the script, which Python puts first in `sys.path`, and in
folders that the program adds to it. The finder stands where Python's stands for `sys.path` and
asks that one, so that names mean what they mean under `python`; only the code of a module is
another, and tracebacks show no frame of ours.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

# Gives the code to run for a module of the program's, from the code that Python has for it.
Take: TypeAlias = Callable[[ModuleType, str, CodeType], CodeType]

_INSTALLED = frozenset({"site-packages", "dist-packages"})


@contextmanager
def own_modules(take: Take, main: str | None = None) -> Iterator[Callable[[ModuleSpec], bool]]:
    """Let `take` give the code of modules of the program's own that are imported inside.

    With the name of a `main` module what lies beside it is own, too, wherever it is found. What
    is yielded tells whether a module is the program's own.
    """
    finder = _Finder(take, main)
    places = [number for number, each in enumerate(sys.meta_path) if each is PathFinder]
    sys.meta_path.insert(places[0] if places else len(sys.meta_path), finder)
    try:
        yield finder.is_own
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)


class _Finder:
    """Finds what `PathFinder` finds; modules of the program's own get a loader of ours."""

    def __init__(self, take: Take, main: str | None) -> None:
        self._take = take
        # The first entry is the program's folder; what is added later is the program's doing.
        self._others = frozenset(sys.path[1:])
        paths = sysconfig.get_paths()
        self._libraries = tuple(
            Path(paths[each]).resolve() for each in ("stdlib", "platstdlib", "purelib", "platlib")
        )
        self._root = None if main is None else self._folder_around(main.partition(".")[0])

    def _folder_around(self, name: str) -> Path | None:
        """Return the folder of a module or package that is no library; None where there is none."""
        spec = PathFinder.find_spec(name)
        if spec is None or spec.origin is None or self._is_library(Path(spec.origin).resolve()):
            return None
        return _folder_of(spec)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module lies, as `PathFinder` does."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and self.is_own(spec):
            spec.loader = _Loader(name, spec.loader.path, self._take)
        return spec

    def invalidate_caches(self) -> None:
        """Have nothing to forget: `PathFinder` is asked to, too."""

    def is_own(self, spec: ModuleSpec) -> bool:
        """Return whether a module is the program's own."""
        parent, _, _ = spec.name.rpartition(".")
        if parent:  # a package's modules are what the package is
            package = sys.modules.get(parent)
            return isinstance(getattr(package, "__loader__", None), _Loader) or (
                _is_namespace(package) and self._is_own_file(spec)
            )
        return self._is_own_file(spec)

    def _is_own_file(self, spec: ModuleSpec) -> bool:
        if self._is_library(Path(spec.origin or "").resolve()):
            return False
        folder = _folder_of(spec)
        added = (Path(each).resolve() for each in sys.path if each not in self._others)
        return folder == self._root or folder in added

    def _is_library(self, file: Path) -> bool:
        return bool(_INSTALLED & set(file.parts)) or any(
            file.is_relative_to(each) for each in self._libraries
        )


def _folder_of(spec: ModuleSpec) -> Path:
    """Return the folder that holds a module, or the package around it."""
    file = Path(spec.origin or "").resolve()
    depth = spec.name.count(".") + (1 if spec.submodule_search_locations is not None else 0)
    return file.parents[depth] if depth < len(file.parents) else file


def _is_namespace(package: ModuleType | None) -> bool:
    """Return whether a package is a folder without an `__init__.py`."""
    return package is not None and getattr(package, "__file__", None) is None


class _Loader(SourceFileLoader):
    """Loads a module from its file; the code of its first run is what `take` gives."""

    def __init__(self, name: str, path: str, take: Take) -> None:
        super().__init__(name, path)
        self._take = take
        self._is_new = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Have Python make the module, and note that its code is asked for next."""
        self._is_new = True
        return super().create_module(spec)

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module: to run it, or for somebody who only looks."""
        plain = super().get_code(fullname)
        module = sys.modules.get(fullname)
        if not self._is_new or plain is None or module is None:
            return plain
        self._is_new = False
        return self._take(module, self.path, plain)


# Python leaves the frames of its own import machinery out of tracebacks, by the name of their file.
_Loader.get_code.__code__ = _Loader.get_code.__code__.replace(
    co_filename=SourceFileLoader.get_code.__code__.co_filename
)
# Where somebody else asks for the code, the frame shows.
LOOKED_UP_BY = _Loader.get_code.__code__
