"""The `.case` reader: what it accepts, what it refuses, what an update rewrites."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.case_files import CaseError, differences, parse_case, print_case, updated

TEXT = """\
# A sum.
types: a=float64[:], n=int

[source]
def f(a, n):
    return a[0]

[scop]
S0

[plan]
parallel
"""


def test_a_case_is_printed_as_it_was_read() -> None:
    assert TEXT == print_case(parse_case(TEXT))


def test_the_header_is_what_stands_before_the_source_without_comments() -> None:
    assert {"types": "a=float64[:], n=int"} == dict(parse_case(TEXT).header)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[scop]", "[scope]", "unknown"),
        ("[plan]", "[scop]", "twice"),
        ("types:", "types", "neither"),
        ("[source]\n", "[loop-ir]\n", "has a .source."),
    ],
)
def test_a_malformed_case_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(CaseError, match=message):
        parse_case(TEXT.replace(old, new))


def test_a_case_that_checks_nothing_is_refused() -> None:
    with pytest.raises(CaseError, match="at least one section"):
        parse_case(TEXT.partition("[scop]")[0])


def test_only_the_sections_present_are_compared() -> None:
    case = parse_case(TEXT)
    produced = {"scop": "S0  \n\n", "plan": "parallel", "loop-ir": "anything"}
    assert differences(case, produced) == ""
    assert "+sequential" in differences(case, produced | {"plan": "sequential"})


def test_a_section_that_no_stage_produces_is_an_error() -> None:
    with pytest.raises(CaseError, match="no stage produced .plan."):
        differences(parse_case(TEXT), {"scop": "S0"})


def test_an_update_rewrites_the_sections_present_and_keeps_the_rest() -> None:
    fresh = updated(parse_case(TEXT), {"scop": "S1\nS2\n", "plan": "parallel", "loop-ir": "x"})
    assert TEXT.replace("S0", "S1\nS2") == print_case(fresh)


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run(
        [
            *command,
            "-c",
            str(folder / "pytest.ini"),
            "--rootdir",
            str(folder),
            *options,
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{root}", "PATH": ""},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one case, the collector, and a stage that turns source into capital letters."""
    files = {
        "pytest.ini": "[pytest]\nmarkers = gpu: needs a device\naddopts = --import-mode=importlib\n",
        "conftest.py": "from tests.conftest import *\n",
        "autopar/__init__.py": "",
        "autopar/analysis/__init__.py": "",
        "autopar/analysis/stages.py": "def stage_texts(source): return {'scop': source.upper()}\n",
        "shout.case": "[source]\nx = 1\n\n[scop]\nX = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_case_that_agrees_passes_and_one_that_differs_fails_with_a_diff(project: Path) -> None:
    assert run_pytest(project).returncode == 0
    (project / "shout.case").write_text("[source]\nx = 2\n\n[scop]\nX = 1\n", encoding="utf-8")
    failed = run_pytest(project)
    assert failed.returncode == 1
    assert "-X = 1" in failed.stdout
    assert "+X = 2" in failed.stdout


def test_update_cases_rewrites_the_file(project: Path) -> None:
    (project / "shout.case").write_text("[source]\nx = 2\n\n[scop]\nX = 1\n", encoding="utf-8")
    assert run_pytest(project, "--update-cases").returncode == 0
    assert (project / "shout.case").read_text(
        encoding="utf-8"
    ) == "[source]\nx = 2\n\n[scop]\nX = 2\n"


def test_numba_is_not_loaded_where_no_test_needs_a_device(project: Path) -> None:
    (project / "test_quiet.py").write_text(
        textwrap.dedent(
            """
            import sys
            def test_quiet(): assert "numba" not in sys.modules
            """
        ),
        encoding="utf-8",
    )
    assert run_pytest(project).returncode == 0


def test_gpu_tests_are_skipped_under_the_simulator(project: Path) -> None:
    (project / "test_device.py").write_text(
        textwrap.dedent(
            """
            import os, pytest
            os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
            @pytest.mark.gpu
            def test_device(): assert False
            """
        ),
        encoding="utf-8",
    )
    result = run_pytest(project)
    assert result.returncode == 0
    assert "1 skipped" in result.stdout


def test_the_seed_is_printed_and_can_be_given(project: Path) -> None:
    assert (
        "--hypothesis-seed=77 repeats it"
        in run_pytest(project, "--hypothesis-seed=77", "-v").stdout
    )


def test_the_seed_is_printed_after_a_failure_even_when_quiet(project: Path) -> None:
    (project / "test_wrong.py").write_text("def test_wrong(): assert False\n", encoding="utf-8")
    assert "--hypothesis-seed=77 repeats it" in run_pytest(project, "--hypothesis-seed=77").stdout
