"""Run the real loops that autopar calls parallel in hostile orders: does each leave what it leaves in its own?

    python -m tests.corpus.confirm FOLDER < benchmarks/real_loops.txt

Before:  places of loops, and their notebooks
After:   for each loop with verdict `parallel` or `reduction`: confirmed, refuted, or why it could not be run

A notebook is executed, statement by statement, up to the loop; what the loop's names then hold is
what it is called with. Where the notebook does not get there (a library that is missing, a
function that is never called), arguments are drawn by how the loop uses its names. Strangers'
code runs in processes of its own: no network, so much memory and time.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autopar.corpus.isolation import (
    NoIsolationError,
    cut_off_network,
    environment_for,
    limit_resources,
)
from autopar.corpus.notebook import Document, read_document
from autopar.corpus.record import LoopRecord
from benchmarks.real_loops import Place, measure, read_places
from tests.adversary import ORDERS, Claim, Outcome, range_order, run_in_order
from tests.corpus.regions import Region, copied, drawn, executed, quietly, region_at

CLAIMED = frozenset({"parallel", "reduction"})
SECONDS = 60
_MEMORY_BYTES = 4 * 1024**3


class Answer(NamedTuple):
    """What became of one loop."""

    place: Place
    verdict: str
    status: str  # confirmed, refuted, not run
    detail: str  # with what arguments, in which order, or why not


def confirmations(folder: Path, places: Iterable[Place]) -> Iterator[Answer]:
    """Yield what the adversarial executor says of each claimed loop, its notebook run anew for it."""
    for place, loop in measure(folder, places):
        if loop.verdict in CLAIMED:
            yield _confirmation(folder, place, loop)


def _confirmation(folder: Path, place: Place, loop: LoopRecord) -> Answer:
    job = {
        "notebook": str(folder / place.repository / place.path),
        "cell": place.cell,
        "line": place.line,
        "column": int(loop.id.partition("#")[0].rpartition("C")[2]),
        "private": [each.strip() for each in loop.private.split(",") if each.strip()],
        "reduction": loop.verdict == "reduction" or bool(loop.reductions),
    }
    with tempfile.TemporaryDirectory(prefix="confirm-") as home:
        found = _in_a_process(job, Path(home))
    return Answer(place, loop.verdict, found["status"], found["detail"])


def _in_a_process(job: Mapping[str, object], home: Path) -> dict[str, str]:
    own = str(Path(__file__).resolve().parents[2])
    environment = environment_for(home) | {
        "MPLBACKEND": "template",
        "PYTHONPATH": os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH")))),
        "CONFIRM_RESULT": str(home / "result.json"),
    }
    command = [sys.executable, "-m", "tests.corpus.confirm", "--job", json.dumps(job)]
    try:
        done = subprocess.run(  # our own words
            command,
            cwd=home,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS * 2,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"status": "not run", "detail": "time"}
    try:
        found: dict[str, str] = json.loads((home / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return {"status": "not run", "detail": f"died: {last[:80]}"}
    return found


# ----------------------------------------------------------------- in the process of its own


def run_job(job: Mapping[str, Any]) -> tuple[str, str]:
    """Return status and detail for one loop."""
    document = read_document(Path(job["notebook"]).read_bytes(), is_notebook=True)
    if not isinstance(document, Document):
        return "not run", "not a notebook"
    region = region_at(document.text, _line(document, job["cell"], job["line"]), job["column"])
    if region is None:
        return "not run", "no such loop"
    claim = Claim(line=region.line, column=region.column, private=tuple(job["private"]))
    return judged(region, claim, is_reduction=job["reduction"])


def judged(region: Region, claim: Claim, *, is_reduction: bool) -> tuple[str, str]:
    """Return what the adversary says with the notebook's own values, else with drawn ones."""
    reasons = ["no values"]
    for origin, values in _values(region):
        names = tuple(name for name in region.names if name in values)
        with quietly():
            try:
                last = difference(region.source_of(names), values, claim, is_reduction=is_reduction)
            except (ValueError, TypeError, TimeoutError) as error:  # cannot be compared or left
                last = f"{type(error).__name__}: {error}"
        if last == "":
            return "confirmed", origin
        if last.startswith("order"):
            return "refuted", f"{origin}: {last}"
        reasons.append(last)
    return "not run", ", ".join(dict.fromkeys(reasons[1:] or reasons))[:120]


