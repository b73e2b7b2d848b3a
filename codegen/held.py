"""Array elements held in a scalar while an innermost loop accumulates into them.

Before:  for k in range(0, m): c[i, j] = c[i, j] + a[i, k] * b[k, j]
After:   if 0 < m:
             c_held = c[i, j]
             for k in range(0, m): c_held = c_held + a[i, k] * b[k, j]
             c[i, j] = c_held

A compiler must store the element in each iteration, since for all it knows `a` and `b` may
overlap `c`. Here arrays of different names are known not to, unless the program says so, and
inside a parallel loop nobody else touches the element. (Scalar replacement: Callahan, Carr,
Kennedy, Improving register allocation for subscripted variables, PLDI 1990, section 3.)
"""

from __future__ import annotations

from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Compare, Name, walk_expression, wrapped_value
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Cast,
    Computed,
    Load,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    Subscript,
    TypedExpression,
    TypedStatement,
    Variable,
    places_of,
)
from autopar.analysis.model.unused import unused

from .integers import rename, text
from .kernel import Branch, Decision, Instance, Loop, Node, Program, names_of


def with_held(program: Program) -> Program:
    """Return `program` with elements held that an innermost loop of a kernel updates."""
    holder = _Holder(taken=set(names_of(program)), overlapping=program.overlapping)
    body = holder.nodes(program.body, is_in_kernel=False)
    if not holder.variables:
        return program
    return replace(
        program,
        body=body,
        variables=(*program.variables, *holder.variables),
        local=program.local | {each.name for each in holder.variables},
    )


@dataclass(slots=True)
class _Holder:
    """Rewrites nodes, and remembers the scalars it made."""

    taken: set[str]
    overlapping: frozenset[str]
    variables: list[ScalarVariable] = field(default_factory=list)
    # Arrays that a loop around accumulates into by partial values: it looks for their stores.
    accumulated: frozenset[str] = frozenset()

    def nodes(self, nodes: tuple[Node, ...], *, is_in_kernel: bool) -> tuple[Node, ...]:
        return tuple(self._node(each, is_in_kernel=is_in_kernel) for each in nodes)

    def _node(self, node: Node, *, is_in_kernel: bool) -> Node:
        match node:
            case Instance():
                return node
            case Loop():
                kept = self.overlapping | self.accumulated
                elements = _elements(node, kept) if is_in_kernel else {}
                if elements:
                    return self._held(node, elements)
                is_in_kernel = is_in_kernel or node.is_shared
                around = self.accumulated
                self.accumulated |= {each.array for each in node.cells}
                body = self.nodes(node.body, is_in_kernel=is_in_kernel)
                self.accumulated = around
                return replace(node, body=body)
            case Branch():
                return replace(node, body=self.nodes(node.body, is_in_kernel=is_in_kernel))
            case Decision():
                body = self.nodes(node.body, is_in_kernel=is_in_kernel)
                orelse = self.nodes(node.orelse, is_in_kernel=is_in_kernel)
                return replace(node, body=body, orelse=orelse)

    def _held(self, loop: Loop, elements: dict[str, tuple[Instance, Load]]) -> Branch:
        """Return what stands for `loop`, with one element of each array held."""
        before, body, after = [], loop.body, []
        for array, (instance, load) in elements.items():
            name = self._name(array)
            self.variables.append(
                ScalarVariable(name=name, type=load.type, is_live_in=False, live_in_type=None)
            )
            variable = Variable(name=name, type=load.type, span=load.span)
            first = SetVariable(name=name, value=load, span=load.span)
            last = Store(array=array, indices=load.indices, value=variable, span=load.span)
            before.append(replace(instance, name=f"{instance.name}_0", statement=first))
            body = tuple(_with(each, array, variable) for each in body)
            after.append(replace(instance, name=f"{instance.name}_1", statement=last))
        return Branch(
            test=Compare(operator="<", left=loop.lower, right=loop.upper, span=loop.span),
            body=(*before, replace(loop, body=body, cells=()), *after),
            span=loop.span,
        )

    def _name(self, array: str) -> str:
        name = unused(f"{array}_held", self.taken)
        self.taken.add(name)
        return name


def _elements(loop: Loop, kept: frozenset[str]) -> dict[str, tuple[Instance, Load]]:
    """Return the arrays of which `loop` reads and writes one element, and where it reads it.

    Every statement runs in every iteration, so the element is there if there is an iteration.
    Arrays in `kept` are left as they are.
    """
    instances = [each for each in loop.body if isinstance(each, Instance)]
    if len(instances) < len(loop.body) or not _takes_its_range(loop):
        return {}
    places = [(each, place) for each in instances for place in places_of(each.statement)]
    stored = dict.fromkeys(place.array for _, place in places if isinstance(place, Store))
    found: dict[str, tuple[Instance, Load]] = {}
    for array in stored:
        mine = [(instance, place) for instance, place in places if place.array == array]
        cells = {_cell(instance, place.indices, loop) for instance, place in mine}
        loads = [(instance, place) for instance, place in mine if isinstance(place, Load)]
        if array in kept:
            continue
        if len(cells) == 1 and None not in cells and loads:
            found[array] = loads[0]
    return found


def _takes_its_range(loop: Loop) -> bool:
    """Return whether a loop inside a kernel runs in order, from its first to its last bound."""
    is_in_order = not loop.is_parallel and not loop.reductions
    return is_in_order and loop.within is None and loop.stays is None and not loop.is_endless


def _cell(instance: Instance, indices: tuple[Subscript, ...], loop: Loop) -> tuple[str, ...] | None:
    """Return the subscripts over iterators and parameters; None where they move, or may wrap."""
    values = dict(instance.iterators)
    found = []
    for index in indices:
        if isinstance(index, Computed) or wrapped_value(index) is not None:
            return None
        here = rename(index, values)
        if any(isinstance(n, Name) and n.name == loop.iterator for n in walk_expression(here)):
            return None
        found.append(text(here, {}))
    return tuple(found)


def _with(node: Node, array: str, variable: Variable) -> Node:
    """Return a statement that has `variable` for the element of `array`."""
    assert isinstance(node, Instance)  # `_elements` looked
    return replace(node, statement=_statement(node.statement, array, variable))


def _statement(statement: TypedStatement, array: str, variable: Variable) -> TypedStatement:
    assert isinstance(statement, Store | SetVariable)  # checks and traces store nothing
    value = _expression(statement.value, array, variable)
    if isinstance(statement, SetVariable):
        return replace(statement, value=value)
    if statement.array == array:
        return SetVariable(name=variable.name, value=value, span=statement.span)
    return replace(statement, value=value, indices=_indices(statement.indices, array, variable))


def _indices(
    indices: tuple[Subscript, ...], array: str, variable: Variable
) -> tuple[Subscript, ...]:
    return tuple(
        replace(each, value=_expression(each.value, array, variable))
        if isinstance(each, Computed)
        else each
        for each in indices
    )


def _expression(value: TypedExpression, array: str, variable: Variable) -> TypedExpression:
    match value:
        case Load():
            if value.array == array:
                return replace(variable, span=value.span)
            return replace(value, indices=_indices(value.indices, array, variable))
        case Cast():
            return replace(value, operand=_expression(value.operand, array, variable))
        case Operation():
            operands = tuple(_expression(each, array, variable) for each in value.operands)
            return replace(value, operands=operands)
        case _:
            return value
