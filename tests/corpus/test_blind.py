"""The blind sample: the list is drawn as it says, the document says what the files say."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.blind import agreement, draw
from tests.corpus.blind.agreement import HERE, Judged, kappa, tables, wrong_claims

ROOT = Path(__file__).parents[2]


def sample() -> list[dict[str, str]]:
    with (HERE / "sample.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_is_as_the_design_has_it():
    rows = sample()
    assert draw.DRAWN == Counter(row["stratum"] for row in rows)
    assert max(Counter(row["repository"] for row in rows).values()) <= draw.PER_REPOSITORY
    assert len({row["digest"] for row in rows}) == len(rows) >= 120
    assert {str(draw.SEED)} == {row["seed"] for row in rows}


def test_every_loop_has_three_labels_and_a_verdict():
    loops = agreement.judged()
    assert len(sample()) == len(loops)
    assert {label for each in loops for label in (each.a, each.b, each.c)} <= set(agreement.LABELS)
    assert {each.verdict for each in loops} <= set(agreement.ANSWERS)


def test_document_holds_the_tables_of_the_files():
    document = (ROOT / "docs" / "blind-sample.md").read_text(encoding="utf-8")
    for line in tables(agreement.judged()):
        assert line in document


def test_no_claim_of_parallelism_is_contradicted():
    assert wrong_claims(agreement.judged()) == []


def test_a_contradicted_claim_would_be_seen():
    loop = Judged(number=7, stratum="stores", weight=1.0, a="parallel", b="sequential", c="parallel",
                  verdict="reduction", code="AP002")  # fmt: skip
    assert [7] == wrong_claims([loop])
    assert any("| 7 |" in line for line in tables([loop]))


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("aabb", "aabb", 1.0),
        ("aabb", "abab", 0.0),
        ("aabb", "bbaa", -1.0),
        ("aaaa", "aaaa", 1.0),
        ("aaab", "aabb", 0.5),
    ],
)
def test_kappa(one, other, value):
    assert value == pytest.approx(kappa(list(one), list(other)))


def test_drawing_twice_draws_the_same(tmp_path):
    for number in range(8):
        cells = [f"for i in range(1{number}{n}):\n    a[i] = {n}\n" for n in range(3)]
        cells.append(f"for i in range(2{number}):\n    print(i)")
        folder = tmp_path / f"someone+repo{number}"
        folder.mkdir()
        sources = [{"cell_type": "code", "source": text} for text in cells]
        (folder / "a.ipynb").write_text(json.dumps({"cells": sources}))
    population = draw.places(tmp_path)
    assert 32 == len(population)
    assert {"stores": 24, "shows": 8} == Counter(each.stratum for each in population)
    assert draw.draw(population) == draw.draw(population[::-1])
