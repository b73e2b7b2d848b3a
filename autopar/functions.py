"""From a function object to the text it was compiled from.

Before:  a function, as a decorator receives it
After:   `SourceFunction`: the text of its file or cell, its line, and what its outer names mean

Nothing is believed on the file's word: the text is compiled again, and the code of the
definition found there must be the code of the function. A file that was edited after the
import, a function made by `exec` under a borrowed file name and a lambda are all refused.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import inspect
import linecache
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Literal, NamedTuple, TypeAlias, cast

from autopar.analysis.model.diagnostics import Refusal
from autopar.analysis.model.source import SourceFunction, SourceText, Span
from autopar.analysis.passes.names import BARS, HELPER, is_of_bars
from autopar.analysis.passes.reasons import SourceUnavailable

FUTURE_FLAGS = functools.reduce(
    int.__or__,
    (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names),
)
SUSPENDING_FLAGS = (
    inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)
KNOWN_MODULES = ("math", "cmath", "numpy", "itertools", "numpy.linalg")
KNOWN_BUILTINS = (
    "range",
    "len",
    "abs",
    "min",
    "max",
    "int",
    "float",
    "bool",
    "enumerate",
    "zip",
    "reversed",
    "sum",
    "any",
    "all",
    "pow",
    "divmod",
    "complex",
    "round",
    "list",
    "set",
    "sorted",
    "tuple",
)

# What decides what a function of the user computes.
PARTS = ("__code__", "__defaults__", "__kwdefaults__")

Namespace: TypeAlias = Literal["closure", "global", "builtin", "attribute"]


class Binding(NamedTuple):
    """What a name of a function is bound to, and where the name was found."""

    kind: Namespace
    name: str  # "np", or dotted for an attribute of a module: "np.exp"
    value: object


class Entry(NamedTuple):
    """An entry of a namespace, and the object it must have; None: it must not be there."""

    namespace: dict[str, object]
    name: str
    expected: object | None


# ----------------------------------------------------------------------------- the source


def read_source(function: object, text: SourceText | None = None) -> SourceFunction | Refusal:
    """Return where `function` stands in its source text, or why that cannot be known.

    Looks through `linecache`, which knows files, zipped modules, notebook cells and running
    doctests. With `text` the caller vouches that `function` was compiled from it, and neither
    the search nor the comparison with the compiled text takes place.
    """
    if not isinstance(function, FunctionType):
        return _refusal(function, _foreign(function))
    code = function.__code__
    if code.co_name == "<lambda>":
        return _refusal(function, "it is a lambda; only 'def' functions are analysed")
    if code.co_flags & SUSPENDING_FLAGS:
        return _refusal(function, f"it is {_suspending(code)}, which runs in pieces")
    found = text or find_text(function)
    if found is None:
        return _refusal(function, f"no source text is known for '{code.co_filename}'")
    line = definition_line(code, found, compare=text is None)
    if line is None:
        return _refusal(
            function,
            f"the file has changed since: the text of '{code.co_filename}' is not what the "
            "function was compiled from",
        )
    return SourceFunction(
        text=found,
        qualified_name=code.co_qualname,
        line=line,
        known_names=known_names(function, found),
    )


def _foreign(function: object) -> str:
    """Return what `function`, which is no Python function, is."""
    match function:
        case type():
            return "it is a class; decorate its methods"
        case functools.partial():
            return "it is a functools.partial object; decorate the function in it"
        case MethodType():
            return "it is a bound method; decorate the function in its class"
        case staticmethod() | classmethod():
            kind = type(function).__name__
            return f"it is a {kind} object; put the decorator below @{kind}"
        case BuiltinFunctionType():
            return "it is written in C"
        case _:
            return f"it is a {type(function).__name__} object, not a Python function"


def _suspending(code: CodeType) -> str:
    """Return the kind of function whose frame `code` suspends."""
    if code.co_flags & inspect.CO_ASYNC_GENERATOR:
        return "an asynchronous generator"
    if code.co_flags & inspect.CO_GENERATOR:
        return "a generator"
    return "a coroutine"


def _refusal(function: object, detail: str) -> Refusal:
    """Return AP101 for `function`, at its first line where it has one."""
    code = getattr(function, "__code__", None)
    line = code.co_firstlineno if isinstance(code, CodeType) else 1
    name = getattr(function, "__qualname__", None)
    reason = SourceUnavailable(
        span=Span(line=line, column=0, end_line=line, end_column=0),
        name=name if isinstance(name, str) else type(function).__name__,
        detail=detail,
    )
    return Refusal(reasons=(reason,))


def find_text(function: FunctionType) -> SourceText | None:
    """Return the text that `function` claims to come from, as it is now."""
    path = function.__code__.co_filename
    linecache.checkcache(path)
    lines = linecache.getlines(path, function.__globals__)
    return SourceText(path=path, text="".join(lines), cell=None) if lines else None


# ------------------------------------------------------------------- is it the same text?


def definition_line(code: CodeType, text: SourceText, *, compare: bool) -> int | None:
    """Return the line of the `def` that `code` was compiled from; None if it is not there.

    Or that of the `lambda`, where no other function begins on that line.
    """
    try:
        tree, module = _compile(text.text, code.co_filename, code.co_flags & FUTURE_FLAGS)
    except (SyntaxError, ValueError):  # ValueError: a null byte
        return None
    if compare and not any(_same_code(code, other) for other in _walk_code(module)):
        return None
    if code.co_name == "<lambda>":
        begin = [
            node for node in ast.walk(tree) if getattr(node, "lineno", 0) == code.co_firstlineno
        ]
        functions = [node for node in begin if isinstance(node, _FUNCTIONS)]
        return code.co_firstlineno if len(functions) == 1 else None
    lines = (
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.name == code.co_name
        and _first_line(node) == code.co_firstlineno
    )
    return next(lines, None)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@functools.lru_cache(maxsize=4)  # a module with many decorated functions is compiled once
def _compile(text: str, path: str, flags: int) -> tuple[ast.Module, CodeType]:
    """Return tree and code of a whole file under the future features of `flags`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has seen them when the file was compiled
        parsed = compile(text, path, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        assert isinstance(parsed, ast.Module)
        return parsed, compile(parsed, path, "exec", flags, dont_inherit=True)


def _first_line(node: ast.FunctionDef) -> int:
    """Return the line that the code of `node` calls its first: its first decorator's, if any."""
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno


def _walk_code(code: CodeType) -> Iterator[CodeType]:
    """Yield `code` and the code of everything defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk_code(constant)


def _same_code(one: CodeType, two: CodeType) -> bool:
    """Return whether the two do the same on the same lines.

    `==` of code objects will not do: it compares columns, which `-X no_debug_ranges` drops.
    """
    return (
        _shape(one) == _shape(two)
        and len(one.co_consts) == len(two.co_consts)
        and list(one.co_lines()) == list(two.co_lines())
        and all(map(_same_constant, one.co_consts, two.co_consts))
    )


def _shape(code: CodeType) -> tuple[object, ...]:
    """Return everything of `code` that `==` compares rightly."""
    return (
        code.co_qualname,
        code.co_firstlineno,
        code.co_code,
        code.co_exceptiontable,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_names,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
    )


def _same_constant(one: object, two: object) -> bool:
    """Return whether two constants are the same, 0.0 told from -0.0 and 1 from True."""
    if isinstance(one, CodeType) and isinstance(two, CodeType):
        return _same_code(one, two)
    if isinstance(one, tuple) and isinstance(two, tuple):
        return len(one) == len(two) and all(map(_same_constant, one, two))
    if isinstance(one, frozenset) and isinstance(two, frozenset):
        return sorted(map(repr, one)) == sorted(map(repr, two))
    return type(one) is type(two) and repr(one) == repr(two)


# ----------------------------------------------------------- what the outer names mean now


def known_names(function: FunctionType, text: SourceText) -> tuple[tuple[str, str], ...]:
    """Return (name, canonical name) of each outer name of `function` that autopar knows, sorted.

    Canonical are `range`, `math`, `math.sqrt`, `numpy.sqrt` and their like, and `def 12` for a
    function of the same `text`, whose outer names are listed too. An attribute of the same name
    as a global is listed with it, which is true all the same.
    """
    found: dict[str, str] = {}
    waiting = [function.__code__]
    while waiting:
        for binding in identity_guards(function, sorted(mentioned_names(waiting.pop()))):
            meaning = meaning_of(binding.value, function, text) or _bar(binding)
            if meaning is None or binding.name in found:
                continue
            found[binding.name] = meaning
            if isinstance(binding.value, FunctionType) and meaning.startswith(HELPER):
                waiting.append(binding.value.__code__)
    return tuple(sorted(found.items()))


def _bar(binding: Binding) -> str | None:
    """Return what a progress bar is known as whose name does not show that it is one."""
    value = binding.value
    if not isinstance(value, type | FunctionType) or not is_of_bars(value.__module__):
        return None
    known = {"tqdm_asyncio": "tqdm", "tarange": "trange"}.get(value.__name__, value.__name__)
    return None if known == binding.name.rpartition(".")[2] else f"{BARS}{known}"


def mentioned_names(code: CodeType) -> frozenset[str]:
    """Return the outer names and the attributes that `code` mentions, at any depth."""
    return frozenset(
        name for each in _walk_code(code) for name in (*each.co_names, *each.co_freevars)
    )


def meaning_of(value: object, function: FunctionType, text: SourceText) -> str | None:
    """Return the canonical name of `value`, one of the outer names of `function` in `text`."""
    if not isinstance(value, FunctionType):
        return canonical_name(value)
    code = value.__code__
    is_near = (
        value.__globals__ is function.__globals__
        and code.co_filename == function.__code__.co_filename
        and code.co_qualname == code.co_name
        and "<locals>" not in function.__code__.co_qualname
        and not code.co_freevars
        and not code.co_flags & SUSPENDING_FLAGS
    )
    if not is_near:
        return canonical_name(value)
    line = definition_line(code, text, compare=False)
    if line is None or not has_own_defaults(value, line, text):
        return None
    return f"{HELPER}{line}"


def has_own_defaults(function: FunctionType, line: int, text: SourceText) -> bool:
    """Return whether the literal defaults in the text are what the function has."""
    tree, _ = _compile(text.text, function.__code__.co_filename, 0)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and node.lineno == line:
            keywords = function.__kwdefaults__ or {}
            own = [*(function.__defaults__ or ()), *keywords.values()]
            named = [
                each
                for argument, each in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                if argument.arg in keywords
            ]
            written = [*node.args.defaults, *(each for each in named if each is not None)]
            return len(own) == len(written) and all(map(_may_be, written, own))
    return False


def _may_be(written: ast.expr, value: object) -> bool:
    """Return whether a default that is a literal has that value."""
    try:
        literal = ast.literal_eval(written)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return True  # no literal: nobody takes it for one
    return type(literal) is type(value) and repr(literal) == repr(value)


def canonical_name(value: object) -> str | None:
    """Return the canonical name of `value`; None for what autopar does not know."""
    for name in KNOWN_BUILTINS:
        if getattr(builtins, name) is value:
            return name
    for name in KNOWN_MODULES:
        module = sys.modules.get(name)
        if not isinstance(module, ModuleType):  # not imported: no name can be bound to it
            continue
        if value is module:
            return name
        known = _functions_of(module, name).get(id(value))
        if known is not None:
            return known[0]
    return None


@functools.cache
def _functions_of(module: ModuleType, prefix: str) -> dict[int, tuple[str, object]]:
    """Return {identity: (canonical name, itself)} of the functions and types of `module`.

    The values are kept, or an identity could come to mean something else.
    """
    own = [(name, value) for name, value in vars(module).items() if _is_native(value, prefix)]
    # numpy.abs is numpy.absolute: the object's own word decides between its names.
    own.sort(key=lambda item: (getattr(item[1], "__name__", None) == item[0], item[0]))
    return {id(value): (f"{prefix}.{name}", value) for name, value in own}


def _is_native(value: object, package: str) -> bool:
    """Return whether `value` is a function or type of `package`, and not put there by others."""
    if isinstance(value, FunctionType):
        return value.__module__.partition(".")[0] == package
    shared = getattr(builtins, getattr(value, "__name__", ""), None) is value
    return callable(value) and not shared


# -------------------------------------------------------------------- and at a later call?


def identity_guards(function: FunctionType, names: Iterable[str]) -> tuple[Binding, ...]:
    """Return what each of `names` is bound to outside `function`, now.

    Local and unbound names are left out. `np.exp` is an attribute of what `np` is bound to,
    followed only where that is a module.
    """
    found = (_find_binding(function, name) for name in names)
    return tuple(binding for binding in found if binding is not None)


def _find_binding(function: FunctionType, name: str) -> Binding | None:
    """Return the binding of `name` as the code of `function` would find it."""
    code = function.__code__
    base, dot, attribute = name.rpartition(".")
    if dot:
        owner = _find_binding(function, base)
        if owner is not None and attribute in PARTS and isinstance(owner.value, FunctionType):
            return Binding("attribute", name, getattr(owner.value, attribute))
        if owner is None or not isinstance(owner.value, ModuleType):
            return None
        content = vars(owner.value)
        return Binding("attribute", name, content[attribute]) if attribute in content else None
    if name in code.co_freevars:
        cell = (function.__closure__ or ())[code.co_freevars.index(name)]
        try:
            return Binding("closure", name, cell.cell_contents)
        except ValueError:  # an empty cell
            return None
    if name in code.co_varnames or name in code.co_cellvars:
        return None
    if name in function.__globals__:
        return Binding("global", name, function.__globals__[name])
    inherited: dict[str, object] = cast("Any", function).__builtins__
    if name in inherited:
        return Binding("builtin", name, inherited[name])
    return None


def watch_bindings(function: FunctionType, bindings: Iterable[Binding]) -> Callable[[], bool]:
    """Return `bindings_hold() -> bool`: is every name still bound to the same object?

    The check is compiled into the namespaces of `function`, its closure included, so that a
    name costs what it costs there: a few nanoseconds.
    """
    watched = tuple(bindings)
    free = [name for name in function.__code__.co_freevars if _is_watched(name, watched)]
    expected = _fresh_names(len(watched) + 1, {binding.name for binding in watched})
    # A module before its attributes: `np.exp` is looked up only when `np` is known to be NumPy.
    pairs = sorted(zip(watched, expected, strict=False), key=lambda pair: pair[0].name.count("."))
    tests = " and ".join(f"{binding.name} is {name}" for binding, name in pairs) or "True"
    source = (
        f"def closure({', '.join(free)}):\n"
        f"    def bindings_hold({', '.join(expected)}):\n"
        f"        try: return {tests}\n"
        f"        except {expected[-1]}: return False\n"
    )
    module = compile(source, "<autopar bindings>", "exec", dont_inherit=True)
    code = next(code for code in _walk_code(module) if code.co_name == "bindings_hold")
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    # The expected objects are defaults: read as fast as a local, never looked up by name.
    defaults = (*(binding.value for binding in watched), (NameError, AttributeError))
    closure = tuple(cells[name] for name in code.co_freevars)
    hold = FunctionType(code, function.__globals__, "bindings_hold", defaults, closure)
    hold.__dict__["entries"] = _entries(function, watched)
    return hold


def watched_entries(bindings_hold: Callable[[], bool]) -> tuple[Entry, ...] | None:
    """Return what `bindings_hold` looks at; None where that is more than entries of namespaces."""
    found: tuple[Entry, ...] | None = getattr(bindings_hold, "entries", None)
    return found


def _entries(function: FunctionType, watched: tuple[Binding, ...]) -> tuple[Entry, ...] | None:
    """Return the entries of namespaces that bind all of `watched`."""
    found: list[Entry] = []
    inherited: dict[str, object] = cast("Any", function).__builtins__
    for kind, name, value in watched:
        base, _, attribute = name.rpartition(".")
        owner = _find_binding(function, base) if base else None
        match kind:
            case "global":
                found.append(Entry(function.__globals__, name, value))
            case "builtin":
                found += Entry(function.__globals__, name, None), Entry(inherited, name, value)
            case "attribute" if owner is not None and isinstance(owner.value, ModuleType):
                found.append(Entry(vars(owner.value), attribute, value))
            case _:
                return None
    return tuple(found)


def _is_watched(name: str, watched: tuple[Binding, ...]) -> bool:
    """Return whether `name` is watched, itself or as the module of an attribute."""
    return any(binding.name.partition(".")[0] == name for binding in watched)


def _fresh_names(count: int, taken: set[str]) -> list[str]:
    """Return `count` names that do not occur in `taken`."""
    roots = {name.partition(".")[0] for name in taken}
    prefix = "expected_"
    while any(name.startswith(prefix) for name in roots):
        prefix = "_" + prefix
    return [f"{prefix}{number}" for number in range(count)]
