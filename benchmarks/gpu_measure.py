"""One kernel on a GPU: autopar and the hand-written kernel, with transfers and without.

Values first: autopar's must be the bits that the CPU computes in the loops' own order.
"""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numba import cuda as typed_cuda
from numba import njit

import autopar

from . import gpu_by_hand, gpu_reductions, loops, vectorised
from .harness import SEED, copied, interleaved
from .kernels import Arguments, Maker, cubes, scalar_and_vectors
from .loops import Form
from .statistics import bootstrap_ratio, median
from .takeover import takeover

cuda: Any = typed_cuda  # half of numba.cuda has types
ROUNDS = 7
LONG_ROUNDS = 3  # of what takes long: all of it must be done within minutes
SAMPLE_S = 0.02
HAND_TOLERANCE = 1e-12  # the hand-written kernels contract to FMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kernel as the GPU check runs it."""

    name: str
    plain: Form
    launch: Form  # hand-written; on device arrays
    reference: Form  # on the host, in the order of `plain`
    arguments: Maker
    output: int  # position of the array it writes
    reads_output: bool  # the output's old values must travel to the device
    size: int
    tiny_size: int  # under the simulator
    probe_size: int  # to see what autopar accepts, where the interpreter is still quick
    traffic: Callable[[int], float]  # bytes that must cross the device's memory at a size
    tolerance: float = 0.0  # 0: autopar's bits must be the reference's


def serial(plain: Form) -> Form:
    """`plain` compiled for one core, which computes in the order of its loops."""

    def run(*arguments: Any) -> None:
        compiled(plain)(*arguments)

    return run


@functools.cache
def compiled(plain: Form) -> Any:
    """`plain` as Numba compiles it, at its first call."""
    return njit(plain)


def over_vectors(
    name: str, forms: tuple[Form, Form, Form], arguments: Maker, output: int, words: int
) -> Case:
    """A kernel over vectors; `forms` are `plain`, `launch` and `reference`.

    So many words of 64 bits must cross the device's memory for each element.
    """
    plain, launch, reference = forms
    return Case(
        name=name,
        plain=plain,
        launch=launch,
        reference=reference,
        arguments=arguments,
        output=output,
        reads_output=True,
        size=1 << 26,
        tiny_size=40,
        probe_size=1000,
        traffic=lambda size: 8.0 * words * size,
    )


def reduced(plain: Form, launch: Form) -> tuple[Form, Form, Form]:
    """The forms of a reduction, whose reference is what the CPU makes of the same loop."""
    return plain, launch, gpu_reductions.on_the_cpu(plain)


