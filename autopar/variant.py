"""A region compiled for the types of its arguments, and what these types are.

Before:  the values of a call          After:  their types; a `Variant` runs all calls with these
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from autopar.analysis.facts.arguments import array_type, scalar_type
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import Condition, RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import ListElements
from autopar.analysis.model.types import LiveInType
from autopar.codegen.kernel import Program

from .guard import holds
from .lists import StoredList

Target = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One region, compiled for the types of its arguments and for the conditions that hold."""

    target: Target
    program: Program
    source: str  # of the generated module
    run: Callable[..., tuple[Any, ...]]
    arrays: tuple[str, ...]  # what `run` takes after the launcher: arrays, ...
    scalars: tuple[str, ...]  # ... parameters, and these
    strided: tuple[str, ...]  # written arrays of a type that may overlap itself
    converters: tuple[Callable[[Any], Any], ...]  # make each result what the interpreter leaves
    # Results that may not have been assigned: position and name, in the order of their marks.
    maybe_assigned: tuple[tuple[int, str], ...]
    # Results that are Python numbers where they are no NumPy scalars, and what makes them so.
    mixed: tuple[tuple[int, Callable[[Any], Any]], ...]
    # What is run first, with the same arguments, to see whether anything would fail; None
    # where nothing can, or where failing may be found out afterwards.
    check: Callable[..., tuple[Any, ...]] | None
    has_copies: bool  # threads may add into copies of an array: updates may meet
    may_outgrow: bool  # a Python int may outgrow 64 bits, found out afterwards
    may_warn: bool  # NumPy warnings
    launches_once: bool  # and does nothing else
    redo: Condition | None  # when the region may be run again; None where nobody asks
    # Arrays of which a run keeps copies, to put them back if something fails.
    saves: tuple[str, ...]
    # Python over the names of the call; None where nothing is asked. Holds where the loops run
    # on which the types depend: a sum that starts as 0.0 stays a float if nothing is added.
    types_hold: str | None
    lists: tuple[ListElements, ...]  # of its arrays, those that stand for lists
    stored: tuple[StoredList, ...]  # those of these that it stores to
    remark: Reason | None  # what its user should know of its results
    # Where loops of the source stand that run in another order, and what was done to them.
    transforms: tuple[tuple[Span, str], ...] = ()

    def left_behind(
        self, values: Sequence[Any], passed: tuple[tuple[str, ...], tuple[object, ...]]
    ) -> list[object]:
        """Return the results as the interpreter leaves them, of those that `run` gives.

        `passed` are the names and the values that came in.
        """
        count = len(self.converters)
        found = [convert(value) for convert, value in zip(self.converters, values, strict=False)]
        kinds = values[count + len(self.maybe_assigned) :]
        for (position, as_python), is_numpy in zip(self.mixed, kinds, strict=True):
            if not is_numpy:
                found[position] = as_python(values[position])
        for (position, name), is_assigned in zip(self.maybe_assigned, values[count:], strict=False):
            if not is_assigned:
                names, before = passed
                found[position] = before[names.index(name)]
        return found

    def may_redo(self, named: Mapping[str, object]) -> bool:
        """Return whether the region may be run again from its start, for these arguments."""
        if self.redo is None:
            return False
        return self.redo.text == "True" or holds(self.redo.text, named)


def argument_types(
    region: RegionPlan, values: Mapping[str, object], scalars: tuple[str, ...]
) -> dict[str, LiveInType] | Reason:
    """Return the types of the arrays, parameters and live-in scalars of a call."""
    scop = region.scop
    written = {
        access.array
        for statement in scop.statements
        for access in statement.accesses
        if access.kind != "read"
    }
    types: dict[str, LiveInType] = {}
    arrays = [array.name for array in scop.given_arrays]
    for name in (*arrays, *(name for name in scalars if name not in arrays)):
        value = values[name]
        found: LiveInType | Reason
        if name in arrays:
            found = array_type(name, value, scop.span, is_written=name in written)
        else:
            found = scalar_type(name, value, scop.span)
        if isinstance(found, Reason):
            return found
        types[name] = found
    return types
