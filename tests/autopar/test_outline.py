"""Outlines of texts: the same from the cache as from the text, and nothing where it may not be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autopar import outline
from autopar.analysis.model.source import SourceText
from autopar.codegen import kept_kernels
from autopar.codegen.cache import user_cache
from autopar.options import choose_options

TEXT = """
import numpy as np
from math import sqrt as root

def scale(a):
    for i in range(len(a)):
        a[i] = root(2.0) * a[i]

class C:
    def none(self):
        return np.pi
"""


def outlined(text: str = TEXT, *, path: str = "a.py", cache: bool = True) -> outline.Outline:
    whole = SourceText(path=path, text=text, cell=None)
    return outline.outline_of(whole, choose_options(cache=cache, environment={}))


@pytest.fixture
def entries(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path))
    return lambda: list(tmp_path.glob("autopar_outline_*"))


def test_an_outline_is_read_as_it_was_found(entries, monkeypatch):
    found = outlined()
    assert {(5, 0)} == found.loop_functions
    assert ("math.sqrt", "numpy") == (found.names["root"], found.names["np"])
    assert 1 == len(entries())
    monkeypatch.setattr("autopar.analysis.stages.usual_names", None)  # nobody asks
    assert found == outlined(path="<ipython-input-7>")


def test_another_text_is_another_outline(entries):
    outlined()
    assert {(5, 0), (10, 4)} == outlined(
        TEXT.replace("return np.pi", "[abs(i) for i in range(9)]; list(map(abs, range(3)))\n"
                     "        for i in range(3): pass")
    ).loop_functions  # fmt: skip
    assert 2 == len(entries())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"names": {}, "functions": [1]}', b'{"names": [1], "functions": []}'],
)
def test_what_is_no_outline_is_found_anew(entries, content):
    found = outlined()
    (path,) = entries()
    user_cache().keep(path.name, content)
    assert found == outlined()


def test_nothing_is_kept_where_the_user_wants_none_or_the_text_is_no_python(entries):
    outlined(cache=False)
    with pytest.raises(SyntaxError):
        outlined("def f(:\n")
    assert [] == entries()


SCRIPT = """
import sys
import numpy as np

def weigh(u, v):
    for i in range(1, len(u)):
        v[i] = 0.25 * u[i - 1] + 0.75 * u[i]

u, v = np.ones(400_000), np.zeros(400_000)
for t in range(3):
    weigh(u, v)
for i in range(len(u)):
    v[i] = v[i] + 1.0
print(v.sum(), sorted({"gast", "islpy", "numba"} & sys.modules.keys()))
"""


@pytest.mark.skipif(not kept_kernels.is_possible(), reason="objects of this system are not read")
def test_a_script_loads_neither_parser_nor_isl_a_second_time(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    command = [sys.executable, "-m", "autopar", "run", "--backend", "cpu", str(path)]
    environment = {**os.environ, "AUTOPAR_CACHE_DIR": str(tmp_path / "cache")}
    cold, warm = (
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        for _ in range(2)
    )
    assert "799999.0 ['gast', 'islpy', 'numba']\n" == cold
    assert "799999.0 []\n" == warm
