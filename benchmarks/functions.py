"""Element-wise kernels of NumPy's functions against NumPy itself, thread by thread.

Each function alone, from one array into another, and with arithmetic around it. NumPy writes into
arrays that are there already, as the loops do, and values must be the same bits. `share` is what
one thread of autopar's does in the time of one of NumPy's; `gain` is NumPy's time over that of all
threads, and `side_by_side` what as many threads gain that call NumPy for parts of the arrays: no
more can be had of a machine than that, whoever calls its loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

import autopar
from autopar.decorator import ParallelFunction
from autopar.options import choose_options

from .harness import SEED, WrongResult, interleaved
from .loops import Array, Form
from .overheads import threads
from .statistics import Ratio, bootstrap_ratio

SIZE = 1_000_000
ODD = 1237  # where values are compared first
DTYPES = ("float64", "float32")


def exp_loop(x: Array, y: Array) -> None:
    """The exponential."""
    for i in range(x.shape[0]):
        y[i] = np.exp(x[i])


def log_loop(x: Array, y: Array) -> None:
    """The logarithm."""
    for i in range(x.shape[0]):
        y[i] = np.log(x[i])


def tanh_loop(x: Array, y: Array) -> None:
    """The hyperbolic tangent."""
    for i in range(x.shape[0]):
        y[i] = np.tanh(x[i])


def sin_loop(x: Array, y: Array) -> None:
    """The sine."""
    for i in range(x.shape[0]):
        y[i] = np.sin(x[i])


def pow_loop(x: Array, y: Array) -> None:
    """A power that stands still."""
    for i in range(x.shape[0]):
        y[i] = np.power(x[i], 2.5)


def exp_between(x: Array, y: Array) -> None:
    """The exponential with arithmetic around it."""
    for i in range(x.shape[0]):
        y[i] = np.exp(0.5 * x[i]) + 1.0


def log_between(x: Array, y: Array) -> None:
    """The logarithm with arithmetic around it."""
    for i in range(x.shape[0]):
        y[i] = np.log(0.5 * x[i]) + 1.0


def tanh_between(x: Array, y: Array) -> None:
    """The hyperbolic tangent with arithmetic around it."""
    for i in range(x.shape[0]):
        y[i] = np.tanh(0.5 * x[i]) + 1.0


def sin_between(x: Array, y: Array) -> None:
    """The sine with arithmetic around it."""
    for i in range(x.shape[0]):
        y[i] = np.sin(0.5 * x[i]) + 1.0


def pow_between(x: Array, y: Array) -> None:
    """A power with arithmetic around it."""
    for i in range(x.shape[0]):
        y[i] = np.power(0.5 * x[i], 2.5) + 1.0


def raised(x: Array, out: Array) -> None:
    """`np.power` with the exponent of the loops."""
    np.power(x, 2.5, out=out)


def alone(function: Form) -> Form:
    """One function by NumPy, into `y`."""

    def whole(x: Array, y: Array) -> None:
        function(x, out=y)

    return whole


def between(function: Form) -> Form:
    """A function and arithmetic around it by NumPy, with no array but those given."""

    def whole(x: Array, y: Array) -> None:
        np.multiply(0.5, x, out=y)
        function(y, out=y)
        np.add(y, 1.0, out=y)

    return whole


CASES: Mapping[str, tuple[Form, Form]] = {
    "exp": (exp_loop, alone(np.exp)),
    "log": (log_loop, alone(np.log)),
    "tanh": (tanh_loop, alone(np.tanh)),
    "sin": (sin_loop, alone(np.sin)),
    "pow": (pow_loop, alone(raised)),
    "exp, arithmetic": (exp_between, between(np.exp)),
    "log, arithmetic": (log_between, between(np.log)),
    "tanh, arithmetic": (tanh_between, between(np.tanh)),
    "sin, arithmetic": (sin_between, between(np.sin)),
    "pow, arithmetic": (pow_between, between(raised)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """One function of one dtype."""

    case: str
    dtype: str
    numpy_ns: float  # for an element, on one thread: median
    share: Ratio
    gain: Ratio
    side_by_side: Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """All of them, and on how many threads."""

    threads: int
    computed: tuple[Computed, ...]

    @property
    def worst_share(self) -> float | None:
        """The smallest share of NumPy per thread."""
        return min((each.share.value for each in self.computed), default=None)

    @property
    def worst_gain(self) -> float | None:
        """The smallest gain by threads; None where there are not just two of them."""
        found = [each.gain.value for each in self.computed if self.threads == len(DTYPES)]
        return min(found, default=None)


def measure(names: frozenset[str] | None, rounds: int, *, size: int = SIZE) -> Functions:
    """Every chosen case in both dtypes, in interleaved rounds.

    Raises WrongResult where a value is another one than NumPy's.
    """
    chosen = [name for name in CASES if names is None or name in names]
    with ThreadPoolExecutor(threads()) as others:
        found = [
            _computed(name, dtype, size, rounds, others) for name in chosen for dtype in DTYPES
        ]
    return Functions(threads=threads(), computed=tuple(found))


def _computed(
    name: str, dtype: str, size: int, rounds: int, others: ThreadPoolExecutor
) -> Computed:
    loop, whole = CASES[name]
    ours = autopar.parallel(loop)
    single = ParallelFunction(loop, replace(choose_options(backend="cpu"), tier="serial"))
    for count in (ODD, size):
        _check(name, (ours, single), whole, _arguments(count, dtype))
    x, y = _arguments(size, dtype)
    calls: dict[str, Callable[[], object]] = {
        "numpy": lambda: whole(x, y),
        "one": lambda: single(x, y),
        "all": lambda: ours(x, y),
        "side by side": side_by_side(whole, x, y, others),
    }
    times = interleaved(calls, rounds)
    return Computed(
        case=name,
        dtype=dtype,
        numpy_ns=1e9 * float(np.median(times["numpy"])) / size,
        share=bootstrap_ratio(times["numpy"], times["one"]),
        gain=bootstrap_ratio(times["numpy"], times["all"]),
        side_by_side=bootstrap_ratio(times["numpy"], times["side by side"]),
    )


def side_by_side(
    whole: Form, x: Array, y: Array, others: ThreadPoolExecutor
) -> Callable[[], object]:
    """A call of `whole` for a part of the arrays on each thread, this one included."""
    count = threads()
    parts = list(zip(np.array_split(x, count), np.array_split(y, count), strict=True))

    def call() -> None:
        waiting = [others.submit(whole, *part) for part in parts[1:]]
        whole(*parts[0])
        for each in waiting:
            each.result()

    return call


def _arguments(size: int, dtype: str) -> tuple[Array, Array]:
    x = np.random.default_rng(SEED).uniform(0.1, 9.0, size).astype(dtype)
    return x, np.empty_like(x)


def _check(name: str, forms: tuple[Form, ...], whole: Form, arguments: tuple[Array, Array]) -> None:
    x, expected = arguments
    whole(x, expected)
    for form in forms:
        found = np.zeros_like(x)
        form(x, found)
        if found.tobytes() != expected.tobytes():
            raise WrongResult(f"{name} of {x.dtype} is not what NumPy gives.")


HEAD = ("functions", "NumPy ns", "per thread", "all threads", "NumPy side by side")


def rows(functions: Functions) -> list[tuple[str, ...]]:
    """The cells of the table; ratios are times of NumPy on one thread over others."""
    return [
        (f"{each.case}, {each.dtype}", f"{each.numpy_ns:.2f}", *map(_cell, _ratios(each)))
        for each in functions.computed
    ]


def _ratios(computed: Computed) -> tuple[Ratio, ...]:
    return computed.share, computed.gain, computed.side_by_side


def _cell(ratio: Ratio) -> str:
    return f"{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
