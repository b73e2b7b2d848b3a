"""At a call: random numbers that a nest draws are drawn before it.

Before:  for r in range(n): out[r] = f(rng.random())     After:  drawn = rng.random(n).tolist()
                                                                 region with `drawn`; if no kernel
                                                                 took it, rng as it was, and the
                                                                 loop itself

One call that draws many numbers stands for as many calls that draw one where it gives the same
numbers and leaves the same state; that is tried out once, on a generator of our own.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from functools import partial
from types import BuiltinFunctionType, MethodType, ModuleType
from typing import Any, TypeAlias

import numpy as np

from autopar.analysis.facts.reasons_fission import NoGenerator
from autopar.analysis.model.chains import is_chain
from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.draws import CHOOSING, DRAWN
from autopar.analysis.model.loop_ir import Call, Draw, Extent, Name, walk_expression
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import DrawnRegion
from autopar.analysis.model.text import python_text
from autopar.codegen.rates import current
from autopar.codegen.reasons import NotProfitable

from .dispatch import Region
from .durations import describe_seconds
from .guard import Admission, evaluated
from .iterated import header_names, iterated
from .sites import Returned, Site

LOG = logging.getLogger("autopar")

# More numbers than these are not kept at once.
_MOST_DRAWN = 1 << 24
# One number on its way through a list, in nanoseconds; the state of a generator, there and back.
_NUMBER_NS, _ROW_NS, _STATE_NS = 150, 1_000, 40_000
_TRIED = 65
_NUMBERS = frozenset((int, float, bool, np.float64, np.int64))
_INTEGERS = frozenset(("poisson", "geometric", "binomial", "randint", "randrange"))
# What numbers are chosen from.
_GIVEN = frozenset((np.ndarray, list, tuple, range))

Drawing: TypeAlias = Callable[[], object]
# Whether one call draws as many do, by kinds of generators and by method.
_ALIKE: dict[tuple[type, type, str, tuple[Any, ...], tuple[str, ...]], bool] = {}


class _NotDrawnError(Exception):
    """A nest does not draw what the analysis takes it to draw."""


def can_draw(plan: DrawnRegion) -> bool:
    """Return whether the names of a nest are plain ones."""
    scop = plan.region.scop
    names = (*scop.live_in, *scop.live_out, *(each.name for each in scop.arrays))
    return not any(map(is_chain, (*names, *(each.text for each in scop.parameters))))


def drawn_site(plan: DrawnRegion, region: Region, site: Site) -> Site:
    """Return where a nest is asked that draws; `site` is that of the rest."""
    guard = _DrawGuard(plan, region, site.arguments, site.enter)
    return Site(
        line=site.line,
        column=site.column,
        arguments=guard.arguments,
        results=site.results,
        enter=guard.enter,
        exits=site.exits,
    )


class _DrawGuard:
    """What stands before a region that takes lists of random numbers."""

    def __init__(
        self,
        plan: DrawnRegion,
        region: Region,
        taken: tuple[str, ...],
        ask: Callable[..., Returned],
    ) -> None:
        self._plan, self._region, self._taken, self._ask = plan, region, taken, ask
        names = [name for name in taken if not name.startswith(DRAWN)]
        for loop in plan.draws.loops:
            names += header_names(loop)
        for draw in plan.draws.draws:
            names.append(draw.path[0])
            for argument in draw.arguments:
                names += _names_in(argument)
        self._stored = frozenset(
            each for each in region.plan.scop.arrays_written if not each.startswith(DRAWN)
        )
        self.arguments = tuple(dict.fromkeys(names))

    def enter(self, *values: object) -> Returned:
        """Return what the region leaves behind if it was run, else ()."""
        named = dict(zip(self.arguments, values, strict=True))
        try:
            shape = self._shape(named)
            calls = [_Call.of(each, named) for each in self._plan.draws.draws]
            self._look_at_given(calls, named)
            reason = self._unfit(named, shape, calls)
        except _NotDrawnError as error:
            reason = NoGenerator(span=self._plan.span, name=str(error))
        except Exception:  # a fault of ours must not become the user's
            LOG.exception("what %s draws is not known", self._region.name)
            return ()
        if reason is not None:
            return self._region.leave(reason)
        generators = {id(each.generator): each.generator for each in calls}
        states = [(each, _state(each)) for each in generators.values()]
        returned: Returned = ()
        try:
            lists = _drawn(calls, shape)
            if lists is not None:
                returned = self._ask(*self._passed(named, lists))
        finally:
            if not returned:
                for generator, state in states:
                    _restore(generator, state)
        return returned

    def _look_at_given(self, calls: list[_Call], named: Mapping[str, Any]) -> None:
        """Raise where the region stores into what numbers are chosen from."""
        stored = [named[each] for each in self._stored if each in named]
        for call in calls:
            for each in call.arguments:
                if type(each) in _GIVEN and any(_share(each, other) for other in stored):
                    raise _NotDrawnError(call.method)

    def _passed(self, named: Mapping[str, Any], lists: list[Any]) -> tuple[Any, ...]:
        """Return the arguments of the region, with lists of what was drawn."""
        drawn = {each.array: one for each, one in zip(self._plan.draws.draws, lists, strict=True)}
        known = {**named, **drawn}
        return tuple(known[name] for name in self._taken)

    def _shape(self, named: Mapping[str, Any]) -> tuple[int, ...]:
        """Return how often each of the loops around the draws runs."""
        found = [iterated(loop, named) for loop in self._plan.draws.loops]
        if any(each is None for each in found):
            raise _NotDrawnError(self._plan.draws.draws[0].path[0])
        return tuple(each.count for each in found if each is not None)

    def _unfit(
        self, named: Mapping[str, Any], shape: tuple[int, ...], calls: list[_Call]
    ) -> Reason | None:
        """Return why nothing is drawn before the nest; None where it may be."""
        total = _size(shape)
        each_turn = sum(1 if call.size is None else call.size for call in calls)
        span = self._plan.span
        if not total or not each_turn or total * each_turn > _MOST_DRAWN:
            detail = f"it draws {total * each_turn} random numbers"
            return NotProfitable(span=span, detail=detail)
        found = self._region.foresee(
            self._passed(named, [_stand_in(each, shape) for each in calls])
        )
        if not isinstance(found, Admission):
            return found
        if self._region.options.backend != "auto":
            return None
        spent = _STATE_NS + _NUMBER_NS * total * len(calls)
        spent += _ROW_NS * total * sum(call.size is not None for call in calls)
        if found.interpreter_ns < 2 * spent:
            detail = (
                f"it takes about {describe_seconds(found.interpreter_ns / 1e9)} in the "
                "interpreter, handing on what is drawn before it about "
                f"{describe_seconds(spent / 1e9)}"
            )
            return NotProfitable(span=span, detail=detail)
        waited = self._region.patience.interpreted_ns + found.interpreter_ns
        if not self._region.kernels.made and waited < current().compile:
            self._region.patience.interpreted_ns = waited
            return NotProfitable(span=span, detail="compiling it does not pay yet")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One place where a number is drawn, at a call."""

    generator: Any
    method: str
    arguments: tuple[Any, ...]
    keywords: tuple[str, ...] = ()  # those of the last arguments
    size: int | None = None  # None: one number

    @staticmethod
    def of(draw: Draw, named: Mapping[str, Any]) -> _Call:
        """Return what is called where `draw` stands; raises where that is something else."""
        found: Any = named[draw.path[0]]
        for position, name in enumerate(draw.path[1:], start=1):
            is_last = position == len(draw.path) - 1
            if type(found) is not ModuleType and not (is_last and _is_generator(found)):
                raise _NotDrawnError(draw.path[0])
            found = getattr(found, name)
        generator = getattr(found, "__self__", None)
        is_method = type(found) in {BuiltinFunctionType, MethodType}
        if not is_method or not _is_generator(generator):
            raise _NotDrawnError(".".join(draw.path))
        method = found.__name__
        if method != draw.path[-1] or not _is_own(generator, method, found):
            raise _NotDrawnError(".".join(draw.path))
        may_be_given = method in CHOOSING
        arguments = tuple(_value(e, named, may_be_given=may_be_given) for e in draw.arguments)
        size = None if draw.size is None else _value(draw.size, named)
        is_size = size is None or (type(size) is int and type(generator) is not random.Random)
        if not is_size or (size is not None and size < 0):
            raise _NotDrawnError(".".join(draw.path))
        return _Call(
            generator=generator,
            method=method,
            arguments=arguments,
            keywords=draw.keywords,
            size=size,
        )

    def one(self) -> Drawing:
        """Return what draws one number, or one array."""
        return self.of_generator(self.generator)

    def of_generator(self, generator: Any) -> Drawing:  # noqa: ANN401  # of any package
        """Return the same, of another generator."""
        plain = len(self.arguments) - len(self.keywords)
        named = dict(zip(self.keywords, self.arguments[plain:], strict=True))
        return partial(getattr(generator, self.method), *self.arguments[:plain], **named)

    @property
    def is_plain(self) -> bool:
        """Whether it draws one number with numbers alone."""
        numbers = all(type(each) in _NUMBERS for each in self.arguments)
        return numbers and self.size is None and self.method not in CHOOSING

    def example(self) -> Any:  # noqa: ANN401  # a number, or an array
        """Return what it might draw; its generator is as before."""
        generator = self.generator
        if isinstance(generator, random.Random):
            copy: Any = random.Random()  # noqa: S311  # the user's is one
            copy.setstate(generator.getstate())
        else:
            copy = _copy(generator)
        try:
            return self.of_generator(copy)()
        except Exception as error:  # the interpreter meets it in its iteration
            raise _NotDrawnError(self.method) from error

    def many(self, count: int) -> list[Any]:
        """Return as many numbers as `count` calls would give."""
        return _many(self.generator, self, count)


