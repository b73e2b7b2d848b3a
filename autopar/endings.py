"""At the end of the process rewritten functions get their own code back.

Before:  module -> function -> code with guards -> region -> variables of the module
After:   module -> function -> code as written

Code objects hold guards as constants, and Python's collector does not look into code objects. So
what a guard leads to, the variables of the user's module among it, would never be freed: a file
that the program leaves open would not be written to its end, a `__del__` not be called.
"""

from __future__ import annotations

import atexit
from types import CodeType, FunctionType
from weakref import WeakKeyDictionary

# Each rewritten function, and what it was made of.
_OWN: WeakKeyDictionary[FunctionType, CodeType] = WeakKeyDictionary()


def note_rewritten(function: FunctionType, own: CodeType) -> None:
    """Have `function` get its `own` code back at the end."""
    _OWN[function] = own


@atexit.register
def give_back() -> None:
    """Give all rewritten functions that are left their own code; calls run as written then."""
    for function, own in list(_OWN.items()):
        if own.co_freevars == function.__code__.co_freevars:
            function.__code__ = own
    _OWN.clear()
