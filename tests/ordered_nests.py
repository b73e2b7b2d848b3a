"""Nests whose loops may be given another order: drawn, drafted, run without a compiler.

Before:  for i in range(1, n): for j in range(1, m): u[i, j] = u[i - 1, j] + 0.5 * u[i, j - 1]
After:   the module that autopar would compile for it, run by the interpreter in a hostile order
"""

from __future__ import annotations

import inspect
import random
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autopar.analysis.facts.arguments import array_type, scalar_type
from autopar.analysis.model.plan import Plan
from autopar.analysis.model.source import SourceText, Span
from autopar.analysis.stages import analyze, functions_of
from autopar.options import choose_options
from autopar.variants import Draft, draft_variant
from tests.codegen.plain import load_plain
from tests.launchers import AdversarialLauncher, CrewLauncher, Order, ThreadedLauncher

NOWHERE = Span(line=1, column=0, end_line=1, end_column=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nest:
    """The text of a function `nest`, with what it is called with."""

    text: str
    arguments: Mapping[str, Any]

    def copies(self) -> dict[str, Any]:
        """Return the arguments, arrays copied."""
        return {
            name: value.copy() if isinstance(value, np.ndarray) else value
            for name, value in self.arguments.items()
        }


def drafts_of(nest: Nest, *, may_refuse: bool = False, is_large: bool = False) -> list[Draft]:
    """Return what would be compiled for the regions of `nest`, in their order; all must be taken over.

    Where they `may_refuse`, none are returned if one does. With `is_large` for arrays larger than
    the caches.
    """
    text = SourceText(path="nest.py", text=nest.text, cell=None)
    source = next(each for each in functions_of(text) if each.qualified_name == "nest")
    plan = analyze(source)
    assert isinstance(plan, Plan)
    assert may_refuse or plan.regions, nest.text
    found = []
    for region in plan.regions:
        names = {each.name for each in region.scop.given_arrays} | set(region.scop.live_in)
        names |= {each.text for each in region.scop.parameters}
        types: dict[str, Any] = {}
        for name, value in nest.arguments.items():
            if isinstance(value, np.ndarray):
                if name in names:
                    types[name] = array_type(name, value, NOWHERE, is_written=True)
            elif name in names:
                types[name] = scalar_type(name, value, NOWHERE)
        options = choose_options(environment={})
        draft = draft_variant(
            region, types, frozenset(), ("cpu", "nest", "nest.py"), options, is_large=is_large
        )
        if may_refuse and not isinstance(draft, Draft):
            return []
        assert isinstance(draft, Draft), draft
        found.append(draft)
    return found


def interpreted(nest: Nest) -> dict[str, bytes]:
    """Return the bytes of all arrays after the function itself ran."""
    space: dict[str, Any] = {"np": np}
    exec(nest.text, space)
    arguments = nest.copies()
    with np.errstate(all="ignore"):
        space["nest"](**arguments)
    return memory(arguments)


def generated(
    nest: Nest,
    drafts: list[Draft],
    order: Order | None,
    *,
    may_tell: bool = False,
    together: bool = False,
    sizes: tuple[int, ...] = (1,),
) -> dict[str, bytes]:
    """Return the bytes of all arrays after the generated modules ran, parallel loops in `order`.

    Chunks of parallel loops have `sizes` of iterations, by turns.
    Without one, launches run on threads, loops of them `together` as crews.
    `may_tell`: whether something may be said to have wrapped.
    """
    threads = CrewLauncher() if together else ThreadedLauncher()
    launcher = threads if order is None else AdversarialLauncher(order, sizes)
    arguments = nest.copies()
    for draft in drafts:
        program = draft.program
        names = (
            *(each.name for each in program.given_arrays),
            *(each.text for each in program.integers),
            *(each.name for each in program.live_in),
        )
        values = [eval(name, {}, arguments) for name in names]
        with np.errstate(all="ignore" if may_tell else "warn"):
            outcome = load_plain(draft.source).run(launcher, *values)
        assert may_tell or 0 == outcome[0]
    return memory(arguments)


def memory(arguments: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the bytes of the arrays among `arguments`."""
    return {
        name: value.tobytes() for name, value in arguments.items() if isinstance(value, np.ndarray)
    }


def nest_of(function: Callable[..., object], *arguments: object) -> Nest:
    """Return a function of a test as a nest."""
    text = textwrap.dedent(inspect.getsource(function))
    text = text.replace(f"def {function.__name__}(", "def nest(", 1)
    names = inspect.signature(function).parameters
    return Nest(text=text, arguments=dict(zip(names, arguments, strict=True)))


def draw_nest(seed: int) -> Nest:
    """Return a nest of two or three loops over two arrays, with dependences between neighbours."""
    draw = _Draw(random.Random(seed))
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(5, 15)), int(rng.integers(5, 15))
    arrays = {name: rng.uniform(0.5, 2.0, (rows + 4, columns + 4)) for name in ("u", "v")}
    arguments = {**arrays, "n": rows, "m": columns, "T": int(rng.integers(0, 4))}
    return Nest(text=draw.text(), arguments=arguments)


def draw_table(seed: int) -> Nest:
    """Return a nest that fills a table of integers by comparing two sequences, with decisions."""
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    draw = _DrawTable(choose)
    text = draw.text()
    rows, columns = int(rng.integers(0, 30)), int(rng.integers(0, 40))
    dtype = choose.choice(["int64", "int64", "int64", "int32", "uint16"])
    arrays = {
        name: rng.integers(0, 9, (rows + 4, columns + 4)).astype(dtype) for name in ("u", "v")
    }
    sequences = {
        name: rng.integers(0, 4, size + 4).astype(choose.choice([dtype, "int64", "int8"]))
        for name, size in (("s", rows), ("r", columns))
    }
    return Nest(text=text, arguments={**arrays, **sequences, "n": rows, "m": columns, "g": 2})


class _DrawTable:
    """Texts of tables: each element from neighbours that were filled before, mostly."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose

    def text(self) -> str:
        body = self._choose.choice([self._decided, self._chosen, self._stepwise])()
        lines = ["def nest(u, v, s, r, n, m, g):", f"    {self._header('i', 'n')}"]
        lines += [f"        {self._header('j', 'm')}", *(f"            {each}" for each in body)]
        return "\n".join(lines) + "\n"

    def _header(self, variable: str, size: str) -> str:
        return f"for {variable} in range(2, {size} + 2):"

    def _decided(self) -> list[str]:
        lines = [f"if {self._test()}:", f"    u[i, j] = {self._value()}"]
        if self._choose.random() < 0.8:
            lines += ["else:", f"    u[i, j] = {self._value()}"]
        return lines

    def _chosen(self) -> list[str]:
        step = f"q = {self._choose.randint(0, 3)} if {self._test()} else {self._operand()}"
        return [step, f"u[i, j] = {self._word()}({self._value()}, {self._value()}, q)"]

    def _stepwise(self) -> list[str]:
        lines = [f"best = {self._value()}"]
        for _ in range(self._choose.randint(1, 2)):
            lines += [f"other = {self._value()}", "if other > best:", "    best = other"]
        return [*lines, "u[i, j] = best"]

    def _test(self) -> str:
        test = self._choose.choice(
            ["s[i] == r[j]", "s[i] < r[j - 1]", "u[i, j - 1] > v[i, j]", "i + 1 < 2 * j"]
        )
        if self._choose.random() < 0.25:
            return f"{test} {self._choose.choice(['and', 'or'])} not s[i] > g"
        return test

    def _word(self) -> str:
        return self._choose.choice(["min", "max"])

    def _operand(self) -> str:
        return self._choose.choice(["g", "s[i]", "r[j]", "j", "v[i, j]", "i - j"])

    def _value(self) -> str:
        element = self._element()
        if self._choose.random() < 0.3:
            return f"{self._word()}({element}, {self._element()})"
        if self._choose.random() < 0.6:
            return f"{element} {self._choose.choice('+-^&|')} {self._choose.choice('12g')}"
        return element

    def _element(self) -> str:
        place = self._choose.choice(
            ["i - 1, j", "i, j - 1", "i - 1, j - 1", "i - 1, j", "i, j - 1", "i - 1, j - 1",
             "i - 2, j", "i - 2, j + 1", "i, j - 2", "i - 1, j + 1", "i, j", "i + 1, j - 1"]
        )  # fmt: skip
        return f"u[{place}]"


class _Draw:
    def __init__(self, choose: random.Random) -> None:
        self._choose = choose

    def text(self) -> str:
        lines = ["def nest(u, v, n, m, T):"]
        indent = "    "
        if self._choose.random() < 0.4:
            lines.append(f"{indent}for t in range(T):")
            indent += "    "
        headers = [self._header("i", "n"), self._header("j", "m")]
        if self._choose.random() < 0.3:
            headers = headers[::-1]
        elif self._choose.random() < 0.2:
            headers[1] = (
                f"for j in range(2, {self._choose.choice(['min(m + 2, i)', 'min(m, i) + 2'])}):"
            )
        before = self._choose.random() < 0.25
        lines.append(indent + headers[0])
        indent += "    "
        if before:
            outer = headers[0][4]
            place = "u[i, 1]" if outer == "i" else "u[1, j]"
            lines.append(f"{indent}{place} = 0.5 * {self._element('v', fixed=outer)}")
        lines.append(indent + headers[1])
        indent += "    "
        lines += [indent + each for each in self._body()]
        return "\n".join(lines) + "\n"

    def _header(self, variable: str, size: str) -> str:
        if self._choose.random() < 0.25:
            return f"for {variable} in range({size} + 1, 1, -1):"
        return f"for {variable} in range(2, {size} + 2):"

    def _body(self) -> list[str]:
        target = self._choose.choice(["u", "u", "v"])
        reads = [
            self._element(self._choose.choice(["u", "u", "v"]))
            for _ in range(self._choose.randint(1, 3))
        ]
        value = " + ".join(f"{0.1 * (k + 3):.1f} * {each}" for k, each in enumerate(reads))
        if self._choose.random() < 0.3:
            lines = [f"p = {value}", f"{target}[i, j] = p - 0.25 * {target}[i, j]"]
        else:
            lines = [f"{target}[i, j] = {value}"]
        if self._choose.random() < 0.25:
            other = "v" if target == "u" else "u"
            lines.append(f"{other}[i, j] = 0.5 * {self._element(target)} + {self._element(other)}")
        return lines

    def _element(self, array: str, fixed: str | None = None) -> str:
        row, column = self._choose.randint(-2, 2), self._choose.randint(-2, 2)
        if fixed is not None:
            return f"{array}[i, 2]" if fixed == "i" else f"{array}[2, j]"
        return f"{array}[{_moved('i', row)}, {_moved('j', column)}]"


def _moved(variable: str, offset: int) -> str:
    return variable if not offset else f"{variable} {'+' if offset > 0 else '-'} {abs(offset)}"
