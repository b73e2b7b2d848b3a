"""Notebooks of every version and condition become text, and every line knows its cell."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopar.corpus.notebook import Document, Fault, read_cell, read_document


def notebook(*sources, **metadata):
    cells = [{"cell_type": "code", "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4}).encode()


def document(*sources):
    found = read_document(notebook(*sources), is_notebook=True)
    assert isinstance(found, Document)
    return found


def fault_of(content, is_notebook=True):
    found = read_document(content, is_notebook=is_notebook)
    return found.kind if isinstance(found, Fault) else None


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"cells": [', "invalid-json"),
        (b"[" * 100_000, "invalid-json"),
        (b"\xff\xfe{", "encoding"),
        ('{"cells": "ü"}'.encode("latin-1"), "encoding"),
        (b"[1]", "not-a-notebook"),
        (b'{"cells": 3}', "not-a-notebook"),
        (b'{"metadata": {}}', "not-a-notebook"),
        (b'{"cells": []}', "no-code"),
        (b'{"cells": [null, 7, {"cell_type": "code"}]}', "no-code"),
        (notebook("x", kernelspec={"language": "R", "name": "ir"}), "other-language"),
        (notebook("x", kernelspec={"name": "julia-1.6"}), "other-language"),
    ],
)
def test_what_cannot_be_studied_is_told_by_kind(content, kind):
    assert kind == fault_of(content)


def test_script_with_a_coding_cookie_is_decoded():
    content = "# coding: latin-1\nname = 'ü'\n".encode("latin-1")
    found = read_document(content, is_notebook=False)
    assert isinstance(found, Document)
    assert "ü" in found.text
    assert "encoding" == fault_of("name = 'ü'".encode("latin-1"), is_notebook=False)
    assert "syntax" == fault_of(b"print 1", is_notebook=False)


@pytest.mark.parametrize(
    "data",
    [
        {
            "nbformat": 3,
            "worksheets": [{"cells": [{"cell_type": "code", "input": ["a = 1\n", "b"]}]}],
        },
        {"nbformat": 4, "cells": [{"cell_type": "code", "source": "a = 1\nb"}]},
        {"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a = 1\r\n", "b"]}]},
        {"nbformat": 1, "cells": [{"cell_type": "code", "code": "a = 1\nb"}]},
    ],
)
def test_every_version_of_the_format_gives_the_same_code(data):
    found = read_document(json.dumps(data).encode(), is_notebook=True)
    assert isinstance(found, Document)
    assert "a = 1\nb\n" == found.text


def test_outputs_do_not_make_another_notebook():
    first = document("x = 1")
    cell = {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "1"}]}
    second = read_document(json.dumps({"cells": [cell]}).encode(), is_notebook=True)
    assert isinstance(second, Document)
    assert first.digest == second.digest != document("x = 2").digest


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if x:\n    !ls\n    y = 2", "if x:\n    pass\n    y = 2"),
        ("%%time\nfor i in range(3):\n    pass", "\nfor i in range(3):\n    pass"),
        ("\n%%timeit -n 3\nx", "\n\nx"),
        ("%%time\n%precision 3\nx", "\npass\nx"),
        ("%%capture out\n%%time\nx", "\n\nx"),
        ("%%time", ""),
        ("!pip install a \\\n    b \\\n    c\nx = 1", "pass\n\n\nx = 1"),
    ],
)
def test_magics_go_and_lines_stay(text, python):
    cell = read_cell(1, text)
    assert cell.fault is None
    assert cell.is_rewritten
    assert python == cell.python


def test_rewriting_by_ipython_keeps_the_number_of_lines():
    cell = read_cell(1, "files = !ls\nnames = %who_ls\nfor f in files:\n    print(f)")
    assert cell.fault is None
    assert "for f in files:" == cell.python.split("\n")[2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n\nt = %timeit -o f()\nfor i in t: pass\n", 3),  # IPython drops empty lines in front
        ("  \n    n = 3\n    for i in t: pass", 2),  # an indented cell
        ("a = ! ls \\\n  -l \\\n -a\nfor i in t: pass", 3),  # continued: IPython joins these
        ("if b != c:\n    a = !ls \\\n  -l\nfor i in t: pass", 3),
    ],
)
def test_lines_stay_where_ipython_moves_them(text, line):
    cell = read_cell(1, text)
    assert cell.fault is None
    assert "for i in t: pass" == cell.python.split("\n")[line].strip()
    assert text.count("\n") == cell.python.count("\n")


def test_a_magic_within_python_magics_is_another_language():
    assert "cell-magic" == read_cell(1, "%%capture\n%%cython\ncdef int i").fault


def test_cell_that_parses_is_left_as_it_is():
    # `%` at the start of a line is an operator here.
    text = "x = (7\n% 3)"
    assert text == read_cell(1, text).python


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("print 'hello'", "python-2"),
        ("for i in xrange(3):\n    print i", "python-2"),
        ("except ValueError, e:", "python-2"),
        ("x = ____", None),
        ("x = \ny = 2", "blank-to-fill-in"),
        ("    x = 1\n  y = 2", "indentation"),
        ("%%bash\nfor f in *; do x; done", "cell-magic"),
        ("!ls\nx = = 2", "shell"),
        ("one two three", "other"),
    ],
)
def test_cell_that_is_no_python_is_told_by_kind(text, fault):
    cell = read_cell(1, text)
    assert fault == cell.fault
    assert text.count("\n") == cell.python.count("\n")


def test_every_line_of_the_module_is_a_line_of_its_cell():
    found = document("a = 1\n\nb = 2\n", "print 'no'\nmore", "", "c = 3")
    lines = found.text.split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        cell, own = found.place(number)
        assert line == cell.python.split("\n")[own - 1]
    assert (4, 1) == (found.place(len(lines) - 1)[0].number, found.place(len(lines) - 1)[1])


@given(st.text(alphabet=string.printable + "é\u2028", max_size=80))
def test_any_text_gives_a_cell_of_as_many_lines(text):
    text = text.replace("\r", "")
    cell = read_cell(1, text)
    assert text.count("\n") == cell.python.count("\n")
