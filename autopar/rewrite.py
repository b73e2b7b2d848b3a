"""From a function to the same function with guards before its loops.

Before:  for i in range(n):
             s += a[i]
After:   for i, s, in GUARD.enter(a, n, s):  # () or one tuple: the region is done, assign
             break
         else:
             for i in range(n):              # untouched, on its own lines
                 s += a[i]

GUARD is an object among the constants of the code: no new global, no new local. Guards carry
the line of the loop's header, so that tracebacks and tracers see the user's lines only. Nothing
of the source is run again: the definition is compiled inside shells of its enclosing scopes
(for mangled names, `__class__`, qualified names) and only its code object is taken.
"""

from __future__ import annotations
import __future__

import ast
import copy
import functools
import inspect
import itertools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import indent
from types import CodeType, FrameType, FunctionType
from typing import Any, Final, Protocol, TypeAlias, TypeVar, final

from autopar.analysis.model.held import is_held, whole
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.passes.bound_names import Position, find_bound_names
from autopar.analysis.passes.scopes import SCOPES, Scope, class_of, enclose, mangle, path_to

from .counted_loops import Counts, counted
from .endings import note_rewritten
from .holding import Holding, over_held
from .placing import place_at
from .settling import Settler, Settling
from .split_loops import SplitSite, Splitter, split_loop
from .stretched_loops import Asking, StretchSite, stretched

# Where no comprehension is looked for.
_NO_VALUES = (
    ast.stmt, ast.excepthandler, ast.match_case, ast.Lambda, ast.JoinedStr, ast.SetComp,
    ast.DictComp,
)  # fmt: skip

Returned: TypeAlias = tuple[tuple[object, ...], ...]
NodeT = TypeVar("NodeT", bound=ast.AST)

# What a suspended function left on the device, nobody would settle.
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

FUTURE_FLAGS = functools.reduce(
    int.__or__,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)


@final
class Unbound:
    """The type of `UNBOUND`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNBOUND"

    def __reduce__(self) -> str:
        return "UNBOUND"


# Passed for a name that has no value; returned for a name that keeps what it has, or has not.
UNBOUND: Final = Unbound()
_AWAKE: Iterator[bool] = iter(())  # for all that do not sleep: it stays empty


@dataclass(slots=True, kw_only=True, eq=False)
class Asker:
    """What calls `enter` at a site: the rewritten code, or another check that stands before."""

    enter: Callable[..., Returned]
    is_off: bool = False  # asking was in vain; only where it is `is_light`, or for a value
    sleeps: Iterator[bool] = _AWAKE  # then: true for each time that it is not asked either
    is_deep: bool = False  # then: it is not asked at all before the function's next call
    # The builtin, whatever the name means in the user's module. (A partial call of it as `sleeps`
    # takes twice as long.)
    goes_by: Callable[[Iterator[bool], bool], bool] = next

    def wake(self) -> None:
        """Ask again, but once alone where it was known to be in vain."""
        self.is_off, self.is_deep, self.sleeps = self.is_deep, False, _AWAKE


class Tires(Protocol):
    """What is asked about a loop, and stops asking where that is of no use."""

    def enter(self, *values: object) -> Returned:
        """Return what the region answers."""

    def answers(self, asker: Asker) -> None:
        """Take note of who asks."""


def times(count: int) -> Iterator[bool]:
    """Return what makes an asker sleep for so many times."""
    return itertools.repeat(object=True, times=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a region's guard goes and what it exchanges with the function."""

    line: int  # of the `for` statement in the file
    column: int
    arguments: tuple[str, ...]  # names whose values are passed to `enter`, as in the source
    results: tuple[str, ...]  # names assigned from what `enter` returned
    enter: Callable[..., Returned]  # () : run the original loop; ((v1, v2),): done, assign
    # Told who asks `enter`: it may put a quicker way to the same answers in its place.
    answers: Callable[[Asker], None] | None = None
    is_value: bool = False  # a comprehension, not a statement: `enter` gives ((value,),)
    # Places of `return` statements: `enter` gives the number of the one to run first, from 1.
    exits: tuple[Position, ...] = ()
    is_light: bool = False  # so short that asking may have to stop
    is_loop: bool = True  # no statement on whole arrays
    # Asked in the place of all this where the loop stands in another one, and may be short.
    inside: Tires | None = None
    statements: int = 1  # how many it stands for, one after the other
    is_returned: bool = False  # the last of them is a `return`: `enter` gives what it returns
    end: Position | None = None  # where an expression ends that is no comprehension
    counting: Counts | None = None  # told how many turns the interpreter makes
    # Asked for what remains of a `for` loop after some turns, a range, as its first argument.
    enter_rest: Callable[..., Returned] | None = None
    # Told that what it leaves on the device is settled around it; None: it leaves nothing there.
    keep: Callable[[], None] | None = None


