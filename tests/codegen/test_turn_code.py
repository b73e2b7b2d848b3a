"""Columns of a matrix turned into rows of a tile: native code, at all counts and widths."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from autopar.codegen import turn_code
from autopar.codegen.turned import BLOCK, TILE, WIDTH

SIZE = ctypes.c_int64
EDGES = (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK)


@pytest.mark.parametrize("count", [*EDGES, TILE - 1, TILE])
@pytest.mark.parametrize("width", [*EDGES, WIDTH - 1, WIDTH])
def test_columns_become_rows_and_nothing_else_is_written(count, width):
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, SIZE, SIZE, SIZE)
    turn = kind(turn_code.engine().get_function_address(turn_code.TURN))
    matrix = np.arange(float((count + 3) * (width + 5))).reshape(count + 3, width + 5)
    tile = np.full((WIDTH, TILE), -1.0)
    turn(tile.ctypes.data, matrix[2:, 3:].ctypes.data, matrix.strides[0], count, width)
    expected = np.full((WIDTH, TILE), -1.0)
    expected[:width, :count] = matrix[2 : 2 + count, 3 : 3 + width].T
    assert expected.tobytes() == tile.tobytes()
