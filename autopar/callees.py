"""The functions of the user that a function calls, wherever they stand.

Before:  from physics import drag       After:  ("drag", "def 12 of physics.py 3f2a91"), its source,
                                                and the numbers that it finds outside itself

A function of another module, of an earlier cell of a notebook or in a closure is believed on its
text as the caller itself is: the text is compiled again. What it sees in its own module are its
own names; where these are numbers they are taken as they are, and watched (`watch`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

from autopar.analysis.model.chains import chain
from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.source import CalleeSource, SourceFunction, SourceText
from autopar.analysis.passes.names import HELPER, RECURSIVE

from .askers import original_code
from .attributes import method_of
from .functions import (
    KNOWN_MODULES,
    SUSPENDING_FLAGS,
    Binding,
    definition_line,
    find_text,
    has_own_defaults,
    identity_guards,
    meaning_of,
    mentioned_names,
    read_source,
)

# What a variable may hold to be taken for its value.
_NUMBERS = frozenset((bool, int, float, complex))
# More than these are not put in place of a call anyway (bytes of code, characters of text).
_LARGEST_CODE, _LARGEST_TEXT = 4_000, 100_000
# Functions that one function may call, at any depth.
_MOST_CALLEES = 40


def read_with_callees(function: object, text: SourceText | None = None) -> SourceFunction | Refusal:
    """Return the source of `function` as `read_source` does, with what it may call."""
    source = read_source(function, text)
    if isinstance(source, Refusal) or not isinstance(function, FunctionType):
        return source
    known = dict(source.known_names or ())
    callees = Callees(function, source.text)
    codes = [function.__code__]
    codes += [each.__code__ for name, each in _near(function, known)]
    for binding in outside(function, codes):
        if binding.name not in known:
            meaning = callees.meaning(binding.value)
            if meaning is not None:
                known[binding.name] = meaning
    names = tuple(sorted(known.items()))
    return replace(source, known_names=names, callees=callees.sources)


def _near(function: FunctionType, known: dict[str, str]) -> Iterator[tuple[str, FunctionType]]:
    """Yield the functions of the same text that `function` may call."""
    for binding in identity_guards(function, sorted(known)):
        if isinstance(binding.value, FunctionType) and known[binding.name].startswith(HELPER):
            yield binding.name, binding.value


def outside(function: FunctionType, codes: Iterable[CodeType]) -> Iterator[Binding]:
    """Yield what the outside names of `codes` mean to `function`, functions of modules too."""
    mentioned = sorted(frozenset().union(*map(mentioned_names, codes)))
    for binding in identity_guards(function, mentioned):
        yield binding
        module = binding.value
        if isinstance(module, ModuleType) and module.__name__ not in KNOWN_MODULES:
            dotted = (f"{binding.name}.{name}" for name in mentioned)
            for each in identity_guards(function, dotted):
                if plain_function(each.value) is not None:
                    yield each


def plain_function(value: object) -> FunctionType | None:
    """Return the function that a call of `value` runs, autopar's own guards aside."""
    if isinstance(value, FunctionType):
        return value
    if getattr(type(value), "is_autopar_wrapper", False) is True:
        return plain_function(value.__wrapped__)  # type: ignore[attr-defined]  # a ParallelFunction
    return None


@dataclass(frozen=True, slots=True)
class Watched:
    """A function that was found, and the outside names that decide what it computes."""

    callee: FunctionType
    names: tuple[str, ...]


class Method(NamedTuple):
    """What instances of a class call by a name, unless they have one of their own."""

    kind: type
    name: str
    found: object


