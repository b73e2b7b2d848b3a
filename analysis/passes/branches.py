"""What an `if` means to the model: constraints where its test is affine, else predicates.

Before:  if i > 0 and a[i - 1] > x:        After:  if_2 = a[i - 1] > x       where i > 0
             b[i] = 0.0                            b[i] = 0.0                where i > 0, if if_2

A test of data becomes a statement that sets a private boolean, evaluated once and in its place
(Allen, Kennedy, Porterfield and Warren, Conversion of control dependence to data dependence,
POPL 1983). As in Benabderrahmane, Pouchet, Cohen and Bastoul, The polyhedral model is more
widely applicable than you think, CC 2010, domains are then supersets of what runs; unlike
there, the affine parts of a test still constrain them. Helper of the `build_scop` pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass

from ..model.loop_ir import Assign, Constant, Expression, If, Name
from .accesses import predicate_reads, reads, writes
from .scop_draft import Draft, Place
from .subscripts import integer, resolved
from .truth import conjunction, joined, negated, truth


def split(
    draft: Draft, node: If, place: Place, known: Mapping[str, Expression]
) -> tuple[Place, Place]:
    """Return where the branches of `node` run, after entering the statements that decide it."""
    holds = draft.constraint(integer(node.test, known, draft.uses), place)
    if holds is not None:
        return place.where(holds), place.where(f"not ({holds})")
    whole = conjunction(node.test)
    parts = tuple(
        _Part(
            test=resolved(each, known, draft.uses),
            constraint=draft.constraint(integer(each, known, draft.uses), place),
        )
        for each in whole.parts
    )
    tests = _Tests(draft=draft, place=place, line=node.test.span.line)
    if all(each.constraint is None for each in parts):
        name = tests.ask(resolved(node.test, known, draft.uses))
        return tests.place.under(name, holds=True), tests.place.under(name, holds=False)
    if whole.holds:
        return tests.both(parts, whole_test=True, has_rest=bool(node.orelse))
    rest, taken = tests.both(parts, whole_test=False, has_rest=bool(node.body))
    return taken, rest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One part of a conjunction."""

    test: Expression
    constraint: str | None  # in isl notation; None where the part depends on data


@dataclass(slots=True, kw_only=True)
class _Tests:
    """Enters the statements that decide one `if`; `place` is where the next one stands."""

    draft: Draft
    place: Place
    line: int

    def both(
        self,
        parts: tuple[_Part, ...],
        *,
        whole_test: bool,
        has_rest: bool,
    ) -> tuple[Place, Place]:
        """Return where all of `parts` hold, and where one does not.

        `whole_test` is the value of the whole test where all of them hold.
        """
        outside = self.place
        flag = None
        if has_rest:
            flag = self.draft.fresh_predicate(self.line)
            self._set(flag, Constant(value=not whole_test, span=parts[0].test.span))
        for position, part in enumerate(parts):
            if part.constraint is not None:
                self.place = self.place.where(part.constraint)
            elif not position or parts[position - 1].constraint is not None:
                # Neighbours that depend on data are one test.
                group = _group(parts[position:])
                is_last = position + len(group) == len(parts)
                name = flag if flag is not None and is_last else None
                self._narrow(joined(group), name, whole_test=whole_test)
        if flag is not None and parts[-1].constraint is not None:
            self._set(flag, Constant(value=whole_test, span=parts[-1].test.span))
        rest = outside.at(self.place.position[-1])
        if flag is None:
            return self.place, rest
        # The flag says it all; what the parts came to need not be asked again.
        taken = replace(rest, constraints=self.place.constraints)
        return taken.under(flag, holds=whole_test), rest.under(flag, holds=not whole_test)

    def _narrow(self, test: Expression, flag: str | None, *, whole_test: bool) -> None:
        """Ask `test` here, and go where it holds; the answer goes to `flag` if that is one."""
        if flag is None:
            name = self.ask(test)
            self.place = self.place.under(name, holds=True)
        else:
            self._set(flag, truth(test if whole_test else negated(test)))

    def ask(self, test: Expression) -> str:
        """Enter a statement that sets a new predicate to `test`, and return its name."""
        name = self.draft.fresh_predicate(test.span.line)
        self._set(name, truth(test))
        return name

    def _set(self, name: str, value: Expression) -> None:
        draft, place = self.draft, self.place
        body = Assign(target=Name(name=name, span=value.span), value=value, span=value.span)
        accesses = (
            *predicate_reads(draft, place, value.span),
            *reads(draft, value, place),
            *writes(draft, body.target, place),
        )
        draft.pending.append((body, accesses, place))
        self.place = place.at(place.position[-1] + 1)


def _group(parts: tuple[_Part, ...]) -> tuple[Expression, ...]:
    """Return the tests at the start of `parts` that depend on data."""
    count = next(
        (number for number, part in enumerate(parts) if part.constraint is not None), len(parts)
    )
    return tuple(part.test for part in parts[:count])
