"""The order of a nest as `explain()` shows it, beside the source."""

from __future__ import annotations

from typing import Any

import pytest

import autopar
from autopar.render import render_text


def product(a, b, c, n):
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i, j] += a[i, k] * b[k, j]


def relaxed(u, n):
    for i in range(1, n - 1):
        for j in range(1, u.shape[1] - 1):
            u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


def conditional(a, b, c, n, m):
    for i in range(n):
        a[i] = a[i + m]
        for j in range(n):
            for k in range(n):
                c[i, j] += b[i, k] * b[k, j]


def as_it_stands(a, n):
    for i in range(n):
        a[i] = a[i] + 1.0


def of_indices(a, k, n):
    for i in range(n):
        a[k[i]] = 1.0


def shown(function: Any, width: int = 110) -> str:
    """Return the part of the report that shows another order."""
    text = render_text(autopar.parallel(function).explain().whole(), width=width)
    return text[text.index("As it runs") :] if "As it runs" in text else ""


def test_an_order_stands_beside_the_source():
    text = """\
As it runs from line 14 on (interchange):
14  for i in range(n):                       | parallel for i in range(0, n):
15      for j in range(n):                   |     for k in range(0, n):
16          for k in range(n):               |         parallel for j in range(0, n):
17              c[i, j] += a[i, k] * b[k, j] |             c[i, j] = c[i, j] + (a[i, k] * b[k, j])"""
    assert text == shown(product)


def test_loops_in_order_name_what_keeps_them_so_and_conditions_are_told():
    assert """\
As it runs from line 27 on (interchange, distribute), unless m == 0 or m >= n or m <= -n:
27  for i in range(n):
28      a[i] = a[i + m]
29      for j in range(n):
30          for k in range(n):
31              c[i, j] += b[i, k] * b[k, j]
runs as
parallel for i in range(0, n):
    for k in range(0, n):
        parallel for j in range(0, n):
            c[i, j] = c[i, j] + (b[i, k] * b[k, j])
for i in range(0, n):  # in order: flow dependence on 'a', line 28, and 1 more
    a[i] = a[i + m]""" == shown(conditional)


def test_rows_that_overlap_are_said_to():
    text = shown(relaxed)
    assert (
        "for i in range(1, n - 1):  # rows overlap: iterations with the same i + j run at once"
        in text
    )
    assert "for j in range(1, u.shape[1] - 1):  # in order: flow dependence on 'u', line" in text
    assert "(skew)" in text


def aligned(s, r, table):
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            if s[i - 1] == r[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = max(table[i - 1, j], table[i, j - 1])


def test_tables_of_integers_are_shown_as_they_run():
    text = shown(aligned)
    assert "(skew)" in text
    assert "# where all arrays hold integers" in text
    assert "rows overlap: iterations with the same i + j run at once" in text


def test_a_table_that_adds_in_one_of_two_ways_is_no_scan():
    text = str(autopar.explain(aligned))
    assert "AP406" not in text
    assert "AP401 Loop 'i' carries a flow dependence" in text


def shifted(a, b, n):
    for i in range(1, n - 1):
        a[i] = b[i - 1] * 0.5
        b[i] = b[i + 1] - 0.25


def test_a_part_that_overwrites_what_it_has_read_is_not_said_to_be_in_order():
    text = shown(shifted)
    assert "# parallel in blocks, each with what the next one overwrites of 'b'" in text
    assert "in order" not in text


@pytest.mark.parametrize("function", [as_it_stands, of_indices])
def test_nothing_is_shown_where_the_order_stays(function):
    assert "" == shown(function)


def test_the_json_of_a_report_says_nothing_of_orders():
    report: Any = autopar.parallel(product).explain()
    assert {"schema", "autopar", "file", "functions"} == set(report.to_dict())


def test_a_narrow_report_puts_one_below_the_other():
    assert "\nruns as\nparallel for i in range(0, n):\n" in shown(product, width=60)


def idles(n):
    for i in range(n):
        for _ in range(i):
            pass


def test_a_loop_that_does_nothing_has_no_order():
    assert "parallel" in str(autopar.explain(idles))


def test_a_fault_of_ours_leaves_the_order_out(monkeypatch, caplog):
    def fails(region):
        raise ValueError(region)

    monkeypatch.setattr("autopar.orders.order_of", fails)
    caplog.set_level("CRITICAL", logger="autopar")
    assert () == autopar.explain(product).whole().orders
    assert "parallel" in str(autopar.explain(product))
