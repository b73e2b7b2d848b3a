"""Loops that may run at the same time, run like chunks of one iteration: source, loops, order -> outcome.

Before:  for i in range(n): p = a[i]; b[i] = p          after it, p is read
After:   in any order: fresh names as before the loop; p = a[i]; b[i] = p; the last iteration's p is kept

This is what kernels do with scalars: each chunk starts with the values from before the loop, and the chunk with
the last iteration leaves its own. Loop variables get their last values from the plan, so they are kept apart here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from autopar.analysis.model.plan import PrivateArray
from tests.adversary import ORDERS, UNBOUND
from tests.arguments import all_bytes, copy_arguments, is_same
from tests.oracle import Loop

Order = Callable[[int], list[int]]


Arrays = Mapping[Loop, Collection[PrivateArray]]
NO_ARRAYS: Arrays = MappingProxyType({})


def differing_order(
    source: str,
    arguments: Sequence[object],
    loops: Collection[Loop],
    variables: Collection[str],
    arrays: Arrays = NO_ARRAYS,
) -> str | None:
    """Return the name of the first order of the iterations of `loops` that changes the outcome, or None.

    `variables` are the loop variables of the program; others that it assigns are private to an iteration,
    and so are the arrays that `arrays` has for a loop.
    """
    expected = _run(ast.parse(source), arguments, {})
    for label, order in ORDERS.items():
        tree = ast.fix_missing_locations(
            _Chunks(frozenset(loops), variables, arrays).visit(ast.parse(source))
        )
        if _run(tree, arguments, {"__chunks__": _chunks_in(order, variables)}) != expected:
            return label
    return None


@dataclass(frozen=True, eq=False)
class _Outcome:
    memory: list[object]
    returned: object

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Outcome)
            and self.memory == other.memory
            and is_same(self.returned, other.returned)
        )

    __hash__ = None  # type: ignore[assignment] # holds arrays


def _run(tree: ast.Module, arguments: Sequence[object], hooks: Mapping[str, object]) -> _Outcome:
    space: dict[str, Any] = {"np": np, "__unbound__": UNBOUND, **hooks}
    exec(compile(tree, "<coincidence>", "exec"), space)
    copies = copy_arguments(arguments)
    with np.errstate(all="ignore"):
        returned = space["kernel"](*copies)
    return _Outcome(all_bytes(copies), returned)


class Chunks:
    """One execution of a loop in chunks of one iteration."""

    def __init__(self, values: Sequence[int], order: Order, before: Mapping[str, object]) -> None:
        self._values = values
        self._order = order(len(values))
        self._before = dict(before)
        self._kept: dict[str, object] | None = None
        self._variables: dict[str, tuple[int, object]] = {}

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter([(position, self._values[position]) for position in self._order])

    def fresh(self, name: str) -> object:
        """Return what a scalar holds when a chunk starts."""
        return self._before.get(name, UNBOUND)

    def own(self, name: str, position: int, starts_filled: bool) -> object:
        """Return the array that an iteration works on."""
        shared: Any = self._before[name]
        if position == len(self._values) - 1:
            return shared
        if starts_filled:
            return np.array(shared)
        return np.full(shared.shape, np.frombuffer(b"\xa5" * shared.itemsize, shared.dtype)[0])

    def leave(self, position: int, scope: Mapping[str, object], variables: Collection[str]) -> None:
        """Take what an iteration leaves in the names of `scope`."""
        if position == len(self._values) - 1:
            self._kept = dict(scope)
        for name in variables:
            if name in scope and position >= self._variables.get(name, (-1, None))[0]:
                self._variables[name] = (position, scope[name])

    def final(self, name: str, *, is_variable: bool) -> object:
        """Return what a name holds after the loop."""
        if is_variable:
            return self._variables.get(name, (0, self._before.get(name, UNBOUND)))[1]
        kept = self._before if self._kept is None else self._kept
        return kept.get(name, UNBOUND)


def _chunks_in(order: Order, variables: Collection[str]) -> Callable[..., Chunks]:
    return lambda values, scope: Chunks(list(values), order, scope)


class _Chunks(ast.NodeTransformer):
    def __init__(self, loops: frozenset[Loop], variables: Collection[str], arrays: Arrays) -> None:
        self._loops = loops
        self._variables = frozenset(variables)
        self._arrays = arrays

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        place = Loop(node.lineno, node.col_offset)
        assigned = {
            each.id
            for each in ast.walk(node)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        self.generic_visit(node)
        return self._chunked(node, sorted(assigned), place) if place in self._loops else node

    def _chunked(self, node: ast.For, names: list[str], place: Loop) -> list[ast.stmt]:
        chunks = f"__chunks_{place.line}_{place.column}__"
        inner = sorted(self._variables & set(names))
        # A loop variable starts unbound, so that an iteration leaves only what it gave it itself.
        fresh = {
            name: "__unbound__" if name in inner else f"{chunks}.fresh({name!r})" for name in names
        }
        final = {name: f"{chunks}.final({name!r}, is_variable={name in inner})" for name in names}
        text = "\n".join([
            f"{chunks} = __chunks__({ast.unparse(node.iter)}, locals())",
            f"for __position__, __value__ in {chunks}:",
            *(f"    {line}" for name in names for line in _set(name, fresh[name])),
            *(
                f"    {each.name} = {chunks}.own({each.name!r}, __position__, {each.starts_filled})"
                for each in self._arrays.get(place, ())
            ),
            f"    {ast.unparse(node.target)} = __value__",
            f"    __position_{place.line}_{place.column}__ = __position__",
            f"    {chunks}.leave(__position_{place.line}_{place.column}__, locals(), {inner!r})",
            *(line for name in names for line in _set(name, final[name])),
            *(f"{each.name} = {chunks}.fresh({each.name!r})" for each in self._arrays.get(place, ())),
        ])  # fmt: skip
        statements = ast.parse(text).body
        loop = next(each for each in statements if isinstance(each, ast.For))
        loop.body[-1:-1] = node.body
        return statements


def _set(name: str, value: str) -> list[str]:
    return [f"{name} = {value}", f"if {name} is __unbound__: del {name}"]
