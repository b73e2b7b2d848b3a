"""The adversarial executor: a loop claimed parallel, run in hostile orders, must leave the same memory.

Before:  for i in range(n): t = b[i]; a[i] = t
After:   for p, i in turns: fresh t; t = b[i]; a[i] = t; keep (p, t)      turns = the iterations in another order

Plain Python, one iteration at a time, so that an order dependence shows on any machine: a race needs no luck.
"""

from __future__ import annotations

import ast
import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tests.arguments import Array, all_bytes, copy_arguments, is_same
from tests.instrument import find_function, target_names

Order = Callable[[int], list[int]]


def _shuffled(seed: int) -> Order:
    return lambda count: random.Random(seed).sample(range(count), count)


ORDERS: Mapping[str, Order] = MappingProxyType(
    {
        "reversed": lambda count: list(range(count))[::-1],
        "interleaved": lambda count: [*range(1, count, 2), *range(0, count, 2)],
        "shuffled 0": _shuffled(0),
        "shuffled 1": _shuffled(1),
        "shuffled 2": _shuffled(2),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A loop said to be parallel, by the position of its `for`, once the names in `private` are private."""

    line: int
    column: int
    private: tuple[str, ...] = ()


def first_difference(
    source: str, arguments: Sequence[object], claim: Claim, *, name: str | None = None
) -> str | None:
    """Return the name of the first order that gives another result than the loop's own, or None.

    Compared are all bytes of all argument arrays, the return value and the exception's type. Where the
    program itself raises the answer is None: no claim covers a run that fails.
    """
    sequential = run_in_order(source, arguments, claim, range_order, name)
    if sequential.error is not None:
        return None
    for label, order in ORDERS.items():
        if run_in_order(source, arguments, claim, order, name) != sequential:
            return label
    return None


def range_order(count: int) -> list[int]:
    """Return the order of the loop itself."""
    return list(range(count))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What one run left; equal to another where nobody can tell the two apart."""

    arguments: list[Any]
    memory: list[object]
    returned: object
    error: type[BaseException] | None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Outcome)
            and self.error is other.error
            and self.memory == other.memory
            and is_same(self.returned, other.returned)
        )

    __hash__ = None  # type: ignore[assignment] # holds arrays


def run_in_order(
    source: str, arguments: Sequence[object], claim: Claim, order: Order, name: str | None
) -> Outcome:
    """Run the undecorated function, its claimed loop in `order`; the loop's own order runs it untouched."""
    tree = ast.parse(source)
    function = find_function(tree, name)
    function.decorator_list = []
    if order is not range_order:
        _Reorder(claim).apply(function)
    hooks = {"__turns__": _turns_in(order), "__unbound__": UNBOUND}
    namespace: dict[str, Any] = {"np": np, "numpy": np, "math": math} | hooks
    exec(compile(ast.fix_missing_locations(tree), "<adversary>", "exec"), namespace)
    copies = copy_arguments(arguments)
    try:
        returned, error = namespace[function.name](*copies), None
    except Exception as raised:  # noqa: BLE001 - the program's own failure is an outcome
        returned, error = None, type(raised)
    return Outcome(arguments=copies, memory=all_bytes(copies), returned=returned, error=error)


class _Unbound:
    """What stands for a name that had no value."""


UNBOUND = _Unbound()


def _turns_in(order: Order) -> Callable[..., Turns]:
    return lambda iterable, names, scope: Turns(order, iterable, names, scope)


