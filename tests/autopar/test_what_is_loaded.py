"""Which packages a process loads: none that it does not need."""

import subprocess
import sys

import pytest

SHORT = """
import sys

def shift(a, n):
    for i in range(n - 1):
        a[i] = a[i] + 1.0
"""
HEAVY = ("numba", "llvmlite", "islpy", "gast", "rich")


def loaded(program: str, tmp_path, *arguments: str) -> set[str]:
    """Return which of the heavy packages a process has loaded when `program` ends."""
    script = tmp_path / "script.py"
    script.write_text(program + f"\nprint(*(each for each in {HEAVY} if each in sys.modules))\n")
    result = subprocess.run(
        [sys.executable, *arguments, str(script)], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path / "cache"))


def test_decorating_loads_nothing_heavy(tmp_path):
    program = SHORT + "import autopar\nautopar.parallel(shift)\n"
    assert loaded(program, tmp_path) == set()


def test_a_loop_that_does_not_pay_loads_no_compiler(tmp_path):
    program = SHORT + "import autopar, numpy\nautopar.parallel(shift)(numpy.zeros(10), 10)\n"
    assert loaded(program, tmp_path) == {"islpy", "gast"}


def test_a_script_whose_loops_do_not_pay_loads_no_compiler(tmp_path):
    program = SHORT + "import numpy\nshift(numpy.zeros(10), 10)\n"
    assert loaded(program, tmp_path, "-m", "autopar", "run") == {"islpy", "gast"}
