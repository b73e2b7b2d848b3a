"""Check and measure autopar on this machine's GPU, within a few minutes.

    python benchmarks/gpu_check.py [--json FILE] [--minutes 8] [--only NAME] [--simulate]

A plain script: NumPy, Numba, numba-cuda, islpy and gast are enough.  It runs the CUDA tests if
pytest is there, measures the copy bandwidth of the device, then kernels: autopar against
hand-written ones, with transfers and on data that stays on the device; then programs in unmodified
NumPy, against NumPy on the CPU and CuPy where that is installed.
JSON goes to `benchmarks/results/<device>-<date>.json` unless FILE is given, and is written anew
after each item, so that what was measured is kept whatever comes after it.

Exit status: 0 measured and every value right; 1 a value wrong, a case or a test failed;
2 wrong usage; 3 no GPU.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NO_DEVICE = 3
TEST_LIMIT_S = 240.0
TEST_PROCESSES = 8  # that share the device's memory
CASE_LEAST_S = 30.0  # a case is not begun with less time left
COPY_BYTES = 1 << 30
# Errors after which a process can use its device no more.
STAYING = ("CUDA_ERROR", "CudaAPIError", "DeviceError", "CudaSupportError", "BackendError")
PACKAGES = ("numpy", "numba", "numba-cuda", "islpy", "gast")
PROGRAM_HEAD = (
    "program", "NumPy", "autopar", "ratio", "CuPy", "copied in", "out", "ran on", "values"
)  # fmt: skip
HEAD = ("kernel", "data", "autopar", "by hand", "ratio", "95 %", "of copy", "by hand", "values")


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Check and measure autopar on a GPU.")
    parser.add_argument("--json", metavar="FILE", help="where to write the JSON")
    parser.add_argument("--minutes", type=float, default=8.0, help="stop beginning things after")
    parser.add_argument("--only", action="append", metavar="NAME", help="one kernel; repeatable")
    parser.add_argument("--no-tests", action="store_true", help="leave out the CUDA tests")
    parser.add_argument("--no-rates", action="store_true", help="leave out the device's rates")
    parser.add_argument(
        "--simulate", action="store_true", help="tiny sizes on Numba's simulator: a self-test"
    )
    return parser.parse_args(argv)


def missing_device() -> str | None:
    """Why no GPU can be used, in one line; None if one can."""
    try:
        from numba import cuda as typed_cuda
    except ImportError as error:
        return f"No GPU check: numba.cuda cannot be imported ({error})."
    cuda: Any = typed_cuda
    if not cuda.is_available():
        return "No GPU check: numba.cuda finds no CUDA device on this machine."
    return None


def device(*, simulate: bool) -> dict[str, Any]:
    """The device, its driver, and the versions that a figure depends on."""
    from numba import cuda as typed_cuda

    cuda: Any = typed_cuda
    found: dict[str, Any] = {"name": "simulator", "cpus": os.cpu_count()}
    if not simulate:
        current = cuda.get_current_device()
        name = current.name
        found["name"] = name.decode() if isinstance(name, bytes) else str(name)
        found["compute_capability"] = list(current.compute_capability)
        found["driver"] = driver_line()
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def driver_line() -> str | None:
    """What nvidia-smi says of driver and memory; None where it is not installed."""
    query = ["nvidia-smi", "--query-gpu=driver_version,memory.total", "--format=csv,noheader"]
    try:
        finished = subprocess.run(query, check=False, capture_output=True, text=True, timeout=20)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return finished.stdout.strip()


def run_tests(limit_s: float) -> dict[str, Any]:
    """The outcome of the CUDA tests: 'passed', 'failed', or why they did not run."""
    if importlib.util.find_spec("pytest") is None:
        return {"outcome": "not run: pytest is not installed"}
    if not (ROOT / "tests" / "gpu").is_dir():
        return {"outcome": "not run: there is no folder tests/gpu"}
    command = [sys.executable, "-m", "pytest", "tests/gpu", "-q", "-p", "no:cacheprovider"]
    if importlib.util.find_spec("xdist") is not None:
        # They compile most of the time, and nothing is measured meanwhile.
        command += ["-n", str(min(TEST_PROCESSES, os.cpu_count() or 1))]
    try:
        finished = subprocess.run(
            command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return {"outcome": f"failed: not done after {limit_s:.0f} s"}
    tail = (finished.stdout + finished.stderr).strip().splitlines()[-30:]
    outcome = "passed" if finished.returncode == 0 else f"failed: status {finished.returncode}"
    return {"outcome": outcome, "tail": tail}


class Course:
    """What was measured so far, on disk after each item: a device is lent for minutes."""

    def __init__(self, options: argparse.Namespace, found: dict[str, Any]) -> None:
        self.path: Path | None = None
        self.whole: dict[str, Any] = {"schema": 1, "device": found, "is_complete": False}
        self.is_broken = False  # an error that stays with a process: others go on apart
        if options.json or not options.simulate:
            from benchmarks import report

            self.path = Path(options.json) if options.json else report.results_path(found["name"])
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def note(self, **found: object) -> None:
        """Take something in, and write all there is."""
        self.whole |= found
        if self.path is not None:
            self.path.write_text(json.dumps(self.whole, indent=1) + "\n", "utf-8")

    def add(self, kind: str, result: dict[str, Any]) -> None:
        """Take in one kernel or program."""
        self.is_broken |= any(word in result.get("error", "") for word in STAYING)
        self.note(**{kind: [*self.whole.get(kind, []), result]})
        print(json.dumps(result), file=sys.stderr, flush=True)


def measured(
    kind: str, name: str, run: Callable[[], dict[str, Any]], course: Course, deadline: float
) -> None:
    """Measure one item, whatever becomes of it."""
    left_s = deadline - time.monotonic()
    if left_s < CASE_LEAST_S:
        course.add(kind, {"name": name, "size": "", "error": "skipped: out of time"})
        return
    begun = time.monotonic()
    result = apart(kind, name, left_s) if course.is_broken else run()
    course.add(kind, result | {"wall_s": round(time.monotonic() - begun, 1)})


def apart(kind: str, name: str, left_s: float) -> dict[str, Any]:
    """One item measured in a process of its own, since this one's device is lost."""
    nothing = {"name": name, "size": ""}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command = [sys.executable, str(Path(__file__).resolve()), "--no-tests", "--no-rates"]
        command += ["--only", name, "--json", str(file), "--minutes", str(left_s / 60)]
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=left_s)
            found: dict[str, Any] = json.loads(file.read_text("utf-8"))[kind][0]
        except (OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            return nothing | {"error": f"{type(error).__name__}: {error}"}
        return found


def measure_cases(
    options: argparse.Namespace, deadline: float, bandwidth: float, course: Course
) -> None:
    """All chosen cases, each checked and timed; those there is no time for say so."""
    from benchmarks import gpu_measure

    rounds = 2 if options.simulate else gpu_measure.ROUNDS
    for case in gpu_measure.CASES:
        if options.only and case.name not in options.only:
            continue
        chosen = gpu_measure.tiny(case) if options.simulate else case
        run = partial(gpu_measure.measure, chosen, chosen.size, rounds, bandwidth)
        measured("kernels", case.name, run, course, inf if options.simulate else deadline)


def measure_programs(options: argparse.Namespace, deadline: float, course: Course) -> None:
    """All chosen programs, each checked and timed; those there is no time for say so."""
    from benchmarks import gpu_programs

    for name, full in gpu_programs.SIZES.items():
        if options.only and name not in options.only:
            continue
        if options.simulate and not options.only:
            continue  # a thread of a simulated device is a thread of Python
        size = gpu_programs.TINY if options.simulate else full
        run = partial(gpu_programs.measure, name, size, "float64", 2 if options.simulate else 5)
        measured("programs", name, run, course, inf if options.simulate else deadline)


def guarded(run: Callable[[], Any]) -> Any:
    """What `run` gives, or the text of what went wrong."""
    try:
        return run()
    except Exception:  # noqa: BLE001  one failure must not lose the rest
        return {"error": traceback.format_exc()}


def program_row(result: dict[str, Any]) -> tuple[str, ...]:
    """One line of the table of programs."""
    name = f"{result['name']} {result['size']}"
    if "error" in result:
        return (name, *["-"] * (len(PROGRAM_HEAD) - 2), result["error"].strip().splitlines()[-1])
    return (
        name,
        milliseconds(result["numpy_s"]),
        milliseconds(result["autopar_s"]),
        f"{result['to_numpy']:.1f}",
        milliseconds(result.get("cupy_s")),
        f"{1e-6 * result['bytes_in']:.1f} MB",
        f"{1e-6 * result['bytes_out']:.1f} MB",
        ", ".join(result["backends"]),
        "right" if result["right"] else f"WRONG {result['max_relative_difference']:.1e}",
    )


def is_right(result: dict[str, Any]) -> bool:
    """Did this case run where it should, with the right values?"""
    if "error" in result:
        return False
    host, resident = result["with_transfers"], result["resident"]
    kept = "refused" in resident or resident["right"]
    return bool("refused" not in host and host["right"] and kept and result["by_hand"]["right"])


def rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """The lines of one case: with transfers, and resident."""
    name = f"{result['name']} {result['size']}"
    if "error" in result:
        return [(name, *["-"] * (len(HEAD) - 2), result["error"].strip().splitlines()[-1])]
    host, resident = result["with_transfers"], result["resident"]
    return [row(name, "host", host), row(name, "device", resident)]


def row(name: str, data: str, figures: dict[str, Any]) -> tuple[str, ...]:
    """One line of the table."""
    refused = figures.get("refused")
    ratio = figures.get("ratio")
    bits = "bit-identical" if figures.get("bit_identical") else "right"
    return (
        name,
        data,
        milliseconds(figures.get("autopar_s")),
        milliseconds(figures["by_hand_s"]),
        f"{ratio['value']:.3f}" if ratio else "-",
        f"{ratio['low']:.2f}-{ratio['high']:.2f}" if ratio else "-",
        percent(figures.get("autopar_of_copy")),
        percent(figures.get("by_hand_of_copy")),
        refused
        or (bits if figures["right"] else f"WRONG {figures['max_relative_difference']:.1e}"),
    )


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    return "-" if seconds is None else f"{1e3 * seconds:.3f} ms"


def percent(share: float | None) -> str:
    """A share as a percentage."""
    return "-" if share is None else f"{100 * share:.0f} %"


def show(
    found: dict[str, Any],
    tests: dict[str, Any],
    bandwidth: float,
    results: list[Any],
    programs: list[Any],
) -> None:
    """Print all there is to see."""
    from benchmarks.report import table

    print(f"CUDA tests: {tests['outcome']}")
    print(f"copy bandwidth on the device: {1e-9 * bandwidth:.0f} GB/s (read and write)")
    print("ratio: by hand over autopar, above 1 autopar is faster; 'device': no transfers\n")
    print(table(HEAD, [line for result in results for line in rows(result)]))
    if programs:
        print("\nprograms in NumPy, on arrays of the host: NumPy over autopar\n")
        print(table(PROGRAM_HEAD, [program_row(result) for result in programs]))
    right = sum(map(is_right, results)) + sum(bool(each.get("right")) for each in programs)
    print(f"\n{found['name']}: {right} of {len(results) + len(programs)} cases right")


def main(argv: list[str]) -> int:
    """Exit status of the check."""
    options = arguments(argv)
    deadline = time.monotonic() + 60.0 * options.minutes
    if options.simulate:
        os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # before Numba is imported
    sys.path.insert(0, str(ROOT))
    missing = missing_device()
    if missing is not None:
        print(missing)
        return NO_DEVICE
    return check(options, deadline)


def check(options: argparse.Namespace, deadline: float) -> int:
    """Everything measured, printed and written."""
    from autopar.calibration import device_rates
    from benchmarks import gpu_measure

    found = device(simulate=options.simulate)
    print(json.dumps(found), flush=True)
    course = Course(options, found)
    size_bytes, repeats = (1 << 12, 2) if options.simulate else (COPY_BYTES, 20)
    bandwidth = guarded(lambda: gpu_measure.copy_bandwidth(size_bytes, repeats))
    course.note(copy_bandwidth_bytes_per_s=bandwidth, kernels=[], programs=[])
    known = bandwidth if isinstance(bandwidth, float) else inf
    if not (options.simulate or options.no_rates):
        course.note(device_rates=guarded(device_rates))
    left_s = deadline - time.monotonic()
    skip = options.no_tests or options.simulate
    tests = {"outcome": "not asked for"} if skip else run_tests(min(TEST_LIMIT_S, left_s / 2))
    print("\n".join(tests.get("tail", [])), flush=True)
    course.note(tests=tests)
    measure_cases(options, deadline, known, course)
    measure_programs(options, deadline, course)
    course.note(is_complete=True)
    results, programs = course.whole["kernels"], course.whole["programs"]
    show(found, tests, known, results, programs)
    if course.path is not None:
        print(f"written: {course.path}")
    failed = tests["outcome"].startswith("failed")
    right = all(map(is_right, results)) and all(each.get("right") for each in programs)
    return 1 if failed or not right else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
