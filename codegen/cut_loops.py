"""Innermost loops that compare their variable with one number are cut where the answer changes.

Before:  for w in range(0, n):
             best[i, w] = best[i - 1, w]
             if w >= weights[i - 1]: best[i, w] = max(best[i, w], best[i - 1, w - weights[i - 1]])
After:   weights_fixed = weights[i - 1]
         w_cut = min(max(weights_fixed, 0), n)
         for w in range(0, w_cut): best[i, w] = best[i - 1, w]
         for w in range(w_cut, n):
             best_kept = best[i - 1, w]
             best[i, w] = max(best_kept, best[i - 1, w - weights_fixed])

The iterations keep their order; only the question is gone, and with it what keeps a compiler from
vectors. Where the number is not negative, and the variable is not less, their difference cannot
wrap, and as a subscript it counts from the start. (Index set splitting at a value of the run:
Allen and Kennedy, Optimizing Compilers for Modern Architectures, 2001, section 5.7.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, count

from autopar.analysis.model.loop_ir import Binary, Name
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Computed,
    Index,
    Load,
    Operation,
    SetVariable,
    Store,
    Subscript,
    TypedExpression,
    Variable,
    places_of,
)
from autopar.analysis.model.types import NumpyScalar

from .elements import cell_of, key_of, moves, with_scalars_for
from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes
from .least import are_apart

# What is asked of the variable, and the same with both sides exchanged.
_MIRRORED = {">=": "<=", ">": "<", "<": ">", "<=": ">="}
_DTYPES = {"int64", "int32", "int16", "int8", "uint32", "uint16", "uint8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A loop in two parts, and what is read before it."""

    fixed: tuple[tuple[str, Instance, Load], ...]  # scalars, the elements that they stand for
    names: frozenset[str]  # all new ones
    limit: str  # the scalar that the variable is compared with
    is_later: bool  # the second part begins after the limit, not with it
    first: Loop
    second: Loop

    def point(self, lower: str, upper: str, limit: str) -> str:
        """Return where the second part begins."""
        begins = f"min({limit}, {upper}) + 1" if self.is_later else limit
        return f"min(max({begins}, {lower}), {upper})"


def find_cut(loop: Loop, overlapping: frozenset[str], names: Mapping[str, str]) -> Cut | None:
    """Return the two parts of an innermost loop; None where it asks no such question.

    `overlapping` are arrays that share memory, `names` those in use.
    """
    if not _takes_its_range(loop) or not _is_simple(loop.body):
        return None
    found = next(_questions(loop), None)
    if found is None:
        return None
    asking, operator, other = found
    fixed = _fixed(loop, overlapping, frozenset({*names, *names.values()}))
    place = key_of(other.array, cell_of(asking, other) or ())
    if place not in fixed:
        return None
    values = {key: variable for key, (variable, _, _) in fixed.items()}
    limit = values[place]
    assert isinstance(asking.statement, SetVariable)
    predicate = asking.statement.name
    if any(isinstance(each, Decision) and each.predicate != predicate for each in loop.body):
        return None
    taken = frozenset({*names, *names.values(), *(each.name for each in values.values())})
    parts = []
    for is_above in (False, True):
        holds = is_above == (operator in {">=", ">"})
        body = tuple(_answered(loop.body, predicate, holds=holds))
        body = tuple(with_scalars_for(each, values) for each in body)
        if is_above:
            body = tuple(_above(each, loop, limit) for each in body)
        parts.append(_once(body, loop, overlapping, taken))
    made = frozenset(chain.from_iterable(new for _, new in parts))
    return Cut(
        fixed=tuple((each.name, instance, load) for each, instance, load in fixed.values()),
        names=made | {each.name for each in values.values()},
        limit=limit.name,
        is_later=operator in {">", "<="},
        first=replace(loop, body=parts[0][0]),
        second=replace(loop, body=parts[1][0]),
    )


def _takes_its_range(loop: Loop) -> bool:
    is_whole = loop.within is None and loop.stays is None and not loop.is_endless
    is_whole = is_whole and loop.lanes is None and loop.passes is None and loop.group_end is None
    return is_whole and loop.step == 1 and loop.unit == 1


