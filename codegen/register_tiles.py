"""Loops of kernels unrolled into each other, so that what several iterations share is in registers.

Before:  parallel for i: for k: parallel for j: c[i, j] = c[i, j] + a[i, k] * b[k, j]
After:   parallel for i_rows by 4: for k by 4: for j:
             c[i_rows, j] = c[i_rows, j] + a[i_rows, k] * b[k, j]         16 of these: each
             c[i_rows, j] = c[i_rows, j] + a[i_rows, k + 1] * b[k + 1, j]   b[k, j] is for four
             ...                                                            rows, c[i, j] for four k

Before:  parallel for i: y[i] = 0; for k: y[i] = y[i] + a[i, k] * x[k]
After:   parallel for i_rows by 8: ...; for k: y[i_rows] = ...; y[i_rows + 1] = ...; ...

In the first form a loop over terms holds a loop over elements (`codegen.accumulations`), which goes
through memory for each term; in the second one a processor waits for each sum before it begins with
the next term, and has eight sums to work at here. Each element still gets its terms in their order,
so no bit changes. (Unroll-and-jam: Callahan, Cocke, Kennedy, Estimating interlock and improving
balance for pipelined architectures, JPDC 1988; register tiles of matrix products: Goto and van de
Geijn, Anatomy of high-performance matrix multiplication, TOMS 2008, who also pack.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import (
    Binary,
    Call,
    Compare,
    Constant,
    Expression,
    Name,
)
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Load, Store, places_of
from autopar.analysis.model.unused import unused

from .accumulations import (
    Accumulation,
    accumulation_of,
    depends_on,
    is_whole,
)
from .chains import Copies, chain_of
from .elements import cell_of, moves
from .integers import rename, simplify
from .kernel import Branch, Decision, Instance, Loop, Node, Program, names_of, walk_nodes

# Rows and terms of a tile: sixteen products and as many sums, of which four vectors are stored.
ROWS, TERMS = 4, 4
# Terms where rows are not independent of each other.
TERMS_ALONE = 8
# Statements of a loop over elements: more have enough to do as they are.
_MOST_STATEMENTS = 2


def with_register_tiles(program: Program) -> Program:
    """Return `program` with loops unrolled into each other inside its kernels, where that pays."""
    is_shared = any(isinstance(each, Loop) and each.is_shared for each in walk_nodes(program.body))
    tiler = _Tiler(
        taken=set(names_of(program)), program=program, is_shared=is_shared, made=Copies(program)
    )
    body = tiler.nodes(program.body, ())
    if body == program.body:
        return program
    variables = tuple(tiler.made.variables)
    return replace(
        program,
        body=body,
        variables=(*program.variables, *variables),
        local=program.local | {each.name for each in variables},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Groups of iterations of a parallel loop."""

    of: Loop
    first: str  # iterators: the first of a group, and where it ends
    end: str
    count: int

    @property
    def copies(self) -> tuple[dict[str, Expression], ...]:
        """What the iterator is for each one of a whole group."""
        return tuple(
            {self.of.iterator: _plus(self.first, number, self.of)} for number in range(self.count)
        )

    def loop(self, body: tuple[Node, ...]) -> Loop:
        """Return the loop over groups."""
        return replace(
            self.of,
            iterator=self.first,
            step=self.count,
            body=body,
            stands_for=self.of,
            group_end=self.end,
        )

    def one_by_one(self, body: tuple[Node, ...]) -> Loop:
        """Return a loop over the iterations of a group, one after the other."""
        first, end = (Name(name=each, span=self.of.span) for each in (self.first, self.end))
        return replace(self.of, lower=first, upper=end, body=body)

    def either(self, together: tuple[Node, ...], one_by_one: Loop) -> Iterator[Branch]:
        """Yield a whole group together, and one with fewer rows one by one."""
        span = self.of.span
        next_group = _plus(self.first, self.count, self.of)
        end = Name(name=self.end, span=span)
        is_whole_group = Compare(operator="==", left=end, right=next_group, span=span)
        yield Branch(test=is_whole_group, body=together, span=span)
        is_last = Compare(operator="<", left=end, right=next_group, span=span)
        yield Branch(test=is_last, body=(one_by_one,), span=span)


