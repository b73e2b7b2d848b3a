"""A package that is loaded when something of it is first used.

Before:  islpy = Later("islpy")          nothing of islpy is loaded
After:   islpy.Set                       it is, once

Nouns are read without the packages that make them: a process that finds all it needs in the
cache loads neither isl nor a parser.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from types import ModuleType


def load(package: str) -> ModuleType:
    """Return a package, loaded if it was not; what it warns of itself is not for our users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(package)


class Later:
    """Stands for a package; each attribute is looked up there once."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __getattr__(self, name: str) -> object:
        """Return the attribute `name` of the package, which is loaded now."""
        value: object = getattr(load(self._package), name)
        setattr(self, name, value)
        return value
