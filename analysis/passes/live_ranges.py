"""The values of a scalar of one iteration, told apart by the statements that set them.

Before:  t = a[i]; b[i] = t; t = c[i]; d[i] = t
After:   the first two statements share one value of `t`, the last two another

What shares no value needs no order among itself, as if each value had a name of its own (Cytron
and Ferrante, What's in a name?, ICPP 1987).
"""

from __future__ import annotations

from ..model.scop import Scop, Statement


def live_ranges(scop: Scop, name: str) -> tuple[tuple[Statement, ...], ...]:
    """Return the statements that use a private scalar, those together that may share a value.

    In textual order. A statement begins anew that surely sets the scalar, without reading it,
    wherever one after it runs.
    """
    users = [e for e in scop.statements if any(one.array == name for one in e.accesses)]
    ranges: list[list[Statement]] = []
    for at, each in enumerate(users):
        if not ranges or _begins_anew(each, name, users[at + 1 :]):
            ranges.append([each])
        else:
            ranges[-1].append(each)
    return tuple(map(tuple, ranges))


def _begins_anew(statement: Statement, name: str, later: list[Statement]) -> bool:
    kinds = {each.kind for each in statement.accesses if each.array == name}
    if kinds != {"must_write"} or statement.predicates:
        return False
    return all(
        each.loops == statement.loops
        and each.domain.named(statement.name).is_subset(statement.domain)
        for each in later
    )
