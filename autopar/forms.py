"""What is known of a variant before its code is loaded, and kept between processes.

Before:  a region, types of arguments that some process compiled it for
After:   its `Form`: the generated source and all that a call asks of it; then the `Variant`

With a form in the cache nothing is typed, scheduled or lowered again: isl is not needed, and
machine code is found by the source that the form has.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import Condition
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import ListElements
from autopar.analysis.model.types import LiveInType, PythonScalar, ScalarType
from autopar.analysis.model.written import UnreadableError, read, written
from autopar.codegen.cache import NO_CACHE, user_cache
from autopar.codegen.compile import load_module, surroundings
from autopar.codegen.digests import digest_of
from autopar.codegen.kernel import Program
from autopar.codegen.prepare import prepared_module, types_of

from .kept import NOUNS
from .lists import StoredList
from .options import Options
from .variant import Target, Variant

LOG = logging.getLogger("autopar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One region for the types of its arguments, as data; see `Variant` for what it says."""

    target: Target
    program: Program
    source: str
    checks: tuple[Program, str] | None
    strided: tuple[str, ...]
    open_names: tuple[str, ...]  # results that may not have been assigned
    mixed: tuple[str, ...]  # results that are Python numbers or NumPy scalars
    has_copies: bool
    may_outgrow: bool
    may_warn: bool
    launches_once: bool
    redo: Condition | None
    saves: tuple[str, ...]
    types_hold: str | None
    lists: tuple[ListElements, ...]
    stored: tuple[StoredList, ...]
    remark: Reason | None
    transforms: tuple[tuple[Span, str], ...]


def name_of(
    region: str | None,
    types: Mapping[str, LiveInType],
    holding: frozenset[int],
    place: tuple[Target, str, str],
    options: Options,
    *,
    is_large: bool = False,
) -> str | None:
    """Return what the entry of a form is called; None where it is to have none.

    `region` stands for the plan; `place` is target, region name and user's file; `is_large`
    says that its arrays are larger than the caches.
    """
    if region is None or place[0] != "cpu" or not options.cache or options.dump is not None:
        return None
    chosen = (options.strict, options.fastmath, is_large)
    given = repr((sorted(types.items()), sorted(holding), place, chosen))
    return f"autopar_form_{digest_of((region, given, *surroundings()))}.json"


def fetch(name: str | None) -> Form | None:
    """Return the form that some process kept under `name`; None where there is none."""
    content = None if name is None else user_cache().fetch(name)
    if content is None:
        return None
    try:
        found = read(json.loads(content), _NOUNS, {})
    except (UnreadableError, ValueError, RecursionError):
        LOG.debug("the entry %s cannot be read", name, exc_info=True)
        return None
    return found if isinstance(found, Form) else None


def keep(name: str | None, form: Form) -> None:
    """Keep a form for the next process, if that is possible."""
    if name is None:
        return
    try:
        text = json.dumps(written(form, _NOUNS, {}), separators=(",", ":"), allow_nan=False)
    except Exception:  # the form itself is fine
        LOG.debug("%s cannot be kept", form.program.name, exc_info=True)
        return
    user_cache().keep(name, text.encode())


_NOUNS = NOUNS | {__name__}


def is_kept(name: str | None) -> bool:
    """Return whether there is a form of that name, so that nothing is to be compiled."""
    return name is not None and user_cache().holds(name)


def variant_of(form: Form, options: Options) -> Variant:
    """Return a form with its code; what the compiler raises comes through."""
    program = form.program
    results = program.results[: len(program.results) - len(form.open_names) - len(form.mixed)]
    return Variant(
        target=form.target,
        program=program,
        source=form.source,
        run=loaded(program, form.source, form.target, options),
        check=loaded(*form.checks, form.target, options) if form.checks else None,
        arrays=tuple(each.name for each in program.given_arrays),
        scalars=tuple(each.name for each in program.live_in),
        strided=form.strided,
        converters=tuple(_wrapper(program.variable(each).type) for each in results),
        maybe_assigned=tuple((results.index(name), name) for name in form.open_names),
        mixed=tuple((results.index(name), _python(program, name)) for name in form.mixed),
        has_copies=form.has_copies,
        may_outgrow=form.may_outgrow,
        may_warn=form.may_warn,
        launches_once=form.launches_once,
        redo=form.redo,
        saves=form.saves,
        types_hold=form.types_hold,
        lists=form.lists,
        stored=form.stored,
        remark=form.remark,
        transforms=form.transforms,
    )


def loaded(
    program: Program, source: str, target: Target, options: Options
) -> Callable[..., tuple[Any, ...]]:
    """Return the function `run` of a generated module, its kernels compiled on the CPU.

    What the compiler raises comes through.
    """
    cache = user_cache() if options.cache else NO_CACHE
    if target == "cpu":
        module = prepared_module(source, program, cache=cache)
    else:
        module = load_module(source, cache=cache, types=types_of(program))
    run: Callable[..., tuple[Any, ...]] = module.run
    return run


def _python(program: Program, name: str) -> Callable[[Any], Any]:
    """Return what makes a Python number of a scalar's value."""
    dtype = program.variable(name).type.dtype
    return {"b": bool, "i": int, "u": int, "f": float, "c": complex}[dtype[0]]


def _wrapper(kind: ScalarType) -> Callable[[Any], Any]:
    """Return what turns a kernel's number into the type that the interpreter would leave."""
    if isinstance(kind, PythonScalar):
        return {"bool": bool, "int": int, "float": float, "complex": complex}[kind.kind]
    return np.dtype(kind.dtype).type
