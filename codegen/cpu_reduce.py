"""CPU source of a reduced loop: partial values of whole blocks of iterations.

    for i in range(lower, upper): s = s + a[i]

    s_lanes = np.empty(128, np.float64)
    for block_lower in range(lower, upper, 2048):
        s_lanes[:] = -0.0
        for row_lower in range(block_lower, min(block_lower + 2048, upper), 128):
            for lane in range(min(128, block_upper - row_lower)):
                i = row_lower + lane
                s_lanes[lane] = s_lanes[lane] + a[i]         LLVM vectorises this loop
        ...                                                  lanes, then blocks, in pairs

The order is that of `codegen.canonical`. Blocks are combined as a binary counter counts:
`s_levels[k]` holds the value of 2 ** k of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autopar.analysis.model.typed import Number, Operation, places_of
from autopar.analysis.model.types import NumpyScalar

from .canonical import FEWEST_TERMS
from .cpu_body import INDENT, Body
from .expressions import Names, print_expression
from .host import Kernel, Reduce
from .kernel import Cells, Instance, Loop, Node, Program, Reduced, walk_nodes
from .partials import Part, PartialLoop, has_bound, has_doubt, has_wide_bound
from .printing import number_text
from .sharing import has_rounded

LEVELS = 64  # a power of two for each bit of a number of blocks
_ARRAY_DTYPES = {"bool": "np.bool_"}


def partial_lines(partial: PartialLoop, body: Body) -> Iterator[str]:
    """Yield the body of a kernel over `lower` to `upper`, from the partial values' start on."""
    if not partial.parts:
        yield from body.cut_loop(partial.loop, "lower", "upper", INDENT)
        return
    printer = _Printer(partial, body)
    if partial.loop.only_keeps:
        yield from printer.one_block()
        return
    yield from printer.declarations()
    if partial.shape.block == 1:
        yield from printer.single_iterations()
    else:
        yield from printer.blocks()
    yield from printer.collapse()


def names_of_parts(partial: PartialLoop, body: Body) -> tuple[str, ...]:
    """Return what the partial values are called in generated code."""
    return tuple(body.names.get(part.name, part.name) for part in partial.parts)


def name_of(kernel: Kernel) -> str:
    """Return what the noun of a reduced loop is called in generated code."""
    return kernel.name.replace("reduce", "reduction")


def reduction_lines(node: Reduce) -> Iterator[str]:
    """Yield the definition of how partial values combine on the host."""
    partial = node.kernel.partial
    assert partial is not None  # the planner made it
    is_rounded = has_rounded(partial.loop)
    yield f"{name_of(node.kernel)} = Reduction("
    if partial.loop.reductions:
        yield f"{INDENT}scalars=("
        for each in partial.loop.reductions:
            words = ", ".join(_scalar_words(each, partial))
            kind = "Choice" if each.is_chosen else "Scalar"
            yield f"{2 * INDENT}{kind}({words}),  # {', '.join(each.targets)}"
        yield f"{INDENT}),"
    if partial.loop.cells:
        yield f"{INDENT}cells=("
        for cells in partial.loop.cells:
            if cells.is_last:
                words = _lasting_words(cells, node.kernel, partial)
                yield f"{2 * INDENT}Lasting({words}),  # {cells.array}"
                continue
            position = node.kernel.arrays.index(cells.array)
            words = f'{position}, "{cells.operator}", "{cells.type.dtype}", {cells.largest}'
            bound = ", has_bound=True" if has_wide_bound(cells) else ""
            yield f"{2 * INDENT}Copied({words}{bound}),  # {cells.array}"
        yield f"{INDENT}),"
    private = private_positions(node.kernel)
    if private:
        yield f"{INDENT}private=({', '.join(private)},),"
    yield f"{INDENT}block={partial.shape.block},"
    yield f"{INDENT}fewest={FEWEST_TERMS if is_rounded else 0},"
    yield f"{INDENT}can_repeat={_can_repeat(partial.loop)},"
    yield ")"


def _lasting_words(cells: Cells, kernel: Kernel, partial: PartialLoop) -> str:
    marks = dict(partial.marks)[cells.array]
    places = (kernel.arrays.index(each) for each in (cells.array, marks))
    return ", ".join((*map(str, places), str(cells.starts_filled)))


def private_positions(kernel: Kernel) -> tuple[str, ...]:
    """Return the position and the start of each array that a thread has a copy of, as text."""
    return tuple(
        f"({kernel.arrays.index(each.name)}, {each.starts_filled})"
        for each in (kernel.loop.private_arrays if kernel.loop else ())
        if each.name in kernel.arrays  # checks may have no use for it
    )


