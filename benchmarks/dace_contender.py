"""DaCe with automatic optimisation as a contender, in an interpreter of its own.

    python -m venv /some/where && /some/where/bin/pip install dace "networkx<3.5"
    python -m benchmarks.polybench --dace /some/where/bin/python

DaCe 1.0.2 raises KeyError under networkx 3.6.
Its kernels get the same text without annotations, and the same arguments. What they leave is held
against the compiled loop's: DaCe reorders and contracts, so close values count as right.
"""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .harness import copied
from .kernels import Arguments
from .loops import Form
from .statistics import median

CHILD = Path(__file__).with_name("dace_child.py")
LIMIT_S = 100  # of a kernel: most of it is C++'s compiler
HEADER = "import math\n\nimport numpy as np\n\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What became of a kernel."""

    seconds: float | None  # median of a call; None where there was none
    word: str  # "same", "close", "wrong"; else why there is nothing


def run(python: str, function: Form, reference: Form, fresh: Arguments) -> Contender:
    """What `function` does under DaCe with the arguments in `fresh`, `reference` being right."""
    left = copied(fresh)
    reference(*left)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "kernel.py").write_text(HEADER + plain_text(function), "utf-8")
        _keep(folder / "given.npz", fresh)
        _keep(folder / "left.npz", left)
        try:
            done = subprocess.run(
                [python, str(CHILD), name],
                cwd=name, capture_output=True, text=True, timeout=LIMIT_S, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            return Contender(seconds=None, word="no such interpreter")
        except subprocess.TimeoutExpired:
            return Contender(seconds=None, word=f"not done after {LIMIT_S} s")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            return Contender(seconds=None, word=last.replace(f"{name}/", "")[:200])
        found: dict[str, Any] = json.loads((folder / "found.json").read_text("utf-8"))
    return Contender(seconds=median(found["seconds"]), word=found["word"])


def plain_text(function: Form) -> str:
    """The text of a function called `kernel`, without annotations and docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.name, definition.returns = "kernel", None
    for each in definition.args.args:
        each.annotation = None
    if ast.get_docstring(definition) is not None:
        definition.body = definition.body[1:]
    return ast.unparse(tree) + "\n"


def _keep(path: Path, arguments: Arguments) -> None:
    named: dict[str, Any] = {f"a{number:02}": each for number, each in enumerate(arguments)}
    np.savez(path, allow_pickle=False, **named)