class Turns:
    """One execution of the claimed loop: its iterations in another order, its private names kept apart."""

    def __init__(
        self,
        order: Order,
        iterable: Iterable[object],
        names: Sequence[str],
        scope: Mapping[str, Any],
    ) -> None:
        items = list(iterable)
        self._turns = [(position, items[position]) for position in order(len(items))]
        self._before = {name: scope.get(name, UNBOUND) for name in names}
        self._left: dict[str, dict[int, Any]] = {name: {} for name in names}
        self._latest: dict[str, Array] = {}  # arrays that iterations were given, the last of each
        self._given: dict[str, dict[int, Array]] = {name: {} for name in names}

    def __iter__(self) -> Iterator[tuple[int, object]]:
        return iter(self._turns)

    def fresh(self, name: str) -> Any:
        """Return what a private name starts an iteration with: its value from before, or an array full of rubbish."""
        before = self._before[name]
        if not isinstance(before, np.ndarray):
            return before
        self._latest[name] = _rubbish(before)
        return self._latest[name]

    def leave(self, position: int, scope: Mapping[str, Any]) -> None:
        """Keep what the private names hold at the end of the iteration at `position`."""
        for name, left in self._left.items():
            if scope.get(name, UNBOUND) is not UNBOUND:
                left[position] = scope[name]
                if name in self._latest:
                    self._given[name][position] = self._latest[name]

    def final(self, name: str) -> Any:
        """Return what the loop in its own order would leave in `name`."""
        before, left = self._before[name], self._left[name]
        # A name that the loop binds anew holds what its last iteration gave it, whatever it held.
        is_stored_to = all(left[each] is given for each, given in self._given[name].items())
        if isinstance(before, np.ndarray) and is_stored_to:
            for position in sorted(left):
                _put_written(left[position], before)
            return before
        return left[max(left)] if left else before


def _rubbish(array: Array) -> Array:
    pattern = np.frombuffer(b"\xa5" * array.itemsize, array.dtype)
    return np.full(array.shape, pattern[0], array.dtype)


def _put_written(private: Array, shared: Array) -> None:
    """Store the elements of `private` that are no longer rubbish into `shared`."""
    rubbish = _rubbish(shared)
    for index in itertools.product(*map(range, shared.shape)):
        if private[index].tobytes() != rubbish[index].tobytes():
            shared[index] = private[index]


class _Reorder(ast.NodeTransformer):
    """Replace the claimed loop by one over its turns."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._found = False

    def apply(self, function: ast.FunctionDef) -> None:
        """Rewrite `function` in place; ValueError if it has no such loop, or one that may end early."""
        self.visit(function)
        if not self._found:
            raise ValueError(f"no loop at line {self._claim.line}, column {self._claim.column}")

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        if (node.lineno, node.col_offset) != (self._claim.line, self._claim.column):
            return self.generic_visit(node)
        self._found = True
        if _leaves_early(node.body):
            raise ValueError("a loop with break or return has an order")
        inner = [inside.target for inside in ast.walk(node) if isinstance(inside, ast.For)]
        names = sorted(set(self._claim.private).union(*map(target_names, inner)))
        return _turned(node, names)


def _leaves_early(body: Iterable[ast.AST], *, nested: bool = False) -> bool:
    """Return whether a return stands in `body`, or a break that is not a nested loop's own."""
    for node in body:
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break) and not nested):
            return True
        is_loop = isinstance(node, ast.For | ast.While)
        if _leaves_early(ast.iter_child_nodes(node), nested=nested or is_loop):
            return True
    return False


def _turned(node: ast.For, names: Sequence[str]) -> list[ast.stmt]:
    """Return the statements that run `node` in turns, `names` private."""
    fresh = [line for name in names for line in _set(name, f"__loop__.fresh({name!r})")]
    target = ast.unparse(node.target)
    text = "\n".join(
        [
            f"__loop__ = __turns__({ast.unparse(node.iter)}, {names!r}, locals())",
            "for __position__, __value__ in __loop__:",
            *(f"    {line}" for line in [*fresh, f"{target} = __value__"]),
            "    try:",
            "        pass",
            "    finally:",
            "        __loop__.leave(__position__, locals())",
            *(line for name in names for line in _set(name, f"__loop__.final({name!r})")),
        ]
    )
    statements = ast.parse(text).body
    loop = next(line for line in statements if isinstance(line, ast.For))
    attempt = next(line for line in loop.body if isinstance(line, ast.Try))
    attempt.body = node.body
    return [*statements, *node.orelse]


def _set(name: str, value: str) -> list[str]:
    """Return lines that give `name` a value, or unbind it where the value is the unbound one."""
    return [f"{name} = {value}", f"if {name} is __unbound__: del {name}"]
