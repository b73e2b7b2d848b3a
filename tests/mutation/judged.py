"""What became of planted faults, as it is kept in the repository: results of a campaign -> JSON, and a page.

    python -m tests.mutation.judged mutants/mutants-0.json [COMMIT]     writes both anew

An open fault has words that say why, which are kept from one writing to the next. Beside the results there may be
`whys.json`, words for open faults by their names, and `by_hand.json`, tests written for one since and seen to fail
with it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.mutation.targets import AREAS

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = Path(__file__).resolve().parent / "judged.json"
PAGE = ROOT / "docs" / "planted-faults.md"

# What may be said of a fault that no test has seen, and what it means.
VERDICTS = {
    "same": "the program does the same with it: no test can see it",
    "time": "only how long something takes, or what is tried first, depends on it",
    "words": "only the words of a report depend on it",
    "less": "a loop that could run in a kernel stays in the interpreter, or in order",
    "more": "more is asked, checked or kept than need be",
    "unasked": "not judged yet: no test that was asked so far runs it",
    "open": "nobody has said why: a hole, until somebody does",
}
_NOT_SAID = ("open", "unasked")
_WORDS = """# Planted faults

Faults were planted in analysis, guards, typing and code generation, one at a time: a sign turned, a guard or a kind of dependence forgotten, a cast widened.
Each was shown to the tests that run its statement, the quick ones first, until one failed (`make mutants`); {count} were drawn at random with seed {seed} for the code at {commit}.

{table}

{files} files of tests were noted and asked so far; {by_hand} of the faults were shown to single tests apart from that, most of them written for the fault.
A fault is "no other program" where nothing the program does or says changes with it, and "no other result" where only times, words, or which loops run in kernels do.

{legend}
"""


def kept_of(
    found: dict[str, Any],
    commit: str,
    files: int,
    whys: dict[str, Any],
    by_hand: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return what is kept of the results of a campaign.

    `whys` has the words for open faults, `by_hand` the tests that were shown one apart from it.
    """
    rows = []
    for each in found["faults"]:
        row = {key: each[key] for key in ("area", "path", "line", "kind")}
        row |= {"change": _change(each["diff"]), "by": each["by"]}
        if each["by"] is None and name_of(row) in (by_hand or {}):
            row |= {"by": (by_hand or {})[name_of(row)], "is_by_hand": True}
        if row["by"] is None:
            row |= {"asked": len(each["tried"]), "runners": each["runners"]}
            row |= {"why": whys.get(name_of(row)) or _unexplained(each)}
        rows.append(row)
    rows.sort(key=lambda row: (row["area"], row["path"], row["line"], row["kind"], row["change"]))
    return {"commit": commit, "seed": found["seed"], "files": files, "faults": rows}


def _unexplained(each: dict[str, Any]) -> list[str]:
    """Return what is said of an open fault that nobody has looked at."""
    return ["open" if each["runners"] else "unasked", ""]


def name_of(row: dict[str, Any]) -> str:
    """Return what a fault is called, whatever line it stands at."""
    return f"{row['path']}: {row['change']}"


def _change(diff: str) -> str:
    """Return the lines that a fault takes away and puts there."""
    lines = [e for e in diff.splitlines() if e[:1] in ("+", "-") and e[:3] not in ("+++", "---")]
    taken = " ".join(each[1:].strip() for each in lines if each[0] == "-")
    put = " ".join(each[1:].strip() for each in lines if each[0] == "+")
    return f"{taken} => {put}"


def page(kept: dict[str, Any]) -> str:
    """Return the page about what is kept."""
    rows = kept["faults"]
    lines = [
        "| area | planted | seen | no other program | share of the others | no other result | not said |"
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for area in (*AREAS, "all"):
        own = [each for each in rows if area in ("all", each["area"])]
        seen = sum(each["by"] is not None for each in own)
        verdicts = Counter(each["why"][0] for each in own if each["by"] is None)
        same, unsaid = verdicts["same"], sum(verdicts[each] for each in _NOT_SAID)
        rest = len(own) - seen - same - unsaid
        share = f"{seen / max(1, len(own) - same):.0%}"
        lines.append(f"| {area} | {len(own)} | {seen} | {same} | {share} | {rest} | {unsaid} |")
    open_ = [each for each in rows if each["by"] is None]
    counts = Counter(each["why"][0] for each in open_)
    legend = ["## What no test has seen", ""]
    for verdict, meaning in VERDICTS.items():
        if not counts[verdict]:
            continue
        legend += [f"### {meaning[0].upper()}{meaning[1:]} ({counts[verdict]})", ""]
        for each in open_:
            if each["why"][0] == verdict:
                legend += [f"- {_shown(each)}"]
        legend.append("")
    return _WORDS.format(
        count=len(rows),
        seed=kept["seed"],
        commit=kept["commit"],
        table="\n".join(lines),
        files=kept["files"],
        by_hand=sum(each.get("is_by_hand", False) for each in rows),
        legend="\n".join(legend).rstrip(),
    )


def _shown(row: dict[str, Any]) -> str:
    taken, _, put = row["change"].partition(" => ")
    asked = f"{row['asked']} tests asked" if row["runners"] else "no test that was asked runs it"
    why = f": {row['why'][1]}" if row["why"][1] else ""
    return f"`{row['path']}`, {row['kind']}: `{taken}` became `{put}`; {asked}{why}."


def main(arguments: list[str]) -> int:
    """Write what is kept, and the page."""
    results = Path(arguments[0])
    found = json.loads(results.read_text(encoding="utf-8"))
    before = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {"faults": []}
    said = [each for each in before["faults"] if each.get("why", ["open"])[0] not in _NOT_SAID]
    whys = {name_of(each): each["why"] for each in said}
    extra = results.parent / "whys.json"
    if extra.exists():
        whys |= json.loads(extra.read_text(encoding="utf-8"))
    hand = results.parent / "by_hand.json"
    by_hand = json.loads(hand.read_text(encoding="utf-8")) if hand.exists() else {}
    by_hand |= {name_of(each): each["by"] for each in before["faults"] if each.get("is_by_hand")}
    notes = results.parent / f"sites-{found['seed']}.jsonl"
    files = sum('"file"' in line for line in notes.read_text(encoding="utf-8").splitlines())
    commit = arguments[1] if len(arguments) > 1 else "an unnamed state"
    kept = kept_of(found, commit, files, whys, by_hand)
    text = ",\n".join(f"  {json.dumps(each)}" for each in kept["faults"])
    head = {key: value for key, value in kept.items() if key != "faults"}
    KEPT.write_text(f'{json.dumps(head)[:-1]}, "faults": [\n{text}\n]}}\n', encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
