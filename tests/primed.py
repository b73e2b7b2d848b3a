"""Two primed copies of an instance, intersected: does a loop carry a conflict, and for which parameters?

Before:  for i in range(n): a[i + k] = a[i]
After:   { [n, k] : exists i < i' in the domain with i + k = i' or i + k = i' + k or ... }

The plain test of a pair of references, by emptiness of a set of pairs (Pugh, The Omega test, 1991; loopy checks its
races in this way). It knows nothing of values: what privatisation and reductions excuse is for the caller to leave out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

import islpy

from tests.textual import Access, Nest


def conflicts(nest: Nest) -> Mapping[str, islpy.Set]:
    """Return for each name the parameters for which two iterations touch one of its cells, one to write it."""
    by_name: dict[str, list[Access]] = defaultdict(list)
    for access in nest.accesses:
        by_name[access.name].append(access)
    return {
        name: _union(nest, [_pairs(nest, one, two) for one, two in _couples(accesses)])
        for name, accesses in by_name.items()
        if any(each.is_write for each in accesses)
    }


def wrapping(nest: Nest) -> islpy.Set:
    """Return the parameters for which some subscript is negative, which the integer forms say nothing of."""
    found = [
        _parsed(
            f"[{', '.join(nest.parameters)}] -> {{ [{', '.join(access.dimensions)}] : "
            f"{' and '.join([*access.constraints, f'{index} < 0'])} }}"
        ).params()
        for access in nest.accesses
        for index in access.indices
    ]
    return _union(nest, found)


def _couples(accesses: list[Access]) -> Iterator[tuple[Access, Access]]:
    # Each unordered couple in both orders: the first copy is the one of the smaller loop variable.
    unique = list(dict.fromkeys(accesses))
    for one in unique:
        for two in unique:
            if one.is_write or two.is_write:
                yield one, two


def _pairs(nest: Nest, one: Access, two: Access) -> islpy.Set:
    """Return the parameters for which an instance of each meets in one cell."""
    depth = len(nest.around)
    first = {each: f"{each}_x" for each in one.dimensions}
    second = {each: f"{each}_y" for each in two.dimensions}
    tests = [_with(each, first) for each in one.constraints]
    tests += [_with(each, second) for each in two.constraints]
    tests += [
        f"{first[each]} = {second[other]}"
        for each, other in zip(one.dimensions[:depth], two.dimensions[:depth], strict=True)
    ]
    tests.append(f"{first[one.dimensions[depth]]} < {second[two.dimensions[depth]]}")
    tests += [
        f"{_with(here, first)} = {_with(there, second)}"
        for here, there in zip(one.indices, two.indices, strict=True)
    ]
    dimensions = ", ".join([*first.values(), *second.values()])
    text = f"[{', '.join(nest.parameters)}] -> {{ [{dimensions}] : {' and '.join(tests)} }}"
    return _parsed(text).params()


@cache
def _parsed(text: str) -> islpy.Set:
    return islpy.Set.read_from_str(islpy.DEFAULT_CONTEXT, text)


def _with(text: str, names: Mapping[str, str]) -> str:
    # Dimensions end in a number of their own, so that none is a part of another.
    for name, new in names.items():
        text = re.sub(rf"\b{name}\b", new, text)
    return text


def _union(nest: Nest, sets: list[islpy.Set]) -> islpy.Set:
    found = _parsed(f"[{', '.join(nest.parameters)}] -> {{ : false }}")
    for each in sets:
        found = found.union(each)
    return found.coalesce()
