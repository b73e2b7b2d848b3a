"""Count subscripts from the end of their axis where they are negative.

Before:  for i in range(n):            { S0[i] -> a[i - 1] }, right only where nothing is negative
             b[i] = a[i - 1]
After:   b[i] = a[wrapped(i - 1)]      { S0[i] -> a[i - 1] : i >= 1;
                                         S0[i] -> a[a_shape_0 + i - 1] : -a_shape_0 < i <= 0 }

By default subscripts are taken not to be negative: that keeps relations simple, and a call that
finds otherwise asks again with `Facts.wraps`. Where a loop could run only once or a few times
under that assumption, it is wrong for every loop that matters, and dropped at once. What is
negative in all instances gets the extent added, and nothing else changes.

The relations are exact for in-range subscripts, as NumPy's user guide ("Indexing on ndarrays")
has them; what is out of range at either end is left to `in_bounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Literal, TypeAlias

from autopar.analysis.model.nouns import dataclass

from ..model import isl
from ..model.facts import Facts
from ..model.loop_ir import (
    WRAPPED,
    Assign,
    Call,
    Element,
    Expression,
    Extent,
    Update,
    wrapped_value,
)
from ..model.plan import Condition
from ..model.scop import Access, Parameter, Scop, Statement
from .affine import Affine, affine, name_of
from .identifiers import Identifiers
from .order import dimensions_of, instance
from .ranges import Interval, expression_interval, statement_intervals
from .subscript_forms import atoms_of, counts_from_the_end, extent_of, from_the_end, subscript_form
from .substitution import rebuilt

# A relation has two pieces for each subscript that may wrap, and all pairs of pieces meet.
_MOST_WRAPPED = 2

Subscripts: TypeAlias = tuple[Expression, ...]
# Negative: in all instances. Assumed: not negative, or so it is taken.
Sign: TypeAlias = Literal["negative", "either", "assumed"]
# What becomes of the subscripts of (array, subscripts), where anything does.
Rewriting: TypeAlias = dict[tuple[str, Subscripts], Subscripts]


def wrap_subscripts(scop: Scop, facts: Facts) -> Scop:
    """Return `scop` with subscripts that surely, or possibly, count from the end written so."""
    rewritings = [
        _Signs(scop, each, facts, each.domain.intersect_params(scop.context)).rewriting()
        for each in scop.statements
    ]
    if not any(rewritings):
        return scop
    extended = _with_extents(scop, rewritings)
    return replace(
        extended,
        statements=tuple(
            _rewritten(extended, each, rewriting) if rewriting else each
            for each, rewriting in zip(scop.statements, rewritings, strict=True)
        ),
    )


def most_wrapped(scop: Scop) -> int:
    """Return how many subscripts of one element count from the end only where they are negative."""
    return max(
        (
            sum(wrapped_value(index) is not None for index in access.indices)
            for statement in scop.statements
            for access in statement.accesses
        ),
        default=0,
    )


def within(scop: Scop, conditions: tuple[Condition, ...]) -> Scop:
    """Return `scop` for the parameters under which `conditions` may all hold."""
    known = scop.context
    for each in conditions:
        known = known.intersect(each.set.with_parameters(known.parameters))
    return replace(scop, context=known)


# ------------------------------------------------------------------------------- signs


@dataclass(frozen=True, slots=True)
class _Signs:
    """Which subscripts of one statement are negative, and when."""

    scop: Scop
    statement: Statement
    facts: Facts
    domain: isl.Set  # the instances of the statement, whatever extents are

    def rewriting(self) -> Rewriting:
        """Return the new subscripts of every element whose subscripts change."""
        atoms = atoms_of(self.scop, self.statement)
        elements = dict.fromkeys(
            (access.array, access.indices) for access in self.statement.accesses if access.indices
        )
        intervals = statement_intervals(self.scop, self.statement)
        forms = {
            index: form
            for _, indices in elements
            for index in indices
            if not counts_from_the_end(index)
            and not _is_surely_positive(index, intervals)  # cheaper than isl
            and (form := subscript_form(index, atoms)) is not None
        }
        texts = dict.fromkeys(str(each.form) for each in forms.values())
        # Mostly nothing is negative, which one set shows for all subscripts together.
        if not texts or self._where(" or ".join(f"{text} < 0" for text in texts)).is_empty():
            return {}
        found: Rewriting = {}
        for array, indices in elements:
            signs = tuple(
                self._sign(
                    str(forms[index].form),
                    affine(extent_of(self.scop, array, axis, index.span), atoms),
                )
                if index in forms
                else "assumed"
                for axis, index in enumerate(indices)
            )
            found[array, indices] = self._counted(array, indices, signs)
        return {key: new for key, new in found.items() if new != key[1]}

    def _counted(self, array: str, indices: Subscripts, signs: tuple[Sign, ...]) -> Subscripts:
        """Return subscripts that count from the end, always or where they are negative."""
        counted: list[Expression] = []
        for axis, (index, sign) in enumerate(zip(indices, signs, strict=True)):
            if sign == "negative":
                extent = extent_of(self.scop, array, axis, index.span)
                counted.append(from_the_end(index, extent))
            elif sign == "either" and signs[:axis].count("either") < _MOST_WRAPPED:
                counted.append(Call(function=WRAPPED, arguments=(index,), span=index.span))
            else:
                counted.append(index)
        return tuple(counted)

    def _sign(self, text: str, extent: Affine | None) -> Sign:
        """Return the sign of a subscript over all instances; `extent` where it is known."""
        below = self._where(f"{text} < 0")
        if below.is_empty():
            return "assumed"
        if self._where(f"{text} >= 0").is_empty():
            return "negative"
        if self.facts.wraps:
            return "either"
        outside = below if extent is None else self._where(f"{text} < 0 or {text} >= {extent}")
        return "either" if self._is_certain(outside) else "assumed"

    def _is_certain(self, outside: isl.Set) -> bool:
        """Return whether only short loops have no instance in `outside`."""
        domain = self.domain
        assumed = domain.params().subtract(outside.params())
        if assumed.is_empty():
            return True
        kept = domain.intersect_params(assumed)
        return any(
            _reach(domain, level) is None and _reach(kept, level) is not None
            for level in range(len(self.statement.loops))
        )

    def _where(self, test: str) -> isl.Set:
        """Return the instances for which `test` holds."""
        names = instance(self.statement, dimensions_of(self.statement))
        holds = isl.Set.parse(f"{_prefix(self.scop)}{{ {names} : {test} }}")
        return holds.intersect(self.domain)


def _is_surely_positive(index: Expression, intervals: Mapping[str, Interval]) -> bool:
    interval = expression_interval(index, intervals)
    return interval is not None and interval[0] >= 0


def _reach(domain: isl.Set, level: int) -> int | None:
    """Return how far apart two instances in one loop may be; None where there is no limit."""
    pairs = isl.pairs(domain, domain, level, "<").intersect_domain(domain).intersect_range(domain)
    ends = pairs.distances(level)
    return 0 if ends is None else ends[1]


# -------------------------------------------------------------------------- the new model


def _with_extents(scop: Scop, rewritings: list[Rewriting]) -> Scop:
    """Return `scop` with the extents that the new subscripts count from as parameters."""
    taken = {each.name for each in scop.parameters} | {each.text for each in scop.parameters}
    taken |= {each.name for each in scop.arrays} | {loop.variable for loop in scop.loops}
    taken |= {name for each in scop.statements for name in each.domain.dimensions}
    taken |= {access.relation.sink_name for each in scop.statements for access in each.accesses}
    identifiers = Identifiers(taken)
    parameters = {each.word: each for each in scop.parameters}
    for rewriting in rewritings:
        for (array, old), new in rewriting.items():
            for axis, (before, after) in enumerate(zip(old, new, strict=True)):
                extent = extent_of(scop, array, axis, before.span)
                if before == after or not isinstance(extent, Extent):
                    continue  # what the region makes it makes of parameters
                text = name_of(extent)
                if text not in parameters:
                    name = identifiers.fresh(f"{array}_shape_{axis}")
                    parameters[text] = Parameter(name=name, expression=extent, text=text)
    extended = replace(scop, parameters=tuple(parameters.values()))
    known = [p.name for p in extended.parameters if isinstance(p.expression, Extent)]
    tests = " and ".join(f"{name} >= 0" for name in known)
    context = isl.Set.parse(f"{_prefix(extended)}{{ : {tests} }}")
    return replace(extended, context=context.intersect(scop.context))


def _rewritten(scop: Scop, statement: Statement, rewriting: Rewriting) -> Statement:
    """Return a statement with new subscripts, and relations to match."""

    def visit(node: Expression) -> Expression:
        if isinstance(node, Element):
            node = replace(node, indices=rewriting.get((node.array, node.indices), node.indices))
        return rebuilt(node, visit)

    def access(old: Access) -> Access:
        new = rewriting.get((old.array, old.indices))
        relation = old.relation if new is None else old.relation.then(_counting(scop, old, new))
        return replace(old, relation=relation, indices=tuple(map(visit, new or old.indices)))

    body: Assign | Update = replace(
        statement.body,
        value=visit(statement.body.value),
        target=visit(statement.body.target),  # type: ignore[arg-type]  # keeps its kind
    )
    return replace(statement, body=body, accesses=tuple(map(access, statement.accesses)))


def _counting(scop: Scop, access: Access, indices: Subscripts) -> isl.Map:
    """Return the cell that each subscript, as written, stands for.

    A relation of its own, so that nothing need be known of the subscripts that stay.
    """
    names = {each.word: each.name for each in scop.parameters}
    cell = [f"x{axis}'" for axis in range(len(indices))]  # no name of the user has a prime
    pieces: list[tuple[tuple[str, str], ...]] = []
    for axis, (old, new) in enumerate(zip(access.indices, indices, strict=True)):
        extent = affine(extent_of(scop, access.array, axis, old.span), names)
        pieces.append(_pieces(cell[axis], str(extent), "assumed" if old == new else _sign_of(new)))
    array = access.relation.sink_name
    cases = [
        f"{array}[{', '.join(cell)}] -> {array}[{', '.join(there for there, _ in each)}]"
        f" : {' and '.join(test for _, test in each)}"
        for each in product(*pieces)
    ]
    return isl.Map.parse(f"{_prefix(scop)}{{ {'; '.join(cases)} }}")


def _sign_of(counted: Expression) -> Sign:
    return "either" if isinstance(counted, Call) else "negative"


def _pieces(position: str, extent: str, sign: Sign) -> tuple[tuple[str, str], ...]:
    """Return positions along an axis, each with the subscripts that stand for it, as isl text."""
    counted = f"{extent} + {position}"
    match sign:
        case "assumed":
            return ((position, "0 = 0"),)
        case "negative":
            return ((counted, "0 = 0"),)
        case "either":
            return (position, f"{position} >= 0"), (counted, f"-({extent}) <= {position} < 0")


def _prefix(scop: Scop) -> str:
    return f"[{', '.join(each.name for each in scop.parameters)}] -> "
