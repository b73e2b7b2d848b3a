"""Find arrays of which parts of a loop may have copies, although no iteration leaves them whole.

Before:  for i in range(n): for j in range(i, n): t[j] = x[i, j]
                            for j in range(i, n): y[i, j] = t[j]    the last i writes t[n - 1] alone
After:   t kept: parts of the loop have copies of it and note what they write; the last part that
         writes an element decides its value

Before:  for i in range(n): last[k[i]] = v[i]            conditional, k[i] distinct for 0 <= i < n
After:   the same, and last kept for calls where elements of k are equal

Lam, Locality optimizations for parallel machines, CONPAR 1994, calls it finalization to give a
privatized variable the value of the last iteration that assigns it. Which one that is may be
data: the notes tell. Asked only of loops that are refused, or refused at some calls.
"""

from __future__ import annotations

from ..model.loop_ir import Binary, Constant, Expression, Name, children
from ..model.plan import PrivateArray
from ..model.scop import Access, Loop, Scop, Statement
from .dependences import Conflict, accesses_to, is_indirect
from .privatization import Privatization


def without_kept(
    blocking: tuple[Conflict, ...], candidates: tuple[Privatization, ...]
) -> tuple[tuple[PrivateArray, ...], tuple[Conflict, ...]]:
    """Return the arrays to keep copies of, and the conflicts that this leaves of `blocking`."""
    names = {each.array.name for each in candidates}
    left = [each for each in blocking if each.array not in names]
    left += [conflict for each in candidates for conflict in each.left]
    return tuple(each.array for each in candidates), tuple(left)


def may_pay(scop: Scop, array: str, loop: int) -> bool:
    """Return whether `loop` may have many more writes of an array than elements that it writes.

    If not, copies of these cost more than they gain: `a[i // 2] = b[i]`.
    """
    return all(
        is_indirect(access) or _comes_back(scop, statement, access, loop)
        for statement in scop.statements_in(loop)
        for access in accesses_to(statement, array, "write")
    )


def _comes_back(scop: Scop, statement: Statement, access: Access, loop: int) -> bool:
    """Return whether a write does not move on with `loop`, or little beside loops inside it."""
    inside = statement.loops[statement.loops.index(loop) :]
    moving = {scop.loops[loop].variable}
    for each in inside[1:]:
        shape = scop.loops[each]
        if all(_mentions(limit, moving) for limit in (shape.start, shape.stop)):
            moving.add(shape.variable)
    if not any(_mentions(index, moving) for index in access.indices):
        return True
    long = [each for each in inside if not _is_short(scop.loops[each])]
    return len(long) > len(access.indices)


def _mentions(expression: Expression, names: set[str]) -> bool:
    """Return whether an expression grows with one of `names`."""
    match expression:
        case Binary(operator="%", right=Constant()):
            return False
        case Name():
            return expression.name in names
    return any(_mentions(each, names) for each in children(expression))


def _is_short(loop: Loop) -> bool:
    """Return whether a loop turns as often as its text says."""
    return isinstance(loop.start, Constant) and isinstance(loop.stop, Constant)
