"""Conditions on the contents of index arrays, which stand in a report as sentences: sentence, names -> True or False.

Before:  "perm[i] distinct for 0 <= i < n", "no element met twice through a[i] and a[perm[i]] for 0 <= i < n"
After:   whether that is so for the arrays of a call
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

SENTENCE = re.compile(
    r"no element met twice through (?P<one>\S.*?\]) and (?P<two>\S.*?\]) for (?P<domain>.*?)(?= and no element|$)"
    r"|(?P<lone>\w+\[[^ ]*\]) distinct for (?P<range>.*?)(?= and no element|$)"
)
REACH = range(-64, 400)  # where a loop variable may lie


class NotEvaluable(Exception):
    """The sentence names a variable whose values it does not tell."""


def evaluated(text: str, scope: Mapping[str, Any], read_only: Collection[str] = ()) -> bool:
    """Return the value of a condition in which sentences stand among Python expressions.

    `read_only` are the references that the loop does not store to: to meet an element twice through these is no
    harm, as long as no other reference meets it.
    """
    names = dict(scope)

    def put(match: re.Match[str]) -> str:
        name = f"__sentence_{match.start()}"
        names[name] = _holds(match, scope, read_only)
        return name

    try:
        return bool(eval(SENTENCE.sub(put, text), {}, names))
    except (SyntaxError, NameError) as error:
        raise NotEvaluable(text) from error


def read_only(loop: ast.AST) -> frozenset[str]:
    """Return the references that a loop only reads, as texts."""
    found = [node for node in ast.walk(loop) if isinstance(node, ast.Subscript)]
    stored = {ast.unparse(each) for each in found if isinstance(each.ctx, ast.Store)}
    return frozenset(ast.unparse(each) for each in found) - stored


def is_sentence(text: str) -> bool:
    """Return whether a condition is no Python expression."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return True
    return False


def _holds(match: re.Match[str], scope: Mapping[str, Any], read_only: Collection[str]) -> bool:
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
    met = [list(_cells(each, name, turns, scope)) for each in references]
    couples = [
        (met[one], met[two])
        for one, two in ((0, 1), (0, 0), (1, 1))
        if not {references[one], references[two]} <= {*read_only}
    ]
    return not any(
        one == two and turn != other
        for here, there in couples
        for (turn, one), (other, two) in itertools.product(here, there)
    )


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
