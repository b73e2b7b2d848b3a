"""Small programs whose kernels are read, not compiled: what only an odd value or an odd order shows."""

from __future__ import annotations

import random
import re
import warnings

import numpy as np
import pytest

import autopar
from autopar.analysis.facts.lists import objects_in_rows
from autopar.analysis.model.dependence import Reduction
from autopar.analysis.model.types import INT
from autopar.codegen.cpu import launches_once
from autopar.codegen.kernel import Loop, walk_nodes
from autopar.codegen.reduced import reduction_of
from autopar.preview import preview_kernels
from autopar.warn import is_everyday
from tests.canonical_order import small_shapes
from tests.fuzz.modes import forced
from tests.ordered_nests import Nest, drafts_of
from tests.sameness import notes, same


def read_in_order(function, make_arguments, **options):
    with forced("plain", random.Random(0), reads=True):
        return same(function, make_arguments, ran="cpu", cache=False, **options)


def read_in_any_order(function, make_arguments):
    for seed in range(4):
        with small_shapes(), forced("hostile", random.Random(seed), reads=True):
            decorated = same(function, make_arguments, ran="cpu", cache=False)
    return "".join(decorated.inspect_source().values())


def held_beside_data(t, idx):
    for j in range(len(idx)):
        t[idx[j]] = t[0] + 1.0


def test_an_element_that_data_may_overwrite_is_read_each_time():
    read_in_order(held_beside_data, lambda: (np.zeros(9), np.array([3, 0, 5, 0, 8, 1])))


def least(a, m):
    for i in range(len(a)):
        m = min(m, a[i])
    return m


def least_after(a, m):
    for i in range(len(a)):
        m = min(a[i], m)
    return m


def greatest(a, m):
    for i in range(len(a)):
        m = max(m, a[i])
    return m


def greatest_after(a, m):
    for i in range(len(a)):
        m = max(a[i], m)
    return m


def least_of_numpy(a, m):
    for i in range(len(a)):
        m = np.minimum(m, a[i])
    return m


EXTREMES = [least, least_after, greatest, greatest_after, least_of_numpy]


@pytest.mark.parametrize("function", EXTREMES)
@pytest.mark.parametrize("odd", [0.0, np.nan, 7.0])
def test_extremes_are_those_of_the_order_of_the_loop(function, odd):
    values = np.array([0.0, -0.0, odd, -0.0, 0.0, odd, -0.0] * 9)
    text = read_in_any_order(function, lambda: (values.copy(), np.float64(odd)))
    assert "reduce0" in text


def one_of_data_and_one_of_integers(a, k, h, g):
    for i in range(len(a)):
        h[k[i]] += a[i]
        g[k[i]] += 1


def one_fixed_and_one_of_data(a, k, h, s):
    for i in range(len(a)):
        h[k[i]] += 1
        s[0] += a[i]


@pytest.mark.parametrize("function", [one_of_data_and_one_of_integers, one_fixed_and_one_of_data])
def test_elements_that_are_added_to_get_what_the_loop_adds(function):
    def arguments():
        a = np.array([1e16, 1.0, -1e16, 3.0, 1e-3] * 12)
        k = np.arange(60) % 3
        last = np.zeros(3, np.int64) if function is one_of_data_and_one_of_integers else np.zeros(2)
        first = np.zeros(3) if function is one_of_data_and_one_of_integers else np.zeros(3, int)
        return a, k, first, last

    for seed in range(4):
        with forced("hostile", random.Random(seed), reads=True):
            same(function, arguments, cache=False)


SIDE_BY_SIDE = """
def f(u, v, out, s, t):
    for k in range(3):
        for i in range(len(u)):
            s += u[i]
        for j in range(len(v)):
            t *= v[j]
        out[k] = out[k - 1] + s + t
    return s, t
"""


def test_loops_side_by_side_reduce_what_is_theirs():
    types = "u=float64[:], v=float64[:], out=float64[:], s=float, t=float"
    text = preview_kernels(SIDE_BY_SIDE, types)["program"]
    assert ["s, s_mark for i", "t, t_mark for j"] == re.findall(r"reduction (.*) in", text)


def truncated(a, b):
    for i in range(len(a)):
        b[i] = int(a[i])


def test_negative_numbers_lose_their_fraction_in_a_kernel():
    read_in_order(truncated, lambda: (np.array([-3.5, 2.5, -0.25]), np.zeros(3, np.int64)))


def twice_a_product(x, z):
    for i in range(len(x)):
        z[i] = x[i] * x[i] + x[i] * x[i]


def test_two_products_of_small_numbers_may_be_too_much_together():
    with forced("plain", random.Random(0), reads=True):
        same(
            twice_a_product,
            lambda: (np.full(5, -(2**31)), np.zeros(5, np.int64)),
            cache=False,
        )


