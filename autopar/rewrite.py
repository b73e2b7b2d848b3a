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

import ast
import copy
import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any, TypeVar

from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.passes.bound_names import Position, find_bound_names
from autopar.analysis.passes.scopes import SCOPES, Scope, class_of, enclose, mangle, path_to

from .askers import (
    CountingGuard,
    Guard,
    HeldValueGuard,
    HoldingGuard,
    SplitGuard,
    StretchGuard,
    ValueGuard,
    keep_unassigned,
    original_code,
    showing,
)
from .code_objects import FUTURE_FLAGS, counterpart, reborn, with_constants
from .counted_loops import counted
from .endings import note_rewritten
from .guard_text import (
    arguments_text,
    asleep,
    guard_text,
    guarded,
    guarded_block,
    match_text,
    take_back_text,
    value_or,
    value_text,
)
from .holding import Holding
from .placing import place_at
from .settling import Settler, Settling
from .sites import AnySite, Asker, Decoration, Site
from .split_loops import SplitSite, Splitter, split_loop
from .stretched_loops import Asking, StretchSite, stretched

# Where no comprehension is looked for.
_NO_VALUES = (
    ast.stmt, ast.excepthandler, ast.match_case, ast.Lambda, ast.JoinedStr, ast.SetComp,
    ast.DictComp,
)  # fmt: skip

NodeT = TypeVar("NodeT", bound=ast.AST)

# What a suspended function left on the device, nobody would settle.
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


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
    code = with_constants(counterpart(compiled, original), edit.constants)
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
        look = f"{self._placeholder(Guard(enter=lambda *_: ()))}.look"
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
                shown = arguments_text(guard, site, bound.get(place, frozenset()), class_name)
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
            enter = keep_unassigned(site.enter, names) if site.results else site.enter
            asker = Guard(enter=enter, original=self._original)
            if site.counting is not None and not holding.names:
                asker = CountingGuard(enter=enter, original=self._original, counting=site.counting)
            if holding.names:
                names = tuple(mangle(name, class_name) for name in site.results)
                asker = HoldingGuard(
                    enter=showing(holding, names), original=self._original, next=holding.next
                )
            elif site.answers is not None:
                site.answers(asker)
            guard = self._placeholder(asker)
            text = match_text if site.exits else guard_text
            around = (site, bound.get(place, frozenset()), class_name)
            self._guards[place] = text(guard, *around)
            if isinstance(asker, CountingGuard):
                counting, rest = f"{guard}.counting", site.enter_rest
                again = text(guard, *around, unless=f"{counting}.is_settled")
                if rest is not None:
                    enter = keep_unassigned(rest, names) if site.results else rest
                    asker = Guard(enter=enter, original=self._original)
                    unless, left = f"{counting}.is_whole()", f"{counting}.left(), "
                    again = text(self._placeholder(asker), *around, unless=unless, first=left)
                self._counted[place] = counting, again, rest is not None
            self._exits[place] = site.exits
            self._numbers[place] = site.statements

    def _add_value(self, site: Site, holding: Holding, class_name: str | None) -> None:
        """Prepare the guard of an expression."""
        value: Asker = ValueGuard(enter=site.enter)
        if holding.names and site.end is None:
            value = HeldValueGuard(enter=site.enter, holding=holding, next=holding.next)
        if site.answers is not None:
            site.answers(value)
        text = functools.partial(value_text, self._placeholder(value), site, class_name)
        place = (site.line, site.column)
        if site.end is None:
            self._values[place] = text
        else:
            self._parts[place, site.end] = text

    def _add_stretch(self, site: StretchSite, class_name: str | None) -> None:
        """Prepare the guard in a loop that runs in stretches."""
        asker = StretchGuard(
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
                unless=asleep(guard),
                shown=arguments_text(guard, site, bound, class_name),
                takes_back=take_back_text(guard, site, bound, "        "),
            )

        self._stretches[site.line, site.column] = functools.partial(
            stretched, site=site, asking=asking
        )

    def _split_guard(self, splitter: Splitter) -> SplitGuard:
        return SplitGuard(
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
                edited = [guarded_block([*self._fallen_back(block[0]), *block], text)]
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
                loop, counting, lambda rest: guarded(rest, again, exits, before), rests=rests
            )
        return guarded(loop, text, exits, before)

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
            return node if text is None else value_or(node, text(bound))
        if self._parts and isinstance(node, ast.expr) and node.end_lineno is not None:
            end = (node.end_lineno, node.end_col_offset or 0)
            text = self._parts.pop(((node.lineno, node.col_offset), end), None)
            if text is not None:
                return value_or(node, text(bound))
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
