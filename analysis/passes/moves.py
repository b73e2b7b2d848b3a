"""What array each name stands for as the turns of a loop go on.

Before:  for t in range(T):            After:  turn 0:        T_new is made as new
             T_new = T.copy()                  turn 1, 3, ..: T is new, T_new is made as other
             ...                               turn 2, 4, ..: T is other, T_new is made as new
             T = T_new

Exchanges of names, other names for an array, and new arrays are the moves of a turn. A new array
takes a place that no name stands for any more, so that few places do for all turns, and after
some turns every name stands for the place that it stood for before: this is register allocation
for a loop whose live ranges are whole arrays. What an array made in a turn looks like must be
known before the loop, since the guard makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields, is_dataclass

from autopar.analysis.model.nouns import dataclass

from ..model.chains import is_chain
from ..model.loop_ir import (
    Allocate,
    Assign,
    Element,
    Exchange,
    Expression,
    Extent,
    For,
    Fresh,
    If,
    Name,
    Statement,
    Update,
    expressions_of,
    walk_expression,
    walk_statements,
)
from ..model.text import python_text
from ..model.unused import unused
from .fills import fill_loops
from .instances import bound_names
from .name_uses import NameUses, name_uses
from .substitution import rebuilt

Order = dict[str, str]
# What a name stands for before the loop if nothing ever sees it there.
NOTHING = ""
# Three arrays may take turns (leapfrog), or two pairs; more copies of a loop are too much.
MOST_TURNS = 3
# Turns that come before those which come again are told apart too.
_MOST_ORDERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How names move in a turn, and what they stand for at its start."""

    steps: tuple[Statement, ...]  # that move names, in textual order
    names: frozenset[str]  # that they bind, and those of which these take arrays
    orders: tuple[Order, ...]  # at the start of turn 0, 1, ...
    again: int  # the turn that comes after the last of these, as far as names go
    places: Places

    @property
    def bound(self) -> frozenset[str]:
        """The names that a turn binds."""
        return bound_names(self.steps)

    def has(self, statement: Statement) -> bool:
        """Return whether a statement moves names, and does nothing else."""
        return any(each is statement for each in self.steps)

    def after(self, statement: Statement, order: Mapping[str, str]) -> Order:
        """Return what names stand for after a move that found them standing for `order`."""
        found = _after(statement, order, self.places)
        assert found is not None  # it was asked of every order
        return found


@dataclass(slots=True, eq=False)
class Places:
    """The arrays that a guard makes: as few as do for what is made in all turns."""

    uses: NameUses
    made_inside: frozenset[str]  # names of arrays that the nest makes, which do not move
    taken: frozenset[str]  # names that no place may have
    free: set[str]  # of these, names that a turn makes anew before anything sees what they were
    found: dict[str, Fresh] = field(default_factory=dict)

    def take(self, node: Allocate, order: Mapping[str, str]) -> str | None:
        """Return the place of a new array, which no other name stands for; None: not known."""
        wanted = self.looks(node, order)
        if wanted is None:
            return None
        busy = {place for name, place in order.items() if name != node.name}
        for place, fresh in self.found.items():
            if place not in busy and _look(fresh) == _look(wanted):
                return place
        self.found[wanted.name] = wanted
        self.free.discard(wanted.name)
        return wanted.name

    def looks(self, node: Allocate, order: Mapping[str, str]) -> Fresh | None:
        """Return what the guard has to make; None where that is not known before the nest."""
        name = unused(node.name, (self.taken | self.found.keys()) - self.free)
        like = node.like or node.copied
        if like is None and (node.dtype is None or node.is_of_values):
            return None
        if like is None:
            shape = tuple(self.given(each, order) for each in node.shape)
            if not all(map(self.is_known, shape)):
                return None
            return Fresh(name=name, like=None, shape=shape, dtype=node.dtype, order=node.order)
        if node.like is not None and node.shape:
            return None  # room for a part of it: an array of ours
        source = order.get(like, like)
        if source in self.found:
            made = self.found[source]
            if node.order == "A" and made.order == "K":
                return None  # it may lie as one in Fortran's order, or as none
            dtype = node.dtype or made.dtype
            kept = made.order if node.order in {"K", "A"} else node.order
            return Fresh(name=name, like=made.like, shape=made.shape, dtype=dtype, order=kept)
        if not self.is_given(source):
            return None
        return Fresh(name=name, like=source, shape=(), dtype=node.dtype, order=node.order)

    def given(self, extent: Expression, order: Mapping[str, str]) -> Expression:
        """Return an extent with those of given arrays for those of arrays that moved."""
        if not isinstance(extent, Extent):
            return rebuilt(extent, lambda inner: self.given(inner, order))
        place = order.get(extent.array, extent.array)
        made = self.found.get(place)
        if made is not None and made.like is None and 0 <= extent.axis < len(made.shape):
            return made.shape[extent.axis]
        array = place if made is None or made.like is None else made.like
        return Extent(array=array, axis=extent.axis, span=extent.span)

    def is_known(self, extent: Expression) -> bool:
        """Return whether an extent is known before the nest."""
        for leaf in walk_expression(extent):
            match leaf:
                case Name(name=name) if not self.uses.is_parameter(name) or is_chain(name):
                    return False
                case Extent(array=array) if not self.is_given(array):
                    return False
                case Element():
                    return False
                case _:
                    pass
        return True

    def is_given(self, array: str) -> bool:
        """Return whether a name stands for an array that the nest is given, as it begins."""
        return array not in self.made_inside and not is_chain(array)


