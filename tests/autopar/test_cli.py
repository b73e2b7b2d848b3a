"""The command line: what is printed where, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from autopar.analysis.model.report import FunctionReport
from autopar.analysis.model.report import Report as ReportData
from autopar.analysis.model.source import SourceText
from autopar.cli import end_options, main
from autopar.options import BackendError
from autopar.report import Report

COMMAND = [sys.executable, "-c", "import sys; from autopar.cli import main; sys.exit(main())"]


def empty_report(path):
    text = SourceText(path=str(path), text="", cell=None)
    functions = tuple(
        FunctionReport(name=name, line=1, loops=(), refusal=None, cell=None)
        for name in ("heat", "main")
    )
    return ReportData(version="0.1.0", text=text, functions=functions)


@dataclass
class RunOptions:
    backend: object
    include: object
    exclude: object
    is_watched: object = False


@pytest.fixture
def runs(monkeypatch):
    """Stand in for the whole-file mode: record what would be run, and end with status 3."""
    seen = []

    def outcome(target, arguments, options):
        seen.append((str(target), tuple(arguments), options))
        report = empty_report(target)
        return SimpleNamespace(exit_status=3, report=report, is_interrupted=False, modules=())

    module = SimpleNamespace(RunOptions=RunOptions, run_script=outcome, run_module=outcome)
    monkeypatch.setitem(sys.modules, "autopar.wholefile", module)
    return seen


@pytest.fixture
def explains(monkeypatch):
    """Stand in for the analysis: a report without loops."""
    module = SimpleNamespace(explain=lambda path: Report(content=empty_report(path)))
    monkeypatch.setitem(sys.modules, "autopar.decorator", module)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("x = 1\n")
    return path


def one_line_error(capsys, arguments):
    """Return the line on stderr of a command that must end with status 2 and print no more."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("autopar: ")
    return captured.err.removeprefix("autopar: ").rstrip()


# ------------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "Missing command."),
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run"], "run needs a SCRIPT or -m MODULE."),
        (["run", "--report"], "run needs a SCRIPT or -m MODULE."),
        (["run", "--report", "-m"], "Option '-m' requires an argument."),
        (
            ["run", "--backend", "gpu", "x.py"],
            (
                "Invalid value for '--backend': 'gpu' is not one of 'auto', 'cuda', 'cpu',"
                " 'interpreter'."
            ),
        ),
        (["explain"], "Missing argument 'FILE|FILE:FUNCTION|CODE...'."),
        (
            ["explain", "--json", "--stage", "scop", "x"],
            "choose one of --json, --html and --stage.",
        ),
        (["explain", "AP999"], "there is no diagnostic code AP999."),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(capsys, arguments, line):
    assert line == one_line_error(capsys, arguments)


# ------------------------------------------------------------------------ unreadable input


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"for\n", ", line 1: invalid syntax."),
        (b"x = 1\n  y = 2\n", ", line 2: unexpected indent."),
        (b"return 1\n", ", line 1: 'return' outside function."),
        (b"\n\nx = '\xe9'\n", " is not valid utf-8 text: invalid continuation byte at byte 7."),
        (b"'\xe9'\n", " cannot be decoded: invalid or missing encoding declaration."),
        (b"# coding: nonsense\n", " cannot be decoded: unknown encoding: nonsense."),
        (b"\xef\xbb\xbf# coding: latin-1\n", " cannot be decoded: encoding problem: utf-8."),
        (b"x = 1\0\n", ": source code string cannot contain null bytes."),
    ],
)
def test_file_that_is_no_python_is_one_line_and_status_2(capsys, tmp_path, content, line):
    path = tmp_path / "bad.py"
    path.write_bytes(content)
    error = one_line_error(capsys, ["explain", str(path)])
    assert f"{path}{line}" == error


@pytest.mark.parametrize("command", ["run", "explain"])
def test_missing_file_and_folder_are_one_line_and_status_2(capsys, tmp_path, command):
    missing = tmp_path / "missing.py"
    assert f"{missing} cannot be read: No such file or directory." == one_line_error(
        capsys, [command, str(missing)]
    )
    if command == "explain":  # a folder may be run: its `__main__.py` is
        assert f"{tmp_path} is a folder, not a file." == one_line_error(
            capsys, [command, str(tmp_path)]
        )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission_is_one_line_and_status_2(capsys, script):
    script.chmod(0)
    assert "Permission denied" in one_line_error(capsys, ["explain", str(script)])


@pytest.mark.parametrize("command", ["run", "explain"])
def test_file_name_may_contain_anything(capsys, command):
    assert "cannot be read" in one_line_error(capsys, [command, "a\nb\0c.py"])


