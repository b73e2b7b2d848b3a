"""Statements on ranges that are shifted against each other: one loop over rows, NumPy's bits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import same

# mypy: disable-error-code="no-untyped-def"


def stencil_in_place(p):
    q = 4.0 * p
    q[1:, :] -= p[:-1, :]
    q[:-1, :] -= p[1:, :]
    q[:, 1:] -= p[:, :-1]
    q[:, :-1] -= p[:, 1:]
    return q, p * q


def copied_and_relaxed(u, f):
    new = u.copy()
    new[1:-1, 1:-1] = 0.25 * (
        u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] + f[1:-1, 1:-1]
    )
    return new, np.abs(new - u)


def from_inside_out(u):
    inner = u[1:-1, 1:-1] * 2.0
    wide = u * 0.5
    wide[1:-1, 1:-1] += inner
    wide[2:, :] *= u[:-2, :]
    return inner, wide


def rows_of_others(p):
    q = p * 2.0
    q[1:, :] += q[:-1, :]
    q[:-1, :] *= q[1:, :]
    return q


def halves(p):
    q = p * 2.0
    q[::2, :] -= 1.0
    q[1::2, 1:] += p[1::2, :-1]
    return q


def grid(rows: int, columns: int, dtype: str = "float64"):
    draw = np.random.default_rng(rows + columns)
    return (10 * draw.standard_normal((rows, columns))).astype(dtype)


def loops_over(text: str, variable: str) -> int:
    return text.count(f"for {variable} in range(lower, upper)")


@pytest.mark.parametrize(("rows", "columns"), [(41, 30), (2, 2), (1, 7)])
@pytest.mark.parametrize("function", [stencil_in_place, from_inside_out, rows_of_others, halves])
def test_shifted_ranges_have_numpys_bits(function, rows, columns):
    same(function, lambda: (grid(rows, columns),))


def test_statements_on_shifted_ranges_share_the_loop_over_rows():
    decorated = same(stencil_in_place, lambda: (grid(40, 30),))
    (text,) = decorated.inspect_source().values()
    assert loops_over(text, "axis_0") == 1
    assert text.count("launcher.launch(") == 1
    assert "if axis_0 >= 1:" in text


def test_a_copy_and_what_is_stored_inside_it_share_the_loop_over_rows():
    decorated = same(copied_and_relaxed, lambda: (grid(40, 30, "float32"), grid(40, 30, "float32")))
    (text,) = decorated.inspect_source().values()
    assert text.count("launcher.launch(") == 1


def test_statements_that_read_what_other_rows_write_share_none():
    decorated = same(rows_of_others, lambda: (grid(40, 30),))
    (text,) = decorated.inspect_source().values()
    assert text.count("launcher.launch(") > 1


def test_parts_of_one_memory_come_out_as_in_numpy():
    def given():
        whole = grid(42, 30)
        return whole[1:-1], whole[2:]

    same(copied_and_relaxed, given)
