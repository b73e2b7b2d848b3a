r"""From the bytes of a notebook or script to one module of Python.

Before:  {"cells": [{"cell_type": "code", "source": "%time\nfor i in range(n): ..."}, ...]}
After:   Document: the cells' text one below the other, and which line is which cell's

Every version of the notebook format is read (1 to 3 had worksheets). A cell is parsed as it
stands; only where that fails are magics and shell lines replaced, by IPython's own rules, line
for line. A cell that still fails becomes empty lines, and is counted by reason.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tokenize
import warnings
from io import BytesIO
from typing import Any, Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

# Why a whole document is left out, and why a cell is.
DocumentFault: TypeAlias = Literal[
    "empty", "too-large", "unreadable", "encoding", "invalid-json", "not-a-notebook",
    "other-language", "no-code", "syntax",
]  # fmt: skip
CellFault: TypeAlias = Literal[
    "python-2", "shell", "blank-to-fill-in", "cell-magic", "indentation", "await", "other"
]

# Cell magics whose body is Python that runs here.
_PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun", "parallel", "memit", "mprun"})
_CELL_MAGIC = re.compile(r"\s*%%\s*(\w+)")
_CONTINUED_SHELL = re.compile(r"^[ \t]*(?:[^\n=#!]+=)?[ \t]*[!%](?:.*\\\n)+.*$", re.MULTILINE)
_PYTHON_2 = re.compile(
    r"Missing parentheses in call to|multiple exception types|leading zeros in decimal"
    r"|invalid hexadecimal literal|invalid decimal literal"
)
_PYTHON_2_TEXT = re.compile(
    r"^\s*(print\s+[^\s(=.,]|exec\s+['\"]|raise\s+\w+\s*,)|<>|\bexcept\s+\w+\s*,\s*\w+\s*:|`",
    re.MULTILINE,
)
_BLANK = re.compile(
    r"(=|return|\(|,|:)\s*(\.\.\.|___+|\?+|#.*)?\s*$|<[^>]*>|_{3,}|\?\?|\bTODO\b", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A document that cannot be studied."""

    kind: DocumentFault
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One code cell (a script is a single one)."""

    number: int  # among the code cells, from 1
    text: str  # as the notebook has it
    python: str  # what was parsed: the same number of lines
    fault: CellFault | None  # then `python` is empty lines
    is_rewritten: bool  # magics were replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A notebook or script whose code can be studied."""

    cells: tuple[Cell, ...]
    is_notebook: bool
    digest: str  # of the code alone: copies with other outputs are copies

    @property
    def text(self) -> str:
        """All cells, one below the other."""
        return "".join(cell.python + "\n" for cell in self.cells)

    def place(self, line: int) -> tuple[Cell, int]:
        """Return the cell of a line of `text`, and the line's number in it, from 1."""
        first = 1
        for cell in self.cells:
            after = first + cell.python.count("\n") + 1
            if line < after:
                return cell, line - first + 1
            first = after
        raise ValueError(f"the document has no line {line}")


def read_document(content: bytes, *, is_notebook: bool) -> Document | Fault:
    """Return the code of a notebook or script, or why there is none."""
    if not content.strip():
        return Fault(kind="empty", detail="the file is empty")
    sources = _sources_of_notebook(content) if is_notebook else _source_of_script(content)
    if isinstance(sources, Fault):
        return sources
    cells = tuple(read_cell(number, text) for number, text in enumerate(sources, start=1))
    if not is_notebook and cells[0].fault is not None:
        return Fault(kind="syntax", detail=cells[0].fault)
    code = "\0".join(cell.text for cell in cells)
    return Document(
        cells=cells,
        is_notebook=is_notebook,
        digest=hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()[:32],
    )


# ------------------------------------------------------------------------------ the format


def _source_of_script(content: bytes) -> list[str] | Fault:
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return Fault(kind="encoding", detail=str(error))
    return [_unix(text)]


def _sources_of_notebook(content: bytes) -> list[str] | Fault:
    try:
        data = json.loads(content)
    except UnicodeDecodeError as error:
        return Fault(kind="encoding", detail=str(error))
    except (ValueError, RecursionError) as error:
        return Fault(kind="invalid-json", detail=str(error))
    cells = _cells(data)
    if cells is None:
        return Fault(kind="not-a-notebook", detail="it has no cells and no worksheets")
    language = _language(data, cells)
    if language not in {"", "python"}:
        return Fault(kind="other-language", detail=language)
    sources = [_source(cell) for cell in cells if cell.get("cell_type") == "code"]
    if not any(each.strip() for each in sources):
        return Fault(kind="no-code", detail="no cell holds code")
    return [_unix(each) for each in sources]


