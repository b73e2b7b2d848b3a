"""Small faults that can be planted in a module: source -> places, each with what would stand there.

Before:  if lower < upper and is_known: return found | more
After:   lower <= upper; True and is_known; if False; found; found - more

Only code counts: no docstrings, annotations, assertions or messages, and no numbers that are given a name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
SIGNS = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+")}
FUNCTIONS = {"any": "all", "all": "any", "min": "max", "max": "min"}
# Another width, or another kind of number.
DTYPES = {
    "bool": "int64",
    "int32": "int64",
    "int64": "float64",
    "uint64": "int64",
    "float32": "float64",
    "float64": "float32",
    "complex128": "complex64",
}
DEPENDENCES = {"flow": "anti", "anti": "output", "output": "flow"}
# Statements whose loss nobody is meant to see.
QUIET = frozenset({"LOG", "warnings", "span", "print"})
PRINTED = frozenset({"message", "__str__", "__repr__", "text_of", "hint"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One edit of one module."""

    path: str  # of the module, from the root
    kind: str
    line: int
    start: int  # characters of the module that are replaced
    end: int
    text: str  # what stands there then

    def planted(self, source: str) -> str:
        """Return the module with the fault."""
        return source[: self.start] + self.text + source[self.end :]


def faults_of(path: str, source: str) -> tuple[Fault, ...]:
    """Return the faults that can be planted in a module, in the order of its text."""
    return tuple(dict.fromkeys(_Finder(path, source).of(ast.parse(source))))


def is_another_program(fault: Fault, source: str) -> bool:
    """Return whether a module with a fault is a module, and another one than without."""
    try:
        return ast.dump(ast.parse(fault.planted(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


class _Finder:
    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._source = source
        lines = source.splitlines(keepends=True)
        self._lines = lines
        self._starts = [sum(map(len, lines[:n])) for n in range(len(lines))]

    def of(self, tree: ast.AST) -> Iterator[Fault]:
        """Yield the faults at `tree` and below."""
        match tree:
            case ast.Module():
                for node in tree.body:
                    if isinstance(node, ast.FunctionDef | ast.ClassDef):
                        yield from self.of(node)
                    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                        yield from self._elements_of_table(node.value)
                return
            case ast.Assert() | ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
                return
            case ast.AnnAssign():
                if tree.value is not None:
                    yield from self.of(tree.value)
                return
            case ast.FunctionDef():
                if tree.name not in PRINTED:
                    for node in tree.body[ast.get_docstring(tree) is not None :]:
                        yield from self.of(node)
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return
        yield from self._at(tree)
        for child in ast.iter_child_nodes(tree):
            yield from self.of(child)

    def _elements_of_table(self, value: ast.AST) -> Iterator[Fault]:
        for node in ast.walk(value):
            if isinstance(node, ast.Tuple | ast.Set | ast.List | ast.Dict):
                yield from self._dropped(node)

    def _at(self, node: ast.AST) -> Iterator[Fault]:
        match node:
            case ast.Compare():
                yield from self._comparisons(node)
            case ast.BoolOp():
                neutral = "True" if isinstance(node.op, ast.And) else "False"
                for value in node.values:
                    yield self._instead(value, neutral, "forgotten condition")
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                text = self._text(node.operand)
                yield self._instead(node, f"({text})", "dropped sign")
            case ast.BinOp():
                yield from self._operations(node)
            case ast.If() | ast.IfExp():
                yield self._instead(node.test, "False", "forgotten guard")
            case ast.comprehension():
                for test in node.ifs:
                    yield self._instead(test, "True", "forgotten filter")
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                yield self._instead(node.func, FUNCTIONS[name], "other function")
            case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set() | ast.Dict():
                yield from self._dropped(node)
            case ast.Return(value=ast.Constant(value=bool(value))):
                assert node.value is not None
                yield self._instead(node.value, repr(not value), "other answer")
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int(number)):
                yield self._instead(node, str(number + 1), "off by one")
            case ast.Constant(value=str(word)) if word in DTYPES:
                yield self._instead(node, repr(DTYPES[word]), "other cast")
            case ast.Constant(value=str(word)) if word in DEPENDENCES:
                yield self._instead(node, repr(DEPENDENCES[word]), "other dependence")
            case ast.Expr(value=ast.Call(func=function)) | ast.AugAssign(target=function):
                if not any(word in self._text(function) for word in QUIET):
                    yield self._instead(node, "pass", "dropped statement")

    def _comparisons(self, node: ast.Compare) -> Iterator[Fault]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old, new = COMPARISONS[type(operator)]
            yield from self._between(left, right, old, new, "other comparison")
            left = right

    def _operations(self, node: ast.BinOp) -> Iterator[Fault]:
        sides = (node.left, node.right)
        if any(isinstance(each, ast.Tuple | ast.List | ast.JoinedStr) for each in sides):
            return
        if any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in sides):
            return
        if isinstance(node.op, ast.BitOr | ast.BitAnd):
            for side in sides:
                yield self._instead(node, f"({self._text(side)})", "dropped operand")
        elif type(node.op) in SIGNS:
            yield from self._between(*sides, *SIGNS[type(node.op)], "other sign")

    def _dropped(self, node: ast.Tuple | ast.List | ast.Set | ast.Dict) -> Iterator[Fault]:
        """Yield the faults that leave out one of several elements."""
        if isinstance(node, ast.Dict):
            if any(key is None for key in node.keys):
                return
            firsts = [key for key in node.keys if key is not None]
            lasts: list[ast.expr] = node.values
        else:
            firsts = lasts = node.elts
        if len(firsts) < 2 or self._source[self._start(node)] not in "([{":
            return
        for n, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
            if n + 1 < len(firsts):
                start, end = self._start(first), self._start(firsts[n + 1])
            else:
                start, end = self._end(lasts[n - 1]), self._end(last)
                start += n == 1 and isinstance(node, ast.Tuple)  # `(a,)`: the comma stays
            yield self._fault(start, end, "", "dropped element", first.lineno)

    def _between(
        self, left: ast.expr, right: ast.expr, old: str, new: str, kind: str
    ) -> Iterator[Fault]:
        start, end = self._end(left), self._start(right)
        words = r"\s+".join(map(re.escape, old.split()))
        found = re.search(words, self._source[start:end])
        if found is not None:
            place = start + found.start()
            yield self._fault(place, start + found.end(), new, kind, left.end_lineno)

    def _instead(self, node: ast.expr | ast.stmt, text: str, kind: str) -> Fault:
        return self._fault(self._start(node), self._end(node), text, kind, node.lineno)

    def _fault(self, start: int, end: int, text: str, kind: str, line: int | None) -> Fault:
        return Fault(path=self._path, kind=kind, line=line or 0, start=start, end=end, text=text)

    def _text(self, node: ast.AST) -> str:
        return self._source[self._start(node) : self._end(node)]

    def _start(self, node: ast.AST) -> int:
        return self._place(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def _end(self, node: ast.AST) -> int:
        return self._place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def _place(self, line: int, column: int) -> int:
        """Return the character at a column, which the parser counts in bytes."""
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)
