"""Every form of what NumPy offers for whole arrays: how it is taken, as the page of it says."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.analysis.model.array_run import Fold, FusedRun
from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.stages import plan_array_run
from autopar.array_entries import ArrayEntry, _given, _key
from tests import numpy_surface
from tests.effort import IS_LONG
from tests.sameness import observe

PAGE = Path(__file__).resolve().parents[2] / "docs" / "numpy-functions.md"
FORMS = numpy_surface.all_forms()
# Every form is compiled in the long run, these few in each.
FEW = 40
BEHIND = 2  # lines from the head of a function to its form


@pytest.fixture(name="functions", scope="module")
def _functions(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("surface") / "forms_of_numpy.py"
    path.write_text(numpy_surface.module_text())
    found = importlib.util.spec_from_file_location("forms_of_numpy", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["forms_of_numpy"] = module
    found.loader.exec_module(module)
    return module


def given(dtype: str = "float64") -> tuple[Any, ...]:
    draw = np.random.default_rng(1)
    a, b = (draw.random((6, 6)).astype(dtype) for _ in range(2))
    row = np.sort(draw.random(6)).astype(dtype) + np.asarray(0.5, dtype)
    return a, b, row, np.array([3, 1, 4, 1]), draw.integers(0, 9, (6, 6)), a * 2.0 + b > 1.2


def state_of(number: int, functions: ModuleType, patch: pytest.MonkeyPatch) -> str:
    """Return how a form is taken, planned for what it meets, and not run."""
    asked: list[tuple[ArrayEntry, FusedRun | None]] = []

    def planned(self: ArrayEntry, *values: Any) -> tuple[()]:
        found: Any = None
        if _key(values, 16) is not None:
            found = plan_array_run(self.run, _given(self.run.arguments, values, most_known=16))
        asked.append((self, None if found is None or isinstance(found, Refusal) else found[0]))
        return ()

    patch.setattr(ArrayEntry, "enter", planned)
    function = getattr(functions, f"form_{number}")
    autopar.parallel(function, backend="cpu")(*given())
    line = function.__code__.co_firstlineno + BEHIND
    here = [e for e in asked if e[0].span.line <= line <= e[0].span.end_line]
    if not here:
        return "NumPy's"
    if all(entry.is_value for entry, _ in here):
        return "NumPy's, of fused values" if any(run for _, run in here) else "NumPy's"
    (run,) = (run for entry, run in here if not entry.is_value)
    if run is None:
        return "NumPy's, with its neighbours"
    return "in a run" if any(isinstance(each, Fold) for each in run.steps) else "fused"


HEAD = """# NumPy's functions

Each form stood in the middle of a function, between two statements that run in kernels, and was
planned there: `tests/autopar/test_numpy_surface.py` makes this page. `make test` compares a part
of them with NumPy, `make long` each.

| taken | means |
| --- | --- |
| fused | its elements are computed in the loops of the statements around it |
| in a run | NumPy's own function is called between these loops, which are planned together |
| NumPy's | the interpreter calls it between two runs; those around it are fused |
| NumPy's, of fused values | the same; what it is given is computed in loops |
| NumPy's, with its neighbours | for such arrays the statements next to it are NumPy's, too |

`t` and `b` are matrices of floats, `row` a vector, `counts` and `places` integers, `m` truth
values."""


def row_of(form: str, state: str) -> str:
    """Return the row of a form."""
    text = form.replace("|", "\\|")
    return f"| `{text}` | {state} |"


def page_of(states: dict[str, str]) -> str:
    """Return the page as it should be."""
    counts = ", ".join(f"{n} {each}" for each, n in Counter(states.values()).most_common())
    lines = [HEAD, "", f"Forms: {counts}."]
    for title, forms in numpy_surface.FORMS.items():
        lines += ["", f"## {title}", "", "| form | taken |", "| --- | --- |"]
        lines += [row_of(form, states[form]) for form in forms]
    return "\n".join(lines) + "\n"


@pytest.mark.filterwarnings("ignore")
def test_the_page_of_forms_says_how_each_is_taken(
    functions: ModuleType, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    is_written = request.config.getoption("--update-cases")
    is_all = IS_LONG or is_written
    chosen = list(enumerate(FORMS))[:: 1 if is_all else len(FORMS) // FEW]
    states = {form: state_of(n, functions, monkeypatch) for n, form in chosen}
    if is_written:
        PAGE.write_text(page_of(states))
    page = PAGE.read_text()
    if is_all:
        assert page_of(states) == page
    rows = page.splitlines()
    assert [] == [row for row in map(row_of, states, states.values()) if row not in rows]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", FORMS if IS_LONG else FORMS[:: len(FORMS) // FEW])
def test_a_form_is_what_it_is_under_numpy(functions: ModuleType, form: str, dtype: str) -> None:
    if dtype == "float32" and not IS_LONG:
        pytest.skip("in the long run")
    function = getattr(functions, f"form_{FORMS.index(form)}")
    expected = observe(function, given(dtype))
    actual = observe(autopar.parallel(function, backend="cpu"), given(dtype))
    assert expected == actual
