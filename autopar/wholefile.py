"""Whole-file mode: run an unmodified script with its loops taken over.

Before:  python heat.py 100             After:  autopar run heat.py 100

The file's module-level loops and the functions it defines are guarded, and so are those of the
modules that the program brings along; `sys.argv`, `__name__ == "__main__"`, exit status, output
and tracebacks are those of `python`.
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import runpy
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from time import perf_counter
from types import CodeType, ModuleType, TracebackType
from typing import NoReturn

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceText
from autopar.codegen import cudalib
from autopar.codegen.spent import spending

from .input_file import is_importable
from .options import BackendError, choose_options, is_disabled
from .own_modules import LOOKED_UP_BY, own_modules
from .rewrite import rewrite_module
from .sampling import Sampler
from .takeover import Takeover
from .time_lines import joined, moved
from .version import VERSION

# 128 + SIGINT, as a shell has it; the bit above tells it from a program that says so itself.
INTERRUPTED = 0x182
# What ends `python` before the first line of a script runs.
_NO_PROGRAM = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What `autopar run` was asked for."""

    backend: str | None = None  # None: as the environment has it
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    is_watched: bool = False  # for what would gain most: a thread looks where the time goes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What became of a run."""

    exit_status: int
    report: ReportData
    is_interrupted: bool = False  # by Ctrl-C
    modules: tuple[ReportData, ...] = ()  # of the program's own, in the order of their import


def run_script(path: str | Path, arguments: Sequence[str], options: RunOptions) -> RunOutcome:
    """Run a script as `python path arguments...` would, with its loops taken over."""
    if is_importable(str(path)):
        return _run_main(_absolute(str(path)), "__main__", [str(path), *arguments], options)
    program = _Program(options)
    module = ModuleType("__main__")
    file = _absolute(str(path))
    loader = importlib.util.spec_from_file_location("__main__", file)
    module.__dict__.update(
        __file__=file,
        __builtins__=builtins,
        __loader__=None if loader is None else loader.loader,
        __cached__=None,
    )
    sys.path[0] = _folder_of(str(path))
    with own_modules(program.take):
        try:
            code = program.script_code(module, file, str(path))
            run: Callable[[], object] = partial(exec, code, vars(module))
        except _NO_PROGRAM as error:
            run = partial(_refuse, _said_of_bytes(file, error))
        return program.run(module, [str(path), *arguments], run)


def _said_of_bytes(file: str, error: BaseException) -> BaseException:
    """Return what Python says of a file without a program: it compiles bytes, not text."""
    try:
        compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
    except _NO_PROGRAM as found:
        error = found
    return error.with_traceback(None)


def _refuse(error: BaseException) -> NoReturn:
    raise error from None


def _absolute(path: str) -> str:
    """Return what Python makes of a script's path: `./x` stays as it is, behind the folder."""
    return path if os.path.isabs(path) else f"{os.getcwd()}/{path}"  # noqa: PTH109, PTH117  # as Python does


def _folder_of(path: str) -> str:
    """Return what Python puts first in sys.path: one link of the script itself is followed."""
    if os.path.islink(path):  # noqa: PTH114
        path = os.path.join(os.path.dirname(path), os.readlink(path))  # noqa: PTH115, PTH118, PTH120
    return os.path.realpath(os.path.dirname(path))  # noqa: PTH120


def run_module(name: str, arguments: Sequence[str], options: RunOptions) -> RunOutcome:
    """Run a module as `python -m name arguments...` would, with its loops taken over.

    Python's own `runpy` does it, so that messages and tracebacks are its; a module of the standard
    library, or an installed one, runs as it is, and takes modules of the program along.
    """
    here = os.getcwd()  # noqa: PTH109  # as Python does
    return _run_main(here, name, ["-m", *arguments], options)


def _run_main(place: str, name: str, argv: list[str], options: RunOptions) -> RunOutcome:
    """Run the module `name`, which is looked for in `place` first."""
    program = _Program(options)
    sys.path[0] = place
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    run_as_main = runpy._run_module_as_main  # type: ignore[attr-defined]  # noqa: SLF001  # what `-m` calls
    with own_modules(program.take, name) as is_own:

        def taken(spec: ModuleSpec, plain: CodeType) -> CodeType:
            return program.main_code(module, spec, plain) if is_own(spec) else plain

        with _found_by_runpy(taken):
            run = partial(run_as_main, name, alter_argv=argv[0] == "-m")
            return program.run(module, argv, run)


@contextmanager
def _found_by_runpy(taken: Callable[[ModuleSpec, CodeType], CodeType]) -> Iterator[None]:
    """Let `taken` give the code of the module that `runpy` finds next."""
    find = runpy._get_module_details  # type: ignore[attr-defined]  # noqa: SLF001  # nothing else tells it

    def found(name: str, error: type[Exception] = ImportError) -> tuple[str, ModuleSpec, CodeType]:
        runpy._get_module_details = find  # type: ignore[attr-defined]  # noqa: SLF001  # as it was
        name, spec, code = find(name, error)
        return name, spec, taken(spec, code)

    runpy._get_module_details = found  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        yield
    finally:
        runpy._get_module_details = find  # type: ignore[attr-defined]  # noqa: SLF001


def _read(path: str) -> SourceText:
    with tokenize.open(path) as file:
        return SourceText(path=path, text=file.read(), cell=None)


def _is_looked_at() -> bool:
    """Return whether Python goes on reading from the terminal behind a program."""
    return bool(sys.flags.inspect or os.environ.get("PYTHONINSPECT"))


