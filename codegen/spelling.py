"""How the user's names are spelled in generated code, where its own names are taken."""

from __future__ import annotations

import builtins
import keyword
import re

from .kernel import Program, loops_in


def spell(program: Program, own_names: frozenset[str], own: re.Pattern[str]) -> dict[str, str]:
    """Return a spelling for each name of `program`, underscores added where it would clash.

    `own_names`, and whatever `own` matches as a whole, are names of the generated module.
    """
    wanted = [each.name for each in program.arrays]
    wanted += [each.name for each in program.integers]
    wanted += [each.name for each in program.variables]
    wanted += [each.iterator for each in loops_in(program.body)]
    wanted += [each.group_end for each in loops_in(program.body) if each.group_end]
    names: dict[str, str] = {}
    for name in dict.fromkeys(wanted):
        # What begins like a name of our own does so however it ends.
        spelling = name if own.fullmatch(f"{name}_") is None else f"_{name}"
        while _is_taken(spelling, own_names, own) or spelling in names.values():
            spelling += "_"
        names[name] = spelling
    return names


def _is_taken(name: str, own_names: frozenset[str], own: re.Pattern[str]) -> bool:
    return (
        name in own_names
        or keyword.iskeyword(name)
        or hasattr(builtins, name)
        or own.fullmatch(name) is not None
    )
