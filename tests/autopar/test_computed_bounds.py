"""Ranges whose bounds no model holds: computed once, shown to the guard, or counted up to."""

from __future__ import annotations

import linecache
import math
import random
from typing import Any

import numpy as np
import pytest

import autopar
from tests.bounded_nests import arguments, draw_bounded
from tests.effort import share
from tests.sameness import places, same


def half(a, n):
    for i in range(int(n / 2)):
        a[i] = 2.0 * a[i]


def steps(a, end, dt):
    for t in range(int(end / dt)):
        for i in range(1, len(a) - 1):
            a[i] = a[i] + dt * t


def written(a):
    for i in range(int(1e1)):
        a[i] += 1.0


def squares(a, n):
    for t in range(2):
        for i in range(n**2):
            a[i] += t


def roots(a, n):
    for i in range(1, math.ceil(math.sqrt(n))):
        a[i] = 1.0 / i


def left(a, n):
    for i in range(round(n * 0.5)):
        if a[i] > 0.9:
            break
        a[i] = 2.0
    return i


def primes(out):
    for k in range(2, len(out)):
        is_prime = True
        for d in range(2, int(k**0.5) + 1):
            if k % d == 0:
                is_prime = False
                break
        out[k] = is_prime


def quotient(a, n):
    for i in range(n / 2):
        a[i] = 1.0


def line():
    return np.linspace(0.0, 1.0, 40)


FORMS: dict[str, tuple[Any, Any]] = {
    "half": (half, lambda: (line(), 41)),
    "steps": (steps, lambda: (line(), 1.0, 0.25)),
    "written": (written, lambda: (line(),)),
    "squares": (squares, lambda: (line(), 6)),
    "roots": (roots, lambda: (line(), 37)),
    "left": (left, lambda: (line(), 40)),
    "primes": (primes, lambda: (np.zeros(200, bool),)),
}


@pytest.mark.parametrize(("function", "make"), FORMS.values(), ids=FORMS)
def test_such_loops_run_in_kernels(function, make, backend):
    same(function, make, backend, ran="cpu")


@pytest.mark.parametrize("n", [-3, 0, 1, 1000, 7.5])
def test_other_numbers_do_what_the_interpreter_does(n):
    same(half, lambda: (line(), n))


def test_what_is_no_integer_raises_where_the_loop_stands():
    decorated = same(quotient, lambda: (line(), 8))
    assert set(places(decorated)) <= {"interpreter"}


def test_a_search_says_what_leaves_it():
    loops = autopar.explain(primes).to_dict()["functions"][0]["loops"]
    assert [("parallel", "AP001"), ("sequential", "AP202")] == [
        (each["verdict"], each["code"]) for each in loops
    ]


def compiled(source, file):
    text = "import math\nimport numpy as np\n" + source
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict[str, Any] = {}
    exec(compile(text, file, "exec"), names)
    return names["kernel"]


@pytest.mark.parametrize("number", range(share(24)))
def test_drawn_loops_are_the_interpreters(number):
    chosen = random.Random(number)
    same(compiled(draw_bounded(chosen), f"<bounded {number}>"), arguments(chosen))
