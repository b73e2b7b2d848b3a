"""Subscripts that are data, whole programs: what they read, write and raise is the interpreter's."""

from __future__ import annotations

import numpy as np
import pytest

import autopar
from autopar import inspectors
from autopar.analysis.model.typed import INDEX_ERROR, REPEATED
from autopar.inspectors import Inspector
from tests.sameness import loops_of, notes, same

N = 60
INTEGERS = ("int64", "int32", "int8", "uint8", "uint64")


def gather(y, x, idx):
    for i in range(idx.shape[0]):
        y[i] = 2.0 * x[idx[i]]


def gather_rows(y, x, idx):
    for i in range(idx.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = x[idx[i], j] + x[j, idx[i]]


def gather_beside(y, x, idx):
    for i in range(idx.shape[0]):
        y[i] = x[idx[i] + 1] - x[2 * idx[i] - 3]


def gather_twice(y, x, idx, other):
    for i in range(idx.shape[0]):
        y[i] = x[other[idx[i]]]


def gather_by_scalar(y, x, idx):
    for i in range(idx.shape[0]):
        k = idx[i]
        if i > 2:
            y[i] = x[k] + x[k - 1]
    return k


def gather_behind_padding(y, x, idx, n):
    for i in range(idx.shape[0]):
        if i < n:
            y[i] = x[idx[i]]


def scatter(y, x, idx):
    for i in range(idx.shape[0]):
        y[idx[i]] = x[i]


def scatter_rows(y, x, idx):
    for i in range(idx.shape[0]):
        for j in range(y.shape[1]):
            y[idx[i], j] = x[i, j]


def scatter_what_was_gathered(y, x, idx, other):
    for i in range(idx.shape[0]):
        y[idx[i]] = x[other[i]] * 2


def histogram(h, idx):
    for i in range(idx.shape[0]):
        h[idx[i]] += 1


def weigh(h, w, idx):
    for i in range(idx.shape[0]):
        k = idx[i]
        h[k] = h[k] + w[i]


def chase(y, idx):
    for i in range(idx.shape[0]):
        y[idx[i]] = y[i] + 1.0


def bins(h, x):
    for i in range(x.shape[0]):
        k = int(x[i] * 10.0)
        h[k] += 1


def gather_from_a_row(y, x, idx, row):
    for i in range(y.shape[0]):
        for j in range(row.shape[0]):
            row[j] = x[i] + j
        for j in range(row.shape[0]):
            y[i] += row[idx[j]]


def count_into_a_row(y, x, idx, m):
    for i in range(y.shape[0]):
        t = np.zeros(m)
        for j in range(m):
            t[idx[j]] += x[j]
        for j in range(m):
            y[i] += t[j] * j


def compact(y, x):
    k = 0
    for i in range(x.shape[0]):
        y[k] = x[i]
        k += 2
    return k


def places(kind, dtype="int64", extent=N, seed=0):
    """Return an index array of a kind, its values those of a seeded generator."""
    random = np.random.default_rng(seed)
    low = 0 if dtype.startswith("u") else -extent
    extent = min(extent, np.iinfo(dtype).max)
    match kind:
        case "permutation":
            found = random.permutation(extent)
        case "repeated":
            found = random.integers(0, 9, N)
        case "negative":
            found = random.integers(max(low, np.iinfo(dtype).min), extent, N)
        case "too large":
            found = random.integers(0, extent, N)
            found[N // 2] = extent
        case "too small":
            found = random.integers(0, extent, N)
            found[N // 3] = -extent - 1
        case _:
            raise AssertionError(kind)
    return found.astype(dtype)


KINDS = ("permutation", "repeated", "negative", "too large", "too small")


def floats(*shape):
    return np.random.default_rng(7).random(shape)


# ------------------------------------------------------------------------------- kernels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("function", "others"),
    [
        (gather, lambda: (np.zeros(N), floats(N))),
        (gather_rows, lambda: (np.zeros((N, N)), floats(N, N))),
        (scatter, lambda: (np.zeros(N), floats(N))),
        (scatter_rows, lambda: (np.zeros((N, 3)), floats(N, 3))),
        (weigh, lambda: (np.zeros(N), floats(N))),
        (histogram, lambda: (np.zeros(N, dtype="int32"),)),
        (chase, lambda: (floats(N),)),
    ],
    ids=lambda each: getattr(each, "__name__", "_"),
)
def test_places_of_any_kind(function, others, kind):
    ran = "interpreter" if kind.startswith("too") else "cpu"
    decorated = same(function, lambda: (*others(), places(kind)), ran=ran)
    if ran == "interpreter":
        assert notes(decorated)[0].startswith("AP505")


@pytest.mark.parametrize("kind", ["negative", "too large"])
def test_places_looked_up_at_places(kind):
    def arguments():
        return np.zeros(N), floats(N), places(kind, seed=1), places("negative", seed=2)

    same(gather_twice, arguments, ran="cpu" if kind == "negative" else "interpreter")
    same(scatter_what_was_gathered, arguments, ran="cpu" if kind == "negative" else "interpreter")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_integer_dtype_selects(dtype):
    same(gather, lambda: (np.zeros(N), floats(N), places("negative", dtype)), ran="cpu")
    same(scatter, lambda: (np.zeros(N), floats(N), places("negative", dtype)), ran="cpu")


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 2**64 - 1])
def test_an_unsigned_place_beyond_64_bits_is_out_of_range(value):
    idx = np.array([1, 0, value, 2], dtype="uint64")
    same(gather, lambda: (np.zeros(4), floats(4), idx.copy()), ran="interpreter")


