"""Native functions of our own that are kept between processes, and names that lines do not change."""

from __future__ import annotations

import ast
import ctypes
import re

import pytest

from autopar.codegen.cache import Cache
from autopar.codegen.compile import name_of, unplaced
from autopar.codegen.lasting_code import lasting
from tests.codegen.test_host_part import sources

SEVEN = "define i64 @seven() {\n  ret i64 7\n}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path))
    return tmp_path


def seven(text: str = SEVEN) -> int:
    engine = lasting(text)
    return ctypes.CFUNCTYPE(ctypes.c_int64)(engine.get_function_address("seven"))()


def test_what_was_kept_is_not_made_again(folder, monkeypatch):
    assert 7 == seven()
    (entry,) = folder.glob("*.object")
    monkeypatch.setattr(Cache, "keep", lambda *_: pytest.fail("made again"))
    assert 7 == seven()
    monkeypatch.undo()
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(folder))
    entry.write_bytes(entry.read_bytes()[:-1])  # no entry any more
    assert 7 == seven()


def test_no_folder_is_made_and_no_address_is_kept(folder, monkeypatch):
    assert 7 == seven(
        SEVEN.replace("ret", "%p = ptrtoint ptr inttoptr (i64 99 to ptr) to i64\n ret")
    )
    assert [] == list(folder.iterdir())
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(folder / "none"))
    assert 7 == seven()
    assert not (folder / "none").exists()


def test_what_says_where_something_stands_is_no_code():
    for source in sources():
        short = unplaced(source)
        assert ast.dump(ast.parse(short)) == ast.dump(ast.parse(source))
        assert "line" not in re.sub(r"\w*line\w+|\w+line\w*", "", short), short
        moved = re.sub(r"\bline \d+", "line 4711", source)
        cache = Cache(folder=None)
        assert name_of(moved, cache=cache, types="") == name_of(source, cache=cache, types="")
        assert name_of(f"{source}\nx = 1\n", cache=cache, types="") != name_of(
            source, cache=cache, types=""
        )
