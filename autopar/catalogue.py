"""The catalogue: every reason of every family under its code, and the page of each.

`explain CODE` prints the pages, the corpus study counts the codes; both mean this table.
"""

from __future__ import annotations

import inspect

from autopar.analysis.facts.reasons import REASONS as CALL_REASONS
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.passes.reasons import REASONS as STATIC_REASONS
from autopar.codegen.reasons import REASONS as TARGET_REASONS

CATALOGUE: tuple[type[Reason], ...] = tuple(
    sorted(STATIC_REASONS + CALL_REASONS + TARGET_REASONS, key=lambda reason: reason.code)
)


def find_reason(code: str) -> type[Reason] | None:
    """Return the class of reasons with the code `code`; None where there is none."""
    return next((reason for reason in CATALOGUE if reason.code == code), None)


def page_of(reason: type[Reason]) -> str:
    """Return the manual page of `reason`: its code and the text of its docstring.

    Without docstrings (`python -OO`) only the code and the name are left.
    """
    # inspect.getdoc would fall back to the page of the base class.
    text = inspect.cleandoc(reason.__doc__ or reason.__name__)
    return f"{reason.code} {text}\n"
