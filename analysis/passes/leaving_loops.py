"""Loops that may be left early, as loops that are left: `while`, and `for` with `break`.

Before:  while x < 4.0:                After:  for while_3_turn in range(2 ** 24), left by break:
             x = x * x                             if x < 4.0: x = x * x
                                                   else: break
Before:  for k in range(n):            After:  k = 0
             if a[k] > x: break                for k_turn in range(n), left by break:
                                                   k = k_turn
                                                   if a[k] > x: break

The iterations of such a loop are a superset of those that run (Benabderrahmane, Pouchet, Cohen
and Bastoul, The polyhedral model is more widely applicable than you think, CC 2010); what is in
it runs only while a predicate holds, which `build_scop` adds. A `while` loop that takes more turns
than its range has is finished by the interpreter. Only inside other loops, which may be parallel:
a loop that is left is not. So runs a search whose bound no model holds, but integers compute
(`for d in range(2, int(k ** 0.5) + 1)`): as a `while` loop that counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Binary,
    Break,
    Compare,
    Constant,
    For,
    If,
    Name,
    Statement,
    While,
    own_breaks,
    walk_statements,
)
from ..model.unused import unused
from .computed_bounds import is_computed, is_integer
from .index_loops import Indexed
from .instances import bound_names, mentions, read_names

# Turns of a `while` loop before the interpreter takes over, which can be interrupted.
MOST_TURNS = 2**24
# Turns of a driver in its model. It takes as many as it wants: no subscript counts them.
_MODEL_TURNS = 2**31 - 1


def leaving_loops(indexed: Indexed, taken: frozenset[str], live_out: frozenset[str]) -> Indexed:
    """Return a nest of loops over ranges without `while`, and with `break` in marked loops only.

    `taken` are names that its new loop variables must not have, `live_out` those that may be
    read after it.
    """
    nest = indexed.nest
    if not any(isinstance(each, While | Break) for each in walk_statements((nest,))):
        return indexed
    names = set(taken | mentions((nest,)) | bound_names((nest,)))
    uses = Counter(read_names((nest,)))
    loops = (each for each in walk_statements((nest,)) if isinstance(each, For))
    variables = frozenset(each.variable for each in loops)
    leaving = _Leaving(taken=names, uses=uses, live_out=live_out, variables=variables)
    body = leaving.block(nest.body)
    return replace(indexed, nest=replace(nest, body=body))


@dataclass(slots=True)
class _Leaving:
    """Walks the statements inside a nest."""

    taken: set[str]
    uses: Counter[str]  # how often the nest reads each name
    live_out: frozenset[str]
    variables: frozenset[str]  # of the loops of the nest

    def block(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        return tuple(each for statement in body for each in self.statement(statement))

    def statement(self, node: Statement) -> tuple[Statement, ...]:
        match node:
            case If():
                body, orelse = self.block(node.body), self.block(node.orelse)
                return (replace(node, body=body, orelse=orelse),)
            case While():
                return (self.while_loop(node),)
            case For() if any(True for _ in own_breaks(node.body)):
                return self.counting(node) or self.left(node)
            case For():
                return (replace(node, body=self.block(node.body)),)
            case _:
                return (node,)

    def while_loop(self, node: While) -> For:
        at = node.test.span
        body = self.block(node.body)
        if not (isinstance(node.test, Constant) and node.test.value is True):
            leave = (Break(span=node.test.span),)
            body = (If(test=node.test, body=body, orelse=leave, span=at),)
        return For(
            variable=self.fresh(f"while_{node.span.line}_turn"),
            start=Constant(value=0, span=at),
            stop=Constant(value=_MODEL_TURNS if node.is_driver else MOST_TURNS, span=at),
            step=Constant(value=1, span=at),
            body=body,
            header=node.header,
            span=node.span,
            label=node.header,
            leaves="while",
            is_driver=node.is_driver,
        )

    def counting(self, node: For) -> tuple[Statement, ...]:
        """Return a loop that counts up to a bound that it computes first; nothing for others."""
        if not is_computed(node.stop, is_outermost=False) or self.is_read_after(node):
            return ()
        are_integers = all(is_integer(each, self.variables) for each in (node.start, node.stop))
        step = node.step.value if isinstance(node.step, Constant) else 0
        if not are_integers or type(step) is not int or not step or node.label is not None:
            return ()
        at = node.span
        names = (self.fresh(f"{TEMPORARY}{node.variable}_{word}") for word in ("next", "end"))
        next_one, end = (Name(name=name, span=at) for name in names)
        variable = Name(name=node.variable, span=at)
        further = Binary(operator="+", left=variable, right=node.step, span=at)
        loop = While(
            test=Compare(operator="<" if step > 0 else ">", left=next_one, right=end, span=at),
            body=(
                Assign(target=variable, value=next_one, span=at),
                Assign(target=next_one, value=further, span=at),
                *node.body,
            ),
            header=node.header,
            span=at,
            is_driver=node.is_driver,
        )
        return (
            Assign(target=next_one, value=node.start, span=at),
            Assign(target=end, value=node.stop, span=at),
            replace(self.while_loop(loop), label=node.variable),
        )

    def is_read_after(self, node: For) -> bool:
        """Return whether the variable of a loop is read outside of it."""
        inside = Counter(read_names(node.body))[node.variable]
        return self.uses[node.variable] != inside or node.variable in self.live_out

    def left(self, node: For) -> tuple[Statement, ...]:
        """Return a loop whose variable ends where it was left, and what it is if it is unknown."""
        body = self.block(node.body)
        if node.label is not None:
            return (replace(node, body=body, leaves="break"),)
        turn = self.fresh(f"{node.variable}_turn")
        name = Name(name=node.variable, span=node.span)
        binding = Assign(target=name, value=Name(name=turn, span=node.span), span=node.span)
        loop = replace(
            node, variable=turn, body=(binding, *body), label=node.variable, leaves="break"
        )
        if not self.is_read_after(node):
            return (loop,)
        before = Assign(target=name, value=node.start, span=node.span)
        return before, replace(loop, must_run=True)

    def fresh(self, wanted: str) -> str:
        name = unused(wanted, self.taken)
        self.taken.add(name)
        return name