AnySite: TypeAlias = Site | SplitSite | StretchSite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoration:
    """Which function definitions of a text are decorated, beneath the decorators they have."""

    positions: frozenset[Position]  # of the `def` keywords
    decorate: Callable[[FunctionType], object]


def rewrite_function(
    function: FunctionType,
    source: SourceFunction,
    sites: Sequence[AnySite],
    decoration: Decoration | None = None,
    *,
    has_device: bool = False,
) -> FunctionType:
    """Return a copy of `function` that asks the guard of each site before the loop there.

    With `has_device` arrays stay on the device from site to site. Raises ValueError where a site
    is not a statement of the function's own body (of a function or class nested in it, say), or
    where `function` was not compiled from `source`.
    """
    original = function.__code__
    has_device = has_device and not original.co_flags & _SUSPENDS
    flags = original.co_flags & FUTURE_FLAGS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has seen them when the file was compiled
        *shells, definition = path_to(_parse(source.text, flags), source.line)
        if not isinstance(definition, ast.FunctionDef):
            message = f"no function is defined at line {source.line}"
            raise ValueError(message)  # noqa: TRY004 -- the line is wrong, not a type
        edit = _Edit(definition, decoration, original=original_code(function))
        edit.settles(sites, has_device=has_device)
        edit.add_sites(sites, find_bound_names(definition), class_of(shells))
        shell = enclose(shells, edit.applied_to_body(definition), original)
        module = ast.Module(body=[shell], type_ignores=[])
        compiled = compile(module, original.co_filename, "exec", flags, dont_inherit=True)
    code = with_constants(_counterpart(compiled, original), edit.constants)
    rewritten = reborn(function, code)
    note_rewritten(rewritten, original)
    return rewritten


