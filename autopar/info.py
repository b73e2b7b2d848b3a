"""What `autopar info` prints: versions, backends, devices, threads and the cache folder."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import autopar

PACKAGES = ("numpy", "numba", "islpy", "gast", "numba-cuda")


def describe_installation() -> tuple[tuple[str, str], ...]:
    """Return (name, description) of everything that decides where and how loops run."""
    return (
        ("autopar", autopar.__version__),
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        *((package, version_of(package)) for package in PACKAGES),
        ("cpu", describe_cpu()),
        ("cuda", describe_cuda()),
        ("threads", str(thread_count())),
        ("cache", describe_cache(cache_folder())),
    )


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
    return f"available ({platform.machine()})"


def describe_cuda() -> str:
    """Return which CUDA device or simulator is there, or that there is none."""
    try:
        from autopar.codegen.cudalib import describe
    except ImportError as error:
        return f"not available: {error}"
    return describe() or "not available: no device"


def thread_count() -> int:
    """Return how many threads CPU kernels use."""
    wish = os.environ.get("AUTOPAR_NUM_THREADS", "")
    if wish.isdecimal() and int(wish) > 0:
        return int(wish)
    # The cores that this process may use; only Linux tells.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def cache_folder() -> Path:
    """Return the folder of compiled kernels; it need not exist."""
    wish = os.environ.get("AUTOPAR_CACHE_DIR")
    if wish:
        return Path(wish)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "autopar"


def describe_cache(folder: Path) -> str:
    """Return the path of the cache folder, the number of its files and their size."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    if not sizes:
        return f"{folder} (empty)"
    files = "1 file" if len(sizes) == 1 else f"{len(sizes):,} files"
    return f"{folder} ({files}, {sum(sizes) / 2**20:.1f} MiB)"
