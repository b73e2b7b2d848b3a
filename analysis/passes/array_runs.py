"""Find runs of statements that may be about whole arrays, whatever else the function does.

Before:  t = np.exp(-x)                After:  one run of two statements, which reads x, a, b
         y = a * t + b                         and leaves y behind (t, if anyone reads it)

What is an array the code does not say: a call finds out, and plans the run with that. So only
the shape of statements counts here: assignments of one block without calls but those of NumPy's
functions of elements, in which some operand is not known to be a number. A 'return' may end a
run; an expression of any other statement is a run of its own, whose only result is its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import gast

from autopar.analysis.model.nouns import dataclass

from ..model.array_run import (
    FILLED,
    FOLD,
    NEW_AXIS,
    OTHER_AXES,
    PARTS,
    TRANSPOSE,
    VIEWS,
    ArrayRun,
)
from ..model.loop_ir import (
    TEMPORARY,
    Assign,
    Binary,
    Call,
    Compare,
    Constant,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    Unary,
    Update,
    expressions_of,
    walk_expression,
)
from ..model.source import MODULE, Places, SourceFunction, Span
from . import names
from .array_reader import ArrayReader
from .array_words import arrays_of, masks_of, numbers_of, operations_of, shows_array
from .callees import find_callees
from .definitions import file_of, span_of
from .liveness import reads
from .updates import same_expression

# What a model of more statements would take to find is not known.
_MOST_STATEMENTS = 40
# The value of an expression, or what is returned.
_VALUE = f"{TEMPORARY}of_whole"
# Operations in what is returned that are worth the question what its names are.
_FEW = 2
# What gives the elements of an array, none of them computed.
_TURNS = frozenset((TRANSPOSE, *PARTS, *VIEWS))
# What runs elsewhere, or later, or may be asked several times.
_ELSEWHERE = (
    gast.Lambda, gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp, gast.JoinedStr,
)  # fmt: skip


def find_array_runs(
    source: SourceFunction,
    live_after: Callable[[], Mapping[Span, frozenset[str]]],
    covered: Places,
) -> tuple[ArrayRun, ...]:
    """Return the runs of a function, or of module level, in source order.

    `live_after` returns the names that may be read after each statement. Nobody asks what lies
    inside a statement within one of the `covered` places.
    """
    file = file_of(source.text.text)
    found = file.definitions.get((source.qualified_name, source.line))
    is_module = source.qualified_name == MODULE
    if found is None and not is_module:
        return ()
    node = file.tree if found is None else found.node
    around = () if found is None else found.around
    known = dict(source.known_names) if source.known_names is not None else None
    known = names.seen_inside(file.known, around) if known is None else known
    callees = find_callees(source, known, file)
    own: frozenset[str] = frozenset()
    if not is_module:
        own = names.scope_of(node.body).bound | set(names.argument_names(node.args))
        known = {k: v for k, v in known.items() if k.partition(".")[0] not in own}
    reader = ArrayReader(source, known, callees, own)
    search = _Search(reader, node, live_after, covered)
    return tuple(sorted(search.block(node.body), key=lambda each: each.span))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One statement of the source, as what it assigns."""

    span: Span
    statements: tuple[Assign | Update, ...]


