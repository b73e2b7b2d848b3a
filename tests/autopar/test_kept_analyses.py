"""What is kept of an analysis: the same in the next process, and nothing where it may not be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autopar import catalogue, forms, kept, preview
from autopar.analysis.model import isl
from autopar.analysis.model.loop_ir import Constant
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceFunction, SourceText, Span
from autopar.analysis.model.types import INT
from autopar.analysis.model.written import UnreadableError, UnwritableError, read, written
from autopar.analysis.passes.describe import describe
from autopar.analysis.stages import analyze, functions_of
from autopar.codegen import surroundings
from autopar.options import choose_options
from tests.case_files import parse_case

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(ROOT.joinpath("tests", "cases").glob("*.case"))
SPAN = Span(line=1, column=0, end_line=1, end_column=5)
SHIFT = "def shift(a, n, k):\n    for i in range(n):\n        a[i + k] = a[i] + 1.0\n"


def again(noun, **given):
    """Return a noun as another process has it."""
    return read(json.loads(json.dumps(written(noun, kept.NOUNS, given))), kept.NOUNS, given)


def plans(text: str) -> list[tuple[SourceFunction, Plan]]:
    whole = SourceText(path="<text>", text=text, cell=None)
    found = [(source, analyze(source)) for source in functions_of(whole)]
    return [(source, plan) for source, plan in found if isinstance(plan, Plan)]


# -------------------------------------------------------------------------------- as JSON


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_plans_and_reports_are_read_as_they_were_written(path):
    for source, plan in plans(parse_case(path.read_text()).source + "\n"):
        found = (plan.regions, plan.deferred, describe(plan))
        other = again(found, text=source.text)
        assert found == other
        assert written(found, kept.NOUNS, {"text": source.text}) == written(
            other, kept.NOUNS, {"text": source.text}
        )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_kernels_are_made_of_a_plan_that_was_read_as_of_one_just_found(path, monkeypatch):
    case = parse_case(path.read_text())
    text, types = case.source + "\n", case.header.get("types", "")
    if not types:
        pytest.skip("a case without kernels")
    expected = preview.preview_kernels(text, types)

    def analyze_again(source):
        plan = analyze(source)
        return replace(plan, regions=again(plan.regions)) if isinstance(plan, Plan) else plan

    monkeypatch.setattr(preview, "analyze", analyze_again)
    assert expected == preview.preview_kernels(text, types)


@pytest.mark.parametrize(
    "value", [0.0, -0.0, float("inf"), 1e-320, 2**70, -(2**63), True, 1 - 0j, None, "\ud800", ()]
)
def test_constants_keep_type_and_bits(value):
    found = again(Constant(value=value, span=SPAN)).value
    assert (type(value), repr(value)) == (type(found), repr(found))


def test_what_was_one_object_is_one_object():
    plan = next(plan for _, plan in plans(SHIFT) if plan.regions)
    (region,) = again(plan.regions)
    assert (plan.regions[0].memory is plan.regions[0].scop) == (region.memory is region.scop)


def test_sets_are_read_when_they_are_used():
    found = again(isl.Set.parse("[n] -> { [i] : 0 <= i < n }"))
    assert isinstance(found._value, str)
    assert isl.Set.parse("[n] -> { [i] : 0 <= i < n }") == found
    assert not isinstance(found._value, str)


def test_what_has_no_form_is_not_written():
    with pytest.raises(UnwritableError):
        written(Constant(value=..., span=SPAN), kept.NOUNS, {})  # type: ignore[arg-type]


def test_what_cannot_be_read_is_not_written():
    with pytest.raises(UnwritableError):
        written(SPAN, ["autopar.analysis.model.plan"], {})


def test_all_reasons_can_be_kept():
    assert {reason.__module__ for reason in catalogue.CATALOGUE} <= kept.NOUNS


@pytest.mark.parametrize(
    "kind",
    [
        ("subprocess:Popen", ["args"]),
        ("autopar.analysis.model.source:SourceText", ["path", "text"]),
        ("autopar.analysis.model.source:functools", []),
        ("autopar.analysis.model.source:Span.contains", []),
        ("autopar.analysis.model.source:loop_id", []),
        ("builtins:eval", []),
        ("autopar.codegen.cache:Cache", ["folder"]),
    ],
)
def test_a_text_makes_nothing_but_nouns(kind):
    with pytest.raises(UnreadableError):
        read({"kinds": [kind], "nodes": [[0, "x", "y"]], "root": [0, 0]}, kept.NOUNS, {})


@pytest.mark.parametrize(
    "document",
    [{}, [], None, {"kinds": [], "nodes": [], "root": [0, 0]}, {"kinds": [], "nodes": [[0]]},
     {"kinds": [], "nodes": [], "root": [9]}, {"kinds": [], "nodes": [], "root": {}},
     {"kinds": [], "nodes": [], "root": [5, "text"]}],
)  # fmt: skip
def test_what_is_no_document_is_unreadable(document):
    with pytest.raises(UnreadableError):
        read(document, kept.NOUNS, {})


# ------------------------------------------------------------------------- names of entries


def name(text: str, path: str = "a.py", **changed: object) -> str | None:
    source = SourceFunction(
        text=SourceText(path=path, text=text, cell=None),
        qualified_name="shift", line=1, known_names=(("range", "range"),),
    )  # fmt: skip
    return kept.name_of(replace(source, **changed), choose_options(environment={}))  # type: ignore[arg-type]


def test_the_path_of_a_text_makes_no_difference():
    assert name(SHIFT) == name(SHIFT, path="<ipython-input-3-1234>")


@pytest.mark.parametrize(
    "changed",
    [{"line": 2}, {"qualified_name": "f.<locals>.shift"}, {"known_names": (("range", "len"),)},
     {"known_names": None}],
)  # fmt: skip
def test_all_that_an_analysis_depends_on_makes_a_difference(changed):
    assert name(SHIFT) != name(SHIFT, **changed)
    assert name(SHIFT) != name(SHIFT.replace("1.0", "2.0"))


@pytest.mark.parametrize("package", ["numpy", "islpy", "gast"])
def test_what_is_built_on_another_version_is_another_entry(package, monkeypatch):
    before = name(SHIFT)
    usual = surroundings.package
    changed = {package: ("9.9", "elsewhere", "1")}
    monkeypatch.setattr(kept, "package", lambda each: changed.get(each) or usual(each))
    assert before != name(SHIFT)


def test_nothing_is_kept_where_the_user_wants_none():
    source = plans(SHIFT)[0][0]
    assert kept.name_of(source, choose_options(cache=False, environment={})) is None
    assert kept.name_of(source, choose_options(environment={"AUTOPAR_DUMP": "x"})) is None


# --------------------------------------------------------------------------- whole programs

PROGRAM = """
import sys, warnings
import numpy as np
import autopar

