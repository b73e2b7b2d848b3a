"""Packages that are loaded when they are first wanted, and what they say of themselves then."""

from __future__ import annotations

import sys
import warnings

import pytest

from autopar.analysis.model.later import Later


@pytest.fixture
def package(tmp_path, monkeypatch):
    name = "package_that_warns_when_it_is_loaded"
    text = "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=1)\nvalue = 7\n"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_nothing_is_loaded_before_it_is_wanted(package):
    later = Later(package)
    assert package not in sys.modules
    assert 7 == later.value
    assert package in sys.modules


def test_what_a_package_warns_of_itself_is_not_for_our_users(package):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert 7 == Later(package).value
    assert [] == heard


def test_user_who_makes_warnings_errors_is_not_given_those_of_our_packages(package):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 7 == Later(package).value
