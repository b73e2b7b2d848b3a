"""Whether an expression has an effect, as far as its own text tells.

Before:  best(ps, key=cost) + scale    After:  functions `best`, `cost` are left to ask, the name
                                               `scale` is read; or `HasEffectError`

What calls run is told by names: builtins and functions of modules that `pure_names` lists,
functions and classes of the text, methods by `pure_text`. Helper of `purity`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import gast

from . import names
from .freshness import freshness, path_of
from .pure_names import BUILTINS, CALL_FIRST, EAGER, METHODS, MUTATORS, PURE, SOME_METHODS
from .pure_text import Chain, Functions, Text, dotted_path

_COMPREHENSIONS = (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)
_PARTS = (
    gast.Tuple, gast.List, gast.Set, gast.Dict, gast.BinOp, gast.UnaryOp, gast.BoolOp,
    gast.Compare, gast.IfExp, gast.JoinedStr, gast.FormattedValue, gast.Starred, gast.Slice,
)  # fmt: skip
_DEFAULTS = frozenset(("list", "dict", "set", "int", "float", "str", "bool"))
_ITEM_GETTERS = frozenset(("operator.itemgetter", "operator.attrgetter"))


class HasEffectError(Exception):
    """Something in a block has an effect, or may have one."""


class Called(NamedTuple):
    """A function that may be called."""

    node: Any
    chain: Chain  # of the functions around it
    makes_object: bool = False  # it is an `__init__`, and its object is new


class Expressions:
    """Checks expressions; what is left to ask of functions and names is gathered."""

    def __init__(self, text: Text, chain: Chain, local: frozenset[str], body: list[Any]) -> None:
        self.text, self.chain, self.local = text, chain, local
        self.levels = freshness(body, local, text, chain)
        self.calls: list[Called] = []
        self.reads: set[str] = set()
        self.inner: tuple[str, ...] = ()  # variables of the comprehensions around

    def refuse(self, why: str) -> NoReturn:
        """End the walk."""
        raise HasEffectError(why)

    def bind(self, target: Any) -> None:
        """Check what is assigned to; statements know more of it."""
        if not isinstance(target, gast.Name):
            self.refuse("a store")

    def level(self, name: Any) -> int:
        """Return how new what a name holds is."""
        self.name(name.id)
        return 0 if name.id in self.inner else self.levels.get(name.id, 0)

    # ----------------------------------------------------------------- expressions

    def expression(self, node: Any, *, is_eager: bool = False) -> None:
        """Check an expression; `is_eager`: what runs later in it runs before the next statement."""
        match node:
            case gast.Constant():
                pass
            case gast.Name():
                self.name(node.id)
            case gast.Attribute():
                self.attribute(node)
            case gast.Subscript():
                self.subscript(node)
            case gast.Call():
                self.call(node, is_eager=is_eager)
            case gast.Lambda():
                self.later(node, is_eager=is_eager)
                for each in names.children(node.args):
                    if not isinstance(each, gast.Name):  # a default
                        self.expression(each)
                self.nested(names.argument_names(node.args), (node.body,))
            case gast.NamedExpr():
                self.expression(node.value)
                self.bind(node.target)
            case _ if isinstance(node, _COMPREHENSIONS):
                if isinstance(node, gast.GeneratorExp):
                    self.later(node, is_eager=is_eager)
                self.comprehension(node)
            case _ if isinstance(node, _PARTS):
                self.parts(node)
            case _:
                self.refuse(type(node).__name__)

    def parts(self, node: Any) -> None:
        for each in names.children(node):
            self.expression(each)

    def later(self, node: Any, *, is_eager: bool) -> None:
        """Check what runs later than where it stands: in a function, nothing is against it."""

    def nested(self, variables: tuple[str, ...], parts: tuple[Any, ...]) -> None:
        before, self.inner = self.inner, (*self.inner, *variables)
        for each in parts:
            self.expression(each)
        self.inner = before

    def comprehension(self, node: Any) -> None:
        before = self.inner
        for each in node.generators:
            if each.is_async:
                self.refuse("async")
            self.expression(each.iter, is_eager=True)
            bound = [part for part in names.walk(each.target) if isinstance(part, gast.Name)]
            self.inner = (*self.inner, *(part.id for part in bound))
            if any(isinstance(e, gast.Attribute | gast.Subscript) for e in names.walk(each.target)):
                self.refuse("a store")
            for test in each.ifs:
                self.expression(test)
        values = (node.key, node.value) if isinstance(node, gast.DictComp) else (node.elt,)
        for value in values:
            self.expression(value)
        self.inner = before

    def name(self, name: str) -> None:
        """Check that a name is read."""
        if name in self.inner or (name in self.local and name not in self.chain_functions()):
            return
        match self.text.resolve(name, self.chain):
            case Functions(nodes=nodes, chain=chain):
                self.calls += [Called(node, chain) for node in nodes]
            case None:
                self.reads.add(name)
                if self.text.may_be_used_up(name, self.chain):
                    self.refuse(f"'{name}' may give what it has only once")
            case _:
                pass

    def chain_functions(self) -> dict[str, Any]:
        """Return the functions that the function itself defines."""
        return self.chain[-1].functions if self.chain else {}

    def attribute(self, node: Any) -> None:
        path = dotted_path(node)
        if path and self.is_import(path[0]):
            return
        if node.attr.startswith("__") or node.attr in self.text.opaque:
            self.refuse(f"attribute '{node.attr}'")
        self.calls += [Called(each, ()) for each in self.text.properties.get(node.attr, ())]
        self.expression(node.value)

    def is_import(self, name: str) -> bool:
        """Return whether a name stands for a module, or for something in one."""
        if name in self.inner or name in self.local:
            return False
        return name in self.text.imports and isinstance(self.text.resolve(name, self.chain), str)

    def subscript(self, node: Any) -> None:
        self.expression(node.value)
        self.expression(node.slice)
        is_own = isinstance(node.value, gast.Name) and self.level(node.value) > 0
        if self.text.has_default_dicts and not is_own:
            self.refuse("a default dict grows when it is read")

    # ----------------------------------------------------------------------- calls

    def call(self, node: Any, *, is_eager: bool) -> None:
        path = self.path(node.func)
        if any(each.arg in {"out", "inplace"} for each in node.keywords):
            self.refuse("an argument that is written to")
        is_eager = path in EAGER or (is_eager and path in CALL_FIRST | {"zip", "enumerate"})
        if isinstance(node.func, gast.Attribute) and node.func.attr in {"sort", "join", "extend"}:
            is_eager = True
        for each in node.args:
            self.expression(each, is_eager=is_eager)
        for each in node.keywords:
            self.expression(each.value, is_eager=is_eager)
        self.callbacks(node, path)
        if path:
            self.known(node, path)
        elif isinstance(node.func, gast.Name):
            if not isinstance(self.resolved(node.func.id), Functions):
                self.refuse(f"'{node.func.id}' is a variable")
            self.name(node.func.id)
        elif isinstance(node.func, gast.Attribute):
            self.method(node)
        else:
            self.refuse("a call of what an expression gives")

    def resolved(self, name: str) -> Functions | str | None:
        """Return what a name stands for, as `Text.resolve`."""
        if name in self.inner or (name in self.local and name not in self.chain_functions()):
            return None
        return self.text.resolve(name, self.chain)

    def path(self, function: Any) -> str:
        """Return the dotted name of what is called, or "class " and its name; "" for others."""
        root = dotted_path(function)[:1]
        if not root or not isinstance(self.resolved(root[0]), str):
            return ""
        found = path_of(function, self.text, self.chain)
        is_method = len(dotted_path(function)) > 1 and root[0] not in self.text.imports
        return "" if is_method else found

    def known(self, node: Any, path: str) -> None:
        """Check a call of a builtin, of a function of a module, or of a class."""
        if path.startswith("class "):
            self.construct(path.removeprefix("class "))
        elif path == "collections.defaultdict":
            made = [each.id for each in node.args[:1] if isinstance(each, gast.Name)]
            if node.args and (not made or self.resolved(made[0]) not in _DEFAULTS):
                self.refuse("a default that runs code")
        elif path not in PURE and path not in BUILTINS:
            self.refuse(f"'{path}' may do anything")
        elif path == "type" and len(node.args) != 1:
            self.refuse("it makes a class")

    def callbacks(self, node: Any, path: str) -> None:
        """Check what a call of a known function calls in turn."""
        if path in CALL_FIRST and node.args:
            position = 1 if path == "itertools.accumulate" else 0
            for each in node.args[position : position + 1]:
                self.callback(each)
        for each in node.keywords:
            if each.arg in {"key", "func", "default_factory"}:
                self.callback(each.value)
            elif each.arg is None and path and not path.startswith("class "):
                self.refuse("keyword arguments that are not spelt out")

    def callback(self, node: Any) -> None:
        """Check a function that is passed on to be called."""
        if isinstance(node, gast.Constant | gast.Lambda):
            return  # a lambda was looked into where it stands
        found = self.path(node)
        if found.startswith("class "):
            self.construct(found.removeprefix("class "))
        elif found in PURE or found in BUILTINS:
            pass
        elif isinstance(node, gast.Name) and isinstance(self.resolved(node.id), Functions):
            self.name(node.id)
        elif isinstance(node, gast.Call) and self.path(node.func) in _ITEM_GETTERS:
            pass
        elif not self.is_method_of_str(node):
            self.refuse("a function that is not known")

    def is_method_of_str(self, node: Any) -> bool:
        path = dotted_path(node)
        return len(path) == 2 and self.resolved(path[0]) == path[0] == "str" and path[1] in METHODS

    def method(self, node: Any) -> None:
        """Check a call of a method of some object."""
        name, base = node.func.attr, node.func.value
        if name.startswith("__") or name in self.text.stored or name in self.text.opaque:
            self.refuse(f"method '{name}'")
        if name in self.text.methods and name not in MUTATORS:
            self.calls += [Called(each, ()) for each in self.text.methods[name]]
            self.expression(base)
        elif name in MUTATORS and isinstance(base, gast.Name):
            if self.level(base) < 1:
                self.refuse(f"method '{name}' of what may be somebody else's")
        elif name in METHODS or self.is_as_of_str(node, name):
            self.expression(base)
        else:
            self.refuse(f"method '{name}'")

    def is_as_of_str(self, node: Any, name: str) -> bool:
        """Return whether a method is called as that of a string, or of a dict, would be."""
        if len(node.args) not in SOME_METHODS.get(name, ()) or node.keywords:
            return False
        constants = [isinstance(each, gast.Constant) for each in node.args]
        if name == "split":
            return all(constants)
        return name != "get" or not (constants[0] and isinstance(node.args[0].value, bool))

    def construct(self, name: str) -> None:
        """Check that an object of a class of the text is made."""
        node = self.text.classes[name]
        is_data = False
        for each in node.decorator_list:
            function = each.func if isinstance(each, gast.Call) else each
            if path_of(function, self.text, ()) != "dataclasses.dataclass":
                self.refuse("a class that is decorated")
            is_data = True
        if (
            any(self.resolved(getattr(each, "id", "")) != "object" for each in node.bases)
            or node.keywords
        ):
            self.refuse("a class with others above it")
        own = {each.name: each for each in node.body if isinstance(each, gast.FunctionDef)}
        if {"__new__", "__post_init__"} & own.keys() or {
            "__setattr__", "__set__"
        } & self.text.special_names:  # fmt: skip
            self.refuse("a class that takes part in making its objects")
        if is_data and not all(_is_plain_field(each) for each in node.body):
            self.refuse("a field that runs code")
        if "__init__" in own:
            self.calls.append(Called(own["__init__"], (), makes_object=True))


def _is_plain_field(node: Any) -> bool:
    match node:
        case gast.AnnAssign(value=gast.Call(func=gast.Name(id="field"), args=[], keywords=[each])):
            return each.arg == "default_factory" and getattr(each.value, "id", "") in _DEFAULTS
        case gast.AnnAssign() | gast.Assign():
            return node.value is None or isinstance(node.value, gast.Constant)
    return True
