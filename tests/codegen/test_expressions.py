"""The text of typed statements, for the CPU and for CUDA."""

from __future__ import annotations

import math

import pytest

from autopar.analysis.model.loop_ir import Binary, Constant, Name
from autopar.analysis.model.source import Span
from autopar.analysis.model.typed import (
    CONVERSION,
    DOMAIN_ERROR,
    FLOAT_WARNING,
    INTEGER_OVERFLOW,
    INTEGER_WARNING,
    ZERO_DIVISION,
    Cast,
    Index,
    Load,
    Number,
    Operation,
    Store,
    Variable,
)
from autopar.analysis.model.types import FLOAT, INT, NumpyScalar
from autopar.codegen.expressions import (
    Names,
    is_printable,
    print_expression,
    print_integer,
    print_statement,
)

AT = Span(line=1, column=0, end_line=1, end_column=1)
F64, F32, I8 = (NumpyScalar(dtype=dtype) for dtype in ("float64", "float32", "int8"))
I = Name(name="i", span=AT)
ONE = Constant(value=1, span=AT)
BEFORE = Binary(operator="-", left=I, right=ONE, span=AT)


def variable(name, type_):
    return Variable(name=name, type=type_, span=AT)


def load(type_, index=I):
    return Load(array="a", indices=(index,), type=type_, span=AT)


def apply(name, *operands, hazards=0, type_=None):
    type_ = type_ or operands[0].type
    return Operation(name=name, operands=operands, type=type_, hazards=hazards, span=AT)


def number(value, type_):
    return Number(value=value, type=type_, span=AT)


def text(expression, target="cpu", **options):
    printed = print_expression(expression, Names(), target, **options)
    return "\n".join((*printed.lines, printed.text))


def test_store_casts_its_subscripts_last():
    statement = Store(
        array="b",
        indices=(I, BEFORE),
        value=apply("+", load(F64, BEFORE), number(0.5, F64), hazards=FLOAT_WARNING),
        span=AT,
    )
    printed = print_statement(statement, Names(), "cpu")
    assert printed.lines == ("b[np.uintp(i), np.uintp(i - 1)] = a[np.uintp(i - 1)] + 0.5",)


def test_names_are_spelled_as_the_generator_wants_them():
    names = Names(iterators={"i": Binary(operator="+", left=Name(name="c0", span=AT), right=ONE, span=AT)},
                  spelled={"a": "a_", "s": "s_local"})  # fmt: skip
    value = apply("*", load(F64, BEFORE), variable("s", F64))
    assert print_expression(value, names, "cpu").text == "a_[np.uintp(c0)] * s_local"
    assert print_integer(BEFORE, names) == "c0"


def test_small_integers_are_widened_checked_and_wrapped():
    value = apply("+", load(I8), number(3, I8), hazards=INTEGER_WARNING)
    assert text(value) == (
        "t0 = np.int64(a[np.uintp(i)]) + 3\nstatus |= range_status(t0, -128, 127, 16)\nnp.int8(t0)"
    )
    assert text(apply("+", load(I8), number(3, I8))) == "np.int8(np.int64(a[np.uintp(i)]) + 3)"


def test_python_int_that_may_outgrow_64_bits_is_checked():
    value = apply("*", variable("k", INT), variable("k", INT), hazards=INTEGER_OVERFLOW)
    assert text(value) == "t0, t0_failed = mul_int64(k, k, 2)\nstatus |= t0_failed\nt0"


def test_python_division_by_zero_sets_the_status():
    value = apply("/", number(1.0, FLOAT), load(F64), hazards=ZERO_DIVISION | FLOAT_WARNING)
    assert text(value) == ("t0 = a[np.uintp(i)]\nstatus |= 1 if t0 == 0.0 else 0\n1.0 / t0")


def test_failing_function_is_compared_with_its_argument():
    value = apply("math.log", variable("x", FLOAT), hazards=DOMAIN_ERROR)
    assert text(value) == "t0 = libm_log(x)\nstatus |= domain_status(x, t0, 4)\nt0"
    assert text(apply("math.log", variable("x", FLOAT)), "cuda") == "math.log(x)"


