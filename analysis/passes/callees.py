"""The functions of the user that a function may call: where each stands, what its names mean.

Before:  "def 12"                      After:  <def f>, and that its `np` is numpy

Those of the same text stand at its module level; others somebody has looked up
(`SourceFunction.callees`). Helper of the `parse` pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from ..model.source import SourceFunction
from . import names
from .definitions import File, file_of, function_at
from .lambdas import inner_functions

Number: TypeAlias = bool | int | float | complex


class Callee(NamedTuple):
    """A function that may be called."""

    find: Callable[[], Any]  # its `def`
    source: SourceFunction  # whose text it is
    known: Mapping[str, str]  # what its outside names stand for
    constants: Mapping[str, Number]  # which of them are numbers, and which
    place: Literal["here", "near", "far", "inside"]  # as of `Helper`
    functions: Mapping[str, str] = MappingProxyType({})  # parameters, and what was passed for them


class Callees:
    """Functions that may be called, by what stands for them.

    Those of the text are made when somebody asks: each of a thousand functions may call each.
    """

    def __init__(
        self, here: Mapping[str, Any], source: SourceFunction, known: Mapping[str, str]
    ) -> None:
        self._here = here  # the `def` of each function of the text
        self._source = source
        self._known = known
        self._found: dict[str, Callee] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._found or key in self._here

    def __getitem__(self, key: str) -> Callee:
        found = self._found.get(key)
        if found is None:
            find = partial(_itself, self._here[key])
            found = self._found[key] = Callee(find, self._source, self._known, {}, "here")
        return found

    def __setitem__(self, key: str, callee: Callee) -> None:
        self._found[key] = callee


def find_callees(source: SourceFunction, known: Mapping[str, str], file: File) -> Callees:
    """Return the functions that `source`, and those it calls, may call, by what stands for them.

    `known` is what the outside names of `source` stand for, `file` is its text.
    """
    # A name of an enclosing function would hide what functions of module level see.
    is_outside = "<locals>" not in source.qualified_name
    found = Callees(file.helpers if is_outside else {}, source, known)
    for each in source.callees:
        # Texts of other modules are read where a loop calls what is in them.
        find = partial(_in_its_text, each.source)
        meant = dict(each.source.known_names or ())
        place: Literal["near", "far"] = "far" if each.sees_others else "near"
        found[each.key] = Callee(find, each.source, meant, dict(each.constants), place)
    return found


def given_functions(callee: Callee, functions: Mapping[str, str]) -> Callee:
    """Return `callee` with functions for some of its parameters."""
    return callee._replace(functions=MappingProxyType(dict(functions)))


def inner_callees(
    body: list[Any], source: SourceFunction, known: Mapping[str, str]
) -> dict[str, tuple[str, Callee]]:
    """Return the functions that a function defines for itself, by name: what stands for them.

    Only those that it defines once and for all before it does anything else with the name, and
    that it only calls, or passes on: nothing can have changed them when they are called.
    """
    found: dict[str, tuple[str, Callee]] = {}
    for name, node in inner_functions(body, known).items():
        key = f"{names.HELPER}{node.lineno} inside"
        found[name] = key, Callee(partial(_itself, node), source, known, {}, "inside")
    return found


def _itself(node: Any) -> Any:
    return node


def _in_its_text(source: SourceFunction) -> Any:
    found = function_at(file_of(source.text.text), source.qualified_name, source.line)
    assert found is not None  # somebody found it there
    return found
