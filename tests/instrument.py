"""Put recording calls into a function: source text -> syntax tree that calls `__loop__`, `__load__`, `__store__`.

Positions are kept, so that the frame of a call tells line and column of the access it stands for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def instrument(source: str, name: str | None = None) -> tuple[ast.Module, str]:
    """Return the module of `source`, one function of it instrumented, and that function's name.

    Recorded are the local names that are assigned inside loops. A loop variable counts only where it is
    assigned in another way too, or read outside its own loop: elsewhere each iteration writes it first.
    """
    module = ast.parse(source)
    function = find_function(module, name)
    function.decorator_list = []
    names = _recorded_names(function)
    function.body = [
        new for statement in function.body for new in _Instrumenter(names).expand(statement)
    ]
    return ast.fix_missing_locations(module), function.name


def find_function(module: ast.Module, name: str | None = None) -> ast.FunctionDef:
    """Return the function `name` of the module, by default the last one at its top level."""
    found = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and name in (None, node.name)
    ]
    if not found:
        raise ValueError(f"no function {name or ''} in the source")
    return found[-1]


def target_names(target: ast.AST) -> frozenset[str]:
    """Return the names that an assignment to `target` binds."""
    return frozenset(
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def _recorded_names(function: ast.FunctionDef) -> frozenset[str]:
    inside = _InLoops()
    inside.visit(function)
    return frozenset(inside.assigned | (inside.loop_variables & inside.escaping))


class _InLoops(ast.NodeVisitor):
    """Names assigned in loops, loop variables, and names read where no loop over them is open."""

    def __init__(self) -> None:
        self.assigned: set[str] = set()
        self.loop_variables: set[str] = set()
        self.escaping: set[str] = set()
        self._open: list[frozenset[str]] = []
        self._depth = 0

    def visit_For(self, node: ast.For) -> None:
        names = target_names(node.target)
        self.loop_variables |= names
        self.visit(node.iter)
        self._open.append(names)
        self._depth += 1
        for statement in node.body:
            self.visit(statement)
        self._depth -= 1
        self._open.pop()
        for statement in node.orelse:
            self.visit(statement)

    def visit_While(self, node: ast.While) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store) and self._depth:
            self.assigned.add(node.id)
        if isinstance(node.ctx, ast.Load) and not any(node.id in names for names in self._open):
            self.escaping.add(node.id)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        for test in node.ifs:
            self.visit(test)


class _Instrumenter(ast.NodeTransformer):
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def expand(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        """Return the statements that replace `statement`."""
        result = self.visit(statement)
        yield from result if isinstance(result, list) else [result]

    def visit_For(self, node: ast.For) -> ast.For:
        new_iter = self.visit(node.iter)
        hook = _call("__loop__", ast.Constant(node.lineno), ast.Constant(node.col_offset), new_iter)
        node.iter = ast.copy_location(hook, new_iter)
        stores = self._stores(node.target)
        node.body = [*stores, *(new for old in node.body for new in self.expand(old))]
        node.orelse = [new for old in node.orelse for new in self.expand(old)]
        return node

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        node.value = self.visit(node.value)
        if isinstance(node.targets[0], ast.Name):
            name = ast.Constant(node.targets[0].id)
            node.value = ast.copy_location(_call("__value__", name, node.value), node.value)
        node.targets = [self.visit(target) for target in node.targets]
        return [node, *(store for target in node.targets for store in self._stores(target))]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is None:
            return [node]
        node.value = self.visit(node.value)
        node.target = self.visit(node.target)
        return [node, *self._stores(node.target)]

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        node.value = self.visit(node.value)
        if not isinstance(node.target, ast.Name):
            node.target = self.visit(node.target)
            return [node]
        reads = [self._note("__load__", node.target)] if node.target.id in self._names else []
        return [*reads, node, *self._stores(node.target)]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.NamedExpr:
        node.value = self.visit(node.value)
        if node.target.id in self._names:
            hook = _call("__store__", ast.Constant(node.target.id), node.value)
            node.value = ast.copy_location(hook, node.target)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self._names:
            return ast.copy_location(_call("__load__", ast.Constant(node.id), node), node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(
        self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp
    ) -> ast.AST:
        hidden = frozenset(
            name for generator in node.generators for name in target_names(generator.target)
        )
        return _Instrumenter(self._names - hidden).generic_visit(node)

    def _stores(self, target: ast.AST) -> list[ast.stmt]:
        return [
            self._note("__store__", node)
            for node in ast.walk(target)
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and node.id in self._names
        ]

    @staticmethod
    def _note(hook: str, name: ast.Name) -> ast.stmt:
        loaded = ast.copy_location(ast.Name(name.id, ast.Load()), name)
        call = ast.copy_location(_call(hook, ast.Constant(name.id), loaded), name)
        return ast.copy_location(ast.Expr(call), name)


def _call(hook: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(hook, ast.Load()), list(arguments), [])
