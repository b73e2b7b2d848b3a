"""Read expressions into the loop IR.

Before:  math.exp(-x[i, 0])            After:  Call("math.exp", (Unary("-", Element("x", (i, 0))),))

What the model does not know raises `Unmodelled`, which the `parse` pass turns into a statement
that keeps the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gast

from ..model.chains import KEY, base_of, chain, dotted, is_chain
from ..model.diagnostics import Reason
from ..model.draws import DRAWN
from ..model.loop_ir import (
    DISPLAY,
    Binary,
    BinaryOperator,
    BoolOp,
    Call,
    Compare,
    Conditional,
    Constant,
    Draw,
    Element,
    Expression,
    Extent,
    Name,
    Slice,
    Unary,
)
from ..model.row_functions import (
    MATRIX_PRODUCT,
    ROW_METHODS,
    WITH_AXIS,
    row_function,
    rows_wanted,
)
from ..model.source import SourceFunction, Span
from ..model.ufuncs import WHERE, own_name
from . import names
from .call_arguments import bound_arguments
from .callees import Callees, Number, given_functions
from .definitions import file_of, is_method, span_of
from .displays import display_form, part_of_division
from .draw_calls import draw_path, is_display, size_drawn
from .reasons import (
    ArrayStatement,
    CannotInline,
    Comprehension,
    FunctionNotKnown,
    UnknownCall,
    UnsupportedExpression,
)
from .returns import arity

_BINARY = {
    gast.Add: "+", gast.Sub: "-", gast.Mult: "*", gast.Div: "/", gast.FloorDiv: "//",
    gast.Mod: "%", gast.Pow: "**", gast.LShift: "<<", gast.RShift: ">>", gast.BitAnd: "&",
    gast.BitOr: "|", gast.BitXor: "^",
}  # fmt: skip
_COMPARE = {
    gast.Lt: "<", gast.LtE: "<=", gast.Gt: ">", gast.GtE: ">=", gast.Eq: "==", gast.NotEq: "!=",
}  # fmt: skip
_UNARY = {gast.USub: "-", gast.UAdd: "+", gast.Invert: "~", gast.Not: "not"}
COMPREHENSIONS = {
    gast.ListComp: "list comprehension",
    gast.SetComp: "set comprehension",
    gast.DictComp: "dict comprehension",
    gast.GeneratorExp: "generator expression",
}


# What arrays have under these names is no number, nor an array of its own that stays the same.
_OF_ARRAYS = frozenset(("shape", "dtype", "T", "real", "imag", "flat", "flags", "strides", "base"))


class Unmodelled(Exception):
    """Unwinds the reading of one statement; the `parse` pass catches it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class ExpressionReader:
    """Reads the expressions of one function; `known` resolves names to what they stand for."""

    def __init__(self, source: SourceFunction, known: dict[str, str], callees: Callees) -> None:
        self.source = source
        self.known = known
        self.callees = callees
        self.called: set[str] = set()  # functions of the user, by their keys
        self.constants: dict[str, Number] = {}  # variables whose values are known
        self.steady: frozenset[str] = frozenset()  # variables that no loop binds
        self.methods: frozenset[str] = frozenset()  # "self.f", where it is known what that calls
        self.takes_draws = False  # the same, one that draws random numbers
        self.draws: dict[str, Draw] = {}  # by the lists that stand for what they draw
        # What must hold wherever the range that is being read is reached; None outside of ranges.
        self.required: list[Compare] | None = None
        self.takes_slices = False  # the statement being read may be one on whole arrays
        self.takes_choices = False  # it may choose between numbers by `np.where`

    def expression(self, node: Any) -> Expression:
        at = span_of(node)
        match node:
            case gast.Constant(value=bool() | int() | float() | complex()):
                return Constant(value=node.value, span=at)
            case gast.Name() if node.id in self.constants:
                return Constant(value=self.constants[node.id], span=at)
            case gast.Name():
                return Name(name=node.id, span=at)
            case gast.BinOp(op=gast.MatMult()):
                return self.on_rows(MATRIX_PRODUCT, [node.left, node.right], at)
            case gast.BinOp():
                left, right = self.expression(node.left), self.expression(node.right)
                return Binary(operator=self.operator(node), left=left, right=right, span=at)
            case gast.UnaryOp():
                return self.unary(node)
            case gast.BoolOp():
                word: Any = "and" if isinstance(node.op, gast.And) else "or"
                values = tuple(self.expression(each) for each in node.values)
                return BoolOp(operator=word, values=values, span=at)
            case gast.Compare():
                return self.comparison(node)
            case gast.IfExp():
                test, body, orelse = map(self.expression, (node.test, node.body, node.orelse))
                return Conditional(test=test, body=body, orelse=orelse, span=at)
            case gast.Call():
                return self.call(node)
            case gast.Subscript():
                return (
                    self.held_in_dict(node)
                    or self.extent(node)
                    or part_of_division(node, self.canonical, self.expression, span_of)
                    or self.element(node)
                )
            case gast.Attribute() if (found := self.read_attribute(node)) is not None:
                return found
        if isinstance(node, tuple(COMPREHENSIONS)):
            raise Unmodelled(Comprehension(span=at, kind=COMPREHENSIONS[type(node)]))
        raise self.unsupported(node, names.expression_kind(node))

    def read_attribute(self, node: Any) -> Expression | None:
        """Return a constant of a module, a part of a number or what an object has."""
        at = span_of(node)
        constant = self.math_constant(node)
        if constant is not None:
            return constant
        if node.attr in ("real", "imag") and not self.is_module(node.value):
            return Call(function=node.attr, arguments=(self.expression(node.value),), span=at)
        name = self.place(node)
        return None if name is None else Name(name=name, span=at)

    def held_in_dict(self, node: Any) -> Name | None:
        """Return `p["dt"]` as a name; None for any other subscript."""
        name = self.place(node)
        return None if name is None else Name(name=name, span=span_of(node))

    def operator(self, node: Any) -> BinaryOperator:
        operator: Any = _BINARY.get(type(node.op))
        if operator is None:
            raise self.unsupported(node, "matrix product")
        found: BinaryOperator = operator
        return found

    def unsupported(self, node: Any, kind: str) -> Unmodelled:
        return Unmodelled(
            UnsupportedExpression(span=span_of(node), expression=self.text(node), kind=kind)
        )

    def unary(self, node: Any) -> Expression:
        operand = self.expression(node.operand)
        operator: Any = _UNARY[type(node.op)]
        # `-1` is a literal to the reader, though not to the grammar; `-True` is an int.
        if operator == "-" and isinstance(operand, Constant) and type(operand.value) is not bool:
            return Constant(value=-operand.value, span=span_of(node))
        return Unary(operator=operator, operand=operand, span=span_of(node))

    def comparison(self, node: Any) -> Expression:
        operands = [self.expression(each) for each in (node.left, *node.comparators)]
        if any(type(operator) not in _COMPARE for operator in node.ops):
            raise self.unsupported(node, "'is' or 'in' comparison")
        parts = tuple(
            Compare(
                operator=_COMPARE[type(operator)],  # type: ignore[arg-type]  # a table of literals
                left=left,
                right=right,
                span=span_of(node),
            )
            for operator, left, right in zip(node.ops, operands, operands[1:], strict=False)
        )
        if len(parts) == 1:
            return parts[0]
        return BoolOp(operator="and", values=parts, span=span_of(node))

    def call(self, node: Any) -> Expression:
        key = self.user_function(node)
        if key is not None:
            return self.call_of_helper(node, key, 1)
        displayed = display_form(node, self.canonical(node.func), self.expression, span_of)
        row = displayed or self.call_on_rows(node)
        if row is not None:
            return row
        match node:
            case gast.Call(
                func=gast.Attribute(value=number, attr="conjugate"), args=[], keywords=[]
            ) if not self.is_module(number):
                found = (self.expression(number),)
                return Call(function="conjugate", arguments=found, span=span_of(node))
        function = self.canonical(node.func)
        array = self.place(node.args[0]) if function == "len" and len(node.args) == 1 else None
        if array is not None:
            return Extent(array=array, axis=0, span=span_of(node))
        if function == "len" and self.required is not None and len(node.args) == 1:
            measured = self.length_of_part(node)
            if measured is not None:
                return measured
        plain = not node.keywords and not any(isinstance(e, gast.Starred) for e in node.args)
        if function == WHERE and self.takes_choices and plain and len(node.args) == 3:
            three = tuple(self.expression(each) for each in node.args)
            return Call(function=WHERE, arguments=three, span=span_of(node))
        if function not in names.MODELLED_FUNCTIONS or not plain:
            if self.takes_draws and (drawn := self.drawn(node)) is not None:
                return drawn
            raise Unmodelled(self.unknown_call(node))
        arguments = tuple(self.expression(each) for each in node.args)
        return Call(function=own_name(function), arguments=arguments, span=span_of(node))

    def length_of_part(self, node: Any) -> Extent | None:
        """Return `len(a[i])` as an extent, and note that there is such a part; None for others."""
        (part,) = node.args
        if not isinstance(part, gast.Subscript) or self.required is None:
            return None
        element = self.element(part)
        at = span_of(node)
        for axis, index in enumerate(element.indices):
            extent = Extent(array=element.array, axis=axis, span=at)
            zero: Expression = Constant(value=0, span=at)
            low: Expression = index
            if isinstance(index, Constant) and isinstance(index.value, int) and index.value < 0:
                low = Constant(value=-1 - index.value, span=at)  # counted from the end
            self.required.append(Compare(operator="<=", left=zero, right=low, span=at))
            self.required.append(Compare(operator="<", left=low, right=extent, span=at))
        return Extent(array=element.array, axis=len(element.indices), span=at)

    def call_on_rows(self, node: Any) -> Call | None:
        """Return the call of a function of rows: `np.sum(a[i])`, `a[i].sum()`; None for others."""
        if any(isinstance(each, gast.Starred) for each in node.args):
            return None
        arguments = node.args
        function = row_function(self.canonical(node.func))
        match node.func:
            case gast.Attribute(value=array, attr=method) if function is None:
                if method not in ROW_METHODS or self.is_module(array):
                    return None
                function, arguments = f"numpy.{method}", [array, *arguments]
        if function is None or len(arguments) != rows_wanted(function):
            return None
        if node.keywords and not (function in WITH_AXIS and _is_of_rows(node.keywords)):
            return None
        if any(isinstance(each, gast.GeneratorExp) for each in arguments):
            return None
        return self.on_rows(function, arguments, span_of(node))

    def on_rows(self, function: str, arguments: list[Any], at: Span) -> Call:
        """Return a call of which the arguments may have slices."""
        before, self.takes_slices = self.takes_slices, True
        try:
            found = tuple(self.expression(each) for each in arguments)
        finally:
            self.takes_slices = before
        return Call(function=function, arguments=found, span=at)

    def drawn(self, node: Any) -> Element | None:
        """Return what stands for a call that draws numbers; None for any other."""
        path = draw_path(node)
        if path is None:
            return None
        at = span_of(node)
        name = f"{DRAWN}{at.line}_{at.column}"
        size = size_drawn(node, path)
        values = [*node.args, *(each.value for each in node.keywords)]
        self.draws[name] = Draw(
            array=name,
            path=path,
            arguments=tuple(map(self.argument_of_draw, values)),
            span=at,
            keywords=tuple(each.arg for each in node.keywords),
            size=None if size is None else self.expression(size),
        )
        return Element(array=name, indices=(), span=at)

    def argument_of_draw(self, node: Any) -> Expression:
        """Return an argument of a call that draws; a list of numbers may be one."""
        if is_display(node):
            parts = tuple(map(self.expression, node.elts))
            return Call(function=DISPLAY, arguments=parts, span=span_of(node))
        return self.expression(node)

    def unknown_call(self, node: Any) -> Reason:
        """Return why nothing is known of a call."""
        match node.func:
            case gast.Name(id=name) if name in self.steady and name not in self.known:
                return FunctionNotKnown(span=span_of(node), function=name)
            case gast.Attribute(value=gast.Name(id=base), attr=attribute) if (
                base in self.steady
                and base not in self.known
                and is_method(file_of(self.source.text.text), attribute)
            ):
                name = chain(base, (attribute,))
                return FunctionNotKnown(span=span_of(node), function=name)
        return UnknownCall(span=span_of(node), function=self.text(node.func))

    def user_function(self, node: Any) -> str | None:
        """Return what stands for the function of the user that `node` calls, if it is one."""
        function = self.canonical(node.func)
        if function == names.RECURSIVE:
            raise self.not_in_place(node, "it calls itself")
        return function if function in self.callees else None

    def not_in_place(self, node: Any, detail: str) -> Unmodelled:
        """Return why a call of a function of the user stays one."""
        called = self.text(node.func)
        return Unmodelled(CannotInline(span=span_of(node), function=called, detail=detail))

    def call_of_helper(self, node: Any, key: str, wanted: int | None) -> Call:
        """Return a call of a function of the user; `wanted` values, None where it stands alone."""
        definition = self.callees[key].find()
        given = bound_arguments(self.with_object(node), definition.args)
        if given is None:
            raise self.not_in_place(node, "which argument is which is not known")
        values = arity(definition.body)
        if wanted is not None and values is not None and values != wanted:
            raise self.not_in_place(node, f"it returns {_counted(values)}, not {_counted(wanted)}")
        passed = self.passed_functions(definition, given)
        if passed:
            here = ", ".join(f"{name}={meaning}" for name, meaning in sorted(passed.items()))
            callee, key = self.callees[key], f"{key} with {here}"
            self.callees[key] = given_functions(callee, passed)
        self.called.add(key)
        parameters = names.argument_names(definition.args)
        pairs = zip(parameters, given, strict=True)
        arguments = tuple(self.expression(each) for name, each in pairs if name not in passed)
        return Call(function=key, arguments=arguments, span=span_of(node))

    def with_object(self, node: Any) -> Any:
        """Return the call of a method as one of the function that it is."""
        match node.func:
            case gast.Attribute(value=gast.Name(id=base) as first, attr=attribute) if (
                f"{base}.{attribute}" in self.methods
            ):
                whole = gast.Call(node.func, [first, *node.args], node.keywords)
                return gast.copy_location(whole, node)
        return node

    def know(self, given: Mapping[str, str]) -> None:
        """Take variables that nothing binds in a loop for the functions that somebody saw there."""
        for name, key in given.items():
            if base_of(name) in self.steady:
                self.known[dotted(name)] = key
                if is_chain(name):
                    self.methods |= {dotted(name)}

    def passed_functions(self, definition: Any, given: list[Any]) -> dict[str, str]:
        """Return the parameters that are functions in a call with the arguments `given`."""
        bound = names.scope_of(definition.body).bound
        found: dict[str, str] = {}
        pairs = zip(names.argument_names(definition.args), given, strict=True)
        for name, argument in pairs:
            meaning = self.canonical(argument)
            is_function = meaning in self.callees or meaning in names.MODELLED_FUNCTIONS
            if meaning is not None and is_function and name not in bound:
                found[name] = meaning
        return found

    def canonical(self, node: Any) -> str | None:
        """Return the canonical name of what a name or `module.name` stands for."""
        match node:
            case gast.Name():
                return self.known.get(node.id)
            case gast.Attribute(value=gast.Name() as module):
                whole = self.known.get(f"{module.id}.{node.attr}")
                found = self.known.get(module.id)
                if whole is not None:
                    return whole
                return None if found is None else f"{found}.{node.attr}"
            case gast.Attribute(value=gast.Attribute() as inner):
                found = self.canonical(inner)
                return f"{found}.{node.attr}" if found == names.LINALG else None
        return None

    def place(self, node: Any) -> str | None:
        """Return what a name or a chain of attributes is called: `x`, `self.grid.x`, `p["x"]`."""
        attributes: list[str] = []
        while True:
            key = names.key_of(node)
            if key is not None:
                attributes.append(f"{KEY}{key}")
            elif isinstance(node, gast.Attribute):
                attributes.append(node.attr)
            else:
                break
            node = node.value
        if not isinstance(node, gast.Name):
            return None
        if attributes and (node.id in self.known or not _OF_ARRAYS.isdisjoint(attributes)):
            return None
        return chain(node.id, tuple(reversed(attributes)))

    def is_module(self, node: Any) -> bool:
        """Return whether `node` is a name that means something outside: a module, a function."""
        return isinstance(node, gast.Name) and node.id in self.known

    def math_constant(self, node: Any) -> Constant | None:
        value = names.MATH_CONSTANTS.get(self.canonical(node) or "")
        return None if value is None else Constant(value=value, span=span_of(node))

    def extent(self, node: Any) -> Extent | None:
        """Return `a.shape[k]` as an extent; None if the subscript is anything else."""
        match node:
            case gast.Subscript(value=gast.Attribute(value=array, attr="shape")):
                name = self.place(array)
                match self.expression(node.slice):
                    case Constant(value=axis) if type(axis) is int and name is not None:
                        at = span_of(node)
                        return Extent(array=name, axis=axis, span=at, is_attribute=True)
        return None

    def element(self, node: Any) -> Element:
        indices: list[Any] = []
        base, has_tuple = node, False
        while isinstance(base, gast.Subscript) and names.key_of(base) is None:
            inner = base.slice
            has_tuple = has_tuple or isinstance(inner, gast.Tuple)
            here = list(inner.elts) if isinstance(inner, gast.Tuple) else [inner]
            indices = here + indices
            base = base.value
        array = self.place(base)
        if array is None and names.key_of(base) is not None:
            self.expression(base.value)  # as below; `base` itself is what is being read
            raise Unmodelled(ArrayStatement(span=span_of(node), text=self.text(node)))
        if array is None:
            self.expression(base)  # what is wrong with it says more
            raise self.unsupported(base, names.expression_kind(base))
        if not indices or any(map(self.is_whole, indices)) or self.cuts_parts(node):
            raise Unmodelled(ArrayStatement(span=span_of(node), text=self.text(node)))
        return Element(
            array=array,
            indices=tuple(map(self.subscript, indices)),
            span=span_of(node),
            has_tuple=has_tuple,
        )

    def is_whole(self, index: Any) -> bool:
        """Return whether a subscript selects more than one element, and may not do so here."""
        is_taken = self.takes_slices and isinstance(index, gast.Slice)
        return names.is_array_index(index) and not is_taken

    def cuts_parts(self, node: Any) -> bool:
        """Return whether `node` is an element of a part: `a[1:][0]` is not `a[1:, 0]`."""
        outer = node.value
        while isinstance(outer, gast.Subscript):
            inner = outer.slice.elts if isinstance(outer.slice, gast.Tuple) else [outer.slice]
            if any(isinstance(each, gast.Slice) for each in inner):
                return True
            outer = outer.value
        return False

    def subscript(self, node: Any) -> Expression:
        if not isinstance(node, gast.Slice):
            return self.expression(node)
        limits = (node.lower, node.upper, node.step)
        start, stop, step = (None if each is None else self.limit(each) for each in limits)
        return Slice(start=start, stop=stop, step=step, span=span_of(node))

    def limit(self, node: Any) -> Expression | None:
        """Return an end of a slice, or its step; None where it says nothing."""
        is_nothing = isinstance(node, gast.Constant) and node.value is None
        return None if is_nothing else self.expression(node)

    # ------------------------------------------------------------------------ text

    def text(self, node: Any) -> str:
        return self.source.text.segment(span_of(node))

    def header(self, node: Any) -> str:
        """Return the source of a statement up to its body, without the colon."""
        blocks = [body[0] for body in names.blocks(node) if body]
        if not blocks:
            return self.text(node)
        first = blocks[0]
        head = Span(
            line=node.lineno,
            column=node.col_offset,
            end_line=first.lineno,
            end_column=first.col_offset,
        )
        return names.without_comments(self.source.text, head).rstrip(" :")


def _is_of_rows(keywords: list[Any]) -> bool:
    """Return whether what a function of rows is told says no more than that it has one axis."""
    match keywords:
        case [gast.keyword(arg="axis", value=value)]:
            axis = value.operand if isinstance(value, gast.UnaryOp) else value
            is_first = isinstance(axis, gast.Constant) and axis.value in (0, None)
            is_last = isinstance(value, gast.UnaryOp) and isinstance(value.op, gast.USub)
            return is_first or (is_last and isinstance(axis, gast.Constant) and axis.value == 1)
    return False


def _counted(number: int) -> str:
    words = {0: "nothing", 1: "one value"}
    return words.get(number, f"{number} values")
