"""Kernels that decide by data, compiled to PTX: NVVM takes what the simulator takes, nothing is contracted."""

from __future__ import annotations

import inspect
import textwrap

import pytest

from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText
from autopar.analysis.stages import analyze, functions_of
from autopar.codegen.ptx import compile_to_ptx
from autopar.options import choose_options
from autopar.preview import parse_types
from autopar.variants import Draft, draft_variant
from tests.autopar import test_conditional_expressions as expressions
from tests.autopar import test_data_conditions as conditions

KERNELS = [
    conditions.nested,
    conditions.mixed_with_affine,
    conditions.truth_of_a_pair,
    conditions.assigned_either_way,
    conditions.guarded_in_one_test,
    conditions.guarded_python_division,
    conditions.steps_under_a_condition,
    expressions.inside_a_product,
    expressions.guarded_python_division,
]


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_that_decide_by_data_compile(kernel):
    text = SourceText(path="x.py", text=textwrap.dedent(inspect.getsource(kernel)), cell=None)
    plan = analyze(functions_of(text)[-1])
    assert isinstance(plan, Plan), plan
    (region,) = plan.regions
    types = parse_types("a=float64[:], b=float64[:]")
    draft = draft_variant(
        region, types, frozenset(), ("cuda", "x", "x.py"), choose_options(backend="cuda")
    )
    assert isinstance(draft, Draft), draft
    found = compile_to_ptx(draft.source, draft.program)
    assert found
    for ptx in found.values():
        assert ".target sm_90" in ptx
        assert "fma." not in ptx


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numpys_functions_compile(dtype):
    names = (
        "exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
        "arccosh arctanh reciprocal deg2rad degrees"
    )
    terms = [f"np.{name}(a[i])" for name in names.split()]
    terms += [f"np.{name}(a[i], b[i])" for name in ("power", "arctan2", "hypot", "fmod")]
    lines = [f"        b[i] += {term}" for term in terms]
    source = "\n".join(["def kernel(a, b, n):", "    for i in range(n):", *lines, ""])
    plan = analyze(functions_of(SourceText(path="x.py", text=source, cell=None))[-1])
    assert isinstance(plan, Plan), plan
    (region,) = plan.regions
    types = parse_types(f"a={dtype}[:], b={dtype}[:]")
    draft = draft_variant(
        region, types, frozenset(), ("cuda", "x", "x.py"), choose_options(backend="cuda")
    )
    assert isinstance(draft, Draft), draft
    assert compile_to_ptx(draft.source, draft.program)