@pytest.mark.parametrize("value", [-(2**63), -(2**63) + 1, 2**63 - 1])
def test_a_signed_place_at_the_end_of_64_bits_is_out_of_range(value):
    idx = np.array([1, 0, value, 2])
    same(gather, lambda: (np.zeros(4), floats(4), idx.copy()), ran="interpreter")


def test_arithmetic_of_places_wraps_as_numpy_has_it():
    """255 + 1 is 0 in uint8, and NumPy warns of it."""
    idx = np.array([1, 255, 3], dtype="uint8")
    same(gather_beside, lambda: (np.zeros(3), floats(600), idx.copy()))
    same(
        gather_beside, lambda: (np.zeros(N), floats(4 * N), places("repeated", "int32")), ran="cpu"
    )


@pytest.mark.parametrize("dtype", ["float64", "bool", "complex128"])
def test_what_is_no_integer_is_left_to_the_interpreter(dtype):
    idx = np.array([1, 0, 1]).astype(dtype)
    same(gather, lambda: (np.zeros(3), floats(3), idx.copy()), ran="interpreter")
    same(scatter, lambda: (np.zeros(3), floats(3), idx.copy()), ran="interpreter")


def test_padding_behind_a_condition_is_never_looked_at():
    def arguments():
        idx = places("negative")
        idx[40:] = 10**6
        return np.zeros(N), floats(N), idx, 40

    same(gather_behind_padding, arguments, ran="cpu")


def test_a_scalar_holds_the_place():
    same(gather_by_scalar, lambda: (np.zeros(N), floats(N), places("permutation")), ran="cpu")
    same(gather_by_scalar, lambda: (np.zeros(N), floats(N), places("too large")))
    same(bins, lambda: (np.zeros(11, dtype="int64"), floats(N)), ran="cpu")
    same(bins, lambda: (np.zeros(5, dtype="int64"), floats(N)), ran="interpreter")
    same(compact, lambda: (np.zeros(2 * N), floats(N)), ran="cpu")
    same(compact, lambda: (np.zeros(N), floats(N)), ran="interpreter")


@pytest.mark.parametrize("kind", ["repeated", "negative", "too small"])
def test_rows_of_their_own_are_read_and_counted_into(kind):
    ran = "interpreter" if kind.startswith("too") else "cpu"

    def row():
        return np.zeros(N), floats(N), places(kind), np.ones(N)

    same(gather_from_a_row, row, ran=ran)
    same(count_into_a_row, lambda: (np.zeros(N), floats(N), places(kind), N), ran=ran)


def test_an_empty_array_has_no_place():
    idx = np.zeros(3, dtype="int64")
    same(gather, lambda: (np.zeros(3), np.zeros(0), idx.copy()), ran="interpreter")
    same(gather, lambda: (np.zeros(0), np.zeros(0), idx[:0].copy()))


def test_views_as_index_arrays():
    def arguments():
        idx = np.arange(2 * N)[::-2]
        return np.zeros(2 * N)[::2], floats(2 * N), idx

    same(gather, arguments, ran="cpu")
    same(
        scatter,
        lambda: (np.zeros((2 * N, 2))[:, 1], floats(N), places("negative")[::-1]),
        ran="cpu",
    )


def test_an_index_array_that_is_written_through_another_name():
    def arguments():
        base = np.arange(N)
        return base, floats(N).astype("int64"), base

    same(scatter, arguments, ran="interpreter")


def test_a_read_only_index_array():
    idx = places("permutation")
    idx.flags.writeable = False
    same(gather, lambda: (np.zeros(N), floats(N), idx), ran="cpu")


def test_bits_of_the_status_are_what_kernels_on_disk_set():
    assert (256, 512) == (INDEX_ERROR, REPEATED)


# ---------------------------------------------------------------------------- inspectors


@pytest.fixture
def always_looking(monkeypatch):
    """Let inspectors look at loops that are too short for it to pay."""
    monkeypatch.setattr(Inspector, "pays", lambda *_: True)


def is_shared(decorated):
    """Return whether the first variant compiled has a parallel loop."""
    (source, *_) = (text for name, text in decorated.inspect_source().items() if " " not in name)
    return "launch0" in source


