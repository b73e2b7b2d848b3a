"""Every kernel of the suite, and the other programs, on each target: words for what is done to them.

`schedules.txt` has for each loop of a program what it says on the CPU and on a device. The modules
for the CPU are run by the interpreter, parallel loops in a hostile order; those for a device in the
simulator.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.polybench import KERNELS, Kernel
from benchmarks.polybench.sizes import PROGRAMS
from tests.adversary import ORDERS
from tests.effort import IS_LONG
from tests.ordered_nests import Nest, drafts_of, generated, interpreted
from tests.sameness import loops_of, places, same

LARGEST = 7  # of what sizes there are: a thread of the simulator is one of Python


def small(kernel: Kernel) -> Kernel:
    """Return a kernel with sizes for an interpreter."""
    inputs: Mapping[str, Any] = kernel.inputs
    sizes = {
        name: min(value, LARGEST) if isinstance(value, int) else value
        for name, value in inputs.items()
    }
    if kernel.name == "matrix_chain":
        sizes["k"] = LARGEST + 1
    return replace(kernel, inputs=sizes)


ALL = {each.name: small(each) for each in (*KERNELS, *PROGRAMS)}
# One for each thing that is done, and one that no order helps.
FEW = ("symm", "syrk", "trmm", "mvt", "trisolv", "floyd_warshall", "smith_waterman", "prefix_sums")
TABLE = dict(
    line.split(": ", 1)
    for line in Path(__file__).with_name("schedules.txt").read_text("utf-8").splitlines()
)
NAMES = list(ALL) if IS_LONG else FEW


def shown(words: list[list[str]]) -> str:
    """Return the words of all loops as a line of the table."""
    return "; ".join(", ".join(each) or "-" for each in words)


def nest_of(kernel: Kernel) -> Nest:
    text = inspect.getsource(kernel.function).replace(
        f"def {kernel.function.__name__}(", "def nest("
    )
    names = inspect.signature(kernel.function).parameters
    header = "from __future__ import annotations\nimport math\nimport numpy as np\n"
    return Nest(text=header + text, arguments=dict(zip(names, kernel.arguments(), strict=True)))


def words_of(nest: Nest, drafts: Any) -> str:
    found: dict[int, list[str]] = {}
    for draft in drafts:
        for span, word in draft.transforms:
            line = found.setdefault(span.line, [])
            if word not in line:
                line.append(word)
    loops = [
        n for n, line in enumerate(nest.text.splitlines(), 1) if line.strip().startswith("for ")
    ]
    return shown([found.get(line, []) for line in loops])


# Some set numbers or elements before their loops, which only a call does.
@pytest.mark.parametrize("name", [each for each in NAMES if f"{each}, cpu" in TABLE])
def test_a_program_for_the_cpu_in_a_hostile_order(name: str) -> None:
    nest = nest_of(ALL[name])
    drafts = drafts_of(nest)
    order = next(itertools.islice(ORDERS.values(), len(name) % len(ORDERS), None))
    assert interpreted(nest) == generated(nest, drafts, order, sizes=(3, 1), may_tell=True)
    assert TABLE[f"{name}, cpu"] == words_of(nest, drafts)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_on_a_device(name: str, backend: str) -> None:
    if backend == "cpu":
        return  # compiled ones take too long for a test: see above
    kernel = ALL[name]
    with np.errstate(all="ignore"):
        decorated = same(kernel.function, kernel.arguments, backend, cache=False)
    words = [loop["transform"] for loop in loops_of(decorated.last_run)]
    where = ", ".join(sorted(set(places(decorated))))
    assert TABLE[f"{name}, {where}"] == shown(words)


def test_programs_on_the_simulator(on_simulator):
    on_simulator(__file__)
