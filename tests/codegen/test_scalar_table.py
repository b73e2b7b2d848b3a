"""Every cell of the promotion table, compiled: the same bits, type, failures and warnings as
CPython and NumPy give for boundary values."""

from __future__ import annotations

import builtins
import itertools
import math
import operator
import warnings
from typing import Any

import numba
import numpy as np
import pytest

from autopar.analysis.model.loop_ir import Binary, Call, Compare, Constant, Name, Unary
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    FAILURES,
    FLOAT_WARNING,
    INTEGER_WARNING,
    SetVariable,
    walk_typed,
)
from autopar.analysis.model.types import (
    BOOL,
    COMPILED_DTYPES,
    COMPLEX,
    FLOAT,
    INT,
    INTEGER_LIMITS,
    NumpyScalar,
    PythonScalar,
    ScalarType,
)
from autopar.analysis.passes.promotion import LIBM, LIBM_OF_TWO
from autopar.analysis.passes.reasons import UnsupportedType
from autopar.analysis.passes.type_expression import stored, type_expression
from autopar.analysis.passes.type_operations import Scope
from autopar.codegen.expressions import Names, print_statement
from autopar.codegen.scalars import HELPERS, cpu_helper
from tests.effort import some

SPAN = Span(line=1, column=0, end_line=1, end_column=1)
ARITHMETIC = ("+", "-", "*", "/", "//", "%")
REST = ("**", "<<", ">>", "&", "|", "^")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
FUNCTIONS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "<<": operator.lshift,
    ">>": operator.rshift, "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
    "neg": operator.neg, "pos": operator.pos, "~": operator.invert, "not": operator.not_,
}  # fmt: skip
PYTHON = (BOOL, INT, FLOAT)
TYPES: tuple[ScalarType, ...] = (
    *PYTHON,
    *(NumpyScalar(dtype=dtype) for dtype in COMPILED_DTYPES if "complex" not in dtype),
)
# The other integers behave as one of these; they meet these only.
MAIN = tuple(t for t in TYPES if t.dtype not in ("int16", "int32", "uint8", "uint16"))
SOME = (NumpyScalar(dtype="float32"), NumpyScalar(dtype="uint64"))
FLOATS = (
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.1,
    7.0,
    -3.0,
    1e30,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
    2.0**53,
)


