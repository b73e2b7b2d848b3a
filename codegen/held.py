"""Array elements held in a scalar while an innermost loop accumulates into them.

Before:  for k in range(0, m): c[i, j] = c[i, j] + a[i, k] * b[k, j]
After:   if 0 < m:
             c_held = c[i, j]
             for k in range(0, m): c_held = c_held + a[i, k] * b[k, j]
             c[i, j] = c_held

A compiler must store the element in each iteration, since for all it knows `a` and `b` may
overlap `c`. Here arrays of different names are known not to, unless the program says so, and so
are elements whose subscripts always differ (`a[i, k]` for `k < j` is not `a[i, j]`); inside a
parallel loop nobody else touches the element. (Scalar replacement: Callahan, Carr,
Kennedy, Improving register allocation for subscripted variables, PLDI 1990, section 3.)
"""

from __future__ import annotations

from dataclasses import field, replace

from autopar.analysis.model.loop_ir import Compare
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Load,
    ScalarVariable,
    SetVariable,
    Store,
    Variable,
    places_of,
)
from autopar.analysis.model.unused import unused

from .elements import cell_of, differ, key_of, moves, with_scalars_for
from .kernel import Branch, Decision, Instance, Loop, Node, Program, names_of, walk_nodes


def with_held(program: Program) -> Program:
    """Return `program` with elements held that an innermost loop of a kernel updates."""
    is_shared = any(isinstance(each, Loop) and each.is_shared for each in walk_nodes(program.body))
    holder = _Holder(
        taken=set(names_of(program)), overlapping=program.overlapping, is_shared=is_shared
    )
    body = holder.nodes(program.body, ())
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
    is_shared: bool  # some loop is; then the host may run what stands outside of all of these
    variables: list[ScalarVariable] = field(default_factory=list)
    # Arrays that a loop around accumulates into by partial values: it looks for their stores.
    accumulated: frozenset[str] = frozenset()

    def nodes(self, nodes: tuple[Node, ...], around: tuple[Loop, ...]) -> tuple[Node, ...]:
        return tuple(self._node(each, around) for each in nodes)

    def _node(self, node: Node, around: tuple[Loop, ...]) -> Node:
        match node:
            case Instance():
                return node
            case Loop():
                kept = self.overlapping | self.accumulated
                is_in_kernel = any(each.is_shared for each in around) or (
                    not self.is_shared and bool(around)
                )
                elements = _elements(node, kept, around) if is_in_kernel else {}
                if elements:
                    return self._held(node, elements)
                before = self.accumulated
                self.accumulated |= {each.array for each in node.cells}
                body = self.nodes(node.body, (*around, node))
                self.accumulated = before
                return replace(node, body=body)
            case Branch():
                return replace(node, body=self.nodes(node.body, around))
            case Decision():
                body, orelse = self.nodes(node.body, around), self.nodes(node.orelse, around)
                return replace(node, body=body, orelse=orelse)

    def _held(self, loop: Loop, elements: dict[str, tuple[Instance, Load]]) -> Branch:
        """Return what stands for `loop`, with one element of each array held."""
        before, after = [], []
        values: dict[str, Variable] = {}
        for array, (instance, load) in elements.items():
            name = self._name(array)
            self.variables.append(
                ScalarVariable(name=name, type=load.type, is_live_in=False, live_in_type=None)
            )
            variable = Variable(name=name, type=load.type, span=load.span)
            first = SetVariable(name=name, value=load, span=load.span)
            last = Store(array=array, indices=load.indices, value=variable, span=load.span)
            before.append(replace(instance, name=f"{instance.name}_0", statement=first))
            cell = cell_of(instance, load)
            assert cell is not None  # `_elements` looked
            values[key_of(array, cell)] = variable
            after.append(replace(instance, name=f"{instance.name}_1", statement=last))
        body = tuple(
            with_scalars_for(each, values) for each in loop.body if isinstance(each, Instance)
        )
        return Branch(
            test=Compare(operator="<", left=loop.lower, right=loop.upper, span=loop.span),
            body=(*before, replace(loop, body=body, cells=()), *after),
            span=loop.span,
        )

    def _name(self, array: str) -> str:
        name = unused(f"{array}_held", self.taken)
        self.taken.add(name)
        return name


def _elements(
    loop: Loop, kept: frozenset[str], around: tuple[Loop, ...]
) -> dict[str, tuple[Instance, Load]]:
    """Return the arrays of which `loop` updates one element, and where it reads it.

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
        if array not in kept:
            updated = _updated(mine, (*around, loop))
            if updated is not None:
                found[array] = updated
    return found


def _updated(
    places: list[tuple[Instance, Load | Store]], around: tuple[Loop, ...]
) -> tuple[Instance, Load] | None:
    """Return where the one element is read that is stored; None where there may be another one.

    Other elements may be read that are surely never the one.
    """
    *_, loop = around
    cells = [(instance, place, cell_of(instance, place)) for instance, place in places]
    stored = {
        None if cell is None else key_of(place.array, cell)
        for _, place, cell in cells
        if isinstance(place, Store)
    }
    if len(stored) > 1 or None in stored:
        return None
    target = next(cell for _, place, cell in cells if isinstance(place, Store))
    if target is None or moves(target, loop):
        return None
    loads = [
        (instance, place)
        for instance, place, cell in cells
        if isinstance(place, Load) and cell is not None and key_of(place.array, cell) in stored
    ]
    others = [
        cell for _, place, cell in cells if cell is None or key_of(place.array, cell) not in stored
    ]
    if not loads or not all(differ(target, each, around) for each in others):
        return None
    return loads[0]


def _takes_its_range(loop: Loop) -> bool:
    """Return whether a loop inside a kernel runs in order, from its first to its last bound."""
    is_in_order = not loop.is_parallel and not loop.reductions
    is_in_order = is_in_order and loop.lanes is None and loop.passes is None
    return is_in_order and loop.within is None and loop.stays is None and not loop.is_endless
