"""Sets and maps of integers: the only user of islpy, with `isl_ast` and `isl_budget`.

All values live in the one context of `isl_budget`, every operation under its lock and its
limits. Dimensions are addressed by name, never by position, outside this module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, final

from .isl_budget import (
    DEFAULT_BUDGET,
    STATE,
    BudgetExhaustedError,
    aborts,
    allowance,
    budget,
    is_exhausted,
    isolated,
    locked,
    operations_spent,
    text_of,
)
from .isl_reader import read_map, read_set, read_union_map
from .later import Later

if TYPE_CHECKING:
    import islpy
else:
    islpy = Later("islpy")

__all__ = [
    "DEFAULT_BUDGET",
    "BudgetExhaustedError",
    "Map",
    "Set",
    "UnionMap",
    "aborts",
    "allowance",
    "budget",
    "isolated",
    "last_writes",
    "locked",
    "operations_spent",
    "pairs",
    "text_of",
    "value_based_flow",
]

_MOST_PIECES = 8  # simplifying more costs more than the reader gains


@final
class Set:
    """A set of integer tuples, possibly of one named statement or array, with parameters."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # equal isl sets may hash differently

    def __init__(self, value: islpy.Set | str) -> None:
        self._value = value  # a text until the set is asked for something

    @property
    def _raw(self) -> islpy.Set:
        if isinstance(self._value, str):
            plain = read_set(STATE.context, self._value)
            if plain is None:
                plain = islpy.Set.read_from_str(STATE.context, self._value)
            self._value = plain
        return self._value

    @property
    @locked
    def text(self) -> str:
        """The same in isl's notation, piece by piece as it is held."""
        return self._value if isinstance(self._value, str) else text_of(self._value)

    @staticmethod
    @locked
    def parse(text: str) -> Set:
        """Return the set that isl's notation `text` describes."""
        return Set(Set(text).raw)

    @locked
    def __str__(self) -> str:
        return text_of(self._raw.coalesce())

    def __repr__(self) -> str:
        return f"Set({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[[str], Set], tuple[str]]:
        return Set.parse, (str(self),)

    @locked
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Set) and bool(self._raw.is_equal(other.raw))

    @property
    @locked
    def dimensions(self) -> tuple[str, ...]:
        """Names of the set's dimensions."""
        return tuple(
            self._raw.get_dim_name(islpy.dim_type.set, position) or f"i{position}"
            for position in range(self._raw.dim(islpy.dim_type.set))
        )

    @property
    @locked
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the set depends on."""
        raw = self._raw.drop_unused_params()
        return tuple(
            raw.get_dim_name(islpy.dim_type.param, position) or ""
            for position in range(raw.dim(islpy.dim_type.param))
        )

    @locked
    def intersect(self, other: Set) -> Set:
        """Return the elements of both."""
        return Set(self._raw.intersect(other.raw))

    @locked
    def intersect_params(self, context: Set) -> Set:
        """Return the part of the set whose parameters lie in `context`."""
        return Set(self._raw.intersect_params(context.raw))

    @locked
    def union(self, other: Set) -> Set:
        """Return the elements of either."""
        return Set(self._raw.union(other.raw).coalesce())

    @locked
    def subtract(self, other: Set) -> Set:
        """Return the elements of this set that are not in `other`."""
        return Set(self._raw.subtract(other.raw).coalesce())

    @locked
    def gist(self, context: Set) -> Set:
        """Return a simpler set that agrees with this one inside `context`."""
        return Set(self._raw.gist(context.raw).coalesce())

    @locked
    def is_empty(self) -> bool:
        """Return whether the set has no element for any parameter value."""
        return bool(self._raw.is_empty())

    @locked
    def is_subset(self, other: Set) -> bool:
        """Return whether every element lies in `other`."""
        return bool(self._raw.is_subset(other.raw))

    @locked
    def params(self) -> Set:
        """Return the parameter values for which the set is not empty, as a parameter set."""
        return Set(self._raw.params())

    @locked
    def complement(self) -> Set:
        """Return everything in the same space outside the set."""
        return Set(self._raw.complement().coalesce())

    @locked
    def simplified(self, context: Set) -> Set:
        """Return a simpler parameter set that agrees with this one inside `context`.

        Each alternative is left without what the others cover.
        """
        whole = self._raw.coalesce()
        pieces = [each.to_set() for each in whole.get_basic_sets()]
        if not 1 < len(pieces) <= _MOST_PIECES:
            return Set(whole.gist(context.raw).coalesce())
        for position, piece in enumerate(pieces):
            outside = context.raw
            for at, other in enumerate(pieces):
                outside = outside if at == position else outside.subtract(other)
            pieces[position] = piece.gist(outside)
        return Set(functools.reduce(islpy.Set.union, pieces))

    @locked
    def lexmax(self) -> Set:
        """Return the lexicographically last element for each parameter value."""
        return Set(self._raw.lexmax())

    @locked
    def keep(self, names: tuple[str, ...]) -> Set:
        """Return the projection onto the dimensions called `names`."""
        raw = self._raw
        for position in reversed(range(raw.dim(islpy.dim_type.set))):
            if raw.get_dim_name(islpy.dim_type.set, position) not in names:
                raw = raw.project_out(islpy.dim_type.set, position, 1)
        return Set(raw)

    @locked
    def with_parameters(self, names: tuple[str, ...]) -> Set:
        """Return the projection onto the parameters called `names`."""
        raw = self._raw
        for position in reversed(range(raw.dim(islpy.dim_type.param))):
            if raw.get_dim_name(islpy.dim_type.param, position) not in names:
                raw = raw.project_out(islpy.dim_type.param, position, 1)
        return Set(raw)

    @locked
    def renamed(self, parameter: str, name: str) -> Set:
        """Return the same set, one of its parameters under another name."""
        kind = islpy.dim_type.param
        position = self._raw.find_dim_by_name(kind, parameter)
        return self if position < 0 else Set(self._raw.set_dim_name(kind, position, name))

    @locked
    def named(self, name: str) -> Set:
        """Return the same tuples under another name."""
        return Set(self._raw.set_tuple_name(name))

    @locked
    def outer(self, depth: int) -> Set:
        """Return the projection onto the first `depth` dimensions, without a name."""
        set_ = islpy.dim_type.set
        raw = self._raw.project_out(set_, depth, self._raw.dim(set_) - depth)
        return Set(raw.reset_tuple_id())

    @locked
    def within(self, outer: Set) -> Set:
        """Return the elements whose first dimensions lie in `outer`, which has no name."""
        set_ = islpy.dim_type.set
        inner = self._raw.dim(set_) - outer.raw.dim(set_)
        lifted = outer.raw.add_dims(set_, inner)
        if self._raw.has_tuple_id():
            lifted = lifted.set_tuple_id(self._raw.get_tuple_id())
        return Set(self._raw.intersect(lifted))

    @locked
    def latest(self, level: int, order: Literal["<", ">"]) -> Set:
        """Return the tuples that no other follows: equal before `level`, later by `order` there."""
        set_ = islpy.dim_type.set
        space = self._raw.get_space().map_from_set()
        after = islpy.Map.universe(space)
        for outer in range(level):
            after = after.equate(islpy.dim_type.in_, outer, islpy.dim_type.out, outer)
        compare = after.order_lt if order == "<" else after.order_gt
        after = compare(islpy.dim_type.in_, level, islpy.dim_type.out, level)
        assert level < self._raw.dim(set_)
        return Set(self._raw.subtract(after.intersect_range(self._raw).domain()).coalesce())

    @locked
    def maximum(self, dimension: int) -> int | None:
        """Return the largest value of a dimension over all parameters; None if unbounded.

        The set must not be empty.
        """
        value = self._raw.dim_max_val(dimension)
        return int(text_of(value)) if value.is_int() else None

    @locked
    def minimum(self, dimension: int) -> int | None:
        """Return the smallest value of a dimension over all parameters; None if unbounded.

        The set must not be empty.
        """
        value = self._raw.dim_min_val(dimension)
        return int(text_of(value)) if value.is_int() else None

    @locked
    def contains(self, values: tuple[tuple[str, int], ...]) -> bool:
        """Return whether the parameter set holds at the given parameter values."""
        raw = self._raw
        for name, value in values:
            position = raw.find_dim_by_name(islpy.dim_type.param, name)
            if position >= 0:
                raw = raw.fix_val(
                    islpy.dim_type.param, position, islpy.Val(str(value), STATE.context)
                )
        return not raw.is_empty()

    @property
    def raw(self) -> islpy.Set:
        """The islpy object, for the modules of `model` that generate code from it."""
        return self._raw


@final
class Map:
    """A relation between integer tuples, with parameters."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # equal isl maps may hash differently

    def __init__(self, value: islpy.Map | str) -> None:
        self._value = value  # a text until the relation is asked for something

    @property
    def _raw(self) -> islpy.Map:
        if isinstance(self._value, str):
            plain = read_map(STATE.context, self._value)
            if plain is None:
                plain = islpy.Map.read_from_str(STATE.context, self._value)
            self._value = plain
        return self._value

    @property
    @locked
    def text(self) -> str:
        """The same in isl's notation, piece by piece as it is held."""
        return self._value if isinstance(self._value, str) else text_of(self._value)

    @staticmethod
    @locked
    def parse(text: str) -> Map:
        """Return the relation that isl's notation `text` describes."""
        return Map(Map(text).raw)

    @locked
    def __str__(self) -> str:
        return text_of(self._raw.coalesce())

    def __repr__(self) -> str:
        return f"Map({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[[str], Map], tuple[str]]:
        return Map.parse, (str(self),)

    @locked
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and bool(self._raw.is_equal(other.raw))

    @property
    @locked
    def source_name(self) -> str:
        """Name of the tuples that the relation starts from, "S0"."""
        return self._raw.get_tuple_name(islpy.dim_type.in_)

    @property
    @locked
    def sink_name(self) -> str:
        """Name of the tuples that the relation leads to, "S1"."""
        return self._raw.get_tuple_name(islpy.dim_type.out)

    @locked
    def from_named(self, name: str) -> Map:
        """Return the same relation, its first tuples under another name."""
        return Map(self._raw.set_tuple_name(islpy.dim_type.in_, name))

    @locked
    def to_named(self, name: str) -> Map:
        """Return the same relation, its second tuples under another name."""
        return Map(self._raw.set_tuple_name(islpy.dim_type.out, name))

    @locked
    def without_equal(self) -> Map:
        """Return the pairs of two different tuples."""
        return Map(self._raw.subtract(islpy.Map.identity(self._raw.get_space())))

    @locked
    def reverse(self) -> Map:
        """Return the inverse relation."""
        return Map(self._raw.reverse())

    @locked
    def then(self, other: Map) -> Map:
        """Return the composition: first this relation, then `other`."""
        return Map(self._raw.apply_range(other.raw))

    @locked
    def intersect(self, other: Map) -> Map:
        """Return the pairs of both."""
        return Map(self._raw.intersect(other.raw))

    @locked
    def intersect_domain(self, domain: Set) -> Map:
        """Return the pairs whose first element lies in `domain`."""
        return Map(self._raw.intersect_domain(domain.raw))

    @locked
    def intersect_range(self, range_: Set) -> Map:
        """Return the pairs whose second element lies in `range_`."""
        return Map(self._raw.intersect_range(range_.raw))

    @locked
    def intersect_params(self, context: Set) -> Map:
        """Return the part of the relation whose parameters lie in `context`."""
        return Map(self._raw.intersect_params(context.raw))

    @locked
    def union(self, other: Map) -> Map:
        """Return the pairs of either."""
        return Map(self._raw.union(other.raw))

    @locked
    def subtract(self, other: Map) -> Map:
        """Return the pairs that are not in `other`."""
        return Map(self._raw.subtract(other.raw))

    @locked
    def affine_hull(self) -> Map:
        """Return the least superset that equalities describe."""
        return Map(self._raw.affine_hull().to_map())

    @locked
    def domain(self) -> Set:
        """Return the first elements."""
        return Set(self._raw.domain())

    @locked
    def range(self) -> Set:
        """Return the second elements."""
        return Set(self._raw.range())

    @locked
    def from_outer(self, depth: int) -> Map:
        """Return the relation from the first `depth` dimensions of the first elements alone."""
        in_ = islpy.dim_type.in_
        raw = self._raw.project_out(in_, depth, self._raw.dim(in_) - depth)
        return Map(raw.reset_tuple_id(in_))

    @locked
    def distances(self, level: int) -> tuple[int | None, int | None] | None:
        """Return the least and the largest value of second minus first element in a dimension.

        Over all pairs and parameters; None for an end that has no limit, or for an empty
        relation. Nothing is projected, which many dimensions would make costly.
        """
        pairs = self._raw.wrap()
        space = islpy.LocalSpace.from_space(pairs.get_space())
        kind = islpy.dim_type.set
        first = islpy.Aff.var_on_domain(space, kind, level)
        second = islpy.Aff.var_on_domain(space, kind, self._raw.dim(islpy.dim_type.in_) + level)
        apart = second.sub(first)
        ends = pairs.min_val(apart), pairs.max_val(apart)
        if any(end.is_nan() for end in ends):
            return None
        low, high = (int(text_of(end)) if end.is_int() else None for end in ends)
        return low, high

    @locked
    def params(self) -> Set:
        """Return the parameter values for which the relation is not empty."""
        return Set(self._raw.params())

    @locked
    def is_subset(self, other: Map) -> bool:
        """Return whether every pair is one of `other`."""
        return bool(self._raw.is_subset(other.raw))

    @locked
    def is_injective(self) -> bool:
        """Return whether no two first elements have a second one in common."""
        return bool(self._raw.is_injective())

    @locked
    def is_empty(self) -> bool:
        """Return whether the relation has no pair for any parameter value."""
        return bool(self._raw.is_empty())

    @property
    def raw(self) -> islpy.Map:
        """The islpy object, for the modules of `model` that generate code from it."""
        return self._raw


