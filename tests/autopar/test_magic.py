"""Notebooks in a real kernel: with autopar they show what they show without it."""

from __future__ import annotations

import json
import re

import nbformat
import pytest
from nbclient import NotebookClient

from autopar.magic import mark_cell

SETUP = "import numpy as np\nfrom math import sqrt as root\nn = 1000\nx = np.arange(1.0, n + 1)"
MAP = (
    "y = np.zeros(n)\nfor i in range(n):\n    y[i] = 2.0 * root(x[i])\n(i, y[:3].tolist(), y.sum())"
)
REPORTS = (
    "import json\nfrom autopar.magic import session_of\n"
    "print(json.dumps(session_of(get_ipython()).to_dicts()))"
)


def play(*cells: str) -> list:
    """The outputs of cells that a new kernel runs, one list for each cell."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(book, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute()
    return [cell.outputs for cell in book.cells]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("AUTOPAR_BACKEND", "cpu")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def shown(outputs) -> list[str]:
    """What a cell shows, colours and file names of kernels left out.

    What it prints is one text: the kernel sends it in pieces, as time has it.
    """
    found: list[str] = []
    last = None
    for output in outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        text += "\n".join(output.get("traceback", []))
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        text = re.sub(r"/tmp/ipykernel_\d+", "/tmp/ipykernel", text)
        stream = output.get("name") if output["output_type"] == "stream" else None
        if stream is not None and stream == last:
            found[-1] += text
        else:
            found.append(text)
        last = stream
    return found


def rows(outputs) -> dict[str, dict]:
    """The rows of the last cell's reports by cell and header."""
    reports = json.loads(outputs[-1][0]["text"])
    return {
        f"{report['cell']} {row['header']}": row
        for report in reports
        for function in report["functions"]
        for row in function["loops"]
    }


CELLS = (
    SETUP,
    MAP,
    "def scale(a, f):\n    for k in range(a.shape[0]):\n        a[k] = a[k] * f\n    return a",
    "scale(y, 3.0)[:4].tolist()",
    "total = 0\nfor i in range(n):\n    total += int(x[i])\ntotal",
    "for i in range(n):\n    t = x[i] * 2\n    y[i] = t\nprint(t, i)",
    "print(t, i)",  # what the loop before left behind
    "for i in range(n + 1):\n    y[i] = x[i]\n",  # IndexError at the last iteration
    "y[-3:].tolist()",
    "%%time\nfor i in range(n):\n    y[i] = x[i] - 1\n",
    "y[-3:].tolist()",
    "np = 1\nfor i in range(3):\n    y[i] = root(x[i])\ny[:4].tolist()",
    "import numpy as np\ndef root(v):\n    print('mine', v)\n    return v",
    "for i in range(3):\n    y[i] = root(x[i])\ny[:4].tolist()",  # no longer math.sqrt
    "import asyncio\nawait asyncio.sleep(0)\nfor i in range(n):\n    y[i] = x[i] + 5\ny[:2].tolist()",
    "\n\nfor i in range(n): y[i] = x[n - 1 - i]\n!echo {n}\ny[:2].tolist()",
    "_15 if False else 'out'; 7",
    "import numpy as np\ng = 2.5\ndef lifted(v, by=1):\n    return g * v + by\ntwice = lambda v: 2 * v",
    "for i in range(n):\n    y[i] = lifted(x[i]) - twice(x[i])\ny[:4].tolist()",
    "g = 4\nfor i in range(n):\n    y[i] = lifted(x[i], by=2)\ny[:4].tolist()",
)  # fmt: skip


def test_cells_show_what_they_show_without(tmp_path):
    plain = play(*CELLS)
    taken = play("%load_ext autopar", "%autopar on", *CELLS, REPORTS)
    numbers = re.compile(r"(In|Out) ?\[\d+\]|(CPU|Wall).*")

    def normal(outputs):
        return [numbers.sub("", text) for text in shown(outputs)]

    assert [normal(each) for each in plain] == [normal(each) for each in taken[2:-1]]
    found = rows(taken)
    ran = {key: row["ran"]["backend"] for key, row in found.items() if "ran" in row}
    assert "cpu" == ran["4 for i in range(n)"]
    assert "cpu" == ran["5 for k in range(a.shape[0])"]  # defined there, called by another cell
    assert "cpu" == ran["7 for i in range(n)"]
    assert "cpu" == ran["12 for i in range(n)"]  # under %%time
    assert "cpu" == ran["21 for i in range(n)"]  # functions of the cell before in place
    assert "cpu" == ran["22 for i in range(n)"]
    assert "cpu" == ran["17 for i in range(n)"]
    assert "ran" not in found["16 for i in range(3)"] or ran["16 for i in range(3)"] != "cpu"


def test_tracebacks_have_the_lines_of_the_cell_and_no_others():
    code = "y = np.zeros(3)\nfor i in range(4):\n    z = x[i]\n    y[i] = z\n"
    *_, outputs = play("%load_ext autopar", "%autopar on", SETUP, code)
    (text,) = shown(outputs)
    assert "IndexError" in text
    assert "----> 4" in text
    assert "autopar" not in text


