"""Keep what strangers' code may take within bounds: no network, so much memory and time.

Linux only: a network namespace of its own has no way out, not even to this machine. Where it
cannot be had, nothing is run unless the user allows the network.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

# linux/sched.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_LARGEST_FILE_BYTES = 1024**3
# What a kernel needs of the environment; whatever else is there may be a secret.
KEPT_VARIABLES = (
    "PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH",
    "AUTOPAR_BACKEND", "AUTOPAR_NUM_THREADS",
)  # fmt: skip

_FOLDERS = (
    "HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "AUTOPAR_CACHE_DIR",
)  # fmt: skip


class NoIsolationError(Exception):
    """This system does not let us cut a process off from the network."""


def cut_off_network() -> None:
    """Move this process, and all that it will start, into a network that leads nowhere.

    Raises NoIsolationError where the system does not allow that.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = os.getuid(), os.getgid()
        if libc.unshare(_CLONE_NEWNET) == 0:  # we are root
            return
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            raise NoIsolationError(os.strerror(ctypes.get_errno()))
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny", encoding="ascii")
        (own / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        (own / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except (OSError, AttributeError) as error:
        raise NoIsolationError(str(error)) from error


def can_cut_off_network() -> bool:
    """Return whether `cut_off_network` will succeed, found out in another process."""
    code = f"from {__name__} import cut_off_network; cut_off_network()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)  # noqa: S603 - our own words
    return done.returncode == 0


def limit_resources(seconds: float, memory_bytes: int) -> None:
    """Bound this process and each that it will start: address space, processor time, files."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        # All threads count, so a full minute on every processor.
        resource.RLIMIT_CPU: int(seconds * (os.cpu_count() or 1)) + 60,
        resource.RLIMIT_FSIZE: _LARGEST_FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # noqa: PLW2901
        resource.setrlimit(kind, (most, most))


def environment_for(home: Path) -> dict[str, str]:
    """Return the environment of strangers' code: little of ours, everything it writes in `home`."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    kept |= {name: str(home / name.lower()) for name in _FOLDERS}
    for name in _FOLDERS:
        Path(kept[name]).mkdir(parents=True, exist_ok=True)
    # Sets are walked in the same order each time; the debugger's warning is no output.
    return kept | {"PYTHONHASHSEED": "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
