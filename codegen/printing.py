"""The pieces of printed statements: temporaries, calls of helpers, numbers and casts as text.

Maps what a statement needs before it can be written to source lines, and remembers which
functions they call.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import TypeAlias

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.types import COMPLEX_DTYPES, FLOAT_DTYPES

Constant: TypeAlias = bool | int | float | complex


@dataclass(slots=True)
class Lines:
    """The lines printed so far for one statement, and the names they call."""

    prefix: str  # of temporaries
    is_cuda: bool
    is_fast: bool
    # Whether operations themselves tell what NumPy would warn of; else the processor does.
    tells_warnings: bool = False
    # Whether a branch costs less than operations that are hardly ever needed.
    may_branch: bool = False
    lines: list[str] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)  # of codegen.scalars
    device: set[str] = field(default_factory=set)  # of codegen.cudalib
    count: int = 0

    def helper(self, name: str, *arguments: object) -> str:
        """Return a call of a helper."""
        self.helpers.add(name)
        return f"{name}({', '.join(bare(str(argument)) for argument in arguments)})"

    def device_call(self, name: str, *arguments: str) -> str:
        """Return a call of a function of the CUDA library."""
        self.device.add(name)
        return f"{name}({', '.join(bare(argument) for argument in arguments)})"

    def temporary(self, source: str) -> str:
        """Return a fresh name that holds `source`, or `source` itself where that is a name."""
        if source.isidentifier():
            return source
        name = f"{self.prefix}{self.count}"
        self.count += 1
        self.lines.append(f"{name} = {bare(source)}")
        return name

    def own(self, source: str) -> str:
        """Return a fresh name that holds `source` and may be assigned again."""
        name = self.fresh()
        self.lines.append(f"{name} = {bare(source)}")
        return name

    def fresh(self) -> str:
        """Return a name that nothing has yet."""
        name = f"{self.prefix}{self.count}"
        self.count += 1
        return name

    def block(self, header: str, lines: tuple[str, ...]) -> None:
        """Print a compound statement."""
        self.lines += [header, *(f"    {line}" for line in lines)]

    def checked(self, name: str, *arguments: object) -> str:
        """Return a fresh name that holds the value of a helper which also returns a status."""
        value = f"{self.prefix}{self.count}"
        self.count += 1
        self.lines.append(f"{value}, {value}_failed = {self.helper(name, *arguments)}")
        self.lines.append(f"status |= {value}_failed")
        return value

    def note(self, name: str, *arguments: object) -> None:
        """Print a helper that returns a status alone."""
        self.lines.append(f"status |= {self.helper(name, *arguments)}")

    def note_warning(self, name: str, *arguments: str, value: str, dtype: str) -> None:
        """Print what tells of an operation's warnings: a value that is finite has none."""
        told = f"status |= {self.helper(name, *arguments, value)}"
        has_branch = self.may_branch and dtype in FLOAT_DTYPES
        only = f"if not abs({value}) < np.inf: " if has_branch else ""
        self.lines.append(only + told)


def bare(source: str) -> str:
    """Return `source` without a pair of parentheses around all of it."""
    if not source.startswith("("):
        return source
    depth = 0
    for position, character in enumerate(source):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return source[1:-1] if position == len(source) - 1 else source
    return source


def operand(source: str) -> str:
    """Return `source` so that it may stand beside an operator."""
    if source.isidentifier() or source.isdecimal() or (source.endswith((")", "]"))):
        return source if _is_one_term(source) else f"({source})"
    try:
        float(source)
    except ValueError:
        return f"({source})"
    return f"({source})" if source.startswith("-") else source


def _is_one_term(source: str) -> bool:
    """Return whether no operator or space stands outside the brackets of `source`."""
    depth = 0
    for character in source:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if depth == 0 and character in " +-*/%~<>&|^":
            return False
    return True


def tuple_text(words: tuple[str, ...]) -> str:
    """Return a tuple of words."""
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"


def number_text(value: Constant, dtype: str) -> str:
    """Return a constant as Python that Numba takes for exactly this dtype."""
    if dtype == "bool":
        return str(bool(value))
    if isinstance(value, complex) or dtype in COMPLEX_DTYPES:
        number = complex(value)
        parts = f"complex({_real_text(number.real)}, {_real_text(number.imag)})"
        return parts if dtype == "complex128" else f"np.{dtype}({parts})"
    if dtype in FLOAT_DTYPES:
        source = _real_text(float(value))
        return source if dtype == "float64" else f"np.{dtype}({source})"
    source = "(-9223372036854775807 - 1)" if value == -(2**63) else repr(int(value))
    return source if dtype == "int64" else f"np.{dtype}({bare(source)})"


def _real_text(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"


def cast_text(source: str, origin: str, dtype: str) -> str:
    """Return `source`, of dtype `origin`, as `dtype`: C's conversion."""
    if origin == dtype:
        return source
    if dtype == "bool":
        return f"({operand(source)} != 0)"
    inner = source.removeprefix(f"np.{origin}(").removesuffix(")")
    if dtype == "int64" and inner.isdecimal():
        return inner  # np.int64(np.int8(2)) is 2
    if dtype == "complex64" and origin != "complex128":
        source = cast_text(source, origin, "float32")
    return f"np.{dtype}({bare(source)})"
