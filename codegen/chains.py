"""Parallel loops whose iterations wait for sums of their own, several of them at once.

Before:  parallel for i: w = b[i]; for k: w = w - a[i, k] * x[k]; y[i] = w
After:   w_0 = b[i]; w_1 = b[i + 1]; ...; for k: w_0 = w_0 - a[i, k] * x[k]; w_1 = ...; ...

A sum of floats waits two to four cycles for each of its terms, a processor could do four of them
in a cycle. What belongs to an iteration alone gets a scalar for each that is under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Load,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    places_of,
)
from autopar.analysis.model.unused import unused

from .accumulations import depends_on, is_in_order, is_of_floats
from .elements import cell_of, moves
from .integers import rename, simplify
from .kernel import Instance, Loop, Node, Program, names_of

# Sums under way at once.
SUMS = 8
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What is known of such a loop."""

    count: int  # of iterations that go together
    scalars: frozenset[str]  # that belong to an iteration


def chain_of(loop: Loop, program: Program) -> Chain | None:
    """Return how iterations of a parallel loop may go together; None where that gains nothing."""
    inner = [each for each in loop.body if isinstance(each, Loop)]
    others = [each for each in loop.body if isinstance(each, Instance)]
    if len(inner) != 1 or len(inner) + len(others) < len(loop.body):
        return None
    (terms,) = inner
    if not is_in_order(terms) or depends_on(terms, loop.iterator) or not is_of_floats(terms.body):
        return None
    instances = [each for each in terms.body if isinstance(each, Instance)]
    count = SUMS // len(instances)
    if count < _FEWEST or not all(_waits(each, terms) for each in instances):
        return None
    statements = [each.statement for each in (*instances, *others)]
    if any(not isinstance(each, Store | SetVariable) for each in statements):
        return None
    scalars = frozenset(each.name for each in statements if isinstance(each, SetVariable))
    if not scalars <= program.local:
        return None
    columns = frozenset(each.name for each in program.arrays if each.type.layout == "F")
    if not any(_reads_along(each, terms, columns) for each in instances):
        return None
    if any(cell_of(each, place) is None for each in others for place in places_of(each.statement)):
        return None
    return Chain(count=count, scalars=scalars)


def _waits(instance: Instance, terms: Loop) -> bool:
    """Return whether a statement goes on from what it left in the iteration before."""
    match instance.statement:
        case SetVariable(name=name, value=value):
            return any(isinstance(each, Variable) and each.name == name for each in _parts(value))
        case Store() as store:
            cell = cell_of(instance, store)
            return (
                cell is not None
                and not moves(cell, terms)
                and any(
                    each.array == store.array and cell_of(instance, each) == cell
                    for each in places_of(store)
                    if isinstance(each, Load)
                )
            )
        case _:
            return False


def _parts(value: TypedExpression) -> tuple[TypedExpression, ...]:
    match value:
        case Operation():
            return (value, *(part for each in value.operands for part in _parts(each)))
        case Cast():
            return (value, *_parts(value.operand))
        case _:
            return (value,)


def _reads_along(instance: Instance, terms: Loop, columns: frozenset[str]) -> bool:
    """Return whether a statement reads neighbours, one after the other, and nothing far apart.

    `columns` are the arrays whose first axis lies side by side.
    """
    loads = [each for each in places_of(instance.statement) if isinstance(each, Load)]
    cells = [(each.array, cell_of(instance, each)) for each in loads]
    far = [None if c is None else c[1:] if array in columns else c[:-1] for array, c in cells]
    return any(cell is not None and moves(cell, terms) for _, cell in cells) and not any(
        cell is None or moves(cell, terms) for cell in far
    )


class Copies:
    """Copies of statements for iterations that go together, and the scalars made for them."""

    def __init__(self, program: Program) -> None:
        self.variables: list[ScalarVariable] = []
        self._program = program
        self._taken = set(names_of(program))

    def interleaved(
        self,
        nodes: tuple[Node, ...],
        copies: Sequence[dict[str, Expression]],
        scalars: frozenset[str],
    ) -> tuple[Node, ...]:
        """Return `nodes` for several iterations, statement by statement."""
        names = [self._named(scalars, number) for number in range(len(copies))]
        return self._nodes(nodes, copies, names)

    def _nodes(
        self,
        nodes: tuple[Node, ...],
        copies: Sequence[dict[str, Expression]],
        names: list[dict[str, str]],
    ) -> tuple[Node, ...]:
        found: list[Node] = []
        for node in nodes:
            if isinstance(node, Loop):
                body = self._nodes(node.body, copies, names)
                found.append(replace(node, body=body, cells=(), reductions=()))
            else:
                assert isinstance(node, Instance)  # `chain_of` looked
                found += [
                    _copy(node, values, own, number)
                    for number, (values, own) in enumerate(zip(copies, names, strict=True))
                ]
        return tuple(found)

    def _named(self, scalars: frozenset[str], number: int) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in sorted(scalars):
            found[name] = unused(f"{name}_{number}", self._taken)
            self._taken.add(found[name])
            own = replace(self._program.variable(name), name=found[name], is_live_in=False)
            self.variables.append(own)
        return found


def _copy(
    instance: Instance, values: dict[str, Expression], names: dict[str, str], number: int
) -> Instance:
    iterators = tuple(
        (name, simplify(rename(value, values), instance.span)) for name, value in instance.iterators
    )
    return replace(
        instance,
        name=f"{instance.name}_{number}",
        iterators=iterators,
        statement=_renamed(instance.statement, names),
    )


def _renamed(statement: TypedStatement, names: dict[str, str]) -> TypedStatement:
    assert isinstance(statement, Store | SetVariable)  # `chain_of` looked
    value = _expression(statement.value, names)
    if isinstance(statement, SetVariable):
        return replace(statement, name=names.get(statement.name, statement.name), value=value)
    return replace(statement, value=value)


def _expression(value: TypedExpression, names: dict[str, str]) -> TypedExpression:
    match value:
        case Variable(name=name):
            return replace(value, name=names.get(name, name))
        case Cast():
            return replace(value, operand=_expression(value.operand, names))
        case Operation():
            operands = tuple(_expression(each, names) for each in value.operands)
            return replace(value, operands=operands)
        case _:
            return value