def rewrite_module(
    source: SourceText,
    sites: Sequence[AnySite],
    decoration: Decoration | None = None,
    flags: int = 0,
    *,
    has_device: bool = False,
) -> CodeType:
    """Return the code of the whole text with guards at its own loops and functions decorated.

    `flags` are future features that hold beyond those which the text imports (notebook cells).
    Raises SyntaxError for the text, ValueError where a site is not a statement of module level.
    """
    tree, constants = rewrite_tree(source, sites, decoration, flags, has_device=has_device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has seen them when the file was compiled
        code = compile(tree, source.path, "exec", flags, dont_inherit=True)
    return with_constants(code, constants)


def rewrite_tree(
    source: SourceText,
    sites: Sequence[AnySite],
    decoration: Decoration | None = None,
    flags: int = 0,
    prefix: str = "",
    *,
    has_device: bool = False,
) -> tuple[ast.Module, Mapping[str, object]]:
    """Return the same as a tree for others to compile, and what `with_constants` then needs.

    `prefix` tells the strings that stand for guards from those of other trees.
    """
    tree = _parse(source, flags)
    edit = _Edit(tree, decoration, prefix)
    edit.settles(sites, has_device=has_device)
    edit.add_sites(sites, {}, None)
    return edit.applied_to_body(tree), edit.constants


@functools.lru_cache(maxsize=4)  # a module with many decorated functions is parsed once
def _parse(source: SourceText, flags: int) -> ast.Module:
    """Return the tree of a whole text; it is shared, so it must not be changed."""
    mode = flags | ast.PyCF_ONLY_AST
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has seen them when the file was compiled
        parsed = compile(source.text, source.path, "exec", mode, dont_inherit=True)
    assert isinstance(parsed, ast.Module)
    return parsed


def original_code(function: FunctionType) -> CodeType:
    """Return the code of `function` as it was before guards were put into it."""
    guards = (each for each in function.__code__.co_consts if isinstance(each, _Guard))
    found = next((each.original for each in guards), None)
    return function.__code__ if found is None else found


# ------------------------------------------------------------------------- at the guard


@dataclass(slots=True, kw_only=True, eq=False)
class _Guard(Asker):
    """The constant that the rewritten code calls; hashed by identity, as constants must be."""

    original: CodeType | None = None  # of the function, as it was without guards
    unbound: Unbound = UNBOUND

    def look(self, name: str) -> object:
        """Return what `name` is bound to in the calling frame, or UNBOUND."""
        frame = sys._getframe(1)  # noqa: SLF001 -- the caller's variables are its business
        value = _value_in(frame, name)
        return frame.f_builtins.get(name, UNBOUND) if _is_builtin(frame, name, value) else value


@dataclass(slots=True, kw_only=True, eq=False)
class _CountingGuard(_Guard):
    """The same before a loop whose turns nobody knows beforehand."""

    counting: Counts


@dataclass(slots=True, kw_only=True, eq=False)
class _HoldingGuard(_Guard):
    """The same before a loop whose header computes what it runs over."""

    next: Callable[[], object]


@dataclass(slots=True, kw_only=True, eq=False)
class _SplitGuard(_Guard):
    """The same before a loop of which parts are computed ahead."""

    ask: Callable[..., bool]
    items: Callable[[], Iterator[object]]
    take: Callable[[int], tuple[object, ...]]


@dataclass(slots=True, kw_only=True, eq=False)
class _StretchGuard(_Guard):
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


def _showing(holding: Holding, results: tuple[str, ...]) -> Callable[..., Returned]:
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


def _keep_unassigned(
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
class _ValueGuard(Asker):
    """The constant that is asked for the value of an expression."""

    def value(self, *values: object) -> tuple[object, ...]:
        """Return the value alone in a tuple, () where the interpreter is to find it."""
        for returned in self.enter(*values):
            return returned
        return ()

    look = _Guard.look


@dataclass(slots=True, kw_only=True, eq=False)
class _HeldValueGuard(Asker):
    """The same for a comprehension over what it computes first."""

    holding: Holding
    next: Callable[[], object]

    def value(self, held: tuple[object, ...], *values: object) -> tuple[object, ...]:
        """Return the value alone in a tuple, () where the interpreter is to find it."""
        for returned in self.holding.ask(held, values):
            return returned
        self.holding.keep(sys._getframe(1), held)  # noqa: SLF001 -- as in look
        return ()

    look = _Guard.look


# ------------------------------------------------------------------- putting guards in


class _Edit:
    """What is to be put into one tree, and the constants that it refers to."""

    def __init__(
        self,
        tree: ast.AST,
        decoration: Decoration | None,
        prefix: str = "",
        original: CodeType | None = None,
    ) -> None:
        self._original = original
        self.constants: dict[str, object] = {}
        self._guards: dict[Position, str] = {}
        self._exits: dict[Position, tuple[Position, ...]] = {}
        # What counts, how it asks again, and whether for what remains of a `for` loop.
        self._counted: dict[Position, tuple[str, str, bool]] = {}
        self._numbers: dict[Position, int] = {}  # of statements that a guard stands for
        self._values: dict[Position, Callable[[frozenset[str]], str]] = {}
        self._parts: dict[tuple[Position, Position], Callable[[frozenset[str]], str]] = {}
        self._splits: dict[Position, Callable[[ast.For], ast.If | ast.For]] = {}
        self._stretches: dict[Position, Callable[[ast.stmt], ast.stmt | None]] = {}
        self._bound: Mapping[Position, frozenset[str]] = {}
        self._prefix = _fresh_prefix(tree, prefix)
        self._settling: Settling | None = None
        self._kept: set[Position] = set()  # guards that leave arrays on the device
        self._inside = _inside_loops(tree)
        self._decorated = decoration.positions if decoration else frozenset()
        self._decorator = self._placeholder(decoration) if decoration else ""

    def _placeholder(self, value: object) -> str:
        """Return the source text of a string for which `with_constants` will put `value`."""
        key = f"{self._prefix}{len(self.constants)}"
        self.constants[key] = value
        return repr(key)

    def settles(self, sites: Sequence[AnySite], *, has_device: bool) -> None:
        """Let arrays stay on the device between sites, where any of them leaves some there."""
        # What is computed ahead reads the host's arrays at any time.
        if not has_device or not all(isinstance(each, Site) for each in sites):
            return
        for each in sites:
            if isinstance(each, Site) and each.keep is not None:
                each.keep()
                self._kept.add((each.line, each.column))
        if not self._kept:
            return
        look = f"{self._placeholder(_Guard(enter=lambda *_: ()))}.look"
        self._settling = Settling(self._placeholder(Settler()), look)

    def add_sites(
        self,
        sites: Sequence[AnySite],
        bound: Mapping[Position, frozenset[str]],
        class_name: str | None,
    ) -> None:
        """Prepare a guard for each site; `bound` has the names surely bound before it."""
        self._bound = bound
        for given in sites:
            place = (given.line, given.column)
            site = given
            if isinstance(site, Site) and site.inside is not None and place in self._inside:
                asked = site.inside
                site = replace(site, enter=asked.enter, answers=asked.answers, is_light=True)
            if isinstance(site, SplitSite):
                guard = self._placeholder(self._split_guard(site.splitter))
                shown = _arguments_text(guard, site, bound.get(place, frozenset()), class_name)
                self._splits[place] = functools.partial(
                    split_loop, guard=guard, arguments=shown, parts=site.parts
                )
                continue
            if isinstance(site, StretchSite):
                self._add_stretch(site, class_name)
                continue
            holding = Holding(site.arguments, site.enter)
            if site.is_value or site.end is not None:
                self._add_value(site, holding, class_name)
                continue
            if place in self._guards:
                raise ValueError(f"two sites at line {site.line}, column {site.column}")
            names = tuple(mangle(name, class_name) for name in site.results)
            names = ("", *names) if site.exits else names
            enter = _keep_unassigned(site.enter, names) if site.results else site.enter
            asker = _Guard(enter=enter, original=self._original)
            if site.counting is not None and not holding.names:
                asker = _CountingGuard(enter=enter, original=self._original, counting=site.counting)
            if holding.names:
                names = tuple(mangle(name, class_name) for name in site.results)
                asker = _HoldingGuard(
                    enter=_showing(holding, names), original=self._original, next=holding.next
                )
            elif site.answers is not None:
                site.answers(asker)
            guard = self._placeholder(asker)
            text = _match_text if site.exits else _guard_text
            around = (site, bound.get(place, frozenset()), class_name)
            self._guards[place] = text(guard, *around)
            if isinstance(asker, _CountingGuard):
                counting, rest = f"{guard}.counting", site.enter_rest
                again = text(guard, *around, unless=f"{counting}.is_settled")
                if rest is not None:
                    enter = _keep_unassigned(rest, names) if site.results else rest
                    asker = _Guard(enter=enter, original=self._original)
                    unless, left = f"{counting}.is_whole()", f"{counting}.left(), "
                    again = text(self._placeholder(asker), *around, unless=unless, first=left)
                self._counted[place] = counting, again, rest is not None
            self._exits[place] = site.exits
            self._numbers[place] = site.statements

    def _add_value(self, site: Site, holding: Holding, class_name: str | None) -> None:
        """Prepare the guard of an expression."""
        value: Asker = _ValueGuard(enter=site.enter)
        if holding.names and site.end is None:
            value = _HeldValueGuard(enter=site.enter, holding=holding, next=holding.next)
        if site.answers is not None:
            site.answers(value)
        text = functools.partial(_value_text, self._placeholder(value), site, class_name)
        place = (site.line, site.column)
        if site.end is None:
            self._values[place] = text
        else:
            self._parts[place, site.end] = text

    def _add_stretch(self, site: StretchSite, class_name: str | None) -> None:
        """Prepare the guard in a loop that runs in stretches."""
        asker = _StretchGuard(
            enter=site.stretcher.enter,  # type: ignore[arg-type]  # a number, which this guard's text asks for
            original=self._original,
            turns=site.stretcher.turns,
            results=tuple(mangle(name, class_name) for name in site.results),
            ask_left=site.stretcher.left,
        )
        site.stretcher.asker = asker
        guard = self._placeholder(asker)

        def asking(place: Position) -> Asking:
            bound = self._bound.get(place, frozenset())
            return Asking(
                guard=guard,
                unless=_asleep(guard),
                shown=_arguments_text(guard, site, bound, class_name),
                takes_back=_takes_back(guard, site, bound, "        "),
            )

        self._stretches[site.line, site.column] = functools.partial(
            stretched, site=site, asking=asking
        )

    def _split_guard(self, splitter: Splitter) -> _SplitGuard:
        return _SplitGuard(
            enter=lambda *_: (),
            original=self._original,
            ask=splitter.ask,
            items=splitter.items,
            take=splitter.take,
        )

    def applied_to_body(self, owner: NodeT) -> NodeT:
        """Return a copy of `owner`, a function or module, with all guards in its body."""
        missing = dict(self._guards)
        edited = self._children(owner, missing)
        parts = [place for place, _ in self._parts]
        for line, column in (*missing, *self._values, *self._splits, *self._stretches, *parts):
            raise ValueError(f"line {line}, column {column}: no statement of this body")
        if self._settling is not None:
            edited.body = self._settling.body(edited.body)  # type: ignore[attr-defined]  # it has one
        return edited

    def _children(self, node: NodeT, missing: dict[Position, str] | None) -> NodeT:
        """Return a copy of `node` with its nested statements edited."""
        edited = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(edited, name, self._several(value, missing))
        return edited

    def _several(self, nodes: list[ast.AST], missing: dict[Position, str] | None) -> list[ast.AST]:
        """Return nodes edited, those that one guard stands for in one."""
        found: list[ast.AST] = []
        guarded = frozenset(missing or ())
        waiting = list(nodes)
        while waiting:
            first = waiting[0]
            place = (getattr(first, "lineno", 0), getattr(first, "col_offset", -1))
            number = self._numbers.get(place, 1) if missing and place in missing else 1
            text = missing.pop(place) if missing and number > 1 else None
            edited = [self._edited(each, missing) for each in waiting[:number]]
            del waiting[:number]
            if text is not None:
                block = [e for e in edited if isinstance(e, ast.stmt)]
                edited = [_guarded_block([*self._fallen_back(block[0]), *block], text)]
            if missing is not None and isinstance(edited[0], ast.stmt):
                found += self._settled_before(edited[0], place, guarded=place in guarded)
            found += edited
        return found

    def _settled_before(
        self, statement: ast.stmt, place: Position, *, guarded: bool
    ) -> list[ast.stmt]:
        """Return what lets the host have its arrays before a statement that may touch them."""
        if self._settling is None or place in self._kept:
            return []
        if guarded:
            return self._settling.settled(statement)
        return self._settling.before(statement, self._bound.get(place, frozenset()))

    def _fallen_back(self, loop: ast.stmt) -> list[ast.stmt]:
        """Return the same before what the interpreter does in the place of a kernel."""
        if self._settling is None:
            return []
        bound = self._bound.get((loop.lineno, loop.col_offset), frozenset())
        self._settling.before(loop, bound)  # what is in it may leave arrays on the device
        return self._settling.settled(loop)

    def _edited(self, node: ast.AST, missing: dict[Position, str] | None) -> ast.AST:
        """Return `node` edited; `missing` (None in a nested scope) loses the guards put in."""
        if isinstance(node, SCOPES):
            return self._decorate(self._children(node, None))
        if not isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)):
            return node
        edited = self._children(node, missing)
        if missing is not None and isinstance(edited, ast.stmt):
            self._put_values(edited)
            edited = self._split(edited)
        if missing and isinstance(edited, ast.stmt):
            place = (edited.lineno, edited.col_offset)
            text = missing.pop(place, None)
            return edited if text is None else self._guarded(edited, text, place)
        return edited

    def _guarded(self, loop: ast.stmt, text: str, place: Position) -> ast.stmt:
        """Return a loop with its guard."""
        exits, before = self._exits[place], self._fallen_back(loop)
        if place in self._counted:
            counting, again, rests = self._counted[place]
            loop = counted(
                loop, counting, lambda rest: _guarded(rest, again, exits, before), rests=rests
            )
        return _guarded(loop, text, exits, before)

    def _split(self, statement: ast.stmt) -> ast.stmt:
        """Return a loop split where it is to be, and any other statement as it is."""
        place = (statement.lineno, statement.col_offset)
        if place in self._stretches:
            return self._stretches.pop(place)(statement) or statement
        if not self._splits or not isinstance(statement, ast.For):
            return statement
        split = self._splits.pop(place, None)
        return statement if split is None else split(statement)

    def _put_values(self, statement: ast.stmt) -> None:
        """Put guards before the comprehensions of a statement, a copy of the user's."""
        end = statement.end_lineno or statement.lineno
        lines = (line for line, _ in (*self._values, *(place for place, _ in self._parts)))
        if not any(statement.lineno <= line <= end for line in lines):
            return
        is_simple = isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return))
        # What is bound before a header need not be when the header is asked again.
        bound = self._bound.get((statement.lineno, statement.col_offset), frozenset())
        for name, value in ast.iter_fields(statement):
            setattr(statement, name, self._valued(value, bound if is_simple else frozenset()))

    def _valued(self, node: Any, bound: frozenset[str]) -> Any:  # noqa: ANN401  # any field
        """Return a copy of an expression with guards before its comprehensions."""
        if isinstance(node, list):
            return [self._valued(each, bound) for each in node]
        if not isinstance(node, ast.AST) or isinstance(node, _NO_VALUES):
            return node
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            text = self._values.pop((node.lineno, node.col_offset), None)
            return node if text is None else _value_or(node, text(bound))
        if self._parts and isinstance(node, ast.expr) and node.end_lineno is not None:
            end = (node.end_lineno, node.end_col_offset or 0)
            text = self._parts.pop(((node.lineno, node.col_offset), end), None)
            if text is not None:
                return _value_or(node, text(bound))
        edited = copy.copy(node)
        for name, value in ast.iter_fields(node):
            setattr(edited, name, self._valued(value, bound))
        return edited

    def _decorate(self, scope: Scope) -> Scope:
        """Return `scope`, with our decorator innermost where one is wanted."""
        if (scope.lineno, scope.col_offset) in self._decorated and self._decorator:
            decorator = ast.parse(f"{self._decorator}.decorate", mode="eval").body
            place_at(decorator, scope)
            scope.decorator_list = [*scope.decorator_list, decorator]
        return scope