def _value(
    argument: Any,  # noqa: ANN401  # a simple expression
    named: Mapping[str, Any],
    *,
    may_be_given: bool = False,
) -> Any:  # noqa: ANN401  # a number, or numbers to choose from
    match argument:
        case Call(arguments=parts):  # a list that the program writes there
            return [_value(each, named) for each in parts]
        case Name(name=name) if may_be_given and _has_numbers(named[name]):
            return named[name]
    known = {name: named[name] for name in _names_in(argument)}
    measured = {each.array for each in walk_expression(argument) if isinstance(each, Extent)}
    for name, each in known.items():
        kinds = _GIVEN if name in measured else _NUMBERS
        if type(each) not in kinds:
            raise _NotDrawnError(name)
    try:
        return evaluated(python_text(argument), known)
    except (AttributeError, IndexError) as error:  # no such axis
        raise _NotDrawnError(next(iter(known))) from error


def _has_numbers(value: object) -> bool:
    """Return whether nothing but numbers can be chosen from a value."""
    if type(value) is np.ndarray:
        return value.dtype.kind in "iuf" and value.ndim == 1
    return type(value) is range or (
        type(value) in {list, tuple} and all(type(each) in _NUMBERS for each in value)  # type: ignore[attr-defined]  # one of these
    )


