"""What things take on this machine: the coefficients of the cost model.

Maps a file in the cache folder to numbers, and back. A machine that was never calibrated has the
numbers of the one that autopar was written on; `autopar.calibration` measures others. A file
that is damaged, of another machine or of another version counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, fields
from typing import Any

from autopar.analysis.model.nouns import dataclass

from .cache import Cache, user_cache

# Rates of another version mean something else.
VERSION = 4
# No rate is taken that lies further than this from the default, either way: what was measured
# while the machine did something else may be anything.
_FARTHEST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Nanoseconds, unless something else is said."""

    # ------------------------------------------------ the interpreter, each time one comes by
    turn: float = 8.0  # an iteration of a `for` loop over a range
    leaf: float = 2.0  # a name or a constant
    number: float = 4.0  # an operation on Python numbers
    scalar: float = 27.0  # an operation on NumPy scalars
    load: float = 38.0  # an element of an array of one dimension
    store: float = 22.0
    subscript: float = 28.0  # each further subscript of an element
    function: float = 16.0  # a call of a function of `math`, or of a builtin
    ufunc: float = 135.0  # a call of a function of NumPy's
    # --------------------------------------------------------------------------- kernels
    # What loops in cache take, over what `codegen.work` reckons for the machine of the defaults.
    kernel: float = 1.0
    cache_byte: float = 0.035  # bytes that come from the last cache, one thread
    memory_byte: float = 0.085  # from memory
    cache_bytes: float = 400e6  # no time: how much the last cache holds
    inner_bytes: float = 2e6  # how much the cache of one core holds
    # All arrays of a call together, from where on what is written had better pass the caches.
    stream_bytes: float = 48e6
    # Bytes between what loops read that store past the caches, and what they ask for: where they
    # walk through one array, and where through several. 0: they ask for nothing.
    ahead_alone: float = 2048.0
    ahead_beside: float = 2048.0
    # ------------------------------------------------------------------- around kernels
    enter: float = 12_000.0  # a region's checks, and the call of its kernel
    again: float = 900.0  # the same for a call like one before
    leave: float = 7_500.0  # a region's checks, and the answer that the interpreter is to run it
    hop: float = 3_000.0  # a launch on several threads, beyond its share of the work
    compile: float = 200e6  # analysis, code generation, Numba: one kernel of one statement
    compiler: float = 600e6  # loading Numba, once a process
    load_kernel: float = 8e6  # the same where the machine code lies in the cache folder
    analysis: float = 20e6  # a nest analysed again at a call
    # ------------------------------------------------------------------ a device, None: none
    device_launch: float | None = None
    device_byte: float | None = None  # copied to it or from it
    device_memory_byte: float | None = None  # that its kernels read or write
    # What its kernels compute, over what `codegen.work` reckons for one thread of a CPU.
    device_work: float | None = None


DEFAULTS = Rates()
MAY_BE_NOTHING = frozenset(("ahead_alone", "ahead_beside"))


def machine_name() -> str:
    """Return what tells this machine from others: its processor, cores and interpreter."""
    parts = (
        platform.node(),
        platform.machine(),
        processor(),
        str(os.cpu_count()),
        platform.python_implementation(),
        platform.python_version(),
    )
    return " ".join(parts)


def processor() -> str:
    """Return the name of the processor; "" where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - no pathlib at a start
            named = (line for line in file if line.startswith("model name"))
            return next(named, ":").partition(":")[2].strip()
    except OSError:
        return platform.processor()


def file_name() -> str:
    """Return what the file of this machine is called in the cache folder."""
    return f"rates_{hashlib.sha256(machine_name().encode()).hexdigest()[:16]}.json"


def as_text(rates: Rates) -> str:
    """Return what is written to the file."""
    content = {"version": VERSION, "machine": machine_name(), "rates": asdict(rates)}
    return json.dumps(content, indent=1) + "\n"


def from_text(text: str) -> Rates | None:
    """Return the rates that a file holds; None for anything but rates of this machine."""
    try:
        content = json.loads(text)
        if content["version"] != VERSION or content["machine"] != machine_name():
            return None
        kept = content["rates"]
        found: Any = {each.name: _checked(each.name, kept[each.name]) for each in fields(Rates)}
        return Rates(**found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _checked(name: str, value: Any) -> float | None:  # noqa: ANN401 - whatever lies in a file
    default = getattr(DEFAULTS, name)
    if value is None and default is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(name)
    if name in MAY_BE_NOTHING and value == 0:
        return 0.0
    if not 0 < value < float("inf"):
        raise ValueError(name)
    return float(value) if default is None else bounded(name, float(value))


def bounded(name: str, value: float) -> float:
    """Return a rate as it is taken: no further from the default than measurements can be."""
    default: float = getattr(DEFAULTS, name)
    if name in MAY_BE_NOTHING and not value:
        return 0.0
    return min(max(value, default / _FARTHEST), default * _FARTHEST)


class _Current:
    """The rates of this process, read when first asked for."""

    def __init__(self) -> None:
        self.rates: Rates | None = None
        self.is_calibrated = False

    def get(self) -> Rates:
        """Return the rates, from the cache folder if they lie there."""
        if self.rates is None:
            self.rates = read(user_cache()) or DEFAULTS
            self.is_calibrated = self.rates is not DEFAULTS
        return self.rates

    def set(self, rates: Rates, *, is_calibrated: bool) -> None:
        """Take other rates from now on."""
        self.rates, self.is_calibrated = rates, is_calibrated


CURRENT = _Current()


def current() -> Rates:
    """Return the rates in force."""
    return CURRENT.rates or CURRENT.get()


def read(cache: Cache) -> Rates | None:
    """Return the rates of this machine that lie in a cache folder."""
    if cache.folder is None:
        return None
    try:
        text = (cache.folder / file_name()).read_text("utf-8")
    except (OSError, ValueError):
        return None
    return from_text(text)
