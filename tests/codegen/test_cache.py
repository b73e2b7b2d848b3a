"""Generated modules on disk: found again, repaired, and never in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from autopar.codegen.cache import NO_CACHE, Cache, user_cache
from autopar.codegen.compile import load_module

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """\
from numba import njit


@njit(nogil=True, error_model="numpy", cache=True)
def double(x):
    return 2 * x


def fail():
    raise ValueError("here")
"""


def unique(text: str) -> str:
    """Return SOURCE as no other test has it: modules are remembered by their code."""
    return f"TEXT = '{text} {os.getpid()}'\n{SOURCE}"


def test_module_runs_and_lies_in_the_folder(tmp_path):
    module = load_module(unique("runs"), cache=Cache(folder=tmp_path))
    assert 8 == module.double(4)
    assert Path(str(module.__file__)).parent == tmp_path
    assert Path(str(module.__file__)).read_text() == unique("runs")


def test_same_source_is_the_same_module(tmp_path):
    cache = Cache(folder=tmp_path)
    first = load_module(unique("same"), cache=cache)
    assert first is load_module(unique("same"), cache=cache)


def in_another_process(source: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    code = (
        "import sys; from pathlib import Path\n"
        "from autopar.codegen.cache import Cache; from autopar.codegen.compile import load_module\n"
        f"module = load_module({source!r}, cache=Cache(folder=Path({str(folder)!r})))\n"
        "print(module.double(4), sum(module.double._cache_hits.values()), module.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    assert "" == done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """A folder in which one process has compiled SOURCE, and what it printed."""
    folder = tmp_path_factory.mktemp("cold")
    return folder, in_another_process(SOURCE, folder)


@pytest.fixture
def compiled(cold, tmp_path):
    """A copy of that folder, which is like one in which a process has just ended."""
    folder = tmp_path / "compiled"
    shutil.copytree(cold[0], folder)
    return folder


def test_second_process_finds_the_compiled_code(cold, compiled):
    assert cold[1].startswith("8 0 ")
    assert in_another_process(SOURCE, compiled).startswith("8 1 ")


def test_numbas_own_cache_folder_is_honoured(tmp_path):
    elsewhere = {"NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    assert in_another_process(SOURCE, tmp_path / "ours", elsewhere).startswith("8 0 ")
    assert in_another_process(SOURCE, tmp_path / "ours", elsewhere).startswith("8 1 ")
    assert [] == list((tmp_path / "ours").rglob("*.nbc"))


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04."])
def test_damaged_compiled_code_is_compiled_again(compiled, suffix, content):
    for path in compiled.rglob(f"*.{suffix}"):
        path.write_bytes(content)
    assert in_another_process(SOURCE, compiled).startswith("8 0 ")
    assert in_another_process(SOURCE, compiled).startswith("8 1 ")


@pytest.mark.parametrize("damage", ["", SOURCE[:40], "raise SystemExit('foreign')\n"])
def test_truncated_or_foreign_module_is_replaced(compiled, damage):
    (path,) = compiled.glob("*.py")
    path.write_text(damage)
    assert in_another_process(SOURCE, compiled).startswith("8 1 ")
    assert SOURCE == path.read_text()


def test_memory_is_enough_without_a_folder():
    module = load_module(unique("memory"), cache=NO_CACHE)
    assert 8 == module.double(4)


def test_folder_that_is_a_file_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("")
    module = load_module(unique("file"), cache=Cache(folder=tmp_path / "file"))
    assert 8 == module.double(4)


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_folder_that_others_may_write_is_not_used(tmp_path):
    tmp_path.chmod(0o777)
    module = load_module(unique("world"), cache=Cache(folder=tmp_path))
    assert 8 == module.double(4)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_new_folder_is_private(tmp_path):
    folder = tmp_path / "new" / "cache"
    load_module(unique("private"), cache=Cache(folder=folder))
    assert 0o700 == folder.stat().st_mode & 0o777


@pytest.mark.parametrize("on_disk", [True, False])
def test_traceback_shows_the_generated_line(tmp_path, on_disk):
    cache = Cache(folder=tmp_path) if on_disk else NO_CACHE
    module = load_module(unique("traceback"), cache=cache)
    with pytest.raises(ValueError, match="here") as raised:
        module.fail()
    assert 'raise ValueError("here")' in "".join(traceback.format_exception(raised.value))


def test_storing_again_leaves_the_file_alone(tmp_path):
    cache = Cache(folder=tmp_path)
    path = cache.store("m.py", "x = 1\n")
    assert path is not None
    before = path.stat()
    cache.store("m.py", "x = 1\n")
    assert before.st_mtime_ns == path.stat().st_mtime_ns
    assert before.st_ino == path.stat().st_ino


def test_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert Cache(folder=tmp_path).store("m.py", "x = 1\n") is None
    assert [] == list(tmp_path.iterdir())


def test_named_folder_wins():
    assert Path("/some/where") == user_cache({"AUTOPAR_CACHE_DIR": "/some/where"}).folder


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="another folder there")
def test_default_folder_follows_the_platform(tmp_path):
    assert tmp_path / "autopar" == user_cache({"XDG_CACHE_HOME": str(tmp_path)}).folder
    assert Path.home() / ".cache" / "autopar" == user_cache({"XDG_CACHE_HOME": "relative"}).folder


def test_usage_counts_modules_and_bytes(tmp_path):
    cache = Cache(folder=tmp_path / "cache")
    assert 0 == cache.usage().size_bytes
    cache.store("a.py", "12345")
    cache.store("b.py", "123")
    usage = cache.usage()
    assert (2, 2, 8) == (usage.modules, usage.files, usage.size_bytes)
