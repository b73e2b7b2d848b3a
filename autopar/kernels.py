"""The kernels of one region: those that were made, and how one is found on disk or compiled.

Each is known by the types of the arguments and by the conditional loops that hold; `None` is never
an answer that lasts: what could not be compiled stays as the reason why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

from autopar.analysis.model.diagnostics import Reason, Refusal
from autopar.analysis.model.nouns import dataclass
from autopar.analysis.model.plan import RegionPlan
from autopar.analysis.model.source import Span
from autopar.analysis.model.types import LiveInType
from autopar.analysis.passes.reasons import InternalFault
from autopar.codegen.compile import compiler_errors
from autopar.codegen.forks import Lock
from autopar.codegen.reasons import CompileFailed, NotProfitable
from autopar.codegen.spent import spending

from .apart import Apart, is_of_use
from .options import Options
from .reanalysis import Allowance
from .sizes import Sizes
from .stacks import has_little_stack
from .uncollected import uncollected
from .variant import Target, Variant, argument_types

LOG = logging.getLogger("autopar")

Key = tuple[Any, ...]  # types of the arguments, and which conditional loops hold

# More kinds of arguments than this, and a region is left to the interpreter.
_MOST_VARIANTS = 16


@dataclass(slots=True, kw_only=True, eq=False)
class Kernels:
    """The variants of one region that were asked for so far."""

    name: str  # of the region
    file: str
    plan: RegionPlan
    options: Options
    scalars: tuple[str, ...]  # the arguments whose type matters and that are no arrays
    sizes: Sizes
    allowance: Allowance
    lock: Lock
    kept_as: str | None = None  # stands for the plan in names of the cache
    made: dict[Key, Variant | Reason] = field(default_factory=dict)
    # Those that another thread makes, and nobody has fetched.
    begun: dict[Key, Apart[Variant | Reason]] = field(default_factory=dict)
    absent: set[Key] = field(default_factory=set)  # those that are not on disk
    ran: set[int] = field(default_factory=set)  # identities of variants that ran to their end

    @property
    def target(self) -> Target:
        """Where they run."""
        return "cuda" if self.options.backend == "cuda" else "cpu"

    def variants(self) -> Iterator[Variant]:
        """Yield those that run."""
        return (each for each in list(self.made.values()) if isinstance(each, Variant))

    def types(self, named: dict[str, Any]) -> dict[str, LiveInType] | Reason:
        """Return the types of the arguments, or why no kernel takes one."""
        return argument_types(self.plan, named, self.scalars)

    def is_kept(self, key: Key, named: dict[str, Any], holding: frozenset[int]) -> bool:
        """Return whether some process has kept the kernel, so that it is only loaded."""
        if key in self.absent:
            return False
        types = self.types(named)
        if not isinstance(types, Reason) and self.options.backend == "auto":
            from . import forms

            place: tuple[Target, str, str] = ("cpu", self.name, self.file)
            if forms.is_kept(forms.name_of(self.kept_as, types, holding, place, self.options)):
                return True
        self.absent.add(key)
        return False

    def make(
        self,
        key: Key,
        named: dict[str, Any],
        holding: frozenset[int],
        is_needed: Callable[[], bool],
    ) -> Variant | Reason:
        """Return the variant for `key`, made if there was none, or why there is none.

        One that `is_needed` for the result takes the place of another where there are too many.
        """
        with self.lock:
            if key in self.made:
                return self.made[key]
            if has_little_stack():  # the next call may come from another thread
                detail = "the stack of this thread is too small for a compiler"
                return CompileFailed(span=self._span, target=self.target, detail=detail)
            if len(self.made) >= _MOST_VARIANTS:
                if not is_needed():
                    return self._too_many()
                del self.made[next(iter(self.made))]
            with uncollected(), spending("compile"):
                made = self._made(key, named, holding)
            self.made[key] = made
            outcome = made.target if isinstance(made, Variant) else f"{made.code}: {made.message}"
            LOG.debug("%s: %s", self.name, outcome)
            return made

    def renew(
        self,
        key: Key,
        named: dict[str, Any],
        holding: frozenset[int],
        is_needed: Callable[[], bool],
    ) -> None:
        """Make the form for sizes like these in the place of the one there is."""
        known = self.made.pop(key)
        if isinstance(self.make(key, named, holding, is_needed), Reason):
            self.made[key] = known

    def give_up(self, variant: Variant, error: Exception) -> Reason:
        """Take note that a variant could not be compiled after all; return that reason."""
        failed = self._compile_failed(variant.target, error)
        self.made = {key: failed if each is variant else each for key, each in self.made.items()}
        return failed

    def _made(self, key: Key, named: dict[str, Any], holding: frozenset[int]) -> Variant | Reason:
        """Return what `_make` does; where Ctrl-C comes first, that goes on for the next call."""

        def make() -> Variant | Reason:
            return self.allowance.watch(lambda: self._make(named, holding), self._span)

        begun = self.begun.get(key)
        if begun is None or begun.is_lost:
            if self.target != "cpu" or not is_of_use():  # a device belongs to its thread
                return make()
            begun = self.begun[key] = Apart(make)
        found = begun.result()
        self.begun.pop(key, None)
        return found

    def _make(self, named: dict[str, Any], holding: frozenset[int]) -> Variant | Reason:
        types = self.types(named)
        if isinstance(types, Reason):
            return types
        from . import forms

        try:
            known = (types, holding, (self.target, self.name, self.file), self.options)
            is_large = self.sizes.are_large(named)
            name = forms.name_of(self.kept_as, *known, is_large=is_large)
            form = forms.fetch(name)
            if form is not None:
                return forms.variant_of(form, self.options)
            from .variants import make_variant

            made = make_variant(self.plan, *known, is_large=is_large, name=name)
        except compiler_errors() as error:
            return self._compile_failed(self.target, error)
        except Exception as error:  # a fault of ours must not become the user's (AP900)
            LOG.exception("a kernel of %s could not be made", self.name)
            detail = f"{type(error).__name__}: {error}"
            return InternalFault(span=self._span, stage="kernel", detail=detail)
        return made.reasons[0] if isinstance(made, Refusal) else made

    @property
    def _span(self) -> Span:
        return self.plan.scop.span

    def _too_many(self) -> Reason:
        detail = f"{_MOST_VARIANTS} kinds of arguments have been compiled already"
        return NotProfitable(span=self._span, detail=detail)

    def _compile_failed(self, target: Target, error: Exception) -> Reason:
        detail = next(iter(str(error).strip().splitlines()), repr(error))
        return CompileFailed(span=self._span, target=target, detail=detail)
