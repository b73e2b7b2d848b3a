"""Trials from a random number generator: a program, and calls with ordinary and with odd arguments."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.array_nests import draw_array_nest
from tests.decided_nests import draw_decided_nest
from tests.driven_nests import draw_driven_nest
from tests.families import draw_program
from tests.folded_nests import draw_folded_nest
from tests.fresh_nests import draw_fresh_nest
from tests.fuzz.collide import collided, is_quick
from tests.fuzz.trial import Call, Errors, Trial, run_plainly
from tests.lasting_nests import draw_lasting_nest
from tests.list_nests import draw_list_nest
from tests.moved_nests import draw_moved_nest, over_attributes
from tests.outlined_nests import draw_outlined_nest
from tests.program import ArraySpec, Program
from tests.reduced_nests import draw_reduced_nest
from tests.row_nests import draw_row_nest
from tests.scanned_nests import draw_scanned_nest
from tests.second_generator import draw as second
from tests.split_nests import draw_split_nest
from tests.staged_nests import draw_staged_nest
from tests.storage_nests import draw_storage_nest
from tests.strategies import RandomChoices
from tests.tiled_nests import draw_tiled_nest
from tests.valued_nests import draw_valued_nest

# One array made odd. {a} is its name; all of these keep rank and length unless the point is to change them.
ODD_ARRAYS = (
    "{a} = {a}[::-1]",
    "{a} = np.asfortranarray({a})",
    "{a} = {a}.repeat(2, axis=0)[::2]",
    "{a} = {a}.T",
    "{a} = {a}.ravel()[: {a}.size].reshape({a}.shape, order='F')",
    "{a} = {a}[:0]",
    "{a} = {a}[:1]",
    "{a}.flags.writeable = False",
    "{a} = {a}.view(Subclass)",
    "{a} = {a}.tolist()",
    "{a} = {a}.astype({a}.dtype.newbyteorder())",
    "{a} = {a}.astype(np.float16)",
    "{a} = np.broadcast_to({a}[:1], {a}.shape)",
    "{a} = np.lib.stride_tricks.as_strided({a}, {a}.shape, (0,) * {a}.ndim)",
    "{a} = {a}.reshape(1, -1)",
    "{a} = {a}.ravel()",
    "{a} = {a}.ravel()[0]",
    "{a} = None",
    "{a} = np.frombuffer(bytearray(b'\\0' + {a}.tobytes()), np.uint8)[1:].view({a}.dtype).reshape({a}.shape)",
    "{a} = {a}[::-1].copy()[::-1]",
    "{a} = {a}[..., ::-1].copy()[..., ::-1]",
    "{a} = {a}[::-1, ::-1].copy()[::-1, ::-1]",
    "{a} = {a}.repeat(2, axis=-1)[..., ::-2].copy()[..., ::-1]",
    "fields = np.zeros({a}.shape, [('p', 'f4'), ('x', {a}.dtype)]); fields['x'] = {a}; {a} = fields['x']",
    "fields = np.zeros({a}.shape, [('x', {a}.dtype), ('p', 'i8')]); fields['x'] = {a}; {a} = fields['x']",
    "{a} = {a}.astype(np.longdouble)",
    "{a} = np.ma.masked_greater({a}, 3)",
    "{a} = np.ma.array({a}, mask=False)",
    "{a} = {a}.astype(object)",
    "{a} = np.asmatrix({a}[:1])",
    "{a} = {a}.astype([('x', {a}.dtype)])",
    "{a} = np.rec.fromarrays([{a}, {a}], names='x,y')",
    "{a} = {a}.astype('M8[s]')",
    "{a} = {a}.astype('S4')",
    "mapped = np.memmap(tempfile.TemporaryFile(), {a}.dtype, 'w+', 0, {a}.shape); mapped[...] = {a}; {a} = mapped",
    "mapped = np.memmap(tempfile.TemporaryFile(), {a}.dtype, 'w+', 0, {a}.shape); mapped[...] = {a}; {a} = np.asarray(mapped)",
    "{a} = np.array({a}.ravel()[0])",
    "{a} = np.lib.stride_tricks.sliding_window_view(np.resize({a}, {a}.size + {a}.shape[-1]), {a}.shape[-1])[:{a}.shape[0]]",
    "{a} = np.lib.stride_tricks.as_strided({a}, {a}.shape, tuple(each // 2 * 2 or each for each in {a}.strides[:-1]) + (0,))",
    "{a} = np.lib.stride_tricks.as_strided(np.resize({a}, 3 * {a}.size), {a}.shape, ({a}.itemsize,) * {a}.ndim)",
    "{a} = np.ndarray({a}.shape, {a}.dtype, buffer={a}.tobytes())",
    "{a} = tuple({a}.tolist())",
    "{a} = array.array('d', {a}.ravel().real)",
    "{a} = memoryview({a})",
    "{a}.flags.writeable = False; {a} = {a}[...]",
    "{a} = {a}[None][0]",
    "{a} = {a}.astype({a}.dtype.newbyteorder())[::-1]",
)

# Special values; a float array takes them, the others raise when the arguments are made and are left alone.
ODD_VALUES = (
    "np.nan",
    "np.inf",
    "-0.0",
    "1e300",
    "5e-324",
    "0",
    "1",
    "-1",
    "127",
    "2**31 - 1",
    "2**63 - 1",
)

# All values of an array, for arrays as they are made have distinct ones above zero: ties, both signs
# and both zeros. Where a type has no such values the arguments are left alone.
CONTENTS = (
    "{a}[...] = np.copysign({a} // 1 % 3, 0.5 - {a} // 1 % 2)",
    "{a}[...] = {a} % 7 - 3",
    "{a}[...] = -{a}",
    "{a}[...] = {a} % 2",
    "{a}.flat[::2] = 0.0; {a}.flat[1::4] = -0.0",
    "{a}[...] = np.where({a} % 5 > 3, np.nan, {a} % 3 - 1)",
)

# Two arrays that share memory.
OVERLAPS = (
    "{b} = {a}",
    "{b} = {a}[1:]",
    "{a} = {a}[2:]; {b} = {a}[:-1]",
    "{b} = {a}[::2]",
    "{b} = {a}[1::2]; {a} = {a}[::2]",
    "{b} = {a}[::-1]",
    "{b} = {a}.T",
    "{b} = {a}[:]",
    "{b} = {a}[::3]; {a} = {a}[::2]",
    "{a} = {a}[3:]; {b} = {a}[::-1][2:]",
    "{b} = np.lib.stride_tricks.as_strided({a}, {a}.shape[::-1], {a}.strides[::-1])",
    "{b} = np.frombuffer({a}, {a}.dtype, offset={a}.itemsize * 3)[:{a}.shape[0]]",
    "{a} = {a}[..., ::2]; {b} = np.lib.stride_tricks.as_strided({a}, ({a}.shape[0], *{a}.shape)[:{a}.ndim], (0, *{a}.strides)[:{a}.ndim])",
)

UNUSUAL: tuple[Errors, ...] = ("raise", "ignore")

_SHARES = (
    0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.05, 0.1, 0.1, 0.1, 0.15, 0.1
)  # fmt: skip
_OVER_ATTRIBUTES = 0.1
_SPLIT = 0.07
_COLLIDED = 0.15
_WITH_CONTENTS = 0.2  # of the arrays
_TRIES = 8  # not every oddity suits every array

ODD_NUMBERS = (
    "{n} = np.int64({n})",
    "{n} = np.int32({n})",
    "{n} = np.int8({n})",
    "{n} = bool({n})",
    "{n} = float({n})",
    "{n} = np.float64({n})",
    "{n} = np.array({n})",
    "{n} = None",
    "{n} = -{n}",
    "{n} = str({n})",
)


def draw_second_trial(generator: random.Random) -> tuple[Trial, Program]:
    """Return a program of the second generator with up to three of its calls; half have nothing odd about them."""
    drawn = second.draw_program(generator.randrange(2**32), is_affine=generator.random() < 0.3)
    shapes = {each.name: each.rank for each in drawn.parameters}
    program = Program(
        source=drawn.source,
        family=drawn.titles[0],
        arrays=tuple(
            ArraySpec(name=name, rank=rank, dtype=drawn.dtype)
            for name, rank in shapes.items()
            if rank
        ),
        numbers=tuple(name for name, rank in shapes.items() if not rank),
        is_roomy=True,
    )
    chosen = generator.sample(drawn.calls, min(len(drawn.calls), generator.choice([1, 2, 3])))
    calls = []
    for each in chosen:
        values = zip(shapes, each.arguments, strict=True)
        setup = [f"{name} = {_written_out(value)}" for name, value in values]
        odd = _odd_lines(program, setup, generator) if generator.random() < 0.5 else []
        calls.append(Call(setup=(*setup, *odd), names=tuple(shapes)))
    return Trial(source=drawn.source, calls=tuple(calls)), program


def _written_out(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()}, np.{value.dtype}).reshape{value.shape}"
    return repr(value)


def draw_trial(generator: random.Random) -> tuple[Trial, Program]:
    """Return a drawn program with one to three calls of it."""
    if _SPLIT and generator.random() < _SPLIT:
        program = draw_split_nest(RandomChoices(generator))
        calls = [draw_call(program, generator) for _ in range(generator.choice([1, 1, 2, 3]))]
        return Trial(source=program.source, calls=tuple(calls)), program
    kinds = [
        draw_program, draw_storage_nest, draw_valued_nest, draw_decided_nest, draw_reduced_nest,
        draw_lasting_nest, draw_list_nest, draw_outlined_nest, draw_moved_nest, draw_scanned_nest,
        draw_array_nest, draw_driven_nest, draw_row_nest, draw_folded_nest,
        draw_fresh_nest, draw_tiled_nest, draw_staged_nest,
    ]  # fmt: skip
    draw = generator.choices(kinds, _SHARES)[0]
    program = draw(RandomChoices(generator))
    if generator.random() < _OVER_ATTRIBUTES:
        program = replace(program, source=over_attributes(program, RandomChoices(generator)))
    calls = [draw_call(program, generator) for _ in range(generator.choice([1, 1, 2, 3]))]
    trial = Trial(source=program.source, calls=tuple(calls))
    if generator.random() < _COLLIDED:
        other = replace(trial, source=collided(trial.source, generator))
        if is_quick(lambda: run_plainly(other)):
            trial, program = other, replace(program, family=f"collided {program.family}")
    return trial, program


def draw_odd_calls(trial: Trial, program: Program, generator: random.Random) -> Trial:
    """Return a trial with an odd array in each of its calls, and a call more that has none before and after."""
    calls = []
    for call in trial.calls:
        for _ in range(_TRIES if program.arrays else 0):
            spec = generator.choice(program.arrays)
            line = generator.choice(ODD_ARRAYS).format(a=spec.name)
            if _can_be_made([*call.setup, line]):
                calls += [call, replace(call, setup=(*call.setup, line))]
                break
    return replace(trial, calls=(*calls, *trial.calls[:1])) if calls else trial


def draw_call(program: Program, generator: random.Random) -> Call:
    """Return a call of `program`; three in five have nothing odd about them but their numbers."""
    values = draw_values(generator)
    fitting = program.arguments(values)
    setup = [
        f"{spec.name} = {spec!r}.build({len(array)})"  # type: ignore[arg-type] # the first arguments are arrays
        for spec, array in zip(program.arrays, fitting, strict=False)
    ]
    setup += [f"{name} = {values[name]}" for name in program.numbers]
    names = (*(spec.name for spec in program.arrays), *program.numbers)
    odd = _odd_lines(program, setup, generator)
    errors: Errors = generator.choice(UNUSUAL) if generator.random() < 0.05 else "warn"
    return Call(setup=(*setup, *odd), names=names, errors=errors)


def draw_values(generator: random.Random) -> dict[str, int]:
    """Return values of n, m and k: small, at times zero or negative, at times larger."""
    if generator.random() < 0.25:
        return {name: generator.randint(12, 40) for name in "nmk"}
    return {
        "n": generator.choice([-2, 0, 1, 2, 5, 8, 9, 10]),
        "m": generator.choice([0, 1, 3, 7, 8, 12]),
        "k": generator.randint(-9, 12),
    }


def _odd_lines(program: Program, setup: Sequence[str], generator: random.Random) -> list[str]:
    lines: list[str] = []
    for spec in program.arrays:
        line = generator.choice(CONTENTS).format(a=spec.name)
        if generator.random() < _WITH_CONTENTS and _can_be_made([*setup, *lines, line]):
            lines.append(line)
    count = generator.choice([0, 0, 0, 1, 2])
    for _ in range(count):
        line = _odd_line(program, generator)
        if line and _can_be_made([*setup, *lines, line]):
            lines.append(line)
    return lines


def _odd_line(program: Program, generator: random.Random) -> str:
    kind = generator.randint(1, 4)
    if kind == 1 and program.numbers:
        return generator.choice(ODD_NUMBERS).format(n=generator.choice(program.numbers))
    if not program.arrays:
        return ""
    spec = generator.choice(program.arrays)
    if kind == 2:
        return f"{spec.name}.flat[{generator.randint(0, 9)}::7] = {generator.choice(ODD_VALUES)}"
    others = [other.name for other in program.arrays if _may_stand_for(spec, other)]
    if kind == 3 and others:
        return generator.choice(OVERLAPS).format(a=spec.name, b=generator.choice(others))
    return generator.choice(ODD_ARRAYS).format(a=spec.name)


def _may_stand_for(spec: ArraySpec, other: ArraySpec) -> bool:
    return spec != other and spec.rank == other.rank


def _can_be_made(setup: Sequence[str]) -> bool:
    """Return whether the statements run: not every oddity suits every array, or every order of two."""
    try:
        Call(setup=tuple(setup), names=()).arguments()
    except (AttributeError, IndexError, OverflowError, TypeError, ValueError, BufferError):
        return False
    return True
