"""When each instance of a statement runs in a loop tree: as maps of instances to times.

Before:  for i in range(0, n): S0[i]; for j in range(0, i): S1[i, j]
After:   { S0[i] -> [0, i, 0, 0, 0] : 0 <= i < n }
         { S1[i, j] -> [0, i, 1, j, 0] : 0 <= j < i < n }

A time has the place of a node among its neighbours, then the value of its iterator, by turns
(Kelly and Pugh, A framework for unifying reordering transformations, 1993). Rows that are under way
at once (`codegen.jam`) have first the time that they share, then the rows backward: what needs
another row at the same time is out of order then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from autopar.analysis.model import isl
from autopar.analysis.model.loop_ir import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Constant,
    Expression,
    Name,
    Unary,
    wrapped_value,
)
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.typed import (
    Computed,
    SetVariable,
    Store,
    Subscript,
    Variable,
    places_of,
    walk_statement,
)

from .kernel import Branch, Decision, Instance, Loop, Node, runs_by_times

# No name of a program begins like this.
_CHOICE = "0choice"


class NotAffineError(Exception):
    """A tree is not described by linear bounds: nothing is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A dimension of time: the values of an iterator, or the places of neighbours."""

    text: str  # over iterators and parameters, as isl writes it
    loop: Loop | None  # None for a place


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One instance of the tree, and when it runs."""

    instance: Instance
    turns: tuple[Turn, ...]
    iterators: tuple[str, ...]  # of the loops around it, as `spelled`
    constraints: tuple[str, ...]
    loops: tuple[Loop, ...]
    predicates: tuple[str, ...] = ()  # scalars that decide whether it runs

    def times(self, name: str, variables: tuple[str, ...], depth: int) -> isl.Map:
        """Return the times of the instances of a statement called `name`, of `depth` dimensions.

        `variables` are the loop variables of the source that tell its instances apart.
        """
        values = dict(self.instance.iterators)
        if not set(variables) <= set(values):
            raise NotAffineError(f"{self.instance.name} has other variables")
        own = [f"s{number}" for number in range(len(variables))]
        equal = [
            f"{one} = {affine(values[variable])}"
            for one, variable in zip(own, variables, strict=True)
        ]
        time = [each.text for each in self.turns]
        time += ["0"] * (depth - len(time))
        at = [f"t{number}" for number in range(depth)]
        equal += [f"{one} = {other}" for one, other in zip(at, time, strict=True)]
        pair = f"{name}[{', '.join(own)}] -> [{', '.join(at)}]"
        return isl.Map.parse(_relation(pair, self.iterators, (*self.constraints, *equal)))

    def cells(self, name: str, variables: tuple[str, ...]) -> Iterator[tuple[str, bool, isl.Map]]:
        """Yield the arrays and scalars that it touches: whether it writes, and which elements.

        Those of its instances; a superset where subscripts are data, or wrap.
        """
        own = {variable: f"s{number}" for number, variable in enumerate(variables)}
        statement = self.instance.statement
        for place in places_of(statement):
            axes = [_axis(index, own) or f"c{n}" for n, index in enumerate(place.indices)]
            yield (
                place.array,
                isinstance(place, Store),
                _cells(name, own, f"A_{_spelled(place.array)}[{', '.join(axes)}]"),
            )
        for each in sorted(self.scalars):
            cells = _cells(name, own, f"A_{_spelled(each)}[]")
            if each in self.read_scalars:
                yield each, False, cells
            if isinstance(statement, SetVariable) and each == statement.name:
                yield each, True, cells

    @property
    def read_scalars(self) -> frozenset[str]:
        """The scalars that it reads, and those that decide whether it runs."""
        nodes = walk_statement(self.instance.statement)
        return frozenset({e.name for e in nodes if isinstance(e, Variable)} | {*self.predicates})

    @property
    def scalars(self) -> frozenset[str]:
        """The scalars that it reads or sets."""
        statement = self.instance.statement
        own = {statement.name} if isinstance(statement, SetVariable) else set()
        return self.read_scalars | own


