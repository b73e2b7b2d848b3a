"""Programs in unmodified NumPy: `autopar run` against `python`, and against Numba's own way.

python -m benchmarks.programs [--quick | --published] [--dtype DTYPE] [--only NAME] [--form FORM]
                              [--json FILE [--resume]] [--seconds SECONDS] [--cache FOLDER]
                              [--compile SECONDS]

Each program runs in processes of its own: under `python`, under `autopar run`, and with all its
functions under `numba.njit(parallel=True)`, where that compiles; in double and in single precision
unless `--dtype` says which. A program that Numba does not compile within `--compile` seconds is
given up; the table says so. Memory is what the arrays of a call hold at most, its arguments left
out. With `--seconds` no process is begun after so long, and
`--resume` leaves out what FILE already holds, so that a table can be made in parts. What was
compiled is kept in a folder for the time of a run, or in FOLDER for several.

Exit status: 0 when everything was measured, whatever the bars say; 1 when a result differs from
NumPy's; 3 when there are programs left for another run.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.statistics import geometric_mean

FOLDER = Path(__file__).resolve().parent
LIMIT_S, PROCESS_S, LONG_PROCESS_S, COMPILE_S = 1.0, 170.0, 580.0, 25.0
FORMS = ("numpy", "autopar", "numba")
# A size at which arrays are larger than the caches, and a call takes some tenths of a second.
SIZES: Mapping[str, int] = {
    "black_scholes": 1_000_000, "blur": 1024, "conjugate_gradient": 1500, "convolution": 256,
    "equation_of_state": 500_000, "heat": 1500, "jacobi": 1000, "k_means": 200_000,
    "lattice_boltzmann": 512, "layer_norm": 2000, "life": 1500, "mandelbrot": 700,
    "n_body": 1200, "page_rank": 2000, "pi": 8_000_000, "red_black_sor": 1000,
    "shallow_water": 1000, "softmax": 3000, "standardise": 400_000, "wave": 1200,
}  # fmt: skip
# The largest sizes at which the papers measured theirs, as far as arrays fit into 16 GB.
PUBLISHED: Mapping[str, int] = {
    "black_scholes": 64_000_000, "n_body": 3200, "red_black_sor": 4096, "shallow_water": 4000,
}  # fmt: skip
QUICK = 24  # divides the number of elements, about
BARS = {"numpy": 4.0, "numba": 1.2}
DTYPES = ("float64", "float32")
# How much slower than NumPy a program may be, and what more its arrays may hold: some numbers.
SLACK_S, SLACK, SPARE = 20e-6, 0.05, 4096

Row = dict[str, Any]


class Limits(NamedTuple):
    """Seconds that a process may take, and Numba's compiler in one."""

    process_s: float = PROCESS_S
    compile_s: float = COMPILE_S


LIMITS = Limits()


