"""Find the notebooks and scripts of a corpus: folders, files, globs, zip and tar archives.

Maps paths to `Item`s in a stable order. Nothing is unpacked to disk.
"""

from __future__ import annotations

import glob
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from autopar.analysis.model.nouns import dataclass

SUFFIXES = (".ipynb", ".py")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# Larger than this is data in a notebook's clothes; it is counted, not read.
LARGEST_BYTES = 64 * 1024 * 1024
# Copies that tools leave beside the original.
_SKIPPED_FOLDERS = frozenset({".ipynb_checkpoints", ".git", "__pycache__", "__MACOSX"})


class NothingFoundError(Exception):
    """A path of the command line names nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One notebook or script, on disk or in an archive."""

    key: str  # stable: the path below the argument that led to it, "/" between the parts
    path: str  # of the file itself, or of the archive
    member: str | None  # its name in the archive
    size: int  # bytes

    @property
    def is_notebook(self) -> bool:
        """Whether it is a notebook, not a script."""
        return self.key.lower().endswith(".ipynb")

    @property
    def repository(self) -> str:
        """The first part of the key: by convention a corpus has one folder per repository."""
        return self.key.split("/", 1)[0] if "/" in self.key else ""


def find_items(paths: Sequence[str]) -> tuple[Item, ...]:
    """Return every notebook and script below `paths`, each once, sorted by key.

    Raises NothingFoundError for a path or pattern that matches nothing.
    """
    found: dict[str, Item] = {}
    for given in paths:
        for path in _matching(given):
            for item in _below(path):
                key = item.key
                number = 2
                # Two arguments may hold files of the same relative name.
                while key in found and (found[key].path, found[key].member) != (
                    item.path, item.member,
                ):  # fmt: skip
                    key = f"{item.key}#{number}"
                    number += 1
                found[key] = Item(key=key, path=item.path, member=item.member, size=item.size)
    return tuple(found[key] for key in sorted(found))


def _matching(given: str) -> list[Path]:
    path = Path(given)
    if path.exists():
        return [path]
    found = [Path(each) for each in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not found:
        raise NothingFoundError(f"{given}: no such file or folder.")
    return found


def _below(path: Path) -> Iterator[Item]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.name.lower().endswith(ARCHIVES):
        yield from _in_archive(path, path.name)
    else:
        yield Item(key=path.name, path=str(path), member=None, size=path.stat().st_size)


def _in_folder(folder: Path) -> Iterator[Item]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if _SKIPPED_FOLDERS.intersection(parts) or not path.is_file():
            continue
        key = "/".join(parts)
        if path.name.lower().endswith(ARCHIVES):
            yield from _in_archive(path, key)
        elif path.suffix.lower() in SUFFIXES:
            yield Item(key=key, path=str(path), member=None, size=path.stat().st_size)


def _in_archive(path: Path, key: str) -> Iterator[Item]:
    """Yield what an archive holds; a broken one is an item that cannot be read."""
    try:
        members = list(_members(path))
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError):
        # Reading its member "" will fail, and say why.
        yield Item(key=key, path=str(path), member="", size=path.stat().st_size)
        return
    for name, size in members:
        parts = [part for part in name.split("/") if part not in {"", "."}]
        if name.lower().endswith(SUFFIXES) and not _SKIPPED_FOLDERS.intersection(parts):
            yield Item(key=f"{key}/{'/'.join(parts)}", path=str(path), member=name, size=size)


def _members(path: Path) -> Iterator[tuple[str, int]]:
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size
    else:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isfile():
                    yield member.name, member.size


class Reader:
    """Reads items; keeps the last archive open, since its members come one after another."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._archive: zipfile.ZipFile | tarfile.TarFile | None = None

    def read(self, item: Item) -> bytes:
        """Return the content of an item.

        Raises OSError where that fails, whatever the archive's module calls it.
        """
        if item.member is None:
            return Path(item.path).read_bytes()
        try:
            return self._member(item.path, item.member)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError, RuntimeError) as error:
            raise OSError(f"{item.path}: {error}") from error

    def _member(self, path: str, name: str) -> bytes:
        archive = self._opened(path)
        if isinstance(archive, zipfile.ZipFile):
            return archive.read(name)
        file = archive.extractfile(name)
        if file is None:
            raise KeyError(name)
        return file.read()

    def _opened(self, path: str) -> zipfile.ZipFile | tarfile.TarFile:
        if self._path != path or self._archive is None:
            self.close()
            is_zip = path.lower().endswith(".zip")
            self._archive = zipfile.ZipFile(path) if is_zip else tarfile.open(path)  # noqa: SIM115 - closed by `close`
            self._path = path
        return self._archive

    def close(self) -> None:
        """Close the archive that is open."""
        if self._archive is not None:
            self._archive.close()
        self._archive, self._path = None, None
