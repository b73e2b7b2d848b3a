"""What the text of a loop shows, and a second count of it."""

from __future__ import annotations

import ast

import pytest

from autopar.corpus.shown import shown_values
from autopar.corpus.syntax import find_loops, subscript_kind


def loops(text):
    return find_loops(ast.parse(text))


def only(text):
    (found,) = loops(text)
    return found


@pytest.mark.parametrize(
    ("iterable", "kind"),
    [
        ("range(3)", "range"), ("enumerate(a)", "enumerate"), ("zip(a, b)", "zip"),
        ("a", "name"), ("a.b", "attribute"), ("f(a)", "call"), ("d.items()", "dict view"),
        ("d.get(3)", "method"), ("[1, 2]", "literal"), ("'ab'", "literal"), ("a[1:]", "slice"),
        ("a[0]", "element"), ("(x for x in a)", "comprehension"), ("a + b", "other"),
    ],
)  # fmt: skip
def test_kinds_of_iterables(iterable, kind):
    assert kind == loops(f"for i in {iterable}: pass")[0].iterable


def test_kinds_of_bounds():
    found = only("for i in range(0, n): pass")
    assert ("constant", "name") == found.bounds
    text = "for i in range(len(a), a.shape[0], p[i], g.n, f(x), n - 1): pass"
    assert ("len", "shape", "element", "attribute", "call", "expression") == only(text).bounds


@pytest.mark.parametrize(
    ("index", "kind"),
    [
        ("i", "affine"), ("i - 1", "affine"), ("2 * i + 3", "affine"), ("i, j", "affine"),
        ("0", "affine"), ("(i + 1) % 4", "affine"), ("i * n + j", "product"), ("i // k", "product"),
        ("p[i]", "indirect"), ("i, p[j] + 1", "indirect"), ("i, :", "slice"), ("1:n", "slice"),
        ("'key'", "key"), ("f(i)", "other"), ("i + 0.5", "other"),
    ],
)  # fmt: skip
def test_kinds_of_subscripts(index, kind):
    element = ast.parse(f"a[{index}]", mode="eval").body
    assert isinstance(element, ast.Subscript)
    assert kind == subscript_kind(element.slice, ("i", "j"))


def test_depth_counts_loops_of_the_same_function_only():
    text = """
for i in range(3):
    for j in range(3):
        pass
    def f():
        while True:
            x = [k for k in range(3)]
"""
    found = [(each.kind, each.depth, each.statement_depth, each.function) for each in loops(text)]
    assert [
        ("for", 0, 0, ""), ("for", 1, 1, ""), ("while", 0, 1, "f"), ("comprehension", 1, 2, "f"),
    ] == found  # fmt: skip


def test_what_a_loop_does():
    text = """
for i in range(3):
    if a[i] > 0:
        out.append(a[i])
        ax.plot(a)
    b[i] = np.sum(a[i])
    print(i)
    break
"""
    found = only(text)
    assert (("ax.plot", 1), ("np.sum", 1), ("out.append", 1), ("print", 1)) == found.calls
    flags = (found.stores, found.appends, found.prints, found.plots, found.branches, found.leaves)
    assert (True,) * 6 == flags


def test_a_break_of_an_inner_loop_is_not_the_outer_ones():
    outer, inner = loops("for i in a:\n    for j in b:\n        break\n")
    assert (False, True) == (outer.leaves, inner.leaves)


def test_integers_and_shapes_that_cells_show():
    text = """
n = 10
m = n * 2 - 1
a = np.zeros((n, m))
b = np.linspace(0, 1, n)
c = np.random.rand(3, n)
k = len(b)
x = 1.5
flag = True
n2 = n ** 2
"""
    assert {
        "n": 10, "m": 19, "a.shape[0]": 10, "a.shape[1]": 19, "b.shape[0]": 10,
        "c.shape[0]": 3, "c.shape[1]": 10, "k": 10, "n2": 100,
    } == shown_values(ast.parse(text))  # fmt: skip


@pytest.mark.parametrize(
    "later",
    ["n = 11", "n += 1", "for n in a: pass", "def n(): pass", "import n", "def f():\n    global n",
     "with a as n: pass", "del n", "[n for n in a]", "if (n := 3): pass"],
)  # fmt: skip
def test_a_name_that_anything_else_binds_shows_nothing(later):
    assert {} == shown_values(ast.parse(f"n = 10\n{later}"))
