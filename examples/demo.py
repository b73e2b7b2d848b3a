"""The demo: an unmodified script under autopar, then under the interpreter on part of the work.

1. `autopar run --report examples/heat_plate.py`, the whole job, with its report and wall time.
2. `python examples/heat_plate.py` with a few of the steps: the whole would take the better part
   of an hour.  The share that was run is printed beside the ratio.
3. autopar once more on exactly that part, to compare the two results bit for bit.

    python examples/demo.py [--size N] [--steps K] [--part K] [--backend B] [--picture FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("heat_plate.py")
STEPPING = re.compile(r"^stepping took\s+([0-9.]+) s$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished run of the script."""

    wall_s: float  # the whole process, from start to exit
    stepping_s: float  # the time loop alone, as the script itself measured it
    output: str


def run(command: list[str]) -> Run:
    """Run `command`, pass its output on as it comes, and return what it took.

    Raises SystemExit with the command's own status if that is not 0.
    """
    print("$", " ".join(Path(word).name if "/" in word else word for word in command), flush=True)
    start = time.perf_counter()
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        for line in process.stdout:
            print("   ", line, end="", flush=True)
            lines.append(line)
    wall_s = time.perf_counter() - start
    if process.returncode != 0:
        raise SystemExit(process.returncode)
    output = "".join(lines)
    match = STEPPING.search(output)
    if match is None:
        raise SystemExit("The script did not say how long its time steps took.")
    return Run(wall_s=wall_s, stepping_s=float(match.group(1)), output=output)


def checksum(path: Path) -> str:
    """SHA-256 of the file's bytes: type, shape and every bit of the array."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def arguments() -> argparse.Namespace:
    """The command line of the demo."""
    parser = argparse.ArgumentParser(description="autopar on an unmodified script.")
    parser.add_argument("--size", type=int, default=2000, help="cells along each side")
    parser.add_argument("--steps", type=int, default=400, help="time steps of the whole job")
    parser.add_argument("--part", type=int, default=3, help="time steps the interpreter is given")
    parser.add_argument("--backend", help="passed on to autopar run")
    parser.add_argument("--picture", default="heat_plate.png", help="the picture to write")
    options = parser.parse_args()
    if not 1 <= options.part <= options.steps:
        parser.error("--part must be at least 1 and at most --steps")
    return options


def compare(options: argparse.Namespace, whole: Run, folder: Path) -> bool:
    """Run the part both ways, print the ratio, and say whether the results are the same bits."""
    part = ["--size", str(options.size), "--steps", str(options.part)]
    part += ["--picture", str(folder / "part.png")]
    share = 100.0 * options.part / options.steps
    print(f"\nThe interpreter, {options.part} of {options.steps} time steps ({share:.2g} %):")
    plain = run([sys.executable, str(SCRIPT), *part, "--save", str(folder / "python.npy")])
    print("\nautopar on the same part, to compare the results:")
    run([*autopar(options), str(SCRIPT), *part, "--save", str(folder / "autopar.npy")])
    same = checksum(folder / "python.npy") == checksum(folder / "autopar.npy")
    plain_step, step = plain.stepping_s / options.part, whole.stepping_s / options.steps
    print(f"\nOne time step    {plain_step:.3f} s in the interpreter ({share:.2g} % of the work), "
          f"{step:.4f} s under autopar (all of it, compiling included)")
    print(f"Ratio per step   {plain_step / step:.0f}")
    before, after = plain.wall_s - plain.stepping_s, whole.wall_s - whole.stepping_s
    print(f"Start to finish  {whole.wall_s:.1f} s under autopar; the interpreter would need about "
          f"{(before + plain_step * options.steps) / 60:.0f} minutes (not run); "
          f"outside the steps {before:.1f} s and {after:.1f} s")
    print(f"Temperatures     {'bit-identical' if same else 'DIFFERENT'} after {options.part} steps "
          f"({options.size} x {options.size} values compared)")
    return same


def autopar(options: argparse.Namespace) -> list[str]:
    """The command that runs a script under autopar."""
    backend = ["--backend", options.backend] if options.backend else []
    return [sys.executable, "-m", "autopar", "run", *backend]


def main() -> int:
    """Exit status of the demo: 0, or 1 if the two results differ."""
    options = arguments()
    job = ["--size", str(options.size), "--steps", str(options.steps)]
    whole = run([*autopar(options), "--report", str(SCRIPT), *job, "--picture", options.picture])
    with tempfile.TemporaryDirectory() as folder:
        same = compare(options, whole, Path(folder))
    print(f"Picture          {Path(options.picture).resolve()}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
