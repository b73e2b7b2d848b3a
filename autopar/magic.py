"""Notebooks: `%load_ext autopar`, then `%%parallel` on a cell or `%autopar on` for all that follow.

Before:  %%parallel --backend cpu      After:  # autopar: --backend cpu
         for i in range(n):                    for i in range(n):
             y[i] = a * x[i]                       y[i] = a * x[i]
                                       with a guard before the loop when the cell is compiled

A cell is taken over as a whole file is: at the place where the shell makes a tree of its text,
so that history, line numbers and tracebacks stay those of the cell. Names mean what the cells
before have bound them to.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import itertools
import re
import shlex
import sys
import warnings
from collections import ChainMap, OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.display import display

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import NestOrder
from autopar.analysis.model.source import SourceText
from autopar.codegen import cudalib

from .callees import Callees
from .code_objects import FUTURE_FLAGS, with_constants
from .kernel_sources import sources_of_loops
from .options import BACKENDS, AutoparError, BackendError, Options, choose_options, is_disabled
from .report import Report
from .rewrite import rewrite_tree
from .sampling import Places, Sampler
from .takeover import Takeover

if TYPE_CHECKING:
    from IPython.core.compilerop import CachingCompiler
    from IPython.core.interactiveshell import InteractiveShell

# What `%%parallel` becomes: a comment, so that every line keeps its number.
_MARK = re.compile(r"# autopar:(.*)")
_CELL_MAGIC = re.compile(r"%%parallel\b(.*)")
# Magics that have the shell make a tree of their cell and compile that tree in turn.
_TIMING_MAGICS = frozenset({"time", "timeit"})
# A tree is compiled soon after it is made; what its strings stand for is kept for so many trees.
_TREES_KEPT = 16
# So many cells are in the report; a session may run for weeks.
_CELLS_KEPT = 1000
# So many places, each with those it came from, have a time in the interpreter.
_PLACES_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one cell, or the session, was asked for."""

    options: Options
    explain: bool = False


class Session:
    """What one shell does under autopar."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.always: Wish | None = None  # `%autopar on`
        self._cells: OrderedDict[int, Takeover] = OrderedDict()
        self._trees: OrderedDict[int, Mapping[str, object]] = OrderedDict()
        self._runs: Takeover | None = None  # the cell that is running
        self._to_show: Takeover | None = None  # at its end
        self._paths: set[str] = set()  # of the cells that were taken over
        self._sampler: Sampler | None = None  # looks where the cell that is running spends time
        self._seconds: defaultdict[Places, float] = defaultdict(float)  # in cells that have run
        self.running = 0  # the number of that cell

    def rewritten(self, source: str, name: str, flags: int) -> ast.Module | None:
        """Return the tree of a cell with guards; None where it is to run untouched."""
        wish = _wish_of(source) or self.always
        is_off = wish is None or is_disabled() or wish.options.backend == "interpreter"
        # A transformer of the user's (integers that become SymPy's) changes what the text means.
        if is_off or wish is None or self._shell.ast_transformers:
            return None
        number = next(_numbers)
        run = Takeover(
            text=SourceText(path=name, text=source, cell=None),
            shown=f"In [{self.running}]",
            cell=self.running,
            options=wish.options,
            module=self._shell.user_module,
        )
        tree, constants = _taken_over(run, flags & FUTURE_FLAGS, f"cell {number} ")
        _keep(self._cells, number, run, _CELLS_KEPT)
        _keep(self._trees, number, constants, _TREES_KEPT)
        self._runs, self._to_show = run, run if wish.explain else None
        self._watch(name)
        return tree

    def _watch(self, name: str) -> None:
        """Look from now on, until the cell has run, where the interpreter spends its time."""
        self._paths.add(name)
        if self._sampler is None:
            self._sampler = Sampler(self._paths)
            self._sampler.start()

    def watch_no_more(self) -> None:
        """Keep what was seen of the cells that have run."""
        if self._sampler is None:
            return
        self._sampler.stop()
        for places, seconds in self._sampler.seconds.items():
            self._seconds[places] += seconds
        self._sampler = None
        if len(self._seconds) > _PLACES_KEPT:
            dearest = sorted(self._seconds.items(), key=lambda item: -item[1])
            self._seconds = defaultdict(float, dearest[: _PLACES_KEPT // 2])

    def resolved(self, code: CodeType) -> CodeType:
        """Return `code` with the guards that strings in it stand for."""
        return with_constants(code, ChainMap(*map(dict, self._trees.values())))

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the reports as JSON, each with the text that its lines count in."""
        return [
            {**report.to_dict(), "cell": run.cell, "text": run.text.text}
            for run in self._cells.values()
            if (report := run.report()).functions
        ]

    def reports(self) -> tuple[Report, ...]:
        """Return the report of every cell that has a loop, in the order of their runs."""
        found = (_report_of(run, self._seconds) for run in self._cells.values())
        return tuple(report for report in found if report.functions)

    def show_wanted(self, *_: object) -> None:
        """Show the report of the cell that has just run, if that was asked for."""
        self.watch_no_more()
        if self._runs is not None:
            self._runs.ended, self._runs = perf_counter(), None
        run, self._to_show = self._to_show, None
        if run is not None:
            display(_report_of(run, self._seconds))  # type: ignore[no-untyped-call]  # IPython