class _Program:
    """A program on its way: the file that is run, and the modules of its own that it imports."""

    def __init__(self, run_options: RunOptions) -> None:
        self._wanted = run_options
        self._options = choose_options(backend=run_options.backend or "auto")
        if self._options.backend == "cuda" and not cudalib.is_available():
            raise BackendError("backend 'cuda' was asked for, but no CUDA device was found.")
        self._begun = perf_counter()
        self._main: Takeover | None = None
        self._modules: list[Takeover] = []
        self._paths: set[str] = set()  # of files that are taken over

    def script_code(self, module: ModuleType, file: str, shown: str) -> CodeType:
        """Return the code of the script in `file`, its loops taken over."""
        text = _read(file)
        plain = compile(text.text, text.path, "exec", dont_inherit=True)
        return self._taken_over(text, shown, module, plain)

    def main_code(self, module: ModuleType, spec: ModuleSpec, plain: CodeType) -> CodeType:
        """Return the code of a module that is run, its loops taken over."""
        try:
            text = _read(spec.origin or "")
        except (OSError, SyntaxError, ValueError):  # Python may have it from its cache
            return plain
        return self._taken_over(text, text.path, module, plain)

    def _taken_over(
        self, text: SourceText, shown: str, module: ModuleType, plain: CodeType
    ) -> CodeType:
        self._main = Takeover(
            text=text,
            shown=shown,
            options=self._options,
            module=module,
            is_script=not _is_looked_at(),
        )
        return self._rewritten(self._main, plain)

    def run(self, module: ModuleType, argv: list[str], run: Callable[[], object]) -> RunOutcome:
        """Run `module` as the program and return what became of it."""
        sys.argv = argv
        sys.modules["__main__"] = module
        sampler = Sampler(self._paths) if self._wanted.is_watched else None
        if sampler is not None:
            sampler.start()
        status = _execute(run)
        ended = perf_counter()
        if sampler is not None:
            sampler.stop()
        return self._outcome(status, ended, sampler)

    def _outcome(self, status: int, ended: float, sampler: Sampler | None) -> RunOutcome:
        """Return what became of a program, with where its time went and what would gain most."""
        files = [*([self._main] if self._main is not None else ()), *self._modules]
        reports = [(each.text.path, each.report()) for each in files]
        lines = tuple(moved(each.time(), each.record.begun - self._begun) for each in files)
        if sampler is not None:
            from .interpreter_times import watched

            lines = watched(lines, reports, sampler.seconds)
        modules = reports[1:] if self._main is not None else reports
        none = ReportData(version=VERSION, text=None, functions=())
        report = reports[0][1] if self._main is not None else none
        report = replace(report, time=joined(lines, ended - self._begun))
        if sampler is not None:
            from .advice import changes

            report = replace(report, changes=changes(reports, sampler.seconds))
        taken = tuple(each for _, each in modules if each.functions)
        return RunOutcome(
            exit_status=status & 0xFF,
            report=report,
            is_interrupted=status == INTERRUPTED,
            modules=taken,
        )

    def take(self, module: ModuleType, path: str, plain: CodeType) -> CodeType:
        """Return the code of a module of the program's own with guards at its loops."""
        try:
            text, shown = _read(path), os.path.relpath(path)
        except (OSError, SyntaxError, ValueError):  # Python may have it from its cache
            return plain
        taken = Takeover(text=text, shown=shown, options=self._options, module=module)
        self._modules.append(taken)
        return self._rewritten(taken, plain)

    def _rewritten(self, taken: Takeover, plain: CodeType) -> CodeType:
        wanted = _is_wanted(taken, self._wanted) and not is_disabled()
        if not wanted or self._options.backend == "interpreter":
            return plain
        self._paths.add(taken.text.path)
        try:
            with spending("analysis"):
                names = taken.outline.names
                sites, decoration = taken.prepare_module(plain, names, are_sure=False)
                has_device = self._options.backend == "cuda"
                return rewrite_module(taken.text, sites, decoration, has_device=has_device)
        except Exception as error:  # noqa: BLE001  # ours, not the user's: AP900, run untouched
            taken.give_up(error)
            return plain
        finally:
            taken.record.collect(None, taken.record.begun)


def _is_wanted(run: Takeover, run_options: RunOptions) -> bool:
    """Return whether the file is to be taken over, by the globs for its path or name."""
    names = (run.shown, run.text.path, Path(run.text.path).name)

    def matches(patterns: tuple[str, ...]) -> bool:
        return any(fnmatch(name, pattern) for name in names for pattern in patterns)

    included = not run_options.include or matches(run_options.include)
    return included and not matches(run_options.exclude)


def _execute(run: Callable[[], object]) -> int:
    """Return the exit status of the program that `run` runs, without a frame of its own."""
    try:
        run()
    except SystemExit as error:
        return _exit_status(error)
    except KeyboardInterrupt as error:
        _show(error)
        return INTERRUPTED
    except BaseException as error:  # noqa: BLE001  # whatever ends a program ends it here
        _show(error)
        return 1
    return 0


def _exit_status(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def _show(error: BaseException) -> None:
    """Print the traceback of the user's program, without the frames that started it."""
    inner = _without_ours(error.__traceback__)
    error.__traceback__ = inner
    sys.excepthook(type(error), error, inner)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without frames of ours."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    each = trace
    while each is not None:
        while each.tb_next is not None and _is_ours(each.tb_next):
            each.tb_next = each.tb_next.tb_next
        each = each.tb_next
    return trace


def _is_ours(trace: TracebackType) -> bool:
    code = trace.tb_frame.f_code
    return code.co_filename == __file__ or code is LOOKED_UP_BY
