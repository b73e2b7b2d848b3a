"""The checks before a region, as one plain Python function made for it.

Before:  arrays a, b; parameter n; bounds "a.shape[0] >= n"
After:   def check(a, b, n):
             if type(n) not in integers: return None
             n = index(n)
             if not -LIMIT <= n <= LIMIT: return None
             if not (a.shape[0] >= n): return None
             return (n,), (), 150 * len(range(0, n, 1)), len(range(0, n, 1)), ()

One compiled function costs a microsecond where interpreting the conditions would cost ten.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, NamedTuple

import numpy as np

from autopar.analysis.facts.arguments import kind_of
from autopar.analysis.facts.device_arrays import DeviceArray
from autopar.analysis.facts.lists import ListView
from autopar.analysis.facts.reasons import (
    BoundsUnusable,
    ConditionFailed,
    IndexOutOfBounds,
    RanEmpty,
    UnsupportedArgument,
)
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.loop_ir import Call, Expression, Extent, Name, wrapped_value
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.scop import Scop
from autopar.analysis.model.text import python_text

from .cost import interpreter_nanoseconds, iterations
from .own_builtins import OWN_BUILTINS, defined, with_own_builtins
from .returning import can_return
from .row_finders import NOT_FOUND, RowFinder, row_finders
from .trips import widest_trips

LOG = logging.getLogger("autopar")

# Parameters within 32 bits: index arithmetic then stays within 64 (see `passes.ranges`).
LIMIT = 2**31 - 1
# Other Python and NumPy integers travel to a kernel in 64 bits.
_INT64 = np.iinfo(np.int64)
_MAY_BE_WIDER = frozenset((int, np.uint64))
# C and F contiguous, aligned, writeable (NumPy C-API, "Array flags"); who owns the memory
# makes no difference to a kernel.
_LAYOUT_FLAGS = 0x1 | 0x2 | 0x100 | 0x400
# A parameter is computed with as a Python int: an np.int8 would wrap in `a[i + k]`.
INTEGERS = frozenset((int, bool, np.int64))
# What goes up by a Python int keeps its type, unless it is a bool, which becomes an int.
COUNTERS = INTEGERS - {bool}
# Exactly these, no subclasses: those may give subscripts and operators another meaning.
ARRAYS = frozenset((np.ndarray, DeviceArray, ListView))


class Admission(NamedTuple):
    """What the checks found out on the way, for a region that may be taken over."""

    integers: tuple[int, ...]  # values of the parameters, in the order of the Scop's
    holding: tuple[bool, ...]  # for each conditional loop: does its condition hold
    interpreter_ns: int  # predicted
    iterations: int  # of the outermost loop
    last_values: tuple[int, ...]  # of the loop variables that live on
    data: Mapping[str, int]  # parameters found by a look at the data, by name
    # For each list that grows, how often the loops around run at most, outermost first.
    extents: tuple[tuple[int, ...], ...] = ()


class _Checks(NamedTuple):
    """What is generated for a guard."""

    check: Callable[..., Admission | None]
    key: Callable[..., tuple[Any, ...] | None]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The checks of one region, over `arguments` in order; generated once they are wanted."""

    region: RegionPlan
    arguments: tuple[str, ...]
    arrays: tuple[str, ...]  # those of the arguments that must be plain arrays
    growing: tuple[str, ...]  # those that must be lists, since they are appended to
    scalars: tuple[str, ...]  # those read as values
    conditional: tuple[int, ...]  # the loops behind `Admission.holding`
    finders: tuple[RowFinder, ...]  # what `check` looks at the data with
    _made: list[_Checks] = field(default_factory=list, repr=False, compare=False)

    @property
    def checks(self) -> _Checks:
        """What is generated: for a report alone, or before a first call, that would be wasted."""
        if not self._made:
            try:
                made = _generated(self)
            except Exception:  # a fault of ours must not become the user's
                LOG.exception("no guard for the region at %s", self.region.scop.span)
                made = _Checks(check=_never, key=_never, source="")
            self._made.append(made)
        return self._made[0]

    @property
    def check(self) -> Callable[..., Admission | None]:
        """None where a condition fails; raises TypeError where a parameter is no integer."""
        return self.checks.check

    @property
    def key(self) -> Callable[..., tuple[Any, ...] | None]:
        """The types of all arguments as a dictionary key; None where an array is no plain one."""
        return self.checks.key

    @property
    def source(self) -> str:
        """The text of the checks."""
        return self.checks.source

    @property
    def known(self) -> tuple[str, ...]:
        """The arguments, and what `check` finds in the data: the order of `Admission.data`."""
        return (*self.arguments, *(name for each in self.finders for name in each.found))

    def look(self, named: Mapping[str, Any]) -> dict[str, int]:
        """Return the parameters that are found in the data of a call; raises one of NOT_FOUND."""
        found: dict[str, int] = {}
        for finder in self.finders:
            known = {**named, **found}
            values = finder.find(*(known[name] for name in finder.arguments))
            found.update(zip(finder.found, values, strict=True))
        return found


