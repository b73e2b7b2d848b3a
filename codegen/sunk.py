"""Parallel loops around sums that walk down columns are moved into them: they walk along rows.

Before:  parallel for j: w = a[i, j]; for k: w = w - a[i, k] * a[k, j]; a[i, j] = w
After:   parallel for j_rows by 512:
             for j: w_row[j] = a[i, j]
             for k: parallel for j: w_row[j] = w_row[j] - a[i, k] * a[k, j]
             for j: a[i, j] = w_row[j]

Iterations of a parallel loop may be interleaved at will, as long as each runs its own statements in
their order: so may its body be cut (loop distribution), and a loop inside with bounds of its own
goes outside (Allen and Kennedy, Automatic translation of Fortran programs to vector form, TOPLAS
1987). A scalar that goes from one part to the next gets an element for each iteration (scalar
expansion: Padua and Wolfe, Advanced compiler optimizations for supercomputers, CACM 1986).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression, Name
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    places_of,
    walk_statement,
)
from autopar.analysis.model.types import ArrayType
from autopar.analysis.model.unused import unused

from .accumulations import depends_on, is_in_order, is_of_floats, is_whole
from .elements import cell_of
from .integers import linear, rename, simplify
from .kernel import (
    ArrayArgument,
    Branch,
    Decision,
    Instance,
    Loop,
    Node,
    Program,
    names_of,
    walk_nodes,
)
from .least import least
from .outliving import outliving

# Iterations side by side: 4 kB of what is summed up, which stays in the first cache.
SIDE_BY_SIDE = 512


def with_sunk(program: Program) -> Program:
    """Return `program` with parallel loops inside the sums that walk down columns for them."""
    sinker = _Sinker(program)
    body = sinker.nodes(program.body, ())
    if body == program.body:
        return program
    return replace(program, body=body, arrays=(*program.arrays, *sinker.rows))


class _Sinker:
    def __init__(self, program: Program) -> None:
        self.rows: list[ArrayArgument] = []
        self._program = program
        self._taken = set(names_of(program))
        self._columns = frozenset(e.name for e in program.arrays if e.type.layout == "F")

    def nodes(self, nodes: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(self._node(each, around) for each in nodes)

    def _node(self, node: Node, around: tuple[Loop, ...]) -> Node:
        match node:
            case Instance():
                return node
            case Loop():
                found = self._sunk(node, around) if node.is_parallel else None
                return found or replace(node, body=self.nodes(node.body, (*around, node)))
            case Branch():
                return replace(node, body=self.nodes(node.body, around))
            case Decision():
                body, orelse = self.nodes(node.body, around), self.nodes(node.orelse, around)
                return replace(node, body=body, orelse=orelse)

    def _sunk(self, loop: Loop, around: tuple[Loop, ...]) -> Loop | None:
        """Return a parallel loop in blocks, inside all that it holds; None where that is no use."""
        if not is_whole(loop) or loop.is_reduced or not _walks_down_columns(loop, self._columns):
            return None
        scalars = _scalars(loop.body)
        values: dict[str, Load] = {}
        if scalars:
            if scalars & outliving(loop, self._program) or not self._hold_floats(loop.body):
                return None
            extent, first = _greatest(loop.upper, around), least(loop.lower, around)
            is_inside = any(each.is_shared for each in around)  # threads would share the rows
            if is_inside or extent is None or first is None or first < 0:
                return None
            values = {name: self._row(name, extent, loop) for name in sorted(scalars)}
        rows = unused(f"{loop.iterator}_rows", self._taken)
        end = unused(f"{rows}_end", self._taken | {rows})
        self._taken |= {rows, end}
        begin, stop = (Name(name=each, span=loop.span) for each in (rows, end))
        inner = replace(loop, lower=begin, upper=stop)
        shared = self._program.overlapping
        parts = (each for node in loop.body for each in _parts(node, shared))
        body = tuple(_inside(each, inner, values) for each in parts)
        return replace(
            loop,
            iterator=rows,
            step=SIDE_BY_SIDE,
            body=body,
            stands_for=loop,
            group_end=end,
        )

    def _hold_floats(self, nodes: tuple[Node, ...]) -> bool:
        """Return whether all scalars that `nodes` set are set as they are held."""
        statements = [e.statement for e in walk_nodes(nodes) if isinstance(e, Instance)]
        return all(
            each.value.type.dtype == self._program.variable(each.name).type.dtype
            and each.value.type.dtype[0] == "f"
            for each in statements
            if isinstance(each, SetVariable)
        )

    def _row(self, scalar: str, extent: Expression, loop: Loop) -> Load:
        """Return the element of a scalar for an iteration of a loop."""
        kind = self._program.variable(scalar).type
        name = unused(f"{scalar}_row", self._taken)
        self._taken.add(name)
        type_ = ArrayType(
            dtype=kind.dtype, rank=1, layout="C", is_aligned=True, is_writeable=True, element=kind
        )
        self.rows.append(
            ArrayArgument(name=name, type=type_, is_read=True, is_written=True, extents=(extent,))
        )
        index = Name(name=loop.iterator, span=loop.span)
        return Load(array=name, indices=(index,), type=kind, span=loop.span)


def _walks_down_columns(loop: Loop, columns: frozenset[str]) -> bool:
    """Return whether a loop holds sums that do so, and walks along rows itself, everywhere."""
    inner = [each for each in loop.body if isinstance(each, Loop)]
    if not inner or not all(isinstance(each, Loop | Instance) for each in loop.body):
        return False
    for terms in inner:
        if not is_in_order(terms) or depends_on(terms, loop.iterator):
            return False
    nodes = [*loop.body, *(node for terms in inner for node in terms.body)]
    instances = [each for each in nodes if isinstance(each, Instance)]
    if len(instances) + len(inner) < len(nodes) or not is_of_floats(instances):
        return False
    if any(_stride(each, p, loop, columns) > 1 for each in instances for p in _places(each)):
        return False
    return any(
        _stride(each, place, terms, columns) > 1 and _stride(each, place, loop, columns) == 1
        for terms in inner
        for each in terms.body
        if isinstance(each, Instance)
        for place in _places(each)
    )


def _places(instance: Instance) -> Iterator[Load | Store]:
    return places_of(instance.statement)


def _stride(instance: Instance, place: Load | Store, loop: Loop, columns: frozenset[str]) -> int:
    """Return 0 for an element that stays, 1 for neighbours, 2 for what lies further apart."""
    cell = cell_of(instance, place)
    if cell is None:
        return 2
    axes = cell if place.array in columns else cell[::-1]
    first, *others = (_moved(each, loop.iterator) for each in axes)
    return 2 if any(others) or first not in (-1, 0, 1) else abs(first)


def _moved(index: Expression, iterator: str) -> int:
    """Return by how much an index moves with an iterator."""
    terms, _ = linear(index)
    if not all(isinstance(each, Name) for each in terms):
        return 2
    return sum(n for t, n in terms.items() if isinstance(t, Name) and t.name == iterator)


def _scalars(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the scalars that `nodes` set."""
    statements = [each.statement for each in walk_nodes(nodes) if isinstance(each, Instance)]
    return frozenset(each.name for each in statements if isinstance(each, SetVariable))


