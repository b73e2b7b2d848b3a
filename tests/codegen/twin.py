"""The CPU twin of CUDA modules: each thread's body compiled by njit, the grid walked in Python.

Maps the source of a CUDA module to one that runs anywhere: what it imports of the CUDA library
is replaced by plain operators, not a character of it is changed. This tests what the simulator
does not, the types that Numba gives to a kernel, and runs the threads in a shuffled order,
with some threads outside the range.
"""

from __future__ import annotations

import builtins
import itertools
import math
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numba
import numpy as np

from autopar.analysis.model.typed import FAILURES
from autopar.codegen import device_math, scalars
from autopar.codegen.cudalib import COUNTS
from autopar.codegen.progress import DONE, START

compiled: Any = numba.njit(error_model="numpy")

ROWS = 3  # of a block
BARRIER = "cuda.syncthreads()"

OPERATORS = {
    "dadd_rn": lambda x, y: np.float64(x) + np.float64(y),
    "dmul_rn": lambda x, y: np.float64(x) * np.float64(y),
    "fadd_rn": lambda x, y: np.float32(x) + np.float32(y),
    "fsub_rn": lambda x, y: np.float32(x) - np.float32(y),
    "fmul_rn": lambda x, y: np.float32(x) * np.float32(y),
    "floor": lambda x: np.floor(np.float64(x)),
    "floorf": lambda x: np.floor(np.float32(x)),
    "ceil": lambda x: np.ceil(np.float64(x)),
    "ceilf": lambda x: np.ceil(np.float32(x)),
    "trunc": lambda x: np.trunc(np.float64(x)),
    "truncf": lambda x: np.trunc(np.float32(x)),
    "rint": lambda x: np.rint(np.float64(x)),
    "rintf": lambda x: np.rint(np.float32(x)),
}


class Atomic:
    lock = threading.Lock()

    def update(self, array, index, value, operation):
        with self.lock, np.errstate(all="ignore"):
            before = array[index]
            array[index] = operation(before, array.dtype.type(value))
        return before

    def add(self, array, index, value):
        return self.update(array, index, value, np.add)

    def and_(self, array, index, value):
        return self.update(array, index, value, np.bitwise_and)

    def or_(self, array, index, value):
        return self.update(array, index, value, np.bitwise_or)

    def xor(self, array, index, value):
        return self.update(array, index, value, np.bitwise_xor)

    def min(self, array, index, value):
        return self.update(array, index, value, np.minimum)

    def max(self, array, index, value):
        return self.update(array, index, value, np.maximum)


class Shared:
    """Memory of a block of threads: each allocation is one array for all of them."""

    def __init__(self, cuda):
        self.cuda = cuda

    def array(self, size, dtype):
        return self.cuda.here.block.array(size, dtype)


class Block:
    """One block of threads of a grid that wait for one another."""

    def __init__(self, threads, shared_bytes=0):
        self.barrier = threading.Barrier(threads)
        self.dynamic = rubbish(shared_bytes, np.uint8)
        self.lock = threading.Lock()
        self.allocated: dict[int, np.ndarray] = {}
        self.own = threading.local()

    def array(self, size, dtype):
        if size == 0:  # all arrays of this size lie in the same memory
            return self.dynamic.view(dtype)
        number = self.own.made = getattr(self.own, "made", -1) + 1
        with self.lock:
            return self.allocated.setdefault(number, rubbish(size, dtype))


def along(number):
    """Return a place in a block or a grid by its axes; a number is one along x."""
    places = number if isinstance(number, tuple) else (number,)
    return SimpleNamespace(**dict(zip("xyz", places, strict=False)))


def rubbish(size, dtype):
    pattern = np.frombuffer(b"\x01" * np.dtype(dtype).itemsize, dtype)
    return np.full(size, pattern[0], dtype)


class TwinCuda:
    """What kernels use of `numba.cuda`: one thread at a time, at `point` (x first)."""

    atomic = Atomic()

    def __init__(self):
        self.point: tuple[int, ...] = ()
        self.sizes: tuple[int, ...] = ()  # of the grid
        self.here = threading.local()  # what a thread knows of itself, in blocks that wait
        self.shared = Shared(self)

    @property
    def threadIdx(self):
        return along(self.here.thread)

    @property
    def blockIdx(self):
        return along(self.here.number)

    @property
    def blockDim(self):
        return SimpleNamespace(x=self.here.block.barrier.parties)

    def syncthreads(self):
        self.here.block.barrier.wait()

    def threadfence(self):
        pass

    def jit(self, function=None, *, fastmath=False):
        return (lambda inner: inner) if function is None else function

    def gridsize(self, dimensions):
        assert dimensions == len(self.sizes)
        return self.sizes[0] if dimensions == 1 else self.sizes

    def grid(self, dimensions):
        assert dimensions == len(self.point)
        return self.point[0] if dimensions == 1 else self.point


