"""Split a loop: what it computes is done ahead by a kernel, the rest stays in its order.

Before:  for k in range(n):              After:  values = [[...] for k in range(first, last)]
             s = 0.0                             with the loop over j in place of `...`, and
             for j in range(m):                  for k in range(n):
                 s += f(a[k], j)                     s = the next of values
             print(k, s)                             print(k, s)

A statement moves to the kernel if it stores nothing but scalars and if all that it reads either
is nowhere assigned in the loop, or was surely assigned before it, in the same iteration, by
statements that moved too. So its instances depend on nothing that the rest does, unless the rest
changes arrays or names behind the back of the loop: that is asked, or looked at, at a call.
A kernel stores into private values only, so iterations that never come leave no trace.

Loop distribution: Kuck, Kuhn, Padua, Leasure and Wolfe, Dependence Graphs and Compiler
Optimizations, POPL 1981. The part that stays is one strongly connected component here, held
together by its effects; Rauchwerger and Padua, The LRPD Test, PLDI 1995, for running ahead and
throwing away what turns out not to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import (
    NEW_LIST,
    TEMPORARY,
    Allocate,
    Assign,
    Break,
    Call,
    Constant,
    Each,
    Element,
    Exchange,
    Expression,
    Extent,
    For,
    If,
    Name,
    Opaque,
    Statement,
    Tame,
    Update,
    append_to,
    appended_list,
    expressions_of,
    names_in,
    own_breaks,
    walk_expression,
    walk_statements,
)
from ..model.plan import SplitPart
from ..model.source import Span
from .liveness import exposed_reads, reads
from .reasons import CannotInline

FIRST, LAST = f"{TEMPORARY}first", f"{TEMPORARY}last"
# Operations that take the interpreter about as long as taking a value from a list does.
_FEWEST_OPERATIONS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A loop and what of it a kernel may compute ahead."""

    nest: For | Each  # computes the parts, and appends them to a list of its own
    parts: tuple[SplitPart, ...]
    tame: Tame | None  # as of `SplitRegion`
    may_end: bool


def split(nest: For | Each, live_out: frozenset[str], dicts: frozenset[str]) -> Split | None:
    """Return how `nest` is split; None where nothing of it is worth it.

    `live_out` are the names that may be read after it, `dicts` names of dicts.
    """
    if nest.held is not None or nest.has_else or nest.is_value:
        return None
    found = _Splitting(nest=nest, live_out=live_out, dicts=dicts)
    parts = found.run()
    if not parts:
        return None
    body = _needed(tuple(found.body), found.moved)
    count = len(_appends(body))
    body = _numbered(body) if count > 1 else body
    return Split(
        nest=replace(nest, body=body, is_value=True),
        parts=parts,
        tame=found.tame(),
        may_end=any(_may_end(each) for each in nest.body),
    )


