"""What is forced on the decorated function while a drawn program runs: a mode -> a decorator, and patches.

| mode | what is forced |
| --- | --- |
| plain | nothing |
| threads | every launch goes to three threads, however short |
| hostile | every parallel loop runs one iteration at a time, reversed, shuffled or interleaved |
| rests | the interpreter makes the first turns of loops that may be left, a kernel the rest of them |
| stretches | loops run up to their next print however few turns that is, and never stop asking |
| odd | nothing, but every call has an odd array |

Beside this, kernels may be read instead of compiled (`tests.codegen.typed_plain`): launches are then of one or of some
iterations, in the order of the loop or, for hostile and threads, in another.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from tests.adversary import ORDERS
from tests.launchers import AdversarialLauncher, SerialLauncher

MODES = ("plain", "threads", "hostile", "rests", "stretches", "odd")


def drawn_mode(generator: random.Random, wanted: str, backend: str) -> str:
    """Return the mode of one program: the wanted one, or one of those that a backend has."""
    if wanted != "any":
        return wanted
    if backend != "cpu":
        return generator.choice(("plain", "odd"))
    return generator.choice(("plain", *MODES))


_in_force = ["plain"]


def backend_in_force(backend: str) -> str:
    """Return the backend that functions are decorated for, where `backend` is wanted."""
    return "auto" if _in_force[-1] == "rests" else backend


@contextlib.contextmanager
def forced(mode: str, generator: random.Random, *, reads: bool = False) -> Iterator[None]:
    """Have a mode in force for as long as the context lasts; autopar is imported here and not before.

    With `reads` no kernel is compiled that can be read.
    """
    with contextlib.ExitStack() as stack:
        _in_force.append(mode)
        stack.callback(_in_force.pop)
        patches = _PATCHES.get(mode, _nothing)
        for each in patches(generator) if mode not in _SHARED or not reads else ():
            stack.enter_context(each)
        for each in _read(mode, generator) if reads else ():
            stack.enter_context(each)
        yield


_SHARED = frozenset({"threads", "hostile"})


def _read(mode: str, generator: random.Random) -> Iterator[Any]:
    from autopar import forms, machine
    from autopar.codegen.prepare import prepared_module as compiled
    from tests.codegen.typed_plain import Unreadable, load_typed

    def prepared_module(source: str, program: Any, *, cache: Any) -> Any:
        try:
            return load_typed(source)
        except Unreadable:
            return compiled(source, program, cache=cache)

    launcher: Any = SerialLauncher()
    if mode in _SHARED:
        order = ORDERS[generator.choice(sorted(ORDERS))]
        launcher = AdversarialLauncher(order, (1,) if mode == "hostile" else (3, 1, 2))
    yield patch.object(forms, "prepared_module", prepared_module)
    yield patch.object(machine.MACHINE, "launcher", lambda *_: launcher)
    yield patch.object(machine.MACHINE, "pool", lambda *_: launcher)


def _nothing(_: random.Random) -> Iterator[Any]:
    return iter(())


def _threads(_: random.Random) -> Iterator[Any]:
    from autopar import machine
    from autopar.codegen.forced import Together

    pool = Together(3)
    yield patch.object(machine.MACHINE, "launcher", lambda *_: pool)
    yield patch.object(machine.MACHINE, "pool", lambda *_: pool)


def _hostile(generator: random.Random) -> Iterator[Any]:
    from autopar import machine

    launcher = AdversarialLauncher(ORDERS[generator.choice(sorted(ORDERS))])
    yield patch.object(machine.MACHINE, "launcher", lambda *_: launcher)


def _rests(generator: random.Random) -> Iterator[Any]:
    """Yield what lets a compiler wait for the second question of a run, and a quarter of its turns."""
    from autopar.codegen.rates import CURRENT, DEFAULTS
    from autopar.dispatch import Region
    from autopar.patience import Patience

    asked = itertools.count(generator.choice((0, 0, 0, 1)))
    part = generator.choice((2, 4, 8, 16))
    rates = replace(DEFAULTS, compile=0.0, analysis=0.0, enter=1.0)
    yield patch.object(CURRENT, "rates", rates)
    yield patch.object(Patience, "may_compile", lambda self, found: next(asked) > 0)
    yield patch.object(
        Region, "_price_ns", lambda self, key, values, found: found.interpreter_ns / part
    )


def _stretches(_: random.Random) -> Iterator[Any]:
    from autopar import stretching
    from autopar.analysis.passes import stretches

    yield patch.object(stretches, "_LEAST_PERIOD", 1)
    yield patch.object(stretching, "_SLEPT", 0)


_PATCHES: dict[str, Callable[[random.Random], Iterator[Any]]] = {
    "threads": _threads,
    "hostile": _hostile,
    "rests": _rests,
    "stretches": _stretches,
}
