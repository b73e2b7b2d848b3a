"""`raise` and `assert` as an operation that fails.

Before:  if a[i] < 0:                  After:  if a[i] < 0:
             raise ValueError(i)                   <failed> = 1 // 0
         assert s > 0, "none"                  <failed> = 1 // (1 if s > 0 else 0)

What may fail is found before anything is stored, or put back, and then the interpreter runs the
region from its beginning: it is the one that raises, at the same iteration, what it says there.
Helper of the `parse` pass.
"""

from __future__ import annotations

from ..model.loop_ir import Assign, Binary, Conditional, Constant, Expression
from ..model.source import Span
from .several_targets import temporary


def raised(at: Span, shown: frozenset[str]) -> Assign:
    """Return what stands for a `raise` of what reads the names `shown`."""
    return _failing(Constant(value=0, span=at), at, shown)


def asserted(test: Expression, at: Span, shown: frozenset[str]) -> Assign:
    """Return what stands for an `assert` of `test` that reads the names `shown` in all."""
    one, zero = (Constant(value=value, span=at) for value in (1, 0))
    return _failing(Conditional(test=test, body=one, orelse=zero, span=at), at, shown)


def _failing(divisor: Expression, at: Span, shown: frozenset[str]) -> Assign:
    one = Constant(value=1, span=at)
    value = Binary(operator="//", left=one, right=divisor, span=at)
    return Assign(target=temporary(at, 0), value=value, span=at, shown=shown)
