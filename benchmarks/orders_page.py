"""The page of docs with the table of kernels, made of what a run kept.

`python -m benchmarks.orders_page` writes docs/polybench.md again, of the newest
`benchmarks/results/polybench-*.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "polybench.md"
SCHEDULES = ROOT / "tests" / "autopar" / "schedules.txt"
FORMS = Path(__file__).with_name("orders_forms.md")
_HEAD = ("Kernel", "Loops as written", "Done to them", "Ratio", "95 %", "In kernels")


def newest() -> Path:
    """The result of the last run that is kept."""
    kept = (ROOT / "benchmarks" / "results").glob("polybench-*.json")
    return max(kept, key=lambda path: json.loads(path.read_text("utf-8"))["machine"]["date"])


def page(path: Path) -> str:
    """The text of the page, of the result at `path`."""
    result = json.loads(path.read_text("utf-8"))
    return "\n".join(_lines(result, path.name)) + "\n"


def _lines(result: dict[str, Any], name: str) -> Iterator[str]:
    machine = result["machine"]
    suite = [each for each in result["lines"] if each["is_suite"]]
    others = [each for each in result["lines"] if not each["is_suite"]]
    yield "# PolyBench, kernel by kernel"
    yield ""
    yield "<!-- Made by `python -m benchmarks.orders_page`; do not edit. -->"
    yield ""
    yield (
        "The kernels of PolyBench 4.2 as plain loops over NumPy arrays, and other programs whose "
        "parallelism the source does not show, against `numba.njit` on the same text."
    )
    yield "Both leave the same bits: a kernel of which one bit differs is not timed."
    yield (
        f"Measured on {machine['device']} ({machine['cores']} cores), Python {machine['python']}, "
        f"Numba {machine['numba']}, NumPy {machine['numpy']}, {machine['date'][:10]}, "
        f"by `python -m benchmarks.polybench`; kept in `benchmarks/results/{name}`."
    )
    yield "Ratios of single kernels scatter: the column beside them has 95 % intervals."
    yield ""
    yield "| Bar | Limit | Measured |"
    yield "| --- | --- | --- |"
    for bar in result["bars"]:
        yield f"| {bar['name']} | at least {bar['limit']} | {bar['measured']:.2f} |"
    yield from _table("The suite", suite)
    yield from _table("Other programs", others)
    yield ""
    yield FORMS.read_text("utf-8").rstrip()
    yield from _targets()
    yield from _dace()


def _targets() -> Iterator[str]:
    yield ""
    yield "## On each target"
    yield ""
    yield (
        "Words of all loops for arrays of a few elements, as the tests hold them; `-` stands for "
        "a loop in the order of the source."
    )
    yield ""
    yield "| Kernel | Target | Words, loop by loop |"
    yield "| --- | --- | --- |"
    for line in SCHEDULES.read_text("utf-8").splitlines():
        place, words = line.split(": ", 1)
        name, target = place.rsplit(", ", 1)
        where = "device: left to the interpreter" if target == "interpreter" else target
        yield f"| `{name}` | {where} | {words} |"


def _dace() -> Iterator[str]:
    """What DaCe makes of some of them, of its last run that is kept."""
    path = max((ROOT / "benchmarks" / "results").glob("dace-*.json"))
    result = json.loads(path.read_text("utf-8"))
    machine = result["machine"]
    yield ""
    yield "## DaCe"
    yield ""
    yield (
        f"Another run, on {machine['device']} "
        f"({machine['cores']} cores, load {machine['load']:.1f} when it began: not alone), "
        "by `python -m benchmarks.polybench --dace PYTHON`, kept in "
        f"`benchmarks/results/{path.name}`: DaCe 1.0.2 with `auto_optimize=True`, called from "
        "Python, on two cores. `same` and `close` (1e-6) say what its arrays hold."
    )
    yield ""
    yield "| Kernel | autopar | DaCe | Its arrays, or its error |"
    yield "| --- | --- | --- | --- |"
    for one in result["lines"]:
        ratio = f"{one['njit_s'] / one['dace_s']:.2f}" if one["dace_s"] else "-"
        yield f"| `{one['kernel']}` | {one['ratio']:.2f} | {ratio} | {one['dace'].strip()} |"


def _table(title: str, lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield f"| {' | '.join(_HEAD)} |"
    yield f"|{' --- |' * len(_HEAD)}"
    for one in lines:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in one["verdicts"].items())
        cells = (
            f"`{one['kernel']}`",
            verdicts,
            ", ".join(one["transforms"]) or "-",
            f"{one['ratio']:.2f}",
            f"{one['low']:.2f} to {one['high']:.2f}",
            f"{100 * one['share']:.0f} %",
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(newest()), "utf-8")