CASES = (
    over_vectors(
        "saxpy", (loops.saxpy, gpu_by_hand.saxpy, vectorised.saxpy), scalar_and_vectors, 2, 3
    ),
    Case(
        name="jacobi",
        plain=loops.jacobi,
        launch=gpu_by_hand.jacobi,
        reference=vectorised.jacobi,
        arguments=cubes(2, 2),
        output=1,
        reads_output=True,  # its border is not written
        size=8192,
        tiny_size=9,
        probe_size=48,
        traffic=lambda size: 16.0 * size * size,
    ),
    Case(
        name="gauss_seidel",
        plain=loops.gauss_seidel,
        launch=gpu_by_hand.gauss_seidel,
        reference=serial(loops.gauss_seidel),
        arguments=cubes(1, 2),
        output=0,
        reads_output=True,
        size=4096,
        tiny_size=9,
        probe_size=48,
        traffic=lambda size: 16.0 * size * size,
    ),
    Case(
        name="matmul",
        plain=loops.matmul_scalar,
        launch=gpu_by_hand.matmul,
        reference=serial(loops.matmul_ikj),
        arguments=cubes(3, 2),
        output=2,
        reads_output=False,
        size=2048,
        tiny_size=6,
        probe_size=16,
        traffic=lambda size: 24.0 * size * size,
        tolerance=1e-12,
    ),
    Case(
        name="transpose_add",
        plain=loops.transpose_add,
        launch=gpu_by_hand.transpose_add,
        reference=serial(loops.transpose_add),
        arguments=cubes(3, 2),
        output=2,
        reads_output=False,
        size=8192,
        tiny_size=7,
        probe_size=32,
        traffic=lambda size: 24.0 * size * size,
    ),
    Case(
        name="filtered",
        plain=loops.filtered,
        launch=gpu_by_hand.filtered,
        reference=serial(loops.filtered),
        arguments=cubes(2, 2),
        output=1,
        reads_output=True,  # its border is not written
        size=8192,
        tiny_size=9,
        probe_size=48,
        traffic=lambda size: 16.0 * size * size,
    ),
    replace(
        over_vectors(
            "dot",
            reduced(gpu_reductions.dot, gpu_reductions.launch_dot),
            gpu_reductions.two_vectors, 2, 2,
        ),
        probe_size=40_000,  # a float sum runs on the device once it is long
    ),
    over_vectors(
        "argmax",
        reduced(gpu_reductions.place_of_largest, gpu_reductions.launch_place),
        gpu_reductions.one_vector, 1, 1,
    ),
    over_vectors(
        "histogram",
        reduced(gpu_reductions.histogram, gpu_reductions.launch_histogram),
        gpu_reductions.places, 1, 1,
    ),
    replace(
        over_vectors(
            "image_histogram",
            reduced(gpu_reductions.image_histogram, gpu_reductions.launch_image_histogram),
            gpu_reductions.levels, 1, 1,
        ),
        size=1 << 14,
        tiny_size=12,
        probe_size=100,
        traffic=lambda size: 1.0 * size * size,
    ),
)  # fmt: skip


def close(expected: Any, actual: Any) -> float:
    """The largest difference, relative to the largest expected value."""
    return float(np.max(np.abs(expected - actual)) / np.max(np.abs(expected)))


def values(expected: Any, actual: Any, tolerance: float) -> dict[str, Any]:
    """Whether `actual` is right, and how it differs."""
    identical = expected.tobytes() == actual.tobytes()
    difference = close(expected, actual)
    return {
        "bit_identical": identical,
        "max_relative_difference": difference,
        "right": identical or difference <= tolerance,
    }


def on_device(arguments: Arguments) -> tuple[Any, ...]:
    """The arguments with every array copied to the device."""
    return tuple(cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments)


def by_hand_with_transfers(case: Case, arguments: Arguments) -> Any:
    """The hand-written kernel on host arrays; only what must travel does."""
    moved: list[Any] = list(arguments)
    for position, argument in enumerate(arguments):
        if isinstance(argument, np.ndarray):
            needed = position != case.output or case.reads_output
            moved[position] = (
                cuda.to_device(argument) if needed else cuda.device_array_like(argument)
            )
    case.launch(*moved)
    moved[case.output].copy_to_host(arguments[case.output])
    return arguments[case.output]


def synchronised(form: Form, arguments: Sequence[Any]) -> Callable[[], None]:
    """A call of `form` that ends when the device is done."""

    def call() -> None:
        form(*arguments)
        cuda.synchronize()

    return call


def ran_on_device(ours: Any, arguments: Sequence[Any]) -> str | None:
    """None if autopar ran all of this call on the device, otherwise what it did."""
    try:
        ours(*arguments)
    except (
        TypeError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        autopar.BackendError,
    ) as error:
        return f"{type(error).__name__}: {error}"
    backends = takeover(ours.last_run.to_dict(), 1.0).backends
    return None if backends == ("cuda",) else f"ran on {', '.join(backends) or 'nothing'}"


def probed(case: Case) -> Arguments:
    """Arguments of the size at which autopar is asked what it accepts."""
    return case.arguments(case.probe_size, np.random.default_rng(SEED))


def check_host(case: Case, ours: Any, arguments: Arguments, expected: Any) -> dict[str, Any]:
    """The values of a call on host arrays and the seconds of the first; or why it was refused."""
    start = time.perf_counter()
    refused = ran_on_device(ours, probed(case))
    seconds = time.perf_counter() - start
    if refused is not None:
        return {"refused": refused}
    mine = copied(arguments)
    ours(*mine)
    compared = values(expected, np.asarray(mine[case.output]), case.tolerance)
    return {"first_call_s": seconds, **compared}


