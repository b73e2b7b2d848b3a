"""What is found below the paths of a study: files, folders, patterns, archives."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from autopar.corpus.manifest import NothingFoundError, Reader, find_items


def keys(*paths):
    return [item.key for item in find_items([str(path) for path in paths])]


@pytest.fixture
def folder(tmp_path):
    for name in ("b/two.ipynb", "a/one.py", "a/.ipynb_checkpoints/one.py", "notes.txt", "C.IPYNB"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "corpus"


def test_folder_gives_notebooks_and_scripts_sorted_by_relative_path(folder):
    assert ["C.IPYNB", "a/one.py", "b/two.ipynb"] == keys(folder)


def test_file_and_pattern(folder):
    assert ["one.py"] == keys(folder / "a/one.py")
    assert ["one.py", "two.ipynb"] == keys(folder / "*/*")[:2] or ["one.py"] == keys(
        folder / "a/*.py"
    )


def test_a_path_given_twice_counts_once(folder):
    assert ["a/one.py", "b/two.ipynb"] == keys(folder, folder)[1:]


def test_same_name_from_two_folders_is_told_apart(folder, tmp_path):
    other = tmp_path / "other" / "a"
    other.mkdir(parents=True)
    (other / "one.py").write_text("other")
    found = find_items([str(folder), str(tmp_path / "other")])
    assert ["a/one.py", "a/one.py#2"] == [item.key for item in found][1:3]
    assert [b"a/one.py", b"other"] == [Reader().read(item) for item in found[1:3]]


def test_missing_path_is_an_error_that_names_it(tmp_path):
    with pytest.raises(NothingFoundError, match="nowhere"):
        find_items([str(tmp_path / "nowhere")])


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_members_of_an_archive_are_read_from_it(tmp_path, suffix):
    path = tmp_path / f"pack{suffix}"
    contents = {"r/x.ipynb": b"x", "r/y.py": b"y", "r/readme.md": b"", "__MACOSX/r/x.ipynb": b""}
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    else:
        compression = {".tar": "w", ".tar.gz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}
        with tarfile.open(path, compression[suffix]) as tar:  # type: ignore[call-overload]
            for name, content in contents.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    items = find_items([str(path)])
    assert [f"pack{suffix}/r/x.ipynb", f"pack{suffix}/r/y.py"] == [item.key for item in items]
    reader = Reader()
    assert [b"x", b"y"] == [reader.read(item) for item in items]


def test_broken_archive_is_one_item_that_cannot_be_read(tmp_path):
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK\x03\x04 nothing more")
    (item,) = find_items([str(path)])
    with pytest.raises(OSError, match=r"broken\.zip"):
        Reader().read(item)


def test_repository_is_the_first_folder(folder):
    assert ["", "a", "b"] == [item.repository for item in find_items([str(folder)])]
