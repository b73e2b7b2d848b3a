"""Do the names that a region uses still mean what the analysis took them to mean?

Before:  a function, ("np", "range")      After:  `bindings_hold() -> bool`, asked at each region

Watched are the names, and what the code uses of the modules among them: `np.sqrt` of `np`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, ModuleType

from autopar.analysis.model.array_run import FOLDS, WHERE
from autopar.analysis.model.source import SourceText
from autopar.analysis.model.ufuncs import own_name
from autopar.analysis.passes.allocation_calls import ALLOCATIONS, DTYPES
from autopar.analysis.passes.names import (
    ITERABLES,
    MATH_CONSTANTS,
    MODELLED_FUNCTIONS,
    ROW_FUNCTIONS,
)

from .callees import Callees, Watched
from .functions import (
    PARTS,
    Binding,
    canonical_name,
    identity_guards,
    mentioned_names,
    watch_bindings,
    watched_entries,
)

# What the analysis takes attributes of modules to mean.
_MEANT = (
    MODELLED_FUNCTIONS
    | MATH_CONSTANTS.keys()
    | ALLOCATIONS
    | DTYPES
    | ITERABLES
    | ROW_FUNCTIONS
    | FOLDS.keys()
    | {WHERE, "numpy.copy", "numpy.amax", "numpy.amin"}
)


def watch_known(
    function: FunctionType, names: Iterable[str], text: SourceText
) -> Callable[[], bool]:
    """Return `bindings_hold` for the outer `names` of `function` as they are bound now.

    `text` is that of the function; what those names mean in other texts is watched there.
    Where an attribute has been replaced already (`math.sqrt = mine`), it never holds: the
    analysis reads `math.sqrt` and takes it for the original.
    """
    hold = _watch_names(function, names)
    callees = Callees(function, text)
    for binding in identity_guards(function, names):
        callees.meaning(binding.value)
    return watch_callees(callees, hold)


def watch_callees(callees: Callees, hold: Callable[[], bool] = lambda: True) -> Callable[[], bool]:
    """Return whether `hold` is true, and all functions found still compute what they did."""
    for each in callees.watched:
        hold = _both(hold, _watch_callee(each))
    return hold


def _watch_names(function: FunctionType, names: Iterable[str]) -> Callable[[], bool]:
    """Return `bindings_hold` for the names of one function, in its own namespace."""
    with_modules = sorted({*names, *(name.partition(".")[0] for name in names)})
    bindings = identity_guards(function, with_modules)
    attributes = identity_guards(function, _used_attributes(function, bindings))
    if not all(map(_is_original, attributes)):
        return lambda: False
    helpers = [each.name for each in bindings if isinstance(each.value, FunctionType)]
    parts = identity_guards(function, [f"{name}.{part}" for name in helpers for part in PARTS])
    return watch_bindings(function, (*bindings, *attributes, *parts))


def _watch_callee(watched: Watched) -> Callable[[], bool]:
    """Return whether a function still computes what it did, by its parts and its outside names."""
    callee: FunctionType = watched.callee
    names_hold = _watch_names(callee, watched.names)
    code, defaults = callee.__code__, callee.__defaults__
    keywords = dict(callee.__kwdefaults__ or {})

    def holds() -> bool:
        return (
            callee.__code__ is code
            and callee.__defaults__ is defaults
            and (not keywords or _same_values(callee.__kwdefaults__ or {}, keywords))
            and names_hold()
        )

    return holds


def _both(first: Callable[[], bool], second: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: first() and second()


def _same_values(one: Mapping[str, object], two: Mapping[str, object]) -> bool:
    return one.keys() == two.keys() and all(one[key] is two[key] for key in two)


def _used_attributes(function: FunctionType, bindings: Iterable[Binding]) -> list[str]:
    """Return "np.sqrt" and its like, wherever `sqrt` is mentioned and `np` is a known module."""
    codes = [each.value.__code__ for each in bindings if isinstance(each.value, FunctionType)]
    mentioned = sorted(frozenset().union(*map(mentioned_names, (function.__code__, *codes))))
    found = [
        f"{binding.name}.{attribute}"
        for binding in bindings
        if isinstance(binding.value, ModuleType)
        for attribute in mentioned
        if f"{binding.value.__name__}.{attribute}" in _MEANT
    ]
    # `np.linalg.norm`: NumPy has this module only once somebody has asked for it.
    if {"linalg", "norm"}.issubset(mentioned):
        found += [f"{each.name}.linalg.norm" for each in bindings if _has_linalg(each.value)]
    return found


def _has_linalg(value: object) -> bool:
    return isinstance(value, ModuleType) and getattr(value, "linalg", None) is not None


def _is_original(binding: Binding) -> bool:
    """Return whether an attribute of a module is what the module came with."""
    attribute = binding.name.rpartition(".")[2]
    if isinstance(binding.value, float):
        meant = (MATH_CONSTANTS.get(f"{module}.{attribute}") for module in ("math", "numpy"))
        return repr(binding.value) in map(repr, meant)
    said_name = getattr(binding.value, "__name__", None)
    is_known = canonical_name(binding.value) is not None
    # numpy.abs says that it is numpy.absolute.
    own = own_name(f"numpy.{attribute}").removeprefix("numpy.")
    return is_known and said_name in {attribute, own}


class ModuleBindings:
    """Whether the names of module level still mean what the analysis took them to mean.

    At the start nothing is imported yet, so what a name is bound to is looked up at the first
    region, and again at each until all of them are bound.
    """

    def __init__(
        self, function: FunctionType, text: SourceText, expected: Mapping[str, str]
    ) -> None:
        self._function = function  # its code is that of the module
        self._text = text
        self._expected = expected  # {name: canonical name}
        self._hold: Callable[[], bool] | None = None

    @property
    def entries(self) -> object:
        """What is looked at once all names are bound; None before."""
        return None if self._hold is None else watched_entries(self._hold)

    def __call__(self) -> bool:
        if self._hold is not None:
            return self._hold()
        bound = identity_guards(self._function, sorted(self._expected))
        if any(self._meaning(each) != self._expected[each.name] for each in bound):
            return False
        hold = watch_known(self._function, [each.name for each in bound], self._text)
        if len(bound) == len(self._expected):
            self._hold = hold
        return hold()

    def _meaning(self, binding: Binding) -> str | None:
        return Callees(self._function, self._text).meaning(binding.value)
