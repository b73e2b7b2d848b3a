"""Show the loops of the sample to a reader: python -m tests.corpus.blind.show FOLDER [SEED].

FOLDER is that of `draw`. A SEED shuffles the order. Shown are the loop and the lines of its cell
before it; no verdict.
"""

from __future__ import annotations

import csv
import hashlib
import random
import sys
from pathlib import Path

from autopar.corpus.notebook import Document, read_document

SAMPLE = Path(__file__).with_name("sample.csv")
_BEFORE, _LONGEST = 7, 60


def text_of(folder: Path, row: dict[str, str]) -> tuple[list[str], int, int]:
    """The lines of the loop's document, and its first and last line there, from 0.

    Raises LookupError where the notebook is no longer the one that was drawn from.
    """
    path = folder / row["repository"].replace("/", "+", 1) / row["notebook"]
    document = read_document(path.read_bytes(), is_notebook=True)
    if not isinstance(document, Document):
        raise LookupError(row["notebook"])  # noqa: TRY004 - the file is another one
    lines = document.text.split("\n")
    for first in range(len(lines)):
        cell, line = document.place(first + 1) if first + 1 < len(lines) else (None, 0)
        if cell is not None and (cell.number, line) == (int(row["cell"]), int(row["line"])):
            for last in range(first, len(lines)):
                text = "\n".join(lines[first : last + 1])[int(row["column"]) :]
                if hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12] == row["digest"]:
                    return lines, first, last
    raise LookupError(f"{row['notebook']}: no such loop")


def main() -> None:
    rows = list(csv.DictReader(SAMPLE.open(encoding="utf-8", newline="")))
    if len(sys.argv) > 2:
        random.Random(int(sys.argv[2])).shuffle(rows)
    for row in rows:
        lines, first, last = text_of(Path(sys.argv[1]), row)
        print(f"\n##### {row['number']} {row['repository']}")
        for line in lines[max(0, first - _BEFORE) : first]:
            print("  :", line[:140])
        for line in lines[first : min(last + 1, first + _LONGEST)]:
            print("  >", line[:140])


if __name__ == "__main__":
    main()
