"""Previews of kernels: which types are understood, and that nothing is compiled."""

from __future__ import annotations

import sys

import pytest

from autopar.analysis.model.types import FLOAT, INT, ArrayType, NumpyScalar
from autopar.cli import main
from autopar.preview import TypesError, parse_types, preview_kernels

SHIFT = "def shift(a, n, k):\n    for i in range(n):\n        a[i + k] = a[i]\n"
TWO = "def f(a):\n    for i in range(4):\n        a[i] = 0.0\n\n" + SHIFT.replace("shift", "g")


def array(dtype, rank, layout):
    return ArrayType(dtype=dtype, rank=rank, layout=layout, is_aligned=True, is_writeable=True)


def test_every_type_is_read_as_it_prints():
    types = {
        "a": array("float64", 1, "C"),
        "b": array("float32", 2, "F"),
        "c": array("int8", 3, "A"),
        "n": INT,
        "s": FLOAT,
        "t": NumpyScalar(dtype="uint16"),
    }
    text = ", ".join(
        f"{name}=np.{kind.dtype}" if isinstance(kind, NumpyScalar) else f"{name}={kind}"
        for name, kind in types.items()
    )
    assert types == parse_types(text)


@pytest.mark.parametrize(
    "text", ["a", "a=", "=int", "1a=int", "a=float65[:]", "a=float64[3]", "a=float64", "a=np.str_"]
)
def test_what_is_no_type_is_refused(text):
    with pytest.raises(TypesError, match="is no"):
        parse_types(text)


def test_missing_type_of_an_array_is_named():
    with pytest.raises(TypesError, match="no type is given for 'a'"):
        preview_kernels(SHIFT, "")


def test_integer_of_a_bound_needs_no_type():
    assert preview_kernels(SHIFT, "a=int8[:]") == preview_kernels(SHIFT, "a=int8[:], n=int, k=int")


def test_array_that_is_given_as_a_number_is_refused():
    with pytest.raises(TypesError, match="'a' is an array here, its type is given as int"):
        preview_kernels(SHIFT, "a=int")


def test_conditional_loop_is_shown_as_parallel():
    assert "parallel for i in range(0, n):" in preview_kernels(SHIFT, "a=float64[:]")["program"]


def test_one_function_of_several_is_shown():
    texts = preview_kernels(TWO, "a=float64[:]", "g")
    assert "g_L6C4" in texts["program"]
    assert "f_L2C4" not in texts["program"]


def test_unknown_function_has_no_texts():
    assert preview_kernels(TWO, "a=float64[:]", "h") == {}


def test_refused_types_show_the_reason_in_place_of_the_source():
    source = "def f(a, s):\n    for i in range(4):\n        a[i] = a[i] << s\n"
    texts = preview_kernels(source, "a=float64[:], s=int")
    assert texts["kernel cpu"].startswith("AP")
    assert texts["program"] == texts["kernel cpu"]


def test_preview_compiles_and_loads_no_kernel():
    before = set(sys.modules)
    preview_kernels(SHIFT, "a=float64[:]")
    assert not [name for name in set(sys.modules) - before if name.startswith("autopar_kernels_")]


@pytest.mark.parametrize("stage", ["program", "kernel-cpu", "kernel-cuda"])
def test_explain_prints_the_stage(stage, tmp_path, capsys):
    path = tmp_path / "shift.py"
    path.write_text(SHIFT)
    assert main(["explain", "--stage", stage, "--types", "a=float64[:]", str(path)]) == 0
    assert "shift_L2C4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stage", "program"], "needs --types"),
        (["--stage", "program", "--types", "a=flo"], "'flo' is no type"),
        (["--types", "a=int8[:]"], "--types goes with --stage"),
    ],
)
def test_wrong_types_end_with_one_line_and_status_2(arguments, message, tmp_path, capsys):
    path = tmp_path / "shift.py"
    path.write_text(SHIFT)
    assert main(["explain", *arguments, str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_a_region_without_its_types_does_not_hide_the_others():
    text = (
        "def f(a, n):\n    for i in range(n):\n        a[i] = 1.0\n"
        "def g(b, n):\n    for i in range(n):\n        b[i] = 2.0\n"
    )
    found = preview_kernels(text, "b=float64[:], n=int")["kernel cpu"]
    assert "# f.L2C4: no type is given for 'a'; add a=float64[:] or its like." in found
    assert "b[" in found