@pytest.mark.usefixtures("always_looking")
@pytest.mark.parametrize("function", [scatter, weigh])
@pytest.mark.parametrize(
    ("kind", "shared"), [("permutation", True), ("repeated", False), ("negative", False)]
)
def test_distinct_places_are_written_in_parallel(function, kind, shared):
    decorated = same(function, lambda: (np.zeros(N), floats(N), places(kind)), ran="cpu")
    assert shared == is_shared(decorated)
    (note, *_) = notes(decorated)
    assert note is None if shared else note.startswith("AP503")


@pytest.mark.usefixtures("always_looking")
def test_a_place_and_the_same_from_the_end_are_one():
    idx = np.array([0, 1, 2 - N])
    decorated = same(scatter, lambda: (np.zeros(N), floats(N), idx.copy()), ran="cpu")
    assert is_shared(decorated)
    idx = np.array([0, 2, 2 - N])
    decorated = same(scatter, lambda: (np.zeros(N), floats(N), idx.copy()), ran="cpu")
    assert not is_shared(decorated)


@pytest.mark.usefixtures("always_looking")
def test_reads_of_what_others_write_keep_their_order():
    decorated = same(chase, lambda: (floats(N), places("permutation")), ran="cpu")
    assert not is_shared(decorated)
    decorated = same(chase, lambda: (floats(N), np.arange(N)), ran="cpu")
    assert is_shared(decorated)


@pytest.mark.usefixtures("always_looking")
def test_each_call_is_looked_at_anew():
    decorated = autopar.parallel(scatter, backend="cpu")
    for kind in ("permutation", "repeated", "permutation", "repeated", "repeated", "permutation"):
        y, expected, x, idx = np.zeros(N), np.zeros(N), floats(N), places(kind)
        scatter(expected, x, idx)
        decorated(y, x, idx)
        assert expected.tobytes() == y.tobytes()


@pytest.mark.usefixtures("always_looking")
def test_repetitions_are_looked_for_less_and_less_often(monkeypatch):
    looks = []

    def look(*arguments):
        looks.append(arguments)
        return REPEATED

    monkeypatch.setattr(inspectors, "_status", look)
    decorated = autopar.parallel(scatter, backend="cpu")
    for _ in range(40):
        decorated(np.zeros(N), floats(N), places("repeated"))
    assert 3 < len(looks) < 10


def test_short_loops_are_not_worth_a_look():
    decorated = same(scatter, lambda: (np.zeros(N), floats(N), places("permutation")), ran="cpu")
    assert not is_shared(decorated)
    assert notes(decorated)[0].startswith("AP602")


def test_looking_pays_where_threads_gain_more():
    def inspector_with(work):
        return Inspector(source="", run=tuple, arrays=(), marked=(), scalars=(), work=work)

    inspector = inspector_with(lambda n: (1000 * n, 100 * n))
    assert inspector.pays((1000,), 4)
    assert not inspector.pays((1000,), 1)
    assert not inspector.pays((20,), 4)
    assert not inspector_with(lambda n: (n, n)).pays((10**9,), 2)


def test_the_condition_is_written_in_words():
    (loop,) = loops_of(autopar.parallel(weigh).explain())
    assert "reduction" == loop["verdict"]
    (loop,) = loops_of(autopar.parallel(scatter).explain())
    assert ("conditional", "idx[i] distinct for 0 <= i < idx.shape[0]") == (
        loop["verdict"],
        loop["condition"],
    )


# --------------------------------------------------------------------------- both backends


@pytest.mark.parametrize("kind", KINDS)
def test_each_place_is_looked_at_on_both_backends(kind, backend):
    ran = "interpreter" if kind.startswith("too") else "cpu"

    def arguments():
        return np.zeros(N), floats(N), places(kind, "int32")

    same(gather, arguments, backend, ran=ran)
    same(gather_rows, lambda: (np.zeros((N, N)), floats(N, N), places(kind)), backend, ran=ran)


@pytest.mark.parametrize("kind", KINDS)
def test_distinct_places_are_written_on_both_backends(kind, backend, monkeypatch):
    monkeypatch.setattr(Inspector, "pays", lambda *_: True)
    ran = "interpreter" if kind.startswith("too") else "cpu"
    if kind != "permutation" and backend == "cuda":
        ran = "interpreter"  # a device has no threads for a loop that keeps its order
    decorated = same(scatter, lambda: (np.zeros(N), floats(N), places(kind)), backend, ran=ran)
    if kind != "permutation":
        (note, *_) = notes(decorated)
        assert note.startswith("AP505" if kind.startswith("too") else "AP503")


def test_places_of_places_on_both_backends(backend):
    def arguments():
        return np.zeros(N), floats(N), places("repeated"), places("negative", seed=2)

    same(gather_twice, arguments, backend, ran="cpu")


def test_these_on_the_simulator(on_simulator):
    on_simulator(__file__)
