"""Numba's passes for a kernel: those without which nothing would be compiled.

    Before:  the 25 passes that any function of a user goes through
    After:   translate, rewrite constants and raises, SSA, types, legalise, lower

Numba reads its own form of a function again in each pass. Kernels that are generated here hold
no closures, no `with` blocks, no calls of functions to be inlined or of `literally`, no loops
over tuples to unroll, no expressions of whole arrays and no branches that types decide: what
looks for these is left out, which takes a third off what Numba does before LLVM. A function that
needs one of the passes left out does not get past the types, and goes through all of them.
"""

# mypy: disable-error-code="no-untyped-call"
# (Numba is untyped.)

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autopar.analysis.model.later import Later

from .once import once

if TYPE_CHECKING:
    from numba.core import compiler, compiler_machinery
else:
    compiler = Later("numba.core.compiler")
    compiler_machinery = Later("numba.core.compiler_machinery")

_UNTYPED = (
    "TranslateByteCode",
    "FixupArgs",
    "IRProcessing",
    "GenericRewrites",
    "RewriteDynamicRaises",
    "ReconstructSSA",
)
_TYPED = (
    "NopythonTypeInference",
    "PreLowerStripPhis",
    "IRLegalization",
    "AnnotateTypes",
    "NativeLowering",
    "NoPythonBackend",
)


@once
def kernel_pipeline() -> Any:  # noqa: ANN401 - as above
    """Return the class of Numba's compiler that takes a kernel through these passes."""
    untyped = import_module("numba.core.untyped_passes")
    typed = import_module("numba.core.typed_passes")
    passes = [getattr(untyped, name) for name in _UNTYPED]
    passes += [getattr(typed, name) for name in _TYPED]

    class KernelCompiler(compiler.CompilerBase):
        def define_pipelines(self) -> list[Any]:
            manager = compiler_machinery.PassManager("kernel")
            for each in passes:
                manager.add_pass(each, each.name())
            manager.finalize()
            return [manager]

    return KernelCompiler