def _never(*_values: object) -> None:
    """Admit no call."""


def can_guard(region: RegionPlan, *, by_patterns: bool = True) -> bool:
    """Return whether a region can be taken over once its guard lets it.

    `by_patterns`: where `return` statements leave it, patterns bind what it leaves behind.
    """
    exchanged = () if region.scop.exchanged is None else region.scop.exchanged.names
    by_patterns = by_patterns and region.scop.exits is not None
    return (
        region.last_values is not None
        and bool(region.scop.statements)
        and _extents(region.scop) is not None
        and (not by_patterns or can_return((*region.scop.live_out, *exchanged)))
        # What a call finds has names that nothing of the user's has.
        and not {each.text for each in region.scop.parameters if each.is_found}
        & {
            each.expression.array
            for each in region.scop.parameters
            if isinstance(each.expression, Extent)
        }
    )


def make_guard(region: RegionPlan) -> Guard:
    """Return the checks for a region for which `can_guard` holds."""
    arrays, integers, scalars = _names(region)
    growing = tuple(each.list for each in region.scop.collects if not each.is_new)
    # What may be left as it was is passed along, be it unbound.
    kept = region.scop.maybe_assigned
    arguments = tuple(dict.fromkeys((*arrays, *integers, *scalars, *growing, *kept)))
    return Guard(
        region=region,
        arguments=arguments,
        arrays=arrays,
        growing=growing,
        scalars=scalars,
        conditional=tuple(plan.loop for plan in region.loops if plan.condition is not None),
        finders=row_finders(region),
    )


def _generated(guard: Guard) -> _Checks:
    region, finders = guard.region, guard.finders
    integers = _names(region)[1]
    keys = _key_lines(guard.arguments, guard.arrays, region)
    taken = (guard.arguments, integers, guard.conditional)
    source = "\n".join([*_check_lines(region, finders, taken), *keys])
    names: dict[str, Any] = {
        "autopar_index": operator.index, "autopar_arrays": ARRAYS, "autopar_ndarray": np.ndarray,
        "autopar_integers": INTEGERS, "autopar_numbers": INTEGERS - {bool},
        "autopar_counters": COUNTERS, "autopar_Admission": Admission,
        "autopar_wider": _MAY_BE_WIDER, "autopar_list": list,
        "autopar_number": _number,
    }  # fmt: skip
    names |= {_finder_name(number): each.find for number, each in enumerate(finders)}
    source = with_own_builtins(source)
    found = defined(source, "guard", names)
    return _Checks(
        check=found["check"],
        key=found["key"],
        source="\n".join([*(line for each in finders for line in each.lines), source]),
    )


