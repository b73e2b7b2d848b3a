"""Functions that a file or a cell took over, and that a decorator of the user's takes back.

Before:  @autopar.parallel(strict=True) above a function of a script under `autopar run`
After:   the function as it is written, under the decorator's options alone

Who decorates says what may be done to the function, so nothing of the takeover is left in it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TypeAlias
from weakref import WeakKeyDictionary

from autopar.analysis.model.report import FunctionReport

from .functions import definition_line, find_text
from .rewrite import original_code, reborn

# Who took a function over, told what reports on it from now on.
HandOver: TypeAlias = Callable[[Callable[[], FunctionReport]], None]

_TAKEN: WeakKeyDictionary[FunctionType, HandOver] = WeakKeyDictionary()


def note_taken(function: FunctionType, hand_over: HandOver) -> None:
    """Have somebody told when a decorator takes `function` back."""
    _TAKEN[function] = hand_over


def hand_over(function: object, report: Callable[[], FunctionReport]) -> None:
    """Say that a decorator has taken `function` back: `report` tells what becomes of it."""
    if isinstance(function, FunctionType) and function in _TAKEN:
        _TAKEN[function](report)


def as_written(function: object) -> object:
    """Return `function` without what a takeover put into it; itself if there is nothing."""
    if not isinstance(function, FunctionType) or function not in _TAKEN:
        return function
    code, text = original_code(function), find_text(function)
    # Functions nested in it are taken over, too: then it stays as it is.
    if text is None or definition_line(code, text, compare=True) is None:
        return function
    return reborn(function, code)
