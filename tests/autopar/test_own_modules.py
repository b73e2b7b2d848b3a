"""Programs of several files under `autopar run`: as under `python`, with their own modules taken over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LOOP = """
def scale(a):
    for i in range(len(a)):
        a[i] = a[i] * 2.0
    return a
"""
FILES = {
    "main.py": """
import doctest, importlib, inspect, pickle, sys
import numpy as np
import grids
from pkg import relax, sweep
from pkg.sub import deep
import spread.part
sys.path.insert(0, "more")
import later
import outside

print(grids.__name__, grids.TOTAL, type(grids.TOTAL), grids.__file__ == grids.__spec__.origin)
u = np.zeros((40, 40))
u[0] = 1
print(relax(u, 3).sum(), deep.scale(np.arange(5.0)), spread.part.scale(np.ones(2)))
print(later.scale(np.ones(2)), outside.scale(np.ones(3)))
print(pickle.loads(pickle.dumps(relax)) is relax, pickle.loads(pickle.dumps(sweep.Point(1, 2))))
print(inspect.getsource(sweep))
print(inspect.getsource(relax), doctest.testmod(sweep))
print(importlib.reload(grids) is grids, grids.TOTAL)
sweep.fail(np.ones(3))
""",
    "grids.py": """
import numpy as np
TOTAL = 0
a = np.arange(1000)
for i in range(1000):
    TOTAL += a[i] * 2
""",
    "pkg/__init__.py": "from .sweep import relax\n",
    "pkg/__main__.py": """
import numpy as np
from . import relax
print(__name__, __package__, relax(np.ones((30, 30)), 2).sum())
""",
    "pkg/sweep.py": '''
from dataclasses import dataclass

@dataclass
class Point:
    x: int
    y: int

def relax(u, times):
    """Smooth.

    >>> relax.__name__
    'relax'
    """
    for _ in range(times):
        v = u.copy()
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
        u = v
    return u

def fail(a):
    for i in range(10):
        a[i] = a[i] * 2
''',
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": LOOP,
    "spread/part.py": LOOP,  # of a package without __init__.py
    "more/later/__init__.py": LOOP,
    "elsewhere/outside.py": LOOP,  # on the path from the start, as installed packages are
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def reported(program, python):
    """Return what runs the program both ways and returns which loops ran where, by file."""
    root = str(Path(__file__).resolve().parents[2])
    environment = {
        "AUTOPAR_BACKEND": "cpu",
        "PYTHONPATH": f"{root}:{program / 'elsewhere'}",
    }

    def run(*arguments: str, options: tuple[str, ...] = ()) -> dict[str, list[str]]:
        plain = python(*arguments, environment=environment)
        ours = python(
            "-m", "autopar", "run", "--json", "report.json", *options, *arguments,
            environment=environment,
        )  # fmt: skip
        assert (plain.returncode, plain.stdout) == (ours.returncode, ours.stdout), ours.stderr
        assert plain.stderr == ours.stderr
        found = json.loads((program / "report.json").read_text())
        return {
            report["file"]: [
                loop.get("ran", {}).get("backend", "-")
                for function in report["functions"]
                for loop in function["loops"]
            ]
            for report in (found if isinstance(found, list) else [found])
        }

    return run


def test_modules_of_the_program_are_taken_over_and_no_others(reported):
    found = reported("main.py")
    assert {
        "main.py": [],
        "grids.py": ["cpu"],
        "pkg/sweep.py": ["cpu", "cpu", "cpu", "cpu", "interpreter"],
        "pkg/sub/deep.py": ["cpu"],
        "spread/part.py": ["cpu"],
        "more/later/__init__.py": ["cpu"],
    } == found


def test_packages_around_a_module_are_taken_over(reported):
    found = reported("-m", "pkg")
    assert ["cpu", "cpu"] == found["pkg/sweep.py"][1:3]


def test_patterns_choose_among_the_modules(reported):
    assert {"main.py", "pkg/sub/deep.py"} == set(
        reported("main.py", options=("--include", "deep*"))
    )
    found = reported("main.py", options=("--exclude", "*/sweep.py", "--exclude", "spread/*"))
    assert {"main.py", "grids.py", "pkg/sub/deep.py", "more/later/__init__.py"} == set(found)


def test_a_module_that_fails_to_load_fails_as_ever(program, reported):
    (program / "broken.py").write_text("import numpy\nfor i in range(3):\n    i.x = 1\n")
    (program / "uses.py").write_text("import broken\n")
    reported("uses.py")
    (program / "broken.py").write_text("for i in range(3:\n")
    reported("uses.py")


def test_installed_packages_stay_as_they_are(program, reported):
    folder = program / "venv" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "other.py").write_text(LOOP)
    (program / "uses.py").write_text(
        "import sys\nsys.path.append('venv/site-packages')\nimport numpy as np, other\n"
        "print(other.scale(np.ones(3)))\n"
    )
    assert {"uses.py": []} == reported("uses.py")


def test_processes_of_the_program_find_its_modules(program, reported):
    (program / "many.py").write_text(
        "import multiprocessing, sys\nimport numpy as np\nfrom pkg.sub import deep\n"
        "if __name__ == '__main__':\n"
        "    for kind in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(kind).Pool(2) as pool:\n"
        "            print(pool.map(deep.scale, [np.ones(3), np.arange(2.0)]))\n"
    )
    reported("many.py")
