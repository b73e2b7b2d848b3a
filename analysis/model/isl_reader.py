"""Read the plain part of isl's notation: linear constraints and their alternatives, relations.

Before:  "[n] -> { S0[i, j] : i >= 0 and j < n }"     After:  the islpy set

isl's own parser takes ten times as long as all that is done with what it reads; anything this
one does not know (floors, remainders, parentheses, chains) is None and goes to that one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from .later import Later

if TYPE_CHECKING:
    import islpy
else:
    islpy = Later("islpy")

_NAMES = r"\w+(?:, \w+)*"
_HEAD = rf"(?:\[(?P<parameters>{_NAMES})?\] -> )?\{{ "
_SET = re.compile(rf"{_HEAD}(?:(?P<tuple>\w*)\[(?P<names>{_NAMES})?\] )?: (?P<tests>[^;:?]+) \}}")
_MAP = re.compile(
    rf"{_HEAD}(?P<source>\w*)\[(?P<names>{_NAMES})?\] -> (?P<sink>\w*)\[(?P<forms>[^;:\[\]]*)\] \}}"
)
_UNION = re.compile(rf"(?P<head>{_HEAD})(?P<pieces>[^:]*) \}}")
_TEST = re.compile(r"([^<>=!]+) (<|<=|>|>=|=) ([^<>=!]+)")
_TERM = re.compile(r"(?:(\d+)\*)?([^\W\d]\w*)|(\d+)")
_ONE = ""  # the name under which a form has its constant

_Form = Mapping[str, int]
_Place: TypeAlias = "dict[str, tuple[islpy.dim_type, int]]"


def read_set(context: islpy.Context, text: str) -> islpy.Set | None:
    """Return the set that `text` describes; None where it is not plain."""
    found = _SET.fullmatch(text)
    if found is None:
        return None
    parameters, names = _split(found["parameters"]), _split(found["names"])
    known = {*parameters, *names, _ONE}
    alternatives = [_rows(each, known) for each in found["tests"].split(" or ")]
    if None in alternatives or len(known) <= len(parameters) + len(names):
        return None
    if found["tuple"] is None:
        space = islpy.Space.params_alloc(context, len(parameters))
    else:
        space = islpy.Space.set_alloc(context, len(parameters), len(names))
    place = _places(parameters, islpy.dim_type.set, names)
    space = _named(space, place)
    if found["tuple"]:
        space = space.set_tuple_name(islpy.dim_type.set, found["tuple"])
    local = islpy.LocalSpace.from_space(space)
    union: islpy.Set | None = None
    for rows in alternatives:
        basic = islpy.BasicSet.universe(space)
        for operator, form in rows or ():
            basic = basic.add_constraint(_constraint(context, local, place, (operator, form)))
        union = basic.to_set() if union is None else union.union(basic.to_set())
    return union


def _rows(text: str, known: set[str]) -> list[tuple[str, _Form]] | None:
    """Return (operator, form) for each test of a conjunction: `form operator 0`."""
    rows = [_row(each) for each in text.split(" and ")]
    if any(row is None or not row[1].keys() <= known for row in rows):
        return None
    return [row for row in rows if row is not None]


@functools.lru_cache(maxsize=1024)
def _row(text: str) -> tuple[str, _Form] | None:
    """Return one test; the same ones stand in the domains of all statements of a nest."""
    test = _TEST.fullmatch(text)
    form = None if test is None else _difference(test[1], test[3])
    return None if test is None or form is None else (test[2], form)


def read_map(context: islpy.Context, text: str) -> islpy.Map | None:
    """Return the relation that `text` describes; None where it is not plain."""
    found = _MAP.fullmatch(text)
    if found is None:
        return None
    parameters, names = _split(found["parameters"]), _split(found["names"])
    forms = [_form(each) for each in _split(found["forms"])]
    known = {*parameters, *names}
    if len(known) < len(parameters) + len(names):
        return None
    if not all(form is not None and form.keys() <= {*known, _ONE} for form in forms):
        return None
    space = islpy.Space.alloc(context, len(parameters), len(names), len(forms))
    place = _places(parameters, islpy.dim_type.in_, names)
    space = _named(space, place)
    for side, name in ((islpy.dim_type.in_, found["source"]), (islpy.dim_type.out, found["sink"])):
        space = space.set_tuple_name(side, name) if name else space
    basic = islpy.BasicMap.universe(space)
    local = islpy.LocalSpace.from_space(space)
    for position, form in enumerate(forms):
        assert form is not None  # asked above
        equal = _constraint(context, local, place, ("=", form))
        basic = basic.add_constraint(
            equal.set_coefficient_val(islpy.dim_type.out, position, _value(context, -1))
        )
    return basic.to_map()


def read_union_map(context: islpy.Context, text: str) -> islpy.UnionMap | None:
    """Return the union of relations that `text` describes; None where it is not plain."""
    found = _UNION.fullmatch(text)
    if found is None:
        return None
    union: islpy.UnionMap | None = None
    for piece in found["pieces"].split("; "):
        each = read_map(context, f"{found['head']}{piece} }}")
        if each is None:
            return None
        whole = each.to_union_map()
        union = whole if union is None else union.union(whole)
    return union


def _split(text: str | None) -> list[str]:
    return text.split(", ") if text else []


def _places(parameters: list[str], side: islpy.dim_type, names: list[str]) -> _Place:
    """Return where each name stands in a space."""
    found = {name: (islpy.dim_type.param, position) for position, name in enumerate(parameters)}
    return found | {name: (side, position) for position, name in enumerate(names)}


def _named(space: islpy.Space, place: _Place) -> islpy.Space:
    for name, (side, position) in place.items():
        space = space.set_dim_name(side, position, name)
    return space


def _terms(text: str) -> Iterator[tuple[int, str]]:
    """Yield (sign, term) of a sum written with ` + ` and ` - `."""
    for added in text.split(" + "):
        first, *taken = added.split(" - ")
        yield (-1, first[1:]) if first.startswith("-") else (1, first)
        for term in taken:
            yield -1, term


@functools.lru_cache(maxsize=1024)
def _form(text: str) -> _Form | None:
    """Return the linear form `2*i + n - 1` as {name: coefficient}; None where it is none."""
    form: dict[str, int] = {}
    for sign, term in _terms(text):
        found = _TERM.fullmatch(term)
        if found is None:
            return None
        name, factor = (found[2], found[1] or "1") if found[2] else (_ONE, found[3])
        form[name] = form.get(name, 0) + sign * int(factor)
    return form


def _difference(left: str, right: str) -> _Form | None:
    first, second = _form(left), _form(right)
    if first is None or second is None:
        return None
    difference = dict(first)
    for name, value in second.items():
        difference[name] = difference.get(name, 0) - value
    return difference


def _constraint(
    context: islpy.Context, local: islpy.LocalSpace, place: _Place, test: tuple[str, _Form]
) -> islpy.Constraint:
    """Return `form operator 0` as isl has it, which knows `=` and `>=`."""
    operator, form = test
    if operator == "=":
        row = islpy.Constraint.alloc_equality(local)
    else:
        row = islpy.Constraint.alloc_inequality(local)
    sign = -1 if operator.startswith("<") else 1
    constant = sign * form.get(_ONE, 0) - (operator in {"<", ">"})
    for name, value in form.items():
        if name and value:
            side, position = place[name]
            row = row.set_coefficient_val(side, position, _value(context, sign * value))
    return row.set_constant_val(_value(context, constant)) if constant else row


@functools.lru_cache(maxsize=256)
def _value(context: islpy.Context, value: int) -> islpy.Val:
    """Return a number of isl; most are 1 or -1."""
    return islpy.Val(str(value), context)
