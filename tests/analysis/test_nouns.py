"""Our frozen dataclasses do what those of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from math import nan

import pytest

from autopar.analysis.model.nouns import dataclass


def kinds(dataclass):
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Point:
        """Two numbers and a list."""

        x: int
        y: float = 1.5
        rest: list = dataclasses.field(default_factory=list, compare=False)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named(Point):
        """A point that checks its name, with a hash of its own."""

        name: str = dataclasses.field(default="p", repr=False)

        def __post_init__(self):
            if not self.name:
                raise ValueError("a name")

        def __hash__(self):
            return 7

    @dataclass(frozen=True)
    class Pair:
        """Given by place; equal by its first part alone."""

        first: object
        second: object = None
        third: object = dataclasses.field(init=False, default=3)

        def __eq__(self, other):
            return isinstance(other, Pair) and self.first == other.first

    @dataclass(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    @dataclass(frozen=True, slots=True, eq=False)
    class Itself:
        """Equal to nothing else."""

        x: int = 0

    return Point, Named, Pair, Empty, Itself


OURS, THEIRS = kinds(dataclass), kinds(dataclasses.dataclass)
MADE = {
    "point": lambda Point, *_: Point(x=1),
    "point-all": lambda Point, *_: Point(x=1, y=2.0, rest=[3]),
    "point-nan": lambda Point, *_: Point(x=1, y=nan),
    "point-less": lambda Point, *_: Point(),
    "point-place": lambda Point, *_: Point(1),
    "point-more": lambda Point, *_: Point(x=1, z=2),
    "named": lambda _, Named, *__: Named(x=1, name="q"),
    "named-not": lambda _, Named, *__: Named(x=1, name=""),
    "pair": lambda _, __, Pair, *___: Pair(1, 2),
    "pair-other": lambda _, __, Pair, *___: Pair(1, second=3),
    "pair-more": lambda _, __, Pair, *___: Pair(1, 2, 3),
    "empty": lambda *classes: classes[3](),
    "itself": lambda *classes: classes[4](),
}
ASKED = {
    "repr": lambda kinds, make: repr(make(*kinds)).rpartition(".")[2],
    "equal": lambda kinds, make: make(*kinds) == make(*kinds),
    "hash": lambda kinds, make: hash(make(*kinds)) == hash(make(*kinds)),
    "unlike": lambda kinds, make: [make(*kinds) == other(*kinds) for other in good(kinds)],
    "other class": lambda kinds, make: make(*kinds) == 5,
    "set": lambda kinds, make: setattr(make(*kinds), "x", 1),
    "delete": lambda kinds, make: delattr(make(*kinds), "x"),
    "fields": lambda kinds, make: [each.name for each in dataclasses.fields(make(*kinds))],
    "replace": lambda kinds, make: dataclasses.replace(make(*kinds), x=9).x,
    "copy": lambda kinds, make: copy.copy(make(*kinds)) == make(*kinds),
    "deepcopy": lambda kinds, make: copy.deepcopy(make(*kinds)) == make(*kinds),
    "match": lambda kinds, make: type(make(*kinds)).__match_args__,
    "dict": lambda kinds, make: dataclasses.asdict(make(*kinds)),
    "slots": lambda kinds, make: hasattr(make(*kinds), "__dict__"),
    "name": lambda kinds, make: type(make(*kinds)).__init__.__qualname__.rpartition(".")[2],
}


def good(kinds):
    for make in MADE.values():
        try:
            make(*kinds)
        except (TypeError, ValueError):
            continue
        yield make


def found(ask, kinds, make):
    try:
        return ask(kinds, make)
    except Exception as error:  # noqa: BLE001 - compared
        return type(error), str(error).replace("kinds.<locals>.", "")


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("asked", ASKED)
def test_ours_do_what_theirs_do(asked, made):
    if made == "empty" and asked in {"set", "delete"}:
        pytest.skip("what Python 3.11 says of a class with slots and no fields is a slip")
    expected = found(ASKED[asked], THEIRS, MADE[made])
    assert repr(expected) == repr(found(ASKED[asked], OURS, MADE[made]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A noun that goes to another process."""

    x: int
    of: tuple[int, ...] = ()


def test_a_noun_may_be_pickled():
    assert Kept(x=1, of=(2,)) == pickle.loads(pickle.dumps(Kept(x=1, of=(2,))))


def test_classes_that_may_change_are_left_to_the_library():
    @dataclass(slots=True)
    class Open:
        x: int

    open_ = Open(1)
    open_.x = 2
    assert Open(2) == open_
    assert Open.__hash__ is None


def test_a_class_costs_nothing_to_compile_until_it_is_used():
    @dataclass(frozen=True)
    class Late:
        x: int

    lazy = Late.__init__
    Late(1)
    assert Late.__init__ is not lazy
    lazy(Late(2), 3)  # as a subclass that asked for it before may do
