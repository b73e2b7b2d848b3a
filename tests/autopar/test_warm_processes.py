"""A second process: what it finds in the cache, and that nothing there can harm it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import autopar
from autopar.codegen import kept_kernels, objects, prepare
from autopar.codegen.cache import NO_CACHE, Cache
from autopar.codegen.elf import undefined_symbols

pytestmark = pytest.mark.skipif(
    not kept_kernels.is_possible(), reason="objects of this system are not read"
)

KINDS = """
import sys, warnings
import numpy as np
import autopar

def scale(a, b, f):
    for i in range(len(a)):
        b[i] = f * a[i]

def total(a):
    s = 0.0
    for i in range(len(a)):
        s = s + a[i]
    return s

def count(a):
    s = 0
    for i in range(len(a)):
        s = s + a[i]
    return s

def turned(a, b, z):
    for i in range(len(a)):
        b[i] = a[i] * z

def bent(a, b):
    for i in range(len(a)):
        b[i] = np.sin(a[i]) + a[i] % 3.0

def inverted(a, b):
    for i in range(len(a)):
        b[i] = 1.0 / a[i]

def summed(a, b):
    for i in range(len(a)):
        for j in range(len(b)):
            b[j] = b[j] + a[i]

CALLS = (
    (scale, lambda a: (a, a.copy(), 0.5)),
    (total, lambda a: (a,)),
    (count, lambda a: (a.astype(np.int64),)),
    (turned, lambda a: (a + 1j, a + 2j, 0.5 - 2j)),
    (bent, lambda a: (a, a.copy())),
    (inverted, lambda a: (a, a.copy())),
    (summed, lambda a: (a[:50], a[:70].copy())),
)
for function, make in CALLS:
    a = np.arange(5000.0) - 100
    expected, found = make(a), make(a)
    told = []
    for call, given in ((function, expected), (autopar.parallel(backend="cpu")(function), found)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = call(*given)
        told.append((repr(value), [str(each.message) for each in caught]))
    assert told[0][1] == told[1][1] and len(told[0][1]) == (function is inverted), told
    if function is not total:  # whose order is another one
        assert told[0] == told[1], (function.__name__, told)
    for one, other in zip(expected, found):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes(), function.__name__
print(*sorted(each for each in ("gast", "islpy", "llvmlite", "numba") if each in sys.modules))
"""


def started(path: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "AUTOPAR_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def printed(process: subprocess.Popen[str]) -> str:
    out, error = process.communicate()
    assert (0, "") == (process.returncode, error)
    return out.strip()


def test_a_second_process_runs_kernels_of_all_kinds_without_numba(tmp_path):
    script = tmp_path / "kinds.py"
    script.write_text(KINDS)
    folder = tmp_path / "cache"
    assert "gast islpy llvmlite numba" == printed(started(script, folder))
    kept = sorted(each.name for each in folder.glob("*.code"))
    assert 7 == len(kept)
    assert "llvmlite" == printed(started(script, folder))
    assert kept == sorted(each.name for each in folder.glob("*.code"))


def test_two_processes_that_compile_the_same_at_once(tmp_path):
    script = tmp_path / "kinds.py"
    script.write_text(KINDS)
    folder = tmp_path / "cache"
    both = [started(script, folder) for _ in range(2)]
    assert ["gast islpy llvmlite numba"] * 2 == [printed(each) for each in both]
    assert [] == list(folder.glob(".*.tmp"))
    assert "llvmlite" == printed(started(script, folder))


def test_a_function_that_was_moved_finds_its_machine_code(tmp_path):
    script = tmp_path / "kinds.py"
    script.write_text(KINDS)
    folder = tmp_path / "cache"
    assert "gast islpy llvmlite numba" == printed(started(script, folder))
    script.write_text(KINDS.replace("def scale", "# above\n\n\ndef scale"))
    assert "gast islpy llvmlite" == printed(started(script, folder))


# ----------------------------------------------------------------- entries that are not as kept


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache of its own, which other tests of this process know nothing of."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(folder))
    monkeypatch.setattr(prepare, "_prepared", {})
    return folder


def doubled(number: int) -> tuple[float, bool]:
    """Return what a kernel computes, and whether it was found in the cache."""
    was_compiled = []
    made = objects.make_object

    def make_object(wanted):
        was_compiled.append(wanted)
        return made(wanted)

    def double(a):
        for i in range(len(a)):
            a[i] = a[i] * 2.0

    # Another process: it has neither module.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autopar.codegen.prepare.make_object", make_object)
        patch.setattr(prepare, "_prepared", {})
        for name in [each for each in sys.modules if each.startswith("autopar_kernels_")]:
            patch.delitem(sys.modules, name)
        a = np.full(number, 1.5)
        function = autopar.parallel(backend="cpu")(double)
        function(a)
        assert len(function.inspect_source()) == 1  # it was compiled, or found
    return float(a[-1]), not was_compiled


def code_in(folder: Path) -> Path:
    (path,) = folder.glob("*.code")
    return path


def test_a_kernel_is_found_again(folder):
    assert (3.0, False) == doubled(100)
    assert (3.0, True) == doubled(100)
    assert 0o600 == code_in(folder).stat().st_mode & 0o777


@pytest.mark.parametrize("size", [0, 80, -1])
def test_a_kernel_cut_short_is_compiled_again(folder, size):
    doubled(100)
    path = code_in(folder)
    path.write_bytes(path.read_bytes()[:size])
    assert (3.0, False) == doubled(100)
    assert (3.0, True) == doubled(100)


def test_any_byte_of_a_kernel_that_changes_is_seen(folder):
    doubled(100)
    path = code_in(folder)
    whole = path.read_bytes()
    store = Cache(folder=folder)
    assert kept_kernels.fetch(path.name, store) is not None
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept_kernels.fetch(path.name, store) is None


def test_what_is_sealed_but_no_kernel_is_a_miss(folder):
    doubled(100)
    path, store = code_in(folder), Cache(folder=folder)
    kept = store.fetch(path.name)
    assert kept is not None
    head = json.dumps([{"name": "launch0"}]).encode()
    lengths = (b"", b"\0" * 8, b"\xff" * 8, (len(head)).to_bytes(8, "little") + head)
    for content in (*lengths, kept[:-100], kept[:200], kept.replace(b"\x7fELF", b"\x7fELG")):
        store.keep(path.name, content)
        found = kept_kernels.fetch(path.name, store)
        assert found is None or kept_kernels.load(found) is None
        path.unlink()


def test_a_kernel_whose_symbols_are_nowhere_is_a_miss(folder):
    doubled(100)
    path, store = code_in(folder), Cache(folder=folder)
    kept = store.fetch(path.name)
    assert kept is not None
    for known, foreign in (
        (b"PyLong_AsLongLong", b"PyLong_AsLongLonk"),
        (b"autopar_flags_feclear", b"autopar_flags_fxclear"),
        (b"autopar_flags_feclear", b"autopar_strip_feclear"),
    ):
        assert known in kept
        path.unlink()
        store.keep(path.name, kept.replace(known, foreign))
        assert (3.0, False) == doubled(100)


def test_a_full_disk_costs_the_entry_and_nothing_else(folder, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", full)
        assert (3.0, False) == doubled(100)
    assert [] == [*folder.glob("*.code"), *folder.glob("*.json")]
    assert (3.0, False) == doubled(100)
    assert (3.0, True) == doubled(100)


def test_a_disk_that_fills_up_in_the_middle_leaves_no_part_behind(folder, monkeypatch):
    class Full:
        def __init__(self, file):
            self._file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self._file.close()

        def write(self, content):
            self._file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        opened = os.fdopen
        patch.setattr(
            os,
            "fdopen",
            lambda descriptor, mode: (
                Full(opened(descriptor, mode)) if "w" in mode else opened(descriptor, mode)
            ),
        )
        assert (3.0, False) == doubled(100)
    assert [] == [each for each in folder.iterdir() if each.is_file()]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(folder, monkeypatch):
    doubled(100)

    def refused(*_arguments, **_options):
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    assert (3.0, True) == doubled(100)


def test_what_another_version_left_is_not_taken(folder, monkeypatch):
    doubled(100)
    monkeypatch.setattr(prepare, "name_of", lambda *_given, **_named: "autopar_kernels_other")
    assert (3.0, False) == doubled(100)
    assert 2 == len(list(folder.glob("*.code")))


def test_nothing_is_kept_where_the_cache_is_off(folder):
    @autopar.parallel(backend="cpu", cache=False)
    def double(a):
        for i in range(len(a)):
            a[i] = a[i] * 2.0

    a = np.ones(100)
    double(a)
    assert 2.0 == a[-1]
    assert not folder.exists()
    assert NO_CACHE.folder is None


def test_symbols_of_what_is_no_object():
    for content in (b"", b"\x7fELF", b"\x7fELF\x02\x01" + b"\0" * 58, b"MZ" * 100):
        try:
            assert frozenset() == undefined_symbols(content)
        except ValueError:
            pass
