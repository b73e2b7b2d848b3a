"""What must hold of whole programs on a device.

Run by tests/gpu on a device and by test_device_programs.py in the simulator; neither finds this
file by itself. Sizes are those of the simulator, where a thread is a thread of Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autopar
from autopar.codegen import cudalib, device_copies
from autopar.codegen.canonical import FEWEST_TERMS, FLAT
from tests.autopar import test_reductions as kernels
from tests.canonical_order import small_shapes, total
from tests.sameness import freeze, loops_of, same

BACKEND = "cuda"


def taken(function: Any, **options: Any) -> Any:
    """Return `function` on the device, its kernels made anew."""
    return autopar.parallel(function, backend=BACKEND, cache=False, **options)


def ran_there(function: Any) -> bool:
    """Return whether all of the last call ran on the device."""
    loops = loops_of(function.last_run)
    return bool(loops) and {BACKEND} == {each["ran"]["backend"] for each in loops if each["ran"]}


def floats(count: int, dtype: str = "float64") -> Any:
    return kernels.floats(count, dtype)


def whole(count: int, dtype: str = "int64") -> Any:
    return (np.arange(count) * 7919 % 1009 - 500).astype(dtype)


# -------------------------------------------------------------------------------- reductions


def test_a_long_sum_has_the_canonical_order_and_says_so():
    a = floats(FEWEST_TERMS + 77)
    function = taken(kernels.add)
    found = function(a, np.float64(0.7))
    assert freeze(total(list(a), np.float64(0.7), FLAT)) == freeze(found)
    (loop,) = loops_of(function.last_run)
    assert BACKEND == loop["ran"]["backend"]
    assert "another order" in loop["ran"]["note"]


def test_a_short_sum_has_the_order_of_the_interpreter():
    a = floats(300)
    same(kernels.add, lambda: (a, np.float64(0.3)), BACKEND, ran="cpu", cache=False)


def test_strict_keeps_the_order_of_the_interpreter():
    with small_shapes():
        a = floats(100)
        function = taken(kernels.add, strict=True)
        assert freeze(kernels.add(a, np.float64(0.3))) == freeze(function(a, np.float64(0.3)))


def test_a_sum_in_small_blocks():
    with small_shapes() as shape:
        function = taken(kernels.add)
        for count, dtype in ((1, "float64"), (8, "float64"), (70, "float64"), (37, "float32")):
            a = floats(count, dtype)
            wanted = total(list(a), a.dtype.type(0.3), shape)
            assert freeze(wanted) == freeze(function(a, 0.3))
            assert ran_there(function)


EXACT: dict[str, tuple[Any, Any]] = {
    "largest": (kernels.largest, lambda: (floats(50), -1e9)),
    "smallest, flipped": (kernels.last_smallest, lambda: (floats(50), np.float64(1e9))),
    "with nan": (kernels.numpy_largest, lambda: (np.array([1.0, np.nan, 2.0] * 9), 0.0)),
    "zeros": (kernels.smallest, lambda: (np.array([0.0, -0.0, 0.0] * 9), 1.0)),
    "bits": (kernels.odd_bits, lambda: (whole(50), np.int64(3))),
    "all": (kernels.all_true, lambda: (whole(50) != 1, np.True_)),
    "any": (kernels.any_true, lambda: (whole(50) == 7, np.False_)),
    "count": (kernels.count, lambda: (whole(50), 0)),
    "count in rows": (kernels.count_in_rows, lambda: (floats(60).reshape(12, 5), 0)),
    "wraps": (kernels.add, lambda: (np.full(50, 2**62), np.int64(7))),
    "narrow": (kernels.add, lambda: (whole(50, "int32"), np.int32(3))),
    "argmax": (kernels.place_of_largest, lambda: (np.tile(floats(20), 3), -1e9, -1)),
    "several": (
        kernels.count_and_largest,
        lambda: (floats(50), whole(50), 0, np.float64(-1e9)),
    ),
    "stores": (kernels.largest_stored, lambda: (floats(50), np.zeros(50), -1e9)),
    "python": (kernels.python_sum, lambda: (50, 3)),
    "none": (kernels.largest, lambda: (floats(0), 5)),
}


@pytest.mark.parametrize("name", EXACT)
def test_what_no_order_changes_is_what_the_interpreter_gives(name):
    function, arguments = EXACT[name]
    with small_shapes(), np.errstate(all="ignore"):
        decorated = taken(function)
        wanted, found = arguments(), arguments()
        assert freeze(function(*wanted)) == freeze(decorated(*found))
        assert freeze(wanted) == freeze(found)
        assert ran_there(decorated) or name in {"none"}


# ----------------------------------------------------------- private rows, histograms, scans


def buffered(a, out, row):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            row[j] = a[i, j] * 2.0
        for j in range(a.shape[1] - 1):
            out[i, j] = row[j] - row[j + 1]


def made(a, out):
    for i in range(a.shape[0]):
        w = np.zeros(3)
        for k in range(3):
            w[k] = a[i] * k
        out[i] = w[0] + w[1] * w[2]


def counted(h, k):
    for i in range(k.shape[0]):
        h[k[i]] += 1


def weighed(h, k, w):
    c = 0
    for i in range(k.shape[0]):
        h[k[i]] += w[i]
        if w[i] > 3:
            c += 1
    return c


def running(a, out):
    s = 0
    for i in range(a.shape[0]):
        s += a[i]
        out[i] = s
    return s


def compacted(a, out):
    k = 0
    for i in range(a.shape[0]):
        if a[i] > 0:
            out[k] = a[i]
            k += 1
    return k


def shifted(a, b):
    for i in range(a.shape[0] - 1):
        a[i] = a[i + 1] + b[i]


def last(a, t):
    for i in range(a.shape[0]):
        if a[i] > 0:
            t = a[i] * 2.0
    return t


def normalised(a, tolerance):
    turns = 0
    while turns < 20:
        s = 0.0
        for i in range(a.shape[0]):
            s += a[i] * a[i]
        if s < tolerance:
            break
        for i in range(a.shape[0]):
            a[i] *= 0.5
        turns += 1
    return turns


def aligned(h, x, y):
    for i in range(1, h.shape[0]):
        for j in range(1, h.shape[1]):
            s = 2.0 if x[i - 1] == y[j - 1] else -1.0
            v = max(0.0, h[i - 1, j - 1] + s)
            v = max(v, h[i - 1, j] - 1.0)
            h[i, j] = max(v, h[i, j - 1] - 1.0)


def relaxed(u, tolerance):
    turns = 0
    change = tolerance + 1.0
    while change > tolerance:
        change = 0.0
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                new = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
                u[i, j] = new
        for i in range(1, u.shape[0] - 1):
            change = max(change, abs(u[i, 2] - 0.25 * (u[i - 1, 2] + u[i + 1, 2])))
        turns += 1
        if turns == 3:
            break
    return turns


PROGRAMS: dict[str, tuple[Any, Any]] = {
    "private row": (
        buffered,
        lambda: (floats(30).reshape(6, 5), np.zeros((6, 5)), np.full(7, 9.0)),
    ),
    "made in the loop": (made, lambda: (floats(20), np.zeros(20))),
    "histogram": (counted, lambda: (whole(9), whole(50) % 9)),
    "weights": (weighed, lambda: (whole(9), whole(50) % 9, whole(50))),
    "wrapping weights": (
        weighed,
        lambda: (np.full(3, 2**62), whole(9) % 3, np.full(9, 2**61)),
    ),
    "scan": (running, lambda: (whole(50), np.zeros(50, int))),
    "compacted": (compacted, lambda: (floats(50), np.zeros(50))),
    "shifted": (shifted, lambda: (floats(200), floats(200))),
    "last value": (last, lambda: (floats(50), 0.5)),
    "rows side by side": (
        aligned,
        lambda: (np.zeros((8, 12)), whole(7) % 3, whole(11) % 3),
    ),
    "rows, turn by turn": (relaxed, lambda: (floats(70).reshape(7, 10), 1e-9)),
    "none last": (last, lambda: (-abs(floats(50)), 0.5)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_end_as_in_the_interpreter(name):
    function, arguments = PROGRAMS[name]
    with small_shapes(), np.errstate(all="ignore"):
        decorated = taken(function)
        wanted, found = arguments(), arguments()
        assert freeze(function(*wanted)) == freeze(decorated(*found))
        assert freeze(wanted) == freeze(found)
        assert ran_there(decorated)


def test_a_loop_of_the_host_asks_the_sum_of_each_turn():
    decorated = taken(normalised)
    wanted, found = floats(40), floats(40)
    assert normalised(wanted, 0.01) == decorated(found, 0.01)
    assert freeze(wanted) == freeze(found)
    assert ran_there(decorated)


def buffered_sum(a, row, s):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            row[j] = a[i, j] * 3
        for j in range(a.shape[1]):
            s += row[j] * row[a.shape[1] - 1 - j]
    return s


@pytest.mark.parametrize("function", [buffered, buffered_sum])
def test_more_iterations_than_copies_are_several_launches(function, monkeypatch):
    monkeypatch.setattr(device_copies, "MOST_COPIES", 1)
    launched, launch = [], cudalib.launch

    def counting(kernel, *others):
        launched.append(kernel)
        return launch(kernel, *others)

    monkeypatch.setattr(cudalib, "launch", counting)
    rows = whole(270).reshape(90, 3)
    others = (np.zeros((90, 3)), np.full(5, 9.0)) if function is buffered else (np.full(5, 9), 7)
    with small_shapes():
        decorated = taken(function)
        wanted, found = ([rows, *(np.copy(each) for each in others)] for _ in range(2))
        if function is buffered_sum:
            wanted[2], found[2] = 7, 7
        assert freeze(function(*wanted)) == freeze(decorated(*found))
        assert freeze(wanted) == freeze(found)
        assert ran_there(decorated)
    assert len(launched) > 1
