"""Names of a script that nobody but its own statements at module level ever sees.

Before:  t = a * 2.0                   After:  t
         total = (t + b).sum()
         def f(): return total

A script that runs as the main program may do without what such a name is bound to once no later
statement reads it. Whoever could look names up by their words (`globals`, `exec`, a debugger, a
string with the name in it, a module that nothing is known of) keeps all of them, or that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gast

from . import names

# Who has them in a file may see each of its names, or end the program otherwise.
_LOOKERS = frozenset(
    (
        "globals", "locals", "vars", "dir", "exec", "eval", "compile", "__import__", "breakpoint",
        "__main__", "__dict__", "_getframe", "currentframe", "modules", "settrace",
        "setprofile", "excepthook", "atexit", "inspect", "pdb", "code", "importlib", "runpy",
        "IPython", "numexpr", "duckdb", "query", "evaluate", "embed", "interact", "gc", "weakref",
        "getrefcount", "__globals__", "f_globals", "f_locals", "tb_frame", "f_back",
        "_current_frames", "__builtins__", "get_objects", "get_referrers", "get_type_hints",
    )
)  # fmt: skip
# Packages that look no names of the main program up. Others may: modules of the user's own that
# import `__main__`, packages that keep a session.
_DISCREET = frozenset(
    (
        "__future__", "argparse", "autopar", "bisect", "cmath", "collections", "contextlib",
        "copy", "csv", "dataclasses", "datetime", "decimal", "enum", "fractions",
        "functools", "glob", "h5py", "heapq", "io", "itertools", "json", "logging", "math",
        "matplotlib", "numba", "numpy", "operator", "os", "pandas", "pathlib", "pickle",
        "platform", "random", "re", "scipy", "shutil", "signal", "statistics", "string",
        "struct", "sys", "tempfile", "textwrap", "threading", "time", "timeit", "tqdm",
        "typing", "warnings",
    )
)  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w*")
_SCOPES = (
    gast.FunctionDef, gast.AsyncFunctionDef, gast.ClassDef, gast.Lambda, gast.ListComp,
    gast.SetComp, gast.DictComp, gast.GeneratorExp,
)  # fmt: skip


def unseen_names(module: Any) -> frozenset[str]:
    """Return the names that statements of a module assign and nothing else can see."""
    mentioned: set[str] = set()
    assigned: set[str] = set()
    for node in names.walk(module):
        if not _LOOKERS.isdisjoint(_words_of(node)):
            return frozenset()
        if isinstance(node, _SCOPES):
            mentioned |= {each.id for each in names.walk(node) if isinstance(each, gast.Name)}
        elif isinstance(node, gast.Constant) and isinstance(node.value, str):
            mentioned |= set(_WORD.findall(node.value))
        elif isinstance(node, gast.Delete):
            mentioned |= {each.id for each in names.walk(node) if isinstance(each, gast.Name)}
        elif isinstance(node, gast.Assign):
            assigned |= {each.id for each in node.targets if isinstance(each, gast.Name)}
    return frozenset(each for each in assigned - mentioned if not each.startswith("__"))


def _words_of(node: Any) -> Iterator[str]:
    """Yield the words by which a node names something: a part of a dotted name is one."""
    match node:
        case gast.Name(id=name):
            yield name
        case gast.Attribute(attr=name):
            yield name
        case gast.Import(names=found):
            for each in found:
                yield from _parts(each.name)
        case gast.ImportFrom(module=module, names=found, level=level):
            yield from _parts("." * (level or 0) + (module or ""))
            for each in found:
                # What `import *` brings is not known.
                yield "globals" if each.name == "*" else each.name


def _parts(module: str) -> Iterator[str]:
    """Yield the parts of the name of a module, and a looker's where nobody knows what it does."""
    first, *others = module.split(".")
    yield from (first, *others)
    if first not in _DISCREET:
        yield "globals"
