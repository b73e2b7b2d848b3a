"""Names in gast trees: what they stand for, who binds them, what a statement may touch.

Helpers of the `parse` pass; they know Python's scoping rules and nothing of loops.
"""

from __future__ import annotations

import builtins
import io
import math
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.nouns import dataclass

from ..model.later import Later
from ..model.row_functions import ROW_ALIASES, ROWS
from ..model.source import SourceText, Span
from ..model.ufuncs import ALIASES, FUNCTIONS

if TYPE_CHECKING:
    import gast
else:
    gast = Later("gast")

# Functions of numbers without side effects that the model may hold. Whether a call can be
# compiled for the types at hand is decided by the typing pass.
_MATH = (
    "sqrt exp log log2 log10 log1p expm1 sin cos tan asin acos atan atan2 sinh cosh tanh "
    "fabs floor ceil trunc pow hypot copysign fmod isnan isinf isfinite degrees radians"
)
_NUMPY_TYPES = "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64"
_NUMPY = " ".join(
    (_NUMPY_TYPES, *(name.removeprefix("numpy.") for name in sorted({*FUNCTIONS, *ALIASES})))
)
LINALG = "numpy.linalg"
ITERABLES = frozenset(("numpy.ndindex", "numpy.ndenumerate", "itertools.product"))
MODELLED_FUNCTIONS = frozenset(
    ["abs", "min", "max", "int", "float", "bool", "round", "pow", "complex"]
    # What stands for attributes and methods of numbers.
    + ["real", "imag", "conjugate"]
    + [f"math.{name}" for name in _MATH.split()]
    + [f"numpy.{name}" for name in _NUMPY.split()]
)
# Functions of whole rows of arrays, under all their names.
ROW_FUNCTIONS = ROWS | ROW_ALIASES.keys()
# What takes all that a generator gives before it does anything else.
TAKE_ALL = frozenset(("list", "max", "min", "set", "sorted", "sum", "tuple"))
_BUILTINS = frozenset(
    [
        "range",
        "len",
        "enumerate",
        "zip",
        "reversed",
        "abs",
        "min",
        "max",
        "int",
        "float",
        "bool",
        "round",
        "pow",
        "divmod",
        *TAKE_ALL,
        "any",
        "all",
        "complex",
    ]
)
MATH_CONSTANTS = {
    "math.pi": math.pi, "math.e": math.e, "math.tau": math.tau, "math.inf": math.inf,
    "math.nan": math.nan, "numpy.pi": math.pi, "numpy.e": math.e, "numpy.inf": math.inf,
    "numpy.nan": math.nan,
}  # fmt: skip
# What progress bars are known as, under a name that does not show it.
BARS = "tqdm."
# What a file that is only read, not run, is taken to mean by these names.
_USUAL_MODULES = {"np": "numpy", "numpy": "numpy", "math": "math", "itertools": "itertools"}
_MODULES = frozenset(_USUAL_MODULES.values())
# Iterables that a loop may run over.
_ITERABLES = {"numpy": "ndindex ndenumerate", "itertools": "product", "math": ""}


def usual_names(tree: Any) -> dict[str, str]:
    """Return what outside names stand for at module level, as the file reads."""
    known = {name: name for name in _BUILTINS}
    known.update(_USUAL_MODULES)
    hidden = scope_of(tree.body).bound | _declared_global(tree)
    known = {name: meaning for name, meaning in known.items() if name not in hidden}
    for node in tree.body:
        known.update(_imports(node))
    known.update(_helpers(tree))
    return known


# What a function of the same text is known as: "def 12", by the line of its `def`.
HELPER = "def "
# What a function is known as while it is being looked at: it calls itself.
RECURSIVE = "def itself"


def _helpers(tree: Any) -> dict[str, str]:
    """Return the functions of module level that nothing else in the text binds."""
    counts = Counter(name for node in own_nodes(tree.body) for name in bindings(node))
    hidden = _declared_global(tree)
    return {
        name: f"{HELPER}{line}"
        for node in tree.body
        for name, line in _defined(node)
        if counts[name] == 1 and name not in hidden
    }


