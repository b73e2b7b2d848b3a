"""Read statements on whole arrays as if each name could be one: gast to loop IR.

Before:  q = applied(p)                After:  autopar_value_q = 4.0 * p
                                               q = autopar_value_q

Calls of the user's own functions of straight lines are put in place, with names of their own.
Helper of the `array_runs` pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gast

from ..model.array_run import (
    COPIED,
    FOLD,
    FOLDS,
    LESS,
    NEW_AXIS,
    OTHER_AXES,
    PARTS,
    REDUCTIONS,
    RUNNING,
    TRANSPOSE,
    WHERE,
)
from ..model.loop_ir import TEMPORARY, Assign, Call, Constant, Expression, Name, Update
from ..model.loop_ir import Element as ElementOf
from ..model.source import SourceFunction
from ..model.ufuncs import FUNCTIONS, own_name
from . import names
from .array_form_calls import form_call
from .call_arguments import bound_arguments
from .callees import Callees
from .definitions import span_of
from .expression_reader import ExpressionReader, Unmodelled

_DEEPEST = 100
# Calls in calls that are put in place.
_MOST_LEVELS = 3
_METHODS = {name.removeprefix("numpy."): name for name in FOLDS}
# Functions that kernels have of numbers alone.
_OF_NUMBERS = frozenset(("numpy.round", "numpy.real", "numpy.conjugate"))
_ALIASES = {"numpy.amax": "numpy.max", "numpy.amin": "numpy.min"}
# Methods of functions of elements, and what they are called as functions of arrays: along the
# first axis where none is named.
_OF_FUNCTIONS = frozenset(("outer", "reduce", "accumulate", "at", "reduceat"))
_REDUCED = {
    "numpy.add.reduce": "numpy.sum",
    "numpy.multiply.reduce": "numpy.prod",
    "numpy.maximum.reduce": "numpy.max",
    "numpy.minimum.reduce": "numpy.min",
}
_SPREADS = frozenset(("numpy.var", "numpy.std"))
# Their second argument is something else.
_AXIS_BY_NAME = frozenset(("numpy.linalg.norm",))
_PRODUCTS = frozenset(("numpy.matmul", "numpy.dot"))


class ArrayReader(ExpressionReader):
    """Reads the statements of one function."""

    def __init__(
        self,
        source: SourceFunction,
        known: dict[str, str],
        callees: Callees,
        own: frozenset[str],
    ) -> None:
        super().__init__(source, known, callees)
        self.takes_slices = True
        self.own = own  # names that the function binds itself
        self.before: list[Assign | Update] = []  # of the statement that is read
        self.renamed: Mapping[str, str] = {}  # the names of a function that is put in place
        self.levels = 0
        self.fresh = 0

    def statements(self, node: Any) -> tuple[Assign | Update, ...] | None:
        """Return assignments; None for every other statement, and for unknown expressions."""
        is_one = isinstance(node, gast.Assign | gast.AugAssign | gast.Expr)
        if not is_one or names.is_deeper(node, _DEEPEST):
            return None
        self.before = []
        try:
            self.take(node)
        except Unmodelled:
            return None
        return tuple(self.before)

    def value(self, node: Any) -> tuple[tuple[Assign | Update, ...], Expression] | None:
        """Return what is computed before an expression, and the expression; None if unknown."""
        if names.is_deeper(node, _DEEPEST):
            return None
        self.before = []
        try:
            found = self.expression(node)
        except Unmodelled:
            return None
        return tuple(self.before), found

    def take(self, node: Any) -> None:
        """Add what a statement assigns to what was read so far."""
        match node:
            case gast.Assign(targets=[gast.Name() | gast.Subscript() as target]):
                value = self.expression(node.value)
                self.add(Assign(target=self.place_of(target), value=value, span=span_of(node)))
            case gast.Assign(targets=[gast.Tuple(elts=targets)]) if all(
                isinstance(each, gast.Name) for each in targets
            ):
                values = self.several(node.value, len(targets))
                held = [self.held(each) for each in values]
                for target, value in zip(targets, held, strict=True):
                    place = self.place_of(target)
                    self.add(Assign(target=place, value=value, span=span_of(node)))
            case gast.AugAssign(target=gast.Name() | gast.Subscript() as target):
                # Python reads the target first, and so may we: nothing here changes names.
                value = self.expression(node.value)
                place = self.place_of(target)
                operator = self.operator(node)
                self.add(Update(operator=operator, target=place, value=value, span=span_of(node)))
            case gast.Expr(value=gast.Call() as call) if self.user_function(call) is not None:
                self.in_place(call)
            case gast.Expr(value=gast.Call() as call):
                self.stored(call)
            case _:
                raise self.unsupported(node, "statement")

    def stored(self, call: Any) -> None:
        """Add what a function stores in all of an array: `np.add(x, y, out=z)`, `np.copyto`."""
        at = span_of(call)
        function = self.canonical(call.func)
        match call:
            case gast.Call(keywords=[gast.keyword(arg="out", value=gast.Name() as target)]):
                plain = gast.copy_location(
                    gast.Call(func=call.func, args=call.args, keywords=[]), call
                )
                if function is None or own_name(function) not in FUNCTIONS:
                    raise Unmodelled(self.unknown_call(call))
                value = self.expression(plain)
            case gast.Call(args=[gast.Name() as target, operand], keywords=[]) if (
                function == "numpy.copyto"
            ):
                value = self.expression(operand)
            case gast.Call(
                func=gast.Attribute(value=gast.Name() as target, attr="fill"),
                args=[gast.Constant() as operand],
                keywords=[],
            ) if not self.is_module(call.func.value):
                value = self.expression(operand)
            case _:
                raise Unmodelled(self.unknown_call(call))
        array = self.place_of(target)
        assert isinstance(array, Name)  # it is one
        rest = Name(name=OTHER_AXES, span=at)
        place = ElementOf(array=array.name, indices=(rest,), span=at)
        self.add(Assign(target=place, value=value, span=at))

    def add(self, statement: Assign | Update) -> None:
        self.before.append(statement)

    def several(self, node: Any, number: int) -> tuple[Expression, ...]:
        """Return the values that an expression has, `number` of them."""
        if isinstance(node, gast.Tuple) and len(node.elts) == number:
            return tuple(map(self.expression, node.elts))
        if isinstance(node, gast.Call) and self.user_function(node) is not None:
            found = self.in_place(node)
            if len(found) == number:
                return found
        raise self.unsupported(node, names.expression_kind(node))

    def held(self, value: Expression) -> Expression:
        """Return a name of its own for a value."""
        name = Name(name=self.named("each"), span=value.span)
        self.add(Assign(target=name, value=value, span=value.span))
        return name

    def named(self, word: str) -> str:
        self.fresh += 1
        return f"{TEMPORARY}{word}_{self.fresh}"

    def place_of(self, target: Any) -> Name | ElementOf:
        if isinstance(target, gast.Name):
            return Name(name=self.renamed.get(target.id, target.id), span=span_of(target))
        return self.element(target)

    # ------------------------------------------------------------------ the user's functions

    def in_place(self, node: Any) -> tuple[Expression, ...]:
        """Return what a function of the user returns, its statements added to those before."""
        key = self.user_function(node)
        callee = self.callees[key] if key is not None else None
        if callee is None or callee.place != "here" or self.levels >= _MOST_LEVELS:
            raise self.not_in_place(node, "it is no function of straight lines")
        definition = callee.find()
        given = bound_arguments(node, definition.args)
        body = _straight(definition)
        if given is None or body is None:
            raise self.not_in_place(node, "it is no function of straight lines")
        parameters = names.argument_names(definition.args)
        bound = names.scope_of(body).bound | set(parameters)
        outside = _names_of(body) - bound - {k.partition(".")[0] for k in callee.known}
        if outside & self.own or self.renamed.keys() & outside:
            raise self.not_in_place(node, "its names are others here")
        values = tuple(map(self.expression, given))
        renamed = {name: self.named(name) for name in sorted(bound)}
        for name, value in zip(parameters, values, strict=True):
            target = Name(name=renamed[name], span=value.span)
            self.add(Assign(target=target, value=value, span=value.span))
        outer = self.renamed, self.known, self.levels
        known = {k: v for k, v in callee.known.items() if k.partition(".")[0] not in bound}
        self.renamed, self.known, self.levels = renamed, known, self.levels + 1
        try:
            return self.returned(body)
        finally:
            self.renamed, self.known, self.levels = outer

    def returned(self, body: list[Any]) -> tuple[Expression, ...]:
        for each in body:
            if isinstance(each, gast.Return):
                if isinstance(each.value, gast.Tuple):
                    return tuple(map(self.expression, each.value.elts))
                return () if each.value is None else (self.expression(each.value),)
            self.take(each)
        return ()

    def call_of_helper(self, node: Any, key: str, wanted: int | None) -> Any:
        del key, wanted
        found = self.in_place(node)
        if len(found) != 1:
            raise self.not_in_place(node, "it returns several values")
        return found[0]

    # ---------------------------------------------------------------------------- expressions

    def expression(self, node: Any) -> Expression:
        match node:
            case gast.Constant(value=None):
                return Name(name=NEW_AXIS, span=span_of(node))
            case gast.Constant(value=complex()):  # functions of it are NumPy's
                raise self.unsupported(node, names.expression_kind(node))
            case gast.Constant(value=value) if value is Ellipsis:
                return Name(name=OTHER_AXES, span=span_of(node))
            case gast.Name() if node.id in self.renamed:
                return Name(name=self.renamed[node.id], span=span_of(node))
            case gast.BinOp(op=gast.MatMult()):
                operands = (self.expression(node.left), self.expression(node.right))
                return Call(function=f"{FOLD}numpy.matmul", arguments=operands, span=span_of(node))
            case gast.IfExp() | gast.BoolOp():  # asks for a truth value, which arrays have not
                raise self.unsupported(node, names.expression_kind(node))
        return super().expression(node)

    def place(self, node: Any) -> str | None:
        if isinstance(node, gast.Name) and node.id in self.renamed:
            return self.renamed[node.id]
        if isinstance(node, gast.Attribute) and self.levels:
            return None  # an object of the function that is put in place
        return super().place(node)

    def is_whole(self, index: Any) -> bool:
        is_axis = isinstance(index, gast.Constant) and index.value in (None, Ellipsis)
        return not is_axis and super().is_whole(index)

    def canonical(self, node: Any) -> str | None:
        match node:
            case gast.Attribute(value=gast.Attribute() as inner, attr=method) if (
                method in _OF_FUNCTIONS
            ):
                found = self.canonical(inner)
                return None if found is None else f"{found}.{method}"
        return super().canonical(node)

    def subscript(self, node: Any) -> Expression:
        if self.canonical(node) == "numpy.newaxis":
            return Name(name=NEW_AXIS, span=span_of(node))
        return super().subscript(node)

    def read_attribute(self, node: Any) -> Expression | None:
        at = span_of(node)
        if node.attr == "T" and not self.is_module(node.value):
            return Call(function=TRANSPOSE, arguments=(self.expression(node.value),), span=at)
        if node.attr in PARTS and not self.is_module(node.value):
            return Call(function=node.attr, arguments=(self.expression(node.value),), span=at)
        constant = self.math_constant(node)
        if constant is not None:
            return constant
        raise self.unsupported(node, names.expression_kind(node))

    def call(self, node: Any) -> Expression:
        function = self.canonical(node.func)
        function = None if function is None else _ALIASES.get(function, function)
        at = span_of(node)
        if function == WHERE and len(node.args) == 3 and not node.keywords:
            arguments = tuple(map(self.expression, node.args))
            return Call(function=WHERE, arguments=arguments, span=at)
        product = self.product(node, function)
        if product is not None:
            return product
        form = form_call(node, function, self.is_module, self.expression)
        if form is not None:
            return form
        if function == "numpy.transpose" and len(node.args) == 1 and not node.keywords:
            return Call(function=TRANSPOSE, arguments=(self.expression(node.args[0]),), span=at)
        if function == "numpy.copy" and len(node.args) == 1 and not node.keywords:
            return Call(function=COPIED, arguments=(self.expression(node.args[0]),), span=at)
        match node:
            case gast.Call(
                func=gast.Attribute(value=array, attr="transpose"), args=[], keywords=[]
            ) if function is None and not self.is_module(array):
                return Call(function=TRANSPOSE, arguments=(self.expression(array),), span=at)
        fold = self.fold(node, function)
        if fold is not None:
            return fold
        match node:
            case gast.Call(func=gast.Attribute(value=array, attr="copy"), args=[], keywords=[]) if (
                not self.is_module(array)
            ):
                return Call(function=COPIED, arguments=(self.expression(array),), span=at)
        if self.user_function(node) is not None:
            return super().call(node)
        plain = not node.keywords and not any(isinstance(e, gast.Starred) for e in node.args)
        if plain and function is not None:
            own = own_name(function)
            if own in _OF_NUMBERS:
                raise Unmodelled(self.unknown_call(node))
            if own in FUNCTIONS or own in names.MODELLED_FUNCTIONS or function == "len":
                return super().call(node)
        raise Unmodelled(self.unknown_call(node))

    def product(self, node: Any, function: str | None) -> Call | None:
        """Return a product of matrices: `np.dot(x, y)`, `x.dot(y)`."""
        arguments = list(node.args)
        match node.func:
            case gast.Attribute(value=array, attr="dot") if function is None:
                if self.is_module(array):
                    return None
                function, arguments = "numpy.dot", [array, *arguments]
        if function not in _PRODUCTS or len(arguments) != len("xy") or node.keywords:
            return None
        operands = tuple(map(self.expression, arguments))
        return Call(function=f"{FOLD}{function}", arguments=operands, span=span_of(node))

    def fold(self, node: Any, function: str | None) -> Call | None:
        """Return what makes one number, or one for each row, of an array."""
        arguments = list(node.args)
        keywords = list(node.keywords)
        if function in _REDUCED:
            if len(arguments) == 1 and not any(each.arg == "axis" for each in keywords):
                keywords.append(gast.keyword("axis", gast.Constant(0, None)))
            function = _REDUCED[function]
        match node.func:
            case gast.Attribute(value=array, attr=method) if function is None:
                if method not in _METHODS or self.is_module(array):
                    return None
                function, arguments = _METHODS[method], [array, *arguments]
        if function is None or function not in FOLDS or not arguments:
            return None
        if function in _AXIS_BY_NAME and len(arguments) > 1:
            return None
        missing, keywords = _less(keywords) if function in _SPREADS else (0, keywords)
        given = _axis_of(arguments[1:], keywords, takes_axis=FOLDS[function])
        if given is None or missing is None:
            return None
        at = span_of(node)
        read = self.expression(arguments[0])
        if given == (None, False) and function in REDUCTIONS:
            return Call(function=function, arguments=(read,), span=at)
        axis, keeps = given
        if function in RUNNING and axis is None:
            return None  # of one axis, or of all of them in a row
        place = Constant(value=True if axis is None else axis, span=at)  # True: all of them
        kept = Constant(value=keeps, span=at)
        function = f"{function}{LESS}{missing}" if missing else function
        return Call(function=f"{FOLD}{function}", arguments=(read, place, kept), span=at)


def _less(keywords: list[Any]) -> tuple[int | None, list[Any]]:
    """Return how many degrees of freedom are missing, None where nobody knows, and the rest."""
    missing: int | None = 0
    for each in keywords:
        if each.arg == "ddof":
            value = getattr(each.value, "value", None)
            missing = value if type(value) is int and 0 <= value < _MOST_LEVELS else None
    return missing, [each for each in keywords if each.arg != "ddof"]


def _axis_of(
    others: list[Any], keywords: list[Any], *, takes_axis: bool
) -> tuple[int | None, bool] | None:
    """Return the axis and whether it is kept; None for arguments that are not known."""
    if len(others) > 1 or (others and not takes_axis):
        return None
    given = {"axis": others[0]} if others else {}
    for each in keywords:
        if each.arg not in ("axis", "keepdims") or each.arg in given or not takes_axis:
            return None
        given[each.arg] = each.value
    axis, keeps = None, False
    match given.get("axis"):
        case None | gast.Constant(value=None):
            pass
        case gast.Constant(value=int() as value) if type(value) is int:
            axis = value
        case gast.UnaryOp(op=gast.USub(), operand=gast.Constant(value=int() as value)):
            axis = -value
        case _:
            return None
    match given.get("keepdims"):
        case None:
            pass
        case gast.Constant(value=bool() as value):
            keeps = value
        case _:
            return None
    return axis, keeps


def _straight(definition: Any) -> list[Any] | None:
    """Return the statements of a function that runs from its first to its last, doc left out."""
    if not isinstance(definition, gast.FunctionDef) or definition.decorator_list:
        return None
    body = list(definition.body)
    match body[0]:
        case gast.Expr(value=gast.Constant(value=str())):
            del body[0]
    plain = (gast.Assign, gast.AugAssign, gast.Expr)
    if not body or not all(isinstance(each, plain) for each in body[:-1]):
        return None
    if not isinstance(body[-1], (*plain, gast.Return)) or names.scope_of(body).shared:
        return None
    return body


def _names_of(body: list[Any]) -> set[str]:
    return {each.id for node in body for each in names.walk(node) if isinstance(each, gast.Name)}
