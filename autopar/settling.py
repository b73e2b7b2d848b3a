"""Statements that let the host have its arrays back, where the interpreter may look at them.

Before:  for t in range(steps):                  After:  try:
             <region>                                        for t in range(steps):
             if t % 10 == 0: show(u)                             <region>
         return u                                                if t % 10 == 0:
                                                                     GUARD.settle()
                                                                     show(u)
                                                             GUARD.settle()
                                                             return u
                                                         finally:
                                                             GUARD.settle()

Arrays stay on the device between regions of one call (`codegen.residence`). Everything that might
touch one is preceded by `settle`: every statement but those that only rebind names, and those that
compute with plain numbers, which `plain` finds out each time (`it += 1`, `if err < tol`). What runs
between statements is settled before, too: iterators other than `range`, the end of a `with`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from autopar.codegen.residence import here

from .placing import place_at

# Of these types no operation touches an array.
_PLAIN = frozenset(
    {bool, int, float, complex, str, bytes, type(None)}
    | {each for each in np.sctypeDict.values() if each not in {np.object_, np.void}}
)
_SIMPLE = (
    ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Tuple,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
_NOTHING = (ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal)


class Settler:
    """The constant that the rewritten code calls."""

    @staticmethod
    def settle() -> bool:
        """Let the host have its arrays; return True."""
        here().settle()
        return True

    @staticmethod
    def plain(*values: object) -> bool:
        """Do so unless all of `values` are plain numbers and their like; return True."""
        residence = here()
        if not residence.is_empty:
            for value in values:
                if type(value) not in _PLAIN and value is not range:
                    residence.settle()
                    break
        return True


class Settling:
    """Puts calls of `settler`, an expression as text, into statements.

    `look` is an expression that gives the value of a name, or something that is not plain.
    """

    def __init__(self, settler: str, look: str) -> None:
        self._settler = settler
        self._look = look

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return the body of a function or a module, settled at its end however that comes."""
        count = sum(1 for each in statements if _stands_first(each))
        first, rest = statements[:count], statements[count:]
        return [*first, self._finally(rest)] if rest else statements

    def before(self, statement: ast.stmt, bound: frozenset[str]) -> list[ast.stmt]:
        """Return what comes before `statement`, which is edited within; `bound` are its names."""
        match statement:
            case _ if isinstance(statement, _NOTHING):
                return []
            case ast.Expr(value=ast.Constant()):
                return []
            case ast.Assign(targets=targets, value=value) if all(_binds(e, value) for e in targets):
                return [] if _is_names(value) else self._asked((value,), bound, statement)
            case ast.AugAssign(target=ast.Name() as target, value=value):
                return self._asked((target, value), bound, statement)
            case ast.If(test=test):
                return self._asked((test,), bound, statement)
            case ast.While():
                statement.test = self._and(statement.test, bound)
                return []
            case ast.For(iter=ast.Call(func=ast.Name(id="range") as name, args=arguments)):
                return self._asked((name, *arguments), bound, statement)
            case ast.For() | ast.AsyncFor():
                statement.body = [
                    *self._at_turns(statement.body),
                    *self.settled(statement.body[-1]),
                ]
            case ast.With() | ast.AsyncWith():
                statement.body = [self._finally(statement.body)]
        return self.settled(statement)

    def settled(self, at: ast.stmt) -> list[ast.stmt]:
        """Return a call of `settle` on the line of a statement."""
        return [self._placed(f"{self._settler}.settle()", at)]

    def _asked(
        self, values: tuple[ast.expr, ...], bound: frozenset[str], at: ast.stmt
    ) -> list[ast.stmt]:
        """Return what settles unless the names in `values` are plain."""
        call = self._call(values, bound)
        return [self._placed(call, at)] if call else []

    def _call(self, values: tuple[ast.expr, ...], bound: frozenset[str]) -> str:
        nodes = [node for value in values for node in ast.walk(value)]
        if not all(isinstance(each, _SIMPLE) for each in nodes):
            return f"{self._settler}.settle()"
        names = dict.fromkeys(each.id for each in nodes if isinstance(each, ast.Name))
        read = [each if each in bound else f"{self._look}({each!r})" for each in names]
        return f"{self._settler}.plain({', '.join(read)})" if names else ""

    def _and(self, test: ast.expr, bound: frozenset[str]) -> ast.expr:
        """Return a test that is asked again and again, settled each time before."""
        call = self._call((test,), bound)
        if not call:
            return test
        found = ast.parse(f"{call} and ...", mode="eval").body
        place_at(found, test)
        assert isinstance(found, ast.BoolOp)
        found.values[1] = test
        return found

    def _at_turns(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return the body of a loop settled wherever it goes on to its next turn."""
        found: list[ast.stmt] = []
        for each in statements:
            if isinstance(each, ast.Continue):
                found += self.settled(each)
            elif not isinstance(each, (ast.For, ast.While, ast.AsyncFor, ast.FunctionDef)):
                for name, value in ast.iter_fields(each):
                    if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                        setattr(each, name, self._at_turns(value))
                for part in _parts(each):
                    part.body = self._at_turns(part.body)
            found.append(each)
        return found

    def _finally(self, statements: list[ast.stmt]) -> ast.stmt:
        text = f"try:\n    pass\nfinally:\n    {self._settler}.settle()\n"
        (found,) = ast.parse(text).body
        place_at(found, statements[-1])
        assert isinstance(found, ast.Try)
        found.body = statements
        found.lineno, found.col_offset = statements[0].lineno, statements[0].col_offset
        return found

    @staticmethod
    def _placed(text: str, at: ast.stmt) -> ast.stmt:
        (found,) = ast.parse(text).body
        place_at(found, at)
        return found


def _parts(statement: ast.stmt) -> Iterator[Any]:
    """Yield handlers and cases, whose bodies are no lists of the statement's own."""
    yield from getattr(statement, "handlers", ())
    yield from getattr(statement, "cases", ())


def _binds(target: ast.expr, value: ast.expr) -> bool:
    """Return whether assigning `value` to `target` binds names, and takes nothing apart."""
    if isinstance(target, ast.Tuple):
        is_as_long = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
        return is_as_long and _is_names(target)
    return isinstance(target, ast.Name)


def _is_names(value: ast.expr) -> bool:
    """Return whether a value, or a target, is nothing but names."""
    if isinstance(value, ast.Tuple):
        return all(isinstance(each, ast.Name) for each in value.elts)
    return isinstance(value, ast.Name)


def _stands_first(statement: ast.stmt) -> bool:
    """Return whether a statement must stay at the top: a docstring, or a future import."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