def with_constants(code: CodeType, constants: Mapping[str, object]) -> CodeType:
    """Return `code` with the objects themselves for their placeholders, at any depth."""

    def meant(value: object) -> object:
        if isinstance(value, CodeType):
            return with_constants(value, constants)
        return constants.get(value, value) if isinstance(value, str) else value

    return code.replace(co_consts=tuple(map(meant, code.co_consts)))


def _inside_loops(tree: ast.AST) -> frozenset[Position]:
    """Return where the loops stand that are inside other ones."""
    loops = (each for each in ast.walk(tree) if isinstance(each, ast.For | ast.While))
    inner = (
        each
        for loop in loops
        for statement in loop.body
        for each in ast.walk(statement)
        if isinstance(each, ast.For)
    )
    return frozenset((each.lineno, each.col_offset) for each in inner)


def _fresh_prefix(tree: ast.AST, own: str) -> str:
    """Return the beginning of no string in `tree`."""
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    prefix = f"\0autopar {own}"
    while any(string.startswith(prefix) for string in strings):
        prefix += "'"
    return prefix


def _guard_text(
    guard: str,
    site: Site,
    bound: frozenset[str],
    class_name: str | None,
    unless: str = "",
    first: str = "",
) -> str:
    """Return the guard's statement as text; the loop goes where it says `pass`.

    A name that may be unbound is looked up by name; the others are read as usual.
    An unbound result is taken back in the same line, before anything runs.
    Nobody is asked `unless`; what is asked is given `first` before all else.
    """
    arguments = _arguments_text(guard, site, bound, class_name)
    asked = f"{guard}.enter({first}{arguments})"
    if site.is_light:
        unless = " or ".join(each for each in (_asleep(guard), unless) if each)
    if not site.results:
        return f"if {unless and f'({unless}) or '}not {asked}:\n    pass\n"
    if unless and site.is_loop:
        asked = f"() if {unless} else {asked}"
    targets = "".join(f"{name}, " for name in site.results)
    if site.is_returned:
        found = f"for {targets} in {asked}:\n    return {site.results[0]}\nelse:\n    pass\n"
    else:
        takes_back = _takes_back(guard, site, bound, "    ")
        found = f"for {targets} in {asked}:\n{takes_back}    break\nelse:\n    pass\n"
    if unless and not site.is_loop:  # a statement is so short that an empty loop counts
        return f"if {unless}:\n    pass\nelse:\n{indent(found, '    ')}"
    return found


