"""Find loops that compute each of their values by itself, of whatever objects these are made.

Before:  table = {}                    After:  the loop is a map: its values may be computed in any
         for p in ps:                          order, and stored in this one
             table[p] = simulate(p)

Each iteration binds what it reads, calls nothing that has an effect (`purity`), and puts its
values into lists, dicts, sets or arrays that nothing can reach but the name that the loop uses:
they are made before it, in the same block or one around it, and what happens to them in between is
no more than being filled. Cole, Algorithmic Skeletons, 1989, calls this a map; Pottenger and
Eigenmann, Idiom Recognition in the Polaris Parallelizing Compiler, ICS 1995, look for it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gast

from ..model.source import MODULE, SourceFunction, Span
from . import names
from .definitions import file_of, span_of
from .effects import HasEffectError
from .freshness import makes_container
from .pure_names import COLLECTING
from .pure_text import Chain, Scope, Text, bindings_in, scope_of, text_of
from .purity import Checked, reads_of

_COMPREHENSIONS = (gast.ListComp, gast.SetComp, gast.DictComp)
_LOOPS = (gast.For, gast.While, gast.AsyncFor)
# What a loop may run over besides: it is asked for once, or gives rows in their order.
_SOURCES = frozenset(
    ("tqdm.tqdm", "tqdm.trange", "tqdm.notebook.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.trange",
     "os.listdir", "glob.glob", "numpy.ndenumerate", "numpy.ndindex", "numpy.nditer")
)  # fmt: skip
_COUNTING = frozenset(("range", "len", "enumerate", "zip", "reversed"))
_ROWS = frozenset(("iterrows", "itertuples", "groupby", "iteritems"))


class _Place(NamedTuple):
    """A statement in a block; the last one of several, each within the one before, is meant."""

    block: list[Any]
    position: int

    @property
    def node(self) -> Any:
        return self.block[self.position]


def find_pure_maps(source: SourceFunction, wanted: frozenset[Span]) -> frozenset[Span]:
    """Return those of the `wanted` loops and comprehensions of a function that are maps.

    The text must be whole: what it shows of classes and modules is believed.
    """
    is_whole = source.known_names is None or source.qualified_name == MODULE
    if not wanted or not is_whole:
        return frozenset()
    text = text_of(source.text.text)
    if not text.is_closed:
        return frozenset()
    file = file_of(source.text.text)
    if source.qualified_name == MODULE:
        body = file.tree.body
        chain: Chain = ()
    else:
        found = file.definitions.get((source.qualified_name, source.line))
        if found is None:
            return frozenset()
        body = found.node.body
        chain = _chain((*found.around, found.node), text)
    search = _Search(text=text, chain=chain)
    return frozenset(
        span
        for path, node in _loops(body, ())
        if (span := span_of(node)) in wanted and search.is_map(node, path)
    )


def _chain(nodes: tuple[Any, ...], text: Text) -> Chain:
    found: list[Scope] = [scope_of(node, text) for node in nodes]
    return tuple(found)


def _loops(body: list[Any], path: tuple[_Place, ...]) -> Iterator[tuple[tuple[_Place, ...], Any]]:
    """Yield each loop and outermost comprehension of a block, and the way to its statement."""
    for position, node in enumerate(body):
        here = (*path, _Place(body, position))
        if isinstance(node, gast.For):
            yield here, node
        yield from ((here, each) for each in names.comprehensions(node))
        if not isinstance(node, gast.FunctionDef | gast.AsyncFunctionDef | gast.ClassDef):
            for inner in names.blocks(node):
                yield from _loops(inner, here)


class _Search(NamedTuple):
    """What is known while the loops of one function are looked at."""

    text: Text
    chain: Chain

    def is_map(self, node: Any, path: tuple[_Place, ...]) -> bool:
        """Return whether a loop or a comprehension computes its values one by one."""
        is_loop = isinstance(node, gast.For)
        if not is_loop and not isinstance(node, _COMPREHENSIONS):
            return False
        if is_loop and node.orelse:
            return False
        bound = frozenset(_bound_in(node))
        filled = {name for name in _filled_in(node) if name not in bound} if is_loop else set()
        if is_loop and not (filled and all(self.is_own(name, path) for name in filled)):
            return False
        checked = _Iteration(self.text, self.chain, bound, [node] if is_loop else [])
        checked.filled = frozenset(filled)
        try:
            checked.whole(node)
        except HasEffectError:
            return False
        reads = reads_of(tuple(checked.calls), self.text) if _has_calls(node) else None
        return reads is not None and reads.isdisjoint(bound | filled)

    def is_own(self, name: str, path: tuple[_Place, ...]) -> bool:
        """Return whether nothing but `name` reaches the container that it holds at a loop."""
        if name in self.text.free or (self.chain and name not in self.chain[-1].bound):
            return False
        for place in reversed(path):
            for node in reversed(place.block[: place.position]):
                if self.makes(name, node):
                    return True
                if _escapes(name, node) or _binds(name, node):
                    return False
            around = next((each for each in reversed(path) if _is_around(each, place)), None)
            if around is None:
                return False
            headers = [e for e in names.children(around.node) if not isinstance(e, gast.stmt)]
            whole = [around.node] if isinstance(around.node, _LOOPS) else headers
            if any(_escapes(name, each) for each in whole):
                return False
        return False

    def makes(self, name: str, node: Any) -> bool:
        """Return whether a statement binds a name to a new container that nothing else has."""
        value = getattr(node, "value", None)
        match node:
            case (
                gast.Assign(targets=[gast.Name(id=found)])
                | gast.AnnAssign(target=gast.Name(id=found))
            ):
                pass
            case gast.Assign(targets=[gast.Tuple(elts=targets)], value=gast.Tuple(elts=values)):
                pairs = [
                    made
                    for target, made in zip(targets, values, strict=False)
                    if isinstance(target, gast.Name) and target.id == name
                ]
                is_plain = not any(isinstance(e, gast.Starred) for e in (*targets, *values))
                if len(pairs) != 1 or len(targets) != len(values) or not is_plain:
                    return False
                found, value = name, pairs[0]
            case _:
                return False
        return found == name and value is not None and makes_container(value, self.text, self.chain)


class _Iteration(Checked):
    """Checks one iteration of a loop; what it binds must be bound in it before it is read."""

    filled: frozenset[str] = frozenset()  # containers that take the values
    assigned: frozenset[str] = frozenset()
    depth = 0  # of the loops around, in the iteration

    def whole(self, node: Any) -> None:
        """Check a loop or a comprehension."""
        local, self.local = self.local, frozenset()
        if isinstance(node, gast.For):
            self.source(node.iter)
            self.local = local
            self.bind(node.target)
            self.block(node.body)
        else:
            self.source(node.generators[0].iter)
            if any(isinstance(each, gast.NamedExpr) for each in names.walk(node)):
                self.refuse("a name that a comprehension leaves behind")
            self.comprehension(node)

    def source(self, node: Any) -> None:
        """Check what a loop runs over."""
        if isinstance(node, gast.Call):
            is_rows = isinstance(node.func, gast.Attribute) and node.func.attr in _ROWS
            if self.path(node.func) in _SOURCES or (is_rows and not self.path(node.func)):
                inner = [node.func.value] if is_rows else []
                for each in (*inner, *node.args, *(k.value for k in node.keywords)):
                    self.source(each)
                return
        self.expression(node, is_eager=True)

    def name(self, name: str) -> None:
        if name not in self.inner and name in self.filled:
            self.refuse(f"it reads '{name}'")
        if name in self.local and name not in self.inner and name not in self.assigned:
            self.refuse(f"'{name}' is of the iteration before")
        super().name(name)

    def later(self, node: Any, *, is_eager: bool) -> None:
        inside = {each.id for each in names.walk(node) if isinstance(each, gast.Name)}
        if not is_eager and inside & (self.local | {*self.inner}):
            self.refuse("what runs later sees the variables of the last iteration")

    # ------------------------------------------------------------------ statements

    def statement(self, node: Any) -> bool:
        match node:
            case gast.Expr(
                value=gast.Call(func=gast.Attribute(value=gast.Name(id=name), attr=attr))
            ) if name in self.filled and attr in COLLECTING:
                for each in (*node.value.args, *(k.value for k in node.value.keywords)):
                    self.expression(each, is_eager=attr in {"extend", "update"})
                return True
            case gast.Return() | gast.FunctionDef():
                self.refuse("it is left early")
            case gast.Break() if not self.depth:
                self.refuse("it is left early")
        return super().statement(node)

    def either(self, body: list[Any], orelse: list[Any]) -> bool:
        before = self.assigned
        first = self.block(body)
        after, self.assigned = self.assigned, before
        second = self.block(orelse)
        if first and second:
            self.assigned &= after
        elif first:
            self.assigned = after
        return first or second

    def loop(self, node: Any) -> None:
        before = self.assigned
        if isinstance(node, gast.For):
            self.bind(node.target)
        self.depth += 1
        self.block(node.body)
        self.depth -= 1
        self.assigned = before
        self.block(node.orelse)
        self.assigned = before

    def attempt(self, node: Any) -> None:
        before = self.assigned
        falls = self.block(node.body) and self.block(node.orelse)
        ends = [self.assigned] if falls else []
        for each in node.handlers:
            self.assigned = before
            self.optional(each.type)
            caught = {each.name.id} if isinstance(each.name, gast.Name) else frozenset[str]()
            self.assigned |= caught
            if self.block(each.body):
                ends.append(self.assigned - caught)  # unbound after its branch
        self.assigned = before
        self.block(node.finalbody)
        self.assigned |= frozenset.intersection(*ends) if ends else before

    def bind(self, target: Any) -> None:
        super().bind(target)
        if isinstance(target, gast.Name):
            self.assigned |= {target.id}

    def store(self, target: Any) -> None:
        if isinstance(target.value, gast.Name) and target.value.id in self.filled:
            self.expression(target.slice)
        else:
            super().store(target)

    def parts(self, node: Any) -> None:
        """Check the parts of an expression; what only some paths bind is not bound."""
        before = self.assigned
        super().parts(node)
        if isinstance(node, gast.BoolOp | gast.IfExp | gast.Compare):
            self.assigned = before

    def leave(self, node: Any) -> bool:
        if isinstance(node, gast.Delete):
            self.refuse("it unbinds a name")
        return super().leave(node)


def _bound_in(node: Any) -> Iterator[str]:
    """Yield the names of the scope around that a loop binds; of a comprehension, its own."""
    if not isinstance(node, gast.For):
        return
    for each in bindings_in([node]):
        yield from names.bindings(each)


def _has_calls(node: Any) -> bool:
    """Return whether an iteration calls something, filling and counting aside."""
    if isinstance(node, gast.For):
        parts = node.body
    else:
        values = (node.key, node.value) if isinstance(node, gast.DictComp) else (node.elt,)
        tests = [each for generator in node.generators for each in generator.ifs]
        parts = [*values, *tests, *(each.iter for each in node.generators[1:])]
    return any(
        isinstance(each, gast.Call)
        and getattr(each.func, "id", getattr(each.func, "attr", "")) not in _COUNTING | COLLECTING
        for part in parts
        for each in names.walk(part)
    )


def _filled_in(node: Any) -> Iterator[str]:
    """Yield the names of what a loop stores into or appends to."""
    for each in names.walk(node):
        match each:
            case gast.Expr(
                value=gast.Call(func=gast.Attribute(value=gast.Name(id=name), attr=attr))
            ) if attr in COLLECTING:
                yield name
            case gast.Subscript(value=gast.Name(id=name), ctx=gast.Store()):
                yield name
            case _:
                pass


def _escapes(name: str, node: Any) -> bool:
    """Return whether a statement does more with what `name` holds than fill it."""
    allowed: set[int] = set()
    for each in names.walk(node):
        match each:
            case gast.Expr(
                value=gast.Call(func=gast.Attribute(value=gast.Name() as base, attr=attr))
            ) if attr in COLLECTING:
                allowed.add(id(base))
            case gast.Subscript(value=gast.Name() as base, ctx=gast.Store()):
                allowed.add(id(base))
            case gast.Call(func=gast.Name(id="len" | "print"), args=[gast.Name() as base]):
                allowed.add(id(base))
            case _:
                pass
    return any(
        isinstance(each, gast.Name)
        and each.id == name
        and isinstance(each.ctx, gast.Load)
        and id(each) not in allowed
        for each in names.walk(node)
    )


def _binds(name: str, node: Any) -> bool:
    return any(name in names.bindings(each) for each in bindings_in([node]))


def _is_around(place: _Place, inner: _Place) -> bool:
    """Return whether the block of `inner` lies directly in the statement of `place`."""
    return any(inner.block is each for each in names.blocks(place.node))
