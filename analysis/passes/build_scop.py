"""Build the polyhedral model of a loop nest.

Before:  for i in range(1, n):         After:  S0: domain [n] -> { S0[i] : 1 <= i < n }
             a[i] = a[i - 1] + s                   read  { S0[i] -> a[i - 1] }
                                                   write { S0[i] -> a[i] }

Scalars that hold an affine value are substituted into subscripts and bounds (`j = 2 * i + 1`;
`a[j]`), within the statements where that value is certain to hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..model import isl
from ..model.diagnostics import Reason, Refusal
from ..model.facts import NOTHING, Facts
from ..model.loop_ir import (
    Assign,
    Binary,
    Constant,
    Element,
    Expression,
    Extent,
    For,
    If,
    Name,
    Opaque,
    Update,
    walk_expression,
    walk_statements,
)
from ..model.loop_ir import (
    Statement as Node,
)
from ..model.scop import Access, Array, Loop, Parameter, Scop, Statement
from ..model.source import SourceText, Span
from .affine import affine, bound, constraint, name_of
from .identifiers import Identifiers
from .liveness import exposed_reads
from .reasons import (
    ArrayRebound,
    DataDependentBound,
    InconsistentRank,
    LoopVariableChanged,
    NonAffineBound,
    NonAffineCondition,
    NonAffineSubscript,
    NonConstantStep,
    ScalarUsedAsArray,
)
from .substitution import forget, rebuilt, substituted, value_names


def build_scop(
    nest: For, text: SourceText, live_out: frozenset[str], facts: Facts = NOTHING
) -> Scop | Refusal:
    """Return the model of a `for` nest without opaque statements, or why it has none.

    `live_out` are the names that may be read after the nest.
    """
    uses = _uses_of(nest)
    builder = _Builder(text=text, uses=uses, identifiers=Identifiers(uses.names))
    builder.check_names(nest)
    if not builder.reasons:
        at = nest.span
        known: dict[str, Expression] = {
            name: Constant(value=value, span=at)
            for name, value in facts.values
            if builder.is_parameter(name)
        }
        builder.loop(nest, _Place.root(), known)
    if builder.reasons:
        return Refusal(reasons=tuple(dict.fromkeys(builder.reasons)))
    return builder.scop(nest, live_out)


@dataclass(frozen=True, slots=True)
class _Uses:
    """How a nest uses its names."""

    assigned: frozenset[str]  # scalars with a statement that assigns them
    variables: frozenset[str]  # loop variables
    ranks: Mapping[str, tuple[int, ...]]  # numbers of subscripts seen for each array
    plain: frozenset[str]  # names read bare

    @property
    def names(self) -> frozenset[str]:
        """All names of the nest, those of arrays that only lend their extents left out."""
        return self.assigned | self.variables | self.plain | frozenset(self.ranks)


def _uses_of(nest: For) -> _Uses:
    assigned: set[str] = set()
    variables: set[str] = set()
    plain: set[str] = set()
    ranks: dict[str, list[int]] = {}
    for statement in walk_statements((nest,)):
        if isinstance(statement, For):
            variables.add(statement.variable)
        elif isinstance(statement, Assign | Update) and isinstance(statement.target, Name):
            assigned.add(statement.target.name)
        for expression in _expressions(statement):
            for node in walk_expression(expression):
                if isinstance(node, Element):
                    ranks.setdefault(node.array, []).append(len(node.indices))
                elif isinstance(node, Name):
                    plain.add(node.name)
    return _Uses(
        assigned=frozenset(assigned),
        variables=frozenset(variables),
        ranks={name: tuple(dict.fromkeys(seen)) for name, seen in ranks.items()},
        plain=frozenset(plain),
    )


def _expressions(statement: Node) -> tuple[Expression, ...]:
    match statement:
        case Assign(target=Element() as target):
            return (statement.value, target)
        case Assign():
            return (statement.value,)
        case Update():
            return (statement.value, statement.target)
        case If():
            return (statement.test,)
        case For():
            return (statement.start, statement.stop, statement.step)
        case Opaque():
            return ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the nest the builder stands."""

    loops: tuple[int, ...]
    constraints: tuple[str, ...]
    position: tuple[int, ...]  # textual position at each outer depth; its own comes last

    @staticmethod
    def root() -> _Place:
        return _Place(loops=(), constraints=(), position=(0,))

    def at(self, position: int) -> _Place:
        return replace(self, position=(*self.position[:-1], position))

    def inside(self, loop: int, constraints: tuple[str, ...]) -> _Place:
        return _Place(
            loops=(*self.loops, loop),
            constraints=self.constraints + constraints,
            position=(*self.position, 0),
        )

    def where(self, test: str) -> _Place:
        return replace(self, constraints=(*self.constraints, test))


