"""Loop nests of which more is read afterwards than arrays: last values under conditions, flags, loop variables.

Some names are bound before the nest, some are not; a loop may never run, a condition never hold. Loop variables are
used again by another loop, read after their own, or changed in its body.
"""

from __future__ import annotations

from tests.draft import Body, Draft, indented
from tests.families import draw_program
from tests.program import Choices, Program


def draw_lasting_nest(choices: Choices) -> Program:
    """Return a program of one or two nests that returns all scalars it has."""
    return draw_program(
        choices, rows=((last_writer, extreme, row_wise, counted, counting),), is_lasting=True
    )


def last_writer(draft: Draft) -> Body:
    """if a[i] > b[i]: q = i; p = a[i]: what the last iteration left that left anything."""

    def body() -> Body:
        lines: Body = []
        for _ in range(draft.choices.integer(1, 2)):
            chosen = [f"q = {draft.one_of(*draft.variables, '2 * i + 1', 'True')}"]
            if not draft.chance(3):
                chosen.append(f"p = {draft.value(draft.read('a'))}")
            if draft.chance(5):
                chosen.append(f"{draft.element()} = p")
            if draft.chance(4):
                value = draft.value(draft.read("a"))
                lines.append(f"p = {value} if {_test(draft)} else p")
            lines += [f"if {_test(draft)}:", *indented(chosen)]
            if draft.chance(4):
                lines += ["else:", f"    p = {draft.value(draft.read('a'))}"]
        return [*lines, *_store(draft)] if draft.chance(2) else lines

    if draft.chance(3):
        return draft.loop(lambda: [*_store(draft), *draft.loop(body)])
    return draft.loop(body)


def counted(draft: Draft) -> Body:
    """for i: for j: ...; for j: ...; a[i] = j: what loops count with is a variable like any other."""

    def inner() -> Body:
        return [f"u[i, j] = {draft.value(draft.read('u'))}"]

    def summed() -> Body:
        return (
            [f"a[i] += {draft.read('a')}"]
            if draft.dtype != "bool"
            else [f"a[i] |= {draft.read('a')}"]
        )

    def body() -> Body:
        lines = draft.loop(inner)
        if draft.chance(2):
            lines = [f"if {_test(draft)}:", *indented(lines)]
        if draft.chance(2):
            lines += draft.loop(summed)
        if draft.chance(4):
            lines.append(f"c[i] = {draft.value(draft.read('c'))} if j > 3 else {draft.read('c')}")
        if draft.chance(8):
            lines += ["i = 2 * i + 1", "b[i] = c[2]"]
        return lines

    return draft.loop(body)


def extreme(draft: Draft) -> Body:
    """s = max(s, a[i]): one of the two as it is, a Python number or a NumPy scalar."""

    def body() -> Body:
        lines = [_update(draft)]
        if draft.chance(3):
            lines = [f"if {_test(draft)}:", *indented(lines)]
        return [*lines, *_store(draft)] if draft.chance(3) else lines

    if draft.chance(3):
        return draft.loop(lambda: draft.loop(body))
    return draft.loop(body)


def row_wise(draft: Draft) -> Body:
    """for i: p = 0.0; for j: p += u[i, j]; a[i] = p: where no j is, p stays a Python number."""

    def inner() -> Body:
        line = _update(draft).replace("s", "p") if draft.chance(2) else f"p = p + {draft.read('u')}"
        return [f"if {_test(draft)}:", f"    {line}"] if draft.chance(2) else [line]

    def body() -> Body:
        start = "p = False" if draft.dtype == "bool" else f"p = {draft.one_of('0.0', '0', '1.5')}"
        return [start, *draft.loop(inner), f"a[i] = {draft.value('p')}"]

    return draft.loop(body)


def counting(draft: Draft) -> Body:
    """c[q] = a[i]; q += 1, in one or two loops, set anew or not, at times under a condition."""
    array = draft.one_of("c", "c", "a")

    def body() -> Body:
        lines: Body = []
        for _ in range(draft.choices.integer(1, 2)):
            place = draft.one_of("q", "q", "q", "q + 1", "2 * q", "q - 1")
            lines.append(f"{array}[{place}] = {draft.value(draft.read(array))}")
            lines.append(
                draft.one_of("q += 1", "q += 1", "q = q + 1", "q += 2", "q -= 1", "q = 2 + q")
            )
        if draft.chance(5):
            lines = [f"if {_test(draft)}:", *indented(lines)]
        if draft.chance(5):
            lines.append("b[i] = q")
        return lines

    def outer() -> Body:
        first = draft.one_of("q = 3 * i", "q = i + 2", "q += 1", "b[i] = 1", "b[i] = 1")
        lines = [first, *draft.loop(body)]
        return [*lines, f"{array}[q] = b[i]"] if draft.chance(3) else lines

    return ["q = 4", *(draft.loop(outer) if draft.chance(2) else draft.loop(body))]


def _update(draft: Draft) -> str:
    if draft.dtype in {"bool", "complex128"}:
        return f"s = s + {draft.read('a')}"
    name, value = draft.one_of("max", "max", "min"), draft.value(draft.read("a"))
    pair = f"s, {value}" if not draft.chance(3) else f"{value}, s"
    return f"s = {name}({pair})"


def _test(draft: Draft) -> str:
    first, second = draft.read("a"), draft.read("a")
    if draft.dtype.startswith("complex"):
        return draft.one_of(f"{first} != {second}", first, draft.condition())
    return draft.one_of(
        f"{first} > {second}", f"{first} > 20", f"{first} < 0", f"{draft.element()} > {second}",
        draft.condition(), f"{first} > {second} and {draft.condition()}",
    )  # fmt: skip


def _store(draft: Draft) -> Body:
    return [f"{draft.element()} = {draft.value(draft.read('a'))}"]
