"""At a call: arrays go to the device, kernels are launched over grids, results come back.

    call = launcher.open((x, y), written=(False, True))      x and y copied to the device
    call.launch(launch0, ((0, n, 1),), (*call.arrays, alpha))
    status, s = call.close((s_cell,))                        y copied back, unless status says no

Every base is copied once: arrays that share memory become views of one buffer on the device.
Nothing on the host changes before `close`, so a run that failed may be redone in the
interpreter; what stays on the device (`codegen.residence`) is copied there first where it may.
Arrays that lie on the device already are used in place and stay there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.time_line import DeviceLaunch, DeviceRun
from autopar.analysis.model.typed import FAILURES

from . import cudalib
from .cudalib import DeviceArray
from .device_copies import copies_for
from .device_trees import Bounds, Passed, Tree
from .progress import DONE, START
from .residence import Lodging, Residence
from .spent import spending
from .tracing import traced

HostArray: TypeAlias = NDArray[Any]
AnyArray: TypeAlias = HostArray | DeviceArray
Kernel: TypeAlias = Any  # what `cuda.jit` gives

THREADS = 256  # of a block
_X_THREADS = 32  # a warp, in grids of more than one dimension
# Blocks along x, y and z that every device takes.
_MOST_BLOCKS = (2**31 - 1, 65535, 65535)
# A simulated thread is a thread of Python: few of them, in blocks that no range is a multiple of.
_SIMULATED: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    1: ((35,), (14,)),
    2: ((7, 5), (4, 3)),
    3: ((5, 3, 2), (2, 2, 4)),
}
_ROWS, _SIMULATED_ROWS = 64, 3  # of a recurrence, that one block runs
_MOST_BYTES = 2**62  # that can be counted
_ALIGNMENT = 16  # bytes; the largest item size


class DeviceError(Exception):
    """The device, or the compiler for it, refused. Nothing on the host has changed."""


class DeviceMemoryError(DeviceError):
    """The device's memory is exhausted."""


@contextmanager
def _translated() -> Iterator[None]:
    """Raise errors of the CUDA package as our own."""
    try:
        yield
    except cudalib.errors() as error:
        text = str(error).strip() or repr(error)
        kind = DeviceMemoryError if cudalib.is_out_of_memory(error) else DeviceError
        raise kind(text.splitlines()[0]) from error


@dataclass(slots=True, kw_only=True, eq=False)
class Done:
    """What a run has copied and launched; it holds no array."""

    copied_in: int  # bytes
    copied_out: int = 0
    launched: dict[str, tuple[Kernel, int, int]] = field(default_factory=dict)  # blocks, threads

    def described(self) -> DeviceRun:
        """Return it with what the device knows of the kernels."""
        return DeviceRun(
            copied_in=self.copied_in,
            copied_out=self.copied_out,
            launches=tuple(_described(name, *each) for name, each in self.launched.items()),
        )


def _described(name: str, kernel: Kernel, blocks: int, threads: int) -> DeviceLaunch:
    registers, local_bytes = cudalib.resources(kernel) or (None, None)
    return DeviceLaunch(
        kernel=name, blocks=blocks, threads=threads, registers=registers, local_bytes=local_bytes
    )


class DeviceLauncher:
    """What the `run` of a generated CUDA module gets: it opens a call on the device.

    With a `residence` arrays stay there afterwards; `is_first` says that nothing of the module has
    run before, so that it may fail for want of memory or of a compiler.
    """

    def __init__(self, residence: Residence | None = None, *, is_first: bool = False) -> None:
        self._residence = residence
        self._is_first = is_first
        self._call: DeviceCall | None = None

    def open(
        self,
        arrays: Sequence[AnyArray],
        *,
        written: Sequence[bool],
        may_fail: bool = False,
        takes_more: bool = False,
        overwritten: Sequence[bool] = (),
    ) -> DeviceCall:
        """Return a call with `arrays` on the device.

        `may_fail` keeps what lies on the device already from changing before `close`;
        `takes_more` says that a run asks for memory after it has begun. Of those that are
        `overwritten` a run that ends well stores every element, and reads none.
        """
        with _translated(), spending("transfer"):
            may_stop = may_fail or takes_more or self._is_first
            whole = overwritten or (False,) * len(arrays)
            arguments = [
                Argument(position=number, array=array, is_written=is_written, is_blank=is_blank)
                for number, (array, is_written, is_blank) in enumerate(
                    zip(arrays, written, whole, strict=True)
                )
            ]
            before = 0 if self._residence is None else self._residence.copied_in
            lodged, others = _lodged(arguments, self._residence, may_fail=may_stop)
            self._call = DeviceCall([*lodged, *_placed(others, may_fail=may_fail)])
            if self._residence is not None:
                self._call.done.copied_in += self._residence.copied_in - before
            return self._call

    @property
    def done(self) -> Done | None:
        """What the run has done so far; None before it is open."""
        return None if self._call is None else self._call.done

    @property
    def has_changed(self) -> bool:
        """Whether a run that failed has changed arrays that the host does not have as they were."""
        return self._call is not None and self._call.has_changed


