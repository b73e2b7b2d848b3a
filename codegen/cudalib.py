"""The CUDA package as autopar sees it: everything that is ever imported of `numba.cuda`.

Maps names to what they mean on this machine. `from autopar.codegen.cudalib import cuda, dmul_rn`
gives numba-cuda's module and libdevice's function; under Numba's simulator, where every libdevice
function returns None, it gives a stand-in that computes the same IEEE result. Importing this
module loads nothing and touches no device; the package is looked up at the first use of a name.
"""

from __future__ import annotations

import functools
import math as python_math
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np

from autopar.analysis.model.later import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

# An array on the device, of whatever class the CUDA package has for it.
DeviceArray: TypeAlias = Any
Layout: TypeAlias = Literal["C", "F", "A"]


class CudaUnavailable(Exception):
    """There is no CUDA package that can be imported, or it cannot do what was asked."""


# libdevice's name -> what it computes, for operands of the dtype.
_ROUNDED: Mapping[str, tuple[Callable[..., Any], type[np.floating[Any]]]] = MappingProxyType(
    {
        "dadd_rn": (np.add, np.float64),
        "dmul_rn": (np.multiply, np.float64),
        "fadd_rn": (np.add, np.float32),
        "fsub_rn": (np.subtract, np.float32),
        "fmul_rn": (np.multiply, np.float32),
    }
)
# libdevice's name for float64; the one for float32 has an "f" behind it.
_ROUNDING: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"ceil": np.ceil, "floor": np.floor, "rint": np.rint, "trunc": np.trunc}
)
# What blocks of threads count in, by the name that kernels have for it.
COUNTS: Mapping[str, type[np.integer[Any]]] = MappingProxyType(
    {"count_int32": np.int32, "count_uint32": np.uint32}
)
# Those of Python's `math` whose names NumPy does not share.
_RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh",
        "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh", "pow": "power",
    }
)  # fmt: skip

_STAND_INS: Mapping[str, tuple[Callable[..., Any], type[np.floating[Any]]]] = MappingProxyType(
    {
        **_ROUNDED,
        **{name: (function, np.float64) for name, function in _ROUNDING.items()},
        **{f"{name}f": (function, np.float32) for name, function in _ROUNDING.items()},
    }
)


def _stand_in(name: str) -> Callable[..., Any]:
    """Return what libdevice's `name` computes, in plain NumPy: for the simulator."""
    if name not in _STAND_INS:
        raise AttributeError(f"libdevice.{name} has no stand-in for the CUDA simulator")
    function, kind = _STAND_INS[name]

    def compute(*operands: Any) -> Any:
        with np.errstate(all="ignore"):  # a device gives no warnings
            return kind(function(*map(kind, operands)))

    compute.__name__ = name
    return compute


class _SimulatedMath:
    """Python's `math` as a device has it: float32 stays float32, and nothing raises."""

    def __getattr__(self, name: str) -> Any:
        getattr(python_math, name)  # an AttributeError for what there is none of
        function = getattr(np, _RENAMED.get(name, name))

        def compute(*operands: Any) -> Any:
            kind = np.float32 if isinstance(operands[0], np.float32) else np.float64
            with np.errstate(all="ignore"):
                return function(*map(kind, operands))

        return compute


def __getattr__(name: str) -> Any:
    """Return numba's `cuda` module, `math` or a libdevice function, loading what is needed."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "cuda":
        return _cuda()
    if name == "math":
        return _SimulatedMath() if is_simulator() else python_math
    if name in COUNTS:
        # The simulator measures shared arrays of size 0 by dtypes, and by nothing else.
        return np.dtype(COUNTS[name]) if is_simulator() else COUNTS[name]
    if is_simulator():
        return _stand_in(name)
    _cuda()
    from numba.cuda import libdevice

    return getattr(libdevice, name)


@functools.cache
def _cuda() -> Any:
    try:
        # numba-cuda where it is installed, else the module that Numba itself still carries
        cuda = load("numba.cuda")
    except ImportError as error:
        raise CudaUnavailable("numba.cuda cannot be imported; install autopar[cuda]") from error
    _load_with_old_names()
    return cuda


def _load_with_old_names() -> None:
    """Load the part of numba-cuda that asks NumPy 2.5 for a name that it has no more.

    Up to 0.30.4 no kernel is compiled otherwise; NumPy is left as it was.
    """
    if hasattr(np, "row_stack"):
        return
    numpy: Any = np
    numpy.row_stack = np.vstack
    try:
        load("numba.cuda.np.arrayobj")
    except ImportError:  # a package that has no such part
        pass
    finally:
        del numpy.row_stack


def is_simulator() -> bool:
    """Return whether Numba's CUDA simulator stands in for a device."""
    try:
        return str(_cuda().jit.__module__).startswith("numba.cuda.simulator")
    except CudaUnavailable:
        return False


