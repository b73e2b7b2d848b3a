"""Predicted work of a loop, as an expression that host code evaluates at the call.

    for i in range(1, n): for j in range(i): b[i, j] = 0.5 * a[i, j]
    max(0, n - 1) * (14 * max(0, (n + 1) // 2) + 100) // 100        nanoseconds

An iterator that bounds inner loops is replaced by the middle of its range, so a triangle counts
half its square. The prices are those of one core with its data in cache: they decide between one
thread and several, and how long a chunk may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from autopar.analysis.model.loop_ir import Binary, Call, Constant, Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.row_functions import ORDERED_STEPS
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    FLOAT_WARNING,
    Cast,
    Computed,
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
from autopar.analysis.model.ufuncs import COMPARISONS, FUSED_PRODUCT

from .integers import linear, rename, simplify
from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes
from .numpy_loops import STRIPPED
from .strides import strided_instances

# Prices in hundredths of a nanosecond, of loops that vectorise.
PER_NS = 100
CHEAP = 4  # an addition, a comparison
ACCESS = 5  # a load or a store
GATHER = 30  # one at a place that is data: nothing is fetched ahead, nothing vectorised
CHECK = 10  # watching an operation for a hazard
ENTRY = 100  # starting an inner loop
CALL = 1000  # a function of the C library
ROW_STEP = 15
PRICES: Mapping[str, int] = MappingProxyType(
    {
        "/": 60, "//": 300, "%": 300, "**": 2000, "abs": 4, "min": 8, "max": 8,
        "math.sqrt": 80, "numpy.sqrt": 80,
        # NumPy's own loops over a row.
        **dict.fromkeys(sorted(ORDERED_STEPS), ROW_STEP),
        # NumPy's own loops over a strip.
        **dict.fromkeys(STRIPPED, 150), "numpy.sin": 450, "numpy.cos": 450, "numpy.power": 270,
        "numpy.float_power": 270, "numpy.arctan2": 220, "numpy.fmod": 300, "numpy.hypot": 560,
        "numpy.logaddexp": 1200, "numpy.logaddexp2": 1200, "numpy.exp": 100, "numpy.exp2": 100,
        "numpy.absolute": 4, "numpy.fabs": 4, "numpy.minimum": 8, "numpy.maximum": 8,
        "numpy.clip": 12, "numpy.floor": 8, "numpy.ceil": 8, "numpy.trunc": 8, "numpy.rint": 8,
        "numpy.isnan": 4, "numpy.isinf": 4, "numpy.isfinite": 4,
        FUSED_PRODUCT: 40, "numpy.divide": 60, "numpy.floor_divide": 300, "numpy.remainder": 300,
        **dict.fromkeys(
            ("numpy.add", "numpy.subtract", "numpy.multiply", "numpy.negative", *COMPARISONS), 4
        ),
    }
)  # fmt: skip
# What is taken for the number of turns of a loop that may be left early.
TURNS = 32
# A loop that carries something waits for each result before it starts on the next: so long after
# each operation that lies between what it carries and what it makes of it.
LATENCIES: Mapping[str, int] = MappingProxyType(
    {"+": 55, "-": 55, "*": 130, "/": 400, **dict.fromkeys(sorted(ORDERED_STEPS), ROW_STEP)}
)
LATENCY = 60  # of any other one that costs no more
# A loop of so few iterations, known beforehand, is unrolled: what it carries is not waited for.
FEW_TURNS = 8
# A statement that walks with a stride fetches a line of the cache for each element.
STRIDE = 25


def predicted_ns(nodes: tuple[Node, ...], middles: Mapping[str, Expression]) -> Expression:
    """Return the nanoseconds that `nodes` take, over parameters and the iterators around them.

    Iterators in `middles` are replaced.
    """
    span = nodes[0].span
    total = _total(nodes, _Around(strided=strided_instances(nodes)), entry=0)
    return _over(rename(total, middles), PER_NS, span)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is known of where a node stands."""

    strided: frozenset[str]  # statements
    # Scalars and arrays that the loop directly around it carries along; none where it waits for
    # nothing.
    carried: frozenset[str] = frozenset()

    def inside(self, loop: Loop) -> _Around:
        """Return the same for the body of a loop."""
        trips = _fixed_trips(loop)
        is_short = trips is not None and trips <= FEW_TURNS
        if loop.is_parallel or is_short:
            return replace(self, carried=frozenset())
        return replace(self, carried=_written(loop))


