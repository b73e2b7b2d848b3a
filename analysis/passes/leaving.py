"""What decides whether an iteration of a loop that may be left runs.

Before:  for k in range(n), left by break:     After:  stays = True
             if a[k] > x: break                        for k: if_3 = a[k] > x         if stays
                                                              stays = False           if stays, if_3

Once it is False nothing of the loop runs, so that within an execution of the loop it only ever
changes from True to False. Helper of the `build_scop` pass.
"""

from __future__ import annotations

from ..model import isl
from ..model.loop_ir import Assign, Break, Constant, For, Name
from ..model.source import Span
from .accesses import predicate_reads, writes
from .scop_draft import Draft, Place


def begin(draft: Draft, node: For, place: Place) -> str:
    """Enter the statement before a loop that may be left; return the predicate of its body."""
    name = draft.fresh_predicate(node.span.line)
    _set(draft, name, place, node.span, value=True)
    return name


def leave(draft: Draft, node: Break, place: Place) -> None:
    """Enter the statement that leaves the innermost loop around."""
    _set(draft, draft.stays[place.loops[-1]], place, node.span, value=False)


def reached(draft: Draft, place: Place) -> isl.Set:
    """Return the iterations of the loops around in which `place` is reached."""
    names, tests = ", ".join(draft.dimensions(place)), " and ".join(place.constraints)
    where = f" : {tests}" if tests else ""
    return isl.Set.parse(f"{draft.prefix()}{{ [{names}]{where} }}")


def _set(draft: Draft, name: str, place: Place, at: Span, *, value: bool) -> None:
    target = Name(name=name, span=at)
    body = Assign(target=target, value=Constant(value=value, span=at), span=at)
    accesses = (*predicate_reads(draft, place, at), *writes(draft, target, place))
    draft.pending.append((body, accesses, place))
