"""Kernels whose threads share tiles: what is shared, the bits, the barriers, the PTX."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from autopar.analysis.model.loop_ir import Name
from autopar.codegen.block_tiles import SIMULATED
from autopar.codegen.cuda import generate_cuda
from autopar.codegen.device_tiles import tiling_of
from autopar.codegen.elements import cell_of
from autopar.codegen.grid import plan_grid, with_fastest
from autopar.codegen.host import Launch, plan_host
from autopar.codegen.ptx import compile_to_ptx
from tests.codegen.cuda_builders import Case, problems, program_of
from tests.codegen.cuda_cases import TILED, floats
from tests.codegen.twin import BARRIER, TwinLauncher, load_twin

NAMES = [f"{number}-{case.name}" for number, case in enumerate(TILED)]
BY_NAME = {case.name: case for case in reversed(TILED)}


def tiling_for(function, **arguments):
    program = program_of(Case(function=function, arguments=lambda: arguments))
    layouts = {each.name: each.type.layout for each in program.arrays}
    node = plan_host(program).nodes[0]
    assert isinstance(node, Launch)
    grid = plan_grid(node.kernel)
    assert grid is not None
    return tiling_of(with_fastest(grid, layouts), program)


def twin_problems(case, source, seed=0):
    program = program_of(case)
    module = load_twin(source)
    launcher = TwinLauncher(module.cuda, seed)
    found = list(problems(case, program, module.run, launcher))
    assert launcher.tiled
    return found


# --------------------------------------------------------------------------------- choices


def moved(a, b, n):
    for i in range(n):
        for j in range(n):
            b[i, j] = a[j, i] + 1.0


def moved_by_rows(a, b, n):
    for i in range(n):
        for j in range(n):
            b[j, i] = a[i, j] + 1.0


def five_points(u, v, n):
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            v[i, j] = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - u[i, j]


def in_place(a, n):
    for i in range(n // 2):
        for j in range(n // 2):
            a[i, j] = a[n - 1 - i, j] + 1.0


def triangular(c, a, b, n):
    for i in range(n):
        for j in range(n):
            s = 0.0
            for k in range(i):
                s = s + a[i, k] * b[k, j]
            c[i, j] = s


def first_column(a, b, n):
    for i in range(n):
        for j in range(n):
            b[i, j] = a[j, 0]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("function", [moved, moved_by_rows])
def test_a_transpose_is_read_through_one_padded_tile_and_stored_along_rows(function, order):
    square = np.zeros((40, 40), order=order)
    tiling = tiling_for(function, a=square, b=square.copy(order="K"), n=40)
    (tile,) = tiling.all_tiles
    assert ("a", (32, 33)) == (tile.array, tile.shape)
    (store,) = tiling.body
    cell = cell_of(store, store.statement)
    assert cell is not None
    fastest = cell[-1 if order == "C" else 0]
    assert isinstance(fastest, Name)
    assert tiling.grid.axes[-1].loop.iterator == fastest.name


def test_arrays_of_different_orders_need_no_tile_where_memory_runs_the_same_way():
    a, b = np.zeros((40, 40), order="F"), np.zeros((40, 40))
    assert tiling_for(moved, a=a, b=b, n=40) is None


@pytest.mark.parametrize("function", [five_points, triangular, first_column])
def test_what_the_first_cache_serves_as_well_has_no_tiles(function):
    arrays = {
        name: np.zeros((40, 40)) for name in function.__code__.co_varnames[:4] if name in "abcuv"
    }
    assert tiling_for(function, **arrays, n=40) is None


def test_arrays_that_are_stored_to_have_no_tiles():
    assert tiling_for(in_place, a=np.zeros((40, 40)), n=40) is None


def test_arrays_of_any_strides_have_no_tiles():
    a = np.zeros((80, 80))[::2, ::2]
    assert tiling_for(moved, a=a, b=np.zeros((40, 40)), n=40) is None


def test_arrays_that_share_memory_with_others_have_no_tiles():
    program = program_of(BY_NAME["transposed"])
    assert "cuda.shared" in generate_cuda(program)
    shared = replace(program, overlapping=frozenset({"a", "b"}))
    assert "cuda.shared" not in generate_cuda(shared)


# ------------------------------------------------------------------------------------ bits


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", TILED, ids=NAMES)
def test_twin_does_what_the_interpreter_does(case, seed):
    source = generate_cuda(program_of(case), shape=SIMULATED)
    assert [] == twin_problems(case, source, seed)


@pytest.mark.parametrize("case", TILED, ids=NAMES)
def test_each_barrier_is_needed(case):
    lines = generate_cuda(program_of(case), shape=SIMULATED).splitlines()
    barriers = [number for number, line in enumerate(lines) if line.strip() == BARRIER]
    assert barriers
    for number in barriers:
        without = "\n".join((*lines[:number], *lines[number + 1 :]))
        if "yield" not in without.replace(BARRIER, "yield"):
            continue  # nothing waits any more
        found = [twin_problems(case, without, seed) for seed in (0, 1)]
        assert any(found), lines[number - 1 : number + 2]


def test_a_barrier_that_some_threads_miss_is_seen():
    case = BY_NAME["transposed"]
    source = generate_cuda(program_of(case), shape=SIMULATED)
    source = source.replace(f"    {BARRIER}", f"    if is_active:\n        {BARRIER}")
    with pytest.raises(AssertionError, match="never come to a barrier"):
        twin_problems(case, source)


def test_another_order_of_terms_would_be_seen():
    case = BY_NAME["rectangular_product"]
    source = generate_cuda(program_of(case), shape=SIMULATED)
    turned = source.replace("k = k_strip + k_in", "k_in = k_count - 1 - k_in")
    assert turned != source
    assert [] != twin_problems(case, turned)


# ------------------------------------------------------------------------------------- PTX


@pytest.mark.parametrize("case", TILED, ids=NAMES)
def test_ptx_has_shared_memory_and_nothing_in_local_memory(case):
    program = program_of(case)
    (text,) = compile_to_ptx(generate_cuda(program), program).values()
    assert re.search(r"\bst\.shared\.", text)
    assert re.search(r"\bld\.shared\.", text)
    assert "bar.sync" in text
    assert ".local" not in text
    assert "fma." not in text
    assert not re.search(r"\bmul\.f(32|64)", text)


def test_a_row_of_a_matrix_is_read_once_for_four_rows_of_a_thread():
    program = program_of(BY_NAME["rectangular_product"])
    (text,) = compile_to_ptx(generate_cuda(program), program).values()
    reads = len(re.findall(r"\bld\.shared\.", text))
    products = len(re.findall(r"\bmul\.rn\.f64", text))
    assert products >= 64
    assert reads * 4 <= products * 5 + 16  # five reads for four products


def test_names_of_the_user_do_not_meet_those_of_tiles():
    def taken(a_tile0, i_in, n):
        for i in range(n):
            for j in range(n):
                i_in[i, j] = a_tile0[j, i]

    arguments = {"a_tile0": floats(9, 9), "i_in": np.zeros((9, 9)), "n": 9}
    case = Case(function=taken, arguments=lambda: arguments)
    program = program_of(case)
    assert [] == twin_problems(case, generate_cuda(program, shape=SIMULATED))
