"""The bits of a sum are those of its length and types, whichever call it is and whoever runs it."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autopar
from autopar import kernels, long_sums, machine
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import analyze, functions_of
from autopar.codegen.canonical import FEWEST_TERMS
from autopar.codegen.pool import Pool
from tests.canonical_order import total
from tests.sameness import freeze, places

LONG = FEWEST_TERMS + 5000


def add(a, s):
    for i in range(a.shape[0]):
        s += a[i]
    return s


def linear(a, n, m):
    s = 0.0
    for i in range(n):
        for j in range(m):
            s += a[i * m + j]
    return s


def linear_rows(a, b, n, m):
    for i in range(n):
        a[i * m] = 0.0
        s = 0.0
        for j in range(m - 1):
            s += b[j]
        a[i * m] = s
    return a[0]


def scattered(a, index, b):
    s = 0.0
    for i in range(a.shape[0]):
        b[index[i]] = a[i]
        s += a[i]
    return s


def shifted(a, b, k):
    s = 0.0
    for i in range(b.shape[0]):
        a[i + k] = b[i]
        s += b[i]
    return s


def from_the_end(a, k):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i - k]
    return s


def between(a, p, k):
    s = 0.0
    for i in range(p[k], p[k + 1]):
        s += a[i]
    return s


def floats(count: int, dtype: str = "float64", seed: int = 1) -> Any:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(count) * 10.0 ** generator.integers(-4, 5, count)
    return values.astype(dtype)


def auto(function: Callable[..., Any], **options: Any) -> Any:
    return autopar.parallel(function, backend="auto", cache=False, **options)


def one(*arguments: Any) -> tuple[Any, ...]:
    return arguments


def apart(k: int) -> tuple[Any, ...]:
    return np.zeros(2 * LONG), floats(LONG), k


def bits_of_calls(function: Any, make: Callable[[], tuple[Any, ...]], calls: int = 4) -> set[Any]:
    return {freeze(function(*make())) for _ in range(calls)}


# ------------------------------------------------------------------------------ the same call


@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_sum_is_compiled_at_its_first_call(threads, monkeypatch):
    pool = Pool(threads)
    monkeypatch.setattr(machine.MACHINE, "launcher", lambda *_: pool)
    a = floats(LONG)
    function = auto(add)
    found = [freeze(function(a, np.float64(0.5))) for _ in range(3)]
    assert ["cpu"] == places(function)
    assert {freeze(total(list(a), 0.5))} == set(found)
    # By then it is compiled, and neither length, type nor strict changes that for others.
    assert bits_of_calls(function, partial(one, a[:-1], np.float64(0.5)), 2) == {
        freeze(total(list(a[:-1]), 0.5))
    }


def test_every_length_and_type_has_its_order_from_the_first_call_on():
    function = auto(add)
    for count, dtype in itertools.product((FEWEST_TERMS - 1, LONG), ("float64", "complex64")):
        a = floats(count, dtype)
        start = a.dtype.type(0.25)
        plain = {freeze(add(a, start))}
        wanted = plain if count < FEWEST_TERMS else {freeze(total(list(a), start))}
        assert wanted != plain or count < FEWEST_TERMS
        assert wanted == bits_of_calls(function, partial(one, a, start), 3)


SCRIPT = """
    import sys
    import numpy as np
    import autopar

    @autopar.parallel
    def add(a, s):
        for i in range(a.shape[0]):
            s += a[i]
        return s

    a = np.cos(np.arange(40_000.0)) * 10.0 ** (np.arange(40_000) % 7)
    print(*(add(a, np.float64(0.5)).hex() for _ in range(3)))