def _share(given: object, stored: object) -> bool:
    """Return whether storing into one value may change another one."""
    if isinstance(given, np.ndarray) and isinstance(stored, np.ndarray):
        return bool(np.may_share_memory(given, stored))
    return given is stored


def _names_in(argument: Any) -> tuple[str, ...]:  # noqa: ANN401  # a simple expression
    names: list[str] = []
    for each in walk_expression(argument):
        match each:
            case Name(name=name) | Extent(array=name):
                names.append(name)
            case _:
                pass
    return tuple(names)


def _is_generator(value: object) -> bool:
    """Return whether `value` is a generator whose state can be kept, of no class of the user's."""
    kinds = (np.random.Generator, np.random.RandomState, random.Random)
    return type(value) in kinds


def _is_own(generator: Any, method: str, found: Any) -> bool:  # noqa: ANN401  # of any package
    """Return whether `found` is the method that the class of a generator gives it."""
    if method in getattr(generator, "__dict__", ()):
        return False
    is_python = type(generator) is random.Random and type(found) is MethodType
    if is_python and getattr(found.__func__, "__globals__", None) is not vars(random):
        return False  # NumPy's classes cannot be changed, this one can
    return bool(getattr(generator, method) == found)


def _state(generator: Any) -> Any:  # noqa: ANN401  # as above
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()


