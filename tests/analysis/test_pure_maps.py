"""Loops over objects whose values are computed one by one: what is called so, and what is not.

Each of MAPS is also run backwards: its values must be the same. None of NO_MAPS may be claimed;
each has one thing that makes its iterations see each other, or that nobody can rule out.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import analyze, describe, functions_of

HEADER = """
import copy, itertools, math, random
import numpy as np
from collections import defaultdict, deque
from dataclasses import dataclass, field

SCALE = 3

class Point:
    def __init__(self, x):
        self.x = x
        self.seen = []

    @property
    def twice(self):
        return 2 * self.x

    def norm(self, y):
        return math.hypot(self.x, y)

@dataclass
class Record:
    name: str
    parts: list = field(default_factory=list)

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def even(n):
    return True if n == 0 else odd(n - 1)

def odd(n):
    return False if n == 0 else even(n - 1)

def simulate(p, steps=4):
    u, v, path = np.zeros(steps), np.ones(steps), [p]
    grid = [[0] * 3 for _ in range(2)]
    s, text = 0.0, ""
    for k in range(steps):
        u[k] = math.sin(k) * SCALE
        grid[k % 2][k % 3] += k
        u, v = v, u
        path.append(str(k))
        s += u[k]
        text += str(k)
    path.sort(key=lambda each: str(each)[::-1])
    return {"s": s, "text": text, "path": path, "grid": grid, "point": Point(s).twice}
