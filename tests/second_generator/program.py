"""A drawn program and the points of the small box it is run at: source text -> arguments.

Which names are arrays, of which rank, and which are numbers is read from the text. Arrays are as large as a run with
arrays without bounds shows that they have to be; where the text asks for a shape, the shape is drawn first.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from tests.arguments import Array
from tests.second_generator.content import INDEX_ROLES, VARIANTS, content
from tests.second_generator.elastic import Elastic, Outside, joined

# What a number may be, by its role. Sizes lie above every constant that templates use as an offset.
NUMBERS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "n": (5, 6, 7, 8),
        "m": (4, 5, 6, 7),
        "k": (-7, -3, -1, 0, 1, 2, 5, 9),
        "d": (0, 1, 2, 3),
        "p": (0, 1, 2, 3, 6),
        "lo": (0, 1, 2),
        "hi": (5, 6, 8),
        "w": (2, 3, 5, 8),
        "step": (1, 2, 3),
    }
)
FEWEST_CALLS = 3
MOST_POINTS = 14
MOST_STEPS = 60_000  # array accesses of one call


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of the function."""

    name: str
    role: str  # the name that the templates use, which says what it may hold
    rank: int  # 0: a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One point of the box with one filling of the arrays."""

    numbers: Mapping[str, int]  # by parameter name, together with the lengths that were drawn
    variant: int
    arguments: tuple[Any, ...]  # in the order of the parameters; to be copied before use
    is_wrapping: bool  # some subscript is negative that is not so in the text


@dataclass(frozen=True, kw_only=True)
class Program:
    """A function `kernel` and what its parameters stand for."""

    seed: int
    source: str
    titles: tuple[str, ...]  # of the templates
    dtype: str
    roles: Mapping[str, str]  # of all names that were renamed
    may_wrap: bool

    @cached_property
    def function(self) -> ast.FunctionDef:
        return next(x for x in ast.parse(self.source).body if isinstance(x, ast.FunctionDef))

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        ranks = ranks_of(self.function)
        names = [each.arg for each in self.function.args.args]
        return tuple(
            Parameter(name=name, role=self.roles.get(name, name), rank=ranks.get(name, 0))
            for name in names
        )

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls at which the loops are judged, those left out that cannot run to their end."""
        return tuple(call for numbers in self._box() for call in self._calls(numbers))

    @property
    def is_usable(self) -> bool:
        """Whether it runs at several points, as many as there are where its text fixes nearly everything."""
        return len(self.calls) >= min(FEWEST_CALLS, len(list(self._box())))

    @cached_property
    def variants(self) -> int:
        """In how many ways arrays are filled: more than one where contents steer what is touched."""
        by_index = any(each.role in INDEX_ROLES for each in self.parameters)
        return VARIANTS if by_index or has_data_tests(self.function) else 1

    def _box(self) -> Iterator[Mapping[str, int]]:
        names = [each.name for each in self.parameters if each.rank == 0]
        values = [NUMBERS[each.role] for each in self.parameters if each.rank == 0]
        values += [NUMBERS["n"] if axis == 0 else NUMBERS["m"] for _, axis in self._lengths]
        names += [f"{name}.shape[{axis}]" for name, axis in self._lengths]
        generator = random.Random(self.seed)
        whole = list(itertools.product(*values)) if len(values) < 4 else []
        if not whole or len(whole) > MOST_POINTS:
            drawn = [tuple(map(generator.choice, values)) for _ in range(2 * MOST_POINTS)]
            whole = sorted(set(drawn), key=drawn.index)[:MOST_POINTS]
        if _depth(self.function) >= 3:
            whole = whole[: MOST_POINTS // 2]
        return (dict(zip(names, each, strict=True)) for each in whole)

    @cached_property
    def _lengths(self) -> tuple[tuple[str, int], ...]:
        """The arrays whose shape the text asks for, with every axis of each."""
        asked = _measured(self.function)
        return tuple(
            (each.name, axis)
            for each in self.parameters
            for axis in range(each.rank)
            if each.name in asked
        )

    def _calls(self, numbers: Mapping[str, int]) -> Iterator[Call]:
        """Yield the calls at one point: every filling, the arrays large enough for each of them."""
        runs = [self._elastic(numbers, variant) for variant in range(self.variants)]
        try:
            for run in runs:
                self._dry_run(run, numbers)
        except (Outside, ArithmeticError, ValueError, IndexError, NameError, TypeError):
            return
        meant = literal_negatives(self.function)
        slack = random.Random(self.seed).choice((0, 0, 1, 2))
        sizes = {name: joined([run[name] for run in runs], slack) for name in runs[0]}
        for variant, run in enumerate(runs):
            is_wrapping = any(each.negative - meant for each in run.values())
            if is_wrapping and not self.may_wrap:
                continue
            yield Call(
                numbers=numbers,
                variant=variant,
                arguments=tuple(
                    run[each.name].built(sizes[each.name]) if each.rank else numbers[each.name]
                    for each in self.parameters
                ),
                is_wrapping=is_wrapping,
            )

    def _elastic(self, numbers: Mapping[str, int], variant: int) -> dict[str, Elastic]:
        return {
            each.name: Elastic(
                rank=each.rank,
                dtype=_dtype(each, self.dtype),
                shape=self._shape(each, numbers),
                content=content(each.role, numbers, self.roles, variant, self.dtype),
            )
            for each in self.parameters
            if each.rank
        }

    def _shape(self, parameter: Parameter, numbers: Mapping[str, int]) -> tuple[int, ...] | None:
        names = [f"{parameter.name}.shape[{axis}]" for axis in range(parameter.rank)]
        return tuple(numbers[each] for each in names) if names[0] in numbers else None

    def _dry_run(self, elastic: Mapping[str, Elastic], numbers: Mapping[str, int]) -> None:
        space: dict[str, Any] = {}
        exec(compile(self.source, "<dry run>", "exec"), space)
        steps = itertools.count()

        def count() -> None:
            if next(steps) > MOST_STEPS:
                raise Outside

        for each in elastic.values():
            each.count = count
        with np.errstate(all="ignore"):
            space["kernel"](
                *(
                    elastic[each.name] if each.rank else numbers[each.name]
                    for each in self.parameters
                )
            )


def _dtype(parameter: Parameter, dtype: str) -> str:
    return "int64" if parameter.role in INDEX_ROLES else dtype


def ranks_of(function: ast.AST) -> dict[str, int]:
    """Return the names that are used as arrays, with their ranks."""
    ranks: dict[str, int] = {}
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                ranks[name] = len(index.elts) if isinstance(index, ast.Tuple) else 1
            case ast.Attribute(value=ast.Name(id=name), attr="shape"):
                ranks.setdefault(name, 1)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
                ranks.setdefault(name, 1)
            case ast.Assign(targets=[ast.Tuple(elts=one)], value=ast.Tuple(elts=two)):
                pairs = {
                    each.id for each in (*one, *two) if isinstance(each, ast.Name)
                }  # names swapped are of one rank
                known = [ranks[name] for name in pairs if name in ranks]
                ranks |= dict.fromkeys(pairs, known[0]) if known else {}
    return ranks


def free_names(function: ast.FunctionDef) -> tuple[str, ...]:
    """Return the names that the body reads and does not define, arrays first, in the order of the text."""
    stored, seen = set[str](), dict[str, None]()
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Store):
                    stored.add(node.id)
                seen.setdefault(node.id)
    arrays = ranks_of(function)
    swapped = {name for name in stored if name in arrays and not _is_made(function, name)}
    names = [
        name
        for name in seen
        if (name not in stored or name in swapped)
        and not hasattr(builtins, name)
        and name not in {"np", "math"}
    ]
    return tuple(sorted(names, key=lambda name: name not in arrays))


def _is_made(function: ast.FunctionDef, name: str) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
        for node in ast.walk(function)
    )


def has_data_tests(function: ast.FunctionDef) -> bool:
    """Return whether a test or a bound reads an array's elements or a name that is assigned."""
    stored = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    } - {
        node.target.id
        for node in ast.walk(function)
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
    }
    tests: list[ast.AST] = [
        node.test if isinstance(node, ast.If | ast.IfExp) else node.iter
        for node in ast.walk(function)
        if isinstance(node, ast.If | ast.IfExp | ast.For)
    ]
    tests += [node for node in ast.walk(function) if isinstance(node, ast.BoolOp | ast.Slice)]
    tests += [node.slice for node in ast.walk(function) if isinstance(node, ast.Subscript)]
    return any(_reads_data(test, stored) for test in tests)


