"""The README: its Python runs, its commands and their options exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from autopar.catalogue import find_reason
from autopar.cli import commands

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)\)")
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)


def blocks(language):
    return [text for name, text in BLOCK.findall(README) if name == language]


def shell_commands():
    """Return the words of every command of the README, its comment left out."""
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("source", blocks("ipython"))
def test_notebook_block_runs(source, capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    assert shell.run_cell(source).success
    assert shell.run_cell("for i in range(3): pass\n").success
    assert shell.run_cell("%autopar report").success
    assert "for i in range(3)" in capsys.readouterr().out
    shell.run_cell("%autopar off\n%unload_ext autopar")


def commands_of(program):
    return [
        pytest.param(words, id=" ".join(words)) for words in shell_commands() if words[0] == program
    ]


def test_every_block_has_a_language_that_is_tested():
    assert {"python", "sh", "ipython"} == {name for name, _ in BLOCK.findall(README)}
    assert README.count("```") == 2 * len(BLOCK.findall(README))


def test_every_command_is_tested():
    assert {"make", "pip", "autopar"} == {words[0] for words in shell_commands()}


SCRIPT = "# script.py\n"


def python(*arguments, folder):
    environment = {name: value for name, value in os.environ.items() if "AUTOPAR" not in name}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment
        | {
            "PYTHONPATH": str(ROOT),
            "AUTOPAR_CACHE_DIR": str(folder / "cache"),
            "COLUMNS": "120",  # no line of the report is broken in its first columns
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_is_there_and_runs_in_parallel(tmp_path):
    (source,) = (each for each in blocks("python") if each.startswith(SCRIPT))
    (tmp_path / "script.py").write_text(source, encoding="utf-8")
    words = next(words for words in shell_commands() if words[:2] == ["autopar", "run"])
    plain, run = (python(*each, folder=tmp_path) for each in (words[-1:], ("-m", *words)))
    assert (0, "", plain.stdout) == (plain.returncode, plain.stderr, run.stdout)
    assert 0 == run.returncode
    assert re.search(r"for i in range\(len\(x\)\) +parallel +cpu", run.stderr)


@pytest.mark.parametrize(
    "source", [each for each in blocks("python") if not each.startswith(SCRIPT)]
)
def test_python_block_runs(source, tmp_path):
    path = tmp_path / "block.py"
    path.write_text(source, encoding="utf-8")
    done = python(str(path), folder=tmp_path)
    assert "" == done.stderr
    assert 0 == done.returncode
    # The loops of the example run where its text says.
    assert re.search(r"for i in .*\n?.*parallel", done.stdout)
    assert "cpu," in done.stdout


@pytest.mark.parametrize("words", commands_of("make"))
def test_make_target_exists(words):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [] == [name for name in words[1:] if not re.search(rf"(?m)^{name}:", makefile)]


@pytest.mark.parametrize("words", commands_of("pip"))
def test_extra_exists(words):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ["pip", "install"] == words[:2]
    extras = [name for word in words for name in re.findall(r"\[(\w+)\]", word)]
    assert [] == [name for name in extras if name not in project["optional-dependencies"]]


@pytest.mark.parametrize("words", commands_of("autopar"))
def test_autopar_command_has_its_options(words):
    assert words[1] in commands.commands
    shown = CliRunner().invoke(commands, [words[1], "--help"]).output
    options = [word for word in words[2:] if word.startswith("-")]
    assert [] == [each for each in options if not re.search(rf"(?<![\w-]){each}(?![\w-])", shown)]


@pytest.mark.parametrize("code", sorted(set(re.findall(r"\bAP\d{3}\b", README))))
def test_diagnostic_code_exists(code):
    assert find_reason(code) is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files(document):
    path = ROOT / document
    found = LINK.findall(path.read_text(encoding="utf-8"))
    others = ("http:", "https:", "codes/", "../codes/")  # `make docs` writes the pages of codes
    local = [each for each in found if not each.startswith(others)]
    assert [] == [each for each in local if not (path.parent / each).exists()]
