"""New arrays: which calls make them, where they have a model, what a call must check."""

from __future__ import annotations

import itertools

import pytest

from autopar.analysis.model.loop_ir import Allocate, walk_statements
from autopar.analysis.model.scop import Scop
from tests.judgement import analyzed

KNOWN = {
    "np.zeros(m)": ("(m)", "float64", 0),
    "np.zeros((n, m))": ("(n, m)", "float64", 0),
    "np.zeros([n, m], np.float32)": ("(n, m)", "float32", 0),
    "np.ones(m, dtype=int)": ("(m)", "int64", 1),
    "np.empty(m, 'i2', order='F')": ("(m)", "int16", None),
    "np.full(m, 2.5)": ("(m)", "float64", 2.5),
    "np.full((m,), True)": ("(m)", "bool", True),
    "np.full(shape=m, fill_value=3)": ("(m)", "int64", 3),
    "np.zeros(x.shape)": ("x", "float64", 0),
    "np.empty_like(x)": ("x", None, None),
    "np.ones_like(x, dtype=np.uint8)": ("x", "uint8", 1),
}
UNKNOWN = (
    "np.zeros()", "np.zeros(m, like=x)", "np.zeros(m, dtype=x.dtype)", "np.zeros(m, dtype='>f8')",
    "np.zeros(m, dtype=object)", "np.full(m, 300, dtype=np.uint8)", "np.full(m, n)",
    "np.zeros(*m)", "np.zeros(())", "np.zeros_like(x[0])", "np.zeros(m, float, 'C', None)",
    "np.arange(m)", "x.copy()", "zeros(m)",
)  # fmt: skip


def made_by(call):
    """Return what the loop IR has for `t = call`."""
    source = f"import numpy as np\ndef f(x, n, m):\n    for i in range(n):\n        t = {call}\n"
    found = [
        each
        for each in walk_statements(analyzed(source).function.body)
        if isinstance(each, Allocate)
    ]
    return found[0] if found else None


@pytest.mark.parametrize("call", KNOWN)
def test_calls_that_make_arrays(call):
    made = made_by(call)
    assert made is not None
    shape = ", ".join(getattr(each, "name", "") for each in made.shape)
    fill = None if made.fill is None else made.fill.value
    assert KNOWN[call] == (made.like or f"({shape})", made.dtype, fill)


@pytest.mark.parametrize("call", UNKNOWN)
def test_calls_that_may_make_something_else(call):
    assert made_by(call) is None


def region_of(body):
    """Return the regions of a loop over i with `body`."""
    lines = "".join(f"        {line}\n" for line in body)
    head = "import numpy as np\ndef f(x, out, n, m):\n    for i in range(n):\n"
    return analyzed(head + lines).regions


MODELLED = {
    "used in its block": ["t = np.zeros(m)", "t[0] = x[i]", "out[i] = t[0]"],
    "its own extent": ["t = np.zeros(m)", "for j in range(len(t)):", "    t[j] = x[i]"],
    "like one that is used nowhere else": ["t = np.zeros_like(x)", "t[0] = 1.0", "out[i] = t[0]"],
    "in a branch": ["if i > 3:", "    t = np.ones(3)", "    out[i] = t[1]"],
}
LEFT_ALONE = {
    "read before": ["out[i] = t[0]", "t = np.zeros(m)"],
    "made twice": ["t = np.zeros(m)", "t[0] = 1.0", "t = np.ones(m)", "out[i] = t[0]"],
    "another name for it now and then": ["t = np.zeros(m)", "t[0] = 1.0", "if i: s = t"],
    "made in one branch only": ["if i > 3:", "    t = np.zeros(m)", "out[i] = t[0]"],
    "of other extents each time": ["t = np.zeros(i + 1)", "t[i] = 1.0", "out[i] = t[i]"],
    "of a product": ["t = np.zeros(n * m)", "t[0] = 1.0", "out[i] = t[0]"],
    "of too few axes": ["t = np.zeros(m)", "t[0, 0] = 1.0", "out[i] = t[0, 0]"],
    "used by nothing": ["t = np.zeros(m)", "out[i] = x[i]"],
}


@pytest.mark.parametrize("label", MODELLED)
def test_an_array_of_an_iteration_is_private_to_it(label):
    (region,) = region_of(MODELLED[label])
    outer = region.loops[0]
    assert ("parallel", ("t",)) == (outer.verdict, outer.private)


@pytest.mark.parametrize("label", LEFT_ALONE)
def test_an_array_that_may_be_seen_elsewhere_has_no_model(label):
    assert "i" not in [
        loop.variable for each in region_of(LEFT_ALONE[label]) for loop in loops(each.scop)
    ]


def loops(scop: Scop):
    return scop.loops


def test_an_array_that_lives_on_has_places_that_the_guard_makes():
    source = (
        "import numpy as np\ndef f(x, n, m):\n    for i in range(n):\n"
        "        t = np.zeros(m)\n        t[0] = x[i]\n    return t\n"
    )
    (region,) = analyzed(source).regions
    exchanged = region.scop.exchanged
    assert exchanged is not None
    assert ("t",) == exchanged.names
    assert 1 <= len(exchanged.fresh) <= 2


def test_conditions_of_a_new_array():
    (region,) = region_of(
        ["t = np.empty(m - 2)", "for j in range(5):", "    t[j] = x[j]", "out[i] = t[7]"]
    )
    texts = {each.text for each in region.in_bounds}
    assert "m >= 2" in texts
    # t[7] is out of range or was never written: only a loop that does not run is free of that.
    of_names = [text for text in texts if "shape" not in text]
    for n, m in itertools.product(range(3), range(2, 20)):
        assert (n == 0) == all(eval(text, {"n": n, "m": m}) for text in of_names), (n, m)
