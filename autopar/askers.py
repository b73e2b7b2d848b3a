"""The constants of rewritten code that ask before its loops, at the guard.

Before:  the code of a function reaches `GUARD.enter(a, GUARD.look('s'))`
After:   what the region answers, with the function's own values for what it left as it was

Only these look into the frame that calls them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, FunctionType

from autopar.analysis.model.nouns import dataclass

from .counted_loops import Counts
from .holding import Holding
from .sites import UNBOUND, Asker, Returned, Unbound


@dataclass(slots=True, kw_only=True, eq=False)
class Guard(Asker):
    """The constant that the rewritten code calls; hashed by identity, as constants must be."""

    original: CodeType | None = None  # of the function, as it was without guards
    unbound: Unbound = UNBOUND

    def look(self, name: str) -> object:
        """Return what `name` is bound to in the calling frame, or UNBOUND."""
        frame = sys._getframe(1)  # noqa: SLF001 -- the caller's variables are its business
        value = _value_in(frame, name)
        return frame.f_builtins.get(name, UNBOUND) if _is_builtin(frame, name, value) else value


@dataclass(slots=True, kw_only=True, eq=False)
class CountingGuard(Guard):
    """The same before a loop whose turns nobody knows beforehand."""

    counting: Counts


@dataclass(slots=True, kw_only=True, eq=False)
class HoldingGuard(Guard):
    """The same before a loop whose header computes what it runs over."""

    next: Callable[[], object]


@dataclass(slots=True, kw_only=True, eq=False)
class SplitGuard(Guard):
    """The same before a loop of which parts are computed ahead."""

    ask: Callable[..., bool]
    items: Callable[[], Iterator[object]]
    take: Callable[[int], tuple[object, ...]]


@dataclass(slots=True, kw_only=True, eq=False)
class StretchGuard(Guard):
    """The same in a loop of which kernels run the turns between statements of the interpreter's."""

    turns: Callable[[Iterable[object]], Iterable[object]]
    results: tuple[str, ...]
    ask_left: Callable[[], tuple[object, ...]]

    def left(self) -> tuple[object, ...]:
        """Return what the turns left behind that were run, as it is to be assigned."""
        row = self.ask_left()
        if any(value is UNBOUND for value in row):
            return _with_own_values(sys._getframe(1), self.results, row)  # noqa: SLF001 -- as in look
        return row


def showing(holding: Holding, results: tuple[str, ...]) -> Callable[..., Returned]:
    """Return what asks with the values of a header first, and keeps them where nobody answers."""

    def enter(held: tuple[object, ...], *values: object) -> Returned:
        caller = sys._getframe(1)  # noqa: SLF001 -- as in look
        returned = holding.ask(held, values)
        if not returned:
            holding.keep(caller, held)
        return tuple(_with_own_values(caller, results, row) for row in returned)

    return enter


def _is_builtin(frame: FrameType, name: str, value: object) -> bool:
    """Return whether the search for the unbound `name` goes on among the builtins."""
    return value is UNBOUND and not _is_local(frame.f_code, name)


def _is_local(code: CodeType, name: str) -> bool:
    """Return whether `name` is a variable of the function `code`, or of one around it."""
    return name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars


def _value_in(frame: FrameType, name: str) -> object:
    """Return the value of the local or global `name`, or UNBOUND."""
    if not _is_local(frame.f_code, name):
        return frame.f_globals.get(name, UNBOUND)
    snapshot = frame.f_locals
    value = snapshot.get(name, UNBOUND)
    if sys.version_info < (3, 13):
        snapshot.clear()  # the frame would keep it, and every array in it alive
    return value


def keep_unassigned(
    enter: Callable[..., Returned], results: tuple[str, ...]
) -> Callable[..., Returned]:
    """Return `enter` with the caller's own values in place of the UNBOUND among the results."""

    def enter_and_keep(*values: object) -> Returned:
        returned = enter(*values)
        for row in returned:
            for value in row:
                if value is UNBOUND:
                    caller = sys._getframe(1)  # noqa: SLF001 -- as in look
                    return (_with_own_values(caller, results, row),)
        return returned

    return enter_and_keep


def _with_own_values(
    frame: FrameType, results: tuple[str, ...], row: tuple[object, ...]
) -> tuple[object, ...]:
    """Return `row`, its UNBOUND values replaced by what `frame` has under the same names."""
    pairs = zip(results, row, strict=True)
    return tuple(_value_in(frame, name) if value is UNBOUND else value for name, value in pairs)


@dataclass(slots=True, kw_only=True, eq=False)
class ValueGuard(Asker):
    """The constant that is asked for the value of an expression."""

    def value(self, *values: object) -> tuple[object, ...]:
        """Return the value alone in a tuple, () where the interpreter is to find it."""
        for returned in self.enter(*values):
            return returned
        return ()

    look = Guard.look


@dataclass(slots=True, kw_only=True, eq=False)
class HeldValueGuard(Asker):
    """The same for a comprehension over what it computes first."""

    holding: Holding
    next: Callable[[], object]

    def value(self, held: tuple[object, ...], *values: object) -> tuple[object, ...]:
        """Return the value alone in a tuple, () where the interpreter is to find it."""
        for returned in self.holding.ask(held, values):
            return returned
        self.holding.keep(sys._getframe(1), held)  # noqa: SLF001 -- as in look
        return ()

    look = Guard.look


def original_code(function: FunctionType) -> CodeType:
    """Return the code of `function` as it was before guards were put into it."""
    guards = (each for each in function.__code__.co_consts if isinstance(each, Guard))
    found = next((each.original for each in guards), None)
    return function.__code__ if found is None else found
