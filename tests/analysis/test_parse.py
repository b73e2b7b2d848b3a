"""Python text -> loop IR: what is modelled, what is opaque, and which names mean what."""

from __future__ import annotations

import pytest

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.loop_ir import (
    Assign,
    Binary,
    BoolOp,
    Compare,
    Constant,
    Element,
    Extent,
    For,
    If,
    Name,
    Opaque,
    Update,
)  # fmt: skip
from autopar.analysis.model.source import SourceFunction, SourceText
from autopar.analysis.passes.definitions import functions_of, loop_functions
from autopar.analysis.passes.parse import parse
from tests.analysis.reading import function

LOOP = "    for i in range(n):\n        a[i] = 0\n"


def first_kind(source: str, name: str | None = None) -> type:
    """Return the kind of the last statement of a function's body."""
    return type(function(source, name).body[-1])


def test_a_range_loop_has_start_stop_and_step() -> None:
    (loop,) = function("def f(a, n):\n    for i in range(1, n, -2):\n        a[i] = 0\n").body
    assert isinstance(loop, For)
    assert isinstance(loop.start, Constant)
    assert isinstance(loop.stop, Name)
    assert isinstance(loop.step, Constant)
    assert (1, "n", -2) == (loop.start.value, loop.stop.name, loop.step.value)
    assert "for i in range(1, n, -2)" == loop.header


@pytest.mark.parametrize(
    "header",
    [
        "range = list\n    ",
        "for range in a: pass\n    ",
        "import range\n    ",
        "def range(x): pass\n    ",
        "try: pass\n    except E as range: pass\n    ",
        "match a:\n        case [range, *_]: pass\n    ",
        "match a:\n        case {'k': 1, **range}: pass\n    ",
        "(range := 3)\n    ",
    ],
)
def test_a_range_bound_in_the_function_is_no_range(header: str) -> None:
    assert Opaque is first_kind(f"def f(a, n):\n    {header.strip()}\n{LOOP}")
    assert For is first_kind(
        f"def f(a, n):\n    {header.strip().replace('range', 'other')}\n{LOOP}"
    )


def test_a_range_bound_around_the_function_is_no_range() -> None:
    inner = "    def f(a, n):\n        for i in range(n):\n            a[i] = 0\n"
    assert Opaque is first_kind(f"def g(range):\n{inner}", "g.<locals>.f")
    assert Opaque is first_kind(f"def g(x):\n    range = x\n{inner}", "g.<locals>.f")
    assert For is first_kind(f"def g(x):\n{inner}", "g.<locals>.f")
    assert For is first_kind(f"class range_:\n    range = 3\n{inner}", "range_.f")


def test_a_range_bound_at_module_level_is_no_range() -> None:
    kernel = f"def f(a, n):\n{LOOP}"
    assert Opaque is first_kind(f"range = list\n{kernel}")
    assert Opaque is first_kind(f"{kernel}\ndef g():\n    global range\n    range = 3\n", "f")


def test_a_star_import_changes_the_names_it_brings() -> None:
    kernel = "def f(a, n, m):\n    for i in range(min(n, m)):\n        a[i] = sqrt(a[i])\n"
    (loop,) = function(f"from numpy import *\n{kernel}").body
    assert isinstance(loop, For)
    assert loop.held is not None  # NumPy's `min` is called before the loop, whatever it gives
    (loop,) = function(f"from math import *\n{kernel}").body
    assert isinstance(loop, For)
    assert loop.held is None
    assert not any(isinstance(each, Opaque) for each in loop.body)


def test_chained_subscripts_and_tuples_are_one_element() -> None:
    body = function("def f(a, i, j):\n    a[i][j] = a[i, j] + a[i,]\n").body
    (statement,) = body
    assert isinstance(statement, Assign)
    assert isinstance(statement.target, Element)
    assert 2 == len(statement.target.indices)
    assert isinstance(statement.value, Binary)
    assert 1 == len(statement.value.right.indices)  # type: ignore[union-attr] # an element


@pytest.mark.parametrize("index", ["()", "...", "None", "[0, 1]", "*b"])
def test_a_subscript_of_more_or_less_than_one_element_is_an_array_statement(index: str) -> None:
    (statement,) = function(f"def f(a, b):\n    a[{index}] = 0\n").body
    assert isinstance(statement, Opaque)
    assert statement.is_array_statement


