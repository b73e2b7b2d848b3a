"""The catalogue of what the analysis says of a loop: families AP0 to AP4, AP504 and AP900.

A class is a kind of reason; its docstring is the page that `autopar explain CODE` prints, with
the headings Why it blocks, Example, Use instead and References. Codes are never reused or
renumbered; AP207, AP212 and AP306 are kept for what later work may have to refuse.

AP0 no obstacle, AP1 source, AP2 syntax, AP3 model, AP4 dependence, AP9 internal. The reasons of
a call (AP5) lie in `analysis.facts.reasons`, those of a target (AP6) in `codegen.reasons`.
"""

from __future__ import annotations

from typing import ClassVar

from autopar.analysis.model.nouns import dataclass

from ..model.diagnostics import Reason
from .reasons_calls import FunctionNotKnown
from .reasons_data import IndexArrayWritten
from .reasons_dependence import (
    CarriedAnti,
    CarriedFlow,
    CarriedOutput,
    OrderSensitiveUpdate,
    ScalarCarried,
    Scan,
)
from .reasons_draws import DrawnFirst, DrawsInBetween
from .reasons_fission import IndependentMap, PartlyAhead, RunInStretches
from .reasons_loops import (
    AppendOutOfOrder,
    Comprehension,
    EarlyExit,
    MovingBar,
    OpaqueIterable,
    WhileLoop,
)
from .reasons_model import (
    AllocationEscapes,
    ArrayRebound,
    BudgetExhausted,
    DataDependentBound,
    InconsistentRank,
    NonAffineBound,
    NonAffineCondition,
    NonAffineSubscript,
    NonConstantStep,
    ScalarUsedAsArray,
    UnknownExtents,
    UnsupportedType,
)
from .reasons_objects import ObjectChanges
from .reasons_syntax import (
    ArrayStatement,
    AttributeWrite,
    CannotInline,
    ExceptionHandling,
    UnknownCall,
    UnsupportedExpression,
    UnsupportedStatement,
)

