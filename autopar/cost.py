"""Where and whether to run: what a region costs in the interpreter, and what a kernel costs.

A first, uncalibrated model: it counts statement instances, weighs each by the size of its
expression, and compiles once the interpreter has (or would have) spent as long on the region
as compiling takes. That is the ski-rental rule: never more than twice the best choice
(Karlin, Manasse, Rudolph, Sleator, Competitive snoopy caching, Algorithmica 1988).
"""

from __future__ import annotations

from collections.abc import Iterator

from autopar.analysis.model.loop_ir import (
    Allocate,
    Assign,
    Call,
    Element,
    Exchange,
    For,
    If,
    Name,
    Opaque,
    Update,
    walk_expression,
    walk_statements,
)
from autopar.analysis.model.loop_ir import Statement as LoopStatement
from autopar.analysis.model.scop import Loop, Scop, Statement
from autopar.analysis.model.text import python_text
from autopar.analysis.model.ufuncs import FUNCTIONS, OWN_LOOPS

# One node of an expression in CPython, subscripts of NumPy arrays included, in nanoseconds.
_INTERPRETED_NODE_NS = 25
_INTERPRETED_STATEMENT_NS = 60
# A call of one of NumPy's functions on a scalar.
_INTERPRETED_UFUNC_NS = 500
# A call of one of NumPy's functions on arrays; one element of it, of a hundred; the same where
# it takes many instructions; and one element of a kernel that does all of a statement.
_ARRAY_CALL_NS, _PASS_NS_OF_100, _SLOW_NS_OF_100, _KERNEL_NS_OF_100 = 600, 80, 200, 50
# Analysis, code generation and Numba's compilation of one region.
COMPILE_NS = 200_000_000
# A nest analysed again at a call, with what was found there.
ANALYSIS_NS = 20_000_000
# A guarded entry into a warm kernel costs about as much as this.
DISPATCH_NS = 15_000


def interpreter_nanoseconds(scop: Scop) -> str:
    """Return a Python expression over the user's names: the interpreter's time for a region.

    Inner bounds that depend on outer loops are taken at the middle of the outer loop.
    """
    parts = [_statement_cost(scop, statement) for statement in scop.statements]
    total = " + ".join(parts) if parts else "0"
    # Of arrays that change places, every statement stands there once for each order.
    return total if scop.exchanged is None else f"({total}) // {len(scop.exchanged.orders)}"


def iterations(loop: Loop) -> str:
    """Return a Python expression over the user's names: how often an outermost loop runs."""
    return _trips(loop, {})


def nest_nanoseconds(nest: For) -> str:
    """Return what `interpreter_nanoseconds` does, for a nest that has no model yet.

    A loop whose bounds the nest itself computes counts as one iteration.
    """
    changing = frozenset(
        each.target.name
        for each in walk_statements((nest,))
        if isinstance(each, Assign | Update) and isinstance(each.target, Name)
    )
    return " + ".join(_nest_costs(nest, {}, changing)) or "0"


# What is taken for the number of turns of a loop that may be left early.
_TURNS = "16"


def _nest_costs(nest: For, middles: dict[str, str], changing: frozenset[str]) -> Iterator[str]:
    start, stop, step = (python_text(each, middles) for each in (nest.start, nest.stop, nest.step))
    is_known = not any(
        isinstance(node, Element) or (isinstance(node, Name) and node.name in changing)
        for limit in (nest.start, nest.stop, nest.step)
        for node in walk_expression(limit)
    )
    is_known = is_known and nest.leaves is None
    trips = f"len(range({start}, {stop}, {step}))" if is_known else "1"
    inner = {**middles, nest.variable: f"(({start} + {stop}) // 2)" if is_known else "0"}
    parts = [part for each in nest.body for part in _block_costs(each, inner, changing)]
    if parts:
        yield f"{trips} * ({' + '.join(parts)})"


def _block_costs(
    statement: LoopStatement, middles: dict[str, str], changing: frozenset[str]
) -> Iterator[str]:
    match statement:
        case For():
            yield from _nest_costs(statement, middles, changing)
        case If():
            for each in (*statement.body, *statement.orelse):
                yield from _block_costs(each, middles, changing)
        case Assign() | Update():
            yield str(_once(statement))
        case Opaque() | Allocate() | Exchange():
            pass


def _once(body: Assign | Update) -> int:
    """Return what one run of a statement costs in the interpreter."""
    values = tuple(walk_expression(body.value))
    nodes = len(values) + sum(1 for _ in walk_expression(body.target))
    if isinstance(body, Update):
        nodes += 1
    ufuncs = sum(isinstance(each, Call) and each.function in FUNCTIONS for each in values)
    return _INTERPRETED_STATEMENT_NS + _INTERPRETED_NODE_NS * nodes + _INTERPRETED_UFUNC_NS * ufuncs


def _statement_cost(scop: Scop, statement: Statement) -> str:
    middles: dict[str, str] = {p.name: p.text for p in scop.parameters}
    target = statement.body.target
    if isinstance(target, Name) and any(
        loop.data is not None and loop.data.predicate == target.name for loop in scop.loops
    ):
        return "0"  # the interpreter asks for the bounds of a loop but once
    # NumPy gives an array its first values.
    is_fill = scop.loops[statement.loops[-1]].is_fill
    factors = ["1" if is_fill else str(_once(statement.body))]
    axes: list[str] = []
    for number in statement.loops:
        loop = scop.loops[number]
        (axes if loop.is_axis else factors).append(_trips(loop, middles))
        middles[loop.variable] = _middle(loop, middles)
    if axes:
        factors[0] = _array_cost(statement.body, axes)
    return " * ".join(factors)


def _array_cost(body: Assign | Update, axes: list[str]) -> str:
    """Return what NumPy takes for a whole-array statement beyond what one kernel takes."""
    calls = [node for node in walk_expression(body.value) if isinstance(node, Call)]
    passes = max(1, len(calls))
    slow = sum(each.function in OWN_LOOPS for each in calls)
    each = _PASS_NS_OF_100 * passes + _SLOW_NS_OF_100 * slow - _KERNEL_NS_OF_100
    return f"({_ARRAY_CALL_NS * passes} + {' * '.join(axes)} * {each} // 100)"


def _trips(loop: Loop, middles: dict[str, str]) -> str:
    if loop.data is not None:
        return loop.data.trips
    if loop.leaves is not None:
        return _TURNS
    start, stop = (python_text(each, middles) for each in (loop.start, loop.stop))
    return f"len(range({start}, {stop}, {loop.step}))"


def _middle(loop: Loop, middles: dict[str, str]) -> str:
    start, stop = (python_text(each, middles) for each in (loop.start, loop.stop))
    return f"(({start} + {stop}) // 2)"
