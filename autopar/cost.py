"""What a region takes in the interpreter, as Python over the user's names.

Before:  for i in range(n):
             for j in range(i): y[i] += x[j]
After:   int(n * (16 + (n - 1) / 2 * 131))       nanoseconds, at the rates of this machine

A loop's body is reckoned at the middle of its range, which is exact where the number of its
iterations grows with the iterator; where it grows with the square or the cube (triangles of three
and four loops), at the two points around the middle that make it exact again, as in Gauss's
quadrature for equidistant points. Neither sees that a range may be empty for some iterations and
not for others. Of a branch either arm is taken to run half of the time.

A region is compiled once the interpreter has (or would have) spent as long on it as compiling
takes. That is the ski-rental rule: never more than twice the best choice (Karlin, Manasse,
Rudolph, Sleator, Competitive snoopy caching, Algorithmica 1988).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autopar.analysis.model.loop_ir import (
    OF_ROW,
    Allocate,
    Assign,
    Call,
    Element,
    Exchange,
    Expression,
    For,
    If,
    Name,
    Opaque,
    Update,
    walk_expression,
    walk_statements,
)
from autopar.analysis.model.loop_ir import Statement as LoopStatement
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.scop import Loop, Scop, Statement
from autopar.analysis.model.text import python_text
from autopar.analysis.model.ufuncs import OWN_LOOPS
from autopar.codegen.rates import Rates, current

from .interpreted import expression_ns, numpy_names, statement_ns

# What is taken for the number of turns of a loop that may be left early.
TURNS = 16
# An arm of a branch.
_HALF = 0.5
# A call of one of NumPy's functions on arrays; one element of it, of a hundred; the same where
# it takes many instructions; and one element of a kernel that does all of a statement.
_ARRAY_CALL_NS, _PASS_NS_OF_100, _SLOW_NS_OF_100, _KERNEL_NS_OF_100 = 600, 80, 200, 50
# A call of one of its functions on a row, and one element of it, of a hundred.
_ROW_CALL_NS, _ROW_NS_OF_100 = 2500, 30


def interpreter_nanoseconds(scop: Scop, rates: Rates | None = None) -> str:
    """Return a Python expression over the user's names: the interpreter's time for a region."""
    rates = rates or current()
    numpy = numpy_names(each.body for each in scop.statements)
    costs = {each.name: _once(scop, each, numpy, rates) for each in scop.statements}
    values = {each.name: each.text for each in scop.parameters}
    total = _level(_Costs(scop=scop, of=costs, rates=rates), (), values)
    # Of arrays that change places, statements stand there once for each order.
    copies = 1 if scop.exchanged is None else scop.exchanged.copies
    return f"int(({total}) / {copies})" if copies > 1 else f"int({total})"


def iterations(loop: Loop) -> str:
    """Return a Python expression over the user's names: how often an outermost loop runs."""
    if loop.data is not None:
        return loop.data.trips
    if loop.leaves is not None:
        return str(TURNS)
    return f"len(range({python_text(loop.start)}, {python_text(loop.stop)}, {loop.step}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Costs:
    """What is known of a region while its text is written."""

    scop: Scop
    of: Mapping[str, float]  # each statement, by name
    rates: Rates


def _once(scop: Scop, statement: Statement, numpy: frozenset[str], rates: Rates) -> float:
    """Return what one instance of a statement takes, on the average."""
    target = statement.body.target
    if isinstance(target, Name) and any(
        loop.data is not None and loop.data.predicate == target.name for loop in scop.loops
    ):
        return 0.0  # the interpreter asks for the bounds of a loop but once
    if statement.loops and scop.loops[statement.loops[-1]].is_fill:
        return 1.0  # NumPy gives an array its first values
    if isinstance(target, Name) and any(
        each.name == target.name for other in scop.statements for each in other.predicates
    ):
        # A test: what it finds is kept nowhere.
        time = expression_ns(statement.body.value, numpy, rates)
    else:
        time = statement_ns(statement.body, numpy, rates)
    return time * _HALF ** min(3, len({e.name for e in statement.predicates} - _never_asked(scop)))