def _device_function(function):
    """Return a function compiled, or as it is where it updates elements atomically."""
    return function if "cuda" in function.__code__.co_names else compiled(function)


def _math():
    fmod = compiled(lambda x, y: np.fmod(x, y))  # Numba has no math.fmod
    return _module("twin_math", {**vars(math), "fmod": fmod})


def _cudalib():
    operators = {name: compiled(function) for name, function in OPERATORS.items()}
    own = {"cuda": TwinCuda(), "math": _math(), "device_function": _device_function}
    return _module("twin_cudalib", {**operators, **COUNTS, **own})


def _module(name, contents):
    module = ModuleType(name)
    module.__dict__.update(contents)
    return module


def _load(name, source, modules):
    def import_from(module, *others):
        return modules.get(module.rpartition(".")[2]) or __import__(module, *others)

    made = ModuleType(name)
    made.__dict__["__builtins__"] = {**vars(builtins), "__import__": import_from}
    exec(compile(source, f"<{name}>", "exec", dont_inherit=True), made.__dict__)
    return made


def load_twin(source):
    """Return the module of `source` as a twin; its `cuda` is what a `TwinLauncher` needs."""
    library = _cudalib()
    text = Path(device_math.__file__).read_text(encoding="utf-8")
    known = {"cudalib": library, "scalars": scalars}
    known["device_math"] = _load("twin_device_math", text, known)
    module = _load("twin", source, known)
    assert module.cuda is library.cuda
    library.cuda.phased = _load("twin_phases", source.replace(BARRIER, "yield"), known)
    return module


def places(extents):
    """Return every place of a block or a grid: numbers where it has one axis."""
    if len(extents) == 1:
        return list(range(extents[0]))
    return list(itertools.product(*map(range, extents)))


class TwinDevice:
    """Runs kernels whose threads wait for one another, blocks in a shuffled order.

    Some at a time, where blocks wait for one another too.
    """

    together = 1

    def __init__(self, launcher):
        self.launcher = launcher

    def launch(self, kernel, grid, block, arguments, shared_bytes=0):
        if kernel.__name__.endswith("_bins"):
            self.launcher.binned += 1
            Hostile(self.launcher).launch(kernel, grid, block, arguments, shared_bytes)
            return
        numbers = places(grid)
        self.launcher.random.shuffle(numbers)
        threads = places(block)
        while numbers:
            taken, numbers = numbers[: self.together], numbers[self.together :]
            made = {number: Block(len(threads), shared_bytes) for number in taken}
            with ThreadPoolExecutor(len(threads) * len(taken)) as pool:
                runs = [
                    pool.submit(self.thread, kernel, arguments, made[number], number, thread)
                    for number in taken
                    for thread in threads
                ]
            for each in runs:
                each.result()

    def thread(self, kernel, arguments, block, number, thread):
        here = self.launcher.cuda.here
        here.block, here.number, here.thread = block, number, thread
        block.own.made = -1
        try:
            kernel(*arguments)
        except BaseException:
            block.barrier.abort()
            raise

    def empty(self, count, dtype):
        return rubbish(count, dtype)

    def fetched(self, array):
        return array

    def duplicate(self, array):
        return array.copy()

    def copied(self, target, source):
        target[...] = source

    def first_of(self, array):
        return array[0].item()

    def set_first(self, array, value):
        array[0] = value


