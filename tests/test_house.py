"""The house itself: what is packaged, what an import costs, what must not be in it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import autopar

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("analysis", "autopar", "codegen", "corpus")
WINGS = ("analysis", "codegen", "corpus")
HEAVY = {"numba", "islpy", "rich", "click", "gast", "numpy"}
# Written so that this line is not a find of its own.
HOME = re.compile(rb"[/\\](?:home|Users)[/\\]\w|(?<![\w.])/(?:root)/")


def package_tree() -> dict[str, str]:
    """Return {import name: folder} of every package that lies in the tree."""
    folders = [
        Path(where).relative_to(ROOT)
        for top in FOLDERS
        for where, _, files in os.walk(ROOT / top, followlinks=False)
        if "__init__.py" in files
    ]
    prefixed = [
        folder.parts if folder.parts[0] == "autopar" else ("autopar", *folder.parts)
        for folder in folders
    ]
    return {
        ".".join(parts): folder.as_posix() for parts, folder in zip(prefixed, folders, strict=True)
    }


def setuptools_table() -> dict[str, object]:
    """Return the [tool.setuptools] table of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
        "setuptools"
    ]
    return table


def tracked_files() -> list[Path]:
    """Return the regular files that git tracks; skip the test outside a checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_package_of_the_tree_is_packaged():
    assert sorted(package_tree()) == setuptools_table()["packages"]


def test_every_package_is_mapped_to_its_folder():
    assert package_tree() == setuptools_table()["package-dir"]


@pytest.mark.parametrize("folder", WINGS)
def test_link_leads_to_the_folder_beside(folder):
    link = ROOT / "autopar" / folder
    assert ROOT / folder == link.resolve()
    assert Path("..", folder) == link.readlink()


def bare_imports(path: Path) -> list[str]:
    """Return the wings that the module at `path` imports without `autopar.` before them."""
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named = [
        node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level
    ]
    return [name for name in (*plain, *named) if name.partition(".")[0] in WINGS]


def test_bare_import_is_found(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        "import corpus\nfrom .codegen import a\nfrom analysis.model import b\nimport autopar.analysis"
    )
    assert bare_imports(module) == ["corpus", "analysis.model"]


def test_no_module_imports_a_wing_by_its_bare_name():
    # It would load a second copy of every class beside the one of autopar.analysis.
    modules = [path for top in FOLDERS for path in (ROOT / top).rglob("*.py")]
    assert {} == {str(path): bare for path in modules if (bare := bare_imports(path))}


def test_import_autopar_loads_nothing_heavy():
    code = "import sys, autopar; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "autopar" in done.stdout.split()
    assert set() == HEAVY.intersection(done.stdout.split())


def test_public_names_are_few_and_all_listed():
    assert len(autopar.__all__) <= 10
    assert sorted(autopar.__all__) == dir(autopar)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'autopar' has no attribute 'paralel'"):
        _ = autopar.paralel


def test_no_tracked_file_names_a_home_directory():
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if HOME.search(path.read_bytes())
    ]
    assert [] == found
