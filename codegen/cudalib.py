"""The CUDA package as autopar sees it: everything that is ever imported of `numba.cuda`.

Maps names to what they mean on this machine. `from autopar.codegen.cudalib import cuda, dmul_rn`
gives numba-cuda's module and libdevice's function; under Numba's simulator, where every libdevice
function returns None, it gives a stand-in that computes the same IEEE result. Importing this
module loads nothing and touches no device; the package is looked up at the first use of a name.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CudaUnavailable(Exception):
    """There is no CUDA package that can be imported, or it cannot do what was asked."""


# dtype -> operator or function -> libdevice's correctly rounded form, never contracted to an FMA.
_ROUNDED_NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "float64": {"+": "dadd_rn", "*": "dmul_rn", "/": "ddiv_rn", "sqrt": "dsqrt_rn"},
        "float32": {
            "+": "fadd_rn",
            "-": "fsub_rn",
            "*": "fmul_rn",
            "/": "fdiv_rn",
            "sqrt": "fsqrt_rn",
        },
    }
)

# dtype -> operator or function -> function of `device_math` that gives NumPy's bits.
_COMPOSED_NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "float64": {"-": "dsub_rn", "%": "modulo_f64", "//": "floor_divide_f64"},
        "float32": {"%": "modulo_f32", "//": "floor_divide_f32"},
        "complex128": {"*": "multiply_c128", "/": "divide_c128"},
        "complex64": {"*": "multiply_c64", "/": "divide_c64"},
    }
)

# Functions of `device_math` that generated code may name.
COMPOSED_NAMES = frozenset(
    name for by_operator in _COMPOSED_NAMES.values() for name in by_operator.values()
)


def exact_name(operator: str, dtype: str) -> str | None:
    """Return the function that computes `operator` exactly; None where the plain one does."""
    rounded = _ROUNDED_NAMES.get(dtype, {}).get(operator)
    return rounded or _COMPOSED_NAMES.get(dtype, {}).get(operator)


_ROUNDED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "sqrt": np.sqrt}
)

# libdevice's name for float64; the one for float32 has an "f" behind it.
_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "acos": np.arccos,
        "acosh": np.arccosh,
        "asin": np.arcsin,
        "asinh": np.arcsinh,
        "atan": np.arctan,
        "atan2": np.arctan2,
        "atanh": np.arctanh,
        "cbrt": np.cbrt,
        "ceil": np.ceil,
        "copysign": np.copysign,
        "cos": np.cos,
        "cosh": np.cosh,
        "erf": np.frompyfunc(math.erf, 1, 1),
        "erfc": np.frompyfunc(math.erfc, 1, 1),
        "exp": np.exp,
        "exp2": np.exp2,
        "expm1": np.expm1,
        "fabs": np.abs,
        "floor": np.floor,
        "fmod": np.fmod,
        "hypot": np.hypot,
        "log": np.log,
        "log10": np.log10,
        "log1p": np.log1p,
        "log2": np.log2,
        "pow": np.power,
        "rint": np.rint,
        "sin": np.sin,
        "sinh": np.sinh,
        "tan": np.tan,
        "tanh": np.tanh,
        "trunc": np.trunc,
    }
)


def _stand_ins() -> dict[str, tuple[Callable[..., Any], type[np.floating[Any]]]]:
    table: dict[str, tuple[Callable[..., Any], type[np.floating[Any]]]] = {}
    for dtype, kind in (("float64", np.float64), ("float32", np.float32)):
        for operator, name in _ROUNDED_NAMES[dtype].items():
            table[name] = (_ROUNDED[operator], kind)
    for name, function in _FUNCTIONS.items():
        table[name] = (function, np.float64)
        table[f"{name}f"] = (function, np.float32)
    return table


_STAND_INS = MappingProxyType(_stand_ins())

# Every libdevice function that generated code may name.
LIBDEVICE_NAMES = frozenset(_STAND_INS)


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


def __getattr__(name: str) -> Any:
    """Return numba's `cuda` module or a libdevice function, loading the package if need be."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "cuda":
        return _cuda()
    if is_simulator():
        return _stand_in(name)
    _cuda()
    from numba.cuda import libdevice

    return getattr(libdevice, name)


@functools.cache
def _cuda() -> Any:
    try:
        # numba-cuda where it is installed, else the module that Numba itself still carries
        from numba import cuda
    except ImportError as error:
        raise CudaUnavailable("numba.cuda cannot be imported; install autopar[cuda]") from error
    return cuda


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


_OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that the device's memory is exhausted."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, _driver_errors()):
        return False
    code = getattr(error, "code", None)
    return code == _OUT_OF_MEMORY or "OUT_OF_MEMORY" in str(error)


# ------------------------------------------------------------------------------- kernels


def device_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as one that kernels may call.

    Numba puts its body into the caller: no call is left, and compiling needs no device.
    """
    compiled: Callable[..., Any] = _cuda().jit(device=True, inline="always")(function)
    return compiled


def compile_ptx(
    kernel: Any,
    arguments: tuple[tuple[str, int | None, str], ...],
    *,
    fastmath: bool = False,
    capability: tuple[int, int] = (9, 0),
) -> str:
    """Return the PTX of `kernel`, for arguments given as (dtype, rank or None, layout).

    Needs NVVM but neither a driver nor a device. Not for the simulator.
    """
    if is_simulator():
        raise CudaUnavailable("the CUDA simulator compiles nothing")
    from numba import from_dtype, types

    signature = tuple(
        from_dtype(np.dtype(dtype))
        if rank is None
        else types.Array(from_dtype(np.dtype(dtype)), rank, layout)
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


def as_device_array(value: Any) -> Any:
    """Return the array that `value` is on the device, without copying."""
    return value if is_simulator() else _cuda().as_cuda_array(value)


def to_device(host: NDArray[Any]) -> Any:
    """Return a copy of the contiguous array `host` on the device."""
    return _cuda().to_device(host)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], order: str = "C") -> Any:
    """Return an array on the device, its contents undefined."""
    return _cuda().device_array(shape, dtype=dtype, order=order)


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


def view(buffer: Any, offset_bytes: int, host: NDArray[Any]) -> Any:
    """Return an array shaped, strided and typed like `host` in the byte array `buffer`."""
    if not is_simulator():
        return _cuda().as_cuda_array(_View(buffer, offset_bytes, host))
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(
        np.ndarray(
            host.shape, host.dtype, buffer=buffer._ary, offset=offset_bytes, strides=host.strides
        )
    )