class DeviceCall:
    """One run of a region on the device."""

    def __init__(self, placements: Sequence[_Placement | _Lodged]) -> None:
        self._placements = placements
        self._has_launched = False
        own = (each.copied_in for each in placements if isinstance(each, _Placement))
        self.done = Done(copied_in=sum(own))
        self._status: Any = None
        self._unused: Any = None
        by_position = {place.position: place.device for each in placements for place in each.places}
        self.arrays = tuple(by_position[position] for position in sorted(by_position))

    @property
    def has_changed(self) -> bool:
        """Whether kernels have stored to what the host does not have as it was."""
        return self._has_launched and any(each.is_in_place for each in self._placements)

    @property
    def status(self) -> DeviceArray:
        """The status word of the call on the device."""
        if self._status is None:
            self._status = self.cell(np.int64(0))
        return self._status

    @property
    def unused(self) -> DeviceArray:
        """A status word that nobody reads."""
        if self._unused is None:
            self._unused = self.cell(np.int64(0))
        return self._unused

    def cell(self, value: np.generic) -> DeviceArray:
        """Return an array of one element on the device, a scalar that kernels may change."""
        with _translated():
            return cudalib.to_device(np.array([value]))

    @staticmethod
    def value(cell: DeviceArray) -> bool:
        """Return the truth value in a cell, once what was launched before has run."""
        with _translated():
            return bool(cell.copy_to_host()[0])

    def new_array(self, shape: tuple[int, ...], dtype: type[np.generic]) -> DeviceArray:
        """Return a new array on the device, for the region alone, which stores its first values."""
        if min(shape, default=0) < 0 or math.prod(shape) * np.dtype(dtype).itemsize > _MOST_BYTES:
            raise DeviceMemoryError(f"no array has the shape {shape}")
        with _translated():
            return cudalib.empty(shape, dtype)

    def launch(
        self,
        kernel: Kernel,
        bounds: tuple[Bounds, ...],
        arguments: tuple[Any, ...],
        private: tuple[DeviceArray, ...] = (),
    ) -> None:
        """Run `kernel` with a thread for each point of `bounds`, outermost loop first.

        Of arrays that are `private` each thread has a copy.
        """
        extents = tuple(max(0, -((lower - upper) // step)) for lower, upper, step in bounds)
        if 0 in extents:
            return
        block, most = shape_of(extents)
        uppers = [upper for _, upper, _ in bounds]
        with _translated():
            threads = _threads(extents, block, most)
            together, copies = copies_for(cudalib, private, threads, math.prod(block))
            if private:
                most = _fewer(extents, block, most, together)
            for starts, grid in _tiles(extents, block, most):
                lowers = [
                    lower + start * step
                    for (lower, _, step), start in zip(bounds, starts, strict=True)
                ]
                ends = tuple(end for pair in zip(lowers, uppers, strict=True) for end in pair)
                self._start(kernel, grid, block, (*ends, *arguments, *copies))

    def launch_blocks(
        self,
        kernel: Kernel,
        block: tuple[int, ...],
        taken: tuple[int, ...],
        bounds: tuple[Bounds, ...],
        arguments: tuple[Any, ...],
    ) -> None:
        """Run `kernel` in blocks of `block` threads that take `taken` iterations each, x first.

        As `launch`, for threads that share memory; steps are 1.
        """
        extents = tuple(max(0, upper - lower) for lower, upper, _ in bounds)
        if 0 in extents:
            return
        uppers = [upper for _, upper, _ in bounds]
        with _translated():
            for starts, grid in _tiles(extents, taken, _MOST_BLOCKS[: len(block)]):
                lowers = [lower + at for (lower, _, _), at in zip(bounds, starts, strict=True)]
                ends = tuple(end for pair in zip(lowers, uppers, strict=True) for end in pair)
                self._start(kernel, grid, block, (*ends, *arguments))

    def run_once(self, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
        """Run `kernel` in a single thread."""
        with _translated():
            self._start(kernel, (1,), (1,), arguments)

    def run_rows(self, kernel: Kernel, rows: tuple[int, int], arguments: tuple[Any, ...]) -> None:
        """Run `kernel` with a thread for each of `rows`: the first, and the one after the last."""
        lower, upper = rows
        threads = _ROWS if not cudalib.is_simulator() else _SIMULATED_ROWS
        turns = -((lower - upper) // threads)
        if turns <= 0:
            return
        with _translated():
            progress = cudalib.to_device(_new_progress(turns))
            self._start(kernel, (turns,), (threads,), (progress, lower, upper, *arguments))

    def _start(
        self,
        kernel: Kernel,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        arguments: tuple[Any, ...],
    ) -> None:
        self._note(kernel, math.prod(grid), math.prod(block))
        with traced("launch", getattr(kernel, "__name__", "kernel"), grid=grid, block=block):
            cudalib.launch(kernel, grid, block, arguments)

    def _note(self, kernel: Kernel, blocks: int, threads: int) -> None:
        self._has_launched = True
        self.done.launched[getattr(kernel, "__name__", "kernel")] = kernel, blocks, threads

    def reduce(
        self, tree: Tree, bounds: Bounds, passed: Passed, terms: int, cells: tuple[DeviceArray, ...]
    ) -> bool:
        """Run a reduced loop into `cells`; return False where it must run in order after all."""
        with _translated():
            device: Any = _Noting(self._note)  # `cudalib` itself, but for launches
            return tree.run(device, bounds, passed, terms, cells)

    def close(self, cells: tuple[DeviceArray, ...] = ()) -> tuple[Any, ...]:
        """Return the status word and the values of `cells`; copy back what was written.

        Where the status word has a failure bit, the arrays stay as they were.
        """
        with _translated():
            status = 0 if self._status is None else int(self._status.copy_to_host()[0])
            values = tuple(cell.copy_to_host()[0].item() for cell in cells)
            is_failed = bool(status & FAILURES)
            cudalib.synchronize()  # what follows takes its own time
            with spending("transfer"):
                results = [] if is_failed else [r for p in self._placements for r in p.results()]
                # What went wrong shows by now; from here on nothing may stop halfway.
                cudalib.synchronize()
            for each in self._placements:
                each.end(is_failed=is_failed)
        with spending("transfer"):
            for target, source in results:
                _store(target, source)
                self.done.copied_out += target.nbytes if isinstance(target, np.ndarray) else 0
        return (status, *values)


class _Noting:
    """The device, whose launches are noted."""

    def __init__(self, note: Callable[[Kernel, int, int], None]) -> None:
        self._note = note

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of a module
        return getattr(cudalib, name)

    def launch(
        self,
        kernel: Kernel,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        arguments: tuple[Any, ...],
        shared_bytes: int = 0,
    ) -> None:
        """Start `kernel`."""
        self._note(kernel, math.prod(grid), math.prod(block))
        cudalib.launch(kernel, grid, block, arguments, shared_bytes)


# ---------------------------------------------------------------------------------- grids


def shape_of(extents: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return threads of a block and most blocks of a grid for a nest of loops, x first.

    `extents`: iterations of each loop, outermost first; the innermost one runs along x.
    """
    if cudalib.is_simulator():
        return _SIMULATED[len(extents)]
    x, *others = (_power_of_two(extent) for extent in reversed(extents))
    if not others:
        return (THREADS,), _MOST_BLOCKS[:1]
    columns = min(x, _X_THREADS)
    rows = min(others[0], THREADS // columns // len(others))
    if len(others) == 1:
        # A short dimension leaves its threads to the other one.
        return (min(x, THREADS // rows), rows), _MOST_BLOCKS[:2]
    layers = min(others[1], THREADS // (columns * rows), 64)
    return (columns, rows, layers), _MOST_BLOCKS


def _new_progress(turns: int) -> HostArray:
    """Return the next turn of a block of rows, then which times each turn has done by now.

    As `codegen.progress` has it; the words lie side by side here, since a device reads them past
    its caches anyway. The turn before the first is done.
    """
    progress = np.full(turns + 2, START, np.int64)
    progress[:2] = 0, DONE
    return progress


def _power_of_two(extent: int) -> int:
    """Return the least power of two that is no less than `extent`, or THREADS if it is less."""
    return 1 << (min(extent, THREADS) - 1).bit_length()


def _threads(extents: tuple[int, ...], block: tuple[int, ...], most: tuple[int, ...]) -> int:
    """Return how many threads the largest grid of a launch has."""
    (_, grid), *_ = _tiles(extents, block, most)
    return math.prod(grid) * math.prod(block)


def _fewer(
    extents: tuple[int, ...], block: tuple[int, ...], most: tuple[int, ...], threads: int
) -> tuple[int, ...]:
    """Return the most blocks along each axis so that a grid has no more than `threads` threads."""
    left = max(1, threads // math.prod(block))
    found = []
    for extent, size, limit in zip(reversed(extents), block, most, strict=True):
        found.append(min(limit, math.ceil(extent / size), left))
        left //= found[-1]
        left = max(1, left)
    return tuple(found)


def _tiles(
    extents: tuple[int, ...], block: tuple[int, ...], most: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield first iterations (outermost loop first) and grids (x first) that cover `extents`."""
    inner_first = list(zip(reversed(extents), block, most, strict=True))
    parts = [
        [
            (start, min(blocks, math.ceil((extent - start) / threads)))
            for start in range(0, extent, blocks * threads)
        ]
        for extent, threads, blocks in inner_first
    ]
    for tile in product(*parts):
        yield tuple(start for start, _ in reversed(tile)), tuple(blocks for _, blocks in tile)


# -------------------------------------------------------------------------------- transfers


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An array that a run takes."""

    position: int  # among the arguments
    array: AnyArray
    is_written: bool
    is_blank: bool  # what it holds before is not needed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where one argument lies on the device."""

    position: int  # among the arguments
    device: DeviceArray
    host: AnyArray
    is_written: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placement:
    """Arguments that share one buffer on the device."""

    places: tuple[_Place, ...]
    buffer: DeviceArray  # None where the places are not views of it
    is_host: bool  # came from the host
    copied_in: int = 0  # bytes, from there

    is_in_place = False

    def end(self, *, is_failed: bool) -> None:
        """Take note of how the run ended."""

    def results(self) -> Iterator[tuple[AnyArray, AnyArray]]:
        """Yield each array that was written, and what must be stored in it."""
        written = [place for place in self.places if place.is_written]
        if not written:
            return
        if self.buffer is not None:
            fetched = self.buffer.copy_to_host()
            low = _span(tuple(place.host for place in self.places))[0]
            yield from ((place.host, _view(fetched, place.host, low)) for place in written)
            return
        (place,) = written
        if not self.is_host:
            if place.device is not place.host:
                yield place.host, place.device
        elif _is_contiguous(place.host):
            yield place.host, place.device
        else:
            yield place.host, place.device.copy_to_host()


def _store(target: AnyArray, source: AnyArray) -> None:
    """Store `source` in `target`, either of which may lie on the device."""
    if not isinstance(target, np.ndarray):
        target.copy_to_device(source)
    elif isinstance(source, np.ndarray):
        target[...] = source
    elif target.size:
        source.copy_to_host(target)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lodged:
    """Arguments that stay on the device."""

    places: tuple[_Place, ...]
    lodging: Lodging

    def results(self) -> Iterator[tuple[AnyArray, AnyArray]]:
        """Yield nothing: the host has them when it asks."""
        return iter(())

    def end(self, *, is_failed: bool) -> None:
        """Take note of how the run ended."""
        self.lodging.end(is_failed=is_failed)

    @property
    def is_in_place(self) -> bool:
        """Whether kernels change what others read."""
        return self.lodging.changed is None and any(each.is_written for each in self.places)


def _lodged(
    arguments: list[Argument], residence: Residence | None, *, may_fail: bool
) -> tuple[list[_Lodged], list[Argument]]:
    """Return the arguments that stay on the device, and the others."""
    if residence is None:
        return [], arguments
    hosts = [each for each in arguments if not cudalib.is_device_array(each.array)]
    taken = residence.takes([(each.array, each.is_written) for each in hosts]) or {}
    lodged = []
    for positions in taken.values():
        group = [hosts[each] for each in positions]
        pairs = [(each.array, each.is_written) for each in group]
        is_blank = all(each.is_blank for each in group)
        lodging = residence.lodge(pairs, may_fail=may_fail, is_blank=is_blank)
        places = tuple(
            _place(each, device) for each, device in zip(group, lodging.arrays, strict=True)
        )
        lodged.append(_Lodged(places=places, lodging=lodging))
    staying = {place.position for each in lodged for place in each.places}
    return lodged, [each for each in arguments if each.position not in staying]


def _place(argument: Argument, device: DeviceArray) -> _Place:
    return _Place(
        position=argument.position,
        device=device,
        host=argument.array,
        is_written=argument.is_written,
    )


def _placed(arguments: list[Argument], *, may_fail: bool) -> tuple[_Placement, ...]:
    resident = [each for each in arguments if cudalib.is_device_array(each.array)]
    groups = _sharing([each for each in arguments if not cudalib.is_device_array(each.array)])
    return (
        *(_resident(each, may_fail=may_fail) for each in resident),
        *(_copied(group) for group in groups),
    )


def _resident(argument: Argument, *, may_fail: bool) -> _Placement:
    host = cudalib.as_device_array(argument.array)
    device = cudalib.duplicate(host) if argument.is_written and may_fail else host
    place = _place(replace(argument, array=host), device)
    return _Placement(places=(place,), buffer=None, is_host=False)


def _sharing(arguments: list[Argument]) -> list[list[Argument]]:
    """Group arguments whose bytes lie in one another's range."""
    groups = [[argument] for argument in arguments if not argument.array.size]
    end = -1
    filled = [argument for argument in arguments if argument.array.size]
    for argument in sorted(filled, key=lambda each: byte_bounds(each.array)):
        low, high = byte_bounds(argument.array)
        if low < end:
            groups[-1].append(argument)
        else:
            groups.append([argument])
        end = max(end, high)
    return groups


def _copied(group: list[Argument]) -> _Placement:
    only, *others = group
    host = only.array
    if not others and not (0 in host.strides and host.size):
        is_blank = _is_contiguous(host) and host.size > 0 and only.is_blank
        if is_blank:
            device = cudalib.empty_like(host)
        else:
            device = cudalib.to_device(host if _is_contiguous(host) else host.copy(order="C"))
        copied = 0 if is_blank else host.nbytes
        own = _place(only, device)
        return _Placement(places=(own,), buffer=None, is_host=True, copied_in=copied)
    low, high = _span(tuple(each.array for each in group))
    staging = np.zeros(high - low, dtype=np.uint8)
    for each in group:
        _view(staging, each.array, low)[...] = each.array
    buffer = cudalib.to_device(staging)
    places = tuple(
        _place(each, cudalib.view(buffer, _offset(each.array, low), each.array)) for each in group
    )
    return _Placement(places=places, buffer=buffer, is_host=True, copied_in=high - low)


def _is_contiguous(host: HostArray) -> bool:
    return bool(host.flags.c_contiguous or host.flags.f_contiguous)


def _span(hosts: tuple[HostArray, ...]) -> tuple[int, int]:
    """Return where the bytes of all arrays begin, aligned, and where they end."""
    ends = [byte_bounds(host) for host in hosts]
    low = min(low for low, _ in ends)
    return low - low % _ALIGNMENT, max(high for _, high in ends)


def _offset(host: HostArray, low: int) -> int:
    """Return how many bytes the first element lies behind address `low`."""
    return int(host.__array_interface__["data"][0]) - low


def _view(buffer: HostArray, host: HostArray, low: int) -> HostArray:
    """Return an array of the form of `host` in a copy of the memory from `low` on."""
    return np.ndarray(
        host.shape, host.dtype, buffer=buffer, offset=_offset(host, low), strides=host.strides
    )