def _defined(node: Any) -> Iterator[tuple[str, int]]:
    """Yield the name of the function that a statement defines, and its line."""
    match node:
        case gast.FunctionDef(decorator_list=[]):
            yield node.name, node.lineno
        case gast.Assign(targets=[gast.Name(id=name)], value=gast.Lambda() as value):
            yield name, value.lineno
        case gast.AnnAssign(target=gast.Name(id=name), value=gast.Lambda() as value):
            yield name, value.lineno


def bindings(node: Any) -> Iterator[str]:
    """Yield the names that one node binds."""
    match node:
        case gast.Name(ctx=gast.Store() | gast.Del()):
            yield node.id
        case gast.FunctionDef() | gast.AsyncFunctionDef() | gast.ClassDef():
            yield node.name
        case gast.Import() | gast.ImportFrom():
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        case gast.ExceptHandler(name=gast.Name(id=name)):
            yield name
        case _:
            yield from _captured(node)


def seen_inside(known: dict[str, str], around: Sequence[Any]) -> dict[str, str]:
    """Return what is left of `known` inside the functions `around`, whose names hide it."""
    for scope in around:
        hidden = scope_of(scope.body).bound | set(argument_names(scope.args))
        known = {name: meaning for name, meaning in known.items() if name not in hidden}
    return known


def _declared_global(tree: Any) -> set[str]:
    """Return the names that some function of the file may bind at module level."""
    found = (node.names for node in walk(tree) if isinstance(node, gast.Global))
    return {name for names in found for name in names}