"""


def test_fresh_processes_with_cold_and_warm_caches_give_the_same_bits(python, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    found = set()
    for cache, threads in (("1", "1"), ("1", "2"), ("2", "2")):
        folder = tmp_path / f"cache{cache}"
        folder.mkdir(mode=0o700, exist_ok=True)
        environment = {"AUTOPAR_CACHE_DIR": str(folder), "AUTOPAR_NUM_THREADS": threads}
        done = python(str(path), environment=environment)
        assert done.returncode == 0, done.stderr
        found |= set(done.stdout.split())
    a = np.cos(np.arange(40_000.0)) * 10.0 ** (np.arange(40_000) % 7)
    assert {total(list(a), 0.5).hex()} == found


def test_a_sum_between_bounds_that_are_data():
    a, p = floats(2 * LONG), np.array([3, 3 + LONG, 40 + LONG])
    function = auto(between)
    assert {freeze(total(list(a[3 : 3 + LONG]), 0.0))} == bits_of_calls(
        function, partial(one, a, p, 0)
    )
    assert {freeze(between(a, p, 1))} == bits_of_calls(function, partial(one, a, p, 1), 30)


def test_many_kinds_of_arguments(monkeypatch):
    monkeypatch.setattr(kernels, "_MOST_VARIANTS", 2)
    function = auto(add)
    kinds = ("float64", "float32", "complex128")
    wanted = {kind: {freeze(total(list(floats(LONG, kind)), 0))} for kind in kinds}
    for kind in (*kinds, *kinds):
        a = floats(LONG, kind)
        assert wanted[kind] == bits_of_calls(function, partial(one, a, a.dtype.type(0)), 2), kind
        assert ["cpu"] == places(function)


def test_neither_integers_nor_short_sums_are_compiled_early():
    function = auto(add)
    for a in (np.arange(LONG), floats(FEWEST_TERMS - 1)):
        function(a, a.dtype.type(0))
        assert ["interpreter"] == places(function)


# -------------------------------------------------- regions that calls plan keep the order


@pytest.mark.parametrize(
    ("kernel", "make"),
    [
        (linear, lambda: (floats(4 * LONG), 4, LONG)),
        (linear_rows, lambda: (floats(4), floats(LONG), 1, LONG)),
        (from_the_end, lambda: (floats(LONG), 3)),
        (scattered, lambda: (floats(LONG), np.arange(LONG)[::-1].copy(), np.zeros(LONG))),
        (scattered, lambda: (floats(LONG), np.arange(LONG) // 2, np.zeros(LONG))),
    ],
    ids=["values", "inside values", "negative", "distinct", "repeated"],
)
def test_what_a_call_decides_keeps_the_order_of_the_interpreter(kernel, make):
    function = auto(kernel)
    # Enough of them that a kernel would take over if it ever did.
    assert {freeze(kernel(*make()))} == bits_of_calls(function, make, 30)


def test_arrays_that_overlap_keep_the_order_of_the_interpreter():
    base = floats(2 * LONG)

    def make() -> tuple[Any, ...]:
        copy = base.copy()
        return copy, copy[LONG // 2 : LONG // 2 + LONG - 1], 1

    wanted = freeze(shifted(*make()))
    assert {wanted} == bits_of_calls(auto(shifted), make, 30)


def test_a_condition_on_integers_decides_always_in_the_same_way():
    function = auto(shifted)
    for k in (0, LONG, 5):
        found = bits_of_calls(function, partial(apart, k), 3)
        assert len(found) == 1


# -------------------------------------------------------------------------- bounds of lengths

NESTS = (
    ("range(n)",),
    ("range(n, 0, -3)",),
    ("range(2, n + m, 5)",),
    ("range(n)", "range(i)"),
    ("range(n)", "range(i, m)"),
    ("range(n)", "range(max(0, i - m), min(n, i + 2))"),
    ("range(n, -1, -1)", "range(i // 2, n - i)"),
    ("range(-n, n)", "range(-i, 2 * m - 3 * i, 2)"),
    ("range(n)", "range(i, m)", "range(i - j, i + j)"),
)


@pytest.mark.parametrize("loops", NESTS, ids=" ".join)
def test_no_sum_has_more_terms_than_the_bound_says(loops):
    variables = "ijk"
    lines = ["def f(n, m, w):", "    s = 0.0"]
    for depth, loop in enumerate(loops):
        lines.append(f"{'    ' * (depth + 1)}for {variables[depth]} in {loop}:")
    lines.append(f"{'    ' * (len(loops) + 1)}s += w * {variables[len(loops) - 1]}")
    lines.append("    return s")
    text = SourceText(path="f.py", text="\n".join(lines) + "\n", cell=None)
    source = next(each for each in functions_of(text) if each.qualified_name == "f")
    plan = analyze(source)
    assert isinstance(plan, Plan)
    (region,) = plan.regions
    bound = long_sums.most_terms(region)
    assert bound is not None
    counted = "\n".join(lines).replace(lines[-2].strip(), "s += 1")
    names: dict[str, Any] = {}
    exec(counted, names)  # our own text
    for n, m in itertools.product((-2, 0, 1, 4, 9), repeat=2):
        found = eval(bound, {"min": min, "max": max}, {"n": n, "m": m})
        assert names["f"](n, m, 0.0) <= found
