"""Drawn nests with bounds that are data, whole programs: what they do is the interpreter's."""

from __future__ import annotations

import copy
import importlib.util
import random
from pathlib import Path

import pytest

import autopar
from tests.drawn_rows import draw_arguments, draw_source
from tests.sameness import observe, places


@pytest.mark.parametrize("seed", [1, 3])
def test_drawn_rows_are_the_interpreters(seed: int, tmp_path: Path) -> None:
    choices = random.Random(seed)
    compiled = 0
    for number in range(4):
        source = draw_source(choices)
        path = tmp_path / f"drawn_{seed}_{number}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        decorated = autopar.parallel(module.kernel, backend="cpu", strict=True)
        for _ in range(5):
            given = draw_arguments(choices)
            expected = observe(module.kernel, copy.deepcopy(given))
            assert expected == observe(decorated, copy.deepcopy(given)), source
            compiled += "cpu" in places(decorated)[:1]
    assert compiled >= 5
