"""From a definition in a file to the same definition inside empty shells of its scopes.

Before:  class C(Base):                 After:  class C:
             def f(self): ...                       def g(self): self.__x = super().g()
             def g(self): self.__x = super().g()

What a shell keeps is all that decides how the definition is compiled: mangled names,
`__class__`, `__qualname__`, and which names are free. Nothing in a shell is meant to run.
Python reference, section 4.2, "Naming and binding".
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from types import CodeType
from typing import TypeAlias

Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def path_to(tree: ast.Module, line: int) -> list[Scope]:
    """Return the definition at `line` after the scopes around it, outermost first."""
    path: list[Scope] = []
    node: ast.AST = tree
    while not (path and path[-1].lineno == line):
        inner = _scope_around(node, line)
        if inner is None:
            raise ValueError(f"nothing is defined at line {line}")
        path.append(inner)
        node = inner
    return path


def _scope_around(node: ast.AST, line: int) -> Scope | None:
    """Return the outermost definition below `node` whose lines include `line`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, SCOPES):
            if child.lineno <= line <= (child.end_lineno or child.lineno):
                return child
        elif isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
            found = _scope_around(child, line)
            if found is not None:
                return found
    return None


def enclose(shells: Sequence[Scope], inner: ast.stmt, original: CodeType) -> ast.stmt:
    """Return `inner` inside empty copies of its scopes, its free variables bound there.

    Only names decide how `inner` is compiled: those of the classes (mangling, `__class__`), of
    all scopes (`__qualname__`), and whether a scope declares what it defines as global.
    """
    free = set(original.co_freevars)
    if class_of(shells) is not None:
        free.discard("__class__")  # comes from the class statement
    for scope in reversed(shells):
        shell = copy.copy(scope)
        shell.decorator_list = []
        shell.body = [inner]
        name = inner.name if isinstance(inner, SCOPES) else ""
        if name in _declared(scope, ast.Global):
            shell.body.insert(0, ast.copy_location(ast.Global(names=[name]), inner))
        if isinstance(shell, ast.ClassDef):
            shell.bases, shell.keywords = [], []
        else:
            shell.args, shell.returns = _parameters(sorted(free), shell), None
            free = set()  # an outer scope would only be hidden by this one
        inner = shell
    return inner


def _parameters(names: Sequence[str], at: ast.stmt) -> ast.arguments:
    """Return a parameter list of `names`."""
    args = [ast.copy_location(ast.arg(arg=name), at) for name in names]
    return ast.arguments(posonlyargs=[], args=args, kwonlyargs=[], kw_defaults=[], defaults=[])


def _declared(scope: ast.AST, kind: type[ast.Global | ast.Nonlocal]) -> frozenset[str]:
    """Return the names that `scope` itself declares global or nonlocal."""
    names: frozenset[str] = frozenset()
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, kind):
            names |= frozenset(child.names)
        elif not isinstance(child, SCOPES):
            names |= _declared(child, kind)
    return names


def class_of(shells: Sequence[Scope]) -> str | None:
    """Return the name of the innermost class around a function."""
    return next((s.name for s in reversed(shells) if isinstance(s, ast.ClassDef)), None)


def mangle(name: str, class_name: str | None) -> str:
    """Return `name` as the compiler stores it inside a class."""
    stripped = (class_name or "").lstrip("_")
    private = name.startswith("__") and not name.endswith("__")
    return f"_{stripped}{name}" if private and stripped else name
