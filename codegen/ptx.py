"""From a generated CUDA module to PTX, on a machine without a device.

Maps each kernel of a module to the assembly that NVVM makes of it, so that tests can compile
every kernel and read what became of it.
"""

from __future__ import annotations

from .cache import NO_CACHE
from .compile import load_module
from .cuda_arguments import kernels_of, passed_to, spelled
from .cuda_bins import has_bins
from .cudalib import INTEGER, compile_ptx
from .kernel import Program
from .tree_shape import buffers_of

WORDS = ("int64", 1, "C")


def compile_to_ptx(source: str, program: Program, *, fastmath: bool = False) -> dict[str, str]:
    """Return the PTX of each kernel in `source`, which is `generate_cuda(program)`.

    For compute capability 9.0. Raises what Numba and NVVM raise.
    """
    module = load_module(source, cache=NO_CACHE)
    texts = {}
    for kernel in kernels_of(program):
        types = {each.name: each.type for each in passed_to(kernel, program)}
        types["status"] = types["status_word"] = types["progress"] = WORDS
        for array in program.arrays:  # copies have an axis more: one for each thread
            kind = array.type
            types[f"{spelled(program)[array.name]}_copies"] = (kind.dtype, kind.rank + 1, "C")
        names = [kernel.name]
        if kernel.partial is not None and kernel.partial.parts:
            names.append(f"{kernel.name}_fold")
            for each in buffers_of(kernel.partial, spelled(program)):
                types[each.given] = types[each.partial] = (each.dtype, 1, "C")
        if has_bins(kernel):
            names.append(f"{kernel.name}_bins")
        for name in names:
            function = getattr(module, name)
            code = function.py_func.__code__
            # All others are bounds of the grid.
            arguments = (types.get(each, INTEGER) for each in code.co_varnames[: code.co_argcount])
            texts[name] = compile_ptx(function, tuple(arguments), fastmath=fastmath)
    return texts
