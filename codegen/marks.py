"""Marks that tell, after a region, which scalars were assigned in it.

Before:  for i: if if_3: s = s + a[i]
After:   for i: if if_3: s = s + a[i]; s_mark = True        s_mark False at first, and a result

A sum that starts as the Python number 0.0 is a np.float64 as soon as it has an array's element
added, which only a run tells; where it never has, the object that came in lives on. Where parts
of a loop are combined, so are marks: one is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.typed import Number, ScalarVariable, SetVariable
from autopar.analysis.model.types import BOOL
from autopar.analysis.model.unused import unused

from .kernel import (
    Branch,
    Decision,
    Instance,
    Loop,
    Node,
    Noted,
    Program,
    Reduced,
    names_of,
    walk_nodes,
)


def marked(program: Program, names: tuple[str, ...]) -> Program:
    """Return `program` with marks for the scalars `names` as its last results, in this order."""
    if not names:
        return program
    marks = _marks(program, names)
    variables = tuple(
        ScalarVariable(name=each, type=BOOL, is_live_in=False, live_in_type=None)
        for each in marks.values()
    )
    return replace(
        program,
        body=tuple(inner for node in program.body for inner in _nodes(node, marks)),
        variables=(*program.variables, *variables),
        results=(*program.results, *marks.values()),
    )


def _marks(program: Program, names: tuple[str, ...]) -> dict[str, str]:
    taken = set(names_of(program))
    found: dict[str, str] = {}
    for name in names:
        mark = unused(f"{name}_mark", taken)
        taken.add(mark)
        found[name] = mark
    return found


def _nodes(node: Node, marks: Mapping[str, str]) -> Iterator[Node]:
    match node:
        case Instance():
            yield node
            statement = node.statement
            if isinstance(statement, SetVariable) and statement.name in marks:
                yield _mark(node, marks[statement.name])
        case Loop():
            body = _body(node.body, marks)
            reductions = tuple(
                each for one in node.reductions for each in _reductions(one, body, marks)
            )
            yield replace(node, body=body, reductions=reductions)
        case Branch():
            yield replace(node, body=_body(node.body, marks))
        case Decision():
            body, orelse = _body(node.body, marks), _body(node.orelse, marks)
            yield replace(node, body=body, orelse=orelse)


def _body(body: tuple[Node, ...], marks: Mapping[str, str]) -> tuple[Node, ...]:
    return tuple(inner for node in body for inner in _nodes(node, marks))


def _mark(node: Instance, mark: str) -> Instance:
    value = Number(value=True, type=BOOL, span=node.statement.span)
    statement = SetVariable(name=mark, value=value, span=node.statement.span)
    return replace(node, name=_name(node.name), statement=statement)


def _name(statement: str) -> str:
    return f"{statement}_mark"


def _reductions(
    reduced: Reduced, body: tuple[Node, ...], marks: Mapping[str, str]
) -> Iterator[Reduced]:
    """Yield a reduction, and that of its mark: noted where an extremum is chosen, else by `or`."""
    own = tuple(marks[each] for each in reduced.targets if each in marks)
    if reduced.is_chosen:
        notes = tuple(Noted(name=each, type=BOOL) for each in own)
        yield replace(
            reduced, noted=(*reduced.noted, *notes), statements=_with_marks(reduced, body)
        )
        return
    yield reduced
    for mark in own:
        yield Reduced(
            target=mark,
            operator="or",
            type=BOOL,
            is_flipped=False,
            statements=tuple(map(_name, reduced.statements)),
            largest=None,
            can_repeat=reduced.can_repeat,
        )


def _with_marks(reduced: Reduced, body: tuple[Node, ...]) -> tuple[str, ...]:
    inside = {each.name for each in walk_nodes(body) if isinstance(each, Instance)}
    marks = (_name(each) for each in reduced.statements)
    return (*reduced.statements, *(each for each in marks if each in inside))
