"""NumPy's functions on scalars in loops: values, types, warnings and exceptions are NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import exp as e_to_the

from autopar.analysis.model.ufuncs import COMPARISONS, EXACT, LOGICAL, OPERATORS, OWN_LOOPS
from tests.sameness import same


def values(dtype="float64", count=300, seed=0):
    """Numbers of all sizes in random order, special ones among them."""
    rng = np.random.default_rng(seed)
    parts = (rng.normal(size=count // 3), rng.random(count // 3), rng.normal(size=count) * 30)
    numbers = np.concatenate(parts)[:count].astype(dtype)
    if np.dtype(dtype).kind == "f":
        numbers[:12] = (0.0, -0.0, 1, -1, 0.5, 2, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40)
    rng.shuffle(numbers)
    return numbers


def tame(dtype="float64", count=300, seed=0):
    """Numbers between 0 and 1, of which no function here warns."""
    return (0.1 + 0.8 * np.random.default_rng(seed).random(count)).astype(dtype)


def applied(names):
    """A kernel that applies NumPy's functions of these names."""
    lines = ["def kernel(a, b, c, n):", "    for i in range(n):"]
    for k, name in enumerate(names):
        first = "1 + a[i]" if name == "arccosh" else "a[i]"
        arguments = ", ".join((first, "b[i]")[: getattr(np, name).nin])
        lines.append(f"        c[i, {k}] = np.{name}({arguments})")
    return from_text("\n".join(lines) + "\n")


def from_text(source):
    """The function `kernel` of a text, as a file would define it."""
    import linecache

    name = f"<kernel {abs(hash(source))}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace = {"np": np, "__name__": "kernels"}
    exec(compile(source, name, "exec"), namespace)
    return namespace["kernel"]


NAMES = sorted(
    name.removeprefix("numpy.")
    for name in {*OWN_LOOPS, *EXACT, *COMPARISONS, *LOGICAL, *OPERATORS}
    if hasattr(np, name.removeprefix("numpy."))
)
OF_FLOATS = [
    name
    for name in NAMES
    if any(each.startswith("d" * getattr(np, name).nin + "-") for each in getattr(np, name).types)
]
GROUP = 7


@pytest.mark.parametrize("start", range(0, len(OF_FLOATS), GROUP))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_function_has_the_bits_and_warnings_of_numpy(start, dtype):
    names = OF_FLOATS[start : start + GROUP]
    kernel = applied(names)

    def arguments(draw):
        results = np.zeros((300, len(names)), dtype)
        return draw(dtype), draw(dtype, seed=1), results, 300

    same(kernel, lambda: arguments(tame), ran="cpu")
    same(kernel, lambda: arguments(values))


@pytest.mark.parametrize("name", ["log", "arcsin", "exp", "power", "hypot", "sqrt"])
def test_a_single_function_warns_as_numpy_does(name):
    kernel = applied([name])
    same(kernel, lambda: (values(), values(seed=1), np.zeros((300, 1)), 300))


def mixed(a, b, c, n):
    for i in range(n):
        c[i] = np.exp(-0.5 * np.square(a[i])) / np.sqrt(2 * np.pi) + np.log1p(np.abs(b[i]))


def under_conditions(a, b, c, n):
    for i in range(n):
        if a[i] > 0:
            c[i] = np.log(a[i]) + np.power(a[i], b[i])
        else:
            c[i] = np.arctan2(a[i], b[i])


def constant_powers(a, b, c, n):
    for i in range(n):
        c[i] = np.power(a[i], 2) + np.power(b[i], 0.5) * np.power(a[i], -1)


def carried(a, b, c, n):
    x = 0.5
    for i in range(n):
        x = np.tanh(x + a[i])
        c[i] = x * b[i]
    return x


def total(a, b, c, n):
    s = 0.0
    for i in range(n):
        s += np.exp(-a[i] * b[i])
    return s


def other_names(a, b, c, n):
    for i in range(n):
        c[i] = e_to_the(-b[i]) + np.mod(a[i], 0.3) + np.asin(b[i]) + np.true_divide(a[i], b[i])


def limited(a, b, c, n):
    for i in range(n):
        c[i] = np.clip(a[i], 0.2, 0.7) - np.maximum(a[i], np.minimum(b[i], 0.5))


