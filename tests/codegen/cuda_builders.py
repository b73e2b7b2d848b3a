"""Programs for the CUDA tests, made from functions as users write them."""

from __future__ import annotations

import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopar.analysis.facts.arguments import array_type, scalar_type
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText
from autopar.analysis.model.typed import FAILURES
from autopar.analysis.model.types import ArrayType
from autopar.analysis.passes.allocated_types import allocated_types
from autopar.analysis.stages import Reorders, analyze, functions_of, specialize
from autopar.codegen.device_rows import with_rows
from autopar.codegen.kernel import Program
from autopar.codegen.lower import lower


@dataclass(frozen=True, kw_only=True)
class Case:
    """A function with one region, and arguments for it.

    The function returns what lives on as a dict, or nothing.
    """

    function: Callable[..., Any]
    arguments: Callable[[], dict[str, Any]]
    fails: bool = False  # the interpreter raises, or goes on with larger integers
    error: float = 0.0  # relative, of transcendental functions
    has_rows: bool = False  # rows that run at the same time, each behind the one before

    @property
    def name(self) -> str:
        return self.function.__name__


def region_of(function):
    """Return the only region of a function."""
    text = textwrap.dedent(inspect.getsource(function))
    source = next(
        each
        for each in functions_of(SourceText(path="user.py", text=text, cell=None))
        if each.qualified_name == function.__name__
    )
    plan = analyze(source)
    assert isinstance(plan, Plan), plan
    (region,) = plan.regions
    return region


def program_of(case: Case, *, may_copy: bool = False) -> Program:
    """Return the lowered program of a case."""
    region = region_of(case.function)
    values = case.arguments()
    scop = region.scop
    arrays = {array.name for array in scop.arrays if array.rank > 0}
    types: dict[str, Any] = {}
    for name, value in values.items():
        if name in arrays:
            types[name] = array_type(name, value, scop.span, is_written=False)
        else:
            types[name] = scalar_type(name, value, scop.span)
        assert not isinstance(types[name], Reason), types[name]
    known = allocated_types(scop, types)
    assert not isinstance(known, Refusal), known
    types = dict(known)
    reorders: Reorders | None = "whole" if case.has_rows else None
    found = specialize(region, types, frozenset(), may_copy=may_copy, reorders=reorders)
    assert isinstance(found, tuple), found
    typed, schedule = found
    kinds = {name: kind for name, kind in types.items() if isinstance(kind, ArrayType)}
    return with_rows(lower(scop, schedule, typed, kinds, name=case.name, file="user.py"))


def passed(program: Program, values: dict[str, Any]) -> tuple[Any, ...]:
    """Return what `run` takes after the launcher."""
    return (
        *(values[each.name] for each in program.given_arrays),
        *(eval(each.text, {}, values) for each in program.integers),
        *(values[each.name] for each in program.live_in),
    )


def problems(case: Case, program: Program, run: Callable[..., Any], launcher: Any) -> Iterator[str]:
    """Yield what `run` does otherwise than the interpreter."""
    values, wanted = (copy.deepcopy(case.arguments(), {}) for _ in range(2))
    before = case.arguments()
    with np.errstate(all="ignore"):
        results: dict[str, Any] = {}
        try:
            results = case.function(**wanted) or {}
        except (ArithmeticError, IndexError, ValueError) as error:
            if not case.fails:
                raise AssertionError(case.name) from error
    status, *found = run(launcher, *passed(program, values))
    if bool(status & FAILURES) != case.fails:
        yield f"{case.name}: status {status}"
    for name in (each.name for each in program.arrays):
        expected = before[name] if case.fails else wanted[name]
        if not same(expected, values[name], case.error):
            yield f"{case.name}: {name} is {values[name]!r}, not {expected!r}"
    if case.fails:
        return
    for name, value in zip(program.results, found, strict=True):
        if not same(np.asarray(results[name]), np.asarray(value), case.error):
            yield f"{case.name}: {name} is {value!r}, not {results[name]!r}"


def same(expected: Any, actual: Any, error: float) -> bool:
    """Return whether two arrays hold the same bits, or differ by no more than `error`."""
    if error:
        return bool(np.allclose(expected, actual, rtol=error, atol=0.0, equal_nan=True))
    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.dtype.kind == "f":
        return np.array_equal(expected, actual, equal_nan=True) and np.array_equal(
            np.signbit(expected)[~np.isnan(expected)], np.signbit(actual)[~np.isnan(expected)]
        )
    return np.array_equal(expected, actual)
