"""`autopar study --execute`: notebooks in kernels, without autopar and with it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from autopar.cli import commands
from autopar.corpus.execution import RunLimits, execute_all
from autopar.corpus.isolation import can_cut_off_network
from autopar.corpus.manifest import find_items
from autopar.corpus.study import Settings, run_study

CUTS_OFF = can_cut_off_network()
# Where namespaces are not to be had the rest is tested all the same.
LIMITS = RunLimits(seconds=60, cell_seconds=30, allow_network=not CUTS_OFF)


def write(folder: Path, name: str, *cells: str) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, folder / name)


def executed(folder: Path, limits: RunLimits = LIMITS):
    (found,) = execute_all(find_items([str(folder)]), 1, limits)
    return found


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A notebook of many cells, run; its tables."""
    folder = tmp_path_factory.mktemp("execution")
    write(
        folder / "corpus" / "own",
        "many.ipynb",
        "import os, random, sys\nimport numpy as np\nx = np.arange(500.0)",
        "\n%%time\nfor i in range(500):\n    x[i] = 2 * x[i] + 1\nx.sum()",  # 2: the shell moves it
        "def half(a):\n    for k in range(a.shape[0]):\n        a[k] = a[k] / 2",
        "half(x)\nx[-1]",
        "print(random.random())",  # 5: differs from itself
        "print('autopar' in sys.modules)",  # 6: differs with autopar
        "print(open('beside.txt').read())\nopen('beside.txt', 'w').write('changed')",
        "print(os.environ.get('MY_SECRET'), os.environ['HOME'] == os.environ.get('OLD_HOME'))",
        "for i in range(600):\n    x[i] = 0\n",  # 9: raises
    )
    (folder / "corpus" / "own" / "beside.txt").write_text("as it was")
    os.environ["MY_SECRET"], backend = "hunter2", os.environ.get("AUTOPAR_BACKEND")
    os.environ["AUTOPAR_BACKEND"] = "cpu"
    try:
        settings = Settings(output=folder / "out", jobs=1, execute=LIMITS)
        outcome = run_study([str(folder / "corpus")], settings, lambda done, found: None)
    finally:
        del os.environ["MY_SECRET"]
        del os.environ["AUTOPAR_BACKEND"]
        if backend is not None:
            os.environ["AUTOPAR_BACKEND"] = backend
    return folder, outcome


def rows(folder: Path, query: str) -> list[tuple]:
    connection = sqlite3.connect(folder / "out" / "study.sqlite")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_outputs_are_compared_cell_by_cell(study):
    query = (
        "SELECT status, cells, failed_cells, same, different_cells, unrepeatable FROM executions"
    )
    assert [("done", 9, 1, 7, "6", 1)] == rows(study[0], query)
    runs = study[1].summary.data["execution"]
    assert [{"notebook": "own/many.ipynb", "cells": "6"}] == runs["different"]


def test_loops_are_those_of_the_study_and_ran_in_kernels(study):
    found = rows(study[0],
                 "SELECT id, r.verdict, backend FROM loop_runs r JOIN loops USING (notebook, id)"
                 " ORDER BY id")  # fmt: skip
    assert [
        ("cell2:<module>.L3C0", "parallel", "cpu"),
        ("cell3:half.L2C4", "parallel", "cpu"),
        ("cell9:<module>.L1C0", "parallel", "interpreter"),
    ] == found
    assert 2 == study[1].summary.data["execution"]["ran"]["cpu"]["count"]


def test_folder_is_a_copy_and_secrets_stay_here(study):
    assert "as it was" == (study[0] / "corpus" / "own" / "beside.txt").read_text()
    # Cells 7 and 8 print the same both times: the file is new for each run, the secret is None.
    assert "6" == rows(study[0], "SELECT different_cells FROM executions")[0][0]


def test_the_report_says_what_ran(study):
    text = (study[0] / "out" / "report.md").read_text()
    assert "What happened when they ran" in text
    assert "cells 6" in text
    assert (study[0] / "out" / "executions.csv").read_text().count("\n") == 2
    assert "own/many.ipynb" in (study[0] / "out" / "loop_runs.csv").read_text()


def test_resume_runs_nothing_twice(study):
    settings = Settings(output=study[0] / "out", jobs=1, resume=True, execute=LIMITS)
    started = time.perf_counter()
    outcome = run_study([str(study[0] / "corpus")], settings, lambda done, found: None)
    assert outcome.summary.data["execution"] == study[1].summary.data["execution"]
    assert time.perf_counter() - started < 60


def test_a_notebook_that_never_ends_is_stopped_with_all_it_started(tmp_path):
    marker = f"3{os.getpid()}.25"
    write(
        tmp_path,
        "endless.ipynb",
        f"import subprocess\nsubprocess.Popen(['sleep', '{marker}'])",
        "while True:\n    pass",
    )
    limits = RunLimits(seconds=5, cell_seconds=3, allow_network=not CUTS_OFF)
    found = executed(tmp_path, limits)
    assert "timeout" == found.notebook.status
    assert "without autopar: in cell 2" == found.notebook.detail
    running = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            running.append(path.read_bytes())
    assert not any(f"sleep\0{marker}".encode() in words for words in running)


def test_a_kernel_that_dies_is_recorded(tmp_path):
    write(tmp_path, "dies.ipynb", "import os\nos._exit(3)")
    found = executed(tmp_path)
    assert "died" == found.notebook.status


def test_memory_is_limited(tmp_path):
    write(tmp_path, "large.ipynb", "x = bytearray(16 * 1024**3)")
    found = executed(tmp_path)
    assert ("done", 1) == (found.notebook.status, found.notebook.failed_cells)


@pytest.mark.skipif(not CUTS_OFF, reason="this system has no network namespaces for us")
def test_the_network_is_out_of_reach():
    """A server of this machine, on the address that is always there."""
    code = (
        "import socket, sys\n"
        "from autopar.corpus.isolation import cut_off_network\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "if 'cut' in sys.argv: cut_off_network()\n"
        "socket.create_connection(server.getsockname(), timeout=5)\n"
    )
    free, cut = (subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True,
                                check=False) for word in ("free", "cut"))  # fmt: skip
    assert 0 == free.returncode
    assert "Network is unreachable" in cut.stderr


def test_nothing_runs_unless_it_is_asked_for_and_cut_off(tmp_path, monkeypatch):
    from autopar import study_command

    write(tmp_path / "books", "touch.ipynb", "for i in range(3):\n    open('/tmp/no', 'a')")
    arguments = ["study", "--output", str(tmp_path / "out"), str(tmp_path / "books")]
    monkeypatch.setattr(study_command, "can_cut_off_network", lambda: False)
    refused = CliRunner().invoke(commands, [*arguments, "--execute"])
    assert 2 == refused.exit_code
    assert "Nothing was run." in refused.stderr
    assert not (tmp_path / "out").exists()
    plain = CliRunner().invoke(commands, arguments)
    assert 0 == plain.exit_code
    assert "WARNING" not in plain.stderr
    assert "execution" not in json.loads((tmp_path / "out" / "study.json").read_text())
    for wrong in (["--allow-network"], ["--execute", "--scheduler", "tcp://x:1"]):
        assert 2 == CliRunner().invoke(commands, [*arguments, *wrong]).exit_code


def test_help_says_what_the_danger_is():
    text = " ".join(CliRunner().invoke(commands, ["study", "--help"]).output.split())
    assert "it can read and change whatever you can" in text
