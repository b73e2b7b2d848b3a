"""The look at a program's frames keeps nothing of what its functions had in variables."""

from __future__ import annotations

import _thread
import gc
import weakref

from autopar.sampling import Sampler


class Large:
    """What a function holds."""


def looked_at(sampler: Sampler) -> weakref.ref[Large]:
    held = Large()
    looked: list[bool] = []

    def look() -> None:
        sampler._look(0.01)
        looked.append(True)

    _thread.start_new_thread(look, ())
    while not looked:
        pass  # it is seen at work
    return weakref.ref(held)


def test_what_a_function_held_is_gone_when_it_has_returned() -> None:
    sampler = Sampler({__file__})
    gc.disable()
    try:
        assert looked_at(sampler)() is None
    finally:
        gc.enable()
    assert sampler.seconds
