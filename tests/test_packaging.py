"""What is handed out: wheel and sdist hold what they should and nothing else."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from autopar.version import VERSION
from tests.test_house import ROOT, package_tree, tracked_files

BUILD = "import setuptools.build_meta as b; b.build_{kind}({folder!r})"
NAME = f"autopar-{VERSION}"


def is_new_enough():
    try:
        return int(metadata.version("setuptools").partition(".")[0]) >= 77
    except metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder with the wheel and the sdist of what git tracks."""
    if not is_new_enough():
        pytest.skip("setuptools is older than the build asks for")
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for path in tracked_files():
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for kind in ("wheel", "sdist"):
        build(kind, source, folder)
    return folder


def build(kind, source, folder):
    command = [sys.executable, "-c", BUILD.format(kind=kind, folder=str(folder))]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def modules():
    """Return every file of the package, as it is named in a wheel."""
    found = {"autopar/py.typed"}
    for name, folder in package_tree().items():
        found |= {f"{name.replace('.', '/')}/{each.name}" for each in (ROOT / folder).glob("*.py")}
    return found


def names_in_wheel(folder):
    with zipfile.ZipFile(folder / f"{NAME}-py3-none-any.whl") as wheel:
        return set(wheel.namelist())


def test_the_wheel_holds_the_package_and_nothing_else(built):
    described = {
        f"{NAME}.dist-info/{each}"
        for each in (
            "METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE",
        )
    }  # fmt: skip
    assert modules() | described == names_in_wheel(built)
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        points = wheel.read(f"{NAME}.dist-info/entry_points.txt").decode()
        about = wheel.read(f"{NAME}.dist-info/METADATA").decode()
    assert "autopar = autopar.cli:main" in points
    assert "\nRequires-Python: >=3.11\n" in about
    assert "\nDescription-Content-Type: text/markdown\n" in about


def test_the_sdist_is_a_part_of_the_checkout_and_builds_the_same_wheel(built, tmp_path):
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        names = {each.name.removeprefix(f"{NAME}/") for each in archive if each.isfile()}
        archive.extractall(tmp_path, filter="data")
    tracked = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    made = {each for each in names if each.startswith("autopar.egg-info/")}
    assert names - made - {"PKG-INFO", "setup.cfg"} <= tracked
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    build("wheel", tmp_path / NAME, tmp_path)
    assert names_in_wheel(built) == names_in_wheel(tmp_path)


def test_an_index_would_take_them(built):
    if importlib.util.find_spec("twine") is None:
        pytest.skip("twine is not installed")
    files = [str(each) for each in sorted(Path(built).iterdir())]
    command = [sys.executable, "-m", "twine", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout
    assert 2 == done.stdout.count("PASSED")