def _report_of(run: Takeover, seconds: Mapping[Places, float]) -> Report:
    from .interpreter_times import watched

    @functools.cache  # for the text and for the page
    def ordered() -> tuple[NestOrder, ...]:
        from .orders import orders_of

        return orders_of(region for each in run.prepared.values() for region in each.regions)

    regions = [region for each in run.prepared.values() for region in each.regions]
    kernels = tuple((f"cell{run.cell}:{e}", text) for e, text in sources_of_loops(regions))
    content = replace(run.report(), kernels=kernels)
    (time,) = watched((run.time(),), ((run.text.path, content),), seconds)
    return Report(content=replace(content, time=time), ordered=ordered)


_numbers = itertools.count()
K = TypeVar("K")


def _keep(kept: OrderedDict[int, K], number: int, value: K, most: int) -> None:
    kept[number] = value
    if len(kept) > most:
        kept.popitem(last=False)


def _taken_over(
    run: Takeover, flags: int, prefix: str
) -> tuple[ast.Module | None, Mapping[str, object]]:
    """Return the tree of a cell with guards, and what strings in it stand for."""
    try:
        mode = flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # IPython has shown them
            plain = compile(run.text.text, run.text.path, "exec", mode, dont_inherit=True)
        callees = Callees(FunctionType(plain, vars(run.module)), run.text)
        names = _names(run, callees)
        sites, decoration = run.prepare_module(plain, names, are_sure=True, callees=callees.sources)
        has_device = run.options.backend == "cuda"
        tree, constants = rewrite_tree(
            run.text, sites, decoration, flags, prefix, has_device=has_device
        )
    except Exception as error:  # noqa: BLE001  # ours, not the user's: AP900, run untouched
        run.give_up(error)
        return None, {}
    return copy.deepcopy(tree), constants  # parts of it are shared with the next run of the cell


def _names(run: Takeover, callees: Callees) -> dict[str, str]:
    """Return what the outside names of a cell mean: what they are bound to, where they are.

    What the cell binds itself is taken to mean what its text says, as in a file.
    """
    namespace: Mapping[str, object] = vars(run.module)
    names = dict(run.outline.names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # IPython has shown them
        tree = ast.parse(run.text.text)
    mentioned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in sorted(mentioned - _bound(tree)):
        if name in namespace:
            meant = callees.meaning(namespace[name])
            names.pop(name, None)
            if meant is not None:
                names[name] = meant
    return names


def _bound(tree: ast.Module) -> set[str]:
    """Return every name that the text binds, in whatever scope."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.alias():
                found.add((node.asname or node.name).partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                found.add(name)
    return found


# ------------------------------------------------------------------------ what is asked for


class _Arguments(argparse.ArgumentParser):
    """A parser that tells the shell what is wrong instead of ending it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}")


def _parser() -> _Arguments:
    parser = _Arguments(prog="%%parallel", add_help=False)
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    parser.add_argument("--explain", action="store_true")
    return parser


