"""What `autopar info` prints: versions, backends, devices, threads and the cache folder."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from autopar.codegen.cache import Cache, user_cache
from autopar.codegen.pool import usable_processors
from autopar.codegen.rates import CURRENT, Rates, current

from .options import choose_options
from .version import VERSION

PACKAGES = ("numpy", "numba", "llvmlite", "islpy", "gast", "numba-cuda")

# What changes how many threads there are beside ours, or what Numba does.
_OF_OTHERS = frozenset(
    ("NUMBA_NUM_THREADS", "NUMBA_DISABLE_JIT", "NUMBA_ENABLE_CUDASIM", "OMP_NUM_THREADS")
)


def describe_installation() -> tuple[tuple[str, str], ...]:
    """Return (name, description) of everything that decides where and how loops run."""
    return (
        ("autopar", VERSION),
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("system", platform.platform()),
        *((package, version_of(package)) for package in PACKAGES),
        ("cpu", describe_cpu()),
        ("cuda", describe_cuda()),
        ("threads", str(choose_options().threads or usable_processors())),
        ("settings", describe_settings()),
        ("cache", describe_cache(user_cache())),
        ("rates", describe_rates()),
    )


def describe_rates() -> str:
    """Return what the cost model takes things to take on this machine, in lines."""
    rates = current()
    near, far, hop = 1 / rates.cache_byte, 1 / rates.memory_byte, rates.hop / 1e3
    inner, outer = rates.inner_bytes / 1e6, rates.cache_bytes / 1e6
    lines = (
        "calibrated" if CURRENT.is_calibrated else "not calibrated: see 'info --calibrate'",
        f"an operation on NumPy scalars {rates.scalar:.3g} ns, an element {rates.load:.3g} ns",
        f"kernels {rates.kernel:.2f} of the reference, on all threads {hop:.3g} us more",
        f"a region entered in {rates.enter / 1e3:.3g} us, again in {rates.again / 1e3:.3g} us",
        f"compiled in {rates.compile / 1e6:.3g} ms",
        f"caches of {inner:.3g} MB a core, {outer:.3g} MB in all",
        f"one thread: {near:.3g} GB/s from cache, {far:.3g} GB/s from memory",
        f"arrays of {rates.stream_bytes / 1e6:.3g} MB and more are stored past the caches",
        f"they are asked for ahead: {_asked(rates.ahead_alone)}; two of them: "
        + _asked(rates.ahead_beside),
        *_device_rates(rates),
    )
    return "\n".join(lines)


def _asked(distance: float) -> str:
    return f"{distance / 1024:.3g} kB" if distance else "not at all"


def _device_rates(rates: Rates) -> Iterator[str]:
    """Yield lines of the rates of a device, if it was measured."""
    launch, byte, memory = rates.device_launch, rates.device_byte, rates.device_memory_byte
    if launch is None or byte is None or memory is None or rates.device_work is None:
        return
    yield f"on the device a launch in {launch / 1e3:.3g} us, {1 / byte:.3g} GB/s to it and back"
    yield f"{1 / memory:.3g} GB/s within, kernels {1 / rates.device_work:.3g} times one thread"


def version_of(package: str) -> str:
    """Return the installed version of `package`."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def describe_cpu() -> str:
    """Return whether the CPU backend is there."""
    try:
        import numba  # noqa: F401  # whether it loads is the question
    except ImportError as error:
        return f"not available: {error}"
    parts = [platform.machine(), _processor(), f"{os.cpu_count()} processors"]
    return f"available ({', '.join(part for part in parts if part)})"


def _processor() -> str:
    """Return the name of the processor; "" where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == "model name"), "")


def describe_settings() -> str:
    """Return what the environment sets for autopar, and for the threads of others beside it."""
    found = [
        f"{name}={value}"
        for name, value in sorted(os.environ.items())
        if name.startswith("AUTOPAR_") or name in _OF_OTHERS
    ]
    return ", ".join(found) or "none"


def describe_cuda() -> str:
    """Return which CUDA device or simulator is there, or that there is none."""
    try:
        from autopar.codegen.cudalib import describe
    except ImportError as error:
        return f"not available: {error}"
    return describe() or "not available: no device"


def describe_cache(cache: Cache) -> str:
    """Return where compiled kernels are kept, how many there are and their size."""
    if cache.folder is None:
        return "not kept: this user has no cache folder"
    try:
        cache.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"not kept: {cache.folder} cannot be made: {error.strerror}"
    if not os.access(cache.folder, os.R_OK | os.W_OK | os.X_OK):
        return f"not kept: {cache.folder} cannot be written and read"
    usage = cache.usage()
    kernels = "1 kernel" if usage.modules == 1 else f"{usage.modules:,} kernels"
    return f"{cache.folder} ({kernels}, {usage.size_bytes / 2**20:.1f} MiB)"
