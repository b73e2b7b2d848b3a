"""Arrays stay on the device between the regions of a call, and nobody can tell.

Run by tests/gpu on a device and by test_device_programs.py in the simulator, like
device_programs.py.
"""

from __future__ import annotations

import contextlib
import gc
import math
from typing import Any

import numpy as np
import pytest

import autopar
from autopar.codegen import cudalib, residence
from autopar.spare import Spare
from tests.sameness import freeze

SIZE = 6


def taken(function: Any) -> Any:
    return autopar.parallel(function, backend="cuda", cache=False)


def floats(count: int = SIZE) -> Any:
    return (np.arange(count) * 7919 % 1009 - 300) / 128.0


def moved() -> tuple[int, int]:
    """Bytes that this thread has copied to the device and from it."""
    here = residence.here()
    return here.copied_in, here.copied_out


# --------------------------------------------------------------------------- what is copied


def stepped(u: Any, v: Any, steps: int) -> Any:
    err = 1.0
    turns = 0
    while err > 1e-9 and turns < steps:
        for i in range(1, len(u) - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        err = 0.0
        for i in range(1, len(u) - 1):
            err = max(err, abs(v[i] - u[i]))
        u, v = v, u
        turns += 1
    return u, turns


def watched(u: Any, v: Any, steps: int) -> Any:
    seen = []
    for t in range(steps):
        for i in range(1, len(u) - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        if t == 2:
            seen.append(v[1])
        u, v = v, u
    return seen


def fused(s: Any, x: Any) -> Any:
    d = s / x
    e = d * 2.0 - s
    k = np.sum(e)
    return d * e, k


@pytest.mark.parametrize(
    ("function", "arguments", "arrays_in", "arrays_out"),
    [
        # The host needs nothing of what the loops compute but a number.
        (stepped, lambda: (floats(), floats(), 5), 2, 2),
        # It looks once: what is newer goes there, and comes back.
        (watched, lambda: (floats(), floats(), 5), 2 + 2, 2 + 2),
        # New arrays are not copied there; the sum is NumPy's, on the host.
        (fused, lambda: (floats() + 9, floats() + 11), 2, None),
    ],
)
def test_arrays_are_copied_when_somebody_asks(function, arguments, arrays_in, arrays_out):
    decorated = taken(function)
    wanted, found = arguments(), arguments()
    before = moved()
    assert freeze(function(*wanted)) == freeze(decorated(*found))
    assert freeze(wanted) == freeze(found)
    size = floats().nbytes
    copied = [(now - then) // size for now, then in zip(moved(), before, strict=True)]
    assert arrays_in == copied[0]
    assert arrays_out in {None, copied[1]}
    assert residence.here().is_empty


def divided_up(x: Any, y: Any, z: Any) -> Any:
    for i in range(len(y)):
        y[i] = 6.0 / float(x[i])
    turns = 1
    turns += 1
    for i in range(len(z)):
        z[i] = y[i] * turns
    return y, z


@pytest.mark.parametrize("failing", [False, True])
def test_what_a_run_overwrites_is_not_copied_there(failing):
    decorated = taken(divided_up)
    x = floats() + 11
    decorated(x, floats(), floats())  # kernels that have run before
    x[3] = 0.0 if failing else x[3]
    outcomes = []
    before = moved()
    for form in (decorated, divided_up):
        y, z = floats(), floats()
        try:
            result = form(x, y, z)
        except ZeroDivisionError as error:
            result = str(error)
        outcomes.append((freeze(result), freeze(y), freeze(z)))
    assert outcomes[0] == outcomes[1]
    copied = [(now - then) // x.nbytes for now, then in zip(moved(), before, strict=True)]
    assert copied[0] == 1
    assert failing or copied[1] == 2
    assert residence.here().is_empty


PARTS = {
    "real": (lambda: floats() + 5j, lambda base: base.real),
    "half": (floats, lambda base: base.view(np.float32)[::2]),
    "byte": (lambda: np.arange(SIZE, dtype=np.int16) + 700, lambda base: base.view(np.int8)[1::2]),
    "whole": (floats, lambda base: base[...]),
}


def doubled_places(y: Any, z: Any) -> None:
    for i in range(len(y)):
        y[i] = i * 2
    for i in range(len(z)):
        z[i] = z[i] + 1.0


@pytest.mark.parametrize("part", PARTS)
def test_what_lies_beside_overwritten_elements_stays(part):
    make, part_of = PARTS[part]
    decorated = taken(doubled_places)
    for _ in range(2):
        expected, actual = make(), make()
        doubled_places(part_of(expected), floats())
        decorated(part_of(actual), floats())
        assert freeze(expected) == freeze(actual)


def test_the_report_tells_what_was_copied_and_how_many_threads_ran():
    decorated = taken(divided_up)
    x, y, z = floats() + 11, floats(), floats()
    decorated(x, y, z)
    spells = decorated.last_run.to_dict()["time"]["spells"]
    found = [each["device"] for each in spells if "device" in each]
    assert [x.nbytes, 0] == [each["copied_in"] for each in found]  # the rest lies there
    assert [1, 1] == [len(each["launches"]) for each in found]
    for each in found:
        (launch,) = each["launches"]
        assert launch["blocks"] * launch["threads"] >= len(x)
    assert "threads" in str(decorated.last_run)


def many(a: Any) -> Any:
    for t in range(6):
        b = a * 2.0
        a = b + float(t)
        hash(t)  # of which autopar knows nothing
    return a


def test_arrays_that_nobody_holds_are_gone_from_the_device(monkeypatch):
    most = []
    ended = residence.Lodging.end

    def counted(lodging, *, is_failed):
        gc.collect()
        most.append(len(residence.here()._held))
        ended(lodging, is_failed=is_failed)

    monkeypatch.setattr(residence.Lodging, "end", counted)
    assert freeze(many(floats())) == freeze(taken(many)(floats()))
    assert max(most) <= 4


# --------------------------------------------------------------------- who may look at them


@contextlib.contextmanager
def telling(x: Any, seen: list[Any]) -> Any:
    seen.append(float(x[1]))
    yield
    seen.append(float(x[1]))


def turns(x: Any, seen: list[Any]) -> Any:
    for k in range(3):
        seen.append(float(x[1]))
        yield k
        x[1] += 0.5


def in_a_with(a, b, seen):
    with telling(a, seen):
        for i in range(len(a)):
            a[i] = a[i] + b[i]


def left_by_an_exception(a, b, seen):
    try:
        with telling(a, seen):
            for i in range(len(a)):
                a[i] = a[i] + b[i]
            turns = 1 // (len(seen) - 1)
    except ZeroDivisionError:
        seen.append(float(a[2]))
    finally:
        seen.append(float(a[3]))


def between_turns(a, b, seen):
    for k in turns(a, seen):
        for i in range(len(a)):
            a[i] = a[i] + b[i]
        if k == 1:
            k += 1
            continue
        for i in range(len(a)):
            b[i] = a[i] * 0.5


def asked_by_a_test(a, b, seen):
    level, count = a[1:2].reshape(()), 0
    while level < 3.0 and count < 5:
        for i in range(len(a)):
            a[i] = a[i] + 0.75
        count += 1
    if level > 2.0:
        seen.append(count)


def in_a_plain_name(a, b, seen):
    level = a[2:3].reshape(())
    for i in range(len(a)):
        a[i] = b[i] + 0.75
    higher = level + 1.0
    seen.append(float(higher))


def taken_apart(a, b, seen):
    both = a[:2]
    for i in range(len(a)):
        a[i] = b[i] + 0.75
    first, second = both
    seen.append((first, second))


def by_another_name(a, b, seen):
    same = np.frombuffer(memoryview(a).cast("B"))
    for i in range(len(a)):
        a[i] = b[i] + 0.75
    for i in range(len(a)):
        b[i] = same[i] * 2.0


def kept_in_a_list(a, b, seen):
    for i in range(len(a)):
        a[i] = b[i] + 0.75
    seen.append(a)
    for i in range(len(a)):
        a[i] = a[i] * 2.0


def of_a_helper(a, b, seen):
    def inner():
        return float(a[1])

    for i in range(len(a)):
        a[i] = b[i] + 0.75
    seen.append(inner())
    for i in range(len(b)):
        b[i] = a[i] * 2.0


def fails_later(a, b, seen):
    for i in range(len(a)):
        a[i] = abs(a[i]) + 1.0
    count = 3
    for i in range(len(a)):
        a[i] = math.sqrt(a[i]) - 2.0
    count += 1
    for i in range(len(a)):  # of a negative number
        b[i] = math.sqrt(a[i])


def left_early(a, b, seen):
    for k in range(5):
        for i in range(len(a)):
            a[i] = a[i] + b[i]
        if k == 2:
            return a[1]
    return None


def suspended(a, b, seen):
    def parts():
        for i in range(len(a)):
            a[i] = a[i] + b[i]
        yield 1
        for i in range(len(a)):
            b[i] = a[i] * 2.0
        yield 2

    for each in parts():
        seen.append((each, float(a[1]), float(b[1])))


def stored_by_a_run(a, b, seen):
    for k in range(2):
        part = a[:]
        for i in range(len(part)):
            part[i] = b[i] + 0.75
        part[0] += part.sum()
        for i in range(1, len(a)):
            a[i] = 0.0
        seen.append(float(a[0]))


LOOKING = [
    in_a_with, left_by_an_exception, between_turns, asked_by_a_test, in_a_plain_name, taken_apart,
    by_another_name, kept_in_a_list, of_a_helper, fails_later, left_early, suspended,
    stored_by_a_run,
]  # fmt: skip
VIEWS = {
    "apart": lambda: (floats(), floats()[::-1].copy()),
    "of one base": lambda: np.split(floats(2 * SIZE), 2),
}


@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("function", LOOKING, ids=[each.__name__ for each in LOOKING])
def test_nobody_sees_an_array_that_is_old(function, views):
    outcomes = []
    for form in (function, taken(function)):
        a, b = VIEWS[views]()
        seen: list[Any] = []
        try:
            result = form(a, b, seen)
        except ValueError as error:
            result = str(error)
        outcomes.append((freeze(result), freeze(seen), freeze(a), freeze(b)))
    assert outcomes[0] == outcomes[1]
    assert residence.here().is_empty


# ------------------------------------------------------------------------- when it goes wrong


def doubled_twice(a, b):
    for i in range(len(a)):
        a[i] = a[i] * 2.0
    turns = 1
    turns += 1
    for t in range(2):
        for i in range(1, len(a)):
            a[i] = a[i] + b[i]
        for i in range(1, len(a)):
            b[i] = a[i] - 1.0


def refusing(monkeypatch, number):
    """Let the launch of this number end for want of memory."""
    launch, launched = cudalib.launch, []

    def limited(kernel, *others):
        launched.append(kernel)
        if len(launched) == number:
            raise MemoryError("out of memory")
        launch(kernel, *others)

    monkeypatch.setattr(cudalib, "launch", limited)
    return launched


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_first_run_of_kernels_may_fail_anywhere(monkeypatch, number):
    wanted, found = VIEWS["apart"](), VIEWS["apart"]()
    doubled_twice(*wanted)
    launched = refusing(monkeypatch, number)
    decorated = taken(doubled_twice)
    decorated(*found)
    assert len(launched) >= number
    assert freeze(wanted) == freeze(found)
    # The CPU runs what the device has no memory for, the device all else.
    loops = decorated.last_run.to_dict()["functions"][0]["loops"]
    ran = [each["ran"]["backend"] for each in loops if each.get("ran")]
    assert {"cpu", "cuda"} == set(ran)
    assert "memory" in str(decorated.last_run)  # lines may be broken


def test_what_lies_there_has_no_kernel_of_the_cpu(monkeypatch):
    decorated = taken(doubled_twice)
    a, b = VIEWS["apart"]()
    monkeypatch.setattr(Spare, "instead", lambda *_: None)
    refusing(monkeypatch, 1)
    wanted = a.copy(), b.copy()
    doubled_twice(*wanted)
    decorated(a, b)
    assert freeze(wanted) == freeze((a, b))


def test_what_nobody_can_make_good_is_an_error(monkeypatch):
    decorated = taken(doubled_twice)
    decorated(*VIEWS["apart"]())
    refusing(monkeypatch, 3)
    with pytest.raises(autopar.BackendError, match="in the middle"):
        decorated(*VIEWS["apart"]())
    assert residence.here().is_empty
