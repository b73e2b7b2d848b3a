"""Extrema that are chosen by a test, with what is noted beside them.

Before:  S0: if_3 = b[i] > m; S1: m = b[i], S2: k = i, both under if_3
After:   max into m by S0 and S1, argmax into k by S2

Whether such a test holds depends on all iterations before, and yet the last choice does not
depend on their order, but for which of equal elements it is. So nothing else may be decided by
it. Allen and Kennedy, Optimizing Compilers for Modern Architectures, 2001, sec. 14.5, reduce
extrema and their places; the conditions here are those of Pottenger and Eigenmann, Idiom
recognition in the Polaris parallelizing compiler, ICS 1995: no other use of the variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.dependence import Reduction, ReductionOperator
from ..model.loop_ir import Assign, BoolOp, Expression, Name
from ..model.scop import Predicate, Statement
from .updates import Extremum, compared_extremum, names_read, reads_of, target_name

_NOTED: dict[Extremum, ReductionOperator] = {"min": "argmin", "max": "argmax"}


def find_selection(
    target: str, involved: tuple[Statement, ...], inside: tuple[Statement, ...]
) -> tuple[Reduction, ...]:
    """Return the extremum that `involved` select into `target`, and what they note beside it.

    `involved` are the statements with conflicts on the target, `inside` all of the loop. ()
    where anything else is done with the target, or decided by the test.
    """
    if len(involved) != 2:
        return ()
    test, chosen = sorted(involved, key=inside.index)
    if not _is_choice(test, chosen, target):
        return ()
    assert isinstance(test.body.target, Name)
    assert isinstance(chosen.body, Assign)
    found = _chosen_extremum(test.body.value, chosen.body)
    under = [each for each in inside if _reads_predicate(each, test.body.target.name)]
    noted = [each for each in under if each is not chosen]
    between = inside[inside.index(test) + 1 : inside.index(chosen)]
    if found is None or not all(each in under for each in between):
        return ()
    names = [_noted_name(each, chosen, target, inside) for each in noted]
    kept = tuple(name for name in names if name is not None)
    if len(set(kept)) < len(noted) or names_read(chosen.body.value) & set(kept):
        return ()
    return (
        Reduction(operator=found, target=target, statements=(test.name, chosen.name)),
        *(
            Reduction(operator=_NOTED[found], target=name, statements=(each.name,))
            for name, each in zip(kept, noted, strict=True)
        ),
    )


def _is_choice(test: Statement, chosen: Statement, target: str) -> bool:
    """Return whether `test` sets just the predicate under which `chosen` sets the target."""
    if not isinstance(chosen.body, Assign) or target_name(chosen.body.target) != target:
        return False
    if not chosen.predicates or target in names_read(chosen.body.value):
        return False
    predicate = test.body.target
    return (
        isinstance(test.body, Assign)
        and isinstance(predicate, Name)
        and chosen.predicates == (*test.predicates, chosen.predicates[-1])
        and chosen.predicates[-1] == Predicate(name=predicate.name, holds=True)
        and test.loops == chosen.loops
    )


def _reads_predicate(statement: Statement, name: str) -> bool:
    return any(each.name == name for each in statement.predicates) or name in names_read(
        statement.body.value
    )


def _noted_name(
    statement: Statement, chosen: Statement, target: str, inside: tuple[Statement, ...]
) -> str | None:
    """Return the scalar that `statement` notes with the choice; None where it does more.

    Nothing else in the loop may touch it, and its value depends on its iteration alone.
    """
    body = statement.body
    if not isinstance(body, Assign) or not isinstance(body.target, Name):
        return None
    name = body.target.name
    others = [each for each in inside if each is not statement]
    is_alone = not any(
        access.array == name for each in others for access in each.accesses
    ) and name not in names_read(body.value)
    is_beside = statement.predicates == chosen.predicates and statement.loops == chosen.loops
    return name if is_alone and is_beside and target not in names_read(body.value) else None


def _chosen_extremum(test: Expression, body: Assign) -> Extremum | None:
    """Return what `if test: target = value` selects; None where the test asks more of it."""
    found = [
        extremum
        for part in _conjuncts(test)
        if (extremum := compared_extremum(part, body.target, body.value)) is not None
    ]
    return found[0] if len(found) == reads_of(test, body.target) == 1 else None


def _conjuncts(test: Expression) -> Iterator[Expression]:
    """Yield the parts that must all be true for `test` to be true."""
    match test:
        case BoolOp(operator="and"):
            for each in test.values:
                yield from _conjuncts(each)
        case _:
            yield test
