"""The pages of the codes: the example on each gives its code, and what is advised does better.

What `autopar explain APnnn` prints under "Example" is put into a function, names that it reads
being its arguments, and analysed; codes that need a call are called with what GIVEN says. So it
is with the lines of code under "Use instead".
"""

from __future__ import annotations

import ast
import builtins
import linecache
import re
import textwrap
import types
import warnings
from pathlib import Path

import pytest

from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import explain_text
from autopar.catalogue import CATALOGUE, find_reason, page_of
from autopar.inspectors import Inspector

HEAD = """\
import math
import types
import numpy as np
import autopar
from tqdm import tqdm
"""
MEANT = {"math", "types", "np", "autopar", "tqdm", *dir(builtins)}
PLAIN = "x = a = b = out = y = v = np.linspace(1.0, 2.0, 100)\nidx = np.arange(100)\n"
# What the examples that are called take for granted, and the backend; "" for what is PLAIN.
GIVEN = {
    "AP501": "",
    "AP502": "a = np.arange(200.0)",
    "AP503": "y = np.zeros(100)",
    "AP504": "",
    "AP505": "a = np.ones(200)",
    "AP506": "",
    "AP507": "",
    "AP508": "",
    "AP510": "b = np.ones(100, dtype=int)",
    "AP511": "",
    "AP512": "a, b = np.zeros(10**6), np.zeros((1000, 1000))",
    "AP514": "",
    "AP515": "y, v = np.zeros(1), np.ones(4)",
    "AP516": "a, b = np.zeros(5), np.ones(3)",
    "AP517": "",
    "AP518": "one = types.SimpleNamespace(total=1.0)",
    "AP519": "plot = [].append",
    "AP520": "class MyGenerator:\n    def random(self): return 0.5",
    "AP602": "",
    "AP605": "",
}
WITHOUT_LIMIT = {"AP512": ("1000", "40")}  # the first turns show it
AUTOMATIC = {"AP602"}
# Examples that no test here can run: what they need is not there, or none is known.
ELSEWHERE = {
    "AP101": "test_functions: what has no source has no loop to look at",
    "AP307": "to exhaust the budget takes seconds",
    "AP509": "test_semantics: a line for the shell",
    "AP601": "the simulator's tests: a device without the operation",
    "AP603": "test_decorator: a line for the shell",
    "AP604": "no example is known",
    "AP606": "offload_programs: a device that is full",
    "AP900": "no example is known",
}
STATIC = [each.code for each in CATALOGUE if each.code not in GIVEN.keys() | ELSEWHERE.keys()]


def example(code: str) -> str:
    """Return the code under "Example" of a page."""
    found = re.search(r"^Example:\n(.*?)^\S", page_of(find_reason(code)), re.DOTALL | re.MULTILINE)
    assert found is not None
    return textwrap.dedent(found[1])


def advised(code: str) -> str | None:
    """Return the lines of code that end "Use instead" of a page; None where there are none."""
    found = re.search(
        r"^Use instead:(.*?)^\S", page_of(find_reason(code)), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    lines = found[1].splitlines()[1:]
    for number in range(len(lines)):
        text = textwrap.dedent("\n".join(lines[number:]))
        try:
            ast.parse(text)
        except SyntaxError:
            continue
        if re.search(r"[=(:]", text):
            return text
    return None


def as_function(text: str) -> str:
    """Return `text` as a function of the names that it reads; as it is where it is one."""
    tree = ast.parse(text)
    names = [each for each in ast.walk(tree) if isinstance(each, ast.Name)]
    updated = {
        each.target.id
        for each in ast.walk(tree)
        if isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name)
    }
    called = {each.func.id for each in ast.walk(tree) if isinstance(each, ast.Call)
              and isinstance(each.func, ast.Name)}  # fmt: skip
    made = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    first: dict[str, ast.Name] = {}
    for each in sorted(names, key=lambda each: (each.lineno, isinstance(each.ctx, ast.Load))):
        first.setdefault(each.id, each)
    taken = sorted(
        name
        for name, each in first.items()
        if name not in MEANT | called | made
        if name in updated or isinstance(each.ctx, ast.Load)
    )
    if not [each for each in tree.body if not isinstance(each, ast.FunctionDef)]:
        return HEAD + text
    return f"{HEAD}\n\ndef example({', '.join(taken)}):\n{textwrap.indent(text, '    ')}"


def verdicts(text: str) -> list[tuple[str, str]]:
    """Return (code, verdict) of every loop of a text."""
    found = explain_text(SourceText(path="page.py", text=as_function(text), cell=None))
    return [(loop.code, loop.verdict) for each in found for loop in each.loops]


def test_every_code_is_tried_in_one_way():
    codes = [each.code for each in CATALOGUE]
    assert sorted(codes) == sorted([*STATIC, *GIVEN, *ELSEWHERE])


@pytest.mark.parametrize("code", STATIC)
def test_the_example_of_a_page_gives_its_code(code):
    assert code in {found for found, _ in verdicts(example(code))}


# What is advised there is another call, or takes the loop away.
ONE_OF_SEVERAL = {"AP202": "the search itself", "AP222": "a pool", "AP223": "a print"}


@pytest.mark.parametrize("code", [code for code in STATIC if advised(code) is not None])
def test_what_a_page_advises_is_parallel(code):
    found = verdicts(advised(code))
    if code == "AP222":
        assert [] == found  # no loop is left
    elif code in ONE_OF_SEVERAL:
        assert "AP001" in {each for each, _ in found}
    else:
        assert {"parallel", "reduction"} >= {verdict for _, verdict in found}
    assert code not in {each for each, _ in found}


@pytest.fixture
def called(tmp_path, monkeypatch):
    """Return what runs an example with its functions decorated, and returns their last runs."""
    monkeypatch.setattr(Inspector, "pays", lambda *_: True)  # AP503, however short the loop

    def run(code: str, text: str) -> str:
        options = "" if code in AUTOMATIC else 'backend="cpu"'
        text = text.replace(*WITHOUT_LIMIT.get(code, ("", "")))
        lines = f"{HEAD}{PLAIN}{GIVEN[code]}\n{text}"
        source = re.sub(r"^def ", f"@autopar.parallel({options})\ndef ", lines, flags=re.MULTILINE)
        path = Path(tmp_path) / "page.py"
        path.write_text(source, encoding="utf-8")
        linecache.checkcache(str(path))
        module = types.ModuleType("page")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(source, str(path), "exec"), module.__dict__)
            except (IndexError, UnboundLocalError, ArithmeticError, TypeError, MemoryError,
                    ValueError) as error:  # fmt: skip
                print(f"{type(error).__name__}: {error}")
        runs = (getattr(each, "last_run", None) for each in vars(module).values())
        return "\n".join(str(each) for each in runs if each is not None)

    return run


@pytest.mark.parametrize("code", list(GIVEN))
def test_the_example_of_a_page_gives_its_code_at_a_call(code, called):
    assert code in called(code, example(code))
