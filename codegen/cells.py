"""Elements of arrays that a loop only accumulates into: a histogram, a sum kept in `s[0]`.

Before:  for i: h[k[i]] = h[k[i]] + 1      the model says: + into h
After:   Cells(h, +, int64, largest 1)

The typed statements must still show the shape that the model saw, and nothing else in the loop
may touch the array: each thread adds into a copy of it. An element that is the same in all
iterations is a scalar of the region instead (`with_scalars`), so that sums of floats have the
canonical order there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model.dependence import Reduction
from autopar.analysis.model.loop_ir import Compare, Name, walk_expression
from autopar.analysis.model.typed import (
    Computed,
    Load,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    places_of,
    walk_computed,
)
from autopar.analysis.model.types import ScalarType
from autopar.analysis.model.unused import unused

from .integers import rename
from .kernel import (
    Branch,
    Cells,
    Decision,
    Instance,
    Loop,
    Node,
    Program,
    Reduced,
    names_of,
    walk_nodes,
)
from .reduced import bound_of, is_accumulating, may_need_order, reduction_of
from .selected import bare

# What one iteration may add without a closer look at the data.
_LARGEST = 2**16
_EXACT = frozenset({"+", "-", "&", "|", "^", "min", "max"})


def find_cells(
    loop: Loop, reduction: Reduction, accumulating: frozenset[str] = frozenset()
) -> Cells | None:
    """Return how the body of a loop accumulates into the elements of an array; None if not only.

    `accumulating` are the statements that do so into this array or another one.
    """
    instances = [node for node in walk_nodes(loop.body) if isinstance(node, Instance)]
    private = frozenset(each.name for each in loop.private_arrays)
    own = [each for each in instances if each.name in reduction.statements]
    others = [each for each in instances if each.name not in reduction.statements]
    if any(_touches(each.statement, reduction.target) for each in others) or not own:
        return None
    updates = [_update(each.statement, reduction.target) for each in own]
    known = [each for each in updates if each is not None]
    if len(known) < len(updates):
        return None
    operators = {"+" if each.name == "-" else each.name for each in known}
    dtypes = {each.type.dtype for each in known}
    if len(operators) != 1 or len(dtypes) != 1:
        return None
    is_flat = not any(isinstance(node, Loop) for node in walk_nodes(loop.body))
    found = Cells(
        array=reduction.target,
        operator=operators.pop(),
        type=known[0].type,
        statements=reduction.statements,
        largest=_largest(known) if is_flat else None,
        can_repeat=not _overwrites(instances, accumulating, private),
    )
    return None if may_need_order_after(found) and not found.can_repeat else found


def may_need_order_after(cells: Cells) -> bool:
    """Return whether only a run tells that some element may have wrapped on the way."""
    return cells.may_wrap and cells.largest is None


def _overwrites(
    instances: list[Instance], accumulating: frozenset[str], private: frozenset[str]
) -> bool:
    """Return whether some of `instances` store what one of them reads.

    What accumulates goes into copies; what it adds is read like anything else.
    """
    stored = {
        each.statement.array
        for each in instances
        if isinstance(each.statement, Store) and each.name not in accumulating
    }
    return any(
        isinstance(place, Load) and place.array in stored - private
        for each in instances
        for place in places_of(each.statement)
    )


def without_lost(program: Program) -> Program:
    """Return `program` without copies in loops that may have to run again, and cannot.

    What they overwrite may be what they read under another name.
    """
    if not program.overlapping:
        return program
    return replace(program, body=tuple(_without_lost(each, program) for each in program.body))


def _without_lost(node: Node, program: Program) -> Node:
    match node:
        case Loop():
            body = tuple(_without_lost(each, program) for each in node.body)
            stored = {
                each.statement.array
                for each in walk_nodes(node.body)
                if isinstance(each, Instance) and isinstance(each.statement, Store)
            }
            others = stored - {each.array for each in node.cells}
            is_lost = any(map(may_need_order_after, node.cells)) and others & program.overlapping
            if is_lost:
                return replace(node, body=body, reductions=(), cells=())
            return replace(node, body=body)
        case Branch():
            body = tuple(_without_lost(each, program) for each in node.body)
            return replace(node, body=body)
        case Decision():
            arms = (
                tuple(_without_lost(each, program) for each in arm)
                for arm in (node.body, node.orelse)
            )
            body, orelse = arms
            return replace(node, body=body, orelse=orelse)
        case Instance():
            return node


def _largest(updates: list[Operation]) -> int | None:
    """Return a bound of what one iteration adds, if that is small."""
    found = bound_of(tuple(each.operands[1] for each in updates))
    return found if found is not None and found <= _LARGEST else None


def is_exact(cells: Cells) -> bool:
    """Return whether copies that are combined hold what the interpreter leaves, if none wraps."""
    if cells.is_last:
        return True
    return cells.operator in _EXACT and cells.type.dtype[0] in "biu"


def _update(statement: TypedStatement, array: str) -> Operation | None:
    """Return the operation of an update, the element itself as its first operand."""
    if not isinstance(statement, Store) or statement.array != array:
        return None
    value = statement.value
    if not isinstance(value, Operation) or len(value.operands) != 2:
        return None
    inside = [number for number, each in enumerate(value.operands) if _reads(each, array)]
    if len(inside) != 1 or not is_accumulating(value, inside[0]):
        return None
    element, other = value.operands[inside[0]], value.operands[1 - inside[0]]
    is_own = isinstance(element, Load) and bare(element.indices) == bare(statement.indices)
    if not is_own or element.type.dtype != value.type.dtype or _reads_in(statement, array):
        return None
    if inside[0] and value.name in {"min", "max"} and value.type.dtype[0] not in "biu":
        return None
    return replace(value, operands=(element, other))


def _touches(statement: TypedStatement, array: str) -> bool:
    return any(each.array == array for each in places_of(statement))


def _reads(expression: TypedExpression, array: str) -> bool:
    match expression:
        case Load():
            below = any(
                isinstance(each, Load) and each.array == array
                for each in walk_computed(expression.indices)
            )
            return expression.array == array or below
        case Operation():
            return any(_reads(each, array) for each in expression.operands)
        case _:
            operand = getattr(expression, "operand", None)
            return operand is not None and _reads(operand, array)


def _reads_in(store: Store, array: str) -> bool:
    """Return whether the subscripts of a store read the array."""
    return any(
        isinstance(each, Load) and each.array == array for each in walk_computed(store.indices)
    )


# ----------------------------------------------------------------------- elements as scalars


def with_scalars(program: Program) -> Program:
    """Return `program` with a scalar for each element that a whole loop accumulates into.

    Before:  for i: s[0] = s[0] + a[i]
    After:   if 0 < n: s_cell = s[0]; for i: s_cell = s_cell + a[i]; s[0] = s_cell
    """
    taken = set(names_of(program))
    variables: list[ScalarVariable] = []

    def nodes(body: tuple[Node, ...]) -> Iterator[Node]:
        for node in body:
            match node:
                case Loop() if node.is_parallel:
                    yield replace(node, cells=())
                case Loop() if node.cells and (found := _replaced(node, taken)) is not None:
                    variables.extend(found[1])
                    yield found[0]
                case Loop() if node.cells:
                    inner = tuple(nodes(node.body))
                    yield replace(node, body=inner, reductions=(), cells=())
                case Loop() | Branch() if not (isinstance(node, Loop) and node.is_shared):
                    yield replace(node, body=tuple(nodes(node.body)))
                case _:
                    yield node

    body = tuple(nodes(program.body))
    return replace(program, body=body, variables=(*program.variables, *variables))


def _replaced(loop: Loop, taken: set[str]) -> tuple[Node, list[ScalarVariable]] | None:
    """Return a loop that accumulates into elements with scalars for those that are fixed.

    None where parts of it cannot be combined.
    """
    iterators = {loop.iterator} | {
        node.iterator for node in walk_nodes(loop.body) if isinstance(node, Loop)
    }
    found = {
        each: None if each.is_last else _store_of(loop, each, iterators) for each in loop.cells
    }
    left = tuple(each for each, store in found.items() if store is None)
    if not all(map(is_exact, left)):
        return None
    variables: list[ScalarVariable] = []
    before: list[Node] = []
    after: list[Node] = []
    names: dict[str, str] = {}
    reductions = list(loop.reductions)
    for cells, node in found.items():
        if node is None:
            continue
        assert isinstance(node.statement, Store)  # found so
        name = unused(f"{cells.array}_cell", taken)
        taken.add(name)
        names[cells.array] = name
        kind = _kind_of(node.statement)
        variables.append(ScalarVariable(name=name, type=kind, is_live_in=False, live_in_type=None))
        before.append(_loaded(node, node.statement, name))
        after.append(_stored(node, node.statement, name))
    body = tuple(_with_names(node, names) for node in loop.body)
    for cells, node in found.items():
        reduced = None if node is None else _as_scalar(body, cells, names[cells.array])
        if node is not None and reduced is None:
            return None
        reductions += [] if reduced is None else [replace(reduced, element_of=cells.array)]
    if left and any(each.is_rounded for each in reductions):
        return None  # its order would depend on whether there is room for copies
    shared = replace(loop, body=body, reductions=tuple(reductions), cells=left)
    if not before:
        return shared, []
    test = Compare(operator="<", left=loop.lower, right=loop.upper, span=loop.span)
    return Branch(test=test, body=(*before, shared, *after), span=loop.span), variables


def _as_scalar(body: tuple[Node, ...], cells: Cells, name: str) -> Reduced | None:
    reduction = Reduction(
        operator=cells.operator,  # type: ignore[arg-type]  # one of the model's
        target=name,
        statements=cells.statements,
    )
    found = reduction_of(body, reduction)
    return None if found is None or (may_need_order(found) and not found.can_repeat) else found


def _store_of(loop: Loop, cells: Cells, iterators: set[str]) -> Instance | None:
    """Return the statement whose element is the same in all iterations, and all others' too."""
    own = [
        node
        for node in walk_nodes(loop.body)
        if isinstance(node, Instance) and node.name in cells.statements
    ]
    places = []
    for node in own:
        assert isinstance(node.statement, Store)  # found so
        if any(isinstance(each, Computed) for each in node.statement.indices):
            return None
        values = dict(node.iterators)
        places.append(tuple(rename(each, values) for each in node.statement.indices))  # type: ignore[arg-type]
    names = {
        leaf.name
        for place in places
        for index in place
        for leaf in walk_expression(index)
        if isinstance(leaf, Name)
    }
    is_fixed = not names & iterators and len({bare(each) for each in places}) == 1
    return own[0] if is_fixed else None