def _names(region: RegionPlan) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the arrays, the integer names and the value names that a region takes in."""
    scop = region.scop
    arrays = [array.name for array in scop.given_arrays]
    integers = []
    for parameter in scop.parameters:
        if isinstance(parameter.expression, Extent):
            arrays.append(parameter.expression.array)
        elif not parameter.is_found:
            integers.append(parameter.text)
    return tuple(dict.fromkeys(arrays)), tuple(integers), scop.live_in


def _finder_name(number: int) -> str:
    return f"autopar_rows_{number}"


def _as_passed(name: str) -> str:
    """Return what holds an integer as it was passed: its type decides what it is added to."""
    return f"autopar_passed_{name}"


def _look_lines(finders: tuple[RowFinder, ...], integers: tuple[str, ...]) -> Iterator[str]:
    for number, each in enumerate(finders):
        taken = (_as_passed(name) if name in integers else name for name in each.arguments)
        yield f"    ({', '.join(each.found)},) = {_finder_name(number)}({', '.join(taken)})"
        limits = (f"{-LIMIT} <= {name} <= {LIMIT}" for name in each.found)
        yield f"    if not ({' and '.join(limits)}): return None"


def _check_lines(
    region: RegionPlan,
    finders: tuple[RowFinder, ...],
    taken: tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]],
) -> list[str]:
    """Return the lines of `check`; `taken` are arguments, integers and conditional loops."""
    scop = region.scop
    arguments, integers, conditional = taken
    assert region.live_out_defined is not None  # the caller asked for last values
    lines = [f"def check({', '.join(arguments)}):"]
    lines += [
        f"    if {array.name}.ndim != {array.rank}: return None" for array in scop.given_arrays
    ]
    bare, counters = _bare_subscripts(scop), _counters(scop)
    looked_at = {name for each in finders for name in each.arguments}
    lines += [f"    {_as_passed(name)} = {name}" for name in integers if name in looked_at]
    for name in integers:
        kinds = "numbers" if name in bare else "integers"
        if name in counters:
            lines.append(f"    if type({name}) not in autopar_counters: return None")
        lines.append(f"    if type({name}) not in autopar_{kinds}: return None")
        lines.append(f"    {name} = autopar_index({name})")
        lines.append(f"    if not {-LIMIT} <= {name} <= {LIMIT}: return None")
    lines += [
        f"    if type({name}) in autopar_wider and not {_INT64.min} <= {name} <= {_INT64.max}: "
        "return None"
        for name in scop.live_in
        if name not in integers
    ]
    lines += [
        f"    if type({name}) in autopar_integers and abs({name}) > {LIMIT}: return None"
        for name in scop.live_in
        if name in scop.counted
    ]
    # A row that lives on is a row of the array itself, not of what stands for it here.
    lines += [
        f"    if type({row.part.array}) is not autopar_ndarray: return None" for row in scop.rows
    ]
    extents = [each.text for each in scop.parameters if isinstance(each.expression, Extent)]
    lines += [f"    if {text} > {LIMIT}: return None" for text in extents]
    lines += _look_lines(finders, integers)
    tests = [*(each.text for each in region.in_bounds), region.live_out_defined.text]
    lines += [f"    if not ({test}): return None" for test in tests if test != "True"]
    values = "".join(f"{each.text}, " for each in scop.parameters)
    holding = "".join(
        f"{condition.text}, "
        for loop in conditional
        if (condition := region.loops[loop].condition) is not None
    )
    last = "".join(f"{text}, " for _, text in region.last_values or ())
    data = ", ".join(f"{name!r}: {name}" for each in finders for name in each.found)
    lines.append(
        f"    return autopar_Admission(({values}), ({holding}), "
        f"{interpreter_nanoseconds(scop)}, {iterations(scop.loops[0])}, ({last}), "
        f"{{{data}}}{_extents(scop) or ''})"
    )
    return lines


def _extents(scop: Scop) -> str | None:
    """Return the last argument of an Admission, if there is one; None where it is not known."""
    found = []
    trips = widest_trips(scop)
    for each in scop.collects:
        loops = next(
            statement.loops
            for statement in scop.statements
            if getattr(statement.body.target, "array", None) in each.arrays
        )
        if not all(loop in trips for loop in loops):
            return None
        found.append(f"({''.join(f'{trips[loop]}, ' for loop in loops)}), ")
    return f", ({''.join(found)})" if found else ""


def _counters(scop: Scop) -> frozenset[str]:
    """Return the names that the region counts up from what they are before it."""
    return frozenset(each.text for each in scop.parameters if each.is_before)


def _bare_subscripts(scop: Scop) -> frozenset[str]:
    """Return the names that are a whole subscript: there `True` would be a mask, and not 1."""
    found = set[str]()
    for statement in scop.statements:
        for access in statement.accesses:
            for index in access.indices:
                found |= _bare_names(wrapped_value(index) or index)
    return frozenset(found)


def _bare_names(index: Expression) -> frozenset[str]:
    """Return the names whose value a subscript may be as it is: `k`, `max(k, 0)`."""
    match index:
        case Name(name=name):
            return frozenset({name})
        case Call(function="min" | "max", arguments=arguments):
            return frozenset().union(*map(_bare_names, arguments))
    return frozenset()


def _number(dtype: object) -> int | None:
    """Return what tells a dtype of an array from others that are equal; lists have none."""
    number: int | None = getattr(dtype, "num", None)
    return number


def _key_lines(
    arguments: tuple[str, ...], arrays: tuple[str, ...], region: RegionPlan
) -> list[str]:
    lines = [f"def key({', '.join(arguments)}):"]
    tests = [f"type({name}) not in autopar_arrays" for name in arrays]
    growing = (each.list for each in region.scop.collects if not each.is_new)
    tests += [f"type({name}) is not autopar_list" for name in growing]
    if tests:
        lines.append(f"    if {' or '.join(tests)}: return None")
    parts = [
        # The number tells dtypes apart that are equal (`np.longlong`).
        f"{name}.dtype, autopar_number({name}.dtype), {name}.ndim, "
        f"{name}.flags.num & {_LAYOUT_FLAGS}, "
        if name in arrays
        else f"type({name}), "
        for name in arguments
        if name not in region.scop.maybe_assigned
    ]
    lines.append(f"    return ({''.join(parts)})")
    return lines


def why_not(region: RegionPlan, guard: Guard, values: tuple[object, ...]) -> Reason:
    """Return the first argument or condition that keeps a region from being taken over."""
    named = dict(zip(guard.arguments, values, strict=True))
    for name, value in named.items():
        kind = _unfit_kind(value, is_array=name in guard.arrays)
        if kind is not None and (name in guard.arrays or name in _integer_names(region)):
            return UnsupportedArgument(span=region.scop.span, name=name, kind=kind)
        if name in guard.growing and type(value) is not list:
            kind = kind_of(value)
            return UnsupportedArgument(span=region.scop.span, name=name, kind=kind)
        if name in _counters(region.scop) and type(value) not in COUNTERS:
            return UnsupportedArgument(span=region.scop.span, name=name, kind=kind_of(value))
        if isinstance(value, bool) and name in _bare_subscripts(region.scop):
            return UnsupportedArgument(span=region.scop.span, name=name, kind="a bool, a mask")
        if name in guard.scalars and _is_wider(value):
            kind = "an integer beyond 64 bits"
            return UnsupportedArgument(span=region.scop.span, name=name, kind=kind)
    try:
        named |= guard.look(named)
    except NOT_FOUND:
        return _unusable_bounds(region.scop)
    return _failed_condition(region, named)


def failed_alone(region: RegionPlan, found: Admission) -> Reason | None:
    """Return the first condition of a loop that does not hold; a look at data tells its own."""
    if all(found.holding):
        return None
    conditional = (each for each in region.loops if each.condition is not None)
    # What a report says must not fail where arrays are stored already.
    for plan, is_held in zip(conditional, found.holding, strict=False):
        if not is_held and plan.condition is not None and not plan.inspections:
            span = region.scop.loops[plan.loop].span
            return ConditionFailed(span=span, condition=plan.condition.words, values=())
    return None


def _unusable_bounds(scop: Scop) -> BoundsUnusable:
    loop, data = next((each, each.data) for each in scop.loops if each.data is not None)
    assert data is not None  # the loop was chosen for it
    return BoundsUnusable(
        span=loop.span,
        loop_variable=loop.variable,
        start=python_text(data.start),
        stop=python_text(data.stop),
    )


def _is_wider(value: Any) -> bool:  # noqa: ANN401  # any argument
    return type(value) in _MAY_BE_WIDER and not _INT64.min <= value <= _INT64.max


def _integer_names(region: RegionPlan) -> frozenset[str]:
    return frozenset(each.text for each in region.scop.parameters)


def _unfit_kind(value: object, *, is_array: bool) -> str | None:
    """Return what `value` is, in the user's words, where it is not what the region needs."""
    if is_array:
        return None if type(value) in ARRAYS else kind_of(value)
    return None if type(value) in INTEGERS else kind_of(value)