DECORATED = """\
%%parallel --backend cpu
import autopar
@autopar.parallel(backend="cpu", strict=True)
def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i]
    return s
def plain(x):
    for i in range(len(x)):
        x[i] = 2.0
xs = np.random.default_rng(1).random(100_000)
print(total(xs) == np.add.accumulate(xs)[-1])
print(total.last_run)
print(autopar.explain(plain))
"""


def test_parallel_is_for_its_cell_alone_and_explains_it():
    outputs = play(
        "%load_ext autopar",
        SETUP,
        "%%parallel --backend cpu --explain\n" + MAP,
        MAP,
        "%%parallel\n%%time\n" + MAP,
        REPORTS,
        DECORATED,
    )
    (decorated,) = shown(outputs.pop())
    assert decorated.startswith("True\nIn [7]: 1 loop: 1 reduction\n\ntotal (line 4)\n")
    assert " reduction  cpu, 1 call" in decorated
    assert "In [7]: 1 loop: 1 parallel\n\nplain (line 9)\n" in decorated
    result, report = shown(outputs[2])
    assert shown(outputs[3]) == [result]
    assert "for i in range(n)  parallel  cpu, 1 call" in report
    assert re.search(r"^Time: .* in all: .*\n  Begins.*\n", report, re.MULTILINE)
    assert {"3", "5"} == {key.split()[0] for key in rows(outputs)}
    page = outputs[2][1]["data"]["text/html"]
    assert "What runs instead (1 of 1)" in page
    assert "def run_cell" in page or "numba" in page


def test_on_off_and_report():
    outputs = play(
        "%load_ext autopar\n%autopar report",
        SETUP + "\n%autopar on\n",
        MAP,
        "%autopar off",
        MAP,
        "%autopar report",
        "%autopar sideways",
        "%unload_ext autopar\n" + MAP,
        "%autopar on",
    )
    assert "no loop has been taken over" in shown(outputs[0])[0]
    assert 1 == len(outputs[5])
    assert "In [3]: 1 loop: 1 parallel" in shown(outputs[5])[0]
    assert "%autopar takes one word" in "".join(shown(outputs[6]))
    assert shown(outputs[2]) == shown(outputs[4]) == shown(outputs[7])


SLOW = """\
def spelled(n):
    found = {}
    for i in range(n):
        found[str(i)] = i
    return found
"""


def test_reports_say_what_loops_of_cells_took_in_the_interpreter():
    outputs = play(
        "%load_ext autopar\n%autopar on",
        SLOW,
        "len(spelled(600_000))",
        "for i in range(1_500_000):\n    x = str(i)",
        "%autopar report",
        "%unload_ext autopar",
    )
    called, looped = shown(outputs[4])
    assert re.search(r"~\S+ m?s +interpreter +line 3 .*AP2", called)
    assert re.search(r"~\S+ m?s +interpreter +line 1 .*AP2", looped)


def test_wrong_words_and_missing_devices_are_said():
    outputs = play(
        "%load_ext autopar",
        "%%parallel --backend gpu\nprint('ran')",
        "%%parallel 'open\nprint('ran')",
        "%%parallel --backend cuda\nprint('ran')",
    )
    texts = ["".join(shown(each)) for each in outputs]
    assert "invalid choice: 'gpu'" in texts[1]
    assert "No closing quotation" in texts[2]
    assert "BackendError: backend 'cuda' was asked for" in texts[3]
    assert not any("ran\n" in text for text in texts[1:3])


def test_transformed_trees_are_left_alone():
    """With a transformer of the user's, the text is not what the cell does."""
    transformer = (
        "import ast\nclass Twice(ast.NodeTransformer):\n"
        "    def visit_Constant(self, node):\n"
        "        if node.value == 5.0:\n            return ast.Constant(10.0)\n"
        "        return node\n"
        "get_ipython().ast_transformers.append(Twice())"
    )
    code = "for i in range(n):\n    x[i] = 5.0\nx[:2].tolist()"
    outputs = play("%load_ext autopar", "%autopar on", SETUP, transformer, code, REPORTS)
    assert ["[10.0, 10.0]"] == shown(outputs[4])
    assert {} == rows(outputs)


@pytest.mark.parametrize(
    ("lines", "marked"),
    [
        (["%%parallel\n", "x\n"], ["# autopar:\n", "x\n"]),
        (["%%parallel --explain\n", "x\n"], ["# autopar: --explain\n", "x\n"]),
        (["%%parallel\n", "%%time\n", "x\n"], ["%%time\n", "# autopar:\n", "x\n"]),
        (["%%parallel --nonsense\n", "x\n"], ["%%parallel --nonsense\n", "x\n"]),
        (["%%parallelism\n"], ["%%parallelism\n"]),
        (["x\n", "%%parallel\n"], ["x\n", "%%parallel\n"]),
        ([], []),
    ],
)
def test_the_magic_becomes_a_comment(lines, marked):
    assert marked == mark_cell(lines)