@functools.cache
def is_available() -> bool:
    """Return whether kernels can be launched: on a device, or in the simulator."""
    try:
        return bool(_cuda().is_available())
    except CudaUnavailable:
        return False


def describe() -> str | None:
    """Return the device's name, compute capability and memory; None without a usable device."""
    if not is_available():
        return None
    if is_simulator():
        return "CUDA simulator"
    cuda = _cuda()
    try:
        device = cuda.get_current_device()
        total_bytes = cuda.current_context().get_memory_info().total
    except _driver_errors():
        return None
    name = device.name.decode() if isinstance(device.name, bytes) else str(device.name)
    major, minor = device.compute_capability
    return f"{name}, compute capability {major}.{minor}, {total_bytes / 2**30:.0f} GiB"


def _driver_errors() -> tuple[type[Exception], ...]:
    _cuda()
    from numba.cuda.cudadrv.driver import CudaAPIError
    from numba.cuda.cudadrv.error import CudaSupportError

    return (CudaAPIError, CudaSupportError)


@functools.cache
def errors() -> tuple[type[Exception], ...]:
    """Return what compiling, launching and copying may raise for reasons of the machine."""
    _cuda()
    from numba.core.errors import NumbaError
    from numba.cuda.cudadrv import driver, error, nvvm

    # The simulator and older packages have some of these only, or None in their place.
    names = (
        (driver, "LinkerError"),
        (error, "NvrtcError"),
        (nvvm, "NvvmError"),
        (nvvm, "nvvmError"),
    )
    found = [getattr(module, name, None) for module, name in names]
    compilers = [each for each in found if isinstance(each, type) and issubclass(each, Exception)]
    return (*_driver_errors(), NumbaError, MemoryError, *compilers)


_OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that the device's memory is exhausted."""
    if isinstance(error, MemoryError):
        return True
    code = getattr(error, "code", None)
    return code == _OUT_OF_MEMORY or "OUT_OF_MEMORY" in str(error)


# ------------------------------------------------------------------------------- kernels


def device_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as one that kernels may call.

    Numba puts its body into the caller: no call is left, and compiling needs no device.
    """
    compiled: Callable[..., Any] = _cuda().jit(device=True, inline="always")(function)
    return compiled


def launch(
    kernel: Any,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    arguments: tuple[Any, ...],
    shared_bytes: int = 0,
) -> None:
    """Start `kernel` with as many blocks and threads as `grid` and `block` say, x first.

    Each block gets `shared_bytes` for its shared array of size 0.
    """
    if is_simulator():
        _simulate(kernel, grid, block, arguments, shared_bytes)
        return
    with _quiet():
        configured = kernel[grid, block, 0, shared_bytes] if shared_bytes else kernel[grid, block]
    configured(*arguments)


def resources(kernel: Any) -> tuple[int, int] | None:
    """Return registers and bytes of local memory of a thread of a kernel that was launched.

    The most of all types it was compiled for. None where nobody knows.
    """
    if is_simulator():
        return None
    faults: tuple[type[Exception], ...] = (AttributeError, TypeError, ValueError, *errors())
    try:
        found = kernel.get_regs_per_thread(), kernel.get_local_mem_per_thread()
        registers, local_bytes = (max(each.values()) for each in found)
    except faults:  # the kernel of another package
        return None
    return int(registers), int(local_bytes)


_lock = threading.RLock()


def _simulate(
    kernel: Any,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    arguments: tuple[Any, ...],
    shared_bytes: int,
) -> None:
    """Run `kernel` in the simulator: one at a time, integers 64 bits wide, without warnings."""
    wide = tuple(np.int64(each) if type(each) is int else each for each in arguments)
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        kernel[grid, block, 0, shared_bytes](*wide)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Numba from warning the user of small grids: he did not choose them."""
    config = _config()
    with _lock:
        before = config.CUDA_LOW_OCCUPANCY_WARNINGS
        config.CUDA_LOW_OCCUPANCY_WARNINGS = 0
        try:
            yield
        finally:
            config.CUDA_LOW_OCCUPANCY_WARNINGS = before


