"""The study on many machines: the same work on the workers of a Dask cluster.

The machine that runs the study reads the files and sends their content; workers need autopar
and no files. Rows are those of a local run: what a notebook gives depends on its bytes alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from .examine import Examined, examine, not_studied
from .manifest import LARGEST_BYTES, Item, Reader
from .workers import Limits

# So many notebooks are on their way for each thread of the cluster.
_AHEAD_PER_THREAD = 4
_PATIENCE_S = 10  # with a scheduler that does not answer


class NoClusterError(Exception):
    """There is no scheduler at the address given."""


def examine_on_cluster(items: Sequence[Item], address: str, limits: Limits) -> Iterator[Examined]:
    """Yield the rows of every item, in their order, from the workers of a scheduler.

    Raises NoClusterError where the scheduler does not answer.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=_PATIENCE_S)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise NoClusterError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield from _examined(items, client, limits)


def _examined(items: Sequence[Item], client: Any, limits: Limits) -> Iterator[Examined]:  # noqa: ANN401 - Dask is untyped
    ahead = _AHEAD_PER_THREAD * max(1, sum(client.nthreads().values()))
    waiting = deque(items)
    running: deque[tuple[Item, Any]] = deque()
    reader = Reader()
    while waiting or running:
        while waiting and len(running) < ahead:
            item = waiting.popleft()
            running.append((item, _sent(item, reader, client, limits)))
        item, future = running.popleft()
        yield future if isinstance(future, Examined) else _outcome(item, future)


def _sent(item: Item, reader: Reader, client: Any, limits: Limits) -> Any:  # noqa: ANN401 - as above
    """Return the future rows of an item, or rows at once where it cannot be read."""
    if item.size > LARGEST_BYTES:
        return not_studied(item, "too-large", f"{item.size} bytes")
    try:
        content = reader.read(item)
    except OSError as error:
        return not_studied(item, "unreadable", str(error)[:200])
    return client.submit(examine_in_time, item, content, limits.seconds, pure=False)


def _outcome(item: Item, future: Any) -> Examined:  # noqa: ANN401 - as above
    from distributed.scheduler import KilledWorker

    try:
        found: Examined = future.result()
    except KilledWorker as error:
        return not_studied(item, "died", str(error)[:200])
    except MemoryError:
        return not_studied(item, "memory", "more than the worker has")
    except Exception as error:  # noqa: BLE001 - a fault of ours is a row of the table, not the end
        return not_studied(item, "fault", f"{type(error).__name__}: {error}"[:200])
    return found


def examine_in_time(item: Item, content: bytes, seconds: float) -> Examined:
    """Return the rows of an item, on a worker that goes on after `seconds` without them.

    A thread cannot be stopped from outside: one that takes too long runs on in the background.
    """
    found: list[Examined | BaseException] = []

    def work() -> None:
        try:
            found.append(examine(item, content))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        return not_studied(item, "timeout", f"more than {seconds:g} s")
    (outcome,) = found
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
