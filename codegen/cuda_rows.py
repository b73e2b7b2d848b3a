"""CUDA source of rows that run at the same time, each behind the one before.

    for i in range(1, n): for j in range(1, m): a[i, j] = a[i - 1, j] + a[i, j - 1]

    @cuda.jit
    def rows0(progress, i_lower, i_upper, a, n, m):
        ...                                             the turn of the block, its times
        i = i_lower + cuda.blockDim.x * turn + lane     a row for each thread
        while part < last:
            ...                                         until the rows before have done this part
            for time in range(part, part_end):
                if j_first <= time < j_end: rows0_body(i, time - i, a)
                cuda.syncthreads()
            ...                                         say that it is done
            part = part_end

Iteration `j` of row `i` has the time `skew * i + j`. What runs at one time depends on earlier
times alone, of the same rows and of those before: so a block of rows may run its times up to an
end as soon as the block before has run its own up to there. Blocks take their turns in order, and
only a turn that somebody has taken is waited for: however few blocks the device runs at a time,
all are done in the end. `codegen.staggered_text` is the same for threads of the CPU.

Lamport, The parallel execution of DO loops, CACM 1974 (the hyperplane method). A block waits for
another as the partial tiles of stream-K do: Osama et al., Stream-K, PPoPP 2023, section 4; what a
fence before the word, or after it, makes visible: PTX ISA, memory consistency model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autopar.analysis.model.loop_ir import Expression

from .cuda_body import INDENT
from .device_rows import row_of
from .host import Kernel
from .progress import DONE

# Times between two looks at the block before.
PART = 32
OWN_NAMES = frozenset({"progress", "turn", "times", "time", "part", "part_end", "last"})

_EARLIEST = -DONE  # an int64 to Numba, as Python writes the least one it is none


def rows_lines(
    kernel: Kernel,
    names: Callable[[str], str],
    text: Callable[[Expression], str],
    call: str,
    *,
    reports: bool,
) -> Iterator[str]:
    """Yield the body of a kernel of staggered rows.

    `call` runs one iteration at `time`, and gives back a status word if the kernel `reports`.
    """
    loop = kernel.loop
    assert loop is not None
    row = row_of(loop)
    assert row is not None  # else it is not staggered
    outer, inner = names(loop.iterator), names(row.iterator)
    first, end = f"{inner}_first", f"{inner}_end"
    yield "lane = cuda.threadIdx.x"
    yield "times = cuda.shared.array(3, np.int64)  # the block's turn, its first time, its end"
    yield "if lane == 0:"
    yield f"{INDENT}times[0] = cuda.atomic.add(progress, 0, 1)"
    yield f"{INDENT}times[1] = {DONE}"
    yield f"{INDENT}times[2] = {_EARLIEST}"
    yield "cuda.syncthreads()"
    yield "turn = times[0]"
    yield f"{outer} = {outer}_lower + cuda.blockDim.x * turn + lane"
    yield f"{first}, {end} = 0, 0"
    yield f"if {outer} < {outer}_upper:"
    yield f"{INDENT}{first} = {time_of(kernel, names, text(row.lower))}"
    yield f"{INDENT}{end} = {time_of(kernel, names, text(row.upper))}"
    yield f"if {first} < {end}:"
    yield f"{INDENT}cuda.atomic.min(times, 1, {first})"
    yield f"{INDENT}cuda.atomic.max(times, 2, {end})"
    yield "cuda.syncthreads()"
    yield "part, last = times[1], times[2]"
    yield from (("failed = 0",) if reports else ())
    yield "while part < last:"
    yield from (INDENT + line for line in _part(first, end, call, reports=reports))
    yield from _ending()
    if reports:
        yield "if failed != 0:"
        yield f"{INDENT}cuda.atomic.or_(status, 0, failed)"


def _part(first: str, end: str, call: str, *, reports: bool) -> Iterator[str]:
    yield f"part_end = min(part + {PART}, last)"
    yield "if lane == 0:"
    yield from (INDENT + line for line in _waiting("part_end"))
    yield "cuda.syncthreads()"
    yield "for time in range(part, part_end):"
    yield f"{INDENT}if {first} <= time < {end}:"
    yield f"{2 * INDENT}{'failed |= ' if reports else ''}{call}"
    yield f"{INDENT}cuda.syncthreads()"
    yield "if lane == 0:"
    yield f"{INDENT}cuda.threadfence()"
    yield f"{INDENT}cuda.atomic.max(progress, turn + 2, part_end)"
    yield "part = part_end"


def _ending() -> Iterator[str]:
    """Yield how a block ends: not before the one before it has."""
    yield "if lane == 0:"
    yield from (INDENT + line for line in _waiting(str(DONE)))
    yield f"{INDENT}cuda.atomic.max(progress, turn + 2, {DONE})"


def _waiting(time: str) -> Iterator[str]:
    yield f"while cuda.atomic.add(progress, turn + 1, 0) < {time}:"
    yield f"{INDENT}pass"
    yield "cuda.threadfence()"


def time_of(kernel: Kernel, names: Callable[[str], str], column: str) -> str:
    """Return the time at which the row of a thread is at `column`, as text."""
    return f"{_start_of(kernel, names)} + {column}"


def column_at(kernel: Kernel, names: Callable[[str], str]) -> str:
    """Return the column at which the row of a thread is at `time`, as text."""
    return f"time - {_start_of(kernel, names)}"


def _start_of(kernel: Kernel, names: Callable[[str], str]) -> str:
    """Return the time at which the row of a thread is at column 0, as text."""
    loop = kernel.loop
    assert loop is not None
    factor = f"{loop.skew} * " if loop.skew != 1 else ""
    return f"{factor}{names(loop.iterator)}"