@autopar.parallel
def shift(a, b, n, k):
    s = 0.0
    for i in range(n):
        a[i + k] = a[i] + 1.0
    for i in range(n):
        s += b[i] / a[i]
    for i in range(1, n):
        b[i] = b[i - 1] * 0.5
    return s

a, b = np.arange(40.0) - 3, np.arange(40.0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(repr(shift(a, b, 30, int(sys.argv[1]))), a, b)
print([(str(each.message), each.lineno) for each in caught])
before = [each in sys.modules for each in ("islpy", "gast")]
last = shift.last_run.to_dict()
del last["time"]  # cold, it is another
for loop in last["functions"][0]["loops"]:
    loop.get("ran", {}).pop("seconds", None)
print(shift.explain().to_dict(), shift.explain(), last, shift.inspect_source(), sep="\\n")
print(*before, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def cold_folders():
    """Where PROGRAM ran with an empty cache, and what it said, by its argument and backend."""
    return {}


@pytest.fixture
def cold(python, tmp_path, tmp_path_factory, cold_folders):
    """Return what runs PROGRAM in `tmp_path` with an empty cache.

    With the same argument and backend it runs once: what it left is brought the other times.
    """

    def run(shift: str, backend: str = "auto"):
        if (shift, backend) not in cold_folders:
            (tmp_path / "program.py").write_text(PROGRAM)
            environment = {"AUTOPAR_CACHE_DIR": str(tmp_path / "cache"), "AUTOPAR_BACKEND": backend}
            done = python("program.py", shift, environment=environment)
            folder = tmp_path_factory.mktemp("cold")
            shutil.copytree(tmp_path, folder, dirs_exist_ok=True)
            cold_folders[shift, backend] = folder, str(tmp_path), done
        folder, place, done = cold_folders[shift, backend]
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        said = done.stdout.replace(place, str(tmp_path))  # reports name the file
        return subprocess.CompletedProcess(done.args, done.returncode, said, done.stderr)

    return run


@pytest.mark.parametrize("backend", ["auto", "cpu"])
@pytest.mark.parametrize("shift", ["0", "1", "-1"])
def test_a_warm_process_says_and_does_the_same(backend, shift, cold, python, tmp_path):
    cold = cold(shift, backend)
    environment = {"AUTOPAR_CACHE_DIR": str(tmp_path / "cache"), "AUTOPAR_BACKEND": backend}
    warm = python("program.py", shift, environment=environment)
    assert "True True" == cold.stderr.strip()
    assert cold.stdout == warm.stdout
    if backend == "auto" or shift != "-1":  # which is analysed again
        assert "False False" == warm.stderr.strip()


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("autopar_analysis_*"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other", "open", "link", "folder"])
def test_a_damaged_entry_is_a_miss(damage, cold, python, tmp_path):
    cold = cold("0")
    environment = {"AUTOPAR_CACHE_DIR": str(tmp_path / "cache")}
    (entry,) = entries(tmp_path / "cache")
    content = entry.read_bytes()
    match damage:
        case "cut":
            entry.write_bytes(content[:-1])
        case "flipped":
            entry.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        case "empty":
            entry.write_bytes(b"")
        case "other":
            from autopar.codegen.cache import Cache

            Cache(folder=tmp_path / "cache").keep(entry.name, b'{"found": [1], "report": 5}')
        case "open":
            entry.chmod(0o666)
        case "link":
            entry.rename(tmp_path / "elsewhere")
            entry.symlink_to(tmp_path / "elsewhere")
        case "folder":
            (tmp_path / "cache").chmod(0o777)
    warm = python("program.py", "0", environment=environment)
    assert "True True" == warm.stderr.strip()
    assert cold.stdout == warm.stdout
    if damage != "folder":  # it was mended
        third = python("program.py", "0", environment=environment)
        assert "False False" == third.stderr.strip()


def test_an_edited_file_is_analysed_anew(cold, python, tmp_path):
    program = tmp_path / "program.py"
    environment = {"AUTOPAR_CACHE_DIR": str(tmp_path / "cache")}
    first = cold("0").stdout
    program.write_text(PROGRAM.replace("+ 1.0", "+ 2.0"))
    other = python("program.py", "0", environment=environment)
    assert "True True" == other.stderr.strip()
    assert first.splitlines()[0] != other.stdout.splitlines()[0]
    program.write_text(PROGRAM)
    assert (
        first.splitlines()[0]
        == python("program.py", "0", environment=environment).stdout.splitlines()[0]
    )
    assert 2 == len(entries(tmp_path / "cache"))


def test_a_folder_that_cannot_be_written_is_no_matter(python, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "cache").write_text("a file in the way")
    done = python("program.py", "0", environment={"AUTOPAR_CACHE_DIR": str(tmp_path / "cache")})
    assert "True True" == done.stderr.strip()


def test_names_that_mean_something_else_are_another_entry(cold, python, tmp_path):
    environment = {"AUTOPAR_CACHE_DIR": str(tmp_path / "cache")}
    cold("0")
    (tmp_path / "program.py").write_text(
        PROGRAM.replace("import sys,", "range = lambda n: [0]; import sys,")
    )
    python("program.py", "0", environment=environment)
    assert 2 == len(entries(tmp_path / "cache"))


SEVERAL = """
import json, sys
import numpy as np
import autopar

{functions}

def results_of(function):
    for dtype in (np.float64, np.int32, np.complex128):
        a, b = np.arange(60).astype(dtype) - 7, np.ones(60, dtype) * 3
        k = (np.arange(60) * 7) % 60
        decorated = autopar.parallel(function, backend="cpu")
        with np.errstate(all="ignore"):
            yield repr(decorated(a, b, k, 50)), a.tobytes(), b.tobytes()
        last = decorated.last_run.to_dict()
        del last["time"]
        for loop in last["functions"][0]["loops"]:
            loop.get("ran", {{}}).pop("seconds", None)
        yield last, decorated.inspect_source()

print(json.dumps({{each.__name__: repr([*results_of(each)]) for each in ({names})}}))
print("islpy" in sys.modules, file=sys.stderr)
"""
BODIES = {
    "sums": "    s = 0.0\n    for i in range(n):\n        s += a[i] * b[i]\n    return s",
    "histogram": "    h = np.zeros(60, np.int64)\n    for i in range(n):\n        h[k[i]] += 1\n    return h",
    "extremum": "    m = a[0]\n    at = 0\n    for i in range(n):\n        if abs(a[i]) > abs(m):\n"
    "            m = a[i]\n            at = i\n    return m, at",
    "functions": "    for i in range(n):\n        a[i] = np.exp(b[i]) / (a[i] + 0.5)",
    "division": "    for i in range(n):\n        b[i] = a[i] / b[i] if i % 3 else b[i]",
    "last_values": "    t = 0\n    for i in range(n):\n        t = a[i] + b[i]\n        b[i] = t\n    return t, i",
    "lists": "    out = []\n    for i in range(n):\n        out.append(a[i] + b[i])\n    return out",
    "time": "    for t in range(3):\n        for i in range(1, n):\n            b[i] = a[i - 1] + a[i]\n"
    "        a, b = b, a",
    "scatter": "    for i in range(n):\n        a[k[i]] = b[i]",
}  # fmt: skip


@pytest.fixture(scope="module")
def cold_and_warm(tmp_path_factory, cache_folder):
    """What each of BODIES did in a process with an empty cache, and in the next one."""
    folder = tmp_path_factory.mktemp("several")
    functions = "\n\n".join(f"def {name}(a, b, k, n):\n{body}" for name, body in BODIES.items())
    names = ", ".join(BODIES)
    (folder / "program.py").write_text(SEVERAL.format(functions=functions, names=names))
    environment = os.environ | {"AUTOPAR_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.run(
            [sys.executable, "program.py"],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert "True\n" == runs[0].stderr
    assert len(BODIES) <= len(list((folder / "cache").glob("autopar_form_*")))
    return [json.loads(each.stdout) for each in runs]


def test_regions_of_all_kinds_are_the_same_from_the_cache(cold_and_warm):
    cold, warm = cold_and_warm
    assert [*BODIES] == [*cold] == [*warm]
    assert [] == [name for name in BODIES if cold[name] != warm[name]]


def form_name(region: str | None = "x 0", types=None, holding=frozenset(), **options: Any):
    place: Any = ("cpu", "f.L1C0", "a.py")
    return forms.name_of(
        region, types or {}, holding, place, choose_options(environment={}, **options)
    )


def test_a_form_is_kept_for_its_types_and_options():
    names = [
        form_name(),
        form_name("x 1"),
        form_name(types={"n": INT}),
        form_name(holding=frozenset({1})),
        form_name(strict=True),
        form_name(fastmath=True),
    ]
    assert len(names) == len({*names})
    assert not forms.is_kept(names[0])
    assert form_name(None) is None
