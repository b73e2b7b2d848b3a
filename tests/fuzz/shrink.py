"""A smaller trial that shows the same kind of difference: greedy deletion of what it does not need."""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.trial import Call, Trial

IsFailing = Callable[[Trial], bool]


def shrink(trial: Trial, is_failing: IsFailing, timeout_s: float = 60.0) -> Trial:
    """Return a trial that still fails and of which no single part can be left out, time permitting."""
    deadline = time.monotonic() + timeout_s
    found = True
    while found and time.monotonic() < deadline:
        found = False
        for candidate in candidates(trial):
            if time.monotonic() > deadline:
                break
            if is_failing(candidate):
                trial, found = candidate, True
                break
    return trial


def candidates(trial: Trial) -> Iterator[Trial]:
    """Return every trial that is simpler by one step, the largest steps first."""
    if len(trial.calls) > 1:
        for call in trial.calls:
            yield replace(trial, calls=(call,))
    for source in smaller_sources(trial.source):
        yield replace(trial, source=source)
    for position, call in enumerate(trial.calls):
        for smaller in _smaller_calls(call):
            calls = (*trial.calls[:position], smaller, *trial.calls[position + 1 :])
            yield replace(trial, calls=calls)


def _smaller_calls(call: Call) -> Iterator[Call]:
    """Return the call with one oddity less; the first line for each name stays."""
    if call.errors != "warn":
        yield replace(call, errors="warn")
    for position in range(len(call.names), len(call.setup)):
        yield replace(call, setup=(*call.setup[:position], *call.setup[position + 1 :]))


def smaller_sources(source: str) -> Iterator[str]:
    """Return every source with a statement, a loop, a branch or an operand less."""
    tree = ast.parse(source)
    for position, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            smaller = copy.deepcopy(tree)
            change(list(ast.walk(smaller))[position])
            try:
                text = ast.unparse(ast.fix_missing_locations(smaller)) + "\n"
                compile(text, "<smaller>", "exec")
            except (SyntaxError, ValueError):
                continue
            if text != source:
                yield text


Change = Callable[[ast.AST], None]


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Module):
        return  # the function itself stays
    for block in ("body", "orelse"):
        statements = getattr(node, block, None)
        if isinstance(statements, list):
            for position, statement in enumerate(statements):
                yield _replacing(block, position, [])
                if inner := _without_header(statement):
                    yield _replacing(block, position, inner)
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.BinOp):
            yield _setting(name, value.left)
            yield _setting(name, value.right)
        if isinstance(value, ast.Call) and len(value.args) == 1 and _called(value) == "abs":
            yield _setting(name, value.args[0])


def _replacing(block: str, position: int, new: list[ast.stmt]) -> Change:
    def change(node: ast.AST) -> None:
        statements = getattr(node, block)
        statements[position : position + 1] = new
        if not statements and block == "body":
            statements.append(ast.Pass())

    return change


def _setting(name: str, new: ast.expr) -> Change:
    return lambda node: setattr(node, name, new)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _without_header(statement: ast.stmt) -> list[ast.stmt]:
    """Return what is left of a loop run once, or of an `if` whose test holds."""
    match statement:
        case ast.For(target=target, iter=ast.Call(args=[_, _, *_] as arguments), body=body):
            return [ast.Assign([target], arguments[0]), *body]
        case ast.For(target=target, body=body):
            return [ast.Assign([target], ast.Constant(0)), *body]
        case ast.If(body=body):
            return body
        case _:
            return []
