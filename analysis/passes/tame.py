"""What a statement that is not modelled does besides computing, where its text tells that.

Before:  print(f"{k}: {heavy(a[k])}")      After:  it prints, computes heavy(a[k]), and `k` has to
                                                   be plain

Helper of the `parse` pass. A number, a string or another value without a state of its own runs no
code of the user's when it is printed, compared or stored, so what is done to such values alone
changes nothing that a loop could compute from. Whether names hold them is asked at a call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

import gast

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import Call, Tame
from .names import bindings, children, own_nodes

# Builtins and methods that only compute, of plain values.
_COMPUTE = frozenset(
    "abs bool complex divmod float format int len max min pow repr round str sum".split()  # noqa: SIM905
)
_NOT_SURE = (
    gast.Lambda, gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp, gast.IfExp,
    gast.BoolOp, gast.NamedExpr, gast.Await, gast.Yield, gast.YieldFrom,
)  # fmt: skip


def computed_calls(node: Any, read: Callable[[Any], Call | None]) -> tuple[Call, ...]:
    """Return the calls of the user's functions that a simple statement surely makes once.

    `read` gives a call as the model has it, None where it has none.
    """
    if not isinstance(node, gast.Expr | gast.Assign | gast.AugAssign | gast.AnnAssign):
        return ()
    found = tuple(_calls(node, read))
    # Before PEP 701, what stands in a formatted string may have the place of something else.
    places = Counter(each.span for each in found)
    return tuple(each for each in found if places[each.span] == 1)


def _calls(node: Any, read: Callable[[Any], Call | None]) -> Iterator[Call]:
    for each in children(node):
        if isinstance(each, _NOT_SURE):
            continue
        found = read(each) if isinstance(each, gast.Call) else None
        if found is not None:
            yield found
        else:
            yield from _calls(each, read)


def dicts_in(body: list[Any]) -> frozenset[str]:
    """Return the names that a function, or a module, binds to dicts and to nothing else."""
    counts = Counter(name for node in own_nodes(body) for name in bindings(node))
    made = Counter(
        node.targets[0].id
        for node in own_nodes(body)
        if isinstance(node, gast.Assign) and _makes_dict(node)
    )
    return frozenset(name for name, count in made.items() if counts[name] == count)


def _makes_dict(node: Any) -> bool:
    match node:
        case gast.Assign(targets=[gast.Name()], value=gast.Dict() | gast.DictComp()):
            return True
        case gast.Assign(targets=[gast.Name()], value=gast.Call(func=gast.Name(id=name))):
            return name in {"dict", "defaultdict", "OrderedDict"}
    return False


def tame_statement(node: Any, read: Callable[[Any], Call | None]) -> Tame | None:
    """Return what a statement does besides computing; None where that is not known.

    `read` is as for `computed_calls`; what such a call computes is a number.
    """
    reading = _Reading(read=read)
    return reading.found if reading.statement(node) else None


@dataclass(slots=True)
class _Reading:
    """Walks one statement; every method returns whether all of it is understood."""

    read: Callable[[Any], Call | None]
    found: Tame = field(default_factory=Tame)

    def statement(self, node: Any) -> bool:
        match node:
            case gast.Pass() | gast.Continue() | gast.Break():
                return True
            case gast.If():
                parts = (*node.body, *node.orelse)
                return self.plain(node.test) and all(map(self.statement, parts))
            case gast.Expr(value=gast.Constant()):
                return True
            case gast.Expr(value=gast.Call(func=gast.Name(id="print")) as call):
                self.found |= Tame(calls=frozenset({"print"}))
                return all(map(self.plain, call.args)) and all(
                    each.arg in {"sep", "end", "flush"} and isinstance(each.value, gast.Constant)
                    for each in call.keywords
                )
            case gast.Expr(
                value=gast.Call(
                    func=gast.Attribute(value=gast.Name(id=name), attr="append"),
                    args=[value],
                    keywords=[],
                )
            ):
                self.found |= Tame(stores=frozenset({name}))
                return self.stored(value)
            case gast.Assign(
                targets=[gast.Subscript(value=gast.Name(id=name), slice=key)], value=value
            ):
                self.found |= Tame(stores=frozenset({name}))
                return self.stored(key) and self.stored(value)
        return False

    def stored(self, node: Any) -> bool:
        """Return whether `node` is plain, or a tuple of what is."""
        if isinstance(node, gast.Tuple):
            return all(map(self.stored, node.elts))
        return self.plain(node)

    def plain(self, node: Any) -> bool:
        """Return whether `node` computes a plain value of plain ones."""
        if isinstance(node, gast.Call) and (call := self.read(node)) is not None:
            self.found |= Tame(helpers=frozenset({call.span}))
            return True  # a kernel has seen what its arguments are, if it computes this call
        match node:
            case gast.Constant():
                return True
            case gast.Name(id=name):
                self.found |= Tame(plain=frozenset({name}))
                return True
            case gast.Subscript(value=gast.Name(id=name), slice=index) if not isinstance(
                index, gast.Slice | gast.Tuple
            ):
                self.found |= Tame(arrays=frozenset({name}))
                return self.plain(index)
            case gast.Call(func=gast.Name(id=name)) if name in _COMPUTE:
                self.found |= Tame(calls=frozenset({name}))
                return not node.keywords and all(map(self.plain, node.args))
            case gast.Call(func=gast.Attribute(value=gast.Constant(value=str()), attr="format")):
                return not node.keywords and all(map(self.plain, node.args))
            case (
                gast.JoinedStr()
                | gast.FormattedValue()
                | gast.BinOp()
                | gast.UnaryOp()
                | gast.BoolOp()
                | gast.Compare()
                | gast.IfExp()
            ):
                return all(map(self.plain, self.operands(node)))
            case gast.Tuple():  # on the right of `%`
                return all(map(self.plain, node.elts))
        return False

    def operands(self, node: Any) -> Iterator[Any]:
        return (each for each in children(node) if isinstance(each, gast.expr))
