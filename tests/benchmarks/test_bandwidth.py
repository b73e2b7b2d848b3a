"""The table of bandwidths: compulsory bytes are those that the loops touch."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import bandwidth, best_c, memory_bound
from benchmarks.bandwidth import COMPULSORY, Bandwidth, Moved
from benchmarks.harness import check_equal, outputs
from benchmarks.kernels import KERNELS


class Noting:
    """An array that notes which of its cells are read and written."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape
        self.read, self.written = set(), set()

    def __getitem__(self, index):
        self.read.add(index)
        return self.array[index]

    def __setitem__(self, index, value):
        self.written.add(index)
        self.array[index] = value


@pytest.mark.parametrize("name", COMPULSORY)
@pytest.mark.parametrize("size", [7, 12])
def test_compulsory_bytes_are_the_cells_that_the_loops_touch(name, size):
    kernel = next(each for each in KERNELS if each.name == name)
    given = kernel.arguments(size, np.random.default_rng(0))
    arguments = [Noting(each) if isinstance(each, np.ndarray) else each for each in given]
    kernel.plain(*arguments)
    arrays = [each for each in arguments if isinstance(each, Noting)]
    cells = sum(each.array.itemsize * (len(each.read) + len(each.written)) for each in arrays)
    assert cells == COMPULSORY[name](size)


def moved(kernel: str, share: float, *, is_strided: bool = False) -> Moved:
    return Moved(
        kernel=kernel, size=10, size_bytes=160, seconds=1e-6, share=share, by_hand_share=0.5,
        is_strided=is_strided, c_share=0.75, c_way="stream", copies={"copy, numpy": 2e9},
    )  # fmt: skip


@pytest.mark.skipif(not best_c.forms("copy"), reason="no C compiler")
@pytest.mark.parametrize("name", COMPULSORY)
def test_kernels_in_c_give_the_bits_of_the_loops(name):
    kernel = next(each for each in KERNELS if each.name == name)
    forms = best_c.forms(name)
    assert "plain" in forms
    for size in (3, 8, 19, 67, 130)[: 4 if kernel.sizes.rank == 3 else 5]:
        arguments = kernel.arguments(size, np.random.default_rng(size))
        expected = outputs(kernel, kernel.plain, arguments)
        for way, form in forms.items():
            check_equal(kernel, way, expected, outputs(kernel, form, arguments))


def test_without_a_c_compiler_there_are_no_forms(monkeypatch):
    monkeypatch.setenv("PATH", "")
    best_c.library.cache_clear()
    assert {} == best_c.forms("copy")
    best_c.library.cache_clear()


def test_kernels_are_measured_in_pieces_that_add_up(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_bound, "moved", lambda kernel, *_, **__: moved(kernel.name, 0.9))
    path = tmp_path / "found.json"
    for name in ("saxpy", "integers"):
        memory_bound.main(["--quick", "--only", name, "--json", str(path), "--resume"])
    assert ["saxpy", "integers"] == [each.kernel for each in memory_bound.kept(path)]


def test_strided_kernels_are_shown_but_not_held_to_the_bar():
    found = Bandwidth(
        copies={"copy, numpy": 2e9},
        moved=(moved("a", 0.9), moved("b", 0.3, is_strided=True), moved("c", 0.8)),
    )
    assert 0.8 == found.slowest
    assert ("b (strided)", "0", "0.2", "30 %", "50 %", "75 % (stream)") in bandwidth.rows(found)


def test_one_kernel_is_measured_beside_the_copies(monkeypatch):
    monkeypatch.setattr(bandwidth, "COPIED", 1000)
    found = bandwidth.measure(frozenset(("saxpy",)), 1, quick=True)
    (saxpy,) = found.moved
    assert 24 * saxpy.size == saxpy.size_bytes
    assert saxpy.share == pytest.approx(saxpy.bytes_per_s / max(found.copies.values()))
