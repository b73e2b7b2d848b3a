"""Generated CPU modules run by the interpreter: quick for a few elements, and no compiler's doing."""

from __future__ import annotations

import builtins
from functools import partial
from types import ModuleType
from typing import Any

import numba

from autopar.codegen import (
    crewing,
    fpflags,
    lanes,
    scalars,
    staggering,
    stopping,
    stream_text,
    streaming,
    strip_memory,
    unhoisted,
)
from autopar.codegen.float_status import FLOAT_STATUS
from autopar.codegen.streams import DTYPE_BYTES, ROW
from tests.codegen import plain_crewing, plain_lanes, plain_staggering


def _unchanged(function: Any = None, **_options: object) -> Any:
    return _unchanged if function is None else function


def _helper(name: str) -> Any:
    known = (*scalars.HELPERS, *FLOAT_STATUS)
    return next(each for each in known if each.__name__ == name)


_LINES = [name for name in vars(streaming) if name.startswith(("linebuffer_", "widebuffer_"))]
_ROWS = [name for name in vars(streaming) if name.startswith("rowbuffer_")]


def _stream(at: Any, row: list[Any], count: int) -> None:
    array, (*outer, first) = at
    if count > 0:
        array[(*outer, slice(first, first + count))] = row[:count]


def _lines(name: str) -> list[None]:
    word, dtype = name.split("_")
    count = vars(stream_text)["LINES"] // DTYPE_BYTES[dtype]
    return [None] * ((1 + (word == "widebuffer")) * count)


def _line_start(at: Any, lower: int, upper: int) -> int:
    """Return what it would be where the first element stands third in its line."""
    return lower - 2 if lower < upper else upper


_STREAMING = {
    "stream": _stream, "line_start": _line_start, "fetch_ahead": lambda _at: None,
    "fetch_beside": lambda _at: None, "stream_lines": lambda at, row: _stream(at, row, len(row)),
    "lines_ahead": lambda _at: None, "lines_beside": lambda _at: None,
    "wide_ahead": lambda _at: None, "wide_beside": lambda _at: None,
    "stream_wide": lambda at, row: _stream(at, row, len(row)),
}  # fmt: skip


def replaced_modules() -> dict[str, ModuleType]:
    """Return what stands for the modules that kernels import, by name."""
    replaced: dict[str, ModuleType] = {}
    for module, contents in (
        (numba, {"njit": _unchanged}),
        (scalars, {"cpu_helper": _helper}),
        (fpflags, {"watched": _unchanged}),
        (crewing, vars(plain_crewing)),
        (lanes, vars(plain_lanes)),
        (staggering, vars(plain_staggering)),
        (stopping, {"is_stopped": lambda: False}),
        (
            streaming,
            {
                **_STREAMING,
                **dict.fromkeys(_ROWS, lambda: [None] * ROW),
                **{name: partial(_lines, name) for name in _LINES},
            },
        ),
        (unhoisted, {"unhoisted": lambda iterator: iterator}),
        (strip_memory, {"address": lambda array, index: (array, index)}),
    ):
        replaced[module.__name__] = made = ModuleType(module.__name__)
        made.__dict__.update({**vars(module), **contents})
    return replaced


def load_plain(source: str) -> ModuleType:
    """Return the module of `source`, its kernels plain functions."""
    replaced = replaced_modules()

    def import_from(name: str, *others: Any) -> Any:
        return replaced.get(name) or __import__(name, *others)

    found = ModuleType("plain")
    found.__dict__["__builtins__"] = {**vars(builtins), "__import__": import_from}
    exec(compile(source, "<plain>", "exec", dont_inherit=True), found.__dict__)
    return found
