"""Loop nests that decide by data: nested `if`s, `elif`, `continue`, conditional expressions.

Stores, scalars that are assigned on some ways only, and inner loops stand under the conditions; tests read
elements and scalars, mixed with affine parts by `and` and `or`. The arrays hold zeros, and whatever else
`ArraySpec` puts there.
"""

from __future__ import annotations

from tests.draft import Body, Draft, indented
from tests.families import draw_program
from tests.program import Choices, Program


def draw_decided_nest(choices: Choices) -> Program:
    """Return a program of one or two nests with conditions on data."""
    return draw_program(choices, rows=((decided, searched),))


def decided(draft: Draft) -> Body:
    """Statements under conditions, in one or two loops."""

    def body() -> Body:
        # Mostly bound before it is read, so that a kernel may run.
        first = [] if draft.chance(4) else [f"p = {draft.value(draft.read('a'))}"]
        return [*first, *_block(draft, 3)]

    if draft.chance(3):
        return draft.loop(lambda: [*_store(draft), *draft.loop(body)])
    return draft.loop(body)


def searched(draft: Draft) -> Body:
    """The largest, the last that fits, how many fit."""

    def body() -> Body:
        found = draft.read("a")
        test = f"{found} > s" if not draft.dtype.startswith("complex") else f"{found} != s"
        lines = [f"if {test}:", f"    s = {found}"]
        if draft.chance(2):
            lines.append("    q = i")
        if draft.chance(3):
            lines = [f"s = {found} if {test} else s"]
        return [*lines, *_store(draft)] if draft.chance(2) else lines

    return draft.loop(body)


def _block(draft: Draft, depth: int) -> Body:
    lines: Body = []
    for _ in range(draft.choices.integer(1, 2)):
        lines += _statement(draft, depth)
    return lines


def _statement(draft: Draft, depth: int) -> Body:
    kind = draft.choices.integer(1, 9) if depth else draft.choices.integer(1, 4)
    match kind:
        case 1 | 2:
            return _store(draft)
        case 3:
            return [f"{draft.one_of('p', 'p', 'p', 'q')} = {draft.value(draft.read('a'))}"]
        case 4:
            return [f"{draft.element()} = {draft.value('p', draft.read('a'))}"]
        case 5:
            side = draft.one_of("0", draft.read("a"), draft.element())
            return [f"{_target(draft)} = {draft.read('a')} if {_test(draft)} else {side}"]
        case 6 if len(draft.variables) == 1 and depth > 1:
            inner = draft.loop(lambda: _block(draft, 1))
            return [f"if {_test(draft)}:", *indented(inner)]
        case 7:
            lines = [f"if {_test(draft)}:", *indented([*_block(draft, 0), "continue"])]
            return [*lines, *_block(draft, depth - 1)]
        case 8 if draft.chance(3):
            name = draft.variables[-1]
            fails = draft.one_of(f"raise ValueError({name})", "assert q > 3", "raise KeyError")
            return [f"if {_test(draft)} and {_test(draft)}:", *indented([fails])]
    lines = [f"if {_test(draft)}:", *indented(_block(draft, depth - 1))]
    if draft.chance(3):
        lines += [f"elif {_test(draft)}:", *indented(_block(draft, depth - 1))]
    if draft.chance(2):
        lines += ["else:", *indented(_block(draft, depth - 1))]
    return lines


def _store(draft: Draft) -> Body:
    return [f"{_target(draft)} = {draft.value(draft.read('a'))}"]


def _target(draft: Draft) -> str:
    return draft.cell("u") if len(draft.variables) > 1 and draft.chance(2) else draft.element()


def _test(draft: Draft) -> str:
    first, second = draft.read("a"), draft.read("a")
    if draft.dtype.startswith("complex"):
        return draft.one_of(first, f"not {first}", f"{first} != {second}", f"{first} and {second}")
    plain = draft.one_of(
        f"{first} > {second}",
        f"{first} > 0",
        first,
        f"not {first}",
        f"0 < {first} <= {second}",
        f"p < {first}",
        f"{draft.element()} == {first}",
    )
    return draft.one_of(
        plain,
        plain,
        f"{plain} and {draft.condition()}",
        f"{draft.condition()} and {plain}",
        f"{draft.condition()} or {plain}",
        f"{plain} or {second} and {draft.condition()}",
        f"not ({plain} or {draft.condition()})",
        f"{second} != 0 and 1 / {second} < {first}",
    )
