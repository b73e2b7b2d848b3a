"""What is made once a process, however many threads ask for it at the same time.

`functools.cache` lets each of them make its own and keeps the last: machine code that the first
has already handed out would be freed with the one that made it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from .forks import Lock

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """Return what calls `make` the first time, and gives the same thing ever after."""
    lock = Lock()
    made: list[T] = []

    @wraps(make)
    def given() -> T:
        if not made:
            with lock:
                if not made:
                    made.append(make())
        return made[0]

    return given