class _Search:
    """Goes through the blocks of one function."""

    def __init__(
        self,
        reader: ArrayReader,
        function: Any,
        live: Callable[[], Mapping[Span, frozenset[str]]],
        covered: Places,
    ) -> None:
        self.reader = reader
        self.function = function
        self.live = live
        self.covered = covered

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The names of the function that are surely numbers."""
        return numbers_of(self.function)

    @cached_property
    def arrays(self) -> frozenset[str]:
        """The names of the function that are surely arrays, if they are what they look like."""
        return arrays_of(self.function, self.reader.known)

    @cached_property
    def live_after(self) -> Mapping[Span, frozenset[str]]:
        """The names that may be read after each statement."""
        return self.live()

    @cached_property
    def may_hold(self) -> Callable[[str], bool]:
        """Whether a name may hold what is returned: nobody looks at it afterwards."""
        if isinstance(self.function, gast.Module) or any(
            isinstance(each, gast.Try | gast.With) for each in names.own_nodes(self.function.body)
        ):
            return lambda _: False
        shared = names.scope_of(self.function.body).shared
        return lambda name: name not in shared

    def block(self, body: list[Any]) -> Iterator[ArrayRun]:
        waiting: list[_Read] = []
        for node in body:
            found = self.reader.statements(node)
            if found and any(map(self.gathers, found)):
                found = None  # NumPy's
            if found and any(map(self.may_gather, found)):
                yield from self.run(waiting)
                yield from self.run([_Read(span=span_of(node), statements=found)])
                waiting = []
                continue
            if found and sum(len(e.statements) for e in waiting) + len(found) < _MOST_STATEMENTS:
                if waiting and _changes_given(waiting) and any(map(_has_fold, found)):
                    yield from self.run(waiting)
                    waiting = []
                waiting.append(_Read(span=span_of(node), statements=found))
                continue
            ended = self.ended(waiting, node) if isinstance(node, gast.Return) else None
            if ended is not None:
                yield ended
                waiting = []
                continue
            yield from self.run(waiting)
            waiting = []
            if found:
                waiting.append(_Read(span=span_of(node), statements=found))
            elif not isinstance(node, gast.FunctionDef | gast.AsyncFunctionDef | gast.ClassDef):
                covered = self.is_covered(node)
                if not covered:
                    yield from self.values(node)
                for inner in () if covered else names.blocks(node):
                    yield from self.block(inner)
        yield from self.run(waiting)

    def is_covered(self, node: Any) -> bool:
        return self.covered.around(span_of(node))

    def gathers(self, statement: Assign | Update) -> bool:
        """Return whether a statement surely reads elements that arrays select, in new places."""
        return self.takes(statement, lambda index: _shows_mask(index) or self.is_array_name(index))

    def may_gather(self, statement: Assign | Update) -> bool:
        """Return whether a statement may be about elements that an array selects.

        Where the array is one of places nobody but NumPy does it: it is better on its own.
        """
        target = statement.target
        places = target.indices if isinstance(target, Element) else ()
        if any(self.may_be_places(each) for each in places):
            return True
        return self.takes(statement, self.may_be_places)

    def takes(self, statement: Assign | Update, is_taken: Callable[[Expression], bool]) -> bool:
        """Return whether a value has such subscripts; those of the target select the same."""
        target = statement.target
        own = target.indices if isinstance(target, Element) else ()
        return any(
            is_taken(index) and not any(same_expression(index, each) for each in own)
            for node in walk_expression(statement.value)
            if isinstance(node, Element)
            for index in node.indices
        )

    def is_array_name(self, index: Expression) -> bool:
        return isinstance(index, Name) and index.name in self.arrays

    def may_be_places(self, index: Expression) -> bool:
        """Return whether a subscript may be an array of places: a name that nothing is known of."""
        return (
            isinstance(index, Name)
            and index.name not in {NEW_AXIS, OTHER_AXES}
            and not index.name.startswith(TEMPORARY)
            and index.name not in self.numbers
            and index.name not in self.masks
        )

    @cached_property
    def masks(self) -> frozenset[str]:
        """The names of the function that are truth values, or arrays of such."""
        return masks_of(self.function)

    def run(self, waiting: list[_Read]) -> Iterator[ArrayRun]:
        """Yield the runs that are left of statements without the numbers at their ends.

        What gives a part of an array a name that lives on is NumPy's: it is no copy.
        """
        live = self.live_after.get(waiting[-1].span) if waiting else None
        at = None if live is None else _kept_part(waiting, live)
        if at is not None:
            yield from self.run(waiting[:at])
            yield from self.run(waiting[at + 1 :])
            return
        computing = [
            n for n, each in enumerate(waiting) if any(map(self.may_compute, each.statements))
        ]
        if not computing:
            return
        found = waiting[computing[0] : computing[-1] + 1]
        live = self.live_after.get(found[-1].span)
        if live is not None:  # else nothing is known of what comes after
            yield self.made(found, live)

    def made(self, found: list[_Read], live: frozenset[str]) -> ArrayRun:
        """Return the run of some statements, of which the names `live` are read afterwards."""
        statements = tuple(each for read in found for each in read.statements)
        exposed: set[str] = set()
        assigned: set[str] = set()
        for each in statements:
            read = frozenset[str]().union(*map(reads, expressions_of(each)))
            exposed |= read - assigned
            if isinstance(each.target, Name):
                assigned.add(each.target.name)
        first, last = found[0].span, found[-1].span
        return ArrayRun(
            statements=statements,
            arguments=tuple(sorted(exposed - {NEW_AXIS, OTHER_AXES})),
            results=tuple(sorted(assigned & live)),
            text=self.reader.source.text,
            span=first,
            whole=Span(
                line=first.line,
                column=first.column,
                end_line=last.end_line,
                end_column=last.end_column,
            ),
            count=len(found),
        )

    def ended(self, waiting: list[_Read], node: Any) -> ArrayRun | None:
        """Return the run that a 'return' ends; None where there is none, or no name to hold it."""
        assigned = [
            each.target.name
            for read in waiting
            for each in read.statements
            if isinstance(each, Assign) and isinstance(each.target, Name)
        ]
        holders = [n for n in assigned if not n.startswith(TEMPORARY) and self.may_hold(n)]
        if node.value is None or not holders or any("." in each for each in holders):
            return None
        is_tuple = isinstance(node.value, gast.Tuple)
        parts = node.value.elts if is_tuple else [node.value]
        if any(isinstance(each, gast.Starred) for each in parts):
            return None
        before: list[Assign | Update] = []
        returned: list[str] = []
        for number, part in enumerate(parts):
            found = self.reader.value(part)
            if found is None:
                return None
            name = f"{_VALUE}_{number}"
            target = Name(name=name, span=span_of(part))
            last = Assign(target=target, value=found[1], span=span_of(part))
            if self.is_named(waiting, (*found[0], last)):
                return None
            before += (*found[0], last)
            returned.append(name)
        end = _Read(span=span_of(node), statements=tuple(before))
        computing = [
            n for n, each in enumerate(waiting) if any(map(self.may_compute, each.statements))
        ]
        is_worth = any(map(self.may_compute, end.statements))
        if not computing or not is_worth or (_changes_given(waiting) and _has_folds(end)):
            return None
        kept = waiting[computing[0] :]
        if kept[0] is not waiting[0] and not any(n in _assigned(kept) for n in holders):
            return None
        run = self.made([*kept, end], frozenset(returned))
        holder = next(n for n in holders if n in _assigned(kept))
        return replace(run, returned=tuple(returned), is_tuple=is_tuple, holder=holder)

    def is_named(self, waiting: list[_Read], end: tuple[Assign | Update, ...]) -> bool:
        """Return whether what is returned is a part of an array, or elements that others select."""
        whole = frozenset(each.value.name for each in end if isinstance(each.value, Name))
        return (
            any(self.gathers(each) or self.may_gather(each) for each in end)
            or any(_is_part(each.value) for each in end)
            or _kept_part(waiting, whole) is not None
        )

    def values(self, node: Any) -> Iterator[ArrayRun]:
        """Yield a run for each largest expression of a statement that is one of arrays."""
        waiting = list(names.own_children(node))
        returned = node.value if isinstance(node, gast.Return) else None
        if isinstance(node, gast.Assign | gast.AugAssign | gast.AnnAssign):
            waiting = [node.value] if node.value is not None else []
        elif isinstance(node, gast.For | gast.AsyncFor):
            waiting = [node.iter]
        elif isinstance(node, gast.With | gast.AsyncWith | gast.Delete | gast.Match | gast.Try):
            return
        while waiting:
            part = waiting.pop(0)
            if _is_elsewhere(part):
                continue
            found = self.value_of(part, is_returned=part is returned)
            if found is not None:
                yield found
                continue
            if isinstance(part, gast.BoolOp | gast.IfExp | gast.NamedExpr):
                continue  # what is asked for only at times, or binds names
            waiting += names.children(part)

    def value_of(self, node: Any, *, is_returned: bool) -> ArrayRun | None:
        """Return the run of one expression; None where it is not about arrays, or unknown.

        What is returned may be about arrays if it computes as much as to be worth a question.
        """
        if not isinstance(node, gast.BinOp | gast.UnaryOp | gast.Compare | gast.Call):
            return None
        is_shown = shows_array(node, self.arrays, self.reader.known)
        if not is_shown and not (is_returned and operations_of(node) >= _FEW):
            return None
        found = self.reader.value(node)
        if found is None:
            return None
        before, value = found
        target = Name(name=_VALUE, span=span_of(node))
        last = Assign(target=target, value=value, span=span_of(node))
        if not any(map(self.may_compute, (*before, last))):
            return None
        if any(isinstance(each.target, Element) for each in before):
            return None
        read = _Read(span=span_of(node), statements=(*before, last))
        made = self.made([read], frozenset({_VALUE}))
        return replace(made, is_value=True, is_shown=is_shown)

    def may_compute(self, statement: Assign | Update) -> bool:
        """Return whether a statement may compute a whole array, and not only name one."""
        if isinstance(statement.target, Element) and any(
            isinstance(each, Slice) or self.is_mask(each) for each in statement.target.indices
        ):
            return True
        if isinstance(statement, Update):
            if isinstance(statement.value, Constant):  # it counts, more often than not
                return False
            wholes = isinstance(statement.target, Name) and self.may_be_array(statement.target)
            return wholes or self.computes(statement.value)
        return self.computes(statement.value)

    def computes(self, value: Expression) -> bool:
        return any(
            self.may_be_array(each)
            for node in _operations(value)
            for each in _operands(node)
            if not isinstance(each, Constant)
        )

    def may_be_array(self, node: Expression) -> bool:
        match node:
            case Name(name=name):
                return name not in self.numbers
            case Element():
                return any(
                    isinstance(each, Slice)
                    or (isinstance(each, Name) and each.name in self.arrays)
                    or self.is_mask(each)
                    for each in node.indices
                )
        return False

    def is_mask(self, index: Expression) -> bool:
        """Return whether a subscript is a name that tests were made of."""
        return isinstance(index, Name) and index.name in self.masks


def _is_elsewhere(node: Any) -> bool:
    return isinstance(node, (*_ELSEWHERE, gast.stmt, gast.ExceptHandler, gast.match_case))


def _assigned(reads_of: list[_Read]) -> set[str]:
    return {
        each.target.name
        for read in reads_of
        for each in read.statements
        if isinstance(each, Assign) and isinstance(each.target, Name)
    }


def _shows_mask(index: Expression) -> bool:
    """Return whether a subscript is an array of truth values, if it is no number."""
    match index:
        case Compare():
            return True
        case Binary(operator="&" | "|") | Unary(operator="~"):
            return any(map(_shows_mask, _operands(index)))
    return False


def _kept_part(waiting: list[_Read], live: frozenset[str]) -> int | None:
    """Return which statement gives a part of an array a name that lives on behind all of them."""
    last: dict[str, tuple[int, Expression]] = {}
    for number, read in enumerate(waiting):
        for each in read.statements:
            if isinstance(each, Assign) and isinstance(each.target, Name):
                last[each.target.name] = (number, each.value)
    places = (at for name, (at, value) in last.items() if name in live and _is_part(value))
    return next(iter(sorted(places)), None)


def _is_part(value: Expression) -> bool:
    """Return whether a value is a part of an array, if it is about one: not computed."""
    match value:
        case Element(indices=indices):
            return any(
                isinstance(each, Slice)
                or (isinstance(each, Name) and each.name in {NEW_AXIS, OTHER_AXES})
                for each in indices
            )
        case Call(function=function, arguments=(operand, *_)) if function in _TURNS:
            return isinstance(operand, Name) or _is_part(operand)
    return False


def _changes_given(waiting: list[_Read]) -> bool:
    """Return whether statements may change an array that they have not made."""
    made: set[str] = set()
    for each in (e for read in waiting for e in read.statements):
        match each:
            case Assign(target=Name(name=name), value=value):
                if not isinstance(value, Name | Element) or (
                    isinstance(value, Name) and value.name in made
                ):
                    made.add(name)
                else:
                    made.discard(name)
            case _:
                target = each.target
                name = target.name if isinstance(target, Name) else target.array
                if name not in made:
                    return True
    return False


def _has_fold(statement: Assign | Update) -> bool:
    """Return whether a statement may have NumPy reduce floats, which is a step of its own."""
    return any(
        isinstance(node, Call)
        and (node.function.startswith(FOLD) or node.function in ("numpy.sum", "numpy.prod"))
        for expression in expressions_of(statement)
        for node in walk_expression(expression)
    )


def _has_folds(read: _Read) -> bool:
    return any(map(_has_fold, read.statements))


def _operations(value: Expression) -> Iterator[Expression]:
    """Yield what computes in a value, subscripts left out."""
    if isinstance(value, Call) and value.function == FILLED:
        return  # NumPy has it of the system
    if isinstance(value, Binary | Unary | Compare | Call):
        yield value
        for each in _operands(value):
            yield from _operations(each)


def _operands(node: Expression) -> tuple[Expression, ...]:
    match node:
        case Binary() | Compare():
            return (node.left, node.right)
        case Unary():
            return (node.operand,)
        case Call():
            return node.arguments
    return ()


def names_of(run: ArrayRun) -> frozenset[str]:
    """Return every name that a run mentions."""
    found = {
        node.name if isinstance(node, Name) else node.array
        for each in run.statements
        for expression in (*expressions_of(each), each.target)
        for node in walk_expression(expression)
        if isinstance(node, Name | Element | Extent)
    }
    return frozenset(found - {NEW_AXIS, OTHER_AXES})
