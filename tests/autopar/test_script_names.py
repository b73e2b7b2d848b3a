"""Names of a script that nobody sees any more, and what its runs do without them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import gast
import pytest

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.source import MODULE, SourceFunction, SourceText
from autopar.analysis.passes.script_names import unseen_names
from autopar.analysis.stages import analyze

SCRIPT = """
import numpy as np
a = np.linspace(0.0, 1.0, 300)
for step in range(4):
    t = a * 2.0
    u = np.sqrt(t + 1.0)
    a = u - t
print(a.sum(), step)
"""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"a", "t", "u"}),
        ("def f():\n    return t\n", {"a", "u"}),
        ("g = lambda: u + t\n", {"a", "g"}),
        ("print(f'{t}')\n", {"a", "t", "u"}),
        ("print('t and u')\n", {"a"}),
        ("h = [each * t for each in range(3)]\n", {"a", "h", "u"}),
        ("del t\n", {"a", "u"}),
        ("print(len(globals()))\n", set()),
        ("exec('print(t)')\n", set()),
        ("import __main__\n", set()),
        ("from os import *\n", set()),
        ("import atexit\n", set()),
        ("import os.path, math\nfrom scipy.linalg import solve\n", {"a", "t", "u"}),
        ("import own_module\n", set()),
        ("from . import own_module\n", set()),
        ("from own.module import f\n", set()),
        ("import dill\n", set()),
        ("breakpoint()\n", set()),
        ("def f(): pass\nprint(len(f.__globals__))\n", set()),
        ("import signal\nsignal.signal(14, lambda _, frame: print(len(frame.f_globals)))\n", set()),
        ("import sys\nprint(len(list(sys._current_frames().values())[0].f_back.x))\n", set()),
    ],
)
def test_a_name_is_unseen_where_nothing_else_can_name_it(more: str, expected: set[str]) -> None:
    assert expected == unseen_names(gast.parse(SCRIPT + more))


STRAIGHT = """
import numpy as np
a = np.linspace(0.0, 1.0, 300)
t = a * 2.0
u = np.sqrt(t + 1.0)
late = u - t
print(late)
"""


@pytest.mark.parametrize(
    ("is_script", "expected"), [(True, ("late",)), (False, ("late", "t", "u"))]
)
def test_a_run_of_a_script_leaves_what_is_read(
    is_script: bool,  # a parameter of the test
    expected: tuple[str, ...],
) -> None:
    text = SourceText(path="script.py", text=STRAIGHT, cell=None)
    source = SourceFunction(
        text=text, qualified_name=MODULE, line=1, known_names=None, is_script=is_script
    )
    plan = analyze(source)
    assert not isinstance(plan, Refusal)
    (run,) = (each for each in plan.array_runs if each.count > 1)
    assert expected == run.results


PRINTS = """
import numpy as np
a = np.linspace(0.0, 1.0, 300)
b = a[::-1].copy()
for step in range(4):
    t = a * 2.0
    u = np.sqrt(t + 1.0)
    a = u - t * b
    if step == 2:
        print(u[3])
late = a + b
kept = late * late
last = kept - a
print(a.sum(), last.sum(), step, t[5])
try:
    w = a + b
    v = w * np.zeros(7)
except ValueError as error:
    print(error, w[2])
"""


def test_a_script_prints_the_same_without_what_it_does_not_keep(tmp_path: Path) -> None:
    script = tmp_path / "prints.py"
    script.write_text(textwrap.dedent(PRINTS))

    def printed(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command, str(script)], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    assert printed() == printed("-m", "autopar", "run", "--backend", "cpu")


SHOWN = """
import numpy as np
import shows
a = np.linspace(0.0, 1.0, 300)
t = a * 2.0
u = np.sqrt(t + 1.0) - t
print(u[3])
shows.main()
"""


def test_a_module_that_the_script_imports_sees_all_names(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SHOWN)
    (tmp_path / "shows.py").write_text(
        "def main():\n    import __main__\n    print(__main__.t[5])\n"
    )
    command = [
        sys.executable,
        "-m",
        "autopar",
        "run",
        "--backend",
        "cpu",
        str(tmp_path / "script.py"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 2 == len(done.stdout.splitlines()), done.stderr
