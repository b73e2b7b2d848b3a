"""The copy that passes the caches: every byte in its place, no other touched, and by such stores."""

from __future__ import annotations

import ctypes
import platform
import re
from dataclasses import replace

import llvmlite.binding as llvm
import numpy as np
import pytest

from autopar.codegen import ahead, stream_code
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.codegen.streams import LINE, with_streams
from tests.ordered_nests import Nest, drafts_of

IS_X86 = platform.machine().lower() in {"x86_64", "amd64"}


def copy():
    address = stream_code.engine().get_function_address(stream_code.STREAM)
    return ctypes.CFUNCTYPE(None, *(ctypes.c_int64,) * 3)(address)


@pytest.mark.parametrize("size", [4, 8])
def test_every_byte_is_copied_and_no_other_touched(size):
    stream, rng = copy(), np.random.default_rng(size)
    memory = np.zeros(1024, np.uint8)
    border = -memory.ctypes.data % LINE
    source = rng.integers(1, 256, 1024).astype(np.uint8)
    for start in range(border, border + LINE, size):
        for count in (0, size, LINE - size, LINE, LINE + size, 3 * LINE, 5 * LINE + size):
            for skew in (0, size, LINE - size):
                memory[:] = 0
                stream(memory.ctypes.data + start, source.ctypes.data + skew, count)
                expected = np.zeros_like(memory)
                expected[start : start + count] = source[skew : skew + count]
                np.testing.assert_array_equal(expected, memory)


@pytest.mark.skipif(not IS_X86, reason="other processors have other stores of this kind, or none")
def test_lines_are_stored_past_the_caches():
    module = llvm.parse_assembly(stream_code.text())
    target = llvm.Target.from_default_triple().create_target_machine(opt=2)
    stores = re.findall(r"\bv?movnt(?:p[sd]|dq|i)\b.*", target.emit_assembly(module))
    width = {"%z": 64, "%y": 32, "%x": 16}
    found = [width[each] for line in stores for each in re.findall(r"%[xyz]", line)[:1]]
    assert sum(found) == LINE, stores


def test_how_far_ahead_is_asked_follows_the_rates_and_else_the_processor(monkeypatch):
    words = [ahead.WORDS[each] for each in (ahead.ALONE, ahead.BESIDE)]
    monkeypatch.setattr(CURRENT, "is_calibrated", True)
    rates = replace(DEFAULTS, ahead_alone=1024.0, ahead_beside=512.0)
    ahead.follow(rates)
    assert [1024, 512] == [each.value for each in words]
    with ahead.asking(0):
        assert [0, 0] == [each.value for each in words]
    assert [1024, 512] == [each.value for each in words]
    monkeypatch.setattr(CURRENT, "is_calibrated", False)
    for name, beside in (("AMD EPYC", 0), ("Intel(R) Xeon(R)", 2048), ("", 2048)):
        monkeypatch.setattr(ahead, "processor", lambda name=name: name)
        ahead.follow(DEFAULTS)
        assert [2048, beside] == [each.value for each in words]


def test_what_shares_memory_is_stored_as_usual():
    nest = Nest(
        text="def nest(u, v, n):\n    for i in range(n):\n        v[i] = 2.0 * u[i]\n",
        arguments={"u": np.ones(9), "v": np.ones(9), "n": 9},
    )
    (draft,) = drafts_of(nest, is_large=True)
    program = draft.program
    assert program.streams is True
    assert with_streams(program, is_large=False).streams is False
    shared = replace(program, overlapping=frozenset({"v"}))
    assert with_streams(shared, is_large=True).streams is None