def _takes_back(guard: str, site: Site | StretchSite, bound: frozenset[str], indent: str) -> str:
    """Return what makes results unbound again that have no value."""
    return "".join(
        f"{indent}if {name} is {guard}.unbound:\n{indent}    del {name}\n"
        for name in site.results
        if name not in bound and "." not in name  # an attribute had a value before
    )


def _match_text(
    guard: str,
    site: Site,
    bound: frozenset[str],
    class_name: str | None,
    unless: str = "",
    first: str = "",
) -> str:
    """Return the guard of a loop that `return` statements leave: see `returning`."""
    arguments = ", ".join(
        name if name in bound else f"{guard}.look({mangle(name, class_name)!r})"
        for name in site.arguments
    )
    takes_back = _takes_back(guard, site, bound, "        ")
    results = "".join(f", {name}" for name in site.results)
    cases = "".join(
        f"    case (({number}{results},),):\n{takes_back}        pass\n"
        for number in range(len(site.exits) + 1)
    )
    asked = f"{guard}.enter({first}{arguments})"
    asked = f"() if {unless} else {asked}" if unless else asked
    return f"match {asked}:\n{cases}    case _:\n        pass\n"


def _arguments_text(
    guard: str, site: AnySite, bound: frozenset[str], class_name: str | None
) -> str:
    """Return as text what a guard is asked with, what the header computes in a tuple before."""
    held = dict.fromkeys(whole(name) for name in site.arguments if is_held(name))
    others = [
        name if name in bound else f"{guard}.look({mangle(name, class_name)!r})"
        for name in site.arguments
        if not is_held(name)
    ]
    shown = [f"({''.join(f'{name}, ' for name in held)})"] if held else []
    return ", ".join([*shown, *others])


