"""Negative subscripts at calls: counted from the end, IndexError as the interpreter has it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autopar
from tests.sameness import loops_of, notes, places, same

# ------------------------------------------------------------------------------- kernels


def ring(a, b):
    for i in range(len(a)):
        b[i] = a[i - 1] - a[-i] * 2.0


def put_back(a, b, n):
    for i in range(n):
        a[i - 1] = b[i]


def from_the_end(a, b, n):
    for i in range(n):
        b[-i - 1] = a[i - n] + a[-2]


def shifted(a, b, n, k):
    for i in range(n):
        b[i] = a[i - k] + 1.0


def in_place(a, n, k):
    for i in range(n):
        a[i] = a[i - k] * 0.5


def torus(u, v):
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            v[i, j] = 4.0 * u[i, j] - u[i - 1, j] - u[i, j - 1] - u[-i, -j]


def one_axis(u, v, k):
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            v[i, j] = u[k - i, j]


def last_row(u, b, n):
    for i in range(n):
        b[i] = u[-1, i - 1]


def only_inside(a, b, n, k):
    for i in range(n):
        if i >= k:
            b[i] = a[i - 2]


def element(a, b, n, k):
    for i in range(n):
        b[i] = a[k]


def diagonally(u, n, k):
    for i in range(n + 1):
        for j in range(0, n - 1, 2):
            u[i + k, j + k] = 2 * u[i, j]


def carried(a, n):
    for i in range(n):
        a[i] = a[i - 1] + 1.0
    return i


def integers(a, b, n):
    for i in range(n):
        b[i] += a[i - 1] // 2


def gathered(u, b, index):
    for i in range(len(index)):
        b[i] = u[index[i - 1], i - 2]


def buffered(u, v, n, m, k):
    for i in range(n):
        row = np.zeros(m + 1)
        for j in range(m):
            row[j - 1] = u[i, j] * 2.0
        for j in range(m):
            v[i, j] = row[-j - 1] + row[j - k] + row[-1]


def scattered(u, v, index, k):
    for i in range(len(index)):
        u[index[i - 1], i - k] = v[i - 1] + 1.0


def numbers(count, dtype=float):
    return np.arange(count * 3, dtype=dtype)[::3] + 1


# ------------------------------------------------------------------- the same, everywhere


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_ring(backend, count):
    ran = "cpu" if count else None
    same(ring, lambda: (numbers(count), np.zeros(count)), backend, ran=ran)


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7])
def test_put_back_and_index_error_at_the_last_iteration(backend, n):
    decorated = same(put_back, lambda: (numbers(5), numbers(9), n), backend)
    # For six, the last iteration writes over what the first one wrote: two parts.
    assert ["interpreter" if n == 7 else backend] == places(decorated)


@pytest.mark.parametrize("n", [1, 4, 5, 6])
def test_always_from_the_end(backend, n):
    decorated = same(from_the_end, lambda: (numbers(5), np.zeros(8), n), backend)
    assert ["interpreter" if n == 6 else backend] == places(decorated)


@pytest.mark.parametrize("k", [-5, -4, 0, 1, 8, 9])
def test_a_call_at_which_subscripts_are_negative(backend, k):
    """Within a length of 8, `i - k` for `i < 4` is in range for `-5 < k <= 8`."""
    decorated = same(shifted, lambda: (numbers(8), np.zeros(4), 4, k), backend)
    assert ["interpreter" if k in (-5, 9) else backend] == places(decorated)


@pytest.mark.parametrize("k", [0, 3, 4, 5, 8, 9])
def test_in_place_is_parallel_where_both_ends_are_apart(k):
    """Elements 0 to 3 of 8; `i - k` for a `k` of 4 or 5 lies in the other half or comes first."""
    decorated = same(in_place, lambda: (numbers(8), 4, k), "cpu")
    assert ["interpreter" if k == 9 else "cpu"] == places(decorated)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("step", [1, -1, 2])
def test_subscripts_wrap_and_memory_does_not(backend, order, step):
    def arguments():
        u = np.asarray(numbers(120).reshape(12, 10), order=order)
        return u[::step, ::step], np.zeros(u[::step, ::step].shape)

    same(torus, arguments, backend, ran="cpu")


def test_negative_strides_of_the_target(backend):
    def arguments():
        base = np.zeros((14, 12), order="F")
        return numbers(30).reshape(6, 5), base[12::-2, ::2][:6, :5]

    same(torus, arguments, backend, ran="cpu")


@pytest.mark.parametrize("k", [-3, -1, 0, 2, 5, 6])
def test_one_axis_of_two(backend, k):
    decorated = same(one_axis, lambda: (numbers(30).reshape(6, 5), np.zeros((4, 5)), k), backend)
    assert ["interpreter" if k in (6,) or k - 3 < -6 else backend] == places(decorated)[:1]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (2, 3)])
@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_empty_axes(backend, shape, n):
    def arguments():
        return numbers(shape[0] * shape[1]).reshape(shape), np.zeros(5), n

    same(last_row, arguments, backend)


@pytest.mark.parametrize(("n", "k"), [(0, -9), (-3, 9), (3, 3), (3, 2), (3, 1), (5, 0), (5, -9)])
def test_only_instances_that_run_count(backend, n, k):
    decorated = same(only_inside, lambda: (numbers(3), np.zeros(5), n, k), backend)
    assert [backend] == places(decorated)


@pytest.mark.parametrize("n", [0, -2])
@pytest.mark.parametrize("k", [-9, 9])
def test_subscripts_of_an_empty_loop_are_never_out_of_range(backend, n, k):
    decorated = same(shifted, lambda: (np.zeros(0), np.zeros(0), n, k), backend)
    assert [backend] == places(decorated)


@pytest.mark.parametrize("k", [-5, -4, -1, 0, 3, 4])
@pytest.mark.parametrize("kind", [int, np.int64, np.int8, bool, np.bool_])
def test_one_element_by_integers_of_all_kinds(backend, k, kind):
    """`a[True]` is no element of `a`."""
    decorated = same(element, lambda: (numbers(4), np.zeros(3), 3, kind(k)), backend)
    fits = kind in {int, np.int64} and k in (-4, -1, 0, 3)
    assert [backend if fits else "interpreter"] == places(decorated)


@pytest.mark.parametrize("kind", [np.int64, bool])
def test_a_parameter_in_a_sum_may_be_a_bool(backend, kind):
    decorated = same(shifted, lambda: (numbers(4), np.zeros(3), 3, kind(1)), backend)
    assert [backend] == places(decorated)


def test_what_is_carried_stays_in_order():
    same(carried, lambda: (numbers(6), 6), "cpu", ran="cpu")
    same(carried, lambda: (numbers(6), 0), "cpu")
    same(carried, lambda: (numbers(6), 7), "cpu")


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32"])
def test_other_types(backend, dtype):
    same(integers, lambda: (numbers(9, dtype), numbers(9, dtype), 9), backend, ran="cpu")


@pytest.mark.parametrize("largest", [5, 6])
def test_an_index_array_read_from_its_end(backend, largest):
    def arguments():
        return numbers(42).reshape(6, 7), np.zeros(7), np.array([-6, 3, 0, largest, -1, 2, 4])

    same(gathered, arguments, backend)


@pytest.mark.parametrize("k", [0, 1, 6, 7])
@pytest.mark.parametrize("index", [[5, 0, 3, 1, 4, 2], [-1, 0, -5, 2, 2, 5], [0, 1, 2, 6, 3, 4]])
def test_a_scatter_whose_other_axis_wraps(index, k):
    def arguments():
        return np.zeros((6, 6)), numbers(6), np.array(index), k

    decorated = same(scattered, arguments, "cpu")
    assert ["interpreter" if 6 in index or k == 7 else "cpu"] == places(decorated)


@pytest.mark.parametrize("k", [0, 1, 3, 5, 6])
@pytest.mark.parametrize("m", [0, 1, 4])
def test_rows_that_the_loop_makes_itself(k, m):
    def arguments():
        return numbers(24).reshape(6, 4), np.zeros((6, 4)), 6, m, k

    same(buffered, arguments, "cpu")


def test_a_row_read_from_its_end_runs_in_a_kernel():
    decorated = same(
        buffered, lambda: (numbers(24).reshape(6, 4), np.zeros((6, 4)), 6, 4, 3), "cpu"
    )
    assert ["cpu"] == places(decorated)[:1]


def test_the_two_may_overlap():
    def arguments():
        base = numbers(9)
        return base, base[2:], 6, -1

    same(shifted, arguments, "cpu")


def test_every_small_call_does_what_the_interpreter_does():
    """IndexError at any instance: the same one, with the same stores before it."""
    decorated = {each: autopar.parallel(each, backend="cpu") for each in (shifted, put_back)}
    compiled = 0
    for count, room, n, k in itertools.product(range(5), range(5), range(-1, 6), range(-5, 6)):
        for function, plain in ((shifted, (n, k)), (put_back, (n,))):
            outcomes = []
            for each in (function, decorated[function]):
                a, b = numbers(count), np.full(room, -1.0)
                try:
                    each(a, b, *plain)
                    raised = ""
                except IndexError as error:
                    raised = str(error)
                outcomes.append((raised, a.tolist(), b.tolist()))
            assert outcomes[0] == outcomes[1], (function.__name__, count, room, n, k)
            compiled += outcomes[0][0] == "" and places(decorated[function]) == ["cpu"]
            assert places(decorated[function]) == ["interpreter" if outcomes[0][0] else "cpu"]
    assert compiled > 300


# ------------------------------------------------------------------------------ the report


def test_the_reason_names_the_end_that_was_left():
    decorated = autopar.parallel(shifted, backend="cpu")
    with pytest.raises(IndexError):
        decorated(numbers(4), np.zeros(4), 4, 5)
    (note,) = notes(decorated)
    assert "AP505" in note
    assert "'n <= 0 or a.shape[0] >= k'" in note


def test_both_kernels_can_be_inspected():
    decorated = autopar.parallel(shifted, backend="cpu")
    for k in (0, 1):
        decorated(numbers(4), np.zeros(4), 4, k)
    first, second = decorated.inspect_source().values()
    assert "a[np.uintp(i - k)]" in first
    assert "a[i - k]" in second


def test_a_small_call_is_not_analysed_again():
    decorated = autopar.parallel(shifted)
    decorated(numbers(4), np.zeros(4), 4, 1)
    (note,) = notes(decorated)
    assert "AP505" in note
    assert not decorated.inspect_source()


def test_a_fault_in_the_second_analysis_is_not_the_users(monkeypatch):
    def failing(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr("autopar.analysis.stages.plan_wrapping", failing)
    decorated = same(shifted, lambda: (numbers(4), np.zeros(4), 4, 1), "cpu")
    assert ["interpreter"] == places(decorated)


@pytest.mark.parametrize(
    ("k", "verdict"), [(-12, "parallel"), (-2, "sequential"), (-7, "parallel")]
)
def test_two_subscripts_that_may_wrap_are_planned_for_values(k, verdict):
    decorated = same(diagonally, lambda: (numbers(169).reshape(13, 13), 6, k), "cpu")
    outer, _ = loops_of(decorated.last_run)
    assert (verdict, "call", "cpu") == (outer["verdict"], outer["stage"], outer["ran"]["backend"])


# --------------------------------------------------------------------------- the simulator


def test_selection_on_the_cuda_simulator(on_simulator):
    on_simulator(__file__)
