"""One trial: source and calls -> the first difference between the plain and the decorated function."""

from __future__ import annotations

import array
import contextlib
import importlib.util
import io
import itertools
import random
import re
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tests.arguments import all_bytes, is_same
from tests.fuzz.coverage import Coverage, overlap_class
from tests.program import ArraySpec
from tests.sameness import faults_in

Function = Callable[..., Any]
Decorate = Callable[[Function], Function]

Errors = Literal["warn", "ignore", "raise"]

# Given once where a named backend cannot run a loop.
OURS = "BackendWarning"

KERNELS = frozenset({"cpu", "cuda"})

_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, as text: the statements that make the arguments, and the names to pass."""

    setup: tuple[str, ...]
    names: tuple[str, ...]
    errors: Errors = "warn"  # what np.seterr is set to around the call

    def arguments(self) -> list[Any]:
        """Return fresh arguments."""
        scope: dict[str, Any] = {
            "np": np, "array": array, "tempfile": tempfile, "ArraySpec": ArraySpec, "Subclass": Subclass,
        }  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a dtype that cannot hold all values is meant
            exec("\n".join(self.setup), scope)
        return [scope[name] for name in self.names]


class Subclass(np.ndarray):
    """An array type that is not NumPy's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A function `kernel` and the calls it gets, one after the other."""

    source: str
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a trial showed."""

    has_entered: bool  # a loop of some call ran in a kernel
    calls: int
    difference: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first thing that a decorated call did otherwise."""

    aspect: (
        str  # "exception", "memory", "argument", "return", "warnings", "printed", "module", "fault"
    )
    call: int
    expected: str
    actual: str
    log: str  # the decorated function's traceback, where it raised


def run_trial(
    trial: Trial, decorate: Decorate, folder: Path, coverage: Coverage | None = None
) -> Result:
    """Return whether the decorated function did in each call what the plain one did."""
    path = folder / f"drawn_{next(_numbers)}.py"
    path.write_text(trial.source, encoding="utf-8")
    try:
        plain, decorated = load(path, "plain"), decorate(load(path, "decorated"))
        return compare_calls(trial, plain, decorated, coverage)
    finally:
        path.unlink()
        for use in ("plain", "decorated"):
            sys.modules.pop(f"{path.stem}_{use}", None)


def run_plainly(trial: Trial) -> None:
    """Make the calls of a trial in the interpreter, whatever they raise but a TimeoutError."""
    scope: dict[str, Any] = {"__name__": "drawn"}
    exec(trial.source, scope)
    for call in trial.calls:
        quiet = contextlib.redirect_stdout(io.StringIO())
        with warnings.catch_warnings(), np.errstate(all="ignore"), quiet:
            warnings.simplefilter("ignore")
            try:
                scope["kernel"](*call.arguments())
            except TimeoutError:
                raise
            except Exception:  # noqa: BLE001 - as in `observe`
                continue


def compare_calls(
    trial: Trial, plain: Function, decorated: Function, coverage: Coverage | None = None
) -> Result:
    """Return the first difference between the calls of two functions."""
    has_entered = False
    for index, call in enumerate(trial.calls):
        # Made twice instead of copied: some of what is odd about arrays does not survive a copy.
        arguments, others = call.arguments(), call.arguments()
        kind = overlap_class([each for each in arguments if isinstance(each, np.ndarray)])
        with np.errstate(divide=call.errors, over=call.errors, invalid=call.errors):
            expected = observe(plain, arguments)
            actual = observe(decorated, others)
        if in_kernel(decorated):
            has_entered = True
            if coverage is not None:
                coverage.note(trial.source, arguments, kind)
        if in_kernel(decorated, frozenset({"cuda"})) and actual.warnings <= expected.warnings:
            # A device does not say that something overflowed: warnings may be missing there.
            actual = replace(actual, warnings=expected.warnings)
        found = first_difference(expected, actual, index) or _fault(decorated, index)
        if found is not None:
            return Result(has_entered=has_entered, calls=index + 1, difference=found)
    return Result(has_entered=has_entered, calls=len(trial.calls), difference=None)


def _fault(decorated: Function, call: int) -> Difference | None:
    """Return the fault of ours (AP900) that sent a loop of the last call to the interpreter."""
    report = getattr(decorated, "last_run", None)
    faults = [] if report is None else faults_in(report)
    if not faults:
        return None
    return Difference(aspect="fault", call=call, expected="none", actual=faults[0], log=str(report))


