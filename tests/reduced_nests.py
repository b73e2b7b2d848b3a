"""Loop nests that accumulate: extrema with their places, histograms, sums kept in elements, sums under conditions.

Several of them in one loop, beside stores, scalars of an iteration and row buffers; some are none after all, since
what they accumulate is read meanwhile.
"""

from __future__ import annotations

from tests.draft import Body, Draft, indented
from tests.families import draw_program
from tests.program import Choices, Program


def draw_reduced_nest(choices: Choices) -> Program:
    """Return a program of one or two nests that accumulate."""
    return draw_program(choices, rows=((chosen, counted, kept, conditional, several),))


def chosen(draft: Draft) -> Body:
    """if a[i] > s: s = a[i]; q = i, the first or the last, under other conditions too."""

    def body() -> Body:
        return _choice(draft)

    return _one_or_two(draft, body)


def counted(draft: Draft) -> Body:
    """c[i * i % 7] += 1: a histogram, in one array or two."""
    return _one_or_two(draft, lambda: _count(draft))


def kept(draft: Draft) -> Body:
    """c[3] += a[i], c[j] += u[i, j]: a sum in an element, or in a row of them."""
    return _one_or_two(draft, lambda: _kept(draft))


def conditional(draft: Draft) -> Body:
    """if a[i] > 0: s += a[i]: whether anything is added is seen at the end."""

    def body() -> Body:
        other = draft.read("a")
        test = other if draft.dtype.startswith("complex") else f"{other} > {draft.read('a')}"
        lines = [f"if {draft.one_of(test, test, draft.condition())}:", f"    {_sum(draft)}"]
        return [*lines, *_store(draft)] if draft.chance(3) else lines

    return _one_or_two(draft, body)


def several(draft: Draft) -> Body:
    """Some of these in one loop, with a scalar of each iteration and a buffer beside them."""

    def body() -> Body:
        lines: Body = []
        if draft.chance(2):
            lines.append(f"p = {draft.value(draft.read('a'))}")
        if draft.chance(3):
            lines += ["for l in range(4):", f"    w[2, l] = {draft.value(draft.read('w'))}"]
            lines.append("b[i] = w[2, 1]")
        for _ in range(draft.choices.integer(1, 3)):
            match draft.choices.integer(1, 4):
                case 1:
                    lines += _choice(draft)
                case 2:
                    lines += _count(draft)
                case 3:
                    lines += _kept(draft)
                case _:
                    lines.append(_sum(draft))
        return lines

    return draft.loop(body)


def _one_or_two(draft: Draft, body: object) -> Body:
    assert callable(body)
    if draft.chance(3):
        return draft.loop(lambda: draft.loop(body))
    return draft.loop(body)


def _choice(draft: Draft) -> Body:
    found = draft.read("c")
    sign = draft.one_of(">", ">", "<", ">=", "<=")
    test = draft.one_of(f"{found} {sign} s", f"s {sign} {found}")
    if draft.dtype.startswith("complex"):
        test = f"{found} != s"
    if draft.chance(4):
        test = f"{draft.condition()} and {test}"
    lines = [f"s = {found}"]
    if not draft.chance(4):
        lines.append(f"q = {draft.one_of(*draft.variables, '2 * i + 1', draft.read('c'))}")
    if draft.chance(6):
        lines[0] = f"s = {draft.value(found)}"
    return [f"if {test}:", *indented(lines if draft.chance(2) else lines[::-1])]


def _count(draft: Draft) -> Body:
    last = draft.variables[-1]
    place = draft.one_of(
        f"{last} % 3", f"{last} * {last} % 7", f"{last} // 2", "i + 1", f"i + {last}"
    )
    if draft.chance(4):
        place = f"{place} - 2"
    value = draft.one_of("1", "2", draft.read("c"), "p" if draft.chance(9) else draft.read("c"))
    operator = "|" if draft.dtype == "bool" else draft.one_of("+", "+", "-")
    if draft.dtype == "bool":
        value = draft.read("c")
    line = draft.one_of(
        f"c[{place}] {operator}= {value}", f"c[{place}] = c[{place}] {operator} {value}"
    )
    if not draft.dtype.startswith(("complex", "bool")) and draft.chance(5):
        line = f"c[{place}] = {draft.one_of('max', 'min')}(c[{place}], {draft.read('c')})"
    return [line, "b[i] = c[2]"] if draft.chance(9) else [line]


def _kept(draft: Draft) -> Body:
    last = draft.variables[-1]
    place = draft.one_of("3", "m + 2", "k", last, "i")
    operator = "|" if draft.dtype == "bool" else draft.one_of("+", "+", "-")
    line = f"a[{place}] {operator}= {draft.read('a')}"
    if draft.chance(5) and not draft.dtype.startswith(("complex", "bool")):
        line = f"a[{place}] = {draft.one_of('max', 'min')}(a[{place}], {draft.read('a')})"
    return [line]


def _sum(draft: Draft) -> str:
    operator = "|" if draft.dtype == "bool" else draft.one_of("+", "+", "-", "*")
    return f"s {operator}= {draft.one_of(draft.read('a'), draft.read('a'), '1')}"


def _store(draft: Draft) -> Body:
    return [f"{draft.element()} = {draft.value(draft.read('a'))}"]
