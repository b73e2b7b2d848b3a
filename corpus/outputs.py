"""Are the outputs of a cell those that it had before?

Before:  the outputs of two runs, as the notebook format has them
After:   "same", "close" (numbers differ in their last digits) or "different"

What differs from run to run by its nature is left out of the comparison: addresses, names of
temporary files, what `%time` says, colours of tracebacks; where it is told to, all times and
rates. Images are compared by their pixels.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

Likeness: TypeAlias = Literal["same", "close", "different"]
# A sum in another order differs by so much, relative to the larger number.
_CLOSE = 1e-9

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NAMES = (
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x"),
    (re.compile(r"ipykernel_\d+"), "ipykernel"),
    (re.compile(r"(?:/[\w.-]+)*/autopar-run-[^/\s'\"]*"), "RUN"),
    # What `%time` says only where reading or compiling a cell took long, as on a busy machine.
    (re.compile(r"^(?:Compiler|Parser) *: \d+(?:\.\d+)? \S+\n", re.MULTILINE), ""),
    (re.compile(r"^.*(?:CPU times|Wall time|per loop|loops? each).*$", re.MULTILINE), ""),
)  # fmt: skip
_TIMES = (
    (re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?\s?(?:[nµμum]?s|secs?|seconds?|min|minutes?)\b"), "T"),
    (re.compile(r"\d+(?:\.\d+)?\s?(?:it|s|iB|B|kB|MB)/(?:s|it|step)"), "R"),
    (re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\b"), "T"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "D"),
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf|nan)")
# Of one output the richest form speaks for all; scripts and widgets name things at random.
_IMAGES = ("image/png", "image/jpeg")
_TEXTS = ("text/plain", "text/html", "text/latex", "text/markdown", "image/svg+xml")


def compare_outputs(
    one: Sequence[Mapping[str, Any]],
    other: Sequence[Mapping[str, Any]],
    *,
    are_times_equal: bool = False,
) -> Likeness:
    """Return how like the outputs of two runs of a cell are; all times may count as equal."""
    patterns = (*_NAMES, *_TIMES) if are_times_equal else _NAMES
    first, second = _normal(one, patterns), _normal(other, patterns)
    if first == second:
        return "same"
    if len(first) != len(second):
        return "different"
    pairs = zip(first, second, strict=True)
    return "close" if all(a == b or _is_close(a, b) for a, b in pairs) else "different"


def _normal(
    outputs: Sequence[Mapping[str, Any]], patterns: Sequence[tuple[re.Pattern[str], str]]
) -> list[tuple[str, str]]:
    """Return (kind, text) of everything shown; what was written to one stream is one text."""
    streams: dict[str, str] = {}
    found = []
    for output in outputs:
        kind = str(output.get("output_type", ""))
        if kind == "stream":
            name = str(output.get("name", ""))
            streams[name] = streams.get(name, "") + _joined(output.get("text", ""))
        elif kind == "error":
            lines = "\n".join(map(str, output.get("traceback", ())))
            found.append((kind, f"{output.get('ename')}: {output.get('evalue')}\n{lines}"))
        else:
            found += _of_data(kind, output.get("data", {}))
    found += [(f"stream {name}", _last_states(text)) for name, text in sorted(streams.items())]
    return [(kind, _stripped(text, patterns)) for kind, text in found]


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _of_data(kind: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    for name in _IMAGES:
        if name in data:
            return [(f"{kind} {name}", pixels_of(_joined(data[name])))]
    return [(f"{kind} {name}", _joined(data[name])) for name in _TEXTS if name in data]


def pixels_of(text: str) -> str:
    """Return a word for what an image in base64 shows, whatever else its file says."""
    try:
        content = base64.b64decode(text)
    except ValueError:
        return text
    try:
        from PIL import Image

        with Image.open(io.BytesIO(content)) as image:
            content = repr((image.size, image.mode)).encode() + image.tobytes()
    except (ImportError, OSError, ValueError):
        pass  # its bytes must do
    return f"image {hashlib.sha256(content).hexdigest()}"


def _last_states(text: str) -> str:
    """Return a stream as a terminal leaves it: progress bars rewrite their line."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _stripped(text: str, patterns: Sequence[tuple[re.Pattern[str], str]]) -> str:
    text = _COLOUR.sub("", text)
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def _is_close(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Return whether two texts differ in the last digits of their numbers only."""
    if one[0] != other[0] or _words(one[1]) != _words(other[1]):
        return False
    pairs = zip(_NUMBER.findall(one[1]), _NUMBER.findall(other[1]), strict=True)
    return all(a == b or _are_close(float(a), float(b)) for a, b in pairs)


def _words(text: str) -> list[str]:
    # Columns of a table move with the width of its numbers.
    return _NUMBER.sub(" # ", text).split()


def _are_close(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=_CLOSE)