def are_lost(kernel: Kernel, others: Sequence[Kernel], program: Program) -> bool:
    """Return whether nobody reads what the private arrays of a loop hold after it.

    They are of the region alone, nothing but the loop mentions them, and no iteration of it finds
    anything in them. `others` are the kernels that may run beside this one.
    """
    loop = kernel.loop
    if loop is None or any(each.starts_filled for each in loop.private_arrays):
        return False
    private = {each.name for each in loop.private_arrays}
    given = {each.name for each in program.given_arrays}
    if any(private.intersection(each.arrays) for each in others):
        return False
    everywhere = _mentions(program.body, private)
    return not private & given and everywhere == _mentions((loop,), private)


def _mentions(nodes: tuple[Node, ...], arrays: set[str]) -> int:
    """Return how many places of a text mean one of some arrays."""
    instances = (each for each in walk_nodes(nodes) if isinstance(each, Instance))
    places = (place for each in instances for place in places_of(each.statement))
    return sum(place.array in arrays for place in places)


def kinds_of(loop: Loop) -> Iterator[str]:
    """Yield the classes of `codegen.combine` that `reduction_lines` names."""
    yield from ("Choice" if each.is_chosen else "Scalar" for each in loop.reductions)
    yield from ("Lasting" if each.is_last else "Copied" for each in loop.cells)


def _can_repeat(loop: Loop) -> bool:
    """Return whether nothing is stored that is not in a copy."""
    scalars = all(each.can_repeat for each in loop.reductions)
    return scalars and all(each.can_repeat for each in loop.cells)


def _scalar_words(reduced: Reduced, partial: PartialLoop) -> Iterator[str]:
    yield f'"{reduced.operator}"'
    yield f'"{reduced.dtype}"'
    if reduced.is_chosen:
        yield f"noted={len(reduced.noted)}"
        return
    marks = {
        "is_flipped": reduced.is_flipped,
        "is_watched": isinstance(reduced.type, NumpyScalar),
        "has_bound": has_bound(reduced),
        "has_doubt": has_doubt(reduced, partial.shape),
    }
    yield from (f"{name}=True" for name, holds in marks.items() if holds)
    if reduced.largest is not None:
        yield f"largest={reduced.largest}"
    if reduced.is_nested:
        yield "is_nested=True"
    if reduced.replaced:
        yield f"marks={len(reduced.replaced)}"


