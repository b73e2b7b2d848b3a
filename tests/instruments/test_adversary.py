"""The adversarial executor finds false claims and accepts true ones."""

from __future__ import annotations

import numpy as np
import pytest

from tests.adversary import ORDERS, Claim, first_difference

LOOP = Claim(line=2, column=4)


def loop(*body: str, parameters: str = "a, b, n") -> str:
    lines = [
        f"def f({parameters}):",
        "    for i in range(n):",
        *(f"        {line}" for line in body),
    ]
    return "\n".join(lines) + "\n"


def arrays(n: int = 6) -> list[object]:
    return [np.arange(n) * 1.5, np.arange(n) + 10.25, n]


def test_an_elementwise_loop_gives_the_same_in_every_order() -> None:
    assert first_difference(loop("a[i] = b[i] * 2"), arrays(), LOOP) is None


@pytest.mark.parametrize(
    "body",
    [
        "a[i] = a[i - 1] + 1",  # flow
        "a[i - 1] = a[i] + 1",  # anti
        "a[0] = b[i]",  # output
        "a[i // 2] = b[i]",  # output, neighbours only
        "a[n - 1 - i] = a[i] + 1",  # across the middle
    ],
)
def test_a_carried_conflict_shows_in_the_first_order(body: str) -> None:
    assert first_difference(loop(body), arrays(), LOOP) == "reversed"


def test_a_conflict_that_reversal_hides_shows_in_another_order() -> None:
    # cell 0 is given the same by the first and the last iteration, another value by those between
    source = loop("a[0] = b[i * (n - 1 - i)]")
    assert first_difference(source, [np.zeros(40), np.arange(40.0), 6], LOOP) == "interleaved"


def test_a_temporary_must_be_claimed_private_only_if_it_is_written_first() -> None:
    written_first = loop("t = b[i]", "a[i] = t")
    private = Claim(line=2, column=4, private=("t",))
    assert first_difference(written_first, arrays(), private) is None
    read_first = (
        "def f(a, b, n):\n    t = 0.0\n    for i in range(n):\n        a[i] = t\n        t = b[i]\n"
    )
    claim = Claim(line=3, column=4, private=("t",))
    assert first_difference(read_first, arrays(), claim) == "reversed"


def test_a_private_scalar_keeps_the_value_of_the_last_iteration() -> None:
    source = loop("t = b[i]", "a[i] = t") + "    return t, i\n"
    private = Claim(line=2, column=4, private=("t",))
    assert first_difference(source, arrays(), private) is None
    assert first_difference(source, arrays(), LOOP) == "reversed"


def test_a_private_scalar_written_at_times_keeps_its_last_write() -> None:
    source = loop("if b[i] < 13: t = b[i]") + "    return t\n"
    private = Claim(line=2, column=4, private=("t",))
    assert first_difference(source, arrays(), private) is None


def test_a_private_scalar_of_an_empty_loop_keeps_its_value() -> None:
    source = "def f(n):\n    t = 7\n    for i in range(n):\n        t = i\n    return t\n"
    assert first_difference(source, [0], Claim(line=3, column=4, private=("t",))) is None


def test_a_private_array_starts_as_rubbish_and_ends_as_the_loop_leaves_it() -> None:
    good = loop("b[0] = a[i]", "a[i] = b[0] + 1")
    private = Claim(line=2, column=4, private=("b",))
    assert first_difference(good, arrays(), private) is None
    assert first_difference(good, arrays(), LOOP) == "reversed"
    bad = loop("a[i] = b[0]", "b[0] = i")
    assert first_difference(bad, arrays(), private) == "reversed"


def test_integer_sums_survive_any_order_and_float_sums_do_not() -> None:
    source = loop("s += a[i]", parameters="a, s, n") + "    return s\n"
    assert first_difference(source, [np.arange(9), 0, 9], LOOP) is None
    floats = np.array([1e16, 1.0, -1e16, 1.0, 3.0])
    assert first_difference(source, [floats, 0.0, 5], LOOP) is not None


def test_shift_is_accepted_only_for_offsets_that_carry_nothing() -> None:
    source = loop("a[i + k] = a[i]", parameters="a, k, n")
    results = [first_difference(source, [np.arange(20.0), k, 6], LOOP) for k in (0, 2, 6)]
    assert [None, "reversed", None] == results


def test_an_inner_loop_claim_covers_every_iteration_of_the_outer() -> None:
    source = (
        "def f(a, n):\n    for i in range(1, n):\n        for j in range(1, n):\n"
        "            a[i, j] = a[i - 1, j] + 1\n    return i, j\n"
    )
    a = np.arange(25.0).reshape(5, 5)
    assert first_difference(source, [a, 5], Claim(line=3, column=8)) is None
    assert first_difference(source, [a, 5], LOOP) == "reversed"


def test_overlapping_arguments_stay_overlapping() -> None:
    base = np.arange(9.0)
    source = loop("a[i] = b[i]")
    assert first_difference(source, [base[1:], base, 8], LOOP) == "reversed"
    assert first_difference(source, [base[::2], base[1::2], 4], LOOP) is None


def test_continue_and_else_are_kept() -> None:
    source = (
        loop("if i == 2:", "    continue", "t = i", "a[i] = t")
        + "    else:\n        a[2] = i\n    return t\n"
    )
    assert first_difference(source, arrays(), Claim(line=2, column=4, private=("t",))) is None


def test_a_loop_that_ends_early_is_no_claim() -> None:
    with pytest.raises(ValueError, match="order"):
        first_difference(loop("if b[i] > 12: break"), arrays(), LOOP)
    with pytest.raises(ValueError, match="no loop"):
        first_difference(loop("a[i] = 0"), arrays(), Claim(line=1, column=0))


def test_a_nested_loop_may_end_early() -> None:
    source = loop("for j in range(n):", "    if j > i: break", "    a[i] = a[i] + b[j]")
    assert first_difference(source, arrays(), LOOP) is None


def test_every_order_runs_every_iteration_once() -> None:
    for order in ORDERS.values():
        assert list(range(7)) == sorted(order(7))
