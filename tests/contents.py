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
    r"|range\((?P<bounds>(?:(?! and | or ).)+?)\) disjoint for (?P<rows>.*?)(?= and | or |\)(?!\S)|$)"
    r"|(?:^|(?<= and ))(?P<lone>(?:(?! and ).)+?) distinct for (?P<range>.*?)(?= and no element|$)"
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
        text = SENTENCE.sub(put, text)
        return bool(eval(text, {**names, **EXTREMA}))  # what runs over rows sees globals only
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
    if match["bounds"]:
        return _are_apart(match["bounds"], match["rows"], scope)
    domains = _domains(match["domain"] or match["range"])
    references = [match["lone"]] if match["lone"] else [match["one"], match["two"]]
    turns = list(_turns(domains, scope))
    if match["lone"]:
        found = {
            (turn[domains[0][0]], eval(references[0], {}, {**scope, **turn})) for turn in turns
        }
        return len({value for _, value in found}) == len(found)
    met = [list(_cells(each, domains[0][0], turns, scope)) for each in references]
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


def _are_apart(bounds: str, rows: str, scope: Mapping[str, Any]) -> bool:
    """Return whether no two ranges of other loop variables have a value in common."""
    met: set[int] = set()
    for turn in _turns(_domains(rows), scope):
        values = set(eval(f"range({bounds})", {}, {**scope, **turn}))
        if values & met:
            return False
        met |= values
    return True


def lenient_min(*values: Any) -> Any:
    """Return `min`, which is 0 of nothing: what a call takes for the ends of no rows at all."""
    return min(*values, default=0) if len(values) == 1 else min(*values)


def lenient_max(*values: Any) -> Any:
    """Return `max` in the same way."""
    return max(*values, default=0) if len(values) == 1 else max(*values)


EXTREMA = {"min": lenient_min, "max": lenient_max}


def _domains(text: str) -> list[tuple[str, str]]:
    """Return (loop variable, its range) for each of the ranges of a sentence, the outermost first."""
    found = []
    tree = ast.parse(f"({text},)", mode="eval").body
    assert isinstance(tree, ast.Tuple)
    for each in tree.elts:
        match each:
            case (
                ast.Compare(comparators=[ast.Name(id=name), _])
                | ast.Compare(left=ast.Name(id=name), ops=[ast.In()])
            ):
                found.append((name, ast.unparse(each)))
            case _:
                raise NotEvaluable(text)
    return found


def _turns(domains: list[tuple[str, str]], scope: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    """Yield the values of the loop variables of a sentence."""
    (name, test), *inner = domains
    for turn in REACH:
        if eval(test, {}, {**scope, name: turn}):
            if not inner:
                yield {name: turn}
            else:
                for more in _turns(inner, {**scope, name: turn}):
                    yield {name: turn, **more}


def _cells(
    reference: str, name: str, turns: list[dict[str, int]], scope: Mapping[str, Any]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the subscripts that a reference has in each turn of the loop over `name`."""
    node = ast.parse(reference, mode="eval").body
    if not isinstance(node, ast.Subscript):
        raise NotEvaluable(reference)
    text = ast.unparse(node.slice)
    for turn in turns:
        value = eval(text, {}, {**scope, **turn})
        yield turn[name], value if isinstance(value, tuple) else (value,)