def test_fifo_is_not_waited_for(capsys, tmp_path):
    os.mkfifo(tmp_path / "fifo.py")
    assert "not a regular file" in one_line_error(capsys, ["explain", str(tmp_path / "fifo.py")])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 1}', "x = 1", "[" * 100_000])
def test_file_that_is_no_notebook_is_one_line_and_status_2(capsys, tmp_path, content):
    path = tmp_path / "notebook.ipynb"
    path.write_text(content)
    assert "is not a notebook" in one_line_error(capsys, ["explain", str(path)])


def test_nesting_beyond_the_compiler_is_one_line_and_status_2(capsys, tmp_path):
    path = tmp_path / "deep.py"
    path.write_text("x = " + "-" * 200_000 + "1\n")
    assert str(path) in one_line_error(capsys, ["explain", str(path)])


def test_source_in_another_declared_encoding_is_read(capsys, tmp_path, explains):
    path = tmp_path / "latin.py"
    path.write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    assert main(["explain", str(path)]) == 0
    assert f"{path}: no loops\n" == capsys.readouterr().out


def test_the_check_of_the_syntax_warns_of_nothing(capsys, recwarn, tmp_path, explains):
    path = tmp_path / "escape.py"
    path.write_text("x = '\\d'\ny = 1 is 1\n")
    assert main(["explain", str(path)]) == 0
    assert [] == recwarn.list


@pytest.mark.parametrize(
    ("name", "line"),
    [("", "is a folder, not a file."), ("no/x.json", "is not a folder.")],
)
def test_output_that_cannot_be_written_is_found_before_the_run(
    capsys, tmp_path, script, runs, name, line
):
    error = one_line_error(capsys, ["run", "--json", str(tmp_path / name), str(script)])
    assert error.endswith(line)
    assert [] == runs


# ------------------------------------------------------------------------------------ run


def test_what_follows_the_script_belongs_to_it(script, runs):
    arguments = ["--backend", "cpu", "--json", "y", "-x", "--", "-m"]
    assert main(["run", "--backend", "interpreter", str(script), *arguments]) == 3
    options = RunOptions(backend="interpreter", include=(), exclude=())
    assert [(str(script), tuple(arguments), options)] == runs


@pytest.mark.parametrize("module", [["-m", "package.tool"], ["-mpackage.tool"]])
def test_what_follows_the_module_belongs_to_it(runs, module):
    assert main(["run", "--include", "a*", *module, "--report", "--", "x"]) == 3
    options = RunOptions(backend=None, include=("a*",), exclude=())
    assert [("package.tool", ("--report", "--", "x"), options)] == runs


def test_end_of_options_stands_after_the_module():
    assert ["--json", "-m", "x.py", "-m", "y"] == end_options(["--json", "-m", "x.py", "-m", "y"])
    assert ["--report", "-m", "a", "--", "-b"] == end_options(["--report", "-m", "a", "-b"])


def test_report_of_a_run_goes_to_stderr(capsys, script, runs):
    main(["run", "--report", str(script)])
    captured = capsys.readouterr()
    assert "" == captured.out
    assert f"{script}: no loops\n" == captured.err


def test_backend_that_this_machine_lacks_is_one_line_and_status_2(capsys, monkeypatch, script):
    def run_script(*_):
        raise BackendError("No CUDA device was found.")

    module = SimpleNamespace(RunOptions=RunOptions, run_script=run_script, run_module=None)
    monkeypatch.setitem(sys.modules, "autopar.wholefile", module)
    error = one_line_error(capsys, ["run", "--backend", "cuda", str(script)])
    assert "No CUDA device was found." == error


def test_json_of_a_run_is_written(tmp_path, script, runs):
    main(["run", "--json", str(tmp_path / "report.json"), str(script)])
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert empty_report(script).to_dict() == written


# -------------------------------------------------------------------------------- explain


def test_page_of_a_code_is_printed_in_either_case(capsys):
    assert main(["explain", "ap301"]) == 0
    assert capsys.readouterr().out.startswith(
        "AP301 A subscript is not a quasi-affine function of the loop variables.\n"
    )


def test_json_of_one_file_is_an_object_and_of_several_an_array(capsys, script, explains):
    assert main(["explain", "--json", str(script)]) == 0
    assert empty_report(script).to_dict() == json.loads(capsys.readouterr().out)
    assert main(["explain", "--json", str(script), str(script)]) == 0
    assert [empty_report(script).to_dict()] * 2 == json.loads(capsys.readouterr().out)


