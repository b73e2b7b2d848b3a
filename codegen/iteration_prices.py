"""What single iterations of a loop are predicted to cost, for `codegen.uneven`.

for i in range(n): for j in range(i): ...      1, (14 * (n // 2) + 100) // 100, ...
"""

from __future__ import annotations

from autopar.analysis.model.loop_ir import Binary, Constant, Expression

from .integers import simplify
from .kernel import Loop
from .work import middle, predicted_ns


def iteration_prices(loop: Loop) -> tuple[Expression, Expression, Expression] | None:
    """Return what three iterations of `loop` cost; None where all cost the same."""
    loop = loop.stands_for or loop
    one = Constant(value=1, span=loop.span)
    end = simplify(Binary(operator="-", left=loop.upper, right=one, span=loop.span), loop.span)
    first, half, last = (
        predicted_ns(loop.body, {loop.iterator: at}) for at in (loop.lower, middle(loop), end)
    )
    return None if first == half == last else (first, half, last)
