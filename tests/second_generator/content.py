"""What arrays hold, as a function of the index: so that an array can grow and keep its elements.

Variants are fillings of one program at one point: mixed, all rising and positive, all falling and negative; index
arrays with and without duplicates.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

VARIANTS = 3
INDEX_ROLES = frozenset({"idx", "perm", "ptr", "col", "cnt", "key", "mask"})

Index = tuple[int, ...]
Content = Callable[[Index], float]


def content(
    role: str, numbers: Mapping[str, int], roles: Mapping[str, str], variant: int, dtype: str
) -> Content:
    """Return the elements of an array by its role, for the numbers of a point."""
    sizes = [value for name, value in numbers.items() if roles.get(name, name) == "n"]
    size = sizes[0] if sizes else 6
    salt = zlib.crc32(role.encode()) % 97
    if role in INDEX_ROLES:
        return lambda index: _indices(role, index[0], size, variant, salt)
    scale = 0.5 if dtype.startswith("float") else 1

    def element(index: Index) -> float:
        flat = sum(i * step for i, step in zip(index, (1, 5, 23), strict=False))
        if variant == 1:
            return (flat + 2 + salt % 4) * scale
        if variant == 2:
            return -(flat + 2 + salt % 4) * scale
        return (_mixed(flat, salt) % 19 - 7) * scale

    return element


def _mixed(value: int, salt: int) -> int:
    return ((value + 3) * 2654435761 + salt * 40503) % 2**32 >> 11


def _indices(role: str, at: int, size: int, variant: int, salt: int) -> int:
    """Return element `at` of an index array; values lie in 0 ... size - 1 wherever the role allows."""
    mixed = _mixed(at, salt)
    match role:
        case "perm":
            inside = (size - 1 - at, (at + 2) % size, at)[variant]
            return inside if 0 <= at < size else at
        case "idx":
            return (mixed % size, (size - 1 - at) % size, (at + 1) % size)[variant]
        case "key":
            return (mixed % 3, at % 4, 1)[variant]
        case "ptr":
            return (sum((t * 5 + 2) % 4 for t in range(at)), 2 * at, at // 2)[variant]
        case "col":
            return (mixed % size, at % size, 0)[variant]
        case "cnt":
            return (1 + mixed % 4, 5, 2)[variant]
        case _:
            return (mixed % 2, 1, 0)[variant]
