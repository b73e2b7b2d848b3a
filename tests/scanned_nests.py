"""Loop nests that use what they accumulate on the way: running sums and extrema, prefix sums, elements put one after the other;
and nests that overwrite what they have read.

Some do a little more, or less, than that: a counter that stands still, an element that is read again, a sum of sums.
"""

from __future__ import annotations

from tests.draft import Body, Draft, indented
from tests.families import draw_program
from tests.program import Choices, Program


def draw_scanned_nest(choices: Choices) -> Program:
    """Return a program of one or two nests that use what they accumulate on the way."""
    return draw_program(
        choices, rows=((running, prefix, placed, mixed, overwriting),), is_lasting=True
    )


def running(draft: Draft) -> Body:
    """s += a[i]; b[i] = s: before or after, under a condition, in the inner of two loops."""

    def body() -> Body:
        return _ordered(draft, _growing(draft, "s"), _used(draft, "s"))

    if draft.chance(4):
        return draft.loop(lambda: draft.loop(body))
    return [*_start(draft), *draft.loop(body)]


def prefix(draft: Draft) -> Body:
    """a[i] = a[i - 1] + b[i], and the like of one step back, or of more."""

    def body() -> Body:
        name = draft.variables[-1]
        before = f"a[{name} {draft.one_of('- 1', '- 1', '- 1', '+ 1', '- 2')}]"
        term = draft.read("a")
        line = f"a[{name}] = {_grown(draft, before, term)}"
        if draft.chance(6):
            line = f"a[{name}] = {draft.value(before, term)}"
        lines = [f"if {draft.condition()}:", f"    {line}"] if draft.chance(6) else [line]
        return [*lines, f"c[{name}] = a[{name}]"] if draft.chance(4) else lines

    return draft.loop(body)


def placed(draft: Draft) -> Body:
    """if a[i] > c[i]: b[q] = a[i]; q += 1."""

    def body() -> Body:
        return _placing(draft, "b", "q")

    start = draft.one_of("0", "0", "0", "3", "-2", "k")
    return [f"q = {start}", *draft.loop(body)]


def overwriting(draft: Draft) -> Body:
    """a[i] = a[i + 1] + b[i]: what is read is overwritten later, or has been in some."""

    def body() -> Body:
        ahead = [draft.element(f" + {draft.choices.integer(1, 5)}") for _ in range(2)]
        if len(draft.variables) > 1 and draft.chance(2):
            ahead = [draft.element(f" + {draft.choices.integer(1, 3)}", along=0) for _ in range(2)]
        target = draft.element()
        value = draft.value(ahead[0], draft.one_of(ahead[1], draft.read(target[0]), target))
        lines = [f"{target} = {value}"]
        if draft.chance(3):
            lines = [f"p = {value}", f"{target} = p"]
        if draft.chance(4):
            lines = [f"if {draft.condition()}:", *indented(lines)]
        if draft.chance(4):
            lines += [f"c[{draft.variables[-1]}] = {draft.one_of(target, ahead[0])}"]
        return lines

    if draft.chance(3):
        return draft.loop(lambda: draft.loop(body, plain=True), plain=True)
    return draft.loop(body)


def mixed(draft: Draft) -> Body:
    """Several of these in one loop, or one that uses another."""

    def body() -> Body:
        lines = _ordered(draft, _growing(draft, "s"), _used(draft, "s"))
        if draft.chance(2):
            lines += _placing(draft, "c", "q")
        elif draft.chance(2):
            lines += _growing(draft, "p", draft.one_of("s", draft.read("a"), draft.read("a")))
            lines += _used(draft, "p")
        return lines

    return [*_start(draft), "p = 0", "q = 0", *draft.loop(body)]


def _start(draft: Draft) -> Body:
    if draft.chance(2):
        return [f"s = {draft.one_of('a[3]', '2**62', '-1.5', 'True')}"]
    return []


def _growing(draft: Draft, name: str, term: str = "") -> Body:
    term = term or draft.read("a")
    line = f"{name} = {_grown(draft, name, term)}"
    if draft.chance(3):
        line = f"{name} += {draft.one_of(term, '1', '2')}"
    test = draft.condition()
    if draft.chance(2) and not draft.dtype.startswith("complex"):
        test = f"{draft.read('a')} > {draft.read('c')}"
    return [f"if {test}:", f"    {line}"] if draft.chance(3) else [line]


def _grown(draft: Draft, old: str, term: str) -> str:
    if draft.dtype == "bool":
        return draft.one_of(f"{old} | {term}", f"{old} & {term}", f"{old} ^ {term}")
    if draft.dtype.startswith("complex"):
        return f"{old} + {term}"
    return draft.one_of(
        f"{old} + {term}", f"{old} + {term}", f"{term} + {old}", f"{old} - {term}",
        f"{old} * {term}", f"max({old}, {term})", f"min({old}, {term})", f"max({term}, {old})",
        f"np.maximum({old}, {term})",
    )  # fmt: skip


def _used(draft: Draft, name: str) -> Body:
    last = draft.variables[-1]
    if draft.chance(4):
        return [f"b[{last}] = {draft.value(draft.read('b'), name)}"]
    return [f"b[{last}] = {name}"]


def _ordered(draft: Draft, first: Body, second: Body) -> Body:
    return [*second, *first] if draft.chance(3) else [*first, *second]


def _placing(draft: Draft, array: str, counter: str) -> Body:
    store = [f"{array}[{counter}] = {draft.read(array)}"]
    if draft.chance(6):
        store.append(f"{array}[{counter}] = {draft.read(array)}")
    step = [f"{counter} {draft.one_of('+= 1', '+= 1', '+= 1', '+= 2', '-= 1')}"]
    body = _ordered(draft, store, step)
    if draft.chance(8):
        body = store
    test = draft.condition()
    if not draft.dtype.startswith("complex"):
        test = draft.one_of(test, *[f"{draft.read(array)} > {draft.read(array)}"] * 3)
    found = [f"if {test}:", *indented(body)]
    if draft.chance(8):
        found = [f"if {test}:", *indented(store), *step]
    elif draft.chance(8):
        found += ["else:", *indented(draft.one_of(store[0], step[0]).split("\n"))]
    return found
