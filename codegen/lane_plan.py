"""Where the operands of rows that run side by side come from: memory, or lanes of earlier times.

Before:  c[i, j] = max(c[i - 1, j], c[i, j - 1]) + t[j]      rows i, i + 1, ... each a column behind
After:   c[i, j - 1]  the lanes stored one time before
         c[i - 1, j]  the same, moved up by a lane
         t[j]         the lanes of the time before, moved up by a lane

Scalar replacement across iterations (Callahan, Carr, Kennedy, PLDI 1990), where what was stored
lies in a lane of its own. Elements are told apart by their subscripts alone, so the arrays of such
a nest share no memory, and what is stored has one form of subscripts each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from autopar.analysis.model.loop_ir import Expression, wrapped_value
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import Computed, Load, SetVariable, Store, places_of

from .integers import linear, rename, text
from .kernel import Decision, Instance, LaneBand, Node, walk_nodes

# How many times are kept, turned round and stored together.
TIMES = 8
# Rows further up than this are read from memory.
_HIGHEST = 2
# Elements that each lane fetches for itself: with more of them, rows gain nothing.
_MOST_GATHERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What `array` got `age` times before, `shift` rows further up."""

    array: str
    shift: int
    age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """An element that the next row has `skew` times later: nobody stores it."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An element that a row has all the time: nobody stores it."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The element that the iteration itself stores."""

    array: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """An element that each lane fetches."""


