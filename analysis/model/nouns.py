"""Frozen dataclasses that cost little to define: `from .nouns import dataclass`.

`dataclasses.dataclass` writes six functions for each class and has each compiled when the class
is defined, which for three hundred nouns is most of the time that importing them takes. Here
`__init__` is written when the first value is made, and the other functions are the same for all
classes. What they do is what those of `dataclasses` do; `fields`, `replace`, pickling and
matching work as ever. Classes that are not frozen, or want an order, are left to `dataclasses`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - what type checkers know
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:  # noqa: ANN401 - two forms
        """Define a dataclass, as `dataclasses.dataclass` does."""
        if cls is None:
            return lambda given: _defined(given, options)
        return _defined(cls, options)


_OURS = frozenset({"frozen", "slots", "kw_only", "match_args", "eq"})


def _defined(cls: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401 - any class
    if not options.get("frozen") or not options.keys() <= _OURS:
        return dataclasses.dataclass(**options)(cls)
    own = dict(vars(cls))
    if own.get("__hash__", cls) is None:  # Python's doing, where there is an __eq__
        del own["__hash__"]
    # The class that comes back is another one where it has slots.
    plain = {"frozen": False, "init": False, "repr": False, "eq": False}
    made: Any = dataclasses.dataclass(**{**options, **plain})(cls)
    functions = _functions(made) | (_comparing(made) if options.get("eq", True) else {})
    for name, function in functions.items():
        if name not in own:
            setattr(made, name, function)
    return made


def _functions(cls: Any) -> dict[str, Callable[..., Any]]:  # noqa: ANN401 - any class
    def __init__(self: object, *args: object, **values: object) -> None:  # noqa: N807
        cls.__init__ = _init(cls)
        cls.__init__(self, *args, **values)

    functions: dict[str, Callable[..., Any]] = {
        "__init__": __init__,
        "__repr__": _repr,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
    }
    if "__slots__" in vars(cls):
        functions |= {"__getstate__": _getstate, "__setstate__": _setstate}
    return functions


def _comparing(cls: type) -> dict[str, Callable[..., Any]]:
    names = [each.name for each in dataclasses.fields(cls) if each.compare]
    values = _getter(names)
    # Where something stands is dear to hash, and of what differs in that alone there is little.
    telling = _getter([name for name in names if name != "span"] or names)

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(telling(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _getter(names: list[str]) -> Callable[[object], tuple[object, ...]]:
    """Return what reads `names` into a tuple."""
    match names:
        case []:
            return lambda _: ()
        case [name]:
            return lambda instance: (getattr(instance, name),)
    return attrgetter(*names)


def _init(cls: type) -> Callable[..., None]:
    """Return `__init__`, written for the fields of `cls`."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_missing": dataclasses.MISSING}
    places: list[str] = []
    keywords: list[str] = []
    lines: list[str] = []
    for field in dataclasses.fields(cls):
        name, value = field.name, field.name
        parameter = name
        if field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_missing"
            value = f"_make_{name}() if {name} is _missing else {name}"
        if field.init:
            (keywords if field.kw_only else places).append(parameter)
            lines.append(f" _set(self, {name!r}, {value})")
        elif field.default_factory is not dataclasses.MISSING:
            lines.append(f" _set(self, {name!r}, _make_{name}())")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    parameters = ", ".join(["self", *places, *(["*", *keywords] if keywords else [])])
    body = "\n".join(lines) or " pass"
    exec(f"def __init__({parameters}):\n{body}", scope)  # noqa: S102 - names of fields only
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


@recursive_repr()
def _repr(self: Any) -> str:  # noqa: ANN401 - any noun
    values = (
        f"{field.name}={getattr(self, field.name)!r}"
        for field in dataclasses.fields(self)
        if field.repr
    )
    return f"{self.__class__.__qualname__}({', '.join(values)})"


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:  # noqa: ANN401 - any noun
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:  # noqa: ANN401 - any noun
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
