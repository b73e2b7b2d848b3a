"""Arguments that share memory: analysed at the call as one base, and run all the same."""

from __future__ import annotations

import math
import mmap
import threading

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import autopar
from autopar.analysis.stages import plan_region
from tests.sameness import loops_of, notes, places, same


def copy(a, b):
    for i in range(b.shape[0]):
        b[i] = a[i] + 1.0


def copy_back(b, a):
    for i in range(b.shape[0]):
        b[i] = a[i] + 1.0


def gather(a, b, n):
    for i in range(n):
        b[i] = a[2 * i] - 0.5


def smooth(u, v):
    for i in range(1, v.shape[0] - 1):
        for j in range(1, v.shape[1] - 1):
            v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


def turn(u, v):
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            v[i, j] = u[i, j] * 2.0


def rows(u, v):
    for i in range(v.shape[0]):
        s = 0.0
        for j in range(u.shape[1]):
            s += u[i, j]
        v[i] = s


def flat(a, v):
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            v[i, j] = a[i] + a[j]


def three(a, b, c):
    for i in range(c.shape[0]):
        c[i] = a[i] * b[i] + c[i]


def memory(n):
    return np.arange(n, dtype=np.float64) * 0.75 - 3.0


def views_of(size, first, second, *rest):
    """Return what makes two views of one vector, and what follows them."""

    def make():
        x = memory(size)
        return x[first], x[second], *rest

    return make


# What makes (first, second) from a vector of 60 elements.
VECTORS = {
    "the same": lambda x: (x, x),
    "one later": lambda x: (x[:-1], x[1:]),
    "one earlier": lambda x: (x[1:], x[:-1]),
    "far": lambda x: (x[:40], x[20:]),
    "halves that touch": lambda x: (x[:31], x[30:]),
    "reversed": lambda x: (x, x[::-1]),
    "both reversed": lambda x: (x[:-3][::-1], x[3:][::-1]),
    "every second": lambda x: (x[::2], x[:30]),
    "strides 2 and 3": lambda x: (x[:40:2], x[::3]),
    "even and odd": lambda x: (x[::2], x[1::2]),
    "strides that meet": lambda x: (x[:40:2], x[4:44:2]),
    "part of the other": lambda x: (x, x[10:20]),
    "one element": lambda x: (x[7:8], x[7:8]),
    "empty": lambda x: (x, x[60:]),
    "broadcast and read": lambda x: (as_strided(x[5:], (20,), (0,)), x[:20]),
    "broadcast and written": lambda x: (x[:20], as_strided(x[5:], (20,), (0,))),
    "windows": lambda x: (x[:9], sliding_window_view(x, 9, writeable=True)[3]),
}


@pytest.mark.parametrize("row", VECTORS)
@pytest.mark.parametrize("kernel", [copy, copy_back])
def test_vectors_of_one_base_run_compiled(row, kernel):
    def make():
        first, second = VECTORS[row](memory(60))
        n = min(first.size, second.size)
        return first[:n], second[:n]

    same(kernel, make, ran="cpu")


