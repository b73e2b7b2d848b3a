"""Find the reductions of a loop: targets on which it carries nothing but associative updates.

Before:  for k: c[i, j] += a[i, k] * b[k, j]      k carries flow, anti and output dependences on c
After:   reduction + into c                       nothing else carried by k
Before:  for j in range(i): x[i] -= l[i, j] * x[j]
After:   reduction + into x, since no x[j] is updated: j < i
Before:  for i in range(n): x[0] += x[i + k]
After:   reduction + into x where k > 0; elsewhere the updated x[0] is read

Allen and Kennedy, Optimizing Compilers for Modern Architectures, 2001, sec. 14.5; several
statements may update one target, at any depth of the nest. Whether the rounding of a reordered
float sum is acceptable is decided elsewhere; here only the shape counts.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import isl
from ..model.dependence import Reduction
from ..model.loop_ir import Assign, Element, Expression, Update
from ..model.scop import Access, Statement
from .dependences import Conflict, cells, is_indirect
from .privatization import blocked_by
from .selections import find_selection
from .substitution import rebuilt
from .updates import accumulating_operator, same_cell, target_name


def find_reductions(
    carried: tuple[Conflict, ...], inside: tuple[Statement, ...]
) -> tuple[Reduction, ...]:
    """Return the targets whose updates are all that a loop carries on them.

    `carried` are the conflicts that the loop carries, `inside` its statements. Those that touch
    a target without carrying anything may do with it what they like: `a[2 * i + 1] = 0` beside
    `a[0] += b[i]`. So may accesses of the updates themselves.
    """
    found: dict[str, Reduction] = {}
    for name in dict.fromkeys(each.array for each in carried):
        conflicts = tuple(each for each in carried if each.array == name)
        ends = (end for each in conflicts for end in (each.source, each.sink))
        involved = tuple({each.name: each for each in ends}.values())
        reduction = _reduction(name, involved) or _apart(name, involved, conflicts)
        reductions = (reduction,) if reduction else find_selection(name, involved, inside)
        found |= {each.target: each for each in reductions}
    return tuple(found.values())


def _reduction(target: str, statements: tuple[Statement, ...]) -> Reduction | None:
    """Return the reduction that `statements` make of `target`; None if they do other things."""
    if any(target_name(each.body.target) != target for each in statements):
        return None
    operators = {accumulating_operator(each.body) for each in statements}
    (operator, *others) = operators
    if operator is None or others:
        return None
    names = tuple(sorted((each.name for each in statements), key=lambda name: int(name[1:])))
    return Reduction(operator=operator, target=target, statements=names)


def _apart(
    target: str, statements: tuple[Statement, ...], conflicts: tuple[Conflict, ...]
) -> Reduction | None:
    """Return the reduction that `statements` make where they also read other elements of `target`.

    None where one of these reads carries a dependence whenever the updates do.
    """
    if any(
        target_name(each.body.target) != target or not isinstance(each.body.target, Element)
        for each in statements
    ) or any(is_indirect(access) for each in statements for access in each.accesses):
        return None
    alone = tuple(replace(each, body=_without_others(each.body)) for each in statements)
    found = _reduction(target, alone)
    if found is None:
        return None
    left = left_over(conflicts)
    if left and blocked_by(conflicts).is_subset(blocked_by(left)):
        return None
    return replace(found, reads_others=True)


def left_over(conflicts: tuple[Conflict, ...]) -> tuple[Conflict, ...]:
    """Return what updates of one target that also read others of its elements leave to carry."""
    found = []
    for conflict in conflicts:
        pairs = _of_others(conflict)
        relation = None if pairs is None else conflict.relation.intersect(pairs)
        if relation is not None and not relation.is_empty():
            found.append(replace(conflict, relation=relation))
    return tuple(found)


def _of_others(conflict: Conflict) -> isl.Map | None:
    """Return the pairs in which an element is read that is not the updated one."""
    sources = _others(conflict.source, conflict.source_accesses)
    sinks = _others(conflict.sink, conflict.sink_accesses)
    first = second = None
    if sources:
        touched = cells(conflict.sink, conflict.sink_accesses)
        first = cells(conflict.source, sources).then(touched.reverse())
    if sinks:
        touched = cells(conflict.source, conflict.source_accesses)
        second = touched.then(cells(conflict.sink, sinks).reverse())
    return first.union(second) if first and second else first or second


def _others(statement: Statement, accesses: tuple[Access, ...]) -> tuple[Access, ...]:
    """Return the reads of other elements than the one that `statement` updates."""
    target = statement.body.target
    assert isinstance(target, Element)  # the caller asked
    return tuple(
        access
        for access in accesses
        if access.kind == "read" and not same_cell(replace(target, indices=access.indices), target)
    )


def _without_others(body: Assign | Update) -> Assign | Update:
    """Return `body` with every element of the target's array but the target renamed."""
    target = body.target
    assert isinstance(target, Element)  # the caller asked

    def visit(node: Expression) -> Expression:
        if isinstance(node, Element) and node.array == target.array and not same_cell(node, target):
            return replace(node, array=f"{node.array} elsewhere")  # no name of the user has a space
        return rebuilt(node, visit)

    return replace(body, value=visit(body.value))
