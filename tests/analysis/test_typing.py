"""Typing a region: held dtypes, casts, hazards, intervals, and what is refused."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.loop_ir import For, walk_statements
from autopar.analysis.model.source import SourceText
from autopar.analysis.model.typed import (
    CONVERSION,
    DOMAIN_ERROR,
    FLOAT_WARNING,
    INTEGER_OVERFLOW,
    INTEGER_WARNING,
    WRAPS,
    ZERO_DIVISION,
    Load,
    Number,
    Operation,
    walk_statement,
)
from autopar.analysis.model.types import BOOL, FLOAT, INT, ArrayType, NumpyScalar
from autopar.analysis.passes.build_scop import build_scop
from autopar.analysis.passes.definitions import functions_of
from autopar.analysis.passes.parse import parse
from autopar.analysis.passes.promotion import Cell, binary_cell, compared_integers, unary_cell
from autopar.analysis.passes.reasons import UnsupportedType
from autopar.analysis.passes.typing import type_program
from tests.analysis.reading import scop

F32, F64, I64, NBOOL = (
    NumpyScalar(dtype=dtype) for dtype in ("float32", "float64", "int64", "bool")
)


def array(dtype, rank=1):
    return ArrayType(dtype=dtype, rank=rank, layout="C", is_aligned=True, is_writeable=True)


def scop_of(body, live_out=()):
    source = "def f(a, b, c, n, m, s, k):\n" + textwrap.indent(
        textwrap.dedent(body).strip(), "    "
    )
    text = SourceText(path="file.py", text=source, cell=None)
    function = parse(functions_of(text)[-1])
    assert not isinstance(function, Refusal), function
    nest = next(each for each in walk_statements(function.body) if isinstance(each, For))
    scop = build_scop(nest, text, frozenset(live_out))
    assert not isinstance(scop, Refusal), scop
    return scop


def typed(body, live_out=(), **live_in):
    types = {n: array(*t) if isinstance(t, tuple) else t for n, t in live_in.items()}
    return type_program(scop_of(body, live_out), types)


def dtypes_of(program):
    return {each.name: str(each.type) for each in program.variables}


def refused(program):
    assert isinstance(program, Refusal)
    return [
        (each.operation, each.types)
        for each in program.reasons
        if isinstance(each, UnsupportedType)
    ]


# ------------------------------------------------------------------------ promotion


@pytest.mark.parametrize(
    ("left", "right", "operands", "result"),
    [
        (F32, FLOAT, ("float32", "float32"), F32),
        (F32, INT, ("float32", "float32"), F32),
        (F32, F64, ("float64", "float64"), F64),
        (F32, I64, ("float64", "float64"), F64),
        (NBOOL, NBOOL, ("bool", "bool"), NBOOL),
        (BOOL, BOOL, ("int64", "int64"), INT),
        (NBOOL, INT, ("int64", "int64"), I64),
        (I64, NumpyScalar(dtype="uint64"), ("float64", "float64"), F64),
    ],
    ids=str,
)
def test_sum_is_computed_in_the_dtype_of_nep_50(left, right, operands, result):
    cell = binary_cell("+", left, right)
    assert Cell(operands=operands, result=result) == cell


def test_what_numpy_refuses_has_no_cell():
    assert binary_cell("-", NBOOL, NBOOL) is None
    assert binary_cell("&", F64, F64) is None


def test_what_python_refuses_of_one_operand_has_no_cell():
    assert unary_cell("-", NBOOL) is None
    assert unary_cell("~", F64) is None


@pytest.mark.parametrize(
    ("left", "right", "held"),
    [
        ("int8", "int64", ("int64", "int64")),
        ("uint64", "uint8", ("uint64", "uint64")),
        ("uint64", "int16", ("uint64", "int64")),
        ("int32", "uint64", ("int64", "uint64")),
    ],
)
def test_integers_are_compared_as_they_are(left, right, held):
    assert held == compared_integers(left, right)


def test_power_by_a_ufunc_of_its_own_has_no_cell():
    assert binary_cell("**", F32, I64) is None
    assert binary_cell("**", F64, I64) is not None


# -------------------------------------------------------------------------- hazards


@pytest.mark.parametrize(
    ("statement", "hazards"),
    [
        ("b[i] = 2 * i + 1", 0),
        ("b[i] = i * i", 0),
        ("b[i] = i * i * i * i", INTEGER_OVERFLOW),
        ("b[i] = i // 2 + i % 7", 0),
        ("b[i] = i // m", ZERO_DIVISION),
        ("b[i] = i << 3", 0),
        ("b[i] = 1 << i", INTEGER_OVERFLOW),
        ("b[i] = 1 << m", DOMAIN_ERROR | INTEGER_OVERFLOW),
        ("b[i] = a[i] + 1", INTEGER_WARNING),
        ("b[i] = a[i] % 10 + 1", 0),
        ("b[i] = a[i] * m", CONVERSION | INTEGER_WARNING),
        ("b[i] = a[i] // 2", 0),
        ("b[i] = a[i] // a[i]", INTEGER_WARNING),
        ("c[i] = a[i] / 2", 0),
        ("c[i] = a[i] / m", FLOAT_WARNING),
        ("c[i] = s * 2.0 + 1.0", 0),
        ("c[i] = s / 2.0", 0),
        ("c[i] = 1.0 / s", ZERO_DIVISION),
        ("c[i] = 1.0 / c[i]", FLOAT_WARNING),
        ("c[i] = math.sqrt(i)", 0),
        ("c[i] = math.sqrt(s)", DOMAIN_ERROR),
        ("c[i] = math.sin(i)", 0),
        ("c[i] = i / 3", 0),
        ("a[i] = 100", 0),
        ("a[i] = i", CONVERSION),
        ("a[i] = s", CONVERSION),
        ("b[i] = int(s)", CONVERSION),
    ],
)
def test_hazards_are_what_intervals_leave_open(statement, hazards):
    program = typed(
        f"for i in range(n):\n    {statement}",
        a=("int8",), b=("int64",), c=("float64",), s=FLOAT, m=INT,
    )  # fmt: skip
    assert hazards == program.hazards


def test_bounds_of_outer_loops_bound_inner_ones():
    body = """
    for i in range(10):
        for j in range(i, 12):
            a[i, j] = i * j
    """
    assert typed(body, a=("int8", 2)).hazards == 0


def test_int_variable_has_the_interval_of_its_values():
    body = """
    for i in range(100):
        k = i % 10
        a[i] = k * k
    """
    assert typed(body, a=("int8",)).hazards == 0


# --------------------------------------------------------------------- held dtypes


def test_python_start_of_a_sum_is_held_in_the_dtype_of_the_sum():
    program = typed(
        "for i in range(n):\n    s = s + a[i]", live_out=("s",), a=("float32",), s=FLOAT
    )
    (variable,) = program.variables
    assert (F32, True, FLOAT) == (variable.type, variable.is_live_in, variable.live_in_type)
    assert program.nonempty_loops == ()


def test_int_start_of_a_float_sum_is_held_as_float64():
    program = typed("for i in range(n):\n    s += a[i]", a=("float64",), s=INT)
    assert {"s": "np.float64"} == dtypes_of(program)


def test_int_start_of_a_sum_of_small_integers_may_not_fit():
    body = "for i in range(n):\n    s += a[i]"
    assert [("s", ("int", "np.int32"))] == refused(typed(body, a=("int32",), s=INT))
    assert {"s": "np.int64"} == dtypes_of(typed(body, a=("int64",), s=INT))
    inside = "for i in range(n):\n    s = 0\n    for j in range(m):\n        s += a[i, j]"
    assert {"s": "np.int32"} == dtypes_of(typed(inside, a=("int32", 2)))


def test_start_within_the_loop_needs_no_assumption_where_the_dtypes_agree():
    body = """
    for i in range(n):
        s = 0.0
        for j in range(m):
            s += a[i, j]
        b[i] = 2.0 * s / m
    """
    program = typed(body, a=("float64", 2), b=("float64",), m=INT)
    assert {"s": "np.float64"} == dtypes_of(program)
    assert program.nonempty_loops == ()
    assert ZERO_DIVISION & program.hazards  # s is a float where the inner loop is empty


def test_start_within_the_loop_asks_for_a_loop_that_runs_where_dtypes_differ():
    body = """
    for i in range(n):
        s = 0.0
        for j in range(m):
            s += a[i, j]
        b[i] = 2.0 * s
    """
    program = typed(body, a=("float32", 2), b=("float32",))
    assert {"s": "np.float32"} == dtypes_of(program)
    assert program.nonempty_loops == (1,)


def test_triangular_loop_may_be_empty():
    body = """
    for i in range(n):
        s = 0.0
        for j in range(i):
            s += a[i, j]
        b[i] = 2.0 * s
    """
    program = typed(body, a=("float32", 2), b=("float32",))
    assert [("s", ("float", "np.float32"))] == refused(program)


def test_variable_that_lives_on_has_one_type_after_the_region():
    body = """
    for i in range(n):
        s = 0.0
        for j in range({}):
            s += a[i, j]
        b[i] = s
    """
    program = typed(body.format("m"), live_out=("s",), a=("float64", 2), b=("float64",))
    assert {"s": "np.float64"} == dtypes_of(program)
    program = typed(body.format("i"), live_out=("s",), a=("float64", 2), b=("float64",))
    assert (("s", (("S0", "python"), ("S1", "numpy"))),) == program.kinds
    program = typed(body.format("i"), live_out=("s",), a=("float32", 2), b=("float64",))
    assert [("s", ("float", "np.float32"))] == refused(program)


def test_assignment_under_a_condition_may_not_happen():
    body = """
    for i in range(n):
        s = 0.0
        if i < 5:
            s = a[i]
        b[i] = s
    """
    assert {"s": "np.float64"} == dtypes_of(typed(body, a=("float64",), b=("float64",)))
    program = typed(body, live_out=("s",), a=("float64",), b=("float64",))
    assert (("s", (("S0", "python"), ("S1", "numpy"))),) == program.kinds


def test_variable_read_in_two_dtypes_is_refused():
    body = """
    for i in range(n):
        b[i] = s
        s = a[i]
    """
    assert [("s", ("int", "np.float32"))] == refused(
        typed(body, a=("float32",), b=("int64",), s=INT)
    )


def test_maximum_of_a_python_and_a_numpy_float_is_one_of_them():
    body = "for i in range(n):\n    s = max(s, a[i])\n    b[i] = 2.0 * s"
    assert {"s": "np.float64"} == dtypes_of(typed(body, a=("float64",), b=("float64",), s=FLOAT))
    program = typed(body, live_out=("s",), a=("float64",), b=("float64",), s=FLOAT)
    assert (("s",), {"S0"}) == (program.maybe_assigned, program.choosing)
    same = typed(body, live_out=("s",), a=("float64",), b=("float64",), s=F64)
    assert {"s": "np.float64"} == dtypes_of(same)


def test_parameter_is_an_int_unless_it_is_said_to_be_a_numpy_integer():
    body = "for i in range(m):\n    s = m * 3"
    assert {"s": "int"} == dtypes_of(typed(body))
    assert {"s": "np.int32"} == dtypes_of(typed(body, m=NumpyScalar(dtype="int32")))


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("b[i] = a[i] ** k", "**"),  # an int or a float, by the value of k
        ("b[i] = max(a[i], c[i])", "max"),
        ("b[i] = c[i] and a[i]", "and"),
        ("b[i] = math.hypot(c[i], 1.0)", "math.hypot"),
        ("b[i] = np.sqrt(a[i])", "numpy.sqrt"),  # float16
        ("b[i] = 2 ** 62 * 4", str(2**64)),
        ("b[i] = unknown * 2", "unknown"),
    ],
)
def test_operation_that_cannot_be_repeated_is_refused(statement, operation):
    program = typed(
        f"for i in range(n):\n    {statement}".replace("a[i] ** k", "k ** k"),
        a=("int8",), b=("float64",), c=("float32",), k=INT,
    )  # fmt: skip
    assert operation == refused(program)[0][0]
    assert "AP504" == program.reasons[0].code


def test_store_of_a_complex_value_in_a_real_array_is_refused():
    program = typed("for i in range(n):\n    b[i] = a[i]", a=("complex128",), b=("float64",))
    assert [("store in float64", ("np.complex128",))] == refused(program)


def test_float16_array_is_refused():
    program = typed("for i in range(n):\n    b[i] = a[i]", a=("float16",), b=("float64",))
    assert "[]" == refused(program)[0][0]


@pytest.mark.parametrize(
    ("constant", "hazards"), [("1 + 1j", 0), ("1e300j", FLOAT_WARNING), ("1e300", FLOAT_WARNING)]
)
def test_a_constant_that_single_precision_does_not_hold_may_warn(constant, hazards):
    program = typed(f"for i in range(n):\n    b[i] = {constant}", b=("complex64",))
    assert hazards == program.hazards


def test_an_array_of_another_precision_bounds_no_elements():
    body = "for i in range(n):\n    b[i] = np.clip(a[i], c[i], 1.0)"
    program = typed(body, a=("float32",), b=("float32",), c=("float64",))
    assert [("numpy.clip", ("np.float32", "np.float64", "float"))] == refused(program)
    assert not isinstance(typed(body, **dict.fromkeys("abc", ("float32",))), Refusal)


def test_an_integer_of_a_constant_is_a_constant():
    program = typed("for i in range(n):\n    b[i] = int(np.uint64(3))", b=("int64",))
    assert 0 == program.hazards


def test_a_loop_of_which_nobody_knows_that_it_runs_may_leave_a_name_as_it_was():
    body = """
    for i in range(n):
        s = 0.0
        for j in range({}):
            s = a[j]
        b[i] = 2.0 * s
    """
    types = {"a": ("float64",), "b": ("float64",)}
    assert () == typed(body.format("4"), live_out=("s",), **types).nonempty_loops
    assert (1,) == typed(body.format("m"), live_out=("s",), **types).nonempty_loops


def test_an_assignment_in_rows_of_data_may_not_happen_either():
    body = """
    for i in range(n):
        for j in range(c[i], c[i + 1]):
            s = 0.0
            if i < 5:
                if a[j] > 1.0:
                    s = a[j]
                else:
                    s = a[i]
            b[j] = 2.0 * s
    """
    program = typed(body, a=("float32",), b=("float32",), c=("int64",))
    assert [("s", ("float", "np.float32"))] == refused(program)


def test_a_subscript_of_two_kinds_of_integers_is_one_of_them():
    body = """
    for i in range(n):
        b[i] = a[k]
        k = c[i]
    """
    program = typed(body, a=("float64",), b=("float64",), c=("int64",), k=INT)
    assert {"k": "np.int64"} == dtypes_of(program)


def loads_of(source, **types):
    program = type_program(scop(source), types)
    assert not isinstance(program, Refusal), program
    nodes = (each for _, statement in program.statements for each in walk_statement(statement))
    return [str(each.type) for each in nodes if isinstance(each, Load)]


def test_a_list_is_read_as_what_is_stored_in_it():
    numbers = replace(array("int64"), is_list=True, element=INT)
    source = "def f(x, n):\n    for i in range(1, n):\n        x[i] = x[i - 1] * 0.5\n"
    assert ["float"] == loads_of(source, x=numbers)


@pytest.mark.parametrize("function", ["sum", "prod"])
def test_integers_of_a_row_wrap_where_numpy_adds_and_multiplies_them(function):
    source = f"import numpy as np\ndef f(a, b, n):\n    for i in range(n):\n        b[i] = np.{function}(a[i])\n"
    program = type_program(scop(source), {"a": array("int64", 2), "b": array("int64")})
    assert not isinstance(program, Refusal), program
    nodes = (each for _, statement in program.statements for each in walk_statement(statement))
    assert [WRAPS] == [each.hazards for each in nodes if isinstance(each, Operation)]


@pytest.mark.parametrize("written", ["-(2.5)", "-True", "-(1 + 1j)"])
def test_a_negative_constant_is_minus_the_constant(written):
    program = typed(f"for i in range(n):\n    b[i] = {written}", b=("complex128",))
    (_, statement), *_ = program.statements
    numbers = [each.value for each in walk_statement(statement) if isinstance(each, Number)]
    assert [eval(written)] == numbers
