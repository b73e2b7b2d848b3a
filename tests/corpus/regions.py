"""A loop of a notebook as a function of the names that it uses, and values to call it with."""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import io
import itertools
import random
import signal
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

_SIZE = 24
_MOST_DRAWS = 300
_CAPTURES = 2
_STATEMENT_SECONDS = 15
_LOOPS = (ast.For, ast.While)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The outermost loop around a loop, as the body of a function `region` of its names."""

    tree: ast.Module  # of the whole notebook
    outermost: ast.For | ast.While  # there
    body: str  # of the function, indented
    names: tuple[str, ...]  # that it mentions
    line: int  # of the loop itself, in `source_of`
    column: int

    def source_of(self, names: tuple[str, ...]) -> str:
        """Return the loop as a function of those of its names that have a value before it."""
        return f"def region({', '.join(names)}):\n{self.body}"


def region_at(text: str, line: int, column: int) -> Region | None:
    """Return the loop at a place of a notebook's text as a function, None where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    path = _path_to(tree, line, column)
    inside = itertools.takewhile(lambda node: not isinstance(node, _SCOPES), reversed(path))
    loops = [node for node in inside if isinstance(node, _LOOPS)]
    if not loops:
        return None
    used, assigned = _names(loops[-1])
    lines = "\n".join(f"    {each}" for each in ast.unparse(loops[-1]).split("\n"))
    left = f"    return [__left__.get(name) for name in {assigned!r}]\n"
    body = f"{lines}\n    __left__ = locals()\n{left}"
    twin = _twin(loops[0], loops[-1], f"def region():\n{body}")
    return Region(
        tree=tree,
        outermost=loops[-1],
        body=body,
        names=tuple(used),
        line=twin.lineno,
        column=twin.col_offset,
    )


def _twin(loop: ast.For | ast.While, outermost: ast.AST, source: str) -> ast.For | ast.While:
    """Return the loop inside `outermost` as it stands in the function of `source`."""
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    for one, two in zip(ast.walk(outermost), ast.walk(function.body[0]), strict=True):
        if one is loop:
            assert isinstance(two, _LOOPS)
            return two
    raise LookupError("the loop is inside the outermost one")


def _path_to(node: ast.AST, line: int, column: int) -> list[ast.AST]:
    """Return the nodes from `node` down to the loop at a place, none where there is none."""
    if isinstance(node, _LOOPS) and (node.lineno, node.col_offset) == (line, column):
        return [node]
    for child in ast.iter_child_nodes(node):
        if found := _path_to(child, line, column):
            return [node, *found]
    return []


def _names(loop: ast.AST) -> tuple[list[str], list[str]]:
    """Return the names that a loop mentions, and those among them that it assigns."""
    inner = {
        argument.arg
        for node in ast.walk(loop)
        if isinstance(node, ast.Lambda)
        for argument in ast.walk(node.args)
        if isinstance(argument, ast.arg)
    }
    every = [node for node in ast.walk(loop) if isinstance(node, ast.Name)]
    assigned = {node.id for node in every if not isinstance(node.ctx, ast.Load)}
    return sorted({node.id for node in every} - (set(dir(builtins)) - assigned) - inner), sorted(
        assigned
    )


# ------------------------------------------------------------------- the notebook's own values


@dataclass(slots=True, kw_only=True)
class Executed:
    """What came of executing a notebook up to a loop."""

    reached: list[dict[str, Any]] = field(default_factory=list)  # the loop's names each time
    scope: dict[str, Any] = field(default_factory=dict)


class _EnoughError(BaseException):
    """The loop was reached often enough."""


