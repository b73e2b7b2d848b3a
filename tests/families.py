"""Families of loop nests with a known tendency: choices -> `Program`.

Each family is parallel, conditional, sequential or a reduction by construction in most draws; the exact verdict
of a draw is the oracle's to find. Written without knowledge of how the analysis works.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from tests.draft import MATRICES, VECTORS, Body, Draft, indented
from tests.program import DTYPES, MIXABLE, ArraySpec, Choices, Program


def one_or_two_loops(draft: Draft, body: Callable[[], Body], *, plain: bool = False) -> Body:
    """Return a nest of one or two loops around what `body` writes."""
    if draft.chance(2):
        return draft.loop(lambda: draft.loop(body, plain=plain), plain=plain)
    return draft.loop(body, plain=plain)


# ---------------------------------------------------------------- parallel


def elementwise(draft: Draft) -> Body:
    """a[f(i)] = b[i] + ..., also in two dimensions, at times through a temporary or in place."""

    def body() -> Body:
        array = "u" if len(draft.variables) > 1 else "a"
        target = draft.cell(array)
        first = target if draft.chance(3) else draft.read(array)
        value = draft.value(first, draft.read(array))
        if draft.chance(3):
            return [f"p = {value}", f"{target} = {draft.value('p', 'p')}"]
        return [f"{target} = {value}"]

    return one_or_two_loops(draft, body)


def guarded(draft: Draft) -> Body:
    """if i < j: u[i, j] = ... else: ..."""

    def body() -> Body:
        array = "u" if len(draft.variables) > 1 else "a"
        lines = [
            f"if {draft.condition()}:",
            f"    {draft.element()} = {draft.value(draft.read(array))}",
        ]
        if draft.chance(2):
            lines += ["else:", f"    {draft.element()} = {draft.value(draft.read(array))}"]
        return lines

    return one_or_two_loops(draft, body)


def stencil(draft: Draft) -> Body:
    """v[i, j] = u[i - 1, j] + u[i, j + 1]: from one array into another."""

    def body() -> Body:
        target = "v[i, j]" if len(draft.variables) > 1 else "b[i]"
        terms = [draft.element(" - 1"), draft.element(" + 1"), draft.element(" + 1", along=0)]
        return [f"{target} = {draft.value(*terms[: draft.choices.integer(2, 3)])}"]

    return one_or_two_loops(draft, body)


def interleaved(draft: Draft) -> Body:
    """a[2 * i] = a[2 * i + 1]: even elements from odd ones; or the upper half from the lower."""

    def body() -> Body:
        if draft.chance(2):
            return [f"a[i + n + 5] = {draft.value('a[i]', draft.read('a'))}"]
        return [f"a[2 * i + 4] = {draft.value('a[2 * i + 1]', draft.read('a'))}"]

    return draft.loop(body)


def imperfect(draft: Draft) -> Body:
    """A statement, an inner loop that uses it, a statement after: all in one outer iteration's own cells."""

    def inner() -> Body:
        return [f"u[i, j] = {draft.value('a[i]', draft.read('u'))}"]

    def outer() -> Body:
        lines = [f"a[i] = {draft.value(draft.read('a'))}", *draft.loop(inner)]
        return [*lines, f"c[i] = {draft.value('a[i]', 'b[i]')}"] if draft.chance(2) else lines

    return draft.loop(outer)


# ---------------------------------------------------------------- conditional


def shifted(draft: Draft) -> Body:
    """a[i + k] = a[i], forwards or backwards, in one of two dimensions."""
    parameter = draft.one_of("k", "k", "m", "2 * k", "k - m")
    along = draft.choices.integer(-2, -1)

    def body() -> Body:
        along_here = along if len(draft.variables) > 1 else -1
        near, far = draft.element(), draft.element(f" + {parameter}", along=along_here)
        target, source = (far, near) if draft.chance(2) else (near, far)
        array = target[0]
        terms = [source, draft.read(array)] if draft.chance(3) else [source]
        return [f"{target} = {draft.value(*terms)}"]

    return one_or_two_loops(draft, body)


