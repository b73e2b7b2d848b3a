"""Recognise scans: accumulation whose values on the way are used.

Before:  p[i] = p[i - 1] + a[i]            s += a[i]; p[i] = s
After:   "+" of p                          "+" of s
Before:  if a[i] > 0: out[k] = a[i]; k += 1
After:   "+" of k, which selects a new element of out in each iteration that stores one

Blelloch, Prefix Sums and Their Applications, 1990. Only the operators of reductions count; a
recurrence such as `p[i] = 0.5 * p[i - 1] + a[i]` is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.dependence import Dependence, Reduction, ReductionOperator, Scan
from ..model.indirect import indirect_value
from ..model.loop_ir import Assign, Element, Expression, Name, walk_expression
from ..model.scop import Access, Scop, Statement
from .counters import step_of
from .dependences import Conflict, accesses_to
from .substitution import rebuilt
from .updates import accumulating_operator

_ASSOCIATIVE = frozenset({"+", "*", "min", "max", "&", "|", "^", "and", "or"})


def scan_operator(scop: Scop, first: Dependence) -> ReductionOperator | None:
    """Return the operator by which the source of a carried dependence accumulates, or None."""
    statement = scop.statement(first.source)
    if scop.array(first.array).rank == 0:
        return accumulating_operator(statement.body)
    is_own = first.kind == "flow" and first.source == first.sink and first.distance is not None
    return _operator_of_element(statement, first.array) if is_own else None


def _operator_of_element(statement: Statement, array: str) -> ReductionOperator | None:
    """Return the operator of `p[i] = p[i - 1] + e`: one other element is accumulated into."""
    body = statement.body
    if not isinstance(body, Assign):
        return None
    target = body.target
    earlier = [
        node
        for node in walk_expression(body.value)
        if isinstance(node, Element) and node.array == array
    ]
    if len(earlier) != 1 or not isinstance(target, Element):
        return None

    def visit(node: Expression) -> Expression:
        return target if node is earlier[0] else rebuilt(node, visit)

    return accumulating_operator(Assign(target=target, value=visit(body.value), span=body.span))


def find_scans(
    scop: Scop,
    loop: int,
    blocking: tuple[Conflict, ...],
    found: tuple[tuple[Dependence, ...], tuple[Reduction, ...]],
) -> tuple[Scan, ...]:
    """Return the scans that are all that `loop` carries; () where it carries more.

    `blocking` is what makes it sequential, `found` the same as dependences and the reductions
    beside them, which are scans of which only the last value is used.
    """
    carried, reductions = found
    names = tuple(dict.fromkeys(each.array for each in blocking))
    scalars = [each for each in names if scop.array(each).rank == 0]
    scans = [_of_scalar(scop, each, loop) for each in scalars]
    scans += [
        Scan(operator=each.operator, target=each.target, statements=each.statements)
        if scop.array(each.target).rank == 0
        else None
        for each in reductions
    ]
    places: set[str] = set()
    for name in (each for each in names if scop.array(each).rank > 0):
        place = _place_of(scop, name, loop, scalars)
        if place is None:
            own = tuple(each for each in carried if each.array == name)
            scans.append(_of_element(scop, name, loop, own))
        else:
            places.add(place)
    known = [each for each in scans if each is not None and each.operator in _ASSOCIATIVE]
    if len(known) < len(scans) or not places <= {each.target for each in known}:
        return ()
    return tuple(
        Scan(
            operator=each.operator,
            target=each.target,
            statements=each.statements,
            is_place=each.target in places,
        )
        for each in known
    )


def _of_scalar(scop: Scop, name: str, loop: int) -> Scan | None:
    """Return how the iterations accumulate into a scalar; None where they do more to it."""
    writers = _writers(scop, name, loop)
    operators = {accumulating_operator(each.body) for each in writers}
    (operator, *others) = operators
    if operator is None or others:
        return None
    names = tuple(each.name for each in writers)
    return Scan(operator=operator, target=name, statements=names)


def _of_element(scop: Scop, name: str, loop: int, carried: tuple[Dependence, ...]) -> Scan | None:
    """Return how each iteration accumulates into what the one before stored in an array."""
    writer = next_writer(scop, name, loop, carried)
    operator = None if writer is None else _operator_of_element(writer, name)
    if writer is None or operator is None:
        return None
    return Scan(operator=operator, target=name, statements=(writer.name,))


def next_writer(
    scop: Scop, name: str, loop: int, carried: tuple[Dependence, ...]
) -> Statement | None:
    """Return what stores in an array, in each iteration, where just the next one reads that."""
    array, depth = scop.array(name), scop.loops[loop].depth
    writers = _writers(scop, name, loop)
    if array.is_base or len(writers) != 1 or writers[0].loops[-1] != loop:
        return None
    (writer,) = writers
    before = (*(0 for _ in range(depth)), 1)
    is_next = all(
        each.kind == "flow" and each.source == each.sink == writer.name and each.distance == before
        for each in carried
    )
    # What is stored under a condition is not what the next iteration finds.
    return writer if carried and is_next and always_runs(scop, writer, loop) else None


def always_runs(scop: Scop, statement: Statement, loop: int) -> bool:
    """Return whether a statement runs once in each iteration of the loop that it stands in."""
    iterations = scop.loops[loop].iterations
    is_there = statement.loops[-1] == loop and not statement.predicates
    return is_there and iterations.is_subset(statement.domain.outer(scop.loops[loop].depth + 1))


def _place_of(scop: Scop, array: str, loop: int, scalars: list[str]) -> str | None:
    """Return the scalar that selects a new element of `array` whenever one is stored; or None.

    It grows in each iteration that stores something, always before the stores or always after.
    """
    inside = scop.statements_in(loop)
    if scop.array(array).is_base or any(accesses_to(each, array, "read") for each in inside):
        return None
    stores = [(each, one) for each in inside for one in accesses_to(each, array, "write")]
    for scalar in scalars:
        if not all(any(_is_selected(one, scalar, axis) for axis in range(len(one.indices)))
                   for _, one in stores):  # fmt: skip
            continue
        axes = [
            {axis for axis in range(len(one.indices)) if _is_selected(one, scalar, axis)}
            for _, one in stores
        ]
        if set.intersection(*axes) and _grows(scop, scalar, loop, [each for each, _ in stores]):
            return scalar
    return None


def _is_selected(access: Access, scalar: str, axis: int) -> bool:
    value = indirect_value(access.indices[axis])
    return isinstance(value, Name) and value.name == scalar


def _grows(scop: Scop, scalar: str, loop: int, stores: list[Statement]) -> bool:
    """Return whether `scalar` never falls, and grows in each iteration that runs a store."""
    writers = _writers(scop, scalar, loop)
    steps = [step_of(each.body) for each in writers]
    if any(step is None or step < 1 for step in steps):
        return False
    return any(
        all(any(_goes_with(scop, grown, store, (loop, order)) for grown in writers)
            for store in stores)
        for order in (1, -1)
    )  # fmt: skip


def _goes_with(scop: Scop, grown: Statement, store: Statement, where: tuple[int, int]) -> bool:
    """Return whether `grown` runs in each iteration that runs `store`, after it (1), or before."""
    loop, order = where
    level = scop.loops[loop].depth + 1
    if grown.loops[-1] != loop or not set(grown.predicates) <= set(store.predicates):
        return False
    is_there = (grown.position[level] - store.position[level]) * order > 0
    return is_there and store.domain.outer(level).is_subset(grown.domain.outer(level))


def _writers(scop: Scop, name: str, loop: int) -> list[Statement]:
    return list(_each_writer(scop, name, loop))


def _each_writer(scop: Scop, name: str, loop: int) -> Iterator[Statement]:
    for statement in scop.statements_in(loop):
        if accesses_to(statement, name, "write"):
            yield statement
