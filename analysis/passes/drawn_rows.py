"""Names that a nest gives to arrays of random numbers stand for rows of an array of all of them.

Before:  for r in range(n):                After:  for r in range(n):
             e = <drawn>                               e = <drawn>
             out[r] = e[0] + np.sum(e)                 out[r] = <row drawn>[0] + np.sum(<row drawn>)

`draws` puts in the number of the iteration. Right where nothing else binds such a name, and where
it is read only after it was bound, in the same turn. Helper of the `regions` pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.draws import ROW
from ..model.loop_ir import (
    Assign,
    Draw,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Statement,
    Update,
    walk_statements,
)
from .instances import names_bound, read_names
from .substitution import rebuilt


def named_rows(nest: For, draws: Mapping[str, Draw], live_out: frozenset[str]) -> For | str:
    """Return a nest with rows of what is drawn for names of them; or why not, as a clause."""
    names = {
        each.target.name
        for each in walk_statements((nest,))
        if row_drawn(each, draws) is not None
        and isinstance(each, Assign)
        and isinstance(each.target, Name)
    }
    if not names:
        return nest
    bound = Counter(names_bound((nest,)))
    for name in sorted(names):
        if bound[name] > 1:
            return f"'{name}' is more than one array of them"
        if name in live_out:
            return f"'{name}' is an array of them that lives on"
    rows = _Rows(draws=draws)
    found = rows.block((nest,))
    if Counter(each for each in read_names((nest,)) if each in names) != rows.seen:
        return "an array of them is read before it is drawn"
    (loop,) = found
    assert isinstance(loop, For)  # it stays one
    return loop


def row_drawn(statement: Statement, draws: Mapping[str, Draw]) -> str | None:
    """Return the list that stands for an array of numbers which a statement draws and names."""
    match statement:
        case Assign(target=Name(), value=Element(array=array, indices=())) if array in draws:
            return None if draws[array].size is None else array
    return None


@dataclass(slots=True)
class _Rows:
    """Walks a nest in textual order; `seen` counts the reads that were replaced."""

    draws: Mapping[str, Draw]
    seen: Counter[str] = field(default_factory=Counter)
    known: dict[str, str] = field(default_factory=dict)  # what stands for a name here

    def block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        before = dict(self.known)
        found: list[Statement] = []
        for each in body:
            found.append(self.statement(each))
            array = row_drawn(each, self.draws)
            if array is not None and isinstance(each, Assign) and isinstance(each.target, Name):
                self.known[each.target.name] = array
        self.known = before
        return tuple(found)

    def statement(self, node: Statement) -> Statement:
        match node:
            case Assign() | Update():
                target = self.visit(node.target) if isinstance(node.target, Element) else None
                assert target is None or isinstance(target, Element)  # it stays one
                return replace(node, target=target or node.target, value=self.visit(node.value))
            case If():
                body, orelse = self.block(node.body), self.block(node.orelse)
                return replace(node, test=self.visit(node.test), body=body, orelse=orelse)
            case For():
                start, stop, step = map(self.visit, (node.start, node.stop, node.step))
                return replace(node, start=start, stop=stop, step=step, body=self.block(node.body))
        return node

    def visit(self, node: Expression) -> Expression:
        found = rebuilt(node, self.visit)
        match found:
            case Name(name=name) if name in self.known:
                self.seen[name] += 1
                return Element(array=f"{self.known[name]}{ROW}", indices=(), span=node.span)
            case Element(array=name) if name in self.known:
                self.seen[name] += 1
                return replace(found, array=f"{self.known[name]}{ROW}")
            case Extent(array=name, axis=0) if name in self.known:
                size = self.draws[self.known[name]].size
                assert size is not None  # it is an array
                self.seen[name] += 1
                return replace(size, span=node.span)
        return found