def executed(region: Region) -> Executed:
    """Execute the notebook of `region`, each statement for itself, and keep what reaches the loop."""
    found = Executed()

    def capture(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        found.reached.append(copied({**outer, **inner}, region.names))
        if len(found.reached) == _CAPTURES:
            raise _EnoughError

    found.scope.update(__name__="__main__", __capture__=capture)
    _WithCapture(region.outermost).visit(region.tree)
    ast.fix_missing_locations(region.tree)
    try:
        for statement in region.tree.body:
            with quietly(), contextlib.suppress(Exception, SystemExit):
                module = ast.Module(body=[statement], type_ignores=[])
                exec(compile(module, "<notebook>", "exec"), found.scope)
    except _EnoughError:
        pass
    return found


def copied(scope: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of `names` that are there, mutable ones as copies that keep what is shared."""
    memo: dict[int, Any] = {}
    values = {}
    for name in names:
        if name in scope:
            try:
                values[name] = copy.deepcopy(scope[name], memo)
            except Exception:  # noqa: BLE001  # modules, files and the like are passed as they are
                values[name] = scope[name]
    return values


class _WithCapture(ast.NodeTransformer):
    """Put a call of `__capture__` before one loop."""

    def __init__(self, loop: ast.AST) -> None:
        self._loop = loop

    def visit(self, node: ast.AST) -> Any:
        if node is self._loop:
            return [*ast.parse("__capture__(globals(), locals())").body, node]
        return self.generic_visit(node)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Let nothing be printed or warned of, and end what takes too long with a TimeoutError."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, end)
    signal.alarm(_STATEMENT_SECONDS)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.alarm(0)


# --------------------------------------------------------------------------------- drawn values


def drawn(region: Region, scope: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield values for the names of a loop, by how it uses them; what the notebook knows is kept.

    Numbers are small whole ones, also where they are floats, so that sums do not depend on order.
    """
    ranks = _ranks(region.outermost)
    generator = random.Random(len(region.body))
    for known in (scope, {name: value for name, value in scope.items() if callable(value)}):
        kept = copied({**known, **_modules(scope)}, region.names)
        choices = {name: _choices(name, ranks) for name in region.names if name not in kept}
        for turn in range(_MOST_DRAWS // 2 if choices else 1):
            given = {
                name: each[0] if turn == 0 else generator.choice([each[0], *each])
                for name, each in choices.items()
            }
            given = {name: value for name, value in given.items() if value is not None}
            yield copied({**kept, **given}, region.names)


def _modules(scope: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scope.items() if isinstance(value, ModuleType)}


def _choices(name: str, ranks: Mapping[str, int]) -> list[Any]:
    """Return what a name may stand for, the likeliest first; None: it has no value."""
    parts = {each.partition(".")[2]: rank for each, rank in ranks.items() if _is_part(each, name)}
    if set(parts) & set(dir(list)) - set(dir(np.ndarray)):
        return [[]]
    parts = {part: rank for part, rank in parts.items() if part not in dir(np.ndarray)}
    if parts:
        return [
            SimpleNamespace(**{part: _of_rank(rank)[kind] for part, rank in parts.items()})
            for kind in range(2)
        ]
    return _of_rank(ranks.get(name, 0))


def _is_part(chain: str, name: str) -> bool:
    return chain.startswith(f"{name}.")


def _of_rank(rank: int) -> list[Any]:
    if rank == 0:
        return [_SIZE - 2, 2.0, None]
    whole = np.random.default_rng(rank).integers(0, _SIZE - 2, (_SIZE,) * rank)
    return [whole.astype(float), whole, whole.tolist()]


def _ranks(loop: ast.AST) -> dict[str, int]:
    """Return how many subscripts the names and attributes of a loop take; one where it runs over them."""
    ranks: dict[str, int] = {}
    for node in ast.walk(loop):
        base, count = node, 0
        while isinstance(base, ast.Subscript):
            count += len(base.slice.elts) if isinstance(base.slice, ast.Tuple) else 1
            base = base.value
        ranks[ast.unparse(base)] = max(count, ranks.get(ast.unparse(base), 0))
        iterated = [node.iter] if isinstance(node, ast.For) else []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"len", "enumerate", "zip"}:
            iterated += node.args
        for each in map(ast.unparse, iterated):
            ranks[each] = max(1, ranks.get(each, 0))
    return ranks
