"""The instrument that plants faults: what it plants, and where."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation import judged
from tests.mutation.campaign import Limits, draw_faults, table
from tests.mutation.faults import faults_of, is_another_program
from tests.mutation.nursery import HIT, plant, run_child
from tests.mutation.sites import Sites, is_in_function, noted
from tests.mutation.targets import AREAS, likely_tests
from tests.mutation.trial import Scratch

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


MODULE = """\
import functools

TABLE = (1, 2)


def doubled(n):
    if n < 0:
        return -n
    return [n * each for each in TABLE][-1]


class Box:
    @property
    def size(self):
        \"\"\"Words.\"\"\"
        return 7

    @functools.cached_property
    def large(self):
        return self.size > 5
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    path = tmp_path / "planted_module.py"
    path.write_text(MODULE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("planted_module", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "planted_module", found)
    spec.loader.exec_module(found)
    return found


def test_functions_get_the_code_of_the_fault_wherever_they_are_held(module):
    held, box = module.doubled, module.Box()
    text = MODULE.replace("n < 0", "n <= 9").replace("return 7", "return 3")
    plant(module.__file__, compile(text, module.__file__, "exec"))
    assert (-4, 3, False) == (held(4), box.size, box.large)


def test_a_module_is_known_by_its_file_whatever_the_way_to_it(module, tmp_path):
    (tmp_path / "linked").symlink_to(tmp_path)
    code = compile(MODULE.replace("return 7", "return 3"), module.__file__, "exec")
    plant(str(tmp_path / "linked" / "planted_module.py"), code)
    assert 3 == module.Box().size
    with pytest.raises(ValueError, match="imported"):
        plant(str(tmp_path / "other.py"), code)


def test_sites_are_noted_when_their_statements_run(module, monkeypatch):
    path = Path(module.__file__)
    faults = list(enumerate(faults_of(str(path), MODULE)))
    hits: set[int] = set()
    monkeypatch.setattr(builtins, HIT, hits.add, raising=False)
    plant(str(path), noted(path, faults))
    assert (6, 7) == (module.doubled(3), module.Box().size)
    lines = {MODULE.splitlines()[faults[number][1].line - 1].strip() for number in hits}
    assert {"if n < 0:", "return [n * each for each in TABLE][-1]", "return 7"} == lines
    assert 5 == module.doubled(-5)
    assert any(faults[number][1].kind == "dropped sign" for number in hits)
    own = [is_in_function(fault, MODULE) for _, fault in faults]
    assert 2 == own.count(False)  # the two elements of the table


def test_a_child_says_which_test_failed_hung_or_crashed(module, tmp_path):
    test = tmp_path / "test_planted.py"
    test.write_text(
        "import os, sys, time\n"
        "def test_one(): assert True\n"
        "def test_two():\n"
        "    assert sys.modules['planted_module'].doubled(4) == 8\n"
        "def test_three(): os._exit(1)\n"
        "def test_four(): time.sleep(60)\n",
        encoding="utf-8",
    )
    fault = compile(MODULE.replace("n < 0", "n < 9"), module.__file__, "exec")
    asked = [f"{test}::test_one", f"{test}::test_two"]
    assert run_child(asked, [], 60)[0] is None
    seen, _ = run_child(asked, [(module.__file__, fault)], 60)
    assert seen is not None
    assert seen.endswith("test_two")
    assert "crash" == run_child([f"{test}::test_three"], [], 60)[0]
    assert "hang" == run_child([f"{test}::test_four"], [], 0.5)[0]
    notes = tmp_path / "notes"
    run_child(asked, [], 60, notes)
    rows = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    assert [True, True] == [row["passed"] for row in rows]


def test_tests_of_a_fault_come_by_files_and_the_quick_ones_first(tmp_path):
    rows = [
        {"test": test, "passed": passed, "seconds": seconds, "sites": sites}
        for test, passed, seconds, sites in [
            ("a::1", True, 0.5, [3]),
            ("a::2", True, 0.1, [3, 4]),
            ("b::1", True, 0.3, [3]),
            ("b::2", False, 0.1, [3]),
            ("b::3", True, 0.2, [4]),
            ("a::3", True, 9.0, [3]),
        ]
    ]
    path = tmp_path / "sites"
    lines = [*map(json.dumps, rows), '{"test": "cut sho', "", json.dumps({"file": "a"})]
    path.write_text("\n".join(lines), encoding="utf-8")
    sites = Sites(path, tmp_path)
    limits = Limits(count=1, fuzz_s=0, seconds=1, first_s=0.35)
    chunks = [names for names, _ in sites.chunks(3, frozenset(), limits)]
    assert [["a::2", "b::1"], ["a::1"], ["a::3"]][:1] == chunks[:1]
    assert {"a::1", "a::2", "a::3", "b::1"} == {name for chunk in chunks for name in chunk}
    assert [["a::1", "a::3"]] == [
        names
        for names, _ in sites.chunks(3, frozenset({"a::2", "b::1"}), replace(limits, first_s=99))
    ]
    assert ["b"] == sites.missing(["a", "b"])


def test_the_page_says_what_became_of_the_faults_that_are_kept():
    kept = json.loads(judged.KEPT.read_text(encoding="utf-8"))
    assert judged.page(kept) == judged.PAGE.read_text(encoding="utf-8")
    rows = kept["faults"]
    assert len(rows) == len(
        {(row["path"], row["change"], row["line"], row["kind"]) for row in rows}
    )
    for row in rows:
        assert (row["by"] is None) == ("why" in row)
        assert row["by"] or row["why"][0] in judged.VERDICTS
        assert row["path"] in AREAS[row["area"]]


def test_what_is_kept_of_a_campaign_counts_and_has_words():
    diff = "--- m.py\n+++ m.py\n@@ -1 +1 @@\n-    if a:\n+    if b:"
    row = {"area": "code", "path": "m.py", "line": 3, "kind": "other", "diff": diff}
    seen = row | {"by": "test_x", "tried": [], "runners": 2}
    unseen = row | {"line": 4, "by": None, "tried": ["t"], "runners": 1}
    found = {"seed": 7, "faults": [seen, unseen]}
    kept = judged.kept_of(found, "abc", 9, {"m.py: if a: => if b:": ["time", "it is a price"]})
    assert [None, ["time", "it is a price"]] == [each.get("why") for each in kept["faults"]]
    shown = judged.page(kept)
    assert "| code | 2 | 1 | 0 | 50% | 1 | 0 |" in shown
    by_hand = {"m.py: if a: => if b:": "test_y"}
    kept = judged.kept_of(found, "abc", 9, {}, by_hand)
    assert ["test_x", "test_y"] == [each["by"] for each in kept["faults"]]
    assert "| code | 2 | 2 | 0 | 100% | 0 | 0 |" in judged.page(kept)
    assert "1 of the faults were shown to single tests" in judged.page(kept)
    assert "`m.py`, other: `if a:` became `if b:`; 1 tests asked: it is a price." in shown
    assert "seed 7 for the code at abc" in shown


def test_a_fault_is_taken_back_after_a_campaign_was_killed(tmp_path):
    (tmp_path / "tree").mkdir()
    file = tmp_path / "tree" / "m.py"
    file.write_text(TEXT, encoding="utf-8")
    fault = faults_of("m.py", TEXT)[0]
    with Scratch(tmp_path).planted(fault):
        assert TEXT != file.read_text(encoding="utf-8")
        Scratch(tmp_path)
        assert TEXT == file.read_text(encoding="utf-8")
        (tmp_path / "planted.json").write_text(json.dumps({"path": "m.py", "plain": TEXT}))
    assert TEXT == file.read_text(encoding="utf-8")
