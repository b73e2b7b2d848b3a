"""The part of a generated module that a process without Numba executes."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from autopar.codegen.compile import execute
from autopar.codegen.host_part import host_part, stands_alone
from tests.case_files import parse_case

CASES = sorted(Path(__file__).resolve().parents[1].joinpath("cases").glob("*.case"))
START = "# Kernels of "


def sources() -> list[str]:
    """Return all CPU modules that the cases show."""
    found = []
    for path in CASES:
        text = parse_case(path.read_text()).sections.get("kernel cpu", "")
        parts = re.split(rf"^(?={START})", text, flags=re.MULTILINE)
        found += [each for each in parts if each.startswith(START)]
    return found


def test_the_host_part_of_every_module_stands_alone():
    assert len(sources()) > 50
    for source in sources():
        module = execute("whole", source.replace("cache=True", "cache=False"), "<whole>")
        kernels = re.findall(r"^def (?!run\b)(\w+)\(", source, re.MULTILINE)
        host = host_part(source)
        assert stands_alone(host, module, kernels), source
        assert "njit" not in host
        assert len(source.splitlines()) == len(host.splitlines())


@pytest.mark.parametrize(
    "needed", ["def run(a):\n    return helped(a)\n", "reduction0 = helped(\n    (),\n)\n"]
)
def test_a_host_part_that_needs_what_is_left_out_does_not(needed):
    whole = ModuleType("whole")
    source = f"helped = len\n{needed}"
    exec(source, vars(whole))
    assert not stands_alone(host_part(source), whole, ())
    assert stands_alone(host_part(source), whole, ("helped",)) == needed.startswith("def")
