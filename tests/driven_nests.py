"""Outermost loops that may be left early, around sweeps and reductions or alone: `while`, `break`, `else`, `return`.

A program counts its turns, so that each of them ends.
"""

from __future__ import annotations

from tests.draft import Body, Draft, indented
from tests.families import draw_program, elementwise, stencil
from tests.program import Choices, Program


def draw_driven_nest(choices: Choices) -> Program:
    """Return a program of one or two such loops that returns all scalars it has."""
    return draw_program(
        choices, rows=((driven, driven, told, told, searched, searched_in_rows),), is_lasting=True
    )


def driven(draft: Draft) -> Body:
    """while q < 5 and s < 20: sweeps, reductions, scalars; q += 1."""
    lines: Body = []
    for _ in range(draft.choices.integer(1, 3)):
        kinds = (elementwise, stencil, _extreme, _scalar, _copied, _told, _exchanged)
        part = draft.choices.one_of(kinds)(draft)
        lines += [f"if {_test(draft)}:", *indented(part)] if draft.chance(5) else part
    return _around(draft, lines)


def told(draft: Draft) -> Body:
    """for l in range(turns): sweeps; now and then something that no kernel does; more of them."""
    kinds = (elementwise, stencil, _copied, _extreme)
    lines: Body = [*draft.choices.one_of(kinds)(draft)]
    for _ in range(draft.choices.integer(0, 2)):
        lines += draft.choices.one_of((*kinds, _scalar, _exchanged))(draft)
    place = draft.choices.integer(0, len(lines))
    while place < len(lines) and lines[place].startswith(" "):
        place += 1  # behind the loop
    said = _said(draft)
    match draft.choices.integer(1, 4):
        case 1:
            said = [f"if {_test(draft)}:", *indented(_said(draft)), "else:", *indented(said)]
        case 2:
            inner = [f"if {_test(draft)}:", *indented(_said(draft)), "s = s + 1"]
            said = [f"if q != 2 and {_test(draft)}:", *indented([*said, *inner])]
        case _:
            test = draft.one_of("q % 3 == 1", "q % 4 == 2", "q == 2", _test(draft))
            jump = draft.choices.one_of(([], [], ["break"], ["continue"], ["return s"]))
            said = [f"if {test}:", *indented([*said, *jump])]
    turns = draft.choices.integer(0, 9)
    lines = [*lines[:place], *said, *lines[place:]]
    if draft.chance(3):
        return [f"while q < {turns} and {_test(draft)}:", *indented(["q += 1", *lines])]
    over = draft.one_of(f"range({turns})", f"range(3, {turns} * 2, 2)", f"range({turns}, 0, -1)")
    return [f"for q in {over}:", *indented(lines)]


def _said(draft: Draft) -> Body:
    return [
        draft.one_of(
            "print(q, s)",
            "print(a[2], end=' ')",
            "t = str(s)",
            "b = b.copy(); print(sum(b.tolist()))",
            "a[0] = float(str(q))",
            "print(*map(str, c[:3]))",
            "a, c = c, a; print(q)",
            "p = b[3]; print(p, q)",
            "raise RuntimeError(str(s))",
        )
    ]


def searched(draft: Draft) -> Body:
    """for i: if a[i] > b[i]: break, with stores before or after the test."""

    def body() -> Body:
        store = [f"{draft.element()} = {draft.value(draft.read('a'))}"]
        leave = [f"if {_test(draft)}:", *indented(_left(draft, "i"))]
        lines = [*store, *leave] if draft.chance(2) else [*leave, *store]
        return [f"p = {draft.read('a')}", *lines] if draft.chance(3) else lines

    lines = draft.loop(body)
    return [*lines, "else:", "    q = -3"] if draft.chance(4) else lines


def searched_in_rows(draft: Draft) -> Body:
    """for i: for j: if a[i] > b[j]: return i, with stores around."""

    def inner() -> Body:
        leave = [f"if {_test(draft)}:", *indented(_left(draft, draft.variables[-1]))]
        store = [f"{draft.element()} = {draft.value(draft.read('a'))}"]
        return [*store, *leave] if draft.chance(2) else leave

    def body() -> Body:
        lines = draft.loop(inner)
        return [*lines, f"s = s + {draft.read('b')}"] if draft.chance(2) else lines

    return draft.loop(body)


def _around(draft: Draft, lines: Body) -> Body:
    """Return a loop that may be left around `lines`."""
    turns = draft.choices.integer(0, 6)
    leave = [f"if {_test(draft)}:", *indented(_left(draft, "q"))]
    if draft.chance(3):
        lines = [*leave, *lines] if draft.chance(2) else [*lines, *leave]
    match draft.choices.integer(1, 3):
        case 1:
            order = draft.one_of("q < {0} and {1}", "{1} and q < {0}")
            header = f"while {order.format(turns, _test(draft))}:"
            lines = ["q = 0", header, *indented([*lines, "q += 1"])]
        case 2:
            lines = ["q = 0", f"for l in range({turns}):", *indented([*lines, *leave])]
        case _:
            end = [f"if q >= {turns}:", "    break"]
            lines = ["q = 0", "while True:", *indented(["q = q + 1", *end, *lines])]
    if draft.chance(4):
        lines += ["else:", *indented(elementwise(draft) if draft.chance(2) else ["q = 7"])]
    return lines


def _left(draft: Draft, name: str) -> Body:
    match draft.choices.integer(1, 4):
        case 1:
            return ["break"]
        case 2:
            return [f"s = {draft.one_of('1', '2.5')}", "break"]
        case 3:
            return [f"return {name}"]
        case _:
            return [f"return {draft.one_of('3', 'a[0]', 's', 'None')}"]


def _extreme(draft: Draft) -> Body:
    if draft.dtype == "bool" or draft.dtype.startswith("complex"):
        return draft.loop(lambda: [f"s = s + {draft.read('a')}"])
    name = draft.one_of("max", "min")
    lines = draft.loop(lambda: [f"s = {name}(s, {draft.value(draft.read('a'))})"])
    return ["s = 0.0", *lines] if draft.chance(2) else lines


def _copied(draft: Draft) -> Body:
    return draft.loop(lambda: [f"a[i] = {draft.read('a')}"])


def _told(draft: Draft) -> Body:
    """What a driver says of its turns, at times."""
    lines = [
        draft.one_of(
            "print(q, s)",
            "print(a[2], end=' ')",
            "t = str(s)",
            "b = b.copy(); print(sum(b.tolist()))",
            "a[0] = float(str(p))",
            "print(*map(str, c[:3]))",
        )
    ]
    if draft.chance(4):
        return lines
    test = draft.one_of("q % 3 == 1", "q == 2", _test(draft))
    return [f"if {test}:", *indented(lines)]


def _exchanged(draft: Draft) -> Body:
    exchange = ("a, b = b, a", "b, c = c, b", "a, b, c = c, a, b")
    return [draft.one_of(*exchange, "a = b.copy()", "c = b.copy()", "b = c")]


def _scalar(draft: Draft) -> Body:
    return [draft.one_of("s = s + 0.5", "p = b[3]", "s += b[4]", "b[2] = s", "p = 2 * q")]


def _test(draft: Draft) -> str:
    if draft.dtype.startswith("complex"):
        return draft.one_of("a[3] != b[2]", "q != 2", "b[1] == c[1]")
    return draft.one_of(
        "a[3] > b[2]",
        "s < 20",
        "s > 0.01",
        "abs(s - p) > 0.5",
        "a[1] > 3",
        "b[4] < c[2]",
        "q != 2",
        "c[0] > 5",
    )
