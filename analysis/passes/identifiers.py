"""Names that isl can read: the user's own wherever possible, unique within one region.

Before:  floor, MAX, größe, n          After:  floor_, MAX_, u67_72_f6_df_65, n

isl knows its words in any case (`MAX`, `Exists`) and ASCII only. An identifier also becomes a
name in generated code, so Python's own names for types are avoided too.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model.chains import KEY, SEPARATOR

_ISL_WORDS = frozenset((
    "and", "or", "not", "exists", "mod", "floor", "floord", "ceil", "ceild", "min", "max",
    "infty", "infinity", "nan", "true", "false", "implies", "rat",
))  # fmt: skip
_TYPE_NAMES = frozenset(("int", "Int", "float", "bool", "complex"))


class Identifiers:
    """The identifiers of one region; an identifier is given once."""

    def __init__(self, names: Iterable[str]) -> None:
        """Keep all of the user's `names` from being given to anything else."""
        self._given: dict[str, str] = {}
        self._taken = set(names)

    def of(self, name: str) -> str:
        """Return the identifier of a name of the user: itself, if isl can read it."""
        if name not in self._given:
            self._given[name] = name if is_readable(name) else self.fresh(_ascii(name))
        return self._given[name]

    def fresh(self, wanted: str) -> str:
        """Return an identifier that nothing else has, `wanted` if possible."""
        identifier = _ascii(wanted)
        while identifier in self._taken or not is_readable(identifier):
            identifier += "_"
        self._taken.add(identifier)
        return identifier


def is_readable(name: str) -> bool:
    """Return whether isl reads `name` as an identifier."""
    return name.isascii() and name.lower() not in _ISL_WORDS and name not in _TYPE_NAMES


def _ascii(name: str) -> str:
    name = name.replace(SEPARATOR, "_").replace(KEY, "")
    if name.isascii():
        return "".join(letter if letter.isalnum() else "_" for letter in name)
    return "u" + "_".join(f"{ord(letter):x}" for letter in name)