def _restore(generator: Any, state: Any) -> None:  # noqa: ANN401  # as above
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for each in shape:
        total *= each
    return total


def _stand_in(call: _Call, shape: tuple[int, ...]) -> Any:  # noqa: ANN401  # as below
    """Return a list of the kind that will hold what is drawn, or an array."""
    number: Any = 0 if call.method in _INTEGERS else 0.0
    if call.method == "integers":
        number = np.int64(0)
    if not call.is_plain:
        number = call.example()
    if call.size is not None:
        return _rows_of(number, call.size, shape)
    found = [number] * shape[-1]
    return found if len(shape) == 1 else [found] * shape[0]


def _drawn(calls: list[_Call], shape: tuple[int, ...]) -> list[Any] | None:
    """Return what each place draws, in rows where there are two loops; None where it fails."""
    total = _size(shape)
    try:
        are_plain = all(each.is_plain for each in calls)
        if are_plain and all(each == calls[0] for each in calls) and _are_alike(calls[0]):
            values = calls[0].many(total * len(calls))
            columns = [values[number :: len(calls)] for number in range(len(calls))]
        else:
            draws = [each.one() for each in calls]
            rows = [[draw() for draw in draws] for _ in range(total)]
            columns = [list(each) for each in zip(*rows, strict=True)]
    except Exception:  # noqa: BLE001  # the interpreter meets it in its iteration
        return None
    found: list[Any] = []
    width = shape[-1]
    for call, each in zip(calls, columns, strict=True):
        if call.size is not None:
            rows_drawn = _rows_of(each[0], call.size, shape)
            np.stack(each, out=rows_drawn.reshape(total, call.size))
            found.append(rows_drawn)
        elif len(shape) == 1:
            found.append(each)
        else:
            found.append([each[k : k + width] for k in range(0, total, width)])
    return found


def _rows_of(example: Any, size: int, shape: tuple[int, ...]) -> Any:  # noqa: ANN401  # an array
    """Return room for as many arrays as are drawn; raises where they are no such arrays."""
    if type(example) is not np.ndarray or example.shape != (size,):
        raise _NotDrawnError("size")
    return np.empty((*shape, size), example.dtype)


def _are_alike(call: _Call) -> bool:
    """Return whether one call draws what as many calls draw, and leaves the same state."""
    generator = call.generator
    if isinstance(generator, random.Random):
        return False
    bits = generator.bit_generator if isinstance(generator, np.random.Generator) else generator
    key = (type(generator), type(bits), call.method, call.arguments, call.keywords)
    if key not in _ALIKE:
        if len(_ALIKE) > _TRIED:
            _ALIKE.clear()
        _ALIKE[key] = _tried(call)
    return _ALIKE[key]


def _tried(call: _Call) -> bool:
    """Try it out on generators that go on from where the user's is."""
    single, many = _copy(call.generator), _copy(call.generator)
    draw = call.of_generator(single)
    expected = [draw() for _ in range(_TRIED)]
    found = _many(many, call, _TRIED)
    are_numbers = {float, int, np.int64}.issuperset(map(type, expected))
    return (
        are_numbers
        and list(map(type, expected)) == list(map(type, found))
        and expected == found
        and repr(_flat(_state(single))) == repr(_flat(_state(many)))
    )


def _copy(generator: Any) -> Any:  # noqa: ANN401  # as above
    """Return a generator of the same kind in the same state."""
    if isinstance(generator, np.random.Generator):
        copy: Any = np.random.Generator(type(generator.bit_generator)(0))
    else:
        copy = np.random.RandomState(0)
    _restore(copy, _state(generator))
    return copy


def _many(generator: Any, call: _Call, count: int) -> list[Any]:  # noqa: ANN401  # as above
    draw: Any = call.of_generator(generator)
    is_bare = call.method in {"rand", "randn"}
    array = draw(count) if is_bare else draw(size=count)
    return list(array) if call.method == "integers" else array.tolist()


def _flat(state: Any) -> Any:  # noqa: ANN401  # a state
    """Return a state with all of its arrays spelt out."""
    if isinstance(state, dict):
        return {name: _flat(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
