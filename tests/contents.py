"""Conditions on the contents of index arrays, which stand in a report as sentences: sentence, names -> True or False.

Before:  "perm[i] distinct for 0 <= i < n", "no element met twice through a[i] and a[perm[i]] for 0 <= i < n"
After:   whether that is so for the arrays of a call
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

SENTENCE = re.compile(
    r"no element met twice through (?P<one>\S.*?\]) and (?P<two>\S.*?\]) for (?P<domain>.*?)(?= and no element|$)"
    r"|(?P<lone>\w+\[[^ ]*\]) distinct for (?P<range>.*?)(?= and no element|$)"
)
REACH = range(-64, 400)  # where a loop variable may lie


class NotEvaluable(Exception):
    """The sentence names a variable whose values it does not tell."""


def evaluated(text: str, scope: Mapping[str, Any]) -> bool:
    """Return the value of a condition in which sentences stand among Python expressions."""
    names = dict(scope)

    def put(match: re.Match[str]) -> str:
        name = f"__sentence_{match.start()}"
        names[name] = _holds(match, scope)
        return name

    try:
        return bool(eval(SENTENCE.sub(put, text), {}, names))
    except (SyntaxError, NameError) as error:
        raise NotEvaluable(text) from error


def is_sentence(text: str) -> bool:
    """Return whether a condition is no Python expression."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return True
    return False


def _holds(match: re.Match[str], scope: Mapping[str, Any]) -> bool:
    domain = match["domain"] or match["range"]
    references = [match["lone"]] if match["lone"] else [match["one"], match["two"]]
    variables = set(re.findall(r"[A-Za-z_]\w*", " ".join(references))) & set(
        re.findall(r"[A-Za-z_]\w*", domain)
    )
    if len(variables) != 1:
        raise NotEvaluable(domain)
    (name,) = variables
    turns = [turn for turn in REACH if eval(domain, {}, {**scope, name: turn})]
    if match["lone"]:
        found = [eval(references[0], {}, {**scope, name: turn}) for turn in turns]
        return len(set(found)) == len(found)
    pairs = itertools.product(*(list(_cells(each, name, turns, scope)) for each in references))
    return not any(one == two and turn != other for (turn, one), (other, two) in pairs)


def _cells(
    reference: str, name: str, turns: list[int], scope: Mapping[str, Any]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the subscripts that a reference has in each turn of the loop."""
    node = ast.parse(reference, mode="eval").body
    if not isinstance(node, ast.Subscript):
        raise NotEvaluable(reference)
    text = ast.unparse(node.slice)
    for turn in turns:
        value = eval(text, {}, {**scope, name: turn})
        yield turn, value if isinstance(value, tuple) else (value,)
