"""Measure what things take on this machine: the rates of the cost model.

Before:  the rates of another machine      After:  those of this one, kept in the cache folder

Each rate of the interpreter is the difference of two loops that differ in one thing; the rates
of kernels come from loops that autopar compiles for the purpose. Each number is the smallest of
several: what disturbs a measurement only makes it longer. It takes a second or two, so it runs
when it is asked for (`autopar info --calibrate`), never in a user's call.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autopar.codegen import cudalib
from autopar.codegen.ahead import asking, follow
from autopar.codegen.cache import Cache
from autopar.codegen.rates import CURRENT, DEFAULTS, Rates, as_text, bounded, file_name

from . import calibration_loops as loops
from .decorator import ParallelFunction
from .options import Options, Tier, choose_options

LOG = logging.getLogger("autopar")

_TRIES = 7
_TURNS = 400  # of a loop in the interpreter: some 50 us
_SAMPLE_S = 0.002

# Each rate of the interpreter: a statement, and the one that lacks just that; how often it is
# in the difference. None: an empty loop over a range, all of whose turns are the rate.
_INTERPRETED: Mapping[str, tuple[str, str | None, int]] = {
    "turn": ("pass", None, 1),
    "leaf": ("p; p; p; p; p; p; p; p", "pass", 8),
    "number": ("p * q; p * q; p * q; p * q", "p; q; p; q; p; q; p; q", 4),
    "scalar": ("u * v; u - v; u * q; q + u", "u; v; u; v; u; q; q; u", 4),
    "load": ("a[i]; a[i]; a[i]; a[i]", "i; i; i; i", 4),
    "store": ("a[i] = p; a[i] = p; a[i] = u; a[i] = u", "p; i; p; i; u; i; u; i", 4),
    "subscript": ("b[i, k]; b[i, k]; b[i, k]; b[i, k]", "a[i]; a[i]; a[i]; a[i]", 4),
    "function": ("m.sqrt(p); m.sin(p); m.sqrt(u); m.exp(u)", "p; p; u; u", 4),
    "ufunc": ("n.exp(p); n.sqrt(u); n.tanh(u); n.exp(u)", "p; u; u; u", 4),
}


def calibrate(cache: Cache) -> Rates:
    """Return the rates of this machine, and keep them in `cache` if that is possible."""
    rates = _with_interpreter(DEFAULTS)
    before = CURRENT.rates, CURRENT.is_calibrated
    try:
        rates = _with_device(_with_memory(_with_kernels(rates)))
    except BaseException:
        CURRENT.rates, CURRENT.is_calibrated = before
        raise
    cache.store(file_name(), as_text(rates))
    CURRENT.set(rates, is_calibrated=True)
    follow(rates)
    return rates


def _least(run: Callable[[], object]) -> float:
    """Return the smallest nanoseconds of a call, of some tries of some calls each."""
    run()
    start = time.perf_counter()
    run()
    repeats = max(1, round(_SAMPLE_S / max(1e-7, time.perf_counter() - start)))
    found = math.inf
    for _ in range(_TRIES):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        found = min(found, (time.perf_counter() - start) / repeats)
    return 1e9 * found


# --------------------------------------------------------------------------- interpreter


def _with_interpreter(rates: Rates) -> Rates:
    times = {text: _turn_ns(text) for one, other, _ in _INTERPRETED.values()
             for text in (one, other) if text is not None}  # fmt: skip
    found: dict[str, Any] = {}
    for name, (one, other, count) in _INTERPRETED.items():
        difference = times[one] - (0.0 if other is None else times[other])
        found[name] = bounded(name, difference / count)
    # What is Python's work for the most part takes as much longer as all of that.
    slower = math.prod(value / getattr(rates, name) for name, value in found.items())
    slower **= 1 / len(found)
    for name in ("load_kernel", "analysis"):
        found[name] = bounded(name, slower * getattr(rates, name))
    return replace(rates, **found)


def _turn_ns(statement: str) -> float:
    """Return the nanoseconds of one iteration of a loop with `statement` as its body."""
    source = f"def run(a, b, u, v, p, q, k, m, n):\n for i in range({_TURNS}):\n  {statement}\n"
    names: dict[str, Any] = {}
    exec(compile(source, "<autopar calibration>", "exec"), names)  # noqa: S102  # our own text
    a, b = np.linspace(0.5, 1.5, _TURNS), np.ones((_TURNS, 3))
    values = (a, b, a[3], a[5], 0.75, 1.25, 1, math, np)
    run: Callable[..., None] = names["run"]
    return _least(lambda: run(*values)) / _TURNS


# ------------------------------------------------------------------------------- kernels


def _with_kernels(rates: Rates) -> Rates:
    serial = _options("serial")
    compiled = {each: ParallelFunction(each, serial) for each in loops.PRICED}
    # The first one finds the compiler unprepared, which happens once in a process.
    seconds = [_seconds(_with(each, loops.lines(8))) for each in compiled.values()]
    triad = compiled[loops.triad]
    factors = [
        _least(_bound(function, loops.lines(loops.MANY))) / (loops.PRICED[kernel] * loops.MANY)
        for kernel, function in compiled.items()
    ]
    found: dict[str, Any] = {
        "kernel": math.prod(factors) ** (1 / len(factors)),
        "compile": 1e9 * min(seconds),
        "compiler": 1e9 * max(1e-3, seconds[0] - min(seconds)),
        **_around(triad),
        **_bandwidths(triad),
        "hop": _hop(triad),
    }
    return replace(rates, **{name: bounded(name, value) for name, value in found.items()})


def _options(tier: Tier) -> Options:
    # What has been kept on disk would make the compiler look quick.
    return replace(choose_options(backend="cpu", cache=False), tier=tier)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _with(function: Callable[..., object], values: tuple[Any, ...]) -> Callable[[], object]:
    return lambda: function(*values)


def _bound(function: Callable[..., object], values: tuple[Any, ...]) -> Callable[[], object]:
    for _ in range(12):  # until it is known
        function(*values)
    return _with(function, values)


def _around(triad: Callable[..., object]) -> dict[str, float]:
    """Return what stands around a kernel of no work."""
    sets = [loops.lines(1) for _ in range(24)]

    def others() -> None:
        for each in sets:
            triad(*each)

    ours = ParallelFunction(loops.triad, choose_options())
    plain = _least(lambda: loops.triad(*sets[0]))
    return {
        "enter": _least(others) / len(sets),
        "again": _least(_bound(triad, sets[0])),
        "leave": _least(lambda: ours(*sets[0])) - plain,
    }


def _bandwidths(triad: Callable[..., object]) -> dict[str, float]:
    """Return what a byte takes that comes from the last cache, and from memory; what that holds."""
    found = {n: _least(_bound(triad, loops.lines(n))) / (24 * n) for n in (loops.NEAR, *_sizes())}
    near, far = found[loops.NEAR], found[loops.FAR]
    # Nearer to the one than to the other.
    held = max(24 * n for n, each in found.items() if n == loops.NEAR or each**2 < near * far)
    return {"cache_byte": near, "memory_byte": far, "cache_bytes": held}


def _sizes() -> tuple[int, ...]:
    """Return how long vectors are that lie in memory, and those between them and the caches."""
    return tuple(loops.FAR >> step for step in range(5, -1, -1))


def _hop(triad: Callable[..., object]) -> float:
    """Return what a launch on all threads takes beyond its share of the work."""
    together = ParallelFunction(loops.triad, _options("parallel"))
    pool = loops.lines(loops.MANY)
    alone, shared = (_least(_bound(each, pool)) for each in (triad, together))
    threads = choose_options().threads or loops.processors()
    return shared - alone / min(threads, loops.MOST_THREADS)


# -------------------------------------------------------------------------------- memory

_DISTANCES = (2048, 0, 1024, 4096)  # bytes; the first one unless another is clearly better
_CLEARLY = 0.95


def _with_memory(rates: Rates) -> Rates:
    """Return `rates` with those of arrays larger than the caches, on all threads.

    Leaves other rates in force.
    """
    always, never = (replace(rates, stream_bytes=each) for each in (1.0, math.inf))
    passing, usual = _formed(loops.triad, always), _formed(loops.triad, never)
    beside = _distance(_bound(passing, loops.lines(loops.FAR)))
    alone = _distance(_bound(_formed(loops.smoothed, always), loops.lines(loops.FAR)[:2]))
    with asking(int(beside)):
        from_bytes = _passing_from(passing, usual)
    found = {
        "inner_bytes": _inner_bytes() or rates.inner_bytes,
        "stream_bytes": from_bytes,
        "ahead_alone": alone,
        "ahead_beside": beside,
    }
    return replace(rates, **{name: bounded(name, value) for name, value in found.items()})


def _formed(kernel: Callable[..., object], rates: Rates) -> Callable[..., object]:
    """Return `kernel` in the form that calls have under `rates`, which it puts in force."""
    compiled = ParallelFunction(kernel, _options("parallel"))

    def run(*values: object) -> object:
        CURRENT.set(rates, is_calibrated=False)
        return compiled(*values)

    return run


def _there_and_back(function: Callable[..., object], count: int) -> Callable[[], object]:
    """Return two calls, of which each reads what the other one wrote."""
    x, y, z = loops.lines(count)
    _bound(function, (x, y, z))
    back = _bound(function, (z, y, x))

    def run() -> None:
        function(x, y, z)
        back()

    return run


def _passing_from(passing: Callable[..., object], usual: Callable[..., object]) -> float:
    """Return from how many bytes on the one form takes less time, at each size that is tried."""
    found = 4 * 24.0 * loops.FAR
    for count in reversed(_sizes()):
        times = _shortest([_there_and_back(each, count) for each in (passing, usual)])
        if times[0] >= times[1]:
            break
        found = 24 * count / math.sqrt(2)  # between this size and the next one
    return found


def _distance(run: Callable[[], object]) -> float:
    """Return how far ahead a loop had better ask."""

    def asked(distance: int) -> Callable[[], object]:
        def call() -> None:
            with asking(distance):
                run()

        return call

    times = dict(zip(_DISTANCES, _shortest([asked(e) for e in _DISTANCES]), strict=True))
    best = min(_DISTANCES, key=times.__getitem__)
    return best if times[best] < _CLEARLY * times[_DISTANCES[0]] else _DISTANCES[0]


def _shortest(runs: Sequence[Callable[[], object]]) -> list[float]:
    """Return the least seconds of each, which take turns: a machine is not always as quick."""
    found = [math.inf] * len(runs)
    for _ in range(1 + _TRIES):
        for place, run in enumerate(runs):
            started = time.perf_counter()
            run()
            found[place] = min(found[place], time.perf_counter() - started)
    return found


def _inner_bytes() -> float | None:
    """Return what the second cache of a core holds, where the system says so."""
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, size = ((folder / name).read_text().strip() for name in ("level", "size"))
            if level == "2":
                return float(size.removesuffix("K")) * 1024
        except (OSError, ValueError):
            continue
    return None


# ------------------------------------------------------------------------------- device


def _with_device(rates: Rates) -> Rates:
    """Return `rates` with those of the device, if there is one that runs kernels."""
    if not cudalib.is_available() or cudalib.is_simulator():
        return rates
    try:
        return replace(rates, **device_rates())
    except Exception:  # a device that cannot be measured is never chosen
        LOG.exception("the device could not be measured")
        return rates


def device_rates() -> dict[str, float]:
    """Return what launches, copies and kernels take on the device.

    Each is the difference of two runs that differ in one thing: more elements, more sweeps over
    them where they lie, more operations on each.
    """
    swept: Any = ParallelFunction(loops.swept, choose_options(backend="cuda", cache=False))
    powers: Any = ParallelFunction(loops.powers, choose_options(backend="cuda", cache=False))
    few, many = loops.lines(8), loops.lines(loops.FAR)
    size = 8 * loops.FAR

    def sweeps(values: tuple[Any, ...], count: int) -> float:
        return _least(lambda: swept(*values, count))

    launch = max(1.0, (sweeps(few, 40) - sweeps(few, 8)) / 32)
    short, once = sweeps(few, 1), sweeps(many, 1)
    memory_byte = max(1e-9, (sweeps(many, 9) - once) / 8 - launch) / (3 * size)
    # Two vectors there, one back, which is overwritten; what a sweep moves is no copy.
    byte = max(1e-9, once - short - 3 * size * memory_byte) / (3 * size)
    turns = loops.TURNS
    computed = _least(lambda: powers(*many, 9 * turns)) - _least(lambda: powers(*many, turns))
    work = max(1e-9, computed) / (8 * turns * loops.FAR * loops.POWER_NS)
    return {
        "device_launch": launch,
        "device_byte": byte,
        "device_memory_byte": memory_byte,
        "device_work": work,
    }
