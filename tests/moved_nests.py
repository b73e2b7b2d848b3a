"""Drawn time loops in which names of arrays change places, and programs over attributes.

Before:  choices        After:  for t in range(3): for i in range(1, n): b[i] = a[i - 1]; a, b = b, a
         kernel(a, n)           the same with `o.a` and `o.n` for some of its names
"""

from __future__ import annotations

import ast

from tests.draft import MATRICES, Body, Draft, indented
from tests.program import DTYPES, ArraySpec, Choices, Program

EXCHANGES = {
    "ab": ("a, b = b, a", "b, a = a, b"),
    "abc": ("a, b, c = b, c, a", "c, a, b = b, c, a", "a, b = b, a", "b, c = c, b"),
    "uv": ("u, v = v, u", "v, u = u, v"),
}


def draw_moved_nest(choices: Choices) -> Program:
    """Return sweeps from one array into another in a loop that exchanges them."""
    draft = Draft(choices=choices, dtype=choices.one_of(DTYPES), start=choices.one_of((1, 2, 4)))
    names = choices.one_of(("ab", "ab", "abc", "uv"))
    steps = choices.one_of(("3", "k", "n", "2", "m"))
    header = choices.one_of(
        (
            f"range({steps})",
            f"range(1, {steps} + 1)",
            f"range(k, k + {steps}, 2)",
            "range(4, 0, -1)",
        )
    )
    body = _sweep(draft, names)
    exchange = choices.one_of(EXCHANGES[names])
    place = choices.integer(0, 1)
    lines = [*body[: len(body) * place], exchange, *body[len(body) * place :]]
    if draft.chance(3):
        lines += _sweep(draft, names)
    if draft.chance(4):
        lines.append(choices.one_of(EXCHANGES[names]))
    if draft.chance(5):
        lines = [f"if t % {choices.integer(2, 3)} == 0:", *indented(lines)]
    result = choices.one_of((names[0], names[1], ", ".join(names), f"{names[0]}, t"))
    text = [
        f"def kernel({', '.join([*names, 'n', 'm', 'k'])}):",
        *indented([f"for t in {header}:", *indented(lines), f"return {result}"]),
    ]
    rank = 2 if names[0] in MATRICES else 1
    arrays = tuple(ArraySpec(name=each, rank=rank, dtype=draft.dtype) for each in names)
    return Program(
        source="\n".join(text) + "\n",
        family="moved",
        arrays=arrays,
        numbers=("n", "m", "k"),
        is_roomy=choices.integer(1, 8) < 8,
    )


def _sweep(draft: Draft, names: str) -> Body:
    source, target = names[0], names[-1] if draft.chance(3) else names[1]
    last = "t" if draft.dtype not in {"bool", "uint8"} and draft.chance(4) else "2"
    if names[0] in MATRICES:
        value = draft.value(f"{source}[i - 1, j]", f"{source}[i, j + 1]")
        inner = [f"for j in range({draft.start}, m):", f"    {target}[i, j] = {value}"]
        return [f"for i in range({draft.start}, n):", *indented(inner)]
    terms = (
        f"{source}[i - 1]",
        draft.one_of(f"{source}[i + 1]", f"{target}[i]", f"{source}[{last}]"),
    )
    line = f"{target}[i] = {draft.value(*terms)}"
    return [f"for i in range({draft.start}, {draft.one_of('n', 'n - 1', f'{source}.shape[0] - 1')}):",
            f"    {line}"]  # fmt: skip


def over_attributes(program: Program, choices: Choices) -> str:
    """Return the source of `program` with attributes of an object for some of its names."""
    tree = ast.parse(program.source)
    (*_, function) = tree.body
    assert isinstance(function, ast.FunctionDef)
    counted = {
        node.id
        for each in ast.walk(function)
        if isinstance(each, ast.For | ast.comprehension)
        for node in ast.walk(each.target)
        if isinstance(node, ast.Name)
    }
    parameters = [each.arg for each in function.args.args]
    bound = {"s": "0.0", "p": "1", "q": "2"}
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    candidates = [*parameters, *sorted(used & bound.keys())]
    chosen = {name for name in candidates if name not in counted and choices.integer(1, 3) < 3}
    is_deep = choices.integer(1, 4) == 4
    head = ["import types", "o = types.SimpleNamespace()"]
    if is_deep:
        head.append("o.inner = types.SimpleNamespace()")
    holder = "o.inner" if is_deep else "o"
    # What a dict holds may only be read.
    assigned = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) if _is_bound(n)}
    forms = {name: f"{holder}.{name}" for name in chosen}
    if choices.integer(1, 3) == 1:
        head.append(f"{holder}.kept = {{}}")
        forms |= {name: f"{holder}.kept['{name}']" for name in chosen - assigned}
    head += [f"{form} = {bound.get(name, name)}" for name, form in sorted(forms.items())]
    renamed = _Attributes(forms).visit(function)
    renamed.body = [*ast.parse("\n".join(head)).body, *renamed.body]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _is_bound(node: ast.Name) -> bool:
    return not isinstance(node.ctx, ast.Load)


class _Attributes(ast.NodeTransformer):
    def __init__(self, forms: dict[str, str]) -> None:
        self.forms = forms

    def visit_Name(self, node: ast.Name) -> ast.expr:  # as ast calls it
        if node.id not in self.forms:
            return node
        found = ast.parse(self.forms[node.id], mode="eval").body
        assert isinstance(found, ast.Attribute | ast.Subscript)
        found.ctx = node.ctx
        return ast.copy_location(found, node)
