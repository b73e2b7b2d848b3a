"""An order of instances that carries as little as possible in its outer loops, as isl finds it.

Bondhugula, Baskaran, Krishnamoorthy, Ramanujam, Rountev, Sadayappan, A practical automatic
polyhedral parallelizer and locality optimizer, PLDI 2008, in the form of Verdoolaege and Janssens,
Scheduling for PPCG, 2017. Each strongly connected component has loops of its own, and loops that
carry nothing come first.
"""

from __future__ import annotations

from functools import partial, reduce

import islpy

from . import isl
from .isl_budget import MOST_OF_A_SCAN, STATE, is_exhausted
from .order_tree import Run, Tree, Turn


class _NoPlainTimeError(Exception):
    """A time is not one affine expression."""


@partial(isl.locked, most=MOST_OF_A_SCAN)
def find_order(domains: tuple[isl.Set, ...], pairs: tuple[isl.Map, ...]) -> tuple[Tree, ...] | None:
    """Return an order of the instances in `domains` that runs the first of each pair first.

    None where a time would not be one affine expression, and where isl finds no order: its own
    constraints on times leave out what integer divisions in the pairs say.
    """
    instances = reduce(islpy.UnionSet.union, (each.raw.to_union_set() for each in domains))
    ordered = islpy.UnionMap.empty(instances.get_space())
    for each in pairs:
        ordered = ordered.union(each.raw.to_union_map())
    constraints = islpy.ScheduleConstraints.on_domain(instances).set_validity(ordered)
    constraints = constraints.set_coincidence(ordered).set_proximity(ordered)
    context = STATE.context
    context.set_schedule_outer_coincidence(1)
    context.set_schedule_serialize_sccs(1)
    try:
        found = constraints.compute_schedule().get_root()
    except islpy.Error as error:
        if is_exhausted(error):
            raise
        return None
    finally:
        context.set_schedule_outer_coincidence(0)
        context.set_schedule_serialize_sccs(0)
    names = tuple(each.raw.get_tuple_name() for each in domains)
    try:
        return _trees(found, names)
    except _NoPlainTimeError:
        return None


def _trees(node: islpy.ScheduleNode, names: tuple[str, ...]) -> tuple[Tree, ...]:
    """Return what a node of isl's schedule tree runs, of the atoms `names`."""
    match islpy.schedule_node_type(node.get_type()).name:
        case "sequence" | "set":
            children = (node.get_child(at) for at in range(node.n_children()))
            return tuple(tree for child in children for tree in _trees(child, names))
        case "filter":
            spaces: list[islpy.Set] = []
            node.filter_get_filter().foreach_set(spaces.append)
            inside = {each.get_tuple_name() for each in spaces}
            return _below(node, tuple(each for each in names if each in inside))
        case "band":
            return _band(node, names, 0)
        case "leaf":
            return tuple(Run(atom=each) for each in names)
        case _:
            return _below(node, names)


def _below(node: islpy.ScheduleNode, names: tuple[str, ...]) -> tuple[Tree, ...]:
    if not node.n_children():
        return tuple(Run(atom=each) for each in names)
    return _trees(node.get_child(0), names)


def _band(node: islpy.ScheduleNode, names: tuple[str, ...], member: int) -> tuple[Tree, ...]:
    if member == node.band_n_member():
        return _below(node, names)
    times = node.band_get_partial_schedule().get_union_pw_aff(member)
    found: list[islpy.PwAff] = []
    times.foreach_pw_aff(found.append)
    texts = dict(_time(each) for each in found)
    turn = Turn(
        times=tuple((name, texts[name]) for name in names),
        is_coincident=bool(node.band_member_get_coincident(member)),
        body=_band(node, names, member + 1),
        is_permutable=member > 0 and bool(node.band_get_permutable()),
    )
    return (turn,)


def _time(times: islpy.PwAff) -> tuple[str, str]:
    """Return the name of an atom, and the time of its instances as text."""
    pieces: list[islpy.Aff] = []
    times.foreach_piece(lambda _domain, affine: pieces.append(affine))
    name = times.get_tuple_id(islpy.dim_type.in_).get_name()
    if len(pieces) != 1:
        raise _NoPlainTimeError
    (affine,) = pieces
    if affine.dim(islpy.dim_type.div) or not affine.get_denominator_val().is_one():
        raise _NoPlainTimeError
    terms = []
    for kind in (islpy.dim_type.in_, islpy.dim_type.param):
        for position in range(affine.dim(kind)):
            factor = int(isl.text_of(affine.get_coefficient_val(kind, position)))
            word = affine.get_dim_name(kind, position) or ""
            if factor:
                terms.append(word if factor == 1 else f"{factor} * {word}")
    constant = int(isl.text_of(affine.get_constant_val()))
    if constant or not terms:
        terms.append(str(constant))
    return name, " + ".join(terms)
