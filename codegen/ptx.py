"""From a generated CUDA module to PTX, on a machine without a device.

Maps each kernel of a module to the assembly that NVVM makes of it, so that tests can compile
every kernel and read what became of it.
"""

from __future__ import annotations

from .cache import NO_CACHE
from .compile import load_module
from .cuda_arguments import kernels_of, passed_to
from .cudalib import INTEGER, compile_ptx
from .kernel import Program

STATUS = ("int64", 1, "C")


def compile_to_ptx(source: str, program: Program, *, fastmath: bool = False) -> dict[str, str]:
    """Return the PTX of each kernel in `source`, which is `generate_cuda(program)`.

    For compute capability 9.0. Raises what Numba and NVVM raise.
    """
    module = load_module(source, cache=NO_CACHE)
    texts = {}
    for kernel in kernels_of(program):
        function = getattr(module, kernel.name)
        code = function.py_func.__code__
        types = {each.name: each.type for each in passed_to(kernel, program)}
        types["status"] = STATUS
        # All others are bounds of the grid.
        arguments = tuple(types.get(name, INTEGER) for name in code.co_varnames[: code.co_argcount])
        texts[kernel.name] = compile_ptx(function, arguments, fastmath=fastmath)
    return texts