@dataclass(slots=True)
class _Tiler:
    taken: set[str]
    program: Program
    is_shared: bool  # some loop is launched: what stands outside of all runs on the host
    made: Copies

    def nodes(self, nodes: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(found for each in nodes for found in self._node(each, around))

    def _node(self, node: Node, around: tuple[Loop, ...]) -> tuple[Node, ...]:
        match node:
            case Instance():
                return (node,)
            case Loop():
                return self._loop(node, around)
            case Branch():
                return (replace(node, body=self.nodes(node.body, around)),)
            case Decision():
                body, orelse = self.nodes(node.body, around), self.nodes(node.orelse, around)
                return (replace(node, body=body, orelse=orelse),)

    def _loop(self, loop: Loop, around: tuple[Loop, ...]) -> tuple[Node, ...]:
        is_in_kernel = any(each.is_shared for each in around) or (
            not self.is_shared and bool(around)
        )
        if loop.is_parallel and is_whole(loop) and not loop.cells and not loop.reductions:
            rows = self._rows(loop, around) or self._chains(loop)
            if rows is not None:
                return (rows,)
        found = accumulation_of(loop, around, self.program.overlapping) if is_in_kernel else None
        if found is not None and len(found.instances) <= _MOST_STATEMENTS:
            return tuple(_terms(found, ({},), TERMS_ALONE))
        return (replace(loop, body=self.nodes(loop.body, (*around, loop))),)

    # ------------------------------------------------------------ elements inside

    def _rows(self, loop: Loop, around: tuple[Loop, ...]) -> Loop | None:
        """Return a parallel loop over rows in groups of them; None where that is of no use."""
        inside = (*around, loop)
        found = [accumulation_of(each, inside, self.program.overlapping) for each in loop.body]
        if not any(each is not None and _shares(each, loop) for each in found):
            return None
        if any(_sets_scalars(each) for each in loop.body):
            return None
        rows = self._rows_of(loop, ROWS)
        body: list[Node] = []
        for node, accumulation in zip(loop.body, found, strict=True):
            if accumulation is None or not _shares(accumulation, loop):
                body.append(rows.one_by_one(self.nodes((node,), inside)))
            else:
                body += rows.either(self._tile(accumulation, rows), rows.one_by_one((node,)))
        return rows.loop(tuple(body))

    def _tile(self, found: Accumulation, rows: _Rows) -> tuple[Node, ...]:
        """Return the terms of a whole group of rows."""
        loop, copies = rows.of, rows.copies
        inner = found.elements
        if not depends_on(inner, loop.iterator):
            return tuple(_terms(found, copies, TERMS))
        # Rows do not have the same elements: those that all have are between the other ones.
        lowest = _call("max", [rename(inner.lower, each) for each in copies], loop)
        highest = _call("min", [rename(inner.upper, each) for each in copies], loop)
        highest = _call("max", [lowest, highest], loop)
        edges = (
            replace(inner, upper=_call("min", [inner.upper, lowest], loop)),
            replace(inner, lower=_call("max", [inner.lower, highest], loop)),
        )
        common = replace(found, elements=replace(inner, lower=lowest, upper=highest))
        before, after = (rows.one_by_one((replace(found.terms, body=(edge,)),)) for edge in edges)
        return (before, *_terms(common, copies, TERMS), after)

    # ------------------------------------------------------------ terms inside

    def _chains(self, loop: Loop) -> Loop | None:
        """Return a parallel loop whose iterations wait for their sums, several at once."""
        found = chain_of(loop, self.program)
        if found is None:
            return None
        rows = self._rows_of(loop, found.count)
        together = self.made.interleaved(loop.body, rows.copies, found.scalars)
        return rows.loop(tuple(rows.either(together, rows.one_by_one(loop.body))))

    def _rows_of(self, loop: Loop, count: int) -> _Rows:
        names = self._name(f"{loop.iterator}_rows"), self._name(f"{loop.iterator}_rows_end")
        return _Rows(of=loop, first=names[0], end=names[1], count=count)

    def _name(self, name: str) -> str:
        found = unused(name, self.taken)
        self.taken.add(found)
        return found


def _shares(found: Accumulation, rows: Loop) -> bool:
    """Return whether rows read the same elements along the loop over these, or at least few."""
    if len(found.instances) > _MOST_STATEMENTS or depends_on(found.terms, rows.iterator):
        return False
    cells = [
        cell_of(each, place)
        for each in found.instances
        for place in places_of(each.statement)
        if isinstance(place, Load)
    ]
    return any(
        cell is not None and moves(cell, found.elements) and not moves(cell, rows) for cell in cells
    )


def _sets_scalars(node: Node) -> bool:
    instances = (each for each in walk_nodes((node,)) if isinstance(each, Instance))
    return any(not isinstance(each.statement, Store) for each in instances)


def _repeated(
    loop: Loop,
    rows: tuple[dict[str, Expression], ...],
    terms: list[dict[str, Expression]],
) -> Loop:
    """Return a loop whose iterations do what they do for all rows and terms, term by term."""
    body = [
        copied(each, {**row, **term}, f"{at}_{number}")
        for at, term in enumerate(terms)
        for each in loop.body
        if isinstance(each, Instance)
        for number, row in enumerate(rows)
    ]
    return replace(loop, body=tuple(body))


def copied(instance: Instance, values: Mapping[str, Expression], suffix: str) -> Instance:
    """Return a statement where iterators have other values."""
    iterators = tuple(
        (name, simplify(rename(value, values), instance.span)) for name, value in instance.iterators
    )
    return replace(instance, name=f"{instance.name}_{suffix}", iterators=iterators)


def _terms(
    found: Accumulation, rows: tuple[dict[str, Expression], ...], count: int
) -> Iterator[Node]:
    """Yield the terms in groups of `count`, then those that are left, for all of `rows`."""
    terms, span = found.terms, found.terms.span
    left = Binary(operator="-", left=terms.upper, right=terms.lower, span=span)
    zero = Constant(value=0, span=span)
    whole = _floor(_call("max", [zero, left], terms), count)
    middle = simplify(Binary(operator="+", left=terms.lower, right=whole, span=span), span)
    plain = replace(terms, cells=(), reductions=())
    steps = [{terms.iterator: _plus(terms.iterator, at, terms)} for at in range(count)]
    yield replace(
        plain,
        upper=_minus(terms.upper, count - 1, terms),
        step=count,
        body=(_repeated(found.elements, rows, steps),),
        stands_for=plain,
    )
    yield replace(plain, lower=middle, body=(_repeated(found.elements, rows, [{}]),))


def _plus(name: str, number: int, loop: Loop) -> Expression:
    left, right = Name(name=name, span=loop.span), Constant(value=number, span=loop.span)
    return simplify(Binary(operator="+", left=left, right=right, span=loop.span), loop.span)


def _minus(left: Expression, number: int, loop: Loop) -> Expression:
    right = Constant(value=number, span=loop.span)
    return simplify(Binary(operator="-", left=left, right=right, span=loop.span), loop.span)


def _floor(value: Expression, unit: int) -> Expression:
    span = value.span
    number = Constant(value=unit, span=span)
    whole = Binary(operator="//", left=value, right=number, span=span)
    return Binary(operator="*", left=whole, right=number, span=span)


def _call(word: str, arguments: list[Expression], loop: Loop) -> Expression:
    distinct = tuple(dict.fromkeys(simplify(each, loop.span) for each in arguments))
    if len(distinct) == 1:
        return distinct[0]
    return Call(function=word, arguments=distinct, span=loop.span)