def _parsed(line: str) -> Wish:
    """Return what the words after `%%parallel` ask for.

    Raises UsageError for what they do not understand, AutoparError for what is not there.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%%parallel: {error}") from error
    found = _parser().parse_args(words)
    if found.backend == "cuda" and not cudalib.is_available():
        raise BackendError("backend 'cuda' was asked for, but no CUDA device was found.")
    return Wish(options=choose_options(backend=found.backend), explain=found.explain)


def _wish_of(source: str) -> Wish | None:
    mark = _MARK.match(source)
    return None if mark is None else _parsed(mark[1])


def mark_cell(lines: list[str]) -> list[str]:
    """Replace `%%parallel` in the first line by a comment that says the same.

    What is wrong with it stays, and becomes the magic's complaint.
    """
    found = _CELL_MAGIC.match(lines[0]) if lines else None
    if found is None:
        return lines
    try:
        _parsed(found[1])
    except (UsageError, AutoparError):
        return lines
    mark, rest = f"# autopar:{found[1].rstrip()}\n", lines[1:]
    if rest and rest[0].startswith("%%"):  # another magic, of which this cell is the body
        return [rest[0], mark, *rest[1:]]
    return [mark, *rest]


@magics_class
class AutoparMagics(Magics):
    """`%autopar` and `%%parallel`."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self.session = session

    @line_magic
    def autopar(self, line: str) -> None:
        """Take over the loops of all cells that follow: `%autopar on`, `off`, `report`."""
        match line.split():
            case ["on"]:
                self.session.always = _parsed("")
            case ["off"]:
                self.session.always = None
            case ["report"]:
                reports = self.session.reports()
                for report in reports:
                    display(report)  # type: ignore[no-untyped-call]  # IPython
                if not reports:
                    print("autopar: no loop has been taken over yet.")  # noqa: T201  # the answer
            case _:
                raise UsageError("%autopar takes one word: on, off or report.")

    @cell_magic
    def parallel(self, line: str, cell: str) -> None:
        """Run this cell with its loops in parallel: `%%parallel [--backend B] [--explain]`.

        B is auto, cuda, cpu or interpreter. `--explain` shows what became of each loop.
        """
        _parsed(line)  # what is wrong with it is said here
        assert self.shell is not None  # a magic without a shell is a test's
        self.shell.run_cell(f"# autopar:{line}\n{cell}")  # type: ignore[no-untyped-call]  # IPython


# -------------------------------------------------------------------------------- the shell


def _guarding(base: type[CachingCompiler], session: Session) -> type[CachingCompiler]:
    """Return `base`, such that the trees it makes of cells have guards."""

    class GuardingCompiler(base):  # type: ignore[valid-type, misc]  # a class known when it runs
        autopar_session = session

        def ast_parse(
            self, source: str, filename: str = "<unknown>", symbol: str = "exec"
        ) -> ast.AST:
            tree: ast.AST = super().ast_parse(source, filename, symbol)
            caller = sys._getframe(1).f_code.co_name  # noqa: SLF001  # see _TIMING_MAGICS
            session.running = self._filename_map.get(filename, session.running)
            is_cell = filename in self._filename_map or caller in _TIMING_MAGICS
            if symbol != "exec" or not is_cell:
                return tree
            return session.rewritten(source, filename, self.flags) or tree

        def __call__(self, *arguments: Any, **named: Any) -> CodeType:  # noqa: ANN401  # Python's own differ
            return session.resolved(super().__call__(*arguments, **named))

    return GuardingCompiler


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make `%autopar` and `%%parallel` known to a shell: `%load_ext autopar`."""
    if session_of(shell) is not None:
        return
    session = Session(shell)
    # The compiler stays the same object: the shell's flags and file names are in it.
    shell.compile.__class__ = _guarding(type(shell.compile), session)
    shell.input_transformers_cleanup.append(mark_cell)
    shell.events.register("post_run_cell", session.show_wanted)
    shell.register_magics(AutoparMagics(shell, session))


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Undo it: `%unload_ext autopar`. Cells that were taken over stay so."""
    session = session_of(shell)
    if session is None:
        return
    session.always = None
    session.watch_no_more()
    shell.compile.__class__ = type(shell.compile).__mro__[1]
    shell.input_transformers_cleanup.remove(mark_cell)
    shell.events.unregister("post_run_cell", session.show_wanted)


def session_of(shell: InteractiveShell) -> Session | None:
    """Return what autopar does in a shell; None where it is not loaded."""
    found: Session | None = getattr(shell.compile, "autopar_session", None)
    return found