"""
# Source of a function body over `ps`, a list of small integers; they return what is compared.
MAPS = {
    "table": """
        table = {}
        for p in ps:
            table[p] = simulate(p)
        return table
    """,
    "append of tuples under a condition": """
        out, kept = [], []
        for i, p in enumerate(ps):
            text = str(p).zfill(3)
            if text.endswith("1"):
                continue
            out.append((p, sorted(text)))
        return sorted(out)
    """,
    "comprehension": "return sorted([str(simulate(p, 3)['s']) for p in ps if even(p)])",
    "dict comprehension": "return {p: str(fib(p)) for p in ps}",
    "rows": """
        rows = []
        for p in ps:
            row = []
            for q in range(p):
                row.append(str(fib(q)))
            row.reverse()
            rows.append(row)
        return sorted(rows)
    """,
    "caught": """
        found = {}
        for p in ps:
            try:
                value = float("x" * (p % 2) + "1")
            except ValueError:
                value = None
            found[p] = str(value)
        return found
    """,
    "objects": """
        made = {}
        for p in ps:
            point = Point(p)
            made[p] = (point.norm(2.0), Record(name=str(p)).parts, point.twice)
        return made
    """,
    "array of results": """
        out = [None] * 10
        for p in ps:
            best = max(range(p + 1), key=lambda q: (q * 7) % (p + 2))
            out[p] = str(sum(fib(q) * p for q in range(best)))
        return out
    """,
    "inner while": """
        out = {}
        for p in ps:
            n, word = int(p), ""
            while n:
                n -= 1
                if n == 2:
                    break
                word += str(n)
            out[p] = word.upper()
        return out
    """,
    "copied before it is changed": """
        base = list(range(5))
        out = {}
        for p in ps:
            own = base.copy()
            own.append(p)
            other = copy.deepcopy(base)
            other[0] = p
            out[p] = str(own + other)
        return out
    """,
}
# As above; helpers that come before stand at module level.
NO_MAPS = {
    "prints": ("def f(p):\n    print(p)\n    return str(p)", "return [f(p) for p in ps]"),
    "draws": ("def f(p):\n    return str(random.random())", "return [f(p) for p in ps]"),
    "draws of NumPy": ("def f(p):\n    return str(np.random.rand())", "return [f(p) for p in ps]"),
    "remembers": (
        "MEMO = {}\ndef f(p):\n    MEMO[p] = len(MEMO)\n    return str(MEMO[p])",
        "return [f(p) for p in ps]",
    ),
    "counts in a default": (
        "def f(p, seen=[]):\n    seen.append(p)\n    return str(len(seen))",
        "return [f(p) for p in ps]",
    ),
    "counts in a closure": (
        "",
        """
        count = 0
        def f(p):
            nonlocal count
            count += 1
            return str(count)
        return [f(p) for p in ps]
        """,
    ),
    "binds a global": (
        "COUNT = 0\ndef f(p):\n    global COUNT\n    COUNT = p\n    return str(p)",
        "return [f(p) for p in ps]",
    ),
    "changes its argument": (
        "def f(a, p):\n    a[0] = p\n    return str(a)",
        "a = [0]\nreturn [f(a, p) for p in ps]",
    ),
    "changes its argument in place": (
        "def f(a, p):\n    a += p\n    return str(a)",
        "a = np.zeros(2)\nreturn [f(a, p) for p in ps]",
    ),
    "changes what a list holds": (
        "def f(a, p):\n    rows = [a]\n    rows[0][0] = p\n    return str(a)",
        "a = [0]\nreturn [f(a, p) for p in ps]",
    ),
    "adds to what a list holds": (
        "def f(a, p):\n    rows = [a]\n    rows[0] += [p]\n    return str(a)",
        "a = [0]\nreturn [f(a, p) for p in ps]",
    ),
    "changes a view": (
        "def f(a, p):\n    b = a[1:]\n    b[0] = p\n    return str(a)",
        "a = np.zeros(3)\nreturn [f(a, p) for p in ps]",
    ),
    "changes a view made by a function": (
        "def f(a, p):\n    b = np.asarray(a)\n    b[0] = p\n    return str(a)",
        "a = np.zeros(3)\nreturn [f(a, p) for p in ps]",
    ),
    "sorts its argument": (
        "def f(a, p):\n    a.sort()\n    return str(a)",
        "a = [2, 1]\nreturn [f(a, p) for p in ps]",
    ),
    "writes to a buffer": (
        "BUFFER = np.zeros(3)\ndef f(p):\n    np.sin(BUFFER, out=BUFFER)\n    return str(BUFFER)",
        "return [f(p) for p in ps]",
    ),
    "sets an attribute": (
        "def f(o, p):\n    o.x = p\n    return str(o.x)",
        "o = Point(1)\nreturn [f(o, p) for p in ps]",
    ),
    "a method sets an attribute": (
        "class C:\n    n = 0\n    def step(self):\n        self.n += 1\n        return self.n",
        "c = C()\nreturn [str(c.step()) for p in ps]",
    ),
    "a property has an effect": (
        (
            "class C:\n    n = 0\n    @property\n    def x(self):\n        self.n += 1\n"
            "        return self.n"
        ),
        "c = C()\nreturn [str(c.x) for p in ps]",
    ),
    "__getattr__ has an effect": (
        (
            "LOG = []\nclass C:\n    def __getattr__(self, name):\n        LOG.append(name)\n"
            "        return len(LOG)"
        ),
        "c = C()\nreturn [str(c.x) for p in ps]",
    ),
    "an operator has an effect": (
        (
            "LOG = []\nclass C:\n    def __add__(self, other):\n        LOG.append(other)\n"
            "        return len(LOG)"
        ),
        "c = C()\nreturn [str(c + p) for p in ps]",
    ),
    "equality has an effect": (
        (
            "LOG = []\nclass C:\n    def __eq__(self, other):\n        LOG.append(other)\n"
            "        return True\n    __hash__ = None"
        ),
        "c = C()\nreturn [str(c == p) for p in ps]",
    ),
    "a subclass has an effect": (
        (
            "LOG = []\nclass C(str):\n    def upper(self):\n        LOG.append(1)\n"
            "        return str(len(LOG))"
        ),
        "c = C('a')\nreturn [c.upper() for p in ps]",
    ),
    "an attribute holds a function": (
        (
            "LOG = []\ndef push(p):\n    LOG.append(p)\n    return len(LOG)\n"
            "class C:\n    def norm(self, p):\n        return p\n"
            "class D:\n    def __init__(self):\n        self.norm = push"
        ),
        "c = D()\nreturn [str(c.norm(p)) for p in ps]",
    ),
    "an alias of a method": ("", "log = []\npush = log.append\nreturn [str(push(p)) for p in ps]"),
    "a callback": ("", "def run(f):\n    return [str(f(p)) for p in ps]\nreturn run(print)"),
    "a callback of sorted": (
        "def f(p):\n    print(p)\n    return p",
        "return [sorted([p], key=f) for p in ps]",
    ),
    "a callback of map": (
        "def f(p):\n    print(p)\n    return p",
        "return [list(map(f, [p])) for p in ps]",
    ),
    "a callback among the arguments": ("", "f = print\nreturn [max([p], key=f) for p in ps]"),
    "an iterator that is used up": (
        "def f(it, p):\n    return str(sum(it)) + str(p)",
        "it = iter([1, 2, 3])\nreturn [f(it, p) for p in ps]",
    ),
    "a generator that is used up": (
        "def f(it, p):\n    return str(sum(it)) + str(p)",
        "it = (q for q in ps)\nreturn [f(it, p) for p in ps]",
    ),
    "an attribute that is used up": (
        (
            "class C:\n    def __init__(self, it):\n        self.it = iter(it)\n"
            "def f(c):\n    return str(list(c.it))"
        ),
        "c = C(ps)\nreturn [f(c) for p in ps]",
    ),
    "a file that is used up": (
        "def f(lines):\n    return str(list(lines))",
        "with open('x') as lines:\n    return [f(lines) for p in ps]",
    ),
    "a default of a lambda": (
        "def f(p):\n    g = lambda q=print(p): q\n    return str(g())",
        "return [f(p) for p in ps]",
    ),
    "a generator with effects": (
        "def gen(ps):\n    for p in ps:\n        print(p)\n        yield p",
        "out = []\nfor p in gen(ps):\n    out.append(str(p))\nreturn out",
    ),
    "a default dict": (
        "def f(d, p):\n    d[p]\n    return str(len(d))",
        "d = defaultdict(list)\nreturn [f(d, p) for p in ps]",
    ),
    "functions that call each other, one of them prints": (
        "def f(n):\n    return n and g(n - 1)\ndef g(n):\n    print(n)\n    return n and f(n - 1)",
        "return [str(f(p)) for p in ps]",
    ),
    "a recursive function remembers": (
        "SEEN = {}\ndef f(n):\n    SEEN[n] = 1\n    return len(SEEN) if n < 1 else f(n - 1)",
        "return [str(f(p)) for p in ps]",
    ),
    "what it fills is read": ("", "o = []\nfor p in ps:\n    o.append(str(o[-1:]))\nreturn o"),
    "what it fills has another name": (
        "",
        "o = []\na = o\nfor p in ps:\n    o.append(str(len(a)))\nreturn o",
    ),
    "what it fills is held by another": (
        "def f(h):\n    return str(h)",
        "o = []\nh = [o]\nfor p in ps:\n    o.append(f(h))\nreturn o",
    ),
    "what it fills was given": ("", "def g(o):\n    for p in ps:\n        o.append(str(p))\ng([])"),
    "what it fills escapes in the loop around": (
        "def f(h):\n    return str(h)",
        "o, h = [], []\nfor q in ps:\n    for p in ps:\n        o.append(f(h))\n    h.append(o)",
    ),
    "what it fills is seen by a closure": (
        "",
        "o = []\ndef f(p):\n    return str(o)\nfor p in ps:\n    o.append(f(p))\nreturn o",
    ),
    "the iteration before": ("", "o, s = [], ''\nfor p in ps:\n    s += str(p)\n    o.append(s)"),
    "the iteration before, at times": (
        "",
        "o, s = [], ''\nfor p in ps:\n    if p > 2:\n        s = str(p)\n    o.append(str(s))",
    ),
    "the iteration before, after an exception": (
        "",
        (
            "o, s = [], ''\nfor p in ps:\n    try:\n        s = str(1 // p)\n"
            "    except ZeroDivisionError:\n        pass\n    o.append(str(s))"
        ),
    ),
    "the iteration before, in an inner loop": (
        "",
        (
            "o, s = [], ''\nfor p in ps:\n    for q in range(p):\n        s = str(q)\n"
            "    o.append(str(s))"
        ),
    ),
    "the iteration before, by a walrus": (
        "",
        "o, s = [], ''\nfor p in ps:\n    t = p and (s := str(p))\n    o.append(str(s))",
    ),
    "left early": ("", "o = []\nfor p in ps:\n    o.append(str(p))\n    if p == 2:\n        break"),
    "a closure sees the last iteration": (
        "",
        "o = []\nfor p in ps:\n    q = str(p)\n    o.append(lambda: q)\nreturn [f() for f in o]",
    ),
    "a generator sees the last iteration": (
        "",
        "o = []\nfor p in ps:\n    q = str(p)\n    o.append(q + e for e in 'ab')\nreturn o",
    ),
    "a function is given another meaning": (
        "def f(p):\n    return p\nPoint.norm = print",
        "return [str(Point(p).norm(2)) for p in ps]",
    ),
    "a function of a module is given another meaning": (
        "np.sinc = print",
        "return [str(np.sinc(p)) for p in ps]",
    ),
    "a name of the text is bound twice": (
        "def f(p):\n    return p\nf = print",
        "return [str(f(p)) for p in ps]",
    ),
    "text is run": ("exec('str = print')", "return [str(p) for p in ps]"),
    "names from anywhere": ("from somewhere import *", "return [str(p) for p in ps]"),
    "a builtin is hidden": ("def str(p):\n    print(p)", "return [str(p) for p in ps]"),
    "it changes what another sees through a base": (
        "class B:\n    def __init__(self, h):\n        h.append(1)\nclass C(B):\n    pass",
        "h = []\nreturn [C(h) for p in ps]",
    ),
    "a reduction": ("", "n = {}\nfor p in ps:\n    n[p % 2] = n.get(p % 2, 0) + fib(p)\nreturn n"),
    "a group": ("", "n = {}\nfor p in ps:\n    n.setdefault(p % 2, []).append(str(p))\nreturn n"),
}


def report_of(source):
    """Return the report of one function."""
    plan = analyze(source)
    assert isinstance(plan, Plan)
    return describe(plan)


def rows_of(helpers, body):
    """Return the rows of the report of function `run` with `body`, and its text."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    text = f"{HEADER}\n{helpers}\n\ndef run(ps):\n{lines}\n"
    for source in functions_of(SourceText(path="x.py", text=text, cell=None)):
        if source.qualified_name.startswith("run"):
            rows = report_of(source).loops
            if rows:
                return rows, text
    raise AssertionError("no loop")