def scaled(draft: Draft) -> Body:
    """a[k * i] = b[i]: every element alone unless k is zero."""
    return draft.loop(lambda: [f"a[k * i + 3] = {draft.value(draft.read('a'))}"])


def one_element(draft: Draft) -> Body:
    """a[i] = a[k]: the element that all read may be one of those written."""
    return draft.loop(lambda: [f"a[i] = {draft.value('a[k + 2]', draft.read('a'))}"])


def mirrored(draft: Draft) -> Body:
    """a[i] = a[k - i]: reflected at k."""
    reflected = draft.one_of("a[2 * k - i]", "a[k + 4 - i]", "a[m + k - i]")
    return draft.loop(lambda: [f"a[i] = {draft.value(reflected)}"])


def switched(draft: Draft) -> Body:
    """if k > 2: a recurrence, else: none."""

    def body() -> Body:
        test = draft.one_of("k > 2", "k == 0", "m < n", "i >= k + 3", "i + 1 < k", "i == k")
        line = draft.one_of("a[i] = a[i - 1]", "a[2] = b[i]", "a[i - 1] = a[i]")
        lines = [f"if {test}:", f"    {line}"]
        return [*lines, "else:", "    a[i] = b[i]"] if draft.chance(3) else lines

    return draft.loop(body)


def shifted_matrix(draft: Draft) -> Body:
    """u[i + k, j + m] = u[i, j]: the offset has two parts."""

    def body() -> Body:
        first, last = draft.one_of(" + k", " + m", " + k - m"), draft.one_of(" + m", " + k", "")
        return [f"u[i{first}, j{last}] = {draft.value('u[i, j]')}"]

    return draft.loop(lambda: draft.loop(body))


# ---------------------------------------------------------------- sequential


def recurrence(draft: Draft) -> Body:
    """a[i] = a[i - 1] + ...; in two dimensions along one of them or both."""

    def body() -> Body:
        target = draft.element()
        steps = [draft.element(" - 1"), draft.element(" - 1", along=0), draft.element(" + 1")]
        terms = steps[: draft.choices.integer(1, 3)]
        return [f"{target} = {draft.value(*terms)}"]

    return one_or_two_loops(draft, body, plain=True)


def carried_scalar(draft: Draft) -> Body:
    """The value of the iteration before, a running sum, an update that cannot be reordered."""

    def body() -> Body:
        read = draft.read("a")
        pair = draft.choices.one_of(
            [
                (f"{draft.element()} = s", f"s = {read}"),
                (f"s = s + {read}", f"{draft.element()} = s"),
                (f"s = {read} - s" if draft.dtype != "bool" else f"s = s > {read}", "q = s"),
            ]
        )
        return list(pair)

    return one_or_two_loops(draft, body)


def overwritten(draft: Draft) -> Body:
    """a[2] = b[i], a[i // 2] = b[i]: several iterations write one element."""
    target = draft.one_of("a[2]", "a[i // 2]", "a[m]", "a[i % 2]")
    return draft.loop(lambda: [f"{target} = {draft.value(draft.read('a'))}"])


def collapsed(draft: Draft) -> Body:
    """a[i + j] = u[i, j]: outer iterations write each other's elements."""
    target = draft.one_of("a[i + j]", "a[j]", "a[n + 9 + i - j]")
    body = [f"{target} = {draft.value('u[i, j]')}"]
    return draft.loop(lambda: draft.loop(lambda: body, plain=True), plain=True)


def time_steps(draft: Draft) -> Body:
    """for t: for i: sweeps over one array; the outer loop carries, the inner may."""

    def sweep() -> Body:
        name = draft.variables[-1]
        source = draft.one_of(f"a[{name}]", f"a[{name} - 1]", f"a[{name} + 1]")
        return [f"a[{name}] = {draft.value(source, draft.read('a'))}"]

    return draft.loop(lambda: draft.loop(sweep), upper=f"{draft.start} + 3", plain=True)