@locked
def pairs(first: Set, second: Set, level: int, order: Literal["<", "=", ">", "*"]) -> Map:
    """Return all pairs of tuples like those of the two sets, in an order.

    The first `level` dimensions are equal; the next of the first element stands in `order` to
    that of the second, in any with "*".
    """
    in_, out = islpy.dim_type.in_, islpy.dim_type.out
    sizes = (each.raw.dim(islpy.dim_type.set) for each in (first, second))
    space = islpy.Space.alloc(STATE.context, 0, *sizes)
    for side, each in ((in_, first), (out, second)):
        if each.raw.has_tuple_id():
            space = space.set_tuple_id(side, each.raw.get_tuple_id())
    raw = islpy.Map.universe(space)
    for outer in range(level):
        raw = raw.equate(in_, outer, out, outer)
    match order:
        case "=":
            return Map(raw.equate(in_, level, out, level))
        case "<":
            return Map(raw.order_lt(in_, level, out, level))
        case ">":
            return Map(raw.order_gt(in_, level, out, level))
        case "*":
            return Map(raw)


@final
class UnionMap:
    """A relation over several statements, such as a schedule."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # equal isl maps may hash differently

    def __init__(self, value: islpy.UnionMap | str) -> None:
        self._value = value  # a text until the relation is asked for something

    @property
    def _raw(self) -> islpy.UnionMap:
        if isinstance(self._value, str):
            plain = read_union_map(STATE.context, self._value)
            if plain is None:
                plain = islpy.UnionMap.read_from_str(STATE.context, self._value)
            self._value = plain
        return self._value

    @property
    @locked
    def text(self) -> str:
        """The same in isl's notation, piece by piece as it is held."""
        return self._value if isinstance(self._value, str) else text_of(self._value)

    @staticmethod
    @locked
    def parse(text: str) -> UnionMap:
        """Return the relation that isl's notation `text` describes."""
        return UnionMap(UnionMap(text).raw)

    @locked
    def __str__(self) -> str:
        return text_of(self._raw.coalesce())

    def __repr__(self) -> str:
        return f"UnionMap({str(self)!r})"

    def __reduce__(self) -> tuple[Callable[[str], UnionMap], tuple[str]]:
        return UnionMap.parse, (str(self),)

    @locked
    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnionMap) and bool(self._raw.is_equal(other.raw))

    @staticmethod
    @locked
    def of(maps: tuple[Map, ...]) -> UnionMap:
        """Return the union of `maps`; at least one."""
        union = maps[0].raw.to_union_map()
        for each in maps[1:]:
            union = union.union(each.raw.to_union_map())
        return UnionMap(union)

    @locked
    def intersect_domain(self, domains: tuple[Set, ...]) -> UnionMap:
        """Return the pairs whose first element lies in one of `domains`."""
        union = domains[0].raw.to_union_set()
        for each in domains[1:]:
            union = union.union(each.raw.to_union_set())
        return UnionMap(self._raw.intersect_domain(union))

    @locked
    def maps(self) -> tuple[Map, ...]:
        """Return the relations between single spaces that make up this one."""
        found: list[Map] = []
        self._raw.foreach_map(lambda raw: found.append(Map(raw)))
        return tuple(found)

    @property
    def raw(self) -> islpy.UnionMap:
        """The islpy object, for the modules of `model` that generate code from it."""
        return self._raw