@pytest.mark.parametrize("row", VECTORS)
def test_subscripts_with_a_factor_on_one_base(row):
    def make():
        first, second = VECTORS[row](memory(60))
        return first, second, min((first.size + 1) // 2, second.size)

    same(gather, make, ran="cpu")


MATRICES = {
    "the same": lambda x: (x, x),
    "transposed": lambda x: (x, x.T),
    "both transposed": lambda x: (x.T[1:], x.T[:-1]),
    "next row": lambda x: (x[1:], x[:-1]),
    "next column": lambda x: (x[:, 1:], x[:, :-1]),
    "next diagonal": lambda x: (x[1:, 1:], x[:-1, :-1]),
    "upside down": lambda x: (x, x[::-1]),
    "mirrored": lambda x: (x[:, ::-1], x),
    "every second row": lambda x: (x[::2], x[1::2]),
    "meeting columns": lambda x: (x[:, :6:2], x[:, 2:8:2]),
    "reshaped": lambda x: (x, x.reshape(20, 5)),
    "overlapping rows": lambda x: (x, as_strided(x, (8, 10), (16, 8))),
    "one row again and again": lambda x: (x, as_strided(x[3], (8, 10), (0, 8))),
    "far": lambda x: (x[:6], x[4:]),
}


@pytest.mark.parametrize("row", MATRICES)
@pytest.mark.parametrize("kernel", [turn, smooth])
def test_matrices_of_one_base_run_compiled(row, kernel):
    def make():
        first, second = MATRICES[row](memory(100).reshape(10, 10))
        n, m = map(min, zip(first.shape, second.shape, strict=True))
        return first[:n, :m], second[:n, :m]

    same(kernel, make, ran="cpu")


@pytest.mark.parametrize("row", MATRICES)
def test_the_order_of_the_arguments_makes_no_difference(row):
    def make():
        first, second = MATRICES[row](memory(100).reshape(10, 10))
        n, m = map(min, zip(first.shape, second.shape, strict=True))
        return second[:n, :m], first[:n, :m]

    same(turn, make, ran="cpu")


def test_arrays_of_different_rank_on_one_base():
    def make():
        x = memory(100).reshape(10, 10)
        return x, x[3]

    same(rows, make, ran="cpu")
    same(rows, lambda: (x := memory(100).reshape(10, 10), x[:, 3])[:2], ran="cpu")
    same(flat, lambda: (x := memory(100).reshape(10, 10), x.ravel()[5:])[::-1], ran="cpu")


def test_three_arrays_of_one_base():
    same(three, lambda: (x := memory(40), x[1:30], x[2:31])[0:3], ran="cpu")
    same(three, lambda: (x := memory(40), memory(30), x[2:31])[0:3], ran="cpu")
    same(three, lambda: (x := memory(40), x[::-1], x)[0:3], ran="cpu")


def test_other_types_of_the_same_size_on_one_base():
    same(copy, lambda: (x := memory(30), x.view(np.int64)[1:])[::-1])
    same(copy, lambda: (x := memory(30), x.view(np.complex128))[0:2])


def test_fields_of_records():
    def make():
        records = np.zeros(20, dtype=[("x", "f8"), ("y", "f8")])
        records["x"] = memory(20)
        return records["x"], records["y"]

    same(copy, make, ran="cpu")
    same(copy, lambda: (make()[0][1:], make()[0][:-1]), ran="cpu")


def test_memory_that_numpy_does_not_own(tmp_path):
    def mapped():
        path = tmp_path / "numbers"
        path.write_bytes(memory(50).tobytes())
        whole = np.memmap(path, dtype=np.float64, mode="r+")
        return np.asarray(whole)[:-4], np.asarray(whole)[4:]

    def twice():
        buffer = bytearray(memory(50).tobytes())
        return np.frombuffer(buffer), np.frombuffer(buffer)[::-1]

    def shared():
        buffer = mmap.mmap(-1, 400)
        first = np.frombuffer(buffer, count=40)
        first[:] = memory(40)
        return first, np.frombuffer(buffer, offset=16, count=40)

    for make in (mapped, twice, shared):
        same(copy, make, ran="cpu")


def test_elements_that_line_up_only_in_part_are_left_alone():
    def make():
        buffer = bytearray(memory(50).tobytes())
        return np.frombuffer(buffer, count=40), np.frombuffer(buffer, offset=8 + 4, count=40)

    same(copy, make, ran="interpreter")

    def halves():
        x = memory(40)
        return x, x.view(np.float32)

    decorated = same(copy, lambda: (halves()[0][:20], halves()[1][:20]))
    x, y = halves()
    decorated(x[:20], y[:20])
    assert "AP501" in notes(decorated)[0]
    assert "different sizes" in notes(decorated)[0]


def test_checks_that_would_read_what_is_stored_do_not_run_first():
    def roots(a, b):
        for i in range(b.shape[0]):
            b[i] = math.sqrt(a[i])

    def make(first, second, bad):
        def arguments():
            x = memory(40) + 4.0
            x[bad] = -1.0
            return x[first], x[second]

        return arguments

    later, earlier = np.s_[:-1], np.s_[1:]
    for bad in (0, 20, 39):
        same(roots, make(later, earlier, bad))  # each root is that of the root before
        same(roots, make(earlier, later, bad))
        same(roots, make(np.s_[:], np.s_[:], bad))
        same(roots, make(np.s_[:], np.s_[::-1], bad))


def test_integers_that_outgrow_are_computed_again_only_where_they_may():
    def grow(a, b, k):
        t = 1
        for i in range(b.shape[0]):
            t = t * k
            b[i] = a[i] + (t % 7)

    for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[1:], np.s_[:-1]), (np.s_[:], np.s_[:])):
        same(grow, views_of(90, first, second, 3))


def test_warnings_are_given_once():
    def ratio(a, b):
        for i in range(b.shape[0]):
            b[i] = 1.0 / a[i]

    def make():
        x = memory(40)
        x[5] = 0.0
        return x, x[1:]

    same(ratio, lambda: (make()[0][:-1], make()[1]))
    same(ratio, lambda: (x := memory(9) * 0.0, x)[:2])


def test_scalars_live_on_with_overlapping_arrays():
    def last(a, b):
        t = 0.0
        for i in range(b.shape[0]):
            t = a[i]
            b[i] = t + 1.0
        return i, t

    for name, views in VECTORS.items():
        if name != "empty":

            def make(views=views):
                first, second = views(memory(60))
                n = min(first.size, second.size)
                return first[:n], second[:n]

            same(last, make)


def test_a_conditional_loop_on_a_common_base():
    def shifted(a, b, k, n):
        for i in range(n):
            b[i + k] = a[i] + b[i]

    for k in (0, 1, 5, 20):
        for n in (5, 20):
            same(shifted, views_of(60, np.s_[2:], np.s_[:], k, n), ran="cpu")


