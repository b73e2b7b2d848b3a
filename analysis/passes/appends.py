"""Appending to a list becomes storing at the number of the iteration.

Before:  for i in range(k, n):             After:  for i in range(k, n):
             for j in range(0, m, 2):                  for j in range(0, m, 2):
                 out.append(a[i] * j)                      out_appended[i - k, j // 2] = a[i] * j

The interpreter appends in the order of the iterations, which is that of the elements of such an
array: what was stored in it, read row by row, is what the list grows by. (Expanding a value by
the loops around it: Feautrier, Array Expansion, ICS 1988.) The reader of the source writes
`out.append` for the array and no subscripts; where a tuple is appended, each of its parts has an
array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.chains import dotted
from ..model.diagnostics import Reason, Refusal
from ..model.loop_ir import (
    NEW_LIST,
    ROWS,
    Allocate,
    Assign,
    Binary,
    Collected,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Site,
    Statement,
    Update,
    appended_list,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.unused import unused
from .index_loops import Indexed
from .reasons import AppendOutOfOrder
from .substitution import rebuilt


def place_appends(indexed: Indexed, taken: frozenset[str]) -> Indexed | Refusal:
    """Return a nest that stores what it appends, or why the order is not that of its loops."""
    nest = indexed.nest
    if not any(appended(each) for each in walk_statements((nest,))):
        return indexed
    names = set(taken) | {
        each.variable for each in walk_statements((nest,)) if isinstance(each, For)
    }
    placing = _Placing(taken=names)
    placed = placing.loop(nest, ())
    reasons = (*placing.reasons, *_other_uses(nest, frozenset(placing.sites)))
    if reasons:
        return Refusal(reasons=tuple(dict.fromkeys(reasons)))
    collected = tuple(
        Collected(list=name, sites=tuple(sites)) for name, sites in placing.sites.items()
    )
    return replace(indexed, nest=replace(placed, collects=collected))


def appended(statement: Statement) -> str | None:
    """Return the list that a statement appends to; None for any other statement."""
    match statement:
        case Assign(target=Element(array=array)):
            return appended_list(array)
    return None


@dataclass(slots=True)
class _Placing:
    """Walks a nest; `around` are the loops around a statement, outermost first."""

    taken: set[str]
    sites: dict[str, list[Site]] = field(default_factory=dict)  # by list, in textual order
    paths: dict[str, tuple[For, ...]] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)

    def loop(self, node: For, around: tuple[For, ...]) -> For:
        return replace(node, body=self.block(node.body, (*around, node)))

    def block(self, body: tuple[Statement, ...], around: tuple[For, ...]) -> tuple[Statement, ...]:
        return tuple(self.statement(each, around) for each in body)

    def statement(self, node: Statement, around: tuple[For, ...]) -> Statement:
        match node:
            case For():
                return self.loop(node, around)
            case If():
                body, orelse = self.block(node.body, around), self.block(node.orelse, around)
                return replace(node, body=body, orelse=orelse)
            case Assign(target=Element() as target):
                name = appended_list(target.array)
                return node if name is None else self.placed(node, target, name, around)
            case _:
                return node

    def placed(
        self, node: Assign, target: Element, name: str, around: tuple[For, ...]
    ) -> Statement:
        path = self.paths.setdefault(name, around)
        if [id(each) for each in path] != [id(each) for each in around]:
            detail = "it grows in several loops at once"
            self.reasons.append(AppendOutOfOrder(span=node.span, list=name, detail=detail))
        if any(each.leaves == "while" or (each.leaves and not each.is_driver) for each in around):
            detail = "a loop around it may be left early"
            self.reasons.append(AppendOutOfOrder(span=node.span, list=name, detail=detail))
        kind, number = _part(target.array)
        suffix = f"_{number}" if kind in {"tuple", "list"} else ""
        array = unused(f"{_shown(name)}_appended{suffix}", self.taken)
        self.taken.add(array)
        self.note(name, array, target, node)
        indices = tuple(number_of(each, target) for each in around)
        return replace(node, target=replace(target, array=array, indices=indices))

    def note(self, name: str, array: str, target: Element, node: Assign) -> None:
        """Remember an array; the parts of a tuple follow each other."""
        kind, number = _part(target.array)
        sites = self.sites.setdefault(name, [])
        if number == 0:
            sites.append(Site(kind=kind, parts=(array,), span=node.span))
        else:
            sites[-1] = replace(sites[-1], parts=(*sites[-1].parts, array))


def _part(array: str) -> tuple[str, int]:
    """Return what is appended, and which part of it: `out.append(0)` is the first of a tuple."""
    word = array.rpartition(".append")[2]
    if not word:
        return "value", 0
    if word == ROWS:
        return "rows", 0
    return ("tuple" if word[0] == "(" else "list"), int(word[1:-1])


def _shown(name: str) -> str:
    return "list" if name == NEW_LIST else dotted(name).replace(".", "_")


def number_of(loop: For, at: Element) -> Expression:
    """Return how many iterations of a loop come before this one."""
    variable = Name(name=loop.variable, span=at.span)
    stride = loop.step.value if isinstance(loop.step, Constant) else None
    first: Expression = variable
    last, step = loop.start, loop.step
    if isinstance(stride, int) and stride < 0:
        first, last = last, first
        step = Constant(value=-stride, span=at.span)
    is_zero = isinstance(last, Constant) and last.value == 0
    gone = first if is_zero else Binary(operator="-", left=first, right=last, span=at.span)
    if isinstance(step, Constant) and step.value == 1:
        return _moved(gone, at)
    return _moved(Binary(operator="//", left=gone, right=step, span=at.span), at)


def _moved(expression: Expression, at: Element) -> Expression:
    """Return `expression` as if it stood where the list is named."""
    return replace(rebuilt(expression, lambda each: _moved(each, at)), span=at.span)


def _other_uses(nest: For, lists: frozenset[str]) -> Iterator[Reason]:
    """Yield where a list that grows is used for anything else."""
    for statement in walk_statements((nest,)):
        match statement:
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)):
                bound: tuple[str | None, ...] = (name,)
            case For():
                bound = (statement.variable, *(row for row, _ in statement.rows))
                if statement.exchanged is not None:
                    bound += tuple(each for order in statement.exchanged.orders for each in order)
            case Allocate():
                bound = (statement.name, statement.like)
            case _:
                bound = ()
        names = [name for name in bound if name in lists]
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                match node:
                    case Name(name=name) | Element(array=name) | Extent(array=name):
                        names += [name] if name in lists else []
                    case _:
                        pass
        for name in names:
            detail = "it is used otherwise while it grows"
            yield AppendOutOfOrder(span=statement.span, list=name or "", detail=detail)
