"""Code objects: a compiled text -> the function it is of, with that code and constants of ours."""

from __future__ import annotations
import __future__

import copy
import functools
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType

FUTURE_FLAGS = functools.reduce(
    int.__or__,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)


def with_constants(code: CodeType, constants: Mapping[str, object]) -> CodeType:
    """Return `code` with the objects themselves for their placeholders, at any depth."""

    def meant(value: object) -> object:
        if isinstance(value, CodeType):
            return with_constants(value, constants)
        return constants.get(value, value) if isinstance(value, str) else value

    return code.replace(co_consts=tuple(map(meant, code.co_consts)))


def counterpart(module: CodeType, original: CodeType) -> CodeType:
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