def _value_text(guard: str, site: Site, class_name: str | None, bound: frozenset[str]) -> str:
    """Return as text what stands for a comprehension, which goes where it says `...`."""
    arguments = _arguments_text(guard, site, bound, class_name)
    return f"... if {_asleep(guard)} else ({guard}.value({arguments}) or (...,))[0]"


def _asleep(guard: str) -> str:
    return f"{guard}.is_deep or {guard}.is_off and {guard}.goes_by({guard}.sleeps, False)"


def _value_or(comprehension: ast.expr, text: str) -> ast.expr:
    """Return the expression that `text` describes with `comprehension` where it asks for it."""
    choice = ast.parse(text, mode="eval").body
    place_at(choice, comprehension)
    match choice:
        case ast.IfExp(orelse=ast.Subscript(value=ast.BoolOp(values=[_, ast.Tuple() as found]))):
            choice.body = comprehension
            found.elts = [over_held(choice, comprehension)]
    return choice


def _guarded(
    loop: ast.stmt, text: str, exits: tuple[Position, ...], before: list[ast.stmt]
) -> ast.stmt:
    """Return the guard that `text` describes with `loop` as what it guards, `before` before it."""
    (guard,) = ast.parse(text).body
    place_at(guard, loop)
    match guard:
        case ast.Match(cases=cases):
            returns = {(e.lineno, e.col_offset): e for e in _returns(loop)}
            for case, place in zip(cases[1:], exits, strict=False):
                case.body[-1:] = [returns[place]]
            cases[-1].body = [*before, loop]
        case ast.If(orelse=[ast.For() as inner]):
            guard.body, inner.orelse = [*before, loop], [*before, loop]
        case ast.If(test=test):
            guard.body = [*before, over_held(test, loop)]
        case ast.For(iter=asked):
            guard.orelse = [*before, over_held(asked, loop)]
    return guard