def holds(text: str, named: Mapping[str, Any]) -> bool:
    """Return whether a condition that autopar wrote is true for the arguments of a call."""
    return bool(evaluated(text, named))


def evaluated(text: str, named: Mapping[str, Any]) -> Any:  # noqa: ANN401  # whatever it says
    """Return the value of an expression that autopar wrote for the arguments of a call."""
    return eval(with_own_builtins(text), dict(OWN_BUILTINS), dict(named))  # noqa: S307  # our own text


def _failed_condition(region: RegionPlan, named: dict[str, Any]) -> Reason:
    """Return the first condition that is false, with the values in it."""
    scop = region.scop
    shown = tuple(
        (name, int(value)) for name, value in named.items() if isinstance(value, int | np.integer)
    )
    for array in scop.given_arrays:
        if named[array.name].ndim != array.rank:
            text = f"{array.name}.ndim == {array.rank}"
            return ConditionFailed(span=scop.span, condition=text, values=shown)
    for extent in (each.expression for each in scop.parameters):
        if isinstance(extent, Extent) and named[extent.array].ndim <= extent.axis:
            text = f"{extent.array}.ndim > {extent.axis}"
            return ConditionFailed(span=scop.span, condition=text, values=shown)
    for condition in region.in_bounds:
        if not holds(condition.text, named):
            return IndexOutOfBounds(span=scop.span, condition=condition.words)
    if region.live_out_defined is not None and not holds(region.live_out_defined.text, named):
        return RanEmpty(span=scop.span)
    limits = f"all integers lie within {-LIMIT} and {LIMIT}"
    return ConditionFailed(span=scop.span, condition=limits, values=shown)
