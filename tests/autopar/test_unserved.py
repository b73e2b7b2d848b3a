"""One warning at most, where a backend named by the user cannot serve a loop."""

from __future__ import annotations

PROGRAM = """
import warnings
import numpy as np
import autopar

@autopar.parallel(backend="cuda")
def follows(a):
    for i in range(1, len(a)):
        a[i] = 0.5 * a[i - 1] * a[i - 1] + a[i]

@autopar.parallel(backend="cuda")
def turns(z):
    for i in range(len(z)):
        z[i] = z[i] * 1j + 2.0

@autopar.parallel(backend="cuda")
def again(z):
    for i in range(len(z)):
        z[i] = z[i] * 3j

@autopar.parallel
def chosen(z):
    for i in range(len(z)):
        z[i] = z[i] * 3j

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    z = np.ones(5, complex)
    chosen(z), follows(np.ones(9))
    print(len(seen))
    turns(z), turns(z), again(z)
    print(z[:2])
    for each in seen:
        print(each.category.__name__, each.lineno, each.filename, each.message)
"""


def test_the_first_loop_that_a_named_backend_leaves_gives_one_warning(tmp_path, python):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = python("program.py", environment={"NUMBA_ENABLE_CUDASIM": "1"})
    assert "" == done.stderr
    none, values, warned = done.stdout.splitlines()
    assert ("0", "[3.+6.j 3.+6.j]") == (none, values)
    assert warned.startswith("BackendWarning 13 ")
    assert "program.py backend 'cuda' was asked for" in warned
    assert "AP601 The target 'cuda' has no arithmetic of complex numbers" in warned
