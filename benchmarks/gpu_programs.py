"""NumPy programs on a GPU: autopar on host arrays against NumPy on the CPU, and CuPy where it is.

The programs are those of `benchmarks.programs`, unmodified. Times are those of whole calls on
arrays of the host, so copies there and back are in them; what autopar copied is told beside.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import autopar
from autopar.codegen.residence import here

from .harness import copied, interleaved
from .statistics import median
from .takeover import takeover

FOLDER = Path(__file__).resolve().parent / "programs"
# Sizes of published measurements where there are any: Black-Scholes, SOR, shallow water, N-body.
SIZES: Mapping[str, int] = {
    "black_scholes": 16_000_000, "red_black_sor": 2000, "shallow_water": 2000, "n_body": 3200,
    "heat": 4000, "jacobi": 4000, "wave": 4000, "equation_of_state": 8_000_000,
    "convolution": 1024, "softmax": 8000,
}  # fmt: skip
TINY = 8
TOLERANCE = 1e-9  # functions such as exp are within 4 ulp there, and sums have another order
SAMPLE_S = 0.02


def module_of(name: str) -> ModuleType:
    """The program of that name."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def differs(expected: Any, actual: Any) -> float:
    """The largest difference of two results, relative to the largest value."""
    one, other = np.asarray(expected, float), np.asarray(actual, float)
    largest = float(np.max(np.abs(one), initial=0.0))
    return float(np.max(np.abs(one - other), initial=0.0)) / (largest or 1.0)


def with_cupy(module: ModuleType) -> Callable[..., Any] | None:
    """The program with CuPy in the place of NumPy, on arrays of the host; None without CuPy."""
    if importlib.util.find_spec("cupy") is None:
        return None
    cupy: Any = importlib.import_module("cupy")
    names = {**vars(module), "np": cupy}
    for name, value in vars(module).items():
        if isinstance(value, FunctionType):
            names[name] = FunctionType(value.__code__, names, name, value.__defaults__)

    def program(*arguments: Any) -> Any:
        there = [cupy.asarray(e) if isinstance(e, np.ndarray) else e for e in arguments]
        return [cupy.asnumpy(each) for each in names["program"](*there)]

    return program


def measure(name: str, size: int, dtype: str, rounds: int) -> dict[str, Any]:
    """One program checked and timed; what went wrong stands in the result, nothing is raised."""
    try:
        return measured(name, size, dtype, rounds)
    except Exception:  # noqa: BLE001  a GPU is lent for minutes: one failure must not lose the rest
        return {"name": name, "size": size, "dtype": dtype, "error": traceback.format_exc()}


def measured(name: str, size: int, dtype: str, rounds: int) -> dict[str, Any]:
    """One program checked and timed."""
    module = module_of(name)
    arguments = module.given(size, dtype)
    expected, numpy_s = timed_once(module.program, arguments)
    ours: Any = autopar.parallel(module.program, backend="cuda")
    _, first_s = timed_once(ours, arguments)
    before = here().copied_in, here().copied_out
    found, _ = timed_once(ours, arguments)
    moved = here().copied_in - before[0], here().copied_out - before[1]
    shares = takeover(ours.last_run.to_dict(), 1.0)
    # Some go on from what they made before, which takes as long; NumPy's time has no copy in it.
    mine = copied(arguments)
    forms = {"autopar": lambda: ours(*mine)}
    cupy = with_cupy(module)
    if cupy is not None:
        cupy(*arguments)
        forms["cupy"] = lambda: cupy(*mine)
    times = interleaved(forms, rounds, SAMPLE_S, 3)
    seconds = {f"{form}_s": median(spent) for form, spent in times.items()}
    difference = max(map(differs, expected, found))
    return {
        "name": name,
        "size": size,
        "dtype": dtype,
        "numpy_s": numpy_s,
        "first_call_s": first_s,
        **seconds,
        "to_numpy": numpy_s / seconds["autopar_s"],
        "bytes_in": moved[0],
        "bytes_out": moved[1],
        "backends": list(shares.backends),
        "max_relative_difference": difference,
        "right": difference <= (TOLERANCE if dtype == "float64" else 1e-4),
    }


def timed_once(program: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    """What one call gives, and its seconds."""
    mine = copied(arguments)
    start = time.perf_counter()
    results = program(*mine)
    return results, time.perf_counter() - start
