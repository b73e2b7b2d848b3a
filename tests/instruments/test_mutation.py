"""The instrument that plants faults: what it plants, and where."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.mutation.campaign import draw_faults, table
from tests.mutation.faults import faults_of, is_another_program
from tests.mutation.targets import AREAS, likely_tests

# mypy: disable-error-code="no-untyped-def"

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = '''"""Words."""

KINDS = ("flow", "anti")
LIMIT = 8


def found(n: int, names: set[str], kind: str) -> bool:
    """Return 1 < 2."""
    assert n < 3
    if n < 4 and kind == "flow":
        return True
    names.update(each for each in KINDS if each)
    return any(-n + 1 > k for k in (1, n)) or not names | {"int32"}
'''


def test_each_kind_of_fault_is_planted_where_it_says():
    faults = [each for each in faults_of("m.py", TEXT) if is_another_program(each, TEXT)]
    planted = {(each.kind, TEXT[each.start : each.end], each.text) for each in faults}
    assert planted >= {
        ("dropped element", '"flow", ', ""),
        ("other comparison", "<", "<="),
        ("forgotten condition", "n < 4", "True"),
        ("forgotten guard", 'n < 4 and kind == "flow"', "False"),
        ("other dependence", '"flow"', "'anti'"),
        ("other answer", "True", "False"),
        ("forgotten filter", "each", "True"),
        ("dropped statement", "names.update(each for each in KINDS if each)", "pass"),
        ("other function", "any", "all"),
        ("other sign", "+", "-"),
        ("dropped sign", "-n", "(n)"),
        ("off by one", "1", "2"),
        ("dropped operand", 'names | {"int32"}', "(names)"),
        ("other cast", '"int32"', "'int64'"),
    }
    lines = TEXT.splitlines()
    untouched = {n for n, line in enumerate(lines, 1) if "assert" in line or "LIMIT" in line}
    assert untouched.isdisjoint(each.line for each in faults)


def test_every_planted_fault_is_another_program():
    area, fault = draw_faults(ROOT, 1, 1)[0]
    source = (ROOT / fault.path).read_text(encoding="utf-8")
    assert fault.path in AREAS[area]
    assert ast.dump(ast.parse(source)) != ast.dump(ast.parse(fault.planted(source)))


def test_a_longer_draw_begins_with_the_shorter():
    assert draw_faults(ROOT, 1, 24)[:8] == draw_faults(ROOT, 1, 8)


def test_modules_and_their_tests_are_there():
    for area, paths in AREAS.items():
        for path in paths:
            assert (ROOT / path).is_file(), path
        tests = likely_tests(ROOT, paths[0], area)
        assert all((ROOT / each).exists() for each in tests), tests


def test_the_table_counts_and_shows_what_nobody_saw():
    rows = [
        {"area": "guards", "by": "FAILED x", "diff": "one"},
        {"area": "guards", "by": None, "diff": "- a\n+ b"},
    ]
    shown = table({"faults": rows})
    assert "guards           2     1   50.0%" in shown
    assert "- a\n+ b" in shown
    assert "one" not in shown
