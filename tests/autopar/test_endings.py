"""A program ends as it would: what it leaves open is written, what it leaves alive says farewell."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import pytest

from autopar import endings
from tests.sameness import loops_of, same

PROGRAM = """
import atexit
import numpy as np
{import_}

class Lasting:
    def __del__(self):
        print("gone", flush=True)

def closure(step):
    {decorator}
    def fill(x):
        for i in range(x.shape[0]):
            x[i] = step * i
    return fill

{decorator}
def total(x):
    s = 0
    for i in range(x.shape[0]):
        s += x[i]
    return s

lasting = Lasting()
left_open = open("lines.txt", "w")
left_open.write("one line")
x = np.zeros(100, dtype=np.int64)
fill = closure(3)
fill(x)
print(total(x))
atexit.register(lambda: print(total(x)))
"""


@pytest.mark.parametrize("way", ["decorated", "whole file"])
def test_what_a_module_holds_is_freed_at_the_end(way, tmp_path, python):
    is_decorated = way == "decorated"
    text = PROGRAM.format(
        import_="import autopar" if is_decorated else "",
        decorator="@autopar.parallel" if is_decorated else "",
    )
    (tmp_path / "program.py").write_text(text)
    words = ["program.py"] if is_decorated else ["-m", "autopar", "run", "program.py"]
    done = python(*words, environment={"AUTOPAR_BACKEND": "cpu"})
    assert ("", 0) == (done.stderr, done.returncode)
    assert "14850\n14850\ngone\n" == done.stdout
    assert "one line" == (tmp_path / "lines.txt").read_text()


def scale(x, y):
    for i in range(x.shape[0]):
        y[i] = 2.0 * x[i]


def test_calls_after_the_end_run_as_written(monkeypatch):
    monkeypatch.setattr(endings, "_OWN", WeakKeyDictionary())  # other tests go on
    arguments = (np.arange(50.0), np.zeros(50))
    decorated = same(
        scale, lambda: tuple(each.copy() for each in arguments), ran="cpu", cache=False
    )
    endings.give_back()
    x, y = (each.copy() for each in arguments)
    decorated(x, y)
    assert np.array_equal(2.0 * x, y)
    assert "cpu" not in {
        loop.get("ran", {}).get("backend") for loop in loops_of(decorated.last_run)
    }
