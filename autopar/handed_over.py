"""Functions that a file or a cell took over, and that a decorator of the user's takes back.

Before:  @autopar.parallel(strict=True) above a function of a script under `autopar run`
After:   the function as it is written, under the decorator's options alone

Who decorates says what may be done to the function, so nothing of the takeover is left in it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Protocol, TypeAlias
from weakref import WeakKeyDictionary

from autopar.analysis.model.report import FunctionReport
from autopar.analysis.model.time_line import TimeLine

from .askers import original_code
from .code_objects import reborn
from .functions import definition_line, find_text


class Decorated(Protocol):
    """A function that a decorator has: it reports to who had taken it over."""

    def keep_all(self, begun: float) -> None:
        """Keep what happens in all calls from now on, as counted from `begun`."""

    def whole_report(self) -> FunctionReport:
        """Return what became of the loops in all of these calls."""

    def whole_time(self, file: str) -> TimeLine:
        """Return where their time went."""


# Who took a function over, told who reports on it from now on.
HandOver: TypeAlias = Callable[[Decorated], None]

_TAKEN: WeakKeyDictionary[FunctionType, HandOver] = WeakKeyDictionary()


def note_taken(function: FunctionType, hand_over: HandOver) -> None:
    """Have somebody told when a decorator takes `function` back."""
    _TAKEN[function] = hand_over


def hand_over(function: object, decorated: Decorated) -> None:
    """Say that a decorator has taken `function` back: `decorated` tells what becomes of it."""
    if isinstance(function, FunctionType) and function in _TAKEN:
        _TAKEN[function](decorated)


def as_written(function: object) -> object:
    """Return `function` without what a takeover put into it; itself if there is nothing."""
    if not isinstance(function, FunctionType) or function not in _TAKEN:
        return function
    code, text = original_code(function), find_text(function)
    # Functions nested in it are taken over, too: then it stays as it is.
    if text is None or definition_line(code, text, compare=True) is None:
        return function
    return reborn(function, code)
