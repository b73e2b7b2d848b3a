"""How NumPy's loops multiply complex numbers on this machine: found out by letting it.

Maps a dtype to "fused" where the real part is `fma(a, c, -(b * d))` and the imaginary one
`fma(a, d, b * c)` for `(a + b j) * (c + d j)`, to "plain" where each product is rounded first.
Vector loops take the first form where the processor has it; NumPy's scalars, like Python's
numbers, always take the second. Helper of the `type_ufuncs` pass.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Way = Literal["fused", "plain"]
# One element, fewer and more than a vector holds, and several vectors.
_LENGTHS = (1, 2, 7, 40)


@cache
def complex_products(dtype: str) -> Way | None:
    """Return how products of arrays of `dtype` are rounded; None where it is another way."""
    draw = np.random.default_rng(0)
    part = np.dtype(dtype).type(0).real.dtype
    known: set[Way] = {"fused", "plain"}
    for length in _LENGTHS:
        a, b, c, d = (draw.uniform(1.0, 2.0, length).astype(part) for _ in range(4))
        x, y = _joined(a, b, dtype), _joined(c, d, dtype)
        for first, second, found in (
            (x, y, x * y),
            (x, x, np.square(x)),
            (x, y[:1], x * y[:1]),
            (np.repeat(x, 2)[::2], y, np.repeat(x, 2)[::2] * y),
        ):
            known &= {way for way in known if _is_so(way, first, second, found)}
    return known.pop() if len(known) == 1 else None


def _joined(real: NDArray[Any], imaginary: NDArray[Any], dtype: str) -> NDArray[Any]:
    found = np.empty(len(real), dtype)
    found.real, found.imag = real, imaginary
    return found


def _is_so(way: Way, x: NDArray[Any], y: NDArray[Any], found: NDArray[Any]) -> bool:
    """Return whether products have just the bits that one way gives."""
    a, b, c, d = np.broadcast_arrays(x.real, x.imag, y.real, y.imag)
    wanted = _joined(_sum(way, a, c, -(b * d)), _sum(way, a, d, b * c), found.dtype.name)
    return wanted.tobytes() == found.tobytes()


def _sum(way: Way, x: NDArray[Any], y: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
    """Return `x * y + more`, rounded once or twice."""
    if way == "plain":
        return np.asarray(x * y + more)
    if x.dtype == np.float32:
        return np.asarray(x.astype(np.float64) * y + more, np.float32)  # exact, then rounded
    terms = zip(x.tolist(), y.tolist(), more.tolist(), strict=True)
    return np.array([_once(*each) for each in terms])


def _once(x: float, y: float, more: float) -> float:
    """Return `x * y + more`, rounded once: as integers over a power of two."""
    (p, q), (r, s), (t, u) = (each.as_integer_ratio() for each in (x, y, more))
    return (p * r * u + t * q * s) / (q * s * u)  # Python's quotient is rounded once
