"""The pages of docs: their Python runs and prints what they say, their commands work.

What stands between ``` and ``` on a page is run from above to below, in a folder of its own:
`python` in one namespace, or, where its first line is `# name.py`, written to that file; `sh`
line by line; `ipython` in one shell. A `text` block below it is what it printed, and `...` in it
stands for anything. Blocks of other systems are run where these are installed.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import json
import linecache
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from autopar.catalogue import CATALOGUE
from autopar.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for path in (ROOT / "docs").rglob("*.md")
    if "codes" not in path.parts and "decisions" not in path.parts
)
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)\n")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What is run elsewhere, or changes the machine.
NOT_RUN = ("pip", "make")
OTHERS = {"pythran": "pythran", "dace": "dace", "cupy": "cupy", "jax": "jax", "codon": "codon"}
# A notebook for the commands that take one.
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "source": "for i in range(9):\n    a[i] = i", "outputs": [],
         "metadata": {}, "execution_count": None}
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def blocks_of(path):
    return BLOCK.findall(path.read_text(encoding="utf-8"))


class Page:
    """A reader of one page, who tries everything."""

    def __init__(self, folder):
        self.folder = folder
        self.module = ModuleType("__main__")
        self.shell = None
        self.count = 0

    def run(self, language, text):
        """Return what a block prints."""
        if language == "python":
            return self.python(text)
        if language == "sh":
            return "".join(map(self.command, text.splitlines()))
        return self.cell(text)

    def python(self, text):
        named = FILE.match(text)
        if named is not None:
            (self.folder / named[1]).write_text(text, encoding="utf-8")
            return ""
        self.count += 1
        path = self.folder / f"block{self.count}.py"
        path.write_text(text, encoding="utf-8")
        linecache.checkcache(str(path))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(text, str(path), "exec"), self.module.__dict__)
        return printed.getvalue()

    def command(self, line):
        words = shlex.split(line, comments=True)
        given = {}
        while words and re.match(r"[A-Z_]+=", words[0]):
            name, _, given[name] = words.pop(0).partition("=")
        if not words or words[0] in NOT_RUN:
            return ""
        assert "autopar" == words[0]
        for name in words:
            self.provide(name)
        if words[1] == "run":
            return self.process(words, given)
        assert {} == given
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert 0 == main(words[1:])
        return printed.getvalue()

    def provide(self, name):
        """Write the file `name` of a command, where the page leaves it to the reader."""
        path = self.folder / name
        if name.endswith(".ipynb"):
            path.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
        elif name.endswith(".py") and not path.exists():
            path.write_text("print(sum([i for i in range(3)]))\n", encoding="utf-8")

    def process(self, words, given):
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        assert "--report" in words or "" == done.stderr
        return done.stdout

    def cell(self, text):
        from IPython.core.interactiveshell import InteractiveShell

        if self.shell is None:
            self.shell = InteractiveShell()
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert self.shell.run_cell(text).success
        return printed.getvalue()


def expect(expected, actual):
    checker = doctest.OutputChecker()
    assert checker.check_output(expected, actual, FLAGS), f"{expected}\n--- printed:\n{actual}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page_does_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    page, printed = Page(tmp_path), ""
    for language, text in blocks_of(path):
        if language == "text":
            expect(text, printed)
        elif language in {"python", "sh", "ipython"}:
            printed = page.run(language, text)
    if page.shell is not None:
        page.shell.run_cell("%autopar off\n%unload_ext autopar")


def test_blocks_are_of_languages_that_are_run():
    known = {"python", "sh", "ipython", "text", "json", "", "{eval-rst}", *OTHERS}
    assert [] == [
        (path.name, language)
        for path in PAGES
        for language, _ in blocks_of(path)
        if language not in known
    ]


def test_no_block_is_left_open():
    assert [] == [
        path.name
        for path in PAGES
        if path.read_text(encoding="utf-8").count("```") != 2 * len(blocks_of(path))
    ]


def others():
    for language, text in blocks_of(ROOT / "docs" / "comparison.md"):
        if language in OTHERS:
            is_there = importlib.util.find_spec(OTHERS[language]) is not None
            mark = pytest.mark.skipif(not is_there, reason=f"{language} is not installed")
            yield pytest.param(language, text, marks=mark, id=language)


BEFORE = """
import numpy as np


