"""Products of complex numbers whose sums are rounded once, as NumPy's vector loops have them.

Before:  numpy.multiply(x, y) of np.complex128
After:   fma(x.real, y.real, -(x.imag * y.imag)) and fma(x.real, y.imag, x.imag * y.real)

Taken only where NumPy does so on this machine (`analysis.passes.complex_products`).
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from numba.core.extending import intrinsic


@intrinsic
def fused_sum(_context: object, x: Any, y: Any, more: Any) -> Any:  # noqa: ANN401 - Numba is untyped
    """Return `x * y + more` of floats of one type, rounded once."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.fma(*arguments)

    return x(x, y, more), generate


def fused_product(x: Any, y: Any) -> Any:  # noqa: ANN401 - of either width
    """Return `x * y`."""
    total: Any = fused_sum
    real = total(x.real, y.real, -(x.imag * y.imag))
    return complex(real, total(x.real, y.imag, x.imag * y.real))