def _imports(node: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(node, gast.Import):
        for alias in node.names:
            if alias.name in _MODULES:
                found[alias.asname or alias.name] = alias.name
    elif isinstance(node, gast.ImportFrom) and is_of_bars(node.module) and not node.level:
        renamed = ((each.asname, each.name) for each in node.names)
        found.update((name, f"{BARS}{known}") for name, known in renamed if name is not None)
    elif isinstance(node, gast.ImportFrom) and node.module in _MODULES and not node.level:
        for alias in node.names:
            if alias.name == "*":
                found.update(_all_of(node.module))
            else:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def is_of_bars(module: str | None) -> bool:
    """Return whether a module is one of tqdm's."""
    return f"{module}.".startswith(BARS)


def _all_of(module: str) -> dict[str, str]:
    """Return what `from module import *` makes of the names that matter here."""
    own = {"math": _MATH, "numpy": f"{_NUMPY} min max round pow bool", "itertools": ""}[module]
    return {name: f"{module}.{name}" for name in f"{own} {_ITERABLES[module]}".split()}


def argument_names(arguments: Any) -> tuple[str, ...]:
    """Return the names that a function's parameters bind, in order."""
    plain = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg is not None:
        plain.append(arguments.vararg)
    plain += arguments.kwonlyargs
    if arguments.kwarg is not None:
        plain.append(arguments.kwarg)
    return tuple(each.id for each in plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names of one function body."""

    bound: frozenset[str]  # bound somewhere in the body
    shared: frozenset[str]  # other code may look at them at any time


_FRAME_READERS = frozenset(("locals", "vars", "eval", "exec", "dir", "globals", "_getframe"))


def scope_of(body: list[Any]) -> Scope:
    """Return which names a function body binds and which of them others may see."""
    bound: set[str] = set()
    shared: set[str] = set()
    sees_all = False
    for node in own_nodes(body):
        if isinstance(node, gast.Name):
            if isinstance(node.ctx, gast.Store | gast.Del):
                bound.add(node.id)
            sees_all = sees_all or node.id in _FRAME_READERS
        elif isinstance(node, gast.Constant | gast.BinOp | gast.Subscript):
            pass  # most of what there is
        elif isinstance(node, gast.Attribute):
            sees_all = sees_all or node.attr in _FRAME_READERS
        elif isinstance(node, gast.Global | gast.Nonlocal):
            shared.update(node.names)
        elif isinstance(node, _scopes()):
            shared |= _names_inside(node)
            if not isinstance(node, gast.Lambda):
                bound.add(node.name)
        elif isinstance(node, gast.GeneratorExp):
            shared |= _names_inside(node)  # runs later, whenever it is asked
        elif isinstance(node, gast.Import | gast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, gast.ExceptHandler) and node.name is not None:
            bound.add(node.name.id if isinstance(node.name, gast.Name) else node.name)
        else:
            bound |= _captured(node)
    return Scope(bound=frozenset(bound), shared=frozenset(bound if sees_all else shared))


def steady_names(body: list[Any], local: set[str] | frozenset[str]) -> frozenset[str]:
    """Return those of the `local` names of a function that nothing binds inside a loop of it."""
    changing = {
        name for loop in _outermost_loops(body) for node in walk(loop) for name in bindings(node)
    }
    return frozenset(local) - changing


def _outermost_loops(body: list[Any]) -> Iterator[Any]:
    """Yield the loops and comprehensions of a function that lie in no other of them."""
    loops = (gast.For, gast.While, gast.AsyncFor, *_comprehensions())
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, loops):
            yield node
        else:
            pending += own_children(node)


def subscripted(body: list[Any]) -> Iterator[Any]:
    """Yield what has subscripts in a function body."""
    for node in own_nodes(body):
        if isinstance(node, gast.Subscript) and key_of(node) is None:
            yield node.value


def key_of(node: Any) -> str | None:
    """Return the key of `p["dt"]`, if it could be a name; None for any other expression."""
    match node:
        case gast.Subscript(slice=gast.Constant(value=str(key))) if key.isidentifier():
            return key
    return None


@cache
def _scopes() -> tuple[Any, ...]:
    """Return the nodes that have names of their own."""
    return (gast.FunctionDef, gast.AsyncFunctionDef, gast.ClassDef, gast.Lambda)


@cache
def _comprehensions() -> tuple[Any, ...]:
    return (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)


# What these hold are no nodes, or nodes that say how their parent is meant.
_WITHOUT_NODES = frozenset(("ctx", "op", "ops", "id", "attr", "kind", "type_comment"))


_fields: dict[Any, tuple[str, ...]] = {}  # that may hold nodes, by kind of node


def children(node: Any) -> list[Any]:
    """Return the nodes directly below one, operators and contexts left out.

    As `iter_child_nodes` at a fifth of its cost.
    """
    found: list[Any] = []
    fields = _fields.get(type(node))
    if fields is None:
        fields = tuple(each for each in node._fields if each not in _WITHOUT_NODES)
        _fields[type(node)] = fields
    for name in fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [each for each in value if isinstance(each, gast.AST)]
        elif isinstance(value, gast.AST):
            found.append(value)
    return found


def walk(node: Any) -> Iterator[Any]:
    """Yield a node and all below it, in no order that means anything."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending += children(node)


def own_nodes(body: list[Any]) -> Iterator[Any]:
    """Yield the nodes that run in the function's own scope.

    Nested functions are yielded but not entered; comprehensions are entered, which
    over-approximates: their variables count as bound here too.
    """
    pending = list(body)
    while pending:
        node = pending.pop()
        yield node
        pending += own_children(node)


def own_children(node: Any) -> list[Any]:
    """Return the nodes directly below one that run in the same scope."""
    if isinstance(node, _scopes()):
        return list(getattr(node, "decorator_list", ()))
    return children(node)


def _captured(node: Any) -> set[str]:
    """Return the names that one node of a `case` pattern binds."""
    match node:
        case gast.MatchAs(name=str(name)) | gast.MatchStar(name=str(name)):
            return {name}
        case gast.MatchMapping(rest=str(name)):
            return {name}
    return set()


def _names_inside(node: Any) -> set[str]:
    return {each.id for each in walk(node) if isinstance(each, gast.Name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a statement may read and write, and surely binds, by name."""

    reads: frozenset[str]
    writes: frozenset[str]
    kills: frozenset[str]


def effects_of(node: Any) -> Effects:
    """Return the names that a statement touches; reads and writes over-approximate."""
    reads: set[str] = set()
    writes: set[str] = set()
    for each in walk(node):
        if isinstance(each, gast.Name):
            if isinstance(each.ctx, gast.Store | gast.Del):
                writes.add(each.id)
            if not isinstance(each.ctx, gast.Store):
                reads.add(each.id)  # `del` of an unbound name fails, just as reading it does
        elif isinstance(each, gast.AugAssign) and isinstance(each.target, gast.Name):
            reads.add(each.target.id)
        elif isinstance(each, gast.FunctionDef | gast.AsyncFunctionDef | gast.ClassDef):
            writes.add(each.name)
        elif isinstance(each, gast.Import | gast.ImportFrom):
            writes |= {(alias.asname or alias.name).split(".")[0] for alias in each.names}
        else:
            writes |= _captured(each)
    kills: frozenset[str] = frozenset()
    if isinstance(node, gast.Assign):
        kills = frozenset(_plain_targets(node)) - reads
    return Effects(reads=frozenset(reads), writes=frozenset(writes), kills=kills)


def _plain_targets(node: Any) -> Iterator[str]:
    for target in node.targets:
        parts = target.elts if isinstance(target, gast.Tuple | gast.List) else [target]
        for part in parts:
            if isinstance(part, gast.Name):
                yield part.id


def blocks(node: Any) -> tuple[list[Any], ...]:
    """Return the statement lists directly inside a compound statement, in source order."""
    found: list[list[Any]] = []
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        inner = getattr(node, field, None)
        if not isinstance(inner, list):
            continue
        if field in {"handlers", "cases"}:
            found += [each.body for each in inner]
        elif inner:
            found.append(inner)
    return tuple(found)


def comprehensions(node: Any) -> Iterator[Any]:
    """Yield the outermost comprehensions in the expressions of a statement itself."""
    pending = [each for each in children(node) if not isinstance(each, gast.stmt)]
    while pending:
        each = pending.pop(0)
        if isinstance(each, _comprehensions()):
            yield each
        elif not isinstance(each, gast.Lambda | gast.stmt):
            pending += children(each)


def is_deeper(node: Any, limit: int) -> bool:
    """Return whether the expressions of a statement itself have more than `limit` levels."""
    level = [node]
    for _ in range(limit):
        level = [
            each for outer in level for each in children(outer) if not isinstance(each, gast.stmt)
        ]
        if not level:
            return False
    return True


def is_array_index(node: Any) -> bool:
    """Return whether a subscript selects more than one element: a slice, `...`, `None`."""
    if isinstance(node, gast.Slice | gast.Starred | gast.List):
        return True
    return isinstance(node, gast.Constant) and not isinstance(node.value, int)


def expression_kind(node: Any) -> str:
    """Return what an expression is, in the user's words."""
    words = {
        "Attribute": "attribute",
        "Lambda": "'lambda'",
        "Tuple": "tuple",
        "List": "list",
        "Dict": "dict",
        "Set": "set",
        "JoinedStr": "formatted string",
        "NamedExpr": "':=' expression",
        "Starred": "starred expression",
        "Await": "'await'",
        "Yield": "'yield'",
        "YieldFrom": "'yield from'",
        "Constant": "constant that is not a number",
        "Subscript": "subscript",
        "Call": "call",
    }
    name = type(node).__name__
    return words.get(name, name.lower())


def without_comments(text: SourceText, span: Span) -> str:
    """Return the source that `span` covers on one line, comments dropped."""
    lines = text.text.splitlines(keepends=True)[span.line - 1 : span.end_line]
    if not lines:
        return ""
    encoded = [line.encode() for line in lines]
    encoded[-1] = encoded[-1][: span.end_column]
    encoded[0] = encoded[0][span.column :]
    source = b"".join(encoded).decode()
    try:
        comments = [
            token.string
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        ]
    except (tokenize.TokenError, IndentationError):
        # The header of a compound statement is no complete piece of Python: what was read
        # before the error is all there is, and '#' in a header is nearly always a comment.
        comments = []
        source = "\n".join(line.split(" #")[0] for line in source.splitlines())
    for comment in comments:
        source = source.replace(comment, "")
    return " ".join(source.split())


assert frozenset(dir(builtins)) >= _BUILTINS  # a misspelt name would never match
