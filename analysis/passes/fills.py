"""The loops that give every element of a new array its first value."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.loop_ir import Allocate, Assign, Constant, Element, Expression, For, Name, Statement


def fill_loops(
    node: Allocate,
    value: Expression,
    variables: Sequence[str],
    extents: Sequence[Expression],
    *,
    is_inlined: bool = False,
) -> For:
    """Return a nest over `extents`, one variable each, that sets an array of `node` to `value`.

    An array has one axis at least; `is_inlined` as in `For`.
    """
    at = node.span
    indices = tuple(Name(name=variable, span=at) for variable in variables)
    target = Element(array=node.name, indices=indices, span=at)
    body: Statement = Assign(target=target, value=value, span=at)
    for variable, extent in reversed(list(zip(variables, extents, strict=True))):
        body = For(
            variable=variable,
            start=Constant(value=0, span=at),
            stop=extent,
            step=Constant(value=1, span=at),
            body=(body,),
            header=f"for every element of {node.name}",
            span=at,
            is_inlined=is_inlined,
        )
    assert isinstance(body, For)
    return body


def filled_array(node: For) -> str | None:
    """Return the array that a loop of `fill_loops` sets; None for loops that the user wrote."""
    inner: Statement = node
    while isinstance(inner, For) and len(inner.body) == 1:
        inner = inner.body[0]
    if node.is_axis or not isinstance(inner, Assign) or inner.span != node.span:
        return None
    return inner.target.array if isinstance(inner.target, Element) else None
