"""Pairs of instances that cannot meet because bounds that are data keep their loops apart.

Before:  for i: for j in range(ptr[i], ptr[i + 1]): a[j] = b[i]
         { S0[i, j] -> S0[i', j] : i < i' }
After:   { S0[i, j] -> S0[i', j] : i < i' and j_apart = 0 }

Where no two executions of the loop share an iteration, one `j` belongs to one `i`. A call sees
in the bounds alone whether that is so: compressed rows are apart where `ptr` does not decrease
(Blume and Eigenmann, Nonlinear and symbolic data dependence testing, IEEE TPDS 1998, prove such
facts of subscript arrays; here they are looked at).
"""

from __future__ import annotations

from itertools import product

from ..model import isl
from ..model.scop import Scop, Statement
from ..model.text import python_text


def without_shared_rows(scop: Scop, pairs: isl.Map, source: Statement, sink: Statement) -> isl.Map:
    """Return the pairs of `source` and `sink` that are left where rows are known to be apart."""
    for first, second in product(source.loops, sink.loops):
        one, other = scop.loops[first].data, scop.loops[second].data
        if one is None or other is None or one.apart is None or one.apart != other.apart:
            continue
        excused = _of_different_rows(scop, (source, first), (sink, second))
        if excused is not None:
            pairs = pairs.subtract(excused)
    return pairs


def context_of_rows(scop: Scop) -> isl.Set:
    """Return the context with all that is sure of rows: a single one, or empty ones, are apart.

    Sets of parameters are longer under it; it serves to shorten conditions.
    """
    context = scop.context
    for data in (loop.data for loop in scop.loops):
        if data is None or data.apart is None:
            continue
        boxes = ((python_text(box.greatest), python_text(box.least)) for box in data.boxes)
        several = [f"{greatest} > {least}" for greatest, least in boxes]
        tests = [f"({data.apart} = 1 or {' or '.join(several)})"]
        if data.first is not None and data.end is not None:
            tests.append(f"({data.apart} = 1 or {data.first} < {data.end})")
        names = ", ".join(each.name for each in scop.parameters)
        known = isl.Set.parse(f"[{names}] -> {{ : {' and '.join(tests)} }}")
        context = context.intersect(known)
    return context


def apart_sets(scop: Scop) -> tuple[isl.Set, ...]:
    """Return for each group of loops the parameter values for which its rows are apart."""
    names = (each.name for each in scop.parameters)
    prefix = f"[{', '.join(names)}] -> "
    found = (loop.data.apart for loop in scop.loops if loop.data is not None)
    distinct = dict.fromkeys(each for each in found if each is not None)
    return tuple(isl.Set.parse(f"{prefix}{{ : {each} = 1 }}") for each in distinct)


def _of_different_rows(
    scop: Scop, source: tuple[Statement, int], sink: tuple[Statement, int]
) -> isl.Map | None:
    """Return the pairs in one iteration of the loops, in executions by other bounds."""
    names = [list(statement.domain.dimensions) for statement, _ in (source, sink)]
    names[1] = [f"{name}'" for name in names[1]]
    data = scop.loops[source[1]].data
    assert data is not None  # the caller asked
    differ = []
    for box in data.boxes:
        if box.loop not in source[0].loops or box.loop not in sink[0].loops:
            return None
        differ.append(" != ".join(_names_of(box.loop, names, source[0], sink[0])))
    places = (source[0].loops.index(source[1]), sink[0].loops.index(sink[1]))
    same = f"{names[0][places[0]]} = {names[1][places[1]]}"
    instances = (
        f"{statement.name}[{', '.join(own)}]"
        for (statement, _), own in zip((source, sink), names, strict=True)
    )
    tests = f"{data.apart} = 1 and {same} and ({' or '.join(differ)})"
    return isl.Map.parse(f"[{data.apart}] -> {{ {' -> '.join(instances)} : {tests} }}")


def _names_of(
    loop: int, names: list[list[str]], source: Statement, sink: Statement
) -> tuple[str, str]:
    return names[0][source.loops.index(loop)], names[1][sink.loops.index(loop)]
