"""Where and whether to run: what a region costs in the interpreter, and what a kernel costs.

A first, uncalibrated model: it counts statement instances, weighs each by the size of its
expression, and compiles once the interpreter has (or would have) spent as long on the region
as compiling takes. That is the ski-rental rule: never more than twice the best choice
(Karlin, Manasse, Rudolph, Sleator, Competitive snoopy caching, Algorithmica 1988).
"""

from __future__ import annotations

from autopar.analysis.model.loop_ir import Update, walk_expression
from autopar.analysis.model.scop import Loop, Scop, Statement
from autopar.analysis.model.text import python_text

# One node of an expression in CPython, subscripts of NumPy arrays included, in nanoseconds.
_INTERPRETED_NODE_NS = 25
_INTERPRETED_STATEMENT_NS = 60
# Analysis, code generation and Numba's compilation of one region.
COMPILE_NS = 200_000_000
# A guarded entry into a warm kernel costs about as much as this.
DISPATCH_NS = 15_000


def interpreter_nanoseconds(scop: Scop) -> str:
    """Return a Python expression over the user's names: the interpreter's time for a region.

    Inner bounds that depend on outer loops are taken at the middle of the outer loop.
    """
    parts = [_statement_cost(scop, statement) for statement in scop.statements]
    return " + ".join(parts) if parts else "0"


def iterations(loop: Loop) -> str:
    """Return a Python expression over the user's names: how often an outermost loop runs."""
    return _trips(loop, {})


def _statement_cost(scop: Scop, statement: Statement) -> str:
    body = statement.body
    nodes = sum(1 for _ in walk_expression(body.value)) + sum(
        1 for _ in walk_expression(body.target)
    )
    if isinstance(body, Update):
        nodes += 1
    each = _INTERPRETED_STATEMENT_NS + _INTERPRETED_NODE_NS * nodes
    middles: dict[str, str] = {p.name: p.text for p in scop.parameters}
    factors = [str(each)]
    for number in statement.loops:
        loop = scop.loops[number]
        factors.append(_trips(loop, middles))
        middles[loop.variable] = _middle(loop, middles)
    return " * ".join(factors)


def _trips(loop: Loop, middles: dict[str, str]) -> str:
    start, stop = (python_text(each, middles) for each in (loop.start, loop.stop))
    return f"len(range({start}, {stop}, {loop.step}))"


def _middle(loop: Loop, middles: dict[str, str]) -> str:
    start, stop = (python_text(each, middles) for each in (loop.start, loop.stop))
    return f"(({start} + {stop}) // 2)"
