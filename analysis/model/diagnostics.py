"""Reasons: why a loop is not taken over, as values.

Refusing a loop is a result of the analysis, not an exception. Each kind of refusal is a
frozen class whose docstring is its page in the manual; the instances carry what the
message needs. `explain` prints them, the corpus study counts their codes.
"""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from .source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One obstacle, at the smallest span that is at fault."""

    code: ClassVar[str]
    span: Span

    @property
    def message(self) -> str:
        """One sentence in the user's words."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[str, ...]:
        """Facts that explain the message."""
        return ()

    @property
    def hints(self) -> tuple[str, ...]:
        """Actions that the user can take now."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a pass returns instead of its noun: every reason it found, the first one first."""

    reasons: tuple[Reason, ...]