@dataclass(slots=True, kw_only=True)
class _Splitting:
    """Goes through the body of one loop in order."""

    nest: For | Each
    live_out: frozenset[str]
    dicts: frozenset[str]
    body: list[Statement] = field(default_factory=list)  # of the kernel
    parts: list[SplitPart] = field(default_factory=list)
    defined: set[str] = field(default_factory=set)  # by what moved, in this iteration
    written: frozenset[str] = frozenset()  # somewhere in the loop
    kept: list[Statement] = field(default_factory=list)  # what the interpreter runs
    moved: set[Span] = field(default_factory=set)  # statements that the interpreter has no more

    def run(self) -> tuple[SplitPart, ...]:
        """Return the parts that a kernel computes; `body` computes them."""
        self.defined = set(_targets(self.nest))
        self.written = writes(self.nest.body) | self.defined
        if self.defined & writes(self.nest.body):
            return ()
        run: list[tuple[int, Statement]] = []
        for number, statement in enumerate(self.nest.body):
            if _may_move(statement) and self.is_independent(exposed_reads(statement)):
                run.append((number, statement))
                self.body.append(statement)
                self.defined |= _surely_assigned((statement,))
                continue
            self.end(run)
            run = []
            self.stay(statement)
        self.end(run)
        return tuple(self.parts)

    def is_independent(self, names: frozenset[str]) -> bool:
        """Return whether values are the same whether or not the rest has run."""
        return all(name in self.defined or name not in self.written for name in names)

    def end(self, run: list[tuple[int, Statement]]) -> None:
        """Make a part of statements that follow each other, if that is worth it."""
        if not run:
            return
        statements = tuple(statement for _, statement in run)
        if self.is_cut(run):
            self.kept += statements
            return
        needed = self.read_elsewhere({number for number, _ in run}) | self.live_out
        names = tuple(sorted(writes(statements) & needed))
        if not (names and _is_heavy(statements) and self.defined.issuperset(names)):
            self.kept += statements
            return
        at = statements[-1].span
        self.body += (_append(Name(name=name, span=at), at) for name in names)
        places = tuple(dict.fromkeys(each.span for each in statements))
        self.parts.append(SplitPart(places=places, names=names))
        self.moved.update(places)

    def is_cut(self, run: list[tuple[int, Statement]]) -> bool:
        """Return whether some statement of the source is in `run` with a part of it only."""
        inside = {number for number, _ in run}
        others = {e.span for number, e in enumerate(self.nest.body) if number not in inside}
        return any(each.span in others for _, each in run)

    def stay(self, statement: Statement) -> None:
        """Leave a statement to the interpreter, but for what it calls of the user's functions."""
        inside = writes((statement,))
        for call in _computes(statement):
            used = reads(call)
            if self.is_independent(used) and used.isdisjoint(inside):
                name = f"{TEMPORARY}part_{len(self.parts)}"
                target = Name(name=name, span=call.span)
                self.body.append(Assign(target=target, value=call, span=call.span))
                self.body.append(_append(target, call.span))
                self.parts.append(SplitPart(places=(call.span,), names=()))
        self.defined -= inside
        self.kept.append(statement)

    def read_elsewhere(self, run: set[int]) -> frozenset[str]:
        """Return the names that the other statements of the body may read."""
        found: set[str] = set()
        for number, statement in enumerate(self.nest.body):
            if number not in run:
                found |= _all_reads(statement)
        return frozenset(found)

    def tame(self) -> Tame | None:
        """Return what the interpreted part does; None where it may do anything."""
        found = Tame()
        computed = frozenset(name for each in self.parts for name in each.names)
        opaque = [each for each in walk_statements(tuple(self.kept)) if isinstance(each, Opaque)]
        unknown = writes(tuple(opaque)) - computed
        for statement in self.kept:
            one = _tame(statement, self.dicts)
            if one is None:
                return None
            found |= one
        if found.plain & unknown or found.arrays & self.written:
            return None
        # What a kernel computes is known to be pure; other functions of the user may do anything.
        if not found.helpers <= {place for each in self.parts for place in each.places}:
            return None
        # Numbers, where all that they are computed from is.
        plain = found.plain - writes(tuple(self.kept)) - computed - {*_targets(self.nest)}
        return replace(found, plain=plain, helpers=frozenset())


# ------------------------------------------------------------------- about statements


def _targets(loop: For | Each) -> tuple[str, ...]:
    return (loop.variable,) if isinstance(loop, For) else names_in(loop.target)


def _may_move(statement: Statement) -> bool:
    """Return whether a statement only computes scalars, and comes to an end."""
    for each in walk_statements((statement,)):
        match each:
            case Assign(target=Name()) | Update(target=Name()) | If():
                pass
            case For() | Each():
                if each.held is not None or each.has_else:
                    return False
            case _:
                return False
    return True


def writes(body: tuple[Statement, ...]) -> frozenset[str]:
    """Return the names that `body` may bind, and the arrays that it stores into."""
    found: set[str] = set()
    for each in walk_statements(body):
        match each:
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)):
                found.add(name)
            case Assign(target=Element(array=name)) | Update(target=Element(array=name)):
                found.add(appended_list(name) or name)
            case Allocate():
                found.add(each.name)
            case Exchange():
                found.update(each.targets)
            case For() | Each():
                found.update(_targets(each))
            case Opaque():
                found |= each.writes
            case _:
                pass
    return frozenset(found)


def _surely_assigned(body: tuple[Statement, ...]) -> frozenset[str]:
    """Return the names that have a value once `body` has run."""
    found: frozenset[str] = frozenset()
    for each in body:
        match each:
            case Assign(target=Name(name=name)) | Update(target=Name(name=name)):
                found |= {name}
            case If():
                found |= _surely_assigned(each.body) & _surely_assigned(each.orelse)
            case _:
                pass
    return found


def _all_reads(statement: Statement) -> frozenset[str]:
    """Return the names that a statement may read, at any depth."""
    found: set[str] = set()
    for each in walk_statements((statement,)):
        for expression in expressions_of(each):
            found |= reads(expression)
        match each:
            case Opaque():
                found |= each.reads
            case Update(target=Name(name=name)):
                found.add(name)
            case Exchange():
                found.update(each.values)
            case Allocate() if each.like is not None:
                found.add(each.like)
            case Each():
                found |= exposed_reads(each)
            case Break() if each.returns is not None:
                found |= each.returns
            case _:
                pass
    return frozenset(found)