def load(path: Path, use: str) -> Function:
    """Return the function `kernel` of the module at `path`, imported so that `inspect` finds its source."""
    name = f"{path.stem}_{use}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one call did, as far as it can be seen from outside."""

    arguments: list[Any]
    memory: list[object]
    returned: object
    returned_argument: tuple[int, ...]  # positions of the arguments that were returned themselves
    exception: tuple[str, str, int] | None  # type, message, line in the generated file
    warnings: frozenset[tuple[str, str]]
    log: str
    printed: str = ""
    module: str = ""  # generators of random numbers and `LOG`, afterwards


def observe(function: Function, arguments: list[Any]) -> Outcome:
    """Return what `function` does when it is called with `arguments`."""
    returned, exception, log = None, None, ""
    plain = getattr(function, "__wrapped__", function)
    file = plain.__code__.co_filename
    np.random.seed(1)
    random.seed(1)
    shown = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(shown):
        warnings.simplefilter("always")
        try:
            returned = function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever the program raises is to be the same
            exception = type(error).__qualname__, str(error), line_in(error, file)
            log = "".join(traceback.format_exception(error))
    return Outcome(
        arguments=arguments,
        memory=all_bytes(arguments),
        returned=returned,
        returned_argument=tuple(i for i, item in enumerate(arguments) if item is returned),
        exception=exception,
        warnings=frozenset(
            (w.category.__qualname__, event_of(str(w.message)))
            for w in caught
            if w.category.__qualname__ != OURS
        ),
        log=log,
        printed=shown.getvalue(),
        module=_state_of(plain.__globals__),
    )


def _state_of(module: dict[str, Any]) -> str:
    """Return what a module keeps between calls, and the generators of everybody."""
    states: list[object] = [np.random.get_state(legacy=False), random.getstate(), module.get("LOG")]
    for value in module.values():
        if isinstance(value, np.random.Generator):
            states.append(value.bit_generator.state)
        elif isinstance(value, np.random.RandomState):
            states.append(value.get_state(legacy=False))
        elif isinstance(value, random.Random):
            states.append(value.getstate())
    with np.printoptions(threshold=10_000):
        return repr(states)


def event_of(message: str) -> str:
    """Return what a warning says happened, without the operation it names.

    The processor's flags tell that something overflowed, not in which operation: where a
    region may not be run again, the first that could have done it is named (semantics,
    "RuntimeWarning of NumPy arithmetic").
    """
    return re.sub(r" encountered in .*", " encountered", message)


def line_in(error: BaseException, file: str) -> int:
    """Return the innermost line of `file` in the traceback of `error`, 0 if there is none."""
    frames: types.TracebackType | None = error.__traceback__
    line = 0
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == file:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line


def first_difference(expected: Outcome, actual: Outcome, call: int) -> Difference | None:
    """Return the first aspect in which two calls differ, None if they agree in all."""
    pairs: list[tuple[str, object, object, bool]] = [
        ("exception", expected.exception, actual.exception, expected.exception == actual.exception),
        ("memory", expected.arguments, actual.arguments, expected.memory == actual.memory),
        (
            "argument",
            expected.arguments,
            actual.arguments,
            is_same(expected.arguments, actual.arguments),
        ),
        (
            "return",
            expected.returned,
            actual.returned,
            expected.returned_argument == actual.returned_argument
            and is_same(expected.returned, actual.returned),
        ),
        ("warnings", expected.warnings, actual.warnings, expected.warnings == actual.warnings),
        ("printed", expected.printed, actual.printed, expected.printed == actual.printed),
        ("module", expected.module, actual.module, expected.module == actual.module),
    ]
    for aspect, wanted, found, is_equal in pairs:
        if not is_equal:
            return Difference(
                aspect=aspect,
                call=call,
                expected=_shown(wanted),
                actual=_shown(found),
                log=actual.log,
            )
    return None


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(_shown(item) for item in value)
    if isinstance(value, np.ndarray):
        with np.printoptions(threshold=20, edgeitems=6):
            return f"{type(value).__name__} {value.dtype} {value.shape}: {value!r}"
    return f"{type(value).__name__}: {value!r}"


def in_kernel(function: Function, backends: frozenset[str] = KERNELS) -> bool:
    """Return whether some loop of the last call ran in a kernel, by the report of that call."""
    report = getattr(function, "last_run", None)
    if report is None:
        return False
    loops = [loop for item in report.to_dict()["functions"] for loop in item["loops"]]
    return any((loop.get("ran") or {}).get("backend") in backends for loop in loops)
