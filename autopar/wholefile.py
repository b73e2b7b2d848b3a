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
import sys
import tokenize
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from importlib.machinery import ModuleSpec
from pathlib import Path
from time import perf_counter
from types import CodeType, ModuleType, TracebackType

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceText
from autopar.codegen import cudalib
from autopar.codegen.spent import spending

from .options import BackendError, choose_options, is_disabled
from .own_modules import own_modules
from .rewrite import rewrite_module
from .sampling import Sampler
from .takeover import Takeover
from .time_lines import joined, moved
from .version import VERSION


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
    modules: tuple[ReportData, ...] = ()  # of the program's own, in the order of their import


def run_script(path: str | Path, arguments: Sequence[str], options: RunOptions) -> RunOutcome:
    """Run a script as `python path arguments...` would, with its loops taken over."""
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
        return program.run(module, _read(file), [str(path), *arguments])


def _absolute(path: str) -> str:
    """Return what Python makes of a script's path: `./x` stays as it is, behind the folder."""
    return path if os.path.isabs(path) else f"{os.getcwd()}/{path}"  # noqa: PTH109, PTH117  # as Python does


def _folder_of(path: str) -> str:
    """Return what Python puts first in sys.path: one link of the script itself is followed."""
    if os.path.islink(path):  # noqa: PTH114
        path = os.path.join(os.path.dirname(path), os.readlink(path))  # noqa: PTH115, PTH118, PTH120
    return os.path.realpath(os.path.dirname(path))  # noqa: PTH120


def run_module(name: str, arguments: Sequence[str], options: RunOptions) -> RunOutcome:
    """Run a module as `python -m name arguments...` would, with its loops taken over."""
    program = _Program(options)
    sys.path[0] = os.getcwd()  # noqa: PTH109  # as Python does
    with own_modules(program.take):  # packages around the module are imported to find it
        spec = _spec_to_run(name)
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            sys.stderr.write(f"{sys.executable}: No module named {name}\n")
            empty = ReportData(version=VERSION, text=None, functions=())
            return RunOutcome(exit_status=1, report=empty)
        module = ModuleType("__main__")
        module.__dict__.update(
            __file__=spec.origin,
            __builtins__=builtins,
            __spec__=spec,
            __loader__=spec.loader,
            __package__=spec.parent,
            __cached__=spec.cached,
        )
        return program.run(module, _read(spec.origin), [spec.origin, *arguments])


def _spec_to_run(name: str) -> ModuleSpec | None:
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        return None
    return spec


def _read(path: str) -> SourceText:
    with tokenize.open(path) as file:
        return SourceText(path=path, text=file.read(), cell=None)


class _Program:
    """A program on its way: the file that is run, and the modules of its own that it imports."""

    def __init__(self, run_options: RunOptions) -> None:
        self._wanted = run_options
        self._options = choose_options(backend=run_options.backend or "auto")
        if self._options.backend == "cuda" and not cudalib.is_available():
            raise BackendError("backend 'cuda' was asked for, but no CUDA device was found.")
        self._begun = perf_counter()
        self._modules: list[Takeover] = []
        self._paths: set[str] = set()  # of files that are taken over

    def run(self, module: ModuleType, text: SourceText, argv: list[str]) -> RunOutcome:
        """Run the text of `__main__` and return what became of it."""
        main = Takeover(text=text, shown=argv[0], options=self._options, module=module)
        plain = compile(text.text, text.path, "exec", dont_inherit=True)
        code = self._rewritten(main, plain)
        sys.argv = argv
        sys.modules["__main__"] = module
        sampler = Sampler(self._paths) if self._wanted.is_watched else None
        if sampler is not None:
            sampler.start()
        status = _execute(code, module)
        ended = perf_counter()
        if sampler is not None:
            sampler.stop()
        return self._outcome(status, [main, *self._modules], ended, sampler)

    def _outcome(
        self, status: int, files: list[Takeover], ended: float, sampler: Sampler | None
    ) -> RunOutcome:
        """Return what became of a program, with where its time went and what would gain most."""
        reports = [(each.text.path, each.report()) for each in files]
        lines = (moved(each.time(), each.record.begun - self._begun) for each in files)
        (_, report), *modules = reports
        report = replace(report, time=joined(lines, ended - self._begun))
        if sampler is not None:
            from .advice import changes

            report = replace(report, changes=changes(reports, sampler.seconds))
        taken = tuple(each for _, each in modules if each.functions)
        return RunOutcome(exit_status=status, report=report, modules=taken)

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
                from autopar.analysis.stages import usual_names

                names = usual_names(taken.text)
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


def _execute(code: CodeType, module: ModuleType) -> int:
    """Return the exit status of running `code` as a program."""
    try:
        exec(code, module.__dict__)  # the user's program
    except SystemExit as error:
        return _exit_status(error)
    except KeyboardInterrupt as error:
        _show(error)
        return 130  # 128 + SIGINT, as a shell has it
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
    """Print the traceback of the user's program, without the frame that started it."""
    own: TracebackType | None = error.__traceback__
    inner = None if own is None else own.tb_next
    error.__traceback__ = inner
    sys.excepthook(type(error), error, inner)
