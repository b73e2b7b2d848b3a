"""The table of kernels in docs is that of the newest result that is kept."""

from __future__ import annotations

from benchmarks.orders_page import PAGE, newest, page
from benchmarks.polybench.sizes import POLYBENCH, PROGRAMS


def test_the_page_is_made_of_the_newest_result() -> None:
    assert page(newest()) == PAGE.read_text("utf-8")


def test_the_page_has_every_kernel() -> None:
    text = PAGE.read_text("utf-8")
    assert [] == [each.name for each in (*POLYBENCH, *PROGRAMS) if f"| `{each.name}` |" not in text]
