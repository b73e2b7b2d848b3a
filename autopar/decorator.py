"""`@autopar.parallel` and `autopar.explain`.

A decorated function is analysed at its first call (or when it is asked to explain itself) and
rewritten so that guards stand before its regions; the undecorated one stays in `__wrapped__`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.report import FunctionReport, NestOrder
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.model.time_line import TimeLine
from autopar.codegen import cudalib
from autopar.codegen.forks import Lock
from autopar.codegen.spent import spending

from .callees import read_with_callees
from .handed_over import as_written, hand_over
from .kernel_sources import kernel_sources, sources_of_loops
from .options import BackendError, Options, choose_options, is_disabled
from .prepare import Prepared, failed, prepare, refused_report, with_runs
from .record import Home, Records, RunRecord, room
from .rewrite import rewrite_function
from .stacks import has_little_stack
from .time_lines import time_line, time_line_of_call
from .version import VERSION
from .watch import watch_known

if TYPE_CHECKING:  # rich comes with it
    from .report import Report

P = ParamSpec("P")
R = TypeVar("R")


class ParallelFunction(Generic[P, R]):
    """A function whose proven-parallel loops run in parallel."""

    __wrapped__: Callable[P, R]
    is_autopar_wrapper = True  # a call of it does what a call of the function does

    def __init__(self, function: Callable[P, R], options: Options) -> None:
        functools.update_wrapper(self, function)
        self._options = options
        self._records = Records(Home())
        self._lock = Lock()
        self._prepared: Prepared | None = None
        self._source: SourceFunction | None = None
        self._guarded: Callable[P, R] | None = None
        self._last: RunRecord | None = None
        self._all: RunRecord | None = None  # of all calls, for a run that reports on them
        self._room = 0  # bytes of a record that native code writes

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the undecorated function would have returned."""
        begun, guarded = perf_counter(), self._guarded
        is_first = guarded is None
        guarded = guarded or self._make_guarded()
        record = RunRecord(self._room)
        record.begun = begun
        if is_first:
            record.collect(None, begun)
        records = self._records
        if records.off:
            records.wake()
        stack = records.stack
        stack.append(record)
        try:
            return guarded(*args, **kwargs)
        finally:
            stack.pop()
            record.ended = perf_counter()
            self._last = record
            if self._all is not None:
                with self._lock:
                    self._all.take(record)

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401  # itself, or a bound method
        """Bind as a method, as functions do."""
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<autopar.parallel {self.__wrapped__!r}>"

    def __reduce__(self) -> str:
        # Pickled by name, as functions are: the name leads to this object again.
        return self.__wrapped__.__qualname__

    # ----------------------------------------------------------------------- reports

    def explain(self) -> Report:
        """Return the report of the static stage; needs no call."""
        return self._report(self._prepare().report)

    @property
    def last_run(self) -> Report | None:
        """Report of the last call: what was decided then, and where each loop ran."""
        if self._last is None:
            return None
        prepared = self._prepare()
        file = prepared.report.name if self._source is None else _shown(self._source.text).path
        is_whole = not self._records.key.has_slept
        time = time_line_of_call(prepared, self._last, file, is_whole=is_whole)
        return self._report(
            with_runs(prepared, self._last), sources_of_loops(prepared.regions), time=time
        )

    def keep_all(self, begun: float) -> None:
        """Keep what happens in all calls from now on, as counted from `begun`."""
        self._all = RunRecord()
        self._all.begun = begun

    def whole_report(self) -> FunctionReport:
        """Return what became of the loops in all calls; before the first, what is known of them."""
        prepared = self._prepare()
        return prepared.report if self._all is None else with_runs(prepared, self._all)

    def whole_time(self, file: str) -> TimeLine:
        """Return where the time of all calls went."""
        if self._all is None or self._prepared is None:
            return TimeLine(seconds=None, spells=())
        return time_line((self._prepared,), self._all, file, None)

    def inspect_source(self) -> dict[str, str]:
        """Return {region name: generated source} of every kernel compiled so far."""
        return kernel_sources(self._prepare().regions)

    def _report(
        self,
        function: FunctionReport,
        kernels: tuple[tuple[str, tuple[str, ...]], ...] = (),
        time: TimeLine | None = None,
    ) -> Report:
        from .report import Report

        text = None if self._source is None else _shown(self._source.text)
        data = ReportData(
            version=VERSION, text=text, functions=(function,), kernels=kernels, time=time
        )
        return Report(content=data, ordered=functools.cache(self._ordered))

    def _ordered(self) -> tuple[NestOrder, ...]:
        from .orders import orders_of

        return orders_of(self._prepare().regions)

    # ------------------------------------------------------------------- preparation

    def _prepare(self) -> Prepared:
        with self._lock:
            if self._prepared is None:
                with spending("analysis"):
                    self._prepared = self._analysed()
            return self._prepared

    def _analysed(self) -> Prepared:
        source = read_with_callees(self.__wrapped__)
        if isinstance(source, Refusal):
            name = getattr(self.__wrapped__, "__qualname__", repr(self.__wrapped__))
            reason = source.reasons[0]
            report = refused_report(name, reason.span.line, reason)
            return Prepared(described=lambda: report, regions=(), sites=())
        self._source = source
        assert isinstance(self.__wrapped__, FunctionType)  # it has a source
        names = [name for name, _ in source.known_names or ()]
        hold = watch_known(self.__wrapped__, names, source.text)
        return prepare(source, self._options, self._records, hold)

    def _make_guarded(self) -> Callable[P, R]:
        with self._lock:
            if self._guarded is None:
                if has_little_stack():
                    return self.__wrapped__
                with spending("analysis"):
                    self._guarded = self._rewritten()
                self._room = room(len(self._prepare().regions))
            return self._guarded

    def _rewritten(self) -> Callable[P, R]:
        if self._options.backend == "interpreter":
            return self.__wrapped__
        if self._options.backend == "cuda" and not cudalib.is_available():
            raise BackendError("backend='cuda' was asked for, but no CUDA device was found.")
        prepared = self._prepare()
        if self._source is None or not prepared.sites:
            return self.__wrapped__
        assert isinstance(self.__wrapped__, FunctionType)  # it has a source
        try:
            has_device = self._options.backend == "cuda"
            return rewrite_function(
                self.__wrapped__, self._source, prepared.sites, has_device=has_device
            )
        except Exception as error:  # noqa: BLE001  # ours, not the user's: AP900, run undecorated
            self._prepared = failed(self._source, "rewrite", error)
            return self.__wrapped__


