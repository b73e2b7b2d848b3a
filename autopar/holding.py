"""What the header of a loop computed: shown to the guard, and kept for the loop itself.

Before:  for x in np.linspace(0, 1, n): ...     After:  for s, in GUARD.enter((linspace(...),), s):
                                                            break
                                                        else:
                                                            for x in GUARD.next(): ...

So nothing of the header is computed twice, or in another order. A progress bar is shown as what
it is over; where a kernel ran the loop, the bar goes to its end at once.
"""

from __future__ import annotations

import ast
import copy
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias, TypeVar

from autopar.analysis.model.held import FIRST, LAST, held_place, is_held, whole

Place: TypeAlias = tuple[int, int, int, int]
LoopT = TypeVar("LoopT", bound=ast.AST)
Returned: TypeAlias = tuple[tuple[object, ...], ...]


class Holding:
    """The constant that is asked at a loop with such a header.

    It is asked with the values of the header, in a tuple, and with those of its other names.
    """

    def __init__(self, arguments: tuple[str, ...], enter: Callable[..., Returned]) -> None:
        self._arguments = arguments  # of `enter`
        self._enter = enter
        self.names = tuple(dict.fromkeys(whole(name) for name in arguments if is_held(name)))
        self.others = tuple(name for name in arguments if not is_held(name))
        # By thread and frame: what the header computed, for the loop that is about to begin.
        self._kept: dict[tuple[int, int], list[object]] = {}

    def ask(self, held: tuple[object, ...], values: tuple[object, ...]) -> Returned:
        """Return what the region leaves behind if it was run, else ()."""
        known: dict[str, object] = dict(zip(self.others, values, strict=True))
        bars = [_bar_of(each) for each in held]
        for name, value, bar in zip(self.names, held, bars, strict=True):
            known[name] = shown = value if bar is None else bar.iterable
            known[name + FIRST], known[name + LAST] = self._limits(name, shown)
        rows = self._enter(*(known[name] for name in self._arguments))
        if rows:
            for bar in bars:
                _finish(bar)
        return rows

    def _limits(self, name: str, value: object) -> tuple[object, object]:
        """Return the limits of a range; the value itself, which is none, where it is no range."""
        if type(value) is not range or value.step != 1:
            return value, value
        if name + FIRST not in self._arguments and value.start:
            return value, value
        return value.start, value.stop

    def keep(self, frame: FrameType, held: tuple[object, ...]) -> None:
        """Keep what the header in `frame` computed for the loop."""
        self._kept[threading.get_ident(), id(frame)] = [*reversed(held)]

    def next(self) -> object:
        """Return what the header computed, one expression after the other."""
        key = threading.get_ident(), id(sys._getframe(1))  # noqa: SLF001 -- as in rewrite
        kept = self._kept[key]
        value = kept.pop()
        if not kept:
            del self._kept[key]
        return value


def _bar_of(value: object) -> Any:  # noqa: ANN401  # of a package that need not be there
    """Return a value that is a progress bar which has not begun; None for any other."""
    module = sys.modules.get("tqdm.std")
    kind = getattr(module, "tqdm", None)
    if not isinstance(kind, type) or not isinstance(value, kind):
        return None
    bar: Any = value
    is_plain = type(bar).__module__.partition(".")[0] == "tqdm"
    return bar if is_plain and bar.iterable is not None and bar.n == bar.initial else None


def _finish(bar: Any) -> None:  # noqa: ANN401  # as above
    """Let a bar end as it does when all that it is over has been gone through."""
    if bar is not None and not bar.disable:
        bar.update(len(bar.iterable))
        bar.close()


def over_held(asked: ast.expr, loop: LoopT) -> LoopT:
    """Return `loop` over what its header computes in `asked`, where that says so by its names.

    The expressions of the header move there.
    """
    call = next((each for each in ast.walk(asked) if _shows(each)), None)
    if call is None:
        return loop
    shown, guard = call.args[0], call.func.value  # type: ignore[attr-defined]  # `_shows` looked
    places = [held_place(each.id) for each in shown.elts]
    found: dict[Place, ast.expr] = {}
    edited = copy.copy(loop)
    match edited:
        case ast.For():
            edited.iter = _moved(edited.iter, (frozenset(places), found, guard))
        case ast.ListComp() | ast.GeneratorExp():
            first = copy.copy(edited.generators[0])
            first.iter = _moved(first.iter, (frozenset(places), found, guard))
            edited.generators = [first, *edited.generators[1:]]
    shown.elts = [found[place] for place in places]
    return edited


def _shows(node: ast.AST) -> bool:
    """Return whether a call begins with values of a header."""
    match node:
        case ast.Call(func=ast.Attribute(), args=[ast.Tuple(elts=[ast.Name(id=name), *_]), *_]):
            return is_held(name)
    return False


def _moved(node: Any, moving: tuple[frozenset[Place], dict[Place, ast.expr], ast.expr]) -> Any:  # noqa: ANN401  # any field
    """Return a copy of a header with questions to the guard in place of what moves."""
    if isinstance(node, list):
        return [_moved(each, moving) for each in node]
    if not isinstance(node, ast.AST):
        return node
    places, found, guard = moving
    if isinstance(node, ast.expr):
        end = node.end_lineno or 0, node.end_col_offset or 0
        place = (node.lineno, node.col_offset, *end)
        if place in places:
            found[place] = node
            method = ast.Attribute(value=guard, attr="next", ctx=ast.Load())
            question = ast.Call(func=method, args=[], keywords=[])
            return ast.copy_location(question, ast.copy_location(method, node))
    edited = copy.copy(node)
    for name, value in ast.iter_fields(node):
        setattr(edited, name, _moved(value, moving))
    return edited