def _cells(data: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - JSON
    if not isinstance(data, dict):
        return None
    found = data.get("cells")
    if found is None and isinstance(data.get("worksheets"), list):
        sheets = [each for each in data["worksheets"] if isinstance(each, dict)]
        found = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(found, list):
        return None
    return [cell for cell in found if isinstance(cell, dict)]


def _language(data: dict[str, Any], cells: list[dict[str, Any]]) -> str:
    """Return the language of the kernel in lower case, "" where nothing is said."""
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kernel = metadata.get("kernelspec")
    info = metadata.get("language_info")
    kernel = kernel if isinstance(kernel, dict) else {}
    info = info if isinstance(info, dict) else {}
    said = info.get("name") or kernel.get("language") or _of_kernel(str(kernel.get("name", "")))
    if not said:
        said = next((cell["language"] for cell in cells if cell.get("language")), "")
    language = str(said).lower()
    return "python" if language.startswith(("python", "ipython", "sage")) else language


def _of_kernel(name: str) -> str:
    # Old notebooks name a kernel only: python3, conda-env-x-py, ir, julia-1.6.
    lowered = name.lower()
    if lowered.startswith(
        ("ir", "julia", "octave", "matlab", "bash", "scala", "java", "sos", "r-")
    ):
        return lowered
    return "python" if lowered else ""


def _source(cell: dict[str, Any]) -> str:
    """Return the text of a cell; `input` and `code` are what formats 3 and 1 called it."""
    for key in ("source", "input", "code"):
        found = cell.get(key)
        if isinstance(found, str):
            return found
        if isinstance(found, list):
            return "".join(str(line) for line in found)
    return ""


def _unix(text: str) -> str:
    # Form feeds and their like are line ends to `splitlines`, not to Python.
    return re.sub(
        r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", " ", text.replace("\r\n", "\n").replace("\r", "\n")
    )


# ------------------------------------------------------------------------------- the cells


def read_cell(number: int, text: str) -> Cell:
    """Return a cell with its Python, of as many lines as `text` has."""
    error = parse_error(text)
    if error is None:
        return Cell(number=number, text=text, python=text, fault=None, is_rewritten=False)
    body = _without_cell_magics(text)
    if body is None:
        return _faulty(number, text, "cell-magic")
    for python in (body, _plainly(body), _by_ipython(body)):
        if python.count("\n") == text.count("\n") and parse_error(python) is None:
            return Cell(number=number, text=text, python=python, fault=None, is_rewritten=True)
    return _faulty(number, text, classify(text, error))


def _faulty(number: int, text: str, fault: CellFault) -> Cell:
    blank = "\n" * text.count("\n")
    return Cell(number=number, text=text, python=blank, fault=fault, is_rewritten=False)


def parse_error(text: str) -> Exception | None:
    """Return what is wrong with `text` as Python, or None."""
    found = parsed(text)
    return None if isinstance(found, ast.Module) else found


def parsed(text: str) -> ast.Module | Exception:
    """Return the tree of `text`, or what is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook's invalid escapes are not our user's
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error


def _without_cell_magics(text: str) -> str | None:
    """Return `text` without the cell magics before it, the lines of its Python in their places.

    None where the cell belongs to a magic whose body is not Python that runs here.
    """
    while magic := _CELL_MAGIC.match(text):
        if magic[1] not in _PYTHON_MAGICS:
            return None
        rest = text[magic.start(1) :].partition("\n")[2]
        text = "\n" * (text.count("\n") - rest.count("\n")) + rest
    return text


def _plainly(text: str) -> str:
    r"""Replace lines that begin with % or ! by `pass`, indented as they were.

    Those that a backslash continues become empty lines.
    """
    return re.sub(
        r"^([ \t]*)[%!](?:.*\\\n)*.*$",
        lambda found: f"{found[1]}pass" + "\n" * found[0].count("\n"),
        text,
        flags=re.MULTILINE,
    )


def _by_ipython(text: str) -> str:
    """Replace magics wherever IPython knows them: `files = !ls`, `name?`, an indented cell."""
    from IPython.core.inputtransformer2 import TransformerManager

    code = re.sub(r"\A(?:[ \t]*\n)+", "", text)  # it drops empty lines in front
    joined = _CONTINUED_SHELL.sub(_joined, code)  # and joins continued ones
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in parse_error
            manager = TransformerManager()  # type: ignore[no-untyped-call]
            changed: str = manager.transform_cell(joined)
    except Exception:  # noqa: BLE001 - its tokenizer raises all kinds of things for garbage
        return ""
    end = len(joined) - len(joined.rstrip("\n"))
    changed = changed.rstrip("\n")
    return "\n" * (text.count("\n") - code.count("\n")) + changed + "\n" * end if changed else ""


def _joined(found: re.Match[str]) -> str:
    return found[0].replace("\\\n", " ") + "\n" * found[0].count("\n")


def classify(text: str, error: Exception) -> CellFault:
    """Return why a cell is no Python, from what the parser and its text say."""
    message = str(error)
    if re.search(r"^\s*[!%]", text, re.MULTILINE):
        return "shell"
    if _PYTHON_2.search(message) or _PYTHON_2_TEXT.search(text):
        return "python-2"
    if "await" in message or "async" in message:
        return "await"
    if isinstance(error, IndentationError):
        return "indentation"
    if _BLANK.search(text):
        return "blank-to-fill-in"
    return "other"
