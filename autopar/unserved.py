"""One warning, when a backend that the user named cannot run a loop that may run in parallel.

The interpreter runs the loop, with the right result; but somebody who asks for a device by name
wants to know. One warning in a process says it; each report says it of each loop.
"""

from __future__ import annotations

import warnings

from autopar.analysis.model.diagnostics import Reason
from autopar.analysis.model.plan import RegionPlan
from autopar.codegen.reasons import CompileFailed, DeviceFull, TargetLacksFeature

from .options import BackendWarning, Options

_said: list[Reason] = []  # at most one


def warn_unserved(
    reason: Reason,
    plan: RegionPlan,
    file: str,
    options: Options,
    *,
    by: str = "the interpreter",
) -> None:
    """Warn if this is the first loop that the backend of `options`, named by the user, leaves.

    It is run `by` another one.
    """
    if _said or not isinstance(reason, TargetLacksFeature | CompileFailed | DeviceFull):
        return
    if all(each.verdict == "sequential" for each in plan.loops):
        return
    _said.append(reason)
    warnings.warn_explicit(
        f"backend '{options.backend}' was asked for, and {by} runs this loop: "
        f"{reason.code} {reason.message} (said once; reports tell of every loop)",
        BackendWarning,
        file,
        plan.scop.span.line,
    )
