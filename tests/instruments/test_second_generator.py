"""The second generator: reproducible, of every habit, and with enough loops of each class to tell anything."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest

from tests.comparison import CLASSES, LEAST_SHARE, classes
from tests.exactness import of_program
from tests.oracle import record
from tests.second_generator.draw import ROWS, draw_program, wrapped_up
from tests.second_generator.program import MOST_POINTS, Program
from tests.second_generator.text import expand, habits

FILES = [f"{row}{part}" for row in ROWS if row != "free" for part in ("", "_data")]
HABITS = [
    pytest.param(title, template, id=title) for file in FILES for title, template in habits(file)
]


def test_a_seed_gives_the_same_program_in_another_process() -> None:
    command = [sys.executable, "-m", "tests.second_generator", "--seed", "11"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    program = draw_program(11)
    assert program.source in text
    assert len(program.calls) == sum(line.startswith("# {") for line in text.splitlines())


@pytest.mark.parametrize(("title", "template"), HABITS)
def test_every_habit_gives_a_program_that_runs(title: str, template: str) -> None:
    generator = random.Random(title)
    for _ in range(12):
        program = wrapped_up([(title, expand(template, generator, is_floating=True))], generator)
        if program.is_usable:
            break
    assert program.is_usable, program.source


def test_titles_tell_habits_apart() -> None:
    titles = Counter(title for file in FILES for title, _ in habits(file))
    assert [] == [title for title, count in titles.items() if count > 1]
    assert len(titles) > 200


@pytest.mark.parametrize("is_affine", [False, True])
def test_calls_run_through_and_wrap_only_where_they_may(is_affine: bool) -> None:
    for seed in range(15):
        program = draw_program(seed, is_affine=is_affine)
        assert len({tuple(call.numbers.items()) for call in program.calls}) <= MOST_POINTS
        for call in program.calls[::4]:
            assert record(program.source, call.arguments).exception is None
            assert program.may_wrap or not call.is_wrapping


@pytest.mark.parametrize("is_affine", [False, True])
def test_a_quarter_each_is_parallel_conditional_and_sequential(is_affine: bool) -> None:
    counts: Counter[str] = Counter()
    for seed in range(160):
        drawn = of_program(draw_program(seed, is_affine=is_affine))
        counts.update(classes(drawn.source, drawn.calls))
    shares = {name: counts[name] / counts.total() for name in CLASSES}
    assert all(share >= LEAST_SHARE for share in shares.values()), shares


def features(program: Program) -> set[str]:
    words = {
        "triangle": ("range(i", "(r + 1"),
        "downwards": (", -1)",),
        "stride": (", 2)", ", 3)"),
        "named step": (", step)",),
        "shape": (".shape", "len("),
        "min or max in a bound": ("range(min(", "range(max(", ", min("),
        "floor division": ("//",),
        "remainder": ("%",),
        "index array": ("idx[", "perm[", "key["),
        "compressed rows": ("ptr[",),
        "affine test": ("if i", "if r", "if ix", "if row"),
        "conditional expression": (" else ",),
        "continue": ("continue",),
        "extreme": ("max(", "min("),
        "negative constant": ("[-1]", ", -1]"),
        "swap": ("a, b = b, a",),
        "allocation": ("np.zeros", "np.empty"),
        "numpy": ("np.",),
        "two names at once": (" = b[i], i", "q, z"),
        "depth four": ("                for ",),
    }
    return {name for name, texts in words.items() if any(each in program.source for each in texts)}


def test_all_that_people_write_occurs() -> None:
    seen: Counter[str] = Counter()
    for seed in range(1000, 1800):
        generator = random.Random(seed)
        seen.update(features(draw_program_without_calls(seed, generator)))
        if len(seen) == 20:
            return
    assert len(seen) == 20, seen


def draw_program_without_calls(seed: int, generator: random.Random) -> Program:
    """Return a program that may have no calls at all, which takes no time."""
    from tests.second_generator.draw import part

    return wrapped_up([part(generator, "float64", is_affine=seed % 2 == 0)], generator)
