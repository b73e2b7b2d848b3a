"""The checks of a region, without its stores: an inspector.

Before:  for i: b[i] = math.sqrt(a[i]) * x[idx[i]]
After:   for i: check x[checked idx[i]], math.sqrt(a[i])    raises the same bits, stores nothing

Run first, it tells whether anything would fail while every array is still as it was, so that
the interpreter can take over from the start. What is left is the slice of whatever may fail:
subscripts, divisors, arguments, and the scalars that they are computed from, over the very
instances of the region. Arrays that the region makes are its own, and so are those of the checks:
what is stored there is part of the slice too. Only right where no other element that the slice
reads was stored by the region: here it would still hold its old value.
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
    Trace,
    TypedExpression,
    TypedStatement,
    Variable,
    statement_hazards,
    walk_statement,
)

from .kernel import Instance, Program, walk_nodes
from .slices import own_arrays, sliced


def checks_only(program: Program) -> Program:
    """Return `program` with its stores left out, and what they might fail at kept."""
    own = own_arrays(program)
    return replace(
        program,
        name=f"{program.name}_checks",
        body=sliced(program.body, lambda each: _check(each.statement), own),
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


def _check(statement: TypedStatement) -> Check | None:
    """Return what is left of a statement whose value nobody asks for."""
    match statement:
        case Check() | Trace():
            return None
        case Store():
            places = [place_of(statement)] if _may_leave(statement.indices) else []
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


def place_of(store: Store) -> Load:
    """Return the element that is stored, as it would be read."""
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