def test_conversion_of_a_float_accepts_what_truncates_into_the_dtype():
    value = Cast(operand=variable("x", F64), type=I8, hazards=CONVERSION, span=AT)
    assert text(value) == (
        "t0, t0_failed = float_to_int64(x, -128.99999999999997, 128.0, 8)\n"
        "status |= t0_failed\n"
        "np.int8(t0)"
    )


def test_python_int_becomes_a_float32_by_way_of_a_float64():
    python = Cast(operand=variable("k", INT), type=F32, hazards=0, span=AT)
    numpy = Cast(operand=variable("k", NumpyScalar(dtype="int64")), type=F32, hazards=0, span=AT)
    assert ["np.float32(np.float64(k))", "np.float32(k)"] == [text(python), text(numpy)]


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("+", F64, "dadd_rn(x, y)"),
        ("-", F64, "dadd_rn(x, -y)"),
        ("*", F64, "dmul_rn(x, y)"),
        ("/", F64, "x / y"),
        ("+", F32, "fadd_rn(x, y)"),
        ("-", F32, "fsub_rn(x, y)"),
        ("*", F32, "fmul_rn(x, y)"),
    ],
)
def test_cuda_arithmetic_is_never_contracted(name, type_, expected):
    value = apply(name, variable("x", type_), variable("y", type_))
    assert expected == text(value, "cuda")
    assert text(value, "cuda", fastmath=True) == f"x {name} y"
    assert text(value) == f"x {name} y"


def test_power_calls_libm_on_the_cpu_and_multiplies_on_cuda():
    value = apply("**", variable("x", F64), number(2.0, F64))
    assert text(value) == "libm_pow(x, 2.0)"
    assert text(value, "cuda") == "dmul_rn(x, x)"
    assert (
        text(apply("**", variable("x", F32), number(2.0, F32))) == "libm_powf(x, np.float32(2.0))"
    )


def test_nested_operands_are_parenthesised():
    inner = apply("+", variable("x", F64), variable("y", F64))
    value = apply("*", apply("-", inner), inner)
    assert text(value) == "(-(x + y)) * (x + y)"


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (-0.0, F64, "-0.0"),
        (math.inf, F64, "np.inf"),
        (-math.inf, F32, "np.float32(-np.inf)"),
        (math.nan, FLOAT, "np.nan"),
        (1e-300, FLOAT, "1e-300"),
        (-(2**63), INT, "-9223372036854775807 - 1"),
        (2**64 - 1, NumpyScalar(dtype="uint64"), "np.uint64(18446744073709551615)"),
        (complex(-0.0, 2.0), NumpyScalar(dtype="complex128"), "complex(-0.0, 2.0)"),
    ],
)
def test_number_has_exactly_its_dtype(value, type_, expected):
    assert expected == text(number(value, type_))


def test_integer_parameter_of_another_dtype_is_cast():
    assert text(Index(expression=Name(name="n", span=AT), type=INT, span=AT)) == "n"
    assert text(Index(expression=Name(name="n", span=AT), type=I8, span=AT)) == "np.int8(n)"


def test_comparison_of_int64_and_uint64_is_exact():
    x, y = variable("x", NumpyScalar(dtype="uint64")), variable("y", INT)
    boolean = NumpyScalar(dtype="bool")
    assert text(apply("<", x, y, type_=boolean)) == "not less_equal_mixed(y, x)"
    assert text(apply(">", x, y, type_=boolean)) == "less_mixed(y, x)"


def test_complex_statement_has_no_cuda_form():
    statement = Store(array="b", indices=(I,), value=load(NumpyScalar(dtype="complex64")), span=AT)
    assert is_printable(statement, "cpu")
    assert not is_printable(statement, "cuda")


def test_printed_text_names_the_functions_it_calls():
    value = apply("+", apply("**", load(F64), number(3.0, F64)), number(1.0, F64))
    assert print_expression(value, Names(), "cpu").helpers == frozenset({"libm_pow"})
    assert print_expression(value, Names(), "cuda").device == frozenset({"dadd_rn"})
