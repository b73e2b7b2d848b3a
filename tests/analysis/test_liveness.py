"""Which names are read after a loop."""

from __future__ import annotations

import pytest

from autopar.analysis.model.loop_ir import Allocate, For, walk_statements
from autopar.analysis.passes import liveness
from autopar.analysis.passes.liveness import exposed_reads, live_after
from tests.analysis.reading import function


def live(source: str) -> frozenset[str]:
    """Return what is live after the first loop over `i` or `i0`, of the names i, t and s."""
    found = function(source)
    loop = next(
        each
        for each in walk_statements(found.body)
        if isinstance(each, For) and each.variable[0] == "i"
    )
    return live_after(found)[loop.span] & {"i", "t", "s"}


LOOP = "    for i in range(n):\n        t = a[i]\n        s = t\n"


@pytest.mark.parametrize(
    ("after", "names"),
    [
        ("", ""),
        ("return t", "t"),
        ("t = 1; return t", ""),
        ("if n: t = 1\n    return t", "t"),
        ("if n: t = 1\n    else: t = 2\n    return t", ""),
        ("for j in range(n): t = 2\n    return t", "t"),
        ("for i in range(n): pass\n    return i", "i"),
        ("while n:\n        return s", "s"),
        ("t += 1", "t"),
        ("a[t] = 1", "t"),
        ("print(f'{i}')", "i"),
        ("del t", "t"),
        ("g = lambda: t", "t"),
        ("def g(): return s", "s"),
        ("g = (t for _ in a)", "t"),
        ("print(locals())", "i s t"),
        ("try: t = f()\n    except E: pass\n    return t", "t"),
        ("t, s = s, t", "s t"),
        ("t = s; s = 1", "s"),
    ],
)
def test_live_after_is_what_some_path_reads_first(after: str, names: str) -> None:
    assert set(names.split()) == live(f"def f(a, n):\n{LOOP}    {after}\n")


def test_what_the_next_round_of_a_loop_around_reads_is_live() -> None:
    inner = "        " + LOOP.strip().replace("\n", "\n    ") + "\n"
    around = "def f(a, n):\n    for k in range(n):\n"
    assert {"t"} == live(f"{around}        a[0] = t\n{inner}")
    assert set() == live(f"{around}        t = a[0]\n{inner}")
    assert "t" in live(f"def f(a, n):\n    while n:\n        a[0] = t\n{inner}")


@pytest.mark.parametrize("leave", ["break", "continue", "with a: continue"])
def test_what_is_read_where_a_loop_around_is_left_is_live(leave: str) -> None:
    inner = "            for i in range(n):\n                t = a[i]\n"
    around = f"def f(a, n):\n    for k in range(n):\n        s = t\n        if n == k:\n{inner}"
    assert "t" in live(f"{around}            {leave}\n        t = s\n    return t\n")


def test_a_global_and_a_captured_name_live_on() -> None:
    assert {"t"} == live(f"def f(a, n):\n    global t\n{LOOP}")
    assert {"s"} == live(f"def f(a, n):\n    def g():\n        nonlocal s\n        s = 2\n{LOOP}")


def test_names_of_a_module_live_on() -> None:
    source = "for i in range(3):\n    t = 1\n"
    found = function(source, "<module>")
    assert {"i", "t"} <= live_after(found)[found.body[0].span]


def test_deep_nests_take_no_exponential_time() -> None:
    lines = ["def f(a, n):"]
    for depth in range(8):
        lines.append("    " * (depth + 1) + f"for i{depth} in range(n):")
    lines.append("    " * 9 + "a[i0] = i7")
    assert frozenset() == live("\n".join(lines))


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("t = 1; a[i] = t", "a n"),
        ("a[i] = t; t = 1", "a n t"),
        ("if i > k: t = 1\n        a[i] = t", "a k n t"),
        ("for j in range(n): t = 1\n        a[i] = t", "a n t"),
        ("t += 1", "n t"),
        ("a[t] = 1", "a n t"),
    ],
)
def test_exposed_reads_come_before_the_first_assignment(body: str, names: str) -> None:
    (loop,) = function(f"def f(a, n, k, t):\n    for i in range(n):\n        {body}\n").body
    assert set(names.split()) == exposed_reads(loop)


def test_a_deep_nest_is_walked_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 14
    headers = [f"{'    ' * (level + 1)}for i{level} in range(n):" for level in range(depth)]
    source = "\n".join(["def f(a, n):", *headers, "    " * (depth + 1) + "a[i0] = a[n] + s"])
    asked: list[object] = []
    whole = liveness.reads

    def counted(expression):
        asked.append(expression)
        return whole(expression)

    monkeypatch.setattr(liveness, "reads", counted)
    nest = function(source)
    inner = next(each for each in walk_statements(nest.body) if each.span.line == 4)
    assert {"s", "a", "n"} <= live_after(nest)[inner.span]
    assert len(asked) < 20 * depth


def test_the_test_of_a_while_loop_is_asked_again_after_its_body():
    source = (
        "def f(a, n, s):\n    while s > 0.5:\n        for i in range(n):\n            s = a[i]\n"
    )
    assert live(source) == {"s"}


@pytest.mark.parametrize(("shape", "names"), [("t", "t"), ("(n, s)", "s"), ("n", "")])
def test_what_the_shape_of_a_new_array_reads_is_live(shape: str, names: str) -> None:
    source = f"import numpy as np\ndef f(a, n):\n{LOOP}    for k in range(n):\n"
    found = function(f"{source}        b = np.zeros({shape})\n        a[k] = b[0]\n", "f")
    made = [each for each in walk_statements(found.body) if isinstance(each, Allocate)]
    assert 1 == len(made)
    loop = next(each for each in walk_statements(found.body) if isinstance(each, For))
    assert set(names) == live_after(found)[loop.span] & {"i", "t", "s"}
