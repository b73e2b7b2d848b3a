"""Kernels that some process has kept are loaded as soon as that is repaid, not compiled for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import autopar
from autopar import forms, resting
from autopar.codegen.rates import CURRENT, DEFAULTS
from autopar.dispatch import Region
from autopar.prepare import with_runs

SLOW = replace(DEFAULTS, compile=1e15, load_kernel=1e6)


@pytest.fixture(autouse=True)
def _compiling_takes_for_ever(monkeypatch, tmp_path):
    monkeypatch.setattr(CURRENT, "rates", SLOW)
    monkeypatch.setenv("AUTOPAR_CACHE_DIR", str(tmp_path))


@pytest.fixture
def looks(monkeypatch):
    """List the names that are looked for on disk."""
    names = []
    is_kept = forms.is_kept

    def counted(name):
        names.append(name)
        return is_kept(name)

    monkeypatch.setattr(forms, "is_kept", counted)
    return names


def halved(x, out, n):
    for i in range(n):
        out[i] = 0.5 * x[i]


def appended(x, n):
    found = []
    for i in range(n):
        found.append(0.5 * x[i])
    return found


def arguments(n=30_000, dtype="f8"):
    return np.arange(n).astype(dtype), np.zeros(n, dtype), n


def backend(decorated) -> str:
    (loop,) = with_runs(decorated._prepare(), decorated._last).loops
    assert loop.ran is not None
    return loop.ran.backend


def called(*values, function=halved) -> str:
    """Where a first call runs."""
    decorated = autopar.parallel(function)
    decorated(*values)
    return backend(decorated)


def test_what_is_kept_is_loaded_at_the_first_call_that_repays_it() -> None:
    assert "interpreter" == called(*arguments())
    autopar.parallel(halved, backend="cpu")(*arguments(50))
    assert "cpu" == called(*arguments())
    assert "interpreter" == called(*arguments(50))
    assert "interpreter" == called(*arguments(dtype="f4"))


def test_short_calls_add_up_to_it() -> None:
    autopar.parallel(halved, backend="cpu")(*arguments(50))
    decorated, ours = autopar.parallel(halved), arguments(200)
    for _ in range(100):
        decorated(*ours)
    assert "cpu" == backend(decorated)


def test_calls_that_rest_add_up_to_it(monkeypatch) -> None:
    monkeypatch.setattr(resting, "FEWEST_USES", 1)
    autopar.parallel(halved, backend="cpu")(*arguments(50))
    decorated, ours = autopar.parallel(halved), arguments(10)
    backends = []
    for _ in range(2000):
        decorated(*ours)
        backends.append(backend(decorated))
    assert {"cpu", "interpreter"} == set(backends)
    assert "cpu" == backends[-1]


def test_what_is_not_kept_is_looked_for_once(looks) -> None:
    decorated = autopar.parallel(halved)
    for _ in range(4):
        decorated(*arguments())
    assert 1 == len(looks)
    decorated(*arguments(dtype="f4"))
    assert 2 == len(looks)


def test_nothing_is_looked_for_where_the_user_wants_no_cache(looks) -> None:
    decorated = autopar.parallel(halved, cache=False)
    decorated(*arguments())
    assert "interpreter" == backend(decorated)
    assert not any(looks)


def test_regions_with_lists_are_loaded_too() -> None:
    x = np.arange(30_000.0)
    assert "interpreter" == called(x, 30_000, function=appended)
    autopar.parallel(appended, backend="cpu")(x[:50], 50)
    assert "cpu" == called(x, 30_000, function=appended)


def test_an_entry_that_cannot_be_read_is_compiled(monkeypatch) -> None:
    autopar.parallel(halved, backend="cpu")(*arguments(50))
    monkeypatch.setattr(forms, "fetch", lambda _: None)
    decorated, ours = autopar.parallel(halved), arguments()
    decorated(*ours)
    assert "cpu" == backend(decorated)
    assert (0.5 * ours[0] == ours[1]).all()


def test_each_region_looks_for_itself() -> None:
    decorated = autopar.parallel(halved)
    decorated(*arguments())
    (region,) = decorated._prepare().regions
    assert isinstance(region, Region)
    assert 1 == len(region.kernels.absent)
