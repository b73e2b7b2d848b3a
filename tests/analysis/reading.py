"""From a few lines of Python to what one pass makes of them; what the tests of passes share."""

from __future__ import annotations

from autopar.analysis.model.loop_ir import Function
from autopar.analysis.model.plan import LoopPlan, Plan, RegionPlan
from autopar.analysis.model.scop import Scop
from autopar.analysis.model.source import SourceText
from autopar.analysis.passes.definitions import functions_of
from autopar.analysis.passes.parse import parse
from autopar.analysis.passes.regions import Regions, find_regions
from autopar.analysis.stages import analyze


def function(source: str, name: str | None = None) -> Function:
    """Return the loop IR of the function called `name`, by default `f`, or of the last one."""
    found = functions_of(SourceText(path="case.py", text=source, cell=None))
    names = {each.qualified_name: each for each in found}
    chosen = names[name] if name is not None else names.get("f", found[-1])
    read = parse(chosen)
    assert isinstance(read, Function), read
    return read


def regions(source: str) -> Regions:
    """Return the regions of the last function of `source`."""
    text = SourceText(path="case.py", text=source, cell=None)
    return find_regions(function(source), text)


def scop(source: str) -> Scop:
    """Return the model of the only nest of `source`."""
    found = regions(source)
    assert not found.unsupported, found.unsupported
    (only,) = found.scops
    return only


def refusal_codes(source: str) -> list[str]:
    """Return the codes of the first reason of each loop that has no model."""
    return [each.reasons[0].code for each in regions(source).unsupported]


def plan(source: str) -> RegionPlan:
    """Return the plan of the only nest of `source`."""
    text = SourceText(path="case.py", text=source, cell=None)
    found = analyze(functions_of(text)[-1])
    assert isinstance(found, Plan), found
    (only,) = found.regions
    return only


def loop(source: str, number: int = 0) -> LoopPlan:
    """Return the verdict on one loop of the only nest."""
    return plan(source).loops[number]
