"""What a function would be compiled to, for given argument types; nothing is compiled or run.

Before:  def f(a, n): ...      "a=float64[:], n=int"
After:   {"program": ..., "kernel cpu": ..., "kernel cuda": ...}

The golden tests and `autopar explain --stage kernel-cpu --types "..."` print these texts.
Conditional loops are taken as parallel: the text shows what runs where the condition holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from autopar.analysis.model.chains import dotted, undotted
from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.loop_ir import Extent
from autopar.analysis.model.plan import Plan, RegionPlan
from autopar.analysis.model.scop import Scop
from autopar.analysis.model.source import SourceText, loop_id
from autopar.analysis.model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    FLOAT,
    INT,
    OPEN,
    ArrayType,
    LiveInType,
    NumpyScalar,
)
from autopar.analysis.stages import analyze, functions_of
from autopar.codegen.dump import dump_program

from .guard import can_guard
from .options import AutoparError, choose_options
from .variant import Target
from .variants import Draft, draft_variant

PROGRAM, KERNEL_CPU, KERNEL_CUDA = "program", "kernel cpu", "kernel cuda"
STAGES = (PROGRAM, KERNEL_CPU, KERNEL_CUDA)

_TARGETS: tuple[tuple[str, Target], ...] = ((KERNEL_CPU, "cpu"), (KERNEL_CUDA, "cuda"))
_PYTHON = {"bool": BOOL, "int": INT, "float": FLOAT, "complex": COMPLEX}
# As types print: "float64[:,:]", "float32[:,:] F", "np.int8", "float".
_ARRAY = re.compile(r"(\w+)\[(:(?:,:)*)\](?: ([CFA]))?")
# Lists as they print: "list[float]", "list[list[np.float32]]".
_LIST = re.compile(r"((?:list\[)+)([\w.]+)\]+")
# Commas stand between arguments and inside the brackets of a rank.
_COMMA = re.compile(r",(?![^\[]*\])")


class TypesError(AutoparError):
    """The types given for a preview cannot be read, or one is missing."""


def parse_types(text: str) -> dict[str, LiveInType]:
    """Return the types that a text like "a=float64[:], n=int, b=float32[:,:] F" gives to names.

    `int` is Python's, `np.int64` NumPy's scalar. Raises TypesError.
    """
    types: dict[str, LiveInType] = {}
    for part in filter(str.strip, _COMMA.split(text)):
        name, equals, kind = (each.strip() for each in part.partition("="))
        name = undotted(name)
        if not equals or not name.isidentifier():
            raise TypesError(f"'{part.strip()}' is not a type; write a=float64[:], n=int.")
        types[name] = _parse_type(kind)
    return types


def _parse_type(text: str) -> LiveInType:
    if text in _PYTHON:
        return _PYTHON[text]
    if text.removeprefix("np.") in COMPILED_DTYPES and text.startswith("np."):
        return NumpyScalar(dtype=text.removeprefix("np."))
    listed = _LIST.fullmatch(text)
    if listed is not None:
        element = _parse_type(listed[2])
        if not isinstance(element, ArrayType) and text.count("[") == text.count("]"):
            return ArrayType(
                dtype=element.dtype, rank=text.count("["), layout="C", is_aligned=True,
                is_writeable=True, is_list=True, element=element,
            )  # fmt: skip
    match = _ARRAY.fullmatch(text)
    if match is None or match[1] not in COMPILED_DTYPES:
        raise TypesError(f"'{text}' is no type of an argument; write float64[:], np.int8 or int.")
    layout: dict[str | None, Literal["C", "F", "A"]] = {"F": "F", "A": "A"}
    return ArrayType(
        dtype=match[1],
        rank=match[2].count(":"),
        layout=layout.get(match[3], "C"),
        is_aligned=True,
        is_writeable=True,
    )


def preview_kernels(
    text: SourceText | str, types: Mapping[str, LiveInType] | str, function: str | None = None
) -> dict[str, str]:
    """Return {"program", "kernel cpu", "kernel cuda": text} of all regions of a source.

    With `function`, of that one only. Names of integers that only bounds and subscripts use
    need no type. Empty where there is no such function. A region for which a type is missing is
    told in a line; TypesError is raised where that is so of all, SyntaxError where the text is not
    Python.
    """
    if isinstance(text, str):
        text = SourceText(path="<text>", text=text, cell=None)
    if isinstance(types, str):
        types = parse_types(types)
    found: dict[str, str] = {}
    missing: list[TypesError] = []
    shown = 0
    for source in functions_of(text):
        if function not in (None, source.qualified_name):
            continue
        found = found or dict.fromkeys(STAGES, "")
        match analyze(source):
            case Plan() as plan:
                for region in plan.regions:
                    place = loop_id(source.qualified_name, region.scop.span), text.path
                    try:
                        parts = _preview_region(region, types, place)
                        shown += 1
                    except TypesError as error:
                        missing.append(error)
                        parts = dict.fromkeys(STAGES, f"# {place[0]}: {error}\n")
                    for stage, part in parts.items():
                        found[stage] += ("\n" if found[stage] else "") + part
            case Refusal():
                pass
    if missing and not shown:
        raise missing[0]
    return found


def _preview_region(
    region: RegionPlan, types: Mapping[str, LiveInType], place: tuple[str, str]
) -> dict[str, str]:
    if not can_guard(region):
        return dict.fromkeys(STAGES, f"{place[0]}: the interpreter runs this region.\n")
    used = _used_types(region.scop, types)
    holding = frozenset(loop.loop for loop in region.loops if loop.verdict == "conditional")
    options = choose_options(environment={})
    drafts = {
        stage: draft_variant(region, used, holding, (target, *place), options)
        for stage, target in _TARGETS
    }
    texts = {stage: _source(draft) for stage, draft in drafts.items()}
    known = next((each for each in drafts.values() if isinstance(each, Draft)), None)
    first = texts[KERNEL_CPU] if known is None else dump_program(known.program)
    return {PROGRAM: first, **texts}


def _used_types(scop: Scop, types: Mapping[str, LiveInType]) -> dict[str, LiveInType]:
    """Return the types of what a region takes in, as a call would find them."""
    arrays = tuple(array.name for array in scop.given_arrays)
    types = {**_made_types(scop, types), **types}
    values = (*scop.live_in, *_integers(scop))
    used = {name: types.get(name, INT) for name in _integers(scop)}
    for name in (*arrays, *values):
        kind = types.get(name, used.get(name))
        if kind is None:
            raise TypesError(f"no type is given for '{name}'; add {name}=float64[:] or its like.")
        if isinstance(kind, ArrayType) != (name in arrays):
            wanted = "an array" if name in arrays else "a number"
            raise TypesError(f"'{name}' is {wanted} here, its type is given as {kind}.")
        if isinstance(kind, ArrayType) and kind.is_list and name not in scop.arrays_read:
            kind = replace(kind, dtype=OPEN, element=None)
        used[name] = kind
    return {name: used[name] for name in dict.fromkeys((*arrays, *values))}


def _made_types(scop: Scop, types: Mapping[str, LiveInType]) -> dict[str, LiveInType]:
    """Return the types of the arrays that the guard of a region makes."""
    found: dict[str, LiveInType] = {}
    for fresh in () if scop.exchanged is None else scop.exchanged.fresh:
        given = types.get(fresh.like or "")
        like = given if isinstance(given, ArrayType) else None
        dtype = fresh.dtype or (like.dtype if like else None)
        rank = len(fresh.shape) or (like.rank if like else 0)
        if dtype is None or not rank:
            continue  # what it is like has no type: that one is asked for
        order = like.layout if like and fresh.order in "AK" else fresh.order
        found[fresh.name] = ArrayType(
            dtype=dtype,
            rank=rank,
            layout="F" if order == "F" and rank > 1 else "C",
            is_aligned=True,
            is_writeable=True,
        )
    return found


def _integers(scop: Scop) -> tuple[str, ...]:
    return tuple(each.text for each in scop.parameters if not isinstance(each.expression, Extent))


def _source(draft: Draft | Refusal) -> str:
    if isinstance(draft, Refusal):
        return "".join(f"{_refused(reason)}\n" for reason in draft.reasons)
    if draft.checks is None:
        return draft.source
    return f"{draft.checks[1]}\n{draft.source}"


def _refused(reason: Reason) -> str:
    return dotted(f"{reason.code} line {reason.span.line}: {reason.message}")