@functools.cache
def _config() -> Any:
    try:
        from numba.cuda.core import config as own
    except ImportError:
        from numba.core import config

        return config
    return own


def synchronize() -> None:
    """Wait until the device has done all that was asked of it."""
    _cuda().synchronize()


# dtype, rank (None for a number), layout ("C", "F" or "A") of an argument of a kernel
ArgumentType: TypeAlias = tuple[str, int | None, str]
INTEGER: ArgumentType = ("int64", None, "")


def compile_ptx(
    kernel: Any,
    arguments: tuple[ArgumentType, ...],
    *,
    fastmath: bool = False,
    capability: tuple[int, int] = (9, 0),
) -> str:
    """Return the PTX of `kernel` for arguments of the given types.

    Needs NVVM but neither a driver nor a device. Not for the simulator.
    """
    if is_simulator():
        raise CudaUnavailable("the CUDA simulator compiles nothing")
    from numba import from_dtype, types

    signature = tuple(
        from_dtype(np.dtype(dtype))
        if rank is None
        else types.Array(from_dtype(np.dtype(dtype)), rank, cast("Layout", layout))
        for dtype, rank, layout in arguments
    )
    text, _ = _cuda().compile_ptx(kernel.py_func, signature, fastmath=fastmath, cc=capability)
    return str(text)


# -------------------------------------------------------------------------------- memory


def is_device_array(value: object) -> bool:
    """Return whether `value` lies on the device already."""
    if hasattr(value, "__cuda_array_interface__"):
        return True
    return hasattr(value, "__cuda_ndarray__") and is_simulator()


def as_device_array(value: Any) -> DeviceArray:
    """Return the array that `value` is on the device, without copying."""
    return value if is_simulator() else _cuda().as_cuda_array(value)


def to_device(host: NDArray[Any]) -> DeviceArray:
    """Return a copy of the contiguous array `host` on the device."""
    return _cuda().to_device(host)


def empty_like(host: NDArray[Any]) -> DeviceArray:
    """Return a new array of the form of a contiguous one, full of whatever was there."""
    return _cuda().device_array_like(host)


def empty(shape: tuple[int, ...], dtype: type[np.generic]) -> DeviceArray:
    """Return a new array on the device, full of whatever was there."""
    return _cuda().device_array(shape, dtype)


def first_of(array: DeviceArray) -> Any:
    """Return the first element of an array on the device, a Python number."""
    return array.copy_to_host()[0].item()


def set_first(array: DeviceArray, value: Any) -> None:
    """Store a number in an array of one element on the device."""
    array.copy_to_device(np.array([value], array.dtype))


def fetched(array: DeviceArray) -> NDArray[Any]:
    """Return a copy of a contiguous array on the host."""
    host: NDArray[Any] = array.copy_to_host()
    return host


def copied(target: DeviceArray, source: DeviceArray) -> None:
    """Store all of `source` in `target`, both on the device."""
    target.copy_to_device(source)


def duplicate(value: DeviceArray) -> DeviceArray:
    """Return a copy of the device array `value`, on the device."""
    copy = _cuda().device_array_like(value)
    copy.copy_to_device(value)
    return copy


class _View:
    """A strided array within a buffer on the device, as the CUDA array interface has it."""

    def __init__(self, buffer: Any, offset_bytes: int, host: NDArray[Any]) -> None:
        address = buffer.__cuda_array_interface__["data"][0] + offset_bytes
        self.buffer = buffer  # lives as long as the view
        self.__cuda_array_interface__ = {
            "shape": host.shape,
            "strides": host.strides,
            "typestr": host.dtype.str,
            "data": (address, False),
            "version": 3,
        }


def view(buffer: DeviceArray, offset_bytes: int, host: NDArray[Any]) -> DeviceArray:
    """Return an array shaped, strided and typed like `host` in the byte array `buffer`."""
    if not is_simulator():
        return _cuda().as_cuda_array(_View(buffer, offset_bytes, host))
    from numba.cuda.simulator.cudadrv import devicearray

    simulated: Any = devicearray  # untyped
    memory = buffer._ary  # noqa: SLF001 - the simulator has no views of another type
    return simulated.FakeCUDAArray(
        np.ndarray(host.shape, host.dtype, memory, offset=offset_bytes, strides=host.strides)
    )