@locked
def value_based_flow(writes: UnionMap, reads: UnionMap, schedule: UnionMap) -> UnionMap:
    """Return the pairs (write instance, read instance) where the read sees the written value.

    Feautrier, Dataflow analysis of array and scalar references, IJPP 1991, as isl computes it.
    An instance reads at most one cell.
    """
    access = islpy.UnionAccessInfo.from_sink(reads.raw).set_must_source(writes.raw)
    try:
        flow = access.set_schedule_map(schedule.raw).compute_flow()
    except islpy.Error as error:
        # isl's own flow fails on some domains with remainders ("affine expression involves
        # some of the domain dimensions").
        if is_exhausted(error):
            raise
        return last_writes(writes, reads, schedule)
    return UnionMap(flow.get_may_dependence())


@locked
def earlier_writes(writes: UnionMap, reads: UnionMap, schedule: UnionMap) -> UnionMap:
    """Return the pairs (write instance, read instance) on one cell, the write earlier.

    A superset of `value_based_flow` that is empty where that is.
    """
    time = schedule.raw
    pairs = writes.raw.apply_range(reads.raw.reverse())
    return UnionMap(pairs.intersect(time.lex_lt_union_map(time)))


@locked
def last_writes(writes: UnionMap, reads: UnionMap, schedule: UnionMap) -> UnionMap:
    """Return what `value_based_flow` does, by its definition: the latest of the earlier writes."""
    time = schedule.raw
    pairs = writes.raw.apply_range(reads.raw.reverse()).intersect(time.lex_lt_union_map(time))
    latest = pairs.reverse().apply_range(time).lexmax()  # read instance -> time of the write
    return UnionMap(latest.apply_range(time.reverse()).reverse().intersect(pairs))
