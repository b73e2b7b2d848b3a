"""Loop nests over lists: read and written by index, appended to, comprehensions.

Any array of a program may come as a list, or as a list of lists, of Python's numbers or of NumPy's;
what is stored in it may be of another type than what was there. What is appended, in one place or in
several, under conditions or not, must come in the interpreter's order.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from tests.draft import MATRICES, VECTORS, Body, Draft, indented
from tests.families import elementwise, guarded, imperfect, one_element, recurrence, stencil
from tests.program import DTYPES, ArraySpec, Choices, Program

_INNER = re.compile(r"\bj\b")
_TUPLE = re.compile(r"\b([uvw])\[([^\[\],]+), ([^\[\],]+)\]")


def draw_list_nest(choices: Choices) -> Program:
    """Return a program of one nest, or one comprehension, most of whose arrays are lists."""
    family = choices.one_of(_MAPS + _CHAINS)
    dtypes: tuple[str, ...] = ("float64", "float64", "int64", *DTYPES)
    if family in _CHAINS:  # products of Python's integers would grow without end
        dtypes = ("float64", "float64", "float32")
    draft = Draft(choices=choices, dtype=choices.one_of(dtypes), start=choices.one_of((0, 3, 4)))
    lines = [_TUPLE.sub(r"\1[\2][\3]", line) for line in family(draft)]
    if draft.chance(5):  # a loop further in by the same name
        lines = [_INNER.sub("i", line) for line in lines]
    used = {node.id for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Name)}
    arrays = tuple(
        _spec(choices, name, draft.dtype, may_mix=family in _MAPS)
        for name in (*VECTORS, *MATRICES)
        if name in used
    )
    numbers = tuple(name for name in ("n", "m", "k") if name in used)
    outs = [name for name in ("out", "other") if name in used]
    before = [f"{name} = {draft.one_of('[]', '[]', '[None, 1]')}" for name in outs]
    after = [f"return {', '.join(outs)}"] if outs else []
    parameters = ", ".join([*(array.name for array in arrays), *numbers])
    return Program(
        source="\n".join([f"def kernel({parameters}):", *indented([*before, *lines, *after]), ""]),
        family=f"{family.__name__} of lists",
        arrays=arrays,
        numbers=numbers,
        is_roomy=choices.integer(1, 12) < 12,
    )


def _spec(choices: Choices, name: str, dtype: str, *, may_mix: bool) -> ArraySpec:
    if may_mix and choices.integer(1, 5) == 5:
        dtype = choices.one_of(("float64", "int64", "float32", "bool"))
    kind = choices.one_of(("python", "python", "python", "numpy", ""))
    spec = ArraySpec(name=name, rank=1 if name in VECTORS else 2, dtype=dtype)
    return replace(spec, listed=kind)


def appended(draft: Draft) -> Body:
    """for i: for j: if ...: out.append(...)"""

    def body() -> Body:
        lines = _site(draft, "out")
        if draft.chance(6):
            variable = draft.variables[-1]
            lines = [f"{variable} = {variable} + {draft.one_of('1', 'm', variable)}", *lines]
        if draft.chance(3):
            lines += _site(draft, draft.one_of("out", "other"))
        if draft.chance(3):
            value = _value(draft)
            return [f"p = {value}", f"if p == {draft.read('a')}:", *indented(lines)]
        if draft.chance(3):
            lines = [f"if {draft.condition()}:", *indented(lines)]
            if draft.chance(2):
                lines += ["else:", *indented(_site(draft, "out"))]
        return lines

    if draft.chance(2):
        return draft.loop(lambda: draft.loop(body))
    return draft.loop(body)


def comprehension(draft: Draft) -> Body:
    """out = [... for i in range(n) if ...], rows of it, or over the elements of a list."""

    def loops() -> str:
        header = draft.loop(lambda: ["pass"])[0].removesuffix(":")
        draft.variables.append("ijtl"[len(draft.variables)])
        test = f" if {draft.condition()}" if draft.chance(3) else ""
        return header + test

    if draft.chance(4):
        found = draft.one_of("x * 2 for x in b", "(x, x) for x in b", "x for x in b if x")
        return [f"out = {draft.one_of('[%s]', 'sum(%s)', 'list(%s)') % found}"]
    outer = loops()
    if draft.chance(3):
        inner = loops()
        row = f"[{_value(draft)} {inner}]"
        draft.variables.clear()
        return [f"out = [{row} {outer}]"]
    if draft.chance(3):
        outer += f" {loops()}"
    found = f"{_element(draft)} {outer}"
    draft.variables.clear()
    return [f"out = {draft.one_of('[%s]', '[%s]', 'sorted([%s])', 'tuple(%s)') % found}"]


def _site(draft: Draft, name: str) -> Body:
    return [f"{name}.append({_element(draft)})"]


def _element(draft: Draft) -> str:
    value = _value(draft)
    if draft.chance(4):
        other = draft.variables[-1]
        return draft.one_of(f"({other}, {value})", f"[{value}, {other} * 2]", f"({value},)")
    return value


def _value(draft: Draft) -> str:
    return draft.one_of(
        draft.value(draft.read("a")),
        draft.value(draft.read("a"), draft.read("a")),
        draft.value(draft.read("a"), draft.variables[-1]) if draft.dtype != "bool" else "n > 3",
        f"{draft.read('a')} / {draft.read('a')}" if draft.dtype != "bool" else "m / 2",
    )


_MAPS = (appended, appended, comprehension, comprehension, elementwise, guarded, stencil)
_CHAINS = (imperfect, one_element, recurrence)
