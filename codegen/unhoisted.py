"""An iterator that LLVM takes for a number it knows nothing of, anew at each turn.

    for t in range(2, n):
        t = unhoisted(t)
        for j in range(m): y[t, j] = 0.5 * y[t - 1, j]

`codegen.hoisting` says where that is of use.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core.extending import intrinsic


@intrinsic
def unhoisted(_context: object, value: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return `value`, of which LLVM knows nothing: it goes through an empty instruction."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        kind = ir.FunctionType(arguments[0].type, (arguments[0].type,))
        through = ir.InlineAsm(kind, "", "=r,0", side_effect=False)
        return builder.call(through, arguments)

    return value(value), generate
