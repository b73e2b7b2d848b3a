"""Every noun as stable text: what golden tests compare and `--stage` prints."""

from __future__ import annotations

from collections.abc import Iterator

from .chains import dotted
from .dependence import Dependence
from .loop_ir import (
    Allocate,
    Assign,
    Break,
    Each,
    Exchange,
    Expression,
    For,
    Function,
    If,
    Opaque,
    Statement,
    Update,
    While,
)
from .plan import LoopPlan, Plan, RegionPlan, SplitRegion, StretchRegion
from .scop import Scop
from .text import python_text

LOOP_IR, SCOP, DEPENDENCES, PLAN = "loop-ir", "scop", "dependences", "plan"


def stage_of(noun: object) -> str | None:
    """Return the stage that makes such a noun; None for one that has no text."""
    match noun:
        case Function():
            return LOOP_IR
        case Scop():
            return SCOP
        case Plan():
            return PLAN
    return None


def dump_noun(noun: object) -> str:
    """Return the text of a loop IR, a SCoP or a plan."""
    match noun:
        case Function():
            return dump_function(noun)
        case Scop():
            return dump_scop(noun)
        case Plan():
            return dump_dependences(noun) + dump_plan(noun)
    raise TypeError(f"{type(noun).__name__} has no text")


def _joined(lines: Iterator[str]) -> str:
    return dotted("".join(f"{line}\n" for line in lines))


# ------------------------------------------------------------------------------- loop IR


def dump_function(function: Function) -> str:
    """Return a function in the loop IR, a line for each statement, with its source line."""
    head = f"function {function.name}({', '.join(function.parameters)})"
    return _joined(iter([head, *_block(function.body, "  ")]))


def _block(body: tuple[Statement, ...], indent: str) -> Iterator[str]:
    for statement in body:
        yield from _statement(statement, indent)


def _statement(statement: Statement, indent: str) -> Iterator[str]:
    where = f"  # line {statement.span.line}"
    match statement:
        case Assign():
            value = python_text(statement.value)
            yield f"{indent}{python_text(statement.target)} = {value}{where}"
        case Update():
            value = python_text(statement.value)
            yield f"{indent}{python_text(statement.target)} {statement.operator}= {value}{where}"
        case Allocate():
            yield f"{indent}{_allocation(statement)}{where}"
        case If():
            yield f"{indent}if {python_text(statement.test)}{where}"
            yield from _block(statement.body, indent + "  ")
            if not statement.body:
                yield f"{indent}  pass"
            if statement.orelse:
                yield f"{indent}else"
                yield from _block(statement.orelse, indent + "  ")
        case For():
            bounds = (statement.start, statement.stop, statement.step)
            shown = ", ".join(python_text(each) for each in bounds)
            yield f"{indent}for {statement.variable} in range({shown}){where}"
            yield from _block(statement.body, indent + "  ")
        case Each():
            yield f"{indent}{statement.header}{where}"
            yield from _block(statement.body, indent + "  ")
        case While():
            yield f"{indent}while {python_text(statement.test)}{where}"
            yield from _block(statement.body, indent + "  ")
        case Exchange():
            targets, values = (", ".join(each) for each in (statement.targets, statement.values))
            yield f"{indent}exchange {targets} = {values}{where}"
        case Break():
            yield f"{indent}break{where}"
        case Opaque():
            yield f"{indent}opaque {statement.reason.code} {statement.header}{where}"
            yield from _block(statement.body, indent + "  ")


def _allocation(statement: Allocate) -> str:
    shape = ", ".join(map(python_text, statement.shape)) or f"as {statement.like}"
    dtype = statement.dtype or f"dtype of {statement.like}"
    fill = "no values" if statement.fill is None else f"all {python_text(statement.fill)}"
    return f"{statement.name} = new array [{shape}], {dtype}, {fill}"


# ---------------------------------------------------------------------------------- SCoP


def dump_scop(scop: Scop) -> str:
    """Return a SCoP: parameters, context, and for each statement domain, order and accesses."""
    return _joined(_scop_lines(scop))


def _scop_lines(scop: Scop) -> Iterator[str]:
    parameters = [
        each.name if each.name == each.text else f"{each.name} is {each.text}"
        for each in scop.parameters
    ]
    yield f"region of lines {scop.span.line}-{scop.span.end_line}"
    yield f"parameters: {', '.join(parameters) or 'none'}"
    yield f"context: {scop.context}"
    if scop.live_in:
        yield f"live in: {', '.join(scop.live_in)}"
    if scop.live_out:
        yield f"live out: {', '.join(scop.live_out)}"
    if scop.maybe_assigned:
        yield f"may not be assigned: {', '.join(scop.maybe_assigned)}"
    for statement in scop.statements:
        yield f"{statement.name}: {_assignment(statement.body)}"
        yield f"  domain: {statement.domain}"
        yield f"  position: {list(statement.position)}"
        for access in statement.accesses:
            yield f"  {access.kind.replace('_', ' ')}: {access.relation}"


