"""Guards as text, and the statements that they guard put where the text says `pass`.

Before:  a guard's name, a site, a loop
After:   for s, in GUARD.enter(a, n): break
         else: <the loop>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from textwrap import indent

from autopar.analysis.model.held import is_held, whole
from autopar.analysis.passes.bound_names import Position
from autopar.analysis.passes.scopes import mangle

from .holding import over_held
from .placing import place_at
from .sites import AnySite, Site
from .stretched_loops import StretchSite


def guard_text(
    guard: str,
    site: Site,
    bound: frozenset[str],
    class_name: str | None,
    unless: str = "",
    first: str = "",
) -> str:
    """Return the guard's statement as text; the loop goes where it says `pass`.

    A name that may be unbound is looked up by name; the others are read as usual.
    An unbound result is taken back in the same line, before anything runs.
    Nobody is asked `unless`; what is asked is given `first` before all else.
    """
    arguments = arguments_text(guard, site, bound, class_name)
    asked = f"{guard}.enter({first}{arguments})"
    if site.is_light:
        unless = " or ".join(each for each in (asleep(guard), unless) if each)
    if not site.results:
        return f"if {unless and f'({unless}) or '}not {asked}:\n    pass\n"
    if unless and site.is_loop:
        asked = f"() if {unless} else {asked}"
    targets = "".join(f"{name}, " for name in site.results)
    if site.is_returned:
        found = f"for {targets} in {asked}:\n    return {site.results[0]}\nelse:\n    pass\n"
    else:
        takes_back = take_back_text(guard, site, bound, "    ")
        found = f"for {targets} in {asked}:\n{takes_back}    break\nelse:\n    pass\n"
    if unless and not site.is_loop:  # a statement is so short that an empty loop counts
        return f"if {unless}:\n    pass\nelse:\n{indent(found, '    ')}"
    return found


def take_back_text(guard: str, site: Site | StretchSite, bound: frozenset[str], indent: str) -> str:
    """Return what makes results unbound again that have no value."""
    return "".join(
        f"{indent}if {name} is {guard}.unbound:\n{indent}    del {name}\n"
        for name in site.results
        if name not in bound and "." not in name  # an attribute had a value before
    )


def match_text(
    guard: str,
    site: Site,
    bound: frozenset[str],
    class_name: str | None,
    unless: str = "",
    first: str = "",
) -> str:
    """Return the guard of a loop that `return` statements leave: see `returning`."""
    arguments = ", ".join(
        name if name in bound else f"{guard}.look({mangle(name, class_name)!r})"
        for name in site.arguments
    )
    takes_back = take_back_text(guard, site, bound, "        ")
    results = "".join(f", {name}" for name in site.results)
    cases = "".join(
        f"    case (({number}{results},),):\n{takes_back}        pass\n"
        for number in range(len(site.exits) + 1)
    )
    asked = f"{guard}.enter({first}{arguments})"
    asked = f"() if {unless} else {asked}" if unless else asked
    return f"match {asked}:\n{cases}    case _:\n        pass\n"


def arguments_text(guard: str, site: AnySite, bound: frozenset[str], class_name: str | None) -> str:
    """Return as text what a guard is asked with, what the header computes in a tuple before."""
    held = dict.fromkeys(whole(name) for name in site.arguments if is_held(name))
    others = [
        name if name in bound else f"{guard}.look({mangle(name, class_name)!r})"
        for name in site.arguments
        if not is_held(name)
    ]
    shown = [f"({''.join(f'{name}, ' for name in held)})"] if held else []
    return ", ".join([*shown, *others])


def value_text(guard: str, site: Site, class_name: str | None, bound: frozenset[str]) -> str:
    """Return as text what stands for a comprehension, which goes where it says `...`."""
    arguments = arguments_text(guard, site, bound, class_name)
    return f"... if {asleep(guard)} else ({guard}.value({arguments}) or (...,))[0]"


def asleep(guard: str) -> str:
    """Return as text whether a guard need not be asked this time."""
    return f"{guard}.is_deep or {guard}.is_off and {guard}.goes_by({guard}.sleeps, False)"


def value_or(comprehension: ast.expr, text: str) -> ast.expr:
    """Return the expression that `text` describes with `comprehension` where it asks for it."""
    choice = ast.parse(text, mode="eval").body
    place_at(choice, comprehension)
    match choice:
        case ast.IfExp(orelse=ast.Subscript(value=ast.BoolOp(values=[_, ast.Tuple() as found]))):
            choice.body = comprehension
            found.elts = [over_held(choice, comprehension)]
    return choice


def guarded(
    loop: ast.stmt, text: str, exits: tuple[Position, ...], before: list[ast.stmt]
) -> ast.stmt:
    """Return the guard that `text` describes with `loop` as what it guards, `before` before it."""
    (guard,) = ast.parse(text).body
    place_at(guard, loop)
    match guard:
        case ast.Match(cases=cases):
            returns = {(e.lineno, e.col_offset): e for e in _returns(loop)}
            for case, place in zip(cases[1:], exits, strict=False):
                case.body[-1:] = [returns[place]]
            cases[-1].body = [*before, loop]
        case ast.If(orelse=[ast.For() as inner]):
            guard.body, inner.orelse = [*before, loop], [*before, loop]
        case ast.If(test=test):
            guard.body = [*before, over_held(test, loop)]
        case ast.For(iter=asked):
            guard.orelse = [*before, over_held(asked, loop)]
    return guard


def guarded_block(statements: list[ast.stmt], text: str) -> ast.stmt:
    """Return the guard that `text` describes with several statements as what it guards."""
    (guard,) = ast.parse(text).body
    place_at(guard, statements[0])
    match guard:
        case ast.If(orelse=[ast.For() as inner]):
            guard.body, inner.orelse = statements, statements
        case ast.If():
            guard.body = statements
        case ast.For():
            guard.orelse = statements
    return guard


def _returns(loop: ast.stmt) -> Iterator[ast.Return]:
    """Yield the `return` statements in a loop."""
    return (each for each in ast.walk(loop) if isinstance(each, ast.Return))