Origin: TypeAlias = Held | Moving | Fixed | Own | Gathered


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Subscripts over the two iterators: for each axis its two factors, and the rest."""

    factors: tuple[tuple[int, int], ...]
    others: tuple[tuple[tuple[tuple[str, int], ...], int], ...]  # terms and constant


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlan:
    """Origins of all elements that are read, and one place for each array that is stored."""

    stores: tuple[tuple[Store, Instance], ...]  # the first one of each array
    origins: tuple[tuple[str, Load, Origin], ...]  # by the name of the statement
    reach: int  # how many times back it looks
    # Nothing that rows store is read from memory while they run, and each stores side by side.
    stays_in_lanes: bool = False

    def origin(self, statement: str, load: Load) -> Origin:
        """Return where an operand comes from."""
        return next(
            origin for name, each, origin in self.origins if name == statement and each == load
        )

    def ages(self, array: str) -> tuple[frozenset[int], ...]:
        """Return for each shift the ages of what is kept, those that a higher shift needs too."""
        held = [each for _, _, each in self.origins if isinstance(each, Held)]
        direct = [(each.shift, each.age) for each in held if each.array == array]
        found: list[frozenset[int]] = []
        above: frozenset[int] = frozenset()
        for shift in range(max((each for each, _ in direct), default=-1), -1, -1):
            ages = {age for each, age in direct if each == shift}
            above = frozenset(ages | ({min(above)} if above else set()))
            found.insert(0, above)
        return tuple(found)


def plan_lanes(band: LaneBand, overlapping: frozenset[str]) -> LanePlan | None:
    """Return where operands come from; None where nobody can tell, or nothing is gained."""
    instances = [each for each in walk_nodes(band.body) if isinstance(each, Instance)]
    stores: dict[str, tuple[Store, Instance, _Form]] = {}
    for each in instances:
        if isinstance(each.statement, Store):
            form = _form(each.statement, each, band)
            if form is None or each.statement.array in overlapping or not _is_single(form):
                return None
            known = stores.setdefault(each.statement.array, (each.statement, each, form))
            if known[2] != form:
                return None
    origins: list[tuple[str, Load, Origin]] = []
    for each in instances:
        for place in places_of(each.statement):
            if isinstance(place, Load):
                origin = _origin(place, each, band, stores)
                if origin is None or place.array in overlapping:
                    return None
                origins.append((each.name, place, origin))
    kinds = [each for _, _, each in origins]
    gathered = {load for _, load, origin in origins if isinstance(origin, Gathered)}
    if not any(isinstance(each, Held) for each in kinds) or len(gathered) > _MOST_GATHERED:
        return None
    ages = [each.age for each in kinds if isinstance(each, Held)]
    moves = [band.skew for each in kinds if isinstance(each, Moving)]
    places = tuple((store, instance) for store, instance, _ in stores.values())
    return LanePlan(
        stores=places,
        origins=tuple(origins),
        reach=max(*ages, *moves, 0),
        stays_in_lanes=all(_is_row(form) for _, _, form in stores.values())
        and not any(load.array in stores for load in gathered),
    )


def _is_row(form: _Form) -> bool:
    """Return whether the elements of a row lie side by side, those of later times further on."""
    *others, (_, last) = form.factors
    return last == 1 and not any(column for _, column in others)


def always_stores(nodes: tuple[Node, ...], array: str) -> bool:
    """Return whether an iteration stores in `array` whatever it decides."""
    return any(
        (isinstance(each, Instance) and _stores(each, array))
        or (
            isinstance(each, Decision)
            and always_stores(each.body, array)
            and always_stores(each.orelse, array)
        )
        for each in nodes
    )


def _stores(instance: Instance, array: str) -> bool:
    return isinstance(instance.statement, Store) and instance.statement.array == array


def assigned_in(band: LaneBand) -> frozenset[str]:
    """Return the scalars that an iteration sets."""
    return frozenset(
        each.statement.name
        for each in walk_nodes(band.body)
        if isinstance(each, Instance) and isinstance(each.statement, SetVariable)
    )


def _origin(
    load: Load,
    instance: Instance,
    band: LaneBand,
    stores: dict[str, tuple[Store, Instance, _Form]],
) -> Origin | None:
    form = _form(load, instance, band)
    if form is None:
        return None
    if load.array not in stores:
        key = f"{load.array}{form}"
        if not any(row for row, _ in form.factors):
            return Moving(key=key)
        if not any(column for _, column in form.factors):
            return Fixed(key=key)
        return Gathered()
    apart = _apart(form, stores[load.array][2])
    if apart is None:
        return None
    if apart == _NEVER:
        return Gathered()
    rows, columns = apart
    age = -(band.skew * rows + columns)
    if (rows, columns) == (0, 0):
        return Own(array=load.array)
    if age >= 1 and -_HIGHEST <= rows <= 0:
        return Held(array=load.array, shift=-rows, age=age)
    return Gathered()


def _form(place: Load | Store, instance: Instance, band: LaneBand) -> _Form | None:
    values = dict(instance.iterators)
    axes = [_axis(each, values, band) for each in place.indices]
    if any(each is None for each in axes):
        return None
    known = [each for each in axes if each is not None]
    return _Form(
        factors=tuple(factors for factors, _ in known), others=tuple(other for _, other in known)
    )


def _axis(
    index: object, values: dict[str, Expression], band: LaneBand
) -> tuple[tuple[int, int], tuple[tuple[tuple[str, int], ...], int]] | None:
    if isinstance(index, Computed):
        return None
    assert not isinstance(index, str)
    expression: Expression = index  # type: ignore[assignment]
    if wrapped_value(expression) is not None:
        return None
    terms, constant = linear(rename(expression, values))
    factors: dict[str, int] = {}
    for term, factor in terms.items():
        word = text(term, {})
        factors[word] = factors.get(word, 0) + factor
    row, column = factors.pop(band.outer, 0), factors.pop(band.inner, 0)
    if any(_mentions(word, band) for word in factors):
        return None
    return (row, column), (tuple(sorted(factors.items())), constant)


def _mentions(word: str, band: LaneBand) -> bool:
    """Return whether a term that is no name holds one of the two iterators."""
    return not word.isidentifier() and (band.outer in word or band.inner in word)


def _is_single(form: _Form) -> bool:
    """Return whether no two iterations have the same element."""
    return next(_minors(form), None) is not None


def _minors(form: _Form) -> Iterator[tuple[int, int, int]]:
    """Yield pairs of axes that tell iterations apart, with their determinant."""
    for one, (a, b) in enumerate(form.factors):
        for other, (c, d) in enumerate(form.factors[:one]):
            if a * d - b * c:
                yield one, other, a * d - b * c


# No iteration stores it.
_NEVER = (0, 0, 0)


def _apart(load: _Form, store: _Form) -> tuple[int, ...] | None:
    """Return how many rows and columns further an element is stored; None where nobody knows."""
    if load.factors != store.factors:
        return None
    by = []
    for (terms, constant), (others, other) in zip(load.others, store.others, strict=True):
        if terms != others:
            return None
        by.append(constant - other)
    one, two, determinant = next(_minors(store))
    (a, b), (c, d) = store.factors[one], store.factors[two]
    rows, rest = divmod(by[one] * d - by[two] * b, determinant)
    columns, left = divmod(a * by[two] - c * by[one], determinant)
    is_met = all(
        row * rows + column * columns == distance
        for (row, column), distance in zip(store.factors, by, strict=True)
    )
    return (rows, columns) if not rest and not left and is_met else _NEVER
