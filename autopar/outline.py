"""What a whole text is taken over by, kept between processes.

Before:  a script, or a cell      After:  what its outside names mean, and where its functions with
                                          loops stand, without a parser if some process knew it

The entry is named after the text and all that reading it depends on (see `autopar.kept`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from autopar.analysis.model.source import SourceText
from autopar.codegen.cache import user_cache
from autopar.codegen.digests import digest_of

from .kept import surroundings
from .options import Options


class Outline(NamedTuple):
    """What is read of a text before anything in it is analysed."""

    names: Mapping[str, str]  # what its outside names are taken to mean
    loop_functions: frozenset[tuple[int, int]]  # line and column of each `def`


def outline_of(text: SourceText, options: Options) -> Outline:
    """Return the outline of a text. Raises SyntaxError where it is not Python."""
    name = _name_of(text, options)
    content = None if name is None else user_cache().fetch(name)
    found = None if content is None else _read(content)
    if found is not None:
        return found
    # Imported here: it loads isl and a parser.
    from autopar.analysis.stages import loop_functions, usual_names

    found = Outline(names=usual_names(text), loop_functions=loop_functions(text))
    if name is not None:
        user_cache().keep(name, _written(found))
    return found


def _name_of(text: SourceText, options: Options) -> str | None:
    if not options.cache or options.dump is not None or user_cache().folder is None:
        return None
    return f"autopar_outline_{digest_of(('outline', text.text, *surroundings()))}.json"


def _written(outline: Outline) -> bytes:
    content = {"names": dict(outline.names), "functions": sorted(outline.loop_functions)}
    return json.dumps(content, separators=(",", ":")).encode()


def _read(content: bytes) -> Outline | None:
    try:
        document: Any = json.loads(content)
        names, functions = document["names"], document["functions"]
        places = frozenset((int(line), int(column)) for line, column in functions)
        if all(type(each) is str for each in (*names, *names.values())):
            return Outline(names=names, loop_functions=places)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None
