"""Matrices that an innermost loop reads along columns, by tiles of them that are turned first.

Before:  for i in range(lower, upper):
             for j in range(m): c[i, j] = a[i, j] + b[j, i]
After:   for i_tile in range(lower, upper, 32):
             for j_tile in range(0, m, 64):
                 b_turned = b[j_tile:j_tile + 64, i_tile:i_tile + 32], turned
                 for i in range(i_tile, i_tile + 32):
                     for j in range(j_tile, j_tile + 64):
                         c[i, j] = a[i, j] + b_turned[i - i_tile, j - j_tile]

A column has a line of the cache, and soon a page, for each element; eight columns have as many.
A tile is wider than a line, since it begins inside of one as a rule.
(Copying tiles: Lam, Rothberg, Wolf, The cache performance and optimizations of blocked
algorithms, ASPLOS 1991, section 5.) Both loops are parallel, and nothing of the launch stores
to the matrix, so it holds the same when it is read; all that is copied is read by the loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.loop_ir import Binary, Constant, Expression, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    places_of,
    walk_statement,
)

from .integers import rename
from .kernel import Instance, Loop
from .streams import Sweep, factor_of, is_plain

BLOCK = 8  # columns: a line of elements of 8 bytes
WIDTH = 32  # columns of a tile
TILE = 64  # rows: 16 kB of them, a third of the first cache
_DTYPES = frozenset(("float64", "int64", "uint64"))
# Names of the first iterations of a tile in what is printed; none that a user could have.
OUTER, INNER = "first of tile", "first in tile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Two loops, and the matrices of which tiles are turned."""

    outer: Loop
    inner: Loop  # that reads tiles
    # Each matrix, and a statement with the place that it reads.
    matrices: Mapping[str, tuple[Instance, Load]]


def tile_name(array: str) -> str:
    """Return how the turned tile of a matrix is called until it is spelled."""
    return f"turned {array}"


def turned(sweep: Sweep, outer: Loop) -> Turned | None:
    """Return how `outer` and the loop in it run by tiles; None where nothing would be gained."""
    if len(outer.body) != 1 or not outer.is_parallel or not is_plain(outer, may_hold_loops=True):
        return None
    (inner,) = outer.body
    if not isinstance(inner, Loop) or not inner.is_parallel or not is_plain(inner):
        return None
    instances = [each for each in inner.body if isinstance(each, Instance)]
    if len(instances) < len(inner.body) or _mentions(inner, outer.iterator):
        return None
    found: dict[str, tuple[Instance, Load]] = {}
    for instance in instances:
        for place in _loads(instance):
            if _is_turned(place, instance, (outer, inner)) and sweep.may_copy(place.array):
                known = found.setdefault(place.array, (instance, place))
                if _cell(*known) != _cell(instance, place):
                    return None  # two columns of one matrix: they would need two tiles
    if not found or any(_is_bare(each) for each in instances):
        return None
    body = tuple(_with_tiles(each, found, outer, inner) for each in instances)
    return Turned(outer=outer, inner=replace(inner, body=body), matrices=found)


def _is_bare(instance: Instance) -> bool:
    """Return whether a statement is neither a store nor sets a variable."""
    return not isinstance(instance.statement, Store | SetVariable)


def _mentions(inner: Loop, iterator: str) -> bool:
    bounds = (*walk_expression(inner.lower), *walk_expression(inner.upper))
    return any(isinstance(each, Name) and each.name == iterator for each in bounds)


def _loads(instance: Instance) -> list[Load]:
    """Return what a statement surely reads."""
    if any(
        isinstance(each, Operation) and each.name in ("and", "or", "if")
        for each in walk_statement(instance.statement)
    ):
        return []
    return [each for each in places_of(instance.statement) if isinstance(each, Load)]


def _is_turned(place: Load, instance: Instance, loops: tuple[Loop, Loop]) -> bool:
    """Return whether a matrix is read along a column, the next one in the next row."""
    factors = [
        [factor_of(index, instance, loop.iterator) for index in place.indices] for loop in loops
    ]
    return factors == [[0, 1], [1, 0]] and place.type.dtype in _DTYPES


def _cell(instance: Instance, place: Load) -> tuple[Expression, ...]:
    values = dict(instance.iterators)
    return tuple(rename(each, values) for each in place.indices)  # type: ignore[arg-type]  # none is computed


def _with_tiles(
    instance: Instance, found: Mapping[str, tuple[Instance, Load]], outer: Loop, inner: Loop
) -> Instance:
    """Return a statement that reads tiles."""
    statement = instance.statement
    assert isinstance(statement, Store | SetVariable)  # `turned` looked
    span = statement.span

    def name(each: str) -> Name:
        return Name(name=each, span=span)

    def behind(loop: Loop, first: str) -> Binary:
        return Binary(operator="-", left=name(loop.iterator), right=name(first), span=span)

    row = Binary(
        operator="*", left=behind(outer, OUTER), right=Constant(value=TILE, span=span), span=span
    )
    place = Binary(operator="+", left=row, right=behind(inner, INNER), span=span)
    index = name("place in tile")

    def value(expression: TypedExpression) -> TypedExpression:
        match expression:
            case Load() if expression.array in found and _is_turned(
                expression, instance, (outer, inner)
            ):
                return replace(expression, array=tile_name(expression.array), indices=(index,))
            case Cast():
                return replace(expression, operand=value(expression.operand))
            case Operation():
                return replace(expression, operands=tuple(map(value, expression.operands)))
            case _:
                return expression

    return replace(
        instance,
        statement=replace(statement, value=value(statement.value)),
        iterators=(*instance.iterators, (index.name, place)),
    )