class Hostile:
    """Runs the threads of a block one after the other, in another order after each barrier.

    So each one finds what the others do not have to have done yet undone, and what they may have
    done already done. All must meet at the same barriers. The kernel is a generator, which yields
    where it would wait.
    """

    def __init__(self, launcher):
        self.launcher = launcher

    def launch(self, kernel, grid, block, arguments, shared_bytes=0):
        kernel = getattr(self.launcher.cuda.phased, kernel.__name__)
        numbers = places(grid)
        self.launcher.random.shuffle(numbers)
        for number in numbers:
            self.run(kernel, arguments, number, places(block), shared_bytes)

    def run(self, kernel, arguments, number, threads, shared_bytes=0):
        here, block = self.launcher.cuda.here, Block(len(threads), shared_bytes)
        here.block, here.number = block, number
        running = [(thread, kernel(*arguments)) for thread in threads]
        while running:
            self.launcher.random.shuffle(running)
            waiting = []
            for here.thread, each in running:
                block.own.made = -1
                if next(each, self) is not self:
                    waiting.append((here.thread, each))
            assert len(waiting) in {0, len(running)}, "some threads never come to a barrier"
            running = waiting


class TwinLauncher:
    """Runs the kernels of a twin thread by thread."""

    def __init__(self, cuda, seed=0):
        self.cuda = cuda
        self.random = random.Random(seed)
        self.copied = False  # some launch had a private array
        self.asked = 0  # questions to the device
        self.trees = 0  # reduced loops that ran
        self.blank = 0  # arrays of which it did not matter what they held
        self.binned = 0  # launches of blocks that count by themselves
        self.tiled = 0  # launches of blocks that share tiles
        self.rows = 0  # recurrences whose rows ran side by side
        self.in_order = 0  # ... and said that they must run in order

    def open(self, arrays, *, written, may_fail=False, takes_more=False, overwritten=()):
        call = TwinCall(self, arrays, written)
        for array, is_blank in zip(call.arrays, overwritten, strict=False):
            if is_blank:
                self.blank += 1
                array[...] = rubbish(array.shape, array.dtype)
        return call


class TwinCall:
    def __init__(self, launcher, arrays, written):
        self.launcher = launcher
        self.hosts = arrays
        self.written = written
        self.arrays = tuple(array.copy(order="K") for array in arrays)
        self.status = np.zeros(1, np.int64)
        self.unused = np.zeros(1, np.int64)

    def cell(self, value):
        return np.array([value])

    def value(self, cell):
        self.launcher.asked += 1
        return bool(cell[0])

    def new_array(self, shape, dtype):
        return rubbish(shape, dtype)

    def launch(self, kernel, bounds, arguments, private=()):
        ends = [end for lower, upper, _ in bounds for end in (lower, upper)]
        extents = [max(0, -((lower - upper) // step)) for lower, upper, step in bounds]
        if 0 in extents:
            return
        # Threads past the end must find out for themselves.
        sizes = tuple(extent + 2 for extent in reversed(extents))
        points = list(itertools.product(*map(range, sizes)))
        copies = tuple(rubbish((*each.shape, len(points)), each.dtype) for each in private)
        self.launcher.copied |= bool(private)
        self.launcher.cuda.sizes = sizes
        self.launcher.random.shuffle(points)
        for point in points:
            self.launcher.cuda.point = point
            kernel(*ends, *arguments, *copies)

    def launch_blocks(self, kernel, block, taken, bounds, arguments):
        extents = [max(0, upper - lower) for lower, upper, _ in bounds]
        grid = tuple(-(-n // each) for n, each in zip(reversed(extents), taken, strict=True))
        ends = [end for lower, upper, _ in bounds for end in (lower, upper)]
        if 0 not in grid:
            self.launcher.tiled += 1
            Hostile(self.launcher).launch(kernel, grid, block, (*ends, *arguments))

    def run_rows(self, kernel, rows, arguments):
        lower, upper = rows
        turns = -((lower - upper) // ROWS)
        if turns <= 0:
            return
        progress = np.full(turns + 2, START, np.int64)
        progress[:2] = 0, DONE
        device = TwinDevice(self.launcher)
        device.together = 3
        device.launch(kernel, (turns,), (ROWS,), (progress, lower, upper, *arguments))
        self.launcher.rows += 1
        assert progress[0] == turns
        assert (progress[1:] == DONE).all()

    def reduce(self, tree, bounds, passed, terms, cells):
        self.launcher.trees += 1
        found = tree.run(TwinDevice(self.launcher), bounds, passed, terms, cells)
        self.launcher.in_order += not found
        return found

    def run_once(self, kernel, arguments):
        self.launcher.cuda.point = ()
        kernel(*arguments)

    def close(self, cells=()):
        status = int(self.status[0])
        if not status & FAILURES:
            for host, array, is_written in zip(self.hosts, self.arrays, self.written, strict=True):
                if is_written:
                    host[...] = array
        return (status, *(cell[0].item() for cell in cells))
