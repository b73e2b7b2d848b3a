"""What a report says in words, whatever it looks like: the same for terminal and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from autopar.analysis.model.report import FunctionReport, LoopReport, Ran, Report
from autopar.analysis.model.time_line import DeviceRun, Predicted

from .durations import describe_seconds
from .excerpt import render_diagnostic

# Of these loops there is nothing to explain: they run in parallel as they stand.
SELF_EXPLANATORY = ("parallel", "reduction")


def summary(report: Report) -> str:
    """Return one line: the file, and how many of its loops got which verdict."""
    verdicts = Counter(loop.verdict for function in report.functions for loop in function.loops)
    total = verdicts.total()
    if total == 0:
        return f"{report.file}: no loops"
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    return f"{report.file}: {total} {'loop' if total == 1 else 'loops'}: {counts}"


def title_of(function: FunctionReport) -> str:
    """Return the name of `function` and where it stands."""
    if function.cell is not None:
        return f"{function.name} (cell {function.cell}, line {function.line})"
    return f"{function.name} (line {function.line})"


def describe_ran(ran: Ran | None, verdict: str = "parallel") -> str:
    """Return where and for how long a loop ran: "cpu, 100 calls, 12.0 ms"."""
    if ran is None:
        # Nobody counts the runs of a loop that has no guard.
        return "interpreter" if verdict == "unsupported" else "not run"
    calls = "1 call" if ran.calls == 1 else f"{ran.calls:,} calls"
    parts = [ran.backend, calls]
    if ran.seconds is not None:
        parts.append(describe_seconds(ran.seconds))
    text = ", ".join(parts) + _prediction(ran)
    return f"{text}: {ran.note}" if ran.note else text


def _prediction(ran: Ran) -> str:
    """Return what a call was predicted to take: where it ran, and in the interpreter."""
    if ran.backend == "cuda":
        device = None if ran.predicted is None else ran.predicted.device
        if ran.predicted is None or device is None:
            return ""
        kernels = [e for e in (ran.predicted.serial, ran.predicted.parallel) if e is not None]
        others = f", {describe_seconds(min(kernels))} on the CPU" if kernels else ""
        return f" (predicted a call: {describe_seconds(device)}{others})"
    return describe_prediction(ran.predicted, is_left=ran.backend == "interpreter")


def describe_prediction(predicted: Predicted | None, *, is_left: bool) -> str:
    """Return what a call was predicted to take, in brackets; "" where nobody predicted it."""
    if predicted is None:
        return ""
    plain = f"{describe_seconds(predicted.interpreter)} in the interpreter"
    kernels = [e for e in (predicted.serial, predicted.parallel) if e is not None]
    if is_left or not kernels:
        return f" (predicted a call: {plain})"
    return f" (predicted a call: {describe_seconds(min(kernels))}, {plain})"


def describe_device(run: DeviceRun) -> str:
    """Return what an entry did on a device; of its kernels the one that has most blocks."""
    copied = f"; {_bytes(run.copied_in)} copied there, {_bytes(run.copied_out)} back"
    if not run.launches:
        return copied
    largest = max(run.launches, key=lambda each: each.blocks)
    blocks = "a block" if largest.blocks == 1 else f"{largest.blocks:,} blocks"
    shape = f"; {blocks} of {largest.threads} threads"
    if largest.registers is None:
        return copied + shape
    spilt = f", {largest.local_bytes} bytes of local memory" if largest.local_bytes else ""
    return f"{copied}{shape} with {largest.registers} registers each{spilt}"


def _bytes(count: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} bytes"


def describe_reason(loop: LoopReport) -> str:
    """Return the code and the reason, with what is private, reduced and transformed."""
    more = loop.private or loop.reductions or loop.transform
    parts = [f"{loop.code} {loop.reason.removesuffix('.') if more else loop.reason}"]
    for name, values in (
        ("private", loop.private),
        ("reductions", loop.reductions),
        ("transform", loop.transform),
    ):
        if values:
            parts.append(f"{name}: {', '.join(values)}")
    return "; ".join(parts)


def diagnostics_of(report: Report, function: FunctionReport) -> Iterator[str]:
    """Yield the diagnostics of `function`; what several loops have in common comes once."""
    if function.refusal is not None:
        yield render_diagnostic(function.refusal, report, function, ())
    shown = set()
    for loop in function.loops:
        for reason in () if loop.verdict in SELF_EXPLANATORY else loop.reasons:
            key = (reason.code, reason.span, reason.message)
            if key not in shown:
                shown.add(key)
                yield render_diagnostic(reason, report, function, loop.dependences)