def _is_heavy(body: tuple[Statement, ...]) -> bool:
    """Return whether the interpreter is busy with `body` for longer than with taking a value."""
    count = 0
    for each in walk_statements(body):
        if isinstance(each, For | Each):
            return True
        for expression in expressions_of(each):
            for node in walk_expression(expression):
                if isinstance(node, Call) and node.function.startswith("def "):
                    return True
                count += not isinstance(node, Name | Constant)
    return count >= _FEWEST_OPERATIONS


def _computes(statement: Statement) -> Iterator[Call]:
    """Yield the calls of the user's functions that a statement surely makes."""
    match statement:
        case Opaque() if not isinstance(statement.reason, CannotInline):
            yield from statement.computes
        case Assign(target=Element(), value=value) | Update(target=Element(), value=value):
            yield from _calls_in(value)
        case _:
            pass


def _calls_in(value: Expression) -> Iterator[Call]:
    if isinstance(value, Call) and value.function.startswith("def ") and value.part is None:
        yield value


def _may_end(statement: Statement) -> bool:
    """Return whether a statement may leave the loop around it, other than by an exception."""
    if isinstance(statement, Opaque):
        return True
    return any(True for _ in own_breaks((statement,)))


# ------------------------------------------------------------- what the rest may change


def _tame(statement: Statement, dicts: frozenset[str]) -> Tame | None:
    """Return what a statement that stays does; None where it may do anything."""
    match statement:
        case Opaque():
            return statement.tame
        case Assign(target=Name(), value=value) | Update(target=Name(), value=value):
            return _of_expressions((value,))
        case Assign(target=Element() as target) if appended_list(target.array):
            found = _of_expressions((statement.value,))
            name = appended_list(target.array) or ""
            return found | Tame(stores=frozenset({name}))
        case Assign(target=Element(array=name, indices=[index])) if name in dicts:
            return _of_expressions((statement.value, index)) | Tame(stores=frozenset({name}))
        case If():
            inner = [_tame(each, dicts) for each in (*statement.body, *statement.orelse)]
            known = [each for each in inner if each is not None]
            found = _of_expressions((statement.test,))
            for each in known:
                found |= each
            return found if len(known) == len(inner) else None
        case Break():
            return Tame()
    return None


def _of_expressions(expressions: tuple[Expression, ...]) -> Tame:
    """Return what has to be asked of the names in expressions that are modelled."""
    plain, arrays, helpers = set[str](), set[str](), set[Span]()
    for expression in expressions:
        for node in walk_expression(expression):
            match node:
                case Name(name=name):
                    plain.add(name)
                case Element(array=name) | Extent(array=name):
                    arrays.add(name)
                case Call() if node.function.startswith("def "):
                    helpers.add(node.span)
                case _:
                    pass
    return Tame(plain=frozenset(plain), arrays=frozenset(arrays), helpers=frozenset(helpers))


# ------------------------------------------------------------------------- the kernel


def _append(value: Name, at: Span) -> Assign:
    target = Element(array=append_to(NEW_LIST), indices=(), span=at)
    return Assign(target=target, value=value, span=at)


def _appends(body: tuple[Statement, ...]) -> tuple[Assign, ...]:
    return tuple(each for each in body if isinstance(each, Assign) and _is_append(each))


def _is_append(statement: Statement) -> bool:
    match statement:
        case Assign(target=Element(array=array)):
            return appended_list(array) == NEW_LIST
    return False


def _numbered(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return `body` with one tuple appended, part by part."""
    found: list[Statement] = []
    number = 0
    for each in body:
        if isinstance(each, Assign) and _is_append(each):
            array = append_to(NEW_LIST, f"({number})")
            target = Element(array=array, indices=(), span=each.span)
            found.append(replace(each, target=target))
            number += 1
        else:
            found.append(each)
    return tuple(found)


def _needed(body: tuple[Statement, ...], moved: set[Span]) -> tuple[Statement, ...]:
    """Return those statements of a body that what is appended depends on, and all that `moved`.

    Of what runs nowhere else, the model has to know that it only computes.
    """
    wanted: frozenset[str] = frozenset()
    found: list[Statement] = []
    for each in reversed(body):
        if _is_append(each) or each.span in moved or not wanted.isdisjoint(writes((each,))):
            found.append(each)
            wanted |= _all_reads(each)
    return tuple(reversed(found))
