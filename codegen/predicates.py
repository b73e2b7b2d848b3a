"""Put nodes of a loop tree under the predicates that decide whether they run.

Before:  S0: if_3 = a[i] > 0; S1 under if_3; S2 under if_3; S3 under not if_3
After:   S0: if_3 = a[i] > 0
         if if_3: S1; S2
         else: S3

Neighbours under the same predicate are grouped, and loops of which everything depends on it go
under it as a whole. Loops that hold launches do so only in a driver, where the host asks for
values of the region's data in any case; elsewhere every kernel asks for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.scop import Predicate
from autopar.analysis.model.typed import SetVariable

from .kernel import Branch, Decision, Instance, Loop, Node, walk_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A node, and the predicates that must hold for it to run, outermost first."""

    node: Node
    predicates: tuple[Predicate, ...]


def gathered(children: Iterable[Guarded]) -> tuple[Node, ...]:
    """Return the nodes in order, neighbours under one predicate in one `Decision`."""
    found: list[Node] = []
    run: list[Guarded] = []
    for child in children:
        if run and (not child.predicates or child.predicates[0].name != _name(run)):
            found.append(_decision(run))
            run = []
        if child.predicates:
            run.append(child)
        else:
            found.append(child.node)
    if run:
        found.append(_decision(run))
    return tuple(found)


def enclosed(node: Loop | Branch, children: Sequence[Guarded], *, may_decide: bool) -> Guarded:
    """Return `node` around `children`, under what all of them depend on.

    `may_decide`: whether what runs `node` can ask for predicates, be it the host; it can where
    a parallel loop or a driver stands around.
    """
    shared: tuple[Predicate, ...] = ()
    if may_decide or not _holds_launch(node, children):
        shared = _shared(children)
    inside = (replace(each, predicates=each.predicates[len(shared) :]) for each in children)
    return Guarded(node=replace(node, body=gathered(inside)), predicates=shared)


def _name(run: Sequence[Guarded]) -> str:
    return run[0].predicates[0].name


def _decision(run: Sequence[Guarded]) -> Decision:
    arms = {
        holds: gathered(
            replace(each, predicates=each.predicates[1:])
            for each in run
            if each.predicates[0].holds == holds
        )
        for holds in (True, False)
    }
    return Decision(
        predicate=_name(run), body=arms[True], orelse=arms[False], span=run[0].node.span
    )


def _holds_launch(node: Loop | Branch, children: Iterable[Guarded]) -> bool:
    below = walk_nodes(tuple(each.node for each in children))
    return any(isinstance(each, Loop) and each.is_parallel for each in (node, *below))


def _shared(children: Sequence[Guarded]) -> tuple[Predicate, ...]:
    """Return the outer predicates that all children have, and none of them sets."""
    assigned = {
        each.statement.name
        for each in walk_nodes(tuple(child.node for child in children))
        if isinstance(each, Instance) and isinstance(each.statement, SetVariable)
    }
    shared: list[Predicate] = []
    for level in zip(*(each.predicates for each in children), strict=False):
        if len(set(level)) > 1 or level[0].name in assigned:
            break
        shared.append(level[0])
    return tuple(shared)