def triangular_solve(draft: Draft) -> Body:
    """for i: for j in range(i): a[i] = a[i] - u[i, j] * a[j]."""
    operator = "-" if draft.dtype not in {"bool", "uint8"} else "|"
    if draft.dtype.startswith(("float", "complex")):
        operator = draft.one_of("-", "+")
    operator = "+" if draft.dtype == "uint8" else operator
    low = draft.one_of("", "1, ")
    return [
        f"for i in range({draft.start}, n + 2):",
        f"    for j in range({low}i):",
        f"        a[i] = a[i] {operator} u[i, j] * a[j]",
    ]


# ---------------------------------------------------------------- reductions


def reduction(draft: Draft) -> Body:
    """s += ..., c[i] += ..., w[i, j] += u[i, l] * v[l, j]."""
    operator = "|" if draft.dtype == "bool" else draft.one_of("+", "+", "*")

    def update(target: str) -> Callable[[], Body]:
        def body() -> Body:
            value = draft.read(target[0])
            if draft.chance(3):
                return [f"{target} = {target} {operator} {value}"]
            if draft.chance(4):
                return [f"if {draft.condition()}:", f"    {target} {operator}= {value}"]
            return [f"{target} {operator}= {value}"]

        return body

    match draft.choices.integer(1, 4):
        case 1:
            return one_or_two_loops(draft, update("s"))
        case 2:
            return draft.loop(lambda: draft.loop(update("a[i]")))
        case 3:
            return draft.loop(lambda: draft.loop(update("a[j]")))
        case _:
            inner = (
                ["w[i, j] += u[i, t] * v[t, j]"]
                if draft.dtype != "bool"
                else ["w[i, j] |= u[i, t]"]
            )
            return draft.loop(lambda: draft.loop(lambda: draft.loop(lambda: inner, plain=True)))


# ---------------------------------------------------------------- from the end


def counted_from_the_end(draft: Draft) -> Body:
    """a[i - 1] = b[i], a[i] = a[-i - 1], a[i - k] = a[-1]: negative subscripts, in whole arrays and parts."""
    header = draft.one_of(
        "range(len(a))", "range(n)", "range(-k, n)", "range(len(a) // 2)", "range(n - 1, -2, -1)"
    )
    end = draft.one_of(
        "i - 1", "-i - 1", "-i", "i - 2", "i - k", "i - len(a)", "-1", "k - i", "2 * i - n"
    )
    other = draft.one_of("i", "i", "i - 1", "-i", "i + k", "-2", "i - len(a)")
    match draft.choices.integer(1, 4):
        case 1:
            line = f"a[{end}] = {draft.value('b[i]')}"
        case 2:
            line = f"b[{other}] = {draft.value(f'a[{end}]', 'a[i - 1]')}"
        case 3:
            line = f"u[{end}, {draft.one_of('2', 'i', '-i')}] = {draft.value(f'u[{other}, -1]', 'a[i]')}"
        case _:
            line = f"a[{end}] = {draft.value(f'a[{other}]')}"
    body = (
        [f"if {draft.one_of('i > 0', 'i < k', 'k > 1')}:", f"    {line}"]
        if draft.chance(4)
        else [line]
    )
    return [f"for i in {header}:", *indented(body)]


# ---------------------------------------------------------------- anything


def anything(draft: Draft) -> Body:
    """One to three statements with any affine subscripts, at times under a condition, depth one to three."""

    def statement() -> Body:
        array = draft.one_of("a", "b", "c", "u")
        matrix = f"u[{draft.some_affine()}, {draft.some_affine()}]"
        target = matrix if array == "u" else f"{array}[{draft.some_affine()}]"
        line = f"{target} = {draft.value(draft.read(), draft.read('b'))}"
        return [f"if {draft.condition()}:", f"    {line}"] if draft.chance(4) else [line]

    def body() -> Body:
        return [line for _ in range(draft.choices.integer(1, 3)) for line in statement()]

    def level(depth: int) -> Body:
        inner = body if depth == 1 else lambda: level(depth - 1)
        lines = draft.loop(inner)
        return [*statement(), *lines] if draft.variables and draft.chance(3) else lines

    return level(draft.choices.integer(1, 3))