def _assignment(body: Assign | Update) -> str:
    operator = "=" if isinstance(body, Assign) else f"{body.operator}="
    target: Expression = body.target
    return f"{python_text(target)} {operator} {python_text(body.value)}"


# -------------------------------------------------------------------- dependences and plan


def dump_dependences(plan: Plan) -> str:
    """Return the dependences that block a loop, region by region."""
    lines = [
        f"{_loop_text(region, loop)}: {_dependence(each)}"
        for region in plan.regions
        for loop in region.loops
        for each in loop.dependences
    ]
    return _joined(iter(lines))


def _loop_text(region: RegionPlan, loop: LoopPlan) -> str:
    shape = region.scop.loops[loop.loop]
    return f"line {shape.span.line} {shape.variable}"


def _dependence(dependence: Dependence) -> str:
    distance = "" if dependence.distance is None else f", distance {list(dependence.distance)}"
    direction = ", ".join(dependence.direction)
    return (
        f"{dependence.kind} on {dependence.array} {dependence.relation}, "
        f"direction ({direction}){distance}"
    )


def dump_plan(plan: Plan) -> str:
    """Return the verdicts of a function, what is checked at a call, and what has no model."""
    return _joined(_plan_lines(plan))


def _plan_lines(plan: Plan) -> Iterator[str]:
    for region in plan.regions:
        yield f"region of lines {region.scop.span.line}-{region.scop.span.end_line}"
        for loop in region.loops:
            if not region.scop.loops[loop.loop].runs_once:
                yield f"  {_loop_text(region, loop)}: {_verdict(loop)}"
        for first, second in region.disjoint:
            yield f"  assumes: autopar.overlap({first}, {second}) is False"
        for condition in region.in_bounds:
            yield f"  in bounds: {condition.words}"
        for name, value in region.last_values or ():
            yield f"  last value: {name} = {value}"
    for other in plan.unsupported:
        codes = ", ".join(dict.fromkeys(reason.code for reason in other.reasons))
        yield f"unsupported, line {other.span.line}: {other.header} ({codes})"
    for split in plan.splits:
        yield from _split_lines(split)
    for each in plan.stretches:
        yield from _stretch_lines(each)
    for drawn in plan.drawn:
        places = ", ".join(f"{'.'.join(each.path)}" for each in drawn.draws.draws)
        yield f"drawn first, line {drawn.span.line}: {places}"
        for loop in drawn.region.loops:
            yield f"  {_loop_text(drawn.region, loop)}: {_verdict(loop)}"
    for nest in plan.waiting:
        functions, asked = ", ".join(nest.functions), ", ".join(nest.arguments)
        yield f"waiting for {functions}, line {nest.span.line}: takes {asked}"
    for later in plan.deferred:
        names = ", ".join(later.names)
        yield f"deferred, line {later.span.line}: {later.nest.header}, by the values of {names}"


def _split_lines(split: SplitRegion) -> Iterator[str]:
    parts = (
        f"line {each.places[0].line} ({', '.join(each.names) or 'a call'})" for each in split.parts
    )
    yield f"split, line {split.span.line}: {', '.join(parts)} ahead"
    for loop in split.region.loops:
        yield f"  {_loop_text(split.region, loop)}: {_verdict(loop)}"
    if split.tame is None:
        yield "  the rest may do anything"
        return
    for word, names in (
        ("calls", split.tame.calls), ("stores into", split.tame.stores),
        ("plain", split.tame.plain), ("arrays", split.tame.arrays),
    ):  # fmt: skip
        if names:
            yield f"  the rest: {word} {', '.join(sorted(names))}"


def _stretch_lines(stretch: StretchRegion) -> Iterator[str]:
    stops = ", ".join(str(each.line) for each in stretch.stops)
    yield f"in stretches, line {stretch.span.line}: the interpreter goes on at line {stops}"
    for loop in stretch.region.loops:
        if not stretch.region.scop.loops[loop.loop].runs_once:
            yield f"  {_loop_text(stretch.region, loop)}: {_verdict(loop)}"


def _verdict(loop: LoopPlan) -> str:
    parts: list[str] = [loop.verdict]
    if loop.condition_text is not None:
        parts.append(f"when {loop.condition_text}")
    if loop.private:
        parts.append(f"private {', '.join(loop.private)}")
    parts += [f"reduces {each.operator} into {each.target}" for each in loop.reductions]
    if loop.kept:
        parts.append(f"last value of {', '.join(each.target for each in loop.kept)}")
    if loop.kept_arrays:
        names = ", ".join(each.name for each in loop.kept_arrays)
        otherwise = "else " if loop.verdict == "conditional" else ""
        parts.append(f"{otherwise}last elements of {names}")
    if loop.reason is not None and loop.verdict == "sequential":
        parts.append(loop.reason.code)
    return ", ".join(parts)
