"""Made once, by whichever thread comes first."""

from __future__ import annotations

import threading

from autopar.codegen.once import once


def test_all_threads_get_the_one_thing_that_was_made():
    inside, others = threading.Event(), threading.Event()
    made = []

    @once
    def thing():
        inside.set()
        others.wait(0.2)  # whoever would make another has begun by then
        made.append(object())
        return made[-1]

    found = []
    threads = [threading.Thread(target=lambda: found.append(thing())) for _ in range(5)]
    for each in threads:
        each.start()
    assert inside.wait(60)
    others.set()
    for each in threads:
        each.join()
    assert 1 == len(made)
    assert [made[0]] * 5 == found


def test_what_failed_is_tried_again():
    tries = []

    @once
    def thing():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return "there"

    try:
        thing()
    except OSError:
        pass
    assert "there" == thing() == thing()
    assert 2 == len(tries)


def test_machine_code_of_the_pool_is_made_once():
    from autopar.codegen import headers, native, shortcut_code

    for make in (native.machine, headers._engine, headers._same, shortcut_code.built_in):
        assert hasattr(make, "__wrapped__")
        assert make() is make()