class _Printer:
    def __init__(self, partial: PartialLoop, body: Body) -> None:
        self._partial = partial
        self._body = body
        self._shape = partial.shape
        self._has_lanes = partial.shape.lanes > 1

    # ------------------------------------------------------------------ pieces

    def declarations(self) -> Iterator[str]:
        for part in self._partial.parts:
            dtype = _ARRAY_DTYPES.get(part.type.dtype, f"np.{part.type.dtype}")
            if self._has_lanes:
                yield f"{INDENT}{self._lanes(part)} = np.empty({self._shape.lanes}, {dtype})"
            yield f"{INDENT}{self._levels(part)} = np.empty({LEVELS}, {dtype})"
        yield f"{INDENT}block_count = 0"

    def one_block(self) -> Iterator[str]:
        """Yield the loop as a whole, where it makes no difference how parts of it are combined."""
        yield from self._neutral(INDENT)
        yield from self._body.cut_loop(self._partial.loop, "lower", "upper", INDENT)

    def single_iterations(self) -> Iterator[str]:
        """Yield the loop where each iteration is a block."""
        loop = self._partial.loop
        yield f"{INDENT}{self._body.header(loop, 'lower', 'upper')}"
        yield from self._neutral(2 * INDENT)
        yield from self._body.nodes(loop.body, 2 * INDENT)
        yield from self._push(2 * INDENT)

    def blocks(self) -> Iterator[str]:
        """Yield the loop over blocks of iterations."""
        loop, block = self._partial.loop, self._shape.block * self._partial.loop.step
        inner = 2 * INDENT
        yield f"{INDENT}for block_lower in range(lower, upper, {block}):"
        yield f"{inner}block_upper = min(block_lower + {block}, upper)"
        if not self._has_lanes:
            yield from self._neutral(inner)
            yield from self._body.cut_loop(loop, "block_lower", "block_upper", inner)
        else:
            yield f"{inner}for lane in range({self._shape.lanes}):"
            for part in self._partial.parts:
                yield f"{inner}{INDENT}{self._lane(part)} = {neutral_text(part)}"
            yield from self._rows(loop, inner)
            yield from self._fold_lanes(inner)
        yield from self._push(inner)

    def _rows(self, loop: Loop, indent: str) -> Iterator[str]:
        lanes, step = self._shape.lanes, loop.step
        row = f"for row_lower in range(block_lower, block_upper, {lanes * step}):"
        yield f"{indent}{row}  # line {loop.span.line}"
        ahead = self._body.in_strips(loop, "row_lower", "row_end")
        if ahead is not None:
            end = f"min(row_lower + {lanes}, block_upper)"
            yield f"{indent}{INDENT}row_end = {end}"
            yield from ahead.lines(indent + INDENT)
        left = (
            "block_upper - row_lower"
            if step == 1
            else f"(block_upper - row_lower + {step - 1}) // {step}"
        )
        yield f"{indent}{INDENT}for lane in range(min({lanes}, {left})):"
        advance = "lane" if step == 1 else f"{step} * lane"
        yield f"{indent}{2 * INDENT}{self._body.names[loop.iterator]} = row_lower + {advance}"
        own = {part.name: self._lane(part) for part in self._partial.parts}
        body = replace(self._body, names={**self._body.names, **own})
        nodes = loop.body
        if ahead is not None:
            body, nodes = body.after(ahead), ahead.strips.remaining
        yield from body.nodes(nodes, indent + 2 * INDENT)

    def _fold_lanes(self, indent: str) -> Iterator[str]:
        """Yield the lanes combined: half of them with the other half, and again."""
        yield f"{indent}lane_count = {self._shape.lanes // 2}"
        yield f"{indent}while lane_count > 0:"
        yield f"{indent}{INDENT}for lane in range(lane_count):"
        inner = indent + 2 * INDENT
        for part in self._partial.parts:
            here, there = self._lane(part), self._lane(part, "lane + lane_count")
            doubt = self._partial.doubt(part)
            if doubt is not None:
                test = f"differing_zeros({here}, {there})"
                self._body.helpers.add("differing_zeros")
                yield f"{inner}{self._lane(doubt)} = {self._lane(doubt)} or {test}"
            yield from self._combined(part, here, (here, there), inner)
        yield f"{indent}{INDENT}lane_count //= 2"
        for part in self._partial.parts:
            yield f"{indent}{self._name(part)} = {self._lanes(part)}[0]"

    def _push(self, indent: str) -> Iterator[str]:
        """Yield the block just done entered in the levels, as a binary counter carries."""
        yield f"{indent}block_level = 0"
        yield f"{indent}while block_count >> block_level & 1:"
        yield from self._joined(indent + INDENT)
        yield f"{indent}{INDENT}block_level += 1"
        for part in self._partial.parts:
            yield f"{indent}{self._level(part)} = {self._name(part)}"
        yield f"{indent}block_count += 1"

    def collapse(self) -> Iterator[str]:
        """Yield the levels in use combined, the lowest first."""
        yield from self._neutral(INDENT)
        yield f"{INDENT}for block_level in range({LEVELS}):"
        yield f"{INDENT}{INDENT}if block_count >> block_level & 1:"
        yield from self._joined(3 * INDENT)

    def _joined(self, indent: str) -> Iterator[str]:
        """Yield the values of a level and those that follow them combined."""
        for part in self._partial.parts:
            name, level = self._name(part), self._level(part)
            beside = self._partial.choice(part)
            if part.combination is None:
                continue
            if not beside:
                yield from self._combined(part, name, (level, name), indent)
                continue
            wins = self._text_of(part.combination, (level, name), indent)
            *lines, test = wins
            yield from lines
            yield f"{indent}if not ({self._name(beside[0])} and {test}):"
            for each in (part, *beside):
                yield f"{indent}{INDENT}{self._name(each)} = {self._level(each)}"

    # ------------------------------------------------------------------ words

    def _neutral(self, indent: str) -> Iterator[str]:
        for part in self._partial.parts:
            yield f"{indent}{self._name(part)} = {neutral_text(part)}"

    def _combined(
        self, part: Part, target: str, pair: tuple[str, str], indent: str
    ) -> Iterator[str]:
        assert part.combination is not None  # such parts are copied together
        *lines, text = self._text_of(part.combination, pair, indent)
        yield from lines
        yield f"{indent}{target} = {text}"

    def _text_of(
        self, combination: Operation | Number, pair: tuple[str, str], indent: str
    ) -> tuple[str, ...]:
        """Return the lines before the text of a combination of `left` and `right`, and the text."""
        names = Names(spelled={"left": pair[0], "right": pair[1]}, prefix="pair_")
        printed = print_expression(combination, names, "cpu", fastmath=self._body.fastmath)
        self._body.helpers.update(printed.helpers)
        return (*(indent + line for line in printed.lines), printed.text)

    def _name(self, part: Part) -> str:
        return self._body.names.get(part.name, part.name)

    def _lanes(self, part: Part) -> str:
        return f"{self._name(part)}_lanes"

    def _lane(self, part: Part, lane: str = "lane") -> str:
        return f"{self._lanes(part)}[np.uintp({lane})]"

    def _levels(self, part: Part) -> str:
        return f"{self._name(part)}_levels"

    def _level(self, part: Part) -> str:
        return f"{self._levels(part)}[np.uintp(block_level)]"


def neutral_text(part: Part) -> str:
    """Return what a partial value begins with."""
    return number_text(part.neutral.value, part.type.dtype)
