"""Progress bars in cells of a real kernel: they move as without autopar, and end as they do there.

The bars are those of the package `tqdm`, as widgets and as text.
"""

from __future__ import annotations

import re
from collections import defaultdict

import nbformat
import pytest
from nbclient import NotebookClient

SETUP = """\
import numpy as np
from tqdm import notebook, std
n = 60
x = np.arange(1.0, n + 1)
"""
SWEEPS = """\
y = np.zeros(n)
for t in {bar}.tqdm(range(5), mininterval=0, miniters=1):
    for i in range(1, n - 1):
        y[i] = 0.5 * (x[i - 1] + x[i + 1]) + t
y.sum()
"""
SPOKEN = """\
y = np.zeros(n)
for t in notebook.tqdm(range(5), mininterval=0, miniters=1):
    y[1:] = y[:-1] * 0.5
    if t % 2:
        print(t)
y.sum()
"""
MAP = """\
y = np.zeros(n)
for i in {bar}.tqdm(range(n), mininterval=0, miniters=1):
    y[i] = 2.0 * x[i]
(i, y.sum())
"""
VALUES = """\
s = 0.0
for v in notebook.tqdm(x, mininterval=0, miniters=1):
    s += v
s
"""
FAILS = """\
y = np.zeros(n)
for i in notebook.tqdm(range(n + 1), mininterval=0, miniters=1):
    y[i] = 3.0 * x[i]
"""
CELLS = (
    SWEEPS.format(bar="notebook"),
    SPOKEN,
    SWEEPS.format(bar="std"),
    MAP.format(bar="notebook"),
    VALUES,
    MAP.format(bar="std"),
    FAILS,
)
REPORTS = "from autopar.magic import session_of\nprint(session_of(get_ipython()).reports())"


class Client(NotebookClient):
    """Notes each value that a bar shows, by the cell that shows it."""

    def __init__(self, book) -> None:
        super().__init__(book, timeout=120, kernel_name="python3", allow_errors=True)
        self.moves: defaultdict[int, list[tuple[str, float | str]]] = defaultdict(list)

    def process_message(self, msg, cell, cell_index):
        state = msg["content"].get("data", {})
        if msg["msg_type"] in ("comm_open", "comm_msg") and isinstance(state, dict):
            found = state.get("state", {})
            kept = [(key, found[key]) for key in ("value", "bar_style") if key in found]
            # A text beside the bar says the time.
            self.moves[cell_index] += [each for each in kept if not _is_text(each)]
        return super().process_message(msg, cell, cell_index)


def _is_text(move: tuple[str, float | str]) -> bool:
    return move[0] == "value" and isinstance(move[1], str)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Return what a kernel shows of the cells, without autopar and then with it."""
    patch = pytest.MonkeyPatch()
    patch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("AUTOPAR_BACKEND", "cpu")
    patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    taken = [f"%%parallel --backend cpu\n{each}" for each in CELLS]
    cells = [SETUP, *CELLS, "%load_ext autopar", *taken, REPORTS]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    client = Client(book)
    client.execute()
    patch.undo()
    return client, book.cells


def moves(played, position: int) -> tuple[list, list]:
    """Return what the bars of a cell showed without autopar, and with it."""
    client, _ = played
    return client.moves[1 + position], client.moves[2 + len(CELLS) + position]


def outputs(played, position: int) -> tuple[list, list]:
    _, cells = played
    return cells[1 + position].outputs, cells[2 + len(CELLS) + position].outputs


def written(found: list) -> str:
    """Return what a cell wrote, without the times in it."""
    text = "".join(each.get("text", "") for each in found if each["output_type"] == "stream")
    return re.sub(r"\[.*?\]|\d+%\|.*?\|| +(?=\r|$)", "", text)


def values(found: list) -> list:
    return [value for key, value in found if key == "value"]


@pytest.mark.parametrize("position", [0, 1])
def test_a_widget_moves_with_each_turn(played, position):
    plain, taken = moves(played, position)
    assert [0, 1, 2, 3, 4, 5] == sorted(set(values(plain)))
    assert plain == taken
    assert written(outputs(played, position)[0]) == written(outputs(played, position)[1])


@pytest.mark.parametrize("position", [3, 4])
def test_a_widget_of_a_loop_that_a_kernel_runs_ends_full(played, position):
    plain, taken = moves(played, position)
    assert plain[-2:] == taken[-2:]  # full, and a success
    assert [0, 60] == sorted(set(values(taken)))


def test_text_moves_with_each_turn(played):
    plain, taken = outputs(played, 2)
    assert written(plain).count("/5") > 5
    assert written(plain) == written(taken)


def test_text_of_a_loop_that_a_kernel_runs_ends_full(played):
    plain, taken = outputs(played, 5)
    last = written(plain).split("\r")[-1]
    assert "60/60" in last
    assert last == written(taken).split("\r")[-1]


def test_a_bar_says_danger_where_its_loop_failed(played):
    plain, taken = moves(played, 6)
    assert ("bar_style", "danger") in plain
    assert plain == taken
    plain, taken = outputs(played, 6)
    assert [each.get("evalue") for each in plain] == [each.get("evalue") for each in taken]


def test_results_are_the_same_and_loops_ran_in_kernels(played):
    for position in range(len(CELLS)):
        plain, taken = outputs(played, position)
        texts = [
            [
                each["data"]["text/plain"]
                for each in found
                if each["output_type"] == "execute_result"
            ]
            for found in (plain, taken)
        ]
        assert texts[0] == texts[1]
    _, cells = played
    report = "".join(each.get("text", "") for each in cells[-1].outputs)
    assert 5 <= report.count("cpu, ")