def _look(fresh: Fresh) -> tuple[object, ...]:
    return (fresh.like, tuple(map(python_text, fresh.shape)), fresh.dtype, fresh.order)


def moves_in(
    nest: For, turn: tuple[Statement, ...], taken: frozenset[str], live_out: frozenset[str]
) -> Moves | Statement | None:
    """Return how names of arrays move in the turns of a loop; None where none of them moves.

    `turn` are the statements that every turn runs. A statement: it moves names in a way that has
    no model. An array that is made for its own block only, which nothing else sees, is no move.
    """
    names = _moving(nest, live_out)
    if not names:
        return None
    steps = tuple(each for each in turn if _is_move(each, names))
    everywhere = [each for each in walk_statements(nest.body) if _is_move(each, names)]
    astray = [each for each in everywhere if not any(each is one for one in steps)]
    if astray or not steps:
        return (astray or everywhere)[0]
    uses = name_uses(nest)
    bad = next((each for each in steps if _is_unknown(nest, each, uses)), None)
    if bad is not None or not _may_move(nest, names, steps):
        return bad or steps[0]
    made = frozenset(e.name for e in walk_statements((nest,)) if isinstance(e, Allocate))
    free = {each for each in names if _is_made_first(nest, turn, each)}
    first = {name: NOTHING if name in free else name for name in names}
    taken |= uses.names | names
    places = Places(uses=uses, made_inside=made - names, taken=taken, free=free)
    found = _orders(first, steps, places)
    if found is None:
        return next((each for each in steps if isinstance(each, Allocate)), steps[0])
    orders, again = found
    return Moves(steps=steps, names=names, orders=orders, again=again, places=places)


def _moving(nest: For, live_out: frozenset[str]) -> frozenset[str]:
    """Return the names that some move of a turn binds, and those of the arrays that they share."""
    names: set[str] = set()
    arrays = {each.name for each in walk_statements((nest,)) if isinstance(each, Allocate)}
    arrays |= name_uses(nest).ranks.keys()
    for each in walk_statements(nest.body):
        match each:
            case Exchange():
                names.update(each.targets)
            case Allocate(name=name) if name in live_out:
                names.add(name)
            case Assign(target=Name(name=name), value=Name(name=value)) if {name, value} & arrays:
                names |= {name, value}
            case _:
                pass
    return frozenset(names)


def _is_made_first(nest: For, turn: tuple[Statement, ...], name: str) -> bool:
    """Return whether a new array is made for a name before anything sees what it was."""
    outside = tuple(each for e in expressions_of(nest) for each in walk_expression(e))
    if any(name in {getattr(each, "array", None), getattr(each, "name", None)} for each in outside):
        return False
    for position, each in enumerate(turn):
        if isinstance(each, Allocate) and each.name == name:
            return True
        if isinstance(each, If) and turn[position + 1 :][:1] == each.orelse[:1]:
            # What runs where its test does not leave the loop follows it in the turn.
            is_seen = sees((each.test, each.body), name)
        else:
            is_seen = sees(each, name)
        if is_seen:
            return False
    return False