def _guarded_block(statements: list[ast.stmt], text: str) -> ast.stmt:
    """Return the guard that `text` describes with several statements as what it guards."""
    (guard,) = ast.parse(text).body
    place_at(guard, statements[0])
    match guard:
        case ast.If(orelse=[ast.For() as inner]):
            guard.body, inner.orelse = statements, statements
        case ast.If():
            guard.body = statements
        case ast.For():
            guard.orelse = statements
    return guard


def _returns(loop: ast.stmt) -> Iterator[ast.Return]:
    """Yield the `return` statements in a loop."""
    return (each for each in ast.walk(loop) if isinstance(each, ast.Return))


# ---------------------------------------------------------------- the function reborn


def _counterpart(module: CodeType, original: CodeType) -> CodeType:
    """Return the code in `module` that was compiled from the definition of `original`."""
    for code in _walk_code(module):
        if _signature(code) == _signature(original):
            return code
    raise ValueError(f"'{original.co_qualname}' was not compiled from this source")


def _walk_code(code: CodeType) -> Iterator[CodeType]:
    """Yield `code` and the code of everything defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk_code(constant)


def _signature(code: CodeType) -> tuple[object, ...]:
    """Return what a guard must not have changed: names and kinds of all variables, above all."""
    return (
        code.co_qualname,
        code.co_firstlineno,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        frozenset(code.co_varnames),
        frozenset(code.co_cellvars),
        frozenset(code.co_freevars),
    )


def reborn(function: FunctionType, code: CodeType) -> FunctionType:
    """Return a function that differs from `function` in its code only."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    new = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, closure
    )
    new.__kwdefaults__ = copy.copy(function.__kwdefaults__)
    new.__dict__.update(function.__dict__)
    new.__doc__, new.__module__ = function.__doc__, function.__module__
    new.__qualname__ = function.__qualname__
    for name in ("__type_params__", "__annotate__"):  # of Python 3.12 and 3.14
        if hasattr(function, name):
            setattr(new, name, getattr(function, name))
    if getattr(function, "__annotate__", None) is None:  # else they would be evaluated now
        new.__annotations__ = dict(function.__annotations__)
    return new