BESIDE_A_STORE = """
def f(a, b, m):
    for i in range(len(a)):
        m = EXTREME
        b[i] = 2.0 * a[i]
    return m
"""


@pytest.mark.parametrize(
    ("extreme", "is_reduced"),
    [
        ("min(m, a[i])", True),
        ("max(a[i], m)", False),  # where a NaN comes decides, and what is stored is stored
        ("np.maximum(m, a[i])", True),
        ("np.maximum(a[i], m)", True),
    ],
)
def test_an_extreme_whose_order_only_a_run_knows_is_none_beside_a_store(extreme, is_reduced):
    source = BESIDE_A_STORE.replace("EXTREME", extreme)
    text = preview_kernels(source, "a=float64[:], b=float64[:], m=np.float64")["program"]
    assert is_reduced == ("reduction m for i" in text)


ADDED_AT_PLACES = """
def f(a, k, h, g):
    for i in range(len(a)):
        h[k[i]] += a[i]
        g[k[i]] += 1
"""


def test_floats_that_are_added_at_places_keep_their_order_beside_integers():
    text = preview_kernels(ADDED_AT_PLACES, "a=float64[:], k=int64[:], h=float64[:], g=int64[:]")
    assert "Reduction(" not in text["kernel cpu"]
    text = preview_kernels(ADDED_AT_PLACES, "a=int64[:], k=int64[:], h=int64[:], g=int64[:]")
    assert "Reduction(" in text["kernel cpu"]


COMPARED_BESIDE = """
def f(a, b, k, g):
    for i in range(len(a)):
        b[i] = a[i] * 2.0
        g[i] = k[i] < 3
"""


@pytest.mark.parametrize(("dtype", "is_watched"), [("int64", True), ("float64", False)])
def test_only_comparisons_of_floats_mislead_the_flags_of_the_processor(dtype, is_watched):
    types = f"a=float64[:], b=float64[:], k={dtype}[:], g=bool[:]"
    text = preview_kernels(COMPARED_BESIDE, types)["kernel cpu"]
    assert is_watched == ("launch0 = watched(launch0)" in text)


def before(a, b, k):
    for i in range(len(b)):
        b[i] = a[i - k] * 2.0


def test_the_argument_that_does_not_fit_is_named():
    with forced("plain", random.Random(0), reads=True):
        decorated = same(before, lambda: (np.arange(9.0), "words", 2), cache=False)
    assert ["'b'"] == re.findall(r"'\w+'", " ".join(notes(decorated)))


def doubled(a, b):
    for i in range(len(a)):
        b[i] = a[i] * 2.0


def test_a_call_like_those_before_asks_whether_warnings_are_errors_now():
    decorated = autopar.parallel(doubled, backend="cpu")  # compiled: known calls take a short way
    a, b = np.ones(50_000), np.zeros(50_000)
    for _ in range(6):
        decorated(a, b)
    a[7] = 1e308
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        decorated(a, b)
    assert 2.0 == b[7]


def test_filters_that_make_errors_of_warnings_are_not_everyday():
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert is_everyday()
        warnings.simplefilter("error", RuntimeWarning)
        assert not is_everyday()


def test_what_rows_stored_comes_row_by_row():
    values, stored = np.arange(6).reshape(2, 3), np.array([[True, False, True], [False] * 3])
    assert [[0, 2], []] == objects_in_rows(values, stored, INT)
    assert [[0, 1, 2], [3, 4, 5]] == objects_in_rows(values, np.ones((2, 3), bool), INT)


def drafted(body, **arguments):
    """Return the program of the only region of a function."""
    text = f"def nest({', '.join(arguments)}):\n{body}"
    (draft,) = drafts_of(Nest(text=text, arguments=arguments))
    return draft.program


def test_two_launches_are_not_one():
    once = "    for i in range(n):\n        a[i] = 2.0 * a[i]\n"
    again = (
        "    for t in range(1):\n        for i in range(n):\n            a[i] = 2.0 * a[i]\n"
        "        for i in range(n):\n            b[i] = a[n - 1 - i]\n"
    )
    assert launches_once(drafted(once, a=np.zeros(9), n=9))
    assert not launches_once(drafted(again, a=np.zeros(9), b=np.zeros(9), n=9))


def test_a_scalar_that_another_statement_sets_is_no_sum():
    body = (
        "    for i in range(n):\n        s = s + a[i]\n        b[i] = s\n        s = 0.5\n"
        "    return s\n"
    )
    program = drafted(body, a=np.zeros(9), b=np.zeros(9), s=0.0, n=9)
    loop = next(each for each in walk_nodes(program.body) if isinstance(each, Loop))
    adds, reads, sets = loop.body
    total = Reduction(operator="+", target="s", statements=("S0",))
    assert reduction_of((adds,), total) is not None
    assert reduction_of((adds, reads), total) is None
    assert reduction_of((adds, sets), total) is None
