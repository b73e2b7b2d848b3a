"""Attribute chains, `self.grid.n`, and what dicts hold, `p["dt"]`, as names of their own.

Before:  Attribute(Attribute(Name("self"), "grid"), "n")        After:  Name("selfꞏgridꞏn")
         Subscript(Name("p"), "dt")                                     Name("pꞏꞌdt")

A loop of which nothing else touches the object may take such a chain for a name: it is read once,
before the loop. What joins the parts is a letter, so that the whole is an identifier wherever one
is wanted, in guards, in kernels; `dotted` gives back what the user wrote.
"""

from __future__ import annotations

import re

from .held import spoken

# A78F, Latin letter sinological dot: may stand in an identifier, and NFKC leaves it alone.
SEPARATOR = "\ua78f"
# A78C, Latin small letter saltillo: begins what is no attribute, but a key of a dict.
KEY = "\ua78c"
_SUBSCRIPT = re.compile(r'\["(\w+)"\]')
# The names that comprehensions bind, which are their own: `j` is autopar_value_j_12_4.
_OWN = re.compile(r"\bautopar_value_([A-Za-z_]\w*?)_\d+_\d+(?:_turn)?\b")
_KEYED = re.compile(f"{SEPARATOR}{KEY}(\\w+?)(?={SEPARATOR}|\\b)")


def chain(base: str, attributes: tuple[str, ...]) -> str:
    """Return the name of a chain."""
    return SEPARATOR.join((base, *attributes))


def is_chain(name: str) -> bool:
    """Return whether a name stands for a chain."""
    return SEPARATOR in name


def is_keyed(name: str) -> bool:
    """Return whether a name stands for a chain with a key in it."""
    return KEY in name


def base_of(name: str) -> str:
    """Return the variable that a chain begins with; of any other name itself."""
    return name.partition(SEPARATOR)[0]


def parts_of(name: str) -> tuple[str, ...]:
    """Return the variable of a chain and its attributes."""
    return tuple(name.split(SEPARATOR))


def with_base(name: str, base: str) -> str:
    """Return a chain with another variable, or chain, at its beginning."""
    return base + name[len(base_of(name)) :]


def prefixes(name: str) -> tuple[str, ...]:
    """Return the objects on the way along a chain, its variable first: `a`, `a.b` of `a.b.c`."""
    parts = parts_of(name)
    return tuple(SEPARATOR.join(parts[:length]) for length in range(1, len(parts)))


def undotted(text: str) -> str:
    """Return the name of what a user writes as `self.u` or `p["dt"]`."""
    return _SUBSCRIPT.sub(f"{SEPARATOR}{KEY}\\1", text).replace(".", SEPARATOR)


def dotted(text: str) -> str:
    """Return a text with its chains, and what headers compute, as the user may read them."""
    own = _OWN.sub(r"\1", text)
    return spoken(_KEYED.sub(r'["\1"]', own).replace(SEPARATOR, "."))