Family = Callable[[Draft], Body]

PARALLEL: tuple[Family, ...] = (elementwise, guarded, stencil, interleaved, imperfect)
CONDITIONAL: tuple[Family, ...] = (shifted, scaled, one_element, mirrored, switched, shifted_matrix)
SEQUENTIAL: tuple[Family, ...] = (
    recurrence,
    carried_scalar,
    overwritten,
    collapsed,
    time_steps,
    triangular_solve,
)

# One row is drawn, then one family of it. Conditional rows stand more often: their inner loops are mostly parallel,
# while the other rows find sequential loops too.
ROWS: tuple[Sequence[Family], ...] = (
    PARALLEL,
    *[CONDITIONAL] * 4,
    *[SEQUENTIAL] * 2,
    (reduction, counted_from_the_end, anything, elementwise),
)


def draw_program(
    choices: Choices, rows: tuple[Sequence[Family], ...] = ROWS, *, is_lasting: bool = False
) -> Program:
    """Return a small program: one or two nests, their arrays' dtypes, and whether the arrays are roomy.

    `is_lasting`: it returns all scalars that it has.
    """
    dtype = choices.one_of(("float64", *DTYPES))
    draft = Draft(choices=choices, dtype=dtype, start=choices.one_of((0, 3, 4, 4)))
    families = [
        choices.one_of(choices.one_of(rows)) for _ in range(1 if choices.integer(1, 5) < 5 else 2)
    ]
    lines = [line for family in families for line in family(draft)]
    used = {node.id for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Name)}
    arrays = tuple(_spec(choices, name, dtype) for name in (*VECTORS, *MATRICES) if name in used)
    numbers = tuple(name for name in ("n", "m", "k") if name in used)
    return Program(
        source=_function(
            [*(array.name for array in arrays), *numbers],
            lines,
            used,
            choices,
            is_lasting=is_lasting,
        ),
        family=families[0].__name__,
        arrays=arrays,
        numbers=numbers,
        is_roomy=choices.integer(1, 12) < 12,
    )


def _spec(choices: Choices, name: str, dtype: str) -> ArraySpec:
    if dtype in MIXABLE and choices.integer(1, 6) == 6:
        dtype = choices.one_of(MIXABLE)
    return ArraySpec(name=name, rank=1 if name in VECTORS else 2, dtype=dtype)


def _function(
    parameters: list[str], lines: Body, used: set[str], choices: Choices, *, is_lasting: bool
) -> str:
    before = [f"s = {choices.one_of(('0', '0.0', '1', 'False'))}"] if "s" in used else []
    if is_lasting:
        scalars = [name for name in "pqijt" if name in used]
        before += [
            f"{name} = {choices.one_of(('-1', '0.0', 'None', 'False', '2**70'))}"
            for name in scalars
            if choices.integer(1, 4) > 1
        ]
        after = [f"return {', '.join([*scalars, *(['s'] if 's' in used else [])])}"]
        body = indented([*before, *lines, *after])
        return "\n".join([f"def kernel({', '.join(parameters)}):", *body]) + "\n"
    live: list[str] = [
        name
        for name in ("s", "p", "q")
        if name in used and (name == "s" or choices.integer(1, 6) == 6)
    ]
    live += ["i"] if choices.integer(1, 10) == 10 else []
    after = [f"return {', '.join(live)}"] if live else []
    body = indented([*before, *lines, *after])
    return "\n".join([f"def kernel({', '.join(parameters)}):", *body]) + "\n"
