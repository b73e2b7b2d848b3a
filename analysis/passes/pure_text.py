"""What a text shows of its functions, classes and names, for proofs that calls have no effects.

Before:  import numpy as np            After:  np: numpy; f: its `def`; P: its `class`;
         def f(p): ...                         x of P runs code when it is read
         class P:
             @property
             def x(self): ...

Which method a call reaches is told by its name: all methods of that name in the text, as in Dean,
Grove and Chambers, Optimization of Object-Oriented Programs Using Static Class Hierarchy Analysis,
ECOOP 1995. Helper of `purity`.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import gast

from . import names
from .definitions import file_of
from .pure_names import ITERATORS

# These may bind any name, or set any attribute.
_REBINDING_WORDS = "exec eval globals locals vars setattr delattr __import__ __builtins__"
_REBINDING = frozenset(_REBINDING_WORDS.split())
# Modules whose names are believed to be what they were.
_BELIEVED_WORDS = (
    "math numpy copy itertools functools operator statistics re collections json string scipy "
    "builtins fractions decimal datetime os textwrap unicodedata hashlib"
)
_BELIEVED = frozenset(_BELIEVED_WORDS.split())
# Methods that Python calls by itself where nothing in a proof lets it: on stores, on `with`, on
# creating an object or calling one.
_NOT_BY_ITSELF_WORDS = (
    "__init__ __new__ __call__ __setitem__ __delitem__ __setattr__ __delattr__ __set__ "
    "__delete__ __enter__ __exit__ __init_subclass__ __post_init__ __set_name__ "
    "__class_getitem__"
)
_NOT_BY_ITSELF = frozenset(_NOT_BY_ITSELF_WORDS.split())
_OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
_ARITHMETIC = frozenset(
    f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in _OPERATORS.split()
)
_COMPREHENSIONS = (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)
_SCOPES = (gast.FunctionDef, gast.AsyncFunctionDef, gast.Lambda, gast.ClassDef)


class Scope(NamedTuple):
    """The names of one function, or of module level."""

    bound: frozenset[str]
    functions: dict[str, Any]  # those that it defines for itself, once each
    iterators: frozenset[str]  # names that may hold what gives its elements only once


Chain: TypeAlias = tuple[Scope, ...]  # of the functions around, the outermost first


class Functions(NamedTuple):
    """What a name stands for: one of these functions, which see `chain`."""

    nodes: tuple[Any, ...]
    chain: Chain


class Text:
    """The facts of one text."""

    def __init__(self, text: str) -> None:
        self.tree = file_of(text).tree
        self.summaries: dict[Any, Any] = {}  # of single functions, by `purity`
        nodes = list(names.walk(self.tree))
        declared = {name for node in nodes if isinstance(node, gast.Global) for name in node.names}
        outer = list(bindings_in(self.tree.body))
        counts = Counter(name for node in outer for name in names.bindings(node))
        self.bound = frozenset(counts) | declared
        self.functions = _only_bound_by(counts, outer, _functions_of, declared)
        self.classes = {
            name: nodes[0]
            for name, nodes in _only_bound_by(counts, outer, _classes_of, declared).items()
            if len(nodes) == 1
        }
        self.imports = _imports_of(outer, counts, declared)
        classes = [node for node in nodes if isinstance(node, gast.ClassDef)]
        self.methods: dict[str, list[Any]] = defaultdict(list)
        self.properties: dict[str, list[Any]] = defaultdict(list)
        self.specials: list[Any] = []
        # Attributes that may run any code, and those that may hold any function.
        self.opaque: set[str] = set()
        self.stored = {
            node.attr
            for node in nodes
            if isinstance(node, gast.Attribute) and isinstance(node.ctx, gast.Store)
        }
        for node in classes:
            self._class(node)
        self.special_names = {each.name for node in classes for each in _definitions_in(node)}
        self.has_arithmetic = bool(self.special_names & (_ARITHMETIC | {"__setitem__"}))
        self.has_default_dicts = any(
            getattr(node, "id", getattr(node, "attr", "")) == "defaultdict" for node in nodes
        )
        self.opaque |= {
            target.attr
            for node in nodes
            for target in _used_up_targets(node, self)
            if isinstance(target, gast.Attribute)
        }
        self.is_closed = self._is_closed(nodes)
        self.iterators = iterators_in(self.tree.body, self)
        self.free = frozenset(name for node in nodes for name in _free_in(node))

    def _class(self, node: Any) -> None:
        for each in node.body:
            match each:
                case gast.FunctionDef() if each.name.startswith("__") and each.name.endswith("__"):
                    if each.name not in _NOT_BY_ITSELF:
                        self.specials.append(each)
                case gast.FunctionDef(decorator_list=[]):
                    self.methods[each.name].append(each)
                case gast.FunctionDef(
                    decorator_list=[gast.Name(id="staticmethod" | "classmethod")]
                ):
                    self.methods[each.name].append(each)
                case gast.FunctionDef(decorator_list=[gast.Name(id="property")]):
                    self.properties[each.name].append(each)
                    self.stored.add(each.name)
                case gast.FunctionDef() | gast.AsyncFunctionDef():
                    self.opaque.add(each.name)
                    self.stored.add(each.name)
                case gast.Expr() | gast.Pass():
                    pass
                case _:
                    bound = {name for inner in names.walk(each) for name in names.bindings(inner)}
                    self.stored |= bound
                    if not _is_data(getattr(each, "value", None)):
                        self.opaque |= bound

    def _is_closed(self, nodes: list[Any]) -> bool:
        """Return whether names and attributes stay what the text shows them to be."""
        for node in nodes:
            match node:
                case gast.Name(id=name) if name in _REBINDING:
                    return False
                case gast.ImportFrom(module=module, names=[gast.alias(name="*")]):
                    if str(module).partition(".")[0] not in {"math", "numpy", "pylab"}:
                        return False
                case gast.Attribute(ctx=gast.Store() | gast.Del(), value=base):
                    if not self._is_ordinary(base):
                        return False
                case _:
                    pass
        return True

    def _is_ordinary(self, base: Any) -> bool:
        """Return whether setting an attribute of `base` changes no class, function or module."""
        while isinstance(base, gast.Attribute):
            if base.attr.startswith("__"):
                return False
            base = base.value
        if not isinstance(base, gast.Name):
            return not isinstance(base, gast.Call) or not _is_type_call(base)
        path = self.imports.get(base.id, "").partition(".")[0]
        return (
            base.id not in self.classes
            and base.id not in self.functions
            and path not in _BELIEVED
            and base.id != "cls"
        )

    def resolve(self, name: str, chain: Chain) -> Functions | str | None:
        """Return the functions, or the dotted name, that a name stands for; None: a variable.

        A name of a class of the text is "class " and the name, that of a builtin the name itself.
        """
        for depth in range(len(chain) - 1, -1, -1):
            if name in chain[depth].bound:
                node = chain[depth].functions.get(name)
                return None if node is None else Functions((node,), chain[: depth + 1])
        if name in self.functions:
            return Functions(self.functions[name], ())
        if name in self.classes:
            return f"class {name}"
        if name in self.imports:
            return self.imports[name]
        return None if name in self.bound else name

    def may_be_used_up(self, name: str, chain: Chain) -> bool:
        """Return whether a variable may hold what gives its elements only once."""
        for scope in reversed(chain):
            if name in scope.bound:
                return name in scope.iterators
        return name in self.iterators


@functools.lru_cache(maxsize=4)
def text_of(text: str) -> Text:
    """Return the facts of a text that Python can read."""
    return Text(text)


def scope_of(node: Any, text: Text) -> Scope:
    """Return the names of a function."""
    if isinstance(node, gast.Lambda):
        return Scope(frozenset(names.argument_names(node.args)), {}, frozenset())
    body = list(bindings_in(node.body))
    counts = Counter(name for each in body for name in names.bindings(each))
    changed = {
        name
        for each in names.walk(node)
        if isinstance(each, gast.Nonlocal | gast.Global)
        for name in each.names
    }
    parameters = names.argument_names(node.args)
    functions = {
        name: found[0]
        for name, found in _only_bound_by(counts, body, _functions_of, changed).items()
        if len(found) == 1 and name not in parameters
    }
    bound = frozenset(counts) | frozenset(parameters)
    return Scope(bound, functions, iterators_in(node.body, text))


def bindings_in(body: list[Any]) -> Iterator[Any]:
    """Yield the nodes of a block that bind names of its own scope, and others of it."""
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, _COMPREHENSIONS):
            inner = names.walk(node)
            yield from (each.target for each in inner if isinstance(each, gast.NamedExpr))
        elif isinstance(node, _SCOPES):
            yield node
            pending += getattr(node, "decorator_list", ())
        else:
            yield node
            pending += names.children(node)


def iterators_in(body: list[Any], text: Text) -> frozenset[str]:
    """Return the names that a block may bind to what gives its elements only once."""
    return frozenset(
        target.id
        for node in bindings_in(body)
        for outer in _used_up_targets(node, text)
        for target in names.walk(outer)
        if isinstance(target, gast.Name)
    )


def _used_up_targets(node: Any, text: Text) -> Iterator[Any]:
    """Yield what a statement may bind to what gives its elements only once."""
    match node:
        case gast.Assign() if _is_used_up(node.value, text):
            yield from node.targets
        case gast.AnnAssign() | gast.NamedExpr() if node.value and _is_used_up(node.value, text):
            yield node.target
        case gast.With():  # files, most of them
            yield from (each.optional_vars for each in node.items if each.optional_vars)


def _is_used_up(value: Any, text: Text) -> bool:
    """Return whether an expression makes what gives its elements once, or grows when it is read."""
    for node in names.walk(value):
        match node:
            case gast.GeneratorExp():
                return node is value or isinstance(value, gast.Tuple | gast.List)
            case gast.Call(func=function):
                name = getattr(function, "attr", getattr(function, "id", ""))
                path = f"{text.imports.get(name, name)}"
                if path.rpartition(".")[2] in {*ITERATORS, "reader", "DictReader", "defaultdict"}:
                    is_eaten = isinstance(value, gast.Call) and node is not value
                    if not is_eaten:
                        return True
                if path.startswith("itertools."):
                    return True
                found = text.functions.get(name, ()) or text.methods.get(name, ())
                if any(
                    isinstance(e, gast.Yield | gast.YieldFrom) for f in found for e in names.walk(f)
                ):
                    return True
            case _:
                pass
    return False


def dotted_path(node: Any) -> tuple[str, ...]:
    """Return the names of `a.b.c`; () for anything else."""
    found: list[str] = []
    while isinstance(node, gast.Attribute):
        found.append(node.attr)
        node = node.value
    return (node.id, *reversed(found)) if isinstance(node, gast.Name) else ()


def _only_bound_by(
    counts: Counter[str], nodes: list[Any], find: Any, changed: set[str]
) -> dict[str, tuple[Any, ...]]:
    """Return the names that nothing binds but what `find` finds in nodes, and what that is."""
    found: dict[str, list[Any]] = defaultdict(list)
    for node in nodes:
        for name, made in find(node):
            found[name].append(made)
    return {
        name: tuple(made)
        for name, made in found.items()
        if counts[name] == len(made) and name not in changed
    }


def _functions_of(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case gast.FunctionDef(decorator_list=[]):
            yield node.name, node
        case gast.Assign(targets=[gast.Name(id=name)], value=gast.Lambda() as value):
            yield name, value


def _classes_of(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, gast.ClassDef):
        yield node.name, node


def _imports_of(nodes: list[Any], counts: Counter[str], changed: set[str]) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        match node:
            case gast.Import():
                for each in node.names:
                    name = each.asname or each.name.partition(".")[0]
                    found[name].append(each.name if each.asname else name)
            case gast.ImportFrom(level=0 | None, module=module):
                for each in node.names:
                    found[each.asname or each.name].append(f"{module}.{each.name}")
            case _:
                pass
    return {
        name: paths[0]
        for name, paths in found.items()
        if len(set(paths)) == 1 and counts[name] == len(paths) and name not in changed
    }


def _definitions_in(node: Any) -> Iterator[Any]:
    return (each for each in node.body if isinstance(each, gast.FunctionDef))


def _free_in(node: Any) -> frozenset[str]:
    """Return the names that a function finds outside itself, inner functions' locals included."""
    if not isinstance(node, gast.FunctionDef | gast.AsyncFunctionDef | gast.Lambda):
        return frozenset()
    body = [node.body] if isinstance(node, gast.Lambda) else node.body
    bound = {name for each in bindings_in(body) for name in names.bindings(each)}
    read = {each.id for part in body for each in names.walk(part) if isinstance(each, gast.Name)}
    return frozenset(read - bound - set(names.argument_names(node.args)))


def _is_data(value: Any) -> bool:
    """Return whether a variable of a class is read without running code."""
    match value:
        case None | gast.Constant() | gast.Call(func=gast.Name(id="field")):
            return True
    return False


def _is_type_call(node: Any) -> bool:
    return isinstance(node.func, gast.Name) and node.func.id == "type"
