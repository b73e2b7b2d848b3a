"""The study on a Dask cluster gives the tables of a local one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autopar.cli import main
from autopar.corpus import cluster
from autopar.corpus.cluster import examine_in_time
from autopar.corpus.manifest import Item
from autopar.corpus.study import Settings, run_study

CORPUS = Path(__file__).parents[2] / "examples" / "corpus"

distributed = pytest.importorskip("distributed")


def test_cluster_and_local_run_give_the_same_tables(tmp_path):
    local, far = tmp_path / "local", tmp_path / "far"
    run_study([str(CORPUS)], Settings(output=local, jobs=1), lambda *_: None)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        settings = Settings(output=far, jobs=1, scheduler=cluster.scheduler_address)
        run_study([str(CORPUS)], settings, lambda *_: None)
    for name in ("loops.csv", "study.json", "report.html", "report.md"):
        assert (local / name).read_text().split("\n") == (far / name).read_text().split("\n"), name


def test_no_scheduler_is_one_line_and_status_2(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "_PATIENCE_S", 1)
    address = "tcp://127.0.0.1:9"  # the port of `discard`: nobody answers
    status = main(["study", "--output", str(tmp_path), "--scheduler", address, str(CORPUS)])
    assert 2 == status
    assert 1 == capsys.readouterr().err.count("\n")


def test_work_that_takes_too_long_is_given_up():
    slow = "\n".join(f"for i{n} in range(3):\n    a[i{n}] = b[i{n}] + {n}" for n in range(2000))
    item = Item(key="slow.py", path="", member=None, size=len(slow))
    assert "timeout" == examine_in_time(item, slow.encode(), 0.05).notebook.status