def check_resident(case: Case, ours: Any, arguments: Arguments, expected: Any) -> dict[str, Any]:
    """One call on device arrays: its values, or why it was refused."""
    refused = ran_on_device(ours, on_device(probed(case)))
    if refused is not None:
        return {"refused": refused}
    there = on_device(arguments)
    ours(*there)
    return values(expected, there[case.output].copy_to_host(), case.tolerance)


def check_by_hand(case: Case, arguments: Arguments, expected: Any) -> dict[str, Any]:
    """The values of the hand-written kernel, within what contraction explains."""
    return values(expected, by_hand_with_transfers(case, copied(arguments)), HAND_TOLERANCE)


def timed(pairs: dict[str, Callable[[], None]], rounds: int) -> dict[str, Any]:
    """Medians of autopar and by hand, and their ratio: above 1 autopar is faster."""
    times = interleaved(pairs, rounds, SAMPLE_S, LONG_ROUNDS)
    seconds: dict[str, Any] = {f"{name}_s": median(spent) for name, spent in times.items()}
    if "autopar" in times:
        seconds["ratio"] = asdict(bootstrap_ratio(times["by_hand"], times["autopar"]))
    return seconds


def measure(case: Case, size: int, rounds: int, copy_bandwidth: float) -> dict[str, Any]:
    """`case` checked and timed; what went wrong stands in the result, nothing is raised."""
    try:
        return measured(case, size, rounds, copy_bandwidth)
    except Exception:  # noqa: BLE001  a GPU is lent for minutes: one failure must not lose the rest
        return {"name": case.name, "size": size, "error": traceback.format_exc()}


def measured(case: Case, size: int, rounds: int, copy_bandwidth: float) -> dict[str, Any]:
    """`case` checked and timed."""
    arguments = case.arguments(size, np.random.default_rng(SEED))
    reference = copied(arguments)
    case.reference(*reference)
    expected = np.asarray(reference[case.output])
    ours: Any = autopar.parallel(case.plain, backend="cuda")
    host = check_host(case, ours, arguments, expected)
    resident = check_resident(case, ours, arguments, expected)
    by_hand = check_by_hand(case, arguments, expected)
    host_pair = {"by_hand": lambda: by_hand_with_transfers(case, arguments)}
    there = on_device(arguments)
    resident_pair = {"by_hand": synchronised(case.launch, there)}
    if "refused" not in host:
        host_pair["autopar"] = synchronised(ours, arguments)
    if "refused" not in resident:
        resident_pair["autopar"] = synchronised(ours, there)
    host |= timed(host_pair, rounds)
    resident |= timed(resident_pair, rounds)
    share = shares(case.traffic(size), resident, copy_bandwidth)
    return {
        "name": case.name,
        "size": size,
        "with_transfers": host,
        "resident": resident | share,
        "by_hand": by_hand,
    }


def shares(traffic: float, resident: dict[str, Any], copy_bandwidth: float) -> dict[str, float]:
    """Memory traffic per second as a share of the copy bandwidth, for each form timed."""
    names = [name for name in ("by_hand", "autopar") if f"{name}_s" in resident]
    return {f"{n}_of_copy": traffic / resident[f"{n}_s"] / copy_bandwidth for n in names}


def tiny(case: Case) -> Case:
    """The same case at the size that the simulator can bear."""
    return replace(case, size=case.tiny_size, probe_size=case.tiny_size)


def copy_bandwidth(size_bytes: int, repeats: int) -> float:
    """Bytes per second of a device-to-device copy, read and write both counted; CUDA events."""
    source = cuda.device_array(size_bytes // 8, dtype=np.float64)
    target = cuda.device_array_like(source)
    target.copy_to_device(source)
    seconds = []
    for _ in range(repeats):
        start, end = cuda.event(), cuda.event()
        start.record()
        target.copy_to_device(source)
        end.record()
        end.synchronize()
        seconds.append(1e-3 * start.elapsed_time(end))
    return 2.0 * (size_bytes // 8 * 8) / max(median(seconds), 1e-12)
