"""A text whose loops are taken over: those of its module level, and of the functions it defines.

Before:  the text of a script or of a cell     After:  the same with guards before its loops

What a whole file and a notebook's cell have in common: functions are prepared when they are
defined, and one record keeps what happened in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from functools import partial
from time import perf_counter
from types import CodeType, FunctionType, ModuleType

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.report import in_cell
from autopar.analysis.model.source import MODULE, CalleeSource, SourceFunction, SourceText
from autopar.analysis.model.time_line import TimeLine, time_in_cell
from autopar.codegen.spent import spending

from .callees import read_with_callees
from .functions import identity_guards
from .handed_over import Decorated, note_taken
from .options import Options
from .outline import Outline, outline_of
from .prepare import Prepared, failed, prepare, with_runs
from .record import Home, Records, RunRecord
from .rewrite import rewrite_function
from .sites import AnySite, Decoration
from .time_lines import joined, time_line
from .version import VERSION
from .watch import ModuleBindings, watch_known


@dataclass(slots=True, kw_only=True)
class Takeover:
    """One text and its run: what was prepared, and what happened."""

    text: SourceText
    shown: str  # the path in the report: as the user gave it
    cell: int | None = None  # of a notebook
    options: Options
    module: ModuleType
    is_script: bool = False  # the main program: nobody sees its names once it has ended
    record: RunRecord = field(default_factory=RunRecord)
    records: Records = field(init=False)
    prepared: dict[tuple[str, int], Prepared] = field(default_factory=dict)
    # Functions that decorators of the user's took back, and what reports on them.
    handed_over: dict[tuple[str, int], Decorated] = field(default_factory=dict)
    regions: int = 0
    ended: float | None = None  # of a cell: when it had run, on the clock of `perf_counter`
    _outline: Outline | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.record.begun = perf_counter()
        self.records = Records(Home(), self.record)

    @property
    def outline(self) -> Outline:
        """What the names of the text mean, and where its functions stand.

        Raises SyntaxError where it is not Python.
        """
        if self._outline is None:
            self._outline = outline_of(self.text, self.options)
        return self._outline

    def prepare_module(
        self,
        plain: CodeType,
        names: Mapping[str, str],
        *,
        are_sure: bool,
        callees: tuple[CalleeSource, ...] = (),
    ) -> tuple[tuple[AnySite, ...], Decoration]:
        """Return the sites of module level, and which functions are decorated.

        `names` are what the outside names of the text are taken to mean; `are_sure` says that
        somebody looked, so that they are believed before the names which the text suggests;
        `callees` are functions of other texts among what they mean.
        """
        known = tuple(names.items()) if are_sure else None
        source = SourceFunction(
            text=self.text,
            qualified_name=MODULE,
            line=1,
            known_names=known,
            callees=callees,
            is_script=self.is_script,
        )
        hold = ModuleBindings(FunctionType(plain, self.module.__dict__), self.text, names)
        prepared = self.prepare(source, hold)
        decoration = Decoration(positions=self.outline.loop_functions, decorate=self.decorate)
        return prepared.sites, decoration

    def give_up(self, error: Exception) -> None:
        """Note that the text could not be rewritten; it runs untouched (AP900)."""
        source = SourceFunction(text=self.text, qualified_name=MODULE, line=1, known_names=None)
        self.prepared.clear()
        self.prepared[source.qualified_name, source.line] = failed(source, "rewrite", error)

    def prepare(self, source: SourceFunction, bindings_hold: object) -> Prepared:
        """Return what is known of a function of the file; analysed once."""
        key = (source.qualified_name, source.line)
        if key not in self.prepared:
            with spending("analysis"):
                made = prepare(source, self.options, self.records, bindings_hold, self.regions)  # type: ignore[arg-type]  # a callable
            self.record.collect(None, self.record.begun)
            self.regions += len(made.regions)
            self.prepared[key] = made
        return self.prepared[key]

    def decorate(self, function: FunctionType) -> FunctionType:
        """Return a function of the file with guards before its regions."""
        source = read_with_callees(function, self.text)
        if not isinstance(source, SourceFunction):
            return function
        names = [name for name, _ in source.known_names or ()]
        guards = identity_guards(function, names)
        key = (source.qualified_name, source.line)
        is_closure = any(binding.kind == "closure" for binding in guards)
        if key in self.prepared and is_closure:
            # The regions watch what the first such closure captured.
            return function
        prepared = self.prepare(source, watch_known(function, names, self.text))
        decoration = Decoration(positions=self.outline.loop_functions, decorate=self.decorate)
        try:
            has_device = self.options.backend == "cuda"
            rewritten = rewrite_function(
                function, source, prepared.sites, decoration, has_device=has_device
            )
            note_taken(rewritten, partial(self._hand_over, key))
            return rewritten
        except Exception as error:  # noqa: BLE001  # ours, not the user's: AP900, run untouched
            self.prepared[key] = failed(source, "rewrite", error)
            return function

    def _hand_over(self, key: tuple[str, int], decorated: Decorated) -> None:
        """Let a decorator of the user's have a function: `decorated`, as which it reports."""
        decorated.keep_all(self.record.begun)
        self.handed_over[key] = decorated

    def time(self) -> TimeLine:
        """Return where the time went, from the text's begin to its end if that is known."""
        found = time_line(self.prepared.values(), self.record, self.shown, self.ended)
        lines = (found, *(each.whole_time(self.shown) for each in self.handed_over.values()))
        return time_in_cell(joined(lines, found.seconds), self.cell)

    def report(self) -> ReportData:
        """Return the report of the run, functions that were never defined left out."""
        functions = tuple(
            self.handed_over[key].whole_report()
            if key in self.handed_over
            else with_runs(each, self.record)
            for key, each in sorted(self.prepared.items(), key=lambda item: item[0][1])
        )
        return ReportData(
            version=VERSION,
            text=replace(self.text, path=self.shown, cell=self.cell),
            functions=tuple(
                in_cell(each, self.cell) for each in functions if each.loops or each.refusal
            ),
        )