def _reads_data(test: ast.AST, stored: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in stored)
        or (isinstance(node, ast.Subscript) and not isinstance(node.value, ast.Attribute))
        for node in ast.walk(test)
    )


def literal_negatives(function: ast.AST) -> frozenset[int]:
    """Return the negative constants that stand as subscripts in the text."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            parts: Sequence[ast.expr] = (
                node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            )
            for part in parts:
                match part:
                    case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
                        found.add(-value)
    return frozenset(found)


def _measured(function: ast.AST) -> frozenset[str]:
    found = set()
    for node in ast.walk(function):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr="shape"):
                found.add(name)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]):
                found.add(name)
    return frozenset(found)


def _depth(node: ast.AST) -> int:
    inner = max(map(_depth, ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, ast.For)


def with_source(program: Program, source: str) -> Program:
    """Return `program` with another text, its parameters those that this text needs."""
    module = ast.parse(source)
    function = next(each for each in module.body if isinstance(each, ast.FunctionDef))
    function.args.args = [ast.arg(name) for name in free_names(function)]
    text = ast.unparse(ast.fix_missing_locations(module)) + "\n"
    return replace(program, source=text)


def fresh(arguments: Sequence[Any]) -> list[Any]:
    """Return copies of the arrays among `arguments`."""
    return [each.copy() if isinstance(each, np.ndarray) else each for each in arguments]


__all__ = [
    "NUMBERS",
    "Array",
    "Call",
    "Parameter",
    "Program",
    "free_names",
    "fresh",
    "literal_negatives",
    "ranks_of",
    "with_source",
]
