"""Loops over a row whose steps only NumPy's own loop takes in the interpreter's order.

Before:  for k in range(0, m): t = <numpy.sum.next>(t, a[i, k])
After:   t = row_add_float64(t, m - 0, address(a, (i, 0)), a.strides[1])

NumPy adds floats pairwise, eight sums at a time, and compares them in lanes: `add.reduce` is one
call of the ufunc's inner loop over the whole row, whose operands are told where they lie and by
how many bytes they are apart. So does this. What is no such loop any more, nothing prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.loop_ir import (
    Binary,
    Constant,
    Expression,
    Name,
    walk_expression,
    wrapped_value,
)
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.row_functions import ORDERED_STEPS, PRODUCTS, row_of
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    Computed,
    Load,
    Operation,
    SetVariable,
    TypedStatement,
    Variable,
    walk_statement,
)
from autopar.analysis.model.types import ArrayType

from .expressions import Names, print_integer
from .integers import NOWHERE, difference, rename
from .kernel import Instance, Loop, Program, walk_nodes
from .numpy_loops import ROW, TOLD_ROW
from .reasons import TargetLacksFeature

_UFUNCS: Mapping[str, str] = MappingProxyType(
    {
        "numpy.sum": "add", "numpy.prod": "multiply", "numpy.max": "maximum",
        "numpy.min": "minimum", **dict.fromkeys(sorted(PRODUCTS), "vecdot"),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a loop over a row computes, and of which elements."""

    name: str  # the scalar that holds the value
    operation: Operation
    loads: tuple[Load, ...]
    steps: tuple[tuple[int, ...], ...]  # for each of `loads`, by how much its subscripts move
    instance: Instance


def row_of_loop(loop: Loop) -> Row | None:
    """Return what `loop` computes if all that it does is a step of NumPy's; None otherwise."""
    if loop.step != 1 or loop.is_shared or loop.within is not None or loop.stays is not None:
        return None
    match loop.body:
        case (Instance(statement=SetVariable(name=name, value=Operation() as operation)) as at,):
            pass
        case _:
            return None
    match operation.operands:
        case (Variable(name=held), *others) if held == name:
            loads = tuple(each for each in others if isinstance(each, Load))
        case _:
            return None
    if operation.name not in ORDERED_STEPS or len(loads) != len(operation.operands) - 1:
        return None
    steps = tuple(_steps(each, at, loop) for each in loads)
    known = tuple(each for each in steps if each is not None)
    if len(known) < len(steps) or not all(map(any, known)):
        return None
    return Row(name=name, operation=operation, loads=loads, steps=known, instance=at)


def _steps(load: Load, instance: Instance, loop: Loop) -> tuple[int, ...] | None:
    """Return by how much each subscript moves from one turn to the next; None if not evenly."""
    found: list[int] = []
    for index in load.indices:
        if isinstance(index, Computed) or wrapped_value(index) is not None:
            return None
        here = rename(index, dict(instance.iterators))
        names = {each.name for each in walk_expression(here) if isinstance(each, Name)}
        same: dict[str, Expression] = {name: Name(name=name, span=NOWHERE) for name in names}
        turn = Name(name=loop.iterator, span=NOWHERE)
        one = Constant(value=1, span=NOWHERE)
        following = Binary(operator="+", left=turn, right=one, span=NOWHERE)
        step = difference(rename(here, {**same, turn.name: following}), rename(here, same))
        if step is None:
            return None
        found.append(step)
    return tuple(found)


def unfit_rows(program: Program, target: str, span: Span) -> Refusal | None:
    """Return why a step of NumPy's own loop cannot be taken in what `program` has become."""
    arrays = {each.name: each.type for each in program.arrays}
    fit = {
        id(row.instance)
        for loop in walk_nodes(program.body)
        if isinstance(loop, Loop)
        and (row := row_of_loop(loop)) is not None
        and target == "cpu"
        and all(_is_plain(arrays[each.array], row) for each in row.loads)
    }
    for node in walk_nodes(program.body):
        if isinstance(node, Instance) and has_steps(node.statement) and id(node) not in fit:
            feature = "sum over a row in NumPy's own order"
            return Refusal(reasons=(TargetLacksFeature(span=span, target=target, feature=feature),))
    return None


def has_steps(statement: TypedStatement) -> bool:
    """Return whether a statement takes a step that only NumPy's own loop takes."""
    return any(
        isinstance(node, Operation) and node.name in ORDERED_STEPS
        for node in walk_statement(statement)
    )


def _is_plain(kind: ArrayType, row: Row) -> bool:
    """Return whether NumPy takes elements as they lie; it copies rows for BLAS that run back."""
    if row_of(row.operation.name) not in PRODUCTS:
        return kind.is_aligned
    is_forward = all(step >= 0 for steps in row.steps for step in steps)
    return kind.is_aligned and kind.layout in ("C", "F") and is_forward


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPrinter:
    """Prints calls of NumPy's own loops over rows."""

    names: Mapping[str, str]
    # (instance, spelling of names, prefix of temporaries) -> how its names are spelled
    names_of: Callable[[Instance, Mapping[str, str], str], Names]
    tells_warnings: bool

    def lines(self, row: Row, loop: Loop, lower: str, upper: str) -> tuple[list[str], set[str]]:
        """Return the lines that compute the value of a row, and the helpers that they call."""
        operation = row.operation
        ufunc = _UFUNCS[row_of(operation.name)]
        suffix = f"{ufunc}_{operation.type.dtype}"
        value, helpers = self.names[row.name], {f"{ROW}{suffix}"}
        first = f"{self.names[loop.iterator]}_row_start"
        names = self.names_of(row.instance, {**self.names, loop.iterator: first}, "")
        places: list[str] = []
        elements: list[str] = []
        for load, steps in zip(row.loads, row.steps, strict=True):
            array = self.names[load.array]
            indices = [print_integer(each, names) for each in load.indices]  # type: ignore[arg-type]  # none is computed
            bytes_apart = [
                f"{array}.strides[{axis}]" if step == 1 else f"{step} * {array}.strides[{axis}]"
                for axis, step in enumerate(steps)
                if step
            ]
            elements.append(f"{array}[{', '.join(indices)}]")
            places += [f"address({array}, ({', '.join(indices)},))", " + ".join(bytes_apart)]
        given = f"{value}, {upper} - {first}, {', '.join(places)}"
        told = []
        if self.tells_warnings and operation.hazards:
            helpers.add(f"{TOLD_ROW}{suffix}")
            told = [f"status |= {TOLD_ROW}{suffix}({given})"]
        line = f"{value} = {ROW}{suffix}({given})  # line {row.instance.span.line}"
        alone = []
        if row_of(operation.name) == "numpy.dot":  # of one element it is the product: -0.0 stays
            product = " * ".join(elements)
            alone = [f"if {upper} - {first} == 1:", f"    {value} = {product}"]
        return [f"{first} = {lower}", *told, line, *alone], helpers
