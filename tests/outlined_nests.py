"""Loop nests of the families with parts of them in functions: `a[i] = b[i] + p` as `put(a, i, b, p)`.

Values become functions of what they read, lambdas among them; stores become functions that store; some return
several values, some call others. All are defined in the kernel, which calls them, some by way of a
variable that is known at a call only.
"""

from __future__ import annotations

import ast

from tests.families import draw_program
from tests.program import Choices, Program


def draw_outlined_nest(choices: Choices) -> Program:
    """Return a program of a family, some of whose statements are calls."""
    program = draw_program(choices)
    tree = ast.parse(program.source)
    (kernel,) = (each for each in tree.body if isinstance(each, ast.FunctionDef))
    outliner = _Outliner(choices)
    kernel.body = [*(outliner.visit(each) for each in kernel.body)]
    kernel.body = [*outliner.functions, *kernel.body]
    source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    return Program(
        source=source,
        family=f"outlined {program.family}",
        arrays=program.arrays,
        numbers=program.numbers,
        is_roomy=program.is_roomy,
    )


class _Outliner(ast.NodeTransformer):
    """Puts right sides and stores of loops into functions."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.functions: list[ast.stmt] = []
        self.depth = 0

    def visit_For(self, node: ast.For) -> ast.For:
        self.depth += 1
        node.body = [self.visit(each) for each in node.body]
        self.depth -= 1
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        if not self.depth or len(node.targets) > 1 or self.choices.integer(0, 2) == 0:
            return node
        (target,) = node.targets
        kind = self.choices.integer(0, 4)
        if isinstance(target, ast.Subscript) and kind == 0:
            return ast.Expr(self.function([node], _read(node)))
        if kind == 1 and isinstance(target, ast.Name | ast.Subscript):
            both = ast.Tuple([node.value, ast.Constant(1)], ast.Load())
            call = self.function([ast.Return(both)], _read(node.value))
            pair = ast.Tuple([target, ast.Name("w", ast.Store())], ast.Store())
            return ast.Assign([pair], call, lineno=0)
        node.value = self.value(node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        if self.depth and self.choices.integer(0, 1):
            node.value = self.value(node.value)
        return node

    def value(self, value: ast.expr) -> ast.expr:
        """Return a call of a function that returns `value`, at times by way of a name or a lambda."""
        match self.choices.integer(0, 3):
            case 0:
                named = ast.Assign([ast.Name("own", ast.Store())], value, lineno=0)
                last = ast.Return(ast.Name("own", ast.Load()))
                return self.function([named, last], _read(value))
            case 1:
                names = _read(value)
                name = self.fresh()
                called = ast.Lambda(_parameters(names), value)
                self.functions.append(ast.Assign([ast.Name(name, ast.Store())], called, lineno=0))
                return _call(name, names)
            case _:
                return self.function([ast.Return(value)], _read(value))

    def function(self, body: list[ast.stmt], names: list[str]) -> ast.Call:
        """Return the call of a new function of `names`."""
        name = self.fresh()
        self.functions.append(ast.FunctionDef(name, _parameters(names), body, [], lineno=0))
        if self.choices.integer(0, 3) == 0:
            name = self.variable(name)
        return _call(name, names)

    def variable(self, name: str) -> str:
        """Return a variable that holds a function, which nobody knows before a call."""
        held = ast.parse(f"held_{name} = ({name},)[0]").body
        self.functions += held
        return f"held_{name}"

    def fresh(self) -> str:
        return f"part{len(self.functions)}"


def _parameters(names: list[str]) -> ast.arguments:
    return ast.arguments([], [ast.arg(each) for each in names], None, [], [], None, [])


def _call(name: str, names: list[str]) -> ast.Call:
    arguments: list[ast.expr] = [ast.Name(each, ast.Load()) for each in names]
    return ast.Call(ast.Name(name, ast.Load()), arguments, [])


def _read(node: ast.AST) -> list[str]:
    """Return the names that `node` reads, those of functions and modules left out."""
    called = {
        id(part)
        for each in ast.walk(node)
        if isinstance(each, ast.Call | ast.Attribute)
        for part in ast.walk(each.func if isinstance(each, ast.Call) else each.value)
    }
    return sorted(
        {
            each.id
            for each in ast.walk(node)
            if isinstance(each, ast.Name)
            and isinstance(each.ctx, ast.Load)
            and id(each) not in called
        }
    )
