"""Program slices of a loop tree: chosen statements, and what they are computed from.

Before:  for i: k = idx[i]; t = x[i]; y[k] = t       what y[k] selects is asked for
After:   for i: k = idx[i]; ask y[k]

Weiser, Program slicing, ICSE 1981; here without regard to order: a scalar that matters anywhere
is kept everywhere. Nothing of a slice is stored, but in arrays that the region makes for itself,
which count as scalars do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from autopar.analysis.model.typed import (
    Load,
    SetVariable,
    Store,
    TypedStatement,
    Variable,
    walk_statement,
)

from .kernel import Branch, Decision, Instance, Loop, Node, Program
from .liveness import arrays, assigned, exposed

# What is asked of a statement; None where nothing is.
Question: TypeAlias = Callable[[Instance], TypedStatement | None]


def own_arrays(program: Program) -> frozenset[str]:
    """Return the arrays that the region makes for itself."""
    return frozenset(each.name for each in program.arrays if each.extents is not None)


def sliced(body: tuple[Node, ...], question: Question, own: frozenset[str]) -> tuple[Node, ...]:
    """Return `body` with each statement replaced by its question, what it takes kept.

    Loops count as parallel where nothing that is kept ties one iteration to the next.
    """
    return _kept(body, question, _needed(body, question, own), own)


def is_free(loop: Loop) -> bool:
    """Return whether no scalar ties one iteration of a loop without stores to the next."""
    return not exposed(loop.body) & assigned(loop.body)


def _needed(body: tuple[Node, ...], question: Question, own: frozenset[str]) -> frozenset[str]:
    """Return the scalars, and arrays in `own`, from which something that is asked is computed."""
    decided = list(_decided(body, frozenset()))
    needed: set[str] = set()
    for instance, decisions in decided:
        asked = question(instance)
        needed |= _read(asked, own) | decisions if asked else set()
    is_grown = True
    while is_grown:
        is_grown = False
        for instance, decisions in decided:
            if _target(instance.statement, own) in needed:
                found = (_read(instance.statement, own) | decisions) - needed
                needed |= found
                is_grown = is_grown or bool(found)
    return frozenset(needed)


def _decided(
    body: tuple[Node, ...], decisions: frozenset[str]
) -> Iterator[tuple[Instance, frozenset[str]]]:
    """Yield every statement with the predicates, and bounds, that decide whether it runs."""
    for node in body:
        match node:
            case Instance():
                yield node, decisions
            case Loop():
                bounds = node.within.scalars if node.within is not None else frozenset()
                yield from _decided(node.body, decisions | bounds)
            case Branch():
                yield from _decided(node.body, decisions)
            case Decision():
                yield from _decided(node.body + node.orelse, decisions | {node.predicate})


def _read(statement: TypedStatement, own: frozenset[str]) -> set[str]:
    nodes = list(walk_statement(statement))
    loaded = {node.array for node in nodes if isinstance(node, Load)}
    return {node.name for node in nodes if isinstance(node, Variable)} | (loaded & own)


def _target(statement: TypedStatement, own: frozenset[str]) -> str | None:
    """Return the scalar, or the array in `own`, that a statement gives a value."""
    match statement:
        case SetVariable():
            return statement.name
        case Store() if statement.array in own:
            return statement.array
    return None


def _kept(
    body: tuple[Node, ...], question: Question, needed: frozenset[str], own: frozenset[str]
) -> tuple[Node, ...]:
    kept: list[Node] = []
    for node in body:
        match node:
            case Instance() if _target(node.statement, own) in needed:
                kept.append(node)
            case Instance():
                asked = question(node)
                if asked is not None:
                    kept.append(replace(node, statement=asked))
            case Loop():
                loop = replace(node, body=_kept(node.body, question, needed, own))
                # An array of the region's own may tie iterations as well.
                free = is_free(loop) and (node.is_parallel or not arrays(loop.body) & own)
                free = free and node.within is None
                reduced = tuple(
                    replace(each, noted=tuple(one for one in each.noted if one.name in needed))
                    for each in node.reductions
                    if each.target in needed
                )
                scans = tuple(each for each in node.scans if each.target in needed)
                if loop.body:
                    kept.append(
                        replace(
                            loop,
                            is_parallel=free,
                            reductions=reduced,
                            cells=(),
                            scans=scans,
                            renamings=(),
                        )
                    )
            case Branch():
                inner = _kept(node.body, question, needed, own)
                if inner:
                    kept.append(replace(node, body=inner))
            case Decision():
                inner = _kept(node.body, question, needed, own)
                other = _kept(node.orelse, question, needed, own)
                if inner or other:
                    kept.append(replace(node, body=inner, orelse=other))
    return tuple(kept)
