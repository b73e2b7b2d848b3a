"""Garbage is collected as the program wants it, but for a while."""

from __future__ import annotations

import gc
import os

import pytest

from autopar.uncollected import uncollected


@pytest.fixture(autouse=True)
def as_before():
    was_on = gc.isenabled()
    yield
    (gc.enable if was_on else gc.disable)()


@pytest.mark.parametrize("wanted", [True, False])
def test_collection_is_as_before_after_the_last_one(wanted):
    (gc.enable if wanted else gc.disable)()
    with uncollected():
        with pytest.raises(KeyError), uncollected():
            raise KeyError
        assert not gc.isenabled()
    assert wanted == gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_child_of_a_fork_collects_again():
    gc.enable()
    with uncollected():
        child = os.fork()
        if not child:
            os._exit(7 if gc.isenabled() else 1)
    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert gc.isenabled()


def test_a_fork_inside_ends_well_in_the_child():
    gc.enable()
    with uncollected():
        child = os.fork()
    if not child:
        with uncollected():
            inside = gc.isenabled()
        os._exit(7 if gc.isenabled() and not inside else 1)
    assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_what_the_program_put_aside_stays_there():
    gc.enable()
    gc.freeze()
    try:
        with uncollected():
            pass
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()


def test_garbage_made_meanwhile_is_found_later():
    class Loop:
        found = 0

        def __init__(self):
            self.itself = self

        def __del__(self):
            Loop.found += 1

    gc.enable()
    with uncollected():
        Loop()
    gc.collect()
    assert 1 == Loop.found