@dataclass(slots=True)
class Callees:
    """Functions of other texts, found for one that calls them."""

    function: FunctionType  # that calls
    text: SourceText
    watched: list[Watched] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)  # that were found
    _found: dict[str, CalleeSource] = field(default_factory=dict)
    _open: list[FunctionType] = field(default_factory=list)  # being looked at

    @property
    def sources(self) -> tuple[CalleeSource, ...]:
        """What has been found."""
        return tuple(self._found[key] for key in sorted(self._found))

    def meaning(self, value: object) -> str | None:
        """Return what a name that is bound to `value` is taken to mean; the same at any time."""
        found = meaning_of(value, self.function, self.text)
        if found is not None:
            return found
        function = plain_function(value)
        if function is None or len(self._open) > _MOST_CALLEES or len(self._found) > _MOST_CALLEES:
            return None
        if any(function is each for each in self._open):
            return RECURSIVE
        code = original_code(function)
        return self._far(function, code) if _may_stand_in_place(code) else None

    def meaning_of_method(self, kind: type, name: str) -> str | None:
        """Return what calls of the method `name` of instances of `kind` are taken to mean."""
        found = method_of(kind, name)
        function = plain_function(found)
        if function is None or len(self._open) > _MOST_CALLEES or len(self._found) > _MOST_CALLEES:
            return None
        self.methods.append(Method(kind, name, found))
        if any(function is each for each in self._open):
            return RECURSIVE
        code = original_code(function)
        return self._far(function, code, kind) if _may_stand_in_place(code) else None

    def _given(
        self, function: FunctionType, code: CodeType, kind: type | None
    ) -> tuple[tuple[str, str], ...]:
        """Return what a method calls of its own object, and what that means."""
        if kind is None or not code.co_argcount:
            return ()
        self._open.append(function)
        called = (name for name in code.co_names if plain_function(method_of(kind, name)))
        meanings = {name: self.meaning_of_method(kind, name) for name in called}
        self._open.pop()
        first = code.co_varnames[0]
        return tuple(
            (chain(first, (name,)), each) for name, each in meanings.items() if each is not None
        )

    def _far(self, function: FunctionType, code: CodeType, kind: type | None = None) -> str | None:
        text = find_text(function)
        if text is None or len(text.text) > _LARGEST_TEXT:
            return None
        line = definition_line(code, text, compare=True)
        if line is None or not has_own_defaults(function, line, text):
            return None
        is_nested = "<locals>" in self.function.__code__.co_qualname
        sees_others = (
            function.__globals__ is not self.function.__globals__
            or bool(code.co_freevars)
            or is_nested
        )
        names, constants = self._names(function, code, with_constants=sees_others)
        given = self._given(function, code, kind)
        described = repr((names, constants, sees_others, text.text, given)).encode()
        digest = hashlib.sha256(described).hexdigest()[:8]
        key = f"{HELPER}{line} of {text.path} {digest}"
        source = SourceFunction(
            text=text,
            qualified_name=code.co_qualname,
            line=line,
            known_names=names,
            given=given,
        )
        decisive = (*(name for name, _ in names), *(name for name, _ in constants))
        if key not in self._found:
            self.watched.append(Watched(function, decisive))
        self._found[key] = CalleeSource(
            key=key, source=source, constants=constants, sees_others=sees_others
        )
        return key

    def _names(
        self, function: FunctionType, code: CodeType, *, with_constants: bool
    ) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, bool | int | float | complex], ...]]:
        """Return what the outside names of a function mean, and which of them are numbers."""
        names: dict[str, str] = {}
        constants: dict[str, bool | int | float | complex] = {}
        self._open.append(function)
        for binding in outside(function, [code]):
            meaning = self.meaning(binding.value)
            if meaning is not None:
                names[binding.name] = meaning
            elif with_constants and type(binding.value) in _NUMBERS:
                constants[binding.name] = binding.value  # type: ignore[assignment]  # of these types
        self._open.pop()
        return tuple(sorted(names.items())), tuple(sorted(constants.items()))


def _may_stand_in_place(code: CodeType) -> bool:
    """Return whether a function is of the kind that a call can be replaced by."""
    return (
        len(code.co_code) <= _LARGEST_CODE
        and not code.co_exceptiontable
        and not code.co_flags & (SUSPENDING_FLAGS | CO_VARARGS | CO_VARKEYWORDS)
    )