def near(x, out, limit):
    for i in range(x.shape[0]):
        for j in range(x.shape[0]):
            d = abs(x[i] - x[j])
            if d < limit:
                out[i] += d


x = np.random.default_rng(1).random(300)
expected = np.zeros_like(x)
near(x, expected, 0.1)
"""
AFTER = {
    "dace": "out = np.zeros_like(x)\nnear_dace(x=x, out=out, limit=0.1, N=300)",
    "cupy": "out = cupy.asnumpy(out)",
}


@pytest.mark.parametrize(("language", "text"), list(others()))
def test_block_of_another_system_computes_the_same(language, text, tmp_path):
    check = "\nassert np.allclose(out, expected)\n"
    program = "\n".join([BEFORE, text, AFTER.get(language, "")]) + check
    if language == "pythran":
        (tmp_path / "near_pythran.py").write_text(text)
        subprocess.run(["pythran", "-fopenmp", "near_pythran.py"], cwd=tmp_path, check=True)
        (tmp_path / "near_pythran.py").unlink()
        call = "from near_pythran import near_pythran\nout = np.zeros_like(x)\n"
        program = BEFORE + call + "near_pythran(x, out, 0.1)" + check
    path = tmp_path / "program.py"
    path.write_text(program)
    subprocess.run([sys.executable, str(path)], cwd=tmp_path, check=True)


# ------------------------------------------------------------------------ pages that are made


def of_docs(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes of the module look there
    spec.loader.exec_module(module)
    return module


def test_drawings_show_what_the_example_does():
    pictures = of_docs("pictures")
    found = pictures.example()
    paths, steps = pictures.EXTENTS["z_shape_0"], pictures.EXTENTS["z_shape_1"]
    runs = [(t, i) for t in range(steps - 1) for i in range(paths)]
    assert runs == sorted(runs, key=pictures.times(found.source_order).__getitem__)
    needed = [((t, i), (t + 1, i)) for t, i in runs if t + 1 < steps - 1]
    assert needed == pictures.dependences(found)
    after = pictures.times(found.new_order)
    assert set(runs) == set(after)
    assert all(after[source] < after[sink] for source, sink in needed)
    share = pictures.parallel_dimension(found.new_order)
    assert all(after[source][share] == after[sink][share] for source, sink in needed)


@pytest.mark.parametrize("name", ["domain", "dependences", "verdicts", "schedule"])
def test_drawing_is_whole_and_stands_on_the_page(name, tmp_path):
    pictures = of_docs("pictures")
    drawn = ET.fromstring(pictures.DRAWINGS[name](pictures.example()))
    assert 24 == sum(each.tag.endswith("circle") for each in drawn.iter())
    page = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    assert f"{{figure}} pictures/{name}.svg" in page


def test_each_code_has_a_page_with_its_text_and_its_example(tmp_path):
    (tmp_path / "AP999.md").write_text("of a code that is gone")
    of_docs("code_pages").write(tmp_path)
    assert {"index.md"} | {f"{each.code}.md" for each in CATALOGUE} == {
        each.name for each in tmp_path.iterdir()
    }
    page = (tmp_path / "AP401.md").read_text(encoding="utf-8")
    headings = of_docs("code_pages").HEADINGS
    for heading in (*headings, "Before and after"):
        assert f"\n## {heading}\n" in page
    assert "```python\nold = a.copy()\nfor i in range(1, n):\n" in page
    assert "read one iteration later" in page
    assert "def bad(" in page
    assert "def good(" in page
    assert [] == [each.code for each in CATALOGUE if f"[{each.code}]" not in index_of(tmp_path)]


def index_of(folder):
    return (folder / "index.md").read_text(encoding="utf-8")