def _never_asked(scop: Scop) -> frozenset[str]:
    """Return the predicates that say how far a loop runs, which its turns are counted by."""
    data = (each.data.predicate for each in scop.loops if each.data is not None)
    stays = (each.stays for each in scop.loops)
    return frozenset(name for name in (*data, *stays) if name is not None)


def _level(costs: _Costs, path: tuple[int, ...], values: Mapping[str, str]) -> str:
    """Return the time of one execution of what stands directly below the loops of `path`."""
    depth = len(path)
    own = 0.0
    inner: dict[int, None] = {}
    for each in costs.scop.statements:
        if each.loops[:depth] != path:
            continue
        if len(each.loops) == depth:
            own += costs.of[each.name]
        else:
            inner[each.loops[depth]] = None
    parts: list[str] = []
    for number in inner:
        at = (*path, number)
        if _is_row(costs.scop, at):
            parts.append(_row(costs.scop.loops[number], values))
            continue
        is_axis = costs.scop.loops[number].is_axis
        parts += _array_statements(costs, at, values) if is_axis else [_loop(costs, at, values)]
    if own or not parts:
        parts.append(f"{own:.0f}")
    return " + ".join(parts)


def _array_statements(
    costs: _Costs, path: tuple[int, ...], values: Mapping[str, str]
) -> Iterator[str]:
    """Yield what NumPy takes for whole-array statements beyond what one kernel takes."""
    depth = len(path)
    for statement in costs.scop.statements:
        if statement.loops[:depth] != path:
            continue
        calls = [each for each in walk_expression(statement.body.value) if isinstance(each, Call)]
        passes = max(1, len(calls))
        slow = sum(each.function in OWN_LOOPS for each in calls)
        each_ns = _PASS_NS_OF_100 * passes + _SLOW_NS_OF_100 * slow - _KERNEL_NS_OF_100
        loops = [costs.scop.loops[number] for number in statement.loops[depth - 1 :]]
        axes: list[str] = []
        known = dict(values)  # axes in blocks begin where these do
        for each in loops:
            start, stop = (python_text(bound, known) for bound in (each.start, each.stop))
            axes.append(_trips(each, start, stop))
            known[each.variable] = f"({start})"
        yield f"{_ARRAY_CALL_NS * passes} + {' * '.join(axes)} * {each_ns} // 100"


def _is_row(scop: Scop, path: tuple[int, ...]) -> bool:
    """Return whether a loop takes the steps of one of NumPy's functions of rows."""
    tests = frozenset(scop.predicates)
    return all(
        isinstance(target := each.body.target, Name)
        and (target.name.startswith(OF_ROW) or target.name in tests)
        for each in scop.statements
        if each.loops[: len(path)] == path
    )


def _row(loop: Loop, values: Mapping[str, str]) -> str:
    """Return what NumPy takes for a row."""
    start, stop = (python_text(each, values) for each in (loop.start, loop.stop))
    return f"{_ROW_CALL_NS} + {_trips(loop, start, stop)} * {_ROW_NS_OF_100} // 100"


def _loop(costs: _Costs, path: tuple[int, ...], values: Mapping[str, str]) -> str:
    loop = costs.scop.loops[path[-1]]
    turn = 0.0 if loop.is_fill or loop.is_inner_axis else costs.rates.turn
    start, stop = (python_text(each, values) for each in (loop.start, loop.stop))
    trips = _trips(loop, start, stop)
    degree = _degree(costs.scop, path)
    middle = f"({start} + {stop} - {loop.step}) / 2"
    if degree <= 1:
        body = _level(costs, path, {**values, loop.variable: f"({middle})"} if degree else values)
        return f"{trips} * ({turn:.0f} + {body})"
    apart = f"{loop.step} * (max(0, ({trips}) ** 2 - 1) / 12) ** 0.5"
    points = (f"({middle} {sign} {apart})" for sign in "-+")
    bodies = (_level(costs, path, {**values, loop.variable: point}) for point in points)
    return f"{trips} * ({turn:.0f} + ({' + '.join(bodies)}) / 2)"


