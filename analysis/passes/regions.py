"""Find the loop nests that can be taken over, and explain every other loop.

Before:  for t in range(steps):        After:  region: for i in range(n) ...
             for i in range(n): ...            unsupported: for t in range(steps), because
             print(t)                          of `print`

A region is a largest `for` nest that has a polyhedral model. A loop that has none is
unsupported for the first construct that prevents it, and the loops inside it are tried in turn.
A largest nest that would have a model if some integers were known is deferred to the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.chains import base_of
from ..model.diagnostics import Reason, Refusal
from ..model.draws import Draws
from ..model.facts import NOTHING, Facts
from ..model.indirect import indirect_value
from ..model.loop_ir import (
    TEMPORARY,
    Allocate,
    Assign,
    Constant,
    Each,
    Element,
    For,
    Function,
    If,
    Name,
    Opaque,
    Slice,
    Statement,
    Update,
    While,
    names_in,
    walk_expression,
    walk_statements,
)
from ..model.plan import DeferredRegion, UnrankedRegion, UnsupportedLoop, WaitingRegion
from ..model.scop import Access, Scop
from ..model.source import SourceText, Span
from .appends import place_appends
from .array_statements import (
    expand_arrays,
    expand_statement,
    is_array_statement,
    is_part,
    ranks_shown,
)
from .build_scop import build_scop
from .counters import counters
from .deferral import deciding_names, has_computed_subscripts, indirect_accesses
from .drawing_helpers import with_drawing_helpers
from .drawn_rows import named_rows
from .draws import has_draws, place_draws, with_draws
from .driven_exchanges import driven_exchanges
from .drivers import (
    Whole,
    driver,
    has_loops,
    jumps_after,
    left_early,
    may_be_left,
    returned_names,
    whole,
)
from .exchanges import ordered_exchanges
from .first_turns import first_turns
from .fission import FIRST, LAST, Split, split
from .fixed_objects import changing_objects
from .index_loops import Indexed, index_loops
from .inline_calls import inline_calls
from .leaving_loops import leaving_loops
from .liveness import live_after
from .loop_variables import bound_again, with_scalars
from .nested_returns import says_where
from .noted_places import noted_places
from .reasons import (
    ArrayStatement,
    BudgetExhausted,
    DrawsInBetween,
    FunctionNotKnown,
    NonAffineSubscript,
    UnsupportedStatement,
)
from .row_names import name_rows
from .stretches import Stretch, stretch
from .unfolded import without_folds
from .waiting import unranked_region, waiting_region

# A nest whose values are more than these would hardly meet the same ones twice.
_MOST_VALUES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """The regions of a function and the loops outside them, all in source order."""

    scops: tuple[Scop, ...]
    # For each of these what a call may try instead, with all parameters known.
    spares: tuple[DeferredRegion | None, ...]
    unsupported: tuple[UnsupportedLoop, ...]
    deferred: tuple[DeferredRegion, ...]  # their loops are unsupported, or lie in regions
    waiting: tuple[WaitingRegion, ...]  # their loops are unsupported
    unranked: tuple[UnrankedRegion, ...]  # the same
    halves: tuple[Half, ...]  # the same
    drawn: tuple[DrawnScop, ...]  # the same
    stretches: tuple[StretchScop, ...]  # the same


def find_regions(function: Function, text: SourceText, facts: Facts = NOTHING) -> Regions:
    """Return the largest modelled nests of `function`, and why the other loops have no model."""
    search = _search(function, text, facts)
    found = tuple(search.block(function.body, _Around(), within=False))
    return Regions(
        scops=tuple(each.scop for each in found if isinstance(each, _Modelled)),
        spares=tuple(each.spare for each in found if isinstance(each, _Modelled)),
        unsupported=tuple(each for each in found if isinstance(each, UnsupportedLoop)),
        deferred=tuple(each for each in found if isinstance(each, DeferredRegion)),
        waiting=tuple(each for each in found if isinstance(each, WaitingRegion)),
        unranked=tuple(each for each in found if isinstance(each, UnrankedRegion)),
        halves=tuple(each for each in found if isinstance(each, Half)),
        drawn=tuple(each for each in found if isinstance(each, DrawnScop)),
        stretches=tuple(each for each in found if isinstance(each, StretchScop)),
    )


def scop_at(
    function: Function, text: SourceText, span: Span, facts: Facts
) -> Scop | Refusal | None:
    """Return the model of the nest at `span` under `facts`, if there is a nest."""
    search = _search(function, text, facts)
    for nest in walk_statements(function.body):
        if nest.span != span:
            continue
        if isinstance(nest, For | Each) and not may_be_left(nest):
            plain = search.plain(nest)
            scop = search.model(plain) if isinstance(plain, Indexed) else plain
            return Refusal(reasons=scop) if isinstance(scop, tuple) else scop
        if isinstance(nest, Assign | Update) and is_array_statement(nest, search.ranks):
            found = search.array_statement(nest, _Around())
            return found.scop if isinstance(found, _Modelled) else Refusal(reasons=found.reasons)
    return None


def rest_at(function: Function, text: SourceText, span: Span) -> Scop | Refusal | None:
    """Return the model of what remains of the loop at `span`: from FIRST on, up to LAST.

    None where no loop over a range stands there, by a step that is one number.
    """
    search = _search(function, text, NOTHING)
    for loop in walk_statements(function.body):
        if (loop.span.line, loop.span.column) != (span.line, span.column):
            continue
        if not isinstance(loop, For) or loop.has_else or not isinstance(loop.step, Constant):
            return None
        first, last = (Name(name=name, span=loop.span) for name in (FIRST, LAST))
        left = replace(loop, start=first, stop=last)
        plain = search.plain(driver(Whole(loop=left), search.taken) if may_be_left(loop) else left)
        scop = search.model(plain) if isinstance(plain, Indexed) else plain.reasons
        if isinstance(scop, Scop) and indirect_accesses(scop) and has_loops(loop):
            return None
        return scop if isinstance(scop, Scop) else Refusal(reasons=scop)
    return None


def _search(function: Function, text: SourceText, facts: Facts) -> _Search:
    return _Search(
        function=function,
        text=text,
        facts=facts,
        live_after=_of_the_source(live_after(function)),
        ranks={**ranks_shown(function.body), **dict(facts.ranks)},
    )


def _of_the_source(live: Mapping[Span, frozenset[str]]) -> dict[Span, frozenset[str]]:
    """Return the names that may be read after each statement, without those of no region."""
    # At module level many statements have the same names after them.
    told = {
        names: frozenset(name for name in names if not says_where(name))
        for names in set(live.values())
    }
    return {span: told[names] for span, names in live.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Modelled:
    """A nest with a model, and the same left to a call."""

    scop: Scop
    spare: DeferredRegion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """What a kernel may compute ahead of a loop."""

    scop: Scop
    loop: For  # over ranges, without its body
    source: For | Each  # as written, the same
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnScop:
    """A nest, with lists for the random numbers that it draws."""

    scop: Scop
    draws: Draws


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchScop:
    """The turns of a loop up to the next one that the interpreter has to go on with."""

    scop: Scop
    stretch: Stretch


_Found: TypeAlias = (
    "_Modelled | UnsupportedLoop | DeferredRegion | WaitingRegion | UnrankedRegion | Half"
    " | DrawnScop | StretchScop"
)


@dataclass(frozen=True, slots=True)
class _Around:
    """The loops around a statement."""

    depth: int = 0
    variables: frozenset[str] = frozenset()  # a new value in each iteration: never worth a plan

    def inside(self, *variables: str) -> _Around:
        return _Around(self.depth + 1, self.variables | frozenset(variables))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    function: Function
    text: SourceText
    facts: Facts
    live_after: Mapping[Span, frozenset[str]]  # each statement
    ranks: Mapping[str, int]  # of arrays, as far as the code shows them

    def block(
        self, body: tuple[Statement, ...], around: _Around, *, within: bool
    ) -> Iterator[_Found]:
        """Yield what is found in `body`, `within` a deferred nest or not."""
        after: tuple[Statement, ...] = ()  # of the loop before: belongs to it
        for position, statement in enumerate(body):
            if statement in after:
                continue
            match statement:
                case For() | Each() if not may_be_left(statement):
                    yield from self.nest(statement, around, within=within)
                case Assign() | Update() if is_array_statement(statement, self.ranks):
                    if not _only_makes(statement) and not is_part(statement, body):
                        yield self.array_statement(statement, around)
                case If():
                    yield from self.block(statement.body, around, within=within)
                    yield from self.block(statement.orelse, around, within=within)
                case For() | Each() | While():
                    found = whole(body, position)
                    assert found is not None  # it is a loop
                    after = found.after
                    yield from self.driver(found, around, within=within)
                case Opaque():
                    if statement.is_loop or statement.is_array_statement:
                        yield _unsupported(statement, around.depth)
                        yield from self.waiting(statement, (statement.reason,))
                    inner = around.inside() if statement.is_loop else around
                    yield from self.block(statement.body, inner, within=within)
                case _:
                    pass

    def nest(self, nest: For | Each, around: _Around, *, within: bool) -> Iterator[_Found]:
        half = self.half(nest) if self.stores_in_dict(nest) else None
        plain = self.plain(nest)
        scop = self.model(plain) if isinstance(plain, Indexed) else plain.reasons
        if half is not None and isinstance(scop, Scop):
            scop = (UnsupportedStatement(span=nest.span, kind="store into a dict"),)
        data = indirect_accesses(scop) if isinstance(scop, Scop) else ()
        # Inside a deferred nest, subscripts that only want values are left to the call.
        is_kept = within and isinstance(scop, Scop) and not has_computed_subscripts(scop)
        if isinstance(scop, Scop) and (not data or is_kept):
            yield self.modelled(scop, plain, around, within=within)
            if isinstance(plain, Indexed) and plain.nest.exchanged is not None:
                yield from self.inside(nest, around)
            return
        deferred = None
        if isinstance(plain, Indexed) and not within and half is None:
            deferred = self.deferred(plain, around)
        if isinstance(scop, Scop) and deferred is None and not within:
            yield self.modelled(scop, plain, around, within=within)
            return
        reasons = self.unknown(data) if isinstance(scop, Scop) else scop
        drawn = None if nest.is_value else self.drawn(nest)
        if isinstance(drawn, Reason):
            reasons = (drawn, *reasons)
        # A comprehension has no place for a guard inside.
        yield UnsupportedLoop(
            header=nest.header, reasons=reasons, depth=around.depth, span=nest.span
        )
        if deferred is not None:
            yield deferred
        yield from self.waiting(nest, reasons)
        yield from self.unranked(nest, plain)
        if nest.is_value:
            return
        half = half or self.half(nest)
        if isinstance(drawn, DrawnScop):
            yield drawn
        elif half is not None and deferred is None:
            yield half
        elif deferred is None and isinstance(nest, For):
            yield from self.stretched(nest)
        inner = around.inside(*_bound(nest))
        yield from self.block(nest.body, inner, within=within or deferred is not None)

    def stores_in_dict(self, nest: For | Each) -> bool:
        """Return whether a loop stores into what the function shows to be a dict."""
        return any(
            isinstance(each, Assign)
            and isinstance(each.target, Element)
            and each.target.array in self.function.dicts
            for each in nest.body
        )

    def drawn(self, nest: For | Each) -> DrawnScop | Reason | None:
        """Return a nest without its draws of random numbers; why it has to draw them itself.

        None where it draws none, or has no model for other reasons.
        """
        nest = without_folds(nest)
        if nest.held is not None or nest.has_else:
            return None
        called = with_drawing_helpers(nest, self.function)
        if called is None and not has_draws(nest):
            return None
        whole, more = called or (with_draws(nest), ())
        if _opaque(whole):
            return None
        indexed = index_loops(whole, self.text, self.taken, self.live_out(nest))
        if isinstance(indexed, Refusal):
            return None
        draws = {each.array: each for each in (*self.function.draws, *more)}
        named = named_rows(indexed.nest, draws, self.live_out(nest))
        placed = named if isinstance(named, str) else place_draws(named, draws)
        if isinstance(placed, str):
            return DrawsInBetween(span=nest.span, detail=placed)
        ranks = tuple((each.array, placed[1].rank(each)) for each in placed[1].draws)
        facts = replace(self.facts, ranks=(*self.facts.ranks, *ranks))
        plain = replace(self, facts=facts).plain(placed[0])
        scop = self.model(plain) if isinstance(plain, Indexed) else None
        return DrawnScop(scop=scop, draws=placed[1]) if isinstance(scop, Scop) else None

    def half(self, nest: For | Each) -> Half | None:
        """Return what of a loop that has no model a kernel may compute ahead."""
        found = split(nest, self.live_out(nest), self.function.dicts)
        if found is None:
            return None
        taken = self.taken
        indexed = index_loops(found.nest, self.text, taken, frozenset())
        if isinstance(indexed, Refusal):
            return None
        loop = indexed.nest
        first, last = (Name(name=name, span=nest.span) for name in (FIRST, LAST))
        plain = self.plain(replace(loop, start=first, stop=last))
        scop = self.model(plain) if isinstance(plain, Indexed) else None
        if not isinstance(scop, Scop) or not isinstance(loop.step, Constant) or _is_seen(scop):
            return None
        without = replace(nest, body=())
        return Half(scop=scop, loop=replace(loop, body=()), source=without, split=found)

    def waiting(
        self, nest: For | Each | Opaque, reasons: tuple[Reason, ...]
    ) -> Iterator[WaitingRegion]:
        """Yield a nest of which only the functions are missing that some variables hold."""
        names = frozenset(e.function for e in reasons if isinstance(e, FunctionNotKnown))
        is_all = all(isinstance(each, FunctionNotKnown) for each in reasons)
        variables = frozenset(map(base_of, names))
        if is_all and variables <= self.function.local_names - self.function.shared_names:
            live = frozenset[str]() if nest.is_value else self.live_after[nest.span]
            yield waiting_region(nest, names, live)

    def unranked(self, nest: For | Each, plain: Indexed | Refusal) -> Iterator[UnrankedRegion]:
        """Yield a nest that may have a model once it is known how many axes its arrays have."""
        if nest.is_value or isinstance(plain, Indexed) or self.facts.ranks:
            return
        if all(isinstance(each, ArrayStatement) for each in plain.reasons):
            yield unranked_region(nest, self.live_out(nest))

    def array_statement(
        self, statement: Assign | Update, around: _Around
    ) -> _Modelled | UnsupportedLoop:
        """Return what is found of a whole-array statement that is no part of a larger region."""
        found = expand_statement(statement, self.text, self.ranks, self.taken)
        scop = found.reasons if isinstance(found, Refusal) else self.model(_block_of(found))
        if isinstance(scop, Scop):
            return _Modelled(scop=scop, spare=None)
        header = self.text.segment(statement.span)
        return UnsupportedLoop(header=header, reasons=scop, depth=around.depth, span=statement.span)

    def driver(self, found: Whole, around: _Around, *, within: bool) -> Iterator[_Found]:
        """Yield the region of a loop that may be left early, and those inside it.

        Where something in it may fail in the middle, only those inside can run.
        """
        loop = found.loop
        inner = around.inside(*_bound(loop))
        inside = tuple(self.block(loop.body, inner, within=within))
        inside += tuple(self.block(found.after, around, within=within))
        nest = driver(found, self.taken)
        plain = self.plain(nest)
        if jumps_after(found):
            scop: Scop | tuple[Reason, ...] = (left_early(loop),)
        else:
            scop = self.model(plain) if isinstance(plain, Indexed) else plain.reasons
        # What data say of the loops inside, nobody asks in the middle of a region.
        if isinstance(scop, Scop) and indirect_accesses(scop) and has_loops(loop):
            scop = (left_early(loop),)
        if isinstance(scop, Scop):
            yield _Modelled(scop=scop, spare=None)
            yield from (each for each in inside if isinstance(each, _Modelled))
            return
        yield UnsupportedLoop(header=loop.header, reasons=scop, depth=around.depth, span=loop.span)
        if not isinstance(loop, Each) and not within:
            yield from self.stretched(loop)
        yield from inside

    def stretched(self, loop: For | While) -> Iterator[StretchScop]:
        """Yield what runs the turns of a loop between statements that are not modelled."""
        found = stretch(loop, self.live_after)
        if found is None:
            return
        nest = driver(Whole(loop=found.loop), self.taken)
        plain = self.plain(nest)
        scop = self.model(plain) if isinstance(plain, Indexed) else None
        # As for other drivers: nobody asks in the middle of a region what data say.
        is_open = not isinstance(scop, Scop) or (indirect_accesses(scop) and has_loops(found.loop))
        if isinstance(scop, Scop) and not is_open:
            yield StretchScop(scop=scop, stretch=found)

    def inside(self, nest: For | Each, around: _Around) -> Iterator[_Modelled]:
        """Yield the regions inside one in which names change places.

        Types that go together in each turn need not go together in all of them.
        """
        for each in self.block(nest.body, around.inside(*_bound(nest)), within=True):
            if isinstance(each, _Modelled):
                yield each

    def modelled(
        self, scop: Scop, plain: Indexed | Refusal, around: _Around, *, within: bool
    ) -> _Modelled:
        names = tuple(each.text for each in scop.parameters)
        is_open = 0 < len(names) <= _MOST_VALUES and not around.variables & frozenset(names)
        spare = None
        if isinstance(plain, Indexed) and is_open and not within and not _allocates(plain.nest):
            live_out = self.live_out(plain.nest)
            spare = DeferredRegion(nest=plain.nest, text=self.text, names=names, live_out=live_out)
        return _Modelled(scop=scop, spare=spare)

    def unknown(self, data: tuple[Access, ...]) -> tuple[Reason, ...]:
        """Return why a model in which subscripts are data is not the best one."""
        return tuple(
            NonAffineSubscript(
                span=index.span, array=each.array, subscript=self.text.segment(index.span)
            )
            for each in data
            for index in each.indices
            if indirect_value(index) is not None
        )

    def plain(self, nest: For | Each) -> Indexed | Refusal:
        """Return a nest as loops over ranges, or every reason why it will not have a model."""
        nest = without_folds(nest)
        opaque = _opaque(nest)
        if opaque:
            return Refusal(reasons=opaque)
        shown = tuple(
            each.held.reason
            for each in walk_statements(nest.body)
            if isinstance(each, For | Each) and each.held is not None
        )
        if shown:
            return Refusal(reasons=shown)
        if nest.has_else:  # a guard would stand before both
            kind = "'for … else'"
            return Refusal(reasons=(UnsupportedStatement(span=nest.span, kind=kind),))
        alone = inline_calls(nest, self.function)
        if isinstance(alone, Refusal):
            return alone
        changing = changing_objects(alone)
        if changing:
            return Refusal(reasons=changing)
        taken, live_out = self.taken, self.live_out(nest)
        alone = name_rows(alone, taken, live_out)
        loops = expand_arrays(alone, self.text, self.ranks, taken, dict(self.facts.ranks))
        if isinstance(loops, Refusal):
            return loops
        indexed = index_loops(loops, self.text, taken, live_out)
        if isinstance(indexed, Refusal):
            return indexed
        indexed = replace(indexed, nest=first_turns(indexed.nest))
        # Iterations are numbered by variables that nothing else binds, be it a loop further in.
        nest = with_scalars(indexed.nest, bound_again(indexed.nest), taken | live_out)
        ordered = ordered_exchanges(replace(indexed, nest=nest), taken, live_out)
        if isinstance(ordered, Refusal):
            return ordered
        driven = driven_exchanges(leaving_loops(ordered, taken, live_out), taken, live_out)
        plain = driven if isinstance(driven, Refusal) else place_appends(driven, taken)
        if isinstance(plain, Refusal):
            return plain
        return replace(plain, nest=noted_places(counters(plain.nest, taken), taken))

    @property
    def taken(self) -> frozenset[str]:
        """The names of the function, which none of ours may have."""
        return self.function.local_names | self.function.shared_names

    def live_out(self, nest: For | Each) -> frozenset[str]:
        """Return the names that may be read after a nest, those of ours among them.

        Those of a comprehension are its own.
        """
        if nest.is_value:
            return frozenset()
        exchanged = nest.exchanged if isinstance(nest, For) else None
        counted = set() if exchanged is None else {exchanged.turns}
        if isinstance(nest, For) and nest.runs_once:  # an `else` stands last
            return self.live_after[nest.body[-1].span] | returned_names(nest) | counted
        return self.live_after[nest.span] | counted

    def model(self, indexed: Indexed) -> Scop | tuple[Reason, ...]:
        """Return the model of a nest, or every reason why there is none."""
        nest = indexed.nest
        live_out = self.live_out(nest)
        try:
            with isl.budget():
                scop = build_scop(nest, self.text, live_out, self.facts)
        except isl.BudgetExhaustedError:
            return (BudgetExhausted(span=nest.span, operations=isl.DEFAULT_BUDGET),)
        return scop.reasons if isinstance(scop, Refusal) else scop

    def deferred(self, indexed: Indexed, around: _Around) -> DeferredRegion | None:
        """Return the nest with what a call has to find out, if it then has a model."""
        nest = indexed.nest
        if _allocates(nest):
            return None
        try:
            with isl.budget():
                names = deciding_names(nest, self.text)
        except isl.BudgetExhaustedError:
            return None
        if not names or around.variables & frozenset(names):
            return None
        live_out = self.live_out(nest)
        return DeferredRegion(nest=nest, text=self.text, names=names, live_out=live_out)


def _is_seen(scop: Scop) -> bool:
    """Return whether a nest does more than make one list: functions in it may store, say."""
    made = frozenset(name for each in scop.collects for name in each.arrays)
    return (
        len(scop.collects) != 1
        or not scop.collects[0].is_new
        or any(each.name in scop.arrays_written - made for each in scop.given_arrays)
        or bool(scop.live_out)
        or scop.exits is not None
        or scop.exchanged is not None
    )


def _only_makes(statement: Assign | Update) -> bool:
    """Return whether a statement computes a new array of whole ones: no row of a report."""
    return (
        isinstance(statement.target, Name)
        and not any(isinstance(node, Slice) for node in walk_expression(statement.value))
        and isinstance(statement, Assign)
    )


def _block_of(body: tuple[Statement, ...]) -> Indexed:
    """Return the statements that stand for one as the nest of a region."""
    (*_, last) = body
    if len(body) == 1 and isinstance(last, For):
        return Indexed(nest=last)
    zero, one = (Constant(value=value, span=last.span) for value in (0, 1))
    return Indexed(
        nest=For(
            variable=f"{TEMPORARY}once",
            start=zero,
            stop=one,
            step=one,
            body=body,
            header="",
            span=last.span,
            is_block=True,
        )
    )


def _allocates(nest: For) -> bool:
    return any(isinstance(each, Allocate) for each in walk_statements((nest,)))


def _opaque(nest: For | Each) -> tuple[Reason, ...]:
    return tuple(
        statement.reason for statement in walk_statements((nest,)) if isinstance(statement, Opaque)
    )


def _bound(loop: For | Each | While) -> tuple[str, ...]:
    """Return the names that a loop binds in each turn."""
    match loop:
        case For():
            return (loop.variable,)
        case Each():
            return names_in(loop.target)
        case While():
            return ()


def _unsupported(statement: Opaque, depth: int) -> UnsupportedLoop:
    return UnsupportedLoop(
        header=statement.header,
        reasons=(statement.reason,),
        depth=depth,
        span=statement.span,
    )
