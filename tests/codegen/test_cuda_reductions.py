"""Reduced loops as trees on a device: the bits of the CPU, kernels that compile, what they look like.

Twins run real threads that wait for one another, in blocks in a shuffled order.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autopar.analysis.model.typed import FAILURES
from autopar.codegen import device_trees
from autopar.codegen.cpu import generate_cpu
from autopar.codegen.cuda import generate_cuda, lacking
from autopar.codegen.device_trees import Bins
from autopar.codegen.passes import with_passes
from autopar.codegen.ptx import compile_to_ptx
from tests.autopar import test_reductions as kernels
from tests.canonical_order import small_shapes
from tests.codegen.cuda_builders import Case, passed, program_of
from tests.codegen.plain import load_plain
from tests.codegen.twin import TwinLauncher, load_twin
from tests.launchers import SerialLauncher

MANY = 8 * 4 * 4 + 13  # more than one block of threads folds, in small shapes


def total(a, s):
    for i in range(a.shape[0]):
        s = s + a[i]
    return {"s": s}


def stepped(a, s):
    for i in range(a.shape[0] - 1, 1, -3):
        s = s * a[i]
    return {"s": s}


def last_square(a, b, s):
    for i in range(a.shape[0]):
        t = a[i] * a[i]
        b[i] = t
        s += t
    return {"s": s, "t": t}


def triangle(a, s):
    for i in range(a.shape[0]):
        for j in range(i, a.shape[1]):
            s += a[i, j]
        s -= a[i, 0]
    return {"s": s}


def extrema(a, m, k, low):
    for i in range(a.shape[0]):
        if a[i] > m:
            m = a[i]
            k = i
        low = min(low, a[i])
    return {"m": m, "k": k, "low": low}


def place_and_sum(a, m, k, s):
    for i in range(a.shape[0]):
        if a[i] >= m:
            m = a[i]
            k = i
        s += a[i]
    return {"m": m, "k": k, "s": s}


def bits_of_integers(a, s, o, e):
    for i in range(a.shape[0]):
        s &= a[i]
        o |= a[i]
        e ^= a[i]
    return {"s": s, "o": o, "e": e}


def flags(a, every, some, c):
    for i in range(a.shape[0]):
        every = every and a[i] > -100
        some = some or a[i] == 7
        c += a[i] > 0
    return {"every": every, "some": some, "c": c}


def numpy_extrema(a, m, low):
    for i in range(a.shape[0]):
        m = np.maximum(m, a[i])
        low = np.minimum(a[i], low)
    return {"m": m, "low": low}


def stored_extremum(a, b, m):
    for i in range(a.shape[0]):
        b[i] = a[i]
        m = max(m, a[i])
    return {"m": m}


def kept(a, t):
    for i in range(a.shape[0]):
        if a[i] > 0:
            t = a[i] * 2.0
    return {"t": t}


def sums_in_steps(a, b, steps, s):
    for step in range(steps):
        for i in range(a.shape[0]):
            b[i] = b[i] + 0.1 * a[i]
        s = 0.0
        for i in range(a.shape[0]):
            s += b[i] * step
    return {"s": s}


def divided(n, k, s):
    for i in range(n):
        s += 1.0 / (i - k)
    return {"s": s}


def grown(n, k, s):
    for i in range(n):
        s += i * k
    return {"s": s}


def buffered(a, out, row, n, m):
    for i in range(n):
        for j in range(m):
            row[j] = a[i, j] * 2.0
        for j in range(m - 1):
            out[i, j] = row[j] - row[j + 1]


def filled(a, out, row, n):
    for i in range(n):
        row[1] = a[i]
        row[3] = a[i] * 0.5
        out[i] = row[0] + row[1] * row[2] + row[3]


def buffer_of_pairs(a, out, row, n, m):
    for i in range(n):
        for j in range(m):
            row[0] = a[i, j]
            row[1] = a[j, i]
            out[i, j] = row[0] - row[1]


def own_buffer(a, out, n):
    for i in range(n):
        w = np.zeros(3)
        for k in range(3):
            w[k] = a[i] * k
        out[i] = w[0] + w[1] + w[2]


def buffered_sum(a, row, s, n, m):
    for i in range(n):
        for j in range(m):
            row[j] = a[i, j] * 0.3
        for j in range(m):
            s += row[j] * row[m - 1 - j]
    return {"s": s}


def floats(count, dtype="float64"):
    return kernels.floats(count, dtype)


def whole(count, dtype="int64"):
    return (np.arange(count) * 7919 % 1009 - 500).astype(dtype)


CASES: dict[str, tuple[Any, Any]] = {
    "sum": (total, lambda: {"a": floats(MANY), "s": 0.3}),
    "sum of singles": (total, lambda: {"a": floats(MANY, "float32"), "s": np.float32(0.3)}),
    "sum of one": (total, lambda: {"a": floats(1), "s": 0.3}),
    "sum of none": (total, lambda: {"a": floats(0), "s": np.float64(0.3)}),
    "sum of int32": (total, lambda: {"a": whole(MANY, "int32"), "s": np.int32(3)}),
    "sum of uint8": (total, lambda: {"a": whole(MANY, "uint8"), "s": np.uint8(3)}),
    "wrapped": (total, lambda: {"a": whole(MANY, "int8"), "s": np.int8(0)}),
    "overflown": (total, lambda: {"a": np.full(MANY, 1e308), "s": 0.0}),
    "product down": (stepped, lambda: {"a": 1 + floats(MANY) * 1e-6, "s": 0.3}),
    "last beside": (last_square, lambda: {"a": floats(77), "b": np.zeros(77), "s": 0.0}),
    "triangle": (triangle, lambda: {"a": floats(23 * 23).reshape(23, 23), "s": 1.0}),
    "argmax": (extrema, lambda: {"a": np.tile(floats(40), 3), "m": -1e9, "k": -1, "low": 1e9}),
    "argmax of nan": (
        extrema,
        lambda: {"a": np.array([np.nan, 1, np.nan, 3, 3] * 9), "m": 1.0, "k": -1, "low": 0.5},
    ),
    "last maximum": (
        place_and_sum,
        lambda: {"a": np.tile(floats(40), 3), "m": -1e9, "k": -1, "s": 0.0},
    ),
    "bits": (bits_of_integers, lambda: {"a": whole(MANY), "s": -1, "o": 0, "e": 5}),
    "flags": (flags, lambda: {"a": whole(MANY), "every": np.True_, "some": np.False_, "c": 0}),
    "numpy": (numpy_extrema, lambda: {"a": floats(MANY), "m": -1e9, "low": 1e9}),
    "both zeros": (numpy_extrema, lambda: {"a": np.array([0.0, -0.0] * 20), "m": -1.0, "low": 1.0}),
    "stored": (
        stored_extremum,
        lambda: {"a": np.array([-0.0, 0.0] * 20), "b": np.zeros(40), "m": -1.0},
    ),
    "kept": (kept, lambda: {"a": floats(MANY), "t": 0.5}),
    "kept none": (kept, lambda: {"a": -abs(floats(MANY)), "t": 0.5}),
    "steps": (sums_in_steps, lambda: {"a": floats(40), "b": floats(40), "steps": 3, "s": 0.0}),
    "fails": (divided, lambda: {"n": 60, "k": 50, "s": 0.0}),
    "outgrows": (grown, lambda: {"n": 60, "k": 2**57, "s": 0}),
}

COPIES: dict[str, tuple[Any, Any]] = {
    "row": (
        buffered,
        lambda: {
            "a": floats(30).reshape(6, 5), "out": np.zeros((6, 5)), "row": np.full(7, 9.0),
            "n": 6, "m": 5,
        },
    ),
    "filled": (
        filled, lambda: {"a": floats(9), "out": np.zeros(9), "row": np.arange(5.0), "n": 9},
    ),
    "pairs": (
        buffer_of_pairs,
        lambda: {
            "a": floats(36).reshape(6, 6), "out": np.zeros((6, 6)), "row": np.ones(2),
            "n": 6, "m": 6,
        },
    ),
    "made": (own_buffer, lambda: {"a": floats(9), "out": np.zeros(9), "n": 9}),
    "sum": (
        buffered_sum,
        lambda: {
            "a": floats(45).reshape(9, 5), "row": np.full(6, 4.0), "s": 0.3, "n": 9, "m": 5,
        },
    ),
}  # fmt: skip


def program_for(name):
    function, arguments = (CASES | {f"private {key}": each for key, each in COPIES.items()})[name]
    return program_of(Case(function=function, arguments=arguments), may_copy=True)


def run(module, launcher, program, values):
    """Return the failures, the results and the arrays after a run, as bits."""
    status, *found = module.run(launcher, *passed(program, values))
    arrays = tuple(values[each.name].tobytes() for each in program.given_arrays)
    failed = status & FAILURES
    return (
        failed,
        arrays,
        None
        if failed
        else [repr(getattr(each, "tolist", lambda each=each: each)()) for each in found],
    )


@pytest.mark.parametrize("name", CASES)
def test_a_tree_gives_the_bits_of_the_cpu(name):
    with small_shapes():
        program = program_for(name)
        assert lacking(program) is None
        source = generate_cuda(program)
        cpu = load_plain(generate_cpu(program))
    twin = load_twin(source)
    launcher = TwinLauncher(twin.cuda, seed=3)
    with np.errstate(all="ignore"):
        wanted = run(cpu, SerialLauncher(), program, CASES[name][1]())
        found = run(twin, launcher, program, CASES[name][1]())
    assert launcher.trees or name == "sum of none"
    if wanted[0]:  # the device leaves all as it was
        assert wanted[0] == found[0]
        return
    assert wanted == found


def test_what_must_run_in_order_does():
    for name, in_order in (("wrapped", 1), ("both zeros", 1), ("overflown", 1), ("sum", 0)):
        with small_shapes():
            program = program_for(name)
            twin = load_twin(generate_cuda(program))
        launcher = TwinLauncher(twin.cuda)
        run(twin, launcher, program, CASES[name][1]())
        assert (1, in_order) == (launcher.trees, launcher.in_order), name


@pytest.mark.parametrize("name", CASES)
def test_trees_compile_to_what_they_should(name):
    program = program_for(name)
    texts = compile_to_ptx(generate_cuda(program), program)
    assert any(each.startswith("reduce") for each in texts)
    for kernel, text in texts.items():
        assert ".target sm_90" in text
        assert "fma." not in text
        assert not re.search(r"\bcall\b", text)
        assert ".local" not in text
        assert ("bar.sync" in text) == kernel.startswith("reduce")


def test_lanes_read_neighbouring_elements():
    source = generate_cuda(program_for("sum"))
    assert "i_first = i_block + lane\n" in source
    assert "for i in range(i_first, i_end, 128):" in source


def test_lanes_are_those_of_the_canonical_order():
    source = generate_cuda(program_for("sum"))
    assert "i_block = i_lower + 2048 * np.int64(block)" in source
    assert "threads=128,\n    iterations=2048," in source


# ------------------------------------------------------------------------- private arrays


@pytest.mark.parametrize("name", COPIES)
def test_threads_work_on_copies_and_the_last_one_stores_its_own(name):
    arguments = COPIES[name][1]
    with small_shapes():
        program = program_for(f"private {name}")
        assert lacking(program) is None
        twin = load_twin(generate_cuda(program))
        cpu = load_plain(generate_cpu(program))
    launcher = TwinLauncher(twin.cuda, seed=5)
    wanted = run(cpu, SerialLauncher(), program, arguments())
    assert wanted == run(twin, launcher, program, arguments())
    assert launcher.copied or launcher.trees


@pytest.mark.parametrize("name", COPIES)
def test_copies_of_neighbours_lie_side_by_side(name):
    program = program_for(f"private {name}")
    texts = compile_to_ptx(generate_cuda(program), program)
    for text in texts.values():
        assert ".local" not in text
        assert not re.search(r"\bcall\b", text)


# ------------------------------------------------------------------------------ histograms


def counted(h, k, n):
    for i in range(n):
        h[k[i]] += 1


def weighed(h, k, w, c, n):
    for i in range(n):
        h[k[i]] -= w[i]
        if w[i] > 3:
            c += 1
    return {"c": c}


def marked(h, k, w, n):
    for i in range(n):
        h[k[i], 1] |= w[i]


def deepest(h, k, w, n, m):
    for i in range(n):
        for j in range(m):
            h[k[i] + j] = min(h[k[i] + j], w[i] - j)


def _places(count, limit):
    return np.arange(count) * 7919 % 1009 % limit


CELLS: dict[str, tuple[Any, Any]] = {
    "ones": (counted, lambda: {"h": whole(9), "k": _places(70, 9), "n": 70}),
    "ends": (counted, lambda: {"h": whole(9, "int32"), "k": _places(70, 9) - 9, "n": 70}),
    "outside": (counted, lambda: {"h": whole(9), "k": _places(70, 10), "n": 70}),
    "weights": (
        weighed,
        lambda: {"h": whole(9), "k": _places(70, 9), "w": whole(70), "c": 0, "n": 70},
    ),
    "unsigned": (
        marked,
        lambda: {
            "h": np.zeros((9, 2), "uint32"), "k": _places(70, 9), "w": whole(70, "uint32"), "n": 70,
        },
    ),
    "rows": (
        deepest,
        lambda: {"h": whole(12), "k": _places(20, 9), "w": whole(20), "n": 20, "m": 3},
    ),
    "wraps": (
        weighed,
        lambda: {
            "h": np.full(3, 2**62), "k": _places(9, 3), "w": np.full(9, -(2**61)), "c": 0, "n": 9,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_threads_add_into_the_same_elements(name):
    function, arguments = CELLS[name]
    with small_shapes():
        program = program_of(Case(function=function, arguments=arguments))
        source = generate_cuda(program)
    assert "cuda.atomic." in source
    twin = load_twin(source)
    cpu = load_plain(generate_cpu(program))
    launcher = TwinLauncher(twin.cuda, seed=7)
    with np.errstate(all="ignore"):
        wanted = run(cpu, SerialLauncher(), program, arguments())
        found = run(twin, launcher, program, arguments())
    assert (1, int(name == "wraps")) == (launcher.trees, launcher.in_order)
    if wanted[0]:
        unchanged = tuple(arguments()[each.name].tobytes() for each in program.given_arrays)
        assert (wanted[0], unchanged, None) == found
        return
    assert wanted == found


@pytest.mark.parametrize("name", CELLS)
def test_atomic_updates_compile(name):
    function, arguments = CELLS[name]
    program = program_of(Case(function=function, arguments=arguments))
    texts = compile_to_ptx(generate_cuda(program), program)
    assert re.search(r"\b(atom|red)\.global", texts["reduce0"])
    for text in texts.values():
        assert ".local" not in text
        assert not re.search(r"\bcall\b", text)


# -------------------------------------------------------------- counts of blocks of threads


def image(h, p, w, n, m):
    for i in range(n):
        for j in range(m):
            h[p[i, j]] += w[j]


def two(h, g, k, n):
    for i in range(2, n, 3):
        b = k[i] // 2
        g[b, k[i] % 3] |= 1 << k[i]
        h[k[i]] += 2


def triangle_of_differences(h, x, n):
    for i in range(n):
        for j in range(i, n):
            d = x[j] - x[i]
            h[d * d] -= 1


def smallest(h, k, w, n):
    for i in range(n):
        h[k[i]] = min(h[k[i]], w[i])


def common(h, k, w, n):
    for i in range(n):
        h[k[i]] &= w[i]


BINS: dict[str, tuple[Any, Any]] = {
    **{name: CELLS[name] for name in ("ends", "outside")},
    "image": (
        image,
        lambda: {"h": whole(9), "p": _places(77, 9).reshape(7, 11), "w": whole(11), "n": 7, "m": 11},
    ),
    "few rows": (
        image,
        lambda: {
            "h": whole(9), "p": _places(100, 9).reshape(2, 50), "w": whole(50), "n": 2, "m": 50,
        },
    ),
    "no columns": (
        image,
        lambda: {"h": whole(9), "p": np.zeros((70, 0), int), "w": whole(0), "n": 70, "m": 0},
    ),
    "beyond 32 bits": (
        image,
        lambda: {
            "h": whole(3), "p": np.zeros((40, 5), int), "w": whole(5) << 30, "n": 40, "m": 5,
        },
    ),
    "two": (
        two,
        lambda: {
            "h": whole(9), "g": np.zeros((5, 3), "int32"), "k": _places(200, 9).astype("int32"),
            "n": 200,
        },
    ),
    "triangle": (triangle_of_differences, lambda: {"h": whole(50), "x": _places(30, 7), "n": 30}),
    **{
        each.__name__: (
            each,
            lambda: {
                "h": whole(9, "int32"), "k": _places(70, 9), "w": whole(70, "int32") * 7, "n": 70,
            },
        )
        for each in (smallest, common)
    },
}  # fmt: skip


def few_to_a_block(monkeypatch):
    """Let blocks take few iterations, and let them count few of them by themselves."""
    monkeypatch.setattr(device_trees, "LEAST_TERMS", 16)
    monkeypatch.setattr(device_trees, "FEWEST_TO_A_BIN", 1)


@pytest.mark.parametrize("name", BINS)
def test_blocks_count_by_themselves(name, monkeypatch):
    few_to_a_block(monkeypatch)
    function, arguments = BINS[name]
    with small_shapes():
        program = program_of(Case(function=function, arguments=arguments))
        twin = load_twin(generate_cuda(program))
    cpu = load_plain(generate_cpu(program))
    launcher = TwinLauncher(twin.cuda, seed=7)
    with np.errstate(all="ignore"):
        wanted = run(cpu, SerialLauncher(), program, arguments())
        found = run(twin, launcher, program, arguments())
    assert int(name != "no columns") == launcher.binned
    assert 0 == launcher.in_order
    assert wanted[0] == found[0]
    assert wanted[0] or wanted == found


def test_counts_of_blocks_are_those_of_shared_memory():
    for name in ("image", "two"):
        function, arguments = BINS[name]
        program = program_of(Case(function=function, arguments=arguments))
        text = compile_to_ptx(generate_cuda(program), program)["reduce0_bins"]
        assert re.search(r"\b(atom|red)\.shared\.\w+(\.\w+)?\b", text)
        # What has 64 bits would be a loop of comparisons.
        assert not re.search(r"\batom\.shared\.\w+\.[a-z]64", text)
        assert ".local" not in text
        assert not re.search(r"\bcall\b", text)


def test_neighbouring_threads_read_neighbouring_elements_of_an_image():
    function, arguments = BINS["image"]
    source = generate_cuda(program_of(Case(function=function, arguments=arguments)))
    assert "for j in range(j_first + lane, j_end, 128):" in source


BINS_OF_ONES = Bins(kernel=None, positions=(0,), is_flat=True, largest=1, narrow=())


@pytest.mark.parametrize(
    ("bins", "trips", "wanted"),
    [
        (256, 1000, None),  # adding up the counts would be most of the work
        (256, 2048, (2048, 1, 1, 1024)),
        (256, 1 << 26, (1 << 15, 2048, 1, 1024)),
        (10_000, 1 << 16, (65_536, 1, 1, 40_000)),
        (12_288, 1 << 26, (49_165, 1365, 1, 48 << 10)),
        (12_289, 1 << 26, None),  # no room
    ],
)
def test_blocks_take_much_more_than_they_add_up(bins, trips, wanted):
    shares = BINS_OF_ONES.shares((np.zeros(bins),), trips, 0, 48 << 10)
    assert wanted == shares


def test_rows_are_cut_into_strips_where_they_are_few():
    bins = replace(BINS_OF_ONES, is_flat=False, largest=0)
    assert (1, 8, 256, 1024) == bins.shares((np.zeros(256),), 8, 1 << 26, 48 << 10)


def test_no_count_of_a_block_leaves_its_bits():
    bins = replace(BINS_OF_ONES, largest=2**16)
    assert (2**15 - 1, 33_555_457, 1, 36) == bins.shares((np.zeros(9),), 1 << 40, 0, 1 << 15)


def test_floats_are_added_in_order():
    arguments = {"h": floats(9), "k": _places(70, 9), "n": 70}
    program = program_of(Case(function=counted, arguments=lambda: arguments))
    assert "atomic.add" not in generate_cuda(program)


# ----------------------------------------------------------------------------------- scans


def running_sum(a, out, s, n):
    for i in range(n):
        s += a[i]
        out[i] = s
    return {"s": s}


def prefix(p, a, n):
    for i in range(1, n):
        p[i] = p[i - 1] + a[i]


def compacted(a, out, k, n):
    for i in range(n):
        if a[i] > 0:
            out[k] = a[i]
            k += 1
    return {"k": k}


def shifted(a, b, n):
    for i in range(n - 1):
        a[i] = a[i + 1] + b[i]


def stored_twice(a, b, n):
    for i in range(n - 2):
        a[i + 2] = b[i] - a[i + 2]
        a[i] = b[i] * 2


SCANS: dict[str, tuple[Any, Any]] = {
    "sum": (running_sum, lambda: {"a": floats(50), "out": np.zeros(50), "s": 0.5, "n": 50}),
    "integers": (running_sum, lambda: {"a": whole(50), "out": whole(50), "s": 3, "n": 50}),
    "none": (running_sum, lambda: {"a": whole(1), "out": whole(1), "s": 3, "n": 0}),
    "not finite": (
        running_sum,
        lambda: {"a": np.full(50, 1e308), "out": np.zeros(50), "s": 0.5, "n": 50},
    ),
    "prefix": (prefix, lambda: {"p": whole(50), "a": whole(50), "n": 50}),
    "compacted": (
        compacted,
        lambda: {"a": floats(50), "out": np.zeros(50), "k": np.int64(0), "n": 50},
    ),
    "shifted": (shifted, lambda: {"a": floats(200), "b": floats(200), "n": 200}),
    "stored twice": (stored_twice, lambda: {"a": floats(200), "b": floats(200), "n": 200}),
}


def program_in_passes(name):
    function, arguments = SCANS[name]
    return with_passes(program_of(Case(function=function, arguments=arguments)))


@pytest.mark.parametrize("name", SCANS)
def test_passes_over_blocks_give_the_bits_of_the_cpu(name):
    arguments = SCANS[name][1]
    with small_shapes():
        program = program_in_passes(name)
        source = generate_cuda(program)
        cpu = load_plain(generate_cpu(program))
    assert "in_order = " in source
    twin = load_twin(source)
    launcher = TwinLauncher(twin.cuda, seed=11)
    with np.errstate(all="ignore"):
        wanted = run(cpu, SerialLauncher(), program, arguments())
        assert wanted == run(twin, launcher, program, arguments())
    assert launcher.asked == (name not in {"shifted", "stored twice"})


@pytest.mark.parametrize("name", SCANS)
def test_passes_compile(name):
    program = program_in_passes(name)
    texts = compile_to_ptx(generate_cuda(program), program)
    assert {"launch0", "launch1"} <= set(texts)
    for text in texts.values():
        assert "fma." not in text
        assert not re.search(r"\bcall\b", text)