__all__ = [
    "REASONS",
    "AllocationEscapes",
    "AppendOutOfOrder",
    "ArrayRebound",
    "ArrayStatement",
    "AttributeWrite",
    "BudgetExhausted",
    "CannotInline",
    "CarriedAnti",
    "CarriedFlow",
    "CarriedOutput",
    "Comprehension",
    "ConditionalParallel",
    "DataDependentBound",
    "DrawnFirst",
    "DrawsInBetween",
    "EarlyExit",
    "ExceptionHandling",
    "FunctionNotKnown",
    "InconsistentRank",
    "IndependentMap",
    "IndexArrayWritten",
    "InternalFault",
    "MovingBar",
    "NoObstacle",
    "NonAffineBound",
    "NonAffineCondition",
    "NonAffineSubscript",
    "NonConstantStep",
    "ObjectChanges",
    "OpaqueIterable",
    "OrderSensitiveUpdate",
    "PartlyAhead",
    "ReductionOnly",
    "RunInStretches",
    "ScalarCarried",
    "ScalarUsedAsArray",
    "Scan",
    "SourceUnavailable",
    "UnknownCall",
    "UnknownExtents",
    "UnsupportedExpression",
    "UnsupportedStatement",
    "UnsupportedType",
    "WhileLoop",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoObstacle(Reason):
    """The loop is parallel: its iterations may run in any order, for every parameter value.

    Why it blocks: it does not. No iteration reads or overwrites what another one wrote, once
        the names that the report lists as private are given to each iteration.

    Example:
        for i in range(n):
            b[i] = 2 * a[i]

    Use instead: nothing; the loop is ready. What the verdict takes for granted stands under
        `assumes` in the report and is checked at every call.

    Right to refuse: it refuses nothing here; a loop that is too short for threads runs on one
        (AP602).

    References: Bernstein, Analysis of Programs for Parallel Processing, IEEE Transactions on
        Electronic Computers, 1966.
    """

    code: ClassVar[str] = "AP001"
    loop_variable: str

    @property
    def message(self) -> str:
        return f"no dependence is carried by {self.loop_variable}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionOnly(Reason):
    """The loop is a reduction: all it carries are associative updates of a few variables.

    Why it blocks: it does not. The iterations may run in any order when each thread reduces its
        share and the shares are combined at the end. A long float sum is then added in another
        order, the same for every number of threads (AP605).

    Example:
        for i in range(n):
            s += a[i]

    Use instead: `strict=True` where a float sum must keep the interpreter's order.

    Right to refuse: it does where the last bits of a sum matter to you: `strict=True` keeps the
        interpreter's order.

    References: Allen and Kennedy, Optimizing Compilers for Modern Architectures, Morgan
        Kaufmann, 2001, section 5.6.
    """

    code: ClassVar[str] = "AP002"
    loop_variable: str
    targets: tuple[str, ...]

    @property
    def message(self) -> str:
        verb = "is" if len(self.targets) == 1 else "are"
        names = ", ".join(self.targets)
        return f"no dependence is carried by {self.loop_variable} once {names} {verb} reduced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalParallel(Reason):
    """The loop is parallel under a condition that is decided at each call.

    Why it blocks: it does not where the condition holds. Elsewhere an iteration depends on
        another one, and the call runs the loop in order.

    Example:
        for i in range(n):
            a[i + k] = a[i]

    Use instead: nothing; or write the known value in place of the unknown one, so that the loop
        is parallel for every call.

    Right to refuse: at every call for which the condition does not hold; then the order is part
        of the result.

    References: Rus, Rauchwerger and Hoeflinger, Hybrid Analysis: Static and Dynamic Memory
        Reference Analysis, ICS 2002. Doerfert, Grosser and Hack, Optimistic Loop
        Optimization, CGO 2017.
    """

    code: ClassVar[str] = "AP003"
    loop_variable: str
    condition: str  # a Python expression

    @property
    def message(self) -> str:
        return f"no dependence is carried by {self.loop_variable} when {self.condition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceUnavailable(Reason):
    """The source of the function cannot be read, or is not that of an ordinary function.

    Why it blocks: autopar reads loops from source text. There is none for functions of the
        interactive prompt (before Python 3.13), of `exec` and of C extensions; lambdas,
        generators, coroutines and classes have no body of the kind that is analysed. They work as
        if undecorated.

    Example:
        double = autopar.parallel(lambda a: [2 * x for x in a])

    Use instead: put the function into a file or a notebook cell, written with `def`.

    Right to refuse: always: what cannot be read cannot be proven, and text that is not what
        runs would be worse than none.

    References: Python library reference, inspect.getsource.
    """

    code: ClassVar[str] = "AP101"
    name: str
    detail: str  # a fragment: "it was defined by exec"

    @property
    def message(self) -> str:
        return f"The source of '{self.name}' is not available: {self.detail}."

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Define the function with 'def' in a file or a notebook cell.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalFault(Reason):
    """autopar itself failed; the interpreter ran the code instead.

    Why it blocks: a stage met a state that it holds to be impossible. That is a fault of autopar
        and not of the program, which ran as if undecorated.

    Example: none is known; each one is a bug.

    Use instead: report it, with the output of `AUTOPAR_DUMP=dir` and `autopar info`.

    Right to refuse: never; please report it with `autopar info` and the loop.

    References: CONTRIBUTING.md, reporting a fault.
    """

    code: ClassVar[str] = "AP900"
    stage: str
    detail: str

    @property
    def message(self) -> str:
        return f"The stage '{self.stage}' of autopar failed: {self.detail.rstrip('.')}."

    @property
    def notes(self) -> tuple[str, ...]:
        return ("The interpreter runs this code; its results are not affected.",)

    @property
    def hints(self) -> tuple[str, ...]:
        return ("Please report it with the output of 'autopar info'.",)


# Listed by hand: slots=True builds every class twice, so a catalogue that classes enter by
# themselves (__init_subclass__, __subclasses__) would hold ghosts.
REASONS: tuple[type[Reason], ...] = (
    NoObstacle,
    ReductionOnly,
    ConditionalParallel,
    SourceUnavailable,
    UnsupportedStatement,
    EarlyExit,
    UnknownCall,
    CannotInline,
    FunctionNotKnown,
    PartlyAhead,
    RunInStretches,
    DrawnFirst,
    DrawsInBetween,
    OpaqueIterable,
    MovingBar,
    ExceptionHandling,
    AttributeWrite,
    UnsupportedExpression,
    WhileLoop,
    Comprehension,
    ArrayStatement,
    AppendOutOfOrder,
    IndependentMap,
    NonAffineSubscript,
    NonAffineBound,
    NonAffineCondition,
    DataDependentBound,
    ArrayRebound,
    BudgetExhausted,
    NonConstantStep,
    InconsistentRank,
    ScalarUsedAsArray,
    IndexArrayWritten,
    AllocationEscapes,
    UnknownExtents,
    ObjectChanges,
    CarriedFlow,
    CarriedAnti,
    CarriedOutput,
    ScalarCarried,
    OrderSensitiveUpdate,
    Scan,
    UnsupportedType,
    InternalFault,
)