def sees(node: object, name: str) -> bool:
    """Return whether a node of the loop IR names `name` anywhere."""
    if isinstance(node, tuple):
        return any(sees(each, name) for each in node)
    if isinstance(node, str):
        return node == name
    if not is_dataclass(node):
        return False
    return any(sees(getattr(node, each.name), name) for each in fields(node))


def _is_move(statement: Statement, names: frozenset[str]) -> bool:
    match statement:
        case Exchange():
            return True
        case Allocate(name=name):
            return name in names
        case Assign(target=Name(name=name), value=Name(name=value)):
            return name in names and value in names
    return False


def _is_unknown(nest: For, statement: Statement, uses: NameUses) -> bool:
    """Return whether a new array is never seen as one, or computed of what its name stands for."""
    if not isinstance(statement, Allocate):
        return False
    return statement.name not in uses.ranks or any(
        isinstance(each, Assign)
        and each.span == statement.span
        and any(getattr(e, "array", None) == statement.name for e in walk_expression(each.value))
        for each in walk_statements((nest,))
    )


def _may_move(nest: For, moved: frozenset[str], steps: tuple[Statement, ...]) -> bool:
    """Return whether names may stand for other arrays as the turns of `nest` go on."""
    for each in walk_statements((nest,)):
        if any(each is one for one in steps):
            continue
        match each:
            case For(rows=rows) if any(part.array in moved for _, part in rows):
                return False  # a row that lives on is one of an array, whatever its name
            case Assign(target=Element(indices=())):
                return False  # it appends to a list
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)) if name in moved:
                return False
            case For(variable=name) if name in moved:
                return False
            case _:
                pass
    return True


def _orders(
    first: Order, steps: tuple[Statement, ...], places: Places
) -> tuple[tuple[Order, ...], int] | None:
    """Return what names stand for at the start of turn 0, 1, ..., and which comes after these."""
    found = [first]
    while len(found) <= _MOST_ORDERS:
        now: Order | None = found[-1]
        for each in steps:
            now = None if now is None else _after(each, now, places)
        if now is None:
            return None
        if now in found:
            again = found.index(now)
            return (tuple(found), again) if len(found) - again <= MOST_TURNS else None
        found.append(now)
    return None


def _after(statement: Statement, order: Mapping[str, str], places: Places) -> Order | None:
    match statement:
        case Exchange():
            pairs = zip(statement.targets, statement.values, strict=True)
            return {**order, **{target: order[value] for target, value in pairs}}
        case Assign(target=Name(name=name), value=Name(name=value)):
            return {**order, name: order[value]}
        case Allocate(name=name):
            place = places.take(statement, order)
            return None if place is None else {**order, name: place}
    raise AssertionError(statement)  # no other statement moves names


def distinct(values: tuple[Order, ...], again: int) -> tuple[int, int]:
    """Return how many turns, at least, come before those that come again, and how many these are.

    `values` are those of turn 0, 1, ..., from which on turn `again` follows.
    """

    def value(turn: int) -> Order:
        period = len(values) - again
        return values[turn if turn < len(values) else again + (turn - again) % period]

    seen = range(2 * len(values))
    return next(
        (before, period)
        for period in range(1, len(values) + 1)
        for before in range(again + 1)
        if all(value(turn) == value(turn + period) for turn in seen if turn >= before)
    )


def first_values(node: Allocate, places: Places) -> Iterator[Statement]:
    """Yield the loops that give every element of a new array its first value."""
    if node.fill is None:
        return
    rank, *_ = places.uses.ranks[node.name]
    variables = [unused(f"axis_{axis}_of_{node.name}", places.taken) for axis in range(rank)]
    extents = [Extent(array=node.name, axis=axis, span=node.span) for axis in range(rank)]
    yield fill_loops(node, node.fill, variables, extents, is_inlined=True)
