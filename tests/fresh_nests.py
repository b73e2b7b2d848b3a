"""Time loops over arrays that are made anew in each turn: copies, zeros, results; choices -> `Program`.

Some become what the next turn starts from, some are read afterwards, some are other names of what the caller holds.
Which names mean one object at the end is returned, too.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.draft import Body, Draft, indented
from tests.program import MIXABLE, ArraySpec, Choices, Program

_DTYPES = ("float64", "float64", "float32", "int64", "int32", "complex128")


def draw_fresh_nest(choices: Choices) -> Program:
    """Return a loop over turns with sweeps and new arrays in it."""
    dtype = choices.one_of(_DTYPES)
    draft = Draft(choices=choices, dtype=dtype, start=choices.one_of((1, 1, 2)))
    is_flat = draft.chance(2)
    old, other = ("a", "b") if is_flat else ("u", "v")
    turns = draft.one_of("range(3)", "range(m)", "range(1, 8, 2)", "range(5, 0, -1)", "range(1)")
    lines: Body = []
    for _ in range(choices.integer(1, 2)):
        lines += _renewed(draft, old, other)
    if draft.chance(4):
        lines += _extra(draft, old)
    before = draft.one_of("kept = {0}", "kept = {0}[1:]", "kept = {0}.copy()", "{0} = {0}.copy()")
    first = ["d = None", "s = 0.0", "q = -1"] if not draft.chance(4) else ["s = 0.0", f"d = {old}"]
    header = f"for q in {turns}:"
    if draft.chance(4):
        first, header = [*first, "q = 0"], f"while q < 4 and {old}.flat[3] < 1e6:"
        lines = [*lines, "q += 1"]
    body = [*first, before.format(old), header, *indented(lines)]
    if not any(each.startswith("kept") for each in body):
        body.insert(0, "kept = None")
    ends = f"return {old}, d, s, q, {old} is kept, d is {old}, {old} is {other}"
    names = [old, other, "c"]
    text = "\n".join(indented([*body, ends]))
    source = f"import numpy as np\n\n\ndef kernel({', '.join(names)}, n, m):\n{text}\n"
    rank = 1 if is_flat else 2
    specs = [(old, rank), (other, rank), ("c", 1)]
    arrays = tuple(ArraySpec(name=name, rank=r, dtype=_dtype(choices, dtype)) for name, r in specs)
    return Program(source=source, family="fresh", arrays=arrays, numbers=("n", "m"), is_roomy=True)


def _dtype(choices: Choices, dtype: str) -> str:
    is_other = dtype in MIXABLE and choices.integer(1, 8) == 8
    return choices.one_of(MIXABLE) if is_other else dtype


def _renewed(draft: Draft, old: str, other: str) -> Body:
    """Return one turn: a new array, a sweep from one array into another, perhaps a new binding."""
    copied = draft.one_of(
        "d = {0}.copy()", "d = np.copy({0})", "d = {0} * 1", "d = np.array({0})", "d = {0}[...].copy()",
        "d = {0} + 0", "d = {0}", "d = {1}.copy()",
    ).format(old, other)  # fmt: skip
    made = draft.one_of(
        "d = np.zeros_like({0})", "d = np.zeros({0}.shape)", "d = np.ones_like({0})",
        "d = np.empty_like({0}); d[...] = {0}", "d = np.full_like({0}, 2)",
        "d = np.zeros({0}.shape, {0}.dtype)", "d = {0}.copy()",
    ).format(old)  # fmt: skip
    match draft.choices.integer(1, 5):
        case 1 | 2:  # un = u.copy(); u[i] = f(un)
            lines = [copied, *_sweep(draft, old, "d")]
        case 3:  # d = zeros; d[i] = f(u); u = d
            lines = [*made.split("; "), *_sweep(draft, "d", old), f"{old} = d"]
        case 4:  # d = zeros; d[i] = f(u); u, d = d, u
            lines = [*made.split("; "), *_sweep(draft, "d", old), f"{old}, d = d, {old}"]
        case _:
            lines = [copied, *_sweep(draft, other, "d"), *_sweep(draft, old, other)]
    if draft.chance(5):
        lines.insert(draft.choices.integer(0, 1), _aside(draft, old))
    return lines


def _sweep(draft: Draft, target: str, source: str) -> Body:
    is_flat = target in {"a", "b"} or source in {"a", "b"}
    number = draft.one_of("0.5", "2", "1") if draft.dtype.startswith(("f", "c")) else "2"
    if is_flat:
        offsets = [draft.one_of(" - 1", " + 1", "") for _ in range(2)]
        terms = " + ".join(f"{source}[i{each}]" for each in offsets)
        sweep: Callable[[], Body] = lambda: [f"{target}[i] = {number} * ({terms})"]  # noqa: E731
        return draft.loop(sweep, upper=draft.one_of("n + 1", "len(c) - 1"), plain=True)
    near = draft.one_of("i - 1, j", "i, j - 1", "i + 1, j", "i, j")
    line = f"{target}[i, j] = {number} * {source}[{near}] + {source}[i, j + 1]"
    return draft.loop(
        lambda: draft.loop(lambda: [line], upper="n + 2", plain=True), upper="n + 1", plain=True
    )


def _aside(draft: Draft, old: str) -> str:
    return draft.one_of(
        f"kept = {old}", f"s = s + float({old}.flat[2].real)", "print(q, s)", f"{old}.flat[0] = q",
        "c[1] = c[1] + q", "s = q", f"{old}.flat[q + 900] = 1",
    )  # fmt: skip


def _extra(draft: Draft, old: str) -> Body:
    """Return a way out, or turns that are skipped."""
    test = draft.one_of("q == 2", "q == 1", f"{old}.flat[4].real > 30", "s != 0")
    return [f"if {test}:", f"    {draft.one_of('break', 'continue', 'return s, q', 'print(q)')}"]