def _written(loop: Loop) -> frozenset[str]:
    """Return the scalars and arrays that the statements of a loop write."""
    statements = [each.statement for each in walk_nodes(loop.body) if isinstance(each, Instance)]
    names = (e.name for e in statements if isinstance(e, SetVariable))
    return frozenset((*names, *(each.array for each in statements if isinstance(each, Store))))


def term_count(loop: Loop) -> Expression:
    """Return how often the innermost statements of `loop` run, over what is known around it.

    An estimate where the bounds of inner loops depend on outer ones, but always the same one.
    """
    inside = rename(_inner_terms(loop.body, loop), halfway(loop))
    return _times(trip_count(loop), inside)


def _inner_terms(nodes: tuple[Node, ...], around: Loop) -> Expression:
    """Return how often one iteration runs the statements of its longest inner loop; at least 1."""
    inner = [each for node in nodes for each in _outermost_loops(node)]
    if not inner:
        return _number(1, around.span)
    return largest(tuple(term_count(each) for each in inner))


def _outermost_loops(node: Node) -> Iterator[Loop]:
    match node:
        case Loop():
            yield node
        case Branch():
            for each in node.body:
                yield from _outermost_loops(each)
        case Decision():
            for each in (*node.body, *node.orelse):
                yield from _outermost_loops(each)
        case Instance():
            pass


def middle(loop: Loop) -> Expression:
    """Return the value of the loop's iterator halfway through."""
    both = Binary(operator="+", left=loop.lower, right=loop.upper, span=loop.span)
    return _over(simplify(both, loop.span), 2, loop.span)


def halfway(loop: Loop) -> Mapping[str, Expression]:
    """Return the values of the names that the loop's header sets, halfway through."""
    found = {loop.iterator: middle(loop)}
    if loop.group_end is not None:
        found[loop.group_end] = _plus(middle(loop), _number(loop.step, loop.span))
    return found


def _total(nodes: tuple[Node, ...], around: _Around, *, entry: int) -> Expression:
    total: Expression = _number(0, nodes[0].span)
    for node in nodes:
        total = _plus(total, _price(node, around, entry=entry))
    return total


def _price(node: Node, around: _Around, *, entry: int) -> Expression:
    match node:
        case Instance():
            price = statement_price(node.statement) + STRIDE * (node.name in around.strided)
            return _number(max(price, _waiting(node.statement, around.carried)), node.span)
        case Branch():
            return _total(node.body, around, entry=entry)
        case Decision():
            # Both arms: a loop that vectorises computes both.
            return _total(node.body + node.orelse, around, entry=entry)
        case Loop(stands_for=Loop() as original):
            return _price(original, around, entry=entry)
        case Loop():
            body = _total(node.body, around.inside(node), entry=ENTRY)
            once = rename(body, halfway(node))
            return _plus(_number(entry, node.span), _times(trip_count(node), once))


def _fixed_trips(loop: Loop) -> int | None:
    """Return how many iterations a loop has; None where that is not one known number."""
    trips = trip_count(loop)
    is_known = loop.within is None and loop.stays is None and isinstance(trips, Constant)
    return int(trips.value.real) if is_known and isinstance(trips, Constant) else None


def _waiting(statement: TypedStatement, carried: frozenset[str]) -> int:
    """Return how long a statement takes from what is carried to what it makes of it."""
    if not carried or not isinstance(statement, Store | SetVariable):
        return 0
    return max(_path(statement.value, carried), 0)


