"""Outputs of two runs: what counts as the same, as close, as different."""

from __future__ import annotations

import base64
import io

import pytest

from autopar.corpus.outputs import compare_outputs


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def result(text, kind="text/plain"):
    return {"output_type": "execute_result", "data": {kind: text}}


def error(name, text, traceback=()):
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": list(traceback)}


def image(shade, **options):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (4, 3), (shade, 0, 0)).save(file, "PNG", **options)
    return result(base64.b64encode(file.getvalue()).decode(), "image/png")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], []),
        ([stream("a\n"), stream("b\n")], [stream("a\nb\n")]),
        ([stream(["a\n", "b\n"])], [stream("a\nb\n")]),
        ([stream("a\n"), stream("x", "stderr")], [stream("x", "stderr"), stream("a\n")]),
        ([result("<C at 0x7f12a0b3c4d0>")], [result("<C at 0x7faaaaaaaaaa>")]),
        ([stream("1/3\r2/3\r3/3\n")], [stream("2/3\r3/3\n")]),
        ([stream("Wall time: 3.1 ms\n7")], [stream("Wall time: 290 µs\n7")]),
        (
            [stream("Wall time: 3.1 s\nCompiler : 145 ms\nParser   : 1.2 s\n7")],
            [stream("Wall time: 3.1 s\n7")],
        ),
        (
            [error("E", "x", ["\x1b[31mE\x1b[0m /tmp/ipykernel_12/1.py"])],
            [error("E", "x", ["E /tmp/ipykernel_99/1.py"])],
        ),
        ([image(7)], [image(7, compress_level=1)]),
    ],
)
def test_same(one, other):
    assert "same" == compare_outputs(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([result("0.30000000000000004")], [result("0.3")]),
        ([result("array([1.0, 2.0000000000001])")], [result("array([1. , 2. ])")]),
        ([stream("a 1e-300 inf\n")], [stream("a 1.00000000000001e-300 inf\n")]),
    ],
)
def test_close(one, other):
    assert "close" == compare_outputs(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([result("0.3")], [result("0.3001")]),
        ([result("nan")], [result("1.0")]),
        ([result("1")], []),
        ([stream("1")], [stream("1", "stderr")]),
        ([result("[1, 2]")], [result("[1, 2, 2]")]),
        ([error("ValueError", "x")], [error("ValueError", "y")]),
        ([error("E", "x", ["line 3"])], [error("E", "x", ["line 4"])]),
        ([image(7)], [image(8)]),
        ([result("t = 3.2 s")], [result("t = 3.4 s")]),
    ],
)
def test_different(one, other):
    assert "different" == compare_outputs(one, other)


def test_times_may_count_as_equal():
    pair = [stream("took 3.2 s at 12:30:01, 40.1it/s")], [stream("took 14 ms at 12:31:59, 9it/s")]
    assert "different" == compare_outputs(*pair)
    assert "same" == compare_outputs(*pair, are_times_equal=True)
    assert "different" == compare_outputs([stream("3 s: 1")], [stream("4 s: 2")],
                                          are_times_equal=True)  # fmt: skip