@pytest.mark.parametrize("name", MAPS)
def test_loop_is_a_map_and_its_values_are_the_same_backwards(name):
    rows, text = rows_of("", MAPS[name])
    outermost = [row for row in rows if row.depth == 0]
    assert ["AP222"] == [row.code for row in outermost]
    assert ["unsupported"] == [row.verdict for row in outermost]
    scope: dict = {}
    exec(text, scope)
    ps = list(range(9))
    assert repr(scope["run"](ps)) == repr(_ordered(scope["run"](ps[::-1]), scope["run"](ps)))


def _ordered(found, like):
    """Return a dict with its keys in the order of `like`; anything else itself."""
    return {key: found[key] for key in like} if isinstance(found, dict) else found


@pytest.mark.parametrize("name", NO_MAPS)
def test_loop_is_no_map(name):
    rows, _ = rows_of(*NO_MAPS[name])
    assert all(row.code != "AP222" for row in rows)


def module_rows(text):
    """Return the rows of module level."""
    source = functions_of(SourceText(path="x.py", text=HEADER + text, cell=None))[0]
    return report_of(source).loops


def test_loop_of_module_level_is_a_map():
    (row,) = module_rows("table = {}\nfor p in [1, 2]:\n    table[p] = simulate(p)\n")
    assert row.code == "AP222"


def test_loop_that_binds_what_a_function_reads_is_no_map():
    text = "def f(p):\n    return str(p * FACTOR)\nFACTOR = 1\no = []\n"
    rows = module_rows(text + "for p in [1, 2]:\n    o.append(f(p))\n    FACTOR = p\n")
    assert [row.code == "AP222" for row in rows] == [False]
    rows = module_rows(text + "for FACTOR in [1, 2]:\n    o.append(f(FACTOR))\n")
    assert [row.code == "AP222" for row in rows] == [False]


def test_loop_that_fills_what_a_function_reads_is_no_map():
    text = "o = []\ndef f(p):\n    return str(len(o) + p)\nfor p in [1, 2]:\n    o.append(f(p))\n"
    assert [row.code == "AP222" for row in module_rows(text)] == [False]


def test_array_is_filled_with_what_objects_compute():
    scope: dict = {}
    body = "out = np.zeros(9)\nfor p in ps:\n    out[p] = simulate(p)['s']\nreturn out"
    rows, text = rows_of("", body)
    assert rows[0].code == "AP222"
    exec(text, scope)
    backwards = scope["run"](list(range(9))[::-1])
    assert np.array_equal(scope["run"](list(range(9))), backwards)
