"""Count notebooks and loops with `json`, `ast` and IPython alone: no line of it is the study's.

A test of the study's counts, and a program that compares a whole study with it:

    python -m tests.corpus.independent study/study.sqlite FOLDER
"""

from __future__ import annotations

import ast
import json
import re
import sqlite3
import sys
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

# Magics whose cell is Python that runs in the notebook; the body of any other is not.
PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "parallel", "memit", "mprun"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a notebook holds; the names are columns of the study's table."""

    cells: int
    faulty_cells: int
    for_statements: int
    while_statements: int
    comprehensions: int
    range_loops: int
    deepest: int
    published_fors: int
    published_ranges: int
    published_depth: int


def count(content: bytes) -> Count | None:
    """Return the counts of a notebook; None for what is no Python notebook with code."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    sources = code_of(data)
    if sources is None or not "".join(sources).strip():
        return None
    trees = [tree_of(source) for source in sources]
    nodes = [node for tree in trees if tree for node in ast.walk(tree)]
    fors = [node for node in nodes if isinstance(node, ast.For | ast.AsyncFor)]
    plain = [parsed("\n".join(kept_lines(source))) for source in sources]
    all_parse = all(plain)
    listed = [node for tree in plain if tree for node in ast.walk(tree)]
    published = [node for node in listed if isinstance(node, ast.For)]
    return Count(
        cells=len(sources),
        faulty_cells=sum(tree is None for tree in trees),
        for_statements=len(fors),
        while_statements=sum(isinstance(node, ast.While) for node in nodes),
        comprehensions=sum(isinstance(node, COMPREHENSIONS) for node in nodes),
        range_loops=sum(called(node.iter) in {"range", "xrange"} for node in fors
                        if isinstance(node, ast.For)),
        deepest=max((depth(tree, ast.For, ast.AsyncFor, ast.While) for tree in trees if tree),
                    default=0),
        published_fors=len(published) if all_parse else -1,
        published_ranges=(sum(called(node.iter) == "range" for node in published)
                          if all_parse else -1),
        published_depth=(max(depth(tree, ast.For) for tree in plain if tree)
                         if all_parse else -1),
    )  # fmt: skip


def code_of(data) -> list[str] | None:
    """The text of every code cell, whatever the version of the format; None: not Python."""
    if not isinstance(data, dict):
        return None
    cells = data.get("cells")
    if cells is None:
        sheets = data.get("worksheets")
        if not isinstance(sheets, list):
            return None
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet["cells"]]
    if not isinstance(cells, list):
        return None
    cells = [cell for cell in cells if isinstance(cell, dict)]
    if not is_python(data.get("metadata"), cells):
        return None
    return [text_of(cell) for cell in cells if cell.get("cell_type") == "code"]


def is_python(metadata, cells) -> bool:
    """Whether the kernel's language, where the notebook says one, is Python."""
    metadata = metadata if isinstance(metadata, dict) else {}
    kernel = metadata.get("kernelspec") or {}
    info = metadata.get("language_info") or {}
    said = [info.get("name"), kernel.get("language")]
    name = str(kernel.get("name", "")).lower()
    if name.startswith(("ir", "julia", "octave", "matlab", "bash", "scala", "java", "sos", "r-")):
        said.append(name)
    elif name:
        said.append("python")
    said += [cell["language"] for cell in cells if cell.get("language")]
    first = next((str(each).lower() for each in said if each), "python")
    return first.startswith(("python", "ipython", "sage"))


def text_of(cell) -> str:
    source = next((cell[key] for key in ("source", "input", "code") if key in cell), "")
    text = source if isinstance(source, str) else "".join(map(str, source or ""))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub("[\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]", " ", text)


def parsed(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def tree_of(source: str) -> ast.Module | None:
    """The tree of a cell: as it stands, else without its magics, else as IPython runs it."""
    tree = parsed(source)
    if tree is not None:
        return tree
    while source.lstrip().startswith("%%"):
        first, _, source = source.lstrip().partition("\n")
        if not first[2:].split() or first[2:].split()[0] not in PYTHON_MAGICS:
            return None
    return parsed(source) or parsed(without_magics(source)) or parsed(by_ipython(source))


def without_magics(source: str) -> str:
    """The cell with `pass` for each line magic and shell command, continued ones included."""
    lines = source.split("\n")
    is_continued = False
    for position, line in enumerate(lines):
        stripped = line.lstrip(" \t")
        if is_continued:
            lines[position] = ""
        elif stripped.startswith(("%", "!")):
            lines[position] = line[: len(line) - len(stripped)] + "pass"
        else:
            continue
        is_continued = line.endswith("\\")
    return "\n".join(lines)


def by_ipython(source: str) -> str:
    try:
        return str(TransformerManager().transform_cell(source))
    except Exception:  # noqa: BLE001 - its tokenizer raises all kinds of things
        return "not Python ("


def kept_lines(source: str) -> list[str]:
    """The lines that the published study keeps."""
    return [line for line in source.split("\n") if line[:1] not in {"%", "!"}]


def called(node: ast.expr) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def depth(tree: ast.AST, *kinds: type[ast.AST]) -> int:
    """How deep nodes of these kinds nest, by a walk with a list instead of calls.

    Where `while` counts too, what follows an `else` is behind the loop, not in it.
    """
    deepest, waiting = 0, [(tree, 0)]
    while waiting:
        node, around = waiting.pop()
        within = around + isinstance(node, kinds)
        deepest = max(deepest, within)
        behind = getattr(node, "orelse", []) if ast.While in kinds and within > around else []
        waiting += [
            (child, around if any(child is each for each in behind) else within)
            for child in ast.iter_child_nodes(node)
        ]
    return deepest


def notebooks_below(folder: Path) -> dict[str, Path]:
    """Every notebook of a folder by its key; tools' own copies left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() == ".ipynb")
    return {
        path.relative_to(folder).as_posix(): path
        for path in found
        if path.is_file() and not {".ipynb_checkpoints", ".git"} & set(path.parts)
    }


def differences(database: Path, folder: Path) -> tuple[list[str], Count, int]:
    """Return what a study counted otherwise, the totals, and the number of notebooks."""
    connection = sqlite3.connect(database)
    names = [each.name for each in fields(Count)]
    query = f"SELECT notebook, status, {', '.join(names)} FROM notebooks WHERE is_notebook"
    rows = {key: (status, numbers) for key, status, *numbers in connection.execute(query)}
    connection.close()
    books = notebooks_below(folder)
    found = [f"{key}: only one of the two has it" for key in sorted(rows.keys() ^ books.keys())]
    totals = dict.fromkeys(names, 0)
    for key in sorted(rows.keys() & books.keys()):
        status, numbers = rows[key]
        mine = count(books[key].read_bytes())
        if (mine is None) != (status != "studied"):
            found.append(f"{key}: the study says {status}, counted: {mine}")
        if mine is None:
            continue
        for name, number in zip(names, numbers, strict=True):
            totals[name] += getattr(mine, name)
            if getattr(mine, name) != number:
                found.append(f"{key}: {name} {number}, counted: {getattr(mine, name)}")
    return found, Count(**totals), len(books)


def main() -> int:
    found, totals, books = differences(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found))
    print(f"{books} notebooks, {len(found)} differences; counted: {totals}")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
