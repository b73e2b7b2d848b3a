"""The checks of a region, without its stores.

Before:  for i: b[i] = math.sqrt(a[i])       may raise in the middle
After:   for i: checked_S0 = math.sqrt(a[i]) raises the same bits of the status word, stores nothing

Run first, it tells whether anything would fail while every array is still as it was, so that
the interpreter can take over from the start. Only right where no element that the region
stores is read by it later: here it would still hold its old value.
"""

from __future__ import annotations

from dataclasses import replace

from autopar.analysis.model.typed import (
    FAILURES,
    Cast,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    walk_typed,
)

from .kernel import Branch, Instance, Loop, Node, Program


def checks_only(program: Program) -> Program:
    """Return `program` with its stores left out, and what they would compute kept."""
    checked: list[ScalarVariable] = []
    body = _nodes(program.body, checked)
    known = {variable.name: variable for variable in (*program.variables, *checked)}
    return replace(
        program,
        name=f"{program.name}_checks",
        body=body,
        arrays=tuple(replace(array, is_written=False) for array in program.arrays),
        variables=tuple(known.values()),
        results=(),
        hazards=program.hazards & FAILURES,
    )


def _nodes(body: tuple[Node, ...], checked: list[ScalarVariable]) -> tuple[Node, ...]:
    kept: list[Node] = []
    for node in body:
        match node:
            case Instance(statement=Store() as store):
                if can_fail(store):
                    kept.append(_check(node, store, checked))
            case Instance():
                kept.append(node)
            case Loop() | Branch():
                inner = _nodes(node.body, checked)
                if inner:
                    kept.append(replace(node, body=inner))
    return tuple(kept)


def can_fail(statement: Store | SetVariable) -> bool:
    """Return whether the statement's value may set a failure bit."""
    return any(
        isinstance(node, Operation | Cast) and node.hazards & FAILURES
        for node in walk_typed(statement.value)
    )


def _check(node: Instance, store: Store, checked: list[ScalarVariable]) -> Instance:
    name = f"checked_{node.name}"
    checked.append(
        ScalarVariable(name=name, type=store.value.type, is_live_in=False, live_in_type=None)
    )
    return replace(node, statement=SetVariable(name=name, value=store.value, span=store.span))