def test_good_files_are_explained_beside_a_bad_one(capsys, script, explains):
    assert main(["explain", "missing.py", str(script)]) == 2
    captured = capsys.readouterr()
    assert f"{script}: no loops\n" == captured.out
    assert "autopar: missing.py cannot be read: No such file or directory.\n" == captured.err


def test_html_of_several_files_is_one_page(tmp_path, script, explains):
    page = tmp_path / "report.html"
    assert main(["explain", "--html", str(page), str(script), str(script)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.count("no loops") == 2


def test_one_function_of_a_file_is_explained(capsys, script, explains):
    assert main(["explain", "--json", f"{script}:heat"]) == 0
    functions = json.loads(capsys.readouterr().out)["functions"]
    assert ["heat"] == [function["name"] for function in functions]
    assert f"{script} has no function 'cold'." == one_line_error(
        capsys, ["explain", f"{script}:cold"]
    )


def test_stage_is_printed(capsys, monkeypatch, script):
    def stage_texts(text, function):
        assert (text.text, function) == ("x = 1\n", "heat")
        return {"loop-ir": "for i\n", "scop": "S0[i]\n"}

    module = SimpleNamespace(stage_texts=stage_texts)
    monkeypatch.setitem(sys.modules, "autopar.analysis.stages", module)
    assert main(["explain", "--stage", "scop", f"{script}:heat"]) == 0
    assert "S0[i]\n" == capsys.readouterr().out
    stages = "loop-ir, scop, program, kernel-cpu, kernel-cuda"
    assert f"there is no stage 'x'; stages are {stages}." == one_line_error(
        capsys, ["explain", "--stage", "x", f"{script}:heat"]
    )


# ---------------------------------------------------------------------------- the process


def test_info_names_versions_backends_threads_and_cache(capsys, monkeypatch, tmp_path):
    (tmp_path / "kernel.py").write_bytes(b"#" * 2**20)
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("AUTOPAR_NUM_THREADS", "7")
    assert main(["info"]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {"autopar", "python", "numpy", "numba", "islpy", "gast", "cpu", "cuda"} <= set(rows)
    assert "7" == rows["threads"]
    assert f"{tmp_path} (1 kernel, 1.0 MiB)" == rows["cache"]


def test_backend_of_the_environment_is_checked(capsys, monkeypatch, script):
    monkeypatch.setenv("AUTOPAR_BACKEND", "gpu")
    line = "There is no backend 'gpu'; choose from auto, cuda, cpu, interpreter."
    assert line == one_line_error(capsys, ["info"])


def test_info_says_that_a_cache_folder_cannot_be_made(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert main(["info"]) == 0
    assert "cache cannot be made: Not a directory" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["info", "run"])
def test_number_of_threads_of_the_environment_is_checked(capsys, monkeypatch, script, command):
    monkeypatch.setenv("AUTOPAR_NUM_THREADS", "two")
    line = "AUTOPAR_NUM_THREADS is 'two'; it must be a whole number from 1 to 1024."
    assert line == one_line_error(capsys, [command, *([str(script)] if command == "run" else [])])


def test_help_and_version_end_with_0(capsys):
    assert main(["--help"]) == 0
    assert main(["run", "--help"]) == 0
    assert main(["--version"]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_reader_that_leaves_is_no_traceback():
    with subprocess.Popen(
        [*COMMAND, "explain", *["AP401"] * 2000], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"" == process.stderr.read()
    assert 1 == process.returncode


def test_wrong_usage_as_a_process_is_status_2_without_traceback():
    done = subprocess.run([*COMMAND, "explain", "."], capture_output=True, text=True)
    assert (2, "", "autopar: . is a folder, not a file.\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


def test_a_page_costs_neither_numba_nor_a_parser():
    code = (
        "import sys; from autopar.cli import main; main(['explain', 'AP401']);"
        "print(*{'numba', 'gast'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "\n" == done.stderr


def test_files_show_the_orders_of_their_nests(tmp_path, capsys):
    script = tmp_path / "products.py"
    script.write_text(
        "def product(a, b, c, n):\n"
        "    for i in range(n):\n"
        "        for j in range(n):\n"
        "            for k in range(n):\n"
        "                c[i, j] += a[i, k] * b[k, j]\n\n\n"
        "def doubled(a, n):\n"
        "    for i in range(n):\n"
        "        a[i] *= 2.0\n"
    )
    shown = "As it runs from line 2 on (interchange):"
    for target, count in (("", 1), (":product", 1), (":doubled", 0)):
        assert main(["explain", f"{script}{target}"]) == 0
        assert capsys.readouterr().out.count(shown) == count
    page = tmp_path / "page.html"
    assert main(["explain", "--html", str(page), str(script)]) == 0
    assert shown in page.read_text("utf-8")
