"""Where faults are planted, and which tests are likely to see them.

Left out are reports, predictions of time, what only speed depends on, and the code for devices,
whose tests on the simulator take minutes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

AREAS: dict[str, tuple[str, ...]] = {
    "analysis": (
        "analysis/passes/accesses.py",
        "analysis/passes/affine.py",
        "analysis/passes/allocations.py",
        "analysis/passes/apart_rows.py",
        "analysis/passes/array_axes.py",
        "analysis/passes/array_fusion.py",
        "analysis/passes/array_meetings.py",
        "analysis/passes/array_nests.py",
        "analysis/passes/array_statements.py",
        "analysis/passes/bounds.py",
        "analysis/passes/branches.py",
        "analysis/passes/build_scop.py",
        "analysis/passes/certain_writes.py",
        "analysis/passes/counters.py",
        "analysis/passes/data_bounds.py",
        "analysis/passes/dependences.py",
        "analysis/passes/draws.py",
        "analysis/passes/effects.py",
        "analysis/passes/exchanges.py",
        "analysis/passes/fission.py",
        "analysis/passes/folding.py",
        "analysis/passes/freshness.py",
        "analysis/passes/inline_calls.py",
        "analysis/passes/instances.py",
        "analysis/passes/kept_arrays.py",
        "analysis/passes/last_values.py",
        "analysis/passes/layouts.py",
        "analysis/passes/leaving.py",
        "analysis/passes/leaving_loops.py",
        "analysis/passes/liveness.py",
        "analysis/passes/loop_variables.py",
        "analysis/passes/order.py",
        "analysis/passes/privatization.py",
        "analysis/passes/purity.py",
        "analysis/passes/reductions.py",
        "analysis/passes/renaming.py",
        "analysis/passes/same_iterations.py",
        "analysis/passes/scans.py",
        "analysis/passes/schedule.py",
        "analysis/passes/storage.py",
        "analysis/passes/subscripts.py",
        "analysis/passes/substitution.py",
        "analysis/passes/updates.py",
        "analysis/passes/verdicts.py",
        "analysis/passes/wrapping.py",
    ),
    "guards": (
        "analysis/facts/arguments.py",
        "analysis/facts/layouts.py",
        "analysis/facts/lists.py",
        "analysis/facts/overlap.py",
        "analysis/facts/rows.py",
        "analysis/passes/conditions.py",
        "analysis/passes/in_bounds.py",
        "analysis/passes/inspections.py",
        "analysis/passes/readable.py",
        "autopar/aliases.py",
        "autopar/array_entries.py",
        "autopar/attributes.py",
        "autopar/chains.py",
        "autopar/dispatch.py",
        "autopar/guard.py",
        "autopar/inspectors.py",
        "autopar/lists.py",
        "autopar/put_back.py",
        "autopar/repeats.py",
        "autopar/row_finders.py",
        "autopar/shortcuts.py",
        "autopar/variants.py",
        "autopar/warn.py",
        "codegen/checks.py",
        "codegen/float_status.py",
        "codegen/headers.py",
        "codegen/inspect.py",
        "codegen/proven.py",
    ),
    "typing": (
        "analysis/passes/allocated_types.py",
        "analysis/passes/array_casts.py",
        "analysis/passes/conversions.py",
        "analysis/passes/final_types.py",
        "analysis/passes/hazards.py",
        "analysis/passes/kinds.py",
        "analysis/passes/merge_typed.py",
        "analysis/passes/promotion.py",
        "analysis/passes/ranges.py",
        "analysis/passes/type_calls.py",
        "analysis/passes/type_complex.py",
        "analysis/passes/type_expression.py",
        "analysis/passes/type_operations.py",
        "analysis/passes/type_rows.py",
        "analysis/passes/type_ufuncs.py",
        "analysis/passes/typing.py",
        "codegen/integers.py",
        "codegen/marks.py",
    ),
    "code": (
        "codegen/cells.py",
        "codegen/combine.py",
        "codegen/cpu.py",
        "codegen/cpu_body.py",
        "codegen/cpu_reduce.py",
        "codegen/elements.py",
        "codegen/expressions.py",
        "codegen/fixed_reads.py",
        "codegen/halos.py",
        "codegen/held.py",
        "codegen/host.py",
        "codegen/innermost.py",
        "codegen/jam.py",
        "codegen/lane_plan.py",
        "codegen/lane_text.py",
        "codegen/last_copies.py",
        "codegen/least.py",
        "codegen/lower.py",
        "codegen/operations.py",
        "codegen/partials.py",
        "codegen/passes.py",
        "codegen/predicates.py",
        "codegen/reduced.py",
        "codegen/scalars.py",
        "codegen/scans.py",
        "codegen/selected.py",
        "codegen/slices.py",
        "codegen/small_integers.py",
        "codegen/strips.py",
    ),
}
# What may see a fault anywhere in an area.
ANYWHERE: dict[str, tuple[str, ...]] = {
    "analysis": (
        "tests/analysis/test_dependences.py",
        "tests/analysis/test_build_scop.py",
        "tests/properties/test_verdicts.py",
        "tests/autopar/test_patterns.py",
    ),
    "guards": (
        "tests/autopar/test_overlap.py",
        "tests/autopar/test_decorator.py",
        "tests/autopar/test_semantics.py",
    ),
    "typing": (
        "tests/analysis/test_typing.py",
        "tests/codegen/test_expressions.py",
        "tests/autopar/test_semantics.py",
    ),
    "code": (
        "tests/codegen/test_cpu.py",
        "tests/autopar/test_reductions.py",
        "tests/autopar/test_patterns.py",
    ),
}
MOST_OWN = 5
_ANYWHERE = 10  # points of what may see a fault anywhere


def likely_tests(root: Path, path: str, area: str) -> tuple[str, ...]:
    """Return the test files that are to be run for a fault in the module at `path`, in order."""
    texts = _texts(root)
    scores = {test: likelihood(root, path, area, test) for test in texts}
    for test in ANYWHERE[area]:
        scores[test] -= _ANYWHERE * (3 if test.startswith("tests/analysis") else 1)
    own = sorted((test for test in texts if scores[test]), key=lambda t: (-scores[t], t))
    return tuple(dict.fromkeys((*own[:MOST_OWN], "tests/cases", *ANYWHERE[area])))


@cache
def likelihood(root: Path, path: str, area: str, test: str) -> int:
    """Return how likely a test file sees a fault in the module at `path`, as a number of points."""
    if test == "tests/cases":
        return 100
    text = _texts(root)[test]
    module = Path(path)
    names = [each.name for each in _tops(root / path) if not each.name.startswith("_")]
    dotted = path.removesuffix(".py").replace("/", ".")
    found = 8 * (dotted in text or f"{dotted.rpartition('.')[0]} import {module.stem}" in text)
    found += 8 * (Path(test).stem == f"test_{module.stem}")
    words = [word for word in module.stem.split("_") if len(word) > 3]
    found += 3 * sum(word.rstrip("s") in Path(test).stem for word in words)
    found += _ANYWHERE * (test in ANYWHERE[area])
    found += 2 * sum(bool(re.search(rf"\b{name}\b", text)) for name in names)
    # Stages alone compile nothing.
    return 3 * found if test.startswith("tests/analysis") else found


def test_files(root: Path) -> tuple[str, ...]:
    """Return what is run to learn which tests run what: cases, then stages alone, then whole programs."""
    folders = ("tests/analysis", "tests/codegen", "tests/properties", "tests/autopar")
    return ("tests/cases", *sorted(_texts(root), key=lambda e: (folders.index(_folder(e)), e)))


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


@cache
def _texts(root: Path) -> dict[str, str]:
    """Return the texts of all test files that run whole programs or stages on this machine."""
    folders: Sequence[str] = ("analysis", "autopar", "codegen", "properties")
    files = (each for folder in folders for each in (root / "tests" / folder).glob("test_*.py"))
    return {
        file.relative_to(root).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(files)
        if "cuda" not in file.name and "device" not in file.name and "ptx" not in file.name
    }


@cache
def _tops(module: Path) -> tuple[ast.FunctionDef | ast.ClassDef, ...]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return tuple(e for e in tree.body if isinstance(e, ast.FunctionDef | ast.ClassDef))
