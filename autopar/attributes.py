"""What attributes of an object hold, read without running any code of the user's.

Before:  self.n      After:  what the instance, its slots, its class or a module has under that
                             name, or why only the interpreter may ask (a property)

Python's own rules (data model, "Invoking descriptors"), followed by hand: the classes of an object
are searched for the name first, and what is found there decides.
"""

from __future__ import annotations

from collections.abc import Callable
from types import (
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import Any, Final, NamedTuple

import numpy as np

_MRO: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_CONTENT: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_ABSENT: Final = object()
_MOST_KEYS = 256  # of a dict that is looked at in each call
# What reads a field of a named tuple.
_FIELD = type(vars(NamedTuple("_Pair", [("one", int)]))["one"])
# Of an array, numbers that only a change of its shape could change.
_SIZES = frozenset(_CONTENT(np.ndarray)[name] for name in ("size", "ndim", "itemsize", "nbytes"))


def _own(name: str, kinds: tuple[type, ...]) -> frozenset[object]:
    """Return what those of `kinds` have under a name that have it themselves."""
    return frozenset(_CONTENT(kind)[name] for kind in kinds if name in _CONTENT(kind))


# The ordinary lookup, as object has it and the types that bring it along under their own name;
# since Python 3.13 few do.
_LOOKUPS = _own(
    "__getattribute__",
    (object, ModuleType, SimpleNamespace, tuple, list, dict, set, int, float, str),
)
# And the ordinary assignment.
_ASSIGNMENTS = _own("__setattr__", (object, SimpleNamespace))


class NotPlainError(Exception):
    """An attribute is more than a value; `args[0]` says in a clause why."""


def value_of(holder: object, name: str) -> Any:  # noqa: ANN401  # whatever it holds
    """Return what `holder.name` is; raises NotPlainError where finding out may run code."""
    if isinstance(holder, type):
        return _value_of_class(holder, name)
    kind = type(holder)
    if not _is_ordinary(kind):
        raise NotPlainError(f"'{kind.__name__}' has its own '__getattribute__'")
    own = _found(kind, name)
    if own is not _ABSENT and not _is_plain(own):
        _refuse_descriptor(holder, own, name)
    try:
        # The lookup of a class with `__getattr__` too, but for calling it.
        return object.__getattribute__(holder, name)
    except AttributeError:
        raise NotPlainError(f"the {kind.__name__} does not hold it") from None


def method_of(kind: type, name: str) -> Any:  # noqa: ANN401  # whatever it is
    """Return what the instances of `kind` call by a name; None where finding out may run code.

    An instance that has the name itself calls that.
    """
    if not _is_ordinary(kind):
        return None
    own = _found(kind, name)
    return None if own is _ABSENT else own


def has_itself(holder: object, name: str) -> bool:
    """Return whether an object, of a class with a function of that name, has it itself too."""
    if _found(type(holder), "__dict__") is _ABSENT:
        return False
    content = dictionary_of(holder)
    return type(content) is not dict or name in content


def item_of(holder: object, key: str) -> Any:  # noqa: ANN401  # whatever it holds
    """Return what `holder[key]` is; raises NotPlainError where finding out may run code."""
    if type(holder) is not dict:
        raise NotPlainError(f"a {type(holder).__name__} is no plain dict")
    # Another kind of key may have an `__eq__` of its own.
    if len(holder) > _MOST_KEYS or not all(type(each) is str for each in holder):
        raise NotPlainError(f"the dict has more than {_MOST_KEYS} keys, or others than strings")
    if key not in holder:
        raise NotPlainError("the dict does not hold it")
    return holder[key]


def place_of(holder: object, name: str) -> tuple[int, str]:
    """Return what tells an attribute that `value_of` can read from all others.

    Two objects may share a dictionary, so it is the dictionary that counts.
    """
    if isinstance(holder, type) or not _has_dictionary(holder, name):
        return id(holder), name
    return id(object.__getattribute__(holder, "__dict__")), name


def dictionary_of(holder: object) -> object:
    """Return the dictionary in which an object keeps its attributes, if it has a plain one."""
    if isinstance(holder, type) or not _has_dictionary(holder, ""):
        return None
    return object.__getattribute__(holder, "__dict__")


def check_assignable(holder: object, name: str) -> None:
    """Raise NotPlainError where assigning `holder.name` may do more than keep a value.

    Asked of attributes that `value_of` can read.
    """
    kind = type(holder)
    if isinstance(holder, type | ModuleType):
        raise NotPlainError(f"it is kept by a {kind.__name__}, whose names all code shares")
    if not any(_found(kind, "__setattr__") is each for each in _ASSIGNMENTS):
        raise NotPlainError(f"'{kind.__name__}' has its own '__setattr__'")
    own = _found(kind, name)
    if isinstance(own, MemberDescriptorType):
        if "__slots__" not in _CONTENT(own.__objclass__):
            raise NotPlainError(f"a {kind.__name__} keeps it outside Python")
    elif _is_size(own) or type(own) is _FIELD or not _has_dictionary(holder, name):
        raise NotPlainError(f"a {kind.__name__} does not let it be assigned")


def _found(kind: type, name: str) -> Any:  # noqa: ANN401  # whatever it is
    """Return what a class or its bases have under a name, the first that has it."""
    for each in _MRO(kind):
        content = _CONTENT(each)
        if name in content:
            return content[name]
    return _ABSENT


def _is_ordinary(kind: type) -> bool:
    """Return whether instances of `kind` are asked for attributes in Python's own way."""
    lookup = _found(kind, "__getattribute__")
    return type(lookup) is WrapperDescriptorType and lookup in _LOOKUPS


def _is_plain(own: object) -> bool:
    """Return whether what a class has under a name takes no part in reading it, or no code."""
    kind = type(own)
    if kind is MemberDescriptorType or kind is _FIELD:
        return True
    if kind is GetSetDescriptorType:
        return _is_size(own)
    return _found(kind, "__get__") is _ABSENT and _found(kind, "__set__") is _ABSENT


def _is_size(own: object) -> bool:
    return type(own) is GetSetDescriptorType and own in _SIZES


def _refuse_descriptor(holder: object, own: object, name: str) -> None:
    """Raise NotPlainError, unless the instance has a value that comes first."""
    is_data = any(_found(type(own), each) is not _ABSENT for each in ("__set__", "__delete__"))
    if not is_data and _has_dictionary(holder, name):
        content = object.__getattribute__(holder, "__dict__")
        if name in content:  # `functools.cached_property`, once it has been asked
            return
    word = "property" if isinstance(own, property) else type(own).__name__
    raise NotPlainError(f"it is a {word} of '{type(holder).__name__}'")


def _has_dictionary(holder: object, name: str) -> bool:
    """Return whether an attribute of an object is kept in a plain dictionary of its own."""
    kind = type(holder)
    if isinstance(_found(kind, name), MemberDescriptorType):
        return False
    if not _is_ordinary(kind):
        return False
    own = _found(kind, "__dict__")
    # That of a module is a member of its C structure.
    if not isinstance(own, GetSetDescriptorType | MemberDescriptorType):
        return False
    return type(object.__getattribute__(holder, "__dict__")) is dict


def _value_of_class(holder: type, name: str) -> Any:  # noqa: ANN401  # whatever it holds
    meta = type(holder)
    if _found(meta, "__getattribute__") is not type.__getattribute__:
        raise NotPlainError(f"'{meta.__name__}' has its own '__getattribute__'")
    own, of_meta = _found(holder, name), _found(meta, name)
    if own is _ABSENT or of_meta is not _ABSENT:
        raise NotPlainError(f"the class '{holder.__name__}' does not hold it")
    if _found(type(own), "__get__") is not _ABSENT:
        raise NotPlainError(f"it is a {type(own).__name__} of '{holder.__name__}'")
    return own
