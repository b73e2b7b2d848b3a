"""Nouns as JSON, for the cache, and back.

    Span(line=1, ...)            {"kinds": [["...source:Span", ["line", "column", ...]]],
                                  "nodes": [[0, 1, 0, 1, 9]], "root": [0, 0]}

Each noun is a node: the number of its kind, then its fields; what refers to it says its number,
so that nouns that were one object are one object again. Sets and maps travel in isl's notation
and are parsed when first used, which most never are. Which modules may be named is the reader's
decision: a text can make nothing but their nouns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, TypeAlias

from . import isl
from .source import Span

Json: TypeAlias = Any  # lists, strings, numbers, booleans, None

# What a list that stands for a value begins with.
_NOUN, _TUPLE, _SET, _FLOAT, _COMPLEX, _GIVEN, _INT = range(7)
_ISL = {"Set": isl.Set, "Map": isl.Map, "UnionMap": isl.UnionMap}
_ISL_NAMES = {kind: name for name, kind in _ISL.items()}
_LARGEST_INT = 2**63
_WORD = re.compile(r"[A-Za-z_]\w*")


class UnwritableError(Exception):
    """A noun holds what has no form in JSON."""


class UnreadableError(Exception):
    """A text is not what `written` makes, or not for these modules."""


def written(root: object, modules: Collection[str], given: Mapping[str, object]) -> Json:
    """Return `root`, made of nouns of `modules`, as JSON.

    What `given` names is left out, and given again to the reader. Raises UnwritableError, and
    BudgetExhaustedError where isl has no text for a set.
    """
    return _Writer(modules, given).document(root)


def read(document: Json, modules: Collection[str], given: Mapping[str, object]) -> Any:  # noqa: ANN401 - the root
    """Return what was written, made of nouns of `modules`; raises UnreadableError."""
    try:
        return _Reader(document, modules, given).value(document["root"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ImportError) as error:
        raise UnreadableError(str(error)) from error


class _Writer:
    """One document."""

    def __init__(self, modules: Collection[str], given: Mapping[str, object]) -> None:
        self._modules = modules
        self._given = {id(value): name for name, value in given.items()}
        self._kinds: dict[type, int] = {}
        self._names: list[tuple[str, list[str]]] = []
        self._nodes: list[list[Json]] = []
        self._numbers: dict[object, int] = {}
        self._kept: list[object] = []  # an identity must not come to mean something else

    def document(self, root: object) -> Json:
        value = self._value(root)
        return {"kinds": self._names, "nodes": self._nodes, "root": value}

    def _value(self, value: object) -> Json:
        match value:
            case None | bool() | str():
                return value
            case int():
                return value if abs(value) < _LARGEST_INT else [_INT, hex(value)]
            case float():
                return [_FLOAT, value.hex()]
            case complex():
                return [_COMPLEX, value.real.hex(), value.imag.hex()]
            case tuple():
                if type(value) is not tuple:
                    raise UnwritableError(repr(type(value)))
                return [_TUPLE, *map(self._value, value)]
            case frozenset():
                return [_SET, *sorted(map(self._value, value), key=repr)]
        if id(value) in self._given:
            return [_GIVEN, self._given[id(value)]]
        return [_NOUN, self._number(value)]

    def _number(self, noun: object) -> int:
        # Spans are equal more often than they are one object, and nobody can tell.
        key: object = noun if type(noun) is Span else id(noun)
        known = self._numbers.get(key)
        if known is None:
            node = self._node(noun)
            known = self._numbers[key] = len(self._nodes)
            self._nodes.append(node)
            self._kept.append(noun)
        return known

    def _node(self, noun: object) -> list[Json]:
        kind = type(noun)
        if kind in _ISL_NAMES:
            assert isinstance(noun, isl.Set | isl.Map | isl.UnionMap)
            return [self._kind(kind, []), noun.text]
        if not is_dataclass(kind) or kind.__module__ not in self._modules:
            raise UnwritableError(repr(kind))
        names = [each.name for each in fields(kind)]
        return [self._kind(kind, names), *(self._value(getattr(noun, name)) for name in names)]

    def _kind(self, kind: type, names: list[str]) -> int:
        if kind not in self._kinds:
            self._kinds[kind] = len(self._names)
            self._names.append((f"{kind.__module__}:{kind.__qualname__}", names))
        return self._kinds[kind]


class _Reader:
    """One document; nodes come before what refers to them."""

    def __init__(
        self, document: Json, modules: Collection[str], given: Mapping[str, object]
    ) -> None:
        self._given = given
        makers = [_maker(name, names, modules) for name, names in document["kinds"]]
        self._nouns: list[object] = []
        for kind, *values in document["nodes"]:
            self._nouns.append(makers[kind](*map(self.value, values)))

    def value(self, value: Json) -> Any:  # noqa: ANN401 - whatever was written
        """Return the value that JSON stands for."""
        if not isinstance(value, list):
            if isinstance(value, dict | float):
                raise UnreadableError(repr(value))
            return value
        match value:
            case [int(kind), int(number)] if kind == _NOUN and number >= 0:
                return self._nouns[number]
            case [int(kind), *values] if kind == _TUPLE:
                return tuple(map(self.value, values))
            case [int(kind), *values] if kind == _SET:
                return frozenset(map(self.value, values))
            case [int(kind), str(text)] if kind == _FLOAT:
                return float.fromhex(text)
            case [int(kind), str(real), str(imaginary)] if kind == _COMPLEX:
                return complex(float.fromhex(real), float.fromhex(imaginary))
            case [int(kind), str(name)] if kind == _GIVEN:
                return self._given[name]
            case [int(kind), str(text)] if kind == _INT:
                return int(text, 16)
        raise UnreadableError(repr(value))


def _maker(name: str, names: list[str], modules: Collection[str]) -> Callable[..., object]:
    """Return what makes nouns of a kind from the values of their fields."""
    module, _, qualified = name.partition(":")
    if module == isl.__name__ and qualified in _ISL:
        return _ISL[qualified]
    if module not in modules or not _WORD.fullmatch(qualified):
        raise UnreadableError(name)
    kind = getattr(import_module(module), qualified)
    if not isinstance(kind, type) or kind.__module__ != module or not is_dataclass(kind):
        raise UnreadableError(name)
    if names != [each.name for each in fields(kind)]:
        raise UnreadableError(name)

    def make(*values: object) -> object:
        return kind(**dict(zip(names, values, strict=True)))

    return make
