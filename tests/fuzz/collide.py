"""Two names of a drawn program become one: loops, scalars and arrays by the same name.

People reuse names; drawn programs do not. What a program with merged names means is for the
interpreter to say, be it an exception.
"""

from __future__ import annotations

import ast
import random
import signal
import types
from collections.abc import Callable
from contextlib import suppress

# Merged names may square an integer in each iteration: such a program takes for ever.
_LIMIT_S = 0.3


class _Renamed(ast.NodeTransformer):
    """Replaces a name wherever it stands in the function's own scope."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(id=self.new, ctx=node.ctx) if node.id == self.old else node


def collided(source: str, generator: random.Random) -> str:
    """Return `source` with one local name of `kernel` replaced by another of its names."""
    tree = ast.parse(source)
    kernel = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "kernel"
    )
    parameters = [each.arg for each in kernel.args.args]
    stored = {
        node.id
        for node in ast.walk(kernel)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    own = sorted(stored - set(parameters))
    has_inner = any(isinstance(node, ast.While | ast.Lambda) for node in ast.walk(kernel))
    if not own or has_inner or len([*own, *parameters]) < 2:
        return source
    old = generator.choice(own)
    # Two loops by one name say most; an array that becomes a number mostly ends in an exception.
    others = [each for each in own if each != old]
    candidates = others if others and generator.random() < 0.8 else [*others, *parameters]
    _Renamed(old, generator.choice(candidates)).visit(kernel)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def is_quick(run: Callable[[], object]) -> bool:
    """Return whether `run` ends within a moment of the processor's time, be it by an exception."""

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, _LIMIT_S)
    try:
        with suppress(Exception):
            run()
            return True
        return signal.getitimer(signal.ITIMER_PROF)[0] > 0
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
