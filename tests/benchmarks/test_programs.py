"""Programs in unmodified NumPy give what they give under Python, as scripts and as functions."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autopar.array_entries import ArrayEntry
from benchmarks.programs.__main__ import FOLDER, SIZES, Limits, finished, line_of, measured, worked
from tests.sameness import same

SMALL = 24
# Of which kernels are compiled here, and how many of their runs are planned at least.
COMPILED = {
    "black_scholes": 2, "conjugate_gradient": 3, "layer_norm": 1, "red_black_sor": 1,
    "standardise": 1,
}  # fmt: skip


def program(name: str) -> Any:
    return importlib.import_module(f"benchmarks.programs.{name}")


def test_every_program_is_measured() -> None:
    names = {each.stem for each in FOLDER.glob("[a-z]*.py")} - {"timed", "sizes"}
    assert names == set(SIZES)


@pytest.mark.parametrize("name", sorted(COMPILED))
def test_a_program_compiled_is_what_it_was(name: str) -> None:
    module = program(name)
    decorated = same(module.program, lambda: module.given(SMALL, "float64"), cache=False)
    entries = [each for each in decorated._prepare().regions if isinstance(each, ArrayEntry)]
    assert sum(bool(each.again.all()) for each in entries) >= COMPILED[name]


@pytest.mark.parametrize("name", sorted(SIZES.keys() - COMPILED.keys()))
def test_a_program_in_the_interpreter_is_what_it_was(name: str) -> None:
    module = program(name)
    import autopar

    decorated: Any = autopar.parallel(module.program, cache=False)
    found = decorated(*module.given(SMALL, "float32"))
    wanted = module.program(*module.given(SMALL, "float32"))
    for have, want in zip(found, wanted, strict=True):
        assert type(have) is type(want)
        assert np.asarray(have).tobytes() == np.asarray(want).tobytes()


@pytest.mark.parametrize("name", ["heat", "softmax"])
def test_a_script_prints_what_it_prints_under_python(name: str, tmp_path: Path) -> None:
    script = [str(FOLDER / f"{name}.py"), str(SMALL), "float64"]

    def printed(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command, *script],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        return done.stdout

    assert printed("-m", "autopar", "run") == printed()


def test_a_program_that_does_not_compile_in_time_is_given_up(tmp_path: Path) -> None:
    found = measured("pi", SMALL, "float64", "numba", str(tmp_path), Limits(60.0, 0.01))
    assert found == {"failed": "does not compile within 0 s"}
    assert worked(found) is None
    row = {"program": "pi", "size": SMALL, "dtype": "float64", "numba": found}
    assert line_of(finished(row)).endswith("not compared; numba does not compile within 0 s")
