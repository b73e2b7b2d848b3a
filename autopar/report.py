"""A report as users hold it: a table where it is printed, a page where a notebook shows it.

What draws it is imported when somebody looks; a program that reads `to_dict` needs none of that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.report import FunctionReport, NestOrder
from autopar.analysis.model.report import Report as ReportData


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """A report that prints as a table and shows as HTML in a notebook."""

    content: ReportData
    # How nests run that have another order than the source: looked for when somebody reads it.
    ordered: Callable[[], tuple[NestOrder, ...]] = tuple

    @property
    def file(self) -> str:
        return self.content.file

    @property
    def functions(self) -> tuple[FunctionReport, ...]:
        return self.content.functions

    def to_dict(self) -> dict[str, Any]:
        return self.content.to_dict()

    def whole(self) -> ReportData:
        """Return the content with the orders that it takes a look to know."""
        return replace(self.content, orders=self.ordered())

    def __str__(self) -> str:
        from .render import render_text

        return render_text(self.whole())

    # At a prompt a report is asked for in order to be read.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .html_report import fragment

        return fragment(self.whole())
