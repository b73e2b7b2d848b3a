"""What all campaigns together have shown: a JSON that each of them is added to.

    {"campaigns": [{"code": "9f3c...", "generator": "first", "programs": 812, ...}],
     "coverage": {"Add": {"float64": "-es"}}}

`code` stands for the text of analysis, codegen and autopar: what was drawn for another text counts in all, but not
for the code as it is now.

    python -m tests.fuzz.ledger        prints the sums
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fuzz.coverage import Coverage

if TYPE_CHECKING:
    from tests.fuzz.campaign import Limits, Tally

ROOT = Path(__file__).resolve().parent.parent.parent
LEDGER = Path(__file__).resolve().parent / "ledger.json"
_JUDGED = ("analysis", "codegen", "autopar")


def code_digest(root: Path = ROOT) -> str:
    """Return what stands for the code that the fuzzer judges."""
    digest = hashlib.sha256()
    for folder in _JUDGED:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def add(path: Path, tally: Tally, limits: Limits, cpu_s: float) -> None:
    """Add a campaign to the JSON at `path`; another process may do so at the same time."""
    row = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M"),
        "commit": _commit(),
        "code": code_digest(),
        "generator": limits.generator,
        "backend": limits.backend,
        "seed": tally.seed,
        "first": limits.first,
        "programs": tally.programs,
        "compiled": tally.compiled,
        "entered": tally.entered,
        "calls": tally.calls,
        "mismatches": tally.mismatches,
        "cpu_s": round(cpu_s, 1),
        "modes": dict(sorted(tally.by_mode.items())),
    }
    with path.open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = read(path)
        found["campaigns"].append(row)
        found["coverage"] = _merged(found["coverage"], tally.coverage)
        path.write_text(_written(found), encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Return what a ledger holds; one that is not there yet holds nothing."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found: dict[str, Any] = json.loads(text or '{"campaigns": [], "coverage": {}}')
    return found


def _written(found: dict[str, Any]) -> str:
    """Return the JSON, a line for each campaign and each operator, so that two of them merge."""
    rows = ",\n".join(f"  {json.dumps(each)}" for each in found["campaigns"])
    cells = found["coverage"]
    met = ",\n".join(f"  {json.dumps(key)}: {json.dumps(cells[key])}" for key in sorted(cells))
    return f'{{"campaigns": [\n{rows}\n],\n"coverage": {{\n{met}\n}}}}\n'


def _merged(known: dict[str, dict[str, str]], coverage: Coverage) -> dict[str, dict[str, str]]:
    cells = {operator: {**dtypes} for operator, dtypes in known.items()}
    for operator, dtype, kind in coverage.met:
        of_operator = cells.setdefault(operator, {})
        of_operator[dtype] = "".join(sorted({*of_operator.get(dtype, ""), kind}))
    return {key: dict(sorted(each.items())) for key, each in sorted(cells.items())}


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def since_mismatch(rows: Iterable[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    """Return the campaigns on this code after the last of them that found something."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if row["code"] == code:
            found = [] if row["mismatches"] else [*found, row]
    return found


def summary(found: dict[str, Any], code: str) -> str:
    """Return the sums of a ledger, by generator and backend, in words."""
    rows = found["campaigns"]
    lines = [_sums("all code that was drawn for", rows)]
    kinds = sorted({(each["generator"], each["backend"]) for each in rows})
    for generator, backend in kinds:
        own = [e for e in rows if (e["generator"], e["backend"]) == (generator, backend)]
        now = since_mismatch(own, code)
        lines.append(_sums(f"{generator} generator, {backend}, in all", own))
        lines.append(_sums(f"{generator} generator, {backend}, this code since a mismatch", now))
    cells = sum(len(kinds) for each in found["coverage"].values() for kinds in each.values())
    lines.append(f"{cells} combinations of operator, dtype and overlap class were met in kernels")
    return "\n".join(lines)


def _sums(title: str, rows: list[dict[str, Any]]) -> str:
    keys = ("programs", "compiled", "entered", "calls", "mismatches", "cpu_s")
    total = {key: sum(each[key] for each in rows) for key in keys}
    programs = max(1, total["programs"])
    return (
        f"{title}: {total['programs']} programs ({total['compiled']} compiled), {total['calls']} calls,"
        f" {total['entered'] / programs:.0%} entered a kernel, {total['mismatches']} mismatches,"
        f" {total['programs'] / max(1.0, total['cpu_s']):.1f} programs a CPU second"
    )


def main() -> int:
    """Print the sums of the ledger of this repository."""
    print(summary(read(LEDGER), code_digest()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