def _path(expression: TypedExpression, carried: frozenset[str]) -> int:
    """Return the longest way up from a carried value; negative where there is none."""
    match expression:
        case Variable():
            return 0 if expression.name in carried else -1
        case Load():
            return 0 if expression.array in carried else -1
        case Cast():
            return _path(expression.operand, carried)
        case Operation():
            below = max((_path(each, carried) for each in expression.operands), default=-1)
            price = max(LATENCY, _operation_price(expression))
            return below if below < 0 else below + LATENCIES.get(expression.name, price)
        case _:
            return -1


def statement_price(statement: TypedStatement) -> int:
    """Return the price of one run of `statement`, in hundredths of a nanosecond."""
    price = sum(map(_place_price, places_of(statement)))
    for node in walk_statement(statement):
        match node:
            case Cast():
                price += CHEAP + _checking(node.hazards)
            case Operation():
                price += _operation_price(node)
            case _:
                pass
    return max(CHEAP, price)


def _place_price(place: Load | Store) -> int:
    computed = [each for each in place.indices if isinstance(each, Computed)]
    checks = sum(_checking(each.hazards) for each in computed)
    return (GATHER if computed else ACCESS) + checks


def _operation_price(operation: Operation) -> int:
    is_call = operation.name.replace(".", "").replace("_", "").isalnum()
    default = CALL if is_call and operation.name not in {"and", "or", "not", "if"} else CHEAP
    return PRICES.get(operation.name, default) + _checking(operation.hazards)


def _checking(hazards: int) -> int:
    # The processor watches its float flags by itself.
    return CHECK if hazards & ~FLOAT_WARNING else 0


def trip_count(loop: Loop) -> Expression:
    """Return how often `loop` runs its body, or what is taken for that."""
    if loop.within is not None:
        return loop.within.trips
    if loop.turns is not None:
        return _number(loop.turns, loop.span)
    if loop.stays is not None:
        return _number(TURNS, loop.span)
    extent = Binary(operator="-", left=loop.upper, right=loop.lower, span=loop.span)
    last = Binary(
        operator="+", left=extent, right=_number(loop.step - 1, loop.span), span=loop.span
    )
    return _not_negative(_over(simplify(last, loop.span), loop.step, loop.span))


def _not_negative(expression: Expression) -> Expression:
    if isinstance(expression, Constant):
        return _number(max(0, int(expression.value.real)), expression.span)
    zero = _number(0, expression.span)
    return Call(function="max", arguments=(zero, expression), span=expression.span)


def _number(value: int, span: Span) -> Constant:
    return Constant(value=value, span=span)


def _plus(left: Expression, right: Expression) -> Expression:
    return simplify(Binary(operator="+", left=left, right=right, span=left.span), left.span)


def _times(left: Expression, right: Expression) -> Expression:
    product = Binary(operator="*", left=left, right=right, span=left.span)
    return simplify(product, left.span)


def over(expression: Expression, divisor: int) -> Expression:
    """Return a share of some work."""
    return _over(expression, divisor, expression.span)


def _over(expression: Expression, divisor: int, span: Span) -> Expression:
    terms, constant = linear(expression)
    if divisor == 1:
        return expression
    if not terms:
        return _number(constant // divisor, span)
    return Binary(operator="//", left=expression, right=_number(divisor, span), span=span)


def largest(works: tuple[Expression, ...]) -> Expression:
    """Return the largest of `works`; at least one."""
    others: list[Expression] = [
        each for each in dict.fromkeys(works) if not isinstance(each, Constant)
    ]
    constants = [each for each in works if isinstance(each, Constant)]
    others += sorted(constants, key=lambda each: -each.value.real)[:1]
    if len(others) == 1:
        return others[0]
    return Call(function="max", arguments=tuple(others), span=others[0].span)