def test_exchanged_views_of_one_base():
    def steps(u, v, times):
        for _ in range(times):
            for i in range(1, u.shape[0] - 1):
                v[i] = 0.5 * (u[i - 1] + u[i + 1])
            u, v = v, u
        return u

    same(steps, lambda: ((x := memory(60))[:40], x[10:50], 5))


# --------------------------------------------------------------------- what the report says


def test_the_report_tells_the_verdict_for_the_overlap():
    decorated = autopar.parallel(copy, backend="cpu")
    x = memory(60)
    decorated(x, x)
    (row,) = loops_of(decorated.last_run)
    assert (row["verdict"], row["stage"], row["assumes"]) == (
        "parallel", "call", ["a.shape[0] >= b.shape[0]"],
    )  # fmt: skip
    decorated(x[:-5], x[5:])
    (row,) = loops_of(decorated.last_run)
    assert (row["verdict"], row["condition"]) == ("conditional", "b.shape[0] <= 5")
    assert row["ran"]["backend"] == "cpu"
    decorated(x, x[::-1])
    (row,) = loops_of(decorated.last_run)
    assert (row["verdict"], row["code"]) == ("sequential", "AP401")
    assert {each["variable"] for each in row["dependences"]} == {"a, b"}
    decorated(x[:30], x[30:])
    (row,) = loops_of(decorated.last_run)
    assert (row["verdict"], row["stage"]) == ("parallel", "static")


def test_one_analysis_serves_all_calls_with_the_same_shift(monkeypatch):
    made = []

    def counted(scop, facts):
        made.append(facts)
        return plan_region(scop, facts)

    decorated = autopar.parallel(copy, backend="cpu")
    decorated.explain()
    monkeypatch.setattr("autopar.analysis.stages.plan_region", counted)
    for n in range(20, 60):
        x = memory(n)
        decorated(x[1:], x[:-1])
    assert len(made) == 1
    for shift in range(2, 25):
        x = memory(60)
        decorated(x[shift:], x[:-shift])
    assert len(made) == 16
    assert "AP512" in notes(decorated)[0]
    assert places(decorated) == ["interpreter"]


def test_little_work_is_not_worth_an_analysis():
    decorated = autopar.parallel(copy, backend="auto")
    x = memory(60)
    for _ in range(3):
        decorated(x[1:], x[:-1])
    assert "AP602" in notes(decorated)[0]


def test_threads_share_one_analysis():
    decorated = autopar.parallel(copy, backend="cpu")
    expected = memory(500)
    copy(expected[:-3], expected[3:])
    arrays = [memory(500) for _ in range(8)]
    threads = [threading.Thread(target=decorated, args=(x[:-3], x[3:])) for x in arrays]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all((each == expected).all() for each in arrays)


def test_an_array_that_overlaps_itself_after_one_that_does_not():
    # Both are of one type: strided.
    def fill(a, b):
        for i in range(a.shape[0]):
            a[i] = a[i] + b[i]

    decorated = autopar.parallel(fill, backend="cpu")
    n = 200_000
    decorated(np.zeros(2 * n)[::2], np.ones(n))
    one = np.zeros(1)
    decorated(as_strided(one, (n,), (0,)), np.ones(n))
    assert one[0] == n
    (row,) = loops_of(decorated.last_run)
    assert (row["verdict"], row["condition"]) == ("sequential", None)


def test_a_row_buffer_that_overlaps_what_is_read_is_not_private():
    def buffered(x, t, y):
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                t[j] = x[i, j] * 2.0
            for j in range(x.shape[1]):
                y[i, j] = t[j] + t[x.shape[1] - 1 - j]

    def make(where):
        def arguments():
            x = memory(60).reshape(6, 10)
            return x, where(x), np.zeros((6, 10))

        return arguments

    same(buffered, make(lambda x: np.zeros(10)), ran="cpu")
    same(buffered, make(lambda x: x[4]), ran="cpu")
    same(buffered, make(lambda x: x[0]), ran="cpu")
    same(buffered, make(lambda x: as_strided(x[2], (10,), (0,))), ran="cpu")


def test_subscripts_that_are_overwritten_stay_in_the_interpreter():
    def scatter(index, a):
        for i in range(index.shape[0]):
            a[index[i]] = i

    def make(first, second):
        def arguments():
            x = np.arange(60)[::-1].copy()
            return x[first], x[second]

        return arguments

    decorated = same(scatter, make(np.s_[30:], np.s_[:]), ran="interpreter")
    assert "AP501" in notes(decorated)[0]
    same(scatter, lambda: (np.arange(30)[::-1].copy(), np.zeros(30, dtype=np.int64)), ran="cpu")


def ahead(a, n, k):
    for i in range(n):
        a[i + k] = a[i]


def test_a_condition_that_fails_is_told_beside_the_kernel():
    decorated = autopar.parallel(ahead, backend="cpu")
    for k, note in ((300, None), (1, "AP502"), (1, "AP502"), (400, None)):
        decorated(np.arange(900.0), 300, k)
        (found,) = notes(decorated)
        assert found is None if note is None else found.startswith(note)
        assert ["cpu"] == [each["ran"]["backend"] for each in loops_of(decorated.last_run)]
