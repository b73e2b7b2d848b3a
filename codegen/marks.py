"""Marks that tell, after a region, which scalars were assigned in it, and of which kind they are.

Before:  for i: if if_3: s = s + a[i]
After:   for i: if if_3: s = s + a[i]; s_mark = True        s_mark False at first, and a result
Before:  for i: m = max(m, a[i])
After:   for i: m_mark = m_mark or a[i] > m; m = max(m, a[i])

A sum that starts as the Python number 0.0 is a np.float64 as soon as it has an array's element
added, which only a run tells; where it never has, the object that came in lives on. Where parts
of a loop are combined, so are marks: one is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Kind,
    Number,
    Operation,
    ScalarVariable,
    SetVariable,
    TypedExpression,
    TypedProgram,
    Variable,
)
from autopar.analysis.model.types import BOOL, NumpyScalar
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
    Scanned,
    names_of,
    walk_nodes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A truth value beside the scalar `of`."""

    name: str
    of: str
    kinds: Mapping[str, Kind]  # what statements make of it; others make it True
    choosing: frozenset[str]

    def kind(self, statement: str) -> Kind:
        """Return what a statement that assigns the scalar makes of the mark: "numpy" is True."""
        return "chosen" if statement in self.choosing else self.kinds.get(statement, "numpy")


def marked(program: Program, typed: TypedProgram) -> Program:
    """Return `program` with marks as its last results.

    They say which of `typed.maybe_assigned` were assigned, in this order, then which of
    `typed.kinds` are NumPy scalars.
    """
    marks = tuple(_marks(program, typed))
    if not marks:
        return program
    before = {each.name: each.live_in_type for each in program.variables}
    variables = tuple(
        ScalarVariable(
            name=each.name,
            type=BOOL,
            is_live_in=False,
            live_in_type=None,
            is_true_before=bool(each.kinds) and isinstance(before[each.of], NumpyScalar),
        )
        for each in marks
    )
    return replace(
        program,
        body=_body(program.body, marks),
        variables=(*program.variables, *variables),
        results=(*program.results, *(each.name for each in marks)),
    )


def _marks(program: Program, typed: TypedProgram) -> Iterator[_Mark]:
    taken = set(names_of(program))
    wanted: tuple[tuple[str, tuple[tuple[str, Kind], ...]], ...] = (
        *((name, ()) for name in typed.maybe_assigned),
        *typed.kinds,
    )
    for name, kinds in wanted:
        mark = unused(f"{name}_kind" if kinds else f"{name}_mark", taken)
        taken.add(mark)
        yield _Mark(name=mark, of=name, kinds=dict(kinds), choosing=typed.choosing)


def _nodes(node: Node, marks: tuple[_Mark, ...]) -> Iterator[Node]:
    match node:
        case Instance():
            own = [each for each in marks if _sets(node, each.of)]
            yield from (_chosen(node, each) for each in own if each.kind(node.name) == "chosen")
            yield node
            for each in own:
                kind = each.kind(node.name)
                if kind in {"numpy", "python"}:
                    yield _set(node, each, kind == "numpy")
        case Loop():
            yield _loop(node, marks)
        case Branch():
            yield replace(node, body=_body(node.body, marks))
        case Decision():
            body, orelse = _body(node.body, marks), _body(node.orelse, marks)
            yield replace(node, body=body, orelse=orelse)


def _body(body: tuple[Node, ...], marks: tuple[_Mark, ...]) -> tuple[Node, ...]:
    return tuple(inner for node in body for inner in _nodes(node, marks))


def _sets(node: Instance, name: str) -> bool:
    return isinstance(node.statement, SetVariable) and node.statement.name == name


def _set(node: Instance, mark: _Mark, value: bool) -> Instance:  # noqa: FBT001  # what it becomes
    number = Number(value=value, type=BOOL, span=node.statement.span)
    statement = SetVariable(name=mark.name, value=number, span=node.statement.span)
    return replace(node, name=_name(node.name), statement=statement)


def _chosen(node: Instance, mark: _Mark) -> Instance:
    """Return the assignment that marks where `m = max(m, e)` chooses e, to stand before it."""
    statement = node.statement
    assert isinstance(statement, SetVariable)  # the caller asked
    value: TypedExpression = statement.value
    while isinstance(value, Cast):
        value = value.operand
    assert isinstance(value, Operation)  # typed as a choice
    first, second = value.operands
    sign = ">" if value.name == "max" else "<"
    is_kept_first = isinstance(first, Variable) and first.name == mark.of
    test = _operation(sign, (second, first), node)
    if not is_kept_first:  # the second one stays where the first is not it
        test = _operation("not", (_operation(sign, (second, first), node),), node)
    before = Variable(name=mark.name, type=BOOL, span=statement.span)
    found = _operation("or", (before, test), node)
    marking = SetVariable(name=mark.name, value=found, span=statement.span)
    return replace(node, name=_name(node.name), statement=marking)


def _operation(name: str, operands: tuple[TypedExpression, ...], node: Instance) -> Operation:
    return Operation(name=name, operands=operands, type=BOOL, hazards=0, span=node.statement.span)


def _name(statement: str) -> str:
    return f"{statement}_mark"


def _loop(loop: Loop, marks: tuple[_Mark, ...]) -> Loop:
    body = _body(loop.body, marks)
    loop = replace(loop, scans=_scans(loop.scans, body, marks))
    found = [_reductions(each, body, marks) for each in loop.reductions]
    if None in found:  # the order matters to a mark
        return replace(loop, body=body, reductions=(), cells=())
    return replace(loop, body=body, reductions=tuple(one for each in found for one in each or ()))


def _scans(
    scans: tuple[Scanned, ...], body: tuple[Node, ...], marks: tuple[_Mark, ...]
) -> tuple[Scanned, ...]:
    """Return scans and those of their marks; () where these ask for what no pass knows."""
    found: list[Scanned] = []
    for scan in scans:
        several = _reductions(scan.reduced, body, marks)
        if several is None:
            return ()
        first, *others = several
        found += [replace(scan, reduced=first), *(Scanned(reduced=each) for each in others)]
    return tuple(found)


def _reductions(
    reduced: Reduced, body: tuple[Node, ...], marks: tuple[_Mark, ...]
) -> tuple[Reduced, ...] | None:
    """Return a reduction and those of its marks; None where parts do not tell what these are."""
    own = [each for each in marks if each.of in reduced.targets]
    if reduced.is_chosen:
        notes = tuple(Noted(name=each.name, type=BOOL) for each in own)
        statements = _with_marks(reduced, body)
        return (replace(reduced, noted=(*reduced.noted, *notes), statements=statements),)
    kinds = {each.kind(name) for each in own for name in reduced.statements}
    if "python" in kinds or ("chosen" in kinds and (kinds != {"chosen"} or reduced.is_flipped)):
        return None
    if kinds == {"chosen"}:
        return (replace(reduced, replaced=tuple(each.name for each in own)),)
    return (reduced, *(_any(each.name, reduced) for each in own))


def _any(mark: str, reduced: Reduced) -> Reduced:
    """Return the reduction of a mark by `or`."""
    return Reduced(
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
