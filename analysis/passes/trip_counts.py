"""When loops are long: the parameter values for which a loop and all loops in it run many times.

Before:  for t in range(steps): for i in range(1, n - 1): ...
After:   steps >= 17 and n >= 19

A condition that meets none of these only holds where some loop is too short to matter.
"""

from __future__ import annotations

from ..model import isl
from ..model.scop import Scop

# Iterations that lie this far apart make a loop long; one that never has such a pair counts as
# long as soon as it has two.
_FAR = 16


def long_loops(scop: Scop, loop: int) -> isl.Set:
    """Return the parameter values for which `loop` and all loops in it can be long at once."""
    inside = {each for every in scop.statements_in(loop) for each in every.loops}
    depth = scop.loops[loop].depth
    found = scop.context
    for each in sorted(inside):
        if scop.loops[each].depth >= depth:
            far = _far_apart(scop, each, _FAR)
            found = found.intersect(_far_apart(scop, each, 1) if far.is_empty() else far)
    return found


def with_later_turns(scop: Scop, loop: int, turns: int) -> isl.Set:
    """Return the iterations of `loop` that so many others follow, in one execution of it."""
    return _apart(scop, loop, turns).domain()


def _far_apart(scop: Scop, loop: int, distance: int) -> isl.Set:
    """Return when two iterations of one execution of `loop` lie `distance` apart, in turns."""
    return _apart(scop, loop, distance).params()


def _apart(scop: Scop, loop: int, turns: int) -> isl.Map:
    """Return the pairs of iterations of one execution of `loop`, the second one `turns` later."""
    shape = scop.loops[loop]
    names = shape.iterations.dimensions
    twins = [f"{name}'" for name in names]
    first, second = names[shape.depth], twins[shape.depth]
    tests = [f"{name} = {twin}" for name, twin in zip(names, twins, strict=True) if name != first]
    later = f"{second} - {first}" if shape.step > 0 else f"{first} - {second}"
    tests.append(f"{later} >= {turns * abs(shape.step)}")
    pairs = isl.Map.parse(
        f"{{ [{', '.join(names)}] -> [{', '.join(twins)}] : {' and '.join(tests)} }}"
    )
    return pairs.intersect_domain(shape.iterations).intersect_range(shape.iterations)
