"""The PolyBench kernels: what they compute, that autopar computes the same, and that no order tells.

The formulas are whole-array or textbook forms with nothing in common with the loops; four kernels
have none and are held to properties or to a recursion written another way.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autopar
from benchmarks.polybench import KERNELS, Kernel
from tests.adversary import Claim, first_difference
from tests.sameness import loops_of, places, same

NAMED = {kernel.name: kernel for kernel in KERNELS}
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)

Values = dict[str, Any]


def before_and_after(name: str) -> tuple[Values, Values]:
    """Return the arguments of a kernel by name, and what CPython makes of them."""
    function = NAMED[name].function
    names = list(inspect.signature(function).parameters)
    before, after = NAMED[name].arguments(), NAMED[name].arguments()
    function(*after)
    return dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True))


# ------------------------------------------------------------------- what they compute


def lower(whole, other):
    """Return `whole` with its lower triangle replaced by that of `other`."""
    return np.triu(whole, 1) + np.tril(other)


def gemm(v):
    return {"C": v["alpha"] * v["A"] @ v["B"] + v["beta"] * v["C"]}


def gemver(v):
    A = v["A"] + np.outer(v["u1"], v["v1"]) + np.outer(v["u2"], v["v2"])
    x = v["x"] + v["beta"] * A.T @ v["y"] + v["z"]
    return {"A": A, "x": x, "w": v["w"] + v["alpha"] * A @ x}


def gesummv(v):
    return {"y": v["alpha"] * v["A"] @ v["x"] + v["beta"] * v["B"] @ v["x"]}


def symm(v):
    A = np.tril(v["A"]) + np.tril(v["A"], -1).T
    return {"C": v["alpha"] * A @ v["B"] + v["beta"] * v["C"]}


def syr2k(v):
    both = v["A"] @ v["B"].T + v["B"] @ v["A"].T
    return {"C": lower(v["C"], v["alpha"] * both + v["beta"] * v["C"])}


def syrk(v):
    return {"C": lower(v["C"], v["alpha"] * v["A"] @ v["A"].T + v["beta"] * v["C"])}


def trmm(v):
    return {"B": v["alpha"] * (np.tril(v["A"], -1) + np.eye(v["m"])).T @ v["B"]}


def two_mm(v):
    return {"D": v["alpha"] * v["A"] @ v["B"] @ v["C"] + v["beta"] * v["D"]}


def three_mm(v):
    return {"G": (v["A"] @ v["B"]) @ (v["C"] @ v["D"])}


def atax(v):
    return {"y": v["A"].T @ (v["A"] @ v["x"])}


def bicg(v):
    return {"s": v["A"].T @ v["r"], "q": v["A"] @ v["p"]}


def doitgen(v):
    return {"A": np.einsum("rqs,sp->rqp", v["A"], v["C4"])}


def mvt(v):
    return {"x1": v["x1"] + v["A"] @ v["y1"], "x2": v["x2"] + v["A"].T @ v["y2"]}


def cholesky(v):
    return {"A": lower(v["A"], np.linalg.cholesky(v["A"]))}


def durbin(v):
    row = np.concatenate([[1.0], v["r"][:-1]])
    matrix = [[row[abs(i - j)] for j in range(v["n"])] for i in range(v["n"])]
    return {"y": np.linalg.solve(matrix, -v["r"])}


def gramschmidt(v):
    q, r = np.linalg.qr(v["A"])
    signs = np.sign(np.diag(r))
    return {"Q": q * signs, "R": lower((r.T * signs).T, v["R"]) + np.diag(np.diag(r) * signs - np.diag(v["R"]))}  # fmt: skip


def ludcmp(v):
    return {"x": np.linalg.solve(v["A"], v["b"])}


def trisolv(v):
    return {"x": np.linalg.solve(np.tril(v["L"]), v["b"])}


def correlation(v):
    return {"corr": np.corrcoef(v["data"], rowvar=False), "stddev": v["data"].std(axis=0)}


def covariance(v):
    return {"cov": np.cov(v["data"], rowvar=False)}


def fdtd_2d(v):
    ex, ey, hz = v["ex"].copy(), v["ey"].copy(), v["hz"].copy()
    for t in range(v["tmax"]):
        ey[0] = v["source"][t]
        ey[1:] -= 0.5 * np.diff(hz, axis=0)
        ex[:, 1:] -= 0.5 * np.diff(hz, axis=1)
        hz[:-1, :-1] -= 0.7 * (np.diff(ex, axis=1)[:-1] + np.diff(ey, axis=0)[:, :-1])
    return {"ex": ex, "ey": ey, "hz": hz}


def swept(v, sweep: Callable[[Any], Any]):
    """Return both grids after sweeps from one into the other and back."""
    A, B = v["A"].copy(), v["B"].copy()
    inside = (slice(1, -1),) * A.ndim
    for _ in range(v["tsteps"]):
        B[inside] = sweep(A)
        A[inside] = sweep(B)
    return {"A": A, "B": B}


def heat_3d(v):
    def sweep(u):
        inside = (slice(1, -1),) * 3
        second = 0.0
        for axis in range(3):
            others = tuple(slice(None) if each == axis else slice(1, -1) for each in range(3))
            second = second + np.diff(u, 2, axis=axis)[others]
        return 0.125 * second + u[inside]

    return swept(v, sweep)


def jacobi_1d(v):
    return swept(v, lambda u: 0.33333 * np.convolve(u, np.ones(3), "valid"))


def jacobi_2d(v):
    def sweep(u):
        return 0.2 * (u[1:-1, 1:-1] + u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])

    return swept(v, sweep)


def floyd_warshall(v):
    lengths = v["path"].copy()
    np.fill_diagonal(lengths, np.minimum(np.diag(lengths), lengths.diagonal()))
    for _ in range(v["n"]):  # min-plus powers: paths of more and more steps
        through = (lengths[:, :, None] + lengths[None, :, :]).min(axis=1)
        lengths = np.minimum(lengths, through)
    return {"path": lengths}


def nussinov(v):
    seq = v["seq"].tolist()

    @cache
    def best(i: int, j: int) -> int:
        if i >= j:
            return 0
        pair = int(seq[i] + seq[j] == 3 and i < j - 1)
        splits = [best(i, k) + best(k + 1, j) for k in range(i, j)]
        return max(best(i + 1, j - 1) + pair, *splits)

    n = v["n"]
    return {"table": np.array([[best(i, j) for j in range(n)] for i in range(n)])}


FORMULAS = (
    gemm, gemver, gesummv, symm, syr2k, syrk, trmm, two_mm, three_mm, atax, bicg, doitgen, mvt,
    cholesky, durbin, gramschmidt, ludcmp, trisolv, correlation, covariance, fdtd_2d, heat_3d,
    jacobi_1d, jacobi_2d, floyd_warshall, nussinov,
)  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.__name__)
def test_loops_compute_what_the_formula_says(formula: Callable[[Values], Values]) -> None:
    before, after = before_and_after(formula.__name__)
    for name, expected in formula(before).items():
        np.testing.assert_allclose(after[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_factors_of_lu_multiply_to_the_matrix() -> None:
    before, after = before_and_after("lu")
    product = (np.tril(after["A"], -1) + np.eye(before["n"])) @ np.triu(after["A"])
    np.testing.assert_allclose(product, before["A"], rtol=1e-10)


def test_seidel_updates_each_point_from_neighbours_old_and_new() -> None:
    before, after = before_and_after("seidel_2d")
    grid = before["A"]
    for _ in range(before["tsteps"]):
        for i, j in itertools.product(range(1, before["n"] - 1), repeat=2):
            grid[i, j] = grid[i - 1 : i + 2, j - 1 : j + 2].sum() / 9.0
    np.testing.assert_allclose(after["A"], grid, rtol=1e-12)


def test_directions_of_adi_solve_their_tridiagonal_systems() -> None:
    # The last half step: rows of u solve (1 + mul2) u_j + d (u_{j-1} + u_{j+1}) = right side of v.
    before, after = before_and_after("adi")
    n, steps = before["n"], before["tsteps"]
    step = 1.0 / steps * n * n
    a, d = -step, -step / 2.0
    u, v = after["u"], after["v"]
    assert (u[1:-1, [0, -1]] == 1.0).all()
    left = d * u[1:-1, :-2] + (1.0 + step) * u[1:-1, 1:-1] + d * u[1:-1, 2:]
    right = -a * v[:-2, 1:-1] + (1.0 + 2.0 * a) * v[1:-1, 1:-1] - a * v[2:, 1:-1]
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


def test_deriche_is_linear_and_treats_both_ends_as_its_recursion_does() -> None:
    kernel = NAMED["deriche"]
    _, once = before_and_after("deriche")
    arguments = list(kernel.arguments())
    arguments[3] = 4.0 * arguments[3]
    kernel.function(*arguments)
    np.testing.assert_allclose(arguments[4], 4.0 * once["out"], rtol=1e-12)
    a, k = 0.25, np.exp(-0.25)
    gain = (1 - k) ** 2 / (1 + 2 * a * k - np.exp(2 * a))
    point = np.zeros((1, 1))
    kernel.function(1, 1, a, np.ones((1, 1)), point, np.zeros((1, 1)), np.zeros((1, 1)))
    np.testing.assert_allclose(point, gain * gain)


def test_there_are_thirty_kernels_and_every_one_is_checked() -> None:
    assert len(KERNELS) == len(NAMED) == 30
    checked = {formula.__name__ for formula in FORMULAS} | {"lu", "seidel_2d", "adi", "deriche"}
    assert checked == set(NAMED)


# ------------------------------------------------------------------- autopar


@each_kernel
def test_autopar_gives_the_same_bits(kernel: Kernel, request: pytest.FixtureRequest) -> None:
    decorated = same(kernel.function, kernel.arguments, cache=False)
    if kernel.name in {"gemm", "jacobi_2d", "covariance"}:
        assert "cpu" in places(decorated)  # not all of this may be the interpreter's
    if request.config.getoption("--update-cases"):
        write_orders(kernel.name, orders_of(decorated))
    assert golden_orders()[kernel.name] == orders_of(decorated)


# What becomes of each loop: where its nest ran, its verdict as written, what was done to it.
ORDERS = Path(__file__).with_name("polybench_orders.txt")


def orders_of(decorated: Any) -> list[str]:
    """Return a line for each loop of the last run, in the order of the source."""
    return [
        f"{'    ' * loop['depth']}{loop['header']}: {loop['verdict']}"
        f"{' -> ' if loop['transform'] else ''}{', '.join(loop['transform'])}"
        f"{'' if loop.get('ran', {}).get('backend') == 'cpu' else '  (interpreter)'}"
        for loop in loops_of(decorated.last_run)
    ]


def golden_orders() -> dict[str, list[str]]:
    """Return the lines for each kernel as they are to be."""
    found: dict[str, list[str]] = {}
    if ORDERS.exists():
        for part in ORDERS.read_text(encoding="utf-8").split("\n\n"):
            name, *lines = part.rstrip("\n").split("\n")
            found[name.strip("[]")] = lines
    return found


def write_orders(name: str, lines: list[str]) -> None:
    """Put the lines for one kernel into the table."""
    found = {**golden_orders(), name: lines}
    parts = ("\n".join([f"[{each}]", *found[each]]) for each in NAMED if each in found)
    ORDERS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


@each_kernel
def test_no_order_of_a_loop_said_to_be_parallel_tells(kernel: Kernel) -> None:
    source = inspect.getsource(kernel.function)
    (report,) = autopar.explain(kernel.function).to_dict()["functions"]
    first = inspect.getsourcelines(kernel.function)[1]
    for loop in report["loops"]:
        if loop["verdict"] == "parallel":
            column = int(loop["id"].rpartition("C")[2])
            claim = Claim(
                line=loop["line"] - first + 1, column=column, private=tuple(loop["private"])
            )
            assert first_difference(source, kernel.arguments(), claim) is None, loop["id"]