def size_of(name: str, *, is_quick: bool, is_published: bool = False) -> int:
    """The size of a program."""
    if is_published:
        return PUBLISHED[name]
    size = SIZES[name]
    if not is_quick:
        return size
    return max(40, size // QUICK if size >= 50_000 else int(size / QUICK**0.5))


def measured(
    name: str, size: int, dtype: str, form: str, cache: str, limits: Limits = LIMITS
) -> Row:
    """What one process measured; under "failed" why it has nothing, where that is so."""
    script = [str(FOLDER / "timed.py"), name, str(size), dtype, str(LIMIT_S)]
    commands = {
        "numpy": [sys.executable, *script],
        "autopar": [sys.executable, "-m", "autopar", "run", *script],
        "numba": [sys.executable, *script, "numba", str(limits.compile_s)],
    }
    surroundings = {
        **os.environ,
        "AUTOPAR_CACHE_DIR": cache,
        "NUMBA_CACHE_DIR": str(Path(cache) / "numba"),
        "PYTHONWARNINGS": "ignore",
    }
    try:
        done = subprocess.run(
            commands[form],
            capture_output=True,
            text=True,
            timeout=limits.process_s,
            check=False,
            env=surroundings,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"takes more than {limits.process_s:.0f} s"}
    if done.returncode == -signal.SIGALRM:
        return {"failed": f"does not compile within {limits.compile_s:.0f} s"}
    if done.returncode:
        if form == "autopar":
            sys.stderr.write(done.stderr[-2000:])
        last = done.stderr.strip().splitlines()[-1:] or ["it failed"]
        return {"failed": "does not compile" if form == "numba" else last[0]}
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def worked(found: Row | None) -> Row | None:
    """What was measured, where something was."""
    return None if not found or "failed" in found else found


def finished(row: Row) -> Row:
    """The same with what its forms come to, side by side."""
    plain, own, other = (worked(row.get(form)) for form in FORMS)
    if plain and own:
        row["is_same"] = plain["digest"] == own["digest"]
        row["to_numpy"] = plain["seconds"] / own["seconds"]
        row["memory"] = own["memory"] / max(plain["memory"], 1)
    if other and own:
        row["to_numba"] = other["seconds"] / own["seconds"]
    return row


def line_of(row: Row) -> str:
    """One line of the table."""

    def shown(key: str, form: str = "{:8.2f}") -> str:
        value = row.get(key)
        return " " * 7 + "-" if value is None else form.format(value)

    own, plain = (worked(row.get(form)) or {} for form in ("autopar", "numpy"))
    mebibytes = [each.get("memory", 0) / 2**20 for each in (plain, own)]
    same = {True: "same bits", False: "other bits", None: "not compared"}[row.get("is_same")]
    said = [f"{form} {row[form]['failed']}" for form in FORMS if "failed" in (row.get(form) or {})]
    remarks = "; ".join([same, *said])
    return (
        f"{row['program']:20} {row['dtype']:8} {row['size']:9} "
        f"{1e3 * plain.get('seconds', 0):10.2f} {1e3 * own.get('seconds', 0):10.2f} "
        f"{shown('to_numpy')} {shown('to_numba')} {mebibytes[0]:9.1f} {mebibytes[1]:9.1f}"
        f"  {remarks}"
    )


def verdicts(rows: Sequence[Row]) -> list[str]:
    """What the rows come to, and which of them miss a bar."""
    lines = []
    for dtype in DTYPES:
        for other, bar in BARS.items():
            found = [row for row in rows if row["dtype"] == dtype and row.get(f"to_{other}")]
            if found:
                mean = geometric_mean([row[f"to_{other}"] for row in found])
                lines.append(
                    f"{dtype}: geometric mean to {other} {mean:.2f} (bar {bar}), "
                    f"{len(found)} programs"
                )
    both = [row for row in rows if worked(row.get("numpy")) and worked(row.get("autopar"))]
    slow = [row for row in both if is_slower(row)]
    large = [row for row in both if row["autopar"]["memory"] > row["numpy"]["memory"] + SPARE]
    for what, found in (("slower than NumPy", slow), ("more memory than NumPy", large)):
        named = ", ".join(f"{row['program']} {row['dtype']}" for row in found) or "none"
        lines.append(f"{what}: {named}")
    return lines


def is_slower(row: Row) -> bool:
    """Whether a program is slower than NumPy by more than a call may take, and than a share."""
    plain = row["numpy"]["seconds"]
    slower: float = row["autopar"]["seconds"] - plain
    return slower > max(SLACK_S, SLACK * plain)


HEAD = (
    f"{'program':20} {'dtype':8} {'size':>9} {'NumPy ms':>10} {'autopar ms':>10} "
    f"{'to NumPy':>8} {'to njit':>8} {'NumPy MiB':>9} {'own MiB':>9}"
)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.programs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--published", action="store_true", help="the largest, of few programs")
    parser.add_argument("--dtype", action="append", choices=DTYPES)
    parser.add_argument("--only", action="append", choices=sorted(SIZES), metavar="NAME")
    parser.add_argument("--form", action="append", choices=FORMS)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--resume", action="store_true", help="leave out what FILE holds")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--cache", metavar="FOLDER", help="where kernels are kept")
    parser.add_argument("--compile", type=float, default=COMPILE_S, help="seconds Numba may take")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    options = arguments(argv)
    rows: dict[tuple[str, str], Row] = {}
    if options.resume and options.json and Path(options.json).exists():
        found = json.loads(Path(options.json).read_text())["rows"]
        rows = {(row["program"], row["dtype"]): row for row in found}
    sizes = PUBLISHED if options.published else SIZES
    names = sorted(sizes.keys() & set(options.only or sizes))
    for dtype in options.dtype or DTYPES:
        for name in names:
            size = size_of(name, is_quick=options.quick, is_published=options.published)
            rows.setdefault((name, dtype), {"program": name, "size": size, "dtype": dtype})
    wanted = [
        (row, form)
        for row in rows.values()
        for form in options.form or FORMS
        if form not in row and row["dtype"] in (options.dtype or DTYPES) and row["program"] in names
    ]
    end = time.monotonic() + options.seconds
    print(HEAD)
    with tempfile.TemporaryDirectory() as made:
        while wanted and time.monotonic() < end:
            row, form = wanted.pop(0)
            cache = options.cache or made
            process_s = LONG_PROCESS_S if options.published else PROCESS_S
            given = row["program"], row["size"], row["dtype"], form, cache
            row[form] = measured(*given, Limits(process_s, options.compile))
            if not wanted or wanted[0][0] is not row:
                print(line_of(finished(row)), flush=True)
            if options.json:
                whole = {"rows": list(rows.values())}
                Path(options.json).write_text(json.dumps(whole, indent=1) + "\n")
    for line in verdicts(tuple(rows.values())):
        print(line)
    if any(row.get("is_same") is False for row in rows.values()):
        return 1
    return 3 if wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