@pytest.mark.parametrize("value", ["3", "x", "[1, 2]", "'BrBG'"])
def test_setting_something_under_a_key_is_about_no_array(value: str) -> None:
    for target in ("d['a']", "d['a']['b']", "m.d['a']"):
        (found,) = function(f"def f(d, m, x):\n    {target} = {value}\n").body
        assert isinstance(found, Opaque)
        assert not found.is_array_statement


def test_what_is_computed_under_a_key_may_be_an_array() -> None:
    (found,) = function("def f(d, x):\n    d['a']['b'] = 2 * x\n").body
    assert isinstance(found, Opaque)
    assert found.is_array_statement


def test_len_and_shape_are_extents() -> None:
    for text, axis in (("len(a)", 0), ("a.shape[1]", 1), ("a.shape[-1]", -1)):
        (statement,) = function(f"def f(a, x):\n    x = {text}\n").body
        assert isinstance(statement, Assign)
        assert isinstance(statement.value, Extent)
        assert axis == statement.value.axis


def test_a_len_of_ones_own_is_unknown() -> None:
    assert Opaque is first_kind("def f(a, len):\n    x = len(a)\n")


def test_a_chained_comparison_is_an_and() -> None:
    (statement,) = function("def f(a, i, n):\n    if 1 < i <= n: a[0] = 1\n").body
    assert isinstance(statement, If)
    assert isinstance(statement.test, BoolOp)
    assert [Compare, Compare] == [type(each) for each in statement.test.values]


@pytest.mark.parametrize("statement", ["a[i] @= b", "a[i] = i in b", "a[i] = i is b"])
def test_operators_outside_the_model_are_opaque(statement: str) -> None:
    assert Opaque is first_kind(f"def f(a, b, i):\n    {statement}\n")


@pytest.mark.parametrize(
    "text",
    ["[y]", "y.T", "y().z", "lambda: 0", "f'{y}'", "(y := 1)", "y[z].w", "g(y)", "len(*y)"],
)
def test_expressions_outside_the_model_are_opaque(text: str) -> None:
    assert Opaque is first_kind(f"def f(x, y, z, g):\n    x = {text}\n")


def test_an_update_keeps_its_operator() -> None:
    (statement,) = function("def f(a, i):\n    a[i] //= 2\n").body
    assert isinstance(statement, Update)
    assert "//" == statement.operator


def test_an_expression_too_deep_to_walk_is_opaque() -> None:
    assert Opaque is first_kind(f"def f(a, i):\n    a[i] = {' + '.join(['a[i]'] * 150)}\n")
    assert Assign is first_kind(f"def f(a, i):\n    a[i] = {' + '.join(['a[i]'] * 60)}\n")


def test_a_file_that_cannot_be_read_is_a_refusal_and_no_exception() -> None:
    for text in ("def f(:\n", "def f(a):\n    return " + " + ".join(["a"] * 5000)):
        source = SourceFunction(
            text=SourceText(path="x.py", text=text, cell=None),
            qualified_name="f",
            line=1,
            known_names=None,
        )
        assert isinstance(parse(source), Refusal)


def test_functions_are_found_wherever_they_stand() -> None:
    source = (
        "if a:\n    def f(): pass\nelse:\n    class C:\n        def g(self):\n            def h(): pass\n"
        "try:\n    pass\nexcept E:\n    def k(): pass\nmatch a:\n    case 1:\n        def m(): pass\n"
    )
    found = functions_of(SourceText(path="x.py", text=source, cell=None))
    names = ["<module>", "f", "C.g", "C.g.<locals>.h", "k", "m"]
    assert names == [each.qualified_name for each in found]


def test_loop_functions_are_those_with_a_for_of_their_own() -> None:
    source = "def f():\n    for i in x: pass\ndef g():\n    def h():\n        for i in x: pass\n"
    assert {(1, 0), (4, 4)} == loop_functions(SourceText(path="x.py", text=source, cell=None))


def test_spans_count_bytes_as_ast_does() -> None:
    (loop,) = function("def f(ä, n):\n    for ö in range(n): ä[ö] = 0\n").body
    assert isinstance(loop, For)
    assert "for ö in range(n)" == loop.header
    assert loop.body[0].span.column == len("    for ö in range(n): ".encode())
