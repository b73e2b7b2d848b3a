"""What the user may choose: arguments of the decorator, else the environment, else defaults."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from autopar.analysis.model.nouns import dataclass

Backend: TypeAlias = Literal["auto", "cuda", "cpu", "interpreter"]
# How kernels of the CPU run whatever is predicted; for measurements, no choice of the user's.
Tier: TypeAlias = Literal["serial", "parallel"]
BACKENDS: tuple[str, ...] = get_args(Backend)
MOST_THREADS = 1024


class AutoparError(Exception):
    """autopar was asked for something that makes no sense, or that this machine cannot do."""


class BackendError(AutoparError):
    """The backend that the user named is unknown, or this machine lacks it."""


class BackendWarning(UserWarning):
    """The backend that the user named cannot run a loop that may run in parallel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one function is to be run."""

    backend: Backend
    strict: bool  # no floating-point reassociation
    fastmath: bool  # contraction and fast approximations allowed
    cache: bool  # keep compiled kernels on disk
    threads: int | None  # of the pool; None: as many as processors
    dump: str | None  # folder for every stage as text
    tier: Tier | None = None


def choose_options(
    *,
    backend: str = "auto",
    strict: bool = False,
    fastmath: bool = False,
    cache: bool = True,
    environment: Mapping[str, str] = os.environ,
) -> Options:
    """Return the options in force; an argument wins over the environment.

    Raises BackendError for a backend that does not exist, AutoparError for a number of threads
    that is none.
    """
    chosen = backend if backend != "auto" else environment.get("AUTOPAR_BACKEND", "auto")
    if chosen not in BACKENDS:
        raise BackendError(f"There is no backend '{chosen}'; choose from {', '.join(BACKENDS)}.")
    return Options(
        backend=chosen,  # type: ignore[arg-type]  # checked on the line above
        strict=strict,
        fastmath=fastmath,
        cache=cache,
        threads=_threads(environment.get("AUTOPAR_NUM_THREADS", "")),
        dump=environment.get("AUTOPAR_DUMP") or None,
    )


def configure_log(environment: Mapping[str, str] = os.environ) -> None:
    """Show autopar's log on stderr where AUTOPAR_LOG names a level; else leave logging alone.

    It says nothing then, unless the user has the name "autopar" handled: without a handler of
    its own, `logging` itself would write to stderr.
    """
    level = environment.get("AUTOPAR_LOG", "").upper()
    log = logging.getLogger("autopar")
    is_shown = level in logging.getLevelNamesMapping()
    if is_shown:
        log.setLevel(level)
    if not log.handlers:
        log.addHandler(logging.StreamHandler() if is_shown else logging.NullHandler())


def is_disabled(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether AUTOPAR_DISABLE asks for the undecorated functions."""
    return environment.get("AUTOPAR_DISABLE", "") not in {"", "0"}


def _threads(text: str) -> int | None:
    """Return the number of threads that the environment asks for; None where it asks for none."""
    if not text.strip():
        return None
    number = int(text) if text.strip().isdecimal() else 0
    if not 0 < number <= MOST_THREADS:
        raise AutoparError(
            f"AUTOPAR_NUM_THREADS is {text!r}; it must be a whole number from 1 to {MOST_THREADS}."
        )
    return number