def difference(source: str, values: Mapping[str, Any], claim: Claim, *, is_reduction: bool) -> str:
    """Return "" where no order makes a difference, "order ..." for one that does, else why none ran."""
    counts: list[int] = []

    def own_order(count: int) -> list[int]:
        counts.append(count)
        return range_order(count)

    run = functools.partial(_run_copy, source, values, claim)
    plain = run(range_order)
    if plain.error is not None:
        return plain.error.__name__
    for name, order in {"as it is": own_order, **ORDERS}.items():
        other = run(order)
        if other.error is TimeoutError:  # our own clock, not the loop's doing
            return other.error.__name__
        if max(counts, default=0) < 2:
            return "no two iterations"
        if other != plain and not (is_reduction and _is_close(plain, other)):
            return f"order {name}"
    return ""


def _run_copy(
    source: str, values: Mapping[str, Any], claim: Claim, order: Callable[[int], list[int]]
) -> Outcome:
    copies = copied(values, tuple(values))
    return run_in_order(source, list(copies.values()), claim, order, "region")


def _is_close(own: Outcome, other: Outcome) -> bool:
    """Return whether two runs differ by no more than another order of adding makes."""
    return own.error is other.error and all(
        _are_close(one, two)
        for one, two in zip(
            [*own.arguments, own.returned], [*other.arguments, other.returned], strict=True
        )
    )


def _are_close(one: object, two: object) -> bool:
    match one, two:
        case list() | tuple(), list() | tuple():
            return len(one) == len(two) and all(map(_are_close, one, two))
        case ((np.ndarray() | np.number() | float() | complex() | int()), _):
            return bool(np.allclose(one, two, rtol=1e-9, atol=0.0, equal_nan=True))  # type: ignore[arg-type]
        case _:
            return type(one) is type(two)


def _values(region: Region) -> Iterator[tuple[str, dict[str, Any]]]:
    found = executed(region)
    for values in found.reached:
        yield "the notebook's values", values
    for values in drawn(region, found.scope):
        yield "drawn values", values


def _line(document: Document, cell: int, line: int) -> int:
    """Return the line of the document that is `line` of the code cell number `cell`."""
    for number in range(1, document.text.count("\n") + 2):
        place, inside = document.place(number)
        if (place.number, inside) == (cell, line):
            return number
    return 0


def summary(answers: list[Answer]) -> str:
    """Return the counts."""
    counts = Counter(each.status for each in answers)
    return f"{len(answers)} loops claimed: " + ", ".join(
        f"{counts[name]} {name}" for name in ("confirmed", "refuted", "not run")
    )


def main() -> int:
    """Return 1 where a claim is refuted."""
    parser = ArgumentParser(prog="python -m tests.corpus.confirm")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--job")
    arguments = parser.parse_args()
    if arguments.job is not None:
        return _run_isolated(json.loads(arguments.job))
    answers = []
    for answer in confirmations(arguments.folder, list(read_places(sys.stdin))):
        print(*answer.place, *answer[1:], sep="\t", flush=True)
        answers.append(answer)
    print(summary(answers))
    return 1 if any(each.status == "refuted" for each in answers) else 0


def _run_isolated(job: Mapping[str, Any]) -> int:
    try:
        cut_off_network()
        limit_resources(SECONDS, _MEMORY_BYTES)
        status, detail = run_job(job)
    except NoIsolationError as error:
        status, detail = "not run", f"no isolation: {error}"
    text = json.dumps({"status": status, "detail": detail})
    Path(os.environ["CONFIRM_RESULT"]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
