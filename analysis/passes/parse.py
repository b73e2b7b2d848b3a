"""Read Python source into the loop IR.

Before:  for i in range(n):            After:  For(variable=i, start=0, stop=n, step=1,
             t = a[i] + 1                          body=(Assign(t, a[i] + 1),
             b[i] = t                                    Assign(b[i], t)))

What the model does not know becomes an `Opaque` statement that keeps its effects and its
nested statements. `expression_reader` reads expressions, `definitions` finds functions; only
this module and its helpers see gast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import gast

from ..model.chains import KEY, SEPARATOR, is_chain, is_keyed
from ..model.diagnostics import Reason, Refusal
from ..model.held import is_held
from ..model.loop_ir import (
    COPY,
    DISCARDED,
    RESULT,
    TEMPORARY,
    Allocate,
    Assign,
    Binary,
    Break,
    Call,
    Constant,
    Each,
    Element,
    Exchange,
    Expression,
    Extent,
    For,
    Function,
    Held,
    Helper,
    If,
    Name,
    Opaque,
    Statement,
    Update,
    While,
    append_to,
    expressions_of,
    own_breaks,
    result_name,
    walk_expression,
    walk_statements,
)
from ..model.source import MODULE, SourceFunction, Span
from ..model.ufuncs import DIVMOD, WHERE
from . import names
from .allocation_calls import Reading, read_allocation
from .callees import Callee, Callees, find_callees, inner_callees
from .chosen_values import chosen
from .comprehensions import Reading as ComprehensionReading
from .comprehensions import read_comprehension, values_in
from .computed_bounds import is_computed, known_bound
from .conditional_calls import with_own_condition
from .continues import ends, has_jump, jump_in, jump_in_else, with_rest
from .definitions import Definition, file_of, span_of
from .draw_calls import may_draw
from .else_branches import with_else
from .expression_reader import COMPREHENSIONS, ExpressionReader, Unmodelled
from .folds import Reading as FoldReading
from .folds import folds_in, named_fold, named_list, with_own_branches, without_folds
from .held_values import held_number, held_values, moves_bar
from .index_tuples import named_apart
from .instances import bound_names
from .iterables import Reading as IterableReading
from .iterables import backwards, no_negatives, read_iterable, read_pattern, steps_of
from .listed import names_of_lists
from .liveness import reads
from .nested_returns import with_nested_returns
from .raises import asserted, raised
from .reasons import (
    ArrayStatement,
    AttributeWrite,
    CannotInline,
    Comprehension,
    EarlyExit,
    ExceptionHandling,
    FunctionNotKnown,
    MovingBar,
    NonAffineBound,
    OpaqueIterable,
    SourceUnavailable,
    UnknownCall,
    UnsupportedStatement,
    WhileLoop,
)
from .returns import LEFT, arity, with_result, without_result
from .row_reductions import has_rows
from .several_targets import assigned_alike, assigned_in_turn, temporary
from .tame import computed_calls, dicts_in, tame_statement
from .texts import is_text, names_of_texts

_KINDS = {
    gast.Try: "'try' statement", gast.With: "'with' statement", gast.Return: "'return'",
    gast.Delete: "'del' statement",
    gast.Import: "'import'", gast.ImportFrom: "'import'", gast.Global: "'global'",
    gast.Nonlocal: "'nonlocal'", gast.FunctionDef: "nested function",
    gast.AsyncFunctionDef: "nested function", gast.ClassDef: "nested class",
}  # fmt: skip
# Passes walk expressions recursively, a few frames a level, on top of what the caller uses.
_DEEPEST = 100


def parse(
    source: SourceFunction, ranks: Mapping[str, int] = MappingProxyType({})
) -> Function | Refusal:
    """Return the loop IR of one function, or of module level.

    `ranks` are the numbers of axes that some of its arrays are known to have.
    """
    try:
        file = file_of(source.text.text)
    except SyntaxError as error:
        return _unavailable(source, f"Python cannot read its file: {error.msg}")
    texts = (source.text, *(each.source.text for each in source.callees))
    for sign in (SEPARATOR, KEY):
        if any(sign in each.text for each in texts):
            return _unavailable(source, f"its file has the letter '{sign}', a sign of autopar's")
    found = file.definitions.get((source.qualified_name, source.line))
    if source.qualified_name == MODULE:
        found = Definition(node=file.tree, around=())
    if found is None:
        return _unavailable(source, f"no 'def' of it was found at line {source.line}")
    if source.known_names is not None:
        known = dict(source.known_names)
    else:
        known = names.seen_inside(file.known, found.around)
    parameters = () if found.node is file.tree else names.argument_names(found.node.args)
    reader = _Reader(source, known, find_callees(source, known, file))
    reader.ranks = ranks
    function = reader.function(found.node, parameters)
    return replace(function, helpers=_helpers(reader))


def _helpers(caller: _Reader) -> tuple[Helper, ...]:
    """Return the functions that `caller` may call, those that these call among them."""
    found: dict[str, Helper] = {}
    waiting = sorted(caller.called)
    while waiting:
        key = waiting.pop()
        if key not in found:
            callee = caller.callees[key]
            reader = _Reader(callee.source, dict(callee.known), caller.callees)
            found[key] = reader.helper(key, callee)
            waiting += sorted(reader.called)
    return tuple(found.values())


def _unavailable(source: SourceFunction, detail: str) -> Refusal:
    at = Span(line=source.line, column=0, end_line=source.line, end_column=0)
    return Refusal(reasons=(SourceUnavailable(span=at, name=source.qualified_name, detail=detail),))


class _Reader(ExpressionReader):
    """Reads the statements of one function."""

    def __init__(self, source: SourceFunction, known: dict[str, str], callees: Callees) -> None:
        super().__init__(source, known, callees)
        self.subscripted: frozenset[str] = frozenset()  # names of arrays
        self.given = dict(source.given)
        self.held: Held | None = None  # by the header that is being read
        self.attributes: set[str] = set()  # chains that are assigned
        self.loops = 0  # how many stand around what is read
        self.ranks: Mapping[str, int] = {}  # of arrays, as far as a call shows them
        self.statements: list[Any] = []  # of the function, where nobody else sees its names
        self.lists: frozenset[str] = frozenset()  # names of lists that are used as arrays are
        self.texts: frozenset[str] = frozenset()  # names of texts, and of files of lines
        self.unfolds = False  # what folds comprehensions becomes loops, without another form
        self.leaves_all = False  # each `return` in a loop that is read has one in those around

    def function(self, node: Any, parameters: tuple[str, ...]) -> Function:
        is_module = isinstance(node, gast.Module)
        scope = names.scope_of(node.body)
        # A name bound in the function hides the builtin or module of the same name.
        if not is_module:
            hidden = scope.bound | set(parameters)
            self.hide(hidden)
            for name, (key, callee) in inner_callees(node.body, self.source, self.known).items():
                self.known[name], self.callees[key] = key, callee
            self.steady = names.steady_names(node.body, hidden) - scope.shared
            # What somebody has seen in a variable is what it means in the loops that leave it.
            self.know(self.given)
        self.subscripted = self.places_of(names.subscripted(node.body))
        self.lists = names_of_lists(node.body, self.canonical) - scope.shared
        self.texts = names_of_texts(node.body) - scope.shared
        end = node.body[-1] if node.body else None
        self.statements = [] if is_module or scope.shared & scope.bound else node.body
        body = self.block(node.body)
        shared = scope.bound if is_module else scope.shared
        return Function(
            name=self.source.qualified_name,
            line=self.source.line,
            parameters=parameters,
            body=body,
            shared_names=frozenset(shared | self.attributes),
            local_names=frozenset(scope.bound | set(parameters)),
            is_module=is_module,
            refusal=None,
            dicts=dicts_in(node.body),
            draws=tuple(self.draws.values()),
            span=Span(
                line=self.source.line,
                column=0,
                end_line=end.end_lineno if end is not None else self.source.line,
                end_column=end.end_col_offset if end is not None else 0,
            ),
        )

    def places_of(self, nodes: Iterable[Any]) -> frozenset[str]:
        """Return the names, and the chains, among expressions."""
        return frozenset(name for name in map(self.place, nodes) if name is not None)

    def hide(self, bound: set[str] | frozenset[str]) -> None:
        """Forget what `bound` names mean outside."""
        self.known = {k: v for k, v in self.known.items() if k.partition(".")[0] not in bound}

    def helper(self, key: str, callee: Callee) -> Helper:
        """Return what a function of the user does to a value."""
        node = callee.find()
        parameters = names.argument_names(node.args)
        scope = names.scope_of(node.body)
        hidden = scope.bound | set(parameters)
        self.hide(hidden)
        self.known |= callee.functions
        self.steady = names.steady_names(node.body, hidden) - callee.functions.keys()
        self.know(self.given)
        self.constants = {k: v for k, v in callee.constants.items() if k not in hidden}
        self.lists = names_of_lists(node.body, self.canonical) - scope.shared
        values = arity(node.body)
        body = without_result(node.body) if values == 0 else with_result(node.body)
        refusal = None
        if body is None or values is None:
            detail = "it does not return one value in the same way on every path"
            refusal = CannotInline(span=span_of(node), function=node.name, detail=detail)
        self.unfolds = True  # no part of a function is taken over by itself
        statements = self.block(body or [])
        ours = {name for name in bound_names(statements) if name.startswith(TEMPORARY)}
        return Helper(
            key=key,
            name=node.name,
            parameters=tuple(each for each in parameters if each not in callee.functions),
            body=_without_results(statements) if values == 0 else statements,
            values=values or 0,
            functions=frozenset(callee.functions),
            local_names=frozenset(hidden - callee.functions.keys() | ours | {LEFT}),
            refusal=refusal,
            place=callee.place,
            span=span_of(node),
            draws=tuple(self.draws.values()),
        )

    # ------------------------------------------------------------------ statements

    def block(self, body: list[Any]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for position, node in enumerate(body):
            if isinstance(node, gast.Continue):
                break  # nothing after it runs
            if isinstance(node, gast.Break):
                return (*found, Break(span=span_of(node)))
            if isinstance(node, gast.Return) and self.may_return:
                reads = names.effects_of(node).reads
                return (*found, Break(span=span_of(node), returns=reads))
            if isinstance(node, gast.If) and has_jump(node, returns=self.may_return):
                whole = with_rest(node, body[position + 1 :])
                if whole is not None:
                    return (*found, *self.statement(whole))
                reason = EarlyExit(span=span_of(node), keyword=jump_in(node))
                found.append(self.opaque(node, reason))
                continue
            if isinstance(node, gast.For | gast.While) and self.jumps_after(node):
                whole = self.loop_then_jump(node, body[position + 1 :])
                if whole:
                    return (*found, *whole)
                reason = EarlyExit(span=span_of(node), keyword=jump_in_else(node))
                found.append(self.opaque(node, reason))
                continue
            found += self.statement(node)
        return tuple(found)

    @property
    def may_return(self) -> bool:
        """Whether a `return` here leaves no loop but the innermost one, as the model has it."""
        return self.loops == 1 or (self.loops > 1 and self.leaves_all)

    def jumps_after(self, loop: Any) -> bool:
        """Return whether the `else` of a loop leaves the loop around, or its turn."""
        return any(has_jump(each, returns=self.may_return) for each in loop.orelse)

    def loop_then_jump(self, node: Any, rest: list[Any]) -> tuple[Statement, ...]:
        """Return a loop the `else` of which jumps, with the `rest` that runs where it does not.

        Nothing where that is not known.
        """
        try:
            loop = self.modelled(node) if ends(node.orelse) else None
        except Unmodelled:
            return ()
        if not isinstance(loop, For | Each | While) or not any(own_breaks(loop.body)):
            return ()
        return with_else(loop, self.block(node.orelse), self.block(rest))

    def body_of(self, loop: Any) -> tuple[Statement, ...]:
        """Return the statements in a loop."""
        body = loop.body
        if not self.loops:
            told = with_nested_returns(body)
            body, self.leaves_all = (body, False) if told is None else (told, True)
        self.loops += 1
        try:
            return self.block(body)
        finally:
            self.loops -= 1

    def statement(self, node: Any) -> tuple[Statement, ...]:
        if isinstance(node, gast.Pass) or _is_docstring(node):
            return ()
        try:
            if names.is_deeper(node, _DEEPEST):
                raise self.unsupported(node, "expression nested this deeply")
            return (
                self.choosing(node)
                or self.several(node)
                or (with_own_condition(self.modelled(node)),)
            )
        except Unmodelled as found:
            whole = self.array_statement(node, found.reason)
            if whole is not None:
                return (whole,)
            folded = self.folded(node) if self.unfolds else ()
            return folded or (self.opaque(node, found.reason),)

    def array_statement(self, node: Any, reason: Reason) -> Statement | None:
        """Return a statement that assigns to slices, or None where it is anything else."""
        if not isinstance(reason, ArrayStatement) or not isinstance(
            node, gast.Assign | gast.AugAssign
        ):
            return None
        self.takes_slices = True
        try:
            return self.modelled(node)
        except Unmodelled:
            return None
        finally:
            self.takes_slices = False

    def modelled(self, node: Any) -> Statement:
        match node:
            case gast.For():
                return self.for_loop(node)
            case gast.While():
                test = self.expression(node.test)
                return While(
                    test=test,
                    body=self.body_of(node),
                    header=self.header(node),
                    span=span_of(node),
                )
            case gast.If():
                test = self.expression(node.test)
                return If(
                    test=test,
                    body=self.block(node.body),
                    orelse=self.block(node.orelse),
                    span=span_of(node),
                )
            case gast.Assign(targets=[target]):
                return self.exchange(node) or self.assign(node, target)
            case gast.AnnAssign() if node.value is not None and isinstance(node.target, gast.Name):
                return self.assign(node, node.target)
            case gast.AugAssign():
                target = self.target(node.target, node)
                return Update(
                    operator=self.operator(node),
                    target=target,
                    value=self.expression(node.value),
                    span=span_of(node),
                )
            case gast.Assert():
                test, shown = self.expression(node.test), names.effects_of(node).reads
                return asserted(test, span_of(node), shown)
            case gast.Raise():
                return raised(span_of(node), names.effects_of(node).reads)
        raise Unmodelled(self.statement_reason(node))

    def choosing(self, node: Any) -> tuple[Statement, ...]:
        """Return an assignment by `np.where` of numbers; () for any other statement."""
        if not isinstance(node, gast.Assign | gast.AugAssign) or not self.chooses(node.value):
            return ()
        self.takes_choices = True
        try:
            found = self.modelled(node)
        except Unmodelled:
            return ()
        finally:
            self.takes_choices = False
        return chosen(found) if isinstance(found, Assign | Update) else ()

    def chooses(self, value: Any) -> bool:
        """Return whether `np.where` stands in a value that has no scope of its own."""
        if not (self.loops or self.unfolds) or any(names.comprehensions(value)):
            return False
        calls = (each for each in names.walk(value) if isinstance(each, gast.Call))
        return any(self.canonical(each.func) == WHERE for each in calls)

    def loop_with_else(self, node: Any) -> tuple[Statement, ...]:
        """Return a loop that has an `else`, and what stands for that."""
        kind = "'for … else'" if isinstance(node, gast.For) else "'while … else'"
        loop = self.modelled(node)
        if not isinstance(loop, For | Each | While):
            raise Unmodelled(UnsupportedStatement(span=span_of(node), kind=kind))
        return with_else(loop, self.block(node.orelse))

    def several(self, node: Any) -> tuple[Statement, ...]:
        """Return an assignment to several targets as several; () for any other statement."""
        match node:
            case gast.For(orelse=[_, *_]) | gast.While(orelse=[_, *_]):
                return self.loop_with_else(node)
            case gast.Assign(targets=[_, _, *_]):
                targets = [self.target(each, node) for each in node.targets]
                return assigned_alike(targets, self.expression(node.value), span_of(node))
            case gast.Assign(
                targets=[gast.Tuple(elts=parts) | gast.List(elts=parts)],
                value=gast.Tuple(elts=values) | gast.List(elts=values),
            ):
                if len(parts) != len(values) or self.exchange(node) is not None:
                    return ()
                targets = [self.target(each, node) for each in parts]
                found = [self.expression(each) for each in values]
                return assigned_in_turn(targets, found, span_of(node))
            case gast.Assign(
                targets=[gast.Tuple(elts=parts) | gast.List(elts=parts)],
                value=gast.Subscript() | gast.Name() as row,
            ) if self.loops or self.unfolds:
                return self.unpacked_row(parts, row, node)
            case gast.Assign(
                targets=[gast.Tuple(elts=parts)], value=gast.Attribute(value=array, attr="shape")
            ) if (measured := self.place(array)) is not None:
                return self.unpacked_shape(parts, measured, node)
            case gast.Assign(targets=[gast.Name(id=name)], value=gast.Tuple(elts=values)) if (
                name == RESULT
            ):
                return tuple(
                    self.result(number, each, span_of(node)) for number, each in enumerate(values)
                )
            case gast.Assign(
                targets=[gast.Tuple(elts=parts) | gast.List(elts=parts)], value=gast.Call() as call
            ) if (key := self.user_function(call)) is not None:
                targets = [self.target(each, node) for each in parts]
                value = self.call_of_helper(call, key, len(targets))
                return tuple(
                    Assign(target=target, value=replace(value, part=number), span=span_of(node))
                    for number, target in enumerate(targets)
                )
            case gast.Assign(
                targets=[gast.Tuple(elts=[_, _] as parts) | gast.List(elts=[_, _] as parts)],
                value=gast.Call(args=[_, _] as operands, keywords=[]) as call,
            ) if self.canonical(call.func) == "divmod":
                return self.quotient_and_remainder(parts, operands, node)
            case gast.Expr(value=gast.Call() as call) if (
                key := self.user_function(call)
            ) is not None:
                target = Name(name=DISCARDED, span=span_of(node))
                value = self.call_of_helper(call, key, None)
                return (Assign(target=target, value=value, span=span_of(node)),)
            case gast.Expr(
                value=gast.Call(
                    func=gast.Attribute(
                        value=gast.Name() | gast.Attribute() as grown, attr="append"
                    ),
                    args=[value],
                    keywords=[],
                )
            ) if (name := self.place(grown)) is not None and name not in self.known:
                return self.appended(name, value, node)
        return ()

    def unpacked_shape(self, parts: list[Any], array: str, node: Any) -> tuple[Statement, ...]:
        """Return `n, m = a.shape` as an assignment for each axis."""
        targets = [self.target(each, node) for each in parts]
        at = span_of(node)
        found: list[Expression] = [
            Extent(array=array, axis=axis, span=at, is_attribute=True, of=len(targets))
            for axis in range(len(targets))
        ]
        return assigned_in_turn(targets, found, at)

    def unpacked_row(self, parts: list[Any], row: Any, node: Any) -> tuple[Statement, ...]:
        """Return `x, y = a[i]` as an assignment for each element; () where it is no row."""
        place = self.row_taken_apart(row)
        if place is None:
            return ()
        targets = [self.target(each, node) for each in parts]
        found: list[Expression] = []
        for number in range(len(targets)):
            last = Constant(value=number, span=place.span)
            found.append(replace(place, indices=(*place.indices, last), of=len(targets)))
        return assigned_in_turn(targets, found, span_of(node))

    def row_taken_apart(self, node: Any) -> Element | None:
        """Return the array, or the part of one, that `x, y = node` takes apart."""
        if isinstance(node, gast.Name):
            name = None if self.is_module(node) else self.place(node)
            return None if name is None else Element(array=name, indices=(), span=span_of(node))
        found = self.expression(node)
        return found if isinstance(found, Element) else None

    def appended(self, name: str, value: Any, node: Any) -> tuple[Statement, ...]:
        """Return `name.append(value)` as stores, one for each part of a tuple."""
        match value:
            case gast.Starred():
                return ()
            case gast.Tuple(elts=[_, *_] as elements) | gast.List(elts=[_, *_] as elements):
                ends = "()" if isinstance(value, gast.Tuple) else "[]"
                parts = [f"{ends[0]}{number}{ends[1]}" for number in range(len(elements))]
            case _:
                elements, parts = [value], [""]
        found = [self.expression(each) for each in elements]
        at = span_of(node.value.func.value)
        return tuple(
            Assign(
                target=Element(array=append_to(name, part), indices=(), span=at),
                value=each,
                span=span_of(node),
            )
            for part, each in zip(parts, found, strict=True)
        )

    def quotient_and_remainder(
        self, parts: list[Any], operands: list[Any], node: Any
    ) -> tuple[Statement, ...]:
        """Return `q, r = divmod(x, y)` as `q, r = x // y, x % y`, operands computed once."""
        at = span_of(node)
        targets = [self.target(each, node) for each in parts]
        first = [
            Assign(target=temporary(at, number), value=self.expression(each), span=at)
            for number, each in enumerate(operands, start=len(targets))
        ]
        x, y = (each.target for each in first)
        found: list[Expression]
        if any(
            isinstance(each, Element) for value in first for each in walk_expression(value.value)
        ):
            # NumPy's warnings name the function.
            found = [Call(function=name, arguments=(x, y), span=at) for name in DIVMOD]
        else:
            found = [Binary(operator=each, left=x, right=y, span=at) for each in ("//", "%")]
        return (*first, *assigned_in_turn(targets, found, at))

    def result(self, number: int, value: Any, span: Span) -> Assign:
        """Return the assignment of one of several values that a function returns."""
        target = Name(name=result_name(number), span=span)
        return Assign(target=target, value=self.expression(value), span=span)

    def exchange(self, node: Any) -> Exchange | None:
        """Return `u, v = v, u` as what it is, where some of the names have subscripts elsewhere."""
        match node:
            case gast.Assign(targets=[gast.Tuple(elts=parts)], value=gast.Tuple(elts=values)):
                targets, taken = [self.place(e) for e in parts], [self.place(e) for e in values]
            case _:
                return None
        names_of = [each for each in targets if each is not None]
        if len(set(names_of)) < len(parts) or sorted(names_of) != sorted(map(str, taken)):
            return None
        if self.subscripted.isdisjoint(names_of) or any(map(is_keyed, names_of)):
            return None
        self.attributes.update(filter(is_chain, names_of))
        return Exchange(targets=tuple(names_of), values=tuple(map(str, taken)), span=span_of(node))

    def assign(self, node: Any, target: Any) -> Assign | Allocate:
        reading = Reading(self.expression, self.canonical, span_of(node.value))
        made = read_allocation(node.value, reading) if isinstance(target, gast.Name) else None
        if made is not None:
            return Allocate(
                name=target.id,
                shape=made.shape,
                like=made.like,
                dtype=made.dtype,
                fill=made.fill,
                span=span_of(node),
                order=made.order,
            )
        return Assign(
            target=self.target(target, node),
            value=self.copied(node) or self.expression(node.value),
            span=span_of(node),
        )

    def copied(self, node: Any) -> Call | None:
        """Return the value of `v = u.copy()` or `v = u[i].copy()`; None for any other statement."""
        match node:
            case gast.Assign(
                targets=[gast.Name()],
                value=gast.Call(
                    func=gast.Attribute(value=copied, attr="copy"), args=[], keywords=[]
                ) as call,
            ):
                whole = self.copied_place(copied)
                if whole is not None:
                    return Call(function=COPY, arguments=(whole,), span=span_of(call))
        return None

    def copied_place(self, node: Any) -> Element | None:
        """Return what a copy is one of: an array, or a row of one; a row of a list is none."""
        if isinstance(node, gast.Subscript):
            place = self.expression(node)
            return replace(place, has_tuple=True) if isinstance(place, Element) else None
        name = None if self.is_module(node) else self.place(node)
        return None if name is None else Element(array=name, indices=(), span=span_of(node))

    def target(self, node: Any, statement: Any) -> Name | Element:
        match node:
            case gast.Tuple() | gast.List() if isinstance(statement.value, gast.Call):
                self.expression(statement.value)  # what is not known of the call says more
            case gast.Name():
                return Name(name=node.id, span=span_of(node))
            case gast.Subscript():
                return self.element(node)
            case gast.Attribute():
                return self.attribute(node)
        kind = "assignment to several targets"
        raise Unmodelled(UnsupportedStatement(span=span_of(statement), kind=kind))

    def attribute(self, node: Any) -> Name:
        """Return an attribute that is assigned as a name that others may read at any time."""
        name = self.place(node)
        if name is None or is_keyed(name):
            raise Unmodelled(AttributeWrite(span=span_of(node), target=self.text(node)))
        self.attributes.add(name)
        return Name(name=name, span=span_of(node))

    def for_loop(self, node: Any) -> For | Each:
        self.held, self.required = None, None
        if not isinstance(node.target, gast.Name) or not self.is_range(node.iter):
            return self.each(node)
        return self.counted(node, *self.limits(node.iter, node.target.id))

    def limits(self, node: Any, variable: str) -> tuple[Expression, Expression, Expression]:
        """Return start, stop and step of a `range`."""
        # The header of an outermost loop computes what it likes, and shows it to the guard.
        self.required = [] if self.loops or self.unfolds else None
        bounds = [self.bound(argument, variable) for argument in node.args]
        at = span_of(node)
        start = bounds[0] if len(bounds) > 1 else Constant(value=0, span=at)
        step = (
            bounds[2] if len(bounds) > 2 else Constant(value=1, span=at)
        )  # range(start, stop, step)
        return start, bounds[1] if len(bounds) > 1 else bounds[0], step

    def bound(self, node: Any, variable: str) -> Expression:
        """Return a bound of a range; what no kernel computes has a name."""
        try:
            found = known_bound(self.without_rows(node))
        except Unmodelled as unmodelled:
            name = held_number(node, span_of)
            if name is None:
                raise
            return Name(name=self.hold(node, name, unmodelled.reason), span=span_of(node))
        name = held_number(node, span_of) if self.stays(node, found) else None
        if name is None:
            return found
        reason = NonAffineBound(span=span_of(node), loop_variable=variable, bound=self.text(node))
        return Name(name=self.hold(node, name, reason), span=span_of(node))

    def stays(self, node: Any, bound: Expression) -> bool:
        """Return whether no model holds a bound, which is the same in all iterations around."""
        if self.unfolds or not is_computed(bound, is_outermost=not self.loops):
            return False
        return not self.loops or names.effects_of(node).reads <= self.steady | self.known.keys()

    def without_rows(self, node: Any) -> Expression:
        """Return an expression; one that asks for a value of a row is not modelled here."""
        found = self.expression(node)
        if has_rows(found):
            raise Unmodelled(UnknownCall(span=span_of(node), function=self.text(node)))
        return found

    def values(self, node: Any) -> str | None:
        """Return the name of what a loop runs over that is computed before it; None for none."""
        name = held_values(node, self.canonical, span_of)
        if name is None:
            return None
        reason = OpaqueIterable(span=span_of(node), iterable=self.text(node))
        return self.hold(node, name, reason)

    def hold(self, node: Any, name: str, reason: Reason) -> str:
        """Return `name`, after noting that the header being read computes what `node` says."""
        before = frozenset[str]() if self.held is None else self.held.reads
        first = reason if self.held is None else self.held.reason
        self.held = Held(reads=before | names.effects_of(node).reads, reason=first)
        return name

    def counted(self, node: Any, start: Expression, stop: Expression, step: Expression) -> For:
        held, self.held = self.held, None
        requires, self.required = tuple(self.required or ()), None
        return For(
            held=held,
            requires=requires,
            variable=node.target.id,
            start=start,
            stop=stop,
            step=step,
            body=self.body_of(node),
            header=self.header(node),
            span=span_of(node),
        )

    def each(self, node: Any) -> For | Each:
        apart = self.index_tuple(node)
        if apart is not None:
            return apart
        turned = self.reversed_range(node) if isinstance(node.target, gast.Name) else None
        if turned is not None:
            return self.counted(node, *turned)
        if isinstance(node.iter, gast.Name) and node.iter.id in self.texts:
            raise Unmodelled(self.unknown_iterable(node.iter))
        target = read_pattern(node.target, span_of)
        reading = IterableReading(
            self.expression,
            self.canonical,
            span_of,
            self.place,
            self.values,
            is_inside=bool(self.loops or self.unfolds),
        )
        iterable = None if target is None else read_iterable(node.iter, target, reading)
        steps = steps_of(iterable) if isinstance(target, Name) else None
        if steps is not None:
            return self.counted(node, *steps)
        if target is None or iterable is None:
            raise Unmodelled(self.unknown_iterable(node.iter))
        held, self.held = self.held, None
        if moves_bar(node, self.canonical):
            raise Unmodelled(MovingBar(span=span_of(node.iter)))
        is_checked = isinstance(node.iter, gast.Call) and (
            self.canonical(node.iter.func) == "numpy.ndindex"
        )
        return Each(
            held=held,
            target=target,
            iterable=iterable,
            body=self.body_of(node),
            header=self.header(node),
            span=span_of(node),
            requires=no_negatives(iterable) if is_checked else (),
        )

    def unknown_iterable(self, node: Any) -> OpaqueIterable:
        """Return why no kernel runs over an expression."""
        is_named = isinstance(node, gast.Name) and node.id in self.texts
        return OpaqueIterable(
            span=span_of(node), iterable=self.text(node), is_text=is_named or is_text(node)
        )

    def index_tuple(self, node: Any) -> Each | None:
        """Return a loop over tuples of subscripts with a name for each subscript, if it may be."""
        match node:
            case gast.For(target=gast.Name(id=name), iter=gast.Call() as call) if (
                self.statements and self.canonical(call.func) == "numpy.ndindex"
            ):
                apart = named_apart(node, self.statements, self.ranks)
                if apart is None:
                    return None
                found = self.each(apart)
                if any(isinstance(each, Opaque | Exchange) for each in walk_statements((found,))):
                    return None  # the interpreter would ask for names of ours
                assert isinstance(found, Each)  # a loop over tuples
                return replace(found, label=name)
        return None

    def reversed_range(self, loop: Any) -> tuple[Expression, Expression, Expression] | None:
        """Return the limits of `reversed(range(...))` or `range(...)[::-1]`."""
        match node := loop.iter:
            case gast.Call(args=[inner], keywords=[]) if self.canonical(node.func) == "reversed":
                pass
            case gast.Subscript(
                value=inner,
                slice=gast.Slice(
                    lower=None,
                    upper=None,
                    step=gast.UnaryOp(op=gast.USub(), operand=gast.Constant(value=1)),
                ),
            ):
                pass
            case _:
                return None
        return backwards(*self.limits(inner, loop.target.id)) if self.is_range(inner) else None

    def is_range(self, node: Any) -> bool:
        return (
            isinstance(node, gast.Call)
            and isinstance(node.func, gast.Name)
            and self.known.get(node.func.id) == "range"
            and 1 <= len(node.args) <= 3  # range(start, stop, step)
            and not node.keywords
            and not any(isinstance(each, gast.Starred) for each in node.args)
        )

    def opaque(self, node: Any, reason: Reason) -> Opaque:
        effects = names.effects_of(node)
        return Opaque(
            reason=reason,
            reads=effects.reads,
            writes=effects.writes,
            kills=effects.kills,
            has_effects=True,
            is_loop=isinstance(node, gast.For | gast.While | gast.AsyncFor),
            is_array_statement=isinstance(reason, ArrayStatement) and not _is_setting(node),
            header=self.header(node),
            body=self.nested(node),
            span=span_of(node),
            computes=computed_calls(node, self.helper_call),
            tame=tame_statement(node, self.helper_call),
            drawn=self.with_draws(node),
            folded=self.with_folds(node),
        )

    def with_folds(self, node: Any) -> tuple[Statement, ...]:
        """Return a statement with loops for what it folds; () where it has none, or does more."""
        if self.unfolds:
            return ()
        self.unfolds = True
        try:
            found = self.folded(node)
        finally:
            self.unfolds = False
        return () if any(own_breaks(found)) else found  # loops around it are left there

    def folded(self, node: Any) -> tuple[Statement, ...]:
        """Return the same, as what is left where every fold has to be a loop."""
        is_simple = isinstance(
            node, gast.Assign | gast.AugAssign | gast.AnnAssign | gast.Expr | gast.If
        )
        if not is_simple or not folds_in(node, self.canonical):
            return ()
        chosen = with_own_branches(node, self.canonical)
        if chosen is not node:
            return self.statement(chosen)
        try:
            made = named_list(node, self.folding, self.lists)
            if made is not None:
                return made
            before, rest = without_folds(node, self.folding)
        except Unmodelled:
            return ()
        if not before:
            return ()
        return named_fold(tuple(before), self.statement(rest))

    def folded_expression(self, node: Any) -> tuple[tuple[Statement, ...], Expression]:
        """Return the loops for what an expression folds, and the expression without."""
        before, rest = without_folds(node, self.folding)
        return tuple(before), self.expression(rest)

    @property
    def folding(self) -> FoldReading:
        return FoldReading(
            self.expression, self.generator, span_of, self.canonical, self.not_modelled
        )

    def not_modelled(self, node: Any) -> Unmodelled:
        """Return why a comprehension has no loops."""
        return Unmodelled(Comprehension(span=span_of(node), kind=COMPREHENSIONS[type(node)]))

    def with_draws(self, node: Any) -> tuple[Statement, ...]:
        """Return a statement with lists for the random numbers it draws; () if it does more."""
        is_simple = isinstance(node, gast.Assign | gast.AugAssign | gast.AnnAssign | gast.If)
        if self.takes_draws or not is_simple or not may_draw(node):
            return ()
        self.takes_draws = True
        try:
            return self.several(node) or (self.modelled(node),)
        except Unmodelled:
            return self.with_folds(node)
        finally:
            self.takes_draws = False

    def helper_call(self, node: Any) -> Call | None:
        """Return a call of a function of the user as the model has it; None for any other."""
        try:
            key = self.user_function(node)
            return None if key is None else self.call_of_helper(node, key, 1)
        except Unmodelled:
            return None

    def nested(self, node: Any) -> tuple[Statement, ...]:
        """Return the statements inside a compound statement, and its comprehensions."""
        values = {id(each) for each in values_in(node, self.canonical)}
        found: list[Statement] = [
            self.comprehension(each, is_value=id(each) in values)
            for each in names.comprehensions(node)
        ]
        if not isinstance(node, gast.FunctionDef | gast.AsyncFunctionDef | gast.ClassDef):
            for body in names.blocks(node):
                found += self.block(body)
        return tuple(sorted(found, key=lambda each: each.span))

    def comprehension(self, node: Any, *, is_value: bool) -> For | Each | Opaque:
        reason: Reason = Comprehension(span=span_of(node), kind=COMPREHENSIONS[type(node)])
        if is_value:
            reading = ComprehensionReading(
                self.folded_expression, lambda each: self.generator(each, node), span_of
            )
            try:
                found = read_comprehension(node, reading)
            except Unmodelled as unmodelled:
                reason = unmodelled.reason
            else:
                if found is not None:
                    return found
        effects = names.effects_of(node)
        return Opaque(
            reason=reason,
            reads=effects.reads | self.held_by(node, reason),
            writes=effects.writes,
            kills=frozenset(),
            has_effects=True,
            is_loop=True,
            is_array_statement=False,
            header=self.text(node),
            body=(),
            span=span_of(node),
            is_value=is_value,
        )

    def held_by(self, node: Any, reason: Reason) -> frozenset[str]:
        """Return the names of what a comprehension computes first, if a call may analyse it."""
        if not isinstance(reason, FunctionNotKnown):
            return frozenset()
        try:
            loop = self.generator(node.generators[0], node)
        except Unmodelled:
            return frozenset()
        read = frozenset[str]().union(*map(reads, expressions_of(loop)))
        return frozenset(filter(is_held, read))

    def generator(self, node: Any, comprehension: Any) -> For | Each:
        """Return one `for` of a comprehension, without a body."""
        if node.is_async:
            raise self.unsupported(node.iter, "asynchronous comprehension")
        loop = gast.For(node.target, node.iter, [], [], None)
        return self.for_loop(gast.copy_location(loop, comprehension))

    def statement_reason(self, node: Any) -> Reason:
        at = span_of(node)
        match node:
            case gast.While():
                return WhileLoop(span=at, test=self.text(node.test))
            case gast.Break():
                return EarlyExit(span=at, keyword="break")
            case gast.Return():
                return EarlyExit(span=at, keyword="return")
            case gast.Try():
                return ExceptionHandling(span=at)
            case gast.Expr(value=gast.Call() as call):
                return self.unknown_call(call)
        kind = _KINDS.get(type(node), f"'{type(node).__name__.lower()}' statement")
        return UnsupportedStatement(span=at, kind=kind)


def _without_results(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return the body of a function that returns nothing, without what stands for its values."""
    found: list[Statement] = []
    for statement in body:
        match statement:
            case Assign(target=Name(name=name)) if name == RESULT:
                continue
            case If():
                inner, orelse = _without_results(statement.body), _without_results(statement.orelse)
                found.append(replace(statement, body=inner, orelse=orelse))
            case For() | Each() | While():
                found.append(replace(statement, body=_without_results(statement.body)))
            case _:
                found.append(statement)
    return tuple(found)


def _is_setting(node: Any) -> bool:
    """Return whether a statement puts what it does not compute under a name: no array is meant."""
    match node:
        case gast.Assign(targets=[gast.Subscript(slice=gast.Constant(value=str()))], value=value):
            return not any(isinstance(each, gast.BinOp | gast.Call) for each in names.walk(value))
    return False


def _is_docstring(node: Any) -> bool:
    return isinstance(node, gast.Expr) and isinstance(node.value, gast.Constant)
