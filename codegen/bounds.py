"""The `min` and `max` of bounds, which Numba would compile as functions of their own.

    min(lower + 992, upper)        of two integers: a comparison and a choice

Numba's own take any number of anything; compiling one takes as long as a small kernel.
"""

# mypy: disable-error-code="no-untyped-call"
# (llvmlite and Numba are untyped.)

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.core.extending import intrinsic


def _chosen(order: str) -> Any:  # noqa: ANN401 - Numba is untyped
    def chosen(_context: object, first: Any, second: Any) -> Any:  # noqa: ANN401 - as above
        if not (_is_signed(first) and _is_signed(second)):
            return None

        def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401 - as above
            return builder.select(builder.icmp_signed(order, *arguments), *arguments)

        return types.int64(types.int64, types.int64), generate

    return intrinsic(chosen)


def _is_signed(kind: Any) -> bool:  # noqa: ANN401 - as above
    return isinstance(kind, types.Integer) and bool(getattr(kind, "signed"))  # noqa: B009 - not in Numba's stubs


lesser, greater = _chosen("<="), _chosen(">=")