def rounded(a, b, c, n):
    for i in range(n):
        c[i] = np.round(a[i], 2) + np.round(b[i]) * np.rint(10 * a[i])


def of_integers(a, b, c, n):
    for i in range(n):
        c[i] = np.sqrt(i) + np.exp(-i) * np.cos(np.pi * i / n)


def of_truth(a, b, c, n):
    for i in range(n):
        if np.logical_and(a[i] > 0.3, np.logical_not(np.isnan(b[i]))):
            c[i] = np.hypot(a[i], b[i])


def over_rows(a, b, c, n):
    for i in range(3):
        for j in range(n // 3):
            c[3 * j + i] = np.sinh(a[3 * j + i]) * b[i]


KERNELS = [mixed, under_conditions, constant_powers, carried, total, other_names, limited, rounded,
           of_integers, of_truth, over_rows]  # fmt: skip


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_whole_kernels_are_those_of_the_interpreter(kernel, dtype):
    def arguments(draw, n=300):
        return draw(dtype), draw(dtype, seed=1), np.zeros(300, dtype), n

    same(kernel, lambda: arguments(tame), ran="cpu")
    same(kernel, lambda: arguments(values))
    same(kernel, lambda: arguments(tame, 0))


def of_small_integers(a, b, c, n):
    for i in range(n):
        c[i] = np.exp(a[i]) + np.sign(a[i])


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "bool"])
def test_small_integers_become_small_floats(dtype):
    def arguments():
        numbers = np.arange(-5, 5) if dtype != "bool" else np.zeros(10)
        return numbers.astype(dtype), None, np.zeros(10), 10

    same(of_small_integers, arguments)


def wraps(a, b, c, n):
    for i in range(n):
        c[i] = np.add(a[i], b[i]) + np.multiply(a[i], 2) - np.negative(b[i])


def integer_powers(a, b, c, n):
    for i in range(n):
        c[i] = np.power(a[i], b[i])


def floors(a, b, c, n):
    for i in range(n):
        c[i] = np.floor_divide(a[i], b[i]) + np.remainder(a[i], b[i])


@pytest.mark.parametrize("kernel", [wraps, integer_powers, floors])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8"])
def test_integers_wrap_raise_and_warn_as_numpy_has_it(kernel, dtype):
    def small():
        numbers = np.arange(1, 7, dtype=dtype)
        return numbers, numbers[::-1].copy(), np.zeros(6, dtype), 6

    def large():
        numbers = np.array([np.iinfo(dtype).max, np.iinfo(dtype).min, 3], dtype)
        return numbers, numbers[::-1].copy(), np.zeros(3, dtype), 3

    def by_zero():
        numbers = np.array([1, 0, 3], dtype)
        return numbers, np.array([2, 0, 1], dtype), np.zeros(3, dtype), 3

    for arguments in (small, large, by_zero):
        same(kernel, arguments)


def test_a_function_put_in_place_of_another_is_asked(monkeypatch):
    def arguments():
        return tame(), tame(seed=1), np.zeros(300), 300

    decorated = same(mixed, arguments, ran="cpu")
    monkeypatch.setattr(np, "exp", np.exp2)
    (a, b, c, n), (_, _, d, _) = arguments(), arguments()
    decorated(a, b, c, n)
    mixed(a, b, d, n)
    assert (c == d).all()


def warns_late(a, b, c, n):
    for i in range(n):
        c[i] = np.exp(c[i]) + np.log(a[i])


def test_a_warning_names_the_function():
    def overflow():
        return tame(), None, np.full(300, 1000.0), 300

    def pole():
        return np.zeros(300), None, np.zeros(300), 300

    same(warns_late, overflow)
    same(warns_late, pole)


def smallest(a, b, c, n):
    for i in range(n):
        c[i] = np.minimum(a[i], 0.5) * 2.0 + c[i]


def cut(a, b, c, n):
    for i in range(n):
        c[i] = np.clip(a[i], 0.1, 0.5) * 2.0 + c[i]


@pytest.mark.parametrize("kernel", [smallest, cut])
def test_looking_for_nan_is_no_reason_to_warn(kernel):
    def arguments():
        numbers = tame(count=3000)
        numbers[::7] = np.nan
        return numbers, None, np.zeros(3000), 3000

    same(kernel, arguments, ran="cpu")