def _is_simple(body: tuple[Node, ...]) -> bool:
    """Return whether there are statements alone, some of them under one predicate."""
    for node in body:
        inner = (*node.body, *node.orelse) if isinstance(node, Decision) else (node,)
        if not all(
            isinstance(each, Instance) and isinstance(each.statement, SetVariable | Store)
            for each in inner
        ):
            return False
    return True


def _questions(loop: Loop) -> Iterator[tuple[Instance, str, Load]]:
    """Yield what sets the predicate of a decision to a comparison of the variable."""
    asked = [each.predicate for each in loop.body if isinstance(each, Decision)]
    sets = [
        each
        for each in walk_nodes(loop.body)
        if isinstance(each, Instance) and isinstance(each.statement, SetVariable)
    ]
    for at, node in enumerate(loop.body):
        if not isinstance(node, Instance) or not isinstance(node.statement, SetVariable):
            continue
        name, value = node.statement.name, node.statement.value
        if name not in asked or sum(_target(each) == name for each in sets) != 1:
            continue
        before = (each for each in loop.body[:at] if isinstance(each, Decision))
        if any(each.predicate == name for each in before):
            continue
        if isinstance(value, Operation) and value.name in _MIRRORED and not value.hazards:
            for operator, (own, other) in (
                (value.name, value.operands),
                (_MIRRORED[value.name], value.operands[::-1]),
            ):
                if _is_variable(own, node, loop) and _is_number(other):
                    assert isinstance(other, Load)
                    yield node, operator, other


def _target(instance: Instance) -> str:
    assert isinstance(instance.statement, SetVariable)
    return instance.statement.name


def _is_variable(value: TypedExpression, instance: Instance, loop: Loop) -> bool:
    """Return whether a value is the variable of the loop."""
    if not isinstance(value, Index) or not isinstance(value.expression, Name):
        return False
    stands = dict(instance.iterators).get(value.expression.name)
    return isinstance(stands, Name) and stands.name == loop.iterator


def _is_number(value: TypedExpression) -> bool:
    return isinstance(value, Load) and value.type.dtype in _DTYPES


def _fixed(
    loop: Loop, overlapping: frozenset[str], taken: frozenset[str]
) -> dict[str, tuple[Variable, Instance, Load]]:
    """Return the elements that stay the same in all iterations, by their texts.

    They are there if there is one iteration, asked for or not: subscripts without data are in
    range wherever their statement stands in the model.
    """
    instances = [each for each in walk_nodes(loop.body) if isinstance(each, Instance)]
    places = [(each, place) for each in instances for place in places_of(each.statement)]
    stored = {place.array for _, place in places if isinstance(place, Store)}
    found: dict[str, tuple[Variable, Instance, Load]] = {}
    for instance, place in places:
        if isinstance(place, Store) or place.array in stored | overlapping:
            continue
        cell = cell_of(instance, place)
        if cell is None or moves(cell, loop) or key_of(place.array, cell) in found:
            continue
        used = taken | {each.name for each, _, _ in found.values()}
        name = _new(f"{place.array}_fixed", used)
        variable = Variable(name=name, type=place.type, span=place.span)
        found[key_of(place.array, cell)] = (variable, instance, place)
    return found


def _new(word: str, taken: frozenset[str]) -> str:
    others = (f"{word}_{number}" for number in count(2))
    return next(each for each in chain([word], others) if each not in taken)


def _answered(body: tuple[Node, ...], predicate: str, *, holds: bool) -> Iterator[Instance]:
    """Yield the statements that run where the answer is known; decisions on others are refused."""
    for node in body:
        match node:
            case Decision() if node.predicate == predicate:
                for each in node.body if holds else node.orelse:
                    assert isinstance(each, Instance)  # `_is_simple`
                    yield each
            case Instance():
                yield node
            case Loop() | Branch() | Decision():
                raise AssertionError("`find_cut` looked")


