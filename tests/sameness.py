"""The same call made plain and parallel, and everything that a user could tell apart.

Before:  a function, what makes its arguments, a backend
After:   nothing, or an assertion that shows where the decorated function differs

Compared are arguments and result bit for bit and type for type, which of them is which, the
exception with its message and the user's lines of its traceback, the warnings, and what was
printed.
"""

from __future__ import annotations

import contextlib
import io
import struct
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

import autopar

OURS = Path(autopar.__file__).resolve().parent.parent
WINGS = tuple(str(OURS / name) + "/" for name in ("autopar", "analysis", "codegen"))
HERE = str(Path(__file__))


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What one call did, as far as its caller can see."""

    arguments: object
    result: object
    error: object  # type, message, lines; None where it returned
    warnings: tuple[object, ...]
    printed: str


def same(
    function: Callable[..., Any],
    make_arguments: Callable[[], tuple[Any, ...]],
    backend: str = "cpu",
    *,
    ran: str | None = None,
    has_fault: bool = False,
    **options: bool,
) -> Any:
    """Return `function` decorated, after it did twice just what the plain one does once.

    `make_arguments` is called anew for each call. A fault of ours must not have sent a loop to
    the interpreter, but with `has_fault`. With `ran` the first region that was
    entered must have run there, "cpu" being whatever `backend` is.
    """
    expected = observe(function, make_arguments())
    decorated: Any = autopar.parallel(function, backend=backend, **options)
    for turn in ("first call", "second call"):
        actual = observe(decorated, make_arguments())
        assert expected == actual, f"{turn}, {decorated.last_run}"
        assert has_fault or not faults_in(decorated.last_run), f"{turn}, {decorated.last_run}"
    if ran is not None:
        assert [backend if ran == "cpu" else ran] == places(decorated)[:1], decorated.last_run
    return decorated


def places(decorated: Any) -> list[str]:
    """Return where the loops of the last call ran, those left out that no guard stood before."""
    return [loop["ran"]["backend"] for loop in loops_of(decorated.last_run) if "ran" in loop]


def notes(decorated: Any) -> list[str]:
    """Return what the last run has to say of its loops."""
    return [loop["ran"]["note"] for loop in loops_of(decorated.last_run) if "ran" in loop]


def faults_in(report: Any) -> list[str]:
    """Return what a report says of faults of ours (AP900), which the interpreter made good."""
    loops = loops_of(report)
    told = (str(loop.get("ran", {}).get("note")) for loop in loops)
    refused = (each.get("refusal") or {} for each in report.to_dict()["functions"])
    codes = (str(each.get("code")) for each in (*loops, *refused))
    return [each for each in (*told, *codes) if each.startswith("AP900")]


def loops_of(report: Any) -> list[dict[str, Any]]:
    """Return the loop entries of a report in its JSON form."""
    return [loop for function in report.to_dict()["functions"] for loop in function["loops"]]


def observe(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Observed:
    """Return what `function` does with `arguments`."""
    result, error, printed = None, None, io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("default")
        try:
            result = function(*arguments)
        except Exception as raised:  # noqa: BLE001  # whatever it is, it must be the same
            error = _error(raised)
    return Observed(
        arguments=freeze(arguments, arguments),
        result=freeze(result, arguments),
        error=error,
        warnings=tuple(
            (each.category, str(each.message), each.filename, each.lineno)
            for each in caught
            # That a loop ran elsewhere than its backend's name says is said once in a process.
            if each.category is not autopar.BackendWarning
        ),
        printed=printed.getvalue(),
    )


def _error(error: BaseException) -> tuple[object, ...]:
    before = error.__context__ or error.__cause__
    chained = None if before is None else _error(before)
    return type(error), str(error), tuple(user_lines(error.__traceback__)), chained


def user_lines(found: TracebackType | None) -> Iterator[tuple[str, int | None]]:
    """Yield (function, line) of the frames of a traceback, ours left out, ours at the end not."""
    frames = traceback.extract_tb(found)
    for number, frame in enumerate(frames):
        is_last = number == len(frames) - 1
        if is_last or (not frame.filename.startswith(WINGS) and frame.filename != HERE):
            yield frame.name, frame.lineno


def freeze(value: object, arguments: tuple[object, ...] = ()) -> object:
    """Return something that is equal for values that nobody can tell apart."""
    for number, argument in enumerate(arguments):
        if value is argument and isinstance(value, np.ndarray):
            return ("argument", number, _frozen_array(value))
        if value is argument and type(value) is list:
            return ("argument", number, tuple(freeze(each) for each in value))
    match value:
        case np.ndarray():
            return _frozen_array(value)
        case np.generic() if value.dtype.char in "gG":  # some of their bytes mean nothing
            return type(value), repr(value)
        case np.generic():
            return type(value), value.tobytes()
        case float():
            return type(value), struct.pack("d", value)
        case complex():
            return type(value), struct.pack("dd", value.real, value.imag)
        case tuple() | list():
            return type(value), tuple(freeze(each) for each in value)
        case dict():
            return tuple((freeze(key), freeze(each)) for key, each in value.items())
        case memoryview():
            return type(value), value.tobytes()
    return type(value), repr(value)


def _frozen_array(value: np.ndarray[Any, Any]) -> object:
    if value.dtype.hasobject:
        content: object = tuple(freeze(each) for each in value.ravel().tolist())
    elif value.dtype.char in "gG":  # some of their bytes mean nothing
        content = tuple(map(repr, np.ravel(value).tolist()))
    else:
        content = np.array(value, copy=True, subok=False).tobytes()
    mask = np.ma.getmaskarray(value).tobytes() if isinstance(value, np.ma.MaskedArray) else b""
    shape = (value.shape, value.strides, bool(value.flags.writeable))
    return type(value), value.dtype.str, shape, content, mask
