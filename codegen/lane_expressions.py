"""Print typed statements of integers as operations on lanes (`codegen.lanes`).

Before:  S1: c[i, j] = c[i - 1, j - 1] + 1        under `if_7`, may wrap
After:   S1_0_lanes = lanes_add(c_1_2_lanes, lanes_all(1, 8))
         told16_lanes = lanes_or(told16_lanes, ...)             negative where a lane has wrapped

What stands under a test is computed in all lanes, so nothing here raises, and what may fail is
told only for the lanes that the test lets through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    WRAPS,
    Cast,
    Index,
    Load,
    Number,
    Operation,
    SetVariable,
    Store,
    TypedExpression,
    TypedStatement,
    Variable,
    hazards_of,
    walk_statement,
    walk_typed,
)
from autopar.analysis.model.types import INTEGER_LIMITS

from .operations import CHECKED
from .printing import number_text

# Of uint64 some operations are told in another way.
_DTYPES = frozenset(INTEGER_LIMITS) - {"uint64"}
_COMPARISONS: Mapping[str, str] = MappingProxyType(
    {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
)
_ARITHMETIC: Mapping[str, str] = MappingProxyType({"+": "add", "-": "sub", "*": "mul"})
_BITS: Mapping[str, str] = MappingProxyType({"&": "and", "|": "or", "^": "xor"})
_EXTREMA: Mapping[str, str] = MappingProxyType({"min": "least", "max": "greatest"})


def fits_lanes(statement: TypedStatement) -> bool:
    """Return whether all of a statement can be printed."""
    return isinstance(statement, Store | SetVariable) and all(
        _fits(each) for each in walk_statement(statement)
    )


def _fits(node: TypedExpression) -> bool:
    if node.type.dtype not in _DTYPES:
        return False
    match node:
        case Cast():
            return node.operand.type.dtype in _DTYPES
        case Operation():
            return _operation_fits(node)
        case _:
            return True


def _operation_fits(node: Operation) -> bool:
    dtypes = {each.type.dtype for each in node.operands}
    is_of_bools, status = dtypes == {"bool"}, node.hazards & CHECKED
    match node.name:
        case "and" | "or":
            others = (part for each in node.operands[1:] for part in walk_typed(each))
            return is_of_bools and not any(map(hazards_of, others))
        case "not":
            return True
        case "if":
            return node.operands[0].type.dtype == "bool" and len(dtypes - {"bool"}) <= 1
        case "+" | "-" if len(node.operands) > 1 or not status:
            return not is_of_bools
        case "*":
            return not is_of_bools and not status
        case "~":
            return True
        case "&" | "|" | "^":
            return len(node.operands) > 1
        case "min" | "max":
            return not is_of_bools and len(dtypes) == 1
        case _:
            return node.name in _COMPARISONS and len(dtypes) == 1


@dataclass(slots=True, kw_only=True)
class LanePrinter:
    """Prints expressions, each as the text of lanes."""

    count: int
    # The text of an element, and of an integer, in all lanes.
    load: Callable[[Load], str]
    index: Callable[[Index], str]
    live_in: Callable[[str], str]  # of a scalar from outside
    variables: dict[str, str] = field(default_factory=dict)  # lanes of what was assigned
    lines: list[str] = field(default_factory=list)
    told: set[int] = field(default_factory=set)  # statuses that were told
    used: set[str] = field(default_factory=set)  # functions of codegen.lanes
    mask: str | None = None  # lanes that the statement runs in
    _made: int = 0

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function of `codegen.lanes`."""
        self.used.add(name)
        return f"{name}({', '.join(arguments)})"

    def same(self, scalar: str) -> str:
        """Return lanes with one value."""
        return self.call("lanes_all", scalar, str(self.count))

    def fresh(self, source: str) -> str:
        """Return a name that holds lanes."""
        if source.isidentifier():
            return source
        name = f"term{self._made}_lanes"
        self._made += 1
        self.lines.append(f"{name} = {source}")
        return name

    def masked(self, test: str) -> str:
        """Return the lanes of `test` that the statement runs in."""
        return test if self.mask is None else self.call("lanes_and", self.mask, test)

    def value(self, node: TypedExpression) -> str:
        """Return the lanes of an expression."""
        match node:
            case Number():
                dtype = node.type.dtype
                number = number_text(node.value, dtype)
                return self.same(f"np.{dtype}({number})" if dtype == "int64" else number)
            case Variable():
                return self.variables.get(node.name) or self.live_in(node.name)
            case Index():
                return self.index(node)
            case Load():
                return self.load(node)
            case Cast():
                return self._checked_cast(node)
            case Operation():
                return self._operation(node)

    def _checked_cast(self, node: Cast) -> str:
        source, origin = self.value(node.operand), node.operand.type.dtype
        status = node.hazards & CHECKED
        if status:
            wide = self.fresh(self._cast(source, origin, "int64"))
            self.tell(status, self._outside(wide, node.type.dtype))
        return self._cast(source, origin, node.type.dtype)

    def _outside(self, value: str, dtype: str) -> str:
        """Return lanes that are negative where an int64 is no `dtype`."""
        low, high = (self.same(f"np.int64({each})") for each in INTEGER_LIMITS[dtype])
        below, above = self.call("lanes_sub", value, low), self.call("lanes_sub", high, value)
        return self.call("lanes_or", below, above)

    def _cast(self, source: str, origin: str, dtype: str) -> str:
        if origin == dtype:
            return source
        if dtype == "bool":
            return self.call("lanes_ne", source, self.same(_zero(origin)))
        return self.call(f"lanes_{dtype}", source)

    def _operation(self, node: Operation) -> str:
        if node.name == "if":
            return self._choice(node)
        dtypes = [each.type.dtype for each in node.operands]
        sources = [self.value(each) for each in node.operands]
        match node.name:
            case "and" | "or":
                return self._folded(f"lanes_{node.name}", sources)
            case "not":
                if dtypes[0] == "bool":
                    return self.call("lanes_not", sources[0])
                return self.call("lanes_eq", sources[0], self.same(_zero(dtypes[0])))
            case "~":
                return self.call("lanes_not", sources[0])
            case "&" | "|" | "^":
                return self._folded(f"lanes_{_BITS[node.name]}", sources)
            case "min" | "max":
                return self._folded(f"lanes_{_EXTREMA[node.name]}", sources)
            case "+" | "-" | "*":
                return self._arithmetic(node, sources)
        return self.call(f"lanes_{_COMPARISONS[node.name]}", *sources)

    def _folded(self, name: str, sources: list[str]) -> str:
        found, *others = sources
        for each in others:
            found = self.call(name, found, each)
        return found

    def _choice(self, node: Operation) -> str:
        test, one, other = node.operands
        holds, around = self.fresh(self.value(test)), self.mask
        self.mask = self.masked(holds)
        first = self.value(one)
        self.mask = around
        self.mask = self.masked(self.call("lanes_not", holds))
        second = self.value(other)
        self.mask = around
        return self.call("lanes_if", holds, first, second)

    def _arithmetic(self, node: Operation, sources: list[str]) -> str:
        """Compute in int64, as `codegen.operations` does."""
        dtype, status = node.type.dtype, node.hazards & CHECKED & ~WRAPS
        wide = [self._cast(each, dtype, "int64") for each in sources]
        if len(wide) == 1 and node.name == "-":
            wide = [self.same("np.int64(0)"), *wide]
        name = f"lanes_{_ARITHMETIC[node.name]}"
        if not status:
            return self._cast(self._folded(name, wide), "int64", dtype)
        left, right = map(self.fresh, wide)
        value = self.fresh(self.call(name, left, right))
        if dtype == "int64":
            self.tell(status, self._wrapped(node.name, left, right, value))
            return value
        self.tell(status, self._outside(value, dtype))
        return self._cast(value, "int64", dtype)

    def _wrapped(self, name: str, left: str, right: str, value: str) -> str:
        """Return lanes that are negative where a sum or difference has wrapped."""
        has_turned = self.call("lanes_xor", left, value)
        other = value if name == "+" else left
        return self.call("lanes_and", has_turned, self.call("lanes_xor", right, other))

    def tell(self, status: int, negative: str) -> None:
        """Print that `status` is told where lanes are negative."""
        self.told.add(status)
        if self.mask is not None:
            negative = self.call("lanes_if", self.mask, negative, self.same("np.int64(0)"))
        note = told_name(status)
        self.lines.append(f"{note} = {self.call('lanes_or', note, negative)}")


def told_name(status: int) -> str:
    """Return the name of the lanes that are negative where `status` is to be told."""
    return f"told{status}_lanes"


def _zero(dtype: str) -> str:
    return f"np.{dtype}(0)"
