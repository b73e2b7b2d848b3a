"""What autopar says of each loop of a program, by its public interface: source, calls -> `Answer`.

Before:  for i in range(n): a[i + k] = a[i]        called with n = 8, k = 1
After:   sequential, as the condition of `explain()`, "k == 0 or k >= n or k <= -n", is false there

`explain()` is asked first. Where it says `unsupported`, or where one of its `assumes` is not true at a call, the call
is made and `last_run` is asked: a verdict of stage "call" whose assumptions hold is the answer. Nothing else is.
"""

from __future__ import annotations

import ast
import importlib.util
import logging
import shutil
import sys
import tempfile
import weakref
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

import autopar
from tests import contents
from tests.arguments import copy_arguments
from tests.instrument import find_function
from tests.recording import Loop

Verdict = Literal["parallel", "reduction", "sequential", "unsupported"]
MOST_EXECUTIONS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One loop entry of a report."""

    loop: Loop
    verdict: str
    stage: str
    condition: str | None
    assumes: tuple[str, ...]
    reduced: frozenset[str]
    private: frozenset[str]
    transform: frozenset[str]
    code: str
    note: str  # why it ran where it ran

    @property
    def renames(self) -> bool:
        """Whether the loop is parallel after storage was renamed that `private` does not name."""
        return "rename" in self.transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What holds for one loop at one call."""

    verdict: Verdict
    stage: Literal["static", "call"]
    claim: Claim


Scopes = Mapping[Loop, Sequence[Mapping[str, Any]]]


class Asked:
    """One program, explained once and called as often as needed."""

    def __init__(self, source: str, folder: Path | None = None) -> None:
        self.source = source
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="autopar-asked-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._path = folder / f"asked_{id(self)}.py"
        self._path.write_text(source, encoding="utf-8")

    @cached_property
    def static(self) -> Mapping[Loop, Claim]:
        """The claims of the static stage."""
        return {claim.loop: claim for claim in claims_of(autopar.explain(self._path))}

    @cached_property
    def _read_only(self) -> Mapping[Loop, frozenset[str]]:
        return {
            Loop(node.lineno, node.col_offset): contents.read_only(node)
            for node in ast.walk(ast.parse(self.source))
            if isinstance(node, ast.For)
        }

    @cached_property
    def _function(self) -> Any:
        module = _imported(self._path)
        name = find_function(ast.parse(self.source)).name
        return autopar.parallel(getattr(module, name), backend="cpu", cache=False)

    def at_call(self, arguments: Sequence[object]) -> Mapping[Loop, Claim]:
        """Return the claims of the run of one call."""
        logging.getLogger("autopar").setLevel(logging.CRITICAL)
        with np.errstate(all="ignore"):
            self._function(*copy_arguments(arguments))
        return {claim.loop: claim for claim in claims_of(self._function.last_run)}

    def answers(self, arguments: Sequence[object]) -> Mapping[Loop, Answer]:
        """Return the answer for each loop at a call that runs through."""
        scopes = scopes_of(self.source, arguments)
        read_only = self._read_only
        found = {
            loop: Answer(
                verdict=_holds(claim, scopes[loop], read_only[loop]), stage="static", claim=claim
            )
            for loop, claim in self.static.items()
        }
        if all(each.verdict != "unsupported" for each in found.values()):
            return found
        for loop, claim in self.at_call(arguments).items():
            if found[loop].verdict == "unsupported":
                verdict: Verdict = "unsupported"
                if claim.stage == "call":
                    verdict = _holds(claim, scopes[loop], read_only[loop])
                found[loop] = Answer(verdict=verdict, stage="call", claim=claim)
        return found


def claims_of(report: Any) -> Iterator[Claim]:
    """Yield the claims on `for` loops in a report."""
    for function in report.to_dict()["functions"]:
        for entry in function["loops"]:
            if entry["header"].startswith("for "):
                yield _claim(entry)


def _claim(entry: Mapping[str, Any]) -> Claim:
    line, column = entry["id"].split("#")[0].rsplit(".L", 1)[1].split("C")
    return Claim(
        loop=Loop(int(line), int(column)),
        verdict=entry["verdict"],
        stage=entry["stage"],
        condition=entry["condition"],
        assumes=tuple(entry["assumes"]),
        # "+ into s"
        reduced=frozenset(str(each).split()[-1].split("[")[0] for each in entry["reductions"]),
        private=frozenset(str(each) for each in entry["private"]),
        transform=frozenset(entry["transform"]),
        code=entry["code"],
        note=str((entry.get("ran") or {}).get("note")),
    )


def _holds(
    claim: Claim, scopes: Sequence[Mapping[str, Any]], read_only: Collection[str]
) -> Verdict:
    """Return what the claim amounts to at a call in which the loop was reached with these names visible."""
    if claim.verdict == "unsupported":
        return "unsupported"
    if not all(evaluated(text, scope) for scope in scopes for text in claim.assumes):
        return "unsupported"
    if claim.verdict == "conditional":
        assert claim.condition is not None, claim
        try:
            if not all(evaluated(claim.condition, scope, read_only) for scope in scopes):
                return "sequential"
        except contents.NotEvaluable:
            return "unsupported"
        return "reduction" if claim.reduced else "parallel"
    assert claim.verdict in {"parallel", "reduction", "sequential"}, claim
    return claim.verdict  # type: ignore[return-value] # asserted


def evaluated(text: str, scope: Mapping[str, Any], read_only: Collection[str] = ()) -> bool:
    """Return the value of a condition or an assumption where these names are visible."""
    if contents.is_sentence(text):
        return contents.evaluated(text, scope, read_only)
    return bool(eval(text, {**contents.EXTREMA, "autopar": autopar, "np": np, **scope}))


def scopes_of(source: str, arguments: Sequence[object]) -> Scopes:
    """Return the local names at each execution of each loop, when the loop is reached."""
    found: dict[Loop, list[Mapping[str, Any]]] = defaultdict(list)

    def note(line: int, column: int, scope: Mapping[str, Any]) -> None:
        executions = found[Loop(line, column)]
        if len(executions) < MOST_EXECUTIONS:
            executions.append(dict(scope))

    tree = _Noting().visit(ast.parse(source))
    space: dict[str, Any] = {"__before__": note}
    exec(compile(ast.fix_missing_locations(tree), "<scopes>", "exec"), space)
    function: Callable[..., object] = space[find_function(ast.parse(source)).name]
    with np.errstate(all="ignore"):
        function(*copy_arguments(arguments))
    return found


class _Noting(ast.NodeTransformer):
    """Put a call before each `for` that hands over the local names."""

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        self.generic_visit(node)
        text = f"__before__({node.lineno}, {node.col_offset}, locals())"
        return [*ast.parse(text).body, node]


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