def _kind_of(store: Store) -> ScalarType:
    """Return the type of the element that an update reads: a list has Python's numbers too."""
    update = _update(store, store.array)
    assert update is not None  # found so
    return update.operands[0].type


def _loaded(node: Instance, store: Store, name: str) -> Instance:
    kind = _kind_of(store)
    value = Load(array=store.array, indices=store.indices, type=kind, span=store.span)
    statement = SetVariable(name=name, value=value, span=store.span)
    return replace(node, name=f"{node.name}_before", statement=statement)


def _stored(node: Instance, store: Store, name: str) -> Instance:
    value = Variable(name=name, type=_kind_of(store), span=store.span)
    return replace(node, name=f"{node.name}_after", statement=replace(store, value=value))


def _with_names(node: Node, names: Mapping[str, str]) -> Node:
    match node:
        case Instance(statement=Store() as store) if store.array in names:
            update = _update(store, store.array)
            assert update is not None  # found so
            name = names[store.array]
            element = Variable(name=name, type=update.operands[0].type, span=store.span)
            assert isinstance(store.value, Operation)
            operands = tuple(
                element if _reads(each, store.array) else each for each in store.value.operands
            )
            value = replace(store.value, operands=operands)
            return replace(node, statement=SetVariable(name=name, value=value, span=store.span))
        case Loop():
            return _loop_with_names(node, names)
        case Branch():
            return replace(node, body=tuple(_with_names(each, names) for each in node.body))
        case Instance():
            return node
        case _:
            return replace(
                node,
                body=tuple(_with_names(each, names) for each in node.body),
                orelse=tuple(_with_names(each, names) for each in node.orelse),
            )


def _loop_with_names(loop: Loop, names: Mapping[str, str]) -> Loop:
    """Return a loop inside one whose elements are scalars: it accumulates into them itself."""
    body = tuple(_with_names(each, names) for each in loop.body)
    found = [each for each in loop.cells if each.array in names]
    reduced = [(_as_scalar(body, each, names[each.array]), each.array) for each in found]
    own = tuple(replace(each, element_of=array) for each, array in reduced if each is not None)
    if len(own) < len(found) or (loop.cells and len(found) < len(loop.cells)):
        return replace(loop, body=body, reductions=(), cells=())  # in order
    return replace(loop, body=body, reductions=(*loop.reductions, *own), cells=())
