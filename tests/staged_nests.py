"""Nests with statements of the interpreter's between them, on the same arrays: choices -> `Program`.

What stays in a cache, or on a device, from one nest to the next has to be seen by what stands between: views,
whole-array functions, prints, exceptions, other names, values that are stored one by one.
"""

from __future__ import annotations

from tests.draft import Body, Draft, indented
from tests.families import elementwise, imperfect, reduction, stencil
from tests.program import ArraySpec, Choices, Program

_DTYPES = ("float64", "float64", "float32", "int64", "complex128")
_BETWEEN = (
    "print(a[2], s)", "b = a[::2].copy()", "b = a[1:]", "b = a", "a, b = b, a", "c = np.roll(b, 1)",
    "a[3] = 7", "a += 1", "np.add(a, a, out=b)", "s = s + float(a.real.sum())", "u = u.T", "u[2] = a[:u.shape[1]]",
    "b = np.concatenate([a, b])[:len(b)]", "s = a[2]", "x = [a, b]; x[1][3] = 2", "print(np.shares_memory(a, b))",
    "a = a.astype(a.dtype)", "b.fill(3)", "v = u.copy()", "u[1:3, 2] += 1", "b[len(b)] = 1", "a = np.sort(a)",
    "memoryview(b)[2:4]; b[1] = 5", "c[:] = b[:len(c)] if len(b) >= len(c) else 0", "a = a[::-1]",
    "w = w + u", "s = bytes(a[:2])[:3]", "print(*b[:3].tolist())", "a.sort()", "b = a.view()",
)  # fmt: skip


def draw_staged_nest(choices: Choices) -> Program:
    """Return two to four nests and what stands between them, at times in a loop, a `try` or a `with`."""
    dtype = choices.one_of(_DTYPES)
    draft = Draft(choices=choices, dtype=dtype, start=choices.one_of((0, 3)))
    lines: Body = []
    for _ in range(choices.integer(2, 4)):
        lines += choices.one_of((elementwise, stencil, stencil, imperfect, reduction))(draft)
        lines += [choices.one_of(_BETWEEN) for _ in range(choices.integer(0, 2))]
    match choices.integer(1, 6):
        case 1:
            lines = ["for q in range(2):", *indented(lines)]
        case 2:
            lines = ["try:", *indented(lines), "except IndexError:", "    print('failed', a[1])"]
        case 3:
            lines = ["with np.errstate(all='ignore'):", *indented(lines)]
        case 4:
            lines = ["if s == 0:", *indented(lines)]
    names = ["a", "b", "c", "u", "v", "w"]
    text = "\n".join(indented(["s = 0", "p = q = 0", *lines, "return a, b, u, s"]))
    source = f"import numpy as np\n\n\ndef kernel({', '.join(names)}, n, m):\n{text}\n"
    arrays = tuple(ArraySpec(name=e, rank=1 if e in "abc" else 2, dtype=dtype) for e in names)
    return Program(source=source, family="staged", arrays=arrays, numbers=("n", "m"), is_roomy=True)