@dataclass(slots=True)
class _Builder:
    """Walks a nest once, in textual order, collecting what the model is made of."""

    text: SourceText
    uses: _Uses
    identifiers: Identifiers
    reasons: list[Reason] = field(default_factory=list)
    parameters: dict[str, Parameter] = field(default_factory=dict)  # by Python text
    loops: list[Loop] = field(default_factory=list)
    pending: list[tuple[Assign | Update, tuple[Access, ...], _Place]] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)

    # ----------------------------------------------------------------------- names

    def check_names(self, nest: For) -> None:
        """Refuse names used in two ways."""
        for name, ranks in self.uses.ranks.items():
            at = nest.span
            if len(ranks) > 1:
                self.reasons.append(InconsistentRank(span=at, array=name, ranks=ranks))
            if name in self.uses.assigned:
                self.reasons.append(ArrayRebound(span=at, array=name))
            elif name in self.uses.plain or name in self.uses.variables:
                self.reasons.append(ScalarUsedAsArray(span=at, name=name))
        for name in sorted(self.uses.assigned & self.uses.variables):
            self.reasons.append(LoopVariableChanged(span=nest.span, variable=name))

    def atoms(self, place: _Place) -> dict[str, str]:
        """Return what an affine expression may mention here: Python text -> isl identifier.

        Names that nothing in the nest assigns are parameters; they are entered into the
        model only once something affine really uses them.
        """
        inside = {self.loops[loop].variable for loop in place.loops}
        known = {variable: self.identifiers.of(variable) for variable in inside}
        known.update({text: each.name for text, each in self.parameters.items()})
        return known

    def enter_parameters(self, expression: Expression) -> None:
        """Make parameters of the names and extents in `expression` that the nest keeps."""
        for node in walk_expression(expression):
            if isinstance(node, Name) and not self.is_parameter(node.name):
                continue
            if isinstance(node, Name | Extent) and name_of(node) not in self.parameters:
                readable = name_of(node)
                if isinstance(node, Extent):
                    name = self.identifiers.fresh(f"{node.array}_shape_{node.axis}")
                else:
                    name = self.identifiers.of(readable)
                self.parameters[readable] = Parameter(name=name, expression=node, text=readable)

    def is_parameter(self, name: str) -> bool:
        uses = self.uses
        return not (name in uses.assigned or name in uses.variables or name in uses.ranks)

    # ------------------------------------------------------------------ statements

    def block(self, body: tuple[Node, ...], place: _Place, known: dict[str, Expression]) -> int:
        """Read a statement list; `known` holds the affine values of scalars, and is updated.

        Returns the textual position after the last statement.
        """
        position = place.position[-1]
        for statement in body:
            position = self.statement(statement, place.at(position), known)
        return position

    def statement(self, node: Node, place: _Place, known: dict[str, Expression]) -> int:
        match node:
            case For():
                self.loop(node, place, known)
            case If():
                return self.branch(node, place, known)
            case Assign() | Update():
                self.assignment(node, place, known)
            case Opaque():
                self.reasons.append(node.reason)
        return place.position[-1] + 1

    def loop(self, node: For, place: _Place, known: dict[str, Expression]) -> None:
        forget(known, (node,))
        start, stop, step = (
            self.integer(each, known) for each in (node.start, node.stop, node.step)
        )
        surrounding = {self.loops[loop].variable for loop in place.loops}
        if node.variable in surrounding:
            self.reasons.append(LoopVariableChanged(span=node.span, variable=node.variable))
            return
        constraints = self.bounds(node, (start, stop, step), place)
        if constraints is None:
            return
        stride = affine(step, {})
        assert stride is not None  # `bounds` refused every other step
        names = [*self.variables(place), self.identifiers.of(node.variable)]
        tests = " and ".join([*place.constraints, *constraints])
        self.loops.append(
            Loop(
                variable=node.variable,
                depth=len(place.loops),
                step=stride.constant,
                iterations=isl.Set.parse(f"{self.prefix()}{{ [{', '.join(names)}] : {tests} }}"),
                start=start,
                stop=stop,
                header=node.header,
                span=node.span,
            )
        )
        self.block(node.body, place.inside(len(self.loops) - 1, constraints), known)
        forget(known, (node,))

    def bounds(
        self, node: For, limits: tuple[Expression, Expression, Expression], place: _Place
    ) -> tuple[str, ...] | None:
        """Return the constraints of a loop's iterations, or None after noting why not."""
        start, stop, step = limits
        stride = affine(step, {})
        if stride is None or not stride.is_constant or stride.constant == 0:
            self.reasons.append(
                NonConstantStep(
                    span=node.step.span, loop_variable=node.variable, step=self.shown(node.step)
                )
            )
            return None
        rising = stride.constant > 0
        variable = self.identifiers.of(node.variable)
        self.enter_parameters(start)
        self.enter_parameters(stop)
        atoms = self.atoms(place)
        first = bound(variable, ">=" if rising else "<=", start, atoms)
        last = bound(variable, "<" if rising else ">", stop, atoms)
        if first is None:
            self.refuse_bound(node, node.start)
        if last is None:
            self.refuse_bound(node, node.stop)
        if first is None or last is None:
            return None
        if abs(stride.constant) == 1:
            return first, last
        origin = affine(start, atoms)
        if origin is None:
            self.refuse_bound(node, node.start)
            return None
        return first, last, f"({variable} - ({origin})) mod {abs(stride.constant)} = 0"

    def refuse_bound(self, node: For, limit: Expression) -> None:
        for inner in walk_expression(limit):
            name = inner.array if isinstance(inner, Element) else None
            if isinstance(inner, Name) and inner.name in self.uses.assigned:
                name = inner.name
            if name is not None:
                self.reasons.append(
                    DataDependentBound(
                        span=limit.span,
                        loop_variable=node.variable,
                        bound=self.shown(limit),
                        name=name,
                    )
                )
                return
        self.reasons.append(
            NonAffineBound(span=limit.span, loop_variable=node.variable, bound=self.shown(limit))
        )

    def branch(self, node: If, place: _Place, known: dict[str, Expression]) -> int:
        test = self.integer(node.test, known)
        self.enter_parameters(test)
        holds = constraint(test, self.atoms(place))
        if holds is None:
            self.reasons.append(
                NonAffineCondition(span=node.test.span, condition=self.shown(node.test))
            )
            return place.position[-1] + 1
        taken, untaken = dict(known), dict(known)
        position = self.block(node.body, place.where(holds), taken)
        position = self.block(node.orelse, place.at(position).where(f"not ({holds})"), untaken)
        forget(known, (node,))
        return position

    def assignment(
        self, node: Assign | Update, place: _Place, known: dict[str, Expression]
    ) -> None:
        body = replace(
            node,
            value=self.resolved(node.value, known),
            target=self.resolved(node.target, known),  # type: ignore[arg-type]  # keeps its kind
        )
        accesses: list[Access] = list(self.reads(body.value, place))
        if isinstance(node, Update):
            accesses += self.reads(body.target, place)
        accesses += self.write(body.target, place)
        self.pending.append((body, tuple(accesses), place))
        if isinstance(node.target, Name):
            value = substituted(_assigned(body), known)
            known.pop(node.target.name, None)
            if self.is_affine(value, place):
                known[node.target.name] = value

    def is_affine(self, value: Expression, place: _Place) -> bool:
        """Return whether `value` could be an affine integer, were its names integers."""
        atoms = self.atoms(place)
        for node in walk_expression(value):
            if isinstance(node, Extent) or (
                isinstance(node, Name) and self.is_parameter(node.name)
            ):
                atoms.setdefault(name_of(node), "x")
        return affine(value, atoms) is not None

    # ----------------------------------------------------------------- expressions

    def integer(self, expression: Expression, known: Mapping[str, Expression]) -> Expression:
        """Return a bound or test with known scalars, values and ranks put in."""
        return self.resolved(substituted(expression, known), known)

    def resolved(self, expression: Expression, known: Mapping[str, Expression]) -> Expression:
        """Return `expression` with subscripts over loop variables and parameters only."""

        def visit(node: Expression) -> Expression:
            match node:
                case Element():
                    indices = tuple(
                        self.wrapped(substituted(index, known), node.array, axis)
                        for axis, index in enumerate(node.indices)
                    )
                    return replace(node, indices=indices)
                case Extent():
                    return self.counted(node)
            return rebuilt(node, visit)

        return visit(expression)

    def counted(self, extent: Extent) -> Extent:
        """Return an extent with its axis counted from the first, if the rank is known."""
        axis = extent.axis + self.uses.ranks.get(extent.array, (0,))[0]
        # An axis before the first one stays as written: it raises, and a guard finds out.
        return replace(extent, axis=axis) if extent.axis < 0 <= axis else extent

    def wrapped(self, index: Expression, array: str, axis: int) -> Expression:
        """Return `index`, a negative constant counted from the end of the axis."""
        match index:
            case Constant(value=int(value)) if value < 0:
                extent = Extent(array=array, axis=axis, span=index.span)
                return Binary(operator="+", left=extent, right=index, span=index.span)
        return rebuilt(index, lambda node: self.resolved(node, {}))

    def reads(self, expression: Expression, place: _Place) -> Iterator[Access]:
        """Yield the read accesses of an expression in evaluation order."""
        for node in walk_expression(expression):
            match node:
                case Element():
                    yield from self.access("read", node, place)
                case Name(name=name) if name in self.uses.assigned:
                    yield self.scalar_access("read", node, place)
                case Name(name=name) if name in self.uses.variables:
                    self.check_inside(node, place)
                case Extent():
                    self.enter_parameters(node)
                case _:
                    pass

    def check_inside(self, node: Name, place: _Place) -> None:
        inside = {self.loops[loop].variable for loop in place.loops}
        if node.name not in inside:
            self.reasons.append(LoopVariableChanged(span=node.span, variable=node.name))

    def write(self, target: Expression, place: _Place) -> Iterator[Access]:
        match target:
            case Element():
                yield from self.access("must_write", target, place)
            case Name():
                yield self.scalar_access("must_write", target, place)
            case _:
                raise AssertionError(f"not a target: {target}")

    def access(self, kind: str, node: Element, place: _Place) -> Iterator[Access]:
        self.arrays.setdefault(node.array, Array(name=node.array, rank=len(node.indices)))
        forms = []
        for index in node.indices:
            self.enter_parameters(index)
            form = affine(index, self.atoms(place))
            if form is None:
                shown = self.shown(index)
                self.reasons.append(
                    NonAffineSubscript(span=index.span, array=node.array, subscript=shown)
                )
                return
            forms.append(str(form))
        yield self.relation(kind, node.array, node.indices, (", ".join(forms), place, node.span))

    def scalar_access(self, kind: str, node: Name, place: _Place) -> Access:
        self.arrays.setdefault(node.name, Array(name=node.name, rank=0))
        return self.relation(kind, node.name, (), ("", place, node.span))

    def relation(
        self,
        kind: str,
        array: str,
        indices: tuple[Expression, ...],
        where: tuple[str, _Place, Span],
    ) -> Access:
        cell, place, span = where
        instance = f"S{len(self.pending)}[{', '.join(self.variables(place))}]"
        text = f"{self.prefix()}{{ {instance} -> {self.identifiers.of(array)}[{cell}] }}"
        return Access(
            kind=kind,  # type: ignore[arg-type]  # one of two literals
            array=array,
            relation=isl.Map.parse(text),
            indices=indices,
            span=span,
        )

    def variables(self, place: _Place) -> list[str]:
        return [self.identifiers.of(self.loops[loop].variable) for loop in place.loops]

    def prefix(self) -> str:
        return f"[{', '.join(each.name for each in self.parameters.values())}] -> "

    def shown(self, node: Expression) -> str:
        return self.text.segment(node.span)

    # ------------------------------------------------------------------------ model

    def scop(self, nest: For, live_out: frozenset[str]) -> Scop:
        statements = tuple(
            self.finished(number, *pending) for number, pending in enumerate(self.pending)
        )
        extents = [
            f"{each.name} >= 0"
            for each in self.parameters.values()
            if isinstance(each.expression, Extent)
        ]
        written = self.uses.assigned | self.uses.variables
        exposed = exposed_reads(nest)
        return Scop(
            parameters=tuple(self.parameters.values()),
            context=isl.Set.parse(f"{self.prefix()}{{ : {' and '.join(extents)} }}"),
            arrays=tuple(self.arrays.values()),
            loops=tuple(self.loops),
            statements=statements,
            live_in=tuple(sorted(self.values_read() & exposed)),
            live_out=tuple(sorted(live_out & written)),
            span=nest.span,
        )

    def values_read(self) -> frozenset[str]:
        """Return the scalars that statements read as values."""
        found: set[str] = set()
        for body, _, _ in self.pending:
            whole = [body.value]
            if isinstance(body, Update) and isinstance(body.target, Name):
                whole.append(body.target)
            for expression in whole:
                found |= value_names(expression)
        return frozenset(found) - self.uses.variables

    def finished(
        self, number: int, body: Assign | Update, accesses: tuple[Access, ...], place: _Place
    ) -> Statement:
        instance = f"S{number}[{', '.join(self.variables(place))}]"
        conditions = " and ".join(place.constraints)
        return Statement(
            name=f"S{number}",
            domain=isl.Set.parse(f"{self.prefix()}{{ {instance} : {conditions} }}"),
            loops=place.loops,
            accesses=accesses,
            body=body,
            position=place.position,
            span=body.span,
        )


def _assigned(statement: Assign | Update) -> Expression:
    """Return what a statement assigns, as one expression."""
    if isinstance(statement, Assign):
        return statement.value
    return Binary(
        operator=statement.operator,
        left=statement.target,
        right=statement.value,
        span=statement.span,
    )
