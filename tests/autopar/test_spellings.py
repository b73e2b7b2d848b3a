"""Spellings that mean the same run in the same place."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sameness import same


def unary_plus(a, b, n):
    for i in range(+n):
        b[+i] = a[i] * 2.0


def twice_negated(a, b, n):
    for i in range(n):
        b[0 - (0 - i)] = a[-(0 - i)] * 2.0


def parentheses(a, b, n):
    for i in range((n)):
        b[((i) + (0))] = a[1 * i] * 2.0


@pytest.mark.parametrize("function", [unary_plus, twice_negated, parentheses])
def test_signs_in_subscripts(function):
    same(function, lambda: (np.arange(50.0), np.zeros(50), 50), ran="cpu")