def _above(instance: Instance, loop: Loop, limit: Variable) -> Instance:
    """Return a statement where the variable is not less than the limit, which is not negative."""
    statement = instance.statement
    assert isinstance(statement, SetVariable | Store)  # `_is_simple`

    def is_apart(value: TypedExpression) -> bool:
        if not isinstance(value, Operation) or value.name != "-" or len(value.operands) != 2:
            return False
        own, other = value.operands
        is_limit = isinstance(other, Variable) and other.name == limit.name
        return is_limit and value.type.dtype == "int64" and _is_variable(own, instance, loop)

    def expression(value: TypedExpression) -> TypedExpression:
        match value:
            case Operation() if is_apart(value):
                return replace(value, hazards=0)
            case Operation():
                return replace(value, operands=tuple(map(expression, value.operands)))
            case Cast():
                return replace(value, operand=expression(value.operand))
            case Load():
                return replace(value, indices=subscripts(value.indices))
            case _:
                return value

    def subscripts(indices: tuple[Subscript, ...]) -> tuple[Subscript, ...]:
        return tuple(map(subscript, indices))

    def subscript(index: Subscript) -> Subscript:
        if not isinstance(index, Computed):
            return index
        if index.hazards or not is_apart(index.value):
            return replace(index, value=expression(index.value))
        assert isinstance(index.value, Operation)
        own = index.value.operands[0]
        assert isinstance(own, Index)  # `_is_variable`
        right = Name(name=limit.name, span=index.span)
        return Binary(operator="-", left=own.expression, right=right, span=index.span)

    value = expression(statement.value)
    if isinstance(statement, SetVariable):
        return replace(instance, statement=replace(statement, value=value))
    stored = replace(statement, value=value, indices=subscripts(statement.indices))
    return replace(instance, statement=stored)


def _once(
    body: tuple[Instance, ...], loop: Loop, overlapping: frozenset[str], taken: frozenset[str]
) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """Return statements that store an element once which others stored again, and new scalars."""
    made: list[str] = []
    statements = list(body)
    for at, instance in enumerate(body):
        stored = instance.statement
        if not isinstance(stored, Store) or stored.array in overlapping:
            continue
        end = _stored_again(statements, at, loop)
        if end is None:
            continue
        name = _new(f"{stored.array}_kept", taken | frozenset(made))
        made.append(name)
        kind = NumpyScalar(dtype=stored.value.type.dtype)
        key = key_of(stored.array, cell_of(instance, stored) or ())
        values = {key: Variable(name=name, type=kind, span=stored.span)}
        value = statements[at].statement
        assert isinstance(value, Store)
        first = SetVariable(name=name, value=value.value, span=value.span)
        statements[at] = replace(instance, statement=first)
        for between in range(at + 1, end + 1):
            last = statements[between].statement
            statements[between] = with_scalars_for(statements[between], values)
            if between == end:
                assert isinstance(last, Store)
                found = statements[between].statement
                assert isinstance(found, SetVariable)  # by `with_scalars_for`
                again = replace(last, value=found.value)
                statements[between] = replace(statements[between], statement=again)
    return tuple(statements), tuple(made)


def _stored_again(statements: list[Instance], at: int, loop: Loop) -> int | None:
    """Return where the element is stored next that statement `at` stores; None if read as another.

    What lies between reads it by the same text, or surely others of its array.
    """
    stored = statements[at].statement
    assert isinstance(stored, Store)
    cell = cell_of(statements[at], stored)
    if cell is None:
        return None
    key = key_of(stored.array, cell)
    for place_at in range(at + 1, len(statements)):
        instance = statements[place_at]
        is_last = False
        for place in places_of(instance.statement):
            if place.array != stored.array:
                continue
            other = cell_of(instance, place)
            if other is not None and key_of(place.array, other) == key:
                is_last |= isinstance(place, Store)
            elif not _are_apart(statements[at], stored, (instance, place), loop):
                return None
        if is_last:
            return place_at
    return None


def _are_apart(
    first: Instance, stored: Store, other: tuple[Instance, Load | Store], loop: Loop
) -> bool:
    """Return whether a subscript that is no data tells two elements from each other."""
    instance, place = other
    axes = (
        (replace(stored, indices=(one,)), replace(place, indices=(another,)))
        for one, another in zip(stored.indices, place.indices, strict=True)
    )
    for one, another in axes:
        cells = cell_of(first, one), cell_of(instance, another)
        known = [each[0] for each in cells if each is not None]
        if len(known) > 1 and are_apart(known[0], known[1], (loop,)):
            return True
    return False
