"""The static report of a notebook file: every cell by itself, in the light of the others.

Before:  cells of an .ipynb file            After:  a report whose lines count within the cells

A cell is analysed as a text of its own, to which the imports and functions of the others are
known, as if the cells had been run from first to last. What a cell binds itself
is its own, and of functions by one name the nearest before the cell is the one that it calls.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autopar.analysis.model.plan import Plan
from autopar.analysis.model.report import FunctionReport, Report, in_cell
from autopar.analysis.model.source import CalleeSource, SourceFunction, SourceText
from autopar.analysis.passes.definitions import file_of, usual_names
from autopar.analysis.passes.describe import describe
from autopar.analysis.passes.names import HELPER, RECURSIVE
from autopar.analysis.stages import analyze, functions_of
from autopar.corpus.notebook import Cell, CellFault, Fault, read_document

from .version import VERSION

# What a cell may use of others: it computes nothing by itself.
_SHARED = (ast.Import, ast.ImportFrom, ast.FunctionDef)
# What is wrong with cells that were meant as Python.
_FAULTS: dict[CellFault | None, str] = {
    "python-2": "Python 2",
    "blank-to-fill-in": "a blank to fill in",
    "indentation": "indentation",
    "await": "await outside a function",
    "other": "a syntax error",
}


def explain_notebook(path: Path) -> Report:
    """Return the static report of a notebook; runs none of its code.

    Raises OSError where it cannot be read, SyntaxError where it holds no Python.
    """
    document = read_document(path.read_bytes(), is_notebook=True)
    text = SourceText(path=str(path), text="", cell=None)
    if isinstance(document, Fault):
        if document.kind == "no-code":
            return Report(version=VERSION, text=text, functions=())
        if document.kind == "other-language":
            raise SyntaxError(f"its language is {document.detail}")
        raise SyntaxError(f"it is not a notebook: {document.detail}")
    functions = tuple(
        each for number in range(len(document.cells)) for each in _of_cell(document.cells, number)
    )
    return Report(
        version=VERSION,
        text=text,
        functions=functions,
        cells=tuple(
            SourceText(path=str(path), text=each.text, cell=each.number) for each in document.cells
        ),
    )


def left_out(path: Path) -> tuple[str, ...]:
    """Return the cells of a notebook that are meant as Python and are none: "cell 3 (Python 2)"."""
    document = read_document(path.read_bytes(), is_notebook=True)
    if isinstance(document, Fault):
        return ()
    return tuple(
        f"cell {each.number} ({_FAULTS[each.fault]})"
        for each in document.cells
        if each.fault in _FAULTS
    )


def _of_cell(cells: tuple[Cell, ...], number: int) -> Iterator[FunctionReport]:
    """Yield the reports of the functions of one cell, and of its module level."""
    text = _text_of(cells[number])
    taken = _bound(_tree(text))
    shared = _shared(cells, number, taken)
    names = usual_names(text)
    for name, meaning in shared.items():
        if meaning is None:
            names.pop(name, None)
        else:
            names[name] = meaning
    known = tuple(sorted(names.items()))
    callees = tuple(_callees(cells, shared))
    for source in functions_of(text):
        plan = analyze(replace(source, known_names=known, callees=callees))
        if isinstance(plan, Plan) and (report := describe(plan)).loops:
            yield in_cell(report, cells[number].number)


def _tree(text: SourceText) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns when the cell is run
        return ast.parse(text.text)


def _text_of(cell: Cell) -> SourceText:
    return SourceText(path=f"<cell {cell.number}>", text=cell.python, cell=None)


def _shared(cells: tuple[Cell, ...], number: int, taken: set[str]) -> dict[str, str | None]:
    """Return what names that other cells bind mean; None: nothing that is known.

    The nearest cell before has the last word, then those before it, then those behind.
    """
    found: dict[str, str | None] = {}
    for cell in (*reversed(cells[:number]), *cells[number + 1 :]):
        text = _text_of(cell)
        here: dict[str, str | None] = {}
        for node in _tree(text).body:
            if isinstance(node, _SHARED):
                here |= dict.fromkeys(_names(node) - taken - found.keys())
        for name in here:
            meaning = file_of(text.text).known.get(name)
            is_own = meaning is not None and meaning.startswith(HELPER)
            here[name] = f"{meaning} of {text.path}" if is_own else meaning
        found |= here
    return found


def _callees(cells: tuple[Cell, ...], shared: dict[str, str | None]) -> Iterator[CalleeSource]:
    """Yield the functions among what the cells share."""
    known = {name: meaning for name, meaning in shared.items() if meaning is not None}
    places = {_text_of(each).path: _text_of(each) for each in cells}
    for name, key in known.items():
        line, _, path = key.removeprefix(HELPER).partition(" of ")
        if not path:
            continue
        names = {**usual_names(places[path]), **known, name: RECURSIVE}
        source = SourceFunction(
            text=places[path],
            qualified_name=name,
            line=int(line),
            known_names=tuple(sorted(names.items())),
        )
        yield CalleeSource(key=key, source=source, constants=(), sees_others=False)


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that a cell binds at its module level."""
    stores = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del)
    }
    return stores.union(*map(_names, tree.body))


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {(each.asname or each.name).partition(".")[0] for each in node.names}
        case _:
            return set()
