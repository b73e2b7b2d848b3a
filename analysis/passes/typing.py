"""Type a region: every statement under NEP 50, every scalar variable in one dtype.

Before:  s = 0.0                        s may be a float when the next line runs first,
         for k: s = s + a[i, k]         and a np.float32 from then on (a: float32)
         b[i] = s
After:   s = float32(0.0); s = s + a[i, k]; b[i] = s         s held in float32

A variable may change its type as long as no statement computes differently for it: under every
combination of types that it may have, each statement must be the same operations on the same
dtypes, the variable itself cast to the one dtype in which it is held. Hazards are united.
The elements of a list are such variables too, all of one type before and of one type once stored.
The types a variable may have are a fixpoint over the statements, in no order: an
over-approximation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import reduce
from itertools import product
from typing import Literal

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Refusal
from ..model.indirect import indirect_values, value_children
from ..model.loop_ir import (
    Assign,
    Binary,
    BoolOp,
    Call,
    Conditional,
    Element,
    Expression,
    Name,
    Update,
)
from ..model.scop import Scop, Statement
from ..model.source import Span
from ..model.typed import (
    INTEGER_OVERFLOW,
    Kind,
    ListElements,
    ScalarVariable,
    SetVariable,
    Store,
    Subscript,
    TypedExpression,
    TypedProgram,
    TypedStatement,
    Variable,
    statement_hazards,
    walk_statement,
)
from ..model.types import INT, INTEGER_LIMITS, ArrayType, LiveInType, PythonScalar, ScalarType
from .conversions import convert
from .final_types import Environment, Flow, certain_loops, final_types, rectangular_loops
from .kinds import chosen_value, kind_of, numpy_of_two
from .merge_typed import hold, hold_subscripts, merge, merge_subscripts
from .ranges import (
    COUNTED_INTERVAL,
    INT64,
    Interval,
    is_within,
    join,
    statement_intervals,
    value_interval,
)
from .reasons import UnsupportedType
from .type_expression import element_value, type_expression, type_subscripts
from .type_operations import Result, Scope, unsupported

_MOST_COMBINATIONS = 32
_INTERVAL_ROUNDS = 3


def type_program(scop: Scop, live_in: Mapping[str, LiveInType]) -> TypedProgram | Refusal:
    """Return the typed statements of `scop` for live-in values of these types.

    `live_in` has an ArrayType for every array and a ScalarType for every scalar that is read
    before the region writes it; integer parameters without an entry are Python ints. What a
    counter was before the region has the type of the counter.
    """
    return _Typing.of(scop, live_in).program()


@dataclass(slots=True)
class _Typing:
    """The types known so far."""

    scop: Scop
    arrays: Mapping[str, ArrayType]
    live_in: Mapping[str, ScalarType]
    integers: Mapping[str, ScalarType]  # parameters
    assigned: tuple[str, ...]  # scalars in order of their first assignment
    # Every type that a scalar may have where it is read.
    possible: dict[str, tuple[ScalarType, ...]]
    intervals: dict[str, Interval] = field(default_factory=dict)  # of int variables
    # Every type that the elements of a list may have.
    elements: dict[str, tuple[ScalarType, ...]] = field(default_factory=dict)
    # The same before single statements, once it is assumed that loops are not empty.
    before: Mapping[str, Environment] = field(default_factory=dict)

    @staticmethod
    def of(scop: Scop, live_in: Mapping[str, LiveInType]) -> _Typing:
        integers = {each.word: each.text for each in scop.parameters
                    if isinstance(each.expression, Name)}  # fmt: skip
        names = integers.keys()
        scalars = {n: t for n, t in live_in.items() if not isinstance(t, ArrayType)}
        targets = (statement.body.target for statement in scop.statements)
        assigned = dict.fromkeys(each.name for each in targets if isinstance(each, Name))
        return _Typing(
            scop=scop,
            arrays={n: t for n, t in live_in.items() if isinstance(t, ArrayType)},
            live_in={n: t for n, t in scalars.items() if n not in names},
            integers={name: scalars.get(text, INT) for name, text in integers.items()},
            assigned=tuple(assigned),
            possible={n: (t,) for n, t in scalars.items() if n not in names},
            elements={
                n: () if t.element is None else (t.element,)
                for n, t in live_in.items()
                if isinstance(t, ArrayType) and t.is_list
            },
        )

    def program(self) -> TypedProgram | Refusal:
        reason = self._close()
        unknown = self._first_unknown()
        if unknown is not None:
            return Refusal(reasons=(reason or unknown,))
        if reason is not None and any(each not in self.possible for each in self.assigned):
            return Refusal(reasons=(reason,))
        self._narrow()
        certain, rectangular = certain_loops(self.scop), rectangular_loops(self.scop)
        if reason is not None:
            return self._given_turns(certain, rectangular, reason)
        exact = self._flow(certain)
        program = self._held_program(exact)
        if isinstance(program, TypedProgram) and not program.kinds:
            return program
        # Types that are only possible where an inner loop is empty may be what prevents it, or
        # what makes it slower.
        flow = self._flow((*certain, *rectangular))
        narrower = self._held_program(flow)
        if isinstance(narrower, TypedProgram):
            needed = self._assigning(rectangular, flow.differing(exact))
            return replace(narrower, nonempty_loops=needed)
        if isinstance(program, TypedProgram):
            return program
        return self._given_turns(certain, rectangular)

    def _given_turns(
        self,
        certain: tuple[int, ...],
        rectangular: tuple[int, ...],
        reason: UnsupportedType | None = None,
    ) -> TypedProgram | Refusal:
        """Return the program for calls in which inner loops are not empty.

        `reason` says what has no type where one of them is.
        """
        flow = self._flow((*certain, *rectangular))
        self.before = flow.before
        program = self._held_program(flow)
        if isinstance(program, Refusal):
            return program if reason is None else Refusal(reasons=(reason,))
        return replace(program, nonempty_loops=rectangular)

    def _assigning(self, loops: tuple[int, ...], names: frozenset[str]) -> tuple[int, ...]:
        """Return those of `loops` in which one of `names` is assigned."""
        return tuple(
            loop
            for loop in loops
            if any(
                loop in each.loops
                and isinstance(each.body.target, Name)
                and each.body.target.name in names
                for each in self.scop.statements
            )
        )

    def _held_program(self, flow: Flow) -> TypedProgram | Refusal:
        held: dict[str, ScalarType] = {}
        maybe_assigned: list[str] = []
        mixed: list[str] = []
        for name in self.possible:
            type_ = self._held_type(name, flow.after.get(name))
            if isinstance(type_, UnsupportedType) and self._is_open(name, flow.after.get(name)):
                maybe_assigned.append(name)
                type_ = self._held_type(name, self._assigned_types(name))
            if isinstance(type_, UnsupportedType):
                numpy = numpy_of_two(flow.after.get(name, frozenset()))
                if name in self.scop.live_out and numpy and self._kinds(name) is not None:
                    mixed.append(name)
                    type_ = self._held_type(name, numpy)
            if isinstance(type_, UnsupportedType):
                return Refusal(reasons=(type_,))
            held[name] = type_
        lists = self._lists()
        if isinstance(lists, UnsupportedType):
            return Refusal(reasons=(lists,))
        dtypes = {name: type_.dtype for name, type_ in held.items()}
        dtypes |= {each.name: each.after.dtype for each in lists}
        typed = [
            (statement, self._typed(statement, held, dtypes)) for statement in self.scop.statements
        ]
        reasons = tuple(each for _, each in typed if isinstance(each, UnsupportedType))
        if reasons:
            return Refusal(reasons=reasons)
        statements = tuple(
            (statement.name, each)
            for statement, each in typed
            if not isinstance(each, UnsupportedType)
        )
        return TypedProgram(
            statements=statements,
            variables=self._variables(held, tuple(each for _, each in statements)),
            hazards=_hazards(tuple(each for _, each in statements)) | self._endless(),
            maybe_assigned=(*self.scop.maybe_assigned, *maybe_assigned),
            lists=lists,
            kinds=tuple((name, self._kinds(name) or ()) for name in mixed),
            choosing=frozenset(each.name for each in self.scop.statements if self._chooses(each)),
        )

    def _kinds(self, name: str) -> tuple[tuple[str, Kind], ...] | None:
        """Return what each statement that assigns `name` makes of it; None where one is unclear."""
        found: list[tuple[str, Kind]] = []
        for statement in self.scop.statements:
            target = statement.body.target
            if not isinstance(target, Name) or target.name != name:
                continue
            kind: Kind | None = "chosen"
            if not self._chooses(statement):
                pairs = (
                    (scope.variables.get(name, INT), value.type)
                    for scope in self._scopes(statement)
                    if not isinstance(value := self._value(statement, scope), UnsupportedType)
                )
                kind = kind_of(pairs)
            if kind is None:
                return None
            found.append((statement.name, kind))
        return tuple(found)

    def _chooses(self, statement: Statement) -> bool:
        """Return whether a statement may keep a Python number, or have a NumPy scalar."""
        return any(chosen_value(statement, scope) is not None for scope in self._scopes(statement))

    def _endless(self) -> int:
        """Return what happens where a `while` loop takes more turns than are tried."""
        is_there = any(each.leaves == "while" and not each.is_driver for each in self.scop.loops)
        return INTEGER_OVERFLOW if is_there else 0

    # ---------------------------------------------------------------------- fixpoint

    def _close(self) -> UnsupportedType | None:
        """Collect in `possible` all types that the variables may have; return what has no type.

        A statement that reads a variable of unknown type waits for the one that assigns it.
        """
        untyped: UnsupportedType | None = None
        grown = True
        while grown:
            grown = False
            for statement in self.scop.statements:
                target = statement.body.target
                is_kept = isinstance(target, Name) or target.array in self.elements
                if not is_kept or self._waits(statement):
                    continue
                name = target.name if isinstance(target, Name) else target.array
                types = self.possible if isinstance(target, Name) else self.elements
                for scope in self._scopes(statement):
                    value = self._value(statement, scope)
                    if isinstance(value, UnsupportedType):
                        untyped = untyped or value
                        continue
                    known = types.get(name, ())
                    if value.type not in known:
                        types[name] = (*known, value.type)
                        grown = True
        return untyped

    def _lists(self) -> tuple[ListElements, ...] | UnsupportedType:
        """Return what the lists hold once they are stored to: one type for each of them."""
        found: list[ListElements] = []
        for name in self.elements:
            before = self.arrays[name].element
            stores = [each for each in self.scop.statements if _stores_in(each, name)]
            values = [self._value(each, scope) for each in stores for scope in self._scopes(each)]
            types = {value.type for value in values if not isinstance(value, UnsupportedType)}
            if len(types) > 1 or (before is None and not types):
                at = stores[-1].span if stores else self.scop.span
                shown = tuple(sorted(map(str, types)))
                return UnsupportedType(span=at, operation=f"store in list '{name}'", types=shown)
            after = next(iter(types), before)
            assert after is not None  # one of the two is known
            found.append(ListElements(name=name, before=before, after=after))
        return tuple(found)

    def _waits(self, statement: Statement) -> bool:
        return any(name not in self.possible for name in self._scalars_read(statement))

    def _first_unknown(self) -> UnsupportedType | None:
        for statement in self.scop.statements:
            combinations = 1
            for name in self._scalars_read(statement):
                combinations *= len(self.possible.get(name, ()))
                if name not in self.possible or combinations > _MOST_COMBINATIONS:
                    shown = tuple(str(each) for each in self.possible.get(name, ("unknown",)))
                    return UnsupportedType(span=statement.span, operation=name, types=shown)
        return None

    def _scalars_read(self, statement: Statement) -> tuple[str, ...]:
        integers = self._integers(statement)
        names = (each.name for each in _reads(statement.body) if isinstance(each, Name))
        return tuple(dict.fromkeys(name for name in names if name not in integers))

    def _integers(self, statement: Statement) -> dict[str, ScalarType]:
        loops = {self.scop.loops[number].variable: INT for number in statement.loops}
        return {**self.integers, **loops}

    def _scopes(
        self, statement: Statement, environment: Environment | None = None
    ) -> Iterator[Scope]:
        """Yield a scope for every combination of types that the statement may meet."""
        known = self.before.get(statement.name, {}) if environment is None else environment
        names = self._scalars_read(statement)
        choices = [sorted(known.get(name) or self.possible[name], key=str) for name in names]
        lists = self._lists_read(statement)
        elements = [self.elements[name] for name in lists]
        kinds: tuple[Literal["numpy", "python"], ...] = ("numpy",)
        if any(isinstance(each, BoolOp | Conditional | Call) for each in _reads(statement.body)):
            kinds = ("numpy", "python")  # `min` may return either of its operands
        for types in product(*choices):
            variables = dict(zip(names, types, strict=True))
            for held in product(*elements):
                arrays = self._arrays(dict(zip(lists, held, strict=True)))
                for kind in kinds:
                    scope = self._scope(statement, variables, kind)
                    yield replace(scope, arrays=arrays) if lists else scope

    def _lists_read(self, statement: Statement) -> tuple[str, ...]:
        found = (each.array for each in _reads(statement.body) if isinstance(each, Element))
        return tuple(dict.fromkeys(name for name in found if name in self.elements))

    def _arrays(self, elements: Mapping[str, ScalarType]) -> dict[str, ArrayType]:
        """Return the types of the arrays, the elements of some lists being of these types."""
        return {
            **self.arrays,
            **{
                name: replace(self.arrays[name], dtype=each.dtype, element=each)
                for name, each in elements.items()
            },
        }

    def _scope(
        self,
        statement: Statement,
        variables: Mapping[str, ScalarType],
        chosen: Literal["numpy", "python"],
    ) -> Scope:
        integers = {n: t for n, t in self.intervals.items() if variables.get(n) == INT}
        return Scope(
            arrays=self.arrays,
            integers=self._integers(statement),
            variables=variables,
            intervals={**integers, **statement_intervals(self.scop, statement)},
            chosen=chosen,
            places=self.scop.places,
        )

    def _value(self, statement: Statement, scope: Scope) -> Result:
        """Return the value that `statement` assigns, in its own type or that of the array."""
        value = _assigned_value(statement.body)
        target = statement.body.target
        if isinstance(target, Name):
            return chosen_value(statement, scope) or type_expression(value, scope)
        array = self.arrays.get(target.array)
        if array is None:
            return UnsupportedType(span=target.span, operation="[]", types=("unknown",))
        if array.is_list:
            return type_expression(value, scope)
        return element_value(value, array.dtype, scope)

    # ------------------------------------------------------------------ held dtypes

    def _held_type(
        self, name: str, last: frozenset[ScalarType] | None
    ) -> ScalarType | UnsupportedType:
        """Return the type in which `name` is held: that to which every read casts it.

        A variable that lives on is held in the one type that it has after the region, `last`.
        """
        types = self.possible[name]
        candidates: tuple[ScalarType, ...] = tuple(
            sorted(types, key=lambda each: isinstance(each, PythonScalar))
        )
        if name in self.scop.live_out and name in self.assigned:
            candidates = tuple(last) if last is not None and len(last) == 1 else ()
        for candidate in candidates:
            if self._outgrows(name, candidate):
                continue
            if {candidate.dtype} == {each.dtype for each in types} or self._is_cast_to(
                name, candidate.dtype
            ):
                return candidate
        shown = tuple(str(each) for each in types)
        return UnsupportedType(span=self._span_of(name), operation=name, types=shown)

    def _is_open(self, name: str, last: frozenset[ScalarType] | None) -> bool:
        """Return whether `name` lives on in one type if it was assigned, else as it came in."""
        before = self.live_in.get(name)
        assigned = self._assigned_types(name)
        return (
            name in self.scop.live_out
            and before is not None
            and len(assigned) == 1
            and last == assigned | {before}
        )

    def _assigned_types(self, name: str) -> frozenset[ScalarType]:
        """Return the types of the values that the statements assign to `name`."""
        values = (
            self._value(statement, scope)
            for statement in self.scop.statements
            if isinstance(statement.body.target, Name) and statement.body.target.name == name
            for scope in self._scopes(statement)
        )
        return frozenset(each.type for each in values if not isinstance(each, UnsupportedType))

    def _outgrows(self, name: str, candidate: ScalarType) -> bool:
        """Return whether a Python int that is live in may not fit the dtype it is held in.

        The interpreter would raise at its first use; a kernel takes its arguments unchecked.
        """
        limits = INTEGER_LIMITS.get(candidate.dtype)
        return self.live_in.get(name) == INT and limits is not None and not is_within(INT64, limits)

    def _span_of(self, name: str) -> Span:
        """Return where `name` is assigned last."""
        targets = (statement.body.target for statement in reversed(self.scop.statements))
        spans = (each.span for each in targets if isinstance(each, Name) and each.name == name)
        return next(spans, self.scop.span)

    def _is_cast_to(self, name: str, dtype: str) -> bool:
        """Return whether every read of `name`, in any of its types, becomes `dtype` first."""
        for statement in self.scop.statements:
            if name not in self._scalars_read(statement):
                continue
            for scope in self._scopes(statement):
                value = self._value(statement, scope)
                if isinstance(value, UnsupportedType) or hold(value, {name: dtype}) is None:
                    return False
        return True

    def _narrow(self) -> None:
        """Bound the int variables: from above, so that every round is sound."""
        names = [n for n in self.assigned if INT in self.possible[n] and n not in self.live_in]
        for _ in range(_INTERVAL_ROUNDS):
            found = {name: self._interval(name) for name in names}
            self.intervals = {name: each for name, each in found.items() if each is not None}
            self.intervals |= dict.fromkeys(self.scop.counted, COUNTED_INTERVAL)

    def _interval(self, name: str) -> Interval | None:
        """Return the interval of the ints that the statements assign to `name`."""
        intervals: list[Interval | None] = []
        for statement in self.scop.statements:
            target = statement.body.target
            if isinstance(target, Name) and target.name == name:
                for scope in self._scopes(statement):
                    value = self._value(statement, scope)
                    if not isinstance(value, UnsupportedType) and value.type == INT:
                        intervals.append(value_interval(value, scope.intervals))
        return reduce(join, intervals)

    # ------------------------------------------------------------------- statements

    def _typed(
        self, statement: Statement, held: Mapping[str, ScalarType], dtypes: Mapping[str, str]
    ) -> TypedStatement | UnsupportedType:
        """Return a statement with `held` variables, `dtypes` being those of lists too."""
        value: TypedExpression | None = None
        target = statement.body.target
        for scope in self._scopes(statement):
            each = self._value(statement, scope)
            if isinstance(each, UnsupportedType):
                return each
            if isinstance(target, Name):
                kept = convert(each, held[target.name], scope.intervals)
                if kept is None:
                    return unsupported(target.name, (each,), statement.span)
                each = kept
            own = hold(each, dtypes)
            merged = own if value is None or own is None else merge(value, own)
            if merged is None:
                shown = tuple(f"{name}: {type_}" for name, type_ in scope.variables.items())
                return UnsupportedType(span=statement.span, operation="=", types=shown)
            value = merged
        assert value is not None  # a product is never empty here
        if isinstance(target, Name):
            return SetVariable(name=target.name, value=value, span=statement.span)
        indices = self._subscripts(statement, target, dtypes)
        if isinstance(indices, UnsupportedType):
            return indices
        return Store(array=target.array, indices=indices, value=value, span=statement.span)

    def _subscripts(
        self, statement: Statement, target: Element, dtypes: Mapping[str, str]
    ) -> tuple[Subscript, ...] | UnsupportedType:
        """Return the subscripts of the element that `statement` stores."""
        found: tuple[Subscript, ...] | None = None
        for scope in self._scopes(statement):
            each = type_subscripts(target, scope)
            if isinstance(each, UnsupportedType):
                return each
            held = hold_subscripts(each, dtypes)
            found = held if found is None or held is None else merge_subscripts(found, held)
            if found is None:
                shown = tuple(f"{name}: {type_}" for name, type_ in scope.variables.items())
                return UnsupportedType(span=target.span, operation="[]", types=shown)
        assert found is not None  # a product is never empty here
        return found

    def _variables(
        self, held: Mapping[str, ScalarType], statements: tuple[TypedStatement, ...]
    ) -> tuple[ScalarVariable, ...]:
        read = {
            each.name
            for statement in statements
            for each in walk_statement(statement)
            if isinstance(each, Variable)
        }
        names = [name for name in self.live_in if name in read or name in self.assigned]
        return tuple(
            ScalarVariable(
                name=name,
                type=held[name],
                is_live_in=name in self.live_in,
                live_in_type=self.live_in.get(name),
            )
            for name in dict.fromkeys((*names, *self.assigned))
        )

    # -------------------------------------------------------------------- live out

    def _flow(self, nonempty: tuple[int, ...]) -> Flow:
        """Return the types of the scalars before each statement and after the region.

        It is given that each run of the loops in `nonempty` has an iteration.
        """

        def value_types(statement: Statement, environment: Environment) -> frozenset[ScalarType]:
            scopes = tuple(self._scopes(statement, environment))
            values = (self._value(statement, scope) for scope in scopes)
            kept = {
                scope.variables[target.name]
                for scope in scopes
                if chosen_value(statement, scope) is not None
                and isinstance(target := statement.body.target, Name)
            }
            return frozenset(kept).union(
                value.type for value in values if not isinstance(value, UnsupportedType)
            )

        entry = {name: frozenset((type_,)) for name, type_ in self.live_in.items()}
        return final_types(self.scop, entry, value_types, nonempty)


def _stores_in(statement: Statement, array: str) -> bool:
    target = statement.body.target
    return isinstance(target, Element) and target.array == array


def _assigned_value(body: Assign | Update) -> Expression:
    """Return the value that `body` assigns; scalars know no in-place operators."""
    if isinstance(body, Assign):
        return body.value
    return Binary(operator=body.operator, left=body.target, right=body.value, span=body.span)


def _reads(body: Assign | Update) -> Iterator[Expression]:
    """Yield the nodes whose values `body` uses; not those of affine subscripts."""
    yield from _values(_assigned_value(body))
    if isinstance(body.target, Element):
        for value in indirect_values(body.target):
            yield from _values(value)


def _values(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in value_children(expression):
        yield from _values(child)


def _hazards(statements: tuple[TypedStatement, ...]) -> int:
    found = 0
    for statement in statements:
        found |= statement_hazards(statement)
    return found
