"""The static report of a notebook file: lines within cells, names of other cells."""

from __future__ import annotations

import json

import pytest

import autopar
from autopar.cli import main


def notebook(tmp_path, *cells, **fields):
    path = tmp_path / "book.ipynb"
    content = {
        "cells": [{"cell_type": "code", "source": each} for each in cells],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
        **fields,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def entries(path):
    return autopar.explain(path).to_dict()["functions"]


def test_lines_count_within_cells_and_entries_carry_their_cell(tmp_path):
    path = notebook(
        tmp_path,
        "import numpy as np\nn = 5",
        "%matplotlib inline\na = np.zeros(n)\nfor i in range(n):\n    a[i] = 2.0\n",
        "def f(a):\n    for i in range(1, len(a)):\n        a[i] = a[i - 1]\n",
    )
    first, second = entries(path)
    assert (first["name"], first["cell"], first["loops"][0]["line"]) == ("<module>", 2, 3)
    assert first["loops"][0]["id"] == "cell2:<module>.L3C0"
    assert first["loops"][0]["verdict"] == "parallel"
    assert (second["name"], second["cell"], second["line"]) == ("f", 3, 1)
    assert second["loops"][0]["verdict"] == "sequential"


def test_functions_and_imports_of_other_cells_are_known(tmp_path):
    path = notebook(
        tmp_path,
        "from math import sin as sinus\ndef double(x):\n    return 2.0 * x\n",
        "for i in range(n):\n    a[i] = double(sinus(b[i]))\n",
    )
    (entry,) = entries(path)
    assert entry["loops"][0]["verdict"] == "parallel"
    assert "inline" in entry["loops"][0]["transform"]


def test_the_nearest_function_before_the_cell_is_the_one_that_is_called(tmp_path):
    path = notebook(
        tmp_path,
        "def g(x):\n    return x + 1\n",
        "def g(x):\n    print(x)\n    return x\n",
        "for i in range(n):\n    a[i] = g(b[i])\n",
        "def g(x):\n    return x + 2\n",
    )
    (entry,) = entries(path)
    assert entry["loops"][0]["verdict"] == "unsupported"
    assert "line 2 has what is not modelled" in entry["loops"][0]["reason"]


def test_what_a_cell_binds_itself_is_its_own(tmp_path):
    path = notebook(
        tmp_path,
        "def g(x):\n    return x + 1\n",
        "g = unknown\nfor i in range(n):\n    a[i] = g(b[i])\n",
    )
    (entry,) = entries(path)
    assert entry["loops"][0]["verdict"] == "unsupported"


def test_the_excerpt_is_the_cells_own_text(tmp_path):
    path = notebook(tmp_path, "x = 1", "%%time\nfor i in range(1, n):\n    a[i] = a[i - 1]\n")
    text = str(autopar.explain(path))
    assert f'File "{path}", cell 2, line 3' in text
    assert "a[i] = a[i - 1]" in text
    html = autopar.explain(path)._repr_html_()
    assert "%%time" in html


def test_old_formats_and_broken_cells(tmp_path):
    path = notebook(
        tmp_path,
        "this is no python",
        "for i in range(n):\n    a[i] = 1.0\n",
    )
    (entry,) = entries(path)
    assert entry["cell"] == 2
    sheet = [{"cell_type": "code", "language": "python", "input": "for i in range(n): a[i] = i"}]
    old = tmp_path / "old.ipynb"
    old.write_text(json.dumps({"worksheets": [{"cells": sheet}], "nbformat": 3}), encoding="utf-8")
    assert len(entries(old)) == 1


def test_a_notebook_without_code_has_no_loops(tmp_path):
    assert entries(notebook(tmp_path)) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}'])
def test_what_is_no_notebook_is_said(tmp_path, text):
    path = tmp_path / "broken.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SyntaxError):
        autopar.explain(path)


def test_functions_that_call_each_other_without_end_are_refused(tmp_path):
    path = notebook(
        tmp_path,
        "def f(x):\n    return g(x) + 1\n",
        "def g(x):\n    return f(x) + 1\ndef h(x):\n    return h(x)\n",
        "for i in range(n):\n    a[i] = g(b[i])\nfor i in range(n):\n    a[i] = h(b[i])\n",
    )
    (entry,) = entries(path)
    assert [each["verdict"] for each in entry["loops"]] == ["unsupported"] * 2


def test_a_name_that_another_cell_imports_is_not_what_it_usually_is(tmp_path):
    loop = "for i in range(n):\n    a[i] = np.sqrt(b[i])\n"
    (known,) = entries(notebook(tmp_path, "x = 1", loop))
    assert known["loops"][0]["verdict"] == "parallel"
    (other,) = entries(notebook(tmp_path, "import cupy as np", loop))
    assert other["loops"][0]["verdict"] == "unsupported"


def test_cells_that_are_no_python_are_said_to_be_left_out(tmp_path, capsys):
    loop = "for i in range(n):\n    a[i] = 1\n"
    path = notebook(tmp_path, loop, "print 'x'\n", "%%bash\nls\n", "for i in range(3)\n    pass\n")
    assert 0 == main(["explain", str(path)])
    shown = capsys.readouterr()
    assert "1 loop: 1 parallel" in shown.out
    assert f"autopar: {path}: left out: cell 2 (Python 2), cell 4 (a syntax error).\n" == shown.err
    assert 0 == main(["explain", str(notebook(tmp_path, loop, "!ls"))])
    assert "" == capsys.readouterr().err