def leaves_of(nodes: tuple[Node, ...]) -> tuple[Leaf, ...]:
    """Return all instances of a tree. Raises NotAffineError where it is not linear."""
    return tuple(_Walk().leaves(nodes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    turns: tuple[Turn, ...] = ()
    iterators: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    loops: tuple[Loop, ...] = ()
    predicates: tuple[str, ...] = ()

    def leaves(self, nodes: tuple[Node, ...]) -> Iterator[Leaf]:
        for place, node in enumerate(nodes):
            yield from self.at(str(place), None).leaves_in(node)

    def at(self, text: str, loop: Loop | None) -> _Walk:
        return replace(self, turns=(*self.turns, Turn(text=text, loop=loop)))

    def where(self, *constraints: str) -> _Walk:
        return replace(self, constraints=(*self.constraints, *constraints))

    def leaves_in(self, node: Node) -> Iterator[Leaf]:
        match node:
            case Instance():
                yield Leaf(
                    instance=node,
                    turns=self.turns,
                    iterators=self.iterators,
                    constraints=self.constraints,
                    loops=self.loops,
                    predicates=self.predicates,
                )
            case Branch():
                yield from self.where(affine(node.test)).leaves(node.body)
            case Decision():
                decided = replace(self, predicates=(*self.predicates, node.predicate))
                yield from decided.at("0", None).leaves(node.body)
                yield from decided.at("1", None).leaves(node.orelse)
            case Loop() if _is_band(node):
                yield from self.under_way(node)
            case Loop():
                yield from self.inside(node).leaves(node.body)

    def inside(self, loop: Loop) -> _Walk:
        """Return what is known inside a loop, its iterator a dimension of time."""
        return self.within(loop).at(spelled(loop.iterator), loop)

    def within(self, loop: Loop) -> _Walk:
        name = spelled(loop.iterator)
        known = sum(each.startswith(spelled(_CHOICE)) for each in self.iterators)
        chosen = {f"{_CHOICE}{number}": "" for number in range(known)}
        lower, upper = (affine(_choices(each, chosen)) for each in (loop.lower, loop.upper))
        others = dict([*chosen.items()][known:])
        found = self.where(*others.values(), f"{lower} <= {name}", f"{name} < {upper}")
        names = [*self.iterators, *map(spelled, others), name]
        if loop.step > 1:
            found = found.where(f"({name} - ({lower})) mod {loop.step} = 0")
        if loop.group_end is not None:
            end = spelled(loop.group_end)
            names.append(end)
            found = found.where(f"{end} = min({name} + {loop.step}, {upper})")
        return replace(found, iterators=tuple(names), loops=(*self.loops, loop))

    def under_way(self, groups: Loop) -> Iterator[Leaf]:
        """Yield what runs in rows that share their times: first by time, then the rows backward."""
        first = spelled(groups.iterator)
        for front in groups.body:
            assert isinstance(front, Loop)  # over times
            inside = self.within(groups).within(front)
            if front.group_end is None:
                rows = len(front.body) // groups.step
                for place, node in enumerate(front.body):
                    at = inside.at(spelled(front.iterator), None)
                    at = at.at(f"-({first}) - {place // rows}", None).at(str(place % rows), None)
                    yield from at.leaves_in(node)
            else:
                yield from inside.row_by_row(front)

    def row_by_row(self, slab: Loop) -> Iterator[Leaf]:
        """Yield a slab of times, of which each row runs its own: one of them is one time."""
        (rows,) = slab.body
        assert isinstance(rows, Loop)
        (row,) = rows.body
        assert isinstance(row, Loop)
        inside = self.within(rows).within(row)
        shift = _shift(row, slab)
        at = inside.at(f"{spelled(row.iterator)} + {shift}", None)
        at = at.at(f"-({spelled(rows.iterator)})", None)
        yield from at.leaves(row.body)


def _is_band(loop: Loop) -> bool:
    """Return whether a loop is over groups of rows that are under way at once."""
    fronts = [each for each in loop.body if isinstance(each, Loop)]
    has_lanes = any(each.lanes is not None for each in fronts)
    return has_lanes or (loop.is_staggered and not runs_by_times(loop))


def _shift(row: Loop, slab: Loop) -> str:
    """Return how much later than its column an element of a row is, as isl writes it."""
    for bound in (row.lower, *(row.lower.arguments if isinstance(row.lower, Call) else ())):
        if slab.iterator in {each.name for each in _names(bound)} and not isinstance(bound, Call):
            return f"{spelled(slab.iterator)} - ({affine(bound)})"
    raise NotAffineError("rows without times")


def _names(expression: Expression) -> Iterator[Name]:
    match expression:
        case Name():
            yield expression
        case Unary():
            yield from _names(expression.operand)
        case Binary() | Compare():
            yield from _names(expression.left)
            yield from _names(expression.right)
        case Call():
            for each in expression.arguments:
                yield from _names(each)


def spelled(name: str) -> str:
    """Return an iterator or a parameter as isl takes it: it has words of its own."""
    return f"v_{_spelled(name)}"


def _spelled(name: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else f"_{ord(each)}_" for each in name)


def affine(expression: Expression, names: Mapping[str, str] | None = None) -> str:
    """Return an expression as isl writes it. Raises NotAffineError where it is not linear."""
    match expression:
        case Constant(value=int(number)) if not isinstance(number, bool):
            return str(number) if number >= 0 else f"({number})"
        case Name(name=name):
            return spelled(name) if names is None else names.get(name, spelled(name))
        case Unary(operator="-" | "+" as operator, operand=operand):
            return f"({operator}{affine(operand, names)})"
        case Binary(operator="+" | "-" as operator, left=left, right=right):
            return f"({affine(left, names)} {operator} {affine(right, names)})"
        case Binary(operator="*", left=Constant(value=int(number)), right=right):
            return f"({number} * {affine(right, names)})"
        case Binary(operator="*", left=left, right=Constant(value=int(number))):
            return f"({number} * {affine(left, names)})"
        case Binary(operator="//" | "%" as operator, left=left, right=Constant(value=int(unit))):
            if unit <= 0:
                raise NotAffineError(f"divided by {unit}")
            value = affine(left, names)
            return f"floor({value} / {unit})" if operator == "//" else f"({value} mod {unit})"
        case Call(function="min" | "max" as word, arguments=arguments):
            first, *others = (affine(each, names) for each in arguments)
            for each in others:
                first = f"{word}({first}, {each})"
            return first
        case Compare(left=left, right=right):
            test = "=" if expression.operator == "==" else expression.operator
            return f"({affine(left, names)} {test} {affine(right, names)})"
        case BoolOp(operator=operator, values=values):
            return "(" + f" {operator} ".join(affine(each, names) for each in values) + ")"
    raise NotAffineError(type(expression).__name__)


def _choices(expression: Expression, found: dict[str, str]) -> Expression:
    """Return an expression with a name for each product by 1 or 0, what that is put in `found`.

    `min(1, max(0, x)) * y` is `y` where `x` is positive, else 0: isl has no word for it.
    """
    match expression:
        case Binary(
            operator="*",
            left=Call(
                function="min",
                arguments=(
                    Constant(value=1),
                    Call(function="max", arguments=(Constant(value=0), number)),
                ),
            ),
            right=other,
        ):
            test, value = affine(_choices(number, found)), affine(_choices(other, found))
            name = f"{_CHOICE}{len(found)}"
            chosen = spelled(name)
            found[name] = (
                f"(({test} >= 1 and {chosen} = {value}) or ({test} <= 0 and {chosen} = 0))"
            )
            return Name(name=name, span=expression.span)
        case Binary(left=left, right=right):
            return replace(expression, left=_choices(left, found), right=_choices(right, found))
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(_choices(e, found) for e in arguments))
    return expression


def _axis(index: Subscript, own: Mapping[str, str]) -> str | None:
    if isinstance(index, Computed) or wrapped_value(index) is not None:
        return None
    try:
        return affine(index, own)
    except NotAffineError:
        return None


def _cells(name: str, own: Mapping[str, str], element: str) -> isl.Map:
    domain = f"{name}[{', '.join(own.values())}]"
    return isl.Map.parse(_relation(f"{domain} -> {element}", (), ()))


def _relation(pair: str, inner: tuple[str, ...], constraints: tuple[str, ...]) -> str:
    """Return a relation as isl writes it, for some values of `inner`."""
    words = re.findall(r"\bv_\w+", f"{pair} {' '.join(constraints)}")
    free = sorted(set(words) - set(inner))
    text = " and ".join(constraints) or "true"
    if inner:
        text = f"exists ({', '.join(inner)}: {text})"
    return f"[{', '.join(free)}] -> {{ {pair} : {text} }}"
