"""The lowered program as text: stable, readable, what golden tests compare.

program heat of heat.py
arrays: u float64[:,:] read; v float64[:,:] written
parallel for i in range(1, n - 1):
    S0: v[i] = 0.5 * (u[i - 1] + u[i + 1])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autopar.analysis.model.chains import dotted
from autopar.analysis.model.loop_ir import Expression
from autopar.analysis.model.plan import PrivateArray
from autopar.analysis.model.typed import (
    Cast,
    Check,
    Computed,
    Index,
    Load,
    Number,
    Operation,
    ScalarVariable,
    SetVariable,
    Store,
    Subscript,
    Trace,
    TypedExpression,
    TypedStatement,
    Variable,
)

from .data_ranges import limits, range_text, step_text
from .integers import rename, simplify, text
from .kernel import (
    ArrayArgument,
    Branch,
    Decision,
    Instance,
    Loop,
    Node,
    Program,
    decided,
    targets,
)


def dump_program(program: Program) -> str:
    """Return `program` as text, one line for each loop, branch and statement."""
    lines = [f"program {program.name} of {program.file}"]
    lines += [f"array {_array(each)}" for each in program.arrays]
    lines += [f"integer {each.name} = {each.text}" for each in program.integers]
    lines += [f"variable {_variable(each)}" for each in program.variables]
    if program.results:
        lines.append(f"results {', '.join(program.results)}")
    lines += _nodes(program.body, "")
    return dotted("\n".join(lines) + "\n")


def _array(array: ArrayArgument) -> str:
    uses = [
        word for word, holds in (("read", array.is_read), ("written", array.is_written)) if holds
    ]
    new = ""
    if array.extents is not None:
        new = f", new of {', '.join(text(each, {}) for each in array.extents)}"
    return f"{array.name}: {array.type}, {' and '.join(uses) or 'untouched'}{new}"


def _variable(variable: ScalarVariable) -> str:
    live_in = f", live in as {variable.live_in_type}" if variable.is_live_in else ""
    return f"{variable.name}: {variable.type}{live_in}"


def _nodes(body: tuple[Node, ...], indent: str) -> Iterator[str]:
    for node in body:
        match node:
            case Loop():
                own = ", ".join(_private(each) for each in node.private_arrays)
                private = f"  # private {own}" if own else ""
                yield f"{indent}{header_text(node)}{private}"
                yield from _nodes(node.body, indent + "    ")
            case Branch():
                yield f"{indent}if {text(node.test, {})}:"
                yield from _nodes(node.body, indent + "    ")
            case Decision():
                word, first, other = decided(node)
                yield f"{indent}if {word}{node.predicate}:"
                yield from _nodes(first, indent + "    ")
                if other:
                    yield f"{indent}else:"
                    yield from _nodes(other, indent + "    ")
            case Instance():
                yield f"{indent}{node.name}: {statement_text(node)}"


def header_text(node: Loop) -> str:
    """Return the first line of a loop, with the word for what it carries."""
    word = "parallel for" if node.is_parallel else "for"
    if node.reductions:
        word = f"reduction {', '.join(targets(node))} for"
    lasting = [each.array for each in node.cells if each.is_last]
    if lasting:
        word = f"keeping {', '.join([*targets(node), *lasting])} for"
    if node.scans:
        word = f"scan {', '.join(each.target for each in node.scans)} for"
    if node.renamings:
        word = f"overwriting {', '.join(each.array for each in node.renamings)} for"
    bounds = range_text(*limits(node, {}), step_text(node, {}))
    return f"{word} {node.iterator} in range({bounds}):"


def statement_text(node: Instance) -> str:
    """Return what an instance does, over the iterators of the loops around it."""
    return _statement(node.statement, dict(node.iterators))


def _private(array: PrivateArray) -> str:
    return f"{array.name}, starts filled" if array.starts_filled else array.name


def _statement(statement: TypedStatement, iterators: Mapping[str, Expression]) -> str:
    match statement:
        case Store():
            place = f"{statement.array}[{_indices(statement.indices, iterators)}]"
            return f"{place} = {_bare(statement.value, iterators)}"
        case SetVariable():
            return f"{statement.name} = {_bare(statement.value, iterators)}"
        case Check():
            checked = (*statement.places, *statement.values)
            return f"check {', '.join(_bare(each, iterators) for each in checked)}"
        case Trace():
            read = () if statement.is_noting else statement.read
            traced = ", ".join(_bare(each, iterators) for each in (*statement.written, *read))
            return f"{'note' if statement.is_noting else 'compare'} {traced}"


def _bare(expression: TypedExpression, iterators: Mapping[str, Expression]) -> str:
    value = _value(expression, iterators)
    return value[1:-1] if value.startswith("(") else value


def _value(expression: TypedExpression, iterators: Mapping[str, Expression]) -> str:
    match expression:
        case Number():
            return repr(expression.value)
        case Variable():
            return expression.name
        case Index():
            return _indices((expression.expression,), iterators)
        case Load():
            return f"{expression.array}[{_indices(expression.indices, iterators)}]"
        case Cast():
            return f"{expression.type.dtype}({_value(expression.operand, iterators)})"
        case Operation():
            operands = [_value(each, iterators) for each in expression.operands]
            if expression.name == "if":
                return f"({operands[1]} if {operands[0]} else {operands[2]})"
            if expression.name.replace(".", "").isidentifier() and expression.name not in WORDS:
                return f"{expression.name}({', '.join(operands)})"
            if len(operands) == 1:
                return f"({expression.name} {operands[0]})"
            return f"({f' {expression.name} '.join(operands)})"


# Operators that are spelled like names.
WORDS = ("and", "or", "not")


def _indices(indices: tuple[Subscript, ...], iterators: Mapping[str, Expression]) -> str:
    return ", ".join(_index(each, iterators) for each in indices)


def _index(index: Subscript, iterators: Mapping[str, Expression]) -> str:
    if isinstance(index, Computed):
        return f"{'checked' if index.hazards else 'wrapped'} {_bare(index.value, iterators)}"
    return text(simplify(rename(index, iterators), index.span), {})