def _trips(loop: Loop, start: str, stop: str) -> str:
    if loop.data is not None:
        return loop.data.trips
    if loop.leaves is not None:
        return str(TURNS)
    if abs(loop.step) == 1:
        extent = f"{stop} - ({start})" if loop.step > 0 else f"{start} - ({stop})"
        return f"max(0, {extent})"
    return f"max(0, -(({start} - ({stop})) // {loop.step}))"


def _degree(scop: Scop, path: tuple[int, ...]) -> int:
    """Return the degree of the polynomial in a loop's iterator that its body's time is."""
    variable = scop.loops[path[-1]].variable
    paths = {each.loops for each in scop.statements if each.loops[: len(path)] == path}
    return max(_degree_below(scop, each[len(path) :], frozenset({variable})) for each in paths)


def _degree_below(scop: Scop, path: tuple[int, ...], names: frozenset[str]) -> int:
    """Return how many of the loops of `path` run as often as `names` say."""
    if not path:
        return 0
    loop = scop.loops[path[0]]
    depends = any(_mentions(each, names) for each in (loop.start, loop.stop))
    more = names | {loop.variable} if depends else names
    return depends + _degree_below(scop, path[1:], more)


def _mentions(expression: Expression, names: frozenset[str]) -> bool:
    return any(isinstance(e, Name) and e.name in names for e in walk_expression(expression))


# ------------------------------------------------------------------- nests without a model


def nest_nanoseconds(nest: For, rates: Rates | None = None) -> str:
    """Return what `interpreter_nanoseconds` does, for a nest that has no model yet.

    A loop whose bounds the nest itself computes counts as one iteration, one that may be left
    as it does there.
    """
    rates = rates or current()
    bodies = [e for e in walk_statements((nest,)) if isinstance(e, Assign | Update)]
    changing = frozenset(each.target.name for each in bodies if isinstance(each.target, Name))
    known = _Nest(changing=changing, numpy=numpy_names(bodies), rates=rates)
    total = " + ".join(_nest_costs(nest, {}, known))
    return f"int({total})" if total else "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nest:
    """What is known of a nest while its text is written."""

    changing: frozenset[str]  # scalars that it assigns
    numpy: frozenset[str]
    rates: Rates


def _nest_costs(nest: For, middles: dict[str, str], known: _Nest) -> Iterator[str]:
    start, stop, step = (python_text(each, middles) for each in (nest.start, nest.stop, nest.step))
    is_known = not any(
        isinstance(node, Element) or (isinstance(node, Name) and node.name in known.changing)
        for limit in (nest.start, nest.stop, nest.step)
        for node in walk_expression(limit)
    )
    is_known = is_known and nest.leaves is None
    trips = f"len(range({start}, {stop}, {step}))" if is_known else "1"
    if nest.leaves is not None:
        trips = str(TURNS)
    inner = {**middles, nest.variable: f"(({start} + {stop}) // 2)" if is_known else "0"}
    parts = [part for each in nest.body for part in _block_costs(each, inner, known)]
    if parts:
        yield f"{trips} * ({known.rates.turn:.0f} + {' + '.join(parts)})"


def _block_costs(statement: LoopStatement, middles: dict[str, str], known: _Nest) -> Iterator[str]:
    match statement:
        case For():
            yield from _nest_costs(statement, middles, known)
        case If():
            for each in (*statement.body, *statement.orelse):
                yield from _block_costs(each, middles, known)
        case Assign() | Update():
            yield f"{statement_ns(statement, known.numpy, known.rates):.0f}"
        case Opaque() | Allocate() | Exchange():
            pass
