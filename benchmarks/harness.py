"""One kernel measured: correctness first, then interleaved rounds of all its forms.

Every form works on the same arrays, so none gains from a luckier alignment.  In each round the
order is drawn anew, and before each sample there is a pause and one call that is not timed:
OpenMP threads spin for a while after a parallel loop and would slow whoever comes next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .kernels import Arguments, Kernel
from .loops import Form
from .statistics import Ratio, bootstrap_ratio, median
from .takeover import Takeover, takeover

SEED = 11
# OpenMP threads go on spinning for a while after their loop: let them fall asleep. After the
# pause the processor takes some milliseconds to come up to speed: run a while, untimed.
PAUSE_S = 0.02
WARM_S = 0.02
SAMPLE_S = 0.01  # a sample repeats the call until about this long
LONG_S = 0.2  # a call that takes longer is steady enough for few rounds
# On a shared machine the same call takes once and twice its time: rounds are added, as many as the
# first ones again, until the ratio is known this well, or there were this many times the first.
SURE = 1.1  # the upper end of the interval over the lower one
MOST_BATCHES = 4
CHECK_SIZE = 19  # odd, and not a multiple of any vector length


class WrongResult(Exception):
    """A form of a kernel does not give the values of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One kernel's times and ratios."""

    kernel: str
    size: int
    times_s: Mapping[str, float]  # median of each form, one call
    ratios: Mapping[str, Ratio]  # of each other form to autopar; above 1: autopar is faster
    cpython_part_size: int  # CPython was timed at this size only ...
    cpython_scale: float  # ... and its time multiplied by this, the ratio of the work
    takeover: Takeover


def copied(arguments: Arguments) -> Arguments:
    """The same values in fresh arrays."""
    return tuple(item.copy() if isinstance(item, np.ndarray) else item for item in arguments)


def outputs(kernel: Kernel, form: Form, arguments: Arguments) -> tuple[np.ndarray[Any, Any], ...]:
    """What `form` writes when it is given a copy of `arguments`."""
    mine = copied(arguments)
    form(*mine)
    return tuple(np.asarray(mine[position]) for position in kernel.outputs)


def check_equal(kernel: Kernel, form: str, expected: Sequence[Any], actual: Sequence[Any]) -> None:
    """Raise WrongResult unless `actual` is `expected`: the same bits, or within the tolerance."""
    for want, have in zip(expected, actual, strict=True):
        same = want.dtype == have.dtype and want.shape == have.shape
        if same and kernel.tolerance:
            same = bool(np.max(np.abs(want - have)) <= kernel.tolerance * np.max(np.abs(want)))
        elif same:
            same = want.tobytes() == have.tobytes()
        if not same:
            raise WrongResult(f"{kernel.name}: '{form}' differs from the loops it stands for.")


def check_small(kernel: Kernel, forms: Mapping[str, Form], size: int = CHECK_SIZE) -> None:
    """Raise WrongResult unless all `forms` give what CPython gives at a small size."""
    arguments = kernel.arguments(size, np.random.default_rng(SEED))
    expected = outputs(kernel, kernel.plain, arguments)
    for name, form in forms.items():
        check_equal(kernel, name, expected, outputs(kernel, form, arguments))


def check_full(kernel: Kernel, forms: Mapping[str, Form], arguments: Arguments) -> None:
    """Raise WrongResult unless all `forms` agree with the hand-written one at the full size.

    CPython would take minutes here; `check_small` ties the hand-written form to it.
    """
    expected = outputs(kernel, kernel.by_hand, arguments)
    for name, form in forms.items():
        if form is not kernel.by_hand:
            check_equal(kernel, name, expected, outputs(kernel, form, arguments))


def seconds_of(call: Callable[[], object], repeats: int) -> float:
    """Seconds of one call, averaged over `repeats` in a row."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def interleaved(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    sample_s: float = SAMPLE_S,
    long_rounds: int | None = None,
) -> dict[str, list[float]]:
    """Seconds per call of each of `calls`, one entry per round; the order is drawn each round.

    With `long_rounds`, what takes longer than `LONG_S` has but so many entries.
    """
    order = np.random.default_rng(SEED)
    names = list(calls)
    once: dict[str, float] = {}
    for name in names:
        calls[name]()  # compiles
        calls[name]()  # some tiers settle at their second call
        once[name] = max(seconds_of(calls[name], 1), 1e-9)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for index in order.permutation(len(names)):
            name = names[index]
            if long_rounds is not None and once[name] > LONG_S and number >= long_rounds:
                continue
            time.sleep(PAUSE_S)
            seconds_of(calls[name], max(1, round(WARM_S / once[name])) if sample_s else 1)
            times[name].append(seconds_of(calls[name], max(1, round(sample_s / once[name]))))
    return times


def sure(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds per call of `calls`, from rounds enough to tell "by hand" from "autopar"."""
    times = interleaved(calls, rounds)
    for _ in range(MOST_BATCHES - 1):
        ratio = bootstrap_ratio(times["by hand"], times["autopar"])
        if ratio.high <= SURE * ratio.low:
            break
        for name, more in interleaved(calls, rounds).items():
            times[name] += more
    return times


def cpython_part(kernel: Kernel, size: int, rounds: int) -> tuple[list[float], float]:
    """CPython's times scaled from the part to `size`, and the factor they were scaled by."""
    part = min(kernel.sizes.part, size)
    scale = (size / part) ** kernel.sizes.rank
    arguments = kernel.arguments(part, np.random.default_rng(SEED))
    times = [scale * seconds_of(lambda: kernel.plain(*arguments), 1) for _ in range(rounds)]
    return times, scale


def last_takeover(function: Any, arguments: Arguments) -> Takeover:
    """What the report of one more call of the decorated `function` says."""
    start = time.perf_counter()
    function(*arguments)
    wall_s = time.perf_counter() - start
    return takeover(function.last_run.to_dict(), wall_s)


def measure(
    kernel: Kernel, decorate: Callable[[Form], Form], size: int, rounds: int
) -> Measurement:
    """`kernel` at `size` in all its forms, `decorate` making the one that is ours.

    Raises WrongResult before anything is timed if a form's values are wrong.
    """
    ours = decorate(kernel.plain)
    forms = {"autopar": ours, "by hand": kernel.by_hand}
    if kernel.vectorised is not None:
        forms["numpy"] = kernel.vectorised
    arguments = kernel.arguments(size, np.random.default_rng(SEED))
    check_small(kernel, forms)
    check_full(kernel, forms, arguments)
    times = sure({name: bound(form, arguments) for name, form in forms.items()}, rounds)
    times["cpython"], scale = cpython_part(kernel, size, len(times["autopar"]))
    others = [name for name in times if name != "autopar"]
    return Measurement(
        kernel=kernel.name,
        size=size,
        times_s={name: median(values) for name, values in times.items()},
        ratios={name: bootstrap_ratio(times[name], times["autopar"]) for name in others},
        cpython_part_size=min(kernel.sizes.part, size),
        cpython_scale=scale,
        takeover=last_takeover(ours, arguments),
    )


def bound(form: Form, arguments: Arguments) -> Callable[[], object]:
    """A call of `form` with `arguments`."""
    return lambda: form(*arguments)