@overload
def parallel(
    func: Callable[P, R],
    *,
    backend: str = "auto",
    strict: bool = False,
    fastmath: bool = False,
    cache: bool = True,
) -> ParallelFunction[P, R]: ...


@overload
def parallel(
    func: None = None,
    *,
    backend: str = "auto",
    strict: bool = False,
    fastmath: bool = False,
    cache: bool = True,
) -> Callable[[Callable[P, R]], ParallelFunction[P, R]]: ...


def parallel(
    func: Callable[..., Any] | None = None,
    *,
    backend: str = "auto",
    strict: bool = False,
    fastmath: bool = False,
    cache: bool = True,
) -> Any:
    """Return `func` with its proven-parallel loops run in parallel; usable with or without `()`.

    `backend` is "auto", "cuda", "cpu" or "interpreter"; `strict` forbids reassociation of
    floating-point sums; `fastmath` allows contraction and fast approximations; `cache` keeps
    compiled kernels on disk. Raises BackendError for a backend that does not exist, and at the
    call for one that this machine lacks, TypeError for what cannot be called. The result is always
    the undecorated function's.
    """
    _refuse_others(func)
    options = choose_options(backend=backend, strict=strict, fastmath=fastmath, cache=cache)
    if is_disabled():
        return func if func is not None else (lambda function: function)
    return partial(_decorated, options) if func is None else _decorated(options, func)


def _refuse_others(given: object) -> None:
    """Raise TypeError for what is no function and makes none, as a classmethod does."""
    if given is not None and not callable(given) and not hasattr(given, "__get__"):
        hint = f"; write parallel(backend={given!r})" if isinstance(given, str) else ""
        raise TypeError(f"parallel() decorates a function, not {given!r}{hint}")


def _decorated(options: Options, function: Callable[..., Any]) -> ParallelFunction[..., Any]:
    """Return `function` decorated; one that a takeover has is taken back."""
    plain = as_written(function)
    made = ParallelFunction[..., Any](plain, options)  # type: ignore[arg-type]  # callable as before
    if plain is not function:
        hand_over(function, made)
    return made


def explain(x: object) -> Report:
    """Return the static report of a function, a module, or a path to a .py or .ipynb file.

    Runs none of the file's code. Raises OSError and SyntaxError for a file that cannot be
    read or is not Python, TypeError for anything else.
    """
    match x:
        case ParallelFunction():
            return x.explain()
        case str() | Path():
            return _explain_file(Path(x))
        case ModuleType() if x.__file__ is not None:
            return _explain_file(Path(x.__file__))
    if callable(x):
        return ParallelFunction(as_written(inspect.unwrap(x)), choose_options()).explain()  # type: ignore[arg-type]  # callable as before
    raise TypeError(f"cannot explain {x!r}: not a function, a module or a path")


def _explain_file(path: Path) -> Report:
    from .report import Report

    if path.suffix == ".ipynb":
        from .notebook_file import explain_notebook

        return Report(content=explain_notebook(path))
    from autopar.analysis.stages import explained

    text = SourceText(path=str(path), text=_decoded(path), cell=None)
    found = explained(text)
    data = ReportData(version=VERSION, text=text, functions=tuple(each for _, each in found))

    @functools.cache
    def ordered() -> tuple[NestOrder, ...]:
        from .orders import orders_in

        return orders_in(region for plan, _ in found for region in plan.regions)

    return Report(content=data, ordered=ordered)


def _shown(text: SourceText) -> SourceText:
    """Return a text under the name that its user knows: that of a cell is its number."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    cells = getattr(getattr(shell, "compile", None), "_filename_map", {})
    return replace(text, path=f"In [{cells[text.path]}]") if text.path in cells else text


def _decoded(path: Path) -> str:
    import tokenize

    with tokenize.open(path) as file:
        return file.read()
