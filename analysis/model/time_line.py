"""Where the time of a call or of a program went, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from .nouns import dataclass
from .source import Span

What: TypeAlias = Literal["analysis", "compile", "transfer", "kernel", "interpreter"]
WHATS: tuple[What, ...] = ("analysis", "compile", "transfer", "kernel", "interpreter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What one call was predicted to take, in seconds; None where nobody could tell."""

    interpreter: float
    serial: float | None  # in kernels on one thread
    parallel: float | None  # on all
    touched_bytes: int | None  # distinct elements of arrays
    device: float | None = None  # on a device, copies included
    copied_bytes: int | None = None  # to the device and back

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "interpreter": self.interpreter,
            "serial": self.serial,
            "parallel": self.parallel,
            "bytes": self.touched_bytes,
            **({} if self.device is None else {"device": self.device}),
            **({} if self.copied_bytes is None else {"copied_bytes": self.copied_bytes}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLaunch:
    """The last launch of one kernel on a device: what decides how many of its threads run."""

    kernel: str
    blocks: int
    threads: int  # of a block
    registers: int | None  # of a thread; None where nobody knows, as in the simulator
    local_bytes: int | None  # of a thread: what does not fit into registers

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kernel": self.kernel,
            "blocks": self.blocks,
            "threads": self.threads,
            "registers": self.registers,
            "local_bytes": self.local_bytes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRun:
    """What the last entry of a nest did on a device."""

    copied_in: int  # bytes, to the device
    copied_out: int  # at its end; what stays there comes back when somebody asks for it
    launches: tuple[DeviceLaunch, ...]  # one for each kernel, in the order of their first ones

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "copied_in": self.copied_in,
            "copied_out": self.copied_out,
            "launches": [each.to_dict() for each in self.launches],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """What one nest spent on one thing, all entries together; times in seconds."""

    what: What
    file: str
    loop: str | None  # the id of the nest's row in the report; None: not for one nest
    span: Span | None
    calls: int  # 0: nobody counted them
    begun: float | None  # of the first entry; None where native code counted alone
    ended: float | None  # of the last entry
    seconds: float | None  # of all of them; None where nobody measured
    predicted: Predicted | None = None  # of one entry
    code: str | None = None  # why it stayed in the interpreter
    at_most: float | None = None  # where nobody measured: `seconds` are no more than these
    device: DeviceRun | None = None  # of one entry, where kernels ran on a device

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "what": self.what,
            "file": self.file,
            "loop": self.loop,
            "line": None if self.span is None else self.span.line,
            "calls": self.calls,
            "begin": self.begun,
            "end": self.ended,
            "seconds": self.seconds,
            "predicted": None if self.predicted is None else self.predicted.to_dict(),
            "code": self.code,
            "at_most": self.at_most,
            **({} if self.device is None else {"device": self.device.to_dict()}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """What happened between the begin of a call, or of a program, and its end."""

    seconds: float | None  # in all; None where the end is open
    spells: tuple[Spell, ...]  # in the order of their begins

    def spent(self) -> dict[What, float]:
        """Return the seconds of each kind; what is no other is the interpreter's."""
        found: dict[What, float] = dict.fromkeys(WHATS, 0.0)
        for each in self.spells:
            if each.what != "interpreter":
                found[each.what] += each.seconds or 0.0
        if self.seconds is None:
            del found["interpreter"]
        else:
            found["interpreter"] = max(0.0, self.seconds - sum(found.values()))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "seconds": self.seconds,
            "spent": self.spent(),
            "spells": [each.to_dict() for each in self.spells],
        }


def in_order(spells: Iterable[Spell]) -> tuple[Spell, ...]:
    """Return `spells` by their begins, those that have none first."""
    return tuple(sorted(spells, key=lambda each: each.begun or 0.0))


def time_in_cell(time: TimeLine, cell: int | None) -> TimeLine:
    """Return the time line of a cell of a notebook, whose loops have the cell in their ids."""
    if cell is None:
        return time
    spells = (
        each if each.loop is None else replace(each, loop=f"cell{cell}:{each.loop}")
        for each in time.spells
    )
    return replace(time, spells=tuple(spells))
