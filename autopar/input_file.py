"""Input files: the text of a file that is fit to be analysed, or one line that says why not."""

from __future__ import annotations

import io
import pkgutil
import tokenize
import warnings
from pathlib import Path

import click


class UnreadableError(click.ClickException):
    """Input that cannot be read or output that cannot be written; exit status 2."""

    exit_code = 2


def read_bytes(path: Path) -> bytes:
    """Return the content of the regular file `path`; UnreadableError says why there is none."""
    try:
        if path.is_dir():
            raise UnreadableError(f"{path} is a folder, not a file.")
        if path.exists() and not path.is_file():
            raise UnreadableError(f"{path} is not a regular file.")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a null byte in the name
        raise UnreadableError(f"{str(path)!r} cannot be read: {error}.") from error


def is_importable(path: str) -> bool:
    """Return whether `path` is a folder or an archive of modules: of these `__main__` is run."""
    try:
        return pkgutil.get_importer(path) is not None
    except ValueError:  # a null byte in the name
        return False


def read_source(path: Path) -> str:
    """Return the text of the Python file `path`; UnreadableError where it is not valid Python."""
    content = read_bytes(path)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding).read()
    except SyntaxError as error:  # an unknown or contradicting coding cookie
        raise UnreadableError(f"{path} cannot be decoded: {error.msg}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path} is not valid {error.encoding} text: {error.reason} at byte {error.start}."
        ) from error
    check_syntax(path, content)
    return text


def check_syntax(path: Path, content: bytes) -> None:
    """Raise UnreadableError where Python would not compile `content`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns when the file is run
            compile(content, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        line = "" if error.lineno is None else f", line {error.lineno}"
        raise UnreadableError(f"{path}{line}: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        # Null bytes, nesting or numbers beyond what Python's own compiler takes.
        message = str(error) or type(error).__name__
        raise UnreadableError(f"{path}: {message}.") from error