def values_of(type_):
    """Boundary values of a type, as Python or NumPy scalars."""
    dtype = type_.dtype
    if dtype == "bool":
        numbers: list[Any] = [False, True]
    elif dtype in INTEGER_LIMITS:
        low, high = INTEGER_LIMITS[dtype]
        numbers = [0, 1, 2, 3, 7, 100, low, low + 1, high, high - 1, high // 2 + 1]
        numbers += [-1, -2, -7] if low else []
        numbers += [2**53 + 1, 2**60 + 2**36 + 1] if high > 2**60 else []
    elif "complex" in dtype:
        numbers = [complex(x, y) for x in (0.0, -0.0, 1.5, 1e30) for y in (0.0, -2.5, 0.1)]
    else:
        numbers = list(FLOATS)
    if isinstance(type_, PythonScalar):
        return numbers
    with np.errstate(all="ignore"):
        return [np.dtype(dtype).type(number) for number in numbers]


def expected(function, arguments):
    """The interpreter's value (or exception), and whether it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*arguments)
        except (ArithmeticError, ValueError, MemoryError) as error:
            return error, bool(caught)
    return value, bool(caught)


def type_of(value):
    if isinstance(value, np.generic):
        return NumpyScalar(dtype=value.dtype.name)
    return {bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX}[type(value)]


def same_bits(left, right):
    left, right = np.asarray(left), np.asarray(right)
    if left.dtype.kind in "fc":
        return np.array_equal(left, right, equal_nan=True) and np.array_equal(
            np.signbit(left.real)[~np.isnan(left)], np.signbit(right.real)[~np.isnan(right)]
        )
    return np.array_equal(left, right)


def is_small(value):
    """Whether a result or operand is so small that no check may fail on it."""
    if isinstance(value, Exception):
        return False
    return bool(np.all((np.real(value) >= 0) & (np.real(value) <= 100)))


class Cells:
    """Expressions over x and y that are compiled into one function and checked together."""

    def __init__(self, types):
        self.types = types
        samples = [values_of(type_) for type_ in types]
        self.arguments = list(itertools.product(*samples))
        self.expressions = []

    def add(self, name, function, expression, dtype=None):
        """Add an expression; with `dtype` its value is stored in an array of that."""
        names = ("x", "y")[: len(self.types)]
        scope = Scope(
            arrays={},
            integers={},
            variables=dict(zip(names, self.types, strict=True)),
            intervals={},
        )
        typed = type_expression(expression, scope)
        if isinstance(typed, UnsupportedType):
            return False
        value = typed if dtype is None else stored(typed, dtype, scope)
        if value is None:
            return False
        self.expressions.append((name, function, value))
        return True

    def source(self):
        count = len(self.expressions)
        lines = [f"def kernel(n, xs, ys, failed, {', '.join(f'r{k}' for k in range(count))}):"]
        lines += ["  for k in range(n):", "    x = xs[k]; y = ys[k]"]
        helpers: set[str] = set()
        for k, (_, _, typed) in enumerate(self.expressions):
            variable = SetVariable(name=f"v{k}", value=typed, span=SPAN)
            printed = print_statement(variable, Names(prefix=f"t{k}_"), "cpu")
            helpers |= printed.helpers
            lines += ["    status = 0", *(f"    {line}" for line in printed.lines)]
            lines += [f"    failed[{k}, k] = status", f"    r{k}[k] = v{k}"]
        return "\n".join(lines), helpers

    def run(self):
        """Return the results, the status words and the Numba types of the results."""
        source, helpers = self.source()
        namespace = {"np": np, "math": math, **{name: cpu_helper(name) for name in helpers}}
        exec(source, namespace)
        kernel = numba.njit(nogil=True, error_model="numpy")(namespace["kernel"])
        columns = [
            np.array(column, dtype=type_.dtype)
            for column, type_ in zip(zip(*self.arguments, strict=True), self.types, strict=True)
        ]
        columns += [columns[0]] * (2 - len(columns))
        results = [np.zeros(len(columns[0]), each.type.dtype) for _, _, each in self.expressions]
        failed = np.zeros((len(self.expressions), len(columns[0])), np.int64)
        kernel(len(columns[0]), *columns, failed, *results)
        return results, failed

    def check(self):
        results, failed = self.run()
        wrong = []
        for k, (name, function, typed) in enumerate(self.expressions):
            hazards = 0
            for node in walk_typed(typed):
                hazards |= getattr(node, "hazards", 0)
            for arguments, value, status in zip(self.arguments, results[k], failed[k], strict=True):
                problem = self.problem(function, arguments, typed, value, int(status), hazards)
                if problem:
                    wrong.append((name, arguments, problem))
        assert [] == wrong[:10], f"{len(wrong)} wrong"

    @staticmethod
    def problem(function, arguments, typed, value, status, hazards):
        wanted, has_warned = expected(function, arguments)
        if status & ~hazards:
            return f"status {status} outside hazards {hazards}"
        if status & FAILURES:  # the interpreter does it again
            is_needless = all(is_small(each) for each in (wanted, *arguments))
            return "a needless failure" if is_needless else None
        if isinstance(wanted, Exception):
            return f"{wanted!r} was not noticed"
        if has_warned and not (status & INTEGER_WARNING or hazards & FLOAT_WARNING):
            return "a warning was not noticed"
        if status & INTEGER_WARNING and not has_warned:
            return "a warning too many"
        if isinstance(wanted, np.ndarray):
            wanted = wanted[0]  # a store
        elif type_of(wanted) != typed.type:
            return f"{wanted!r} is no {typed.type}"
        if not same_bits(wanted, value):
            return f"{wanted!r} became {value!r}"
        return None


@pytest.mark.parametrize("kind", ["complex", "complex64", "complex128"])
def test_parts_of_complex_numbers_are_those_of_the_interpreter(kind):
    type_ = COMPLEX if kind == "complex" else NumpyScalar(dtype=kind)
    parts = (0.0, -0.0, 1.5, -3e-320, 1.7e308, 2e19, math.inf, -math.inf, math.nan)
    cells = Cells((type_,))
    with np.errstate(all="ignore"):
        numbers = [complex(x, y) for x in parts for y in parts]
        made = numbers if kind == "complex" else [np.dtype(kind).type(each) for each in numbers]
    cells.arguments = [(each,) for each in made]
    x = (Name(name="x", span=SPAN),)
    functions = {
        "abs": abs, "complex": complex, "real": lambda z: z.real, "imag": lambda z: z.imag,
        "conjugate": lambda z: z.conjugate(),
    }  # fmt: skip
    for name, function in functions.items():
        assert cells.add(name, function, Call(function=name, arguments=x, span=SPAN))
    assert not cells.add("round", round, Call(function="round", arguments=x, span=SPAN))
    cells.check()


@pytest.mark.parametrize("types", [TYPES[:8], TYPES[8:]], ids=("first", "last"))
def test_parts_of_real_numbers_are_those_of_the_interpreter(types):
    x = Name(name="x", span=SPAN)
    for type_ in types:
        cells = Cells((type_, FLOAT))
        for name in ("real", "imag", "conjugate"):
            call = Call(function=name, arguments=(x,), span=SPAN)
            assert cells.add(name, lambda x, y, name=name: part_of(x, name), call)
        both = (x, Name(name="y", span=SPAN))
        assert cells.add("complex", complex, Call(function="complex", arguments=both, span=SPAN))
        cells.check()


def part_of(number, name):
    found = getattr(number, name)
    return found() if name == "conjugate" else found


def operation(name):
    x, y = Name(name="x", span=SPAN), Name(name="y", span=SPAN)
    if name in ("neg", "pos", "~", "not"):
        spelled = {"neg": "-", "pos": "+"}.get(name, name)
        return Unary(operator=spelled, operand=x, span=SPAN)
    kind = Compare if name in COMPARISONS else Binary
    return kind(operator=name, left=x, right=y, span=SPAN)


@pytest.mark.parametrize("left", TYPES, ids=str)
def test_binary_cell_computes_what_the_interpreter_computes(left):
    names = (*ARITHMETIC, *COMPARISONS, *(REST if left in MAIN else ()))
    rights = some(MAIN, TYPES.index(left)) if left in MAIN else (INT, FLOAT, *SOME)
    for right in dict.fromkeys((left, *rights)):
        cells = Cells((left, right))
        for name in names:
            cells.add(name, FUNCTIONS[name], operation(name))
        cells.check()


@pytest.mark.parametrize("types", [TYPES[:8], TYPES[8:]], ids=("first", "last"))
def test_unary_operation_and_conversion_compute_what_the_interpreter_computes(types):
    x = (Name(name="x", span=SPAN),)
    for type_ in types:
        cells = Cells((type_,))
        for name in ("neg", "pos", "~", "not"):
            cells.add(name, FUNCTIONS[name], operation(name))
        for name in ("abs", "int", "float", "bool", "round", "complex"):
            cells.add(name, getattr(builtins, name), Call(function=name, arguments=x, span=SPAN))
        for name in (*COMPILED_DTYPES[1:], "abs", "fabs", "sqrt", "floor", "ceil", "trunc", "rint",
                     "isnan", "isinf", "isfinite", "square"):  # fmt: skip
            call = Call(function=f"numpy.{name}", arguments=x, span=SPAN)
            cells.add(name, getattr(np, name), call)
        cells.check()


@pytest.mark.parametrize("types", [TYPES[:8], TYPES[8:]], ids=("first", "last"))
def test_store_converts_as_numpy_does(types):
    def store_in(dtype):
        def store(value):
            array = np.zeros(1, dtype)
            array[0] = value
            return array

        return store

    for type_ in types:
        cells = Cells((type_,))
        for dtype in COMPILED_DTYPES:
            cells.add(dtype, store_in(dtype), Name(name="x", span=SPAN), dtype)
        cells.check()


@pytest.mark.parametrize("kind", [FLOAT, NumpyScalar(dtype="float32"), INT], ids=str)
def test_function_of_math_computes_what_the_interpreter_computes(kind):
    rng = np.random.default_rng(0)
    floats = np.concatenate(
        (rng.normal(size=3000), np.exp(rng.normal(size=3000) * 9), rng.random(999))
    )
    drawn: list[Any] = [*floats.tolist(), *FLOATS]
    if kind != FLOAT:
        drawn = [
            int(each) if kind == INT else np.float32(each) for each in drawn if abs(each) < 1e9
        ]
    names = (*LIBM, "sqrt", "fabs", "isnan", "isinf", "isfinite", "floor", "ceil", "trunc")
    x = (Name(name="x", span=SPAN),)
    for chunk in (names[::2], names[1::2]):
        cells = Cells((kind,))
        cells.arguments = [(each,) for each in drawn]
        for name in chunk:
            call = Call(function=f"math.{name}", arguments=x, span=SPAN)
            if hasattr(math, name):
                cells.add(name, getattr(math, name), call)
        cells.check()


@pytest.mark.parametrize("dtype", ["float", "float64", "float32", "int64", "uint64", "int8"])
def test_function_of_two_computes_what_the_interpreter_computes(dtype):
    type_ = FLOAT if dtype == "float" else NumpyScalar(dtype=dtype)
    cells = Cells((type_, type_))
    both = (Name(name="x", span=SPAN), Name(name="y", span=SPAN))
    functions = {"min": min, "max": max, "numpy.minimum": np.minimum, "numpy.maximum": np.maximum}
    functions |= {
        "divmod.quotient": lambda x, y: divmod(x, y)[0],
        "divmod.remainder": lambda x, y: x % y,  # what else may happen, the quotient tells
    }
    functions |= {f"math.{name}": getattr(math, name) for name in LIBM_OF_TWO}
    for name, function in functions.items():
        assert cells.add(name, function, Call(function=name, arguments=both, span=SPAN))
    cells.check()


@pytest.mark.parametrize(
    "type_", [FLOAT, NumpyScalar(dtype="float64"), NumpyScalar(dtype="float32")], ids=str
)
def test_constant_power_has_the_bits_of_libm(type_):
    rng = np.random.default_rng(1)
    drawn = np.concatenate(
        (rng.random(5000) * 10, np.exp(rng.normal(size=2000) * 20), -rng.random(500))
    )
    cells = Cells((type_,))
    convert = float if type_ == FLOAT else np.dtype(type_.dtype).type
    cells.arguments = [(convert(each),) for each in drawn]
    for exponent in (2, 3, 0.5, -1, 1.7):
        power = Binary(
            operator="**",
            left=Name(name="x", span=SPAN),
            right=Constant(value=exponent, span=SPAN),
            span=SPAN,
        )
        assert cells.add("**", lambda x, e=exponent: complex_fails(x**e), power)
    cells.check()


def complex_fails(value):
    """A negative float to a fraction is complex, which the compiled power must report."""
    if isinstance(value, complex):
        raise ValueError(value)  # noqa: TRY004
    return value


@pytest.mark.parametrize(
    "right", ["complex", "complex64", "complex128", "float", "int8", "float32"]
)
def test_complex_cell_computes_what_the_interpreter_computes(right):
    kinds = {"complex": COMPLEX, "float": FLOAT}
    for left in (COMPLEX, NumpyScalar(dtype="complex64"), NumpyScalar(dtype="complex128")):
        cells = Cells((left, kinds.get(right) or NumpyScalar(dtype=right)))
        for name in ("+", "-", "*", "/", "==", "!=", "<"):
            cells.add(name, FUNCTIONS[name], operation(name))
        assert ["+", "-", "*", "==", "!="] == [name for name, _, _ in cells.expressions]
        cells.check()


def test_failures_are_not_reported_where_python_succeeds():
    cells = Cells((INT, INT))
    cells.arguments = [
        (x, y) for x in (-(2**30), -1, 5, 3**19) for y in (2**31, -(2**31), 7, -1, 2**32 + 1)
    ]
    for name in (*ARITHMETIC, *COMPARISONS):
        cells.add(name, FUNCTIONS[name], operation(name))
    _, failed = cells.run()
    assert not failed.any()


def test_every_helper_has_its_own_name():
    names = [helper.__name__ for helper in HELPERS]
    assert len(names) == len(set(names))