def _greatest(upper: Expression, around: Sequence[Loop]) -> Expression | None:
    """Return a bound of a loop, over parameters, that it never exceeds in the loops `around`."""
    for loop in reversed(around):
        terms, _ = linear(upper)
        if not all(isinstance(each, Name) for each in terms):
            return None
        factor = _moved(upper, loop.iterator)
        one = Constant(value=1, span=loop.span)
        last = Binary(operator="-", left=loop.upper, right=one, span=loop.span)
        upper = rename(upper, {loop.iterator: last if factor > 0 else loop.lower})
        upper = simplify(upper, loop.span)
    zero = Constant(value=0, span=upper.span)
    return Call(function="max", arguments=(zero, upper), span=upper.span)


def _parts(node: Node, overlapping: frozenset[str]) -> Iterator[Node]:
    """Yield a node, a loop once for each of its statements where these share nothing.

    Arrays in `overlapping` share memory under different names.
    """
    if not isinstance(node, Loop):
        yield node
        return
    instances = [each for each in node.body if isinstance(each, Instance)]
    pairs = [(one, other) for at, one in enumerate(instances) for other in instances[:at]]
    if any(_share(*each) for each in pairs) or any(_names(e)[1] & overlapping for e in instances):
        yield node
        return
    yield from (replace(node, body=(each,)) for each in instances)


def _share(one: Instance, other: Instance) -> bool:
    """Return whether one of two statements may touch what the other one writes."""
    written, touched = zip(*map(_names, (one, other)), strict=True)
    return bool(written[0] & touched[1] or written[1] & touched[0])


def _names(instance: Instance) -> tuple[frozenset[str], frozenset[str]]:
    """Return the arrays and scalars that a statement writes, and all that it touches."""
    statement = instance.statement
    assert isinstance(statement, Store | SetVariable)  # of floats
    written = statement.array if isinstance(statement, Store) else statement.name
    read = {e.name for e in walk_statement(statement) if isinstance(e, Variable)}
    places = {each.array for each in places_of(statement)}
    return frozenset({written}), frozenset({written}) | read | places


def _inside(node: Node, loop: Loop, values: Mapping[str, Load]) -> Loop:
    """Return a node of the body of `loop` with the loop inside, around its statements."""
    if isinstance(node, Loop):
        inner = replace(loop, body=tuple(_expanded(e, loop, values) for e in node.body))
        return replace(node, body=(inner,), cells=(), reductions=())
    return replace(loop, body=(_expanded(node, loop, values),))


def _expanded(node: Node, loop: Loop, values: Mapping[str, Load]) -> Instance:
    """Return a statement with elements in the place of scalars."""
    assert isinstance(node, Instance)  # `_walks_down_columns` looked
    if not values:
        return node
    key = unused(loop.iterator, {name for name, value in node.iterators if not _is(value, name)})
    own = {
        name: replace(each, indices=(Name(name=key, span=loop.span),))
        for name, each in values.items()
    }
    here = (key, Name(name=loop.iterator, span=loop.span))
    iterators = node.iterators if key in dict(node.iterators) else (*node.iterators, here)
    return replace(node, iterators=iterators, statement=_with_elements(node.statement, own))


def _is(value: Expression, name: str) -> bool:
    return isinstance(value, Name) and value.name == name


def _with_elements(statement: TypedStatement, values: Mapping[str, Load]) -> TypedStatement:
    assert isinstance(statement, Store | SetVariable)  # of floats
    value = _value(statement.value, values)
    if isinstance(statement, SetVariable) and statement.name in values:
        place = values[statement.name]
        return Store(array=place.array, indices=place.indices, value=value, span=statement.span)
    return replace(statement, value=value)


def _value(value: TypedExpression, values: Mapping[str, Load]) -> TypedExpression:
    match value:
        case Variable(name=name) if name in values:
            return replace(values[name], span=value.span)
        case Cast():
            return replace(value, operand=_value(value.operand, values))
        case Operation():
            return replace(value, operands=tuple(_value(e, values) for e in value.operands))
        case _:
            return value
