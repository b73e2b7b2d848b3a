"""On the host: copies of an array, one for each part of a loop, and the last values put back.

Before:  t, parts of a loop in their order, each with a copy of t and a truth value per element
After:   t with the element of the last part that wrote it, or as it was

A part with a copy of its own may run at any time; a copy for each thread would hold values of
parts that the thread ran in whatever order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from autopar.analysis.model.nouns import dataclass

from .copies import Arguments, alike

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Lasting:
    """One array that keeps its last values."""

    position: int  # among the arguments of the kernel
    marks: int  # the position of the notes
    starts_filled: bool  # copies start as the array is

    # As `Copied` has them.
    largest: ClassVar[None] = None
    has_bound: ClassVar[bool] = False
    width: ClassVar[int] = 0
    is_last: ClassVar[bool] = True

    @staticmethod
    def stays_within(_arguments: object, _bound: float) -> bool:
        """Return whether no element can leave its dtype: none is computed."""
        return True

    def size(self, arguments: Arguments) -> int:
        """Return how many bytes a copy takes."""
        array = self._array(arguments)
        return array.nbytes + array.size

    def put_copy(self, own: list[object]) -> None:
        """Put a copy, and its notes, into the arguments of a part."""
        array = self._array(tuple(own))
        own[self.marks] = np.zeros(array.shape, np.bool_)
        copy = own[self.position] = alike(array)
        if self.starts_filled:
            np.copyto(copy, array)

    def add_up(self, arguments: Arguments, own: tuple[Arguments, ...]) -> None:
        """Put what the parts wrote into the array: the first of them is the last part."""
        array = self._array(arguments)
        for each in (*own[1:], own[0]):
            copy: NDArray[Any] = each[self.position]  # type: ignore[assignment]
            written: NDArray[Any] = each[self.marks]  # type: ignore[assignment]
            np.copyto(array, copy, where=written)

    def _array(self, arguments: Arguments) -> NDArray[Any]:
        return arguments[self.position]  # type: ignore[return-value]
