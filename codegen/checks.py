"""The checks of a region, without its stores: an inspector.

Before:  for i: b[i] = math.sqrt(a[i]) * x[idx[i]]
After:   for i: check x[checked idx[i]], math.sqrt(a[i])    raises the same bits, stores nothing

Run first, it tells whether anything would fail while every array is still as it was, so that
the interpreter can take over from the start. What is left is the program slice of whatever may
fail (Weiser, Program slicing, ICSE 1981): subscripts, divisors, arguments, and the scalars that
they are computed from, over the very instances of the region. Arrays that the region makes are
its own, and so are those of the checks: what is stored there is part of the slice too. Only right
where no other element that the slice reads was stored by the region: here it would still hold its
old value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autopar.analysis.model.typed import (
    FAILURES,
    INDEX_ERROR,
    Cast,
    Check,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    Subscript,
    TypedExpression,
    TypedStatement,
    Variable,
    statement_hazards,
    walk_statement,
)

from .kernel import Branch, Decision, Instance, Loop, Node, Program, walk_nodes
from .liveness import arrays, assigned, exposed


def checks_only(program: Program) -> Program:
    """Return `program` with its stores left out, and what they might fail at kept."""
    own = frozenset(each.name for each in program.arrays if each.extents is not None)
    body = _sliced(program.body, _needed(program.body, own), own)
    return replace(
        program,
        name=f"{program.name}_checks",
        body=body,
        arrays=tuple(
            replace(array, is_written=array.is_written and array.name in own)
            for array in program.arrays
        ),
        results=(),
        hazards=program.hazards & FAILURES,
    )


def arrays_needed(checks: Program) -> frozenset[str]:
    """Return the given arrays whose elements decide what the checks of a region find."""
    return frozenset(
        node.array
        for instance in walk_nodes(checks.body)
        if isinstance(instance, Instance)
        for node in walk_statement(instance.statement)
        if isinstance(node, Load)
    ).intersection(each.name for each in checks.given_arrays)


def can_fail(statement: TypedStatement) -> bool:
    """Return whether the statement may set a failure bit."""
    return bool(statement_hazards(statement) & FAILURES)


def _needed(body: tuple[Node, ...], own: frozenset[str]) -> frozenset[str]:
    """Return the scalars from which something that may fail is computed, at whatever time.

    Arrays in `own` count as scalars do.
    """
    statements = list(_decided(body, frozenset()))
    needed: set[str] = set()
    for statement, decisions in statements:
        check = _check(statement)
        needed |= _variables(check, own) | decisions if check else set()
    is_grown = True
    while is_grown:
        is_grown = False
        for statement, decisions in statements:
            if _target(statement, own) in needed:
                found = (_variables(statement, own) | decisions) - needed
                needed |= found
                is_grown = is_grown or bool(found)
    return frozenset(needed)


def _decided(
    body: tuple[Node, ...], decisions: frozenset[str]
) -> Iterator[tuple[TypedStatement, frozenset[str]]]:
    """Yield every statement with the predicates that decide whether it runs."""
    for node in body:
        match node:
            case Instance():
                yield node.statement, decisions
            case Loop() | Branch():
                yield from _decided(node.body, decisions)
            case Decision():
                yield from _decided(node.body + node.orelse, decisions | {node.predicate})


def _variables(statement: TypedStatement, own: frozenset[str]) -> set[str]:
    nodes = list(walk_statement(statement))
    arrays = {node.array for node in nodes if isinstance(node, Load)}
    return {node.name for node in nodes if isinstance(node, Variable)} | (arrays & own)


def _target(statement: TypedStatement, own: frozenset[str]) -> str | None:
    """Return the scalar, or the array in `own`, that a statement gives a value."""
    match statement:
        case SetVariable():
            return statement.name
        case Store() if statement.array in own:
            return statement.array
    return None


def _sliced(
    body: tuple[Node, ...], needed: frozenset[str], own: frozenset[str]
) -> tuple[Node, ...]:
    kept: list[Node] = []
    for node in body:
        match node:
            case Instance() if _target(node.statement, own) in needed:
                kept.append(node)
            case Instance():
                check = _check(node.statement)
                if check is not None:
                    kept.append(replace(node, statement=check))
            case Loop():
                inner = _sliced(node.body, needed, own)
                # Nothing else is stored, so only a scalar can tie one iteration to the next, or
                # an array of the region's own.
                is_free = not exposed(inner) & assigned(inner)
                is_free = is_free and (node.is_parallel or not arrays(inner) & own)
                reduced = tuple(each for each in node.reductions if each.target in needed)
                if inner:
                    kept.append(replace(node, body=inner, is_parallel=is_free, reductions=reduced))
            case Branch():
                inner = _sliced(node.body, needed, own)
                if inner:
                    kept.append(replace(node, body=inner))
            case Decision():
                inner = _sliced(node.body, needed, own)
                other = _sliced(node.orelse, needed, own)
                if inner or other:
                    kept.append(replace(node, body=inner, orelse=other))
    return tuple(kept)


def _check(statement: TypedStatement) -> Check | None:
    """Return what is left of a statement whose value nobody asks for."""
    match statement:
        case Check():
            return statement
        case Store():
            places = [_place_of(statement)] if _may_leave(statement.indices) else []
            found = list(_failing(statement.value))
        case SetVariable():
            places = []
            found = list(_failing(statement.value))
    values = tuple(each for each in found if not isinstance(each, Load))
    places += [each for each in found if isinstance(each, Load)]
    if not places and not values:
        return None
    # `y[k] += 1` reads where it stores.
    distinct = {(each.array, each.indices): each for each in places}
    return Check(values=values, places=tuple(distinct.values()), span=statement.span)


def _place_of(store: Store) -> Load:
    return Load(array=store.array, indices=store.indices, type=store.value.type, span=store.span)


def _may_leave(indices: tuple[Subscript, ...]) -> bool:
    return any(isinstance(each, Computed) and each.hazards & INDEX_ERROR for each in indices)


def _failing(expression: TypedExpression) -> Iterator[TypedExpression]:
    """Yield the outermost parts of `expression` that may fail themselves.

    What is below them is computed with them. A load is there for its subscripts only.
    """
    match expression:
        case Load() if _may_leave(expression.indices):
            yield expression
        case Load():
            for index in expression.indices:
                if isinstance(index, Computed):
                    yield from _failing(index.value)
        case Operation() | Cast() if expression.hazards & FAILURES:
            yield expression
        case Operation(name="and" | "or" | "if", operands=(first, *others)):
            # An operand that is not reached fails at nothing.
            if any(True for each in others for _ in _failing(each)):
                yield expression
            else:
                yield from _failing(first)
        case Operation():
            for each in expression.operands:
                yield from _failing(each)
        case Cast():
            yield from _failing(expression.operand)
        case Number() | Variable() | Index():
            pass
