"""Subscripts that are data, and yet in range: scalars that hold one of several known places.

Before:  for i in range(n - 1):                      a[m] might be any element: looked at, and an
             m = i                                   IndexError if it is none
             for j in range(i + 1, n):
                 if a[j] < a[m]: m = j
             a[i], a[m] = a[m], a[i]
After:   (a, axis 0, m): whatever m holds, a[i] or a[j] is asked to be in range anyway

All that is ever assigned to the scalar is affine, and leaves the axis only for parameters for
which an affine subscript of that axis leaves it, which every call excludes (`in_bounds`).
"""

from __future__ import annotations

import functools

from ..model import isl
from ..model.indirect import indirect_value
from ..model.loop_ir import Assign, Expression, Name
from ..model.scop import Scop, Statement
from .affine import affine
from .identifiers import Identifiers
from .order import dimensions_of, instance
from .subscript_forms import atoms_of, subscript_form

# Where a value is used as a subscript, or assigned: what it is, over the loops around.
_Forms = tuple[tuple[Statement, str], ...]


def chosen_places(scop: Scop) -> frozenset[tuple[str, int, str]]:
    """Return each (array, axis, scalar) such that the scalar is in range there as a subscript."""
    wanted = {
        (access.array, axis, value.name): None
        for statement in scop.statements
        for access in statement.accesses
        for axis, index in enumerate(access.indices)
        if isinstance(value := indirect_value(index), Name)
    }
    return frozenset(each for each in wanted if _is_inside(scop, *each))


def _is_inside(scop: Scop, array: str, axis: int, scalar: str) -> bool:
    values = _assigned(scop, scalar)
    if not values:
        return False
    uses = tuple(_uses(scop, array, axis))
    names = [name for each in scop.statements for name in dimensions_of(each)]
    extent = Identifiers([*names, *(each.name for each in scop.parameters)]).fresh("extent")
    for test in (f">= {extent}", "< 0"):
        broken = _leaving(scop, values, test, extent)
        if not broken.is_empty() and not (
            uses and broken.is_subset(_leaving(scop, uses, test, extent))
        ):
            return False
    return True


def _assigned(scop: Scop, scalar: str) -> _Forms:
    """Return all that a scalar may hold where the region reads it; () where that is not known."""
    if scalar in scop.live_in:
        return ()
    found = []
    for statement in scop.statements:
        target = statement.body.target
        if not isinstance(target, Name) or target.name != scalar:
            continue
        if not isinstance(statement.body, Assign):
            return ()
        form = _form(scop, statement, statement.body.value)
        if form is None:
            return ()
        found.append((statement, form))
    return tuple(found)


def _form(scop: Scop, statement: Statement, value: Expression) -> str | None:
    found = affine(value, atoms_of(scop, statement))
    return None if found is None else str(found)


def _uses(scop: Scop, array: str, axis: int) -> _Forms:
    """Return the affine subscripts of an axis that do not count from its end."""
    found: dict[tuple[str, str], Statement] = {}
    for statement in scop.statements:
        for access in statement.accesses:
            if access.array == array and indirect_value(access.indices[axis]) is None:
                form = subscript_form(access.indices[axis], atoms_of(scop, statement))
                if form is not None and not form.may_wrap:
                    found[statement.name, str(form.form)] = statement
    return tuple((statement, form) for (_, form), statement in found.items())


def _leaving(scop: Scop, forms: _Forms, test: str, extent: str) -> isl.Set:
    """Return the parameters, the extent among them, for which one of the values is `test`."""
    known = ", ".join([*(each.name for each in scop.parameters), extent])
    sets = []
    for statement, form in forms:
        names = instance(statement, dimensions_of(statement))
        leaving = isl.Set.parse(f"[{known}] -> {{ {names} : {form} {test} }}")
        sets.append(leaving.intersect(statement.domain).params().intersect(scop.context))
    return functools.reduce(isl.Set.union, sets)
